//! Cases for a policy: what it is to make of recorded facts and of files, and how far it does.

use crate::{
    Action, ConfigKind, Decision, Judged, Policy, Verdict, policy::Located, record::Recorded, rules,
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use plimsoll_model::finding::{Outcome, Place};
use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

/// The most findings that are shown beside one that is missing.
const SHOWN: usize = 10;

/// One case. Paths are as written, and are meant from the directory of the case.
#[derive(Debug, Clone)]
pub struct PolicyCase {
    /// The policy file; absent means the one in force.
    pub policy: Option<Utf8PathBuf>,
    /// The environment of that file.
    pub environment: Option<String>,
    /// The moment as of which is judged; absent means when the facts were recorded, or now.
    pub at: Option<Timestamp>,
    /// Facts that were recorded of an image.
    pub facts: Option<Utf8PathBuf>,
    /// Dockerfiles.
    pub dockerfiles: Vec<Utf8PathBuf>,
    /// Compose files.
    pub compose: Vec<Utf8PathBuf>,
    /// Manifests of Kubernetes.
    pub kubernetes: Vec<Utf8PathBuf>,
    /// Settings of the daemon, and pipelines.
    pub configs: Vec<(Utf8PathBuf, ConfigKind)>,
    /// The stage that is built.
    pub target: Option<String>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// What is to come of it.
    pub expect: Expected,
}

/// What is to come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The verdict.
    pub verdict: Option<Located<Verdict>>,
    /// Findings, each of which has to be there.
    pub findings: Vec<ExpectedFinding>,
    /// Rules that have to be judged, and to find nothing.
    pub absent: Vec<Located<&'static str>>,
}

/// A finding that has to be there; what is absent may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFinding {
    /// The rule.
    pub rule: &'static str,
    /// The file of the user's.
    pub file: Option<Utf8PathBuf>,
    /// The line in that file.
    pub line: Option<u32>,
    /// The path in the image.
    pub path: Option<String>,
    /// The package URL.
    pub package: Option<String>,
    /// An id of the flaw.
    pub id: Option<String>,
    /// What the rule has seen.
    pub outcome: Option<Outcome>,
    /// What the policy makes of it.
    pub action: Option<Action>,
    /// Whether an exception accepts it.
    pub accepted: Option<bool>,
    /// Its line in the case.
    pub at: u32,
}

/// An expectation that does not hold. Its texts have words of files in them: not yet fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The line in the case.
    pub line: u32,
    /// What was expected.
    pub expected: String,
    /// What there is instead.
    pub found: Vec<String>,
}

impl PolicyCase {
    pub(crate) const fn is_about_nothing(&self) -> bool {
        self.facts.is_none()
            && self.dockerfiles.is_empty()
            && self.compose.is_empty()
            && self.kubernetes.is_empty()
            && self.configs.is_empty()
    }
}

impl Expected {
    pub(crate) const fn is_empty(&self) -> bool {
        self.verdict.is_none() && self.findings.is_empty() && self.absent.is_empty()
    }

    /// What does not hold of it.
    ///
    /// That a rule finds nothing holds only where it was judged, and where a record has all that it looks at.
    pub fn unmet(
        &self,
        policy: &Policy,
        decision: &Decision,
        recorded: Option<&Recorded>,
    ) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        if let Some(verdict) = self.verdict
            && verdict.value != decision.verdict()
        {
            let found = std::iter::once(format!("verdict {}", decision.verdict()));
            let blocking = decision.blocking().map(shown);
            unmet.push(Unmet {
                line: verdict.line.unwrap_or_default(),
                expected: format!("verdict {}", verdict.value),
                found: limited(found.chain(blocking)),
            });
        }
        for expected in &self.findings {
            if !decision.findings().iter().any(|judged| expected.is_met_by(judged)) {
                let of_rule = of_rule(decision, expected.rule);
                unmet.push(Unmet {
                    line: expected.at,
                    expected: expected.to_string(),
                    found: limited(of_rule.map(shown)),
                });
            }
        }
        for absent in &self.absent {
            let found = against(absent.value, policy, decision, recorded);
            if !found.is_empty() {
                unmet.push(Unmet {
                    line: absent.line.unwrap_or_default(),
                    expected: format!("no finding of {}", absent.value),
                    found,
                });
            }
        }
        unmet
    }
}

/// What speaks against it that a rule finds nothing.
fn against(
    id: &'static str,
    policy: &Policy,
    decision: &Decision,
    recorded: Option<&Recorded>,
) -> Vec<String> {
    let found = limited(of_rule(decision, id).map(shown));
    if !found.is_empty() {
        return found;
    }
    let rule = rules::find(id);
    let own = policy.custom.iter().find(|rule| rule.id == id);
    let action = match (rule, own) {
        (Some(rule), _) => policy.action(rule),
        (None, Some(own)) => policy.custom_action(own),
        (None, None) => return vec!["the policy has no such rule".to_owned()],
    };
    let is_held = |recorded: &Recorded| rule.is_none_or(|rule| recorded.holds_for(rule));
    if action.value.is_none() {
        Vec::new()
    } else if recorded.is_some_and(|recorded| !is_held(recorded)) {
        vec!["recorded facts do not have all that it looks at: it could not tell".to_owned()]
    } else if !decision.evaluated().contains(&id) {
        vec!["it was not judged: nothing that it looks at is there".to_owned()]
    } else {
        Vec::new()
    }
}

fn of_rule<'d>(decision: &'d Decision, rule: &'d str) -> impl Iterator<Item = &'d Judged> {
    decision.findings().iter().filter(move |judged| judged.finding.rule == rule)
}

fn limited(mut all: impl Iterator<Item = String>) -> Vec<String> {
    let mut shown: Vec<_> = all.by_ref().take(SHOWN).collect();
    let more = all.count();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown
}

impl ExpectedFinding {
    fn is_met_by(&self, judged: &Judged) -> bool {
        let finding = &judged.finding;
        let (mut file, mut line, mut path, mut package) = (None, None, None, None);
        match &finding.place {
            Place::Source { path, line: at, .. } => {
                (file, line) = (Some(path.as_path()), Some(*at));
            }
            Place::Component { purl, path: at, .. } => {
                (path, package) = (Some(at.as_str()), Some(purl.as_str()));
            }
            Place::File { path: at, .. } => path = Some(at.as_str()),
            Place::Config { .. }
            | Place::Image
            | Place::Evidence
            | Place::Registry { .. }
            | Place::Policy => {}
        }
        let has_id = |id: &String| {
            let flaw = finding.vulnerability.as_deref();
            flaw.is_some_and(|flaw| flaw.id == *id || flaw.ids.contains(id))
        };
        finding.rule == self.rule
            && self.file.as_deref().is_none_or(|expected| file.is_some_and(|it| same(it, expected)))
            && self.line.is_none_or(|expected| line == Some(expected))
            && self.path.as_deref().is_none_or(|expected| path == Some(expected))
            && self.package.as_deref().is_none_or(|expected| package == Some(expected))
            && self.id.as_ref().is_none_or(has_id)
            && self.outcome.is_none_or(|expected| finding.outcome == expected)
            && self.action.is_none_or(|expected| judged.action == expected)
            && self.accepted.is_none_or(|expected| judged.exception.is_some() == expected)
    }
}

/// Whether two paths are the same but for `./`.
fn same(one: &Utf8Path, other: &Utf8Path) -> bool {
    crate::compose::lexical(one) == crate::compose::lexical(other)
}

impl fmt::Display for ExpectedFinding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.rule)?;
        if let Some(file) = &self.file {
            write!(out, " at {file}")?;
            if let Some(line) = self.line {
                write!(out, ":{line}")?;
            }
        }
        let texts = [("at", &self.path), ("in", &self.package), ("of", &self.id)];
        for (word, text) in texts {
            if let Some(text) = text {
                write!(out, " {word} {text}")?;
            }
        }
        if let Some(outcome) = self.outcome {
            write!(out, ", {}", outcome.as_str())?;
        }
        if let Some(action) = self.action {
            write!(out, ", {}", action.as_str())?;
        }
        match self.accepted {
            Some(true) => out.write_str(", accepted"),
            Some(false) => out.write_str(", not accepted"),
            None => Ok(()),
        }
    }
}

/// A finding as an expectation would name it.
fn shown(judged: &Judged) -> String {
    let finding = &judged.finding;
    let mut text = finding.rule.to_owned();
    // Writing to a string does not fail.
    match &finding.place {
        Place::Source { path, line, .. } => write!(text, " at {path}:{line}").ok(),
        Place::Component { purl, .. } => write!(text, " in {purl}").ok(),
        Place::File { path, .. } => write!(text, " at {path}").ok(),
        Place::Config { field } => write!(text, " at {field}").ok(),
        Place::Registry { at } => write!(text, " at {at}").ok(),
        Place::Image | Place::Evidence | Place::Policy => None,
    };
    if let Some(flaw) = &finding.vulnerability {
        write!(text, " of {}", flaw.id).ok();
    }
    let accepted = if judged.exception.is_some() { ", accepted" } else { "" };
    write!(text, ", {}, {}{accepted}", finding.outcome.as_str(), judged.action.as_str()).ok();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide,
        record::tests::rich,
        rules::testing::{Case, now},
    };

    const DOCKERFILE: &str = "FROM scratch\nUSER root\nHEALTHCHECK NONE\n";

    /// What does not hold of an expectation, in one line each.
    fn unmet(case: &Case, policy: &str, expect: &str) -> Vec<String> {
        let policy = Policy::parse(&format!("version: 1\n{policy}"), "p.yaml".into()).unwrap();
        let expected = expected(expect);
        let decision = case.decide_by(&policy);
        texts(expected.unmet(&policy, &decision, None))
    }

    fn expected(expect: &str) -> Expected {
        let text = format!("version: 1\nfacts: f.json\nexpect: {expect}\n");
        PolicyCase::parse(&text, "a.test.yaml".into()).unwrap().expect
    }

    fn texts(unmet: Vec<Unmet>) -> Vec<String> {
        let text = |it: Unmet| format!("{}: {} | {}", it.line, it.expected, it.found.join(" | "));
        unmet.into_iter().map(text).collect()
    }

    #[track_caller]
    fn check(expect: &str, found: &[&str]) {
        let case = Case::default().dockerfile(DOCKERFILE);
        assert_eq!(unmet(&case, "rules: {DF-030: off}", expect), found);
    }

    #[test]
    fn what_holds_says_nothing() {
        check(
            "{verdict: blocked, findings: [{rule: DF-020, file: ./Dockerfile, line: 2, action: deny}], absent: [DF-021]}",
            &[],
        );
        check("{findings: [{rule: DF-020, outcome: fail, accepted: false}]}", &[]);
    }

    #[test]
    fn what_does_not_hold_says_what_there_is_instead() {
        let root = "DF-020 at Dockerfile:2, fail, deny";
        check("{verdict: passed}", &[&format!("3: verdict passed | verdict blocked | {root}")]);
        for (expect, shown) in [
            ("file: Dockerfile, line: 3", "DF-020 at Dockerfile:3"),
            ("file: other", "DF-020 at other"),
            ("outcome: unknown", "DF-020, unknown"),
            ("action: warn", "DF-020, warn"),
            ("accepted: true", "DF-020, accepted"),
            ("package: \"pkg:npm/a@1\", id: CVE-1", "DF-020 in pkg:npm/a@1 of CVE-1"),
            ("path: /x", "DF-020 at /x"),
        ] {
            let found = format!("3: {shown} | {root}");
            check(&format!("{{findings: [{{rule: DF-020, {expect}}}]}}"), &[&found]);
        }
        check("{findings: [{rule: DF-001}]}", &["3: DF-001 | "]);
        check("{absent: [DF-020]}", &[&format!("3: no finding of DF-020 | {root}")]);
    }

    #[test]
    fn that_nothing_is_found_holds_only_where_somebody_looked() {
        check(
            "{absent: [IMG-001]}",
            &["3: no finding of IMG-001 | it was not judged: nothing that it looks at is there"],
        );
        check("{absent: [DF-030]}", &[]);
    }

    #[test]
    fn what_a_record_does_not_have_is_not_found_absent() {
        let json = rich().with_facts(|facts| {
            serde_json::to_vec(&crate::record::document(facts, now())).unwrap()
        });
        let recorded = Recorded::read(&json, "f.json".into()).unwrap();
        assert_eq!(recorded.at(), now());
        let policy = Policy::baseline();
        let decision = decide(&policy, &recorded.facts(), now());
        let expected = expected(
            "{findings: [{rule: VUL-005, package: \"pkg:npm/e@1\", id: MAL-1}, {rule: VUL-002, id: GHSA-1}], absent: [SEC-002, FS-001, ATT-001, IMG-002]}",
        );
        let missing = "recorded facts do not have all that it looks at: it could not tell";
        let found = texts(expected.unmet(&policy, &decision, Some(&recorded)));
        let expect = [
            format!("3: no finding of SEC-002 | {missing}"),
            format!("3: no finding of FS-001 | {missing}"),
            "3: no finding of ATT-001 | it was not judged: nothing that it looks at is there"
                .to_owned(),
        ];
        assert_eq!(found, expect);
    }
}
