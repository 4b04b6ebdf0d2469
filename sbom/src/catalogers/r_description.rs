//! R packages as installed: `DESCRIPTION` with the field `Built`, which installing adds, or in a library.
//!
//! Format: <https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file>.

use super::{Cataloger, Context, Draft, Files, Found, license, whole};
use crate::{
    cran,
    installed::{Elsewhere, Installed, each, place},
    stanza::first,
};
use plimsoll_model::{inventory::Coverage, tree::Entry};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "r-description",
    description: "installed R packages (DESCRIPTION)",
    files: &[Files::Named("DESCRIPTION")],
    earlier: &[],
    want: whole,
    edges: Coverage::Complete,
    catalog,
};

/// What a package needs to run, and what it was compiled with.
const NEEDS: [&str; 3] = ["Depends", "Imports", "LinkingTo"];

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Anywhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    // Old packages are in Latin-1: an odd letter in a name of a person must not hide them.
    let text = String::from_utf8_lossy(bytes);
    let (fields, _) = first(&text);
    // Others than R have files of that name, and sources of packages are not installed.
    if fields.get("Built").is_none() && !is_in_library(ctx, entry) {
        return None;
    }
    let Some(name) = fields.get("Package").filter(|name| !name.is_empty()) else {
        ctx.note(found, entry, "malformed: expected `Package`");
        return None;
    };
    let bioconductor = || {
        let is_of_it = fields.get("biocViews").is_some() && fields.get("Repository").is_none();
        is_of_it.then(|| ("repository_url", "https://bioconductor.org".to_owned()))
    };
    let origin = cran::origin(|name| fields.get(name)).or_else(bioconductor);
    let qualifier = origin.as_ref().map(|(key, value)| (*key, value.as_str()));
    let draft = Draft {
        kind: "cran",
        namespace: None,
        name,
        shown: name,
        version: fields.get("Version"),
        qualifiers: qualifier.as_slice(),
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses = fields.get("License").and_then(license).into_iter().collect();
    component.supplier = fields.get("Maintainer").and_then(license);
    let lists = NEEDS.iter().filter_map(|field| fields.get(field));
    let needs = lists.flat_map(cran::needs).map(str::to_owned).collect();
    Some(Installed { id, place: place(entry, 2), name: name.to_owned(), needs })
}

/// Whether it lies where installed packages do: beside what installing leaves, or in a directory that is named so.
fn is_in_library(ctx: &Context<'_>, entry: &Entry) -> bool {
    let library = place(entry, 2);
    let is_named = library.rsplit('/').next().is_some_and(|name| name.ends_with("library"));
    let meta = entry.path.parent().and_then(|package| package.join("Meta/package.rds").ok());
    is_named || meta.is_some_and(|path| ctx.tree.entry(&path).is_some())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const DPLYR: &[u8] = b"Package: dplyr\nTitle: A Grammar of Data Manipulation\nVersion: 1.1.4\n\
        Maintainer: J\xf6rg <j@example.org>\nLicense: MIT + file LICENSE\nDepends: R (>= 3.5.0)\n\
        Imports: cli (>= 3.4.0), rlang (>= 1.1.0),\n    utils\nSuggests: testthat\nRepository: CRAN\n\
        Built: R 4.3.1; x86_64-pc-linux-gnu; 2023-11-20 10:00:00 UTC; unix\n";
    const RLANG: &str = "Package: rlang\nVersion: 1.1.2\nRemoteType: github\nRemoteUsername: r-lib\n\
        RemoteRepo: rlang\nRemoteSha: 4f3c1d\nBuilt: R 4.3.1; ; ; unix\n";

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need_in_all_libraries() {
        let tree = TestTree::new()
            .file("usr/local/lib/R/site-library/dplyr/DESCRIPTION", DPLYR)
            .file("usr/local/lib/R/site-library/rlang/DESCRIPTION", RLANG)
            .file(
                "usr/lib/R/library/utils/DESCRIPTION",
                "Package: utils\nVersion: 4.3.1\nBuilt: R 4.3.1; ; ; unix\n",
            )
            .file("srv/pkg/DESCRIPTION", "Package: own\nVersion: 0.1\n")
            .file("srv/other/DESCRIPTION", "what this is\n");
        let rlang = "pkg:cran/rlang@1.1.2?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fr-lib%2Frlang.git%404f3c1d";
        check(
            &tree,
            &[
                "pkg:cran/dplyr@1.1.4",
                rlang,
                "pkg:cran/utils@4.3.1",
                &format!("pkg:cran/dplyr@1.1.4 needs {rlang}"),
                "pkg:cran/dplyr@1.1.4 needs pkg:cran/utils@4.3.1",
            ],
        );
        let inventory = tree.catalog();
        let dplyr = &inventory.components()[0];
        assert_eq!(dplyr.licenses, ["MIT + file LICENSE"]);
        assert_eq!(dplyr.supplier.as_deref(), Some("J\u{fffd}rg <j@example.org>"));
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let reason = "malformed: expected `Package`";
        for text in ["", "Version: 1\n", "Package:\nBuilt: R\n", "\u{0}\u{1}"] {
            let path = "usr/lib/R/library/a/DESCRIPTION";
            check(
                &TestTree::new().file(path, text),
                &[&format!("r-description: /{path}: {reason}")],
            );
        }
        let tree =
            TestTree::new().file("opt/r/a/DESCRIPTION", "x").file("opt/r/a/Meta/package.rds", "");
        check(&tree, &[&format!("r-description: /opt/r/a/DESCRIPTION: {reason}")]);
        // What comes with R itself is not all built.
        let text = "Package: translations\nVersion: 4.2.2\n";
        let tree = TestTree::new().file("usr/lib/R/library/translations/DESCRIPTION", text);
        check(&tree, &["pkg:cran/translations@4.2.2"]);
        let tree = TestTree::new().file("DESCRIPTION", "Package: a\nBuilt: x\n");
        check(&tree, &["pkg:cran/a", "r-description: /DESCRIPTION: package `a` states no version"]);
    }
}
