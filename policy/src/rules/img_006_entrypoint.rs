//! IMG-006: the image says what it runs, and that is the program itself.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-006",
    name: "img_006_entrypoint",
    title: "the image runs one program, and neither a shell, a way in nor a supervisor",
    severity: Severity::Low,
    action: Action::Warn,
    why: "An image without a command is none to deploy. A bare shell does nothing, or waits for somebody to come in; a server of SSH or of containers is a way in; a supervisor hides that what it watches has died.",
    mend: "end the Dockerfile with `ENTRYPOINT [\"/path/of/the/program\"]`",
    bad: "CMD [\"/usr/sbin/sshd\", \"-D\"]",
    good: "ENTRYPOINT [\"/usr/bin/app\"]",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[],
    check,
};

const SHELLS: [&str; 8] = ["ash", "bash", "busybox", "dash", "fish", "ksh", "sh", "zsh"];
const WAYS_IN: [&str; 6] = ["containerd", "dockerd", "dropbear", "sshd", "telnetd", "ttyd"];
const SUPERVISORS: [&str; 5] = ["init", "monit", "runsvdir", "supervisord", "systemd"];
/// What begins the program that follows it.
const STARTERS: [&str; 6] = ["dumb-init", "env", "exec", "gosu", "su-exec", "tini"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let config = &image.config;
    let field = if config.entrypoint.is_empty() { "config.Cmd" } else { "config.Entrypoint" };
    let words: Vec<&str> =
        config.entrypoint.iter().chain(&config.command).map(String::as_str).collect();
    let title = match kind(&words) {
        None => return Vec::new(),
        Some(Kind::Nothing) => "the image does not say what it runs",
        Some(Kind::Shell) => "the image runs a bare shell",
        Some(Kind::WayIn) => "the image runs a way in",
        Some(Kind::Supervisor) => "the image runs a supervisor",
    };
    // Arguments may be secrets.
    let found = words.first().map_or_else(|| "nothing".to_owned(), |first| format!("`{first}`"));
    let place = Place::Config { field: field.to_owned() };
    vec![context.fail(place, title, found, "the program that the image is for")]
}

#[derive(Clone, Copy)]
enum Kind {
    Nothing,
    Shell,
    WayIn,
    Supervisor,
}

/// What is wrong with a command, if anything is.
fn kind(words: &[&str]) -> Option<Kind> {
    let is_passed_over = |word: &&&str| {
        let name = name(word);
        !STARTERS.contains(&name) && !word.starts_with('-') && !word.is_empty()
    };
    // A shell with `-c` runs what it is told.
    let told =
        words.iter().position(|word| *word == "-c").and_then(|at| words.get(at.checked_add(1)?));
    let script = told.map(|script| script.split_whitespace().collect::<Vec<_>>());
    let words = script.as_deref().unwrap_or(words);
    let mut rest = words.iter().filter(is_passed_over);
    let Some(first) = rest.next().map(|word| name(word)) else { return Some(Kind::Nothing) };
    match first {
        _ if WAYS_IN.contains(&first) => Some(Kind::WayIn),
        _ if SUPERVISORS.contains(&first) => Some(Kind::Supervisor),
        _ if SHELLS.contains(&first) => {
            let next = rest.next().map(|word| name(word));
            let is_bare = next.is_none_or(|next| SHELLS.contains(&next));
            is_bare.then_some(Kind::Shell)
        }
        _ => None,
    }
}

fn name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(entrypoint: &[&str], command: &[&str]) -> Case {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Case::default().image_with(&["a"], |config| {
            (config.entrypoint, config.command) = (own(entrypoint), own(command));
        })
    }

    #[test]
    fn what_is_no_program_of_its_own_fails() {
        for (entrypoint, command, title) in [
            (&[][..], &[][..], "the image does not say what it runs"),
            (&[], &[""], "the image does not say what it runs"),
            (&["tini", "--"], &[], "the image does not say what it runs"),
            (&[], &["bash"], "the image runs a bare shell"),
            (&["/bin/sh", "-c", "bash"], &[], "the image runs a bare shell"),
            (&["/usr/bin/env"], &["sh", "-l"], "the image runs a bare shell"),
            (&["/usr/sbin/sshd"], &["-D"], "the image runs a way in"),
            (&["/bin/sh", "-c", "exec /usr/sbin/sshd -D"], &[], "the image runs a way in"),
            (&["tini", "--", "dockerd"], &[], "the image runs a way in"),
            (&[], &["/usr/bin/supervisord", "-n"], "the image runs a supervisor"),
        ] {
            let found = case(entrypoint, command).findings("IMG-006");
            assert_eq!(found.len(), 1, "{entrypoint:?} {command:?}");
            assert_eq!(found[0].finding.title, title, "{entrypoint:?} {command:?}");
        }
        let place = |case: Case| case.findings("IMG-006")[0].finding.place.clone();
        let at = |field: &str| Place::Config { field: field.to_owned() };
        assert_eq!(place(case(&["sshd"], &[])), at("config.Entrypoint"));
        assert_eq!(place(case(&[], &["sshd"])), at("config.Cmd"));
    }

    #[test]
    fn a_program_passes_and_a_shell_that_runs_one() {
        for (entrypoint, command) in [
            (&["/usr/bin/app"][..], &["--port", "1"][..]),
            (&[], &["nginx", "-g", "daemon off;"]),
            (&["tini", "--"], &["/app"]),
            (&["/bin/sh", "-c"], &["exec app --sshd"]),
            (&["sh", "/entrypoint.sh"], &[]),
        ] {
            case(entrypoint, command).check("IMG-006", Expect::Pass);
        }
    }
}
