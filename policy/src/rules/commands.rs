//! What the rules about the steps of a build have in common: which steps count, and what of them can not be told.

use super::{Raised, RuleContext, inputs};
use crate::dockerfile::{Build, Command, Position, Script, Stage, Step, Word};
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
        let interpreter = placed.step.interpreter.as_deref();
        if let Some(interpreter) = interpreter.filter(|name| !is_windows(name)) {
            let found = format!("`SHELL` names `{interpreter}`, whose scripts are not read");
            let place = inputs::place(build, placed.step.at());
            all.push(context.unknown(place, untold, found, expected));
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
pub(super) fn windows_text(placed: Placed<'_>) -> Option<&str> {
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

/// A folder or a file of the context that a step sees without copying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    /// Where the flag stands.
    pub(super) at: Position,
    /// What of the context; all of it is `.`.
    pub(super) source: String,
    /// Where the step sees it.
    pub(super) target: String,
}

/// What a step binds of the context.
pub(super) fn bound(step: &Step) -> Vec<Bound> {
    let flags = step.instruction.flags.iter().filter(|flag| flag.name == "mount");
    let bound = flags.filter_map(|flag| {
        let mount = flag.value.as_deref()?;
        let field = |names: &[&str]| {
            let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
            let is_meant = |name: &str| names.contains(&name.trim().to_ascii_lowercase().as_str());
            fields.find(|(name, _)| is_meant(name)).map(|(_, value)| value.to_owned())
        };
        let is_of_context = field(&["from"]).is_none()
            && field(&["type"]).is_none_or(|kind| kind.eq_ignore_ascii_case("bind"));
        let target = field(&["target", "dst", "destination"]).filter(|_| is_of_context)?;
        let source = field(&["source", "src"]).unwrap_or_else(|| ".".to_owned());
        Some(Bound { at: flag.at, source, target })
    });
    bound.collect()
}

/// Whether a command copies what is at `place`, a file or a whole folder, somewhere else.
pub(super) fn copies(command: &Command, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    let is_it = |word: &Word| {
        let path = word.text().trim_end_matches(['*', '.']).trim_end_matches('/');
        !place.is_empty() && path == place
    };
    let Some((program, arguments)) = command.program() else { return false };
    let is_copying = matches!(program, "cp" | "mv" | "install" | "rsync" | "ln" | "tar");
    is_copying && arguments.iter().any(is_it)
}

/// The lines that a command may put into a file of settings: those that it prints, and what `s/…/…/` puts in place.
pub(super) fn settings(command: &Command) -> Vec<String> {
    let Some((program, arguments)) = command.program() else { return Vec::new() };
    let words = arguments.iter().map(Word::text);
    let texts: Vec<String> = match program {
        // Their words are one line where nobody quoted them.
        "echo" | "printf" => vec![words.collect::<Vec<_>>().join(" ")],
        "add-apt-repository" | "apt-add-repository" => words.map(str::to_owned).collect(),
        "sed" => words.flat_map(replacements).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let lines = texts.iter().flat_map(|text| text.lines()).flat_map(|line| line.split("\\n"));
    let plain =
        |line: &str| line.trim().trim_start_matches("-e ").trim_start_matches("-n ").to_owned();
    lines.map(plain).filter(|line| !line.is_empty()).collect()
}

/// What the commands of a script of `sed` put in place: `s/…/THIS/`, `/…/a THIS`.
fn replacements(script: &str) -> Vec<&str> {
    let delimiter = script.strip_prefix('s').and_then(|rest| rest.chars().next());
    if let Some(delimiter) = delimiter.filter(|delimiter| !delimiter.is_alphanumeric()) {
        return script.split(delimiter).skip(2).step_by(3).collect();
    }
    let address = script.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    let command = address.map_or(script, |(_, command)| command).trim_start();
    let line = command.strip_prefix(['a', 'i', 'c']).unwrap_or_default();
    vec![line.trim_start_matches(['\\', ' '])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dockerfile::Build, facts::Dockerfile, rules::testing::Case};

    fn check(run: &str, expect: &[&str]) {
        let text = format!("FROM a\nRUN {run}");
        let file = Dockerfile { path: "Dockerfile".into(), text };
        let build = Case::default().with_facts(|facts| Build::of(&file, facts));
        assert_eq!(settings(&build.stages[0].steps[0].script.commands[0]), expect, "{run}");
    }

    #[test]
    fn what_is_bound_of_the_context_is_seen_and_what_copies_it() {
        let text = "FROM a\nRUN --mount=target=/s --mount=type=bind,src=x,dst=/y --mount=type=cache,target=/z \
                    --mount=from=b,target=/w --mount=type=bind cp -r /s/. /app";
        let file = Dockerfile { path: "Dockerfile".into(), text: text.to_owned() };
        let build = Case::default().with_facts(|facts| Build::of(&file, facts));
        let step = &build.stages[0].steps[0];
        let bound = bound(step);
        let found: Vec<_> = bound.iter().map(|b| (b.at.column, &*b.source, &*b.target)).collect();
        assert_eq!(found, [(5, ".", "/s"), (23, "x", "/y")]);
        let command = &step.script.commands[0];
        assert!(copies(command, "/s") && !copies(command, "/y") && !copies(command, "/"));
    }

    #[test]
    fn what_is_printed_or_put_in_place_is_a_line_of_settings() {
        check("echo a = b >> x", &["a = b"]);
        check("echo -e 'a\\nb = c'", &["a", "b = c"]);
        check("printf '%s\\n' 'a b'", &["%s", "a b"]);
        check("sed -i 's/a=1/a=0/'", &["a=0"]);
        check("sed -e 's|a|b|;s|c|d|g'", &["b", "d"]);
        check("sed '/gpgcheck/c gpgcheck=0'", &["gpgcheck=0"]);
        check("cat x", &[]);
    }
}
