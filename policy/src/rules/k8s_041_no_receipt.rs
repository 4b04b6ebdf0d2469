//! K8S-041: what is deployed has passed a gate for the place that it is deployed from.
//!
//! <https://slsa.dev/spec/v1.1/verification_summary#how-to-verify>: the summary is signed by who is believed about summaries, is about
//! this digest and this place, and says `PASSED`. That has been verified where evidence was looked for; here it is only asked
//! whether there is such a one.

use super::{About, Raised, Rule, RuleContext};
use crate::{
    EvidenceKind,
    decide::Action,
    dockerfile::{Input, Source},
    record::RecordedManifests,
};
use plimsoll_model::{
    Severity,
    evidence::Presence,
    finding::Place,
    reference::{self, ImageName, Pinned},
};

pub(crate) const RULE: Rule = Rule {
    id: "K8S-041",
    name: "k8s_041_no_receipt",
    title: "every image that is deployed has the receipt of a gate",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "An image that no gate let through was not scanned, not judged and not approved, whoever pushed it. The receipt is about one digest in one repository, so that it can not be borrowed.",
    mend: "promote the image with `plimsoll promote`, and name the digest that was promoted",
    bad: "image: registry.corp/prod/app@sha256:…   # and no signed summary says that it passed for registry.corp/prod/app",
    good: "image: registry.corp/prod/app@sha256:…   # with the receipt of its promotion beside it",
    equivalents: &["Binary Authorization"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// Off where nobody is believed about summaries by name: then none would ever pass.
fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut signers = context.policy().evidence().signers.iter();
    if !signers.any(|signer| signer.kinds.contains(&EvidenceKind::Vsa)) {
        return Vec::new();
    }
    let facts = context.facts();
    let recorded = facts.recorded_manifests.filter(|_| facts.manifests.is_empty());
    if recorded.is_some_and(RecordedManifests::is_without_receipts) {
        // Whoever judges the record says that this is not judged.
        return Vec::new();
    }
    let images = context.cluster().images.iter();
    images.filter_map(|(place, input)| judge(context, place.clone(), input)).collect()
}

fn judge(context: &RuleContext<'_>, place: Place, input: &Input) -> Option<Raised> {
    let untold = |found: String, expected: &str| {
        let title =
            format!("it can not be told whether image `{}` has passed a gate", input.written);
        context.unknown(place.clone(), title, found, expected)
    };
    let name = match &input.source {
        Source::Image(name) => name,
        Source::Unresolved { variable } => {
            let found = format!("`{variable}`, which has no value that is known here");
            return Some(untold(found, "an image by its digest"));
        }
        // Of what is malformed, BASE-003 speaks.
        Source::Malformed(_) | Source::Stage(_) | Source::Scratch => return None,
    };
    if !is_asked_of(context, name) {
        return None;
    }
    let expected =
        format!("a passing summary for `{}`, by who is believed about `vsa`", name.repository);
    let Some(digest) = name.digest else {
        let found = format!("`{name}`, which may be another image tomorrow");
        let remedy = "name the image by the digest that was promoted";
        return Some(untold(found, "an image by its digest").with_remedy(remedy));
    };
    let Some(receipts) = context.facts().receipts else {
        let remedy = "give the receipts with `--bundle` or `--evidence`, or have them looked up with `--receipts`";
        return Some(
            untold("receipts were not looked for".to_owned(), &expected).with_remedy(remedy),
        );
    };
    let pinned = Pinned { place: reference::Place::Repository(name.repository.clone()), digest };
    match receipts.get(&pinned) {
        Some(Presence::Present(receipts)) if !receipts.is_empty() => None,
        Some(Presence::Present(_) | Presence::Absent { refused: 0 }) => {
            Some(missing(context, (place, input), "no summary of a gate".to_owned(), expected))
        }
        Some(Presence::Absent { refused }) => {
            let found = format!("no summary that holds for it; {refused} were refused");
            Some(missing(context, (place, input), found, expected))
        }
        Some(Presence::CouldNotTell { reason }) => Some(untold(reason.clone(), &expected)),
        None => Some(untold("receipts of this image were not looked for".to_owned(), &expected)),
    }
}

fn missing(
    context: &RuleContext<'_>,
    (place, input): (Place, &Input),
    found: String,
    expected: String,
) -> Raised {
    let title = format!("image `{}` has not passed a gate", input.written);
    context.fail(place, title, found, expected)
}

/// Where the policy says which images are one's own, it is these. Who may be trusted about others, BASE-001 and BASE-020 say.
fn is_asked_of(context: &RuleContext<'_>, name: &ImageName) -> bool {
    let promotion = context.policy().promotion();
    promotion.to.is_none() || promotion.is_destination(&name.repository)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::evidence::{Evidence, EvidenceFacts, Signer};

    const POLICY: &str = "evidence: {signers: [{key: gate.pub, for: [vsa]}]}";
    const OWN: &str = "evidence: {signers: [{key: gate.pub, for: [vsa]}]}\npromotion: {to: \"registry.corp/prod/*\"}";

    fn pod(image: &str) -> Case {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      image: {image}\n"
        );
        Case::default().policy(POLICY).kubernetes(&text)
    }

    fn app() -> String {
        at_digest("registry.corp/prod/app")
    }

    fn of(image: &str) -> Pinned {
        let name: ImageName = image.parse().unwrap();
        let place = reference::Place::Repository(name.repository);
        Pinned { place, digest: name.digest.unwrap() }
    }

    #[expect(clippy::disallowed_methods, reason = "a test stands in for the verifier")]
    fn present() -> Presence {
        Presence::Present(vec![Evidence::attested(EvidenceFacts {
            subject: digest("index"),
            predicate_type: "https://slsa.dev/verification_summary/v1".to_owned(),
            signer: Signer::Key { id: digest("key") },
            statement: digest("statement"),
            bundle: digest("bundle"),
            signed: None,
            predicate: "{}".to_owned(),
        })])
    }

    #[test]
    fn what_has_its_receipt_passes() {
        pod(&app()).receipt(of(&app()), present()).check("K8S-041", Expect::Pass);
        let tagged = app().replace("/app@", "/app:1@");
        pod(&tagged).receipt(of(&app()), present()).check("K8S-041", Expect::Pass);
    }

    #[test]
    fn what_has_none_fails_where_it_stands() {
        for (refused, found) in
            [(0, "no summary of a gate"), (2, "no summary that holds for it; 2 were refused")]
        {
            let case = pod(&app()).receipt(of(&app()), Presence::Absent { refused });
            case.check("K8S-041", Expect::Fail);
            assert_eq!(case.places("K8S-041"), [(6, 14)]);
            let judged = &case.findings("K8S-041")[0];
            assert_eq!((judged.finding.found.as_str(), judged.action), (found, Action::Deny));
        }
        let none = pod(&app()).receipt(of(&app()), Presence::Present(Vec::new()));
        none.check("K8S-041", Expect::Fail);
    }

    #[test]
    fn what_could_not_be_looked_up_can_not_be_told() {
        pod(&app()).check("K8S-041", Expect::Unknown);
        let reason = "the registry answered 503".to_owned();
        let case = pod(&app()).receipt(of(&app()), Presence::CouldNotTell { reason });
        case.check("K8S-041", Expect::Unknown);
        // The receipt of another repository, or of another digest, is none.
        for other in [
            at_digest("registry.corp/build/app"),
            at_digest("evil.io/prod/app"),
            format!("registry.corp/prod/app@{}", digest("other")),
        ] {
            pod(&app()).receipt(of(&other), present()).check("K8S-041", Expect::Unknown);
        }
        let tag = pod("registry.corp/prod/app:1").receipt(of(&app()), present());
        tag.check("K8S-041", Expect::Unknown);
        assert_eq!(tag.places("K8S-041"), [(6, 14)]);
        pod("'{{ .Values.image }}'").check("K8S-041", Expect::Unknown);
    }

    #[test]
    fn images_of_others_are_left_to_the_rules_about_bases() {
        let debian = at_digest("docker.io/library/debian");
        pod(&debian).policy(OWN).check("K8S-041", Expect::Pass);
        pod(&debian).check("K8S-041", Expect::Unknown);
        pod(&app()).policy(OWN).check("K8S-041", Expect::Unknown);
        // What only looks like one's own needs an approval, as all that is from elsewhere does.
        let evil = pod(&at_digest("evil.io/registry.corp/prod/app")).policy(OWN);
        evil.check("K8S-041", Expect::Pass);
        evil.check("BASE-001", Expect::Fail);
    }

    #[test]
    fn where_nobody_is_believed_about_receipts_none_is_asked_for() {
        for policy in [
            "",
            "evidence: {signers: [{key: a.pub}]}",
            "evidence: {signers: [{key: a.pub, for: [sbom]}]}",
        ] {
            pod(&app()).policy(policy).check("K8S-041", Expect::Pass);
        }
    }
}
