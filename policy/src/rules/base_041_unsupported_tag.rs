//! BASE-041: the tag of an official image is built and patched.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    official::{self, Support},
};
use plimsoll_model::{Severity, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-041",
    name: "base_041_unsupported_tag",
    title: "the tag of an official image is one that is built and patched",
    severity: Severity::High,
    action: Action::Deny,
    why: "A release out of support gets no fixes, and rebuilding on it finds the same flaws again.",
    mend: "move to a release that is supported",
    bad: "FROM debian:9",
    good: "FROM debian:13",
    equivalents: &["Scout supported tags"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::named(context)
        .filter_map(|(place, input, name)| {
            let (support, found) = support(name)?;
            let title = |what: &str| format!("{} `{}` {what}", input.kind.as_str(), input.written);
            let expected = format!("a tag that is built, as of {}", official::DATE);
            match support {
                Support::Ended => {
                    Some(context.fail(place, title("is out of support"), found, expected))
                }
                Support::Superseded => {
                    // Its line is alive: rebuilding on the next one of it is all that is needed.
                    let title = title("is superseded by a later one of its line");
                    Some(context.fail(place, title, found, expected).at_most(Action::Warn))
                }
                Support::Unknown => {
                    let title = title("is in no line that is known");
                    Some(context.unknown(place, title, found, expected).at_most(Action::Warn))
                }
                // The list has a date, and time goes on.
                Support::Supported | Support::Later => None,
            }
        })
        .collect()
}

fn support(name: &ImageName) -> Option<(Support, String)> {
    let tag = name.tag.as_ref()?.as_str();
    let support = official::support(&name.repository, tag)?;
    Some((support, format!("`{}:{tag}`", name.repository)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(from: &str) -> Case {
        Case::default().dockerfile(&format!("FROM {from}"))
    }

    #[test]
    fn releases_out_of_support_are_denied() {
        for bad in ["debian:9", "python:2.7", "debian:buster-slim", &at_digest("node:14")] {
            case(bad).check("BASE-041", Expect::Fail);
            assert_eq!(case(bad).findings("BASE-041")[0].action, Action::Deny, "{bad}");
            assert_eq!(case(bad).places("BASE-041"), [(1, 6)]);
        }
    }

    #[test]
    fn a_point_release_that_has_a_successor_warns() {
        case("debian:12.4").check("BASE-041", Expect::Fail);
        assert_eq!(case("debian:12.4").findings("BASE-041")[0].action, Action::Warn);
    }

    #[test]
    fn what_is_built_or_later_than_the_list_passes() {
        for good in [
            "debian:12",
            "debian:13-slim",
            "debian:99",
            "python:3.99.1-slim",
            "debian",
            "acme/debian:9",
            "centos:7",
        ] {
            case(good).check("BASE-041", Expect::Pass);
        }
    }

    #[test]
    fn a_line_that_nobody_knows_can_not_be_told() {
        case("debian:duke").check("BASE-041", Expect::Unknown);
    }
}
