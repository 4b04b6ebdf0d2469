//! BASE-043: an image is built on the newest of its approved bases.
//!
//! Where a lock is configured and was not read, BASE-001 and BASE-050 speak.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{bases::Entry, decide::Action};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-043",
    name: "base_043_newer_approved",
    title: "no newer image of the same name is approved",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Images are not patched in place, they are rebuilt: what was fixed in the base reaches this image when it is built on the new one.",
    mend: "rebuild on the newer image",
    bad: "FROM debian:12@sha256:…   # while bases.lock has a newer one for debian:12",
    good: "FROM debian:12@sha256:…   # the newest in bases.lock",
    equivalents: &["Scout no outdated base"],
    about: &[About::Dockerfiles, About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let named = inputs::named(context).filter_map(|(place, _, name)| {
        // A tag alone means the newest.
        name.digest?;
        let entry =
            inputs::entries(context, name).into_iter().max_by_key(|entry| entry.approved)?;
        raise(context, place, entry)
    });
    let below = inputs::bases(context);
    let below = below.into_iter().filter_map(|entry| raise(context, Place::Image, entry));
    named.chain(below).collect()
}

fn raise(context: &RuleContext<'_>, place: Place, entry: &Entry) -> Option<Raised> {
    let lock = context.facts().bases?;
    let newer = lock.entries().iter().filter(|other| {
        other.repository == entry.repository
            // Of two approvals by digest alone nothing says that one stands in the other's place.
            && entry.tag.is_some()
            && other.tag == entry.tag
            && other.approved > entry.approved
            && !other.is_expired(context.now())
    });
    let newest = newer.max_by_key(|other| other.approved)?;
    let digest = newest.digests().next()?;
    let title = format!("a newer `{}` is approved", entry.name());
    let found = format!("the one approved on {}", entry.approved);
    let expected = format!("the one approved on {}: `{digest}`", newest.approved);
    Some(context.fail(place, title, found, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case() -> Case {
        let newer = Entry {
            index: Some(digest("newer")),
            approved: "2026-05-01".parse().unwrap(),
            ..entry("debian:12", &["n"], "2026-12-31")
        };
        Case::default()
            .policy("bases: {lock: l}")
            .approved("debian:12", &["a"], "2026-12-31")
            .approved_entry(newer)
    }

    #[test]
    fn the_older_of_two_approvals_warns_by_name_and_by_layers() {
        let older = case().dockerfile(&format!("FROM debian:12@{}", digest("base index")));
        older.check("BASE-043", Expect::Fail);
        case().image(&["a", "x"]).check("BASE-043", Expect::Fail);
        let found = &case().image(&["a"]).findings("BASE-043")[0];
        assert_eq!(found.action, Action::Warn);
        assert!(found.finding.expected.ends_with(&format!("`{}`", digest("newer"))));
    }

    #[test]
    fn an_approval_by_digest_alone_is_in_no_others_place() {
        let newer = Entry {
            index: Some(digest("newer")),
            approved: "2026-05-01".parse().unwrap(),
            tag: None,
            ..entry("debian:12", &["n"], "2026-12-31")
        };
        let older = Entry { tag: None, ..entry("debian:12", &["a"], "2026-12-31") };
        let case =
            Case::default().policy("bases: {lock: l}").approved_entry(older).approved_entry(newer);
        case.image(&["a", "x"]).check("BASE-043", Expect::Pass);
    }

    #[test]
    fn the_newest_a_tag_and_another_name_pass() {
        case().dockerfile("FROM debian:12").check("BASE-043", Expect::Pass);
        case()
            .dockerfile(&format!("FROM debian:12@{}", digest("newer")))
            .check("BASE-043", Expect::Pass);
        case().image(&["n", "x"]).check("BASE-043", Expect::Pass);
        case().image(&["z"]).check("BASE-043", Expect::Pass);
    }
}
