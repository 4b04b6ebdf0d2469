//! What a step says that is read as no commands: files that it writes, and scripts of others than a POSIX shell.

use super::commands::Placed;
use crate::dockerfile::{Heredoc, Position};

/// Each such text, line by line where it has lines, and where it stands.
pub(super) fn unread(placed: Placed<'_>) -> Vec<(Position, &str)> {
    let step = placed.step;
    let is_hidden = step.interpreter.is_some() || !step.script.untold.is_empty();
    let text = is_hidden.then_some((step.at(), step.instruction.text.as_str()));
    let heredocs = step.instruction.heredocs.iter().filter(|heredoc| !is_read(placed, heredoc));
    let lines = heredocs.flat_map(|heredoc| {
        let numbered = (heredoc.line..).zip(heredoc.content.lines());
        let said = numbered.filter(|(_, line)| !line.trim_start().starts_with('#'));
        said.map(|(line, text)| (Position { line, column: 1 }, text))
    });
    text.into_iter().chain(lines).collect()
}

/// The lines of the here-documents of a step, whatever is made of them.
pub(super) fn lines(placed: Placed<'_>) -> impl Iterator<Item = (Position, &str)> {
    placed.step.instruction.heredocs.iter().flat_map(|heredoc| {
        let numbered = (heredoc.line..).zip(heredoc.content.lines());
        numbered.map(|(line, text)| (Position { line, column: 1 }, text))
    })
}

/// Whether commands stand in a here-document.
fn is_read(placed: Placed<'_>, heredoc: &Heredoc) -> bool {
    let lines = u32::try_from(heredoc.content.lines().count()).unwrap_or(u32::MAX);
    let last = heredoc.line.saturating_add(lines);
    placed.commands().any(|command| (heredoc.line..last).contains(&command.at.line))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn files_and_scripts_of_others_are_looked_through() {
        let bad = [
            "FROM a\nCOPY <<EOF /x\n\n y https://u:p@h\nEOF\n",
            "FROM a\nRUN python3 <<EOF\n\nget('https://u:p@h')\nEOF\n",
            "FROM a\nSHELL [\"pwsh\", \"-c\"]\nRUN \\\n iwr https://u:p@h",
            "FROM a\nRUN x https://u:p@h 'y",
        ];
        for (dockerfile, line) in bad.iter().zip([4, 4, 3, 2]) {
            let case = Case::default().dockerfile(dockerfile);
            case.check("SEC-005", Expect::Fail);
            assert_eq!(case.places("SEC-005")[0].0, line, "{dockerfile}");
        }
        let twins = [
            "FROM a\nCOPY <<EOF /x\n# https://u:p@h\nEOF\n",
            "FROM a\nRUN <<EOF\nx\n# https://u:p@h\nEOF\n",
        ];
        check_files("SEC-005", Expect::Pass, &twins);
        let socket = "FROM a\nCOPY <<EOF /x\nhost: unix:///var/run/docker.sock\nEOF\n";
        check_files("DF-091", Expect::Fail, &[socket]);
    }
}
