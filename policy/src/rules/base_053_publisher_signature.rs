//! BASE-053: what a publisher signs was approved by its signature.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    bases::{Entry, Publisher, PublisherSignature},
    decide::Action,
    policy::AllowedBase,
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-053",
    name: "base_053_publisher_signature",
    title: "the base was approved with the signature of its publisher, where the policy demands one",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A name says where an image is fetched from. The signature says who made it, also where the registry or somebody's password is in other hands.",
    mend: "approve it with `plimsoll base approve`, which verifies the signature and keeps whose it was",
    bad: "bases: {allow: [{repository: \"cgr.dev/chainguard/*\", signer: chainguard}]}   # and an entry of the lock without a signature",
    good: "the same, and an entry that was approved by it",
    equivalents: &["CIS 4.5", "CIS 4.12", "policy-controller"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes, About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let bases = context.policy().bases();
    let mut raised: Vec<Raised> = inputs::named(context)
        .filter_map(|(place, input, name)| {
            let (allowed, publisher) = bases.publisher(&name.repository)?;
            let what = format!("{} `{}`", input.kind.as_str(), input.written);
            let raised = judge(
                context,
                place,
                (&what, publisher, allowed),
                &inputs::entries(context, name),
            )?;
            Some(raised.by_line(allowed.line))
        })
        .collect();
    raised.extend(inputs::bases(context).into_iter().filter_map(|entry| {
        let (allowed, publisher) = bases.publisher(&entry.repository)?;
        let what = ("the base of the image", publisher, allowed);
        let raised = judge(context, Place::Image, what, &[entry])?;
        Some(raised.by_line(allowed.line))
    }));
    raised
}

fn judge(
    context: &RuleContext<'_>,
    place: Place,
    (what, publisher, allowed): (&str, Publisher, &AllowedBase),
    entries: &[&Entry],
) -> Option<Raised> {
    let of = |source: Option<&String>| {
        source.map(|source| format!(" for `{source}`")).unwrap_or_default()
    };
    let wanted = of(allowed.source.as_ref());
    let expected = format!("an entry of the lock with the signature of `{publisher}`{wanted}");
    let is_meant =
        |by: &PublisherSignature| by.publisher == publisher && by.source == allowed.source;
    let is_signed = |entry: &&&Entry| {
        !entry.is_expired(context.now()) && entry.signature.as_ref().is_some_and(is_meant)
    };
    if !entries.is_empty() && entries.iter().filter(is_signed).count() == entries.len() {
        return None;
    }
    let Some(entry) = entries.iter().find(|entry| !is_signed(entry)) else {
        let title = format!("whether `{publisher}` has signed {what} can not be told");
        let found = "no entry of the lock: nobody has looked at its signature";
        return Some(context.unknown(place, title, found, expected));
    };
    let found = match &entry.signature {
        Some(by) if is_meant(by) => "an entry that has expired".to_owned(),
        Some(by) => format!("the signature of `{}`{}", by.publisher, of(by.source.as_ref())),
        None => format!("`{}`, approved without a signature", entry.name()),
    };
    let title = format!("{what} was not approved by the signature of `{publisher}`");
    Some(context.fail(place, title, found, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const POLICY: &str = "bases:\n  lock: l\n  allow:\n    - {repository: \"cgr.dev/chainguard/*\", signer: chainguard}\n  mirrors: [{from: \"hub.corp/c/*\", to: \"cgr.dev/*\"}]";

    fn case(dockerfile: &str) -> Case {
        Case::default().policy(POLICY).dockerfile(dockerfile)
    }

    fn signed(name: &str, by: Option<Publisher>, expires: &str) -> Entry {
        let signature = by.map(|publisher| PublisherSignature {
            publisher,
            signer: "x".to_owned(),
            source: None,
        });
        Entry { signature, ..entry(name, &["a"], expires) }
    }

    const NAME: &str = "cgr.dev/chainguard/static:latest";

    #[test]
    fn what_its_publisher_has_signed_passes() {
        let good = signed(NAME, Some(Publisher::Chainguard), "2026-12-31");
        case(&format!("FROM {NAME}")).approved_entry(good.clone()).check("BASE-053", Expect::Pass);
        let pinned = format!("FROM hub.corp/c/chainguard/static@{}", digest("base index"));
        case(&pinned).approved_entry(good.clone()).check("BASE-053", Expect::Pass);
        case("FROM debian").check("BASE-053", Expect::Pass);
        let image = Case::default().policy(POLICY).image(&["a", "b"]).approved_entry(good);
        image.check("BASE-053", Expect::Pass);
    }

    #[test]
    fn no_signature_another_publishers_and_an_old_one_fail() {
        for (by, expires) in [
            (None, "2026-12-31"),
            (Some(Publisher::Distroless), "2026-12-31"),
            (Some(Publisher::Chainguard), "2026-06-14"),
        ] {
            let entry = signed(NAME, by, expires);
            let bad = case(&format!("FROM {NAME}")).approved_entry(entry.clone());
            bad.check("BASE-053", Expect::Fail);
            assert_eq!(bad.places("BASE-053"), [(1, 6)]);
            assert_eq!(bad.findings("BASE-053")[0].action, Action::Deny);
            let pinned = format!("FROM hub.corp/c/chainguard/static@{}", digest("base index"));
            case(&pinned).approved_entry(entry.clone()).check("BASE-053", Expect::Fail);
            let image = Case::default().policy(POLICY).image(&["a", "b"]).approved_entry(entry);
            image.check("BASE-053", Expect::Fail);
        }
    }

    #[test]
    fn what_was_signed_for_the_repository_of_another_fails() {
        let policy = |source: &str| {
            format!(
                "bases: {{lock: l, allow: [{{repository: \"a.io/*\", signer: docker-github-builder, source: \"https://github.com/{source}\"}}]}}"
            )
        };
        let entry = |source: Option<&str>| {
            let source = source.map(|path| format!("https://github.com/{path}"));
            let publisher = Publisher::DockerGithubBuilder;
            let signature = PublisherSignature { publisher, signer: "x".to_owned(), source };
            Entry { signature: Some(signature), ..entry("a.io/base:1", &["a"], "2026-12-31") }
        };
        for (source, expect) in [
            (Some("acme/base"), Expect::Pass),
            (Some("evil/base"), Expect::Fail),
            (Some("acme/base2"), Expect::Fail),
            (None, Expect::Fail),
        ] {
            let case = Case::default().policy(&policy("acme/base")).approved_entry(entry(source));
            case.clone().dockerfile("FROM a.io/base:1").check("BASE-053", expect);
            case.image(&["a", "b"]).check("BASE-053", expect);
        }
        let case = Case::default().policy(&policy("acme/base"));
        let bad = case.approved_entry(entry(Some("evil/base"))).dockerfile("FROM a.io/base:1");
        let found = &bad.findings("BASE-053")[0].finding;
        assert_eq!(
            (&*found.found, &*found.expected),
            (
                "the signature of `docker-github-builder` for `https://github.com/evil/base`",
                "an entry of the lock with the signature of `docker-github-builder` for `https://github.com/acme/base`"
            )
        );
    }

    #[test]
    fn what_nobody_has_looked_at_can_not_be_told() {
        case(&format!("FROM {NAME}")).check("BASE-053", Expect::Unknown);
        case("FROM cgr.dev/chainguard/other\nCOPY --from=debian / /")
            .check("BASE-053", Expect::Unknown);
        let line = case(&format!("FROM {NAME}")).findings("BASE-053")[0].policy_line.clone();
        assert_eq!(line.map(|line| line.line), Some(5));
    }
}
