//! Documents as other tools write them, and such as nobody should.

use super::*;
use serde_json::json;

#[track_caller]
fn read_json(document: &Value) -> Inventory {
    read(document.to_string().as_bytes(), &Limits::STANDARD).unwrap()
}

fn purls(inventory: &Inventory) -> Vec<&str> {
    inventory.components().iter().map(|component| component.purl.as_str()).collect()
}

fn syft_cyclonedx() -> Value {
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:9d1f3b5e-0c35-4d2b-8a52-1a3f9e8b6c11",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "author": "anchore", "name": "syft"}]},
            "component": {"bom-ref": "r", "type": "container", "name": "debian", "version": "sha256:0"},
        },
        "components": [
            {
                "bom-ref": "pkg:deb/debian/zlib1g@1?package-id=1",
                "type": "library",
                "publisher": "Mark Brown <broonie@debian.org>",
                "name": "zlib1g",
                "version": "1:1.2.13.dfsg-1",
                "licenses": [{"license": {"id": "Zlib"}}],
                "cpe": "cpe:2.3:a:zlib1g:zlib1g:1:*:*:*:*:*:*:*",
                "purl": "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib",
                "properties": [
                    {"name": "syft:package:foundBy", "value": "dpkg-db-cataloger"},
                    {"name": "syft:location:0:layerID", "value": layer(1)},
                    {"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"},
                    {"name": "syft:metadata:source", "value": "zlib"},
                ],
            },
            {
                "bom-ref": "slf4j",
                "type": "library",
                "group": "org.slf4j",
                "name": "slf4j-api",
                "version": "2.0",
                "hashes": [{"alg": "SHA-1", "content": "A".repeat(40)}, {"alg": "BLAKE3", "content": "0"}],
                "purl": "pkg:maven/org.slf4j/slf4j-api@2.0",
                "evidence": {"identity": [{"field": "name"}]},
            },
            {"bom-ref": "bin", "type": "application", "name": "busybox", "version": "1.36"},
            {"bom-ref": "bad", "type": "library", "name": "bad", "purl": "not a purl"},
            {
                "bom-ref": "os",
                "type": "operating-system",
                "name": "debian",
                "version": "12",
                "description": "Debian GNU/Linux 12 (bookworm)",
                "properties": [
                    {"name": "syft:distro:id", "value": "debian"},
                    {"name": "syft:distro:versionCodename", "value": "bookworm"},
                    {"name": "syft:distro:idLike:0", "value": "x"},
                ],
            },
        ],
        "dependencies": [
            {"ref": "slf4j", "dependsOn": ["pkg:deb/debian/zlib1g@1?package-id=1", "nowhere"]},
            {"ref": "bin"},
        ],
    })
}

#[test]
fn cyclonedx_as_syft_writes_it() {
    let inventory = read_json(&syft_cyclonedx());
    assert_eq!(
        inventory.distribution,
        Some(Distribution {
            id: "debian".to_owned(),
            id_like: vec!["x".to_owned()],
            version_id: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        })
    );
    let [zlib, slf4j] = inventory.components() else { panic!("{:?}", purls(&inventory)) };
    assert_eq!(zlib.name, "zlib1g");
    assert_eq!(zlib.version.as_deref(), Some("1:1.2.13.dfsg-1"));
    assert_eq!(zlib.licenses, ["Zlib"]);
    assert_eq!(zlib.supplier.as_deref(), Some("Mark Brown <broonie@debian.org>"));
    assert_eq!(zlib.locations, [at(b"var/lib/dpkg/status", "", 1)]);
    let source = zlib.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_str()), ("zlib", "1:1.2.13.dfsg-1"));
    assert_eq!(zlib.cataloger, "sbom");
    assert_eq!(slf4j.name, "org.slf4j:slf4j-api");
    assert_eq!(slf4j.hashes, [Hash { algorithm: HashAlgorithm::Sha1, hex: "a".repeat(40) }]);
    let (from, to) = (ComponentId(1), ComponentId(0));
    assert_eq!(inventory.relations(), [Relation { from, to, kind: RelationKind::DependsOn }]);
    let reasons: Vec<_> = inventory.unknowns.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].starts_with("component `bad` of the SBOM: malformed package URL"));
    assert_eq!(reasons[1], "component `busybox` of the SBOM has no package URL");
}

fn trivy_cyclonedx(version: &str) -> Value {
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {"component": {
            "bom-ref": "root", "type": "container", "name": "app", "version": "",
            "purl": "pkg:oci/app@sha256:0",
        }},
        "components": [
            {"bom-ref": "os", "type": "operating-system", "name": "debian", "version": "12.5"},
            {
                "bom-ref": "1",
                "type": "library",
                "name": "zlib1g",
                "version": "1:1.2.13.dfsg-1",
                "supplier": {"name": "Mark Brown"},
                "licenses": [{"license": {"name": "public domain"}}, {"license": {"id": "Zlib"}}],
                "purl": "pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&distro=debian-12.5&epoch=1",
                "properties": [
                    {"name": "aquasecurity:trivy:LayerDiffID", "value": layer(1)},
                    {"name": "aquasecurity:trivy:FilePath", "value": "var/lib/dpkg/status"},
                    {"name": "aquasecurity:trivy:SrcEpoch", "value": "1"},
                    {"name": "aquasecurity:trivy:SrcName", "value": "zlib"},
                    {"name": "aquasecurity:trivy:SrcRelease", "value": "1"},
                    {"name": "aquasecurity:trivy:SrcVersion", "value": "1.2.13.dfsg"},
                ],
            },
            {
                "bom-ref": "2", "type": "library", "group": "@angular", "name": "core",
                "version": "17", "purl": "pkg:npm/%40angular/core@17",
                "components": [{
                    "bom-ref": "3", "type": "library", "name": "nested", "version": "1",
                    "purl": "pkg:npm/nested@1",
                }],
            },
            {"bom-ref": "4", "type": "application", "name": "package-lock.json", "version": ""},
        ],
        "dependencies": [
            {"ref": "root", "dependsOn": ["1", "2"]},
            {"ref": "2", "dependsOn": ["1"]},
        ],
    })
}

#[test]
fn trivy_calls_some_distributions_otherwise_than_they_do_themselves() {
    let read = |name: &str| {
        let mut document = trivy_cyclonedx("1.6");
        document["components"][0]["name"] = json!(name);
        read_json(&document).distribution.unwrap().id
    };
    for (theirs, id) in [
        ("alma", "almalinux"),
        ("amazon", "amzn"),
        ("opensuse.leap", "opensuse-leap"),
        ("redhat", "rhel"),
        ("SUSE Linux Enterprise Server", "sles"),
        ("rocky", "rocky"),
        ("almalinux", "almalinux"),
    ] {
        assert_eq!(read(theirs), id);
    }
}

#[test]
fn cyclonedx_as_trivy_writes_it_in_every_version() {
    for version in ["1.3", "1.4", "1.5", "1.6", "1.7"] {
        let inventory = read_json(&trivy_cyclonedx(version));
        assert_eq!(
            inventory.distribution.as_ref().map(|it| (it.id.as_str(), it.version_id.as_deref())),
            Some(("debian", Some("12.5"))),
            "{version}"
        );
        let names: Vec<_> = inventory.components().iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["zlib1g", "@angular/core", "nested"], "{version}");
        let zlib = &inventory.components()[0];
        let source = zlib.source.as_ref().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("zlib", "1:1.2.13.dfsg-1"));
        assert_eq!(zlib.supplier.as_deref(), Some("Mark Brown"));
        assert_eq!(zlib.licenses, ["public domain", "Zlib"]);
        assert_eq!(zlib.locations, [at(b"var/lib/dpkg/status", "", 1)]);
        let relations: Vec<_> = inventory
            .relations()
            .iter()
            .map(|one| (one.from.0, one.to.0, one.kind == RelationKind::Contains))
            .collect();
        assert_eq!(relations, [(1, 0, false), (1, 2, true)], "{version}");
        assert_eq!(inventory.unknowns.len(), 1, "{version}");
    }
}

#[test]
fn spdx_as_syft_and_trivy_write_it() {
    let purl = |locator: &str| {
        json!([
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "x"},
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator},
        ])
    };
    let inventory = read_json(&json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "debian",
        "packages": [
            {
                "SPDXID": "SPDXRef-DocumentRoot", "name": "debian", "versionInfo": "12",
                "primaryPackagePurpose": "CONTAINER", "externalRefs": purl("pkg:oci/debian@sha256:0"),
            },
            {
                "SPDXID": "SPDXRef-1", "name": "zlib1g", "versionInfo": "1:1.2.13-1",
                "supplier": "Person: Mark Brown (broonie@debian.org)",
                "licenseDeclared": "LicenseRef-1 AND Zlib",
                "checksums": [{"algorithm": "SHA256", "checksumValue": "B".repeat(64)}],
                "externalRefs": purl("pkg:deb/debian/zlib1g@1%3A1.2.13-1?distro=debian-12"),
            },
            {
                "SPDXID": "SPDXRef-2", "name": "slf4j-api", "versionInfo": "2.0",
                "licenseDeclared": "NOASSERTION", "supplier": "NOASSERTION",
                "externalRefs": purl("pkg:maven/org.slf4j/slf4j-api@2.0"),
            },
            {"SPDXID": "SPDXRef-3", "name": "mystery"},
        ],
        "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-1", "extractedText": "mine"}],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-DocumentRoot"},
            {"spdxElementId": "SPDXRef-1", "relationshipType": "DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-2"},
        ],
    }));
    let distribution = inventory.distribution.as_ref().unwrap();
    assert_eq!(
        (distribution.id.as_str(), distribution.version_id.as_deref()),
        ("debian", Some("12"))
    );
    let [zlib, slf4j] = inventory.components() else { panic!("{:?}", purls(&inventory)) };
    assert_eq!(zlib.licenses, ["mine", "Zlib"]);
    assert_eq!(zlib.supplier.as_deref(), Some("Mark Brown <broonie@debian.org>"));
    assert_eq!(zlib.hashes, [Hash { algorithm: HashAlgorithm::Sha256, hex: "b".repeat(64) }]);
    assert_eq!(slf4j.name, "org.slf4j:slf4j-api");
    assert_eq!((slf4j.licenses.len(), &slf4j.supplier), (0, &None));
    let (from, to) = (ComponentId(1), ComponentId(0));
    assert_eq!(inventory.relations(), [Relation { from, to, kind: RelationKind::DependsOn }]);
    let reasons: Vec<_> = inventory.unknowns.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["component `mystery` of the SBOM has no package URL"]);
}

#[test]
fn spdx_3_as_others_write_it() {
    let of = |kind: &str, id: &str, more: Value| {
        let mut element = json!({"type": kind, "spdxId": id, "creationInfo": "_:c"});
        element.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        element
    };
    let document = json!({
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {
                "type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1",
                "created": "2026-11-22T12:00:00Z", "createdBy": ["urn:a"], "createdUsing": ["urn:t"],
            },
            of("Person", "urn:a", json!({"name": "A"})),
            of("Tool", "urn:t", json!({"name": "t"})),
            of("Organization", "urn:o", json!({"name": "O (o@example.org)"})),
            of("SpdxDocument", "urn:d", json!({"rootElement": ["urn:s"]})),
            of("software_Sbom", "urn:s", json!({"rootElement": ["urn:1"], "software_sbomType": ["build"]})),
            of("software_Package", "urn:1", json!({
                "name": "core", "software_packageVersion": "17",
                // Written out in place of being named.
                "suppliedBy": {"type": "Organization", "spdxId": "urn:o"},
                "verifiedUsing": [{"type": "Hash", "algorithm": "sha512", "hashValue": "A".repeat(128)}],
                "externalIdentifier": [{"externalIdentifierType": "packageUrl", "identifier": "pkg:npm/%40angular/core@17"}],
            })),
            of("software_Package", "urn:2", json!({"name": "n", "software_packageUrl": "pkg:npm/n@1"})),
            of("ai_AIPackage", "urn:3", json!({"name": "w", "software_packageUrl": "pkg:generic/w@1"})),
            of("software_Package", "urn:4", json!({"name": "mystery"})),
            of("simplelicensing_LicenseExpression", "urn:l", json!({"simplelicensing_licenseExpression": "MIT AND Zlib"})),
            of("Relationship", "urn:r1", json!({"from": "urn:1", "to": ["urn:l"], "relationshipType": "hasDeclaredLicense"})),
            of("LifecycleScopedRelationship", "urn:r2", json!({"from": "urn:1", "to": ["urn:2", "urn:nowhere"], "relationshipType": "dependsOn", "completeness": "complete"})),
            of("Relationship", "urn:r3", json!({"from": "urn:1", "to": "urn:3", "relationshipType": "contains"})),
        ],
    });
    let sbom = read_document(document.to_string().as_bytes(), &Limits::STANDARD).unwrap();
    assert_eq!(
        purls(&sbom.inventory),
        ["pkg:generic/w@1", "pkg:npm/%40angular/core@17", "pkg:npm/n@1"]
    );
    let [weights, core, _] = sbom.inventory.components() else { panic!() };
    assert_eq!(weights.kind, ComponentKind::Model);
    assert_eq!(core.name, "@angular/core");
    assert_eq!(core.licenses, ["MIT", "Zlib"]);
    assert_eq!(core.supplier.as_deref(), Some("O <o@example.org>"));
    assert_eq!(core.hashes[0].hex, "a".repeat(128));
    assert_eq!(sbom.inventory.relations().len(), 2);
    assert_eq!(sbom.inventory.unknowns.len(), 1);
    let facts = &sbom.facts;
    assert_eq!((facts.authors.len(), facts.tools.len(), facts.components.len()), (1, 1, 4));
    assert_eq!(
        (facts.lifecycles.as_slice(), facts.completeness.as_slice()),
        (&["build".to_owned()][..], &["complete".to_owned()][..])
    );
    assert_eq!(facts.subject.as_ref().map(|subject| subject.name.as_str()), Some("core"));
}

#[test]
fn a_graph_has_a_version_that_is_read_and_not_too_many_packages() {
    let graph = |version: &str, more: &str| {
        let package = r#"{"type":"software_Package","name":"a"}"#;
        let packages = [package; 3].join(",");
        format!(
            r#"{{"@graph":[{{"type":"CreationInfo","specVersion":"{version}"}},{packages}{more}]}}"#
        )
    };
    let good = graph("3.0.1", "");
    let limits = |sbom_components| Limits { sbom_components, ..Limits::STANDARD };
    assert_eq!(read(good.as_bytes(), &limits(3)).unwrap().unknowns.len(), 1);
    let error = read(good.as_bytes(), &limits(2)).unwrap_err();
    assert!(matches!(error, Error::TooManySbomComponents { count: 3, limit: 2 }), "{error}");
    check_refused(graph("4.0.0", "").as_bytes(), "UnsupportedSbomVersion");
    check_refused(graph("3.0.1", r#",{"name":1}"#).as_bytes(), "SbomSyntax");
    check_refused(br#"{"@graph":[{"type":"software_Package"}]}"#, "UnknownSbomFormat");
}

#[test]
fn the_sbom_of_a_library_holds_that_library() {
    let inventory = read_json(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "library", "name": "app", "purl": "pkg:npm/app@1"}},
    }));
    assert_eq!(purls(&inventory), ["pkg:npm/app@1"]);
    let inventory = read_json(&json!({
        "spdxVersion": "SPDX-2.3", "documentDescribes": ["SPDXRef-1"],
        "packages": [{"SPDXID": "SPDXRef-1", "name": "app", "externalRefs": [
            {"referenceType": "purl", "referenceLocator": "pkg:npm/app@1"},
        ]}],
    }));
    assert_eq!(purls(&inventory), ["pkg:npm/app@1"]);
}

#[test]
fn nulls_a_byte_order_mark_and_missing_fields_are_tolerated() {
    let text = "\u{feff}{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"metadata\":null,\
                \"components\":[{\"purl\":\"pkg:npm/a@1\",\"licenses\":null}],\"dependencies\":null}";
    let inventory = read(text.as_bytes(), &Limits::STANDARD).unwrap();
    assert_eq!(purls(&inventory), ["pkg:npm/a@1"]);
    assert_eq!(inventory.components()[0].version.as_deref(), Some("1"));
}

#[test]
fn a_place_outside_the_tree_is_left_out_and_the_component_stays() {
    let inventory = read_json(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{
            "type": "library", "name": "a", "purl": "pkg:npm/a@1",
            "evidence": {"occurrences": [{"location": "/../../etc/passwd"}, {"location": "/a"}]},
        }],
    }));
    assert_eq!(inventory.components()[0].locations.len(), 1);
}

#[track_caller]
fn check_refused(bytes: &[u8], expect: &str) {
    let error = read(bytes, &Limits::STANDARD).unwrap_err();
    let variant = format!("{error:?}");
    assert!(variant.starts_with(expect), "{variant}");
    let class = plimsoll_model::Classify::class(&error);
    assert_eq!(class, plimsoll_model::Class::Rejected);
}

#[test]
fn what_is_no_sbom_is_refused() {
    check_refused(b"", "SbomSyntax");
    check_refused(b"[]", "SbomSyntax");
    check_refused(b"\x00\xff", "SbomSyntax");
    check_refused(b"{}", "UnknownSbomFormat");
    check_refused(br#"{"bomFormat":"Other","specVersion":"1.6"}"#, "UnknownSbomFormat");
    check_refused(
        br#"{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}"#,
        "UnknownSbomFormat",
    );
    check_refused(br#"{"bomFormat":"CycloneDX","specVersion":"1.1"}"#, "UnsupportedSbomVersion");
    check_refused(br#"{"bomFormat":"CycloneDX"}"#, "UnsupportedSbomVersion");
    check_refused(br#"{"spdxVersion":"SPDX-3.0"}"#, "UnsupportedSbomVersion");
    check_refused(
        br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}"#,
        "SbomSyntax",
    );
    check_refused(
        br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[],"components":[]}"#,
        "SbomSyntax",
    );
    check_refused(
        br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library"}]}"#,
        "CycloneDx",
    );
    check_refused(br#"{"spdxVersion":"SPDX-2.3","packages":[{"name":1}]}"#, "SbomSyntax");
}

#[test]
fn nesting_past_the_limit_is_refused() {
    for version in ["1.5", "1.6"] {
        let open = format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"{version}","components":[{}"#,
            r#"{"type":"library","name":"a","version":"1","components":["#.repeat(100_000)
        );
        check_refused(open.as_bytes(), "SbomSyntax");
    }
}

#[test]
fn size_and_number_are_limited() {
    let text = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"purl":"pkg:npm/a@1","components":[{"purl":"pkg:npm/b@1"}]},{"purl":"pkg:npm/c@1"}]}"#;
    let limits = Limits { sbom_components: 3, ..Limits::STANDARD };
    assert_eq!(read(text, &limits).unwrap().components().len(), 3);
    let limits = Limits { sbom_components: 2, ..Limits::STANDARD };
    let error = read(text, &limits).unwrap_err();
    assert!(matches!(error, Error::TooManySbomComponents { count: 3, limit: 2 }), "{error}");
    let size = u64::try_from(text.len()).unwrap();
    assert!(read(text, &Limits { sbom: size, ..Limits::STANDARD }).is_ok());
    let error = read(text, &Limits { sbom: size - 1, ..Limits::STANDARD }).unwrap_err();
    assert!(matches!(error, Error::SbomTooLarge { size: found, .. } if found == size), "{error}");
}
