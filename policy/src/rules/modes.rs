//! What the rules about permissions have in common: where a mode is set, and what it grants.
//!
//! Modes: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/chmod.html>.

use super::{
    Raised, RuleContext,
    commands::{self, Placed},
    inputs,
};
use crate::dockerfile::{Command, Position, Word};
use std::collections::BTreeSet;

/// A mode that a step sets.
#[derive(Debug)]
struct Change<'a> {
    placed: Placed<'a>,
    at: Position,
    /// What sets it.
    by: String,
    /// The mode as it is known.
    mode: Option<String>,
}

/// The finding for each mode that grants what `grants` says, or of which it can not be told.
pub(super) fn check(
    context: &RuleContext<'_>,
    grants: impl Fn(&str) -> bool,
    (title, untold, expected): (&str, &'static str, &'static str),
) -> Vec<Raised> {
    let raise = |change: Change<'_>| {
        let place = inputs::place(change.placed.build, change.at);
        match &change.mode {
            Some(mode) if grants(mode) => Some(context.fail(place, title, change.by, expected)),
            Some(_) => None,
            None => Some(context.unknown(place, untold, change.by, expected)),
        }
    };
    let names: &[&str] = &["chmod", "setcap"];
    let about = commands::Untold { title: untold, expected, names };
    commands::of_reachable(context, about, |placed| {
        // A shell of Windows changes no modes, unless it does not run on Windows.
        let hidden = commands::windows_text(placed)
            .filter(|text| text.contains("chmod") || text.contains("setcap"))
            .map(|_| change_that_is_hidden(placed));
        changes(placed).into_iter().chain(hidden).filter_map(raise).collect()
    })
}

fn change_that_is_hidden(placed: Placed<'_>) -> Change<'_> {
    let by = "a script that is not read names `chmod` or `setcap`".to_owned();
    Change { placed, at: placed.step.at(), by, mode: None }
}

/// The modes that a step sets.
fn changes(placed: Placed<'_>) -> Vec<Change<'_>> {
    let change = |at, by: String, mode: Option<String>| Change { placed, at, by, mode };
    match placed.step.keyword() {
        "COPY" | "ADD" => {
            let flags = placed.step.instruction.flags.iter().filter(|flag| flag.name == "chmod");
            let of_flag = flags.map(|flag| {
                let mode = flag.value.as_deref().unwrap_or_default();
                let by = format!("`{} --chmod={mode}`", placed.step.keyword());
                change(flag.at, by, Some(mode.to_owned()).filter(|mode| !mode.contains('$')))
            });
            of_flag.collect()
        }
        "RUN" => {
            let making = placed.commands().filter_map(|command| command.arguments_of("mkdir"));
            let made: BTreeSet<&str> = making.flatten().map(Word::text).collect();
            let of_command = |command: &Command| {
                let (by, mode) = mode_of(command.program()?)?;
                let is_meant = !is_of_new_directories(&made, command, mode.as_deref());
                is_meant.then(|| change(command.at, format!("`{by}`"), mode))
            };
            placed.commands().filter_map(of_command).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a mode sets the group of what is created in directories that the same script makes: there the bit runs nothing.
fn is_of_new_directories(made: &BTreeSet<&str>, command: &Command, mode: Option<&str>) -> bool {
    let is_group_alone = mode.and_then(octal).is_some_and(|bits| bits & 0o6000 == 0o2000);
    let Some(arguments) = command.arguments_of("chmod").filter(|_| is_group_alone) else {
        return false;
    };
    // The mode comes first.
    let mut of = arguments.iter().map(Word::text).skip(1).peekable();
    of.peek().is_some() && of.all(|path| made.contains(path))
}

/// The mode that a program is told to set, as far as it is known, behind the program and the option as they stand there.
fn mode_of((name, arguments): (&str, &[Word])) -> Option<(String, Option<String>)> {
    let known = |word: &Word, cut: usize| word.value.known()?.get(cut..).map(str::to_owned);
    let told =
        |word: &Word, cut: usize| Some((format!("{name} {}", word.text()), known(word, cut)));
    match name {
        "chmod" => {
            let is_option = |text: &str| {
                text.strip_prefix('-').is_some_and(|rest| {
                    rest.starts_with('-')
                        || (!rest.is_empty() && rest.chars().all(|char| "Rcfhv".contains(char)))
                })
            };
            let is_by_file = |word: &Word| word.text().starts_with("--reference");
            let mut words = arguments.iter().skip_while(|word| is_option(word.text()));
            words
                .next()
                .filter(|_| !arguments.iter().any(is_by_file))
                .and_then(|word| told(word, 0))
        }
        "dpkg-statoverride" if arguments.iter().any(|word| word.text() == "--add") => {
            // User, group, mode, file.
            let mut operands = arguments.iter().filter(|word| !word.text().starts_with('-'));
            operands.nth(2).and_then(|word| told(word, 0))
        }
        "install" | "mkdir" | "mkfifo" | "mknod" => {
            let (at, cut) = arguments.iter().enumerate().find_map(|(at, word)| {
                let text = word.text();
                let cluster = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
                let letter = cluster.filter(|cluster| !cluster.starts_with(['o', 'g', 't', 'S']));
                let end =
                    letter.and_then(|cluster| cluster.find('m')).map(|at| at.saturating_add(2));
                let end = end.or_else(|| text.starts_with("--mode").then_some("--mode=".len()))?;
                Some((at, end))
            })?;
            let word = arguments.get(at)?;
            // Joined to the option, or the word that follows.
            if word.text().len() > cut {
                return told(word, cut);
            }
            told(arguments.get(at.saturating_add(1))?, 0)
        }
        _ => None,
    }
}

/// The mask of a script that leaves everybody the right to write to what the commands after it create.
pub(super) fn open_masks(placed: Placed<'_>) -> impl Iterator<Item = (Position, String)> {
    let last = placed.commands().count().saturating_sub(1);
    placed.commands().enumerate().filter(move |(number, _)| *number < last).filter_map(
        |(_, command)| {
            let arguments = command.arguments_of("umask")?;
            let mask = arguments.iter().map(Word::text).find(|text| !text.starts_with('-'))?;
            let is_open = match octal(mask) {
                Some(bits) => bits & 0o002 == 0,
                // Symbolic ones say what is left.
                None => is_world_writable(mask),
            };
            is_open.then(|| (command.at, format!("`umask {mask}`")))
        },
    )
}

/// Whether a mode makes files run as their owner or group.
pub(super) fn sets_id(mode: &str) -> bool {
    match octal(mode) {
        Some(bits) => bits & 0o6000 != 0,
        None => clauses(mode).any(|clause| clause.grants.contains('s') && clause.who != "o"),
    }
}

/// Whether a mode lets everybody write, and no sticky bit protects what others wrote.
pub(super) fn is_world_writable(mode: &str) -> bool {
    if let Some(bits) = octal(mode) {
        return bits & 0o1002 == 0o0002;
    }
    let lets_write = |clause: Clause<'_>| {
        // `o=u`: the rights of the owner, who may write to what he has.
        let is_writing = clause.grants.contains('w') || clause.grants == "u";
        is_writing && clause.who.contains(['o', 'a'])
    };
    clauses(mode).any(lets_write) && !clauses(mode).any(|clause| clause.grants.contains('t'))
}

fn octal(mode: &str) -> Option<u32> {
    let mode = mode.strip_prefix('=').unwrap_or(mode);
    u32::from_str_radix(mode, 8).ok().filter(|_| mode.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A part of a symbolic mode that grants something.
#[derive(Clone, Copy)]
struct Clause<'m> {
    who: &'m str,
    grants: &'m str,
}

fn clauses(mode: &str) -> impl Iterator<Item = Clause<'_>> {
    mode.split(',').flat_map(|clause| {
        let (who, rest) = clause
            .find(['+', '-', '='])
            .and_then(|at| clause.split_at_checked(at))
            .unwrap_or((clause, ""));
        let mut actions = Vec::new();
        let mut rest = rest;
        while let Some(operator) = rest.chars().next() {
            let after = rest.get(operator.len_utf8()..).unwrap_or_default();
            let end = after.find(['+', '-', '=']).unwrap_or(after.len());
            let (grants, next) = after.split_at_checked(end).unwrap_or((after, ""));
            if operator != '-' {
                actions.push(Clause { who, grants });
            }
            rest = next;
        }
        actions
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_grant_what_they_say() {
        for (mode, ids, world) in [
            ("u+s", true, false),
            ("+s", true, false),
            ("u=rwxs,go=rx", true, false),
            ("ug-s+s", true, false),
            ("a-s", false, false),
            ("o+s", false, false),
            ("4755", true, false),
            ("02775", true, false),
            ("6777", true, true),
            ("0755", false, false),
            ("755", false, false),
            ("777", false, true),
            ("0666", false, true),
            ("1777", false, false),
            ("o+w", false, true),
            ("a+rwX", false, true),
            ("ugo=rwx", false, true),
            ("a+rwxt", false, false),
            ("+w", false, false),
            ("g+w", false, false),
            ("o-w", false, false),
            ("o=u", false, true),
            ("go=u", false, true),
            ("g=u", false, false),
            ("o=g", false, false),
            ("=4755", true, false),
            ("é", false, false),
            ("", false, false),
        ] {
            assert_eq!((sets_id(mode), is_world_writable(mode)), (ids, world), "{mode}");
        }
    }
}
