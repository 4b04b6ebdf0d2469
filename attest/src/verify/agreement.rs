//! Whether provenance says of the build what the certificate says.
//!
//! Who signs provenance writes it: a job can state another repository, commit or run than its own. The issuer of its token
//! did not let it choose. <https://slsa.dev/spec/v1.1/verifying-artifacts> leaves this to the verifier.

use crate::{claims::ProvenanceClaims, trust::TrustedSigner};
use plimsoll_model::{evidence::Signer, identity::BuildClaims};

/// Compares provenance with what is known of who signed it: the certificate, and the builders that this signer may speak for.
/// Nothing where neither is known.
pub(super) fn of_build(
    provenance: &ProvenanceClaims,
    (signer, as_whom): (&Signer, &[&TrustedSigner]),
) -> Result<Option<String>, String> {
    let builder = builder(provenance.builder_id.as_deref(), as_whom)?;
    let agreed = match signer {
        Signer::Identity(identity) => Some(compare(provenance, &identity.build)?),
        Signer::Key { .. } => None,
    };
    Ok(match (agreed, builder) {
        (Some(agreed), Some(builder)) => Some(format!("{agreed}; {builder}")),
        (agreed, builder) => agreed.or(builder),
    })
}

/// Whether the signer may speak for the builder; nothing where one of those as whom he is believed may for every builder.
fn builder(stated: Option<&str>, as_whom: &[&TrustedSigner]) -> Result<Option<String>, String> {
    let mut allowed = Vec::new();
    for trusted in as_whom {
        if trusted.builders.is_empty() {
            return Ok(None);
        }
        allowed.extend(&trusted.builders);
    }
    let Some(stated) = stated else { return Err("no builder".to_owned()) };
    if allowed.iter().any(|pattern| pattern.is_match(stated)) {
        Ok(Some(format!("the builder `{stated}`")))
    } else {
        Err(format!("the builder `{stated}`, about which this signer is not believed"))
    }
}

/// What both say, or what they say differently. Nothing is compared of which only one of them speaks.
pub(super) fn compare(
    provenance: &ProvenanceClaims,
    certificate: &BuildClaims,
) -> Result<String, String> {
    let mut agreed = Vec::new();
    for (what, stated, certified) in pairs(provenance, certificate) {
        let (Some(stated), Some(certified)) = (stated, certified) else { continue };
        if stated != certified {
            return Err(format!("{what} `{stated}`, where the certificate has `{certified}`"));
        }
        agreed.push(what);
    }
    Ok(if agreed.is_empty() { "nothing of which both speak".to_owned() } else { agreed.join(", ") })
}

type Pair = (&'static str, Option<String>, Option<String>);

fn pairs(provenance: &ProvenanceClaims, certificate: &BuildClaims) -> [Pair; 7] {
    let is_workflow = provenance.workflow_path.is_some();
    [
        ("repository", provenance.repository.clone(), certificate.repository.clone()),
        ("ref", provenance.reference.clone(), certificate.reference.clone()),
        ("commit", provenance.commit.clone(), certificate.commit.clone()),
        // `REPOSITORY/PATH@REF` in the certificate; no path has an `@`.
        ("workflow", workflow(provenance), certificate.config.as_deref().and_then(without_ref)),
        // Where a workflow of GitHub built, it is the one that signs; runners of GitLab are in no certificate.
        (
            "builder",
            provenance.builder_id.clone().filter(|_| is_workflow),
            certificate.signer.clone(),
        ),
        ("run", provenance.invocation_id.clone(), run(provenance, certificate)),
        ("runner", provenance.runner_environment.clone(), certificate.runner.clone()),
    ]
}

fn workflow(provenance: &ProvenanceClaims) -> Option<String> {
    let (repository, path) =
        provenance.repository.as_ref().zip(provenance.workflow_path.as_ref())?;
    Some(format!("{repository}/{path}"))
}

fn without_ref(config: &str) -> Option<String> {
    config.split_once('@').map(|(workflow, _)| workflow.to_owned())
}

/// The run in the form that the provenance has it in: GitLab's names jobs by number.
fn run(provenance: &ProvenanceClaims, certificate: &BuildClaims) -> Option<String> {
    let run = certificate.run.as_deref()?;
    let is_number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    if provenance.invocation_id.as_ref().is_some_and(is_number) {
        return run.rsplit_once("/-/jobs/").map(|(_, job)| job.to_owned());
    }
    Some(run.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SignerDemand,
        signers::{KeyKind, KeySigner},
    };
    use plimsoll_model::evidence::Unlogged;

    type Change = fn(&mut ProvenanceClaims);

    #[expect(clippy::unnecessary_wraps, reason = "every claim may be absent")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn certificate() -> BuildClaims {
        BuildClaims {
            signer: some("https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main"),
            repository: some("https://github.com/acme/app"),
            reference: some("refs/heads/main"),
            commit: some("aaaa"),
            config: some("https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main"),
            run: some("https://github.com/acme/app/actions/runs/1/attempts/1"),
            runner: some("github-hosted"),
            ..BuildClaims::default()
        }
    }

    fn provenance() -> ProvenanceClaims {
        ProvenanceClaims {
            builder_id: certificate().signer,
            repository: certificate().repository,
            reference: certificate().reference,
            commit: certificate().commit,
            workflow_path: some(".github/workflows/ci.yml"),
            invocation_id: certificate().run,
            runner_environment: certificate().runner,
            ..ProvenanceClaims::default()
        }
    }

    #[test]
    fn b6_each_claim_that_the_certificate_contradicts_is_told() {
        let all = "repository, ref, commit, workflow, builder, run, runner";
        assert_eq!(compare(&provenance(), &certificate()), Ok(all.to_owned()));
        let changes: [(&str, Change); 7] = [
            ("repository", |it| it.repository = some("https://github.com/acme/other")),
            ("ref", |it| it.reference = some("refs/tags/v1")),
            ("commit", |it| it.commit = some("bbbb")),
            ("workflow", |it| it.workflow_path = some(".github/workflows/release.yml")),
            ("builder", |it| it.builder_id = some("https://github.com/acme/shared@refs/heads/x")),
            ("run", |it| {
                it.invocation_id = some("https://github.com/acme/app/actions/runs/2/attempts/1");
            }),
            ("runner", |it| it.runner_environment = some("self-hosted")),
        ];
        for (what, change) in changes {
            let mut forged = provenance();
            change(&mut forged);
            let found = compare(&forged, &certificate()).unwrap_err();
            assert!(found.starts_with(&format!("{what} `")), "{found}");
            assert!(found.contains("where the certificate has `"), "{found}");
        }
    }

    fn by_key(builders: &[&str]) -> TrustedSigner {
        let key = KeySigner::generate(KeyKind::Ed25519).unwrap().public_key().clone();
        TrustedSigner {
            builders: builders.iter().map(|builder| builder.parse().unwrap()).collect(),
            ..TrustedSigner::of(SignerDemand::key(key, Unlogged::Accept))
        }
    }

    #[test]
    fn b07_a_builder_that_is_not_bound_to_the_signer_is_refused() {
        const BUILDER: &str = "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v1";
        let signer = Signer::Key { id: plimsoll_model::Digest::of(b"") };
        let judge = |builder: Option<&str>, as_whom: &[TrustedSigner]| {
            let builder_id = builder.map(str::to_owned);
            let provenance = ProvenanceClaims { builder_id, ..ProvenanceClaims::default() };
            of_build(&provenance, (&signer, as_whom.iter().collect::<Vec<_>>().as_slice()))
        };
        let bound = by_key(&[
            "https://gitlab.com/acme/app/-/runners/1",
            "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*",
        ]);
        let agreed = Ok(Some(format!("the builder `{BUILDER}`")));
        assert_eq!(judge(Some(BUILDER), std::slice::from_ref(&bound)), agreed);
        for stranger in [
            "https://github.com/acme/ci/.github/workflows/build.yml@refs/heads/v1",
            "https://github.com/evil/ci/.github/workflows/build.yml@refs/tags/v1",
            "https://gitlab.com/acme/app/-/runners/12",
            "https://evil.example/?https://gitlab.com/acme/app/-/runners/1",
            "",
        ] {
            let refused =
                format!("the builder `{stranger}`, about which this signer is not believed");
            let bound = std::slice::from_ref(&bound);
            assert_eq!(judge(Some(stranger), bound), Err(refused));
        }
        assert_eq!(judge(None, std::slice::from_ref(&bound)), Err("no builder".to_owned()));
        // Whom no builder is bound to may speak for each.
        assert_eq!(judge(Some("x"), &[bound.clone(), by_key(&[])]), Ok(None));
        // And each builder that is bound to one of those that the signer is believed as counts.
        let other = by_key(&["https://x.example/y"]);
        assert_eq!(judge(Some(BUILDER), &[other, bound]), agreed);
    }

    #[test]
    fn b6_a_job_of_gitlab_is_known_by_its_number() {
        let certificate = BuildClaims {
            run: some("https://gitlab.com/acme/app/-/jobs/17"),
            ..BuildClaims::default()
        };
        let job = |number: &str| ProvenanceClaims {
            invocation_id: some(number),
            builder_id: some("https://gitlab.com/acme/app/-/runners/3"),
            ..ProvenanceClaims::default()
        };
        assert_eq!(compare(&job("17"), &certificate), Ok("run".to_owned()));
        assert!(compare(&job("7"), &certificate).is_err());
    }

    #[test]
    fn what_only_one_of_them_says_is_compared_with_nothing() {
        let nothing = Ok("nothing of which both speak".to_owned());
        assert_eq!(compare(&ProvenanceClaims::default(), &certificate()), nothing);
        assert_eq!(compare(&provenance(), &BuildClaims::default()), nothing);
    }
}
