//! Go modules, from what the Go linker writes into every executable.
//!
//! Format: <https://pkg.go.dev/debug/buildinfo>; how it is found in a program that passes by: `program::go`. Which packages of
//! the modules are linked in tells the table of functions: `program::pclntab`.

use super::{Cataloger, Context, Files, Found};
use crate::{
    golang,
    program::{self, BUILD_ID, Facts, GO_PACKAGES},
};
use plimsoll_model::{component::ComponentId, inventory::Coverage, tree::Entry};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "go-binary",
    description: "Go modules, and which of their packages are linked, in ELF, PE and Mach-O executables",
    files: &[Files::Any],
    earlier: &[],
    want: program::want,
    edges: Coverage::Incomplete,
    catalog,
};

/// Packages of one module; with more the list is left out, and every package may be linked.
const LONGEST_LIST: usize = 1 << 16;

fn catalog(ctx: &Context<'_>) -> Found {
    program::each(ctx, |ctx, entry, facts, found| {
        for flaw in &facts.go_flaws {
            ctx.note(found, entry, flaw);
        }
        if facts.go_version.is_none() && facts.go_flaws.is_empty() && facts.go_packages.is_some() {
            ctx.note(found, entry, "a Go program that has no build information");
        }
        if let Some(version) = facts.go_version {
            modules(ctx, entry, (version, facts), found);
        }
    })
}

/// One module of a program.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Module<'a> {
    /// What packages import it by.
    path: &'a str,
    /// What its code is of: another one, where it was replaced.
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Module<'a> {
    fn new(path: &'a str, version: Option<&'a str>) -> Self {
        Self { path, name: path, version }
    }

    /// What it was replaced by: another one, or a directory, whose content has no version.
    fn replaced(self, by: Self) -> Self {
        let is_directory = by.name.starts_with(['.', '/']);
        if is_directory { Self { version: None, ..self } } else { Self { path: self.path, ..by } }
    }
}

/// Go's own packages.
const STDLIB: &str = "stdlib";

fn modules(
    ctx: &Context<'_>,
    entry: &Entry,
    (version, facts): (&str, &Facts<'_>),
    found: &mut Found,
) {
    let library = version.split(' ').next().and_then(|version| version.strip_prefix("go"));
    let stdlib = Module::new(STDLIB, library);
    let Lines { path, main, mut needed } = lines(facts.go_modules.as_deref().unwrap_or_default());
    needed.insert(0, stdlib);
    let main = main.or_else(|| Some(Module::new(path?, None)));
    let main = main.filter(|module| !is_toolchain(module.path));
    let linked = linked(facts, path, main.iter().chain(&needed).map(|module| module.path));
    let main = main.and_then(|module| {
        let id = add(ctx, entry, (module, linked.as_ref()), found)?;
        let build_id = facts.build_id.map(|id| (BUILD_ID.to_owned(), id.to_owned()));
        found.at(id)?.properties.extend(build_id);
        Some(id)
    });
    for module in needed {
        let id = add(ctx, entry, (module, linked.as_ref()), found);
        if let Some((from, to)) = main.zip(id) {
            ctx.depends(found, from, &[to]);
        }
    }
}

/// What the lines about modules say.
#[derive(Default)]
struct Lines<'a> {
    /// The package that the program was built of.
    path: Option<&'a str>,
    main: Option<Module<'a>>,
    needed: Vec<Module<'a>>,
}

fn lines(text: &str) -> Lines<'_> {
    let mut lines = Lines::default();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let key = fields.next().unwrap_or_default();
        let module =
            fields.next().map(|name| Module::new(name, fields.next().and_then(version_of)));
        match (key, module) {
            ("path", Some(module)) => lines.path = Some(module.path),
            ("mod", module) => lines.main = module,
            ("dep", Some(module)) => lines.needed.push(module),
            ("=>", Some(module)) => {
                if let Some(replaced) = lines.needed.last_mut() {
                    *replaced = replaced.replaced(module);
                }
            }
            _ => {}
        }
    }
    lines
}

/// The linked packages of each module, by its path: a package is of the module with the longest path that it begins with,
/// and what begins with no path of a module is of the standard library. `None` if it is not known which are linked.
fn linked<'a>(
    facts: &Facts<'a>,
    main: Option<&'a str>,
    modules: impl Iterator<Item = &'a str>,
) -> Option<BTreeMap<&'a str, Vec<&'a str>>> {
    let mut linked: BTreeMap<&str, Vec<&str>> = modules.map(|path| (path, Vec::new())).collect();
    for package in facts.go_packages?.lines() {
        // The program's own package goes by another name.
        let package = if package == "main" { main.unwrap_or(package) } else { package };
        let above = package.match_indices('/').rev().filter_map(|(slash, _)| package.get(..slash));
        let module = std::iter::once(package).chain(above).find(|path| linked.contains_key(path));
        let is_of_library = || package.split('/').next().is_some_and(|first| !first.contains('.'));
        let module = module.or_else(|| is_of_library().then_some(STDLIB));
        if let Some(packages) = module.and_then(|module| linked.get_mut(module)) {
            packages.push(package);
        }
    }
    Some(linked)
}

/// Go's own commands are released with its library, which stands for them.
fn is_toolchain(path: &str) -> bool {
    path == "cmd" || path.starts_with("cmd/")
}

fn version_of(text: &str) -> Option<&str> {
    (text != "(devel)" && !text.is_empty()).then_some(text)
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (module, linked): (Module<'_>, Option<&BTreeMap<&str, Vec<&str>>>),
    found: &mut Found,
) -> Option<ComponentId> {
    let id = golang::add(ctx, entry, (module.name, module.version), found)?;
    let packages =
        linked.and_then(|linked| linked.get(module.path)).map(|packages| packages.join(","));
    let packages = packages.filter(|packages| packages.len() <= LONGEST_LIST);
    let property = packages.map(|packages| (GO_PACKAGES.to_owned(), packages));
    found.at(id)?.properties.extend(property);
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        program::testing::{pclntab, sentinels},
        testing::TestTree,
    };

    const MODULES: &str = "path\tgithub.com/Acme/app/cmd\n\
        mod\tgithub.com/Acme/app\t(devel)\t\n\
        dep\tgithub.com/a/b\tv1.2.3\th1:x=\n\
        dep\tgolang.org/x/net\tv0.1.0\n\
        =>\tgithub.com/fork/net\tv0.1.1\th1:y=\n\
        dep\tk8s.io/api\tv0.0.0\n\
        =>\t./staging/api\t(devel)\t\n\
        build\t-compiler=gc\n";

    const MAGIC: &[u8] = b"\xff Go buildinf:";

    fn varint(mut length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes
    }

    /// As Go since 1.18 writes it, without any section.
    /// Without modules there are no sentinels either.
    fn inline_binary(version: &str, modules: &str) -> Vec<u8> {
        let mut bytes = b"\x7fELF".to_vec();
        // The magic as a text of the program, not aligned.
        bytes.resize(17, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.resize(64, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[8, 2]);
        bytes.resize(96, 0);
        for text in [version.as_bytes(), &sentinels(modules)] {
            bytes.extend(varint(text.len()));
            bytes.extend_from_slice(text);
        }
        bytes
    }

    /// As Go before 1.18 wrote it: a 64-bit ELF of one segment, loaded at `BASE`.
    fn pointer_binary(version: &str, modules: &str) -> Vec<u8> {
        const BASE: u64 = 0x40_0000;
        let modules = sentinels(modules);
        let mut bytes = Vec::new();
        let words = |bytes: &mut Vec<u8>, words: &[u64]| {
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        bytes.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
        words(&mut bytes, &[0, 64, 0]);
        bytes.extend_from_slice(b"\0\0\0\0\x40\0\x38\0\x01\0\x40\0\0\0\0\0");
        bytes.extend_from_slice(b"\x01\0\0\0\x06\0\0\0");
        let length = 224 + u64::try_from(version.len() + modules.len()).unwrap();
        words(&mut bytes, &[0, BASE, BASE, length, length, 4096]);
        assert_eq!(bytes.len(), 120);
        bytes.resize(128, 0);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[8, 0]);
        words(&mut bytes, &[BASE + 160, BASE + 176]);
        let text = BASE + 192;
        let length = u64::try_from(version.len()).unwrap();
        words(&mut bytes, &[text, length, text + length, u64::try_from(modules.len()).unwrap()]);
        bytes.extend_from_slice(version.as_bytes());
        bytes.extend(modules);
        bytes.resize(bytes.len() + 32, 0);
        bytes
    }

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expect: &[&str]) {
        assert_eq!(TestTree::new().file("usr/bin/app", bytes).lines(), expect);
    }

    const EXPECT: [&str; 11] = [
        "pkg:golang/github.com/a/b@v1.2.3",
        "pkg:golang/github.com/acme/app",
        "pkg:golang/github.com/fork/net@v0.1.1",
        "pkg:golang/k8s.io/api",
        "pkg:golang/stdlib@1.22.1",
        "pkg:golang/github.com/acme/app needs pkg:golang/github.com/a/b@v1.2.3",
        "pkg:golang/github.com/acme/app needs pkg:golang/github.com/fork/net@v0.1.1",
        "pkg:golang/github.com/acme/app needs pkg:golang/k8s.io/api",
        "pkg:golang/github.com/acme/app needs pkg:golang/stdlib@1.22.1",
        "go-binary: /usr/bin/app: package `github.com/Acme/app` states no version",
        "go-binary: /usr/bin/app: package `k8s.io/api` states no version",
    ];

    #[test]
    fn texts_in_place_and_pointed_at() {
        check(inline_binary("go1.22.1", MODULES), &EXPECT);
        check(inline_binary("go1.22.1 X:loopvar", MODULES), &EXPECT);
        check(pointer_binary("go1.22.1", MODULES), &EXPECT);
    }

    #[test]
    fn packages_that_are_linked() {
        let names = [
            "main.main",
            "github.com/Acme/app/internal/x.F",
            "github.com/a/b/c.(*T).M",
            "github.com/a/b.init",
            "golang.org/x/net/http2.F[go.shape.int]",
            "net/http.(*Client).Do",
            "vendor/golang.org/x/net/idna.init",
            "example.org/of/nobody.F",
        ];
        let program = [inline_binary("go1.22.1", MODULES), pclntab(&names)].concat();
        let inventory = TestTree::new().file("usr/bin/app", program).catalog();
        let packages: Vec<_> = inventory
            .components()
            .iter()
            .map(|found| (found.name.as_str(), found.properties[GO_PACKAGES].as_str()))
            .collect();
        assert_eq!(
            packages,
            [
                ("github.com/a/b", "github.com/a/b,github.com/a/b/c"),
                ("github.com/Acme/app", "github.com/Acme/app/internal/x,github.com/Acme/app/cmd"),
                ("github.com/fork/net", "golang.org/x/net/http2"),
                ("k8s.io/api", ""),
                ("stdlib", "net/http,vendor/golang.org/x/net/idna"),
            ]
        );
    }

    #[test]
    fn what_is_not_known_to_be_linked_is_not_said_to_be_missing() {
        let whole = [inline_binary("go1.22.1", MODULES), pclntab(&["main.main"])].concat();
        for bytes in [&inline_binary("go1.22.1", MODULES), &whole[..whole.len() - 20]] {
            let inventory = TestTree::new().file("usr/bin/app", bytes).catalog();
            assert_eq!(inventory.components().len(), 5);
            for found in inventory.components() {
                assert!(!found.properties.contains_key(GO_PACKAGES), "{}", found.purl);
            }
        }
        // One program links a package, of another it is not known: nothing is known of the module.
        let tree = TestTree::new()
            .file("usr/bin/app", whole)
            .file("usr/bin/other", inline_binary("go1.22.1", MODULES));
        assert!(!tree.catalog().components()[0].properties.contains_key(GO_PACKAGES));
    }

    #[test]
    fn names_keep_their_case() {
        let tree = TestTree::new().file("usr/bin/app", inline_binary("go1.22.1", MODULES));
        assert_eq!(tree.catalog().components()[1].name, "github.com/Acme/app");
    }

    #[test]
    fn without_modules_there_is_the_library() {
        check(inline_binary("go1.17", ""), &["pkg:golang/stdlib@1.17"]);
        check(pointer_binary("go1.17", ""), &["pkg:golang/stdlib@1.17"]);
        check(inline_binary("go1.22.1", "path\tcmd/addr2line\n"), &["pkg:golang/stdlib@1.22.1"]);
        check(
            inline_binary("devel +abc", ""),
            &["pkg:golang/stdlib", "go-binary: /usr/bin/app: package `stdlib` states no version"],
        );
    }

    #[test]
    fn programs_that_are_not_go_are_nothing() {
        let mut bytes = inline_binary("go1.22.1", MODULES);
        bytes.truncate(64);
        check(&bytes, &[]);
        bytes[0] = 0;
        check(&bytes, &[]);
    }

    #[test]
    fn build_information_that_cannot_be_read_is_an_unknown() {
        const BROKEN: &str =
            "go-binary: /usr/bin/app: the build information of a Go program can not be read";
        let good = inline_binary("go1.22.1", MODULES);
        check(&good[..100], &[BROKEN]);
        let mut huge = good.clone();
        huge.splice(96..97, [0xff; 9]);
        check(&huge, &[BROKEN]);
        let mut away = pointer_binary("go1.22.1", MODULES);
        away[144..152].fill(0xff);
        check(&away, &[BROKEN]);
        // Cut after the version: the library is known, the modules are not.
        for cut in [96 + 9, good.len() - 1] {
            check(
                &good[..cut],
                &[
                    "pkg:golang/stdlib@1.22.1",
                    "go-binary: /usr/bin/app: the modules of a Go program can not be read",
                ],
            );
        }
    }
}
