//! Exceptions that stand in a Dockerfile: `# plimsoll: except DF-030 until 2026-12-31 why`.
//!
//! A Dockerfile comes from the change that is judged, so that whoever writes a defect could write its exception beside it. One
//! therefore accepts what blocks only where the policy, which does not come from that change, names the rule
//! (`inline-exceptions`); everywhere it needs a last day and a reason, and is judged as those of the policy are.

use crate::{
    dockerfile::{Before, Build, Pragma},
    exceptions::{Exception, Inline},
    rules::{self, About},
};
use jiff::civil;
use plimsoll_model::finding::Place;

/// What the comments of all Dockerfiles say.
#[derive(Debug, Default)]
pub(crate) struct Inlines {
    /// The exceptions, in order.
    pub(crate) exceptions: Vec<Exception>,
    /// What is meant as one and is none.
    pub(crate) refused: Vec<Refused>,
    /// What hadolint is asked to ignore.
    pub(crate) foreign: Vec<Foreign>,
}

/// A comment that is meant as an exception and is none.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) place: Place,
    /// The comment.
    pub(crate) written: String,
    /// What is missing or wrong.
    pub(crate) expected: &'static str,
}

/// A comment by which hadolint ignores rules.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) place: Place,
    /// Its rules.
    pub(crate) ids: Vec<String>,
    /// The rules here that are the same.
    pub(crate) rules: Vec<&'static str>,
    pub(crate) scope: Scope,
}

/// What a comment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Instruction,
    File,
}

/// Characters of a comment that are shown.
const SHOWN: usize = 200;
const FORM: &str = "`# plimsoll: except RULE until YYYY-MM-DD reason`";

impl Inlines {
    /// Those of these Dockerfiles.
    pub(crate) fn of(builds: &[Build]) -> Self {
        let mut all = Self::default();
        for build in builds {
            for pragma in &build.pragmas {
                all.read(build, pragma);
            }
        }
        all
    }

    fn read(&mut self, build: &Build, pragma: &Pragma) {
        let place = || Place::Source {
            path: build.path.clone(),
            line: pragma.at.line,
            column: pragma.at.column,
        };
        if let Some(text) = pragma.text.strip_prefix("hadolint ") {
            self.foreign.extend(foreign(text.trim(), place()));
            return;
        }
        let text = pragma.text.strip_prefix("plimsoll:").unwrap_or_default().trim();
        match exception(build, pragma, text) {
            Ok(exception) => self.exceptions.push(exception),
            Err(expected) => {
                let written = pragma.text.chars().take(SHOWN).collect();
                self.refused.push(Refused { place: place(), written, expected });
            }
        }
    }
}

fn exception(build: &Build, pragma: &Pragma, text: &str) -> Result<Exception, &'static str> {
    let (kind, rest) = word(text);
    let lines = match (kind, pragma.before) {
        ("except", Before::First(first, last) | Before::Instruction(first, last)) => {
            Some((first, last))
        }
        ("except", Before::Nothing) => return Err("an instruction below it"),
        ("except-file", Before::First(..)) => None,
        ("except-file", _) => return Err("`except-file` above the first instruction"),
        _ => return Err(FORM),
    };
    let (id, rest) = word(rest);
    // Nothing excepts itself from the rules about exceptions, and what is no Dockerfile is not for one to accept.
    let is_meant = |rule: &&rules::Rule| {
        rule.about.contains(&About::Dockerfiles) && !rule.about.contains(&About::Exceptions)
    };
    let rule = rules::find(id).filter(is_meant).ok_or("a rule about Dockerfiles")?;
    let (until, rest) = word(rest);
    let (day, reason) = word(rest);
    let is_shaped =
        day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: Option<civil::Date> = day.parse().ok().filter(|_| is_shaped && until == "until");
    let expires = day.ok_or("`until` and a last day such as `2026-12-31`")?;
    if reason.is_empty() {
        return Err("a reason behind the last day");
    }
    Ok(Exception {
        rule: rule.id,
        id: None,
        component: None,
        path: None,
        reason: reason.chars().take(SHOWN).collect(),
        // Nobody is named there: whoever answers for the line does for the exception.
        owner: format!("{}:{}", build.path, pragma.at.line),
        expires,
        line: pragma.at.line,
        column: pragma.at.column,
        inline: Some(Inline { path: build.path.clone(), lines }),
    })
}

/// `ignore=ID,ID` and `global ignore=ID`. Syntax: <https://github.com/hadolint/hadolint#inline-ignores>.
fn foreign(text: &str, place: Place) -> Option<Foreign> {
    let (scope, text) = match text.strip_prefix("global ") {
        Some(rest) => (Scope::File, rest.trim_start()),
        None => (Scope::Instruction, text),
    };
    let list = text.strip_prefix("ignore")?.trim_start().strip_prefix('=')?;
    // A comment of its own may follow.
    let list = list.split('#').next().unwrap_or_default();
    let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty()).take(50);
    let ids: Vec<String> = ids.map(|id| id.chars().take(20).collect()).collect();
    let is_same =
        |rule: &&&rules::Rule| rule.equivalents.iter().any(|same| ids.iter().any(|id| id == same));
    let rules = rules::ALL.iter().filter(is_same).map(|rule| rule.id).collect();
    (!ids.is_empty()).then_some(Foreign { place, ids, rules, scope })
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim())
}
