//! Debian packages of which chisel has cut slices into an image, from its manifest.
//!
//! Format: <https://documentation.ubuntu.com/chisel/en/latest/reference/manifest>: a JSON object on each line, compressed
//! with zstd. It names no source packages and no dependencies.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::{
    introduced::{self, Listing, Package},
    owned::Stated,
};
use plimsoll_model::{
    component::{ComponentId, Hash, HashAlgorithm},
    inventory::Coverage,
    tree::Entry,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "chisel",
    description: "Debian packages in chisel's manifest.wall",
    files: &[Files::Named("manifest.wall")],
    earlier: &["var/lib/chisel/manifest.wall"],
    want: whole,
    edges: Coverage::Unknown,
    catalog,
};

/// The version of the schema that is known.
const SCHEMA: &str = "1.0";

/// How much memory a frame may ask for: a power of two in bytes (8 MiB), as every reader of zstd has to offer.
const WINDOW: u32 = 23;

/// One line; which fields it has depends on its kind.
#[derive(Deserialize)]
struct Line {
    jsonwall: Option<String>,
    schema: Option<String>,
    count: Option<usize>,
    kind: Option<String>,
    name: Option<String>,
    version: Option<String>,
    arch: Option<String>,
    sha256: Option<String>,
    path: Option<String>,
    #[serde(default)]
    slices: Vec<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut all = ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match inflate(bytes, ctx.limits.file) {
            Ok(text) => manifest(ctx, entry, &text, found),
            Err(error) => ctx.note(found, entry, format!("it can not be inflated: {error}")),
        }
    });
    ctx.note_moved(&mut all, CATALOGER.earlier);
    all
}

/// The text of a manifest, of at most `limit` bytes.
fn inflate(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(WINDOW)?;
    let mut text = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "limited right here")]
    decoder.take(limit.saturating_add(1)).read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= limit) {
        Ok(text)
    } else {
        Err(io::Error::other(format!("it is larger than {limit} bytes")))
    }
}

fn manifest(ctx: &Context<'_>, entry: &Entry, text: &[u8], found: &mut Found) {
    for reason in flaws(text) {
        ctx.note(found, entry, reason);
    }
    let mut packages = BTreeMap::new();
    let mut listed = Vec::new();
    for line in of_kind(text, "package") {
        let Some(package) = package(&line) else {
            ctx.note(found, entry, "a package has no name");
            continue;
        };
        if let Some(id) = component(ctx, entry, &line, &package, found) {
            packages.insert(package.name.clone(), id);
            listed.push((id, package));
        }
    }
    let list = |bytes: &[u8]| listing(ctx, bytes);
    introduced::attribute(ctx, entry, &listed, &list, found);
    for line in of_kind(text, "path") {
        // Of a slice `hello_bins` the package is `hello`; names of packages have no underscore.
        let package = line.slices.first().and_then(|slice| slice.split_once('_'));
        let owner = package.and_then(|(package, _)| packages.get(package));
        if let (Some(owner), Some(path)) = (owner, &line.path) {
            ctx.own(found, entry, (*owner, path), Stated::nothing);
        }
    }
}

/// Line by line: what a manifest of many small ones would come to in memory is many times its length.
fn lines(text: &[u8]) -> impl Iterator<Item = serde_json::Result<Line>> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(serde_json::from_slice)
}

fn of_kind(text: &[u8], kind: &str) -> impl Iterator<Item = Line> {
    lines(text).flatten().filter(move |line| line.kind.as_deref() == Some(kind))
}

/// What is wrong with a manifest as a whole.
fn flaws(text: &[u8]) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut count = 0_usize;
    let mut broken = lines(text).filter_map(|line| {
        count = count.saturating_add(1);
        line.err()
    });
    let first = broken.next();
    let more = broken.count();
    if let Some(error) = first {
        flaws.push(format!("a line is malformed, and {more} others: {error}"));
    }
    let header = lines(text).next().and_then(Result::ok);
    let Some(header) = header.filter(|header| header.jsonwall.is_some()) else {
        flaws.push("the manifest has no header".to_owned());
        return flaws;
    };
    if header.schema.as_deref() != Some(SCHEMA) {
        let schema = header.schema.unwrap_or_default();
        flaws.push(format!("the schema `{schema}` of the manifest is not known"));
    }
    if let Some(announced) = header.count.filter(|announced| *announced != count) {
        flaws.push(format!("the manifest has {count} entries of {announced}"));
    }
    flaws
}

fn package(line: &Line) -> Option<Package> {
    let name = line.name.clone().filter(|name| !name.is_empty())?;
    let version = line.version.clone().filter(|version| !version.is_empty());
    Some(Package { name, version, arch: line.arch.clone().unwrap_or_default() })
}

/// What a manifest listed.
fn listing(ctx: &Context<'_>, bytes: &[u8]) -> Listing {
    let mut listing = Listing::new(ctx.limits);
    let Ok(text) = inflate(bytes, ctx.limits.file) else {
        listing.is_partial();
        return listing;
    };
    if !flaws(&text).is_empty() {
        listing.is_partial();
    }
    for package in of_kind(&text, "package").filter_map(|line| package(&line)) {
        listing.add(package);
    }
    listing
}

fn component(
    ctx: &Context<'_>,
    entry: &Entry,
    line: &Line,
    package: &Package,
    found: &mut Found,
) -> Option<ComponentId> {
    let (namespace, distro) = ctx.distro();
    let draft = Draft {
        kind: "deb",
        namespace,
        name: &package.name,
        shown: &package.name,
        version: package.version.as_deref(),
        qualifiers: &[("arch", &package.arch), ("distro", &distro)],
    };
    let id = ctx.add(found, entry, &draft)?;
    let hex = line.sha256.as_ref().map(|hex| hex.to_ascii_lowercase());
    let is_sha256 =
        |hex: &String| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = hex.filter(is_sha256).map(|hex| Hash { algorithm: HashAlgorithm::Sha256, hex });
    found.at(id)?.hashes.extend(hash);
    Some(id)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const PATH: &str = "var/lib/chisel/manifest.wall";
    const HELLO: &str = r#"{"kind":"package","name":"hello","version":"2.10-3build1","sha256":"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855","arch":"amd64"}"#;
    const LIBC: &str = r#"{"kind":"package","name":"libc6","version":"2.39-0ubuntu8","sha256":"x","arch":"amd64"}"#;
    const FILE: &str = r#"{"kind":"path","path":"/usr/lib/x.egg-info","mode":"0644","slices":["hello_bins"],"size":1}"#;

    /// A manifest of these lines, with a header.
    fn manifest(lines: &[&str]) -> Vec<u8> {
        let header = format!(r#"{{"jsonwall":"1.0","schema":"1.0","count":{}}}"#, lines.len() + 1);
        compress(&format!("{header}\n{}\n", lines.join("\n")))
    }

    fn compress(text: &str) -> Vec<u8> {
        zstd::stream::encode_all(text.as_bytes(), 0).unwrap()
    }

    fn ubuntu(manifest: Vec<u8>) -> TestTree {
        TestTree::new()
            .file("etc/os-release", "ID=ubuntu\nVERSION_ID=\"24.04\"\n")
            .file(PATH, manifest)
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    const HELLO_PURL: &str = "pkg:deb/ubuntu/hello@2.10-3build1?arch=amd64&distro=ubuntu-24.04";
    const LIBC_PURL: &str = "pkg:deb/ubuntu/libc6@2.39-0ubuntu8?arch=amd64&distro=ubuntu-24.04";

    #[test]
    fn packages_and_what_they_own() {
        let slice = r#"{"kind":"slice","name":"hello_bins"}"#;
        let tree = ubuntu(manifest(&[HELLO, LIBC, FILE, slice]))
            .file("usr/lib/x.egg-info", "Name: x\nVersion: 1\n");
        check(&tree, &[HELLO_PURL, LIBC_PURL, &format!("pkg:pypi/x@1 (owned by {HELLO_PURL})")]);
        let inventory = tree.catalog();
        let hashes = |id: usize| inventory.components()[id].hashes.len();
        assert_eq!((hashes(0), hashes(1)), (1, 0));
    }

    #[test]
    fn packages_are_of_the_layer_that_brought_them() {
        let tree = ubuntu(manifest(&[LIBC])).next_layer().file(PATH, manifest(&[HELLO, LIBC]));
        assert_eq!(tree.introduced(), ["2 hello", "1 libc6"]);
        let tree = ubuntu(b"x".to_vec()).next_layer().file(PATH, manifest(&[LIBC]));
        assert_eq!(tree.introduced(), ["? libc6"]);
    }

    #[test]
    fn what_is_broken_is_said_and_the_rest_is_kept() {
        let name = |reason: &str| format!("chisel: /{PATH}: {reason}");
        let text = format!(
            "{{\"jsonwall\":\"1.0\",\"schema\":\"2.0\",\"count\":9}}\n{HELLO}\n{{\"kind\":\n"
        );
        let malformed =
            "a line is malformed, and 0 others: EOF while parsing a value at line 1 column 8";
        check(
            &ubuntu(compress(&text)),
            &[
                HELLO_PURL,
                &name(malformed),
                &name("the manifest has 3 entries of 9"),
                &name("the schema `2.0` of the manifest is not known"),
            ],
        );
        check(
            &ubuntu(compress("{\"kind\":\"package\"}\n")),
            &[&name("a package has no name"), &name("the manifest has no header")],
        );
        let whole = manifest(&[HELLO]);
        for cut in 0..whole.len() {
            let lines = ubuntu(whole[..cut].to_vec()).lines();
            assert!(lines.iter().any(|line| line.starts_with("chisel: ")), "{cut}: {lines:?}");
        }
    }
}
