//! DF-031: the health check can fail.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Form, Stage, Step, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-031",
    name: "df_031_healthcheck_always_passes",
    title: "the health check can fail",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A check that always passes, or that is switched off, tells an orchestrator that a dead service is well.",
    mend: "ask the service itself, and let the answer be the exit status: `HEALTHCHECK CMD curl -f http://localhost/ || exit 1`",
    bad: "FROM debian:12\nHEALTHCHECK CMD curl -f http://localhost/ || exit 0",
    good: "FROM debian:12\nHEALTHCHECK CMD curl -f http://localhost/ || exit 1",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a command that fails when the service does";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told what the health check of the target stage is";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

/// The last `HEALTHCHECK` of a stage, its own or inherited within the file.
fn last<'b>(build: &'b Build, stage: &'b Stage) -> Option<&'b Step> {
    let mut stages = build.chain(stage);
    stages.find_map(|stage| stage.steps.iter().rfind(|step| step.keyword() == "HEALTHCHECK"))
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    let step = last(build, stage)?;
    let fail = |at, title: &str, found: String| {
        Some(context.fail(inputs::place(build, at), title, found, EXPECTED))
    };
    let kind = step.instruction.words().next().unwrap_or_default();
    if kind.eq_ignore_ascii_case("NONE") {
        return fail(
            step.at(),
            "the health check is switched off",
            "`HEALTHCHECK NONE`".to_owned(),
        );
    }
    let title = "the health check always passes";
    if step.interpreter.is_some() {
        return None;
    }
    let commands = &step.script.commands;
    let first = commands.first()?;
    if commands.iter().all(|command| is_trivial(command) || runs_script(command)) {
        let shown = commands.iter().rfind(|command| is_trivial(command))?;
        return fail(first.at, title, format!("`{}`", text_of(shown)));
    }
    let ending = ending(step)?;
    fail(first.at, title, format!("`{ending}` at its end"))
}

/// Whether it passes whatever is.
fn is_trivial(command: &Command) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    match program {
        "true" | ":" | "echo" | "printf" => command.redirects.is_empty(),
        "exit" | "return" => arguments.first().is_none_or(|status| status.text() == "0"),
        _ => false,
    }
}

/// Whether the commands after it are its own: `sh -c 'exit 0'`.
fn runs_script(command: &Command) -> bool {
    let is_option = |word: &Word| word.text().starts_with('-') && word.text().ends_with('c');
    command.is_shell() && command.words.iter().any(is_option)
}

fn text_of(command: &Command) -> String {
    command.words.iter().map(Word::text).collect::<Vec<_>>().join(" ")
}

/// What makes the script pass at its end whatever came before: `|| true`, `; exit 0`.
fn ending(step: &Step) -> Option<String> {
    let script = match &step.instruction.form {
        Form::Json(list) => list.last()?,
        Form::Shell => &step.instruction.text,
    };
    let script =
        script.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ';' | '}' | ')'));
    let (before, end) = ["exit 0", "true", ":"]
        .iter()
        .find_map(|end| Some((script.strip_suffix(end)?.trim_end(), *end)))?;
    let before = before.strip_suffix("/bin/").map_or(before, str::trim_end);
    if before.ends_with("||") {
        return Some(format!("|| {end}"));
    }
    // A script that exits otherwise somewhere decides there.
    let exits = script.matches("exit").count().saturating_sub(end.matches("exit").count());
    let is_last = before.ends_with(';') && exits == 0 && !script.contains("set -e");
    is_last.then(|| format!("; {end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(check: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\nHEALTHCHECK {check}"))
    }

    #[test]
    fn what_always_passes_fails() {
        for (bad, place) in [
            ("NONE", (2, 1)),
            ("none", (2, 1)),
            ("CMD exit 0", (2, 17)),
            ("--interval=5s CMD true", (2, 31)),
            ("CMD :", (2, 17)),
            ("CMD [\"/bin/true\"]", (2, 13)),
            ("CMD [\"sh\", \"-c\", \"exit 0\"]", (2, 13)),
            ("CMD echo ok", (2, 17)),
            ("CMD curl -f http://localhost/ || exit 0", (2, 17)),
            ("CMD curl -f http://localhost/ || true", (2, 17)),
            ("CMD curl -f http://localhost/ ; exit 0", (2, 17)),
            ("CMD \\\n  curl -f http://localhost/ \\\n  || :", (3, 3)),
            ("CMD [\"sh\", \"-c\", \"curl -f x || true\"]", (2, 13)),
        ] {
            case(bad).check("DF-031", Expect::Fail);
            assert_eq!(case(bad).places("DF-031"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-031")[0].action, Action::Warn);
        }
    }

    #[test]
    fn what_can_fail_passes() {
        for good in [
            "CMD curl -f http://localhost/ || exit 1",
            "CMD curl -f http://localhost/ && exit 0 || exit 1",
            "CMD if curl -f x; then exit 0; else exit 1; fi",
            "CMD test -f /x || exit 1; exit 0",
            "CMD pgrep app > /dev/null",
            "CMD [\"/app\", \"true\"]",
            "CMD [\"/app\", \"--health\"]",
            "CMD wget -qO- http://localhost/true",
            "CMD /check || false",
            "CMD true\nHEALTHCHECK CMD /app --health",
        ] {
            case(good).check("DF-031", Expect::Pass);
        }
        Case::default().dockerfile("FROM a").check("DF-031", Expect::Pass);
    }

    #[test]
    fn the_stage_that_is_built_counts() {
        let text = "FROM a AS a\nHEALTHCHECK CMD true\nFROM a AS b\nFROM c\nHEALTHCHECK CMD /x";
        let case = |target| Case::default().dockerfile(text).target(target);
        case("b").check("DF-031", Expect::Fail);
        case("2").check("DF-031", Expect::Pass);
        case("none").check("DF-031", Expect::Unknown);
    }
}
