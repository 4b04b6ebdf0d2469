//! A case for a policy: `NAME.test.yaml`, read as strictly as the policy itself.

use super::reader::{Fields, Reader};
use crate::{
    Action, ConfigKind, Error, Verdict,
    cases::{Expected, ExpectedFinding, PolicyCase},
    custom,
    policy::Located,
    rules,
    yaml::{self, Node},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::finding::Outcome;
use std::collections::BTreeMap;

const VERSION: i64 = 1;
/// The keys of a case.
pub(crate) const KEYS: &[&str] = &[
    "version",
    "policy",
    "environment",
    "at",
    "facts",
    "dockerfiles",
    "compose",
    "kubernetes",
    "configs",
    "target",
    "build-args",
    "expect",
];
const FINDING: &[&str] =
    &["rule", "file", "line", "path", "package", "id", "outcome", "action", "accepted"];
const VERDICTS: [(&str, Verdict); 3] = [
    (Verdict::Pass.as_str(), Verdict::Pass),
    (Verdict::Blocked.as_str(), Verdict::Blocked),
    (Verdict::Undecided.as_str(), Verdict::Undecided),
];
/// The most files of each kind, and expectations of each kind.
const MOST: usize = 1_000;

impl PolicyCase {
    /// The case in `text`; `path` stands in messages.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the place of what is wrong.
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        let reader = Reader { path };
        let document = yaml::read(text, path)?;
        let fields = reader.fields(&document, KEYS)?;
        let Some(version) = fields.get("version") else {
            return reader.fail(document.at, format!("expected `version: {VERSION}`"));
        };
        reader.integer(version, (VERSION, VERSION))?;
        let text = |key| optional(&fields, key, |node| reader.text(node).map(str::to_owned));
        let file = |key| optional(&fields, key, |node| reader.file(node));
        let case = Self {
            policy: file("policy")?,
            environment: text("environment")?,
            at: optional(&fields, "at", |node| reader.moment(node, super::reader::DayEnd::First))?,
            facts: file("facts")?,
            dockerfiles: files(&reader, &fields, "dockerfiles")?,
            compose: files(&reader, &fields, "compose")?,
            kubernetes: files(&reader, &fields, "kubernetes")?,
            configs: configs(&reader, &fields)?,
            target: text("target")?,
            build_args: arguments(&reader, &fields)?,
            expect: expected(&reader, &fields)?,
        };
        if case.is_about_nothing() {
            let message = "expected something to judge: `facts`, `dockerfiles`, `compose`, `kubernetes` or `configs`";
            return reader.fail(document.at, message);
        }
        Ok(case)
    }
}

fn optional<T>(
    fields: &Fields<'_>,
    key: &str,
    read: impl FnOnce(&Node) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    fields.get(key).map(read).transpose()
}

fn list<'n>(reader: &Reader<'_>, node: &'n Node) -> Result<&'n [Node], Error> {
    let items = reader.list(node)?;
    match items.get(MOST) {
        Some(item) => reader.fail(item.at, format!("expected at most {MOST}")),
        None => Ok(items),
    }
}

fn files(reader: &Reader<'_>, fields: &Fields<'_>, key: &str) -> Result<Vec<Utf8PathBuf>, Error> {
    let Some(node) = fields.get(key) else { return Ok(Vec::new()) };
    list(reader, node)?.iter().map(|item| reader.file(item)).collect()
}

fn configs(
    reader: &Reader<'_>,
    fields: &Fields<'_>,
) -> Result<Vec<(Utf8PathBuf, ConfigKind)>, Error> {
    let Some(node) = fields.get("configs") else { return Ok(Vec::new()) };
    let config = |item: &Node| {
        let path = reader.file(item)?;
        match ConfigKind::of(&path) {
            Some(kind) => Ok((path, kind)),
            None => reader.fail(
                item.at,
                format!("expected a name that says what it configures, such as `daemon.json`, found `{path}`"),
            ),
        }
    };
    list(reader, node)?.iter().map(config).collect()
}

fn arguments(reader: &Reader<'_>, fields: &Fields<'_>) -> Result<BTreeMap<String, String>, Error> {
    let Some(node) = fields.get("build-args") else { return Ok(BTreeMap::new()) };
    let entries = reader.mapping(node, &["NAME"])?;
    let pair = |entry: &yaml::Entry| Ok((entry.key.clone(), reader.text(&entry.value)?.to_owned()));
    entries.iter().map(pair).collect()
}

fn expected(reader: &Reader<'_>, fields: &Fields<'_>) -> Result<Expected, Error> {
    let Some(node) = fields.get("expect") else {
        return reader.fail(fields.at, "a case needs `expect`: without it, it would always hold");
    };
    let known = reader.fields(node, &["verdict", "findings", "absent"])?;
    let verdict = known
        .get("verdict")
        .map(|node| Ok(Located { value: reader.word(node, &VERDICTS)?, line: Some(node.at.line) }));
    let findings = known.get("findings").map_or(Ok([].as_slice()), |node| list(reader, node))?;
    let absent = known.get("absent").map_or(Ok([].as_slice()), |node| list(reader, node))?;
    let expected = Expected {
        verdict: verdict.transpose()?,
        findings: findings.iter().map(|item| finding(reader, item)).collect::<Result<_, _>>()?,
        absent: absent
            .iter()
            .map(|item| Ok(Located { value: rule(reader, item)?, line: Some(item.at.line) }))
            .collect::<Result<_, Error>>()?,
    };
    if expected.is_empty() {
        return reader.fail(
            node.at,
            "expected a `verdict`, one of `findings`, or one of `absent`: this would always hold",
        );
    }
    Ok(expected)
}

fn finding(reader: &Reader<'_>, node: &Node) -> Result<ExpectedFinding, Error> {
    let fields = reader.fields(node, FINDING)?;
    let Some(id) = fields.get("rule") else {
        return reader.fail(node.at, "expected `rule`, the id of a rule");
    };
    let text = |key| optional(&fields, key, |node| reader.text(node).map(str::to_owned));
    let line = optional(&fields, "line", |node| reader.integer(node, (1, i64::from(u32::MAX))))?;
    if let (Some(_), Some(entry), None) = (line, fields.entry("line"), fields.get("file")) {
        return reader.fail(entry.at, "`line` is of a `file`: expected that beside it");
    }
    let outcomes =
        [(Outcome::Fail.as_str(), Outcome::Fail), (Outcome::Unknown.as_str(), Outcome::Unknown)];
    let actions = [Action::Deny, Action::Warn, Action::Inform].map(|it| (it.as_str(), it));
    Ok(ExpectedFinding {
        rule: rule(reader, id)?,
        file: optional(&fields, "file", |node| reader.file(node))?,
        line: line.and_then(|line| u32::try_from(line).ok()),
        path: text("path")?,
        package: text("package")?,
        id: text("id")?,
        outcome: optional(&fields, "outcome", |node| reader.word(node, &outcomes))?,
        action: optional(&fields, "action", |node| reader.word(node, &actions))?,
        accepted: optional(&fields, "accepted", |node| reader.boolean(node))?,
        at: node.at.line,
    })
}

fn rule(reader: &Reader<'_>, node: &Node) -> Result<&'static str, Error> {
    let text = reader.text(node)?;
    let known: Vec<_> = rules::ALL.iter().map(|rule| rule.id).collect();
    // Which rules of the user's own there are, the policy knows.
    let own = custom::is_id(text).then(|| custom::interned(text));
    let found = known.iter().copied().find(|id| *id == text).or(own);
    found.map_or_else(|| Err(reader.unknown("rule", node.at, text, &known)), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Class, Classify as _};

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let error = PolicyCase::parse(&format!("version: 1\n{text}"), "a.test.yaml".into());
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), format!("a.test.yaml:{expect}"));
        assert_eq!(error.class(), Class::Usage);
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("the keys of a case are `version`, `policy`, "), "{hint}");
    }

    #[test]
    fn a_whole_case_is_read() {
        let text = "version: 1\npolicy: ../p.yaml\nenvironment: prod\nat: 2026-06-01T00:00:00Z\nfacts: f.json\n\
            dockerfiles: [Dockerfile]\ncompose: [compose.yaml]\nkubernetes: [app.yaml]\nconfigs: [daemon.json]\ntarget: build\nbuild-args: {A: b}\n\
            expect:\n  verdict: blocked\n  findings:\n    - {rule: DF-020, file: Dockerfile, line: 3, action: deny, outcome: fail, accepted: false}\n  absent: [DF-030]\n";
        let case = PolicyCase::parse(text, "a.test.yaml".into()).unwrap();
        assert_eq!(case.policy.as_deref(), Some(Utf8Path::new("../p.yaml")));
        assert_eq!(case.at, Some("2026-06-01T00:00:00Z".parse().unwrap()));
        assert_eq!(case.kubernetes, ["app.yaml"]);
        assert_eq!(case.configs, [("daemon.json".into(), ConfigKind::Daemon)]);
        assert_eq!(case.expect.verdict, Some(Located { value: Verdict::Blocked, line: Some(13) }));
        let [finding] = case.expect.findings.as_slice() else { panic!("{case:?}") };
        assert_eq!((finding.rule, finding.line, finding.at), ("DF-020", Some(3), 15));
        assert_eq!(finding.accepted, Some(false));
        assert_eq!(case.expect.absent[0].value, "DF-030");
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        check("expects: {}", "2:1: unknown key `expects`: did you mean `expect`?");
        check(
            "dockerfiles: [Dockerfile]",
            "1:1: a case needs `expect`: without it, it would always hold",
        );
        check(
            "dockerfiles: [a]\nexpect: {}",
            "3:9: expected a `verdict`, one of `findings`, or one of `absent`: this would always hold",
        );
        check(
            "expect: {verdict: passed}",
            "1:1: expected something to judge: `facts`, `dockerfiles`, `compose`, `kubernetes` or `configs`",
        );
        check(
            "expect: {verdict: pass}",
            "2:19: expected one of `passed`, `blocked`, `undecided`, found `pass`: did you mean `passed`?",
        );
        check(
            "expect: {findings: [{rule: DF-02}]}",
            "2:28: unknown rule `DF-02`: did you mean `DF-020`?",
        );
        check("expect: {absent: [ZZZZ]}", "2:19: unknown rule `ZZZZ`");
        check("expect: {findings: [{file: a}]}", "2:21: expected `rule`, the id of a rule");
        check(
            "expect: {findings: [{rule: DF-020, line: 3}]}",
            "2:36: `line` is of a `file`: expected that beside it",
        );
        check(
            "configs: [x.json]\nexpect: {verdict: passed}",
            "2:11: expected a name that says what it configures, such as `daemon.json`, found `x.json`",
        );
        check(
            &format!("dockerfiles: [{}]", "a,".repeat(MOST + 1)),
            "2:2015: expected at most 1000",
        );
    }

    #[test]
    fn a_case_of_another_version_is_refused() {
        for (text, expect) in [
            ("{}", "1:1: expected `version: 1`"),
            ("version: 2", "1:10: expected a whole number from 1 to 1, found the number `2`"),
        ] {
            let error = PolicyCase::parse(text, "a.test.yaml".into()).unwrap_err();
            assert_eq!(error.to_string(), format!("a.test.yaml:{expect}"));
        }
    }
}
