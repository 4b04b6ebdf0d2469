//! Python distributions as installed: `METADATA` of wheels, `PKG-INFO` of eggs.
//!
//! Format: <https://packaging.python.org/en/latest/specifications/core-metadata/>, all versions.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    relate::Providers,
    stanza::{Stanza, first},
};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pypi",
    description: "Python packages in *.dist-info and *.egg-info",
    files: &[Files::Named("METADATA"), Files::Named("PKG-INFO"), Files::Ending(".egg-info")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_metadata = site(&String::from_utf8_lossy(path.as_bytes())).is_some();
    if is_metadata { Want::Content } else { Want::Nothing }
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
    needs: Vec<String>,
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
    let bytes = ctx.read(entry, ctx.limits.package_metadata, &mut found);
    let path = String::from_utf8_lossy(entry.path.as_bytes());
    let Some((bytes, (site, info))) = bytes.zip(site(&path)) else { return (found, None) };
    let text = String::from_utf8_lossy(&bytes);
    let (metadata, _) = first(text.strip_prefix('\u{feff}').unwrap_or(&text));
    if metadata.broken.is_some() && metadata.get("Name").is_none() {
        ctx.note(&mut found, entry, "this is no metadata of a Python package");
    }
    let (name, version) = identity(&metadata, info);
    let normal = normal(name);
    let draft = Draft {
        kind: "pypi",
        namespace: None,
        name: &normal,
        shown: name,
        version,
        qualifiers: &[],
    };
    let Some(id) = ctx.add(&mut found, entry, &draft) else { return (found, None) };
    if let Some(component) = found.at(id) {
        component.licenses = licenses(&metadata);
        component.supplier = supplier(&metadata);
    }
    let needs = metadata.all("Requires-Dist").filter_map(requirement).collect();
    let (site, name) = (site.to_owned(), normal);
    (found, Some(Installed { id, site, name, needs }))
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

/// The name in the normal form of PEP 503.
fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
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

/// The normal name of what is required; nothing where only an extra requires it.
fn requirement(text: &str) -> Option<String> {
    let (what, marker) = text.split_once(';').unwrap_or((text, ""));
    let is_extra = marker.split(|char: char| !char.is_alphanumeric()).any(|word| word == "extra");
    let end = [' ', '(', '[', '<', '>', '=', '!', '~', '@', '\t'];
    let name = what.trim().split(end).next().filter(|name| !name.is_empty())?;
    (!is_extra).then(|| normal(name))
}

/// Requirements are met in the same directory, else wherever there is one.
fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut near: BTreeMap<(&str, &str), Vec<ComponentId>> = BTreeMap::new();
    let mut anywhere = Providers::default();
    for Installed { id, site, name, .. } in installed {
        near.entry((site, name)).or_default().push(*id);
        anywhere.add(name, *id);
    }
    for Installed { id, site, needs, .. } in installed {
        for name in needs {
            let near = near.get(&(site.as_str(), name.as_str()));
            ctx.depends(found, *id, near.map_or_else(|| anywhere.of(name), Vec::as_slice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

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
    fn names_in_normal_form() {
        for (name, expect) in
            [("A__b.-C", "a-b-c"), ("zope.interface", "zope-interface"), ("six", "six")]
        {
            assert_eq!(normal(name), expect);
        }
    }
}
