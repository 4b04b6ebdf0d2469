//! BASE-020: images come from registries and namespaces that are trusted.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Input, Source},
};
use plimsoll_model::{Severity, finding::Place, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-020",
    name: "base_020_untrusted_source",
    title: "every image comes from a trusted registry and namespace",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Anybody can push `somebody/python` to Docker Hub, and anybody can run a registry. A name that looks right is no reason to run what it names.",
    mend: "use an image of a publisher that `bases.allow` lists, or add the publisher there",
    bad: "FROM docker.io/somebody/python:3.13",
    good: "FROM docker.io/library/python:3.13",
    equivalents: &["DL3026", "KSV-0125"],
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
    let name = match &input.source {
        Source::Image(name) => name,
        Source::Unresolved { variable } => {
            return Some(inputs::unresolved(context, place, variable, input));
        }
        // Of what is malformed, BASE-001 speaks.
        Source::Malformed(_) | Source::Stage(_) | Source::Scratch => return None,
    };
    if is_trusted(context, name) || inputs::is_own(context, input, name) {
        return None;
    }
    let bases = context.policy().bases();
    let patterns: Vec<_> =
        bases.allow.iter().map(|allowed| format!("`{}`", allowed.repository)).collect();
    let expected = if patterns.is_empty() {
        "an entry of the lock: `bases.allow` is empty".to_owned()
    } else {
        format!("one of {}", patterns.join(", "))
    };
    let title = format!("{} `{}` is from an untrusted source", input.kind.as_str(), input.written);
    let found = format!("`{}`", name.repository);
    Some(inputs::from_elsewhere(context, (place, input, name), title, (found, expected)))
}

/// Whether the policy or the lock admits the repository of an image.
pub(super) fn is_trusted(context: &RuleContext<'_>, name: &ImageName) -> bool {
    let bases = context.policy().bases();
    let original = bases.original(&name.repository);
    let repositories = || std::iter::once(&name.repository).chain(&original);
    repositories().any(|repository| bases.allow.iter().any(|allowed| allowed.admits(repository)))
        || context.facts().bases.is_some_and(|lock| {
            lock.entries().iter().any(|entry| {
                !entry.is_expired(context.now())
                    && repositories().any(|repository| *repository == entry.repository)
            })
        })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        let policy = "bases: {allow: [{repository: \"docker.io/library/*\", only: official}, {repository: \"registry.corp/base/*\"}]}";
        Case::default().policy(policy).dockerfile(dockerfile)
    }

    #[test]
    fn trusted_names_pass_in_every_spelling() {
        for good in ["debian:12", "index.docker.io/library/debian", "registry.corp/base/x:1"] {
            case(&format!("FROM {good}")).check("BASE-020", Expect::Pass);
        }
    }

    #[test]
    fn names_that_look_trusted_fail() {
        for bad in [
            "somebody/debian",
            "evil.io/library/debian",
            "docker.io.evil.io/library/debian",
            "registry.corp/base/x/y",
            "registry.corp/basement/x",
            "registry.corp.evil.io/base/x",
            "registry.corp:8443/base/x",
            "debiann",
        ] {
            case(&format!("FROM {bad}")).check("BASE-020", Expect::Fail);
        }
        let copied = case("FROM debian\nCOPY --from=evil/x / /");
        copied.check("BASE-020", Expect::Fail);
        assert_eq!(copied.places("BASE-020"), [(2, 6)]);
    }

    #[test]
    fn what_runs_is_trusted_or_promoted() {
        let run = |image: &str, policy: &str| {
            let pod = format!(
                "apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: a, image: {image}}}]}}\n"
            );
            let service = format!("services: {{a: {{image: {image}}}}}");
            let case = || Case::default().policy(policy);
            [case().kubernetes(&pod), case().compose(&service)]
        };
        let policy = "bases: {allow: []}\npromotion: {to: \"registry.corp/prod/*\"}";
        for case in run("registry.corp/prod/app", policy) {
            case.check("BASE-020", Expect::Pass);
        }
        for bad in ["registry.corp/product/app", "evil.io/prod/app", "debian:13"] {
            let [pod, service] = run(bad, policy);
            pod.check("BASE-020", Expect::Fail);
            service.check("BASE-020", Expect::Fail);
            assert_eq!(
                (pod.places("BASE-020"), service.places("BASE-020")),
                (vec![(3, 38)], vec![(1, 23)])
            );
        }
        // Whoever promotes to anywhere says of no registry that it is theirs.
        for case in run("evil.io/prod/app", "promotion: {to: \"*/prod/*\"}") {
            case.check("BASE-020", Expect::Fail);
        }
        for case in run("r.corp/app", "unknown: fail") {
            case.check("BASE-020", Expect::Unknown);
            assert!(case.findings("BASE-020").iter().all(|it| it.action == crate::Action::Warn));
        }
        for case in run("somebody/app", "unknown: fail") {
            case.check("BASE-020", Expect::Fail);
        }
        for case in run("debian:13", "unknown: fail") {
            case.check("BASE-020", Expect::Pass);
        }
    }

    #[test]
    fn a_variable_without_a_value_can_not_be_told() {
        case("ARG HUB\nFROM $HUB/library/debian").check("BASE-020", Expect::Unknown);
    }

    #[test]
    fn what_the_lock_approves_is_trusted_while_it_holds() {
        let locked = |expires| case("FROM a.io/b:1").approved("a.io/b:1", &["a"], expires);
        locked("2026-06-15").check("BASE-020", Expect::Pass);
        locked("2026-06-14").check("BASE-020", Expect::Fail);
    }
}
