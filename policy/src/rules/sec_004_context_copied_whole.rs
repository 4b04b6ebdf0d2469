//! SEC-004: what is copied whole has no repository and no secrets of a desk in it.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    globs, inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Argument, Expanded},
    host,
};
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

const TITLE: &str = "a repository or secrets of a desk may be copied into the image";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::in_image(context)
        .flat_map(|placed| match placed.step.keyword() {
            "COPY" | "ADD" if placed.step.instruction.flag("from").is_none() => {
                of_step(context, placed)
            }
            "RUN" => of_mounts(context, placed),
            _ => Vec::new(),
        })
        .collect()
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let Some((to, sources)) = placed.step.arguments.split_last() else { return Vec::new() };
    let raise = |argument: &Argument| {
        let text = argument.known().or(argument.written.as_deref())?.trim_matches(['"', '\'']);
        if text.contains("://") || text.starts_with("<<") {
            return None;
        }
        let place = inputs::place(placed.build, argument.at);
        let shown = format!("`{} {text}`", placed.step.keyword());
        if let Some(Expanded::Unknown { variable }) = &argument.value {
            return untold(context, (placed, to), (text, variable)).map(|found| {
                let title = "it can not be told whether a repository is copied into the image";
                context.unknown(place, title, found, EXPECTED)
            });
        }
        let found = match meant(text) {
            Meant::Repository => shown,
            Meant::Names(names) => format!("{shown}, and {}", unwanted(context, placed, &names)?),
        };
        Some(context.fail(place, TITLE, found, EXPECTED))
    };
    sources.iter().filter_map(raise).collect()
}

/// What a source means of that which no image needs.
enum Meant {
    /// A repository, or something of it, by its name.
    Repository,
    /// These at the top of the context, as far as nothing leaves them out.
    Names(Vec<&'static str>),
}

fn meant(source: &str) -> Meant {
    let source = host::normal(source);
    let mut parts = source.split('/').filter(|part| !part.is_empty());
    if parts.clone().any(|part| REPOSITORIES.contains(&part)) {
        return Meant::Repository;
    }
    let names = UNWANTED.iter().copied();
    Meant::Names(match parts.next() {
        None => names.collect(),
        // Of a pattern in front of others, only what lies in a folder.
        Some(first) if globs::is_pattern(first) => {
            let is_folder = parts.next().is_some();
            let is_meant = |name: &&str| !is_folder || REPOSITORIES.contains(name);
            names.filter(is_meant).filter(|name| globs::is_match(first, name)).collect()
        }
        Some(_) => Vec::new(),
    })
}

/// That a variable without value may stand for the whole context.
fn untold(
    context: &RuleContext<'_>,
    (placed, to): (Placed<'_>, &Argument),
    (text, variable): (&str, &str),
) -> Option<String> {
    let is_alone = text.strip_prefix('$').is_some_and(|name| {
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    // What is copied to a file is one.
    let to = to.known().or(to.written.as_deref()).unwrap_or_default();
    let is_file =
        to.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.'));
    if !is_alone || is_file {
        return None;
    }
    let left = unwanted(context, placed, &UNWANTED)?;
    Some(format!("`{text}`, where `{variable}` has no value that is known here, and {left}"))
}

/// The whole context that a step sees by a mount, and copies from there.
fn of_mounts(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let copied = commands::bound(placed.step).into_iter().filter_map(|bound| {
        let command = placed.commands().find(|command| commands::copies(command, &bound.target))?;
        let found = match meant(&bound.source) {
            Meant::Repository => format!("a copy of `{}`, which is mounted", bound.source),
            Meant::Names(names) => {
                let left = unwanted(context, placed, &names)?;
                format!("a copy of the context, which is mounted, and {left}")
            }
        };
        Some(context.fail(inputs::place(placed.build, command.at), TITLE, found, EXPECTED))
    });
    copied.collect()
}

/// Which of these names nothing leaves out.
fn unwanted(context: &RuleContext<'_>, placed: Placed<'_>, names: &[&str]) -> Option<String> {
    let ignored = context.facts().ignored.get(&placed.build.path);
    let flags = placed.step.instruction.flags.iter().filter(|flag| flag.name == "exclude");
    let excluded: Vec<_> = flags.filter_map(|flag| flag.value.as_deref()).collect();
    let lines = ignored.map(String::as_str).unwrap_or_default().lines();
    let patterns: Vec<_> = lines.chain(excluded).collect();
    let left: Vec<_> = names
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
            [first] => globs::is_match(first, name),
            // What is in a directory is all that there is of it; one file of it is brought back by an exception.
            [first, rest @ ..] => {
                globs::is_match(first, name)
                    && (is_exception || rest.iter().all(|part| matches!(*part, "*" | "**")))
            }
            [] => false,
        };
        is_meant.then_some(!is_exception)
    });
    meant.next_back().unwrap_or_default()
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
            ".* /app/",
            "** /app/",
            ".gi* /app/",
            "[.]git /app/",
            ".git/HEAD /app/",
            "*/ /app/",
            "*/* /app/",
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
            "FROM a\nCOPY *.json package*.json .npm* /app/",
            "FROM a\nCOPY src/* src/.* /app/",
            "FROM a\nRUN --mount=type=bind,target=/s cp /s/x /app",
            "FROM a\nRUN --mount=type=bind,target=/s make -C /s",
            "FROM a\nRUN --mount=type=bind,source=src,target=/s cp -r /s /app",
            "FROM a\nRUN --mount=from=b,target=/s cp -r /s /app",
        ];
        check_files("SEC-004", Expect::Pass, &good);
    }

    #[test]
    fn a_mounted_context_that_is_copied_fails_at_the_command() {
        let text = "FROM a\nRUN --mount=type=bind,target=/s true; cp -r /s/. /app";
        let case = Case::default().dockerfile(text);
        case.check("SEC-004", Expect::Fail);
        assert_eq!(case.places("SEC-004"), [(2, 39)]);
        case.ignored(".git\n.env").check("SEC-004", Expect::Pass);
    }

    #[test]
    fn a_source_without_a_value_can_not_be_told() {
        case("$S /app", None).check("SEC-004", Expect::Unknown);
        assert_eq!(case("x ${S} /app/", None).places("SEC-004"), [(2, 8)]);
        for (copy, ignored) in
            [("$S /app", Some(".git\n.env")), ("${JAR} /app.jar", None), ("${S}.jar /app/", None)]
        {
            case(copy, ignored).check("SEC-004", Expect::Pass);
        }
        case("$S /app", None).build_arg("S", "src").check("SEC-004", Expect::Unknown);
        let declared = Case::default().dockerfile("FROM a\nARG S\nCOPY $S /app");
        declared.check("SEC-004", Expect::Unknown);
        declared.clone().build_arg("S", "src").check("SEC-004", Expect::Pass);
        declared.build_arg("S", ".").check("SEC-004", Expect::Fail);
    }

    #[test]
    fn a_long_pattern_costs_no_more_than_its_length() {
        case(". .", Some(&"*".repeat(100_000))).check("SEC-004", Expect::Pass);
    }
}
