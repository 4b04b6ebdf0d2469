//! Why one component has the verdict that it has: every record that was considered, and what each says.

use crate::{
    Error, Index,
    ecosystem::{Target, target},
    ranges::{in_words, why_outside},
    scan::{
        Considered, Judged, consider,
        judge::{Installed, Judgement, WhyNot},
        verdict,
    },
};
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId},
    scan::{MatchEvidence, NotEvaluated, ScanVerdict},
};

/// The most packages of a Go module that a reason names.
const NAMED: usize = 5;

/// Why a component has its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The component.
    pub component: ComponentId,
    /// Its verdict.
    pub verdict: ScanVerdict,
    /// Where advisories about it were looked for; or why there is no such place.
    pub place: Result<Place, NotEvaluated>,
    /// The records that were considered: those that apply first, then those in doubt, then by id. Of a component that its
    /// distribution judges, those of upstream, which do not count.
    pub records: Vec<ExplainedRecord>,
}

/// Where advisories about a component were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The ecosystem as OSV names it, with its release.
    pub ecosystem: String,
    /// The name under which the records are; where there is none, the first that was looked for.
    pub name: String,
    /// The version that counts there.
    pub version: Option<String>,
    /// How versions are compared (`a Debian version`).
    pub comparator: &'static str,
    /// The specification of that order.
    pub specification: &'static str,
}

/// One record and what it says of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedRecord {
    /// Its id.
    pub id: String,
    /// All ids of its flaws, sorted.
    pub ids: Vec<String>,
    /// One line.
    pub summary: String,
    /// Its ranges in words (`introduced 0, fixed 1.2.13-1`).
    pub ranges: Vec<String>,
    /// How many versions it lists.
    pub listed: usize,
    /// What it says.
    pub outcome: RecordOutcome,
    /// Why: the range that holds, or what keeps it from applying.
    pub because: String,
    /// What that rests on.
    pub evidence: Vec<MatchEvidence>,
}

/// What a record says of a component. In the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordOutcome {
    /// It applies.
    Applies,
    /// It could not be told.
    Doubt,
    /// It does not apply.
    DoesNotApply,
}

impl RecordOutcome {
    /// The words that stand for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::Doubt => "can not be told",
            Self::DoesNotApply => "does not apply",
        }
    }
}

/// Explains the verdict on a component; nothing where the inventory has no such component.
///
/// # Errors
/// [`Error::Damaged`] where the index can not be read.
pub fn explain(
    inventory: &Inventory,
    id: ComponentId,
    index: &Index,
) -> Result<Option<Explanation>, Error> {
    let Some(component) = inventory.component(id) else { return Ok(None) };
    let verdict = verdict(inventory, component, index);
    let target = target(component, inventory.distribution.as_ref());
    let (place, mut records) = match &target {
        Ok(target) => of_target(component, target, index)?,
        Err(reason) => (Err(reason.clone()), Vec::new()),
    };
    records.sort_by(|left, right| (left.outcome, &left.id).cmp(&(right.outcome, &right.id)));
    Ok(Some(Explanation { component: id, verdict, place, records }))
}

type Explained = (Result<Place, NotEvaluated>, Vec<ExplainedRecord>);

fn of_target(
    component: &Component,
    target: &Target<'_>,
    index: &Index,
) -> Result<Explained, Error> {
    let place = |package: Option<&crate::ecosystem::Package<'_>>| Place {
        ecosystem: target.ecosystem.clone().into_owned(),
        name: package.map(|package| package.name.clone().into_owned()).unwrap_or_default(),
        version: package.and_then(|package| Some(package.version.clone()?.into_owned())),
        comparator: target.scheme.name,
        specification: target.scheme.specification,
    };
    let records = match consider(component, target, index) {
        Ok(Some(Considered { package, installed, judged })) => {
            let record = |one| record(component, &installed, one, index);
            let records = judged.iter().map(record).collect::<Result<_, _>>()?;
            return Ok((Ok(place(Some(package))), records));
        }
        // What keeps it from being compared is in the verdict; where it was looked for is told all the same.
        Ok(None) | Err(NotEvaluated::NoVersion) => Ok(place(target.packages.first())),
        Err(reason) => Err(reason),
    };
    Ok((records, Vec::new()))
}

fn record(
    component: &Component,
    installed: &Installed<'_>,
    judged: &Judged<'_>,
    index: &Index,
) -> Result<ExplainedRecord, Error> {
    let Judged { row, judgement } = judged;
    let details = index.details(row.advisory)?;
    let files = || component.locations.iter().cloned().map(MatchEvidence::File);
    let (outcome, because, evidence) = match judgement {
        Judgement::Applies(hit, packages) => {
            let links = packages.iter().map(|path| MatchEvidence::Links((*path).to_owned()));
            let because = match packages.as_slice() {
                [] => hit.because.clone(),
                packages => format!("{}; the program links {}", hit.because, listed(packages)),
            };
            (RecordOutcome::Applies, because, files().chain(links).collect())
        }
        Judgement::Doubt(doubt) => {
            let reason = doubt.clone().reason(details.id, installed).to_string();
            (RecordOutcome::Doubt, reason, files().collect())
        }
        Judgement::Not(why) => {
            (RecordOutcome::DoesNotApply, why_not(why, installed, &row.ranges), files().collect())
        }
    };
    let mut ids: Vec<String> =
        details.flaws.iter().flatten().copied().chain([details.id]).map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    Ok(ExplainedRecord {
        id: details.id.to_owned(),
        ids,
        summary: details.summary.to_owned(),
        ranges: row.ranges.iter().map(|events| in_words(events)).collect(),
        listed: row.versions.len(),
        outcome,
        because,
        evidence,
    })
}

fn why_not(
    why: &WhyNot<'_>,
    installed: &Installed<'_>,
    ranges: &[Vec<crate::ranges::Event<'_>>],
) -> String {
    match why {
        WhyNot::Version if ranges.is_empty() => {
            format!("{} is not among the versions that it lists", installed.version)
        }
        WhyNot::Version => {
            let mut reasons: Vec<_> = ranges
                .iter()
                .map(|events| why_outside(installed.scheme, installed.version, events))
                .collect();
            reasons.dedup();
            reasons.join("; ")
        }
        WhyNot::OtherStream => "it is about another stream of the module".to_owned(),
        WhyNot::BuiltAgain => format!(
            "it names {} itself as fixed, and this is the same release in another build of the module",
            installed.version
        ),
        WhyNot::OtherBuild => {
            "one of the two is a package of a module, and the other is not".to_owned()
        }
        WhyNot::NotLinked(packages) => {
            format!("the program links none of the flawed packages: {}", listed(packages))
        }
        WhyNot::ClearedBy(record) => {
            format!("{record} is about the same flaw, and the program links none of its packages")
        }
    }
}

fn listed(packages: &[&str]) -> String {
    let named: Vec<&str> = packages.iter().copied().take(NAMED).collect();
    match packages.len().checked_sub(NAMED) {
        None | Some(0) => named.join(", "),
        Some(more) => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::index;

    const RECORDS: [&str; 3] = [
        r#"{"id":"GHSA-1","aliases":["CVE-1"],"summary":"A flaw","affected":[{"package":{"ecosystem":"npm","name":"a"},
            "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#,
        r#"{"id":"GHSA-2","affected":[{"package":{"ecosystem":"npm","name":"a"},
            "ranges":[{"type":"SEMVER","events":[{"introduced":"2.0.0"},{"last_affected":"2.1.0"}]}],"versions":["0.9.0"]}]}"#,
        r#"{"id":"GHSA-0","affected":[{"package":{"ecosystem":"npm","name":"a"},
            "ranges":[{"type":"NEW","events":[{"introduced":"0"}]}]}]}"#,
    ];

    fn of(purl: &str, version: &str) -> Explanation {
        let purl: plimsoll_model::Purl = purl.parse().unwrap();
        let component = Component::new(purl.clone(), purl.name(), Some(version.into()), "test");
        let inventory = Inventory::new(None, vec![component], vec![], vec![]);
        explain(&inventory, ComponentId(0), &index(&RECORDS)).unwrap().unwrap()
    }

    #[track_caller]
    fn check(version: &str, expect: &[(&str, RecordOutcome, &str)]) -> Explanation {
        let explanation = of("pkg:npm/a", version);
        let found: Vec<_> = explanation
            .records
            .iter()
            .map(|record| (record.id.as_str(), record.outcome, record.because.as_str()))
            .collect();
        assert_eq!(found, expect);
        explanation
    }

    const UNKNOWN_TYPE: &str =
        "advisory GHSA-0 about it can not be evaluated: its range is of the unknown type `NEW`";

    #[test]
    fn every_record_says_whether_it_applies_and_why() {
        use RecordOutcome::{Applies, DoesNotApply, Doubt};
        let explanation = check(
            "1.1.0",
            &[
                ("GHSA-1", Applies, "introduced 0, fixed 1.2.0; 1.1.0 lies before"),
                ("GHSA-0", Doubt, UNKNOWN_TYPE),
                ("GHSA-2", DoesNotApply, "1.1.0 lies outside"),
            ],
        );
        assert!(matches!(explanation.verdict, ScanVerdict::Matched(_)));
        let place = Place {
            ecosystem: "npm".to_owned(),
            name: "a".to_owned(),
            version: Some("1.1.0".to_owned()),
            comparator: "an npm version",
            specification: crate::versions::npm::SCHEME.specification,
        };
        assert_eq!(explanation.place, Ok(place));
        assert_eq!(explanation.records[0].ids, ["CVE-1", "GHSA-1"]);
        assert_eq!(explanation.records[0].ranges, ["introduced 0, fixed 1.2.0"]);
        assert_eq!(explanation.records[2].ranges, ["introduced 2.0.0, last affected 2.1.0"]);
        assert_eq!(explanation.records[2].listed, 1);
        check(
            "2.2.0",
            &[
                ("GHSA-0", Doubt, UNKNOWN_TYPE),
                ("GHSA-1", DoesNotApply, "2.2.0 lies after the fix 1.2.0"),
                ("GHSA-2", DoesNotApply, "2.2.0 lies after 2.1.0, the last with the flaw"),
            ],
        );
    }

    #[test]
    fn the_fix_itself_is_said_to_be_it() {
        let explanation = of("pkg:npm/a", "1.2.0");
        assert_eq!(explanation.records[1].because, "1.2.0 is the fix");
    }

    #[test]
    fn what_could_not_be_looked_for_says_why() {
        let explanation = of("pkg:generic/a", "1");
        let reason = NotEvaluated::UnsupportedKind { kind: "generic".to_owned() };
        assert_eq!(explanation.place, Err(reason.clone()));
        assert_eq!(explanation.verdict, ScanVerdict::NotEvaluated(reason));
        assert_eq!(explanation.records, []);
        let explanation = of("pkg:npm/b", "1.0.0");
        assert_eq!(explanation.verdict, ScanVerdict::Clean);
        assert_eq!(explanation.place.unwrap().name, "b");
    }

    #[test]
    fn a_component_that_is_not_there_has_no_explanation() {
        let nothing = explain(&Inventory::default(), ComponentId(0), &index(&RECORDS));
        assert_eq!(nothing.unwrap(), None);
    }
}
