//! Python distributions as installed: `METADATA` of wheels, `PKG-INFO` of eggs.
//!
//! Formats: <https://packaging.python.org/en/latest/specifications/core-metadata/>, all versions; beside it, where it is from,
//! <https://packaging.python.org/en/latest/specifications/direct-url/>, and what eggs need,
//! <https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html>. What is installed from a directory is a project.

use super::{Cataloger, Context, Files, Found, license};
use crate::{
    origin::Origin,
    python::{self, normal, requirement::Requirement},
    relate::Providers,
    stanza::{Stanza, first},
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Hash},
    inventory::Coverage,
    tree::{Entry, Want},
};
use rayon::prelude::*;
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pypi",
    description: "Python packages in *.dist-info and *.egg-info",
    files: &[
        Files::Named("METADATA"),
        Files::Named("PKG-INFO"),
        Files::Named(DIRECT_URL),
        Files::Named(REQUIRES),
        Files::Ending(".egg-info"),
    ],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// Where a distribution comes from that does not come from an index.
const DIRECT_URL: &str = "direct_url.json";

/// What an egg needs.
const REQUIRES: &str = "requires.txt";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let text = String::from_utf8_lossy(path.as_bytes());
    let is_wanted = match beside(&text) {
        Some((info, DIRECT_URL)) => info.ends_with(".dist-info"),
        Some((info, _)) => info.ends_with(".egg-info") || info.ends_with(".egg/EGG-INFO"),
        None => site(&text).is_some(),
    };
    if is_wanted { Want::Content } else { Want::Nothing }
}

/// The directory and the name of a file that lies beside metadata.
fn beside(path: &str) -> Option<(&str, &'static str)> {
    [DIRECT_URL, REQUIRES]
        .into_iter()
        .find_map(|name| Some((path.strip_suffix(name)?.strip_suffix('/')?, name)))
}

/// The directory that a distribution is installed in, and what its metadata lies in there.
///
/// A path does not have to be text, and comes here with replacements for what is none: an odd byte must not hide a package.
fn site(path: &str) -> Option<(&str, &str)> {
    let own = ["/METADATA", "/PKG-INFO"].into_iter().find_map(|name| path.strip_suffix(name));
    let info = match own {
        Some(info) => info.strip_suffix("/EGG-INFO").unwrap_or(info),
        None => path,
    };
    let (site, name) = info.rsplit_once('/').unwrap_or(("", info));
    let is_site = match own {
        Some(_) if path.ends_with("/METADATA") => name.ends_with(".dist-info"),
        Some(above) => name.ends_with(".egg-info") || above.ends_with(".egg/EGG-INFO"),
        None => name.ends_with(".egg-info"),
    };
    is_site.then_some((site, name))
}

struct Installed {
    id: ComponentId,
    /// The directory that it is installed in.
    site: String,
    name: String,
    needs: Vec<Needed>,
}

/// What a distribution needs.
#[derive(Debug, PartialEq, Eq)]
struct Needed {
    name: String,
    /// The extras of it that are needed.
    extras: Vec<String>,
    /// The extra of the distribution itself that has to be asked for.
    only_for: Option<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| distribution(ctx, entry)).collect();
    let mut found = Found::default();
    let mut installed = Vec::new();
    for (one, distribution) in read {
        let id = super::id_of(found.components.len());
        found.absorb(one);
        installed.extend(distribution.map(|installed| Installed { id, ..installed }));
    }
    relate(ctx, &installed, &mut found);
    found
}

fn distribution(ctx: &Context<'_>, entry: &Entry) -> (Found, Option<Installed>) {
    let mut found = Found::default();
    let path = String::from_utf8_lossy(entry.path.as_bytes());
    // Of a file beside metadata is read when the metadata is.
    let Some((site, info)) = site(&path).filter(|_| beside(&path).is_none()) else {
        return (found, None);
    };
    let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) else {
        return (found, None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let (metadata, _) = first(text.strip_prefix('\u{feff}').unwrap_or(&text));
    if metadata.broken.is_some() && metadata.get("Name").is_none() {
        ctx.note(&mut found, entry, "this is no metadata of a Python package");
    }
    let identity = identity(&metadata, info);
    let from = source(ctx, entry, &mut found);
    let id = if from == Source::Directory {
        python::add_project(ctx, &mut found, entry, identity)
    } else {
        python::add(ctx, &mut found, entry, identity, from.origin())
    };
    let Some(id) = id else { return (found, None) };
    if let Some(component) = found.at(id) {
        component.licenses = licenses(&metadata);
        component.supplier = supplier(&metadata);
        if let Source::Elsewhere(_, hashes) = from {
            component.hashes = hashes;
        }
    }
    let mut needs: Vec<_> = metadata.all("Requires-Dist").filter_map(needed).collect();
    if let Some(text) = neighbour(ctx, entry, REQUIRES, &mut found).filter(|_| needs.is_empty()) {
        needs = needed_by_egg(&String::from_utf8_lossy(&text));
    }
    let (site, name) = (site.to_owned(), normal(identity.0));
    (found, Some(Installed { id, site, name, needs }))
}

/// A file beside metadata, where there is one.
fn neighbour<'a>(
    ctx: &Context<'a>,
    metadata: &Entry,
    name: &str,
    found: &mut Found,
) -> Option<Cow<'a, [u8]>> {
    let path = metadata.path.parent()?.join(name).ok()?;
    // Metadata that is a file of its own has no neighbours: what lies there belongs to nobody.
    let is_wanted = want(&path, 0, 0) == Want::Content;
    let entry = ctx.tree.entry(&path).filter(|_| is_wanted)?;
    ctx.read(&entry, ctx.limits.package_metadata, found)
}

/// Where a distribution was installed from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// An index: nothing says otherwise.
    Index,
    /// A directory of whoever installed it, who is its author.
    Directory,
    /// A repository, or an archive with these hashes.
    Elsewhere(Option<Origin>, Vec<Hash>),
}

impl Source {
    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Elsewhere(origin, _) => origin.as_ref(),
            Self::Index | Self::Directory => None,
        }
    }
}

#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    vcs_info: Option<Repository>,
    archive_info: Option<Archive>,
    dir_info: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Repository {
    vcs: String,
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

fn source(ctx: &Context<'_>, metadata: &Entry, found: &mut Found) -> Source {
    let Some(bytes) = neighbour(ctx, metadata, DIRECT_URL, found) else { return Source::Index };
    let direct: DirectUrl = match serde_json::from_slice(&bytes) {
        Ok(direct) => direct,
        Err(error) => {
            ctx.note(found, metadata, format!("`{DIRECT_URL}` beside it is malformed: {error}"));
            return Source::Index;
        }
    };
    if direct.dir_info.is_some() {
        return Source::Directory;
    }
    if let Some(Repository { vcs, commit_id }) = &direct.vcs_info {
        let origin = Origin::vcs(vcs, &direct.url, commit_id.as_deref());
        return Source::Elsewhere(Some(origin), Vec::new());
    }
    let hashes = direct.archive_info.iter().flat_map(|archive| &archive.hashes);
    let hashes = hashes.filter_map(|(algorithm, hex)| python::hash_of(algorithm, hex));
    Source::Elsewhere(python::origin(&direct.url), hashes.collect())
}

/// Name and version as stated, else as the name of the directory has them: `NAME-VERSION.dist-info`, `NAME-VERSION-py3.egg-info`.
fn identity<'a>(metadata: &Stanza<'a>, info: &'a str) -> (&'a str, Option<&'a str>) {
    let stem = info.rsplit_once('.').map_or(info, |(stem, _)| stem);
    let mut words = stem.split('-');
    let (name, version) = (words.next().unwrap_or(stem), words.next());
    let stated = |key| metadata.get(key).filter(|text| !text.is_empty());
    match stated("Name") {
        Some(stated_name) => (stated_name, stated("Version").or(version)),
        None => (name, stated("Version").or(version)),
    }
}

/// The expression, else the field in free text where it is not the text of the licence, else the classifiers.
fn licenses(metadata: &Stanza<'_>) -> Vec<String> {
    let expression = metadata.get("License-Expression").and_then(license);
    let free = || metadata.get("License").filter(|text| !text.contains('\n')).and_then(license);
    if let Some(stated) = expression.or_else(free) {
        return vec![stated];
    }
    metadata
        .all("Classifier")
        .filter_map(|classifier| classifier.strip_prefix("License :: "))
        .filter_map(|classifier| license(classifier.rsplit(" :: ").next()?))
        .collect()
}

fn supplier(metadata: &Stanza<'_>) -> Option<String> {
    ["Maintainer", "Maintainer-email", "Author", "Author-email"]
        .into_iter()
        .find_map(|key| license(metadata.get(key)?))
}

/// What a line of metadata says is needed.
fn needed(line: &str) -> Option<Needed> {
    let requirement = Requirement::parse(line)?;
    let only_for = requirement.extra();
    Some(Needed { name: normal(requirement.name), extras: requirement.extras, only_for })
}

/// What `requires.txt` says is needed: a requirement a line, with sections `[EXTRA:CONDITION]`.
fn needed_by_egg(text: &str) -> Vec<Needed> {
    let mut needs = Vec::new();
    let mut section = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let extra = header.split(':').next().unwrap_or_default();
            section = (!extra.is_empty()).then(|| normal(extra));
        } else if let Some(needed) = needed(line) {
            needs.push(Needed { only_for: section.clone(), ..needed });
        }
    }
    needs
}

/// Requirements are met in the same directory, else wherever there is one. Those of an extra are where somebody installed
/// asks for the extra.
fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut near: BTreeMap<(&str, &str), Vec<ComponentId>> = BTreeMap::new();
    let mut anywhere = Providers::default();
    let mut extras: BTreeSet<(&str, &str)> = BTreeSet::new();
    for Installed { id, site, name, needs } in installed {
        near.entry((site, name)).or_default().push(*id);
        anywhere.add(name, *id);
        for needed in needs {
            extras.extend(needed.extras.iter().map(|extra| (needed.name.as_str(), extra.as_str())));
        }
    }
    for Installed { id, site, name, needs } in installed {
        let is_asked_for = |needed: &&Needed| {
            let extra = needed.only_for.as_deref();
            extra.is_none_or(|extra| extras.contains(&(name.as_str(), extra)))
        };
        for Needed { name, .. } in needs.iter().filter(is_asked_for) {
            let near = near.get(&(site.as_str(), name.as_str()));
            ctx.depends(found, *id, near.map_or_else(|| anywhere.of(name), Vec::as_slice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const SITE: &str = "usr/lib/python3/dist-packages";
    const FLASK: &str = "\
Metadata-Version: 2.4
Name: Flask_SQL.Alchemy
Version: 3.0.3
License-Expression: BSD-3-Clause
Classifier: License :: OSI Approved :: MIT License
Author-email: A <a@x>
Requires-Dist: six>=1
Requires-Dist: Six (>1); python_version < '3'
Requires-Dist: pytest; extra == 'test'
Requires-Dist: absent

Name: not-this
";

    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = files
            .iter()
            .fold(TestTree::new(), |tree, (path, text)| tree.file(format!("{SITE}/{path}"), text));
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn a_path_that_is_no_text_hides_nothing() {
        let tree = TestTree::new()
            .file(b"srv/\xff\x01/six-1.dist-info/METADATA", "Name: six\nVersion: 1\n")
            .file(b"srv/old\xff-2.egg-info", "Version: 2\n");
        assert_eq!(tree.lines(), ["pkg:pypi/old%EF%BF%BD@2", "pkg:pypi/six@1"]);
    }

    #[test]
    fn wheels_and_eggs_and_what_they_need() {
        check(
            &[
                ("flask_sql.alchemy-3.0.3.dist-info/METADATA", FLASK),
                ("pytest-1.dist-info/METADATA", "Name: pytest\nVersion: 1\n"),
                ("six-1.16.0.egg-info", "Metadata-Version: 1.2\nName: six\nVersion: 1.16.0\n"),
                ("wheel.egg-info/PKG-INFO", "Name: wheel\nVersion: 0.38.4\n"),
                ("old-1.0-py3.egg/EGG-INFO/PKG-INFO", "Name: old\nVersion: 1.0\n"),
                ("flask/METADATA", "Name: not-this\nVersion: 1\n"),
                ("PKG-INFO", "Name: not-this\nVersion: 1\n"),
            ],
            &[
                "pkg:pypi/flask-sql-alchemy@3.0.3",
                "pkg:pypi/old@1.0",
                "pkg:pypi/pytest@1",
                "pkg:pypi/six@1.16.0",
                "pkg:pypi/wheel@0.38.4",
                "pkg:pypi/flask-sql-alchemy@3.0.3 needs pkg:pypi/six@1.16.0",
            ],
        );
    }

    #[test]
    fn name_licence_and_supplier() {
        let path = format!("{SITE}/x-1.dist-info/METADATA");
        let inventory = TestTree::new().file(&path, FLASK).catalog();
        let flask = &inventory.components()[0];
        assert_eq!(flask.name, "Flask_SQL.Alchemy");
        assert_eq!(flask.licenses, ["BSD-3-Clause"]);
        assert_eq!(flask.supplier.as_deref(), Some("A <a@x>"));
        let metadata =
            "License: The text\n of it\nClassifier: License :: OSI Approved :: MIT License\n";
        assert_eq!(licenses(&first(metadata).0), ["MIT License"]);
        assert_eq!(licenses(&first("License: UNKNOWN\n").0), Vec::<String>::new());
        assert_eq!(licenses(&first("License: MIT\n").0), ["MIT"]);
    }

    #[test]
    fn another_directory_is_second_choice() {
        let b = |version| format!("Name: b\nVersion: {version}\n");
        let tree = TestTree::new()
            .file(
                "venv/a-1.dist-info/METADATA",
                "Name: a\nVersion: 1\nRequires-Dist: b\nRequires-Dist: c\n",
            )
            .file("venv/b-1.dist-info/METADATA", b("1"))
            .file("usr/b-2.dist-info/METADATA", b("2"))
            .file("usr/c-1.dist-info/METADATA", "Name: c\nVersion: 1\n");
        let lines = tree.lines();
        assert_eq!(
            lines[4..],
            ["pkg:pypi/a@1 needs pkg:pypi/b@1", "pkg:pypi/a@1 needs pkg:pypi/c@1"]
        );
    }

    #[test]
    fn broken_metadata_is_told_from_the_name_of_its_directory_and_an_unknown() {
        check(
            &[
                ("cut-1.5.dist-info/METADATA", "\0\u{1}\u{2}\nrubbish"),
                ("empty.egg-info/PKG-INFO", ""),
                ("-.dist-info/METADATA", ""),
            ],
            &[
                "pkg:pypi/cut@1.5",
                "pkg:pypi/empty",
                "pypi: /usr/lib/python3/dist-packages/-.dist-info/METADATA: malformed package URL `pkg:pypi/`: missing name",
                "pypi: /usr/lib/python3/dist-packages/cut-1.5.dist-info/METADATA: this is no metadata of a Python package",
                "pypi: /usr/lib/python3/dist-packages/empty.egg-info/PKG-INFO: package `empty` states no version",
            ],
        );
    }

    #[test]
    fn where_it_was_installed_from() {
        let at = |info: &str, direct: &str| {
            let lines = TestTree::new()
                .file(format!("venv/{info}/METADATA"), "Name: a\nVersion: 1\n")
                .file(format!("venv/{info}/direct_url.json"), direct)
                .lines();
            lines.join(" ")
        };
        let a = |direct: &str| at("a-1.dist-info", direct);
        let git = r#"{"url": "https://example.com/a", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}"#;
        assert_eq!(a(git), "pkg:pypi/a@1?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fa%40c0ffee");
        let url = r#"{"url": "https://example.com/a.whl", "archive_info": {}}"#;
        assert_eq!(a(url), "pkg:pypi/a@1?download_url=https:%2F%2Fexample.com%2Fa.whl");
        let index = r#"{"url": "https://files.pythonhosted.org/a.whl", "archive_info": {}}"#;
        assert_eq!(a(index), "pkg:pypi/a@1");
        assert_eq!(
            a(r#"{"url": "file:///srv/a", "dir_info": {"editable": true}}"#),
            "pkg:pypi/a@1"
        );
        assert!(a("{").starts_with(
            "pkg:pypi/a@1 pypi: /venv/a-1.dist-info/METADATA: `direct_url.json` beside it is malformed: "
        ));
        assert_eq!(at("a-1.egg-info", "{"), "");
    }

    #[test]
    fn a_directory_is_a_project_and_an_archive_has_hashes() {
        let tree = |direct: &str| {
            TestTree::new()
                .file("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
                .file("a-1.dist-info/direct_url.json", direct)
                .catalog()
        };
        let own = tree(r#"{"url": "file:///srv/a", "dir_info": {}}"#);
        assert_eq!(own.components()[0].kind, ComponentKind::Application);
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let archive = tree(&format!(
            r#"{{"url": "https://x/a", "archive_info": {{"hashes": {{"sha256": "{hex}"}}}}}}"#
        ));
        assert_eq!(archive.components()[0].hashes[0].hex, hex);
        assert_eq!(archive.components()[0].kind, ComponentKind::Library);
    }

    #[test]
    fn extras_count_where_somebody_asks_for_them() {
        let a =
            "Name: a\nVersion: 1\nRequires-Dist: c; extra == 'x'\nRequires-Dist: d; extra == 'y'\n";
        let rest = ["pkg:pypi/a@1", "pkg:pypi/b@1", "pkg:pypi/c@1", "pkg:pypi/d@1"];
        let lines = |b: &str| -> Vec<String> {
            let tree = TestTree::new()
                .file("a-1.dist-info/METADATA", a)
                .file("b-1.dist-info/METADATA", format!("Name: b\nVersion: 1\n{b}"))
                .file("c-1.dist-info/METADATA", "Name: c\nVersion: 1\n")
                .file("d-1.dist-info/METADATA", "Name: d\nVersion: 1\n");
            tree.lines().into_iter().filter(|line| !rest.contains(&line.as_str())).collect()
        };
        assert_eq!(lines(""), [""; 0]);
        assert_eq!(
            lines("Requires-Dist: A[X]\n"),
            ["pkg:pypi/a@1 needs pkg:pypi/c@1", "pkg:pypi/b@1 needs pkg:pypi/a@1"]
        );
    }

    #[test]
    fn what_eggs_need() {
        check(
            &[
                ("a.egg-info/PKG-INFO", "Name: a\nVersion: 1\n"),
                ("a.egg-info/requires.txt", "six>=1\n\n[x]\nb\n\n[:os_name == 'nt']\nc\n"),
                ("b-1-py3.egg/EGG-INFO/PKG-INFO", "Name: b\nVersion: 1\n"),
                ("b-1-py3.egg/EGG-INFO/requires.txt", "a[X]\n"),
                ("c-1.egg-info", "Name: c\nVersion: 1\n"),
                ("requires.txt", "b\n"),
                ("six-1.egg-info", "Name: six\nVersion: 1\n"),
            ],
            &[
                "pkg:pypi/a@1",
                "pkg:pypi/b@1",
                "pkg:pypi/c@1",
                "pkg:pypi/six@1",
                "pkg:pypi/a@1 needs pkg:pypi/b@1",
                "pkg:pypi/a@1 needs pkg:pypi/c@1",
                "pkg:pypi/a@1 needs pkg:pypi/six@1",
                "pkg:pypi/b@1 needs pkg:pypi/a@1",
            ],
        );
    }
}
