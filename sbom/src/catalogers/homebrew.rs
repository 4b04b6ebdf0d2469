//! Homebrew's formulae as installed: `Cellar/NAME/VERSION/INSTALL_RECEIPT.json`.
//!
//! Layout: <https://docs.brew.sh/Formula-Cookbook#homebrew-terminology>. The directories have name and version, the receipt has
//! the tap that the formula came from, and what it needs at run time.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::{
    document,
    installed::{Elsewhere, Installed, each, place},
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "homebrew",
    description: "installed Homebrew formulae (Cellar)",
    files: &[Files::Named("INSTALL_RECEIPT.json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let cellar = path.as_bytes().rsplit(|byte| *byte == b'/').nth(3);
    if cellar == Some(b"Cellar") { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Nowhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    let path = String::from_utf8_lossy(entry.path.as_bytes());
    let mut parts = path.rsplit('/').skip(1);
    let (version, name) = (parts.next(), parts.next()?.to_ascii_lowercase());
    let receipt = match document::json::<Value>(bytes) {
        Ok(receipt) => receipt,
        Err(reason) => {
            ctx.note(found, entry, reason);
            Value::Null
        }
    };
    let tap = receipt.get("source").and_then(|source| source.get("tap")?.as_str());
    let tap = tap.map(str::to_ascii_lowercase);
    let draft = Draft {
        kind: "brew",
        namespace: tap.as_deref(),
        name: &name,
        shown: &name,
        version,
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let needs = receipt.get("runtime_dependencies").and_then(Value::as_array);
    let needs = needs
        .into_iter()
        .flatten()
        .filter_map(|need| need.get("full_name")?.as_str()?.rsplit('/').next())
        .map(str::to_ascii_lowercase)
        .collect();
    Some(Installed { id, place: place(entry, 3), name, needs })
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const CELLAR: &str = "home/linuxbrew/.linuxbrew/Cellar";

    #[test]
    fn formulae_and_what_they_need() {
        let sqlite = r#"{"source": {"tap": "Homebrew/core", "versions": {"stable": "3.43.2"}},
            "runtime_dependencies": [{"full_name": "homebrew/core/readline", "version": "8.2.1"}, {"full_name": "gone"}]}"#;
        let tree = TestTree::new()
            .file(format!("{CELLAR}/sqlite/3.43.2/INSTALL_RECEIPT.json"), sqlite)
            .file(format!("{CELLAR}/readline/8.2.1_1/INSTALL_RECEIPT.json"), r#"{"source": {}}"#)
            .file("srv/INSTALL_RECEIPT.json", "{");
        assert_eq!(
            tree.lines(),
            [
                "pkg:brew/homebrew/core/sqlite@3.43.2",
                "pkg:brew/readline@8.2.1_1",
                "pkg:brew/homebrew/core/sqlite@3.43.2 needs pkg:brew/readline@8.2.1_1",
            ]
        );
    }

    #[test]
    fn a_broken_receipt_does_not_hide_the_formula() {
        let deep = "[".repeat(100_000);
        for text in ["", "{\"source\"", "{\"a\": 1, \"a\"", "\u{0}", &deep] {
            let at = format!("{CELLAR}/a/1/INSTALL_RECEIPT.json");
            let lines = TestTree::new().file(&at, text).lines();
            let [component, unknown] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(component, "pkg:brew/a@1");
            assert!(unknown.starts_with(&format!("homebrew: /{at}: malformed: ")), "{unknown}");
        }
    }
}
