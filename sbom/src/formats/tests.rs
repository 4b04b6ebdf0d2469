//! Both formats, out and back, and the documents of others.

mod foreign;
mod round_trip;

use super::*;
use plimsoll_model::{
    TreePath,
    component::{
        Component, ComponentId, ComponentKind, Hash, HashAlgorithm, Location, Scope, SourcePackage,
        Trust,
    },
    inventory::{Coverage, Distribution, Relation, RelationKind, Unknown},
    tree::LayerInfo,
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

/// Components with something of everything, in the order that relations name.
fn components() -> Vec<Component> {
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
        introduced: Some(layer(2)),
        concluded: vec!["MIT".to_owned()],
        scope: Scope::Development,
        ..component("pkg:pypi/six@1.16.0", "six")
    };
    let jar = Component {
        licenses: vec!["Apache-2.0 WITH LLVM-exception".to_owned()],
        locations: vec![at(b"opt/app.jar", "", 2), at(b"srv/a!/\xff\n.jar", "lib/x.jar", 3)],
        hashes: vec![Hash { algorithm: HashAlgorithm::Sha1, hex: "a".repeat(40) }],
        kind: ComponentKind::Application,
        properties: [("plimsoll:elf:build-id".to_owned(), "ab12".to_owned())].into(),
        ..component("pkg:maven/org.example/app@1.0", "org.example:app")
    };
    let inner = Component {
        licenses: vec!["GPL-2+".to_owned()],
        scope: Scope::Optional,
        trust: Trust::Claimed,
        locations: vec![at(b"opt/app.jar", "lib/inner.jar", 2)],
        ..component("pkg:maven/org.example/inner@2.0", "org.example:inner")
    };
    let hostile = Component {
        version: None,
        supplier: Some("(\u{7}) \u{1b}[31m".to_owned()),
        ..component("pkg:generic/hostile", "ho\u{0}st\u{202e}ile\u{1b}")
    };
    let twin = component("pkg:pypi/six@1.16.0", "six");
    let model = Component {
        kind: ComponentKind::Model,
        ..component("pkg:huggingface/a/weights@1", "a/weights")
    };
    vec![zlib, six, jar, inner, hostile, twin, model]
}

/// An inventory with something of everything.
pub(super) fn inventory() -> Inventory {
    let relation = |from, to, kind| Relation { from: ComponentId(from), to: ComponentId(to), kind };
    let mut inventory = Inventory::new(
        Some(Distribution {
            id: "debian".to_owned(),
            id_like: vec!["one".to_owned(), "two".to_owned()],
            version_id: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        }),
        components(),
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
    );
    let layers = 1..4_u8;
    inventory.layers = layers
        .map(|number| LayerInfo {
            digest: layer(number + 100),
            diff_id: layer(number),
            created_by: (number == 2).then(|| "RUN a && b".to_owned()),
        })
        .collect();
    inventory.coverage = [
        ("deb".to_owned(), Coverage::Complete),
        ("maven".to_owned(), Coverage::Incomplete),
        ("pypi".to_owned(), Coverage::Unknown),
    ]
    .into();
    inventory
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
    String::from_utf8(find(id).unwrap().to_vec(document).unwrap()).unwrap()
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
    for others in OTHER_VERSIONS {
        assert!(others.is_sorted_by(|left, right| left.id < right.id));
        for format in *others {
            assert_eq!(find(format.id).unwrap().id, format.id);
            assert!(find(format.id.split_once('@').unwrap().0).is_some());
        }
    }
    assert!(find("cyclonedx").is_none());
    assert!(find("cyclonedx-json@").is_none());
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
    for (id, pointer) in [
        ("cyclonedx-json", "/serialNumber"),
        ("spdx-json", "/documentNamespace"),
        ("spdx3-json", "/@graph/1/spdxId"),
    ] {
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

#[test]
fn the_crate_cyclonedx_bom_accepts_it_as_1_5() {
    use cyclonedx_bom::prelude::Validate as _;
    let inventory = inventory();
    let text = write("cyclonedx-json@1.5", &document(&inventory));
    let bom = cyclonedx_bom::prelude::Bom::parse_from_json(text.as_bytes()).unwrap();
    assert_eq!(bom.spec_version, SpecVersion::V1_5);
    assert_eq!(bom.components.as_ref().unwrap().0.len(), 8);
    let result = bom.validate();
    assert!(result.passed(), "{result:#?}");

    let twice = text.replace("pkg:maven/org.example/inner@2.0", "pkg:maven/org.example/app@1.0");
    let bom = cyclonedx_bom::prelude::Bom::parse_from_json(twice.as_bytes()).unwrap();
    assert!(!bom.validate().passed());
}

#[test]
fn completeness_is_said_of_each_kind_of_package() {
    let inventory = inventory();
    let bom = json("cyclonedx-json", &document(&inventory));
    let compositions = bom["compositions"].as_array().unwrap();
    let words = strings(&bom["compositions"], "/aggregate");
    assert_eq!(words, ["incomplete", "complete", "incomplete", "unknown"]);
    let deb = compositions[1]["dependencies"].as_array().unwrap();
    assert_eq!(deb.len(), 1);
    assert!(deb[0].as_str().unwrap().starts_with("pkg:deb/"));
}

#[test]
fn a_directory_with_one_lock_file_says_so_to_gitlab() {
    let mut one = component("pkg:npm/a@1", "a");
    one.locations = vec![at(b"web/package-lock.json", "", 1)];
    let other = Component { purl: "pkg:npm/b@1".parse().unwrap(), ..one.clone() };
    let inventory = Inventory::new(None, vec![one, other], vec![], vec![]);
    let mut document = document(&inventory);
    document.subject =
        DocumentSubject { name: ".".to_owned(), digest: None, platform: None, image_tag: None };
    let bom = json("cyclonedx-json", &document);
    let name = "gitlab:dependency_scanning:input_file:path";
    let properties = bom["metadata"]["properties"].as_array().unwrap();
    let found = properties.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(found["value"], "web/package-lock.json");
}

/// Components, edges and hashes of one inventory, as each document has them.
#[test]
fn every_format_carries_the_same() {
    let inventory = inventory();
    let told = |format: &Format| {
        let bytes = format.to_vec(&document(&inventory)).unwrap();
        let sbom = read_document(&bytes, &Limits::STANDARD).unwrap();
        let name = |id: ComponentId| sbom.inventory.component(id).unwrap().purl.to_string();
        let components: Vec<_> = sbom
            .inventory
            .components()
            .iter()
            .map(|one| (one.purl.to_string(), one.version.clone(), one.hashes.clone()))
            .collect();
        let edges: BTreeSet<_> = sbom
            .inventory
            .relations()
            .iter()
            .map(|one| (name(one.from), name(one.to), one.kind))
            .collect();
        let names = sbom.facts.components.len();
        (components, edges, names, sbom.facts.subject, sbom.inventory.layers)
    };
    let expect = told(find("cyclonedx-json").unwrap());
    assert_eq!(expect.0.len(), inventory.components().len());
    assert_eq!(expect.1.len(), inventory.relations().len());
    for format in ALL.iter().copied().chain(OTHER_VERSIONS.iter().copied().flatten()) {
        assert_eq!(told(format), expect, "{}", format.id);
    }
}

#[test]
fn what_is_read_can_be_written_again() {
    let inventory = inventory();
    for format in ALL {
        let first = format.to_vec(&document(&inventory)).unwrap();
        let sbom = read_document(&first, &Limits::STANDARD).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let again = format.to_vec(&sbom.document("0.1.0", now)).unwrap();
        let once_more = read_document(&again, &Limits::STANDARD).unwrap();
        assert_eq!(once_more.inventory, sbom.inventory, "{}", format.id);
        assert_eq!(once_more.facts.created.as_deref(), Some("2026-11-22T12:00:00Z"));
        assert_eq!(once_more.facts.subject, sbom.facts.subject, "{}", format.id);
    }
}

#[test]
fn our_score_is_what_the_formats_can_say() {
    use crate::score::{Standard, score};
    let inventory = inventory();
    let conforms = |id: &str, standard| {
        let bytes = find(id).unwrap().to_vec(&document(&inventory)).unwrap();
        let score = score(&read_document(&bytes, &Limits::STANDARD).unwrap(), standard);
        score.is_conformant()
    };
    assert!(conforms("spdx-json", Standard::Ntia2021));
    assert!(conforms("spdx3-json", Standard::Ntia2021));
    assert!(conforms("spdx3-json", Standard::Fsct3));
    assert!(conforms("cyclonedx-json", Standard::Ntia2021));
    // SPDX 2 has no word for the phase in which a document is made.
    assert!(!conforms("spdx-json", Standard::Fsct3));
}
