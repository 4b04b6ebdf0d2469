//! Images whose layers were merged: what stands in for them, and what does not.

use super::{
    BASE_FILES, Dock, UNDECIDED, advisory, app, base, blocking, built, lowest, rules,
    with_provenance,
};
use plimsoll_oci::testing::image::{BuiltImage, LayerBuilder};
use std::collections::BTreeSet;

const POLICY: &str = "version: 1\nbases: {lock: bases.lock, allow-flattened: true}\nrules: {IMG-002: off}\nevidence: {require: [], signers: [{key: key.pub, unlogged: accept, for: [provenance]}]}\n";

fn merged() -> BuiltImage {
    let layer = LayerBuilder::new().file("usr/bin/tool", "tool").file("srv/app", "app");
    let layer =
        layer.file("etc/os-release", super::OS_RELEASE).file("var/lib/dpkg/status", BASE_FILES);
    built([layer]).build()
}

struct Pier(Dock);

impl Pier {
    fn new() -> Self {
        let dock = Dock::new();
        let local = dock.sandbox.join("home/state/plimsoll/key.pub");
        dock.sandbox.write("key.pub", std::fs::read(local).unwrap());
        dock.sandbox.write("advisories/a.json", advisory("base-files", "1").to_string());
        dock.sandbox.write("plimsoll.yaml", POLICY);
        Self(dock)
    }

    /// What blocks a run on an image that is said to be built from this, and signs so.
    #[track_caller]
    fn run(&self, image: &BuiltImage, from: Option<&str>, status: i32) -> BTreeSet<String> {
        self.0.lay(image);
        let mut arguments =
            vec!["run", "oci-layout:image:1", "--advisories", "advisories", "-o", "json"];
        if let Some(from) = from {
            self.0.sandbox.write("Dockerfile", format!("FROM {from}\n{}", super::STEPS));
            arguments.extend(["--dockerfile", "Dockerfile"]);
        }
        blocking(&self.0.plimsoll(&arguments).expect_status(status))
    }

    fn policy(&self, from: &str, to: &str) {
        assert!(POLICY.contains(from), "{from}");
        self.0.sandbox.write("plimsoll.yaml", POLICY.replace(from, to));
    }
}

#[test]
fn signed_provenance_stands_in_for_the_layers_where_the_policy_says_so() {
    let pier = Pier::new();
    let approved = pier.0.pinned();
    assert_eq!(pier.run(&merged(), Some(&approved), 0), rules([]));
    // By the policy that does not say so.
    pier.policy(", allow-flattened: true", "");
    assert_eq!(pier.run(&merged(), Some(&approved), 1), rules(["BASE-050", "BASE-051"]));
}

#[test]
fn nothing_else_stands_in_for_the_layers() {
    let pier = Pier::new();
    // Nobody says what it was built from.
    assert_eq!(pier.run(&merged(), None, UNDECIDED), rules(["BASE-050"]));
    // BuildKit says it, and nobody has signed that.
    let unsigned = with_provenance(merged(), &pier.0.base.manifest.digest);
    assert_eq!(pier.run(&unsigned, None, UNDECIDED), rules(["BASE-050"]));
    // What is named is not approved.
    let other = base().layer(app()).build();
    let from = format!("docker.io/library/debian:12@{}", other.manifest.digest);
    let found = pier.run(&merged(), Some(&from), 1);
    assert!(found.contains("BASE-050") && found.contains("BASE-001"), "{found:?}");
    // Whoever signs it is not believed about that.
    let approved = pier.0.pinned();
    pier.policy("for: [provenance]", "for: [vulnerabilities]");
    let found = pier.run(&merged(), Some(&approved), 1);
    assert_eq!(found, rules(["BASE-050", "BASE-051"]));
}

#[test]
fn layers_that_are_those_of_another_base_contradict_provenance() {
    let pier = Pier::new();
    // Several layers, none of which is the base's: nothing shows that they were merged.
    let layered = built([lowest().file("usr/bin/other", "x"), app()]).build();
    let approved = pier.0.pinned();
    let found = pier.run(&layered, Some(&approved), 1);
    assert!(found.is_superset(&rules(["BASE-050", "BASE-051"])), "{found:?}");
    let annotated = built([LayerBuilder::new().file("srv/app", "app")])
        .manifest("annotations", serde_json::json!({super::NAME: "docker.io/evil/base:1"}));
    let found = pier.run(&annotated.build(), Some(&approved), 1);
    assert!(found.contains("BASE-051") && !found.contains("BASE-050"), "{found:?}");
}
