//! npm packages, from `yarn.lock`.
//!
//! Formats: that of Yarn 1 (`yarn_classic.rs`), and the YAML of its successors, versions 4 to 8, for which there is no
//! specification but <https://github.com/yarnpkg/berry/tree/master/packages/yarnpkg-parsers>. Both list, for what was asked
//! for (`name@range`), what it was resolved to. What is for development only stands in the manifests of the projects alone,
//! and is told where those are there. The checksums of the successors are of Yarn's own archives, not of the packages.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked, Need},
    npm::{self, Manifest},
    origin::Origin,
    yaml,
    yarn_classic::{self, Block},
};
use plimsoll_model::{
    component::{Hash, HashAlgorithm, Scope},
    inventory::Coverage,
    tree::Entry,
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "yarn-lock",
    description: "npm packages in yarn.lock",
    files: &[Files::Named("yarn.lock")],
    earlier: &[],
    want: npm::want_lock,
    edges: Coverage::Complete,
    catalog,
};

/// An entry of the YAML form.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Modern {
    version: Option<String>,
    resolution: Option<String>,
    dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    peer_dependencies: BTreeMap<String, String>,
    dependencies_meta: BTreeMap<String, Meta>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    optional: bool,
}

/// Which entry answers what was asked for.
#[derive(Default)]
struct Answers {
    by_descriptor: BTreeMap<String, String>,
    by_name: BTreeMap<String, Vec<String>>,
}

impl Answers {
    fn add(&mut self, descriptor: &str, key: &str) {
        self.by_descriptor.insert(descriptor.to_owned(), key.to_owned());
        if let Some((name, _)) = npm::split_descriptor(descriptor) {
            let keys = self.by_name.entry(name.to_owned()).or_default();
            if keys.last().is_none_or(|last| last != key) {
                keys.push(key.to_owned());
            }
        }
    }

    /// The key of the entry for `name@range`. Where a manifest overrides ranges, nothing but the name may tell.
    fn of(&self, name: &str, range: &str) -> Option<String> {
        let exact = || self.by_descriptor.get(&format!("{name}@{range}"));
        let usual = || self.by_descriptor.get(&format!("{name}@npm:{range}"));
        let only = || match self.by_name.get(name).map(Vec::as_slice) {
            Some([one]) => Some(one),
            Some(_) | None => None,
        };
        exact().or_else(usual).or_else(only).cloned()
    }

    fn need(&self, name: &str, range: &str, scope: Scope) -> Need {
        let to = self.of(name, range).unwrap_or_else(|| format!("{name}@{range}"));
        Need { to, scope }
    }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let lock = if text.lines().any(|line| line.starts_with("__metadata:")) {
            match yaml::read(bytes) {
                Ok(entries) => modern(ctx, entry, entries, found),
                Err(reason) => return ctx.note(found, entry, reason),
            }
        } else {
            classic(ctx, entry, text, found)
        };
        if lock.is_empty() {
            ctx.note(found, entry, "the lock lists no package");
        }
        npm::add_locked(ctx, entry, &lock, found);
    })
}

fn classic(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) -> Lock {
    let (blocks, broken) = yarn_classic::blocks(text);
    if let Some(line) = broken {
        ctx.note(found, entry, format!("malformed: `{line}`"));
    }
    let mut answers = Answers::default();
    for block in &blocks {
        let key = block.keys.first().map(String::as_str).unwrap_or_default();
        block.keys.iter().for_each(|descriptor| answers.add(descriptor, key));
    }
    let mut lock = Lock::new();
    for block in blocks {
        let key = block.keys.first().cloned().unwrap_or_default();
        match of_block(&block, &answers) {
            Some(_) if lock.contains_key(&key) => {
                ctx.note(found, entry, format!("package `{key}` is listed twice"));
            }
            Some(locked) => {
                lock.insert(key, locked);
            }
            None => ctx.note(found, entry, format!("package `{key}` is malformed")),
        }
    }
    if let Some(manifest) = Manifest::beside(ctx, entry, "").filter(|_| !lock.is_empty()) {
        lock.insert("project ".to_owned(), root(entry, manifest, &answers));
    }
    lock
}

fn of_block(block: &Block, answers: &Answers) -> Option<Locked> {
    let (name, range) = npm::split_descriptor(block.keys.first()?)?;
    let alias = range.strip_prefix("npm:").and_then(npm::split_descriptor);
    let (name, range) = alias.unwrap_or((name, range));
    let resolved = block.resolved.as_deref().unwrap_or(range);
    let mut hashes = npm::integrity(block.integrity.as_deref().unwrap_or_default());
    let fragment = block.resolved.as_deref().and_then(|resolved| resolved.split_once('#'));
    if let Some((_, hex)) = fragment.filter(|_| hashes.is_empty()) {
        let is_sha1 = hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Behind the address of a repository stands a commit.
        let is_archive = resolved.contains(".tgz#");
        let hex = hex.to_ascii_lowercase();
        hashes.extend(
            (is_sha1 && is_archive).then_some(Hash { algorithm: HashAlgorithm::Sha1, hex }),
        );
    }
    let needs = block.needs.iter().map(|(name, range, scope)| answers.need(name, range, *scope));
    Some(Locked {
        name: name.to_owned(),
        version: block.version.clone(),
        origin: npm::origin(resolved),
        hashes,
        needs: needs.collect(),
        ..Locked::default()
    })
}

/// The project that a lock of Yarn 1 was made for, which only its manifest tells of. Of the other projects of a workspace
/// nothing tells; any of them may need what this one only develops with.
fn root(entry: &Entry, manifest: Manifest, answers: &Answers) -> Locked {
    let is_workspace = manifest.workspaces.is_some();
    let needs = manifest.needs().filter(|(name, range, _)| {
        let is_local = is_workspace || range.starts_with("link:");
        !is_local || answers.of(name, range).is_some()
    });
    let needs = needs.map(|(name, range, scope)| {
        answers.need(name, range, if is_workspace { Scope::Required } else { scope })
    });
    let needs = needs.collect();
    npm::project(entry, "", (manifest.name, manifest.version), needs)
}

fn modern(
    ctx: &Context<'_>,
    entry: &Entry,
    entries: BTreeMap<String, Modern>,
    found: &mut Found,
) -> Lock {
    let mut answers = Answers::default();
    let entries: Vec<_> = entries.into_iter().filter(|(key, _)| key != "__metadata").collect();
    let keyed: Vec<_> = entries
        .iter()
        .map(|(descriptors, one)| {
            let key = one.resolution.as_deref().unwrap_or(descriptors);
            (descriptors, patched(key).unwrap_or_else(|| key.to_owned()), one)
        })
        .collect();
    for (descriptors, key, _) in &keyed {
        descriptors.split(", ").for_each(|descriptor| answers.add(descriptor, key));
    }
    let mut lock = Lock::new();
    for (descriptors, key, one) in keyed {
        match of_modern(ctx, entry, (&key, one), &answers) {
            Some(locked) => lock.entry(key).or_default().absorb(locked),
            None => ctx.note(found, entry, format!("package `{descriptors}` is malformed")),
        }
    }
    lock
}

/// The key of the package that an entry patches: the two are one component. `a@patch:a@npm%3A1.0.0#…` is of `a@npm:1.0.0`.
fn patched(key: &str) -> Option<String> {
    let (_, reference) = npm::split_descriptor(key)?;
    let package = reference.strip_prefix("patch:")?.split('#').next()?;
    Some(package.replace("%3A", ":"))
}

fn of_modern(
    ctx: &Context<'_>,
    entry: &Entry,
    (key, one): (&str, &Modern),
    answers: &Answers,
) -> Option<Locked> {
    let (name, reference) = npm::split_descriptor(key)?;
    let reference = reference.split_once("::").map_or(reference, |(reference, _)| reference);
    let local =
        ["workspace:", "link:", "portal:"].iter().find_map(|prefix| reference.strip_prefix(prefix));
    if let Some(directory) = local {
        let manifest = Manifest::beside(ctx, entry, directory);
        let needs = needs(one, manifest.as_ref(), answers);
        let version = manifest.and_then(|manifest| manifest.version);
        return Some(npm::project(entry, directory, (Some(name.to_owned()), version), needs));
    }
    let origin = if reference.starts_with("npm:") {
        None
    } else {
        npm::origin(reference).or_else(|| Some(Origin::download(reference)))
    };
    Some(Locked {
        name: name.to_owned(),
        version: one.version.clone(),
        origin,
        needs: needs(one, None, answers),
        ..Locked::default()
    })
}

/// What an entry needs. The entry of a project lists what it develops with as well, without saying so.
fn needs(one: &Modern, manifest: Option<&Manifest>, answers: &Answers) -> Vec<Need> {
    let develops_with = |name: &str| {
        manifest.is_some_and(|manifest| {
            manifest.dev_dependencies.contains_key(name)
                && !manifest.dependencies.contains_key(name)
                && !manifest.optional_dependencies.contains_key(name)
        })
    };
    let scope_of = |name: &str| {
        let is_optional = one.dependencies_meta.get(name).is_some_and(|meta| meta.optional)
            || manifest.is_some_and(|manifest| manifest.optional_dependencies.contains_key(name));
        match (develops_with(name), is_optional) {
            (true, _) => Scope::Development,
            (false, true) => Scope::Optional,
            (false, false) => Scope::Required,
        }
    };
    let own =
        one.dependencies.iter().map(|(name, range)| answers.need(name, range, scope_of(name)));
    let weak = one
        .optional_dependencies
        .iter()
        .map(|(name, range)| answers.need(name, range, Scope::Optional));
    // Which peer a package gets is not in the lock; where there is but one, it is that.
    let peers = one.peer_dependencies.iter().filter_map(|(name, range)| {
        Some(Need { to: answers.of(name, range)?, scope: Scope::Optional })
    });
    own.chain(weak).chain(peers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const CLASSIC: &str = r#"# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


"@s/a@^1.0.0", "@s/a@^1.1.0":
  version "1.1.0"
  resolved "https://registry.yarnpkg.com/@s/a/-/a-1.1.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709"
  dependencies:
    b "^2.0.0"
  optionalDependencies:
    extra "^1.0.0"

b@^2.0.0:
  version "2.0.0"
  resolved "https://registry.yarnpkg.com/b/-/b-2.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709"
  integrity sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=

other@npm:real@^3.0.0:
  version "3.0.0"
  resolved "https://registry.yarnpkg.com/real/-/real-3.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709"

"repo@git+https://example.com/repo.git#v1":
  version "0.1.0"
  resolved "git+https://example.com/repo.git#da39a3ee5e6b4b0d3255bfef95601890afd80709"

tool@^4.0.0:
  version "4.0.0"
  resolved "https://registry.yarnpkg.com/tool/-/tool-4.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709"
  dependencies:
    b "^2.0.0"
"#;

    const MANIFEST: &str = r#"{
      "name": "app", "version": "1.2.3",
      "dependencies": {"@s/a": "^1.1.0", "other": "npm:real@^3.0.0", "repo": "git+https://example.com/repo.git#v1"},
      "devDependencies": {"tool": "^4.0.0"}}"#;

    const MODERN: &str = r#"# This file is generated by running "yarn install" inside your project.

__metadata:
  version: 8
  cacheKey: 10c0

"@s/a@npm:^1.0.0, @s/a@npm:^1.1.0":
  version: 1.1.0
  resolution: "@s/a@npm:1.1.0"
  dependencies:
    b: "npm:^2.0.0"
    extra: "npm:^1.0.0"
  dependenciesMeta:
    extra:
      optional: true
  checksum: 10c0/da39a3ee
  languageName: node
  linkType: hard

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    "@s/a": "npm:^1.1.0"
    lib: "workspace:*"
    other: "npm:real@^3.0.0"
    tool: "npm:^4.0.0"
  languageName: unknown
  linkType: soft

"b@npm:2.0.1":
  version: 2.0.1
  resolution: "b@npm:2.0.1"
  peerDependencies:
    repo: "*"
  languageName: node
  linkType: hard

"lib@workspace:*, lib@workspace:packages/lib":
  version: 0.0.0-use.local
  resolution: "lib@workspace:packages/lib"
  dependencies:
    repo: "https://example.com/repo.git#v1"
  languageName: unknown
  linkType: soft

"other@npm:real@^3.0.0":
  version: 3.0.0
  resolution: "real@npm:3.0.0"
  languageName: node
  linkType: hard

"repo@https://example.com/repo.git#v1":
  version: 0.1.0
  resolution: "repo@https://example.com/repo.git#commit=c0ffee"
  languageName: node
  linkType: hard

"tool@npm:^4.0.0":
  version: 4.0.0
  resolution: "tool@npm:4.0.0"
  dependencies:
    b: "npm:^2.0.0"
  languageName: node
  linkType: hard

"tool@patch:tool@npm%3A^4.0.0#~builtin<compat/tool>":
  version: 4.0.0
  resolution: "tool@patch:tool@npm%3A4.0.0#~builtin<compat/tool>::version=4.0.0&hash=1"
  languageName: node
  linkType: hard
"#;

    fn tree(lock: &str) -> TestTree {
        TestTree::new()
            .file("srv/app/yarn.lock", lock)
            .file("srv/app/package.json", MANIFEST)
            .file("srv/app/packages/lib/package.json", r#"{"version":"0.0.1"}"#)
    }

    #[test]
    fn packages_of_yarn_1() {
        const REPO: &str = "pkg:npm/repo@0.1.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Frepo.git%40da39a3ee5e6b4b0d3255bfef95601890afd80709";
        assert_eq!(
            tree(CLASSIC).lines(),
            [
                "pkg:npm/%40s/a@1.1.0",
                "pkg:npm/app@1.2.3",
                "pkg:npm/b@2.0.0",
                "pkg:npm/real@3.0.0",
                REPO,
                "pkg:npm/tool@4.0.0",
                "pkg:npm/%40s/a@1.1.0 needs pkg:npm/b@2.0.0",
                "pkg:npm/app@1.2.3 needs pkg:npm/%40s/a@1.1.0",
                "pkg:npm/app@1.2.3 needs pkg:npm/real@3.0.0",
                &format!("pkg:npm/app@1.2.3 needs {REPO}"),
                "pkg:npm/app@1.2.3 needs pkg:npm/tool@4.0.0",
                "pkg:npm/tool@4.0.0 needs pkg:npm/b@2.0.0",
            ]
        );
    }

    #[test]
    fn packages_and_projects_of_its_successors() {
        const REPO: &str =
            "pkg:npm/repo@0.1.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Frepo.git%40c0ffee";
        let expect = [
            "pkg:npm/%40s/a@1.1.0",
            "pkg:npm/app@1.2.3",
            "pkg:npm/b@2.0.1",
            "pkg:npm/lib@0.0.1",
            "pkg:npm/real@3.0.0",
            REPO,
            "pkg:npm/tool@4.0.0",
            "pkg:npm/%40s/a@1.1.0 needs pkg:npm/b@2.0.1",
            "pkg:npm/app@1.2.3 needs pkg:npm/%40s/a@1.1.0",
            "pkg:npm/app@1.2.3 needs pkg:npm/lib@0.0.1",
            "pkg:npm/app@1.2.3 needs pkg:npm/real@3.0.0",
            "pkg:npm/app@1.2.3 needs pkg:npm/tool@4.0.0",
            &format!("pkg:npm/b@2.0.1 needs {REPO}"),
            &format!("pkg:npm/lib@0.0.1 needs {REPO}"),
            "pkg:npm/tool@4.0.0 needs pkg:npm/b@2.0.1",
        ];
        assert_eq!(tree(MODERN).lines(), expect);
        // Versions before 8 leave the protocol of the registry out of what is needed.
        let old = MODERN.replace("    b: \"npm:", "    b: \"").replace("a\": \"npm:", "a\": \"");
        assert_eq!(tree(&old).lines(), expect);
    }

    #[test]
    fn scopes_hashes_and_kinds() {
        for lock in [CLASSIC, MODERN] {
            let inventory = tree(lock).catalog();
            let of = |name: &str| {
                inventory.components().iter().find(|found| found.name == name).unwrap()
            };
            assert_eq!(of("tool").scope, Scope::Development);
            assert_eq!(of("b").scope, Scope::Required);
            assert_eq!(of("app").kind, ComponentKind::Application);
            assert_eq!(of("@s/a").hashes.len(), usize::from(lock == CLASSIC));
            assert_eq!(of("repo").hashes, []);
        }
        let alone = TestTree::new().file("yarn.lock", CLASSIC).catalog();
        assert!(alone.components().iter().all(|found| found.scope == Scope::Required));
        assert_eq!(alone.components().len(), 5);
    }

    #[test]
    fn what_a_workspace_develops_with_may_be_needed_by_another_of_it() {
        let manifest = MANIFEST.replacen('{', r#"{"workspaces": ["packages/*"],"#, 1);
        let tree = TestTree::new().file("a/yarn.lock", CLASSIC).file("a/package.json", manifest);
        let inventory = tree.catalog();
        assert!(inventory.components().iter().all(|found| found.scope == Scope::Required));
    }

    #[test]
    fn a_broken_lock_is_read_as_far_as_it_goes() {
        let cut = CLASSIC.split_once("  integrity").unwrap().0;
        let lines = TestTree::new().file("yarn.lock", format!("{cut}  integr\n\"@\":\n")).lines();
        assert_eq!(
            lines,
            [
                "pkg:npm/%40s/a@1.1.0",
                "pkg:npm/b@2.0.0",
                "pkg:npm/%40s/a@1.1.0 needs pkg:npm/b@2.0.0",
                "yarn-lock: /yarn.lock: malformed: `  integr`",
                "yarn-lock: /yarn.lock: package `@` is malformed",
            ]
        );
        let lines =
            TestTree::new().file("yarn.lock", "a@1:\n  dependencies:\n    b \"1\"\n").lines();
        assert_eq!(
            lines,
            [
                "pkg:npm/a",
                "yarn-lock: /yarn.lock: `a@1` needs `b@1`, which the lock does not have",
                "yarn-lock: /yarn.lock: package `a` states no version",
            ]
        );
    }

    #[test]
    fn what_is_said_twice_is_told_of() {
        let lock = "a@1:\n  version \"1\"\na@1:\n  version \"2\"\n";
        let lines = TestTree::new().file("yarn.lock", lock).lines();
        assert_eq!(lines, ["pkg:npm/a@1", "yarn-lock: /yarn.lock: package `a@1` is listed twice"]);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let twice = "__metadata:\n  version: 8\na@1:\n  version: 1\na@1:\n  version: 2\n";
        let deep = format!("__metadata:\n  a: {}", "[".repeat(100_000));
        for (lock, expect) in [
            ("", "the lock lists no package"),
            ("# yarn lockfile v1\n", "the lock lists no package"),
            ("__metadata:\n  version: 8\n", "the lock lists no package"),
            (twice, "malformed: "),
            (deep.as_str(), "malformed: "),
            ("__metadata: [\n", "malformed: "),
        ] {
            let lines = TestTree::new().file("yarn.lock", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("yarn-lock: /yarn.lock: {expect}")), "{line}");
        }
        let bytes = TestTree::new().file("yarn.lock", b"a\xff").lines();
        assert!(bytes[0].starts_with("yarn-lock: /yarn.lock: malformed: "), "{bytes:?}");
    }
}
