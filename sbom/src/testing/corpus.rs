//! What fuzzing begins with is what the tests know to be good: `fuzz/corpus`, written anew with `BLESS=1`.

use super::{TestTree, good};
use crate::{
    archive::testing::zip,
    program::testing::{elf, note, pclntab, sentinels},
    rpmdb::{
        header::{
            Tag,
            testing::{Entry, header},
        },
        ndb::testing::database,
    },
};
use std::{fs, path::Path};

/// A seed: a path, what lies there, and how long that is if a log follows it.
type Seed = (&'static str, Vec<u8>, Option<usize>);

/// The seeds of a target.
fn seeds(target: &str) -> Vec<Seed> {
    let good = good().into_iter().filter(|(path, _)| target_of(path) == target);
    let good = good.map(|(path, bytes)| (path, bytes, None));
    let others = match target {
        "jar" => vec![jar()],
        "program" => programs(),
        "rpmdb" => vec![slots(), waiting()],
        _ => Vec::new(),
    };
    good.chain(others).collect()
}

/// Which target reads a good file: those that have one of their own are left out of the one for all.
fn target_of(path: &str) -> &'static str {
    match path {
        "a.war" => "jar",
        "usr/bin/a" | "usr/bin/b" | "opt/bin/busybox" => "program",
        "var/lib/rpm/Packages" | "var/lib/rpm/rpmdb.sqlite" => "rpmdb",
        _ => "cataloger",
    }
}

fn jar() -> Seed {
    let pom: &[u8] = b"<project><parent><groupId>g</groupId><version>2</version></parent>\
        <artifactId>a</artifactId><licenses><license><name>MIT</name></license></licenses>\
        <properties><v>3</v></properties><dependencies><dependency><groupId>h</groupId>\
        <artifactId>b</artifactId><version>${v}</version></dependency></dependencies></project>";
    let inner = zip(&[("META-INF/maven/g/a/pom.xml", pom)]);
    let manifest: &[u8] = b"Implementation-Title: app\r\nImplementation-Version: 5.3\r\n .1\r\n";
    let bytes = zip(&[
        ("META-INF/MANIFEST.MF", manifest),
        ("META-INF/maven/g/c/pom.properties", b"groupId=g\nartifactId=c\nversion=1\n"),
        ("META-INF/maven/g/d/pom.properties", b"groupId=g\nartifactId=d\nversion=2\n"),
        ("BOOT-INF/lib/a-2.jar", &inner),
    ]);
    ("opt/app-1.0.jar", bytes, None)
}

fn programs() -> Vec<Seed> {
    let modules =
        sentinels("path\ta/b\nmod\ta/b\tv1.0.0\ndep\tc.d/e\tv0.1.0\th1:x=\n=>\tf.g/e\tv2\t\n");
    let mut go = pclntab(&["main.main", "net/http.Get", "c.d/e/f.(*T).F[go.shape.int]"]);
    go.resize(go.len().next_multiple_of(16), 0);
    go.extend_from_slice(b"\xff Go buildinf:\x08\x02");
    go.resize(go.len() + 16, 0);
    go.extend_from_slice(b"\x08go1.22.1");
    go.push(u8::try_from(modules.len()).unwrap());
    go.extend(modules);
    let texts: &[u8] =
        b"\0BusyBox v1.36.1 (2024)\0nginx version: nginx/1.25.3\0OpenSSL 3.0.13 30 Jan 2024\0";
    let package =
        br#"{"type":"deb","os":"debian","name":"a","version":"1","architecture":"amd64"}"#;
    let notes = [note("GNU", 3, &[0xab; 20]), note("FDO", 0xcafe_1a7e, package)].concat();
    vec![
        ("usr/local/bin/go", elf(&note("GNU", 3, b"1"), &go), None),
        ("usr/local/bin/go.exe", [b"MZ\0\0".as_slice(), &[0; 60], &go].concat(), None),
        ("usr/sbin/nginx", elf(&notes, texts), None),
    ]
}

fn slots() -> Seed {
    let packages = [("a", "1"), ("b", "2")].map(|(name, version)| {
        header(&[
            (Tag::NAME, Entry::Text(name)),
            (Tag::VERSION, Entry::Text(version)),
            (Tag::DIR_NAMES, Entry::Texts(&["/usr/lib/"])),
            (Tag::DIR_INDEXES, Entry::Numbers(&[0])),
            (Tag::BASE_NAMES, Entry::Texts(&["a.so"])),
        ])
    });
    let bytes = database(&packages.each_ref().map(Vec::as_slice));
    ("usr/lib/sysimage/rpm/Packages.db", bytes, None)
}

fn waiting() -> Seed {
    let database = include_bytes!("../../tests/data/waiting.sqlite");
    let log = include_bytes!("../../tests/data/waiting.sqlite-wal");
    let bytes = [database.as_slice(), log].concat();
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", bytes, Some(database.len()))
}

/// As the targets read it: the path, and the length where there is one, in a line; then the file.
fn input((path, bytes, length): Seed) -> Vec<u8> {
    let length = length.map(|length| format!(" {length}")).unwrap_or_default();
    [path.as_bytes(), length.as_bytes(), b"\n", &bytes].concat()
}

#[test]
fn fuzzing_begins_with_what_is_good() {
    for target in ["cataloger", "jar", "program", "rpmdb"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        for seed in seeds(target) {
            let file = folder.join(format!("good-{}", seed.0.replace('/', "_")));
            let expect = input(seed);
            if std::env::var_os("BLESS").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&file, expect).unwrap();
                continue;
            }
            #[expect(clippy::disallowed_methods, reason = "the file is ours")]
            let found = fs::read(&file).unwrap_or_default();
            assert!(found == expect, "{}: set BLESS=1 to write it anew", file.display());
        }
    }
}

#[test]
fn every_seed_is_looked_into() {
    for target in ["jar", "program", "rpmdb"] {
        for (path, bytes, length) in seeds(target) {
            let (bytes, log) = bytes.split_at(length.unwrap_or(bytes.len()));
            let mut tree = TestTree::new().file(path, bytes);
            if !log.is_empty() {
                tree = tree.file(format!("{path}-wal"), log);
            }
            // The rows of the database with a log are no packages, which is said of each.
            let inventory = tree.catalog();
            assert_ne!(inventory.components().len() + inventory.unknowns.len(), 0, "{path}");
            assert_eq!(inventory.components().is_empty(), !log.is_empty(), "{path}");
        }
    }
}
