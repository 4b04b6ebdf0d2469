//! BASE-004: a reference says which registry it means.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Input, InputKind},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-004",
    name: "base_004_short_name",
    title: "images are named with their registry",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Which registry `nginx` is pulled from depends on who pulls: Docker takes Docker Hub, Podman and containerd what their configuration lists, a mirror what it has under that name.",
    mend: "write the registry out: `docker.io/library/nginx`",
    bad: "FROM nginx:1.29",
    good: "FROM docker.io/library/nginx:1.29",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::named(context)
        .filter(|(_, input, _)| is_short(input))
        .map(|(place, input, name)| {
            let title = format!("{} `{}` names no registry", input.kind.as_str(), input.written);
            // Where an image is built, one builder decides; where it is pulled, everyone does.
            let raised =
                context.fail(place, title, format!("`{}`", input.written), format!("`{name}`"));
            match input.kind {
                InputKind::Service | InputKind::Context | InputKind::Pod => raised,
                InputKind::From
                | InputKind::Copy
                | InputKind::Mount
                | InputKind::Frontend
                | InputKind::GivenFrontend => raised.at_most(Action::Inform),
            }
        })
        .collect()
}

/// Whether nothing in it, as written, is a host. What begins with a variable may have one.
fn is_short(input: &Input) -> bool {
    let first = input.written.split_once('/').map_or("", |(first, _)| first);
    let is_host = first.contains(['.', ':']) || first == "localhost";
    !is_host && !input.written.starts_with('$')
}

#[cfg(test)]
mod tests {
    use crate::{Action, rules::testing::*};

    fn case(from: &str) -> Case {
        Case::default().dockerfile(&format!("ARG HUB=docker.io\nFROM {from}"))
    }

    #[test]
    fn a_name_without_a_registry_is_told_and_blocks_nothing_that_is_built() {
        for short in ["debian:12", "acme/app", &at_digest("debian")] {
            case(short).check("BASE-004", Expect::Fail);
            assert_eq!(case(short).findings("BASE-004")[0].action, Action::Inform);
            assert_eq!(case(short).places("BASE-004"), [(2, 6)]);
        }
    }

    #[test]
    fn a_registry_passes_also_in_a_variable() {
        for whole in
            ["docker.io/library/debian", "localhost/a", "corp:5000/a", "$HUB/library/debian"]
        {
            case(whole).check("BASE-004", Expect::Pass);
        }
    }
}
