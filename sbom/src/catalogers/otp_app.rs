//! Applications of Erlang and Elixir as installed: `ebin/NAME.app`, of the system itself and of releases.
//!
//! Format: <https://www.erlang.org/doc/apps/kernel/app.html>. Whether an application came from Hex it does not say, so the type
//! of its package URL is `otp`.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::{
    document,
    installed::{Elsewhere, Installed, each, place},
    term::{self, Term},
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "otp-app",
    description: "installed Erlang and Elixir applications (ebin/*.app)",
    files: &[Files::Ending(".app")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

const NEEDS: [&str; 3] = ["applications", "included_applications", "optional_applications"];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let directory = path.as_bytes().rsplit(|byte| *byte == b'/').nth(1);
    if directory == Some(b"ebin") { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Anywhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    // Old files are in Latin-1; what names things is ASCII.
    let text = String::from_utf8_lossy(bytes);
    let terms = match document::text(text.as_bytes()).and_then(term::parse) {
        Ok(terms) => terms,
        Err(reason) => {
            ctx.note(found, entry, reason);
            return None;
        }
    };
    let Some([kind, Term::Atom(name), facts]) = terms.first().map(Term::items) else {
        ctx.note(found, entry, "malformed: expected an application");
        return None;
    };
    if kind.as_str() != Some("application") {
        ctx.note(found, entry, "malformed: expected an application");
        return None;
    }
    let version = facts.get("vsn").and_then(Term::as_str);
    let lower = name.to_ascii_lowercase();
    let draft =
        Draft { kind: "otp", namespace: None, name: &lower, shown: name, version, qualifiers: &[] };
    let id = ctx.add(found, entry, &draft)?;
    let needs = NEEDS
        .iter()
        .filter_map(|key| facts.get(key))
        .flat_map(Term::items)
        .filter_map(Term::as_str)
        .map(str::to_owned)
        .collect();
    // `lib/NAME-VERSION/ebin/NAME.app`.
    Some(Installed { id, place: place(entry, 3), name: name.clone(), needs })
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const COWBOY: &str = r#"%% x
{application, 'cowboy', [
	{description, "Small, fast, modern HTTP server. It's {good}, [really]."},
	{vsn, "2.9.0"},
	{modules, ['cowboy','cowboy_app']},
	{applications, [kernel,stdlib,cowlib,ranch]},
	{mod, {cowboy_app, []}},
	{env, [{a, -1.5}]}
]}.
"#;

    #[test]
    fn applications_and_what_they_need() {
        let app =
            |tree: TestTree, path: &str, text: &str| tree.file(format!("opt/app/lib/{path}"), text);
        let tree = app(TestTree::new(), "cowboy-2.9.0/ebin/cowboy.app", COWBOY);
        let tree =
            app(tree, "ranch-1.8.0/ebin/ranch.app", "{application,ranch,[{vsn,\"1.8.0\"}]}.");
        let tree = tree
            .file(
                "usr/lib/erlang/lib/kernel-8.5/ebin/kernel.app",
                "{application, kernel, [{vsn, \"8.5\"}]}.",
            )
            .file("srv/x.app", "no");
        assert_eq!(
            tree.lines(),
            [
                "pkg:otp/cowboy@2.9.0",
                "pkg:otp/kernel@8.5",
                "pkg:otp/ranch@1.8.0",
                "pkg:otp/cowboy@2.9.0 needs pkg:otp/kernel@8.5",
                "pkg:otp/cowboy@2.9.0 needs pkg:otp/ranch@1.8.0",
            ]
        );
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let deep = "[".repeat(100_000);
        for text in ["", "{app, a, []}.", "{application, a}.", "{application, a, [", "\u{0}", &deep]
        {
            let lines = TestTree::new().file("ebin/a.app", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("otp-app: /ebin/a.app: malformed: "), "{line}");
        }
        assert_eq!(
            TestTree::new().file("ebin/a.app", "{application, a, []}.").lines(),
            ["pkg:otp/a", "otp-app: /ebin/a.app: package `a` states no version"]
        );
    }
}
