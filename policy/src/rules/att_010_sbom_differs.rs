//! ATT-010: the packages in the image are those of its signed SBOM.

use super::{
    About, Raised, Rule, RuleContext,
    statements::{of_each, some_of},
};
use crate::{
    decide::Action,
    stated::{Said, SbomDifference},
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-010",
    name: "att_010_sbom_differs",
    title: "the packages that are found in the image are those of its signed SBOM",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "An SBOM of another build, or one that was made before the last layer, is signed as well as a true one; by it nobody finds what is aboard.",
    mend: "make the SBOM from the image that is shipped, `plimsoll attest --type sbom`, and attach no other",
    bad: "# the signed SBOM lists openssl 3.0.9, and in the image is openssl 3.0.11",
    good: "# what the signed SBOM lists is what `plimsoll sbom` finds",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an SBOM that lists the packages of this image";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(stated) = context.facts().stated else { return Vec::new() };
    let of = (stated.differences.as_slice(), EXPECTED);
    of_each(context, of, |found, said| judge(context, found, said))
}

fn judge(
    context: &RuleContext<'_>,
    found: &SbomDifference,
    said: &Said<SbomDifference>,
) -> Option<Raised> {
    let versions: Vec<_> = found
        .versions
        .iter()
        .map(|(package, listed, aboard)| format!("{package} {aboard} (listed: {listed})"))
        .collect();
    let parts = [
        ("in the image and not in the SBOM", found.unlisted.as_slice()),
        ("of another version", &versions),
        ("in the SBOM and not found in the image", &found.not_found),
    ];
    let told = parts.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<_> =
        told.map(|(what, names)| format!("{} {what}: {}", names.len(), some_of(names))).collect();
    if told.is_empty() {
        return None;
    }
    let told = told.join("; ");
    // What is only not found may lie where nothing could be read.
    let is_sure = found.unread == 0 || !found.unlisted.is_empty() || !versions.is_empty();
    Some(if is_sure {
        let title = format!("the SBOM that {} states is not that of this image", said.by);
        context.fail(Place::Evidence, title, told, EXPECTED)
    } else {
        let title = format!(
            "whether the SBOM that {} states is that of this image can not be told",
            said.by
        );
        let told = format!("{told}; {} things in the image could not be read", found.unread);
        context.unknown(Place::Evidence, title, told, EXPECTED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(difference: SbomDifference) -> Case {
        Case::default()
            .policy("evidence: {require: []}")
            .stated(|stated| stated.differences = vec![said(Ok(difference))])
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_way_of_differing_is_told() {
        case(SbomDifference::default()).check("ATT-010", Expect::Pass);
        let unlisted =
            SbomDifference { unlisted: names(&["pkg:npm/evil"]), ..SbomDifference::default() };
        case(unlisted.clone()).check("ATT-010", Expect::Fail);
        // However much could not be read, this was.
        case(SbomDifference { unread: 1, ..unlisted.clone() }).check("ATT-010", Expect::Fail);
        let all = SbomDifference {
            versions: vec![("pkg:deb/debian/zlib1g".to_owned(), "1".to_owned(), "2".to_owned())],
            not_found: names(&["a", "b", "c", "d", "e", "f", "g"]),
            ..unlisted
        };
        let found = case(all).findings("ATT-010");
        assert_eq!(found[0].action, Action::Warn);
        assert_eq!(
            found[0].finding.found,
            "1 in the image and not in the SBOM: `pkg:npm/evil`; \
             1 of another version: `pkg:deb/debian/zlib1g 2 (listed: 1)`; \
             7 in the SBOM and not found in the image: `a`, `b`, `c`, `d`, `e` and 2 more"
        );
    }

    #[test]
    fn what_is_not_found_where_not_all_was_read_is_not_told() {
        let not_found = SbomDifference { not_found: names(&["a"]), ..SbomDifference::default() };
        case(not_found.clone()).check("ATT-010", Expect::Fail);
        case(SbomDifference { unread: 1, ..not_found }).check("ATT-010", Expect::Unknown);
        case(SbomDifference { unread: 1, ..SbomDifference::default() })
            .check("ATT-010", Expect::Pass);
        let unread = case(SbomDifference::default())
            .stated(|stated| stated.differences.push(said(Err("not an SBOM".to_owned()))));
        unread.check("ATT-010", Expect::Unknown);
    }
}
