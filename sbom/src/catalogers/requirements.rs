//! Python distributions, from `requirements.txt` and files with similar names.
//!
//! Format: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>. Only `==` and `===` say which version is meant.
//! What is installed answers a requirement that does not say.

use super::{Cataloger, Context, Files, Found};
use crate::{
    origin::Origin,
    python::{self, Installed, requirement::Requirement},
};
use plimsoll_model::{
    TreePath,
    component::{Hash, Scope},
    inventory::Coverage,
    tree::{Entry, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "requirements",
    description: "Python packages in requirements.txt and similar files",
    files: &[Files::Ending(".txt")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

fn want(path: &TreePath, size: u64, mode: u32) -> Want {
    let text = String::from_utf8_lossy(path.as_bytes()).to_ascii_lowercase();
    let (above, name) = text.rsplit_once('/').unwrap_or(("", &text));
    let is_named = name.contains("requirements");
    let is_among = above.rsplit('/').next() == Some("requirements");
    if is_named || is_among { python::want_lock(path, size, mode) } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    python::each(ctx, |site, entry, bytes, found| {
        let ctx = site.ctx;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let file = File { ctx, entry, scope: scope(entry), installed: &site.installed };
        let mut broken = None;
        for line in logical_lines(text) {
            if !file.add(&line, found) {
                broken = broken.or(Some(line));
            }
        }
        // Prose of that name has many such lines, and one says it.
        if let Some(line) = broken {
            ctx.note(found, entry, format!("this is no requirement: `{line}`"));
        }
    })
}

/// What the requirements of a file are for, by its name.
fn scope(entry: &Entry) -> Scope {
    const WORDS: [&str; 7] = ["dev", "develop", "development", "test", "tests", "doc", "docs"];
    let name = String::from_utf8_lossy(entry.path.file_name()).to_ascii_lowercase();
    let mut words = name.split(|char: char| !char.is_ascii_alphanumeric());
    if words.any(|word| WORDS.contains(&word)) { Scope::Development } else { Scope::Required }
}

/// Lines without comments, and with those joined that a backslash continues.
fn logical_lines(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut whole = String::new();
        for line in lines.by_ref() {
            let line = without_comment(line);
            if let Some(line) = line.strip_suffix('\\') {
                whole.push_str(line);
                whole.push(' ');
                continue;
            }
            whole.push_str(line);
            return Some(whole);
        }
        (!whole.is_empty()).then_some(whole)
    })
    .map(|line| line.trim().to_owned())
    .filter(|line| !line.is_empty())
}

/// A comment begins a line, or stands behind a space.
fn without_comment(line: &str) -> &str {
    let line = line.trim_end();
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split_once(" #").map_or(line, |(line, _)| line.trim_end())
}

/// What the requirements of one file have in common.
struct File<'a> {
    ctx: &'a Context<'a>,
    entry: &'a Entry,
    scope: Scope,
    installed: &'a Installed,
}

impl File<'_> {
    /// Adds what a line requires. `false` where it makes no sense.
    fn add(&self, line: &str, found: &mut Found) -> bool {
        if let Some(option) = line.strip_prefix('-') {
            self.option(option, found);
            return true;
        }
        // Options of a requirement: `--hash=sha256:…`, several times.
        let (line, options) = line.split_once(" --").unwrap_or((line, ""));
        let hashes: Vec<_> = options
            .split_whitespace()
            .filter_map(|option| {
                python::hash(option.trim_start_matches("--").strip_prefix("hash=")?)
            })
            .collect();
        if let Some(requirement) = Requirement::parse(line) {
            let origin = requirement.url.and_then(python::origin);
            let of_url = requirement.url.and_then(wheel).map(|(_, version)| version);
            let identity = (requirement.name, requirement.pin().or(of_url));
            self.component(identity, origin.as_ref(), &hashes, found);
            return true;
        }
        self.address(line, &hashes, found)
    }

    /// What a line requires that names no package but where it is. `false` where it names nothing.
    fn address(&self, line: &str, hashes: &[Hash], found: &mut Found) -> bool {
        let address = line.split_once(" ;").map_or(line, |(address, _)| address).trim();
        let is_path = address.starts_with(['.', '/']) || wheel(address).is_some();
        if !is_path && !address.contains("://") {
            return false;
        }
        let egg = address.split_once("egg=").map(|(_, egg)| {
            let end = egg.find(['&', '[', '=']).unwrap_or(egg.len());
            (egg.get(..end).unwrap_or(egg), None)
        });
        let wheel = wheel(address).map(|(name, version)| (name, Some(version)));
        let origin = python::origin(address);
        if let Some(identity) = egg.or(wheel).filter(|(name, _)| !name.is_empty()) {
            self.component(identity, origin.as_ref(), hashes, found);
        } else {
            let reason = format!("`{line}` is required, which does not say what package it is");
            self.ctx.note(found, self.entry, reason);
        }
        true
    }

    fn component(
        &self,
        (name, version): (&str, Option<&str>),
        origin: Option<&Origin>,
        hashes: &[Hash],
        found: &mut Found,
    ) {
        let is_answered = version.is_none() && origin.is_none() && self.installed.has(name);
        let is_left_out = self.scope != Scope::Required && self.installed.lacks(name);
        if is_answered || is_left_out {
            return;
        }
        let id = python::add(self.ctx, found, self.entry, (name, version), origin);
        if let Some(component) = id.and_then(|id| found.at(id)) {
            component.scope = self.scope;
            component.hashes = hashes.to_vec();
        }
    }

    /// Takes an option of its own line: other files are told of unless they are read by themselves.
    fn option(&self, option: &str, found: &mut Found) {
        let (name, value) = match option.strip_prefix('-') {
            Some(long) => {
                let end = long.find([' ', '=']).unwrap_or(long.len());
                long.split_at_checked(end).unwrap_or((long, ""))
            }
            // One letter, and its value may follow at once.
            None => option.split_at_checked(1).unwrap_or((option, "")),
        };
        let value = value.trim_start_matches(['=', ' ']).trim();
        match name {
            "e" | "editable" if !self.address(value, &[], found) => {
                let reason = format!("`{value}` is required, which is developed elsewhere");
                self.ctx.note(found, self.entry, reason);
            }
            "r" | "requirement" | "c" | "constraint" if !self.is_read(value) => {
                let reason = format!("it includes `{value}`, which was not read");
                self.ctx.note(found, self.entry, reason);
            }
            _ => {}
        }
    }

    /// Whether another file is among those that are wanted.
    fn is_read(&self, path: &str) -> bool {
        let directory = self.entry.path.parent().unwrap_or_default();
        let mut parts: Vec<&[u8]> = directory.as_bytes().split(|byte| *byte == b'/').collect();
        for part in path.split('/') {
            match part {
                ".." if parts.pop().is_none() => return false,
                ".." => {}
                part => parts.push(part.as_bytes()),
            }
        }
        let path = TreePath::parse(&parts.join(&b'/'));
        path.is_ok_and(|path| self.ctx.files.binary_search_by(|file| file.path.cmp(&path)).is_ok())
    }
}

/// Name and version in the name of a wheel: `NAME-VERSION-TAGS.whl`.
fn wheel(address: &str) -> Option<(&str, &str)> {
    let address = address.split(['#', '?']).next()?;
    let file = address.rsplit('/').next()?.strip_suffix(".whl")?;
    let (name, rest) = file.split_once('-')?;
    let version = rest.split('-').next()?;
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const FILE: &str = "requirements: /srv/requirements.txt: ";
    const PROD: &str = "requirements: /srv/requirements/prod.txt: ";
    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/requirements.txt", text).lines(), expect);
    }

    fn is_wanted(path: &str) -> bool {
        want(&TreePath::parse(path.as_bytes()).unwrap(), 0, 0) == Want::Content
    }

    #[test]
    fn files_by_many_names() {
        for path in [
            "requirements.txt",
            "srv/requirements-dev.txt",
            "srv/dev_Requirements.txt",
            "srv/requirements/base.txt",
        ] {
            assert!(is_wanted(path), "{path}");
        }
        for path in [
            "srv/requirements/a/b.txt",
            "usr/lib/python3/dist-packages/a/requirements.txt",
            "srv/notes.txt",
        ] {
            assert!(!is_wanted(path), "{path}");
        }
    }

    #[test]
    fn pins_extras_markers_and_hashes() {
        let text = format!(
            "\u{feff}# made by hand\r\n--index-url https://example.com/simple\r\n\
             Flask[async] == 3.0.0 ; python_version > '3' \\\r\n    --hash=sha256:{HEX} \\\r\n    \
             --hash=sha256:{HEX}  # via app\r\nsix===1.16.0#x\r\n\r\n"
        );
        let tree = TestTree::new().file("requirements.txt", text);
        assert_eq!(tree.lines(), ["pkg:pypi/flask@3.0.0", "pkg:pypi/six@1.16.0%23x"]);
        assert_eq!(tree.catalog().components()[0].hashes[0].hex, HEX);
    }

    #[test]
    fn what_is_not_pinned_is_an_unknown_unless_it_is_installed() {
        let text = "six>=1\nflask\n";
        check(
            text,
            &[
                "pkg:pypi/flask",
                "pkg:pypi/six",
                &format!("{FILE}package `flask` states no version"),
                &format!("{FILE}package `six` states no version"),
            ],
        );
        let metadata = "Name: six\nVersion: 1.16.0\n";
        let tree = TestTree::new()
            .file("srv/requirements.txt", text)
            .file("srv/requirements-dev.txt", "six\npytest==8.0.0\n")
            .file("venv/six-1.16.0.dist-info/METADATA", metadata);
        let unknown = format!("{FILE}package `flask` states no version");
        assert_eq!(tree.lines(), ["pkg:pypi/flask", "pkg:pypi/six@1.16.0", &unknown]);
    }

    #[test]
    fn what_is_for_development_says_so_in_the_name_of_the_file() {
        let tree = TestTree::new().file("requirements/test.txt", "pytest==8.0.0\n");
        assert_eq!(tree.catalog().components()[0].scope, Scope::Development);
        let tree = TestTree::new().file("requirements/latest.txt", "pytest==8.0.0\n");
        assert_eq!(tree.catalog().components()[0].scope, Scope::Required);
    }

    #[test]
    fn addresses_and_paths() {
        check(
            "a @ git+https://example.com/a.git@v1\n\
             git+https://example.com/b.git@v1#egg=b&subdirectory=x\n\
             https://user:token@example.com/c-1.0-py3-none-any.whl ; x\n\
             -e git+https://example.com/d.git#egg=d\n\
             ./e-2.0-py3-none-any.whl\n\
             -e .\n./lib\n",
            &[
                "pkg:pypi/a?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fa.git%40v1",
                "pkg:pypi/b?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fb.git%40v1",
                "pkg:pypi/c@1.0?download_url=https:%2F%2Fexample.com%2Fc-1.0-py3-none-any.whl",
                "pkg:pypi/d?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fd.git",
                "pkg:pypi/e@2.0?download_url=file:.%2Fe-2.0-py3-none-any.whl",
                &format!("{FILE}`./lib` is required, which does not say what package it is"),
                &format!("{FILE}`.` is required, which does not say what package it is"),
                &format!("{FILE}package `a` states no version"),
                &format!("{FILE}package `b` states no version"),
                &format!("{FILE}package `d` states no version"),
            ],
        );
    }

    #[test]
    fn files_that_are_included() {
        let tree = TestTree::new()
            .file("srv/requirements/base.txt", "six==1.16.0\n")
            .file(
                "srv/requirements/prod.txt",
                "-r base.txt\n-rbase.txt\n--requirement=base.txt\n-r ../requirements/./base.txt\n-c bounds.txt\n-r ../../../x\n",
            );
        assert_eq!(
            tree.lines(),
            [
                "pkg:pypi/six@1.16.0",
                &format!("{PROD}it includes `../../../x`, which was not read"),
                &format!("{PROD}it includes `bounds.txt`, which was not read"),
            ]
        );
    }

    #[test]
    fn prose_is_one_unknown() {
        check(
            "The system shall work.\nIt shall be fast.\nsix==1\n-e\n\0\n",
            &[
                "pkg:pypi/six@1",
                "requirements: /srv/requirements.txt: `` is required, which is developed elsewhere",
                "requirements: /srv/requirements.txt: this is no requirement: `The system shall work.`",
            ],
        );
        let lines = TestTree::new().file("requirements.txt", b"\xff\xfes\0").lines();
        assert!(lines[0].starts_with("requirements: /requirements.txt: malformed: "));
        let long = format!("a\\\n{}", "\\\n".repeat(100_000));
        assert_eq!(TestTree::new().file("requirements.txt", long).lines().len(), 2);
    }
}
