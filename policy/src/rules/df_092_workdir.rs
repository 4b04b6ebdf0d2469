//! DF-092: every WORKDIR is an absolute path, and no directory of the system.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::{decide::Action, dockerfile::Expanded, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-092",
    name: "df_092_workdir",
    title: "every WORKDIR is an absolute path, and no directory of the system",
    severity: Severity::Low,
    action: Action::Inform,
    why: "A relative path depends on where the base image happens to end; in a directory of the system, files of the application and of the system become one.",
    mend: "write the whole path of a directory of the application's own",
    bad: "WORKDIR app",
    good: "WORKDIR /app",
    equivalents: &["DL3000", "DS-0009", "CKV_DOCKER_10", "DS-0030"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an absolute path of a directory of the application's own";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::reachable(context).filter(|placed| placed.is("WORKDIR"));
    let raise = |placed: commands::Placed<'_>| {
        // Its argument is the rest of the line.
        let first = placed.step.arguments.first()?;
        let written = placed.step.instruction.text.trim();
        let place = inputs::place(placed.build, first.at);
        match first.value.as_ref()? {
            Expanded::Known(path) if !is_absolute(path) => {
                let found = format!("`WORKDIR {written}`");
                Some(context.fail(place, "a working directory is relative", found, EXPECTED))
            }
            Expanded::Known(path) => {
                let title = "a working directory is one of the system";
                let found = format!("`WORKDIR {written}`");
                host::is_system(path).then(|| context.fail(place, title, found, EXPECTED))
            }
            // What follows the root can not be relative.
            Expanded::Unknown { .. } if is_absolute(written.trim_start_matches(['"', '\''])) => {
                None
            }
            Expanded::Unknown { variable } => {
                let title = "it can not be told whether a working directory is absolute";
                let found =
                    format!("`{written}`, where `{variable}` has no value that is known here");
                Some(context.unknown(place, title, found, EXPECTED))
            }
        }
    };
    steps.filter_map(raise).collect()
}

/// On Windows, a path that begins with a drive or a backslash is absolute too.
fn is_absolute(path: &str) -> bool {
    let mut chars = path.chars();
    let (first, second) = (chars.next(), chars.next());
    matches!(first, Some('/' | '\\'))
        || (second == Some(':') && first.is_some_and(|first| first.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn relative_paths_and_directories_of_the_system_fail() {
        let bad = [
            "FROM a\nWORKDIR app",
            "FROM a\nWORKDIR ./app",
            "FROM a\nWORKDIR \"app\"",
            "FROM a\nARG D=app\nWORKDIR $D",
            "FROM a\nWORKDIR /etc",
            "FROM a\nWORKDIR /usr/bin/",
            "FROM a\nWORKDIR /proc/self",
        ];
        check_files("DF-092", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile("FROM a\nWORKDIR  app").places("DF-092"), [(2, 10)]);
    }

    #[test]
    fn absolute_paths_pass() {
        let good = [
            "FROM a\nWORKDIR /app",
            "FROM a\nWORKDIR \"/my app\"",
            "FROM a\nWORKDIR /",
            "FROM a\nWORKDIR /usr/src/app",
            "FROM a\nWORKDIR C:/app",
            "# escape=`\nFROM a\nWORKDIR C:\\app",
            "FROM a\nWORKDIR /srv/$D",
            "FROM scratch\nENV D=/x\nWORKDIR ${D}/app",
        ];
        check_files("DF-092", Expect::Pass, &good);
    }

    #[test]
    fn a_path_that_begins_with_the_unknown_can_not_be_told() {
        check_files(
            "DF-092",
            Expect::Unknown,
            &["FROM a\nWORKDIR $D/app", "FROM a\nWORKDIR \"$D\""],
        );
    }
}
