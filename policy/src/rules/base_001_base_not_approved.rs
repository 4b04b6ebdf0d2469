//! BASE-001: everything that goes into an image was approved.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Input, Source},
    policy::Pin,
};
use plimsoll_model::{Severity, finding::Place, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-001",
    name: "base_001_base_not_approved",
    title: "every image that goes in is approved, by the lock or by name",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Whoever makes the base image decides what runs in the container. An image that nobody looked at is code that nobody looked at.",
    mend: "approve the image with `plimsoll base approve`, or build on one that is approved (`plimsoll base list`)",
    bad: "FROM example.org/somebody/python:3.13",
    good: "FROM docker.io/library/python:3.13-slim@sha256:…   # in bases.lock",
    equivalents: &["CIS 4.2", "DL3026", "conforma base_image_permitted"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::of(context)
        .filter(|(_, input)| !inputs::is_trusted_frontend(input))
        .filter_map(|(place, input)| check_input(context, place, input))
        .collect()
}

fn check_input(context: &RuleContext<'_>, place: Place, input: &Input) -> Option<Raised> {
    let title = |rest: &str| format!("`{}` takes `{}`, {rest}", input.kind.as_str(), input.written);
    match &input.source {
        // Of what is malformed, BASE-003 speaks.
        Source::Stage(_) | Source::Scratch | Source::Malformed(_) => None,
        Source::Unresolved { variable } => {
            Some(inputs::unresolved(context, place, variable, input))
        }
        Source::Image(name) => {
            let complaint = complaint(context, name)
                .filter(|_complaint| !inputs::is_own(context, input, name))?;
            let bases = context.policy().bases();
            let expected = expected(context);
            if let (Some(path), None) = (&bases.lock, context.facts().bases) {
                let found = format!("{complaint}, and the lock `{path}` was not read");
                let title = title("and it can not be told whether that is approved");
                return Some(context.unknown(place, title, found, expected).by_line(bases.line));
            }
            let title = title("which is not approved");
            let found = (complaint, expected);
            Some(inputs::from_elsewhere(context, (place, input, name), title, found))
        }
    }
}

/// Why a reference is not approved. Of what was approved once, BASE-044 speaks.
fn complaint(context: &RuleContext<'_>, name: &ImageName) -> Option<String> {
    if !inputs::entries(context, name).is_empty() {
        return None;
    }
    let bases = context.policy().bases();
    let mut allowed = bases.allow.iter().filter(|allowed| allowed.admits(&name.repository));
    if allowed.clone().any(|allowed| allowed.pin != Some(Pin::Digest) || name.digest.is_some()) {
        return None;
    }
    Some(match allowed.next() {
        Some(_) => format!("`{name}`, approved only by digest"),
        None => format!("`{name}`"),
    })
}

fn expected(context: &RuleContext<'_>) -> String {
    match (context.facts().bases, context.policy().bases().allow.is_empty()) {
        (Some(_), true) => "an entry of the lock that has not expired",
        (Some(_), false) => {
            "an entry of the lock that has not expired, or a match of `bases.allow`"
        }
        (None, _) => "a match of `bases.allow`",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    const LOCKED: &str = "bases: {lock: bases.lock, allow: []}";

    #[test]
    fn with_a_lock_only_what_it_or_the_policy_names_is_approved() {
        let case = Case::default().dockerfile("FROM debian:13");
        case.check("BASE-001", Expect::Pass);
        let locked = case.policy("bases: {lock: bases.lock}");
        locked.check("BASE-001", Expect::Unknown);
        locked.approved("debian:12", &["a"], "2026-12-31").check("BASE-001", Expect::Fail);
    }

    fn locked(dockerfile: &str) -> Case {
        let case = Case::default().policy(LOCKED).dockerfile(dockerfile);
        case.approved("debian:12", &["a", "b"], "2026-06-15")
    }

    #[test]
    fn an_entry_of_the_lock_approves_what_it_names() {
        locked("FROM debian:12").check("BASE-001", Expect::Pass);
        let index = digest("base index");
        locked(&format!("FROM debian@{index}")).check("BASE-001", Expect::Pass);
        locked(&format!("FROM debian:other@{index}")).check("BASE-001", Expect::Pass);
        for other in ["FROM debian:13", "FROM debian", "FROM evil.io/library/debian:12"] {
            locked(other).check("BASE-001", Expect::Fail);
        }
        // The digest counts, not the tag beside it.
        locked(&format!("FROM {}", at_digest("debian:12"))).check("BASE-001", Expect::Fail);
    }

    #[test]
    fn every_kind_of_input_counts_and_stages_do_not() {
        locked("FROM debian:12 AS a\nFROM a\nCOPY --from=a / /\nCOPY --from=0 / /\nFROM scratch")
            .check("BASE-001", Expect::Pass);
        let case = locked(
            "# syntax=evil.io/frontend\nFROM debian:12\nCOPY --from=evil.io/x / /\n\
             RUN --mount=type=bind,from=evil.io/y,target=/y true\nFROM evil.io/z",
        );
        assert_eq!(case.places("BASE-001"), [(1, 1), (3, 6), (4, 5), (5, 6)]);
        locked("# syntax=docker/dockerfile:1\nFROM debian:12").check("BASE-001", Expect::Pass);
    }

    #[test]
    fn a_variable_without_a_value_can_not_be_told() {
        locked("ARG BASE\nFROM $BASE").check("BASE-001", Expect::Unknown);
        let given = locked("ARG BASE\nFROM $BASE").build_arg("BASE", "debian:12");
        given.check("BASE-001", Expect::Pass);
        locked("ARG V=12\nFROM debian:${V}").check("BASE-001", Expect::Pass);
    }

    #[test]
    fn a_name_is_approved_as_the_policy_says() {
        let policy =
            "bases: {allow: [{repository: \"docker.io/library/*\", only: official, pin: digest}]}";
        let case = |dockerfile: &str| Case::default().policy(policy).dockerfile(dockerfile);
        case(&format!("FROM {}", at_digest("debian"))).check("BASE-001", Expect::Pass);
        for other in ["debian:12", &at_digest("notlisted"), &at_digest("evil.io/library/debian")] {
            case(&format!("FROM {other}")).check("BASE-001", Expect::Fail);
        }
    }

    const RUN: &str =
        "bases: {lock: bases.lock, allow: []}\npromotion: {to: \"registry.corp/prod/*\"}";

    fn pod(image: &str) -> String {
        let spec = "spec:\n  initContainers: [{name: i, image: debian:12}]\n  containers:\n    - name: a\n      image:";
        format!("apiVersion: v1\nkind: Pod\n{spec} {image}\n")
    }

    #[test]
    fn what_runs_is_approved_or_promoted() {
        let case = || Case::default().policy(RUN).approved("debian:12", &["a"], "2026-12-31");
        for (image, expect) in [
            ("debian:12", Expect::Pass),
            ("registry.corp/prod/app:1", Expect::Pass),
            ("registry.corp/prod/app@sha256:0", Expect::Pass), // malformed: BASE-003
            ("debian:13", Expect::Fail),
            ("registry.corp/production/app:1", Expect::Fail),
            ("registry.corp/prod/app/more:1", Expect::Fail),
            ("evil.io/registry.corp/prod/app:1", Expect::Fail),
            ("registry.corp.evil.io/prod/app:1", Expect::Fail),
            ("registry.corp:8443/prod/app:1", Expect::Fail),
            ("prod/app:1", Expect::Fail),
        ] {
            let of_pod = case().kubernetes(&pod(image));
            of_pod.check("BASE-001", expect);
            let service = format!("services:\n  a:\n    image: {image}\n");
            let of_service = case().compose(&service);
            of_service.check("BASE-001", expect);
            if expect == Expect::Fail {
                assert_eq!(of_pod.places("BASE-001"), [(7, 14)], "{image}");
                assert_eq!(of_service.places("BASE-001"), [(3, 12)], "{image}");
            }
        }
        // What is promoted is run, and built on only where it is approved.
        case().dockerfile("FROM registry.corp/prod/app:1").check("BASE-001", Expect::Fail);
        // What is built here is pulled all the same where it can be, unless it says otherwise.
        let built = "services: {a: {build: ., image: evil.io/x}}";
        case().compose(built).check("BASE-001", Expect::Fail);
        let built = "services: {a: {build: ., image: evil.io/x, pull_policy: build}}";
        case().compose(built).check("BASE-001", Expect::Pass);
    }

    #[test]
    fn what_runs_may_be_ones_own_where_nobody_says_what_is() {
        let image = "services: {a: {image: registry.corp/prod/app}}";
        for case in [Case::default().compose(image), Case::default().kubernetes(&pod("r.corp/app"))]
        {
            case.check("BASE-001", Expect::Unknown);
            assert!(case.findings("BASE-001").iter().all(|it| it.action == crate::Action::Warn));
            let set = case.policy("rules: {BASE-001: deny}");
            set.check("BASE-001", Expect::Fail);
        }
        Case::default().kubernetes(&pod("somebody/app")).check("BASE-001", Expect::Fail);
        let listed = Case::default().policy("bases: {allow: [{repository: \"r.corp/*\"}]}");
        listed
            .clone()
            .kubernetes(&pod("r.corp/app").replace("debian:12", "r.corp/b"))
            .check("BASE-001", Expect::Pass);
        listed.kubernetes(&pod("r.corp/x/app")).check("BASE-001", Expect::Fail);
    }

    #[test]
    fn a_mirror_stands_for_what_it_mirrors_only_by_digest() {
        let policy = "bases:\n  lock: l\n  allow: []\n  mirrors: [{from: \"registry.corp/hub/*\", to: \"docker.io/*\"}]";
        let case = |from: &str| {
            let case = Case::default().policy(policy).dockerfile(&format!("FROM {from}"));
            case.approved("debian:12", &["a"], "2026-12-31")
        };
        let pinned = format!("registry.corp/hub/library/debian@{}", digest("base index"));
        case(&pinned).check("BASE-001", Expect::Pass);
        case("registry.corp/hub/library/debian:12").check("BASE-001", Expect::Fail);
        case(&pinned.replace("hub", "hub2")).check("BASE-001", Expect::Fail);
    }
}
