//! What SBOMs inside the image say: claims, to be trusted less than what is seen.
//!
//! Distributions made by apko leave one for each package in `var/lib/db/sbom`, Bitnami beside each program, wheels in
//! `*.dist-info/sboms` (PEP 770), and builds leave `*.cdx.json` and `*.spdx.json`. Whoever writes such a document may say
//! what he likes, so of a claim only its identity and what describes it is taken. It never says what distribution this is,
//! which files a package owns, how sure anything is, or that something is of no concern.

use super::{Cataloger, Context, Files, Found, id_of};
use crate::{Error, formats};
use memchr::memmem;
use plimsoll_model::{
    Inventory, TreePath,
    component::{Component, ComponentId, Trust},
    inventory::{Coverage, Relation},
    tree::{Entry, Want},
};
use std::{error::Error as _, sync::atomic::Ordering};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "sbom-claim",
    description: "claims of SBOMs inside the image (*.cdx.json, *.spdx.json, var/lib/db/sbom, Bitnami)",
    files: &[Files::Ending(".json"), Files::Ending(".spdx"), Files::Ending(".xml")],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

/// Names that nothing but an SBOM has.
const ENDS: [&[u8]; 6] =
    [b".cdx.json", b".spdx.json", b".cdx.xml", b".spdx.xml", b".spdx", b".bom.json"];
/// Names that other things have as well.
const OTHERS: [&[u8]; 4] = [b"bom.json", b"sbom.json", b".sbom.json", b"bom.xml"];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    // The document of a port is read as what vcpkg has installed.
    if path.file_name() == b"vcpkg.spdx.json" {
        return Want::Nothing;
    }
    let is_named = is_sbom(path) || OTHERS.iter().any(|name| path.file_name().ends_with(name));
    if is_named { Want::Content } else { Want::Nothing }
}

/// Whether the name or the place promises an SBOM.
fn is_sbom(path: &TreePath) -> bool {
    let mut parts = path.as_bytes().rsplit(|byte| *byte == b'/');
    let name = parts.next().unwrap_or_default();
    let above = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_placed = match above {
        (b"sboms", info) => info.ends_with(b".dist-info"),
        (b"sbom", b"db") => true,
        _ => false,
    };
    ENDS.iter().any(|end| name.ends_with(end)) || (is_placed && name.ends_with(b".json"))
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match formats::read(bytes, ctx.limits) {
            Ok(inventory) => claims(ctx, entry, &inventory, found),
            Err(Error::UnknownSbomFormat) if !is_sbom(&entry.path) => {}
            Err(error) if is_sbom(&entry.path) || has_magic(bytes) => {
                let reason = match error.source() {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                };
                ctx.note(found, entry, reason);
            }
            Err(_) => {}
        }
    })
}

fn has_magic(bytes: &[u8]) -> bool {
    let magic: [&[u8]; 3] =
        [b"\"bomFormat\"", b"\"spdxVersion\"", b"http://cyclonedx.org/schema/bom"];
    magic.into_iter().any(|magic| memmem::find(bytes, magic).is_some())
}

fn claims(ctx: &Context<'_>, entry: &Entry, inventory: &Inventory, found: &mut Found) {
    let ids: Vec<Option<ComponentId>> = inventory
        .components()
        .iter()
        .map(|stated| {
            if ctx.room.components.fetch_add(1, Ordering::Relaxed) >= ctx.limits.components {
                return None;
            }
            let id = id_of(found.components.len());
            found.components.push(claim(ctx, entry, stated));
            Some(id)
        })
        .collect();
    let place = |id: ComponentId| ids.get(id.index()).copied().flatten();
    for relation in inventory.relations() {
        if let (Some(from), Some(to)) = (place(relation.from), place(relation.to))
            && ctx.has_room(1)
        {
            found.relations.push(Relation { from, to, kind: relation.kind });
        }
    }
    let unversioned = inventory.components().iter().filter(|stated| stated.version.is_none());
    let untold = inventory.unknowns.len();
    if let Some(first) = inventory.unknowns.first() {
        ctx.note(
            found,
            entry,
            format!("{untold} of its entries name no package: {}", first.reason),
        );
    }
    let unversioned = unversioned.count();
    if unversioned > 0 {
        ctx.note(found, entry, format!("{unversioned} of its packages have no version"));
    }
    if inventory.components().is_empty() && untold == 0 {
        ctx.note(found, entry, "the SBOM lists no package");
    }
}

/// Of what a document states: who it is, and what describes it. What decides about it is left out.
fn claim(ctx: &Context<'_>, entry: &Entry, stated: &Component) -> Component {
    let (purl, version) = (stated.purl.clone(), stated.version.clone());
    let mut claim = Component::new(purl, stated.name.clone(), version, ctx.cataloger.id);
    claim.trust = Trust::Claimed;
    claim.kind = stated.kind;
    claim.licenses.clone_from(&stated.licenses);
    claim.supplier.clone_from(&stated.supplier);
    claim.source.clone_from(&stated.source);
    claim.hashes.clone_from(&stated.hashes);
    claim.locations.push(ctx.location(entry, ""));
    claim
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestTree, lines};

    const CDX: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
        {"type": "library", "bom-ref": "a", "name": "a", "version": "1", "purl": "pkg:npm/a@1",
         "licenses": [{"license": {"id": "MIT"}}], "scope": "excluded",
         "properties": [{"name": "plimsoll:owned-by", "value": "z"}, {"name": "plimsoll:go:packages", "value": ""}]},
        {"type": "library", "bom-ref": "b", "name": "b", "version": "2", "purl": "pkg:npm/b@2"},
        {"type": "library", "bom-ref": "z", "name": "z", "version": "1", "purl": "pkg:deb/debian/z@1"},
        {"type": "library", "name": "nameless"}],
        "dependencies": [{"ref": "a", "dependsOn": ["b", "z"]}]}"#;
    const UNTOLD: &str =
        "1 of its entries name no package: component `nameless` of the SBOM has no package URL";

    #[test]
    fn claims_are_listed_as_such() {
        for path in [
            "srv/app.cdx.json",
            "a-1.dist-info/sboms/x.json",
            "usr/share/sbom.json",
            "var/lib/db/sbom/a.json",
        ] {
            let inventory = TestTree::new().file(path, CDX).catalog();
            assert_eq!(
                lines(&inventory),
                [
                    "pkg:deb/debian/z@1",
                    "pkg:npm/a@1",
                    "pkg:npm/b@2",
                    "pkg:npm/a@1 needs pkg:deb/debian/z@1",
                    "pkg:npm/a@1 needs pkg:npm/b@2",
                    &format!("sbom-claim: /{path}: {UNTOLD}"),
                ]
            );
            for component in inventory.components() {
                assert_eq!(component.trust, Trust::Claimed);
                assert_eq!(component.owned_by, None);
                assert_eq!(component.scope, plimsoll_model::component::Scope::Required);
                assert!(component.properties.is_empty());
            }
        }
    }

    #[test]
    fn what_is_seen_is_not_changed_by_a_claim() {
        let seen = TestTree::new()
            .file("srv/node_modules/a/package.json", r#"{"name":"a","version":"1"}"#)
            .file("srv/node_modules/b/package.json", r#"{"name":"b","version":"2"}"#);
        let before = seen.catalog();
        let hash = r#""hashes": [{"alg": "MD5", "content": "d41d8cd98f00b204e9800998ecf8427e"}], "#;
        let claimed = CDX.replace(r#""bom-ref": "b", "#, &format!(r#""bom-ref": "b", {hash}"#));
        let after = seen.file("a/app.cdx.json", claimed).catalog();
        let of = |inventory: &Inventory, purl: &str| {
            let found = inventory.components().iter().find(|found| found.purl.as_str() == purl);
            let mut found = found.unwrap().clone();
            assert_eq!(found.trust, Trust::Observed);
            let claimed = found.properties.remove("plimsoll:claimed-by");
            (found, claimed)
        };
        for purl in ["pkg:npm/a@1", "pkg:npm/b@2"] {
            assert_eq!(of(&before, purl).0, of(&after, purl).0);
            assert_eq!(of(&after, purl).1.as_deref(), Some("/a/app.cdx.json"));
        }
        // Of what is seen a claim tells no relations either.
        assert!(!lines(&after).contains(&"pkg:npm/a@1 needs pkg:npm/b@2".to_owned()));
        assert!(lines(&after).contains(&"pkg:npm/a@1 needs pkg:deb/debian/z@1".to_owned()));
    }

    #[test]
    fn a_claim_is_no_package_of_the_distribution() {
        let tree = TestTree::new().file("etc/os-release", "ID=debian\nVERSION_ID=12\n");
        let missing = tree.lines();
        assert_eq!(missing.len(), 1, "{missing:?}");
        let lines = tree.file("a.cdx.json", CDX).lines();
        assert!(lines.contains(&missing[0]), "{lines:?}");
    }

    #[test]
    fn a_claim_with_the_distribution_in_its_url_is_the_same_package() {
        for (claim, others) in [("?arch=amd64&distro=debian-twelve", 0), ("", 0), ("?arch=i386", 1)]
        {
            assert_eq!(claims_beside_the_package(claim), others, "{claim}");
        }
    }

    /// How many packages there are besides the one that dpkg has, when a document claims it with these qualifiers.
    fn claims_beside_the_package(qualifiers: &str) -> usize {
        let claim = CDX.replace("pkg:deb/debian/z@1", &format!("pkg:deb/debian/z@1{qualifiers}"));
        let status =
            "Package: z\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n";
        let tree = TestTree::new()
            .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
            .file("var/lib/dpkg/status", status)
            .file("a.cdx.json", claim);
        let lines = tree.lines();
        assert!(lines.contains(&"pkg:deb/debian/z@1?arch=amd64&distro=debian-12".to_owned()));
        let of_z = |line: &&String| line.starts_with("pkg:deb/debian/z") && !line.contains(' ');
        lines.iter().filter(of_z).count() - 1
    }

    #[test]
    fn nobody_owns_what_is_claimed_and_no_claim_owns_anything() {
        let status = "Package: z\nStatus: install ok installed\nVersion: 1\n\n";
        let tree = TestTree::new()
            .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
            .file("var/lib/dpkg/status", status)
            .file(
                "var/lib/dpkg/info/z.list",
                "/usr/share/z/z.cdx.json\n/usr/lib/node_modules/b/package.json\n",
            )
            .file("usr/lib/node_modules/b/package.json", r#"{"name":"b","version":"2"}"#)
            .file("usr/share/z/z.cdx.json", CDX);
        let inventory = tree.catalog();
        let owned: Vec<_> = inventory
            .components()
            .iter()
            .filter(|component| component.owned_by.is_some())
            .map(|component| (component.purl.as_str(), component.trust))
            .collect();
        // That `b` is seen in a file of the distribution stays as it is; what is claimed is another `b`, which nobody patches.
        assert_eq!(owned, [("pkg:npm/b@2", Trust::Observed)]);
        let b = inventory.components().iter().filter(|found| found.purl.name() == "b");
        assert_eq!(
            b.map(|found| found.trust).collect::<Vec<_>>(),
            [Trust::Observed, Trust::Claimed]
        );
    }

    #[test]
    fn spdx_as_apko_and_bitnami_leave_it() {
        let text = r#"{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "a", "packages": [
            {"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1-r0", "externalRefs": [
             {"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": "pkg:apk/wolfi/a@1-r0"}]}]}"#;
        for path in ["var/lib/db/sbom/a-1-r0.spdx.json", "opt/bitnami/a/.spdx-a.spdx"] {
            assert_eq!(TestTree::new().file(path, text).lines(), ["pkg:apk/wolfi/a@1-r0"]);
        }
    }

    #[test]
    fn what_promises_an_sbom_and_is_none_is_an_unknown() {
        let said = |path: &str, text: &str| TestTree::new().file(path, text).lines();
        for text in
            ["", "{}", "7", "{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"9\"}", "\u{0}"]
        {
            assert_eq!(said("a.cdx.json", text).len(), 1, "{text}");
        }
        assert_eq!(said("sbom.json", "{\"bomFormat\": \"CycloneDX\"").len(), 1);
        assert_eq!(said("bom.json", "{}"), Vec::<String>::new());
        assert_eq!(said("bom.json", "{"), Vec::<String>::new());
        assert_eq!(
            said("a.cdx.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#),
            ["sbom-claim: /a.cdx.json: the SBOM lists no package"]
        );
        let deep = format!(r#"{{"bomFormat": "CycloneDX", "components": {}"#, "[".repeat(100_000));
        assert_eq!(said("a.cdx.json", &deep).len(), 1);
    }
}
