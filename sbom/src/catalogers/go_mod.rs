//! Go modules that a module requires, from `go.mod`, with the hashes of `go.sum` beside it.
//!
//! What a requirement is replaced by is what is built; what is excluded is not required. The language version that the file
//! demands is the least that builds it, not the library that it is built with, so it is a property and no component.
//!
//! Format: <https://go.dev/ref/mod#go-mod-file>.

use super::{Cataloger, Context, Files, Found};
use crate::golang::{Module, add, add_project, replacement};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "go-mod",
    description: "Go modules in go.mod",
    files: &[Files::Named("go.mod"), Files::Named("go.sum")],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

/// What `go.sum` has of a module: a hash over the names and hashes of its files, which is that of no file.
const H1: &str = "plimsoll:go:h1";

/// Whether the main module itself needs a module.
const REQUIREMENT: &str = "plimsoll:go:requirement";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    // Go passes over these: there lie inputs of tests, and programs that write sources.
    let is_aside = |part: &[u8]| part == b"testdata" || part.starts_with(b"_");
    let is_aside = path.as_bytes().split(|byte| *byte == b'/').any(is_aside);
    if is_aside { Want::Nothing } else { Want::Content }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if entry.path.file_name() == b"go.sum" {
            let module = entry.path.parent().and_then(|path| path.join("go.mod").ok());
            if module.is_none_or(|path| ctx.tree.resolve(&path).is_err()) {
                ctx.note(
                    found,
                    entry,
                    "there is no `go.mod` beside it that tells what is required",
                );
            }
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let file = File::parse(&text, |line| {
            let line: String = line.chars().take(100).collect();
            ctx.note(found, entry, format!("the line `{line}` is not understood"));
        });
        if file.module.is_none() {
            ctx.note(found, entry, "no module is named");
        }
        let sums = sums(ctx, entry, found);
        modules(ctx, entry, (&file, &sums), found);
    })
}

/// What a `go.mod` says.
#[derive(Default)]
struct File<'a> {
    module: Option<&'a str>,
    go: Option<&'a str>,
    toolchain: Option<&'a str>,
    /// Path, version, and whether it is marked as needed by others only.
    required: Vec<(&'a str, &'a str, Requirement)>,
    /// By path, and version unless it holds for all.
    replaced: BTreeMap<Module<'a>, Module<'a>>,
}

#[derive(Clone, Copy)]
enum Requirement {
    Direct,
    Indirect,
}

impl<'a> File<'a> {
    fn parse(text: &'a str, mut odd: impl FnMut(&str)) -> Self {
        let mut file = Self::default();
        let mut block = None;
        for line in text.lines().map(str::trim) {
            let (code, comment) = line.split_once("//").unwrap_or((line, ""));
            let words: Vec<&str> = code.split_whitespace().map(unquoted).collect();
            let (directive, rest) = match (words.as_slice(), block) {
                ([], _) => continue,
                ([")"], Some(_)) => {
                    block = None;
                    continue;
                }
                ([verb, "("], None) => {
                    block = Some(*verb);
                    continue;
                }
                (words, Some(verb)) => (verb, words),
                ([verb, rest @ ..], None) => (*verb, rest),
            };
            if file.take(directive, rest, comment).is_none() {
                odd(line);
            }
        }
        if block.is_some() {
            odd("(");
        }
        file
    }

    /// Takes in a directive; `None` when there is no such.
    fn take(&mut self, directive: &str, words: &[&'a str], comment: &str) -> Option<()> {
        match (directive, words) {
            ("module", [path]) => self.module = Some(path),
            ("go", [version]) => self.go = Some(version),
            ("toolchain", [name]) => self.toolchain = Some(name),
            ("require", [path, version]) => {
                let is_indirect = comment.trim().starts_with("indirect");
                let kind = if is_indirect { Requirement::Indirect } else { Requirement::Direct };
                self.required.push((path, version, kind));
            }
            ("replace", [path, "=>", by]) => self.replace((path, None), (by, None)),
            ("replace", [path, "=>", by, new]) => self.replace((path, None), (by, Some(new))),
            ("replace", [path, old, "=>", by]) => self.replace((path, Some(old)), (by, None)),
            ("replace", [path, old, "=>", by, new]) => {
                self.replace((path, Some(old)), (by, Some(new)));
            }
            ("exclude" | "retract" | "tool" | "godebug" | "ignore", _) => {}
            _ => return None,
        }
        Some(())
    }

    fn replace(&mut self, old: Module<'a>, new: Module<'a>) {
        self.replaced.insert(old, new);
    }

    /// What is built where a module is required. The content of a directory has no version.
    fn built(&self, path: &'a str, version: &'a str) -> Module<'a> {
        let exact = self.replaced.get(&(path, Some(version)));
        let by = exact.or_else(|| self.replaced.get(&(path, None)));
        by.map_or((path, Some(version)), |by| replacement((path, Some(version)), *by))
    }
}

fn unquoted(word: &str) -> &str {
    let quoted = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('`')).unwrap_or(word)
}

/// The hashes of modules in `go.sum`, by path and version.
fn sums(ctx: &Context<'_>, entry: &Entry, found: &mut Found) -> BTreeMap<(String, String), String> {
    let path = entry.path.parent().and_then(|path| path.join("go.sum").ok());
    let Some(sum) = path.and_then(|path| ctx.tree.entry(&path)) else { return BTreeMap::new() };
    let Some(bytes) = ctx.read(&sum, ctx.limits.package_metadata, found) else {
        return BTreeMap::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(path), Some(version), Some(hash)) if hash.starts_with("h1:") => {
                sums.insert((path.to_owned(), version.to_owned()), hash.to_owned());
            }
            _ => {
                let line: String = line.chars().take(100).collect();
                ctx.note(found, &sum, format!("the line `{line}` is not understood"));
            }
        }
    }
    sums
}

/// The module in whose directory of the module cache a file lies: others downloaded it, and what it requires may be elsewhere.
fn cached(path: &TreePath) -> Option<String> {
    let directory = format!("{}", path.parent()?);
    let (_, module) = directory.split_once("/pkg/mod/")?;
    let (_, version) = module.rsplit_once('@')?;
    (!version.contains('/')).then(|| version.to_owned())
}

fn modules(
    ctx: &Context<'_>,
    entry: &Entry,
    (file, sums): (&File<'_>, &BTreeMap<(String, String), String>),
    found: &mut Found,
) {
    let cached = cached(&entry.path);
    // Go's own sources are released as a whole.
    let main = file.module.filter(|path| !matches!(*path, "std" | "cmd"));
    let main = main.and_then(|path| match cached.as_deref() {
        Some(version) => add(ctx, entry, (path, Some(version)), found),
        None => add_project(ctx, entry, path, found),
    });
    if let Some(component) = main.and_then(|main| found.at(main)) {
        for (name, value) in
            [("plimsoll:go:version", file.go), ("plimsoll:go:toolchain", file.toolchain)]
        {
            component.properties.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
    }
    if cached.is_some() {
        return;
    }
    for (path, version, kind) in &file.required {
        let module = file.built(path, version);
        let Some(id) = add(ctx, entry, module, found) else { continue };
        if let Some(component) = found.at(id) {
            let key = (module.0.to_owned(), module.1.unwrap_or_default().to_owned());
            component.properties.extend(sums.get(&key).map(|sum| (H1.to_owned(), sum.clone())));
            let kind = match kind {
                Requirement::Direct => "direct",
                Requirement::Indirect => "indirect",
            };
            component.properties.insert(REQUIREMENT.to_owned(), kind.to_owned());
        }
        if let Some(main) = main {
            ctx.depends(found, main, &[id]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const MOD: &str = "module example.com/acme/app // the program\n\n\
        go 1.23\ntoolchain go1.23.4\n\
        require example.com/one v1.0.0\n\
        require (\n\texample.com/two/v2 v2.1.0 // indirect\n\t\"example.com/fork\" v1.1.0\n\texample.com/local v0.0.0\n)\n\
        replace (\n\texample.com/fork v1.1.0 => example.com/ours v1.1.1\n\texample.com/local => ../local\n)\n\
        exclude example.com/one v0.9.0\n\
        retract [v0.1.0, v0.2.0]\n";

    const SUM: &str = "example.com/one v1.0.0 h1:abc=\nexample.com/one v1.0.0/go.mod h1:def=\n";

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn what_is_required_and_built() {
        let tree = TestTree::new().file("src/go.mod", MOD).file("src/go.sum", SUM);
        check(
            &tree,
            &[
                "pkg:golang/example.com/acme/app",
                "pkg:golang/example.com/local",
                "pkg:golang/example.com/one@v1.0.0",
                "pkg:golang/example.com/ours@v1.1.1",
                "pkg:golang/example.com/two/v2@v2.1.0",
                "pkg:golang/example.com/acme/app needs pkg:golang/example.com/local",
                "pkg:golang/example.com/acme/app needs pkg:golang/example.com/one@v1.0.0",
                "pkg:golang/example.com/acme/app needs pkg:golang/example.com/ours@v1.1.1",
                "pkg:golang/example.com/acme/app needs pkg:golang/example.com/two/v2@v2.1.0",
                "go-mod: /src/go.mod: package `example.com/local` states no version",
            ],
        );
        let inventory = tree.catalog();
        let property = |index: usize, name: &str| {
            inventory.components()[index].properties.get(name).cloned().unwrap_or_default()
        };
        assert_eq!(property(0, "plimsoll:go:toolchain"), "go1.23.4");
        assert_eq!(
            (property(2, H1), property(2, REQUIREMENT)),
            ("h1:abc=".to_owned(), "direct".to_owned())
        );
        assert_eq!(property(4, REQUIREMENT), "indirect");
        assert!(inventory.components().iter().all(|found| found.hashes.is_empty()));
    }

    #[test]
    fn what_others_downloaded_or_test_with_is_not_required() {
        let cached = "root/go/pkg/mod/example.com/acme/app@v1.5.0/go.mod";
        check(&TestTree::new().file(cached, MOD), &["pkg:golang/example.com/acme/app@v1.5.0"]);
        check(&TestTree::new().file("src/testdata/x/go.mod", MOD), &[]);
        check(&TestTree::new().file("src/_gen/go.mod", MOD), &[]);
        let own = "module std\nrequire golang.org/x/net v0.1.0\n";
        check(&TestTree::new().file("go/src/go.mod", own), &["pkg:golang/golang.org/x/net@v0.1.0"]);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        check(
            &TestTree::new().file("go.mod", "\n// x\n"),
            &["go-mod: /go.mod: no module is named"],
        );
        check(
            &TestTree::new().file("go.mod", "module std\nrequire (\n a v1\n b\n"),
            &[
                "pkg:golang/a@v1",
                "go-mod: /go.mod: the line `(` is not understood",
                "go-mod: /go.mod: the line `b` is not understood",
            ],
        );
        check(
            &TestTree::new().file("go.mod", "module std\nrequire a v1").file("go.sum", "a v1\n"),
            &["pkg:golang/a@v1", "go-mod: /go.sum: the line `a v1` is not understood"],
        );
        check(
            &TestTree::new().file("go.sum", "a v1 h1:x=\n"),
            &["go-mod: /go.sum: there is no `go.mod` beside it that tells what is required"],
        );
        let hostile = format!(
            "module m\nrequire {} v\u{1b}[2J\nreplace {}",
            "a/".repeat(50_000),
            "=> ".repeat(50_000)
        );
        assert!(!TestTree::new().file("go.mod", hostile).lines().is_empty());
    }
}
