//! Accepted findings: with a reason, an owner, and a last day.

use crate::{Pattern, compose::lexical, facts::Checkout, rules::Raised};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{Timestamp, civil, tz::TimeZone};
use plimsoll_model::{Finding, Purl, finding::Place};

/// An accepted finding. It applies up to and including its last day, which ends at midnight UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The one rule whose findings it accepts.
    pub rule: &'static str,
    /// The flaw, by any of its ids.
    pub id: Option<String>,
    /// The component, as a package URL without qualifiers; without a version it means every version.
    pub component: Option<Pattern>,
    /// The file.
    pub path: Option<Pattern>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it applies.
    pub expires: civil::Date,
    /// Its line, in the policy file or in the Dockerfile that it stands in.
    pub line: u32,
    /// Its column there.
    pub column: u32,
    /// Where it stands, where that is a Dockerfile.
    pub inline: Option<Inline>,
}

/// Where an exception stands in a Dockerfile, and which lines it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// The Dockerfile.
    pub path: Utf8PathBuf,
    /// The lines of the instruction below it; absent means the whole file.
    pub lines: Option<(u32, u32)>,
}

impl Exception {
    /// Whether its last day is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        today(now) > self.expires
    }

    /// Whether it is about this finding, expired or not. Files are named from the root of the repository, where that is known, or
    /// from where they are given.
    pub(crate) fn is_about(&self, raised: &Raised, checkout: Option<&Checkout>) -> bool {
        let finding = &raised.finding;
        self.rule == finding.rule
            && self.id.as_deref().is_none_or(|id| is_known_as(finding, id))
            && self.component.as_ref().is_none_or(|pattern| is_component(raised, pattern))
            && self.path.as_ref().is_none_or(|pattern| is_path(raised, pattern, checkout))
            && self.inline.as_ref().is_none_or(|inline| inline.covers(&raised.finding.place))
    }

    /// Where it stands: in a Dockerfile, or in the policy, which is in this file.
    pub(crate) fn place(&self, policy: Option<&Utf8Path>) -> Place {
        let path = self.inline.as_ref().map(|inline| inline.path.as_path()).or(policy);
        path.map_or(Place::Policy, |path| Place::Source {
            path: path.to_owned(),
            line: self.line,
            column: self.column,
        })
    }

    /// What it is about, for a message.
    pub fn describe(&self) -> String {
        let parts = [
            Some(self.rule.to_owned()),
            self.id.clone(),
            self.component.as_ref().map(|component| component.as_str().to_owned()),
            self.path.as_ref().map(|path| path.as_str().to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The same, and until when.
    pub(crate) fn describe_until(&self) -> String {
        format!("{}, until {}", self.describe(), self.expires)
    }
}

impl Inline {
    fn covers(&self, place: &Place) -> bool {
        let Place::Source { path, line, .. } = place else { return false };
        *path == self.path && self.lines.is_none_or(|(first, last)| (first..=last).contains(line))
    }
}

/// The day in UTC.
pub(crate) fn today(now: Timestamp) -> civil::Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn is_known_as(finding: &Finding, id: &str) -> bool {
    finding.vulnerability.as_ref().is_some_and(|flaw| {
        std::iter::once(&flaw.id).chain(&flaw.ids).any(|known| known.eq_ignore_ascii_case(id))
    })
}

/// A finding about several components is accepted only where all of them are.
fn is_component(raised: &Raised, pattern: &Pattern) -> bool {
    let own = match &raised.finding.place {
        Place::Component { purl, .. } => Some(purl),
        Place::Source { .. }
        | Place::Config { .. }
        | Place::File { .. }
        | Place::Image
        | Place::Evidence
        | Place::Registry { .. }
        | Place::Policy => None,
    };
    let mut purls = own.into_iter().chain(&raised.also_about).peekable();
    purls.peek().is_some() && purls.all(|purl| is_named(purl, pattern))
}

/// Whether a pattern is about a component in all versions, or in its own.
fn is_named(purl: &Purl, pattern: &Pattern) -> bool {
    let versioned = purl.as_str().split('?').next().unwrap_or_default();
    pattern.is_match(&purl.without_version()) || pattern.is_match(versioned)
}

fn is_path(raised: &Raised, pattern: &Pattern, checkout: Option<&Checkout>) -> bool {
    let own = match &raised.finding.place {
        Place::Source { path, .. } => path.as_str(),
        Place::Component { path, .. } | Place::File { path, .. } => path,
        // An exception names a registry, or a repository in one, by its path.
        Place::Registry { at } => at,
        Place::Config { .. } | Place::Image | Place::Evidence | Place::Policy => return false,
    };
    let is_source = matches!(raised.finding.place, Place::Source { .. });
    let is_named = |path: &str| {
        pattern.is_match(path) || is_source && is_file(Utf8Path::new(path), pattern, checkout)
    };
    // A finding about several components is not about one file.
    raised.also_about.is_empty()
        && std::iter::once(own).chain(raised.also_at.iter().map(String::as_str)).all(is_named)
}

/// Whether a pattern names a file, however that was given.
fn is_file(path: &Utf8Path, pattern: &Pattern, checkout: Option<&Checkout>) -> bool {
    let inside = checkout.and_then(|checkout| {
        let path = lexical(&checkout.directory.join(path));
        path.strip_prefix(&checkout.root).map(Utf8Path::to_owned).ok()
    });
    let names = [Some(lexical(path)), inside];
    names.iter().flatten().any(|name| pattern.is_match(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn exception(expires: civil::Date) -> Exception {
        Exception {
            rule: "IMG-001",
            id: None,
            component: None,
            path: None,
            reason: String::new(),
            owner: String::new(),
            expires,
            line: 1,
            column: 1,
            inline: None,
        }
    }

    #[test]
    fn b14_the_last_day_ends_at_midnight_utc() {
        let exception = exception("2026-12-15".parse().unwrap());
        for (now, is_expired) in [
            ("2026-12-15T00:00:00Z", false),
            ("2026-12-15T23:59:59.999999999Z", false),
            ("2026-12-16T00:00:00Z", true),
            ("2026-12-16T01:30:00+02:00", false),
            ("2026-12-15T23:30:00-02:00", true),
        ] {
            assert_eq!(exception.is_expired(now.parse().unwrap()), is_expired, "{now}");
        }
    }

    #[test]
    fn b15_a_component_is_known_however_its_url_is_spelled_and_no_other_by_a_trick() {
        let accepts = |component: &str, aboard: &str| {
            let text = format!(
                "version: 1\nexceptions: [{{rule: vulnerability, component: \"{component}\", reason: r, owner: o, expires: 2026-12-15}}]"
            );
            let policy = crate::Policy::parse(&text, "plimsoll.yaml".into()).ok()?;
            let pattern = policy.exceptions().first()?.component.clone()?;
            Some(is_named(&aboard.parse().unwrap(), &pattern))
        };
        for (component, aboard, expect) in [
            ("pkg:npm/@angular/core", "pkg:npm/%40angular/core@1.0?arch=any", Some(true)),
            ("pkg:NPM/%40angular/core@1.0?x=y", "pkg:npm/%40angular/core@1.0", Some(true)),
            ("pkg:pypi/Django_X", "pkg:pypi/django-x@1", Some(true)),
            ("pkg:npm/core@1.0", "pkg:npm/core@1.0.1", Some(false)),
            ("pkg:npm/core@1.0", "pkg:npm/core@1.00", Some(false)),
            ("pkg:npm/core", "pkg:npm/core-js@1", Some(false)),
            ("pkg:npm/core", "pkg:npm/x/core@1", Some(false)),
            ("pkg:npm/core", "pkg:npm/core%2Fx@1", Some(false)),
            ("pkg:npm/core", "pkg:npm/core%3Fx@1", Some(false)),
            ("pkg:npm/core%3Fx", "pkg:npm/core@1", Some(false)),
            ("pkg:npm/core%40", "pkg:npm/core@1", Some(false)),
            ("pkg:maven/g/Name", "pkg:maven/g/name@1", Some(false)),
            ("pkg:deb/debian/zlib1g", "pkg:deb/ubuntu/zlib1g@1", Some(false)),
            ("pkg:npm/%2a", "pkg:npm/core@1", None),
            ("pkg:npm/core*", "pkg:npm/core-js/x@1", Some(false)),
            ("pkg:npm/core?a=*", "pkg:npm/core@1", None),
        ] {
            assert_eq!(accepts(component, aboard), expect, "{component} {aboard}");
        }
    }

    #[test]
    fn a_file_has_one_name_however_it_was_given() {
        use crate::rules::testing::Case;

        let is_accepted = |pattern: &str, path: &str, root: &str| {
            let policy = format!(
                "exceptions: [{{rule: DF-020, path: \"{pattern}\", reason: r, owner: o, expires: 2026-12-15}}]"
            );
            let case =
                Case::default().policy(&policy).dockerfile_at(path, "FROM scratch\nUSER root\n");
            let case = match root {
                "" => case,
                root => case.checkout_at(root, "/srv/app"),
            };
            let [judged] = case.findings("DF-020").try_into().unwrap();
            judged.exception.is_some()
        };
        for (pattern, path, root, expect) in [
            ("a/Dockerfile", "a/Dockerfile", "", true),
            ("a/Dockerfile", "./a/Dockerfile", "", true),
            ("./a/Dockerfile", "a/Dockerfile", "", true),
            ("a/*", "b/../a/Dockerfile", "", true),
            ("a/Dockerfile", "Dockerfile", "/srv/app/a", true),
            ("a/Dockerfile", "/srv/app/a/Dockerfile", "/srv/app/b", true),
            ("Dockerfile", "Dockerfile", "/srv/app/a", true),
            ("a/Dockerfile", "Dockerfile", "/srv/app/b", false),
            ("a/Dockerfile", "../a/Dockerfile", "", false),
            ("a/*", "a/../b/Dockerfile", "", false),
            ("a/Dockerfile", "/other/a/Dockerfile", "/srv/app", false),
        ] {
            assert_eq!(is_accepted(pattern, path, root), expect, "{pattern} {path} {root}");
        }
    }

    proptest! {
        #[test]
        fn an_exception_applies_up_to_and_including_its_day(days in 0_i64..40_000, seconds in 0_i64..86_400) {
            let midnight = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
            let moment = midnight + SignedDuration::from_secs(seconds);
            let day = today(midnight);
            prop_assert!(!exception(day).is_expired(moment));
            prop_assert!(exception(day.yesterday().unwrap()).is_expired(moment));
        }
    }
}
