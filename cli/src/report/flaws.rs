//! What the advisories say of components, and what the policy makes of it: one row for each match.
//!
//! Every match is there, whether or not a rule has raised it: a report for others leaves out nothing that was found.

use super::Report;
use crate::error::Error;
use plimsoll_model::{
    component::{Component, ComponentId},
    finding::Place,
    scan::Match,
};
use plimsoll_policy::Judged;
use std::{cmp::Reverse, collections::BTreeMap};
use uuid::Uuid;

/// The name space of the ids of flaws, chosen once.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b0c_3d8e_94a1_5f37_a2d6_10c7_7e42_9b15);

/// A match.
#[derive(Debug)]
pub(super) struct Flaw<'a> {
    /// The component.
    pub component: &'a Component,
    /// Its position in the inventory.
    pub position: ComponentId,
    /// The advisory, and all that is known of it.
    pub found: &'a Match,
    /// The finding about it; absent where no rule has raised one.
    pub judged: Option<&'a Judged>,
    /// The same for the same flaw of the same package in the same file, whatever the versions.
    pub id: Uuid,
}

impl Flaw<'_> {
    /// Whether it stands in the way.
    pub(super) fn is_blocking(&self) -> bool {
        self.judged.is_some_and(Judged::is_blocking)
    }

    /// The id that people know the flaw by, then the others.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let advisory = &self.found.advisory;
        let first = advisory.display_id();
        let others = std::iter::once(&advisory.id).chain(&advisory.aliases).map(String::as_str);
        std::iter::once(first).chain(others.filter(move |id| *id != first))
    }

    /// How to be rid of it.
    pub(super) fn remedy(&self) -> String {
        match (self.judged, self.found.fix.versions()) {
            (Some(judged), _) => judged.finding.remedy.clone(),
            (None, []) => "no fix is known".to_owned(),
            (None, versions) => {
                format!("rebuild with {} {}", self.component.name, versions.join(" or "))
            }
        }
    }
}

/// Where a component was found first, as findings name it.
pub(super) fn path(component: &Component) -> String {
    component.locations.first().map(|location| location.path.to_string()).unwrap_or_default()
}

/// Every match: what blocks first, then by risk.
pub(super) fn flaws<'a>(report: &Report<'a>, format: &'static str) -> Result<Vec<Flaw<'a>>, Error> {
    let missing = Error::Format { format, command: report.command, needs: "a scan" };
    let (scan, inventory) = report.scan.zip(report.inventory).ok_or(missing)?;
    let judged = judged(report);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut flaws: Vec<Flaw<'_>> = scan
        .matches()
        .filter_map(|(position, found)| {
            let component = inventory.component(position)?;
            let (path, flaw) = (path(component), found.advisory.display_id());
            let name = format!("{}\0{path}\0{flaw}", component.purl.without_version());
            let ordinal = seen.entry(name.clone()).or_default();
            *ordinal = ordinal.saturating_add(1);
            let name = if *ordinal == 1 { name } else { format!("{name}\0{ordinal}") };
            let id = Uuid::new_v5(&NAMESPACE, name.as_bytes());
            let judged = judged.get(&(component.purl.as_str(), path, flaw)).copied();
            Some(Flaw { component, position, found, judged, id })
        })
        .collect();
    flaws.sort_by(|left, right| order(left).cmp(&order(right)));
    Ok(flaws)
}

fn order<'a>(
    flaw: &'a Flaw<'_>,
) -> (bool, Reverse<plimsoll_model::risk::Risk>, &'a str, &'a str, ComponentId) {
    let risk = Reverse(flaw.found.risk());
    let id = flaw.found.advisory.display_id();
    (!flaw.is_blocking(), risk, &flaw.component.name, id, flaw.position)
}

/// Package URL and path of a component, and the flaw.
type Key<'a> = (&'a str, String, &'a str);

/// The findings about flaws; where two are about the same, the one that comes first, which is the worse.
fn judged<'a>(report: &Report<'a>) -> BTreeMap<Key<'a>, &'a Judged> {
    let findings = report.decision.map(plimsoll_policy::Decision::findings).unwrap_or_default();
    let mut judged = BTreeMap::new();
    for one in findings {
        if let (Some(flaw), Place::Component { purl, path, .. }) =
            (&one.finding.vulnerability, &one.finding.place)
        {
            judged.entry((purl.as_str(), path.clone(), flaw.id.as_str())).or_insert(one);
        }
    }
    judged
}

/// An address that may be linked to: of the web, and without anything that ends an attribute or a line.
pub(super) fn link(address: &str) -> Option<&str> {
    let is_web = ["https://", "http://"]
        .iter()
        .any(|scheme| address.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let is_plain =
        address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>`\\".contains(&byte));
    (is_web && is_plain && address.len() <= 2048).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Case;

    #[test]
    fn every_match_has_its_finding_and_an_id_of_its_own() {
        let case = Case::twice_in_one_file();
        let report = case.report();
        let flaws = flaws(&report, "csv").unwrap();
        assert_eq!(flaws.len(), 2);
        assert!(flaws.iter().all(|flaw| flaw.judged.is_some()));
        assert_ne!(flaws[0].id, flaws[1].id);
    }

    #[test]
    fn what_blocks_is_first_and_the_id_outlives_versions() {
        let (case, other) = (Case::two_flaws(), Case::two_flaws_in_other_versions());
        let (report, other) = (case.report(), other.report());
        let ids = |report: &Report<'_>| {
            let flaws = flaws(report, "csv").unwrap();
            assert!(flaws[0].is_blocking() && !flaws[1].is_blocking());
            flaws.iter().map(|flaw| flaw.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&report), ids(&other));
    }

    #[test]
    fn only_plain_addresses_of_the_web_are_links() {
        assert_eq!(link("https://a.example/b?c=d"), Some("https://a.example/b?c=d"));
        for address in ["javascript:alert(1)", "https://", "https://a\nb", "http://a\"b", ""] {
            assert_eq!(link(address), None, "{address:?}");
        }
    }
}
