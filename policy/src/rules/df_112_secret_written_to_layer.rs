//! DF-112: no mounted secret is written into a layer.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Script, Word},
};
use plimsoll_model::Severity;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "DF-112",
    name: "df_112_secret_written_to_layer",
    title: "no mounted secret is written into a layer",
    severity: Severity::High,
    action: Action::Deny,
    why: "A secret is mounted so that it stays out of the image. What a step writes of it to a file is in the layer, for everybody who can pull.",
    mend: "let the program read the mounted file, or an environment variable set for this one command; what has to write it down removes the file in the same `RUN`",
    bad: "RUN --mount=type=secret,id=t cat /run/secrets/t > /root/.token",
    good: "RUN --mount=type=secret,id=t TOKEN=$(cat /run/secrets/t) make",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no copy of the secret where the step ends";
const TITLE: &str = "a mounted secret is written into a layer";
/// Programs that hand on what they read, or print what they are given.
const PASSING: [&str; 20] = [
    "awk", "base64", "cat", "cut", "dd", "echo", "envsubst", "grep", "head", "jq", "openssl",
    "printf", "rev", "sed", "sort", "tail", "tee", "tr", "xxd", "yq",
];
/// Programs whose `config` writes what it is given to a file.
const CONFIGURED: [&str; 12] = [
    "npm", "pnpm", "yarn", "pip", "pip3", "git", "poetry", "composer", "bundle", "gem", "dotnet",
    "conda",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told whether a mounted secret is written into a layer";
    let mut raised = Vec::new();
    for placed in commands::reachable(context) {
        let secrets = Secrets::of(placed);
        // Without a secret there is nothing that could not be told.
        if secrets.is_empty() {
            continue;
        }
        let fail = |(command, found): (&Command, String)| {
            context.fail(inputs::place(placed.build, command.at), TITLE, found, EXPECTED)
        };
        raised.extend(secrets.written(&placed.step.script).into_iter().map(fail));
        let of_script = placed.step.script.untold.iter().map(|(at, what)| (*at, what.clone()));
        let of_shell = placed.step.interpreter.as_ref().map(|interpreter| {
            (placed.step.at(), format!("`SHELL` names `{interpreter}`, whose scripts are not read"))
        });
        raised.extend(of_script.chain(of_shell).map(|(at, what)| {
            context.unknown(inputs::place(placed.build, at), untold, what, EXPECTED)
        }));
    }
    raised
}

/// What a step is given in secret.
struct Secrets<'a> {
    /// Files.
    paths: Vec<String>,
    /// Variables.
    variables: BTreeSet<String>,
    /// Folders that are no part of a layer.
    apart: Vec<&'a str>,
    /// For each command that has some, the commands inside of it, by their numbers.
    inner: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Secrets<'a> {
    fn of(placed: Placed<'a>) -> Self {
        let (mut paths, mut variables, mut apart) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mounts = placed.step.instruction.flags.iter().filter(|flag| flag.name == "mount");
        for mount in mounts.filter_map(|flag| flag.value.as_deref()).filter(|_| placed.is("RUN")) {
            let field = |names: &[&str]| {
                let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
                fields.find(|(name, _)| names.contains(&name.trim())).map(|(_, value)| value)
            };
            let target = field(&["target", "dst", "destination"]);
            match field(&["type"]) {
                Some("secret") => {
                    let variable = field(&["env"]);
                    variables.extend(variable.map(str::to_owned));
                    let source =
                        || field(&["source", "src"]).and_then(|path| path.rsplit('/').next());
                    let id = field(&["id"])
                        .or_else(source)
                        .or(target.and_then(|path| path.rsplit('/').next()));
                    let default =
                        || Some(format!("/run/secrets/{}", id?)).filter(|_| variable.is_none());
                    paths.extend(target.map(str::to_owned).or_else(default));
                }
                Some("ssh") => paths.extend(target.map(str::to_owned)),
                Some("tmpfs" | "cache") => apart.extend(target),
                _ => {}
            }
        }
        Self { paths, variables, apart, inner: BTreeMap::new() }
    }

    fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.variables.is_empty()
    }

    /// The commands that write one down, and where to.
    fn written(mut self, script: &Script) -> Vec<(&Command, String)> {
        let mut removed = Vec::new();
        for (number, command) in script.commands.iter().enumerate() {
            if let Some(outer) = command.within {
                self.inner.entry(outer).or_default().push(number);
            }
            let words = command.arguments_of("rm").unwrap_or_default();
            removed.extend(words.iter().map(|word| (number, word.text())));
        }
        let mut found = Vec::new();
        for (number, command) in script.commands.iter().enumerate() {
            self.remember(script, (number, command));
            let Some(to) = self.kept(script, (number, command)) else { continue };
            let covers = |(at, path): &(usize, &str)| {
                *at > number
                    && !path.is_empty()
                    && to
                        .strip_prefix(path)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let is_apart =
                self.apart.iter().any(|folder| to.starts_with(folder)) || to.starts_with("/dev/");
            if !is_apart && !removed.iter().any(covers) {
                found.push((command, format!("a secret in `{to}`")));
            }
        }
        found
    }

    /// Remembers variables that are set from a secret.
    fn remember(&mut self, script: &Script, (number, command): (usize, &Command)) {
        let assigned = command
            .assignments
            .iter()
            .filter(|(_, word)| self.is_in(word) || self.is_inside(script, number));
        let named: Vec<_> = assigned.map(|(name, _)| name.clone()).collect();
        self.variables.extend(named.into_iter().filter(|_| command.words.is_empty()));
        let Some(("export" | "declare" | "local" | "readonly", arguments)) = command.program()
        else {
            return;
        };
        let names =
            arguments.iter().filter(|word| self.is_in(word) || self.is_inside(script, number));
        let names: Vec<_> = names
            .filter_map(|word| word.written.split_once('='))
            .map(|(name, _)| name.to_owned())
            .collect();
        self.variables.extend(names);
    }

    /// Whether a word names a secret.
    fn is_in(&self, word: &Word) -> bool {
        let uses = |name: &String| {
            [format!("${name}"), format!("${{{name}")].iter().any(|form| {
                word.written.match_indices(form.as_str()).any(|(at, form)| {
                    let after =
                        word.written.get(at.saturating_add(form.len())..).unwrap_or_default();
                    !after.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_')
                })
            })
        };
        let names = |path: &String| {
            word.written.contains(path.as_str()) || word.text().contains(path.as_str())
        };
        self.paths.iter().any(names) || self.variables.iter().any(uses)
    }

    /// Whether a command inside of this one, as in `$(cat FILE)`, hands a secret to it.
    fn is_inside(&self, script: &Script, number: usize) -> bool {
        let inner = self.inner.get(&number).into_iter().flatten();
        inner.filter_map(|number| script.commands.get(*number)).any(|inner| self.passes(inner))
    }

    /// Whether a command hands a secret on.
    fn passes(&self, command: &Command) -> bool {
        let read = command.redirects.iter().filter(|redirect| redirect.operator.starts_with('<'));
        let mut words = command.words.iter().chain(read.map(|redirect| &redirect.to));
        command.words.is_empty() && words.clone().any(|word| self.is_in(word))
            || command.program().is_some_and(|(name, _)| PASSING.contains(&name))
                && words.any(|word| self.is_in(word))
    }

    /// The file that a command writes a secret to.
    fn kept(&self, script: &Script, (number, command): (usize, &Command)) -> Option<String> {
        let (name, arguments) = command.program().unwrap_or_default();
        let mut operands = arguments.iter().filter(|word| !word.text().starts_with('-'));
        if matches!(name, "cp" | "mv" | "install" | "rsync") {
            let to = arguments.last()?;
            let is_source = operands.any(|word| self.is_in(word) && !std::ptr::eq(word, to));
            return is_source.then(|| to.text().to_owned());
        }
        let is_fed = || {
            script.commands.iter().any(|other| script.feeds(other, command) && self.passes(other))
        };
        let is_given = self.passes(command)
            || (PASSING.contains(&name) && (self.is_inside(script, number) || is_fed()));
        if CONFIGURED.contains(&name) && operands.next().is_some_and(|word| word.text() == "config")
        {
            let is_meant =
                arguments.iter().any(|word| self.is_in(word)) || self.is_inside(script, number);
            return is_meant.then(|| format!("{name} config"));
        }
        if name == "tee" && is_given {
            return operands.next().map(|word| word.text().to_owned());
        }
        if name == "dd" && is_given {
            return arguments
                .iter()
                .find_map(|word| word.text().strip_prefix("of="))
                .map(str::to_owned);
        }
        let written = command
            .redirects
            .iter()
            .find(|redirect| redirect.operator.contains('>') && !redirect.operator.contains('&'))?;
        is_given.then(|| written.to.text().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn run(mount: &str, script: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\nRUN --mount={mount} {script}"))
    }

    #[test]
    fn every_way_to_write_one_down_fails() {
        for script in [
            "cat /run/secrets/t > /root/.t",
            "cp /run/secrets/t /root/.t",
            "true && install -m 600 /run/secrets/t /root/.t",
            "cat < /run/secrets/t >> /x",
            "echo \"token=$(cat /run/secrets/t)\" > ~/.npmrc",
            "T=$(cat /run/secrets/t) && echo \"token=${T}\" > ~/.npmrc",
            "export T=$(cat /run/secrets/t); printf '%s' \"$T\" > /x",
            "cat /run/secrets/t | tee /x",
            "cat /run/secrets/t | base64 -d > /x",
            "dd if=/run/secrets/t of=/x",
            "sh -c 'cat /run/secrets/t > /x'",
            "npm config set //r/:_authToken=$(cat /run/secrets/t) && npm ci",
            "cp /run/secrets/t /x && rm /y ''",
        ] {
            run("type=secret,id=t", script).check("DF-112", Expect::Fail);
        }
        let fails = |mount: &str, script: &str| run(mount, script).check("DF-112", Expect::Fail);
        fails("type=secret,id=t,target=/s", "cp /s /x");
        fails("type=secret,id=t,dst=/root/.npmrc", "cp /root/.npmrc /x");
        fails("type=secret,id=t,env=TOKEN", "echo $TOKEN > /x");
        fails("type=secret,source=a/t", "cp /run/secrets/t /x");
        let at = run("type=secret,id=t", "x && cp /run/secrets/t /x");
        assert_eq!(at.places("DF-112"), [(2, 35)]);
    }

    #[test]
    fn secrets_that_are_used_and_not_kept_pass() {
        for script in [
            "TOKEN=$(cat /run/secrets/t) npm ci",
            "T=$(cat /run/secrets/t) && curl -H \"Authorization: $T\" https://x -o /y",
            "curl -H \"Authorization: $(cat /run/secrets/t)\" https://x > /y",
            "pip install --index-url https://x -r r.txt > /dev/null",
            "cp /run/secrets/t /x && pip install y && rm -f /x",
            "echo \"t=$(cat /run/secrets/t)\" > ~/.npmrc && npm ci && rm ~/.npmrc",
            "cat /run/secrets/t > /dev/null",
            "ln -s /run/secrets/t /x",
            "cat /etc/passwd > /x",
            "test -f /run/secrets/t && echo yes > /x",
        ] {
            run("type=secret,id=t", script).check("DF-112", Expect::Pass);
        }
        run("type=tmpfs,target=/m --mount=type=secret,id=t", "cp /run/secrets/t /m/t")
            .check("DF-112", Expect::Pass);
        run("type=secret,id=t,env=TOKEN", "echo $TOKENS > /x").check("DF-112", Expect::Pass);
        run("type=cache,target=/c", "cp /run/secrets/t /x").check("DF-112", Expect::Pass);
    }

    #[test]
    fn a_script_that_is_not_understood_can_not_be_told_where_there_is_a_secret() {
        run("type=secret,id=t", "cat 'x").check("DF-112", Expect::Unknown);
        run("type=cache,target=/c", "cat 'x").check("DF-112", Expect::Pass);
    }
}
