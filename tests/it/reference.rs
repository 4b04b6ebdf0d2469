//! `docs/reference` says what the binary says, and the guide what is so. With `BLESS=1` the reference is written anew.

use crate::support::{Sandbox, bin, root, run, sandbox};
use plimsoll_model::inventory::Coverage;
use plimsoll_sbom::catalogers::ALL;
use std::{fmt::Write as _, fs};

/// Help is as wide as it gets without a terminal.
const COLUMNS: &str = "100";

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut command = sandbox.plimsoll();
    run(command.env("COLUMNS", COLUMNS).args(arguments)).expect_status(0).stdout
}

/// Compares a page with what it has to be, or writes it.
#[track_caller]
fn check(page: &str, expect: &str) {
    let path = root().join("docs/reference").join(page);
    let expect = format!(
        "<!-- Written by `BLESS=1 cargo test -p plimsoll --test it reference`: change the program, not this page. -->\n{expect}"
    );
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, expect).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = expect.lines().zip(found.lines()).position(|(expect, found)| expect != found);
    assert!(
        found == expect,
        "{path} is not what the program says, first in line {}: set BLESS=1 to write it anew",
        differs.unwrap_or_else(|| expect.lines().count().min(found.lines().count())) + 1
    );
}

/// A fenced block, without the blanks that end lines.
fn block(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n", lines.join("\n"))
}

/// The names in the list of commands of a help text.
fn subcommands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

/// Help without what every command repeats.
fn own_part(help: &str) -> &str {
    let help = help.split("\nShared options:\n").next().unwrap_or(help);
    help.split("\nExit statuses:\n").next().unwrap_or(help)
}

fn commands(sandbox: &Sandbox, path: &[&str], page: &mut String) {
    let help = plimsoll(sandbox, &[path, &["--help"]].concat());
    let level = "#".repeat(path.len() + 1);
    write!(page, "\n{level} plimsoll {}\n\n{}", path.join(" "), block(own_part(&help))).unwrap();
    for name in subcommands(&help) {
        commands(sandbox, &[path, &[name]].concat(), page);
    }
}

#[test]
fn commands_are_what_help_says() {
    let sandbox = sandbox();
    let help = plimsoll(&sandbox, &["--help"]);
    let names = subcommands(&help);
    assert!(names.contains(&"run") && names.contains(&"ledger"), "{names:?}");
    let mut page =
        format!("# Commands\n\n{}\nEvery command takes the shared options above.\n", block(&help));
    for name in names {
        commands(&sandbox, &[name], &mut page);
    }
    assert!(page.contains("\n### plimsoll ledger flagged\n"), "commands below commands are there");
    check("commands.md", &page);
}

/// The ids of all rules, which a wrong one brings to light.
fn rules(sandbox: &Sandbox) -> Vec<String> {
    let refused = run(sandbox.plimsoll().args(["explain", "NONE-000"])).expect_status(2).stderr;
    let (_, ids) = refused.split_once("the rules are ").expect("the hint lists them");
    ids.trim().split(", ").map(str::to_owned).collect()
}

#[test]
fn rules_are_what_explain_says() {
    let sandbox = sandbox();
    let rules = rules(&sandbox);
    assert!(rules.iter().any(|id| id == "VUL-002"), "{rules:?}");
    let mut page = "# Rules\n\nWhat `plimsoll explain` says of each. The policy sets what a rule's findings come to: `rules: {DF-030: off}`.\n".to_owned();
    for id in rules {
        let text = plimsoll(&sandbox, &["explain", &id]);
        let (heading, rest) = text.split_once('\n').unwrap();
        write!(page, "\n## {heading}\n\n{}", block(rest)).unwrap();
    }
    check("rules.md", &page);
}

#[test]
fn catalogers_are_those_that_there_are() {
    let mut page = "# Catalogers\n\nWhat `plimsoll sbom` recognises. Edges: how far each source tells what needs what.\n\n\
         | cataloger | reads | edges |\n|---|---|---|\n"
        .to_owned();
    for cataloger in ALL {
        let edges = match cataloger.edges {
            Coverage::Complete => "complete",
            Coverage::Incomplete => "incomplete",
            Coverage::Unknown => "none",
        };
        writeln!(page, "| `{}` | {} | {edges} |", cataloger.id, cataloger.description).unwrap();
    }
    check("catalogers.md", &page);
}

#[test]
fn formats_are_what_help_says() {
    let sandbox = sandbox();
    let help = plimsoll(&sandbox, &["run", "--help"]);
    let rows: Vec<(&str, &str)> = help
        .lines()
        .skip_while(|line| !line.contains("--output"))
        .take_while(|line| !line.contains("--show"))
        .filter_map(|line| line.trim().strip_prefix("- ")?.split_once(": "))
        .collect();
    assert_eq!(rows.first().map(|row| row.0), Some("table"));
    let mut page =
        "# Report formats\n\nWhat `-o FORMAT[=FILE]` takes.\n\n| format | for |\n|---|---|\n"
            .to_owned();
    for (id, description) in rows {
        writeln!(page, "| `{id}` | {description} |").unwrap();
    }
    check("formats.md", &page);
}

/// The entries of a section of the manual page.
fn section(man: &str, heading: &str) -> Vec<(String, String)> {
    let lines = man.lines().skip_while(|line| *line != format!(".SH {heading}")).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with(".SH ")).collect();
    let plain = |text: &str| text.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
    lines
        .windows(3)
        .filter(|lines| lines[0] == ".TP")
        .map(|lines| (plain(lines[1]), plain(lines[2])))
        .collect()
}

#[test]
fn environment_is_what_the_manual_says() {
    let man = plimsoll(&sandbox(), &["man"]);
    let variables = section(&man, "ENVIRONMENT");
    assert!(variables.iter().any(|(name, _)| name == "PLIMSOLL_KEY_PASSWORD"), "{variables:?}");
    let mut page = "# Environment\n\nEvery variable that Plimsoll reads. An empty one counts as unset.\n\n| variable | meaning |\n|---|---|\n".to_owned();
    for (name, meaning) in variables {
        writeln!(page, "| `{name}` | {meaning} |").unwrap();
    }
    page.push_str("\nIn a job of GitHub Actions or GitLab CI, the variables that describe the job go into the provenance.\n");
    check("environment.md", &page);
}

/// The table of exit statuses as Markdown.
fn statuses() -> String {
    let man = plimsoll(&sandbox(), &["man"]);
    let mut table = "| status | meaning |\n|---|---|\n".to_owned();
    for (code, meaning) in section(&man, "EXIT STATUS") {
        writeln!(table, "| {code} | {meaning} |").unwrap();
    }
    assert!(table.contains("\n| 3 | undecided"), "{table}");
    table
}

#[test]
fn exit_statuses_are_what_the_manual_says() {
    let page =
        format!("# Exit statuses\n\n{}\nThey never depend on the output format.\n", statuses());
    check("exit-statuses.md", &page);
}

#[test]
fn the_readme_has_the_table_of_exit_statuses() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("\n## Exit statuses\n\n").expect("the section is there");
    let table: String = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(table, statuses());
}

#[test]
fn help_is_as_wide_as_it_is_told() {
    let sandbox = sandbox();
    let wide = plimsoll(&sandbox, &["run", "--help"]);
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
    let narrow = run(sandbox.command(bin()).env("COLUMNS", "60").args(["run", "--help"]));
    assert_ne!(narrow.expect_status(0).stdout, wide);
}

/// The first fenced block of a page in this language.
fn example(page: &str, language: &str) -> String {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("there is such a block");
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_policy_that_the_guide_shows_is_valid_and_has_every_key() {
    let sandbox = sandbox();
    let policy = example("docs/guide/policy-file.md", "yaml");
    sandbox.write("plimsoll.yaml", &policy);
    sandbox.write("rules/cost_centre.rego", example("docs/guide/policy-file.md", "rego"));
    run(sandbox.plimsoll().args(["policy", "check"])).expect_status(0);
    let wrong = run(sandbox.plimsoll().args(["policy", "check", "wrong.yaml"]));
    wrong.expect_status(2);
    // What `policy init` writes shows every key, some of them in comments.
    run(sandbox.plimsoll().args(["policy", "init", "init.yaml"])).expect_status(0);
    let template = fs::read_to_string(sandbox.join("init.yaml")).unwrap();
    run(sandbox.plimsoll().args(["policy", "check", "init.yaml"])).expect_status(0);
    let keys = template.lines().filter_map(|line| {
        let line = line.trim_start_matches("#:").trim_start();
        line.split_once(':').map(|(key, _)| key).filter(|key| {
            !key.is_empty() && key.chars().all(|char| char.is_ascii_lowercase() || char == '-')
        })
    });
    for key in keys {
        assert!(policy.contains(&format!("{key}:")), "the page does not show `{key}`");
    }
}
