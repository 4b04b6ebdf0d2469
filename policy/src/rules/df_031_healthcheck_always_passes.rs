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
        "true" | ":" | "echo" | "printf" => {
            command.redirects.iter().all(|to| goes_nowhere(to.to.text()))
        }
        "test" | "[" => is_constant(arguments),
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

/// Whether what is written there can not fail: bash connects to `/dev/tcp/…`.
fn goes_nowhere(file: &str) -> bool {
    matches!(file, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "1" | "2")
}

/// Whether a test holds whatever is: `test 1`, `[ a = a ]`.
fn is_constant(arguments: &[Word]) -> bool {
    let words: Vec<&str> = arguments.iter().map(Word::text).filter(|text| *text != "]").collect();
    if arguments.iter().any(|word| word.value.known().is_none()) {
        return false;
    }
    match words.as_slice() {
        [one] | ["-n", one] => !one.is_empty(),
        ["-z", one] => one.is_empty(),
        [left, "=" | "==" | "-eq", right] => left == right,
        _ => false,
    }
}

/// What makes the script pass at its end whatever came before: `|| true`, `; exit 0`, `| cat`, `&`.
fn ending(step: &Step) -> Option<String> {
    let script = match &step.instruction.form {
        Form::Json(list) => {
            let is_script = step.script.commands.first().is_some_and(runs_script);
            list.last().filter(|_| is_script)?
        }
        Form::Shell => &step.instruction.text,
    };
    let (before, operator, last) = last_part(script)?;
    let shown = || Some(format!("{operator} {last}").trim_end().to_owned());
    match operator {
        // It goes on behind the check.
        "&" => shown().filter(|_| last.is_empty()),
        "|" if script.contains("pipefail") => None,
        "|" => shown().filter(|_| is_passing(last) || hands_on(last)),
        "||" => shown().filter(|_| is_passing(last)),
        // A script that exits otherwise somewhere decides there.
        ";" => shown()
            .filter(|_| is_passing(last) && !before.contains("exit") && !before.contains("set -e")),
        _ => None,
    }
}

/// The last command of a script, the operator in front of it, and all before that. What stands in brackets is one command.
fn last_part(script: &str) -> Option<(&str, &'static str, &str)> {
    let script = script.trim().trim_end_matches([';', ' ']);
    let (mut depth, mut quote, mut found) = (0_usize, None, None);
    let mut chars = script.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let is_double = next == Some(char);
        match (quote, char) {
            (None | Some('"'), '\\') => drop(chars.next()),
            (Some(end), char) if char == end => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(char),
            (None, '(' | '{') => depth = depth.saturating_add(1),
            (None, ')' | '}') => depth = depth.saturating_sub(1),
            (None, '|' | '&') if depth == 0 && is_double => {
                chars.next();
                found = Some((at, 2, if char == '|' { "||" } else { "&&" }));
            }
            (None, '|') if depth == 0 => found = Some((at, 1, "|")),
            // `2>&1` and `&>` are none.
            (None, '&') if depth == 0 && before != '>' && next != Some('>') => {
                found = Some((at, 1, "&"));
            }
            (None, ';' | '\n') if depth == 0 => found = Some((at, 1, ";")),
            _ => {}
        }
        before = char;
    }
    let (at, length, operator) = found?;
    Some((script.get(..at)?, operator, script.get(at.checked_add(length)?..)?.trim()))
}

/// The words of a command that stands alone, maybe in brackets; nothing for what is more.
fn words(command: &str) -> Option<Vec<&str>> {
    let inner = command.trim_matches(['(', ')', '{', '}', ';', ' ']);
    let is_more = last_part(inner).is_some() || inner.contains(['`', '<']) || inner.contains("$(");
    let words = inner.split_whitespace().filter(|word| !is_silent(word));
    (!is_more).then(|| words.collect())
}

/// Whether a word only says where output goes, and that can not fail.
fn is_silent(word: &str) -> bool {
    matches!(word, ">&2" | "1>&2" | "2>&1" | ">/dev/null" | "&>/dev/null" | "2>/dev/null")
}

/// Whether a command passes whatever is.
fn is_passing(command: &str) -> bool {
    let Some(words) = words(command) else { return false };
    let Some((program, arguments)) = words.split_first() else { return false };
    match program.rsplit('/').next().unwrap_or_default() {
        "true" | ":" => true,
        "echo" | "printf" => !arguments.iter().any(|word| word.contains('>')),
        "exit" | "return" => matches!(arguments, ["0" | "\"0\"" | "'0'"]),
        _ => false,
    }
}

/// Whether a command passes with whatever it reads.
fn hands_on(command: &str) -> bool {
    let words = words(command).unwrap_or_default();
    let program = words.first().and_then(|program| program.rsplit('/').next());
    matches!(
        program,
        Some("cat" | "tee" | "head" | "tail" | "wc" | "sort" | "logger" | "tr" | "cut")
    )
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
            ("CMD curl -f x || echo down", (2, 17)),
            ("CMD curl -f x || echo \"it; is | down\" >&2", (2, 17)),
            ("CMD curl -f x || exit \"0\"", (2, 17)),
            ("CMD curl -f x || /usr/bin/true", (2, 17)),
            ("CMD curl -f x || (exit 0)", (2, 17)),
            ("CMD curl -f x || { echo x; }", (2, 17)),
            ("CMD curl -f x; echo ok", (2, 17)),
            ("CMD curl -f x | cat", (2, 17)),
            ("CMD curl -f x 2>&1 | tee /log", (2, 17)),
            ("CMD curl -f x &", (2, 17)),
            ("CMD test 1", (2, 17)),
            ("CMD [ 1 = 1 ]", (2, 17)),
            ("CMD echo ok > /dev/null", (2, 17)),
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
            "CMD curl -f x || { echo down; exit 1; }",
            "CMD curl -f x || (echo down && exit 1)",
            "CMD curl -f x || echo down | grep -q up",
            "CMD curl -f x | grep -q ok",
            "CMD curl -f x && echo ok",
            "CMD echo > /dev/tcp/127.0.0.1/80",
            "CMD a || echo > /dev/tcp/127.0.0.1/80",
            "CMD curl -f x 2>&1",
            "CMD curl -f 'x;y|true&' || exit 1",
            "CMD test -f /x",
            "CMD [ \"$(cat /x)\" = 1 ]",
            "CMD test $X",
            "CMD set -o pipefail; curl -f x | cat",
            "CMD [\"/app\", \"x || true\"]",
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
