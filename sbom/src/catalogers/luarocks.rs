//! Lua rocks as installed: `lib/luarocks/rocks-5.4/NAME/VERSION/NAME-VERSION.rockspec`.
//!
//! Format: <https://github.com/luarocks/luarocks/blob/main/docs/rockspec_format.md>. A rockspec is a program; nothing is run of
//! it. The directories have name and version, and the licence and what a rock needs are taken from where they are written out.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    document,
    installed::{Elsewhere, Installed, each, place},
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "luarocks",
    description: "installed Lua rocks (*.rockspec)",
    files: &[Files::Ending(".rockspec")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let rocks = path.as_bytes().rsplit(|byte| *byte == b'/').nth(3).unwrap_or_default();
    let is_installed = rocks == b"rocks" || rocks.starts_with(b"rocks-");
    if is_installed { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Anywhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    let path = String::from_utf8_lossy(entry.path.as_bytes());
    let mut parts = path.rsplit('/').skip(1);
    let (version, name) = (parts.next(), parts.next()?);
    let lower = name.to_ascii_lowercase();
    let draft = Draft {
        kind: "luarocks",
        namespace: None,
        name: &lower,
        shown: name,
        version,
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let text = match document::text(bytes) {
        Ok(text) => text,
        Err(reason) => {
            ctx.note(found, entry, reason);
            return None;
        }
    };
    if assigned(text, "package").is_none() {
        ctx.note(found, entry, "malformed: expected `package`");
    }
    let component = found.at(id)?;
    let stated = assigned(text, "license").and_then(quoted);
    component.licenses = stated.and_then(|(stated, _)| license(stated)).into_iter().collect();
    let needs = assigned(text, "dependencies").map(needs).unwrap_or_default();
    Some(Installed { id, place: place(entry, 3), name: lower, needs })
}

/// What stands behind `name =`, to the end of the text; the sign is what tells it from the same word elsewhere.
fn assigned<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(start, _)| {
        let before = text.get(..start)?.chars().next_back();
        let is_word = before.is_none_or(|char| !char.is_alphanumeric() && !"_.\"'-".contains(char));
        let rest = text.get(start.saturating_add(name.len())..)?;
        rest.trim_start().strip_prefix('=').filter(|rest| is_word && !rest.starts_with('='))
    })
}

/// The first text in quotes, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let start = text.find(['"', '\''])?;
    let quote = text.get(start..)?.chars().next()?;
    text.get(start.saturating_add(1)..)?.split_once(quote)
}

/// The names in a table of dependencies: `{ "lua >= 5.1", "luafilesystem ~> 1.8" }`, Lua itself left out.
fn needs(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let Some(table) = text.trim_start().strip_prefix('{') else { return all };
    let mut chars = table.chars();
    while let Some(char) = chars.next().filter(|char| *char != '}') {
        if !matches!(char, '"' | '\'') {
            continue;
        }
        let dependency: String = chars.by_ref().take_while(|other| *other != char).collect();
        let name = dependency.split([' ', '<', '>', '=', '~']).next().unwrap_or_default();
        // `user/name`: of a namespace, which the directories do not have.
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        if name != "lua" {
            all.push(name);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const PENLIGHT: &str = r#"rockspec_format = "3.0"
package = "Penlight"
version = "1.13.1-1"
source = { url = "git://example.org/penlight.git" }
description = {
   summary = "Libraries",
   license = "MIT/X11",
}
dependencies = {
   "lua >= 5.1",
   "acme/LuaFileSystem >= 1.6", 'lpeg'
}
build = { type = "builtin", modules = { ["pl"] = "pl.lua", "socket" } }
"#;
    const AT: &str = "usr/local/lib/luarocks/rocks-5.4";

    #[test]
    fn rocks_and_what_they_need() {
        let rock = |tree: TestTree, path: &str, text: &str| tree.file(format!("{AT}/{path}"), text);
        let tree = rock(TestTree::new(), "penlight/1.13.1-1/penlight-1.13.1-1.rockspec", PENLIGHT);
        let tree = rock(
            tree,
            "luafilesystem/1.8.0-1/luafilesystem-1.8.0-1.rockspec",
            "package = 'luafilesystem'",
        );
        let tree = rock(tree, "socket/1-1/socket-1-1.rockspec", "package='socket'");
        let tree = tree.file("srv/own-1-1.rockspec", PENLIGHT);
        assert_eq!(
            tree.lines(),
            [
                "pkg:luarocks/luafilesystem@1.8.0-1",
                "pkg:luarocks/penlight@1.13.1-1",
                "pkg:luarocks/socket@1-1",
                "pkg:luarocks/penlight@1.13.1-1 needs pkg:luarocks/luafilesystem@1.8.0-1",
            ]
        );
        assert_eq!(tree.catalog().components()[1].licenses, ["MIT/X11"]);
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        for bytes in [b"".as_slice(), b"\xff", b"package == 'a'", b"no_package = 'a'", b"\x1bLua"] {
            let lines = TestTree::new().file(format!("{AT}/a/1-1/a-1-1.rockspec"), bytes).lines();
            let [component, unknown] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(component, "pkg:luarocks/a@1-1");
            assert!(unknown.contains(": malformed: "), "{unknown}");
        }
        for text in ["{", "{\"", "{'a\"", "}", "{\"a\"", ""] {
            needs(text);
            assert_eq!(quoted("'a"), None, "{text}");
        }
    }
}
