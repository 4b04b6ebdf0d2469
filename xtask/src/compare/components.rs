//! What only one of two SBOMs of the same image lists, and why: every difference belongs to a class that explains it, and
//! one that belongs to none fails the comparison.

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// An SBOM, by package URL without qualifiers.
pub(super) struct Listed {
    all: BTreeMap<String, Component>,
    /// The same, each as [`Component::normal`] has it.
    normal: BTreeSet<String>,
}

/// Of a component what tells why another has it not.
struct Component {
    /// The package URL's type.
    kind: String,
    /// Without its version.
    name: String,
    version: Option<String>,
    /// Where it was found, without what lies in an archive.
    files: BTreeSet<String>,
    /// Our own properties.
    properties: BTreeMap<String, String>,
}

/// What explains that only one side lists a component.
struct Class {
    /// In words.
    words: &'static str,
    /// Whether this is it, with what the other side lists.
    explains: fn(&Component, &Listed) -> bool,
}

/// Of what only Plimsoll lists. The first that fits counts.
const ONLY_OURS: &[Class] = &[
    Class {
        words: "the same package under another name or spelling",
        explains: is_spelled_otherwise,
    },
    Class {
        words: "claimed by an SBOM or a manifest inside: what was compiled into others",
        explains: |component, _| component.has("plimsoll:trust", "claimed"),
    },
    Class {
        words: "stated by a lock file or a manifest of sources",
        explains: |component, _| {
            ["npm-lock", "go-mod", "go-vendor"]
                .into_iter()
                .any(|id| component.has("plimsoll:cataloger", id))
        },
    },
    Class {
        words: "an image that a Dockerfile names",
        explains: |component, _| component.has("plimsoll:cataloger", "image-reference"),
    },
    Class {
        words: "told by a text in a program or by the Java runtime's note",
        explains: |component, _| {
            ["binary", "jvm-release"].into_iter().any(|id| component.has("plimsoll:cataloger", id))
        },
    },
    Class { words: "the same file, taken for something else", explains: is_same_file },
    Class {
        words: "a language's package that belongs to a package of Debian",
        explains: |component, _| component.properties.contains_key("plimsoll:owned-by"),
    },
];

/// Of what only a peer lists.
const ONLY_THEIRS: &[Class] = &[
    Class {
        words: "the same package under another name or spelling",
        explains: is_spelled_otherwise,
    },
    Class {
        words: "a command of Go's own distribution as a module without a version; here its `stdlib`",
        explains: |component, ours| {
            let has_stdlib = || ours.all.values().any(|other| other.name == "pkg:golang/stdlib");
            component.name.starts_with("pkg:golang/cmd/") && has_stdlib()
        },
    },
    Class { words: "the same file, taken for something else", explains: is_same_file },
    Class {
        words: "compiled into another without a version; here one unknown of the package that it is in",
        explains: |component, _| component.version.is_none() && component.lies_in("compiled/"),
    },
    Class {
        words: "a manifest of a part, an example or a test of a package, which nobody installed",
        explains: |component, _| component.kind == "npm" && component.is_part_of_a_package(),
    },
];

impl Listed {
    /// Reads CycloneDX.
    pub(super) fn read(path: &Utf8Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {path}"))?;
        let sbom: Value =
            serde_json::from_slice(&text).with_context(|| format!("{path} is no JSON"))?;
        let mut all = BTreeMap::new();
        collect(&sbom, &mut all);
        let normal = all.values().map(Component::normal).collect();
        Ok(Self { all, normal })
    }

    /// How many components of each type there are.
    fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for component in self.all.values() {
            *kinds.entry(component.kind.as_str()).or_default() += 1;
        }
        kinds
    }
}

fn collect(within: &Value, all: &mut BTreeMap<String, Component>) {
    for value in within["components"].as_array().into_iter().flatten() {
        if let Some(purl) = value["purl"].as_str() {
            let bare = purl.split(['?', '#']).next().unwrap_or(purl);
            all.entry(bare.to_owned()).or_insert_with(|| Component::of(bare, value));
        }
        collect(value, all);
    }
}

impl Component {
    fn of(purl: &str, value: &Value) -> Self {
        let (name, version) = match purl.rsplit_once('@') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (purl, None),
        };
        let texts = |list: &Value, key: &str| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let items = list.as_array().into_iter().flatten();
            items.map(|item| (text(&item["name"]), text(&item[key]))).collect()
        };
        let properties = texts(&value["properties"], "value");
        let occurrences =
            texts(value.pointer("/evidence/occurrences").unwrap_or(&Value::Null), "location");
        // Peers tell of files in properties: `syft:location:0:path`, `aquasecurity:trivy:FilePath`.
        let is_path = |name: &str| name.to_ascii_lowercase().ends_with("path");
        let files = properties.iter().filter(|(name, _)| is_path(name)).chain(&occurrences);
        let file =
            |text: &str| text.split('!').next().unwrap_or(text).trim_start_matches('/').to_owned();
        Self {
            kind: name.trim_start_matches("pkg:").split('/').next().unwrap_or_default().to_owned(),
            name: name.to_owned(),
            version,
            files: files.map(|(_, path)| file(path)).collect(),
            properties: properties.into_iter().collect(),
        }
    }

    fn has(&self, property: &str, value: &str) -> bool {
        self.properties.get(property).is_some_and(|found| found == value)
    }

    fn lies_in(&self, part: &str) -> bool {
        self.files.iter().any(|file| file.contains(part))
    }

    /// Whether it was found below the root of an npm package, and not in a `node_modules` of that one.
    fn is_part_of_a_package(&self) -> bool {
        !self.files.is_empty()
            && self.files.iter().all(|file| {
                let inside = ["node_modules/", "usr/share/nodejs/"].into_iter();
                let inside =
                    inside.filter_map(|root| file.rsplit_once(root)).map(|(_, inside)| inside);
                let inside = inside.min_by_key(|inside| inside.len()).unwrap_or_default();
                let depth = if inside.starts_with('@') { 3 } else { 2 };
                inside.split('/').count() > depth
            })
    }

    /// Without what ecosystems do not tell names apart by, and without Debian's epoch.
    fn normal(&self) -> String {
        let name = self.name.to_ascii_lowercase().replace(['.', '_'], "-");
        let version = self.version.as_deref().unwrap_or_default();
        format!("{name}@{}", version.split_once(':').map_or(version, |(_, rest)| rest))
    }
}

fn is_spelled_otherwise(component: &Component, others: &Listed) -> bool {
    others.normal.contains(&component.normal())
}

fn is_same_file(component: &Component, others: &Listed) -> bool {
    let is_database = |file: &str| file == "var/lib/dpkg/status" || file.ends_with("-lock.json");
    let mut others = others.all.values().filter(|other| other.kind == component.kind);
    others.any(|other| other.files.intersection(&component.files).any(|file| !is_database(file)))
}

/// Prints how many components each lists, and what only one lists, by class.
pub(super) fn print(ours: &Listed, peers: &[(&str, &Listed)]) -> Result<()> {
    let names: Vec<&str> = peers.iter().map(|(name, _)| *name).collect();
    println!(
        "\n| kind | plimsoll | {} |\n|---|---|{}",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    let counts: Vec<_> =
        [ours].into_iter().chain(peers.iter().map(|(_, peer)| *peer)).map(Listed::kinds).collect();
    let kinds: BTreeSet<&str> = counts.iter().flat_map(BTreeMap::keys).copied().collect();
    for kind in kinds {
        let row: Vec<String> =
            counts.iter().map(|kinds| kinds.get(kind).copied().unwrap_or(0).to_string()).collect();
        println!("| {kind} | {} |", row.join(" | "));
    }
    println!(
        "\n| only in | against | components | what they are | for example |\n|---|---|---|---|---|"
    );
    let mut unexplained = Vec::new();
    for (name, peer) in peers {
        unexplained.extend(rows(("plimsoll", name), ours, peer, ONLY_OURS));
        unexplained.extend(rows((name, "plimsoll"), peer, ours, ONLY_THEIRS));
    }
    if unexplained.is_empty() {
        return Ok(());
    }
    bail!("nothing explains why only one lists these:\n{}", unexplained.join("\n"))
}

/// Prints a row for each class; what belongs to none is returned.
fn rows(
    (this, that): (&str, &str),
    all: &Listed,
    others: &Listed,
    classes: &[Class],
) -> Vec<String> {
    let mut found: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for (purl, component) in all.all.iter().filter(|(purl, _)| !others.all.contains_key(*purl)) {
        match classes.iter().position(|class| (class.explains)(component, others)) {
            Some(class) => found.entry(class).or_default().push(purl),
            None => unexplained.push(format!("{this}: {purl} in {:?}", component.files)),
        }
    }
    for (class, purls) in found {
        let words = classes.get(class).map_or("", |class| class.words);
        let example = purls.first().copied().unwrap_or_default();
        println!("| {this} | {that} | {} | {words} | `{example}` |", purls.len());
    }
    unexplained
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listed(components: &[(&str, &str)]) -> Listed {
        let component = |(purl, file): &(&str, &str)| json!({ "purl": purl, "properties": [{ "name": "syft:location:0:path", "value": file }] });
        let sbom = json!({ "components": components.iter().map(component).collect::<Vec<_>>() });
        let mut all = BTreeMap::new();
        collect(&sbom, &mut all);
        let normal = all.values().map(Component::normal).collect();
        Listed { all, normal }
    }

    #[test]
    fn what_a_class_explains_passes_and_anything_else_does_not() {
        let ours = listed(&[
            ("pkg:pypi/zope-interface@1?x=y", "a/METADATA"),
            ("pkg:deb/debian/zlib1g@1:2", "var/lib/dpkg/status"),
            ("pkg:maven/org.x/a@1", "a.jar!/META-INF/x"),
        ]);
        let explained = [
            ("pkg:pypi/zope.interface@1", "/a/METADATA"),
            ("pkg:deb/debian/zlib1g@2", ""),
            ("pkg:maven/a/a@2", "/a.jar"),
            ("pkg:npm/part@1", "/srv/node_modules/@s/b/test/part/package.json"),
            ("pkg:npm/none", "/srv/node_modules/b/dist/compiled/none/package.json"),
        ];
        assert_eq!(rows(("a", "b"), &listed(&explained), &ours, ONLY_THEIRS), [""; 0]);
        let missing = [
            ("pkg:npm/real@1", "/srv/node_modules/@s/real/package.json"),
            ("pkg:deb/debian/other@2", "/var/lib/dpkg/status"),
        ];
        let found = rows(("a", "b"), &listed(&missing), &ours, ONLY_THEIRS);
        assert_eq!(
            found,
            [
                "a: pkg:deb/debian/other@2 in {\"var/lib/dpkg/status\"}",
                "a: pkg:npm/real@1 in {\"srv/node_modules/@s/real/package.json\"}",
            ]
        );
    }
}
