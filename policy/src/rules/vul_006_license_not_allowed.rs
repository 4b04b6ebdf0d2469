//! VUL-006: every component comes under licences that the policy accepts.
//!
//! Licences are SPDX expressions: <https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>. Where an expression leaves a
//! choice (`OR`), one choice that is accepted is enough. A licence that is not stated, or not as SPDX, can not be told.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext, vul_002_vulnerable_component::place,
};
use crate::decide::Action;
use plimsoll_model::{Severity, component::Component, finding::Place};
use spdx::{Expression, LicenseReq, ParseMode};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "VUL-006",
    name: "vul_006_license_not_allowed",
    title: "every component comes under licences that the policy accepts",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "A licence obliges whoever passes the image on: some ask for the source of all that is linked, some forbid the use.",
    mend: "take another component or another version, or accept the licence: under `allow`, or for one component by an exception",
    bad: "rules: {VUL-006: {deny: [\"AGPL-*\"]}}   # and a package under AGPL-3.0-only",
    good: "rules: {VUL-006: {allow: [MIT, Apache-2.0, \"BSD-*\"]}}   # and all under one of these",
    equivalents: &["docker scout licenses"],
    about: &[About::Scan],
    parameters: &[
        Parameter {
            name: "allow",
            kind: ParameterKind::Texts,
            help: "SPDX ids that are accepted, all others are not; `BSD-*` means all that begin so, `X WITH Y` that exception (any)",
        },
        Parameter {
            name: "deny",
            kind: ParameterKind::Texts,
            help: "SPDX ids that are not accepted, with every exception, in the same words (none)",
        },
    ],
    check,
};

/// Longer texts are no expressions that anybody wrote.
const LONGEST_EXPRESSION: usize = 1024;
/// How many names a finding lists.
const SHOWN: usize = 5;
/// Ids of the list that were replaced (`GPL-2.0`) are still in use.
const AS_LISTED: ParseMode =
    ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };

/// What the lists of the policy make of the licences of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Accepted,
    Refused(String),
    Untold(String),
}

/// The lists of the policy.
struct Lists<'a> {
    allow: &'a [String],
    deny: &'a [String],
}

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let lists = Lists { allow: context.texts("allow"), deny: context.texts("deny") };
    if lists.allow.is_empty() && lists.deny.is_empty() {
        return Vec::new();
    }
    let mut raised: Vec<_> = lists.strangers().map(|text| of_stranger(context, text)).collect();
    let mut untold: BTreeMap<String, Vec<&Component>> = BTreeMap::new();
    let components = context.facts().inventory.map(plimsoll_model::Inventory::components);
    for component in components.unwrap_or_default() {
        match lists.of(component) {
            Answer::Accepted => {}
            Answer::Refused(license) => {
                let title =
                    format!("{} comes under a licence that is not accepted", component.name);
                let found = format!("`{license}`");
                raised.push(context.fail(place(component), title, found, lists.expected()));
            }
            Answer::Untold(reason) => untold.entry(reason).or_default().push(component),
        }
    }
    raised.extend(
        untold
            .iter()
            .filter_map(|(reason, group)| of_untold(context, (reason, group), &lists.expected())),
    );
    raised
}

fn of_stranger(context: &RuleContext<'_>, text: &str) -> Raised {
    let title = "a licence that the policy names is none of SPDX's";
    let expected = "an id of the SPDX licence list, or the beginning of one with `*`";
    let raised = context.unknown(Place::Policy, title, format!("`{text}`"), expected);
    raised.with_remedy("name the licence as <https://spdx.org/licenses/> does")
}

fn of_untold(
    context: &RuleContext<'_>,
    (reason, group): (&str, &[&Component]),
    expected: &str,
) -> Option<Raised> {
    let first = group.first()?;
    let names: Vec<_> = group.iter().take(SHOWN).map(|one| one.name.as_str()).collect();
    let found = match group.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    };
    let title = match group.len() {
        1 => format!("the licence of 1 component can not be told: {reason}"),
        count => format!("the licences of {count} components can not be told: {reason}"),
    };
    let mut raised = context.unknown(place(first), title, found, expected);
    raised.also_about = group.iter().skip(1).map(|one| one.purl.clone()).collect();
    Some(raised)
}

impl Lists<'_> {
    fn expected(&self) -> String {
        let said = |word: &str, list: &[String]| {
            (!list.is_empty()).then(|| format!("{word} {}", list.join(", ")))
        };
        let both = [said("one of", self.allow), said("none of", self.deny)];
        both.into_iter().flatten().collect::<Vec<_>>().join(", and ")
    }

    /// Items that can never be met, because SPDX has no such licence.
    fn strangers(&self) -> impl Iterator<Item = &str> {
        let items = self.allow.iter().chain(self.deny).map(String::as_str);
        items.filter(|item| match item.strip_suffix('*') {
            Some(beginning) => {
                beginning.is_empty()
                    || !spdx::identifiers::LICENSES
                        .iter()
                        .any(|one| one.name.starts_with(beginning))
            }
            None => only(item).is_none(),
        })
    }

    /// What is declared and what was concluded have to be accepted, all of it.
    fn of(&self, component: &Component) -> Answer {
        let mut untold = None;
        let mut is_stated = false;
        for text in component.licenses.iter().chain(&component.concluded) {
            is_stated = true;
            let Some(expression) = parse(text) else {
                untold = Some("what is stated is no SPDX expression".to_owned());
                continue;
            };
            if !expression.evaluate(|part| self.accepts(part)) {
                return Answer::Refused(expression.to_string());
            }
        }
        match untold {
            Some(reason) => Answer::Untold(reason),
            None if is_stated => Answer::Accepted,
            None => Answer::Untold("none is stated".to_owned()),
        }
    }

    fn accepts(&self, part: &LicenseReq) -> bool {
        let (license, whole) = names(part);
        let is_named = |item: &String, names: &[&str]| match item.strip_suffix('*') {
            Some(beginning) => !beginning.is_empty() && license.starts_with(beginning),
            None => only(item).is_some_and(|item| names.contains(&item.as_str())),
        };
        // An exception takes nothing away from what a licence grants: whoever accepts the licence accepts it with one, and
        // whoever denies it means it with any.
        let both = [license.as_str(), whole.as_str()];
        let is_denied = self.deny.iter().any(|item| is_named(item, &both));
        let is_allowed =
            self.allow.is_empty() || self.allow.iter().any(|item| is_named(item, &both));
        !is_denied && is_allowed
    }
}

/// The expression of listed licences that a text is.
fn parse(text: &str) -> Option<Expression> {
    let text = text.trim();
    let is_told = text.len() <= LONGEST_EXPRESSION
        && !text.split([' ', '(', ')']).any(|word| matches!(word, "NOASSERTION" | "NONE"));
    let expression = Expression::parse_mode(text, AS_LISTED).ok().filter(|_| is_told)?;
    let is_listed = |part: &LicenseReq| {
        part.license.id().is_some() && part.addition.as_ref().is_none_or(|item| item.id().is_some())
    };
    let is_told = expression.requirements().all(|part| is_listed(&part.req));
    is_told.then_some(expression)
}

/// The name of the one licence that an item of a list is.
fn only(item: &str) -> Option<String> {
    let expression = parse(item)?;
    let mut parts = expression.requirements();
    let part = parts.next()?;
    parts.next().is_none().then(|| names(&part.req).1)
}

/// A licence by one name, whichever of its names was used, without and with its exception: GNU's licences have had several.
fn names(part: &LicenseReq) -> (String, String) {
    let text = part.to_string();
    let (license, exception) = match text.split_once(" WITH ") {
        Some((license, exception)) => (license, Some(exception)),
        None => (text.as_str(), None),
    };
    let is_gnu = part.license.id().is_some_and(spdx::LicenseId::is_gnu);
    let license = match license.strip_suffix('+') {
        Some(bare) if is_gnu => format!("{bare}-or-later"),
        None if is_gnu && !license.ends_with("-only") && !license.ends_with("-or-later") => {
            format!("{license}-only")
        }
        Some(_) | None => license.to_owned(),
    };
    let whole = exception.map_or_else(|| license.clone(), |name| format!("{license} WITH {name}"));
    (license, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(lists: &str, licenses: &[&str]) -> Case {
        Case::default()
            .licensed("pkg:npm/a@1", licenses)
            .policy(&format!("rules: {{VUL-006: {{{lists}}}}}"))
    }

    #[track_caller]
    fn check(lists: &str, licenses: &[&str], expect: Expect) {
        case(lists, licenses).check("VUL-006", expect);
    }

    #[test]
    fn where_the_policy_names_no_licence_none_is_judged() {
        Case::default().licensed("pkg:npm/a@1", &[]).check("VUL-006", Expect::Pass);
    }

    #[test]
    fn only_licences_of_the_list_pass() {
        const LIST: &str = "allow: [MIT, Apache-2.0, \"BSD-*\"]";
        for good in ["MIT", " MIT ", "BSD-3-Clause", "MIT AND Apache-2.0", "MIT OR GPL-3.0-only"] {
            check(LIST, &[good], Expect::Pass);
        }
        check(LIST, &["MIT", "Apache-2.0"], Expect::Pass);
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "0BSD", "(MIT OR ISC) AND ISC"] {
            check(LIST, &[bad], Expect::Fail);
        }
        check(LIST, &["MIT", "GPL-3.0-only"], Expect::Fail);
        let found = case(LIST, &["MIT AND ISC"]).findings("VUL-006");
        assert_eq!(found[0].finding.found, "`MIT AND ISC`");
        assert_eq!(found[0].finding.expected, "one of MIT, Apache-2.0, BSD-*");
        assert!(found[0].is_blocking());
        let location = Place::Component {
            purl: "pkg:npm/a@1".parse().unwrap(),
            path: "/var/lib/dpkg/status".to_owned(),
            layer: None,
        };
        assert_eq!(found[0].finding.place, location);
    }

    #[test]
    fn a_denied_licence_is_denied_by_each_of_its_names() {
        for name in ["GPL-2.0", "GPL-2.0-only", "GPL-2.0-only WITH Classpath-exception-2.0"] {
            check("deny: [GPL-2.0-only]", &[name], Expect::Fail);
            check("deny: [GPL-2.0]", &[name], Expect::Fail);
        }
        for name in ["GPL-2.0+", "GPL-2.0-or-later"] {
            check("deny: [GPL-2.0-or-later]", &[name], Expect::Fail);
            check("deny: [\"GPL-*\"]", &[name], Expect::Fail);
            check("deny: [GPL-2.0-only]", &[name], Expect::Pass);
        }
        check("deny: [\"AGPL-*\"]", &["MIT OR AGPL-3.0-only"], Expect::Pass);
        check("deny: [\"AGPL-*\"]", &["MIT AND AGPL-3.0-only"], Expect::Fail);
        // What is denied stays so, whatever is allowed.
        check("allow: [\"GPL-*\"], deny: [GPL-3.0-only]", &["GPL-3.0-only"], Expect::Fail);
    }

    #[test]
    fn a_licence_that_is_not_stated_or_not_as_spdx_can_not_be_told() {
        let strange = ["", "NOASSERTION", "NONE", "BSD", "GPLv3", "mit", "LicenseRef-x", "MIT AND"];
        for lists in ["allow: [MIT]", "deny: [GPL-3.0-only]"] {
            check(lists, &[], Expect::Unknown);
            for text in strange {
                check(lists, &[text], Expect::Unknown);
            }
            check(lists, &["MIT", "proprietary"], Expect::Unknown);
            // What is refused anyway needs no other to be told.
            check(lists, &["GPL-3.0-only", "proprietary"], Expect::Fail);
            check(lists, &[&"(".repeat(2000)], Expect::Unknown);
        }
        let many = (0..7).fold(case("allow: [MIT]", &["MIT"]), |case, number| {
            case.licensed(&format!("pkg:npm/x{number}@1"), &[])
        });
        let found = many.findings("VUL-006");
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].finding.title,
            "the licences of 7 components can not be told: none is stated"
        );
        assert_eq!(found[0].finding.found, "x0, x1, x2, x3, x4 and 2 more");
    }

    #[test]
    fn a_name_that_is_no_licence_is_told_and_denies_nothing_in_silence() {
        for lists in ["deny: [AGPL]", "deny: [\"*\"]", "deny: [\"Agpl-*\"]", "deny: [MIT OR ISC]"] {
            let found = case(lists, &["MIT"]).findings("VUL-006");
            assert_eq!(found.len(), 1, "{lists}");
            assert_eq!(found[0].finding.place, Place::Policy);
            assert!(found[0].is_blocking());
        }
    }
}
