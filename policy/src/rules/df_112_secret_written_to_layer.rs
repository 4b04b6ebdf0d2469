//! DF-112: no mounted secret is written into a layer.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::Download,
    inputs,
    options::{Options, Valued},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Heredoc, Mount, Position, Redirect, Script, Step, Word},
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
const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a mounted secret is written into a layer",
    expected: EXPECTED,
    names: &[""],
};
/// Programs that hand on what they read, or print what they are given.
const PASSING: [&str; 32] = [
    "awk", "base32", "base64", "bzip2", "cat", "cpio", "cut", "dd", "echo", "envsubst", "fold",
    "grep", "gzip", "head", "hexdump", "iconv", "jq", "nl", "od", "openssl", "paste", "printf",
    "rev", "sed", "sort", "tac", "tail", "tee", "tr", "xxd", "xz", "yq",
];
/// Programs that print every variable.
const LISTING: [&str; 5] = ["declare", "env", "export", "printenv", "set"];
/// Programs with the word behind which they write what they are given to a file.
const CONFIGURED: [(&str, &[&str]); 20] = [
    ("aws", &["configure"]),
    ("bundle", &["config"]),
    ("cargo", &["login"]),
    ("composer", &["config"]),
    ("conda", &["config"]),
    ("docker", &["login"]),
    ("dotnet", &["config", "nuget"]),
    ("gem", &["config"]),
    ("gh", &["auth"]),
    ("git", &["config", "clone", "remote"]),
    ("helm", &["registry", "repo"]),
    ("npm", &["config", "set"]),
    ("nuget", &["sources", "setapikey"]),
    ("oras", &["login"]),
    ("pip", &["config"]),
    ("pip3", &["config"]),
    ("pnpm", &["config", "set"]),
    ("podman", &["login"]),
    ("poetry", &["config"]),
    ("yarn", &["config"]),
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for placed in commands::reachable(context) {
        let secrets = Secrets::of(placed);
        // Without a secret there is nothing that could not be told.
        if secrets.is_empty() {
            continue;
        }
        for (at, what) in &secrets.untold {
            let place = inputs::place(placed.build, *at);
            raised.push(context.unknown(place, ABOUT.title, what.clone(), EXPECTED));
        }
        // A script that is not read, and that names none of them, is like any other program.
        let foreign = placed.script().foreign.iter().filter(|foreign| secrets.names(&foreign.text));
        let foreign: Vec<_> = foreign.cloned().collect();
        let mut step = placed.step.clone();
        step.script.foreign = foreign;
        raised.extend(commands::untold(context, Placed { step: &step, ..placed }, ABOUT));
        let fail =
            |(at, found)| context.fail(inputs::place(placed.build, at), TITLE, found, EXPECTED);
        raised.extend(secrets.written(placed.step).into_iter().map(fail));
    }
    commands::once(raised)
}

/// What a step is given in secret.
#[derive(Debug, Default)]
struct Secrets {
    /// Files, by their whole paths, and as they are named where the step stands.
    paths: Vec<String>,
    /// Variables.
    variables: BTreeSet<String>,
    /// Folders that are no part of a layer.
    apart: Vec<String>,
    /// What depends on variables without value.
    untold: Vec<(Position, String)>,
    /// The folder that commands run in, as far as it is known.
    folder: String,
    /// For each command that has some, the commands inside of it, by their numbers.
    inner: BTreeMap<usize, Vec<usize>>,
    /// Where everything goes that is printed from here on: `exec > FILE`.
    redirected: Option<String>,
}

impl Secrets {
    fn of(placed: Placed<'_>) -> Self {
        let mut own = Self { folder: workdir(placed), ..Self::default() };
        for mount in &placed.step.mounts {
            let target = mount.text(&["target", "dst", "destination"]);
            match mount.kind().as_deref() {
                Some("secret") => own.mounted(mount, target),
                Some("ssh") => own.paths.extend(target.map(|path| joined(&own.folder, path))),
                Some("tmpfs" | "cache") => own.apart.extend(target.map(str::to_owned)),
                Some(_) => {}
                None => own.untold.push((mount.at, "the type of a mount is not known".to_owned())),
            }
        }
        own
    }

    /// <https://docs.docker.com/reference/dockerfile/#run---mounttypesecret>
    fn mounted(&mut self, mount: &Mount, target: Option<&str>) {
        let is_hidden = |name: &&str| mount.value(&[*name]).is_some_and(|it| it.known().is_none());
        if let Some(name) = ["id", "source", "src", "target", "dst", "destination", "env"]
            .iter()
            .find(|name| is_hidden(name))
        {
            let what = format!("`{name}` of a secret depends on what is not known");
            self.untold.push((mount.at, what));
        }
        let variable = mount.text(&["env"]);
        self.variables.extend(variable.map(str::to_owned));
        let id = mount.text(&["source", "src"]).or_else(|| mount.text(&["id"])).or(target);
        let id = id.and_then(|id| id.rsplit('/').next());
        let default = || Some(format!("/run/secrets/{}", id?)).filter(|_| variable.is_none());
        let path = target.map(|path| joined(&self.folder, path)).or_else(default);
        // The engine makes a relative one absolute, and the folder of the step may be another one than is known here.
        let written = target.filter(|path| !path.starts_with('/'));
        self.paths.extend(written.map(str::to_owned));
        self.paths.extend(path);
    }

    fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.variables.is_empty() && self.untold.is_empty()
    }

    /// What is written down of one, where, and to what.
    fn written(mut self, step: &Step) -> Vec<(Position, String)> {
        let script = &step.script;
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
            if !self.is_gone(&to, (number, &removed)) {
                found.push((command.at, format!("a secret in `{to}`")));
            }
        }
        let files = script.files.iter().filter(|(_, text)| self.is_put_into(step, text));
        let files = files.filter(|(path, _)| !self.is_gone(path, (0, &removed)));
        found.extend(files.map(|(path, text)| {
            let at = Position { line: text.line, column: 1 };
            (at, format!("a secret in `{path}`"))
        }));
        found
    }

    /// Whether a file is no part of a layer, or is removed by a later command.
    fn is_gone(&self, to: &str, (number, removed): (usize, &[(usize, &str)])) -> bool {
        let covers = |(at, path): &(usize, &str)| {
            let is_below =
                to.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let is_git = to == GIT && path.trim_end_matches('/').strip_suffix(".git").is_some();
            *at > number && !path.is_empty() && (is_below || is_git)
        };
        let is_apart = self.apart.iter().any(|folder| to.starts_with(folder.as_str()));
        is_apart || to.starts_with("/dev/") || removed.iter().any(covers)
    }

    /// Whether a here-document, in which the shell replaces variables and commands, takes a secret.
    fn is_put_into(&self, step: &Step, text: &Heredoc) -> bool {
        let heads = step.instruction.heredocs.iter().map(|heredoc| heredoc.content.as_str());
        let mut lines = std::iter::once(step.instruction.text.as_str()).chain(heads);
        let forms = ["<<", "<<-", "<< "].map(|form| format!("{form}{}", text.name));
        let is_replaced = lines.any(|line| forms.iter().any(|form| line.contains(form.as_str())));
        let reads = |form: &str| {
            let mut parts = text.content.split(form).skip(1);
            parts.any(|part| self.paths.iter().any(|path| normalized(part).contains(path.as_str())))
        };
        is_replaced && (self.uses(&text.content) || reads("$(") || reads("`"))
    }

    /// Remembers variables that are set from a secret, the folder, and where the output goes.
    fn remember(&mut self, script: &Script, (number, command): (usize, &Command)) {
        let is_given = |word: &Word| self.is_in(word) || self.is_inside(script, number);
        let assigned = command.assignments.iter().filter(|(_, word)| is_given(word));
        let mut named: Vec<_> = assigned.map(|(name, _)| name.clone()).collect();
        named.retain(|_| command.words.is_empty());
        match command.program() {
            Some(("export" | "declare" | "local" | "readonly" | "typeset", arguments)) => {
                let names = arguments.iter().filter(|word| is_given(word));
                let names = names.filter_map(|word| word.written.split_once('='));
                named.extend(names.map(|(name, _)| name.to_owned()));
            }
            Some(("read" | "mapfile" | "readarray", arguments))
                if self.reads(command) || self.is_fed(script, command) =>
            {
                let names = arguments.iter().filter(|word| !word.text().starts_with('-'));
                named.extend(names.map(|word| word.text().to_owned()));
            }
            Some(("cd" | "pushd", arguments)) => {
                let to = arguments.iter().find(|word| !word.text().starts_with('-'));
                self.folder = to.map_or_else(String::new, |to| joined(&self.folder, to.text()));
            }
            Some(("exec", [])) => self.redirected = output(command),
            _ => {}
        }
        self.variables.extend(named);
    }

    /// Whether a text names a secret.
    fn names(&self, text: &str) -> bool {
        let is_path = |path: &String| text.contains(path.as_str());
        self.paths.iter().any(is_path)
            || self.variables.iter().any(|name| text.contains(name.as_str()))
    }

    /// Whether a text uses a variable that holds one.
    fn uses(&self, text: &str) -> bool {
        let uses = |name: &String| {
            [format!("${name}"), format!("${{{name}")].iter().any(|form| {
                text.match_indices(form.as_str()).any(|(at, form)| {
                    let after = text.get(at.saturating_add(form.len())..).unwrap_or_default();
                    !after.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_')
                })
            })
        };
        self.variables.iter().any(uses)
    }

    /// Whether a word names a secret.
    fn is_in(&self, word: &Word) -> bool {
        let (written, text) = (normalized(&word.written), normalized(word.text()));
        let names = |path: &String| {
            let is_whole = path.starts_with('/');
            if is_whole && (written.contains(path.as_str()) || text.contains(path.as_str())) {
                return true;
            }
            // As it is named from the folder in which the command runs.
            let from_here = path
                .strip_prefix(self.folder.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
                .filter(|_| !self.folder.is_empty());
            let name = from_here.unwrap_or(path);
            let text = text.strip_prefix("./").unwrap_or(&text);
            text == name || is_pattern_of(text, name) || is_pattern_of(text, path)
        };
        self.paths.iter().any(names) || self.uses(&word.written)
    }

    /// Whether a word names a folder in which a secret is.
    fn is_around(&self, word: &Word) -> bool {
        let text = normalized(word.text());
        let text = ["/*", "/."]
            .iter()
            .fold(text.as_str(), |text, end| text.strip_suffix(end).unwrap_or(text));
        let folder = joined(&self.folder, text.trim_end_matches('/'));
        let is_in = |path: &String| {
            path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        folder.len() > 1 && self.paths.iter().any(is_in)
    }

    /// Whether a command inside of this one, as in `$(cat FILE)`, hands a secret to it.
    fn is_inside(&self, script: &Script, number: usize) -> bool {
        let inner = self.inner.get(&number).into_iter().flatten();
        inner.filter_map(|number| script.commands.get(*number)).any(|inner| self.passes(inner))
    }

    fn is_fed(&self, script: &Script, command: &Command) -> bool {
        command.is_fed()
            && script
                .commands
                .iter()
                .any(|other| script.feeds(other, command) && self.passes(other))
    }

    /// Whether the input of a command is a secret.
    fn reads(&self, command: &Command) -> bool {
        let mut read = command.redirects.iter().filter(|from| from.operator.starts_with('<'));
        read.any(|from| self.is_in(&from.to))
    }

    /// Whether a command hands a secret on.
    fn passes(&self, command: &Command) -> bool {
        let Some((name, arguments)) = command.program() else { return self.reads(command) };
        let lists = LISTING.contains(&name) && !self.variables.is_empty();
        let named = arguments.iter().find(|word| !word.text().starts_with('-'));
        lists && named.is_none_or(|word| name == "printenv" && self.variables.contains(word.text()))
            || PASSING.contains(&name)
                && (self.reads(command) || arguments.iter().any(|word| self.is_in(word)))
            || name == "tar" && self.is_archived(arguments)
    }

    /// Whether `tar` is given a secret, or a folder with one, from the folder that it changes to.
    fn is_archived(&self, arguments: &[Word]) -> bool {
        let pairs = arguments.iter().zip(arguments.iter().skip(1));
        let folder = pairs.rev().find(|(option, _)| option.text() == "-C");
        let folder = folder.map_or(self.folder.as_str(), |(_, folder)| folder.text());
        let path = |word: &Word| joined(folder, word.text().trim_start_matches("./"));
        arguments.iter().any(|word| {
            let path = path(word);
            let path = path.strip_suffix("/.").unwrap_or(&path).trim_end_matches('/');
            let is_meant = |secret: &String| {
                secret
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            !path.is_empty() && self.paths.iter().any(is_meant) || self.is_in(word)
        })
    }

    /// The file that a command writes a secret to.
    fn kept(&self, script: &Script, (number, command): (usize, &Command)) -> Option<String> {
        let (name, arguments) = command.program().unwrap_or_default();
        match name {
            "ln" if is_symbolic(arguments) => return None,
            "cp" | "mv" | "install" | "rsync" | "ln" | "scp" => {
                let finds = command.within.and_then(|outer| script.commands.get(outer));
                let looked = finds.and_then(|outer| outer.arguments_of("find")).unwrap_or_default();
                let is_found = looked.iter().any(|word| self.is_in(word) || self.is_around(word));
                return self.copied(arguments, |word| is_found && word.text().contains("{}"));
            }
            _ => {}
        }
        let is_inside = self.is_inside(script, number);
        let is_fed = || self.is_fed(script, command);
        let is_named = arguments.iter().any(|word| self.is_in(word));
        let (_, verbs) =
            CONFIGURED.iter().find(|(own, _)| *own == name).copied().unwrap_or_default();
        let mut operands = arguments.iter().filter(|word| !word.text().starts_with('-'));
        if let Some(verb) = operands.clone().map(Word::text).find(|word| verbs.contains(word)) {
            let is_meant = is_named || is_inside || self.reads(command) || is_fed();
            let to = if matches!((name, verb), ("git", "clone" | "remote")) {
                GIT.to_owned()
            } else {
                format!("{name} {verb}")
            };
            return is_meant.then_some(to);
        }
        if let Some(download) = Download::of(command) {
            let is_file =
                arguments.iter().any(|word| word.text().starts_with("file:") && self.is_in(word));
            return download.files.first().filter(|_| is_file).cloned();
        }
        let runs = command.is_shell() || matches!(name, "su" | "runuser" | "eval" | "find");
        let is_given = self.passes(command)
            || ((PASSING.contains(&name) || runs) && is_inside)
            || (PASSING.contains(&name) && is_fed())
            || (command.words.is_empty() && self.is_in_group(script, (number, command)));
        if !is_given {
            return None;
        }
        let value = |option: &str| {
            let mut pairs = arguments.iter().zip(arguments.iter().skip(1));
            pairs.find(|(own, _)| own.text() == option).map(|(_, to)| to.text().to_owned())
        };
        let is_last_file =
            name == "sed" && arguments.iter().any(|word| word.text().starts_with("-i"));
        let named = match name {
            "tee" => operands.next().map(|word| word.text().to_owned()),
            "dd" => {
                arguments.iter().find_map(|word| word.text().strip_prefix("of=")).map(str::to_owned)
            }
            "sort" => value("-o"),
            "sed" if is_last_file => operands.next_back().map(|word| word.text().to_owned()),
            "tar" => archive(arguments),
            _ => None,
        };
        named.or_else(|| output(command)).or_else(|| self.redirected.clone())
    }

    /// `cp SOURCE… TO`, `cp -t TO SOURCE…`; a source may be one that `find` has found.
    fn copied(&self, arguments: &[Word], is_found: impl Fn(&Word) -> bool) -> Option<String> {
        let valued =
            Valued { letters: "tmogS", names: &["--target-directory", "--mode", "--owner"] };
        let options = Options::of(arguments, valued);
        let folder = options.values(&["-t", "--target-directory"]).last().map(str::to_owned);
        let (sources, to) = match (folder, options.operands.split_last()) {
            (Some(folder), _) => (options.operands.as_slice(), folder),
            (None, Some((to, sources))) => (sources, to.text().to_owned()),
            (None, None) => return None,
        };
        let is_source =
            sources.iter().any(|word| self.is_in(word) || self.is_around(word) || is_found(word));
        is_source.then_some(to)
    }

    /// Whether a command of the group, whose output this redirects, hands a secret on.
    fn is_in_group(&self, script: &Script, (number, command): (usize, &Command)) -> bool {
        let before = script.commands.iter().take(number).rev();
        let mut group = before.take_while(|other| command.redirects_group_of(other));
        group.any(|other| self.passes(other))
    }
}

/// Where a copy of a repository keeps the address that it came from.
const GIT: &str = ".git/config";

/// Whether `ln` makes a link that leads there, and no second name of the file.
fn is_symbolic(arguments: &[Word]) -> bool {
    arguments.iter().any(|word| {
        let text = word.text();
        let is_cluster = text.starts_with('-') && !text.starts_with("--");
        text == "--symbolic" || (is_cluster && text.contains('s'))
    })
}

/// The file that the output of a command goes to.
fn output(command: &Command) -> Option<String> {
    let is_file = |redirect: &&Redirect| match redirect.operator {
        // `>&2` is no file.
        ">&" => !redirect.to.text().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        operator => operator.contains('>'),
    };
    command.redirects.iter().find(is_file).map(|redirect| redirect.to.text().to_owned())
}

/// The archive that `tar` makes; none where it is written to the output.
fn archive(arguments: &[Word]) -> Option<String> {
    let is_making = |(at, word): (usize, &Word)| {
        let text = word.text();
        let is_cluster = (at == 0 || text.starts_with('-')) && !text.starts_with("--");
        text == "--create" || (is_cluster && text.contains(['c', 'r', 'u']))
    };
    if !arguments.iter().enumerate().any(is_making) {
        return None;
    }
    let mut pairs = arguments.iter().zip(arguments.iter().skip(1));
    let joined = arguments.iter().find_map(|word| word.text().strip_prefix("--file="));
    let named = pairs.find(|(option, _)| {
        let text = option.text();
        !text.starts_with("--") && text.ends_with('f') && text.len() < 8
    });
    let name = joined.or_else(|| named.map(|(_, name)| name.text()))?;
    (name != "-").then(|| name.to_owned())
}

/// The folder in which a step runs; empty where it is not known.
fn workdir(placed: Placed<'_>) -> String {
    let mut stages: Vec<_> = placed.build.chain(placed.stage).collect();
    stages.reverse();
    let mut folder = String::new();
    for step in stages.into_iter().flat_map(|stage| &stage.steps) {
        if std::ptr::eq(step, placed.step) {
            break;
        }
        if step.keyword() == "WORKDIR" {
            let to = step.arguments.first().and_then(|to| to.known());
            folder = to.map_or_else(String::new, |to| joined(&folder, to));
        }
    }
    folder
}

/// A path as it is from a folder; the path itself where the folder is not known.
fn joined(folder: &str, path: &str) -> String {
    let path = normalized(path);
    if path.starts_with('/') || folder.is_empty() {
        return path;
    }
    normalized(&format!("{folder}/{}", path.strip_prefix("./").unwrap_or(&path)))
}

/// A path without doubled separators and without steps to itself.
fn normalized(path: &str) -> String {
    let mut path = path.to_owned();
    while path.contains("//") && !path.contains("://") {
        path = path.replace("//", "/");
    }
    path.replace("/./", "/")
}

/// Whether a pattern of the shell may mean this path: the same up to its first special character.
fn is_pattern_of(text: &str, path: &str) -> bool {
    let before = text.split(['*', '?', '[', '{']).next().unwrap_or_default();
    before.len() < text.len() && before.contains('/') && path.starts_with(before)
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
            "cat /run/secrets/t &> /f",
            "cat /run/secrets/t >& /f",
            "cp -r /run/secrets /f",
            "cp -a /run/secrets/. /f",
            "cp /run/secrets/* /f",
            "cd /run/secrets && cp t /f",
            "cp -t /d /run/secrets/t",
            "cp --target-directory=/d /run/secrets/t",
            "{ cat /run/secrets/t; } > /f",
            "(cat /run/secrets/t) > /f",
            "if x; then cat /run/secrets/t; fi > /f",
            "sh -c 'cat /run/secrets/t' > /f",
            "exec > /f; cat /run/secrets/t",
            "tar cf /f.tar /run/secrets/t",
            "tar -C / -cf /f.tar run/secrets",
            "tar -cf /f.tar -C /run/secrets .",
            "ln /run/secrets/t /f",
            "gzip -c /run/secrets/t > /f",
            "sort -o /f /run/secrets/t",
            "sed -i \"s/T/$(cat /run/secrets/t)/\" /f",
            "cat > /f <<EOF\nt=$(cat /run/secrets/t)\nEOF",
            "T=$(cat /run/secrets/t); cat > /f <<EOF\nt=$T\nEOF",
            "read T < /run/secrets/t; echo $T > /f",
            "find /run/secrets -type f -exec cp {} /f \\;",
            "curl file:///run/secrets/t -o /f",
            "cat /run//secrets/./t > /f",
            "cat /run/secrets/x |\\\n cat /run/secrets/t | base64 > /f",
            "git clone https://$(cat /run/secrets/t)@github.com/o/r",
            "git remote add o https://$(cat /run/secrets/t)@github.com/o/r",
            "npm set //r/:_authToken $(cat /run/secrets/t)",
            "aws configure set k $(cat /run/secrets/t)",
            "docker login -u a -p $(cat /run/secrets/t)",
            "cat /run/secrets/t | docker login -u a --password-stdin",
        ] {
            run("type=secret,id=t", script).check("DF-112", Expect::Fail);
            assert_eq!(run("type=secret,id=t", script).places("DF-112").len(), 1, "{script}");
        }
        for (mount, script) in [
            ("TYPE=secret,id=t", "cat /run/secrets/t > /f"),
            ("type=SECRET,ID=t", "cat /run/secrets/t > /f"),
            ("type=secret,id=t,Target=/t", "cat /t > /f"),
            ("'type=secret,\"id=t\"'", "cat /run/secrets/t > /f"),
            ("type=secret,id=t,env=TOKEN", "env > /f"),
            ("type=secret,id=t,env=TOKEN", "printenv TOKEN > /f"),
            ("type=secret,id=t,env=TOKEN", "cat > /f <<EOF\n$TOKEN\nEOF"),
        ] {
            run(mount, script).check("DF-112", Expect::Fail);
        }
        for file in [
            "FROM a\nARG N=t\nRUN --mount=type=secret,id=$N cat /run/secrets/t > /f",
            "FROM a\nARG T=/t\nRUN --mount=type=secret,id=x,target=$T cat /t > /f",
            "FROM a\nWORKDIR /w\nRUN --mount=type=secret,id=x,target=/w/t cat t > /f",
            "FROM a\nONBUILD RUN --mount=type=secret,id=t cat /run/secrets/t > /f",
            "FROM a\nRUN --mount=type=secret,id=t <<EOF\ncat /run/secrets/t |\n base64 > /f\nEOF",
        ] {
            Case::default().dockerfile(file).check("DF-112", Expect::Fail);
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
            "cat > /s.sh <<'EOF'\nexport T=$(cat /run/secrets/t)\nEOF",
            "python3 -c 'print(1)' > /x",
            "cat /run/secrets/t >&2",
            "git clone https://$(cat /run/secrets/t)@github.com/o/r && rm -rf r/.git",
            "git clone https://github.com/o/r",
            "cd /run && cp /etc/t /f",
            "npm ci > /f; { cat /run/secrets/t; echo; }",
            "tar xf /x.tar -C /run/secrets",
            "pip install git+https://$(cat /run/secrets/t)@github.com/o/r",
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
        for (mount, script) in [
            ("type=secret,id=$N", "x"),
            ("type=$T,id=t", "x"),
            ("type=secret,id=t", "python3 -c \"open('/run/secrets/t')\""),
            ("type=secret,id=t", "<<EOF\n#!/usr/bin/python3\nopen('/run/secrets/t')\nEOF"),
            ("type=secret,id=t", "bash -c \"$CMD\""),
        ] {
            run(mount, script).check("DF-112", Expect::Unknown);
        }
        assert_eq!(run("type=secret,id=$N", "x").places("DF-112"), [(2, 5)]);
        let fish = "FROM a\nSHELL [\"fish\", \"-c\"]\nRUN --mount=type=secret,id=t x";
        Case::default().dockerfile(fish).check("DF-112", Expect::Unknown);
    }
}
