//! What the databases of packages state of files, and which files are not any more what they state.
//!
//! A file that came with the layer of its package, or a lower one, is the one that was installed. One that a later layer brought
//! is held to the database.

use crate::{catalogers::Found, document};
use md5::Md5;
use plimsoll_model::{
    Digest as LayerDigest, Tree, TreePath,
    component::{ComponentId, Hash, HashAlgorithm},
    owned::{LaterContent, LaterFile, OwnedFiles},
    tree::{Condense, Condenser, EntryKind, LayerIndex},
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::{collections::BTreeMap, ops::ControlFlow};

/// What a database states of the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stated {
    /// A regular file with this hash or, in apk's, a symbolic link to a path with it.
    Hash(Hash),
    /// A symbolic link.
    Link,
    /// Nothing that it can be held to: it is to be changed, or databases of this kind are not read for it.
    Nothing,
    /// Something that can not be made sense of, or nothing where there should be something: a sentence without a final period.
    Untold(String),
}

impl Stated {
    /// [`Stated::Nothing`], for those who have no hashes.
    pub(crate) const fn nothing() -> Self {
        Self::Nothing
    }

    /// A hash in hexadecimal, of any case.
    pub(crate) fn hex(algorithm: HashAlgorithm, hex: &str) -> Self {
        let untold = || Self::Untold(format!("what is stated of it is no {algorithm}"));
        document::hash(algorithm, hex).map_or_else(untold, Self::Hash)
    }
}

/// What one package states of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The package.
    pub(crate) owner: ComponentId,
    /// What its database states.
    pub(crate) stated: Stated,
}

/// What packages state of files, by real path. Only of what there is in the tree.
#[derive(Debug, Default)]
pub(crate) struct Claims(pub(crate) BTreeMap<TreePath, Vec<Claim>>);

/// So many packages may have one file; a database of a few megabytes could name millions.
const MOST_OWNERS: usize = 16;

impl Claims {
    /// Adds what one more package states of a file.
    pub(crate) fn add(&mut self, path: TreePath, claim: Claim) {
        let claims = self.0.entry(path).or_default();
        if claims.len() < MOST_OWNERS {
            claims.push(claim);
        } else if let Some(last) = claims.last_mut() {
            last.stated = Stated::Untold(format!("more than {MOST_OWNERS} packages have it"));
        }
    }
}

/// What is changed in any container, whoever installed it.
const CHANGING: [&[u8]; 6] = [b"dev/", b"proc/", b"run/", b"sys/", b"tmp/", b"var/"];

/// What becomes of all that was found in the databases of a tree.
pub(crate) fn owned_files(tree: &dyn Tree, found: &mut Found) -> OwnedFiles {
    let claims = std::mem::take(&mut found.claims).0;
    let numbers: BTreeMap<LayerDigest, LayerIndex> =
        (0..).map(LayerIndex).zip(tree.layers()).map(|(at, layer)| (layer.diff_id, at)).collect();
    let later = claims.iter().filter_map(|(path, claims)| {
        let mut since = claims.iter().map(|claim| {
            // Where it can not be told which layer brought a package, everything above the lowest is held to it.
            let package = found.components.get(claim.owner.index())?;
            let since = package.introduced.and_then(|layer| numbers.get(&layer));
            Some((since.copied().unwrap_or(LayerIndex(0)), package.name.as_str()))
        });
        let last = since.by_ref().flatten().max_by_key(|(since, _)| *since)?;
        later(tree, path, claims, last)
    });
    let later = later.collect();
    let mut unread = std::mem::take(&mut found.unread);
    unread.sort();
    unread.dedup();
    OwnedFiles { later, unread, paths: claims.into_keys().collect() }
}

/// A file, where a later layer brought it than that of the package that came last.
fn later(
    tree: &dyn Tree,
    path: &TreePath,
    claims: &[Claim],
    (since, package): (LayerIndex, &str),
) -> Option<LaterFile> {
    let entry = tree.entry(path)?;
    let is_changing = CHANGING.iter().any(|place| path.as_bytes().starts_with(place));
    let is_free = claims.iter().any(|claim| claim.stated == Stated::Nothing);
    if entry.layer <= since || is_changing || is_free {
        return None;
    }
    let content = match &entry.kind {
        EntryKind::Symlink(target) => link(claims, target)?,
        EntryKind::File => file(claims),
        EntryKind::Directory | EntryKind::Device | EntryKind::Special => return None,
    };
    let package = package.to_owned();
    Some(LaterFile { package, path: path.clone(), layer: entry.layer, content })
}

/// What is to be said of a regular file.
fn file(claims: &[Claim]) -> LaterContent {
    let mut hashes: Vec<Hash> = Vec::new();
    for claim in claims {
        match &claim.stated {
            Stated::Untold(why) => return LaterContent::Untold(why.clone()),
            Stated::Hash(hash) if hashes.iter().any(|one| one.algorithm != hash.algorithm) => {
                return LaterContent::Untold(
                    "two databases state hashes of different kinds of it".to_owned(),
                );
            }
            Stated::Hash(hash) => hashes.push(hash.clone()),
            Stated::Link | Stated::Nothing => {}
        }
    }
    if hashes.is_empty() {
        let (expected, found) = ("a symbolic link".to_owned(), "a file".to_owned());
        return LaterContent::Changed { expected, found };
    }
    LaterContent::Expected(hashes)
}

/// What is to be said of a symbolic link; nothing where it is one that a package has.
fn link(claims: &[Claim], target: &[u8]) -> Option<LaterContent> {
    let mut expected = None;
    for claim in claims {
        match &claim.stated {
            Stated::Untold(why) => return Some(LaterContent::Untold(why.clone())),
            Stated::Link => return None,
            Stated::Hash(hash) => {
                let made = hasher(hash.algorithm).condense(target);
                if made.is_some_and(|made| made == hash.hex.as_bytes()) {
                    return None;
                }
                expected = expected.or_else(|| Some(hash.to_string()));
            }
            Stated::Nothing => {}
        }
    }
    let found = format!("a symbolic link to `{}`", String::from_utf8_lossy(target));
    Some(LaterContent::Changed { expected: expected?, found })
}

/// Makes the hash of a file, in lower-case hexadecimal.
pub fn hasher(algorithm: HashAlgorithm) -> &'static Condenser {
    static MD5: Condenser = condenser("md5", |_| Box::new(Hashing(Md5::new())));
    static SHA_1: Condenser = condenser("sha1", |_| Box::new(Hashing(Sha1::new())));
    static SHA_256: Condenser = condenser("sha256", |_| Box::new(Hashing(Sha256::new())));
    static SHA_512: Condenser = condenser("sha512", |_| Box::new(Hashing(Sha512::new())));
    match algorithm {
        HashAlgorithm::Md5 => &MD5,
        HashAlgorithm::Sha1 => &SHA_1,
        HashAlgorithm::Sha256 => &SHA_256,
        HashAlgorithm::Sha512 => &SHA_512,
    }
}

const fn condenser(id: &'static str, begin: fn(u64) -> Box<dyn Condense>) -> Condenser {
    Condenser { id, also: None, begin }
}

struct Hashing<D>(D);

impl<D: Digest> Condense for Hashing<D> {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.0.update(piece);
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        Some(hex::encode(self.0.finalize()).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const APK: &str = "lib/apk/db/installed";
    const EMPTY_SHA_1: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    const EMPTY: &str = "SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709";

    /// The later files in words, then what could not be read.
    fn lines(owned: &OwnedFiles) -> Vec<String> {
        let later = owned.later.iter().map(|file| {
            let content = match &file.content {
                LaterContent::Expected(hashes) => {
                    hashes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
                }
                LaterContent::Changed { expected, found } => format!("{expected}, not {found}"),
                LaterContent::Untold(why) => why.clone(),
            };
            format!("{} of {} in {}: {content}", file.path, file.package, file.layer.0 + 1)
        });
        let unread =
            owned.unread.iter().map(|unknown| format!("{}: {}", unknown.path, unknown.reason));
        later.chain(unread).collect()
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(lines(&tree.owned()), expect);
    }

    /// A package with files in `bin`.
    fn apk(name: &str, files: &[(&str, &str)]) -> String {
        let files = files.iter().map(|(file, sum)| format!("R:{file}\na:0:0:755\n{sum}\n"));
        format!("P:{name}\nV:1\nF:bin\n{}\n", files.collect::<String>())
    }

    #[test]
    fn what_a_later_layer_brings_is_held_to_the_database() {
        let sum = format!("Z:Q1{EMPTY_SHA_1}");
        let database = apk("a", &[("kept", &sum), ("sh", &sum), ("taken", &sum)]);
        let tree = || {
            let tree = TestTree::new().file(APK, &database);
            tree.file("bin/kept", "").file("bin/sh", "").file("bin/taken", "").next_layer()
        };
        check(&tree(), &[]);
        let anew = tree().file("bin/sh", "other").file("etc/x", "");
        check(&anew, &[&format!("/bin/sh of a in 2: {EMPTY}")]);
        let names: Vec<_> = anew.owned().paths.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["/bin/kept", "/bin/sh", "/bin/taken"]);
        // Another package of that layer, or another version, may have it.
        let other = format!("{database}{}", apk("b", &[("taken", "Z:Q1AA==")]));
        check(&tree().file(APK, other).file("bin/taken", "x"), &[]);
        check(&tree().file(APK, database.replace("V:1", "V:2")).file("bin/sh", "x"), &[]);
        // Whoever removes a file changes none.
        check(&tree().without("bin/sh"), &[]);
    }

    #[test]
    fn a_link_is_held_to_its_target() {
        // SHA-1 of `busybox`.
        let (sum, hash) =
            ("Z:Q1LxBvJ/ofKKik4CrrENc7ePnJsko=", "2f106f27fa1f28a8a4e02aeb10d73b78f9c9b24a");
        let tree = |target| {
            TestTree::new().file(APK, apk("a", &[("sh", sum)])).next_layer().link("bin/sh", target)
        };
        check(&tree("busybox"), &[]);
        let other = format!("/bin/sh of a in 2: SHA-1 {hash}, not a symbolic link to `/opt/x`");
        check(&tree("/opt/x"), &[&other]);
    }

    #[test]
    fn what_is_stated_and_makes_no_sense_can_not_be_told() {
        for (sum, why) in [
            ("Z:Q1AA==", "what is stated of it is no SHA-1"),
            ("Z:Q1!", "what is stated of it is no SHA-1"),
            (&format!("Z:Q2{EMPTY_SHA_1}"), "what is stated of it is no SHA-256"),
            (&format!("Z:Q3{EMPTY_SHA_1}"), "its hash is of a kind that is not known"),
            ("M:0:0:755", "the database states no hash of it"),
        ] {
            let tree = TestTree::new().file(APK, apk("a", &[("sh", sum)])).next_layer();
            check(&tree.file("bin/sh", ""), &[&format!("/bin/sh of a in 2: {why}")]);
        }
        let many: String =
            (0..40).map(|at| apk(&format!("p{at}"), &[("sh", "Z:Q1AA==")])).collect();
        let tree = TestTree::new().file(APK, many).next_layer().file("bin/sh", "");
        assert_eq!(tree.owned().later.len(), 1);
    }

    #[test]
    fn a_database_that_can_not_be_read_is_said() {
        let cut = format!("{}P:b", apk("a", &[]));
        let cut = TestTree::new().file(APK, cut);
        check(&cut, &["/lib/apk/db/installed: the file ends in the middle of a package"]);
        let moved = TestTree::new().file("opt/db/installed", "").link("lib/apk/db", "/opt/db");
        let why = "a link makes it `/lib/apk/db/installed`, and it was not read";
        check(&moved, &[&format!("/opt/db/installed: {why}")]);
        let gone = TestTree::new().file(APK, apk("a", &[])).next_layer().without(APK);
        let why = "a layer takes the database away, and what it listed may still be there";
        check(&gone, &[&format!("/lib/apk/db/installed: {why}")]);
        check(&TestTree::new().file("Cargo.lock", "["), &[]);
    }

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn debians_sums_are_md5_and_what_they_leave_out_is_configuration() {
        let tree = |sums: &str| {
            let tree = TestTree::new()
                .file(
                    "var/lib/dpkg/status",
                    "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
                )
                .file("var/lib/dpkg/info/a.list", "/.\n/bin\n/bin/sh\n/etc/a\n/bin/conf\n")
                .link("bin", "usr/bin");
            let tree =
                if sums.is_empty() { tree } else { tree.file("var/lib/dpkg/info/a.md5sums", sums) };
            let tree = tree.next_layer().file("usr/bin/sh", "").file("etc/a", "");
            tree.file("usr/bin/conf", "")
        };
        let md5 = format!("/usr/bin/sh of a in 2: MD5 {MD5}");
        check(&tree(&format!("{MD5}  bin/sh\n")), &[&md5]);
        check(&tree("x  bin/sh\n"), &["/usr/bin/sh of a in 2: what is stated of it is no MD5"]);
        let none = "of a in 2: its package has no sums of its files";
        check(&tree(""), &[&format!("/usr/bin/conf {none}"), &format!("/usr/bin/sh {none}")]);
    }

    #[test]
    fn distroless_fragments_are_held_to_their_sums() {
        let tree = TestTree::new()
            .file("var/lib/dpkg/status.d/a", "Package: a\nVersion: 1\nArchitecture: all\n")
            .file("var/lib/dpkg/status.d/a.md5sums", format!("{MD5}  usr/bin/a\n"))
            .next_layer()
            .file("usr/bin/a", "");
        check(&tree, &[&format!("/usr/bin/a of a in 2: MD5 {MD5}")]);
    }

    #[test]
    fn what_rpm_says_of_its_own_package() {
        // Made by `tests/data/make-rpm.sh`.
        const RPM: &[u8] = include_bytes!("../tests/data/tool.sqlite");
        const ONE: &str =
            "SHA-256 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
        let installed = TestTree::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", RPM).next_layer();
        let all = [
            "etc/tool.conf",
            "usr/bin/link",
            "usr/bin/tool",
            "usr/share/doc/tool/README",
            "usr/share/tool/cache",
            "usr/share/tool/free",
        ];
        let tree = all.iter().fold(installed, |tree, path| tree.file(path, "2"));
        check(
            &tree,
            &[
                "/usr/bin/link of tool in 2: a symbolic link, not a file",
                &format!("/usr/bin/tool of tool in 2: {ONE}"),
            ],
        );
        let tree = TestTree::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", RPM).next_layer();
        let tree = tree.link("usr/bin/link", "other").link("usr/bin/tool", "/opt/tool");
        let other =
            format!("/usr/bin/tool of tool in 2: {ONE}, not a symbolic link to `/opt/tool`");
        check(&tree, &[&other]);
        let cut = TestTree::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", &RPM[..1024]);
        assert_eq!(cut.owned().unread.len(), 1);
        assert_eq!(cut.owned().unread[0].cataloger, "rpm");
    }
}
