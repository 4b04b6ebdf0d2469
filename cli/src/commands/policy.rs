//! `plimsoll policy`.

use crate::{
    args::{Form, PolicyCommand},
    commands::policy_test,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, policy_file, report,
};
use plimsoll_model::Printable;
use plimsoll_policy::{
    Facts, Judged, Policy, Verdict,
    effective::{EffectiveValue, Origin},
    rules,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Writes, checks, shows or tests a policy.
pub(crate) fn policy(ctx: &Context, command: &PolicyCommand) -> Result<&'static ExitStatus, Error> {
    match command {
        PolicyCommand::Init { path } => {
            if path.exists() {
                return Err(Error::usage(
                    format!("`{path}` is there already"),
                    "remove it first, or name another file",
                ));
            }
            files::write(path, plimsoll_policy::template::POLICY_TEMPLATE.as_bytes())?;
            report::to_stdout(
                format!("wrote {path}; `plimsoll policy check {path}` checks it\n").as_bytes(),
            )?;
        }
        PolicyCommand::Check { path } => {
            let policy = match path {
                Some(path) => ctx.policy_at(path)?,
                None => policy_file::in_working_tree(ctx)?,
            };
            let name =
                policy.path().map_or_else(|| "built-in baseline".to_owned(), ToString::to_string);
            return checked(ctx, &policy, &name);
        }
        PolicyCommand::Test { directory } => return policy_test::test(ctx, directory),
        PolicyCommand::Show { output, gate } => {
            let policy = gate.apply(ctx.policy()?);
            let bytes = match output {
                Form::Text => text(&policy).into_bytes(),
                Form::Json => report::to_json("the policy", &document(&policy))?,
            };
            report::to_stdout(&bytes)?;
        }
    }
    Ok(&exit::PASSED)
}

/// Says that a policy is valid, and what the rules about exceptions find in it: it blocks every image where one of these does.
fn checked(ctx: &Context, policy: &Policy, name: &str) -> Result<&'static ExitStatus, Error> {
    let decision = plimsoll_policy::decide(policy, &Facts::none(), ctx.now);
    let is_about_exceptions = |judged: &&Judged| judged.finding.rule.starts_with("EXC-");
    let findings: Vec<_> = decision.findings().iter().filter(is_about_exceptions).collect();
    let mut text = format!("{name} is valid ({})\n", policy.digest());
    for judged in &findings {
        let finding = &judged.finding;
        let place = finding.place.to_string();
        let mend = rules::find(finding.rule).map_or("", |rule| rule.mend);
        // Writing to a string does not fail.
        writeln!(
            text,
            "{}: {} {}: {}: {}; {mend}",
            Printable(&place),
            judged.action.as_str(),
            finding.rule,
            Printable(&finding.title),
            Printable(&finding.found),
        )
        .ok();
    }
    report::to_stdout(text.as_bytes())?;
    let is_blocking = findings.iter().any(|judged| judged.is_blocking());
    Ok(if is_blocking { exit::of_verdict(Verdict::Blocked) } else { &exit::PASSED })
}

/// One line a value, the origins in a column.
fn text(policy: &Policy) -> String {
    let values: Vec<_> = policy.effective();
    let shown = |value: &EffectiveValue| {
        let text = match &value.value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        Printable(&text).to_string()
    };
    let mut text = format!("{}\n\n", report::policy_name(policy));
    let width = values.iter().map(|value| value.key.chars().count()).max().unwrap_or_default();
    for value in &values {
        // Writing to a string does not fail.
        writeln!(text, "{:width$}  {:24}  {}", value.key, shown(value), origin(&value.origin)).ok();
    }
    text
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::Profile(profile) => format!("profile {}", profile.as_str()),
        Origin::File(line) => format!("{}:{}", line.path, line.line),
        Origin::Flag(flag) => (*flag).to_owned(),
    }
}

fn document(policy: &Policy) -> Value {
    let values: Vec<_> = policy
        .effective()
        .into_iter()
        .map(|value| {
            let origin = match &value.origin {
                Origin::Default => json!({"kind": "default"}),
                Origin::Profile(profile) => json!({"kind": "profile", "profile": profile.as_str()}),
                Origin::File(line) => json!({"kind": "file", "path": line.path, "line": line.line}),
                Origin::Flag(flag) => json!({"kind": "flag", "flag": flag}),
            };
            json!({"key": value.key, "value": value.value, "origin": origin})
        })
        .collect();
    json!({
        "version": 1,
        "policy": {
            "path": policy.path(),
            "environment": policy.environment(),
            "profile": policy.profile().as_str(),
            "digest": policy.digest().to_string(),
        },
        "values": values,
    })
}
