//! Inventories: what is aboard an image, and how it is written down for others.
//!
//! Nothing here sees a layer, a registry or a disk: only a [`plimsoll_model::Tree`]. Nothing that was seen and could
//! not be read or told is left out: it becomes an [`plimsoll_model::inventory::Unknown`].

mod archive;
pub mod catalogers;
pub mod changes;
pub mod combine;
mod composer;
mod control;
mod cran;
mod distro;
mod dockerfile;
mod document;
pub mod error;
mod file_name;
pub mod formats;
mod golang;
mod image_name;
mod installed;
mod introduced;
mod jar;
mod jsonc;
mod locked;
mod maven;
mod merge;
mod npm;
mod nuget;
mod origin;
mod program;
mod python;
mod relate;
mod rpmdb;
pub mod score;
mod stanza;
mod term;
#[cfg(test)]
mod testing;
mod wanted;
mod weights;
mod xml;
mod yaml;
mod yarn_classic;

pub use error::Error;

use catalogers::{ALL, Context, Found, Room};
use plimsoll_model::{
    Inventory, Limits, Tree, TreePath,
    component::Trust,
    inventory::{Coverage, Distribution, Unknown},
    tree::Interest,
};
use rayon::prelude::*;
use std::collections::BTreeMap;
use wanted::Wanted;

/// What the catalogers want of the files that pass by.
pub fn interest() -> Box<dyn Interest> {
    Box::new(Wanted::new())
}

/// Everything aboard. What cannot be read or told becomes an `Unknown` of the inventory, never nothing.
///
/// The content of the files must have been kept as [`interest`] asks. Catalogers run in parallel on rayon's pool;
/// the inventory is the same whatever the number of threads.
pub fn catalog(tree: &dyn Tree, limits: &Limits) -> Inventory {
    let (distribution, unknowns) = distro::read(tree, limits);
    let room = Room::default();
    let found = ALL
        .par_iter()
        .zip(Wanted::new().files(tree))
        .map(|(cataloger, files)| {
            let distribution = distribution.as_ref();
            let ctx = Context { tree, limits, distribution, files: &files, cataloger, room: &room };
            let mut found = (cataloger.catalog)(&ctx);
            found.unknowns.extend(introduced::removed(tree, cataloger));
            let (components, unknowns) = (found.components.len(), found.unknowns.len());
            tracing::debug!(cataloger = cataloger.id, components, unknowns, "cataloged");
            found
        })
        .collect::<Vec<Found>>();
    if room.is_exceeded(limits) {
        return overrun(distribution, limits);
    }
    let mut all = Found { unknowns, ..Found::default() };
    all.unknowns.extend(tree.gaps().iter().map(|gap| Unknown {
        path: gap.path.clone(),
        layer: None,
        cataloger: "tree",
        reason: gap.reason.clone(),
    }));
    // What a document claims says nothing of the distribution.
    let is_claim = |found: &Found| {
        found.components.first().is_some_and(|component| component.trust == Trust::Claimed)
    };
    let (claims, seen): (Vec<_>, Vec<_>) = found.into_iter().partition(is_claim);
    for found in seen {
        all.absorb(found);
    }
    all.unknowns.extend(distro::missing_packages(tree, distribution.as_ref(), &all));
    if let Some(distribution) = &distribution {
        all.unknowns.extend(distro::contradictions(tree, distribution, &all));
    }
    for found in claims {
        all.absorb(found);
    }
    let mut inventory = merge::merge(distribution, all, tree.layers());
    inventory.coverage = coverage(&inventory);
    inventory.layers = tree.layers().to_vec();
    inventory
}

/// How far the relations of each kind of package are known: as far as by the cataloger that tells least of them.
fn coverage(inventory: &Inventory) -> BTreeMap<String, Coverage> {
    let mut coverage = BTreeMap::new();
    for component in inventory.components() {
        let cataloger = ALL.iter().find(|cataloger| cataloger.id == component.cataloger);
        let edges = cataloger.map_or(Coverage::Unknown, |cataloger| cataloger.edges);
        let of_kind = coverage.entry(component.purl.kind().to_owned()).or_insert(edges);
        *of_kind = edges.max(*of_kind);
    }
    coverage
}

/// The inventory of a subject that describes more than the limits allow: which part of it were listed would be chance,
/// so none is.
fn overrun(distribution: Option<Distribution>, limits: &Limits) -> Inventory {
    let Limits { components, relations, .. } = limits;
    let reason = format!(
        "more than {components} components or {relations} relations are described: none is listed"
    );
    let root = TreePath::parse(b"").ok();
    let unknown = root.map(|path| Unknown { path, layer: None, cataloger: "limits", reason });
    Inventory::new(distribution, Vec::new(), Vec::new(), unknown.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::zip;
    use crate::program::testing::{deflated, elf, note};
    use crate::testing::{TestTree, lines};
    use proptest::prelude::*;

    #[test]
    fn a_database_behind_a_circle_of_links_is_not_read_and_not_passed_over() {
        let tree = TestTree::new()
            .link("var/lib/dpkg/status", "/var/lib/dpkg/other")
            .link("var/lib/dpkg/other", "/var/lib/dpkg/status");
        let inventory = catalog(&tree, &Limits::STANDARD);
        let unknowns: Vec<_> = inventory.unknowns.iter().map(|unknown| unknown.cataloger).collect();
        assert_eq!(unknowns, ["dpkg"]);
    }

    #[test]
    fn an_empty_tree_has_an_empty_inventory() {
        let tree = TestTree::new();
        let mut empty = Inventory::default();
        empty.layers = tree.layers().to_vec();
        assert_eq!(catalog(&tree, &Limits::STANDARD), empty);
    }

    #[test]
    fn a_subject_that_describes_too_much_is_not_listed_in_part() {
        let tree = TestTree::new()
            .file("lib/apk/db/installed", "P:a\nV:1\np:x\nD:x b\n\nP:b\nV:1\nD:x\n\n")
            .file("node_modules/a/package.json", r#"{"name":"a","version":"1"}"#);
        let told = |limits: Limits| lines(&catalog(&tree, &limits));
        let (components, relations) = (3, 3);
        let limits = Limits { components, relations, ..Limits::STANDARD };
        assert_eq!(told(limits.clone()).len(), 5);
        for limits in
            [Limits { components: 2, ..limits.clone() }, Limits { relations: 2, ..limits }]
        {
            let lines = told(limits);
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("limits: /: more than "), "{line}");
        }
    }

    #[test]
    fn a_link_to_elsewhere_hides_nothing() {
        let tree = TestTree::new()
            .file("opt/status", "Package: a\nStatus: install ok installed\nVersion: 1\n\n")
            .link("var/lib/dpkg/status", "/opt/status")
            .file("usr/share/java/b-1.jar", zip(&[]))
            .link("usr/share/java/b.jar", "b-1.jar")
            .link("usr/share/java/c.jar", "absent.jar");
        assert_eq!(
            tree.lines(),
            ["pkg:maven/b@1", "dpkg: /var/lib/dpkg/status: the content was not kept"]
        );
    }

    #[test]
    fn ids_of_catalogers_are_sorted_and_unique() {
        let ids: Vec<_> = ALL.iter().map(|cataloger| cataloger.id).collect();
        assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
    }

    /// A good file of every kind, small.
    fn good() -> Vec<(&'static str, Vec<u8>)> {
        let pom: &[u8] = b"groupId=g\nartifactId=a\nversion=1\n";
        let jar = zip(&[("META-INF/maven/g/a/pom.properties", pom)]);
        let jar = zip(&[("b-1.jar", &jar), ("META-INF/MANIFEST.MF", b"Bundle-Version: 1\n")]);
        let mut go = b"\x7fELF".to_vec();
        go.resize(64, 0);
        go.extend_from_slice(b"\xff Go buildinf:\x08\x02");
        go.resize(96, 0);
        go.extend_from_slice(b"\x08go1.22.1\x2a0123456789abcdefmod\ta/b\t1\n0123456789abcdef");
        let chiselled: &[u8] = b"{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":2}\n\
            {\"kind\":\"package\",\"name\":\"b\",\"version\":\"1\",\"arch\":\"all\"}\n";
        let chiselled = zstd::stream::encode_all(chiselled, 0).unwrap();
        let crates = deflated(r#"{"packages":[{"name":"b","version":"1"}]}"#);
        vec![
            ("etc/os-release", b"ID=debian\nVERSION_ID='12'\n".to_vec()),
            (
                "var/lib/dpkg/status",
                b"Package: a\nStatus: install ok installed\nVersion: 1\nDepends: a | b\n\n"
                    .to_vec(),
            ),
            ("usr/share/doc/a/copyright", b"Format: copyright-format\n\nLicense: MIT\n".to_vec()),
            ("var/lib/pacman/local/a-1/desc", b"%NAME%\na\n\n%VERSION%\n1\n\n".to_vec()),
            ("var/lib/chisel/manifest.wall", chiselled),
            ("usr/lib/opkg/status", b"Package: a\nStatus: x y installed\nVersion: 1\n\n".to_vec()),
            ("var/db/pkg/a/b-1/CONTENTS", b"obj /usr/a 0 1\n".to_vec()),
            ("var/lib/rpm/Packages", include_bytes!("../tests/data/rpmdb.bdb").to_vec()),
            ("lib/apk/db/installed", b"P:a\nV:1\np:b=1\nD:b\nF:usr\nR:x\n\n".to_vec()),
            ("var/lib/rpm/rpmdb.sqlite", include_bytes!("../tests/data/rpmdb.sqlite").to_vec()),
            ("Cargo.lock", b"[[package]]\nname = \"a\"\nversion = \"1\"\n".to_vec()),
            ("package-lock.json", br#"{"packages":{"node_modules/a":{"version":"1"}}}"#.to_vec()),
            ("node_modules/a/package.json", br#"{"name":"a","version":"1"}"#.to_vec()),
            ("bun.lock", br#"{"packages":{"b":["b@1","",{}]}}"#.to_vec()),
            ("pnpm-lock.yaml", b"packages:\n  c@1: {}\n".to_vec()),
            ("pdm.lock", b"[[package]]\nname = \"e\"\nversion = \"1\"\n".to_vec()),
            ("Pipfile.lock", br#"{"default":{"f":{"version":"==1"}}}"#.to_vec()),
            ("poetry.lock", b"[[package]]\nname = \"g\"\nversion = \"1\"\n".to_vec()),
            ("pylock.toml", b"[[packages]]\nname = \"h\"\nversion = \"1\"\n".to_vec()),
            ("requirements.txt", b"i==1 --hash=sha256:00\n".to_vec()),
            ("uv.lock", b"[[package]]\nname = \"j\"\nversion = \"1\"\n".to_vec()),
            ("yarn.lock", b"d@1:\n  version \"1\"\n".to_vec()),
            ("a-1.dist-info/METADATA", b"Name: a\nVersion: 1\nRequires-Dist: a[x]\n".to_vec()),
            ("usr/bin/a", go),
            ("usr/bin/b", elf(&[], &crates)),
            ("opt/bin/busybox", elf(&note("GNU", 3, b"1"), b"BusyBox v1.36.1 ")),
            ("opt/java/release", b"JAVA_VERSION=\"17.0.9\"\n".to_vec()),
            ("opt/OTP_VERSION", b"26.1".to_vec()),
            ("opt/a.gguf", [b"GGUF\x03\0\0\0".as_slice(), &[0; 16]].concat()),
            ("opt/b.safetensors", b"\x02\0\0\0\0\0\0\0{}".to_vec()),
            ("a.war", jar),
            (
                "specifications/a-1.0.gemspec",
                b"s.name = 'a'\ns.version = '1.0'\ns.add_dependency('a')\n".to_vec(),
            ),
            ("Gemfile.lock", b"GEM\n  specs:\n    b (1.0)\n      b (>= 0)\n".to_vec()),
            ("go.mod", b"module a/c\nrequire a/d v1.0.0\n".to_vec()),
            ("composer.lock", br#"{"packages":[{"name":"a/b","version":"1"}]}"#.to_vec()),
            (
                "vendor/composer/installed.json",
                br#"{"packages":[{"name":"a/c","version":"1"}]}"#.to_vec(),
            ),
            ("a.deps.json", br#"{"targets":{"f":{"a/1":{"dependencies":{"a":"1"}}}}}"#.to_vec()),
            (
                "project.assets.json",
                br#"{"libraries":{"b/1":{}},"project":{"version":"1"}}"#.to_vec(),
            ),
            (
                "packages.lock.json",
                br#"{"dependencies":{"f":{"c":{"resolved":"1"}}}}"#.to_vec(),
            ),
            (
                "packages.config",
                b"<packages><package id=\"d\" version=\"1\"/></packages>".to_vec(),
            ),
            ("wp-includes/version.php", b"$wp_version = '6.4.2';\n".to_vec()),
            ("vendor/modules.txt", b"# a/e v1.0.0\n## explicit\na/e/x\n".to_vec()),
            ("gradle.lockfile", b"g:b:1=runtimeClasspath\n".to_vec()),
            (
                "pom.xml",
                b"<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version></project>"
                    .to_vec(),
            ),
        ]
        .into_iter()
        .chain(TEXTS.iter().map(|(path, text)| (*path, text.as_bytes().to_vec())))
        .collect()
    }

    /// Those of the good files that are text.
    const TEXTS: &[(&str, &str)] = &[
        (".github/workflows/a.yml", "jobs:\n  a:\n    steps:\n    - uses: a/b@v1\n"),
        ("Dockerfile", "ARG A=a\nFROM $A:1\n"),
        ("compose.yaml", "services:\n  a:\n    image: a:2\n"),
        ("conda-meta/a.json", r#"{"name":"a","version":"1","depends":["a >1"],"fn":"a.conda"}"#),
        (
            "a.cdx.json",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","purl":"pkg:pypi/x@1"}]}"#,
        ),
        ("mix.lock", "%{\n  \"a\": {:hex, :a, \"1\"},\n}"),
        ("rebar.lock", "[{<<\"b\">>,{pkg,<<\"b\">>,<<\"1\">>},0}]"),
        (
            "pubspec.lock",
            "packages:\n  a: {source: hosted, version: '1', description: {url: 'https://pub.dev'}}\n",
        ),
        ("Podfile.lock", "PODS:\n  - A (1):\n    - B/C\n  - B/C (1)\n"),
        (
            "Package.resolved",
            r#"{"pins":[{"location":"https://a.b/c/d","state":{"version":"1"}}]}"#,
        ),
        ("conan.lock", r#"{"version":"0.5","requires":["a/1#2%3"]}"#),
        ("usr/lib/R/library/a/DESCRIPTION", "Package: a\nVersion: 1\nImports: b\nBuilt: R 4.3.1\n"),
        ("renv.lock", r#"{"Packages":{"b":{"Version":"1","Requirements":["R"]}}}"#),
        ("Manifest.toml", "[[A]]\ndeps = [\"A\"]\nuuid = \"1\"\nversion = \"1\"\n"),
        (
            ".terraform.lock.hcl",
            "provider \"a/b/c\" {\n  version = \"1\"\n  hashes = [\n    \"zh:0\",\n  ]\n}\n",
        ),
        ("cabal.project.freeze", "constraints: any.a ==1,\n any.b ==1\n"),
        ("stack.yaml.lock", "packages:\n- completed:\n    hackage: c-1@rev:1\n"),
        ("rocks-5.4/a/1-1/a-1-1.rockspec", "package = 'a'\ndependencies = { 'lua >= 5.1', 'a' }\n"),
        ("Cellar/a/1/INSTALL_RECEIPT.json", r#"{"runtime_dependencies":[{}]}"#),
        ("nix/store/0c0hmq9ldsjwf5mnlvmhbygr7qyrgr8d-a-1/x", "x"),
        (".opam-switch/packages/a.1/opam", "opam-version: \"2.0\"\ndepends: [\"b\" {build}]\n"),
        ("ebin/a.app", "{application, a, [{vsn, \"1\"}, {applications, [b]}]}"),
        ("vcpkg/status", "Package: a\nVersion: 1\nDepends: b\nStatus: install ok installed\n"),
    ];

    #[test]
    fn every_cataloger_finds_something_in_what_is_good() {
        let tree =
            good().into_iter().fold(TestTree::new(), |tree, (path, bytes)| tree.file(path, bytes));
        let inventory = tree.catalog();
        for cataloger in ALL {
            let found = inventory.components().iter().any(|found| found.cataloger == cataloger.id);
            // The lock and the installed package are one component, which the first of the two has found.
            assert!(found || cataloger.id == "npm-lock", "{}", cataloger.id);
        }
        assert_eq!(inventory, tree.catalog());
    }

    #[test]
    fn no_truncated_file_passes_for_nothing() {
        for (path, bytes) in good() {
            // Copyright files only add to packages; without what they are known by programs are of no interest, and files of
            // Java none without a name of a value.
            let first = match path {
                "usr/bin/a" => 96,
                "usr/bin/b" => 256 + 45,
                "opt/bin/busybox" => 64,
                "opt/java/release" => "JAVA_VERSION=".len(),
                _ => 1,
            };
            if path.ends_with("copyright") {
                continue;
            }
            for cut in first..bytes.len() {
                let inventory = TestTree::new().file(path, &bytes[..cut]).catalog();
                let is_seen = inventory.distribution.is_some()
                    || !inventory.components().is_empty()
                    || !inventory.unknowns.is_empty();
                assert!(is_seen, "{path} cut at {cut}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_change_to_a_good_file_makes_it_panic(
            file: prop::sample::Index,
            at: prop::sample::Index,
            bytes in prop::collection::vec(any::<u8>(), 0..4),
            cut: bool,
        ) {
            let good = good();
            let (path, mut content) = file.get(&good).clone();
            let at = at.index(content.len());
            let end = if cut { content.len() } else { content.len().min(at + bytes.len()) };
            content.splice(at..end, bytes);
            let inventory = TestTree::new().file(path, content).catalog();
            prop_assert!(inventory.components().len() < 1_000);
        }
    }
}
