//! EXC-006: an exception accepts one thing, not whatever comes.

use super::{About, Raised, Rule, RuleContext};
use crate::{decide::Action, exceptions::Exception};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-006",
    name: "exc_006_too_broad",
    title: "every exception names what it accepts",
    severity: Severity::High,
    action: Action::Deny,
    why: "An exception for every flaw of a component, or for every component with a flaw, accepts what nobody has looked at.",
    mend: "name the flaw (`id`) and begin patterns with what they are about (`pkg:deb/debian/zlib*`)",
    bad: "{rule: vulnerability, component: \"*\", …}",
    good: "{rule: vulnerability, id: CVE-2026-1, component: \"pkg:deb/debian/zlib1g\", …}",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let exceptions = context.exceptions().iter();
    exceptions
        .filter_map(|exception| {
            let expected = complaint(exception)?;
            let (title, found) = ("an exception is too broad", exception.describe());
            Some(context.fail_exception(exception, title, found, expected))
        })
        .collect()
}

fn complaint(exception: &Exception) -> Option<&'static str> {
    let patterns = [&exception.component, &exception.path];
    if patterns.into_iter().flatten().any(crate::Pattern::is_unanchored) {
        Some("a pattern that does not begin with a wildcard")
    } else if matches!(exception.rule, "VUL-002" | "VUL-005") && exception.id.is_none() {
        Some("the `id` of the flaw")
    } else if exception.rule == "VUL-004" && patterns.into_iter().flatten().next().is_none() {
        Some("a `component` or a `path`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(scope: &str) -> Case {
        Case::default()
            .image(&["a"])
            .policy(&format!("exceptions: [{{{scope}, reason: r, owner: o, expires: 2026-12-31}}]"))
    }

    #[test]
    fn what_accepts_whatever_comes_fails() {
        for scope in [
            "rule: vulnerability",
            "rule: vulnerability, component: \"pkg:deb/debian/zlib1g\"",
            "rule: vulnerability, id: CVE-1, component: \"*\"",
            "rule: VUL-002, id: CVE-1, component: \"**zlib\"",
            "rule: VUL-004",
            "rule: DF-020, path: \"**\"",
            "rule: VUL-004, path: \"/**\"",
            "rule: DF-020, path: \"./*\"",
            "rule: DF-020, path: \"././**\"",
            "rule: DF-020, path: \"../**\"",
            "rule: VUL-004, component: \"pkg:**\"",
        ] {
            case(scope).check("EXC-006", Expect::Fail);
            assert_eq!(case(scope).places("EXC-006"), [(2, 14)], "{scope}");
        }
    }

    #[test]
    fn what_names_one_thing_passes() {
        for scope in [
            "rule: vulnerability, id: CVE-1",
            "rule: VUL-002, id: CVE-1, component: \"pkg:deb/debian/zlib*\"",
            "rule: VUL-004, component: \"pkg:generic/**\"",
            "rule: DF-020, path: \"legacy/Dockerfile\"",
            "rule: IMG-001",
        ] {
            case(scope).check("EXC-006", Expect::Pass);
        }
    }
}
