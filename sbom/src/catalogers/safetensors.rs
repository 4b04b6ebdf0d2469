//! Models in safetensors files. The format says little of a model: what it says, the cache that it lies in, and else the
//! name of its file tell which it is.
//!
//! Format: <https://huggingface.co/docs/safetensors/index#format>.

use super::{Cataloger, Context, Files, Found, license};
use crate::{
    head::Head,
    program::is_program,
    weights::{self, HEAD, Origin},
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Condenser, Entry, Want},
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "safetensors",
    description: "Models of machine learning in safetensors files",
    files: &[Files::Ending(".safetensors")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

pub(crate) static BEGINNING: Condenser =
    Condenser { id: "safetensors-head", also: None, begin: |_| Box::new(Head::<HEAD>::default()) };

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_named = path.file_name().ends_with(b".safetensors");
    if is_named { Want::Condensed(&BEGINNING) } else { Want::Nothing }
}

/// The longest header, as the format has it.
const LONGEST: u64 = 100_000_000;

/// Comes first in files that have it.
const METADATA: &[u8] = b"{\"__metadata__\":";

type Metadata = BTreeMap<String, String>;

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    for entry in ctx.files {
        let path = entry.path.as_str().unwrap_or_default();
        if let Ok(Some(bytes)) = ctx.condensed(&entry.path, &BEGINNING)
            && is_program(&bytes)
            && metadata(entry, &bytes).is_none()
        {
            ctx.note(&mut found, entry, "a program under the name of a model");
            continue;
        }
        // In the cache of the hub it is a link to a file of another name, and its path says it all.
        if let Some(origin) = Origin::of_cache(path) {
            weights::add_origin(ctx, entry, &origin, &mut found);
            continue;
        }
        match ctx.condensed(&entry.path, &BEGINNING) {
            Ok(bytes) => match metadata(entry, &bytes.unwrap_or_default()) {
                Some(metadata) => model(ctx, entry, &metadata, &mut found),
                None => ctx.note(&mut found, entry, "not a safetensors file, or cut off"),
            },
            Err(error) => ctx.note(&mut found, entry, error),
        }
    }
    found
}

/// What the header says besides its tensors; nothing, if it does not say so first.
fn metadata(entry: &Entry, bytes: &[u8]) -> Option<Metadata> {
    let (length, header) = bytes.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    let is_whole = length <= LONGEST && length.checked_add(8)? <= entry.size;
    let is_header = is_whole && header.starts_with(b"{");
    let first = header.strip_prefix(METADATA).map(serde_json::Deserializer::from_slice);
    let first = first.and_then(|json| json.into_iter().next()?.ok());
    is_header.then(|| first.unwrap_or_default())
}

fn model(ctx: &Context<'_>, entry: &Entry, metadata: &Metadata, found: &mut Found) {
    let value = |key: &str| metadata.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let path = entry.path.as_str().unwrap_or_default();
    let name = value("modelspec.title").unwrap_or_else(|| weights::name_of(path));
    let Some(component) = weights::add_named(ctx, entry, (name, None), found) else { return };
    component.licenses.extend(value("modelspec.license").and_then(license));
    component.supplier = value("modelspec.author").map(str::to_owned);
    let architecture = value("modelspec.architecture")
        .map(|value| ("plimsoll:model:architecture".to_owned(), value.to_owned()));
    component.properties.extend(architecture);
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    fn safetensors(header: &str) -> Vec<u8> {
        [&u64::try_from(header.len()).unwrap().to_le_bytes(), header.as_bytes(), &[0; 64]].concat()
    }

    #[track_caller]
    fn check(bytes: &[u8], expect: &[&str]) {
        let tree = TestTree::new().file("srv/tiny/model-00001-of-00002.safetensors", bytes);
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn models_by_what_they_say_and_else_by_their_files() {
        const PATH: &str = "/srv/tiny/model-00001-of-00002.safetensors";
        let titled = r#"{"__metadata__":{"modelspec.title":"Paint","format":"pt"},"a":{}}"#;
        check(
            &safetensors(titled),
            &[
                "pkg:generic/Paint",
                &format!("safetensors: {PATH}: package `Paint` states no version"),
            ],
        );
        let unversioned = format!("safetensors: {PATH}: package `tiny` states no version");
        for header in [r#"{"__metadata__":{"format":"pt"}}"#, "{}", r#"{"__metadata__":7}"#] {
            check(&safetensors(header), &["pkg:generic/tiny", &unversioned]);
        }
        let inventory = TestTree::new().file("m.safetensors", safetensors("{}")).catalog();
        assert_eq!(inventory.components()[0].kind, ComponentKind::Model);
    }

    #[test]
    fn links_in_the_cache_of_the_hub() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        let link = format!("root/hub/models--acme--Tiny/snapshots/{COMMIT}/model.safetensors");
        let tree = TestTree::new()
            .file("root/hub/models--acme--Tiny/blobs/ab", safetensors("{}"))
            .link(&link, "../../blobs/ab");
        assert_eq!(tree.lines(), [format!("pkg:huggingface/acme/Tiny@{COMMIT}")]);
    }

    #[test]
    fn what_is_none_or_cut_is_an_unknown() {
        const NONE: &str = "safetensors: /srv/tiny/model-00001-of-00002.safetensors: not a safetensors file, or cut off";
        let good = safetensors("{}");
        for bytes in [&b""[..], &good[..9], &[0xff; 40], b"\x02\0\0\0\0\0\0\0[]      "] {
            check(bytes, &[NONE]);
        }
    }
}
