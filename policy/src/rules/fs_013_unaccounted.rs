//! FS-013: every program of the image is a package's, or in the inventory.
//!
//! Programs are files with an execute bit in the directories where the image looks for them, and those that it starts. One is
//! accounted for by the package that it belongs to, or by a component that was found in it: of Go, Rust and others by what
//! their compilers write into them.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::decide::Action;
use plimsoll_model::{Severity, TreePath, tree::Entry};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "FS-013",
    name: "fs_013_unaccounted",
    title: "every program belongs to a package, or is in the inventory",
    severity: Severity::Low,
    action: Action::Inform,
    why: "No advisory finds what nobody knows by name and version: a program that was downloaded or copied in has flaws that no scan shows.",
    mend: "install it from a package, build it so that it says what is in it (Go does, Rust with cargo-auditable), or bring an SBOM of it along",
    bad: "RUN curl -fsSLo /usr/local/bin/tool https://dl.example/tool && chmod +x /usr/local/bin/tool",
    good: "RUN apt-get install -y --no-install-recommends tool",
    equivalents: &[],
    about: &[About::Files, About::Scan],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "programs that need not be accounted for, by their whole paths (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let (Some(files), Some(inventory)) = (context.facts().files, context.facts().inventory) else {
        return Vec::new();
    };
    let components = inventory.components().iter();
    let known: BTreeSet<&TreePath> =
        components.flat_map(|component| &component.locations).map(|place| &place.path).collect();
    let untold: BTreeSet<&TreePath> =
        inventory.unknowns.iter().map(|unknown| &unknown.path).collect();
    let (allowed, base) = (context.texts("allow"), layers::of_base(context));
    let is_open = |entry: &&Entry| {
        layers::origin(base, entry.layer) != Origin::Base
            && !known.contains(&entry.path)
            && !allowed.contains(&entry.path.to_string())
    };
    let open = files.programs.iter().filter(is_open);
    // Where it could not be read which files packages have, any of them may be one's.
    let is_untold = |entry: &&Entry| !files.unread.is_empty() || untold.contains(&entry.path);
    let (untold, open): (Vec<_>, Vec<_>) = open.partition(is_untold);
    let words = ("programs belong to no package and are not in the inventory", EXPECTED);
    let failed = layers::together(context, &open, words);
    failed.into_iter().chain(unknown(context, &untold)).collect()
}

const EXPECTED: &str = "programs of packages, or of components that are known";

fn unknown(context: &RuleContext<'_>, programs: &[&Entry]) -> Option<Raised> {
    let first = programs.first()?;
    let place = layers::place_of(context.facts().files?, first);
    let found = layers::listed(programs.iter().map(|entry| entry.path.to_string()));
    let title = "it can not be told whether programs belong to a package";
    let mut raised = context.unknown(place, title, found, EXPECTED);
    raised.also_at = programs.iter().skip(1).map(|entry| entry.path.to_string()).collect();
    Some(raised)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::{
        TreePath,
        component::Location,
        finding::Place,
        inventory::Unknown,
        scan::ScanVerdict,
        tree::{Entry, EntryKind, LayerIndex},
    };

    fn path(path: &str) -> TreePath {
        TreePath::parse(path.as_bytes()).unwrap()
    }

    /// An image with programs of no package, and one package.
    fn case(programs: &[&str]) -> Case {
        let programs = programs.iter().map(|at| Entry {
            path: path(at),
            kind: EntryKind::File,
            size: 1,
            mode: 0o755,
            uid: 0,
            gid: 0,
            capabilities: Box::default(),
            layer: LayerIndex(1),
        });
        let case = Case::default().image(&["base", "app"]);
        let case = case.component("pkg:deb/debian/a@1", ScanVerdict::Clean);
        case.change_files(|files| files.programs = programs.collect())
    }

    #[test]
    fn programs_that_nobody_accounts_for_are_told_together() {
        case(&[]).check("FS-013", Expect::Pass);
        let both = case(&["app/server", "usr/local/bin/tool"]);
        both.check("FS-013", Expect::Fail);
        let found = both.findings("FS-013");
        let place = Place::File { path: "/app/server".to_owned(), layer: Some(digest("app")) };
        assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        assert_eq!(found[0].finding.found, "/app/server, /usr/local/bin/tool");
        let one = "rules: {FS-013: {allow: [/app/server]}}";
        assert_eq!(
            both.clone().policy(one).findings("FS-013")[0].finding.found,
            "/usr/local/bin/tool"
        );
        both.approved("debian:12", &["base", "app"], "2026-12-31").check("FS-013", Expect::Pass);
    }

    #[test]
    fn a_component_that_was_found_in_a_program_accounts_for_it() {
        let mut known = component("pkg:golang/corp.example/tool@v1");
        known.locations =
            vec![Location { path: path("app/server"), inside: String::new(), layer: None }];
        let case = case(&["app/server"]);
        case.check("FS-013", Expect::Fail);
        case.found_component(known).check("FS-013", Expect::Pass);
    }

    #[test]
    fn without_the_databases_it_can_not_be_told_and_without_an_inventory_nobody_asks() {
        let unknown = |at: &str| Unknown {
            path: path(at),
            layer: None,
            cataloger: "rpm",
            reason: "not an SQLite database".to_owned(),
        };
        let program = ["usr/local/bin/tool"];
        let unread = |case: Case| {
            case.change_files(|files| files.unread = vec![unknown("var/lib/rpm/rpmdb.sqlite")])
        };
        unread(case(&program)).check("FS-013", Expect::Unknown);
        unread(case(&[])).check("FS-013", Expect::Pass);
        case(&program)
            .unread("usr/local/bin/tool", "its build information is cut")
            .check("FS-013", Expect::Unknown);
        let image = Case::default().image(&["a"]);
        image.change_files(|files| files.unread = vec![unknown("a")]).check("FS-013", Expect::Pass);
    }
}
