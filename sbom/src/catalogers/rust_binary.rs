//! Crates that are linked into a program, as `cargo auditable` embeds them.
//!
//! Format: <https://github.com/rust-secure-code/cargo-auditable/blob/master/cargo-auditable.schema.json>.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::program::{self, BUILD_ID, Facts};
use plimsoll_model::{
    component::{ComponentId, ComponentKind, Scope},
    inventory::Coverage,
    tree::Entry,
};
use serde::Deserialize;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "rust-binary",
    description: "Rust crates in executables that were built with cargo auditable",
    files: &[Files::Any],
    earlier: &[],
    want: program::want,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
struct Document {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    /// `crates.io`, `git`, `local`, `registry`, or the address of a registry.
    #[serde(default)]
    source: String,
    /// `runtime`, unless it says `build`.
    #[serde(default)]
    kind: String,
    /// Positions.
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

fn catalog(ctx: &Context<'_>) -> Found {
    program::each(ctx, |ctx, entry, facts, found| {
        for flaw in &facts.audit_flaws {
            ctx.note(found, entry, flaw);
        }
        for document in &facts.audits {
            match parse(document) {
                Ok(document) => crates(ctx, entry, (&document, facts), found),
                Err(reason) => ctx.note(found, entry, reason),
            }
        }
    })
}

fn parse(document: &[u8]) -> Result<Document, String> {
    let json = program::inflate(document).ok_or("the dependencies can not be inflated")?;
    serde_json::from_slice(&json).map_err(|error| format!("malformed dependencies: {error}"))
}

fn crates(
    ctx: &Context<'_>,
    entry: &Entry,
    (document, facts): (&Document, &Facts<'_>),
    found: &mut Found,
) {
    let add = |package: &Package| component(ctx, entry, (package, facts), found);
    let ids: Vec<_> = document.packages.iter().map(add).collect();
    for (id, package) in ids.iter().zip(&document.packages) {
        for dependency in &package.dependencies {
            let Some(to) = ids.get(*dependency) else {
                let name = &package.name;
                let reason = format!("`{name}` depends on a crate that is not in the list");
                ctx.note(found, entry, reason);
                continue;
            };
            if let Some((from, to)) = id.zip(*to) {
                ctx.depends(found, from, &[to]);
            }
        }
    }
}

fn component(
    ctx: &Context<'_>,
    entry: &Entry,
    (package, facts): (&Package, &Facts<'_>),
    found: &mut Found,
) -> Option<ComponentId> {
    let is_address = package.source.contains("://");
    let qualifier = is_address.then_some(("repository_url", package.source.as_str()));
    let draft = Draft {
        kind: "cargo",
        namespace: None,
        name: &package.name,
        shown: &package.name,
        version: package.version.as_deref(),
        qualifiers: qualifier.as_slice(),
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    if package.kind == "build" {
        component.scope = Scope::Development;
    }
    if package.root {
        component.kind = ComponentKind::Application;
        let build_id = facts.build_id.map(|id| (BUILD_ID.to_owned(), id.to_owned()));
        component.properties.extend(build_id);
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        program::testing::{deflated, elf},
        testing::TestTree,
    };

    const JSON: &str = r#"{"packages":[
        {"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},
        {"name":"cc","version":"1.0.83","source":"crates.io","kind":"build"},
        {"name":"libc","version":"0.2.150","source":"crates.io","features":["std"]},
        {"name":"own","version":"1.0.0","source":"https://crates.example.com/index"}
    ],"format":1}"#;

    fn compact(json: &str) -> String {
        json.replace(['\n', ' '], "")
    }

    #[track_caller]
    fn check(program: &[u8], expect: &[&str]) {
        assert_eq!(TestTree::new().file("usr/bin/app", program).lines(), expect);
    }

    const EXPECT: [&str; 6] = [
        "pkg:cargo/app@0.1.0",
        "pkg:cargo/cc@1.0.83",
        "pkg:cargo/libc@0.2.150",
        "pkg:cargo/own@1.0.0?repository_url=https:%2F%2Fcrates.example.com%2Findex",
        "pkg:cargo/app@0.1.0 needs pkg:cargo/cc@1.0.83",
        "pkg:cargo/app@0.1.0 needs pkg:cargo/libc@0.2.150",
    ];

    #[test]
    fn crates_wherever_they_lie_in_the_program() {
        let document = deflated(&compact(JSON));
        check(&elf(&[], &document), &EXPECT);
        // Behind what looks compressed and is not, and across the borders of windows.
        for before in [
            b"x\x9c\xedx\x9c\x63x".repeat(3),
            vec![b'x'; (1 << 17) - 1400],
            vec![7; (1 << 18) - 400],
        ] {
            check(&elf(&[], &[before.as_slice(), &document, b"behind"].concat()), &EXPECT);
        }
    }

    #[test]
    fn what_builds_is_not_what_runs() {
        let program = elf(&[], &deflated(&compact(JSON)));
        let inventory = TestTree::new().file("usr/bin/app", program).catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(scopes[..3], [Scope::Required, Scope::Development, Scope::Required]);
    }

    #[test]
    fn what_can_not_be_read_is_an_unknown() {
        let document = deflated(&compact(JSON));
        let cut = "rust-binary: /usr/bin/app: the dependencies of a Rust program are cut off";
        check(&elf(&[], &document[..document.len() - 9]), &[cut]);
        let mut broken = document.clone();
        let end = broken.len() - 1;
        broken[end] ^= 0xff;
        let expect =
            "rust-binary: /usr/bin/app: the dependencies of a Rust program can not be inflated";
        check(&elf(&[], &broken), &[expect]);
        check(
            &elf(&[], &deflated(r#"{"packages":7}"#)),
            &[
                "rust-binary: /usr/bin/app: malformed dependencies: invalid type: integer `7`, expected a sequence at line 1 column 13",
            ],
        );
        check(
            &elf(
                &[],
                &deflated(r#"{"packages":[{"name":"a","version":"1","dependencies":[99]}]}"#),
            ),
            &[
                "pkg:cargo/a@1",
                "rust-binary: /usr/bin/app: `a` depends on a crate that is not in the list",
            ],
        );
    }

    #[test]
    fn a_bomb_is_an_unknown() {
        let bomb = format!(r#"{{"packages":[{}]}}"#, " ".repeat(40 << 20));
        check(
            &elf(&[], &deflated(&bomb)),
            &["rust-binary: /usr/bin/app: the dependencies of a Rust program are too long"],
        );
        let tries = b"x\x9c\x05".repeat(10_000);
        check(
            &elf(&[], &tries),
            &[
                "rust-binary: /usr/bin/app: too much looks compressed to look for the dependencies of a Rust program",
            ],
        );
    }
}
