//! Both formats, out and back, and the documents of others.

mod foreign;
mod round_trip;

use super::*;
use plimsoll_model::{
    TreePath,
    component::{Component, ComponentId, Hash, HashAlgorithm, Location, SourcePackage},
    inventory::{Distribution, Relation, RelationKind, Unknown},
};
use serde_json::Value;
use std::collections::BTreeSet;

fn path(bytes: &[u8]) -> TreePath {
    TreePath::parse(bytes).unwrap()
}

fn layer(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

fn at(file: &[u8], inside: &str, number: u8) -> Location {
    Location { path: path(file), inside: inside.to_owned(), layer: Some(layer(number)) }
}

fn component(purl: &str, name: &str) -> Component {
    let purl: Purl = purl.parse().unwrap();
    let version = purl.version().map(str::to_owned);
    Component::new(purl, name, version, "test")
}

/// An inventory with something of everything.
pub(super) fn inventory() -> Inventory {
    let zlib = Component {
        licenses: vec!["Zlib".to_owned(), "BSD".to_owned(), "MIT OR Apache-2.0".to_owned()],
        supplier: Some("Debian zlib team <zlib@packages.debian.org>".to_owned()),
        locations: vec![at(b"var/lib/dpkg/status", "", 1)],
        source: Some(SourcePackage { name: "zlib".to_owned(), version: "1:1.2.13".to_owned() }),
        hashes: vec![Hash { algorithm: HashAlgorithm::Md5, hex: "0".repeat(32) }],
        ..component("pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=debian-12", "zlib1g")
    };
    let six = Component {
        licenses: vec!["MIT".to_owned()],
        supplier: Some("Jane Doe <jane@example.org>".to_owned()),
        locations: vec![at(b"usr/lib/python3/six.dist-info/METADATA", "", 2)],
        owned_by: Some(ComponentId(0)),
        ..component("pkg:pypi/six@1.16.0", "six")
    };
    let jar = Component {
        licenses: vec!["Apache-2.0 WITH LLVM-exception".to_owned()],
        locations: vec![at(b"opt/app.jar", "", 2), at(b"srv/a!/\xff\n.jar", "lib/x.jar", 3)],
        hashes: vec![Hash { algorithm: HashAlgorithm::Sha1, hex: "a".repeat(40) }],
        ..component("pkg:maven/org.example/app@1.0", "org.example:app")
    };
    let inner = Component {
        locations: vec![at(b"opt/app.jar", "lib/inner.jar", 2)],
        ..component("pkg:maven/org.example/inner@2.0", "org.example:inner")
    };
    let hostile = Component {
        version: None,
        supplier: Some("(\u{7}) \u{1b}[31m".to_owned()),
        ..component("pkg:generic/hostile", "ho\u{0}st\u{202e}ile\u{1b}")
    };
    let twin = component("pkg:pypi/six@1.16.0", "six");
    let relation = |from, to, kind| Relation { from: ComponentId(from), to: ComponentId(to), kind };
    Inventory::new(
        Some(Distribution {
            id: "debian".to_owned(),
            id_like: vec!["one".to_owned(), "two".to_owned()],
            version_id: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        }),
        vec![zlib, six, jar, inner, hostile, twin],
        vec![
            relation(2, 3, RelationKind::Contains),
            relation(1, 0, RelationKind::DependsOn),
            relation(4, 5, RelationKind::DependsOn),
            relation(5, 4, RelationKind::DependsOn),
        ],
        vec![Unknown {
            path: path(b"opt/broken.jar"),
            layer: Some(layer(3)),
            cataloger: "java",
            reason: "the central directory is\nmissing".to_owned(),
        }],
    )
}

pub(super) fn document(inventory: &Inventory) -> Document<'_> {
    Document {
        inventory,
        subject: DocumentSubject {
            name: "registry.example:5000/team/App".to_owned(),
            digest: Some(Digest::of(b"manifest")),
            platform: Some("linux/arm64/v8".parse().unwrap()),
            image_tag: Some("1.0".to_owned()),
        },
        timestamp: "2026-11-22T12:00:00.987654321Z".parse().unwrap(),
        tool_version: "0.1.0",
    }
}

fn write(id: &str, document: &Document<'_>) -> String {
    String::from_utf8((find(id).unwrap().write)(document).unwrap()).unwrap()
}

fn json(id: &str, document: &Document<'_>) -> Value {
    serde_json::from_str(&write(id, document)).unwrap()
}

fn strings<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    let list = value.as_array().unwrap();
    list.iter().filter_map(|one| one.pointer(pointer)).filter_map(Value::as_str).collect()
}

#[test]
fn ids_are_sorted_unique_and_found() {
    assert!(ALL.is_sorted_by(|left, right| left.id < right.id));
    for format in ALL {
        assert_eq!(find(format.id).unwrap().id, format.id);
    }
    assert!(find("cyclonedx").is_none());
}

#[test]
fn every_field_has_its_place() {
    let inventory = inventory();
    for format in ALL {
        insta::assert_snapshot!(format.id, write(format.id, &document(&inventory)));
    }
}

#[test]
fn the_same_document_gives_the_same_bytes_and_another_another_id() {
    let inventory = inventory();
    for (id, pointer) in [("cyclonedx-json", "/serialNumber"), ("spdx-json", "/documentNamespace")]
    {
        let first = document(&inventory);
        assert_eq!(write(id, &first), write(id, &first));
        let mut second = document(&inventory);
        second.subject.digest = Some(Digest::of(b"other"));
        let (first, second) = (json(id, &first), json(id, &second));
        assert!(first.pointer(pointer).unwrap().is_string());
        assert_ne!(first.pointer(pointer), second.pointer(pointer));
    }
}

#[test]
fn everything_is_reachable_from_the_subject_and_named_once() {
    let inventory = inventory();
    let bom = json("cyclonedx-json", &document(&inventory));
    let refs = strings(&bom["components"], "/bom-ref");
    let unique: BTreeSet<_> = refs.iter().copied().chain(["subject"]).collect();
    assert_eq!(unique.len(), refs.len() + 1);
    assert_eq!(refs.len(), inventory.components().len() + 1);
    let dependencies = bom["dependencies"].as_array().unwrap();
    let (mut reached, mut open) = (BTreeSet::new(), vec!["subject"]);
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            let mut entries = dependencies.iter().filter(|one| one["ref"] == name);
            let entry = entries.next().unwrap();
            assert!(entries.next().is_none(), "{name} twice");
            let needs = entry["dependsOn"].as_array().into_iter().flatten();
            open.extend(needs.filter_map(Value::as_str));
        }
    }
    assert_eq!(reached, unique);
}

#[test]
fn completeness_is_never_claimed() {
    let mut inventory = inventory();
    let aggregate = |inventory: &Inventory| {
        json("cyclonedx-json", &document(inventory))["compositions"][0]["aggregate"].clone()
    };
    assert_eq!(aggregate(&inventory), "incomplete");
    inventory.unknowns.clear();
    assert_eq!(aggregate(&inventory), "unknown");
}

#[test]
fn gitlab_finds_its_properties() {
    let inventory = inventory();
    let bom = json("cyclonedx-json", &document(&inventory));
    let properties = bom["metadata"]["properties"].as_array().unwrap();
    for (name, value) in [
        ("gitlab:meta:schema_version", "1"),
        ("gitlab:container_scanning:image:name", "registry.example:5000/team/App"),
        ("gitlab:container_scanning:image:tag", "1.0"),
        ("gitlab:container_scanning:operating_system:name", "debian"),
        ("gitlab:container_scanning:operating_system:version", "12"),
        ("plimsoll:unknown:count", "1"),
    ] {
        let found: Vec<_> = properties.iter().filter(|one| one["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0]["value"], value);
    }
}

#[test]
fn package_urls_of_subjects() {
    let digest = Digest::of(b"");
    let purl = |name: &str, digest| {
        let subject =
            DocumentSubject { name: name.to_owned(), digest, platform: None, image_tag: None };
        subject.purl().map(|purl| purl.to_string())
    };
    let repository = "docker.io/library/debian";
    let found: Purl = purl(repository, Some(digest)).unwrap().parse().unwrap();
    assert_eq!((found.kind(), found.name()), ("oci", "debian"));
    assert_eq!(found.version(), Some(digest.to_string().as_str()));
    assert_eq!(found.qualifier("repository_url"), Some(repository));
    let found: Purl = purl("App", Some(digest)).unwrap().parse().unwrap();
    assert_eq!((found.name(), found.qualifier("repository_url")), ("app", None));
    assert_eq!(purl("some/dir/", Some(digest)), None);
    assert_eq!(purl("docker.io/library/debian", None), None);
}

#[test]
fn a_directory_is_an_application_without_a_phase() {
    let inventory = Inventory::default();
    let mut document = document(&inventory);
    document.subject =
        DocumentSubject { name: ".".to_owned(), digest: None, platform: None, image_tag: None };
    let bom = json("cyclonedx-json", &document);
    assert_eq!(bom["metadata"]["component"]["type"], "application");
    assert_eq!(bom["metadata"]["lifecycles"], Value::Null);
    assert_eq!(json("spdx-json", &document)["packages"][0]["primaryPackagePurpose"], "APPLICATION");
}

/// Our document says nothing that 1.5 has no word for, but `acknowledgement` and `additionalContext`.
#[test]
fn the_crate_cyclonedx_bom_accepts_it_as_1_5() {
    use cyclonedx_bom::prelude::Validate as _;
    let inventory = inventory();
    let text = write("cyclonedx-json", &document(&inventory))
        .replace(r#""specVersion": "1.6""#, r#""specVersion": "1.5""#)
        .replace("bom-1.6.schema", "bom-1.5.schema");
    let bom = cyclonedx_bom::prelude::Bom::parse_from_json(text.as_bytes()).unwrap();
    assert_eq!(bom.spec_version, SpecVersion::V1_5);
    assert_eq!(bom.components.as_ref().unwrap().0.len(), 7);
    let result = bom.validate();
    assert!(result.passed(), "{result:#?}");

    let twice = text.replace("pkg:maven/org.example/inner@2.0", "pkg:maven/org.example/app@1.0");
    let bom = cyclonedx_bom::prelude::Bom::parse_from_json(twice.as_bytes()).unwrap();
    assert!(!bom.validate().passed());
}
