//! Exit statuses: one table, whatever the output format.

use crate::{error::Error, ui::Ui};
use plimsoll_model::Class;
use plimsoll_policy::Verdict;

/// One row of the table.
#[derive(Debug)]
pub(crate) struct ExitStatus {
    /// The status.
    pub code: u8,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $meaning:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: ExitStatus = ExitStatus { code: $code, meaning: $meaning };)*
        /// Every status, in order. Help, manual and README print this.
        pub(crate) const ALL: &[&ExitStatus] = &[$(&$name),*];
    };
}

statuses! {
    /// Passed.
    PASSED = 0, "passed";
    /// The policy says no.
    BLOCKED = 1, "blocked: fully judged, and policy says no (a failed verification included)";
    /// The user's input is wrong.
    USAGE = 2, "usage, configuration or policy file is wrong";
    /// It could not be judged.
    UNDECIDED = 3, "undecided: network, registry, login, unreadable or hostile input, over a limit, advisory data absent or too old, something not evaluated";
    /// A later action failed.
    ACTION = 4, "judged and passed, but a later action failed (sign, push, promote, record)";
    /// A bug.
    BUG = 5, "a bug in Plimsoll";
    /// SIGINT.
    INTERRUPTED = 130, "interrupted";
    /// SIGTERM.
    TERMINATED = 143, "terminated";
}

/// Columns of the table; help is at most that wide.
const WIDTH: usize = 100;

/// The status of an error of this class.
pub(crate) const fn of_class(class: Class) -> &'static ExitStatus {
    match class {
        Class::Usage => &USAGE,
        Class::Rejected | Class::Undecided => &UNDECIDED,
        Class::Action => &ACTION,
        Class::Bug => &BUG,
    }
}

/// The status of a decision.
pub(crate) const fn of_verdict(verdict: Verdict) -> &'static ExitStatus {
    match verdict {
        Verdict::Pass => &PASSED,
        Verdict::Blocked => &BLOCKED,
        Verdict::Undecided => &UNDECIDED,
    }
}

/// The status of several answers together: what could not be judged outweighs what is blocked, which outweighs every pass. No
/// answer at all is no pass.
pub(crate) fn worst(answers: impl IntoIterator<Item = &'static ExitStatus>) -> &'static ExitStatus {
    worst_or(&UNDECIDED, answers)
}

/// The same, where no answers at all come to `none`.
pub(crate) fn worst_or(
    none: &'static ExitStatus,
    answers: impl IntoIterator<Item = &'static ExitStatus>,
) -> &'static ExitStatus {
    let worst = answers.into_iter().max_by_key(|status| match status.code {
        code if code == PASSED.code => 0,
        code if code == BLOCKED.code => 1,
        _ => 2,
    });
    worst.unwrap_or(none)
}

/// The status where the answer is known and something was still to be done, such as to write it down. That this failed is
/// said; but only where the answer was a pass it decides the status, which would otherwise say that there was one.
pub(crate) fn settle(
    ui: &Ui,
    answer: &'static ExitStatus,
    done: Result<(), Error>,
) -> Result<&'static ExitStatus, Error> {
    match done {
        Ok(()) => Ok(answer),
        Err(error) if answer.code == PASSED.code => Err(error),
        Err(error) => {
            ui.error(&error);
            Ok(answer)
        }
    }
}

/// The table as help shows it.
pub(crate) fn table() -> String {
    let mut table = "Exit statuses:".to_owned();
    for status in ALL {
        let mut line = format!("  {:>3} ", status.code);
        for word in status.meaning.split(' ') {
            if line.len().saturating_add(word.len()) >= WIDTH {
                table.push('\n');
                table.push_str(&line);
                line = " ".repeat(6);
            }
            line.push(' ');
            line.push_str(word);
        }
        table.push('\n');
        table.push_str(&line);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_meaning_goes_on_below_itself() {
        let table = table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1], "    0  passed");
        assert_eq!(
            lines[4],
            "    3  undecided: network, registry, login, unreadable or hostile input, over a limit, advisory data"
        );
        assert_eq!(lines[5], "       absent or too old, something not evaluated");
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn a17_the_worst_of_several_answers_counts_and_none_is_no_pass() {
        let code = |answers: &[&'static ExitStatus]| worst(answers.iter().copied()).code;
        assert_eq!(code(&[&PASSED, &PASSED]), 0);
        assert_eq!(code(&[&PASSED, &BLOCKED, &PASSED]), 1);
        assert_eq!(code(&[&BLOCKED, &UNDECIDED, &BLOCKED, &PASSED]), 3);
        assert_eq!(code(&[]), 3);
    }

    #[test]
    fn nothing_but_a_pass_exits_with_zero() {
        assert_eq!(of_verdict(Verdict::Pass).code, 0);
        assert_eq!(of_verdict(Verdict::Blocked).code, 1);
        assert_eq!(of_verdict(Verdict::Undecided).code, 3);
        let classes = [Class::Usage, Class::Rejected, Class::Undecided, Class::Action, Class::Bug];
        assert_eq!(classes.map(|class| of_class(class).code), [2, 3, 3, 4, 5]);
    }
}
