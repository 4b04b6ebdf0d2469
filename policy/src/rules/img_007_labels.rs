//! IMG-007: the image says where it comes from, and that is what is attested.
//!
//! Keys: <https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md>. Provenance: SLSA v1,
//! `resolvedDependencies`, and v0.2, `materials`.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::{EvidenceKind, decide::Action};
use jiff::Timestamp;
use plimsoll_model::{Severity, finding::Place, image::Image};
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "IMG-007",
    name: "img_007_labels",
    title: "the labels that are asked for are there and well-formed, and the revision is the attested commit",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "By its labels people find the source of an image in an incident. Labels can say anything: where verified provenance names the commit, they have to name the same.",
    mend: "set the labels in the build, from what it was built from: `--label org.opencontainers.image.revision=\"$(git rev-parse HEAD)\"`",
    bad: "LABEL org.opencontainers.image.revision=latest",
    good: "LABEL org.opencontainers.image.revision=4f2a9c1e7d…   # the commit that provenance names",
    equivalents: &["DL3049", "DL3052", "DL3053", "DL3054", "DL3055"],
    about: &[About::Image],
    parameters: &[Parameter {
        name: "require",
        kind: ParameterKind::Texts,
        help: "labels or annotations that have to be there (none)",
    }],
    check,
};

const PREFIX: &str = "org.opencontainers.image.";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let missing = context.texts("require").iter().filter(|name| value(image, name).is_none());
    let missing = missing.map(|name| {
        let title = format!("the image has no label `{name}`");
        context.fail(place(name), title, "no such label or annotation", "a value")
    });
    let malformed = ["created", "revision", "source", "url", "documentation"].into_iter();
    let malformed = malformed.filter_map(|short| {
        let name = format!("{PREFIX}{short}");
        let (value, expected) = (value(image, &name)?, form(short, value(image, &name)?)?);
        let title = format!("the label `{name}` is not what it is to be");
        Some(context.fail(place(&name), title, value, expected))
    });
    missing.chain(malformed).chain(contradicted(context, image)).collect()
}

fn place(name: &str) -> Place {
    Place::Config { field: format!("config.Labels.{name}") }
}

/// What a label says, or where there is none, an annotation.
fn value<'i>(image: &'i Image, name: &str) -> Option<&'i str> {
    let value = image.config.labels.get(name).or_else(|| image.annotations.get(name))?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// What was expected in the place of a value; `None` where it is well-formed.
fn form(short: &str, value: &str) -> Option<&'static str> {
    let is_url = || {
        value.split_once("://").is_some_and(|(scheme, rest)| {
            matches!(scheme, "https" | "http" | "git" | "ssh" | "git+https" | "git+ssh")
                && !rest.is_empty()
        }) || value.starts_with("git@")
    };
    match short {
        "created" => value.parse::<Timestamp>().is_err().then_some("a time as of RFC 3339"),
        "revision" => (value == "latest" || value.contains(char::is_whitespace))
            .then_some("the commit, or another name of one state of the source"),
        _ => (!is_url()).then_some("a URL"),
    }
}

/// Whether the revision is another than the commit that verified provenance names, or it can not be told because that names none.
fn contradicted(context: &RuleContext<'_>, image: &Image) -> Option<Raised> {
    let name = format!("{PREFIX}revision");
    let stated = value(image, &name)?;
    let provenance = context.facts().evidence?.get(&EvidenceKind::Provenance)?;
    let predicates = provenance.evidence().iter().map(|evidence| &evidence.facts().predicate);
    let mut predicates = predicates.peekable();
    predicates.peek()?;
    let commits: BTreeSet<String> = predicates.flat_map(|predicate| commits(predicate)).collect();
    if commits.iter().any(|commit| commit.eq_ignore_ascii_case(stated)) {
        return None;
    }
    if commits.is_empty() {
        let title = "it can not be told whether the image names the commit of its provenance";
        let found = "provenance that names no commit";
        return Some(context.unknown(
            place(&name),
            title,
            found,
            "provenance that names the commit",
        ));
    }
    let title = "the image names another commit than its provenance";
    let expected = commits.into_iter().collect::<Vec<_>>().join(" or ");
    Some(context.fail(place(&name), title, stated, expected))
}

/// Where BuildKit says which state of a repository a local context was.
const LOCAL: [&str; 2] = [
    "/metadata/https:~1~1mobyproject.org~1buildkit@v1#metadata/vcs/revision",
    "/runDetails/metadata/buildkit_metadata/vcs/revision",
];

/// The commits that a predicate says the image was built from.
fn commits(predicate: &str) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<Value>(predicate) else { return Vec::new() };
    let first = document.pointer("/buildDefinition/resolvedDependencies");
    let lists = first.into_iter().chain(document.get("materials"));
    let digests = lists.filter_map(Value::as_array).flatten().filter_map(|of| {
        let is_git = of.get("uri")?.as_str()?.starts_with("git+");
        let digest = of.get("digest")?;
        let commit = digest.get("gitCommit").or_else(|| digest.get("sha1").filter(|_| is_git))?;
        commit.as_str().map(str::to_owned)
    });
    let local = LOCAL.iter().filter_map(|at| document.pointer(at)?.as_str());
    // `…-dirty` is no commit.
    let is_commit = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digests.chain(local.filter(is_commit).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::evidence::{Evidence, EvidenceFacts, Presence, Signer};
    use serde_json::json;

    const REVISION: &str = "org.opencontainers.image.revision";
    const COMMIT: &str = "4f2a9c1e7d00112233445566778899aabbccddee";

    fn case(labels: &[(&str, &str)]) -> Case {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let labels = labels.collect();
        Case::default().image_with(&["a"], |config| config.labels = labels)
    }

    #[expect(clippy::disallowed_methods, reason = "tests make their evidence")]
    fn attested(case: Case, predicate: &Value) -> Case {
        let evidence = Evidence::attested(EvidenceFacts {
            subject: digest("manifest"),
            predicate_type: String::new(),
            signer: Signer::Key { id: digest("key") },
            statement: digest("statement"),
            bundle: digest("bundle"),
            signed: None,
            predicate: predicate.to_string(),
        });
        case.evidence(EvidenceKind::Provenance, Presence::Present(vec![evidence]))
    }

    #[test]
    fn what_is_asked_for_has_to_be_there_as_a_label_or_an_annotation() {
        let policy = format!("rules: {{IMG-007: {{require: [{REVISION}, vendor]}}}}");
        let full = case(&[(REVISION, COMMIT)]).annotated("vendor", "corp").policy(&policy);
        full.check("IMG-007", Expect::Pass);
        for labels in [&[][..], &[("vendor", " "), (REVISION, "")]] {
            assert_eq!(case(labels).policy(&policy).findings("IMG-007").len(), 2);
        }
        case(&[]).check("IMG-007", Expect::Pass);
    }

    #[test]
    fn what_is_there_has_to_be_well_formed() {
        for (short, bad, good) in [
            ("created", "yesterday", "2026-06-01T00:00:00+02:00"),
            ("revision", "latest", "v1.2.3"),
            ("revision", "a b", COMMIT),
            ("source", "corp/app", "https://git.corp/app"),
            ("url", "https://", "git@git.corp:app.git"),
        ] {
            let name = format!("{PREFIX}{short}");
            let case_of = |value| case(&[(&name, value)]);
            case_of(bad).check("IMG-007", Expect::Fail);
            let place = Place::Config { field: format!("config.Labels.{name}") };
            assert_eq!(case_of(bad).findings("IMG-007")[0].finding.place, place);
            case_of(good).check("IMG-007", Expect::Pass);
        }
    }

    #[test]
    fn the_revision_is_the_commit_of_verified_provenance() {
        let of = |commit: &str| {
            [
                json!({"buildDefinition": {"resolvedDependencies": [
                    {"uri": "git+https://git.corp/app", "digest": {"gitCommit": commit}}]}}),
                json!({"materials": [
                    {"uri": "git+https://git.corp/app", "digest": {"sha1": commit}},
                    {"uri": "https://files.corp/a.tar", "digest": {"sha1": "00"}}]}),
            ]
        };
        for predicate in of(COMMIT) {
            attested(case(&[(REVISION, COMMIT)]), &predicate).check("IMG-007", Expect::Pass);
            attested(case(&[]), &predicate).check("IMG-007", Expect::Pass);
            let other = attested(case(&[(REVISION, "v1")]), &predicate);
            let found = other.findings("IMG-007");
            assert_eq!((found.len(), &*found[0].finding.expected), (1, COMMIT));
        }
        for local in [
            json!({"metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"revision": COMMIT}}}}),
            json!({"runDetails": {"metadata": {"buildkit_metadata": {"vcs": {"revision": COMMIT}}}}}),
        ] {
            attested(case(&[(REVISION, COMMIT)]), &local).check("IMG-007", Expect::Pass);
            attested(case(&[(REVISION, "00")]), &local).check("IMG-007", Expect::Fail);
        }
    }

    #[test]
    fn provenance_that_names_no_commit_leaves_the_revision_untold() {
        let dirty = format!("{COMMIT}-dirty");
        for nothing in [
            json!({}),
            json!([]),
            json!({"materials": [{"digest": {"sha1": "0"}}]}),
            json!({"runDetails": {"metadata": {"buildkit_metadata": {"vcs": {"revision": dirty}}}}}),
        ] {
            let untold = attested(case(&[(REVISION, COMMIT)]), &nothing);
            untold.check("IMG-007", Expect::Unknown);
            let place = Place::Config { field: format!("config.Labels.{REVISION}") };
            assert_eq!(untold.findings("IMG-007")[0].finding.place, place);
            attested(case(&[]), &nothing).check("IMG-007", Expect::Pass);
        }
    }
}
