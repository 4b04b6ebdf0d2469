//! What the compiler cannot check about the repository.
//!
//! Every check is a function from text to the flaws in it, so that a test beside it can show that it finds them.

use crate::support::{oracle, root, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    process::Command,
};

/// Which crate of ours may build on which; ARCHITECTURE.md draws it. A new edge is a commit of its own that changes both.
const EDGES: &[(&str, &[&str])] = &[
    ("plimsoll-model", &[]),
    ("plimsoll-oci", &["plimsoll-model"]),
    ("plimsoll-sbom", &["plimsoll-model"]),
    ("plimsoll-vuln", &["plimsoll-model"]),
    ("plimsoll-policy", &["plimsoll-model"]),
    ("plimsoll-attest", &["plimsoll-model"]),
    ("plimsoll-ledger", &["plimsoll-model"]),
    (
        "plimsoll",
        &[
            "plimsoll-attest",
            "plimsoll-ledger",
            "plimsoll-model",
            "plimsoll-oci",
            "plimsoll-policy",
            "plimsoll-sbom",
            "plimsoll-vuln",
        ],
    ),
    ("xtask", &[]),
];

/// Folders in which each file is one thing of a kind, listed by the macro of the module.
const REGISTRIES: &[&str] = &[
    "attest/src/builders",
    "attest/src/predicates",
    "attest/src/signers",
    "cli/src/report",
    "policy/src/rules",
    "sbom/src/catalogers",
    "sbom/src/formats",
    "vuln/src/versions",
];

/// What a reader holds in the head, in lines.
const LONGEST_FILE: usize = 600;

/// Files that are longer, each with the reason why cutting it would make it worse.
const LONG_FILES: &[(&str, &str)] =
    &[("oci/src/error.rs", "one enum with its classes and hints: a table, looked up by name")];

/// Fails with every flaw at once: one run shows all there is to mend.
#[track_caller]
pub(crate) fn assert_none(flaws: &[String]) {
    let mut list = String::new();
    for flaw in flaws {
        write!(list, "\n  {flaw}").unwrap();
    }
    assert!(flaws.is_empty(), "{} to mend:{list}", flaws.len());
}

/// Every file that is or could be committed, with its text; binary files are left out.
pub(crate) fn files() -> Vec<(Utf8PathBuf, String)> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let listed = run(&mut git).expect_status(0).stdout;
    let paths: BTreeSet<&str> = listed.split_terminator('\0').collect();
    let texts = paths
        .into_iter()
        .filter_map(|path| Some((path.into(), fs::read_to_string(root().join(path)).ok()?)));
    texts.collect()
}

mod edges {
    use super::*;

    #[test]
    fn crates_depend_on_each_other_as_drawn() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut cargo = Command::new(cargo);
        cargo
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root());
        let metadata = serde_json::from_str(&run(&mut cargo).expect_status(0).stdout).unwrap();
        assert_none(&flaws(&metadata));
    }

    fn flaws(metadata: &Value) -> Vec<String> {
        let expected: BTreeMap<&str, BTreeSet<&str>> =
            EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
        let packages = metadata["packages"].as_array().expect("metadata lists packages");
        let found: BTreeMap<&str, BTreeSet<&str>> = packages
            .iter()
            .map(|package| (package["name"].as_str().unwrap(), ours(package)))
            .collect();
        if found == expected {
            Vec::new()
        } else {
            vec![format!("found {found:?}, drawn {expected:?}")]
        }
    }

    /// The crates of ours that a package builds on, for its tests too.
    fn ours(package: &Value) -> BTreeSet<&str> {
        let names = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dependency| dependency["name"].as_str());
        names.flatten().filter(|name| EDGES.iter().any(|(ours, _)| ours == name)).collect()
    }

    #[test]
    fn an_edge_between_siblings_is_found() {
        let drawn: Vec<Value> = EDGES.iter().map(|(name, edges)| package(name, edges)).collect();
        assert_none(&flaws(&serde_json::json!({ "packages": drawn })));
        let mut more = drawn;
        more[2] = package("plimsoll-sbom", &["plimsoll-model", "plimsoll-oci"]);
        assert_eq!(flaws(&serde_json::json!({ "packages": more })).len(), 1);
    }

    fn package(name: &str, edges: &[&str]) -> Value {
        let dependencies: Vec<Value> =
            edges.iter().map(|name| serde_json::json!({ "name": name })).collect();
        serde_json::json!({ "name": name, "dependencies": dependencies })
    }
}

mod registries {
    use super::*;

    #[test]
    fn every_file_of_a_registry_is_listed_and_tested() {
        let files = files();
        let flaws: Vec<String> = REGISTRIES
            .iter()
            .flat_map(|folder| flaws(folder, module(&files, folder), &inside(&files, folder)))
            .collect();
        assert_none(&flaws);
    }

    /// The text of the module that `folder` belongs to.
    fn module<'a>(files: &'a [(Utf8PathBuf, String)], folder: &str) -> &'a str {
        let names = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        let module = files.iter().find(|(path, _)| names.iter().any(|name| path == name));
        module.map_or("", |(_, text)| text)
    }

    /// Name and text of the files in `folder`, the module itself left out.
    fn inside<'a>(files: &'a [(Utf8PathBuf, String)], folder: &str) -> Vec<(&'a str, &'a str)> {
        let inside =
            files.iter().filter(|(path, _)| path.parent().is_some_and(|parent| parent == folder));
        let named = inside.map(|(path, text)| (path.file_stem().unwrap(), text.as_str()));
        named.filter(|(stem, _)| *stem != "mod").collect()
    }

    /// Files of `folder` that `module` neither lists nor declares, that are listed twice, or that no test covers.
    fn flaws(folder: &str, module: &str, files: &[(&str, &str)]) -> Vec<String> {
        let listed = listed(module);
        let mut flaws = Vec::new();
        for (stem, text) in files {
            match listed.iter().filter(|name| name == &stem).count() {
                0 if is_declared(module, stem) => {}
                0 => flaws.push(format!("{folder}/{stem}.rs is not listed in its module")),
                1 if text.contains("#[test]") => {}
                1 => flaws.push(format!("{folder}/{stem}.rs has no test")),
                _ => flaws.push(format!("{folder}/{stem}.rs is listed twice")),
            }
        }
        flaws
    }

    /// The names in every `kind! { a, b }` of a module.
    fn listed(module: &str) -> Vec<&str> {
        let code = module.lines().map(|line| line.split("//").next().unwrap_or(line).trim());
        let mut names = Vec::new();
        let mut is_inside = false;
        for line in code {
            if line.ends_with("! {") && !line.starts_with("macro_rules!") {
                is_inside = true;
            } else if line.starts_with('}') {
                is_inside = false;
            } else if is_inside {
                names.extend(line.split(',').map(str::trim).filter(|name| !name.is_empty()));
            }
        }
        names
    }

    fn is_declared(module: &str, stem: &str) -> bool {
        module.lines().any(|line| {
            line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ")
                == format!("mod {stem};")
        })
    }

    #[test]
    fn a_file_that_is_not_listed_or_not_tested_is_found() {
        let module = "mod shared;\nmacro_rules! rules {\n($($m:ident),*) => {}\n}\nrules! {\n    one, // the first\n    two,\n}\n";
        let tested = "#[test]\nfn holds() {}";
        assert_none(&flaws("rules", module, &[("one", tested), ("two", tested), ("shared", "")]));
        assert_eq!(
            flaws("rules", module, &[("three", tested)]),
            ["rules/three.rs is not listed in its module"]
        );
        assert_eq!(
            flaws("rules", module, &[("two", "fn holds() {}")]),
            ["rules/two.rs has no test"]
        );
        assert_eq!(
            flaws("rules", "rules! {\n    one, one,\n}", &[("one", tested)]),
            ["rules/one.rs is listed twice"]
        );
    }
}

mod texts {
    use super::*;

    /// Rust that may not be written: what, and what to write in its place.
    const FORBIDDEN: &[(&str, &str)] = &[
        (concat!("#[", "allow("), "say `#[expect(lint, reason = \"…\")]`"),
        (concat!("#![", "allow("), "say `#![expect(lint, reason = \"…\")]`"),
        (concat!("#[", "ignore"), "a test that does not run shows nothing"),
        (concat!("thread::", "sleep("), "wait for what happens, not for time to pass"),
    ];

    #[test]
    fn nothing_is_said_that_should_not_be() {
        assert_none(&files().iter().flat_map(|(path, text)| flaws(path, text)).collect::<Vec<_>>());
    }

    fn flaws(path: &Utf8Path, text: &str) -> Vec<String> {
        let mut flaws = Vec::new();
        let is_rust = path.extension() == Some("rs");
        for (line, number) in text.lines().zip(1..) {
            let mut flaw = |what: &str| flaws.push(format!("{path}:{number}: {what}"));
            if is_undated(line) {
                flaw("what is to be done carries the number of its issue");
            }
            if names_a_machine(line) {
                flaw("a path of somebody's machine");
            }
            for (_, instead) in FORBIDDEN.iter().filter(|(what, _)| is_rust && line.contains(what))
            {
                flaw(instead);
            }
        }
        flaws
    }

    /// Whether the line leaves something to be done without saying where that is tracked.
    fn is_undated(line: &str) -> bool {
        let mark = concat!("TO", "DO");
        line.split_once(mark).is_some_and(|(before, after)| {
            let is_quoted_or_word = |before: char| before == '`' || before.is_alphanumeric();
            let is_word =
                !before.ends_with(is_quoted_or_word) && !after.starts_with(char::is_alphanumeric);
            let numbered = after.split_once('#').is_some_and(|(_, number)| {
                number.starts_with(|digit: char| digit.is_ascii_digit())
            });
            is_word && !numbered
        })
    }

    /// Whether the line names the folder in which this repository was once checked out.
    fn names_a_machine(line: &str) -> bool {
        let folder = concat!("/wo", "rk/");
        let is_inside_a_path = |before: char| before.is_alphanumeric() || "._-}".contains(before);
        line.match_indices(folder)
            .any(|(at, _)| !line.get(..at).is_some_and(|before| before.ends_with(is_inside_a_path)))
    }

    #[test]
    fn each_of_them_is_found() {
        let check = |path: &str, text: &str| flaws(path.into(), text).len();
        assert_eq!(check("a.md", concat!("see /wo", "rk/main")), 1);
        assert_eq!(check("a.md", concat!("/home/runner/wo", "rk/app")), 0);
        assert_eq!(check("a.rs", concat!("// TO", "DO: later")), 1);
        assert_eq!(check("a.rs", concat!("// TO", "DO(#12): later")), 0);
        assert_eq!(check("a.md", concat!("`TO", "DO` has a number")), 0);
        for (what, _) in FORBIDDEN {
            assert_eq!(check("a.rs", &format!("    {what}dead_code)]")), 1, "{what}");
        }
    }
}

mod lengths {
    use super::*;

    #[test]
    fn no_file_is_longer_than_a_reader_can_hold() {
        let files = files();
        let rust = files.iter().filter(|(path, _)| path.extension() == Some("rs"));
        let lengths: Vec<_> = rust
            .filter(|(path, _)| path.file_stem() != Some("tests"))
            .map(|(path, text)| (path.as_str(), length(text)))
            .collect();
        assert_none(&flaws(&lengths, LONG_FILES));
    }

    /// Lines up to the tests at the end: those are read one at a time.
    fn length(text: &str) -> usize {
        text.lines().take_while(|line| *line != "mod tests {").count()
    }

    fn flaws(files: &[(&str, usize)], exceptions: &[(&str, &str)]) -> Vec<String> {
        let mut excused: BTreeSet<&str> = exceptions.iter().map(|(path, _)| *path).collect();
        let mut flaws = Vec::new();
        for (path, lines) in files.iter().filter(|(_, lines)| *lines > LONGEST_FILE) {
            if !excused.remove(path) {
                flaws.push(format!("{path} has {lines} lines, more than {LONGEST_FILE}: is there a noun hiding in it?"));
            }
        }
        flaws.extend(
            excused.iter().map(|path| format!("{path} is no longer long: drop its exception")),
        );
        flaws
    }

    #[test]
    fn a_long_file_and_a_needless_exception_are_found() {
        let check = |lines, exceptions| flaws(&[("a.rs", lines)], exceptions).len();
        assert_eq!(check(LONGEST_FILE, &[]), 0);
        assert_eq!(check(LONGEST_FILE + 1, &[]), 1);
        assert_eq!(check(LONGEST_FILE + 1, &[("a.rs", "a table")]), 0);
        assert_eq!(check(LONGEST_FILE, &[("a.rs", "a table")]), 1);
        assert_eq!(length("fn a() {}\n\nmod tests {\n    fn b() {}\n}\n"), 2);
    }
}

mod pages {
    use super::*;

    #[test]
    fn every_path_that_a_page_names_is_there() {
        let files = files();
        let paths: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let pages = files
            .iter()
            .filter(|(path, _)| path.extension() == Some("md") && path.components().count() == 1);
        let is_there = |path: &str| root().join(path).exists();
        assert_none(
            &pages
                .flat_map(|(page, text)| flaws(page, text, &top(&paths), is_there))
                .collect::<Vec<_>>(),
        );
    }

    /// The folders at the top of the repository.
    fn top<'a>(paths: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        paths.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect()
    }

    /// Words in backticks that begin with a folder of ours, or are pages at the top, and lead nowhere.
    fn flaws(
        page: &Utf8Path,
        text: &str,
        top: &BTreeSet<&str>,
        is_there: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut flaws = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            for word in line.split('`').skip(1).step_by(2) {
                let is_plain =
                    word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
                let is_ours = word.split_once('/').is_some_and(|(first, _)| top.contains(first));
                let is_page = word
                    .strip_suffix(".md")
                    .is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase()));
                if is_plain && (is_ours || is_page) && !is_there(word) {
                    flaws.push(format!("{page}:{number}: there is no `{word}`"));
                }
            }
        }
        flaws
    }

    #[test]
    fn a_path_that_leads_nowhere_is_found() {
        let top = BTreeSet::from(["oci", "tests"]);
        let check = |text: &str| {
            flaws("README.md".into(), text, &top, |path| path == "oci/src/lib.rs").len()
        };
        assert_eq!(
            check("see `oci/src/lib.rs`, `docker.io/library/node` and `oci/src/<name>.rs`"),
            0
        );
        assert_eq!(check("see `oci/src/gone.rs`"), 1);
        assert_eq!(check("see `GONE.md` and `notes.md`"), 1);
    }
}

mod links {
    use super::*;

    #[test]
    fn every_link_of_a_page_leads_somewhere() {
        let pages: BTreeMap<Utf8PathBuf, String> =
            files().into_iter().filter(|(path, _)| path.extension() == Some("md")).collect();
        assert!(pages.contains_key(Utf8Path::new("docs/README.md")));
        let is_there = |path: &Utf8Path| root().join(path).exists();
        let flaws = pages.iter().flat_map(|(page, text)| flaws(page, text, &pages, is_there));
        assert_none(&flaws.collect::<Vec<_>>());
    }

    /// Relative links to files that are not there, or to headings that the page does not have.
    fn flaws(
        page: &Utf8Path,
        text: &str,
        pages: &BTreeMap<Utf8PathBuf, String>,
        is_there: impl Fn(&Utf8Path) -> bool,
    ) -> Vec<String> {
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        let ours = links.filter(|link| !link.contains("://"));
        let leads_nowhere = |link: &str| {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.to_owned() } else { beside(page, file) };
            let has_heading = || {
                pages.get(&target).is_some_and(|text| headings(text).any(|found| found == heading))
            };
            !is_there(&target) || !heading.is_empty() && !has_heading()
        };
        ours.filter(|link| leads_nowhere(link))
            .map(|link| format!("{page}: `{link}` leads nowhere"))
            .collect()
    }

    /// A path that is meant from the folder of a page.
    fn beside(page: &Utf8Path, link: &str) -> Utf8PathBuf {
        let mut path = page.parent().unwrap_or(Utf8Path::new("")).to_owned();
        for part in link.split('/') {
            if part == ".." {
                path.pop();
            } else {
                path.push(part);
            }
        }
        path
    }

    /// The headings of a page as links name them.
    fn headings(text: &str) -> impl Iterator<Item = String> {
        text.lines().filter(|line| line.starts_with('#')).map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            words.chars().filter(|char| char.is_alphanumeric() || "-_".contains(*char)).collect()
        })
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let pages = BTreeMap::from([(Utf8PathBuf::from("docs/b.md"), "## Two words".to_owned())]);
        let check = |text: &str| {
            flaws("docs/guide/a.md".into(), text, &pages, |path| path == "docs/b.md").len()
        };
        assert_eq!(check("[b](../b.md#two-words), [elsewhere](https://b.md)"), 0);
        assert_eq!(check("[b](b.md) and [b](../b.md#three)"), 2);
    }
}

#[test]
fn scripts_pass_shellcheck() {
    let Some(shellcheck) = oracle("shellcheck") else { return };
    let sandbox = sandbox();
    let files = files();
    let scripts: Vec<_> = files
        .iter()
        .filter(|(_, text)| text.starts_with("#!/usr/bin/env bash"))
        .map(|(path, _)| root().join(path))
        .collect();
    assert!(!scripts.is_empty());
    run(sandbox.command(&shellcheck).args(scripts)).expect_status(0);
    let twin = sandbox.write("twin", "#!/usr/bin/env bash\nrm -r $1/*\n");
    run(sandbox.command(&shellcheck).arg(twin)).expect_status(1);
}
