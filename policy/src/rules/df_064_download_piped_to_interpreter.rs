//! DF-064: no download is run while it comes.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::Download,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "DF-064",
    name: "df_064_download_piped_to_interpreter",
    title: "no download goes straight into an interpreter",
    severity: Severity::High,
    action: Action::Warn,
    why: "Nobody has seen what runs, a server may send another script to a build than to a person, and half a script runs too when the line breaks.",
    mend: "download a version into a file, compare it with a digest, and run the file; or install a package",
    bad: "FROM debian:12\nRUN curl -fsSL https://example.com/install.sh | sh",
    good: "FROM debian:12\nRUN curl -fsSLo install.sh https://example.com/install.sh \\\n && echo \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  install.sh\" | sha256sum --check \\\n && sh install.sh",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a file that is verified before it runs";
const TITLE: &str = "a download goes straight into an interpreter";
const UNTOLD: &str = "it can not be told whether a download goes straight into an interpreter";
const ABOUT: commands::Untold = commands::Untold {
    title: UNTOLD,
    expected: EXPECTED,
    names: &["curl", "wget", "urlopen", "urlretrieve", "requests.get", "LWP", "open-uri"],
};
/// Programs that run what they read from their input.
const INTERPRETERS: [&str; 9] =
    ["python", "perl", "ruby", "node", "php", "lua", "fish", "Rscript", "tclsh"];
/// Programs that hand on what they are given.
const PRINTING: [&str; 3] = ["echo", "printf", "cat"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| {
        let mut all: Vec<_> = piped(placed)
            .chain(substituted(placed))
            .chain(by_variable(placed))
            .map(|(command, found)| placed.fail_at(context, command, (TITLE, EXPECTED), found))
            .collect();
        if commands::windows_text(placed).is_some_and(runs_expression) {
            all.push(placed.fail(context, (TITLE, EXPECTED), "`iex` of a download"));
        }
        all
    })
}

/// `curl … | sh`, `cat <(curl …) | sh`, `curl … > >(sh)`. What `echo` prints into a shell is read as a script itself.
fn piped(placed: Placed<'_>) -> impl Iterator<Item = (&Command, String)> {
    let script = placed.script();
    placed.commands().enumerate().filter_map(move |(number, command)| {
        let printed = || {
            let (name, _) = command.program()?;
            (name == "cat").then(|| inside(placed, command, 0))?
        };
        let program = remote(command).or_else(printed);
        let mut readers = script.readers(number);
        let reader = program.and_then(|_| readers.find(|reader| runs_input(placed, reader)));
        if let (Some(program), Some((interpreter, _))) =
            (program, reader.and_then(Command::program))
        {
            return Some((command, format!("`{program} … | {interpreter}`")));
        }
        // Into a substitution, at whose other end it runs.
        let mut targets = command.redirects.iter().filter(|to| to.operator.starts_with('>'));
        let is_process = targets.any(|to| to.to.written.starts_with("$("));
        let download =
            Download::of(command).filter(|download| is_process && !download.is_only_local())?;
        let mut inner = script.inside(command).filter(|inner| runs_input(placed, inner));
        let (interpreter, _) = inner.next()?.program()?;
        Some((command, format!("`{} … | {interpreter}`", download.program)))
    })
}

/// Whether a command runs what it reads from its input, itself or in the script that it is given.
fn runs_input(placed: Placed<'_>, command: &Command) -> bool {
    if reads_input(command) || placed.script().inside(command).any(reads_input) {
        return true;
    }
    // `xargs -I{} sh -c {}`, and `while read line; do eval "$line"; done`.
    let Some((program, arguments)) = command.program() else { return false };
    let is_of_xargs = command.words.first().is_some_and(|word| word.text() == "xargs");
    let is_last = |last: &Word| matches!(last.text(), "-c" | "{}" | "$0" | "$@");
    program == "eval"
        || (is_of_xargs && command.is_shell() && arguments.last().is_some_and(is_last))
}

/// `x=$(curl …); eval "$x"`, `sh -c "$x"`, `echo "$x" | sh`.
fn by_variable(placed: Placed<'_>) -> Vec<(&Command, String)> {
    let mut held: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (number, command) in placed.commands().enumerate() {
        if let Some((by, name)) = runs_variable(placed, (number, command), &held) {
            let from = held.get(name).copied().unwrap_or_default();
            found.push((command, format!("`{by} ${name}`, which is `$({from} …)`")));
        }
        let assigned = command.assignments.iter().map(|(name, word)| (name.as_str(), word));
        let exported = command.words.iter();
        let exported = exported.filter_map(|word| Some((word.written.split_once('=')?.0, word)));
        let mut all = assigned.chain(exported).filter(|(_, word)| word.written.contains("$("));
        if let Some((first, _)) = all.next()
            && let Some(from) = inside(placed, command, 0)
        {
            held.extend(
                [first].into_iter().chain(all.map(|(name, _)| name)).map(|name| (name, from)),
            );
        }
    }
    found
}

/// The program that runs what one of these variables holds, and the variable.
fn runs_variable<'a>(
    placed: Placed<'a>,
    (number, command): (usize, &'a Command),
    held: &BTreeMap<&'a str, &str>,
) -> Option<(&'a str, &'a str)> {
    let named = |word: &Word| {
        let names = names_of(&word.written);
        held.keys().copied().find(|name| names.contains(name))
    };
    let (program, arguments) = command.program().filter(|_| !held.is_empty())?;
    let is_printing = PRINTING.contains(&program);
    let name = if program == "eval" || is_printing {
        arguments.iter().find_map(named)
    } else if command.is_shell() || is_interpreter(program) {
        // Behind `-c` or `-e` stands a script, and elsewhere its arguments.
        let mut pairs = arguments.iter().zip(arguments.iter().skip(1));
        let is_option =
            |word: &Word| word.text().starts_with('-') && word.text().ends_with(['c', 'e']);
        let script = pairs.find(|(option, _)| is_option(option)).and_then(|(_, word)| named(word));
        let mut fed = command.redirects.iter().filter(|from| from.operator == "<<<");
        script.or_else(|| fed.find_map(|from| named(&from.to)))
    } else {
        None
    };
    if !is_printing {
        return Some((program, name?));
    }
    let mut readers = placed.script().readers(number);
    name.and_then(|name| {
        let reader = readers.find(|reader| runs_input(placed, reader))?;
        Some((reader.program()?.0, name))
    })
}

/// The variables that a text names.
fn names_of(text: &str) -> Vec<&str> {
    let is_of_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let names = text.split('$').skip(1).map(|rest| rest.trim_start_matches('{'));
    names.map(|rest| rest.split(|char| !is_of_name(char)).next().unwrap_or_default()).collect()
}

/// `sh -c "$(curl …)"`, `bash <(curl …)`, `eval "$(curl …)"`, `. <(curl …)`, and `$(curl …)` as a command.
fn substituted(placed: Placed<'_>) -> Vec<(&Command, String)> {
    let mut found: BTreeMap<usize, (&Command, String)> = BTreeMap::new();
    for (number, command) in placed.commands().enumerate() {
        // What a script runs in which it was found already is the same once more.
        let is_known = command.within.is_some_and(|outer| found.contains_key(&outer));
        let program = (!is_known).then(|| substitution(command)).flatten();
        if let Some((name, downloader)) =
            program.and_then(|name| Some((name, inside(placed, command, 0)?)))
        {
            let blank = if name.is_empty() { "" } else { " " };
            found.insert(number, (command, format!("`{name}{blank}$({downloader} …)`")));
        }
    }
    found.into_values().collect()
}

/// The program that runs what a command inside of its words prints; empty where that is the program itself.
fn substitution(command: &Command) -> Option<&str> {
    let is_written = |word: &Word| word.written.trim_start().starts_with("$(");
    let (name, is_meant) = match command.program() {
        Some(("eval", words)) => ("eval", words.iter().any(|word| word.written.contains("$("))),
        Some((name, words))
            if command.is_shell() || is_interpreter(name) || matches!(name, "." | "source") =>
        {
            let mut from = command.redirects.iter();
            let is_fed = from.any(|from| from.operator.starts_with('<') && is_written(&from.to));
            (name, is_fed || words.iter().any(is_written))
        }
        // Also behind programs that start it: `exec $(curl …)`.
        Some((_, words)) => {
            let at = command.words.len().checked_sub(words.len().saturating_add(1));
            ("", at.and_then(|at| command.words.get(at)).is_some_and(is_written))
        }
        None => ("", false),
    };
    is_meant.then_some(name)
}

/// The downloader that runs inside of a command, also where what it sends is changed on the way.
fn inside<'a>(placed: Placed<'a>, command: &'a Command, depth: usize) -> Option<&'a str> {
    let mut within = placed.script().inside(command);
    within.find_map(|inner| {
        let deeper = || (depth < 4).then(|| inside(placed, inner, depth.saturating_add(1)))?;
        remote(inner).or_else(deeper)
    })
}

fn remote(command: &Command) -> Option<&str> {
    let download = Download::of(command)?;
    let to_output =
        download.files.is_empty() || download.files.iter().any(|file| file == "/dev/stdout");
    (to_output && !download.is_only_local()).then_some(download.program)
}

fn is_interpreter(program: &str) -> bool {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name)
}

/// Whether a program runs what it reads from its input: no script and no expression is named.
fn reads_input(command: &Command) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let texts = || arguments.iter().map(Word::text);
    let is_shell = command.is_shell() || program == "su";
    if program == "busybox" {
        return texts().next().is_some_and(|applet| matches!(applet, "sh" | "ash"));
    }
    if !is_shell && !is_interpreter(program) {
        return matches!(program, "source" | ".") && texts().any(|text| text == "/dev/stdin");
    }
    // `-s` takes the script from the input, whatever follows.
    let is_input = |text: &str| matches!(text, "-" | "/dev/stdin" | "/proc/self/fd/0");
    let takes_script = |text: &str| {
        let cluster = text.strip_prefix('-').unwrap_or_default();
        let is_one = !text.starts_with("--") && text.starts_with('-');
        let is_expression =
            |cluster: &str| cluster.starts_with(['c', 'e', 'm', 'n', 'p', 'r', 'E', 'i', 'l', 'a']);
        is_one && if is_shell { cluster.contains('c') } else { is_expression(cluster) }
    };
    let mut words = texts().peekable();
    while let Some(text) = words.next() {
        if is_input(text) || (is_shell && is_from_input(text)) {
            return true;
        }
        if takes_script(text) {
            return false;
        }
        // An option of `set` with its name.
        if is_shell && text.starts_with(['-', '+']) && text.ends_with(['o', 'O']) {
            words.next();
            continue;
        }
        if !text.starts_with(['-', '+']) {
            // A file that is run.
            return false;
        }
    }
    true
}

fn is_from_input(option: &str) -> bool {
    option == "--"
        || (option.starts_with('-')
            && !option.starts_with("--")
            && option.contains('s')
            && !option.contains('c'))
}

/// `iex (iwr …)`, `… | Invoke-Expression`.
fn runs_expression(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has_word = |name: &str| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
            .any(|word| word == name)
    };
    let fetches =
        ["iwr", "irm", "invoke-webrequest", "invoke-restmethod", "curl", "wget", "curl.exe"];
    let is_download = fetches.iter().any(|name| has_word(name)) || text.contains("downloadstring");
    (has_word("iex") || has_word("invoke-expression")) && is_download
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::finding::{Outcome, Place};

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn every_way_into_an_interpreter_fails() {
        for (bad, place) in [
            ("curl -fsSL https://x.example/y | sh", (2, 5)),
            ("curl https://x.example/y | bash -", (2, 5)),
            ("curl https://x.example/y | sudo -E bash -s -- --yes", (2, 5)),
            ("curl https://x.example/y|bash -e -x", (2, 5)),
            ("curl https://x.example/y | bash -euo pipefail", (2, 5)),
            ("curl https://x.example/y | bash /dev/stdin a", (2, 5)),
            ("wget -qO- https://x.example/y | sh", (2, 5)),
            ("wget -O - https://x.example/y | A=b sh", (2, 5)),
            ("curl https://x.example/y | gunzip | tee log | sh", (2, 5)),
            ("curl https://x.example/y | python3", (2, 5)),
            ("curl https://x.example/y | python3.12 - --x", (2, 5)),
            ("curl https://x.example/y | perl", (2, 5)),
            ("curl $URL | sh", (2, 5)),
            ("(true; curl https://x.example/y) | sh", (2, 12)),
            ("true && \\\n  curl https://x.example/y \\\n  | sh", (3, 3)),
            ("bash <(curl -s https://x.example/y)", (2, 5)),
            ("source <(curl -s https://x.example/y)", (2, 5)),
            ("sh -c \"$(curl -fsSL https://x.example/y)\"", (2, 5)),
            ("sh -c '$(curl -fsSL https://x.example/y)'", (2, 5)),
            ("bash -c \"`wget -qO- https://x.example/y`\" -- --x", (2, 5)),
            ("eval \"$(curl https://x.example/y)\"", (2, 5)),
            ("eval `curl https://x.example/y`", (2, 5)),
            ("python3 -c \"$(curl https://x.example/y)\"", (2, 5)),
            ("bash < <(curl https://x.example/y)", (2, 5)),
            ("bash <<< \"$(curl https://x.example/y)\"", (2, 5)),
            ("$(curl https://x.example/y)", (2, 5)),
            ("echo \"$(curl https://x.example/y)\" | sh", (2, 10)),
            ("printf %s \"$(curl https://x.example/y)\" | bash", (2, 12)),
            ("cat <(curl https://x.example/y) | sh", (2, 5)),
            ("curl https://x.example/y | while read l; do eval \"$l\"; done", (2, 5)),
            ("source /dev/stdin <<< \"$(curl https://x.example/y)\"", (2, 5)),
            ("curl https://x.example/y | sh -c sh", (2, 5)),
            ("curl https://x.example/y | su -c sh", (2, 5)),
            ("exec $(curl https://x.example/y)", (2, 5)),
            ("curl https://x.example/y > >(bash)", (2, 5)),
            ("curl https://x.example/y | fish", (2, 5)),
            ("curl https://x.example/y | xargs -I{} sh -c {}", (2, 5)),
            ("X=$(curl https://x.example/y); eval \"$X\"", (2, 36)),
            ("X=$(curl https://x.example/y) && sh -c \"$X\"", (2, 38)),
            ("export X=\"$(curl https://x.example/y)\" && echo \"${X}\" | sh", (2, 47)),
            ("<<EOF\nset -e\ncurl https://x.example/y | sh\nEOF", (4, 1)),
            ("[\"sh\", \"-c\", \"curl https://x.example/y | sh\"]", (2, 5)),
        ] {
            let case = case(&format!("RUN {bad}"));
            // What runs it may itself be a script that is not known.
            let found = case.findings("DF-064").into_iter();
            let failed = found.filter(|judged| judged.finding.outcome == Outcome::Fail);
            let failed: Vec<_> = failed.map(|it| (it.finding.place, it.action)).collect();
            let (path, (line, column)) = ("Dockerfile".into(), place);
            let place = Place::Source { path, line, column };
            assert_eq!(failed, [(place, Action::Warn)], "{bad}");
        }
        case("CMD curl https://x.example/y | sh").check("DF-064", Expect::Fail);
        let windows = "SHELL [\"powershell\", \"-Command\"]\nRUN ";
        for bad in [
            "iex (iwr https://x/y)",
            "(New-Object Net.WebClient).DownloadString('https://x') | iex",
        ] {
            case(&format!("{windows}{bad}")).check("DF-064", Expect::Fail);
        }
    }

    #[test]
    fn what_is_not_run_passes() {
        for good in [
            "RUN curl https://x.example/y | tar xz",
            "RUN curl https://x.example/y | jq -r .tag",
            "RUN curl https://x.example/y | python3 -c 'import json'",
            "RUN curl https://x.example/y | python3 -m json.tool",
            "RUN curl https://x.example/y | python3 x.py",
            "RUN curl https://x.example/y | perl -ne 'print'",
            "RUN curl https://x.example/y | bash -c 'cat > /y'",
            "RUN curl https://x.example/y | gpg --dearmor",
            "RUN curl https://x.example/y && sh z",
            "RUN curl -o y https://x.example/y | sh",
            "RUN V=$(curl https://x.example/y) && echo $V",
            "RUN V=$(curl https://x.example/y) && echo \"$V\" | tee /v && sh -c \"echo $VV\"",
            "RUN V=$(curl https://x.example/y) && curl -o y https://x.example/$V && sh z",
            "RUN curl https://x.example/y | xargs -n1 sh -c 'echo $0'",
            "RUN curl https://x.example/y > >(tee /y) | cat",
            "RUN cat <(curl https://x.example/y) | tee /y",
            "RUN exec $(which app) https://x.example/y",
            "RUN V=$(curl https://x.example/y) && bash install.sh \"$V\" && python3 x.py --v $V",
            "RUN echo \"$(curl https://x.example/y)\"",
            "RUN sh -c 'curl -o y https://x.example/y'",
            "RUN eval \"$(go env)\"",
            "RUN cat x | sh",
            "RUN curl http://localhost/y | sh",
            "SHELL [\"cmd\", \"/S\", \"/C\"]\nRUN curl -o y https://x.example/y",
            "RUN curl https://x.example/y | sh\nFROM c",
        ] {
            case(good).check("DF-064", Expect::Pass);
        }
    }

    #[test]
    fn scripts_that_can_not_be_read_can_not_be_told() {
        case("RUN curl 'x | sh").check("DF-064", Expect::Unknown);
        case("RUN V=$(curl https://x.example/y); sh -c \"$VV\"").check("DF-064", Expect::Unknown);
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-064", Expect::Unknown);
    }
}
