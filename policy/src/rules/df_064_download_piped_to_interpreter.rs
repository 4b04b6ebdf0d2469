//! DF-064: no download is run while it comes.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{Download, is_local},
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
/// Programs that run what they read from their input.
const INTERPRETERS: [&str; 6] = ["python", "perl", "ruby", "node", "php", "lua"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, (UNTOLD, EXPECTED), |placed| {
        let mut all: Vec<_> = piped(placed)
            .chain(substituted(placed))
            .map(|(command, found)| placed.fail_at(context, command, (TITLE, EXPECTED), found))
            .collect();
        if commands::windows_text(placed).is_some_and(runs_expression) {
            all.push(placed.fail(context, (TITLE, EXPECTED), "`iex` of a download"));
        }
        all
    })
}

/// `curl … | sh`.
fn piped(placed: Placed<'_>) -> impl Iterator<Item = (&Command, String)> {
    placed.commands().enumerate().filter_map(move |(number, command)| {
        let program = remote(command)?;
        let mut readers = placed.script().readers(number);
        let (interpreter, _) = readers.find(|reader| reads_input(reader))?.program()?;
        Some((command, format!("`{program} … | {interpreter}`")))
    })
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
        Some((name @ ("." | "source"), words)) => (name, words.iter().any(is_written)),
        Some((name, words)) if command.is_shell() || is_interpreter(name) => {
            let mut from = command.redirects.iter();
            let is_fed = from.any(|from| from.operator.starts_with('<') && is_written(&from.to));
            (name, is_fed || words.iter().any(is_written))
        }
        _ => ("", command.words.first().is_some_and(is_written)),
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
    let is_only_local = !download.urls.is_empty() && download.urls.iter().all(|url| is_local(url));
    let to_output =
        download.files.is_empty() || download.files.iter().any(|file| file == "/dev/stdout");
    (to_output && !is_only_local).then_some(download.program)
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
            ("<<EOF\nset -e\ncurl https://x.example/y | sh\nEOF", (4, 1)),
            ("[\"sh\", \"-c\", \"curl https://x.example/y | sh\"]", (2, 5)),
        ] {
            let case = case(&format!("RUN {bad}"));
            case.check("DF-064", Expect::Fail);
            assert_eq!(case.places("DF-064"), [place], "{bad}");
            assert_eq!(case.findings("DF-064")[0].action, Action::Warn);
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
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-064", Expect::Unknown);
    }
}
