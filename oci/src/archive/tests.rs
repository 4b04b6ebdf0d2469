use super::{DockerArchive, OciArchive};
use crate::{
    Error, Source, TarFlaw,
    fixture::{Everything, bytes_of, directory, image, listing, read_from},
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder, Storage},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{
    Digest, Limits, Pinned, TreePath,
    reference::{Place, Selector},
};
use serde_json::{Value, json};
use std::{fs, sync::Arc};

/// Files by name, as a tar archive.
fn archive(
    directory: &Utf8Path,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Utf8PathBuf {
    let tar = files
        .into_iter()
        .fold(LayerBuilder::new(), |tar, (name, bytes)| tar.file(&name, bytes))
        .tar();
    let path = directory.join("image.tar");
    fs::write(&path, tar).unwrap();
    path
}

/// A layout, as a tar archive.
fn oci_archive(root: &Utf8Path, built: &BuiltImage) -> Utf8PathBuf {
    let layout = root.join("layout");
    built.write_layout(&layout, Some("1.0"));
    let mut names = vec!["oci-layout".to_owned(), "index.json".to_owned()];
    names.extend(built.blobs.keys().map(|digest| format!("blobs/sha256/{}", digest.hex())));
    archive(
        root,
        names.into_iter().map(|name| {
            let bytes = bytes_of(&layout.join(&name));
            (format!("./{name}"), bytes)
        }),
    )
}

fn built() -> BuiltImage {
    image([
        LayerBuilder::new().file("a", "1").storage(Storage::Zstd),
        LayerBuilder::new().file("b", "2"),
    ])
}

#[test]
fn a_layout_in_a_tar_file_is_read_like_one_in_a_directory() {
    let (_kept, root) = directory();
    let built = built();
    let path = oci_archive(&root, &built);
    let archive = OciArchive::open(&path, &Limits::STANDARD).unwrap();
    for selector in [
        Selector::Only,
        Selector::Tag("1.0".parse().unwrap()),
        Selector::Digest(built.manifest.digest),
    ] {
        assert_eq!(archive.resolve(&selector).unwrap().digest, built.manifest.digest);
    }
    assert!(archive.has_blob(&built.layers[0]).unwrap());
    assert_eq!(archive.referrers(&built.manifest.digest).unwrap(), []);
    let pinned = Pinned { place: Place::OciArchive(path), digest: built.manifest.digest };
    let tree =
        read_from(&Source::OciArchive(archive), &pinned, Arc::new(Everything), &Limits::STANDARD);
    assert_eq!(listing(&tree.unwrap()), ["a=1", "b=2"]);
}

#[test]
fn forged_blobs_of_an_archive_are_seen() {
    let (_kept, root) = directory();
    let built = built();
    let layer = built.layers[1].digest;
    let read = |built: &BuiltImage| {
        let path = oci_archive(&root, built);
        let archive = OciArchive::open(&path, &Limits::STANDARD).unwrap();
        let pinned = Pinned { place: Place::OciArchive(path), digest: built.manifest.digest };
        read_from(&Source::OciArchive(archive), &pinned, Arc::new(Everything), &Limits::STANDARD)
    };
    assert!(
        matches!(read(&built.clone().flip(&layer, 30)), Err(Error::Digest { expected, .. }) if expected == layer)
    );
    assert!(matches!(
        read(&built.clone().truncate(&layer, 30)),
        Err(Error::Size { found: Some(30), .. })
    ));
    assert!(
        matches!(read(&built.without(&layer)), Err(Error::MissingBlob { digest, .. }) if digest == layer)
    );
}

#[test]
fn broken_archives_are_refused() {
    let (_kept, root) = directory();
    let open = |path: &Utf8Path| OciArchive::open(path, &Limits::STANDARD).map(drop);
    let path = oci_archive(&root, &built());
    assert!(open(&path).is_ok());
    let bytes = bytes_of(&path);
    for end in [600, 1_500, bytes.len() - 1_500] {
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(
            matches!(open(&path), Err(Error::Archive { source: TarFlaw::Truncated, .. })),
            "{end}"
        );
    }
    fs::write(&path, [&bytes[..bytes.len() - 1_024], &bytes].concat()).unwrap();
    assert!(matches!(open(&path), Err(Error::ArchiveName { .. })));
    fs::write(&path, b"not a tar file at all, though it is longer than one block".repeat(20))
        .unwrap();
    assert!(matches!(open(&path), Err(Error::Archive { .. })));
    assert!(matches!(open(&root.join("absent")), Err(Error::Read { .. })));
    assert!(matches!(open(&archive(&root, [])), Err(Error::NotALayout { .. })));
    let few = Limits { archive_entries: 3, ..Limits::STANDARD };
    let many = OciArchive::open(&oci_archive(&root, &built()), &few);
    assert!(matches!(many, Err(Error::TooMany { limit: 3, .. })));
}

/// An image as `docker save` writes it, with the names it gave files until version 25.
pub(crate) fn saved(root: &Utf8Path, tags: &Value) -> (Utf8PathBuf, Digest) {
    let built = image([
        LayerBuilder::new().file("a", "1").storage(Storage::Plain),
        LayerBuilder::new().file("b", "2"),
    ]);
    let config = built.config.unwrap();
    let manifest = json!([{
        "Config": format!("{}.json", config.hex()),
        "RepoTags": tags,
        "Layers": ["one/layer.tar", "two/layer.tar"],
    }]);
    let blob = |digest: &Digest| built.blobs[digest].to_vec();
    let path = archive(
        root,
        [
            (format!("{}.json", config.hex()), blob(&config)),
            ("one/layer.tar".to_owned(), blob(&built.layers[0].digest)),
            ("two/layer.tar".to_owned(), blob(&built.layers[1].digest)),
            ("manifest.json".to_owned(), manifest.to_string().into_bytes()),
        ],
    );
    (path, config)
}

#[test]
fn what_docker_saves_gets_a_manifest_that_is_always_the_same() {
    let (_kept, root) = directory();
    let (path, config) = saved(&root, &json!(["acme/app:1.0", "localhost:5000/app:two"]));
    let archive = DockerArchive::open(&path, &Limits::STANDARD).unwrap();
    let found = archive.resolve(&Selector::Only).unwrap();
    for tag in ["1.0", "two"] {
        assert_eq!(archive.resolve(&Selector::Tag(tag.parse().unwrap())).unwrap(), found);
    }
    assert_eq!(archive.resolve(&Selector::Digest(config)).unwrap(), found);
    assert_eq!(archive.resolve(&Selector::Digest(found.digest)).unwrap(), found);
    let absent = archive.resolve(&Selector::Tag("5000".parse().unwrap()));
    assert!(matches!(absent, Err(Error::NoSuchImage { names, .. }) if names.len() == 2));
    let manifest: Value =
        serde_json::from_slice(&archive.read_blob(&found.digest, 1 << 20).unwrap()).unwrap();
    let types: Vec<_> =
        manifest["layers"].as_array().unwrap().iter().map(|layer| &layer["mediaType"]).collect();
    assert_eq!(
        types,
        ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip"]
    );
    let again = DockerArchive::open(&path, &Limits::STANDARD).unwrap();
    assert_eq!(again.resolve(&Selector::Only).unwrap(), found);
    let pinned = Pinned { place: Place::DockerArchive(path), digest: found.digest };
    let tree = read_from(
        &Source::DockerArchive(archive),
        &pinned,
        Arc::new(Everything),
        &Limits::STANDARD,
    );
    assert_eq!(listing(&tree.unwrap()), ["a=1", "b=2"]);
}

#[test]
fn a_layer_that_docker_saved_under_two_names_is_read_under_both() {
    let (_kept, root) = directory();
    let layer = LayerBuilder::new().file("a", "1").storage(Storage::Plain);
    let built = ImageBuilder::new().layer(layer.clone()).layer(layer.clone()).build();
    let config = built.config.unwrap();
    let manifest = json!([{"Config": "c.json", "RepoTags": null, "Layers": ["one/layer.tar", "two/layer.tar"]}]);
    for two in [
        LayerBuilder::new().symlink("two/layer.tar", "../one/layer.tar"),
        LayerBuilder::new().hardlink("two/layer.tar", "one/layer.tar"),
    ] {
        let tar = two
            .file("one/layer.tar", layer.tar())
            .file("c.json", &built.blobs[&config])
            .file("manifest.json", manifest.to_string())
            .tar();
        let path = root.join("image.tar");
        fs::write(&path, tar).unwrap();
        let archive = DockerArchive::open(&path, &Limits::STANDARD).unwrap();
        let pinned = Pinned {
            place: Place::DockerArchive(path),
            digest: archive.resolve(&Selector::Only).unwrap().digest,
        };
        let tree = read_from(
            &Source::DockerArchive(archive),
            &pinned,
            Arc::new(Everything),
            &Limits::STANDARD,
        );
        assert_eq!(listing(&tree.unwrap()), ["a=1"]);
    }
    for target in ["two/layer.tar", "../../one/layer.tar", "/etc/passwd"] {
        let tar = LayerBuilder::new().symlink("two/layer.tar", target).file("c.json", "{}").file(
            "manifest.json",
            json!([{"Config": "c.json", "Layers": ["two/layer.tar"]}]).to_string(),
        );
        let path = root.join("image.tar");
        fs::write(&path, tar.tar()).unwrap();
        let found = DockerArchive::open(&path, &Limits::STANDARD);
        assert!(matches!(found, Err(Error::NotALayout { .. })), "{target}: {found:?}");
    }
}

#[test]
fn several_saved_images_have_to_be_told_apart() {
    let (_kept, root) = directory();
    let manifest = json!([
        {"Config": "one.json", "RepoTags": ["a:1"], "Layers": []},
        {"Config": "two.json", "RepoTags": null, "Layers": null},
    ]);
    let path = archive(
        &root,
        [
            ("one.json".to_owned(), b"{}".to_vec()),
            ("two.json".to_owned(), b"[]".to_vec()),
            ("manifest.json".to_owned(), manifest.to_string().into_bytes()),
        ],
    );
    let archive = DockerArchive::open(&path, &Limits::STANDARD).unwrap();
    match archive.resolve(&Selector::Only) {
        Err(Error::SeveralImages { names, .. }) => {
            assert_eq!((names.len(), names[0].as_str()), (2, "a:1"));
        }
        other => panic!("{other:?}"),
    }
    let one = archive.resolve(&Selector::Tag("1".parse().unwrap())).unwrap();
    assert_ne!(archive.resolve(&Selector::Digest(Digest::of(b"[]"))).unwrap(), one);
}

#[test]
fn saved_files_that_change_after_they_were_hashed_are_seen() {
    let (_kept, root) = directory();
    let (path, config) = saved(&root, &json!(["a:1"]));
    let archive = DockerArchive::open(&path, &Limits::STANDARD).unwrap();
    assert!(archive.read_blob(&config, 4_000).is_ok());
    let mut bytes = bytes_of(&path);
    bytes[512 + 20] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(
        matches!(archive.read_blob(&config, 4_000), Err(Error::Digest { expected, .. }) if expected == config)
    );
}

#[test]
fn links_within_an_archive_are_followed_from_where_they_lie() {
    let name = TreePath::parse(b"two/layer.tar").unwrap();
    let check = |link: &str, expect: Option<&str>| {
        let found = super::beside(&name, link.as_bytes()).map(|path| path.to_string());
        assert_eq!(found.as_deref(), expect, "{link}");
    };
    check("../one/layer.tar", Some("/one/layer.tar"));
    check("other", Some("/two/other"));
    check("../../x", None);
}
