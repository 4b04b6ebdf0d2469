//! The commands of the guide, run; what the pages show has to be among what they print.
//!
//! Passed over are commands that need a registry, a network, or files of the reader's.

use crate::support::{Sandbox, bin, root, run, sandbox};
use std::{env, fs};

/// What a command names that this test does not have.
const ELSEWHERE: &[&str] = &[
    "127.0.0.1",
    "registry.lan",
    "db update",
    "openssl",
    "node ",
    "python3",
    "release.",
    "keys",
    "policy.yaml",
    "GITLAB_CI",
];

/// A command and the lines that the page shows below it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The commands in the `console` blocks of a page, continued lines joined.
fn commands(page: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default().replace("\\\n", "");
        for line in block.lines() {
            if let Some(command) = line.trim_start().strip_prefix("$ ") {
                shown.push(Shown { command: command.to_owned(), lines: Vec::new() });
            } else if let Some(last) = shown.last_mut() {
                last.lines.push(line.to_owned());
            }
        }
    }
    shown
}

/// A line without what differs from one run to the next: digests, times, numbers of builds, and space.
fn constant(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let is_time = word.starts_with("20") && word.contains('-')
            || word.contains(':') && word.chars().all(|char| char.is_ascii_digit() || char == ':');
        let is_build = words.last().is_some_and(|before| before == "build");
        words.push(if is_time || is_build { "#".to_owned() } else { without_digests(word) });
    }
    words.join(" ")
}

/// A word with `#` for each run of twelve or more hexadecimal digits.
fn without_digests(word: &str) -> String {
    let mut text = String::new();
    for part in word.split_inclusive(|char: char| !char.is_ascii_hexdigit()) {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_hexdigit());
        if part.len() - rest.len() >= 12 {
            text.push('#');
            text.push_str(rest);
        } else {
            text.push_str(part);
        }
    }
    text
}

/// Runs the commands of a page in a sandbox with the examples, and gives what is shown and not printed.
fn flaws(sandbox: &Sandbox, name: &str, page: &str) -> Vec<String> {
    let path = format!("{}:{}", bin().parent().unwrap(), env::var("PATH").unwrap_or_default());
    let mut flaws = Vec::new();
    for Shown { command, lines } in commands(page) {
        if ELSEWHERE.iter().any(|word| command.contains(word)) {
            continue;
        }
        let mut shell = sandbox.command("bash");
        shell.env_remove("XDG_CACHE_HOME").env_remove("XDG_STATE_HOME");
        let outcome = run(shell.env("PATH", &path).arg("-c").arg(&command));
        let printed = format!("{}\n{}", outcome.stdout, outcome.stderr)
            .replace(sandbox.join("home").as_str(), "/home/user");
        let printed: Vec<String> = printed.lines().map(constant).collect();
        let is_missing =
            |line: &&String| !line.starts_with('…') && !printed.contains(&constant(line));
        flaws.extend(
            lines
                .iter()
                .filter(is_missing)
                .map(|line| format!("{name}: `{command}` does not print `{line}`\n{printed:#?}")),
        );
    }
    flaws
}

/// A sandbox with the examples.
fn with_examples() -> Sandbox {
    let sandbox = sandbox();
    std::os::unix::fs::symlink(root().join("examples"), sandbox.join("examples")).unwrap();
    sandbox.write("wrong.yaml", "version: 1\ngates: {}\n");
    sandbox
}

#[test]
fn the_guide_shows_what_is_printed() {
    let folder = root().join("docs/guide");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let first = read("run.md");
    let mut all = flaws(&with_examples(), "run.md", &first);
    for entry in folder.read_dir_utf8().unwrap() {
        let name = entry.unwrap().file_name().to_owned();
        let page = read(&name);
        let sandbox = with_examples();
        if page.contains("oci-layout:target/example") {
            // It looks at what the commands of the first page leave behind.
            flaws(&sandbox, "run.md", &first);
        }
        all.extend(flaws(&sandbox, &name, &page));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_line_that_is_not_printed_is_found() {
    let page = "```console\n$ echo one \\\n  two\none two\n$ echo three\nfour\n```\n";
    let found = flaws(&sandbox(), "a.md", page);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a.md: `echo three` does not print `four`"), "{found:?}");
    assert_eq!(
        constant("built  2026-11-22T12:16:21Z, build 3 (989fc84f923d)"),
        "built # build # (#)"
    );
    assert_eq!(constant("index of 2026-11-22 12:16 UTC, added 12"), "index of # # UTC, added 12");
}
