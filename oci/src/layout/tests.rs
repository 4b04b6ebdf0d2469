use super::Layout;
use crate::{
    Error,
    fixture::{directory, image},
    manifest::{Descriptor, OCI_MANIFEST},
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder},
};
use camino::Utf8Path;
use plimsoll_model::{
    Digest, Limits,
    reference::{Selector, Tag},
};
use serde_json::{Value, json};
use std::{fs, thread};

fn open(path: &Utf8Path) -> Layout {
    Layout::open(path, &Limits::STANDARD).unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn one(content: &str) -> BuiltImage {
    image([LayerBuilder::new().file("a", content)])
}

/// A manifest that is about `subject`.
fn referrer(subject: &Descriptor, name: &str) -> BuiltImage {
    let subject =
        json!({"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size});
    ImageBuilder::new().manifest("subject", subject).manifest("artifactType", json!(name)).build()
}

fn index(path: &Utf8Path) -> Value {
    serde_json::from_reader(fs::File::open(path.join("index.json")).unwrap()).unwrap()
}

fn names(path: &Utf8Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(layout: &Layout, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Error> {
    let mut writer = layout.write_blob(descriptor)?;
    for chunk in bytes.chunks(3) {
        writer.write(chunk)?;
    }
    writer.finish()
}

#[test]
fn a_layout_is_made_once_and_never_over_other_things() {
    let (_kept, root) = directory();
    let path = root.join("new/layout");
    let layout = Layout::create(&path, &Limits::STANDARD).unwrap();
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    layout.add_untagged(&Descriptor::of(OCI_MANIFEST, b"x")).unwrap();
    assert_eq!(
        Layout::create(&path, &Limits::STANDARD).unwrap().index().unwrap().manifests.len(),
        1
    );
    // A layout whose making was interrupted.
    fs::remove_file(path.join("index.json")).unwrap();
    assert_eq!(
        Layout::create(&path, &Limits::STANDARD).unwrap().index().unwrap().manifests.len(),
        0
    );
    fs::write(root.join("mine"), "").unwrap();
    let foreign = Layout::create(&root, &Limits::STANDARD);
    assert!(matches!(foreign, Err(Error::ForeignDirectory { path }) if path == root));
    assert_eq!(names(&root), ["mine", "new"]);
}

#[test]
fn what_is_no_layout_is_refused() {
    let (_kept, path) = directory();
    let open = || Layout::open(&path, &Limits::STANDARD);
    assert!(matches!(open(), Err(Error::NotALayout { .. })));
    fs::write(path.join("oci-layout"), "{").unwrap();
    assert!(matches!(open(), Err(Error::Json { .. })));
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(matches!(open(), Err(Error::NotALayout { .. })));
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    assert!(matches!(open().unwrap().index(), Err(Error::NotALayout { .. })));
    fs::create_dir(path.join("index.json")).unwrap();
    assert!(matches!(open().unwrap().index(), Err(Error::Read { .. })));
    fs::remove_dir(path.join("index.json")).unwrap();
    fs::write(path.join("index.json"), vec![b' '; 5 << 20]).unwrap();
    assert!(matches!(open().unwrap().index(), Err(Error::TooLarge { limit: 0x40_0000, .. })));
}

#[test]
fn blobs_are_verified_on_their_way_in() {
    let (_kept, path) = directory();
    let layout = Layout::create(&path, &Limits::STANDARD).unwrap();
    let descriptor = Descriptor::of("text/plain", b"content");
    let wrong = |bytes: &[u8]| write(&layout, &descriptor, bytes);
    assert!(
        matches!(wrong(b"forged!"), Err(Error::Digest { expected, .. }) if expected == descriptor.digest)
    );
    assert!(matches!(wrong(b"conten"), Err(Error::Size { expected: 7, found: Some(6), .. })));
    assert!(matches!(
        wrong(b"content and more"),
        Err(Error::Size { expected: 7, found: None, .. })
    ));
    drop(layout.write_blob(&descriptor).unwrap());
    assert_eq!(names(&path.join("blobs/sha256")), [""; 0]);
    assert!(!layout.has_blob(&descriptor).unwrap());
    write(&layout, &descriptor, b"content").unwrap();
    write(&layout, &descriptor, b"content").unwrap();
    assert_eq!(names(&path.join("blobs/sha256")), [descriptor.digest.hex()]);
    assert!(layout.has_blob(&descriptor).unwrap());
    assert!(!layout.has_blob(&Descriptor { size: 6, ..descriptor }).unwrap());
}

#[test]
fn blobs_are_verified_on_their_way_out() {
    let (_kept, path) = directory();
    let built = one("1");
    let config = built.config.unwrap();
    built.write_layout(&path, None);
    let layout = open(&path);
    assert_eq!(layout.read_blob(&config, 4_000).unwrap(), built.blobs[&config]);
    assert!(matches!(layout.read_blob(&config, 10), Err(Error::TooLarge { limit: 10, .. })));
    built.clone().flip(&config, 5).write_layout(&path, None);
    assert!(
        matches!(layout.read_blob(&config, 4_000), Err(Error::Digest { expected, .. }) if expected == config)
    );
    let absent = Digest::of(b"absent");
    assert!(
        matches!(layout.read_blob(&absent, 9), Err(Error::MissingBlob { digest, .. }) if digest == absent)
    );
    let larger = Descriptor { size: 10 << 30, ..built.layers[0].clone() };
    assert!(matches!(
        layout.blob_reader(&larger).map(drop),
        Err(Error::Size { found: Some(_), .. })
    ));
}

#[test]
fn images_are_found_by_name_by_digest_and_alone() {
    let (_kept, path) = directory();
    let (first, second) = (one("1"), one("2"));
    first.write_layout(&path, Some("1.0"));
    let layout = open(&path);
    let digest = |selector: &Selector| layout.resolve(selector).map(|found| found.digest);
    assert_eq!(digest(&Selector::Only).unwrap(), first.manifest.digest);
    second.write_layout(&path, None);
    assert_eq!(digest(&Selector::Tag(tag("1.0"))).unwrap(), first.manifest.digest);
    assert_eq!(digest(&Selector::Digest(second.manifest.digest)).unwrap(), second.manifest.digest);
    match digest(&Selector::Only) {
        Err(Error::SeveralImages { names, .. }) => {
            assert_eq!(names, ["1.0".to_owned(), second.manifest.digest.to_string()]);
        }
        other => panic!("{other:?}"),
    }
    let absent = digest(&Selector::Tag(tag("2.0")));
    assert!(
        matches!(absent, Err(Error::NoSuchImage { asked, names, .. }) if asked == "`2.0`" && names.len() == 2)
    );
    assert!(matches!(digest(&Selector::Digest(Digest::of(b""))), Err(Error::MissingBlob { .. })));
}

#[test]
fn images_are_found_in_an_index_and_not_by_a_name_that_two_have() {
    let (_kept, path) = directory();
    one("1").write_layout(&path, Some("1.0"));
    let layout = open(&path);
    let digest = |selector: &Selector| layout.resolve(selector).map(|found| found.digest);
    let children = BuiltImage::index([one("3")]);
    children.write_layout(&path, Some("multi"));
    let child = one("3").manifest.digest;
    assert_eq!(layout.resolve(&Selector::Digest(child)).unwrap().media_type, OCI_MANIFEST);
    // One name for two images.
    one("2").write_layout(&path, Some("1.0"));
    assert!(matches!(digest(&Selector::Tag(tag("1.0"))), Err(Error::SeveralImages { .. })));
    assert!(matches!(layout.current_tag(&tag("1.0")), Err(Error::SeveralImages { .. })));
}

#[test]
fn the_only_image_is_found_among_its_referrers() {
    let (_kept, path) = directory();
    let built = one("1");
    built.write_layout(&path, None);
    built.write_layout(&path, Some("also"));
    let listed = referrer(&built.manifest, "a/listed");
    listed.write_layout(&path, None);
    let layout = open(&path);
    let fallback = referrer(&built.manifest, "a/fallback");
    layout.add_referrer(&built.manifest.digest, &fallback.manifest).unwrap();
    assert_eq!(layout.resolve(&Selector::Only).unwrap().digest, built.manifest.digest);
    let mut expect = [listed.manifest.digest, fallback.manifest.digest];
    expect.sort();
    let found = layout.referrers(&built.manifest.digest).unwrap();
    assert_eq!(found.iter().map(|found| found.digest).collect::<Vec<_>>(), expect);
    let types: Vec<_> = found.iter().filter_map(|found| found.artifact_type.as_deref()).collect();
    assert_eq!(types, ["a/listed"]);
    assert_eq!(layout.referrers(&Digest::of(b"other")).unwrap(), []);
    let few = Layout::open(&path, &Limits { children: 1, ..Limits::STANDARD }).unwrap();
    assert!(matches!(few.referrers(&built.manifest.digest), Err(Error::TooMany { .. })));
}

#[test]
fn a_list_of_referrers_that_cannot_be_read_is_not_an_empty_one() {
    let (_kept, path) = directory();
    let built = one("1");
    built.write_layout(&path, None);
    let layout = open(&path);
    layout
        .add_referrer(&built.manifest.digest, &referrer(&built.manifest, "a/b").manifest)
        .unwrap();
    let list = layout.index().unwrap().manifests.last().unwrap().digest;
    let file = path.join("blobs/sha256").join(list.hex());
    fs::write(&file, b"{}").unwrap();
    assert!(matches!(layout.referrers(&built.manifest.digest), Err(Error::Digest { .. })));
    fs::remove_file(&file).unwrap();
    assert!(matches!(layout.referrers(&built.manifest.digest), Err(Error::MissingBlob { .. })));
}

#[test]
fn a_tag_moves_and_everything_else_in_the_index_stays() {
    let (_kept, path) = directory();
    let (first, second) = (one("1"), one("2"));
    first.write_layout(&path, Some("1.0"));
    second.write_layout(&path, Some("other"));
    let mut document = index(&path);
    document["x-unknown"] = json!({"kept": [1, 2]});
    document["manifests"][1]["x-unknown"] = json!("kept too");
    fs::write(path.join("index.json"), document.to_string()).unwrap();
    let layout = open(&path);
    assert_eq!(layout.current_tag(&tag("new")).unwrap(), None);
    layout.set_tag(&tag("1.0"), &second.manifest).unwrap();
    assert_eq!(layout.current_tag(&tag("1.0")).unwrap().unwrap().digest, second.manifest.digest);
    let changed = index(&path);
    assert_eq!(changed["x-unknown"], document["x-unknown"]);
    assert_eq!(changed["manifests"][0], document["manifests"][1]);
    assert_eq!(changed["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(
        changed["manifests"][1]["platform"],
        json!({"architecture": "amd64", "os": "linux"})
    );
    // The same again changes not one byte.
    let before = fs::metadata(path.join("index.json")).unwrap().modified().unwrap();
    layout.set_tag(&tag("1.0"), &second.manifest).unwrap();
    layout.add_untagged(&second.manifest).unwrap();
    assert_eq!(fs::metadata(path.join("index.json")).unwrap().modified().unwrap(), before);
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
}

#[test]
fn f16_referrers_that_are_added_at_once_are_all_there_after() {
    let (_kept, path) = directory();
    let layout = Layout::create(&path, &Limits::STANDARD).unwrap();
    let subject = Digest::of(b"subject");
    thread::scope(|scope| {
        for number in 0..50_u8 {
            let layout = layout.clone();
            scope.spawn(move || {
                let added = Descriptor::of(OCI_MANIFEST, &[number]);
                layout.add_referrer(&subject, &added).unwrap();
                layout.add_referrer(&subject, &added).unwrap();
                layout.set_tag(&format!("tag-{number}").parse().unwrap(), &added).unwrap();
            });
        }
    });
    let entries = layout.index().unwrap().manifests;
    assert_eq!(entries.len(), 51);
    let (list, _) = entries
        .iter()
        .map(|entry| (entry, super::read::ref_name(entry)))
        .find(|(_, name)| *name == Some(&format!("sha256-{}", subject.hex())))
        .unwrap();
    let list: Value =
        serde_json::from_slice(&layout.read_blob(&list.digest, 1 << 20).unwrap()).unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 50);
}
