//! vcpkg's packages as installed: its database `vcpkg/status`, and the SPDX document that each port leaves in `share`.
//!
//! Formats: paragraphs like dpkg's, one for each port and one for each feature of it; and
//! <https://learn.microsoft.com/en-us/vcpkg/reference/software-bill-of-materials>, where the port is `SPDXRef-port`.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{document, stanza::stanzas};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "vcpkg",
    description: "installed vcpkg ports (vcpkg/status, share/*/vcpkg.spdx.json)",
    files: &[Files::Named("status"), Files::Named("vcpkg.spdx.json")],
    earlier: &[],
    want,
    // The documents beside the database do not tell who needs whom.
    edges: Coverage::Incomplete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let mut parts = path.as_bytes().rsplit(|byte| *byte == b'/');
    let is_wanted = matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some(b"status"), Some(b"vcpkg"), _) | (Some(b"vcpkg.spdx.json"), Some(_), Some(b"share"))
    );
    if is_wanted { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if entry.path.file_name() == b"status" {
            match document::text(bytes) {
                Ok(text) => status(ctx, entry, text, found),
                Err(reason) => ctx.note(found, entry, reason),
            }
        } else {
            match document::json(bytes) {
                Ok(value) => spdx(ctx, entry, &value, found),
                Err(reason) => ctx.note(found, entry, reason),
            }
        }
    })
}

struct Port<'a> {
    name: &'a str,
    version: Option<&'a str>,
    revision: &'a str,
    triplet: &'a str,
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    port: &Port<'_>,
    found: &mut Found,
) -> Option<ComponentId> {
    let Port { name, version, revision, triplet } = *port;
    let revision = if revision == "0" { "" } else { revision };
    let qualifiers = [("port_version", revision), ("triplet", triplet)];
    let draft = Draft {
        kind: "vcpkg",
        namespace: None,
        name,
        shown: name,
        version,
        qualifiers: &qualifiers,
    };
    ctx.add(found, entry, &draft)
}

fn status(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) {
    let mut ids: BTreeMap<(&str, &str), ComponentId> = BTreeMap::new();
    let mut needs: Vec<((&str, &str), &str)> = Vec::new();
    for stanza in stanzas(text) {
        if let Some(line) = stanza.broken {
            ctx.note(found, entry, format!("malformed: expected a field, found `{line}`"));
        }
        let Some(name) = stanza.get("Package").filter(|name| !name.is_empty()) else {
            ctx.note(found, entry, "malformed: a port has no name");
            continue;
        };
        match stanza.get("Status").and_then(|status| status.split_whitespace().last()) {
            Some("installed") => {}
            Some("not-installed") => continue,
            _ => {
                ctx.note(found, entry, format!("whether `{name}` is installed cannot be told"));
                continue;
            }
        }
        let triplet = stanza.get("Architecture").unwrap_or_default();
        needs.extend(stanza.get("Depends").map(|list| ((name, triplet), list)));
        // A feature is a part of its port.
        if stanza.get("Feature").is_some() {
            continue;
        }
        let revision = stanza.get("Port-Version").unwrap_or_default();
        let port = Port { name, version: stanza.get("Version"), revision, triplet };
        ids.extend(add(ctx, entry, &port, found).map(|id| ((name, triplet), id)));
    }
    for (from, list) in needs {
        let Some(id) = ids.get(&from) else { continue };
        for need in list.split(',').map(str::trim) {
            // `name[feature]:triplet`, of the same triplet where none is said.
            let (name, triplet) = need.split_once(':').unwrap_or((need, from.1));
            let name = name.split('[').next().unwrap_or(name);
            if let Some(to) = ids.get(&(name, triplet)).filter(|to| *to != id) {
                ctx.depends(found, *id, &[*to]);
            }
        }
    }
}

fn spdx(ctx: &Context<'_>, entry: &Entry, value: &Value, found: &mut Found) {
    let packages = value.get("packages").and_then(Value::as_array);
    let of = |id: &str| {
        let mut packages = packages.into_iter().flatten();
        packages.find(|package| package.get("SPDXID").and_then(Value::as_str) == Some(id))
    };
    let text = |package: Option<&'_ Value>, key: &str| {
        package.and_then(|package| package.get(key)?.as_str()).unwrap_or_default().to_owned()
    };
    let port = of("SPDXRef-port");
    let (name, version) = (text(port, "name"), text(port, "versionInfo"));
    if name.is_empty() {
        return ctx.note(found, entry, "malformed: it describes no port");
    }
    let (version, revision) = version.split_once('#').unwrap_or((&version, ""));
    let binary = text(of("SPDXRef-binary"), "name");
    let (_, triplet) = binary.split_once(':').unwrap_or_default();
    let port_version = Port { name: &name, version: Some(version), revision, triplet };
    let component = add(ctx, entry, &port_version, found).and_then(|id| found.at(id));
    if let Some(component) = component {
        let stated = text(port, "licenseConcluded");
        component.licenses =
            license(&stated).filter(|text| text != "NOASSERTION").into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const STATUS: &str = "\
Package: bzip2
Version: 1.0.8
Port-Version: 6
Depends: zlib, vcpkg-cmake:x64-windows, bzip2[tool]
Architecture: x64-linux
Multi-Arch: same
Abi: 0a1b
Status: install ok installed

Package: bzip2
Feature: tool
Depends: fmt:x64-linux
Architecture: x64-linux
Status: install ok installed

Package: zlib
Version: 1.3.1
Architecture: x64-linux
Status: install ok installed

Package: fmt
Version: 10.1.1
Architecture: x64-linux
Status: install ok installed

Package: gone
Version: 1
Architecture: x64-linux
Status: purge ok not-installed
";
    const SPDX: &str = r#"{"spdxVersion": "SPDX-2.2", "packages": [
        {"name": "bzip2", "SPDXID": "SPDXRef-port", "versionInfo": "1.0.8#6", "licenseConcluded": "bzip2-1.0.6"},
        {"name": "bzip2:x64-linux", "SPDXID": "SPDXRef-binary", "versionInfo": "0a1b"}]}"#;
    const BZIP2: &str = "pkg:vcpkg/bzip2@1.0.8?port_version=6&triplet=x64-linux";

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn ports_and_what_they_need() {
        let (fmt, zlib) =
            ("pkg:vcpkg/fmt@10.1.1?triplet=x64-linux", "pkg:vcpkg/zlib@1.3.1?triplet=x64-linux");
        let tree = TestTree::new()
            .file("srv/vcpkg_installed/vcpkg/status", STATUS)
            .file("srv/vcpkg_installed/x64-linux/share/bzip2/vcpkg.spdx.json", SPDX);
        check(
            &tree,
            &[BZIP2, fmt, zlib, &format!("{BZIP2} needs {fmt}"), &format!("{BZIP2} needs {zlib}")],
        );
        assert_eq!(tree.catalog().components()[0].licenses, ["bzip2-1.0.6"]);
    }

    #[test]
    fn documents_tell_where_the_database_is_gone() {
        check(&TestTree::new().file("usr/share/bzip2/vcpkg.spdx.json", SPDX), &[BZIP2]);
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let at = "vcpkg: /vcpkg/status:";
        let text =
            "nonsense\n\nPackage: a\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n";
        check(
            &TestTree::new().file("vcpkg/status", text),
            &[
                "pkg:vcpkg/b",
                &format!("{at} malformed: a port has no name"),
                &format!("{at} malformed: expected a field, found `nonsense`"),
                &format!("{at} package `b` states no version"),
                &format!("{at} whether `a` is installed cannot be told"),
            ],
        );
        for text in ["{}", "{", "\u{0}", "[[[", r#"{"packages": [{"SPDXID": "SPDXRef-port"}]}"#] {
            let lines = TestTree::new().file("share/a/vcpkg.spdx.json", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("vcpkg: /share/a/vcpkg.spdx.json: malformed: "), "{line}");
        }
    }
}
