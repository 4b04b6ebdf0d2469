//! BASE-013: the tag beside a digest still means that digest.
//!
//! Where a lock is configured and was not read, BASE-001 and BASE-050 speak.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{bases::Entry, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-013",
    name: "base_013_stale_pin",
    title: "the tag beside a digest stands for that digest in the lock of bases",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A reference with tag and digest is read by its tag and built by its digest. Where the two have come apart, people believe that they build on something else than they do.",
    mend: "take the digest that `plimsoll base list` shows for the tag, and rebuild",
    bad: "FROM debian:12@sha256:…   # what the tag meant last year",
    good: "FROM debian:12@sha256:…   # what bases.lock has for debian:12",
    equivalents: &["Scout no outdated base"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(lock) = context.facts().bases else { return Vec::new() };
    inputs::named(context)
        .filter_map(|(place, input, name)| {
            let (digest, tag) = (name.digest?, name.tag.as_ref()?);
            let of_tag = lock.entries().iter().filter(|entry| {
                entry.repository == name.repository && entry.tag.as_ref() == Some(tag)
            });
            let digests: Vec<_> = of_tag
                .filter(|entry| !entry.is_expired(context.now()))
                .flat_map(Entry::digests)
                .collect();
            let current = digests.first().filter(|_| !digests.contains(&digest))?;
            let title = format!(
                "{} `{}` has a digest that its tag does not mean any more",
                input.kind.as_str(),
                input.written
            );
            Some(context.fail(place, title, format!("`{digest}`"), format!("`{current}`")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(from: &str) -> Case {
        let case = Case::default().dockerfile(&format!("FROM {from}"));
        case.approved("debian:12", &["a"], "2026-12-31")
    }

    #[test]
    fn a_digest_that_the_lock_has_for_another_tag_or_not_at_all_fails() {
        case(&at_digest("debian:12")).check("BASE-013", Expect::Fail);
        assert_eq!(case(&at_digest("debian:12")).places("BASE-013"), [(1, 6)]);
        let found = &case(&at_digest("debian:12")).findings("BASE-013")[0];
        assert_eq!(
            (found.action, found.finding.expected.clone()),
            (Action::Warn, format!("`{}`", digest("base index")))
        );
    }

    #[test]
    fn what_the_lock_has_and_what_it_does_not_know_passes() {
        case(&format!("debian:12@{}", digest("base index"))).check("BASE-013", Expect::Pass);
        case(&format!("debian:12@{}", digest("base manifest"))).check("BASE-013", Expect::Pass);
        case(&at_digest("debian:13")).check("BASE-013", Expect::Pass);
        case("debian:12").check("BASE-013", Expect::Pass);
        let unlocked = Case::default().dockerfile(&format!("FROM {}", at_digest("debian:12")));
        unlocked.check("BASE-013", Expect::Pass);
    }
}
