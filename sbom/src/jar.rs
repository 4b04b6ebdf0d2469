//! Java archives on their way past: of each, what names it, what was shaded into it, and the archives inside it.
//!
//! One archive is in memory while it passes, with those inside it that are open; what is left of it are a few hundred bytes.
//!
//! Formats: <https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html>,
//! <https://maven.apache.org/shared/maven-archiver/>.

use crate::{
    archive::Archive,
    maven::{Coordinates, Project, filled},
    stanza::first,
};
use plimsoll_model::{
    Limits,
    component::Scope,
    tree::{Condense, Condenser, TreeError},
};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::ControlFlow,
};

/// What file names of archives end in.
pub(crate) const EXTENSIONS: [&str; 10] =
    [".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".lpkg"];

/// Whether a file of this name is taken for an archive.
pub(crate) fn is_archive(name: &[u8]) -> bool {
    EXTENSIONS.iter().any(|extension| name.ends_with(extension.as_bytes()))
}

/// Makes a [`Condensed`] of an archive, as JSON.
pub(crate) static CONDENSER: Condenser = Condenser { id: "java-archive", also: None, begin };

/// Nobody hands limits to what passes by: it has the standard ones.
const LIMITS: Limits = Limits::STANDARD;

/// How many times larger all that is inflated may be than the file, above a floor of 64 MiB.
const RATIO: u64 = 100;

/// What may be inflated of any file, however small.
const FLOOR: u64 = 1 << 26;

/// How many archives, descriptions, needs and notes there may be in one file.
const MOST_FACTS: usize = 100_000;

/// In characters.
const LONGEST_REASON: usize = 300;

/// The fields of a manifest that say what an archive is.
const MANIFEST: [&str; 17] = [
    "Automatic-Module-Name",
    "Bundle-License",
    "Bundle-SymbolicName",
    "Bundle-Vendor",
    "Bundle-Version",
    "Group-Id",
    "Implementation-Title",
    "Implementation-Vendor",
    "Implementation-Vendor-Id",
    "Implementation-Version",
    "Nar-Group",
    "Nar-Id",
    "Nar-Version",
    "Plugin-Version",
    "Short-Name",
    "Specification-Title",
    "Specification-Version",
];

/// What is left of one file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condensed {
    /// The archive itself, then those inside it, each behind its holder.
    pub(crate) archives: Vec<Jar>,
    /// What could not be read: where, and why.
    pub(crate) notes: Vec<(String, String)>,
}

/// One archive.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Jar {
    /// Its path in the file, `a.war!/b.jar`; empty for the file itself.
    pub(crate) inside: String,
    /// The archive that it lies in, as a position in [`Condensed::archives`].
    pub(crate) holder: Option<usize>,
    /// SHA-1 and SHA-256 in hexadecimal; empty where it could not be read.
    pub(crate) hashes: (String, String),
    /// The fields of [`MANIFEST`] that it has.
    pub(crate) manifest: BTreeMap<String, String>,
    /// What Maven says of it and of what was shaded into it, by path.
    pub(crate) poms: Vec<Pom>,
}

/// What Maven says of one package in an archive.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pom {
    /// The path of the description in the file.
    pub(crate) path: String,
    /// Group, where it is said.
    pub(crate) group: Option<String>,
    /// Artifact.
    pub(crate) artifact: String,
    /// Version, where it is said.
    pub(crate) version: Option<String>,
    /// Licences, as declared.
    pub(crate) licenses: Vec<String>,
    /// `GROUP:ARTIFACT` of what it needs to run.
    pub(crate) needs: Vec<String>,
}

fn begin(size: u64) -> Box<dyn Condense> {
    // Room for the whole at once: to double it on the way would take half as much again.
    let room = usize::try_from(size).ok().filter(|_| size <= LIMITS.file).unwrap_or_default();
    Box::new(Passing { size, bytes: Vec::with_capacity(room) })
}

struct Passing {
    size: u64,
    bytes: Vec<u8>,
}

impl Condense for Passing {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        let length = self.bytes.len().saturating_add(piece.len());
        self.size = self.size.max(u64::try_from(length).unwrap_or(u64::MAX));
        if self.size > LIMITS.file {
            return ControlFlow::Break(());
        }
        self.bytes.extend_from_slice(piece);
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        let condensed = if self.size > LIMITS.file {
            Condensed::unread(TreeError::TooLarge { size: self.size, limit: LIMITS.file })
        } else {
            condense(&self.bytes, &LIMITS)
        };
        serde_json::to_vec(&condensed).ok()
    }
}

impl Condensed {
    fn unread(reason: impl fmt::Display) -> Self {
        Self { archives: vec![Jar::default()], notes: vec![(String::new(), shortened(reason))] }
    }
}

/// Reads an archive with everything inside it, depth first, so that of every level one at most is in memory.
fn condense(bytes: &[u8], limits: &Limits) -> Condensed {
    if crate::program::is_program(bytes) {
        return Condensed::unread("a program under the name of an archive");
    }
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let left = limits.archive_inflated.min(size.saturating_mul(RATIO).max(FLOOR));
    let mut walk = Walk { limits, left, facts: MOST_FACTS, made: Condensed::default() };
    let top = Jar { hashes: hashes(bytes), ..Jar::default() };
    let mut open: Vec<Frame<'_>> = walk.open(Cow::Borrowed(bytes), top).into_iter().collect();
    loop {
        let depth = open.len();
        let held: u64 = open.iter().skip(1).map(|frame| frame.size).sum();
        let Some(frame) = open.last_mut() else { break };
        let Some((index, name)) = frame.nested.pop() else {
            open.pop();
            continue;
        };
        if !walk.is_room_for(1) {
            break;
        }
        let inside = join(walk.inside(frame.position), &name);
        let jar = Jar { inside, holder: Some(frame.position), ..Jar::default() };
        if depth >= limits.archive_depth {
            walk.refuse(jar, "archives are nested too deep to be followed");
            continue;
        }
        match walk.inflate(&mut frame.archive, index, limits.file.saturating_sub(held)) {
            Ok(bytes) => {
                let hashes = hashes(&bytes);
                open.extend(walk.open(Cow::Owned(bytes), Jar { hashes, ..jar }));
            }
            Err(error) => walk.refuse(jar, error),
        }
    }
    walk.made
}

/// `archive!/name`, or `name` in the file itself.
fn join(archive: &str, name: &str) -> String {
    if archive.is_empty() { name.to_owned() } else { format!("{archive}!/{name}") }
}

fn hashes(bytes: &[u8]) -> (String, String) {
    (hex::encode(Sha1::digest(bytes)), hex::encode(Sha256::digest(bytes)))
}

fn shortened(reason: impl fmt::Display) -> String {
    reason.to_string().chars().take(LONGEST_REASON).collect()
}

/// One file with everything inside it.
struct Walk<'a> {
    limits: &'a Limits,
    /// Bytes that may still be inflated.
    left: u64,
    /// Facts that there is still room for.
    facts: usize,
    made: Condensed,
}

/// One archive whose nested archives are being read.
struct Frame<'a> {
    archive: Archive<'a>,
    position: usize,
    size: u64,
    nested: Vec<(usize, String)>,
}

/// The files about one package: `pom.properties` and `pom.xml` in one directory.
#[derive(Default)]
struct Described {
    path: String,
    properties: Option<Coordinates>,
    project: Option<Project>,
}

impl<'a> Walk<'a> {
    /// Takes in one archive; those in it are left to the frame.
    fn open(&mut self, bytes: Cow<'a, [u8]>, mut jar: Jar) -> Option<Frame<'a>> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut archive = match Archive::open(bytes, self.limits.archive_entries) {
            Ok(archive) => archive,
            Err(error) => {
                self.refuse(jar, error);
                return None;
            }
        };
        if archive.is_ambiguous() {
            self.note(&jar.inside, "two entries of the archive have the same name");
        }
        let mut described: BTreeMap<String, Described> = BTreeMap::new();
        let mut nested = Vec::new();
        for (index, name) in archive.files(is_wanted) {
            if is_archive(name.as_bytes()) {
                nested.push((index, name));
                continue;
            }
            let path = join(&jar.inside, &name);
            match self.inflate(&mut archive, index, self.limits.package_metadata) {
                Ok(bytes) => self.describe((&mut jar, &mut described), (&name, path), &bytes),
                Err(error) => self.note(&path, error),
            }
        }
        for package in described.into_values() {
            let pom = self.pom(package);
            jar.poms.extend(pom);
        }
        nested.reverse();
        let position = self.made.archives.len();
        self.made.archives.push(jar);
        Some(Frame { archive, position, size, nested })
    }

    /// Takes in a manifest or a description.
    fn describe(
        &mut self,
        (jar, described): (&mut Jar, &mut BTreeMap<String, Described>),
        (name, path): (&str, String),
        bytes: &[u8],
    ) {
        let text = String::from_utf8_lossy(bytes);
        if is_manifest(name.as_bytes()) {
            jar.manifest = manifest(&text);
            return;
        }
        let directory = name.rsplit_once('/').map_or(name, |(directory, _)| directory);
        let package = described.entry(directory.to_owned()).or_default();
        if name.ends_with(".properties") {
            package.properties = Some(Coordinates::parse_properties(&text));
            package.path = path;
        } else {
            let (project, error) = Project::parse(&text);
            package.project = Some(project);
            if package.path.is_empty() {
                package.path.clone_from(&path);
            }
            if let Some(error) = error {
                self.note(&path, error);
            }
        }
    }

    /// What the files about one package say together.
    fn pom(&mut self, package: Described) -> Option<Pom> {
        let Described { path, properties, project } = package;
        let project = project.unwrap_or_default();
        let lookup = |key: &str| project.lookup(key);
        let stated = project.inherited().interpolated(&lookup);
        let properties = properties.unwrap_or_default();
        // Both or neither: a name of one and a group of the other would be a package that there is not.
        let named = if properties.artifact.is_some() { &properties } else { &stated };
        let Some(artifact) = named.artifact.clone() else {
            self.note(&path, "no `artifactId` names the package");
            return None;
        };
        let needs: BTreeSet<String> = project
            .dependencies
            .iter()
            .filter(|needed| needed.needed() != Scope::Development)
            .filter_map(|needed| needed.coordinates.interpolated(&lookup).key())
            .collect();
        let licenses: Vec<_> = project.licenses.iter().filter_map(|text| filled(text)).collect();
        let is_room = self.is_room_for(needs.len().saturating_add(licenses.len()));
        if !is_room {
            return None;
        }
        Some(Pom {
            path,
            group: named.group.clone(),
            artifact,
            version: named.version.clone().or(stated.version),
            licenses,
            needs: needs.into_iter().collect(),
        })
    }

    /// The content of a file of an archive, at most `most` bytes.
    fn inflate(
        &mut self,
        archive: &mut Archive<'_>,
        index: usize,
        most: u64,
    ) -> Result<Vec<u8>, crate::archive::ArchiveError> {
        let allowed = self.left.min(most);
        let mut left = allowed;
        let bytes = archive.read(index, &mut left);
        self.left = self.left.saturating_sub(allowed.saturating_sub(left));
        bytes
    }

    /// Of an archive that cannot be read the name is known.
    fn refuse(&mut self, jar: Jar, reason: impl fmt::Display) {
        self.note(&jar.inside, reason);
        self.made.archives.push(jar);
    }

    fn inside(&self, position: usize) -> &str {
        self.made.archives.get(position).map_or("", |jar| &jar.inside)
    }

    fn note(&mut self, inside: &str, reason: impl fmt::Display) {
        if self.is_room_for(1) {
            self.made.notes.push((inside.to_owned(), shortened(reason)));
        }
    }

    /// Takes room for so many facts; that there is none is said once.
    fn is_room_for(&mut self, facts: usize) -> bool {
        if let Some(left) = self.facts.checked_sub(facts.max(1)) {
            self.facts = left;
            return true;
        }
        if self.facts > 0 {
            self.facts = 0;
            let reason = format!("more than {MOST_FACTS} packages: the others are not listed");
            self.made.notes.push((String::new(), reason));
        }
        false
    }
}

/// Whether a file of an archive is read.
fn is_wanted(name: &[u8]) -> bool {
    is_archive(name) || is_manifest(name) || is_description(name)
}

/// In any case, as the JDK has it.
fn is_manifest(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF")
}

/// Whether this is `META-INF/maven/GROUP/ARTIFACT/pom.properties` or `pom.xml`, in a directory of classes perhaps.
fn is_description(name: &[u8]) -> bool {
    let mut words = name.rsplit(|byte| *byte == b'/');
    let is_file = matches!(words.next(), Some(b"pom.properties" | b"pom.xml"));
    let mut words = words.skip(2);
    is_file && words.next() == Some(b"maven") && words.next() == Some(b"META-INF")
}

/// What the main section of a manifest says of the archive.
fn manifest(text: &str) -> BTreeMap<String, String> {
    let (section, _) = first(text);
    // `%key` is a text of the user's language, which other files have.
    let field = |key: &&str| {
        // A line that begins with a space continues the one before, also in the middle of a word.
        let value = section.get(key)?.replace("\r\n ", "").replace("\n ", "");
        let value = filled(&value).filter(|value| !value.starts_with('%'))?;
        Some(((*key).to_owned(), value))
    };
    MANIFEST.iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::zip;

    #[track_caller]
    fn reasons(bytes: &[u8], limits: &Limits) -> Vec<String> {
        let notes = condense(bytes, limits).notes;
        notes.into_iter().map(|(inside, reason)| format!("{inside}: {reason}")).collect()
    }

    #[test]
    fn what_is_left_is_small_and_says_all() {
        let pom = b"<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version>
            <dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>b</artifactId></dependency>
            <dependency><groupId>t</groupId><artifactId>t</artifactId><scope>test</scope></dependency></dependencies></project>";
        let jar = zip(&[
            ("Big.class", &vec![7; 100_000]),
            (
                "meta-inf/manifest.mf",
                b"Bundle-Version: 1\nBundle-Vendor: %vendor\nOther: x\n\nName: y\nBundle-License: z\n",
            ),
            ("META-INF/maven/g/a/pom.xml", pom),
        ]);
        let made = CONDENSER.condense(&jar).unwrap();
        assert!(made.len() < 500, "{}", made.len());
        let Condensed { archives, notes } = serde_json::from_slice(&made).unwrap();
        assert_eq!((archives.len(), notes.len()), (1, 0));
        assert_eq!(archives[0].manifest.len(), 1);
        assert_eq!(archives[0].poms[0].needs, ["g:b"]);
        assert_eq!(archives[0].hashes, hashes(&jar));
    }

    #[test]
    fn limits_of_depth_and_size() {
        let limits = Limits { archive_depth: 2, archive_inflated: 1_000, ..Limits::STANDARD };
        let deep = zip(&[("b-1.jar", &zip(&[("c-1.jar", &zip(&[]))]))]);
        let deeper = "b-1.jar!/c-1.jar: archives are nested too deep to be followed";
        assert_eq!(reasons(&deep, &limits), [deeper]);
        let bomb = zip(&[("b-1.jar", &vec![0; 100_000])]);
        let larger = "b-1.jar: the entry is larger than the 1000 bytes that are left of the limit";
        assert_eq!(reasons(&bomb, &limits), [larger]);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_held() {
        let mut passing = begin(LIMITS.file + 1);
        assert_eq!(passing.take(b"PK"), ControlFlow::Break(()));
        let made = passing.finish().unwrap();
        let Condensed { archives, notes } = serde_json::from_slice(&made).unwrap();
        assert_eq!(archives, [Jar::default()]);
        assert_eq!(notes[0].1, "268435457 bytes is more than the limit of 268435456");
    }

    #[test]
    fn a_program_does_not_hide_behind_the_name_of_an_archive() {
        assert_eq!(reasons(b"\x7fELF", &LIMITS), [": a program under the name of an archive"]);
    }

    #[test]
    fn names_that_are_read() {
        for (name, expect) in [
            ("META-INF/maven/g/a/pom.xml", true),
            ("WEB-INF/classes/META-INF/maven/g/a/pom.properties", true),
            ("META-INF/maven/a/pom.xml", false),
            ("META-INF/maven/g/a/b/pom.xml", false),
            ("META-INF/MANIFEST.MF", true),
            ("x/META-INF/MANIFEST.MF", false),
            ("lib/a.jar", true),
            ("a.class", false),
        ] {
            assert_eq!(is_wanted(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn encrypted_and_doubled_entries_are_told() {
        let name = "META-INF/MANIFEST.MF";
        let mut jar = zip(&[(name, b"Bundle-Version: 1\n")]);
        let central = memchr::memmem::find(&jar, b"PK\x01\x02").unwrap();
        jar[central + 8] |= 1;
        let [reason] = reasons(&jar, &LIMITS).try_into().unwrap();
        assert!(
            reason.starts_with("META-INF/MANIFEST.MF: the entry can not be opened"),
            "{reason}"
        );
        let twice = zip(&[("lib/a.jar", &zip(&[])), ("lib/b.jar", &zip(&[]))]);
        let twice: Vec<u8> = {
            let text = twice.iter().map(|byte| char::from(*byte)).collect::<String>();
            text.replace("lib/b.jar", "lib/a.jar")
                .chars()
                .map(|char| u8::try_from(char).unwrap())
                .collect()
        };
        assert_eq!(reasons(&twice, &LIMITS), [": two entries of the archive have the same name"]);
    }
}
