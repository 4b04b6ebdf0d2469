//! Swift packages, from `Package.resolved`.
//!
//! Format: <https://github.com/swiftlang/swift-package-manager/blob/main/Documentation/Usage.md#resolving-versions-packageresolved-file>,
//! versions 1 to 3. It lists what was chosen, not who needs what.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::document;
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "swift-resolved",
    description: "Swift packages in Package.resolved",
    files: &[Files::Named("Package.resolved")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

/// The commit that was checked out.
const REVISION: &str = "plimsoll:swift:revision";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if document::is_of_dependency(path) { Want::Nothing } else { Want::Content }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let value: Value = match document::json(bytes) {
            Ok(value) => value,
            Err(reason) => return ctx.note(found, entry, reason),
        };
        // Version 1 has an object around it.
        let pins = value.get("object").unwrap_or(&value).get("pins").and_then(Value::as_array);
        match pins {
            Some(pins) => pins.iter().for_each(|pin| add(ctx, entry, pin, found)),
            None => ctx.note(found, entry, "the file has no `pins`"),
        }
    })
}

fn add(ctx: &Context<'_>, entry: &Entry, pin: &Value, found: &mut Found) {
    let text = |key: &str| pin.get(key).and_then(Value::as_str);
    let state = |key: &str| pin.get("state").and_then(|state| state.get(key)?.as_str());
    let identity = text("identity").or_else(|| text("package")).unwrap_or_default();
    let location = text("location").or_else(|| text("repositoryURL")).unwrap_or_default();
    let (namespace, name) = match text("kind") {
        Some("localSourceControl" | "fileSystem") => {
            // The project's own code, which no registry knows.
            return;
        }
        // `scope.name`.
        Some("registry") => {
            let (scope, name) = identity.split_once('.').unwrap_or_default();
            (scope.to_owned(), name.to_owned())
        }
        _ => repository(location).unwrap_or_default(),
    };
    if namespace.is_empty() || name.is_empty() {
        let reason = format!("where package `{identity}` comes from cannot be told: `{location}`");
        return ctx.note(found, entry, reason);
    }
    // On a branch there is no version but the commit.
    let version = state("version").or_else(|| state("revision"));
    let shown = format!("{namespace}/{name}");
    let draft = Draft {
        kind: "swift",
        namespace: Some(&namespace),
        name: &name,
        shown: &shown,
        version,
        qualifiers: &[],
    };
    let component = ctx.add(found, entry, &draft).and_then(|id| found.at(id));
    if let Some((component, revision)) = component.zip(state("revision")) {
        component.properties.insert(REVISION.to_owned(), revision.to_owned());
    }
}

/// Host and owner, and name, of `https://host/owner/name.git`, `ssh://git@host/owner/name` or `git@host:owner/name`.
fn repository(location: &str) -> Option<(String, String)> {
    let location = location.trim_end_matches('/');
    let location = location.strip_suffix(".git").unwrap_or(location);
    // Whoever is asked to log in is no part of it, and may come with a password.
    let bare = |text: &str| text.rsplit_once('@').map_or(text, |(_, bare)| bare).to_owned();
    let location = match location.split_once("://") {
        Some((_, location)) => bare(location),
        None => bare(location).replacen(':', "/", 1),
    };
    let (above, name) = location.rsplit_once('/')?;
    let has_host = above.contains('.') && !above.starts_with(['.', '/']);
    has_host.then(|| (above.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const V1: &str = r#"{"object": {"pins": [
        {"package": "Alamofire", "repositoryURL": "https://user:secret@github.com/Alamofire/Alamofire.git",
         "state": {"branch": null, "revision": "f96b619b", "version": "5.4.3"}}]}, "version": 1}"#;
    const V2: &str = r#"{"pins": [
        {"identity": "alamofire", "kind": "remoteSourceControl", "location": "https://github.com/Alamofire/Alamofire",
         "state": {"revision": "f96b619b", "version": "5.4.3"}},
        {"identity": "flow", "kind": "remoteSourceControl", "location": "git@git.example:team/Flow.git",
         "state": {"branch": "main", "revision": "0123abcd"}},
        {"identity": "mona.LinkedList", "kind": "registry", "location": "", "state": {"version": "1.2.0"}},
        {"identity": "own", "kind": "localSourceControl", "location": "/src/own", "state": {"revision": "1"}},
        {"identity": "odd", "kind": "remoteSourceControl", "location": "../odd", "state": {"version": "1"}},
        7], "version": 2}"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/Package.resolved", text).lines(), expect);
    }

    #[test]
    fn packages_of_all_versions_of_the_format() {
        check(V1, &["pkg:swift/github.com/Alamofire/Alamofire@5.4.3"]);
        let at = "swift-resolved: /srv/Package.resolved: where package";
        check(
            V2,
            &[
                "pkg:swift/git.example/team/Flow@0123abcd",
                "pkg:swift/github.com/Alamofire/Alamofire@5.4.3",
                "pkg:swift/mona/LinkedList@1.2.0",
                &format!("{at} `` comes from cannot be told: ``"),
                &format!("{at} `odd` comes from cannot be told: `../odd`"),
            ],
        );
        let inventory = TestTree::new().file("Package.resolved", V1).catalog();
        let revision = inventory.components()[0].properties.get(REVISION).map(String::as_str);
        assert_eq!(revision, Some("f96b619b"));
        let copy = TestTree::new().file("srv/.build/checkouts/a/Package.resolved", V1);
        assert_eq!(copy.lines(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_list_is_an_unknown() {
        check("{}", &["swift-resolved: /srv/Package.resolved: the file has no `pins`"]);
        check(r#"{"pins": 7}"#, &["swift-resolved: /srv/Package.resolved: the file has no `pins`"]);
        check(r#"{"pins": []}"#, &[]);
        let deep = "[".repeat(100_000);
        for text in ["", "{\"pins\": [", "\u{0}", &deep] {
            let lines = TestTree::new().file("Package.resolved", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("swift-resolved: /Package.resolved: malformed: "), "{line}");
        }
    }
}
