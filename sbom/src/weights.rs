//! What files with the weights of models have in common: they are of many gigabytes, of which the beginning tells what
//! they are, and their paths tell where they came from.

use crate::catalogers::{Context, Draft, Found};
use plimsoll_model::{
    component::{Component, ComponentKind},
    tree::Entry,
};

/// How much of the beginning is kept, in bytes: what describes a model stands before its vocabulary and its tensors.
pub(crate) const HEAD: usize = 1 << 16;

/// Where a model came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    owner: Option<&'a str>,
    name: &'a str,
    /// A commit, in hexadecimal.
    revision: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// By a path in the cache of the Hugging Face hub: `models--OWNER--NAME/snapshots/COMMIT/…`.
    pub(crate) fn of_cache(path: &'a str) -> Option<Self> {
        let (_, rest) = path.rsplit_once("models--")?;
        let (model, rest) = rest.split_once("/snapshots/")?;
        let (owner, name) = match model.split_once("--") {
            Some((owner, name)) => (Some(owner), name),
            None => (None, model),
        };
        let (revision, _) = rest.split_once('/')?;
        let is_commit = revision.len() == 40 && revision.bytes().all(|one| one.is_ascii_hexdigit());
        Some(Self { owner, name, revision: Some(revision).filter(|_| is_commit) })
    }

    /// By an address at the Hugging Face hub: `https://huggingface.co/OWNER/NAME`.
    pub(crate) fn of_address(address: &'a str) -> Option<Self> {
        let path = address.strip_prefix("https://huggingface.co/")?;
        let mut parts = path.split(['/', '?', '#']);
        let (owner, name) = (parts.next()?, parts.next().filter(|name| !name.is_empty())?);
        (!owner.is_empty()).then_some(Self { owner: Some(owner), name, revision: None })
    }
}

/// Adds the model of an origin.
pub(crate) fn add_origin<'f>(
    ctx: &Context<'_>,
    entry: &Entry,
    origin: &Origin<'_>,
    found: &'f mut Found,
) -> Option<&'f mut Component> {
    let shown = match origin.owner {
        Some(owner) => format!("{owner}/{}", origin.name),
        None => origin.name.to_owned(),
    };
    let draft = Draft {
        kind: "huggingface",
        namespace: origin.owner,
        name: origin.name,
        shown: &shown,
        version: origin.revision,
        qualifiers: &[],
    };
    add(ctx, entry, &draft, found)
}

/// Adds a model of which no more than a name is known, and perhaps a version.
pub(crate) fn add_named<'f>(
    ctx: &Context<'_>,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
    found: &'f mut Found,
) -> Option<&'f mut Component> {
    let draft =
        Draft { kind: "generic", namespace: None, name, shown: name, version, qualifiers: &[] };
    add(ctx, entry, &draft, found)
}

fn add<'f>(
    ctx: &Context<'_>,
    entry: &Entry,
    draft: &Draft<'_>,
    found: &'f mut Found,
) -> Option<&'f mut Component> {
    let id = ctx.add(found, entry, draft)?;
    let component = found.at(id)?;
    component.kind = ComponentKind::Model;
    Some(component)
}

/// The name of a file without its ending and the number of its part; where that is what all models are called, the name of
/// its directory.
pub(crate) fn name_of(path: &str) -> &str {
    const COMMON: [&str; 6] = [
        "adapter_model",
        "consolidated",
        "diffusion_pytorch_model",
        "ggml-model",
        "model",
        "pytorch_model",
    ];
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let is_part = |part: &str| part.len() == 5 && part.bytes().all(|one| one.is_ascii_digit());
    let whole = stem.rsplit_once("-of-").filter(|(_, count)| is_part(count));
    let whole = whole.and_then(|(rest, _)| rest.rsplit_once('-')).filter(|(_, part)| is_part(part));
    let stem = whole.map_or(stem, |(stem, _)| stem);
    let above = directory.rsplit('/').next().unwrap_or_default();
    if COMMON.contains(&stem) && !above.is_empty() { above } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let path = format!("root/.cache/hub/models--acme--Tiny-7B/snapshots/{commit}/m.gguf");
        assert_eq!(
            Origin::of_cache(&path),
            Some(Origin { owner: Some("acme"), name: "Tiny-7B", revision: Some(commit) })
        );
        let path = "hub/models--gpt2/snapshots/main/m.gguf";
        assert_eq!(
            Origin::of_cache(path),
            Some(Origin { owner: None, name: "gpt2", revision: None })
        );
        assert_eq!(Origin::of_cache("srv/models--a/m.gguf"), None);
        assert_eq!(
            Origin::of_address("https://huggingface.co/acme/Tiny-7B/tree/main"),
            Some(Origin { owner: Some("acme"), name: "Tiny-7B", revision: None })
        );
        assert_eq!(Origin::of_address("https://huggingface.co/acme"), None);
        assert_eq!(Origin::of_address("https://example.com/acme/x"), None);
    }

    #[test]
    fn names_of_files() {
        for (path, expect) in [
            ("srv/tiny-q4.gguf", "tiny-q4"),
            ("srv/tiny/model-00001-of-00003.safetensors", "tiny"),
            ("srv/tiny-00001-of-00003.gguf", "tiny"),
            ("model.safetensors", "model"),
            ("srv/x-of-y.gguf", "x-of-y"),
        ] {
            assert_eq!(name_of(path), expect);
        }
    }
}
