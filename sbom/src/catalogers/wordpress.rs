//! WordPress with its plug-ins and themes, from the texts that it reads their names and versions from itself.
//!
//! No registered type of package URL speaks of these: they are `generic`, plug-ins and themes in a namespace of their own.
//!
//! Formats: <https://developer.wordpress.org/plugins/plugin-basics/header-requirements/>,
//! <https://developer.wordpress.org/themes/basics/main-stylesheet-style-css/>.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{head::Head, program::is_program};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, ComponentKind},
    inventory::Coverage,
    tree::{Condenser, Entry, Want},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "wordpress",
    description: "WordPress, its plug-ins and themes",
    files: &[Files::Ending(".php"), Files::Named("style.css")],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

/// WordPress looks for a header in so many bytes.
const HEAD: usize = 8 << 10;

/// The beginning of a file.
pub(crate) static BEGINNING: Condenser =
    Condenser { id: "beginning", also: None, begin: |_| Box::new(Head::<HEAD>::default()) };

/// What a file may be the header of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Core,
    Plugin,
    Theme,
}

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if part(path).is_some() { Want::Condensed(&BEGINNING) } else { Want::Nothing }
}

/// What a file may be the header of, the directory of the whole WordPress, and the name of the directory or file.
fn part(path: &TreePath) -> Option<(Part, String, String)> {
    let path = path.to_string();
    let mut words: Vec<&str> = path.split('/').collect();
    let file = words.pop()?;
    let mut slug = words.pop()?;
    if file == "version.php" && slug == "wp-includes" {
        return Some((Part::Core, words.join("/"), String::new()));
    }
    let script = file.strip_suffix(".php");
    let mut kind = words.pop()?;
    // A plug-in may be a single file.
    if let Some(script) = script
        && matches!(slug, "plugins" | "mu-plugins")
    {
        words.push(kind);
        (kind, slug) = (slug, script);
    }
    let part = match kind {
        "plugins" | "mu-plugins" if script.is_some() => Part::Plugin,
        "themes" if file == "style.css" => Part::Theme,
        _ => return None,
    };
    (words.pop()? == "wp-content").then(|| (part, words.join("/"), slug.to_owned()))
}

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| header(ctx, entry)).collect();
    let mut found = Found::default();
    let mut cores = BTreeMap::new();
    let mut parts = Vec::new();
    for (one, header) in read {
        let id = super::id_of(found.components.len());
        found.absorb(one);
        match header {
            Some((Part::Core, root)) => {
                cores.insert(root, id);
            }
            Some((Part::Plugin | Part::Theme, root)) => parts.push((root, id)),
            None => {}
        }
    }
    for (root, id) in parts {
        if let Some(core) = cores.get(&root) {
            ctx.contains(&mut found, *core, id);
        }
    }
    found
}

/// What a file says of itself, with the directory of the WordPress that it is part of.
fn header(ctx: &Context<'_>, entry: &Entry) -> (Found, Option<(Part, String)>) {
    let mut found = Found::default();
    let made = match ctx.condensed(&entry.path, &BEGINNING) {
        Ok(made) => made.unwrap_or_default(),
        Err(error) => {
            ctx.note(&mut found, entry, error);
            return (found, None);
        }
    };
    if is_program(&made) {
        ctx.note(&mut found, entry, "a program under the name of a file of WordPress");
        return (found, None);
    }
    let Some((part, root, slug)) = part(&entry.path) else { return (found, None) };
    let text = String::from_utf8_lossy(&made);
    let id = match part {
        Part::Core => core(ctx, entry, &text, &mut found),
        Part::Plugin => {
            extension(ctx, entry, (&text, "Plugin Name", "wordpress-plugin", &slug), &mut found)
        }
        Part::Theme => {
            extension(ctx, entry, (&text, "Theme Name", "wordpress-theme", &slug), &mut found)
        }
    };
    (found, id.map(|_| (part, root)))
}

fn core(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) -> Option<ComponentId> {
    let value = |line: &str| {
        let (_, value) = line.trim().strip_prefix("$wp_version")?.split_once('=')?;
        let value = value.trim().trim_end_matches(';').trim().trim_matches(['\'', '"']);
        (!value.is_empty()).then(|| value.to_owned())
    };
    let version = text.lines().find_map(value);
    let draft = Draft {
        kind: "generic",
        namespace: None,
        name: "wordpress",
        shown: "WordPress",
        version: version.as_deref(),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    found.at(id)?.kind = ComponentKind::Application;
    Some(id)
}

/// A plug-in or a theme; most files of a plug-in have no header, and are nothing.
fn extension(
    ctx: &Context<'_>,
    entry: &Entry,
    (text, title, namespace, slug): (&str, &str, &str, &str),
    found: &mut Found,
) -> Option<ComponentId> {
    let shown = field(text, title)?;
    let version = field(text, "Version");
    let draft = Draft {
        kind: "generic",
        namespace: Some(namespace),
        name: slug,
        shown: &shown,
        version: version.as_deref(),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses = field(text, "License").as_deref().and_then(license).into_iter().collect();
    component.supplier = field(text, "Author");
    Some(id)
}

/// The value of `NAME: value` in a comment; in front there is nothing but what makes it a comment.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim_start_matches(|char: char| " \t/*#@".contains(char));
        let line = line.strip_prefix("<?php").unwrap_or(line);
        let line = line.trim_start_matches(|char: char| " \t/*#@".contains(char));
        let key = line.get(..name.len()).filter(|key| key.eq_ignore_ascii_case(name))?;
        let value = line.strip_prefix(key)?.strip_prefix(':')?;
        let value = value.split("*/").next()?.split("?>").next()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const VERSION: &str = "<?php\n/** @global string $wp_version */\n$wp_version = '6.4.2';\n";
    const PLUGIN: &str = "<?php\n/**\n * Plugin Name: Acme Forms\n * Version: 2.1\n * Author: Acme\n * License: GPL-2.0-or-later\n */\n";
    const THEME: &str = "/*\nTheme Name: Acme Blue\nVersion: 1.0.3\n*/\nbody { color: blue }\n";

    #[test]
    fn core_plugins_and_themes() {
        let tree = TestTree::new()
            .file("srv/www/wp-includes/version.php", VERSION)
            .file("srv/www/wp-content/plugins/acme-forms/main.php", PLUGIN)
            .file("srv/www/wp-content/plugins/acme-forms/lib.php", "<?php // nothing\n")
            .file("srv/www/wp-content/plugins/acme-forms/inc/other.php", PLUGIN)
            .file("srv/www/wp-content/mu-plugins/one.php", "<?php /* Plugin Name: One */\n")
            .file("srv/www/wp-content/themes/acme-blue/style.css", THEME)
            .file("srv/www/style.css", THEME);
        assert_eq!(
            tree.lines(),
            [
                "pkg:generic/wordpress-plugin/acme-forms@2.1",
                "pkg:generic/wordpress-plugin/one",
                "pkg:generic/wordpress-theme/acme-blue@1.0.3",
                "pkg:generic/wordpress@6.4.2",
                "pkg:generic/wordpress@6.4.2 contains pkg:generic/wordpress-plugin/acme-forms@2.1",
                "pkg:generic/wordpress@6.4.2 contains pkg:generic/wordpress-plugin/one",
                "pkg:generic/wordpress@6.4.2 contains pkg:generic/wordpress-theme/acme-blue@1.0.3",
                "wordpress: /srv/www/wp-content/mu-plugins/one.php: package `One` states no version",
            ]
        );
        let inventory = tree.catalog();
        assert_eq!(inventory.components()[0].licenses, ["GPL-2.0-or-later"]);
        assert_eq!(inventory.components()[0].supplier.as_deref(), Some("Acme"));
    }

    #[test]
    fn a_core_without_a_version_is_an_unknown() {
        for text in ["", "<?php", "$wp_version = ;", "$wp_version"] {
            assert_eq!(
                TestTree::new().file("wp-includes/version.php", text).lines(),
                [
                    "pkg:generic/wordpress",
                    "wordpress: /wp-includes/version.php: package `WordPress` states no version"
                ],
                "{text}"
            );
        }
    }

    #[test]
    fn hostile_headers_are_text() {
        let path = "wp-content/plugins/x/x.php";
        for text in
            ["\0", "Plugin Name:", "plugin name: \u{1b}[2J\nversion: \u{fffd}", "Plügin Name: x"]
        {
            let lines = TestTree::new().file(path, text).lines();
            assert!(lines.len() < 2, "{lines:?}");
        }
        let late = format!("{}\nPlugin Name: x\n", " ".repeat(HEAD));
        assert_eq!(TestTree::new().file(path, late).lines(), Vec::<String>::new());
    }

    #[test]
    fn a_program_under_the_name_of_a_plug_in_is_told() {
        let program = [b"\x7fELF".as_slice(), &[0; 100]].concat();
        let path = "x/wp-content/plugins/app.php";
        assert_eq!(
            TestTree::new().file(path, program).lines(),
            [format!("wordpress: /{path}: a program under the name of a file of WordPress")]
        );
    }
}
