//! The rules about Dockerfiles against checkov's, over every Dockerfile in `tests/data`. Which rule is which check, the rules
//! say themselves, among their equivalents.
//!
//! checkov knows no stages: each is the target once, and of the user and the health check the last one speaks. Of some checks it
//! tells one line for a file, whatever there is behind it. Where the two differ, the difference is in `DIFFERENCES`, with the
//! reason.

use crate::support;
use plimsoll_model::finding::Outcome;
use plimsoll_policy::rules;
use std::collections::BTreeSet;

/// What is said of a whole file, and of the stage that is built by default.
const OF_THE_FILE: [&str; 2] = ["DF-020", "DF-030"];

/// A statement of one of the two: the file, the rule, and the line on which the instruction begins; 0 where it is about all of
/// the file.
type Statement = (String, &'static str, u32);

/// Who alone says so, what it says, and why that is right.
const DIFFERENCES: &[(&str, (&str, &str, u32), &str)] = &[
    (
        "checkov",
        ("checkov/certificates.Dockerfile", "DF-066", 19),
        "`echo` says it, nothing does it",
    ),
    (
        "checkov",
        ("dockerfiles/continuation-into-keyword.Dockerfile", "DF-020", 0),
        "`US\\` and `ER 1` are one instruction",
    ),
    (
        "checkov",
        ("dockerfiles/double-escape.Dockerfile", "DF-020", 0),
        "the line behind two escape characters is one of its own",
    ),
    (
        "checkov",
        ("dockerfiles/escape-only-line.Dockerfile", "DF-020", 0),
        "an instruction may follow a lone escape character",
    ),
    ("checkov", ("dockerfiles/flags-of-run.Dockerfile", "DF-060", 8), "from elsewhere, ADD it is"),
    ("checkov", ("dockerfiles/flags.Dockerfile", "DF-060", 6), "from elsewhere, ADD it is"),
    (
        "checkov",
        ("good/dockerfiles/debian-verified-download.Dockerfile", "DF-060", 11),
        "from elsewhere, ADD it is",
    ),
    ("checkov", ("hadolint/files.Dockerfile", "DF-060", 4), "an archive is unpacked"),
    ("checkov", ("hadolint/files.Dockerfile", "DF-060", 5), "from elsewhere, ADD it is"),
    ("plimsoll", ("checkov/update-alone.Dockerfile", "DF-020", 0), "0 is root too"),
    (
        "plimsoll",
        ("checkov/user-of-another-stage.Dockerfile", "DF-020", 0),
        "the user is of another stage",
    ),
    (
        "plimsoll",
        ("checkov/update-alone.Dockerfile", "DF-044", 2),
        "what another RUN installs does not count",
    ),
    ("plimsoll", ("dockerfiles/all.Dockerfile", "DF-030", 0), "`NONE` is no check"),
    ("plimsoll", ("dockerfiles/onbuild-forms.Dockerfile", "DF-060", 4), "`ONBUILD` is read"),
    ("plimsoll", ("dockerfiles/onbuild-forms.Dockerfile", "DF-080", 6), "`ONBUILD` is read"),
    ("plimsoll", ("hadolint/files.Dockerfile", "DF-030", 0), "the check is of another stage"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-046", 2), "`yum` asks too"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-046", 6), "`dnf` asks too"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-046", 9), "`zypper` asks too"),
];

/// The checks about Dockerfiles that a rule equals.
fn checks(rule: &rules::Rule) -> impl Iterator<Item = &'static str> {
    super::checks(rule, ["CKV_DOCKER_", "CKV2_DOCKER_"])
}

/// The first rule that equals a check: several may share one.
fn rule_of(check: &str) -> Option<&'static str> {
    let mut rules = rules::ALL.iter();
    rules.find(|rule| checks(rule).any(|other| other == check)).map(|rule| rule.id)
}

/// What checkov says of them; nothing where it is not installed and need not be.
fn theirs(files: &[(String, String)]) -> Option<BTreeSet<Statement>> {
    let stated = super::stated("dockerfile", files)?;
    let statements = stated.into_iter().filter_map(|(file, check, line)| {
        let rule = rule_of(&check)?;
        Some((file, rule, if OF_THE_FILE.contains(&rule) { 0 } else { line }))
    });
    Some(statements.collect())
}

/// What we say of a file. Who runs is not known where nobody says it, which is as little a pass as root is.
fn ours((name, text): &(String, String)) -> BTreeSet<Statement> {
    let stages = support::stages(text);
    let each = (0..stages).flat_map(|stage| {
        let found = support::found(name, text, stage).into_iter();
        let is_last = stage + 1 == stages;
        found.filter_map(move |(id, line, outcome)| {
            if OF_THE_FILE.contains(&id) {
                is_last.then_some((id, 0))
            } else {
                (outcome == Outcome::Fail).then_some((id, line))
            }
        })
    });
    let rule = |id: &str| {
        let rule = rules::ALL.iter().find(|rule| rule.id == id)?;
        rule_of(checks(rule).next()?)
    };
    each.filter_map(|(id, line)| Some((name.clone(), rule(id)?, line))).collect()
}

/// Whether checkov tells every line of what a rule is about.
fn is_told_of_each_line(rule: &str) -> bool {
    let mut rules = rules::ALL.iter();
    rules.any(|known| known.id == rule && checks(known).all(|check| check.starts_with("CKV2_")))
}

#[test]
fn rules_say_what_checkov_says_but_for_differences_that_were_looked_at() {
    let files = support::files(&["checkov", "dockerfiles", "good/dockerfiles", "hadolint"]);
    assert!(files.len() >= 85, "{}", files.len());
    let Some(theirs) = theirs(&files) else { return };
    let ours: BTreeSet<Statement> = files.iter().flat_map(ours).collect();
    let told: BTreeSet<_> = theirs.iter().map(|(file, rule, _)| (file, *rule)).collect();
    let ours_alone = ours
        .difference(&theirs)
        .filter(|(file, rule, _)| is_told_of_each_line(rule) || !told.contains(&(file, *rule)));
    let known = DIFFERENCES
        .iter()
        .map(|(who, (file, rule, line), _)| (*who, ((*file).to_owned(), *rule, *line)));
    super::check_differences(theirs.difference(&ours).cloned(), ours_alone.cloned(), known);
    // Of each rule there is something that both say.
    for rule in rules::ALL.iter().filter_map(|rule| rule_of(checks(rule).next()?)) {
        let both = ours.intersection(&theirs).filter(|(_, own, _)| *own == rule).count();
        assert!(both >= 1, "{rule}: {both}");
    }
}
