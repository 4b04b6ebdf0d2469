//! Go modules whose packages were copied into a source tree, from `vendor/modules.txt`.
//!
//! Format: <https://go.dev/ref/mod#vendoring>.

use super::{Cataloger, Context, Files, Found};
use crate::golang::{Module, add, replacement};
use plimsoll_model::{TreePath, inventory::Coverage, tree::Want};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "go-vendor",
    description: "Go modules in vendor/modules.txt",
    files: &[Files::Named("modules.txt")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_vendored = path.parent().is_some_and(|directory| directory.file_name() == b"vendor");
    if is_vendored { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let text = String::from_utf8_lossy(bytes);
        let mut is_list = false;
        for line in text.lines().map(str::trim) {
            // `## ` says more of the module, or of the workspace; what has no `#` is a package of it.
            let Some(rest) = line.strip_prefix("# ") else {
                is_list |= line.starts_with("## workspace");
                continue;
            };
            let words: Vec<&str> = rest.split_whitespace().collect();
            match Line::of(&words) {
                Line::Module(module) => {
                    add(ctx, entry, module, found);
                }
                Line::Replacement => {}
                Line::Odd => {
                    let line: String = line.chars().take(100).collect();
                    ctx.note(found, entry, format!("the line `{line}` is not understood"));
                }
            }
            is_list = true;
        }
        if !is_list {
            ctx.note(found, entry, "no module is listed");
        }
    })
}

/// What a line says.
enum Line<'a> {
    /// That a module is there.
    Module(Module<'a>),
    /// What `go.mod` would have a module replaced by; those that are there are listed with it.
    Replacement,
    /// Something else.
    Odd,
}

impl<'a> Line<'a> {
    fn of(words: &[&'a str]) -> Self {
        let is_version = |word: &str| word.starts_with('v');
        match words {
            [path, version] if is_version(version) => Self::Module((path, Some(version))),
            [path, version, "=>", by, rest @ ..] if is_version(version) => {
                let by = (*by, rest.first().copied());
                Self::Module(replacement((path, Some(version)), by))
            }
            [_, "=>", _, ..] => Self::Replacement,
            _ => Self::Odd,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LIST: &str = "## workspace\n\
        # example.com/one v1.0.0\n## explicit; go 1.21\nexample.com/one/a\nexample.com/one/b\n\
        # example.com/fork v1.1.0 => example.com/ours v1.1.1\nexample.com/fork\n\
        # example.com/local v0.0.0 => ../local\nexample.com/local\n\
        # example.com/fork => example.com/ours v1.1.1\n";

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("src/vendor/modules.txt", text).lines(), expect);
    }

    #[test]
    fn modules_that_were_copied() {
        check(
            LIST,
            &[
                "pkg:golang/example.com/local",
                "pkg:golang/example.com/one@v1.0.0",
                "pkg:golang/example.com/ours@v1.1.1",
                "go-vendor: /src/vendor/modules.txt: package `example.com/local` states no version",
            ],
        );
    }

    #[test]
    fn lists_of_others_do_not_count() {
        let tree = TestTree::new().file("lib/modules.txt", LIST);
        assert_eq!(tree.lines(), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        let unknown = |what: &str| format!("go-vendor: /src/vendor/modules.txt: {what}");
        check("", &[&unknown("no module is listed")]);
        check("\0\u{1b}[2J", &[&unknown("no module is listed")]);
        check(
            "# a\n# a 1\n# a v1 =>\n# b v1.0.0",
            &[
                "pkg:golang/b@v1.0.0",
                &unknown("the line `# a 1` is not understood"),
                &unknown("the line `# a v1 =>` is not understood"),
                &unknown("the line `# a` is not understood"),
            ],
        );
        let hostile = format!("# {} v{}", "a/".repeat(50_000), "9".repeat(100_000));
        assert!(!TestTree::new().file("vendor/modules.txt", hostile).lines().is_empty());
    }
}
