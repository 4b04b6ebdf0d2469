//! DF-068: a key is trusted for one source, and is the right one.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    downloads::{Download, is_plain},
    packages::{Manager, Operation},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-068",
    name: "df_068_key_unbounded",
    title: "keys are imported for one source, by their whole fingerprint, over TLS",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A key that is trusted for all sources signs for all of them, and one that is named by a few digits may be another's.",
    mend: "put the key into a file of its own and name it: `[signed-by=/usr/share/keyrings/x.gpg]`; fetch keys by all 40 digits",
    bad: "FROM debian:12\nRUN curl -fsSL https://example.com/key.asc | apt-key add -",
    good: "FROM debian:12\nRUN curl -fsSL https://example.com/key.asc -o /usr/share/keyrings/example.asc",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a key in a file of its own, by its whole fingerprint, over TLS";
const UNTOLD: &str = "it can not be told which keys are imported";
const ABOUT: commands::Untold =
    commands::Untold { title: UNTOLD, expected: EXPECTED, names: &["apt-key", "trusted.gpg"] };
const UNBOUNDED: &str = "a key is trusted for every source of packages";
const SHORT: &str = "a key is fetched by a part of its fingerprint";
const PLAIN: &str = "a key is fetched without TLS";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| match placed.step.keyword() {
        "RUN" => {
            let of_commands = placed.commands().filter_map(|command| {
                let (title, found) = complaint(placed, command)?;
                Some(placed.fail_at(context, command, (title, EXPECTED), found))
            });
            of_commands.collect()
        }
        "COPY" | "ADD" => {
            let to = placed.step.arguments.last().and_then(|to| to.known());
            let to = to.filter(|to| is_for_all(to));
            let raise = |to| placed.fail(context, (UNBOUNDED, EXPECTED), format!("`{to}`"));
            to.map(raise).into_iter().collect()
        }
        _ => Vec::new(),
    })
}

/// Where apt looks for keys that sign for every source.
fn is_for_all(file: &str) -> bool {
    file.starts_with("/etc/apt/trusted.gpg")
}

fn complaint(placed: Placed<'_>, command: &Command) -> Option<(&'static str, String)> {
    let (program, arguments) = command.program()?;
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text()));
    let shown = |what: &str| format!("`{program} {what}`");
    if program == "apt-key" && has(&["add", "adv", "net-update"]) {
        let what = arguments.iter().map(Word::text).find(|word| !word.starts_with('-'));
        return Some((UNBOUNDED, shown(what.unwrap_or_default())));
    }
    if commands::writes_to(command, is_for_all) || outputs(command).any(is_for_all) {
        return Some((UNBOUNDED, "`/etc/apt/trusted.gpg.d`".to_owned()));
    }
    let is_gpg = matches!(program, "gpg" | "gpg2");
    let received = arguments.iter().skip_while(|word| !is_receiving(word)).skip(1);
    if let Some(id) = received.filter(|_| is_gpg).find(|word| is_short(word)) {
        return Some((SHORT, format!("`{}`", id.text())));
    }
    if matches!(program, "rpm" | "rpmkeys") && has(&["--import"]) {
        let plain = arguments.iter().map(Word::text).find(|text| is_plain(text));
        return plain.map(|url| (PLAIN, format!("`{url}`")));
    }
    if let Some(operation) = Operation::of(command) {
        let is_any = operation.options.has(&["--gpg-auto-import-keys"]);
        let is_zypper = operation.manager == Manager::Zypper;
        return (is_zypper && is_any).then(|| (UNBOUNDED, shown("--gpg-auto-import-keys")));
    }
    let download = Download::of(command)?;
    let url = download.urls.iter().find(|url| is_plain(url))?;
    let into_keys = || {
        let mut fed = placed.commands().filter(|other| other.is_fed());
        fed.any(|other| {
            let reads = matches!(
                other.program(),
                Some(("gpg" | "gpg2" | "apt-key" | "rpm" | "rpmkeys", _))
            );
            reads && placed.script().feeds(command, other)
        })
    };
    let is_key =
        |text: &str| [".asc", ".gpg", ".key", ".pub"].iter().any(|end| text.ends_with(end));
    let is_meant = is_key(url)
        || download.files.iter().any(|file| is_key(file) || file.contains("/keyrings/"))
        || into_keys();
    is_meant.then(|| (PLAIN, format!("`{url}`")))
}

/// The files that options of gpg and of downloaders name.
fn outputs(command: &Command) -> impl Iterator<Item = &str> {
    let arguments = command.program().map(|(_, arguments)| arguments).unwrap_or_default();
    let (program, is_moved) = match command.program() {
        Some((name, _)) => (name, matches!(name, "mv" | "cp" | "install" | "ln")),
        None => ("", false),
    };
    let is_writing = matches!(program, "gpg" | "gpg2" | "curl" | "wget") || is_moved;
    let last = arguments.last().filter(|_| is_moved);
    let named = arguments.iter().zip(arguments.iter().skip(1)).filter(move |(option, _)| {
        let option = option.text();
        let is_cluster = option.starts_with('-') && !option.starts_with("--");
        is_writing
            && ((is_cluster && option.ends_with(['o', 'O', 'P']))
                || matches!(
                    option,
                    "--output" | "--output-document" | "--keyring" | "--primary-keyring"
                ))
    });
    let joined =
        arguments.iter().filter(move |_| is_writing).filter_map(|word| word.text().split_once('='));
    let joined = joined.map(|(_, value)| value);
    named.map(|(_, file)| file.text()).chain(joined).chain(last.map(Word::text))
}

fn is_receiving(word: &Word) -> bool {
    matches!(word.text(), "--recv-keys" | "--recv-key" | "--recv" | "--receive-keys")
}

/// A part of a fingerprint: fewer hexadecimal digits than one has.
fn is_short(word: &Word) -> bool {
    let text = word.text();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex && matches!(digits.len(), 8 | 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const WHOLE: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn keys_for_everything_in_part_and_in_the_clear_fail() {
        for (bad, place) in [
            ("RUN apt-key add key.asc", (2, 5)),
            ("RUN curl -fsSL https://x.example/k | apt-key add -", (2, 38)),
            ("RUN curl -fsSL https://x.example/k | \\\n  sudo apt-key add -", (3, 3)),
            ("RUN apt-key adv --keyserver hkps://x.example --recv-keys 0123456789ABCDEF", (2, 5)),
            ("RUN curl -fsSL https://x.example/k -o /etc/apt/trusted.gpg.d/x.asc", (2, 5)),
            ("RUN curl -fsSL https://x.example/k > /etc/apt/trusted.gpg.d/x.asc", (2, 5)),
            ("RUN wget -qO- https://x.example/k | tee /etc/apt/trusted.gpg.d/x.asc", (2, 37)),
            ("RUN gpg --dearmor -o /etc/apt/trusted.gpg.d/x.gpg k", (2, 5)),
            ("COPY k.gpg /etc/apt/trusted.gpg.d/", (2, 1)),
            ("RUN gpg --keyserver hkps://x.example --recv-keys 01234567", (2, 5)),
            ("RUN gpg --batch --recv-keys 0x0123456789ABCDEF", (2, 5)),
            ("RUN rpm --import http://x.example/k", (2, 5)),
            ("RUN curl -o /usr/share/keyrings/x.gpg http://x.example/k", (2, 5)),
            ("RUN curl http://x.example/k | gpg --import", (2, 5)),
            ("RUN wget http://x.example/k.asc", (2, 5)),
            ("RUN zypper --gpg-auto-import-keys refresh", (2, 5)),
            ("RUN <<EOF\napt-key add k\nEOF", (3, 1)),
        ] {
            case(bad).check("DF-068", Expect::Fail);
            assert_eq!(case(bad).places("DF-068"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-068")[0].action, Action::Warn);
        }
        let built = "FROM a AS b\nRUN apt-key add k\nFROM c\nCOPY --from=b / /";
        Case::default().dockerfile(built).check("DF-068", Expect::Fail);
    }

    #[test]
    fn keys_of_one_source_by_their_fingerprint_pass() {
        let whole = format!("RUN gpg --batch --keyserver hkps://x.example --recv-keys {WHOLE}");
        for good in [
            "RUN curl -fsSL https://x.example/k -o /usr/share/keyrings/x.asc",
            "RUN curl -fsSL https://x.example/k | gpg --dearmor -o /etc/apt/keyrings/x.gpg",
            &whole,
            "RUN gpg --recv-keys \"$KEY\"",
            "RUN for key in A B; do gpg --recv-keys \"$key\"; done",
            "RUN rpm --import https://x.example/k",
            "RUN curl http://x.example/data",
            "RUN apt-key list",
            "RUN echo apt-key add",
            "RUN apt-key add k\nFROM c",
        ] {
            case(good).check("DF-068", Expect::Pass);
        }
    }

    #[test]
    fn scripts_that_can_not_be_read_can_not_be_told() {
        case("RUN apt-key 'x").check("DF-068", Expect::Unknown);
        case("SHELL [\"python3\", \"-c\"]\nRUN x").check("DF-068", Expect::Unknown);
    }
}
