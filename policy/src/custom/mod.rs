//! Rules of the user's own, in Rego: each asks one question over [`facts.json`](crate::record).
//!
//! The answer has three values, like that of every rule. `true` holds, `false` does not, and what Rego leaves undefined could
//! not be told. A set of messages, the form that other tools know as `deny`, is empty also where a body met something that is
//! not there; so it counts only with a list of what has to be there ([`CustomRule::needs`]).

#[cfg(feature = "rego")]
mod calls;
mod fact;
#[cfg(feature = "rego")]
mod rego;
#[cfg(not(feature = "rego"))]
#[path = "no_rego.rs"]
mod rego;
#[cfg(test)]
mod tests;

use crate::{
    Error, Policy,
    decide::Action,
    record,
    rules::{Raised, Subject},
};
use camino::{Utf8Path, Utf8PathBuf};
pub(crate) use fact::FactPath;
use plimsoll_model::{
    Digest, Finding, Severity,
    finding::{Outcome, Place},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Whether rules in Rego can be judged by this build (feature `rego`).
pub(crate) const IS_JUDGED: bool = rego::IS_THERE;
/// What the ids of such rules begin with: no rule of ours ever does.
pub(crate) const PREFIX: &str = "X-";
/// The form of such an id.
pub(crate) const PATTERN: &str = "^X(-[A-Z0-9]+)+$";
/// The most rules of one policy.
pub(crate) const MOST: usize = 64;
/// The most findings of one rule.
const MOST_FINDINGS: usize = 1_000;
/// The longest id, in bytes.
const MOST_ID: usize = 64;
const EXPECTED: &str = "the rule holds";

/// A rule of the user's own.
#[derive(Debug, Clone)]
pub(crate) struct CustomRule {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// The file as written: relative to the directory of the policy file.
    pub(crate) file: Utf8PathBuf,
    /// The rule in it that answers, by its name in the file's package.
    pub(crate) rule: String,
    /// It is judged where one of these is there.
    pub(crate) about: Vec<FactPath>,
    /// Where one of these is not there, it could not tell.
    pub(crate) needs: Vec<FactPath>,
    pub(crate) severity: Severity,
    pub(crate) action: Action,
    pub(crate) remedy: String,
    pub(crate) line: u32,
    /// What the file says; absent until [`Policy::with_custom`] has it.
    pub(crate) text: Option<String>,
}

/// What Rego answers.
#[derive(Debug, PartialEq)]
#[cfg_attr(not(feature = "rego"), expect(dead_code, reason = "without Rego nothing answers"))]
enum Answer {
    Holds,
    DoesNot,
    /// A set or a list: what is wrong, each in its own words.
    Messages(Vec<Value>),
    Undefined,
}

impl Policy {
    /// The files that rules in Rego are in, each once.
    pub fn custom_files(&self) -> BTreeSet<Utf8PathBuf> {
        self.custom.iter().map(|rule| rule.file.clone()).collect()
    }

    /// The policy with the text of each of those files; a policy of its own, with a digest of its own. Without it, none of the
    /// rules could tell.
    ///
    /// # Errors
    /// A text that does not parse, or has no such rule.
    pub fn with_custom(
        mut self,
        text_of: impl Fn(&Utf8Path) -> Option<String>,
    ) -> Result<Self, Error> {
        let mut digests = Vec::new();
        for rule in &mut self.custom {
            let Some(text) = text_of(&rule.file) else { continue };
            rego::check(&rule.file, &text, &rule.rule).map_err(|message| Error::Rego {
                path: rule.file.clone(),
                rule: rule.id,
                message,
            })?;
            digests.push(format!("{} {}", rule.id, Digest::of(text.as_bytes())));
            rule.text = Some(text);
        }
        if !digests.is_empty() {
            let text = format!("{} with rules {}", self.digest, digests.join(" "));
            self.digest = Digest::of(text.as_bytes());
        }
        Ok(self)
    }
}

impl CustomRule {
    /// What it finds in facts, of which `input` is the engine's form; nothing at all where what it is about is not there.
    fn judge(&self, facts: &Value, input: &rego::Input) -> Option<Vec<Raised>> {
        if !self.about.iter().any(|path| path.is_there(facts)) {
            return None;
        }
        if let Some(missing) = self.needs.iter().find(|path| !path.is_there(facts)) {
            let found = format!("no `{missing}` in the facts");
            return Some(vec![self.unknown(found, "what it `needs`")]);
        }
        let Some(text) = &self.text else {
            return Some(vec![self.unknown("its file was not read", EXPECTED)]);
        };
        Some(match rego::ask(&self.file, text, &self.rule, input) {
            Ok(Answer::Holds) => Vec::new(),
            Ok(Answer::DoesNot) => vec![self.raised(Outcome::Fail, Place::Policy, "it does not")],
            Ok(Answer::Undefined) => {
                let found = format!("`{}` is undefined for these facts", self.rule);
                vec![self.unknown(found, "`true` or `false`")]
            }
            Ok(Answer::Messages(messages)) if self.needs.is_empty() => {
                let found = format!("{} messages", messages.len());
                vec![self.unknown(found, "with messages, `needs`: what has to be there")]
            }
            Ok(Answer::Messages(messages)) => self.of_messages(&messages),
            Err(message) => vec![self.unknown(message, "an answer")],
        })
    }

    fn of_messages(&self, messages: &[Value]) -> Vec<Raised> {
        let raised = messages.iter().take(MOST_FINDINGS).map(|message| self.of_message(message));
        let mut raised: Vec<_> = raised.collect();
        if let Some(more) = messages.len().checked_sub(MOST_FINDINGS).filter(|more| *more > 0) {
            let found = format!("{more} messages more");
            raised.push(self.unknown(found, format!("at most {MOST_FINDINGS}")));
        }
        raised
    }

    /// A text; or an object with a `message`, and the `path`, `line` and `column` that it is about.
    fn of_message(&self, message: &Value) -> Raised {
        let (text, place) = match message {
            Value::String(text) => (Some(text.as_str()), Place::Policy),
            Value::Object(fields) => {
                let get = |key| fields.get(key).and_then(Value::as_str);
                let number = |key| fields.get(key).and_then(Value::as_u64);
                let number = |key| number(key).and_then(|number| u32::try_from(number).ok());
                let place = match (get("path"), number("line")) {
                    (None, _) => Place::Policy,
                    (Some(path), None) => Place::File { path: path.to_owned(), layer: None },
                    (Some(path), Some(line)) => Place::Source {
                        path: path.into(),
                        line: line.max(1),
                        column: number("column").unwrap_or(1).max(1),
                    },
                };
                (get("message").or_else(|| get("msg")), place)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                (None, Place::Policy)
            }
        };
        // It was said that something is wrong, in whatever form.
        let text = text.map_or_else(|| message.to_string(), str::to_owned);
        self.raised(Outcome::Fail, place, text)
    }

    fn unknown(&self, found: impl Into<String>, expected: impl Into<String>) -> Raised {
        let mut raised = self.raised(Outcome::Unknown, Place::Policy, found);
        raised.finding.title = format!("{}: could not be told", self.title);
        raised.finding.expected = expected.into();
        raised
    }

    fn raised(&self, outcome: Outcome, place: Place, found: impl Into<String>) -> Raised {
        Raised::of(Finding {
            rule: self.id,
            severity: self.severity,
            outcome,
            title: self.title.clone(),
            place,
            found: found.into(),
            expected: EXPECTED.to_owned(),
            remedy: self.remedy.clone(),
            vulnerability: None,
        })
        .by_line(Some(self.line))
    }
}

/// What each rule that is on finds; rules that are about something else are not among them.
pub(crate) fn judge<'p>(subject: &Subject<'p>) -> Vec<(&'p CustomRule, Vec<Raised>)> {
    let policy = subject.policy;
    let on: Vec<_> =
        policy.custom.iter().filter(|rule| policy.custom_action(rule).value.is_some()).collect();
    if on.is_empty() {
        return Vec::new();
    }
    match record::document_over(subject.facts, subject.now) {
        Ok(facts) => {
            let input = rego::Input::from(&facts);
            on.iter().filter_map(|rule| Some((*rule, rule.judge(&facts, &input)?))).collect()
        }
        // Facts are values that JSON has; if they ever were not, no rule could tell.
        Err(error) => {
            on.iter().map(|rule| (*rule, vec![rule.unknown(error.to_string(), EXPECTED)])).collect()
        }
    }
}

/// Whether a text can be the id of a rule of one's own: `X-` and then capital letters, digits and single hyphens.
pub(crate) fn is_id(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    text.len() <= MOST_ID
        && text.strip_prefix(PREFIX).is_some_and(|name| name.split('-').all(is_word))
}

/// The id as findings carry it. The ids of our rules live as long as the program; so do these, of which a policy has a few.
pub(crate) fn interned(id: &str) -> &'static str {
    static IDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
    ids.get(id).copied().unwrap_or_else(|| {
        let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
        ids.insert(id);
        id
    })
}
