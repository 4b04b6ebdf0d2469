//! Rego, by regorus: one question to one text, within bounds, with nothing of the world to ask it of.
//!
//! The functions that reach out (`http.send`, `opa.runtime`), and those that give another answer every time (`time.now_ns`,
//! `uuid.rfc4122`), are not built in, and `rand.intn` is refused; a call of one is an error, and so is an error inside a function.

use super::{Answer, calls};
use camino::Utf8Path;
use regorus::{
    Engine, Value as RegoValue,
    utils::limits::{ExecutionTimerConfig, PolicyLengthConfig},
};
use serde_json::Value;
use std::{
    num::{NonZeroU32, NonZeroUsize},
    thread,
    time::Duration,
};

pub(super) const IS_THERE: bool = true;

/// Facts in the engine's form, made once for all questions.
pub(super) struct Input(RegoValue);

impl From<&Value> for Input {
    fn from(facts: &Value) -> Self {
        Self(RegoValue::from(facts.clone()))
    }
}

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How many steps there are between two looks at the clock.
const INTERVAL: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
/// How long a text may be, in bytes, lines and columns.
const LENGTH: PolicyLengthConfig = PolicyLengthConfig {
    max_file_bytes: NonZeroUsize::new(1 << 20).unwrap(),
    max_lines: NonZeroUsize::new(20_000).unwrap(),
    max_col: NonZeroU32::new(1_024).unwrap(),
};
/// How large a stack it is evaluated on, in bytes; of which pages are used as they are needed.
const STACK: usize = 256 << 20;
/// How much of a message of the engine's is kept, in characters.
const MOST_MESSAGE: usize = 2_000;

/// Whether `text` parses and has a rule by this name.
pub(super) fn check(file: &Utf8Path, text: &str, rule: &str) -> Result<(), String> {
    with_stack(|| has_rule(file, text, rule))
}

fn has_rule(file: &Utf8Path, text: &str, rule: &str) -> Result<(), String> {
    calls::check_depth(text)?;
    let (engine, _package) = engine(file, text)?;
    calls::check(&engine.get_ast_as_json().map_err(|error| said(&error))?)?;
    match engine.has_declared_rule_rooted_at(file.as_str(), rule) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("it has no rule `{rule}`")),
        Err(error) => Err(said(&error)),
    }
}

/// What a rule of `text` answers over `facts`.
pub(super) fn ask(
    file: &Utf8Path,
    text: &str,
    rule: &str,
    facts: &Input,
) -> Result<Answer, String> {
    with_stack(|| answer(file, text, rule, facts))
}

fn answer(file: &Utf8Path, text: &str, rule: &str, facts: &Input) -> Result<Answer, String> {
    let (mut engine, package) = engine(file, text)?;
    engine.set_input(facts.0.clone());
    match engine.eval_rule(format!("{package}.{rule}")).map_err(|error| said(&error))? {
        RegoValue::Bool(true) => Ok(Answer::Holds),
        RegoValue::Bool(false) => Ok(Answer::DoesNot),
        RegoValue::Undefined => Ok(Answer::Undefined),
        RegoValue::Set(messages) => {
            messages.iter().map(json).collect::<Result<_, _>>().map(Answer::Messages)
        }
        RegoValue::Array(messages) => {
            messages.iter().map(json).collect::<Result<_, _>>().map(Answer::Messages)
        }
        other @ (RegoValue::Null
        | RegoValue::Number(_)
        | RegoValue::String(_)
        | RegoValue::Object(_)) => Err(format!(
            "`{rule}` is {}: neither true nor false, nor a set of messages",
            json(&other)?
        )),
    }
}

/// What `work` comes to on a stack of its own: the engine recurses, and its limits are made for more than a thread has.
fn with_stack<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread for it: {error}"))?;
        thread.join().unwrap_or_else(|_panic| Err("the engine gave up".to_owned()))
    })
}

/// An engine with the text, and the package of that (`data.corp`).
fn engine(file: &Utf8Path, text: &str) -> Result<(Engine, String), String> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(LENGTH);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: LIMIT,
        check_interval: INTERVAL,
    });
    engine.set_strict_builtin_errors(true);
    // What `print` prints is text of artifacts: it goes nowhere.
    engine.set_gather_prints(true);
    let package = engine.add_policy(file.to_string(), text.to_owned());
    Ok((engine, package.map_err(|error| said(&error))?))
}

fn json(value: &RegoValue) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

/// An error of the engine's on one line: it quotes the text below the place.
fn said(error: &impl ToString) -> String {
    let text = error.to_string();
    let find = |prefix| text.lines().find_map(|line| line.trim().strip_prefix(prefix));
    let said = match (find("--> "), find("error: ")) {
        (Some(place), Some(error)) => format!("{place}: {error}"),
        _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    said.chars().take(MOST_MESSAGE).collect()
}
