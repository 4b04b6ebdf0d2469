//! What the rules about the steps of a build have in common: which steps count, and what of them can not be told.

use super::{Raised, RuleContext, inputs};
use crate::dockerfile::{Build, Command, Foreign, Position, Script, Source, Stage, Step, Word};
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

    /// The defect is there, at a place of the step.
    pub(super) fn fail_on(
        self,
        context: &RuleContext<'_>,
        at: Position,
        (title, expected): (&str, &str),
        found: impl Into<String>,
    ) -> Raised {
        context.fail(inputs::place(self.build, at), title, found, expected)
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

/// The steps of these stages, and what they trigger in builds that start from the image. (A stage of the same file that starts from one
/// of them has run it already.)
fn placed<'a>(build: &'a Build, stages: Vec<&'a Stage>) -> impl Iterator<Item = Placed<'a>> {
    let below = |stage: &&Stage| match stage.from.source {
        Source::Stage(number) => build.stages.get(number).map(|stage| stage.at),
        Source::Scratch | Source::Image(_) | Source::Malformed(_) | Source::Unresolved { .. } => {
            None
        }
    };
    let bases: BTreeSet<Position> = stages.iter().filter_map(below).collect();
    // Several stages may run what the same stage below them triggers.
    let mut seen = BTreeSet::new();
    let all = stages.into_iter().flat_map(move |stage| {
        let is_base = bases.contains(&stage.at);
        stage.steps.iter().flat_map(move |step| {
            let triggered = step.triggered.as_deref().filter(|_| !is_base);
            let steps = std::iter::once(step).chain(triggered);
            steps.map(move |step| Placed { build, stage, step })
        })
    });
    all.filter(move |placed| seen.insert(placed.step.at()))
}

/// What a rule says of what can not be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untold {
    pub(super) title: &'static str,
    pub(super) expected: &'static str,
    /// What the rule is about: a script in another language that names none of it is none of its concern.
    pub(super) names: &'static [&'static str],
}

/// What package managers are called in scripts of other languages.
pub(super) const PACKAGERS: &[&str] =
    &["apt-get", "apk", "dnf", "yum", "zypper", "pip install", "npm install"];

/// What `judge` says of each step that runs, and where the commands of one can not be told, that.
pub(super) fn of_reachable<'a>(
    context: &RuleContext<'a>,
    about: Untold,
    judge: impl Fn(Placed<'a>) -> Vec<Raised>,
) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in reachable(context) {
        all.extend(judge(placed));
        all.extend(untold(context, placed, about));
    }
    once(all)
}

/// What of the commands of a step can not be told.
pub(super) fn untold(context: &RuleContext<'_>, placed: Placed<'_>, about: Untold) -> Vec<Raised> {
    let Untold { title, expected, names } = about;
    let raise = |at: Position, found: String| {
        context.unknown(inputs::place(placed.build, at), title, found, expected)
    };
    let script = &placed.step.script;
    let interpreter = placed.step.interpreter.as_deref().filter(|name| !is_windows(name));
    let of_shell = interpreter.map(|name| {
        (placed.step.at(), format!("`SHELL` names `{name}`, whose scripts are not read"))
    });
    // What a container runs when it has started builds nothing.
    let is_about = |foreign: &&Foreign| {
        placed.is("RUN") && names.iter().any(|name| foreign.text.contains(name))
    };
    let of_foreign = script.foreign.iter().filter(is_about).map(|foreign| {
        (foreign.at, format!("a script for `{}`, which is not read", foreign.interpreter))
    });
    let of_script = script.untold.iter().cloned();
    of_shell
        .into_iter()
        .chain(of_foreign)
        .chain(of_script)
        .map(|(at, what)| raise(at, what))
        .collect()
}

/// The same of several steps.
pub(super) fn untold_of<'a>(
    context: &RuleContext<'a>,
    steps: impl IntoIterator<Item = Placed<'a>>,
    about: Untold,
) -> Vec<Raised> {
    steps.into_iter().flat_map(|placed| untold(context, placed, about)).collect()
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
    step.mounts.iter().any(|mount| {
        matches!(mount.kind().as_deref(), Some("cache" | "tmpfs"))
            && mount.text(&["target", "dst", "destination"]).is_some_and(&is_meant)
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
    let bound = step.mounts.iter().filter_map(|mount| {
        // One whose type is not known may be of the context.
        let is_bound = mount.kind().is_none_or(|kind| kind == "bind");
        let is_of_context = is_bound && mount.written(&["from"]).is_none();
        let target = mount.text(&["target", "dst", "destination"]).filter(|_| is_of_context)?;
        let source = mount.text(&["source", "src"]).unwrap_or(".");
        Some(Bound { at: mount.at, source: source.to_owned(), target: target.to_owned() })
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
    use crate::{dockerfile::Build, facts::Dockerfile, rules::testing::*};
    use plimsoll_model::finding::Outcome;

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
    fn every_rule_about_commands_says_what_it_can_not_read() {
        const RULES: [&str; 26] = [
            "DF-023", "DF-024", "DF-040", "DF-041", "DF-042", "DF-043", "DF-044", "DF-045",
            "DF-046", "DF-047", "DF-048", "DF-062", "DF-063", "DF-064", "DF-065", "DF-066",
            "DF-067", "DF-068", "DF-091", "DF-100", "DF-101", "DF-102", "DF-126", "DF-127",
            "DF-134", "SEC-006",
        ];
        let many = format!("RUN {}", "x;".repeat(4_001));
        for (run, column) in [
            ("RUN echo 'open; sudo x", 11),
            ("SHELL [\"/usr/bin/fish\", \"-c\"]\nRUN x", 1),
            (many.as_str(), 8_005),
            ("RUN bash -c \"$CMD\"", 13),
        ] {
            let case = Case::default().dockerfile(&format!("FROM a\n{run}\nUSER app"));
            let line = if run.starts_with("SHELL") { 3 } else { 2 };
            let decision = case.decide();
            for rule in RULES {
                let found = decision.findings().iter().filter(|judged| judged.finding.rule == rule);
                let found: Vec<_> = found.map(|judged| &judged.finding).collect();
                let [found] = found.as_slice() else { panic!("{rule}: {run:.40}: {found:?}") };
                let path = "Dockerfile".into();
                assert_eq!(found.place, Place::Source { path, line, column }, "{rule}: {run:.40}");
                assert_eq!(found.outcome, Outcome::Unknown, "{rule}: {run:.40}");
            }
        }
        // What only another stage runs, and what can be read, is told.
        let twin = "FROM b AS c\nRUN echo 'open\nFROM a\nRUN echo 'open; sudo x'\nUSER app";
        let case = Case::default().dockerfile(twin);
        for rule in RULES {
            case.check(rule, Expect::Pass);
        }
        // A script in another language concerns a rule that it names something of.
        let script = |text: &str| {
            Case::default().dockerfile(&format!("FROM a\nRUN python3 <<EOF\n{text}\nEOF\nUSER 5:5"))
        };
        for (text, rule) in [
            ("os.system('sudo x')", "DF-024"),
            ("run(['apt-get', 'install', 'x'])", "DF-043"),
            ("urlopen('http://x')", "DF-062"),
            ("urlopen('https://x')", "DF-063"),
            ("ssl.CERT_NONE", "DF-066"),
            ("run('apk add --allow-untrusted x')", "DF-067"),
            ("os.chmod('/x', 0o4755)", "DF-100"),
            ("run('chpasswd')", "SEC-006"),
        ] {
            script(text).check(rule, Expect::Unknown);
            assert_eq!(script(text).places(rule), [(2, 5)], "{text}");
            script("print('x')").check(rule, Expect::Pass);
        }
    }

    #[test]
    fn what_onbuild_triggers_is_judged_where_it_stands() {
        for (trigger, rule, column) in [
            ("RUN --security=insecure x", "DF-110", 13),
            ("RUN --network=host x", "DF-111", 13),
            ("RUN curl -k https://x", "DF-066", 13),
            ("ADD https://x.example/y /", "DF-061", 9),
            ("COPY --from=busybox /x /", "BASE-010", 14),
            ("RUN --mount=from=busybox,target=/m x", "BASE-010", 13),
            ("COPY id_rsa /root/.ssh/", "SEC-003", 14),
            ("ENV TOKEN=x", "SEC-001", 13),
            ("RUN git clone https://u:p@h/x", "SEC-005", 23),
            ("EXPOSE 2375", "DF-081", 16),
            ("RUN chmod 4755 /x", "DF-100", 13),
        ] {
            let case = Case::default().dockerfile(&format!("FROM debian:12\nONBUILD {trigger}"));
            case.check(rule, Expect::Fail);
            assert_eq!(case.places(rule), [(2, column)], "{trigger}");
            // A stage that starts from it runs it, and it is told once.
            let text = format!(
                "FROM debian:12 AS a\nONBUILD {trigger}\nFROM a AS b\nFROM a\nCOPY --from=b / /"
            );
            assert_eq!(Case::default().dockerfile(&text).places(rule), [(2, column)], "{trigger}");
        }
        let twin = "FROM debian\nONBUILD RUN curl https://x -o y";
        Case::default().dockerfile(twin).check("DF-066", Expect::Pass);
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
