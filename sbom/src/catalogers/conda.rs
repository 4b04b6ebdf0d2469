//! Conda packages as installed: `conda-meta/*.json` of an environment.
//!
//! Format: <https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html#info-index-json>, with what
//! conda adds to it when it installs.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    document,
    installed::{Elsewhere, Installed, each, place},
};
use plimsoll_model::{
    TreePath,
    component::HashAlgorithm,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde::Deserialize;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "conda",
    description: "conda packages in conda-meta",
    files: &[Files::Ending(".json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let directory = path.as_bytes().rsplit(|byte| *byte == b'/').nth(1);
    if directory == Some(b"conda-meta") { Want::Content } else { Want::Nothing }
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    build: Option<String>,
    channel: Option<String>,
    subdir: Option<String>,
    #[serde(rename = "fn")]
    file_name: Option<String>,
    license: Option<String>,
    md5: Option<String>,
    sha256: Option<String>,
    depends: Option<Vec<String>>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Nowhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    let package: Package = match document::json(bytes) {
        Ok(package) => package,
        Err(reason) => {
            ctx.note(found, entry, reason);
            return None;
        }
    };
    let text =
        |text: &'static str, value: &Option<String>| (text, value.clone().unwrap_or_default());
    let file_name = package.file_name.as_deref().unwrap_or_default();
    let qualifiers = [
        text("build", &package.build),
        (
            "channel",
            package
                .channel
                .as_deref()
                .map(|text| channel(text, package.subdir.as_deref()))
                .unwrap_or_default()
                .to_owned(),
        ),
        text("subdir", &package.subdir),
        ("type", archive(file_name).to_owned()),
    ];
    let qualifiers = qualifiers.each_ref().map(|(key, value)| (*key, value.as_str()));
    let draft = Draft {
        kind: "conda",
        namespace: None,
        name: &package.name,
        shown: &package.name,
        version: package.version.as_deref(),
        qualifiers: &qualifiers,
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses = package.license.as_deref().and_then(license).into_iter().collect();
    let hashes = [(HashAlgorithm::Md5, &package.md5), (HashAlgorithm::Sha256, &package.sha256)];
    component.hashes = hashes
        .into_iter()
        .filter_map(|(algorithm, hex)| document::hash(algorithm, hex.as_deref()?))
        .collect();
    let needs = package.depends.iter().flatten().map(|spec| needed(spec).to_owned()).collect();
    Some(Installed { id, place: place(entry, 2), name: package.name, needs })
}

/// The name of a channel, without the address it was reached at: that may hold a token.
fn channel<'a>(channel: &'a str, subdir: Option<&str>) -> &'a str {
    let channel = channel.trim_end_matches('/');
    let bare = subdir.and_then(|subdir| channel.strip_suffix(subdir)?.strip_suffix('/'));
    let name = bare.unwrap_or(channel).rsplit('/').next().unwrap_or_default();
    if name.starts_with('<') { "" } else { name }
}

/// The type of the archive that a package came in.
fn archive(file_name: &str) -> &'static str {
    ["tar.bz2", "conda"]
        .into_iter()
        .find(|end| file_name.strip_suffix(end).is_some_and(|stem| stem.ends_with('.')))
        .unwrap_or_default()
}

/// The name in a match specification: `python >=3.8,<3.9.0a0`, `conda-forge::numpy`.
fn needed(spec: &str) -> &str {
    let spec = spec.rsplit_once("::").map_or(spec, |(_, spec)| spec).trim();
    let end = spec.find([' ', '<', '>', '=', '!', '~', '[', '*']).unwrap_or(spec.len());
    spec.get(..end).unwrap_or(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const NUMPY: &str = r#"{"name": "numpy", "version": "1.26.4", "build": "py311h64a7726_0", "build_number": 0,
        "channel": "https://conda.anaconda.org/t/tk-secret/conda-forge/linux-64", "subdir": "linux-64",
        "fn": "numpy-1.26.4-py311h64a7726_0.conda", "license": "BSD-3-Clause",
        "md5": "a502d7aad449a1206efb366d6a12c52d", "sha256": "no",
        "depends": ["python >=3.11,<3.12.0a0", "libgcc-ng>=12", "__glibc >=2.17"], "files": ["bin/f2py"]}"#;
    const PYTHON: &str = r#"{"name": "python", "version": "3.11.8", "build": "hab00c5b_0_cpython",
        "channel": "pkgs/main", "fn": "python-3.11.8-hab00c5b_0_cpython.tar.bz2", "depends": null}"#;
    const AT: &str = "opt/conda/conda-meta";

    #[test]
    fn packages_and_what_they_need_in_their_environment() {
        let tree = TestTree::new()
            .file(format!("{AT}/numpy-1.26.4-py311h64a7726_0.json"), NUMPY)
            .file(format!("{AT}/python-3.11.8-hab00c5b_0_cpython.json"), PYTHON)
            .file(format!("{AT}/history"), "==> <==")
            .file(
                "opt/conda/envs/x/conda-meta/libgcc-ng.json",
                r#"{"name": "libgcc-ng", "version": "13"}"#,
            );
        let numpy = "pkg:conda/numpy@1.26.4?build=py311h64a7726_0&channel=conda-forge&subdir=linux-64&type=conda";
        let python = "pkg:conda/python@3.11.8?build=hab00c5b_0_cpython&channel=main&type=tar.bz2";
        assert_eq!(
            tree.lines(),
            ["pkg:conda/libgcc-ng@13", numpy, python, &format!("{numpy} needs {python}")]
        );
        let inventory = tree.catalog();
        let numpy = &inventory.components()[1];
        assert_eq!(numpy.licenses, ["BSD-3-Clause"]);
        let [hash] = numpy.hashes.as_slice() else { panic!("{:?}", numpy.hashes) };
        assert_eq!(hash.algorithm, HashAlgorithm::Md5);
    }

    #[test]
    fn what_is_no_record_is_an_unknown() {
        let deep = "[".repeat(100_000);
        for text in ["", "{}", "{\"name\": 1}", "{\"name\":\"a\",\"name\":\"b\"}", "\u{0}", &deep] {
            let lines = TestTree::new().file(format!("{AT}/a.json"), text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("conda: /opt/conda/conda-meta/a.json: malformed: "), "{line}");
        }
        let lines = TestTree::new().file(format!("{AT}/a.json"), r#"{"name": "a\u0007"}"#).lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
    }

    #[test]
    fn parts_of_records() {
        for (spec, expect) in
            [("a", "a"), ("a >=1", "a"), ("a=1=b", "a"), ("c::a[x=1]", "a"), ("", ""), ("a*", "a")]
        {
            assert_eq!(needed(spec), expect);
        }
        for (text, expect) in
            [("<unknown>", ""), ("https://x/y/noarch/", "y"), ("defaults", "defaults")]
        {
            assert_eq!(channel(text, Some("noarch")), expect);
        }
    }
}
