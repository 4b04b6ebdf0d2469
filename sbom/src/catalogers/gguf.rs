//! Models in GGUF files, from what their beginnings say of them.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, in the order of bytes that all
//! models are published in.

use super::{Cataloger, Context, Files, Found, license};
use crate::{
    head::Head,
    weights::{self, HEAD, Origin},
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Condenser, Entry, Want},
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "gguf",
    description: "Models of machine learning in GGUF files",
    files: &[Files::Ending(".gguf")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

pub(crate) static BEGINNING: Condenser =
    Condenser { id: "gguf-head", also: None, begin: |_| Box::new(Head::<HEAD>::default()) };

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_named = path.file_name().ends_with(b".gguf");
    if is_named { Want::Condensed(&BEGINNING) } else { Want::Nothing }
}

/// Keys of one model; some hundreds are usual, and no more fit into what is kept.
const MOST_KEYS: u64 = 10_000;

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each_condensed(&BEGINNING, |ctx, entry, bytes, found| match keys(bytes) {
        Some(keys) => model(ctx, entry, &keys, found),
        None => ctx.note(found, entry, "not a GGUF file of a known version"),
    })
}

/// Texts by key, as far as they are in the beginning of the file.
fn keys(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut reader = Reader(bytes.strip_prefix(b"GGUF")?);
    let version = reader.number(4)?;
    if !matches!(version, 2 | 3) {
        return None;
    }
    let _tensors = reader.number(8)?;
    let count = reader.number(8)?;
    let mut keys = BTreeMap::new();
    for _ in 0..count.min(MOST_KEYS) {
        let Some((key, value)) = reader.pair() else { break };
        if let Some(value) = value {
            keys.entry(key).or_insert(value);
        }
    }
    Some(keys)
}

/// What is left of the bytes.
struct Reader<'a>(&'a [u8]);

/// Types of values.
const TEXT: u64 = 8;
const ARRAY: u64 = 9;

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: u64) -> Option<u64> {
        Some(self.take(width)?.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number(8)?;
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// A key, and its value if that is a text.
    fn pair(&mut self) -> Option<(String, Option<String>)> {
        let key = self.text()?;
        let value = match self.number(4)? {
            TEXT => Some(self.text()?),
            ARRAY => {
                self.array()?;
                None
            }
            kind => {
                self.take(width(kind)?)?;
                None
            }
        };
        Some((key, value))
    }

    /// Passes over an array; one of arrays ends the reading.
    fn array(&mut self) -> Option<()> {
        let (kind, count) = (self.number(4)?, self.number(8)?);
        if kind == TEXT {
            // Each takes eight bytes at least: more than there are end it.
            for _ in 0..count {
                let length = self.number(8)?;
                self.take(length)?;
            }
        } else {
            self.take(width(kind)?.checked_mul(count)?)?;
        }
        Some(())
    }
}

/// Bytes of a number of a type.
fn width(kind: u64) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn model(ctx: &Context<'_>, entry: &Entry, keys: &BTreeMap<String, String>, found: &mut Found) {
    let value = |key: &str| keys.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let path = entry.path.as_str().unwrap_or_default();
    let address = value("general.repo_url").or_else(|| value("general.url"));
    let origin = Origin::of_cache(path).or_else(|| Origin::of_address(address?));
    let component = if let Some(origin) = origin {
        weights::add_origin(ctx, entry, &origin, found)
    } else {
        let name = value("general.name").unwrap_or_else(|| weights::name_of(path));
        weights::add_named(ctx, entry, (name, value("general.version")), found)
    };
    let Some(component) = component else { return };
    component.licenses.extend(value("general.license").and_then(license));
    component.supplier =
        value("general.organization").or_else(|| value("general.author")).map(str::to_owned);
    for (key, name) in [
        ("general.architecture", "plimsoll:model:architecture"),
        ("general.size_label", "plimsoll:model:size"),
        ("general.finetune", "plimsoll:model:finetune"),
    ] {
        let property = value(key).map(|value| (name.to_owned(), value.to_owned()));
        component.properties.extend(property);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    fn text(text: &str) -> Vec<u8> {
        [&u64::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
    }

    fn gguf(keys: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend((u64::try_from(keys.len()).unwrap() + 2).to_le_bytes());
        // A number and an array come first.
        bytes.extend([text("general.file_type"), b"\x04\0\0\0\x07\0\0\0".to_vec()].concat());
        bytes.extend([text("general.tags"), b"\x09\0\0\0\x08\0\0\0".to_vec()].concat());
        bytes.extend([2_u64.to_le_bytes().to_vec(), text("a"), text("b")].concat());
        for (key, value) in keys {
            bytes.extend([text(key), b"\x08\0\0\0".to_vec(), text(value)].concat());
        }
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/tiny-q4.gguf", bytes).lines(), expect);
    }

    #[test]
    fn what_a_model_says_of_itself() {
        let keys = [
            ("general.architecture", "llama"),
            ("general.name", "Tiny"),
            ("general.version", "v1.1"),
            ("general.license", "apache-2.0"),
            ("general.organization", "Acme"),
        ];
        check(&gguf(&keys), &["pkg:generic/Tiny@v1.1"]);
        let inventory = TestTree::new().file("srv/a.gguf", gguf(&keys)).catalog();
        let component = &inventory.components()[0];
        assert_eq!(component.licenses, ["apache-2.0"]);
        assert_eq!(component.supplier.as_deref(), Some("Acme"));
        assert_eq!(component.properties["plimsoll:model:architecture"], "llama");
    }

    #[test]
    fn where_it_came_from_goes_before_its_name() {
        let keys =
            [("general.name", "Tiny"), ("general.repo_url", "https://huggingface.co/acme/Tiny")];
        check(
            &gguf(&keys),
            &[
                "pkg:huggingface/acme/Tiny",
                "gguf: /srv/tiny-q4.gguf: package `acme/Tiny` states no version",
            ],
        );
    }

    #[test]
    fn what_is_malformed_is_named_by_its_file_or_an_unknown() {
        const NAMELESS: [&str; 2] =
            ["pkg:generic/tiny-q4", "gguf: /srv/tiny-q4.gguf: package `tiny-q4` states no version"];
        const NONE: &str = "gguf: /srv/tiny-q4.gguf: not a GGUF file of a known version";
        let good = gguf(&[("general.name", "Tiny")]);
        check(&good[..good.len() - 1], &NAMELESS);
        let mut huge = good.clone();
        huge[24..32].fill(0xff);
        check(&huge, &NAMELESS);
        for bytes in [&b""[..], b"GGUF", b"GGUF\x09\0\0\0", &good[..20], b"\x7fELF"] {
            check(bytes, &[NONE]);
        }
    }
}
