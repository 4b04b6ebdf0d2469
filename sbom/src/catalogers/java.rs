//! Java archives: what they are, what was shaded into them, and the archives inside them, all from what [`crate::jar`] left.
//!
//! What an archive is, its own `pom.properties` says, or `pom.xml`; else its manifest, else its name. The group is never
//! guessed: where nothing states it, the package URL has no namespace and a property says so.
//!
//! Formats: <https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html>,
//! <https://maven.apache.org/shared/maven-archiver/#pom-properties-content>.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    file_name::FileName,
    jar::{CONDENSER, Condensed, Jar, Pom, is_archive},
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Hash, HashAlgorithm},
    inventory::Coverage,
    tree::{Entry, Want},
};
use rayon::prelude::*;
use std::{collections::BTreeMap, fmt};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "java",
    description: "Java archives (jar, war, ear, par, sar, nar, jpi, hpi, kar, lpkg), archives inside them included",
    files: JARS,
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

const JARS: &[Files] = &[
    Files::Ending(".jar"),
    Files::Ending(".war"),
    Files::Ending(".ear"),
    Files::Ending(".par"),
    Files::Ending(".sar"),
    Files::Ending(".nar"),
    Files::Ending(".jpi"),
    Files::Ending(".hpi"),
    Files::Ending(".kar"),
    Files::Ending(".lpkg"),
];

/// Property of a component whose group nothing states.
const GROUP: &str = "plimsoll:maven:group";

/// Fields of manifests that state group, artifact and version: those of Jenkins plugins, and of NAR archives.
const STATED: [[&str; 3]; 2] =
    [["Group-Id", "Short-Name", "Plugin-Version"], ["Nar-Group", "Nar-Id", "Nar-Version"]];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if is_archive(path.file_name()) { Want::Condensed(&CONDENSER) } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| file(ctx, entry)).collect();
    let mut found = Found::default();
    let mut packages = Vec::new();
    for (one, inside) in read {
        let offset = found.components.len();
        found.absorb(one);
        packages.extend(inside.into_iter().map(|package| Package {
            id: super::id_of(package.id.index().saturating_add(offset)),
            ..package
        }));
    }
    relate(ctx, &packages, &mut found);
    found
}

/// A package that Maven describes, and where it is.
struct Package {
    id: ComponentId,
    key: Option<String>,
    needs: Vec<String>,
    /// The archive that it is; `None` where it was shaded into one.
    own: Option<usize>,
    /// The archive that it lies in.
    holder: Option<usize>,
    file: TreePath,
}

/// Everything in one file.
fn file(ctx: &Context<'_>, entry: &Entry) -> (Found, Vec<Package>) {
    let mut found = Found::default();
    let condensed = match ctx.condensed(&entry.path, &CONDENSER) {
        Ok(made) => made.and_then(|made| serde_json::from_slice::<Condensed>(&made).ok()),
        Err(error) => {
            ctx.note(&mut found, entry, error);
            return (found, Vec::new());
        }
    };
    let Some(condensed) = condensed else {
        ctx.note(&mut found, entry, "what was kept of the archive is malformed");
        return (found, Vec::new());
    };
    let mut walk = Walk { ctx, entry, found, packages: Vec::new() };
    let mut ids: Vec<Option<ComponentId>> = Vec::new();
    for (position, jar) in condensed.archives.iter().enumerate() {
        let own = walk.identify(position, jar);
        let holder = jar.holder.and_then(|holder| ids.get(holder).copied().flatten());
        walk.contains(holder, own);
        ids.push(own);
    }
    for (inside, reason) in condensed.notes {
        walk.unknown(&inside, reason);
    }
    (walk.found, walk.packages)
}

struct Walk<'a> {
    ctx: &'a Context<'a>,
    entry: &'a Entry,
    found: Found,
    packages: Vec<Package>,
}

impl Walk<'_> {
    /// Adds an archive, and what was shaded into it.
    fn identify(&mut self, position: usize, jar: &Jar) -> Option<ComponentId> {
        let path = String::from_utf8_lossy(self.entry.path.as_bytes()).into_owned();
        let file = FileName::parse(if jar.inside.is_empty() { &path } else { &jar.inside });
        let manifest = Manifest(&jar.manifest);
        let mut poms = jar.poms.clone();
        let own = own_pom(&poms, &file, &manifest).map(|index| poms.swap_remove(index));
        let mut package = match own.or_else(|| manifest.stated()) {
            Some(pom) => Pom { version: pom.version.or_else(|| manifest.version(&file)), ..pom },
            None => Pom {
                group: manifest.group(&file).or_else(|| repository(&path, jar, &file)),
                artifact: manifest.name(&file).unwrap_or_else(|| file.name.clone()),
                version: manifest.version(&file),
                ..Pom::default()
            },
        };
        for license in manifest.licenses() {
            if !package.licenses.contains(&license) {
                package.licenses.push(license);
            }
        }
        let own = self.add(&jar.inside, &package);
        if let Some(component) = own.and_then(|own| self.found.at(own)) {
            component.hashes = hashes(jar);
            component.supplier = manifest.supplier();
        }
        self.remember(own, package, (Some(position), jar.holder));
        poms.sort_by(|left, right| left.path.cmp(&right.path));
        for pom in poms {
            let shaded = self.add(&pom.path, &pom);
            self.contains(own, shaded);
            self.remember(shaded, pom, (None, Some(position)));
        }
        own
    }

    fn unknown(&mut self, inside: &str, reason: impl fmt::Display) {
        let reason = match inside {
            "" => reason.to_string(),
            inside => format!("`{inside}`: {reason}"),
        };
        self.ctx.note(&mut self.found, self.entry, reason);
    }

    fn add(&mut self, inside: &str, package: &Pom) -> Option<ComponentId> {
        let shown = match &package.group {
            Some(group) => format!("{group}:{}", package.artifact),
            None => package.artifact.clone(),
        };
        let draft = Draft {
            kind: "maven",
            namespace: package.group.as_deref(),
            name: &package.artifact,
            shown: &shown,
            version: package.version.as_deref(),
            qualifiers: &[],
        };
        let id = self.ctx.add(&mut self.found, self.entry, &draft)?;
        let component = self.found.at(id)?;
        component.locations = vec![self.ctx.location(self.entry, inside)];
        component.licenses.clone_from(&package.licenses);
        if package.group.is_none() {
            component.properties.insert(GROUP.to_owned(), "unknown".to_owned());
        }
        Some(id)
    }

    fn contains(&mut self, from: Option<ComponentId>, to: Option<ComponentId>) {
        if let Some((from, to)) = from.zip(to) {
            self.ctx.contains(&mut self.found, from, to);
        }
    }

    fn remember(
        &mut self,
        id: Option<ComponentId>,
        pom: Pom,
        (own, holder): (Option<usize>, Option<usize>),
    ) {
        let Some(id) = id else { return };
        let Pom { group, artifact, needs, .. } = pom;
        let key = group.map(|group| format!("{group}:{artifact}"));
        let file = self.entry.path.clone();
        self.packages.push(Package { id, key, needs, own, holder, file });
    }
}

/// Where a package may be looked for, nearest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Archive(&'a TreePath, usize),
    File(&'a TreePath),
    Directory(Option<TreePath>),
    Tree,
}

impl Package {
    /// The places that it is in.
    fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let holder = self.holder.map(|holder| Place::Archive(&self.file, holder));
        let around = [Place::File(&self.file), Place::Directory(self.file.parent()), Place::Tree];
        holder.into_iter().chain(around)
    }
}

/// Relates each package to what it needs, as far as that is there: of several, the nearest.
fn relate(ctx: &Context<'_>, packages: &[Package], found: &mut Found) {
    let mut by_place: BTreeMap<(&str, Place<'_>), ComponentId> = BTreeMap::new();
    for package in packages {
        let Some(key) = &package.key else { continue };
        for place in package.places() {
            by_place.entry((key, place)).or_insert(package.id);
        }
    }
    for package in packages {
        for needed in &package.needs {
            let inside = package.own.map(|own| Place::Archive(&package.file, own));
            let mut places = inside.into_iter().chain(package.places());
            let to = places.find_map(|place| by_place.get(&(needed.as_str(), place)).copied());
            if let Some(to) = to.filter(|to| *to != package.id) {
                ctx.depends(found, package.id, &[to]);
            }
        }
    }
}

/// Of the file as it is published.
fn hashes(jar: &Jar) -> Vec<Hash> {
    let (sha1, sha256) = &jar.hashes;
    let hash = |algorithm, hex: &String, length| {
        let is_hash = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Hash { algorithm, hex: hex.clone() })
    };
    let all = [hash(HashAlgorithm::Sha1, sha1, 40), hash(HashAlgorithm::Sha256, sha256, 64)];
    all.into_iter().flatten().collect()
}

/// The position of the description that speaks of the archive itself: the one that the file is named after; the only one,
/// where the file was renamed but nothing has another version; or the one that has the manifest's title.
fn own_pom(poms: &[Pom], file: &FileName, manifest: &Manifest<'_>) -> Option<usize> {
    let longest = |is: &dyn Fn(&Pom) -> bool| {
        let fitting = poms.iter().enumerate().filter(|(_, pom)| is(pom));
        fitting.max_by_key(|(_, pom)| pom.artifact.len()).map(|(index, _)| index)
    };
    let named = longest(&|pom| is_named(pom, file));
    if named.is_some() {
        return named;
    }
    if let [only] = poms {
        let versions = [
            file.version.as_ref(),
            manifest.get("Implementation-Version"),
            manifest.get("Bundle-Version"),
        ];
        let only = only.version.as_deref().unwrap_or_default();
        let is_same = |version: &&String| numbers(version) == numbers(only);
        return versions.into_iter().flatten().all(|version| is_same(&version)).then_some(0);
    }
    let title = manifest.get("Implementation-Title").filter(|_| file.version.is_none());
    longest(&|pom| title == Some(&pom.artifact))
}

/// The first numbers of a version, without zeros behind them: bundles write `1.2.0.SNAPSHOT` of `1.2-SNAPSHOT`.
fn numbers(version: &str) -> Vec<&str> {
    let words = version.split(|char: char| !char.is_ascii_digit());
    let mut numbers: Vec<&str> = words.take_while(|word| !word.is_empty()).take(3).collect();
    while numbers.last().is_some_and(|last| last.bytes().all(|byte| byte == b'0')) {
        numbers.pop();
    }
    numbers
}

/// Whether a file is named after a package: `ARTIFACT-VERSION` or `GROUP.ARTIFACT-VERSION`.
fn is_named(pom: &Pom, file: &FileName) -> bool {
    let with_group = || Some(format!("{}.{}", pom.group.as_ref()?, pom.artifact));
    file.is(&pom.artifact) || with_group().is_some_and(|name| file.is(&name))
}

/// The main section of a manifest.
struct Manifest<'a>(&'a BTreeMap<String, String>);

impl Manifest<'_> {
    fn get(&self, key: &str) -> Option<&String> {
        self.0.get(key)
    }

    /// A value without the parameters behind it.
    fn symbol(&self, key: &str) -> Option<&str> {
        let symbol = self.get(key)?.split(';').next()?.trim();
        (!symbol.is_empty()).then_some(symbol)
    }

    /// What a manifest states in fields that are for that.
    fn stated(&self) -> Option<Pom> {
        STATED.iter().find_map(|[group, artifact, version]| {
            let (group, artifact) = (self.get(group)?, self.get(artifact)?);
            let version = self.get(version)?.split(' ').next().map(str::to_owned);
            let (group, artifact) = (Some(group.clone()), artifact.clone());
            Some(Pom { group, artifact, version, ..Pom::default() })
        })
    }

    /// The title that the file is named after.
    fn name(&self, file: &FileName) -> Option<String> {
        let keys = [
            "Implementation-Title",
            "Bundle-SymbolicName",
            "Automatic-Module-Name",
            "Specification-Title",
        ];
        let mut titles = keys.into_iter().filter_map(|key| self.symbol(key));
        titles.find(|name| file.is(name)).map(str::to_owned)
    }

    /// The group, where two fields agree on it: the one that Maven writes it to says something else as often, so it has
    /// to make the bundle's name together with the name of the file, by the rule of Maven's plugin for bundles.
    fn group(&self, file: &FileName) -> Option<String> {
        let group = self.get("Implementation-Vendor-Id")?;
        let section = group.rsplit('.').next()?;
        let bundle = match file.name.strip_prefix(section) {
            Some("") => group.clone(),
            Some(rest) => format!("{group}.{}", rest.trim_start_matches(['-', '.'])),
            None => format!("{group}.{}", file.name),
        };
        (self.symbol("Bundle-SymbolicName") == Some(bundle.as_str())).then(|| group.clone())
    }

    /// What the archive implements comes last: it may differ from its own version.
    fn version(&self, file: &FileName) -> Option<String> {
        let get = |key| self.get(key).cloned();
        get("Implementation-Version")
            .or_else(|| get("Bundle-Version"))
            .or_else(|| file.version.clone())
            .or_else(|| get("Specification-Version"))
    }

    fn supplier(&self) -> Option<String> {
        self.get("Implementation-Vendor").or_else(|| self.get("Bundle-Vendor")).cloned()
    }

    /// Licences parted by commas, each perhaps with parameters, and in quotes where commas are part of it.
    fn licenses(&self) -> Vec<String> {
        let mut is_quoted = false;
        let declared = self.get("Bundle-License").map(String::as_str).unwrap_or_default();
        let parts = declared.split(move |char| {
            is_quoted ^= char == '"';
            char == ',' && !is_quoted
        });
        let names = parts.filter_map(|part| part.split(';').next());
        names.filter_map(|name| license(name.trim().trim_matches('"'))).collect()
    }
}

/// The group that the directories of a repository state: `repository/GROUP/ARTIFACT/VERSION/FILE` of Maven, with slashes in
/// the group, and `files-2.1/GROUP/ARTIFACT/VERSION/HASH/FILE` of Gradle.
fn repository(path: &str, jar: &Jar, file: &FileName) -> Option<String> {
    if !jar.inside.is_empty() {
        return None;
    }
    let parts: Vec<&str> = path.rsplit('/').skip(1).collect();
    let is_it = |artifact: &str, version: &str| {
        artifact == file.name && Some(version) == file.version.as_deref()
    };
    match parts.as_slice() {
        [version, artifact, above @ ..] if is_it(artifact, version) => {
            let root =
                above.iter().position(|part| matches!(*part, "repository" | "maven-repo"))?;
            let group: Vec<&str> = above.get(..root)?.iter().rev().copied().collect();
            (!group.is_empty()).then(|| group.join("."))
        }
        [_, version, artifact, group, "files-2.1", ..] if is_it(artifact, version) => {
            Some((*group).to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{archive::testing::zip, testing::TestTree};

    const POM: &[u8] = b"#Generated\ngroupId=com.acme\nartifactId=lib\nversion=1.2.3\n";
    const POM_PATH: &str = "META-INF/maven/com.acme/lib/pom.properties";

    #[track_caller]
    fn check(path: &str, bytes: impl AsRef<[u8]>, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, bytes).lines(), expect);
    }

    fn manifest(text: &str) -> Vec<u8> {
        zip(&[("META-INF/MANIFEST.MF", text.as_bytes())])
    }

    #[test]
    fn maven_says_what_it_is() {
        let jar = zip(&[
            (POM_PATH, POM),
            ("META-INF/MANIFEST.MF", b"Bundle-License: MIT, \n Apache-2.0\n"),
        ]);
        for path in [
            "lib-1.2.3.jar",
            "lib.war",
            "lib-1.2.3-sources.jar",
            "com.acme.lib-1.2.3.jar",
            "renamed.ear",
        ] {
            check(path, &jar, &["pkg:maven/com.acme/lib@1.2.3"]);
        }
        let inventory = TestTree::new().file("lib.jar", &jar).catalog();
        assert_eq!(inventory.components()[0].name, "com.acme:lib");
        assert_eq!(inventory.components()[0].licenses, ["MIT", "Apache-2.0"]);
    }

    #[test]
    fn else_the_manifest_else_the_name_of_the_file() {
        check(
            "x/spring-core-5.3.1.jar",
            manifest(
                "Manifest-Version: 1.0\r\nImplementation-Title: spring-core\r\nImplementation-Version: 5.3\r\n .1\r\n",
            ),
            &["pkg:maven/spring-core@5.3.1"],
        );
        check(
            "x/tomcat-embed.jar",
            manifest(
                "Implementation-Title: Apache Tomcat\nBundle-SymbolicName: tomcat-embed;x:=1\nBundle-Version: 9.0\n\nName: y\nImplementation-Version: 1\n",
            ),
            &["pkg:maven/tomcat-embed@9.0"],
        );
        check(
            "servlet-api-2.5.jar",
            manifest("Specification-Version: 3.1\n"),
            &["pkg:maven/servlet-api@2.5"],
        );
        check(
            "servlet-api.jar",
            manifest("Specification-Version: 3.1\n"),
            &["pkg:maven/servlet-api@3.1"],
        );
        check(
            "app.jar",
            manifest("Implementation-Version: ${project.version}\n"),
            &["pkg:maven/app", "java: /app.jar: package `app` states no version"],
        );
    }

    #[test]
    fn what_was_shaded_into_it() {
        let other: &[u8] = b"groupId=org.x\nartifactId=y\nversion=2\n";
        let shaded = "META-INF/maven/org.x/y/pom.properties";
        check(
            "lib-1.2.3.jar",
            zip(&[(shaded, other), (POM_PATH, POM)]),
            &[
                "pkg:maven/com.acme/lib@1.2.3",
                "pkg:maven/org.x/y@2",
                "pkg:maven/com.acme/lib@1.2.3 contains pkg:maven/org.x/y@2",
            ],
        );
        // Renamed, as Debian does.
        check("y-of-x-2.jar", zip(&[(shaded, other)]), &["pkg:maven/org.x/y@2"]);
        // The file, or the manifest, has a version of its own: the only description is of something else.
        check(
            "x-with-y.jar",
            zip(&[(shaded, other), ("META-INF/MANIFEST.MF", b"Bundle-Version: 7.0.0.SNAPSHOT\n")]),
            &[
                "pkg:maven/org.x/y@2",
                "pkg:maven/x-with-y@7.0.0.SNAPSHOT",
                "pkg:maven/x-with-y@7.0.0.SNAPSHOT contains pkg:maven/org.x/y@2",
            ],
        );
        check(
            "app-7.jar",
            zip(&[(shaded, other)]),
            &[
                "pkg:maven/app@7",
                "pkg:maven/org.x/y@2",
                "pkg:maven/app@7 contains pkg:maven/org.x/y@2",
            ],
        );
    }

    #[test]
    fn archives_in_archives() {
        let lib = zip(&[(POM_PATH, POM)]);
        let war = zip(&[("WEB-INF/lib/lib-1.2.3.jar", &lib), ("other.txt", &lib)]);
        let ear = zip(&[("inner-2.0.war", &war), ("lib-1.2.3.jar", &lib)]);
        let tree = TestTree::new().file("opt/outer-3.ear", ear);
        assert_eq!(
            tree.lines(),
            [
                "pkg:maven/com.acme/lib@1.2.3",
                "pkg:maven/inner@2.0",
                "pkg:maven/outer@3",
                "pkg:maven/inner@2.0 contains pkg:maven/com.acme/lib@1.2.3",
                "pkg:maven/outer@3 contains pkg:maven/com.acme/lib@1.2.3",
                "pkg:maven/outer@3 contains pkg:maven/inner@2.0",
            ]
        );
        let inventory = tree.catalog();
        let locations = inventory.components()[0].locations.iter();
        let inside: Vec<_> = locations.map(|found| found.inside.as_str()).collect();
        assert_eq!(inside, ["inner-2.0.war!/WEB-INF/lib/lib-1.2.3.jar", "lib-1.2.3.jar"]);
    }

    #[test]
    fn archives_that_lie_or_break_are_unknowns() {
        let lib = zip(&[(POM_PATH, POM)]);
        check(
            "lib-1.jar",
            &lib[..lib.len() / 2],
            &[
                "pkg:maven/lib@1",
                "java: /lib-1.jar: not a readable ZIP archive: invalid Zip archive: Could not find EOCD",
            ],
        );
        // One flipped bit in the stored checksum.
        let mut forged = lib.clone();
        let central = memchr::memmem::find(&forged, b"PK\x01\x02").unwrap();
        forged[central + 16] ^= 1;
        let reason = format!(
            "java: /lib-1.jar: `{POM_PATH}`: the entry can not be inflated: Invalid checksum"
        );
        check("lib-1.jar", &forged, &["pkg:maven/lib@1", &reason]);
        check(
            "outer-1.jar",
            zip(&[("bad-2.jar", b"no zip"), ("good-3.jar", &zip(&[]))]),
            &[
                "pkg:maven/bad@2",
                "pkg:maven/good@3",
                "pkg:maven/outer@1",
                "pkg:maven/outer@1 contains pkg:maven/bad@2",
                "pkg:maven/outer@1 contains pkg:maven/good@3",
                "java: /outer-1.jar: `bad-2.jar`: not a readable ZIP archive: invalid Zip archive: Could not find EOCD",
            ],
        );
    }

    #[test]
    fn no_archive_is_held_whole() {
        let path = TreePath::parse(b"srv/app/lib/a-1.jar").unwrap();
        let want = crate::interest().want(&path, 1 << 20, 0o755);
        assert_eq!(want, Want::Condensed(&CONDENSER));
    }

    #[test]
    fn the_group_is_stated_or_absent() {
        let text = |manifest: &str| manifest.to_owned();
        for (path, fields, expect) in [
            ("a/x-core-1.2.jar", text("Implementation-Vendor-Id: org.x"), "pkg:maven/x-core@1.2"),
            (
                "a/commons-io-2.1.jar",
                text(
                    "Implementation-Vendor-Id: org.apache\nBundle-SymbolicName: org.apache.commons.io",
                ),
                "pkg:maven/commons-io@2.1",
            ),
            (
                "a/x-core-1.2.jar",
                text(
                    "Implementation-Vendor-Id: org.x\nBundle-SymbolicName: org.x.core;singleton:=true",
                ),
                "pkg:maven/org.x/x-core@1.2",
            ),
            (
                "a/git.jpi",
                text(
                    "Group-Id: org.jenkins-ci.plugins\nShort-Name: git\nPlugin-Version: 4.0 (private)",
                ),
                "pkg:maven/org.jenkins-ci.plugins/git@4.0",
            ),
            ("root/.m2/repository/org/x/y/1/y-1.jar", text(""), "pkg:maven/org.x/y@1"),
            ("c/files-2.1/org.x/y/1/0123/y-1.jar", text(""), "pkg:maven/org.x/y@1"),
            ("repository/y/1/z-1.jar", text(""), "pkg:maven/z@1"),
            ("z.jar", text("Implementation-Version: 2.0 (r7)"), "pkg:maven/z@2.0%20(r7)"),
            ("plugins/org.x.ui_3.1.0.v2.jar", text(""), "pkg:maven/org.x.ui@3.1.0.v2"),
        ] {
            let inventory = TestTree::new().file(path, manifest(&fields)).catalog();
            let component = &inventory.components()[0];
            assert_eq!(component.purl.as_str(), expect, "{path}");
            assert_eq!(
                component.properties.contains_key(GROUP),
                component.purl.namespace().is_none()
            );
        }
    }

    #[test]
    fn hashes_supplier_and_licences() {
        let fields = "Bundle-License: \"A, B\";link=x, MIT\nBundle-Vendor: Acme\n";
        let jar = zip(&[("META-INF/MANIFEST.MF", fields.as_bytes())]);
        let inventory = TestTree::new().file("a-1.jar", &jar).catalog();
        let component = &inventory.components()[0];
        assert_eq!(component.licenses, ["A, B", "MIT"]);
        assert_eq!(component.supplier.as_deref(), Some("Acme"));
        let [sha1, sha256] = component.hashes.as_slice() else { panic!("{:?}", component.hashes) };
        assert_eq!((sha1.algorithm, sha1.hex.len()), (HashAlgorithm::Sha1, 40));
        assert_eq!(format!("sha256:{}", sha256.hex), plimsoll_model::Digest::of(&jar).to_string());
    }

    fn described(artifact: &str, needs: &[&str]) -> Vec<u8> {
        let needs = needs.iter().map(|artifact| {
            format!(
                "<dependency><groupId>g</groupId><artifactId>{artifact}</artifactId></dependency>"
            )
        });
        let pom = format!(
            "<project><groupId>g</groupId><artifactId>{artifact}</artifactId><version>1</version>\
             <licenses><license><name>MIT</name></license></licenses>\
             <dependencies>{}</dependencies></project>",
            needs.collect::<String>()
        );
        zip(&[(&format!("META-INF/maven/g/{artifact}/pom.xml"), pom.as_bytes())])
    }

    #[test]
    fn what_is_needed_is_looked_for_nearby_first() {
        let war = zip(&[
            ("WEB-INF/lib/a-1.jar", &described("a", &["b", "c", "absent"])),
            ("WEB-INF/lib/b-1.jar", &described("b", &["a"])),
        ]);
        let tree = TestTree::new()
            .file("app/x-1.war", war)
            .file("lib/c-1.jar", described("c", &["c"]))
            .file("lib/b-1.jar", described("b", &[]));
        assert_eq!(
            tree.lines(),
            [
                "pkg:maven/g/a@1",
                "pkg:maven/g/b@1",
                "pkg:maven/g/c@1",
                "pkg:maven/x@1",
                "pkg:maven/g/a@1 needs pkg:maven/g/b@1",
                "pkg:maven/g/a@1 needs pkg:maven/g/c@1",
                "pkg:maven/g/b@1 needs pkg:maven/g/a@1",
                "pkg:maven/x@1 contains pkg:maven/g/a@1",
                "pkg:maven/x@1 contains pkg:maven/g/b@1",
            ]
        );
        assert_eq!(tree.catalog().components()[0].licenses, ["MIT"]);
    }

    #[test]
    fn an_archive_with_a_broken_description_is_still_told() {
        let jar = zip(&[("META-INF/maven/g/a/pom.xml", b"<project><artifactId>a</artifactId><x>")]);
        check(
            "a-1.jar",
            jar,
            &[
                "pkg:maven/a@1",
                "java: /a-1.jar: `META-INF/maven/g/a/pom.xml`: malformed XML: the document ends too early",
            ],
        );
    }
}
