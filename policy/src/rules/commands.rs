//! What the rules about the steps of a build have in common: which steps count, and what of them can not be told.

use super::{Raised, RuleContext, inputs};
use crate::dockerfile::{Build, Command, Script, Stage, Step};
use plimsoll_model::finding::Place;
use std::collections::BTreeSet;

/// A step in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) build: &'a Build,
    pub(super) stage: &'a Stage,
    pub(super) step: &'a Step,
}

impl<'a> Placed<'a> {
    /// Its commands.
    pub(super) fn commands(self) -> impl Iterator<Item = &'a Command> {
        self.step.script.commands.iter()
    }

    /// Its commands.
    pub(super) fn script(self) -> &'a Script {
        &self.step.script
    }

    /// Whether this is its keyword.
    pub(super) fn is(self, keyword: &str) -> bool {
        self.step.keyword() == keyword
    }

    /// The defect is there, in a command.
    pub(super) fn fail_at(
        self,
        context: &RuleContext<'_>,
        command: &Command,
        (title, expected): (&str, &str),
        found: impl Into<String>,
    ) -> Raised {
        context.fail(inputs::place(self.build, command.at), title, found, expected)
    }

    /// The defect is there, in the step as a whole.
    pub(super) fn fail(
        self,
        context: &RuleContext<'_>,
        (title, expected): (&str, &str),
        found: impl Into<String>,
    ) -> Raised {
        context.fail(inputs::place(self.build, self.step.at()), title, found, expected)
    }
}

/// The steps whose layers are in what is built.
pub(super) fn in_image<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = Placed<'a>> {
    context.builds().iter().flat_map(|build| placed(build, build.in_image()))
}

/// The steps that run when it is built.
pub(super) fn reachable<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = Placed<'a>> {
    context.builds().iter().flat_map(|build| placed(build, build.reachable()))
}

fn placed<'a>(build: &'a Build, stages: Vec<&'a Stage>) -> impl Iterator<Item = Placed<'a>> {
    let steps =
        stages.into_iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)));
    steps.map(move |(stage, step)| Placed { build, stage, step })
}

/// What `judge` says of each step that runs, and where the commands of one can not be told, that.
pub(super) fn of_reachable<'a>(
    context: &RuleContext<'a>,
    (untold, expected): (&str, &str),
    judge: impl Fn(Placed<'a>) -> Vec<Raised>,
) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in reachable(context) {
        all.extend(judge(placed));
        let build = placed.build;
        if let Some(interpreter) = &placed.step.interpreter {
            if !is_windows(interpreter) {
                let found = format!("`SHELL` names `{interpreter}`, whose scripts are not read");
                let place = inputs::place(build, placed.step.at());
                all.push(context.unknown(place, untold, found, expected));
            }
        }
        for (at, what) in &placed.step.script.untold {
            let place = inputs::place(build, *at);
            all.push(context.unknown(place, untold, what.clone(), expected));
        }
    }
    once(all)
}

/// Whether it is a shell of Windows, whose scripts are looked through as text.
pub(super) fn is_windows(interpreter: &str) -> bool {
    let name = interpreter.strip_suffix(".exe").unwrap_or(interpreter);
    matches!(name, "powershell" | "pwsh" | "cmd")
}

/// The script of a step that a shell of Windows runs, as text.
pub(super) fn windows_text<'a>(placed: Placed<'a>) -> Option<&'a str> {
    let interpreter = placed.step.interpreter.as_deref()?;
    is_windows(interpreter).then_some(placed.step.instruction.text.as_str())
}

/// Each place once: a script may be read in two ways, as that of `eval "$(…)"` is.
pub(super) fn once(raised: Vec<Raised>) -> Vec<Raised> {
    let mut seen = BTreeSet::new();
    let mut is_new = |raised: &Raised| {
        let Place::Source { path, line, column } = &raised.finding.place else { return true };
        seen.insert((path.clone(), *line, *column, raised.finding.title.clone()))
    };
    raised.into_iter().filter(|raised| is_new(raised)).collect()
}

/// What a command writes to a file, as text: its arguments.
pub(super) fn writes_to(command: &Command, is_meant: impl Fn(&str) -> bool) -> bool {
    let redirected = command
        .redirects
        .iter()
        .any(|redirect| redirect.operator.contains('>') && is_meant(redirect.to.text()));
    let teed = command.arguments_of("tee").unwrap_or_default();
    redirected || teed.iter().any(|word| is_meant(word.text()))
}

/// Whether what the step mounts as a cache or in memory covers a folder.
pub(super) fn mounts(step: &Step, is_meant: impl Fn(&str) -> bool) -> bool {
    let flags = step.instruction.flags.iter().filter(|flag| flag.name == "mount");
    let mut mounts = flags.filter_map(|flag| flag.value.as_deref());
    mounts.any(|mount| {
        let field = |names: &[&str]| {
            let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
            fields.find(|(name, _)| names.contains(&name.trim())).map(|(_, value)| value)
        };
        matches!(field(&["type"]), Some("cache" | "tmpfs"))
            && field(&["target", "dst", "destination"]).is_some_and(&is_meant)
    })
}
