//! What a build makes of `/etc/passwd`: whether a name in it is root by another name.
//!
//! <https://man7.org/linux/man-pages/man8/useradd.8.html>, <https://man7.org/linux/man-pages/man5/passwd.5.html>; `adduser` is also
//! that of busybox.

use super::{
    commands,
    options::{Options, Valued},
};
use crate::dockerfile::{Build, Command, InputKind, Position, Source, Stage, Step};
use std::collections::BTreeSet;

/// What a build says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rooted {
    /// It has the id 0, by what stands here.
    Root(Position),
    /// It may have: what decides stands here.
    Untold(Position, String),
}

/// Files of accounts, copied from one stage to another, that are followed.
const SOURCES: usize = 50;
/// Where accounts are.
const PASSWD: &str = "/etc/passwd";
/// What creates users, as scripts name it that are not read.
const NAMES: [&str; 5] = ["useradd", "adduser", "usermod", "newusers", "passwd"];
const USERADD: Valued = Valued {
    letters: "bcdefgGkKpPRsuZ",
    names: &[
        "--uid",
        "--ui",
        "--gid",
        "--groups",
        "--base-dir",
        "--comment",
        "--home-dir",
        "--expiredate",
        "--inactive",
        "--skel",
        "--key",
        "--password",
        "--root",
        "--prefix",
        "--shell",
        "--selinux-user",
    ],
};
const USERMOD: Valued = Valued { letters: "cdefgGlpPRsuvVwWZ", names: USERADD.names };
const ADDUSER: Valued = Valued {
    letters: "hgsGku",
    names: &["--uid", "--gid", "--ingroup", "--home", "--shell", "--gecos", "--comment", "--skel"],
};

/// Whether a stage, one below it, or one whose accounts it takes over, makes a user of this name root.
pub(super) fn rooted(build: &Build, stage: &Stage, name: &str) -> Option<Rooted> {
    let mut looked = BTreeSet::new();
    let mut waiting = vec![(stage, PASSWD.to_owned())];
    let mut untold = None;
    // Each turn takes a stage and the path that its accounts have there.
    while let Some((stage, path)) = waiting.pop() {
        if !looked.insert((stage.at, path.clone())) {
            continue;
        }
        if looked.len() > SOURCES {
            let what = format!("accounts that come from more than {SOURCES} files");
            return Some(Rooted::Untold(stage.at, what));
        }
        let about = About { build, path: &path, name };
        for stage in build.chain(stage) {
            for step in &stage.steps {
                match about.of_step(stage, step) {
                    Found::Nothing => {}
                    Found::Rooted(root @ Rooted::Root(_)) => return Some(root),
                    Found::Rooted(other) => {
                        untold.get_or_insert(other);
                    }
                    Found::From(stage, path) => waiting.push((stage, path)),
                }
            }
        }
    }
    untold
}

enum Found<'b> {
    Nothing,
    Rooted(Rooted),
    /// The accounts come from there.
    From(&'b Stage, String),
}

#[derive(Clone, Copy)]
struct About<'b, 'n> {
    build: &'b Build,
    path: &'n str,
    name: &'n str,
}

impl<'b> About<'b, '_> {
    fn of_step(self, stage: &'b Stage, step: &'b Step) -> Found<'b> {
        let rooted = match step.keyword() {
            "RUN" => self.of_run(step),
            "COPY" | "ADD" => return self.of_copy(stage, step),
            _ => None,
        };
        rooted.map_or(Found::Nothing, Found::Rooted)
    }

    fn of_run(self, step: &Step) -> Option<Rooted> {
        let script = &step.script;
        let of_files = script.files.iter().filter(|(path, _)| path == self.path);
        let of_files = of_files.flat_map(|(_, text)| self.entries(text.line, &text.content));
        let is_written = || {
            let mut commands = script.commands.iter();
            commands.any(|command| commands::writes_to(command, |path| path == self.path))
        };
        let of_commands =
            script.commands.iter().filter_map(|command| self.of_command(command, &is_written));
        let of_unread = Self::unread(step).map(|(at, what)| Rooted::Untold(at, what));
        let mut all = of_files.chain(of_commands).chain(of_unread);
        let first = all.next()?;
        let root = |rooted: &Rooted| matches!(rooted, Rooted::Root(_));
        Some(if root(&first) { first } else { all.find(root).unwrap_or(first) })
    }

    /// A script of a step that is not read, and that names what creates users.
    fn unread(step: &Step) -> Option<(Position, String)> {
        let names = |text: &str| NAMES.iter().any(|name| text.contains(name));
        let foreign = step.script.foreign.iter().find(|foreign| names(&foreign.text));
        let foreign = foreign.map(|foreign| (foreign.at, foreign.interpreter.clone()));
        let whole = || {
            let is_meant = names(&step.instruction.text)
                || step.instruction.heredocs.iter().any(|heredoc| names(&heredoc.content));
            let at = step.script.untold.first().map(|(at, _)| *at);
            let at = at.or_else(|| step.interpreter.as_ref().map(|_| step.at()));
            at.filter(|_| is_meant).map(|at| (at, "a shell".to_owned()))
        };
        let (at, interpreter) = foreign.or_else(whole)?;
        Some((at, format!("a script for {interpreter} that is not read names accounts")))
    }

    fn of_command(self, command: &Command, is_written: &dyn Fn() -> bool) -> Option<Rooted> {
        let (program, arguments) = command.program()?;
        let untold = |what: &str| Some(Rooted::Untold(command.at, format!("`{program}` {what}")));
        match program {
            "useradd" => self.created(command, &Options::of(arguments, USERADD)),
            "usermod" => self.created(command, &Options::of(arguments, USERMOD)),
            "adduser" => self.created(command, &Options::of(arguments, ADDUSER)),
            "newusers" => untold("creates users from a list"),
            "echo" | "printf" => {
                let text = commands::settings(command).join("\n");
                let found = self.entries(command.at.line, &text).into_iter().next();
                found.filter(|_| is_written()).map(|rooted| match rooted {
                    Rooted::Root(_) => Rooted::Root(command.at),
                    Rooted::Untold(_, what) => Rooted::Untold(command.at, what),
                })
            }
            "sed" if command.has_word(self.path) => {
                let is_in_place = arguments.iter().any(|word| {
                    let text = word.text();
                    text.starts_with("--in-place")
                        || (text.starts_with('-') && !text.starts_with("--") && text.contains('i'))
                });
                let changes = commands::settings(command);
                let is_meant = |line: &String| line.contains(['0', '$', '&']);
                if is_in_place && changes.iter().any(is_meant) {
                    return untold("changes accounts");
                }
                None
            }
            "cp" | "mv" | "install" | "ln"
                if arguments.last().is_some_and(|word| word.text() == self.path) =>
            {
                untold("replaces the accounts")
            }
            "perl" | "ed" | "ex" | "vi" | "vim" if command.has_word(self.path) => {
                untold("changes accounts")
            }
            "tee" | "cat" => None,
            _ if commands::writes_to(command, |path| path == self.path) => {
                untold("writes accounts")
            }
            _ => None,
        }
    }

    /// What `useradd` and its like make of the user.
    fn created(self, command: &Command, options: &Options<'_>) -> Option<Rooted> {
        let program = command.program().map_or("", |(name, _)| name);
        let id = options.values(&["-u", "--uid", "--ui"]).last()?;
        let is_named = options.operands.iter().any(|word| word.text() == self.name);
        let may_be_named = options.operands.iter().any(|word| word.value.known().is_none());
        if !(is_named || may_be_named) {
            return None;
        }
        // Two users share a number only where that is asked for.
        let may_share = program == "adduser" || options.has(&["-o", "--non-unique"]);
        match is_zero(id) {
            true if is_named => Some(Rooted::Root(command.at)),
            true => Some(Rooted::Untold(
                command.at,
                format!("`{program}` creates a user with the id 0"),
            )),
            false if id.contains('$') && may_share => Some(Rooted::Untold(
                command.at,
                format!("`{program}` takes the id from `{id}`, whose value is not known"),
            )),
            false => None,
        }
    }

    /// Lines of accounts that are about the user.
    fn entries(self, first: u32, text: &str) -> Vec<Rooted> {
        let entries = (first..).zip(text.lines()).filter_map(move |(line, text)| {
            let mut fields = text.trim().trim_matches(['"', '\'']).split(':');
            let (name, id) = (fields.next()?, fields.nth(1)?);
            let at = Position { line, column: 1 };
            let is_hidden = name.contains('$') || id.contains('$');
            if name == self.name && is_zero(id) {
                Some(Rooted::Root(at))
            } else if is_hidden && (name == self.name || name.contains('$')) {
                Some(Rooted::Untold(at, format!("`{name}:…:{id}` among the accounts")))
            } else {
                None
            }
        });
        entries.collect()
    }

    fn of_copy(self, stage: &'b Stage, step: &'b Step) -> Found<'b> {
        let Some((to, sources)) = step.arguments.split_last() else { return Found::Nothing };
        let Some(to) = to.known() else { return Found::Nothing };
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let is_here = |source: &str| {
            to == self.path
                || (to.trim_end_matches('/') == folder && name(source) == name(self.path))
        };
        let mut known = sources.iter().filter_map(|source| source.known());
        let Some(source) = known.find(|source| is_here(source)) else { return Found::Nothing };
        if let Some(heredoc) =
            step.instruction.heredocs.first().filter(|_| source.starts_with("<<"))
        {
            let found = self.entries(heredoc.line, &heredoc.content).into_iter().next();
            return found.map_or(Found::Nothing, Found::Rooted);
        }
        let flag = step.flag("from").map(|flag| flag.at);
        let mut inputs = stage.inputs.iter();
        let from = inputs.find(|input| input.kind == InputKind::Copy && Some(input.at) == flag);
        if let Some(Source::Stage(number)) = from.map(|input| &input.source) {
            let other = self.build.stages.get(*number);
            return other.map_or(Found::Nothing, |other| Found::From(other, source.to_owned()));
        }
        let what = format!("`{}` brings accounts that are not known here", step.keyword());
        Found::Rooted(Rooted::Untold(step.at(), what))
    }
}

/// As `strtoul` reads a number: with a sign, in the base that its beginning says.
fn is_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte == b'0')
}
