//! Java archives: what they are, what was shaded into them, and the archives inside them, read in place.
//!
//! Formats: <https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html>,
//! <https://maven.apache.org/shared/maven-archiver/#pom-properties-content>.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    archive::Archive,
    stanza::{Stanza, first},
};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::{borrow::Cow, fmt};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "java",
    description: "Java archives (jar, war, ear, jpi, hpi), archives inside them included",
    files: JARS,
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

const EXTENSIONS: [&str; 5] = [".jar", ".war", ".ear", ".jpi", ".hpi"];

const JARS: &[Files] = &[
    Files::Ending(".jar"),
    Files::Ending(".war"),
    Files::Ending(".ear"),
    Files::Ending(".jpi"),
    Files::Ending(".hpi"),
];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name();
    if EXTENSIONS.iter().any(|extension| name.ends_with(extension.as_bytes())) {
        Want::Content
    } else {
        Want::Nothing
    }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.file, |ctx, entry, bytes, found| {
        let left = ctx.limits.archive_inflated;
        let mut walk = Walk { ctx, entry, left, found };
        let name = String::from_utf8_lossy(entry.path.file_name()).into_owned();
        // Depth first, so that of every level one archive at most is in memory.
        let mut open: Vec<Frame<'_>> =
            walk.open(Cow::Borrowed(bytes), "", &name).into_iter().collect();
        while let Some(frame) = open.last_mut() {
            let Some((index, name)) = frame.nested.pop() else {
                open.pop();
                continue;
            };
            let inside = join(&frame.inside, &name);
            let (holder, bytes) = (frame.own, frame.archive.read(index, &mut walk.left));
            let first = walk.found.components.len();
            let nested = match bytes {
                Ok(_) if open.len() >= ctx.limits.archive_depth => {
                    walk.refuse(&inside, &name, "archives are nested too deep to be followed")
                }
                Ok(bytes) => walk.open(Cow::Owned(bytes), &inside, &name),
                Err(error) => walk.refuse(&inside, &name, error),
            };
            if walk.found.components.len() > first {
                walk.contains(holder, Some(super::id_of(first)));
            }
            open.extend(nested);
        }
    })
}

/// `archive!/name`, or `name` in the file itself.
fn join(archive: &str, name: &str) -> String {
    if archive.is_empty() { name.to_owned() } else { format!("{archive}!/{name}") }
}

/// One archive file with everything inside it.
struct Walk<'a> {
    ctx: &'a Context<'a>,
    entry: &'a Entry,
    /// Bytes that may still be inflated.
    left: u64,
    found: &'a mut Found,
}

/// One archive whose nested archives are being read.
struct Frame<'a> {
    archive: Archive<'a>,
    inside: String,
    own: Option<ComponentId>,
    nested: Vec<(usize, String)>,
}

impl<'a> Walk<'a> {
    /// Adds the components of one archive; those of the archives in it are left to the frame.
    fn open(&mut self, bytes: Cow<'a, [u8]>, inside: &str, name: &str) -> Option<Frame<'a>> {
        let mut archive = match Archive::open(bytes, self.ctx.limits.archive_entries) {
            Ok(archive) => archive,
            Err(error) => return self.refuse(inside, name, error),
        };
        if archive.is_ambiguous() {
            self.unknown(inside, "two entries of the archive have the same name");
        }
        let names: Vec<_> = archive.names().collect();
        let mut poms = Vec::new();
        let mut manifest = None;
        for (index, name) in &names {
            let is_manifest = name == "META-INF/MANIFEST.MF";
            if !is_manifest && !is_pom(name) {
                continue;
            }
            match archive.read(*index, &mut self.left).map(|bytes| text(&bytes)) {
                Ok(text) if is_manifest => manifest = Some(text),
                Ok(text) => match Pom::parse(&text) {
                    Some(pom) => poms.push((join(inside, name), pom)),
                    None => self.unknown(&join(inside, name), "no `artifactId` names the package"),
                },
                Err(error) => self.unknown(&join(inside, name), error),
            }
        }
        let own = self.identify(inside, name, (poms, manifest.as_deref()));
        let is_nested = |name: &String| EXTENSIONS.iter().any(|end| name.ends_with(end));
        let mut nested: Vec<_> = names.into_iter().filter(|(_, name)| is_nested(name)).collect();
        nested.reverse();
        Some(Frame { archive, inside: inside.to_owned(), own, nested })
    }

    /// Adds the archive itself, and what was shaded into it.
    fn identify(
        &mut self,
        inside: &str,
        name: &str,
        (mut poms, manifest): (Vec<(String, Pom)>, Option<&str>),
    ) -> Option<ComponentId> {
        let file = FileName::parse(name);
        let own = own_pom(&poms, &file).map(|index| poms.swap_remove(index).1);
        let manifest = Manifest(manifest.map(|text| first(text).0).unwrap_or_default());
        let package = if let Some(pom) = own {
            Pom { version: pom.version.or_else(|| manifest.version(&file)), ..pom }
        } else {
            let artifact = manifest.name(&file).unwrap_or_else(|| file.name.clone());
            Pom { group: None, artifact, version: manifest.version(&file) }
        };
        let own = self.add(inside, &package);
        if let Some(component) = own.and_then(|own| self.found.at(own)) {
            component.licenses = manifest.licenses();
        }
        poms.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (path, pom) in poms {
            let shaded = self.add(&path, &pom);
            self.contains(own, shaded);
        }
        own
    }

    /// Of an archive that cannot be read the file name is known.
    fn refuse(&mut self, inside: &str, name: &str, reason: impl fmt::Display) -> Option<Frame<'a>> {
        self.unknown(inside, reason);
        let FileName { name: artifact, version } = FileName::parse(name);
        self.add(inside, &Pom { group: None, artifact, version });
        None
    }

    fn unknown(&mut self, inside: &str, reason: impl fmt::Display) {
        let reason = match inside {
            "" => reason.to_string(),
            inside => format!("`{inside}`: {reason}"),
        };
        self.ctx.note(self.found, self.entry, reason);
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
        let id = self.ctx.add(self.found, self.entry, &draft)?;
        let component = self.found.at(id)?;
        component.locations = vec![self.ctx.location(self.entry, inside)];
        Some(id)
    }

    fn contains(&mut self, from: Option<ComponentId>, to: Option<ComponentId>) {
        if let Some((from, to)) = from.zip(to) {
            self.ctx.contains(self.found, from, to);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether this is `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
fn is_pom(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("META-INF/maven/") else { return false };
    rest.strip_suffix("/pom.properties").is_some_and(|ids| ids.split('/').count() == 2)
}

/// The position of the `pom.properties` that speaks of the archive itself: the one that the file is named after; or
/// the only one, where the file has been renamed to something without a version.
fn own_pom(poms: &[(String, Pom)], file: &FileName) -> Option<usize> {
    let named = poms.iter().enumerate().filter(|(_, (_, pom))| pom.names(file));
    let longest = named.max_by_key(|(_, (_, pom))| pom.artifact.len()).map(|(index, _)| index);
    longest.or_else(|| (poms.len() == 1 && file.version.is_none()).then_some(0))
}

/// Coordinates of a package, from `pom.properties` or put together from elsewhere.
#[derive(Debug)]
struct Pom {
    group: Option<String>,
    artifact: String,
    version: Option<String>,
}

impl Pom {
    fn parse(text: &str) -> Option<Self> {
        let get = |key: &str| {
            text.lines()
                .map(str::trim)
                .filter(|line| !line.starts_with(['#', '!']))
                .filter_map(|line| line.split_once(['=', ':']))
                .find(|(found, _)| found.trim() == key)
                .and_then(|(_, value)| filled(&value.replace('\\', "")))
        };
        Some(Self { group: get("groupId"), artifact: get("artifactId")?, version: get("version") })
    }

    /// Whether a file is named after it: `ARTIFACT-VERSION` or `GROUP.ARTIFACT-VERSION`.
    fn names(&self, file: &FileName) -> bool {
        let with_group = || Some(format!("{}.{}", self.group.as_ref()?, self.artifact));
        file.is(&self.artifact) || with_group().is_some_and(|name| file.is(&name))
    }
}

/// A value, unless it is empty or a placeholder that the build did not fill.
fn filled(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && !value.contains("${")).then(|| value.to_owned())
}

/// The main section of a manifest.
struct Manifest<'a>(Stanza<'a>);

impl Manifest<'_> {
    fn get(&self, key: &str) -> Option<String> {
        // A line that begins with a space continues the one before, also in the middle of a word.
        let value = self.0.get(key)?.replace("\r\n ", "").replace("\n ", "");
        filled(&value)
    }

    /// The title that the file is named after.
    fn name(&self, file: &FileName) -> Option<String> {
        ["Implementation-Title", "Bundle-SymbolicName", "Specification-Title"]
            .into_iter()
            .filter_map(|key| self.get(key))
            .filter_map(|title| title.split(';').next().map(|name| name.trim().to_owned()))
            .find(|name| file.is(name))
    }

    /// What the archive implements comes last: it may differ from its own version.
    fn version(&self, file: &FileName) -> Option<String> {
        self.get("Implementation-Version")
            .or_else(|| self.get("Bundle-Version"))
            .or_else(|| file.version.clone())
            .or_else(|| self.get("Specification-Version"))
    }

    fn licenses(&self) -> Vec<String> {
        let licenses = self.get("Bundle-License").unwrap_or_default();
        licenses.split(',').filter_map(license).collect()
    }
}

/// The name of a file as `NAME-VERSION.jar`.
struct FileName {
    name: String,
    version: Option<String>,
}

impl FileName {
    fn parse(path: &str) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let splits = || {
            let dashes = stem.match_indices('-');
            dashes.filter_map(|(at, _)| Some((stem.get(..at)?, stem.get(at..)?.get(1..)?)))
        };
        let plain = splits().find(|(name, version)| !name.is_empty() && is_version(version));
        // With a classifier behind the version (`-linux-x86_64`, `-all`) it takes three numbers to be sure of it.
        let classified = || {
            splits().find_map(|(name, rest)| {
                let version = rest.split('-').next()?;
                let is_sure =
                    !name.is_empty() && is_version(version) && version.split('.').count() > 2;
                is_sure.then_some((name, version))
            })
        };
        match plain.or_else(classified) {
            Some((name, version)) => {
                Self { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            None => Self { name: stem.to_owned(), version: None },
        }
    }

    /// Whether the file is named after `artifact`, perhaps with a classifier behind it.
    fn is(&self, artifact: &str) -> bool {
        let rest = self.name.strip_prefix(artifact);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Whether words parted by dashes are a version: the first is a number, the others are numbers or say what kind of release it is.
fn is_version(text: &str) -> bool {
    const RELEASES: [&str; 11] = [
        "alpha", "android", "beta", "build", "final", "ga", "jre", "m", "rc", "release", "snapshot",
    ];
    let is_number = |word: &str| word.starts_with(|char: char| char.is_ascii_digit());
    let is_release = |word: &str| {
        let word = word.to_ascii_lowercase();
        RELEASES.contains(&word.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.'))
    };
    let mut words = text.split('-');
    words.next().is_some_and(is_number) && words.all(|word| is_number(word) || is_release(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{archive::testing::zip, testing::TestTree};
    use plimsoll_model::Limits;

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
    fn names_of_files() {
        for (file, name, version) in [
            ("a/guava-31.1-jre.jar", "guava", Some("31.1-jre")),
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", Some("2.17.1")),
            ("foo-1.0-SNAPSHOT.war", "foo", Some("1.0-SNAPSHOT")),
            ("foo-1.0-rc2-3.jar", "foo", Some("1.0-rc2-3")),
            ("jrt-fs.jar", "jrt-fs", None),
            ("-1.0.jar", "-1.0", None),
            ("epoll-4.1.9.Final-linux-x86_64.jar", "epoll", Some("4.1.9.Final")),
            ("log4j-1.2-api.jar", "log4j-1.2-api", None),
        ] {
            let parsed = FileName::parse(file);
            assert_eq!(
                (parsed.name.as_str(), parsed.version.as_deref()),
                (name, version),
                "{file}"
            );
        }
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
        // The file has a version of its own: the only description is of something else.
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
    fn limits_of_depth_and_size() {
        let limits = Limits { archive_depth: 2, archive_inflated: 1_000, ..Limits::STANDARD };
        let deep = zip(&[("b-1.jar", &zip(&[("c-1.jar", &zip(&[]))]))]);
        let bomb = zip(&[("b-1.jar", &vec![0; 100_000])]);
        for (bytes, expect) in [
            (deep, "`b-1.jar!/c-1.jar`: archives are nested too deep to be followed"),
            (bomb, "`b-1.jar`: the entry is larger than the 1000 bytes that are left of the limit"),
        ] {
            let tree = TestTree::new().file("a-1.jar", bytes);
            let inventory = crate::catalog(&tree, &limits);
            let reasons: Vec<_> = inventory.unknowns.iter().map(|found| &found.reason).collect();
            assert_eq!(reasons, [expect]);
        }
    }
}
