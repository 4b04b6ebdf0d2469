//! What fuzzing of images begins with: `fuzz/corpus`, written anew with `BLESS=1`.

use super::image::{BuiltImage, ImageBuilder, LayerBuilder, Storage};
use plimsoll_model::Digest;
use serde_json::json;
use std::{fs, path::Path};

/// Layers with something of everything, small.
fn layers() -> [(&'static str, LayerBuilder); 4] {
    let layer = LayerBuilder::new;
    let files = layer()
        .directory("d")
        .file("d/c", "3")
        .file("Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\n")
        .symlink("l/x", "../d/c")
        .hardlink("h", "d/c");
    let whiteouts = layer().whiteout("d/a").opaque("d/e").whiteout("l").file("d/e/f", "1");
    let names = layer()
        .pax(&[("path", "var/lib/dpkg/status"), ("uid", "70000")])
        .file("short", "Package: b\n")
        .file(&format!("{}name", "long/".repeat(40)), "1");
    let links = layer().symlink("a", "b").symlink("b", "a").file("c/d", "1").hardlink("x", "l/b");
    [("files", files), ("whiteouts", whiteouts), ("names", names), ("links", links)]
}

/// A sparse file as GNU tar has it: `1` at 0 and `2` at 1024. `oci/src/tarball.rs` says what lies where.
fn sparse() -> Vec<u8> {
    let mut tar = LayerBuilder::new().entry(b'S', "sparse", "", b"12").tar();
    for (at, number) in [(386, 0), (398, 1), (410, 1024), (422, 1), (483, 1025)] {
        tar[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
    }
    tar[148..156].fill(b' ');
    let sum: u32 = tar[..512].iter().copied().map(u32::from).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar
}

fn image() -> BuiltImage {
    let [(_, files), (_, whiteouts), ..] = layers();
    ImageBuilder::new().layer(files.storage(Storage::Plain)).layer(whiteouts).user("1").build()
}

fn tar(files: impl IntoIterator<Item = (String, impl AsRef<[u8]>)>) -> Vec<u8> {
    files
        .into_iter()
        .fold(LayerBuilder::new(), |tar, (name, bytes)| tar.file(&name, bytes.as_ref()))
        .tar()
}

/// An image as a layout in an archive.
fn oci_archive(built: &BuiltImage) -> Vec<u8> {
    let index = json!({"schemaVersion": 2, "manifests": [built.manifest.to_json()]}).to_string();
    let blobs = built.blobs.iter();
    let blobs = blobs.map(|(digest, bytes)| (format!("blobs/sha256/{}", digest.hex()), &bytes[..]));
    let texts = [("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#), ("index.json", &index)];
    tar(texts.map(|(name, text)| (name.to_owned(), text.as_bytes())).into_iter().chain(blobs))
}

/// An image as `docker save` writes it.
fn docker_archive(built: &BuiltImage) -> Vec<u8> {
    let saved =
        json!([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["one.tar", "two.tar"]}]);
    let saved = saved.to_string();
    let blob = |digest: &Digest| &built.blobs[digest][..];
    tar([
        ("manifest.json".to_owned(), saved.as_bytes()),
        ("c.json".to_owned(), blob(&built.config.unwrap())),
        ("one.tar".to_owned(), blob(&built.layers[0].digest)),
        ("two.tar".to_owned(), blob(&built.layers[1].digest)),
    ])
}

/// Compares a seed with what it has to be, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the file is ours")]
fn check(target: &str, name: &str, expect: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let file = folder.join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, expect).unwrap();
    }
    let found = fs::read(&file).unwrap_or_default();
    assert!(found == expect, "{}: set BLESS=1 to write it anew", file.display());
}

#[test]
fn fuzzing_begins_with_good_layers() {
    for (name, layer) in layers() {
        let tar = layer.tar();
        check("layer", &format!("{name}.tar"), &tar);
        check("layer_compressed", &format!("{name}.gz"), &Storage::Gzip.store(&tar));
        check("layer_compressed", &format!("{name}.zst"), &Storage::Zstd.store(&tar));
    }
    let sparse = sparse();
    check("layer", "sparse.tar", &sparse);
    let (first, second) = sparse.split_at(600);
    let members = [Storage::Gzip.store(first), Storage::Gzip.store(second)].concat();
    check("layer_compressed", "members.gz", &members);
    let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc".as_slice();
    let frames = [skipped, &Storage::Zstd.store(first), skipped, &Storage::Zstd.store(second)];
    check("layer_compressed", "frames.zst", &frames.concat());
}

#[test]
fn fuzzing_begins_with_good_images() {
    let built = image();
    check("archive", "oci.tar", &oci_archive(&built));
    check("archive", "docker.tar", &docker_archive(&built));
    check("manifest", "built-manifest.json", &built.blobs[&built.manifest.digest]);
    check("manifest", "built-config.json", &built.blobs[&built.config.unwrap()]);
}

#[test]
fn seeds_are_read() {
    let limits = plimsoll_model::Limits::STANDARD;
    let everything = crate::fixture::Everything;
    for (name, layer) in layers() {
        let lower = LayerBuilder::new().file("l/b", "1").tar();
        let view = super::layers::stack(&[&lower, &layer.tar()], &everything, &limits);
        assert!(view.is_ok(), "{name}: {view:?}");
    }
    for blob in [sparse(), Storage::Gzip.store(&sparse()), Storage::Zstd.store(&sparse())] {
        let view = super::layers::stack(&[&blob], &everything, &limits).unwrap();
        let expect = [b"1".as_slice(), &[0; 1023], b"2"].concat();
        let expect = String::from_utf8(expect).unwrap();
        assert_eq!(crate::fixture::listing(&view), [format!("sparse={expect}")]);
    }
}
