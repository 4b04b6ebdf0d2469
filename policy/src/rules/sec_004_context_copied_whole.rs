//! SEC-004: what is copied whole has no repository and no secrets of a desk in it.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
};
use crate::{decide::Action, dockerfile::Argument, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-004",
    name: "sec_004_context_copied_whole",
    title: "what is copied whole has no repository and no secrets of a desk in it",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "`.git` has every version of every file, also of those that were removed because of what was in them; `.env` has what a developer needs to get in.",
    mend: "name `.git` and `.env` in `.dockerignore`, or copy the files and directories that are needed by their names",
    bad: "COPY . .",
    good: "COPY src/ /app/src/",
    equivalents: &["DKL-LI-0003"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str =
    "a `.dockerignore` that names `.git` and `.env`, or single files and directories";
/// What no image needs.
const UNWANTED: [&str; 2] = [".git", ".env"];
/// Repositories, which nobody copies by name but on purpose.
const REPOSITORIES: [&str; 3] = [".git", ".svn", ".hg"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::in_image(context).filter(|placed| placed.is("COPY") || placed.is("ADD"));
    steps
        .filter(|placed| placed.step.instruction.flag("from").is_none())
        .flat_map(|placed| of_step(context, placed))
        .collect()
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let Some((_, sources)) = placed.step.arguments.split_last() else { return Vec::new() };
    let raise = |argument: &Argument| {
        let text = argument.known().or(argument.written.as_deref())?.trim_matches(['"', '\'']);
        if text.contains("://") || text.starts_with("<<") {
            return None;
        }
        let source = host::normal(text);
        let name = source.rsplit('/').next().unwrap_or_default();
        let copies = placed.step.keyword();
        let found = if REPOSITORIES.contains(&name) {
            format!("`{copies} {text}`")
        } else if matches!(source.as_str(), "/" | "/*") {
            format!("`{copies} {text}`, and {}", unwanted(context, placed)?)
        } else {
            return None;
        };
        let title = "a repository or secrets of a desk may be copied into the image";
        Some(context.fail(inputs::place(placed.build, argument.at), title, found, EXPECTED))
    };
    sources.iter().filter_map(raise).collect()
}

/// What of the unwanted nothing leaves out.
fn unwanted(context: &RuleContext<'_>, placed: Placed<'_>) -> Option<String> {
    let ignored = context.facts().ignored.get(&placed.build.path);
    let flags = placed.step.instruction.flags.iter().filter(|flag| flag.name == "exclude");
    let excluded: Vec<_> = flags.filter_map(|flag| flag.value.as_deref()).collect();
    let lines = ignored.map(String::as_str).unwrap_or_default().lines();
    let patterns: Vec<_> = lines.chain(excluded).collect();
    let left: Vec<_> = UNWANTED
        .iter()
        .filter(|name| !is_ignored(name, &patterns))
        .map(|name| format!("`{name}`"))
        .collect();
    let reason = if ignored.is_some() {
        "`.dockerignore` does not name"
    } else {
        "there is no `.dockerignore` that names"
    };
    (!left.is_empty()).then(|| format!("{reason} {}", left.join(" and ")))
}

/// Whether the last pattern that means a name at the top leaves it out.
/// Syntax: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.
fn is_ignored(name: &str, patterns: &[&str]) -> bool {
    let mut meant = patterns.iter().filter_map(|pattern| {
        let pattern = pattern.trim();
        let (is_exception, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, pattern),
        };
        if pattern.is_empty() || pattern.starts_with('#') {
            return None;
        }
        let whole = host::normal(pattern);
        let mut parts: Vec<_> = whole.split('/').filter(|part| !part.is_empty()).collect();
        while parts.len() > 1 && parts.first() == Some(&"**") {
            parts.remove(0);
        }
        let is_meant = match parts.as_slice() {
            [first] => is_match(first, name),
            // What is in a directory is all that there is of it; one file of it is brought back by an exception.
            [first, rest @ ..] => {
                is_match(first, name)
                    && (is_exception || rest.iter().all(|part| matches!(*part, "*" | "**")))
            }
            [] => false,
        };
        is_meant.then_some(!is_exception)
    });
    meant.next_back().unwrap_or_default()
}

/// Whether a part of a pattern means a name. `[…]` is taken for no match: then the name counts as left in.
fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.bytes().collect(), name.bytes().collect());
    // One row of the table of which beginnings match which, for each byte of the pattern.
    let mut row = vec![false; name.len().saturating_add(1)];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for byte in pattern {
        let mut next = Vec::with_capacity(row.len());
        for at in 0..row.len() {
            let before = at.checked_sub(1);
            let took = before.and_then(|before| row.get(before)).copied().unwrap_or(false);
            let is_same = before
                .and_then(|before| name.get(before))
                .is_some_and(|own| *own == byte || byte == b'?');
            let reaches = match byte {
                b'*' => row.iter().take(at.saturating_add(1)).any(|reached| *reached),
                _ => took && is_same,
            };
            next.push(reaches);
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(copy: &str, ignored: Option<&str>) -> Case {
        let case = Case::default().dockerfile(&format!("FROM a\nCOPY {copy}"));
        match ignored {
            Some(text) => case.ignored(text),
            None => case,
        }
    }

    #[test]
    fn the_whole_context_without_a_list_fails() {
        for copy in [
            ". .",
            "./ /app",
            "* /app/",
            "x . /app",
            "[\".\", \"/app\"]",
            "/ /app",
            "--chown=0 . /app",
        ] {
            case(copy, None).check("SEC-004", Expect::Fail);
        }
        assert_eq!(case("x . /app", None).places("SEC-004"), [(2, 8)]);
        for ignored in [
            "",
            "node_modules",
            ".git",
            ".env",
            ".git\n.env\n!.env",
            "*\n!.git\n!src",
            "# .git\n.env",
            ".git/config\n.env",
            "x/.git\n.env",
            ".git\n.env\n!.git/config",
        ] {
            case(". .", Some(ignored)).check("SEC-004", Expect::Fail);
        }
        check_files("SEC-004", Expect::Fail, &["FROM a\nADD .git /x", "FROM a\nCOPY src/.svn /x"]);
    }

    #[test]
    fn a_list_that_names_them_passes() {
        for ignored in [
            ".git\n.env",
            "*",
            ".*",
            "**/.git\n**/.env",
            "/.git/\n/.env\n",
            ".git/**\n.env*",
            "*\n!src",
            ".g?t\n.e*v",
            " .git \r\n.env\r\n",
            "!.git\n.git\n.env",
        ] {
            case(". .", Some(ignored)).check("SEC-004", Expect::Pass);
        }
        case("--exclude=.git --exclude=.env . .", None).check("SEC-004", Expect::Pass);
    }

    #[test]
    fn single_directories_and_other_stages_pass() {
        let good = [
            "FROM a\nCOPY src/ /app/",
            "FROM a\nCOPY .gitignore /app/",
            "FROM a AS b\nCOPY . .\nFROM c\nCOPY --from=b /app /app",
            "FROM a\nCOPY --from=b . .",
            "FROM a\nADD https://x/.git /x",
        ];
        check_files("SEC-004", Expect::Pass, &good);
    }

    #[test]
    fn a_long_pattern_costs_no_more_than_its_length() {
        case(". .", Some(&"*".repeat(100_000))).check("SEC-004", Expect::Pass);
    }
}
