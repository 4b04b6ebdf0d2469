//! `scan --explain`: the verdict on one component, and every record that was considered.

use super::advised;
use plimsoll_model::{
    Inventory, Printable,
    component::{Component, Location},
    scan::{MatchEvidence, ScanVerdict},
};
use plimsoll_vuln::{ExplainedRecord, Explanation};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};

/// Explanations of components, for people.
pub(crate) fn to_text(explanations: &[Explanation], inventory: &Inventory) -> String {
    let mut out = String::new();
    for explanation in explanations {
        // Writing to a string does not fail.
        one(&mut out, explanation, inventory).ok();
    }
    out
}

/// The same, for programs.
pub(crate) fn to_json(explanations: &[Explanation], inventory: &Inventory) -> Value {
    json!({
        "version": 1,
        "command": "scan --explain",
        "explanations": explanations
            .iter()
            .map(|explanation| as_json(explanation, inventory))
            .collect::<Vec<_>>(),
    })
}

fn one(out: &mut String, explanation: &Explanation, inventory: &Inventory) -> fmt::Result {
    let Some(component) = inventory.component(explanation.component) else { return Ok(()) };
    writeln!(out, "{}", Printable(component.purl.as_str()))?;
    row(out, "verdict", &verdict(explanation, inventory))?;
    for location in &component.locations {
        row(out, "found in", &place(location))?;
    }
    match &explanation.place {
        Ok(place) => {
            let version = place.version.as_deref().unwrap_or("no version");
            let name = &place.name;
            row(out, "looked for", &format!("{name} {version} in {}", place.ecosystem))?;
            row(out, "compared", &format!("as {} ({})", place.comparator, place.specification))?;
        }
        Err(reason) => row(out, "looked for", &format!("nowhere: {reason}"))?,
    }
    if explanation.records.is_empty() {
        row(out, "records", "none is about it")?;
    }
    for found in &explanation.records {
        writeln!(out)?;
        record(out, found)?;
    }
    writeln!(out)
}

fn record(out: &mut String, found: &ExplainedRecord) -> fmt::Result {
    let title = format!("{} {}: {}", found.id, found.outcome.as_str(), found.because);
    writeln!(out, "  {}", Printable(&title))?;
    let others: Vec<&str> =
        found.ids.iter().map(String::as_str).filter(|id| *id != found.id).collect();
    inner(out, "also", &others.join(", "))?;
    inner(out, "summary", &found.summary)?;
    for range in &found.ranges {
        inner(out, "range", range)?;
    }
    if found.listed > 0 {
        inner(out, "lists", &format!("{} versions", found.listed))?;
    }
    for evidence in &found.evidence {
        match evidence {
            MatchEvidence::File(location) => inner(out, "evidence", &place(location))?,
            MatchEvidence::Links(package) => inner(out, "evidence", &format!("links {package}"))?,
        }
    }
    Ok(())
}

fn row(out: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "  {name:<11} {}", Printable(value))
}

fn inner(out: &mut String, name: &str, value: &str) -> fmt::Result {
    if value.is_empty() { Ok(()) } else { writeln!(out, "    {name:<9} {}", Printable(value)) }
}

fn verdict(explanation: &Explanation, inventory: &Inventory) -> String {
    match &explanation.verdict {
        ScanVerdict::Matched(matches) => match matches.len() {
            1 => "matched: 1 flaw".to_owned(),
            count => format!("matched: {count} flaws"),
        },
        ScanVerdict::Clean => "clean: the index covers it, and no record applies".to_owned(),
        ScanVerdict::NotEvaluated(reason) => format!("not evaluated: {reason}"),
        ScanVerdict::JudgedAs(owner) => {
            let owner = inventory.component(*owner).map_or("", |owner| owner.purl.as_str());
            format!("judged by the distribution, as {owner}, whose file it is")
        }
    }
}

const fn verdict_word(verdict: &ScanVerdict) -> &'static str {
    match verdict {
        ScanVerdict::Matched(_) => "matched",
        ScanVerdict::Clean => "clean",
        ScanVerdict::NotEvaluated(_) => "not-evaluated",
        ScanVerdict::JudgedAs(_) => "judged-by-owner",
    }
}

fn place(location: &Location) -> String {
    let layer = location.layer.map(|layer| format!(" (layer {})", layer.short()));
    format!("{}{}{}", location.path, location.inside, layer.unwrap_or_default())
}

fn as_json(explanation: &Explanation, inventory: &Inventory) -> Value {
    let component: Option<&Component> = inventory.component(explanation.component);
    let place = explanation.place.as_ref();
    json!({
        "purl": component.map(|component| &component.purl),
        "verdict": verdict_word(&explanation.verdict),
        "reason": match &explanation.verdict {
            ScanVerdict::NotEvaluated(reason) => Some(reason.to_string()),
            ScanVerdict::Matched(_) | ScanVerdict::Clean | ScanVerdict::JudgedAs(_) => None,
        },
        "judgedAs": match &explanation.verdict {
            ScanVerdict::JudgedAs(owner) => inventory.component(*owner).map(|owner| &owner.purl),
            ScanVerdict::Matched(_) | ScanVerdict::Clean | ScanVerdict::NotEvaluated(_) => None,
        },
        "ecosystem": place.ok().map(|place| &place.ecosystem),
        "name": place.ok().map(|place| &place.name),
        "installed": place.ok().and_then(|place| place.version.as_ref()),
        "comparator": place.ok().map(|place| json!({
            "name": place.comparator, "specification": place.specification,
        })),
        "records": explanation.records.iter().map(|found| json!({
            "id": found.id,
            "ids": found.ids,
            "summary": found.summary,
            "ranges": found.ranges,
            "listedVersions": found.listed,
            "outcome": found.outcome.as_str(),
            "because": found.because,
            "evidence": advised::evidence(&found.evidence),
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{TreePath, component::ComponentId, scan::NotEvaluated};
    use plimsoll_vuln::{Place, RecordOutcome};

    fn inventory() -> Inventory {
        let purl = "pkg:npm/a@1.0.0".parse().unwrap();
        let mut component = Component::new(purl, "a", Some("1.0.0".to_owned()), "test");
        component.locations.push(Location {
            path: TreePath::parse(b"app/a\tb").unwrap(),
            inside: String::new(),
            layer: None,
        });
        Inventory::new(None, vec![component], vec![], vec![])
    }

    fn explanation(verdict: ScanVerdict) -> Explanation {
        let location = inventory().components()[0].locations[0].clone();
        Explanation {
            component: ComponentId(0),
            verdict,
            place: Ok(Place {
                ecosystem: "npm".to_owned(),
                name: "a".to_owned(),
                version: Some("1.0.0".to_owned()),
                comparator: "an npm version",
                specification: "https://example.org",
            }),
            records: vec![ExplainedRecord {
                id: "GHSA-1".to_owned(),
                ids: vec!["CVE-1".to_owned(), "GHSA-1".to_owned()],
                summary: "a\u{1b}[31mflaw".to_owned(),
                ranges: vec!["introduced 0, fixed 0.9.0".to_owned()],
                listed: 2,
                outcome: RecordOutcome::DoesNotApply,
                because: "1.0.0 lies after the fix 0.9.0".to_owned(),
                evidence: vec![MatchEvidence::File(location), MatchEvidence::Links("x/y".into())],
            }],
        }
    }

    #[test]
    fn an_explanation_in_words_is_fit_for_a_terminal() {
        let text = to_text(&[explanation(ScanVerdict::Clean)], &inventory());
        assert_eq!(
            text,
            "pkg:npm/a@1.0.0
  verdict     clean: the index covers it, and no record applies
  found in    /app/a\\u{9}b
  looked for  a 1.0.0 in npm
  compared    as an npm version (https://example.org)

  GHSA-1 does not apply: 1.0.0 lies after the fix 0.9.0
    also      CVE-1
    summary   a\\u{1b}[31mflaw
    range     introduced 0, fixed 0.9.0
    lists     2 versions
    evidence  /app/a\\u{9}b
    evidence  links x/y

"
        );
    }

    #[test]
    fn an_explanation_for_programs_has_every_field() {
        let reason = ScanVerdict::NotEvaluated(NotEvaluated::NoVersion);
        let found = to_json(&[explanation(reason)], &inventory());
        let one = &found["explanations"][0];
        assert_eq!(one["verdict"], "not-evaluated");
        assert_eq!(one["reason"], "its version is not known");
        assert_eq!(one["comparator"]["name"], "an npm version");
        assert_eq!(one["records"][0]["outcome"], "does not apply");
        assert_eq!(one["records"][0]["evidence"][1], json!({ "links": "x/y" }));
        assert_eq!(one["judgedAs"], Value::Null);
    }

    #[test]
    fn an_owner_is_named() {
        let owned = explanation(ScanVerdict::JudgedAs(ComponentId(0)));
        assert!(to_text(&[owned], &inventory()).contains("as pkg:npm/a@1.0.0, whose file it is"));
    }
}
