//! BASE-045: an image is built anew from a newer base, not patched in place.

use super::{About, Raised, Rule, RuleContext, inputs, packages::Operation};
use crate::{
    bases,
    decide::Action,
    dockerfile::Build,
    facts::{Dockerfile, Facts},
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-045",
    name: "base_045_patched_in_place",
    title: "no layer only upgrades what is installed, and none is the commit of a container",
    severity: Severity::Low,
    action: Action::Warn,
    why: "What is patched in place is another image each time, and no longer the base that was approved; what is committed from a container was built by nobody who could be asked.",
    mend: "build again from a newer base (`plimsoll base outdated`), by a Dockerfile",
    bad: "RUN apt-get update && apt-get upgrade -y   # in the history of the image",
    good: "FROM debian:12.6   # the newer base",
    equivalents: &["DS-0024", "DL3035", "DKL-DI-0003"],
    about: &[About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "layers that a Dockerfile builds, on a newer base";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let base =
        context.facts().bases.and_then(|lock| bases::match_base(lock, &inputs::diff_ids(image)));
    // Of the base whoever approved it has judged; of what is not known to be one, the lowest layer is.
    let below = base.map_or(1, |(_, platform)| platform.diff_ids.len());
    let raise = |(at, layer): (usize, &plimsoll_model::image::Layer)| {
        let place = Place::Config { field: format!("rootfs.diff_ids.{at}") };
        let Some(made_by) =
            layer.created_by.as_deref().map(str::trim).filter(|text| !text.is_empty())
        else {
            let title = "how a layer came about can not be told";
            let found = "its history does not say";
            return Some(context.unknown(place, title, found, EXPECTED).at_most(Action::Inform));
        };
        let title = match how(made_by) {
            How::Built => return None,
            How::Upgraded => "a layer only upgrades what is installed below",
            How::Committed => "a layer is the commit of a container",
        };
        Some(context.fail(place, title, format!("`{made_by}`"), EXPECTED))
    };
    image.layers.iter().enumerate().skip(below).filter_map(raise).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    Built,
    Upgraded,
    Committed,
}

/// How a layer came about, by its line of the history.
fn how(made_by: &str) -> How {
    let (line, builder) = match made_by.strip_prefix("RUN ") {
        Some(rest) => (rest, Builder::Named),
        None => (made_by, Builder::Unnamed),
    };
    // `|1 NAME=value /bin/sh -c …`: the arguments of the build.
    let script = line.split_once(" -c ").filter(|(shell, _)| shell.split(' ').any(is_shell));
    match (script, builder) {
        (Some((_, script)), _) if only_upgrades(script) => How::Upgraded,
        // A build without a script is no build: this is what ran in the container.
        (None, Builder::Unnamed)
            if line.split(' ').all(|word| is_shell(word) || word.starts_with('-')) =>
        {
            How::Committed
        }
        _ => How::Built,
    }
}

enum Builder {
    /// The line begins with the instruction.
    Named,
    /// It is the command alone.
    Unnamed,
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh"))
}

/// Whether everything is upgraded, and nothing is installed besides.
fn only_upgrades(script: &str) -> bool {
    let script = script.strip_suffix("# buildkit").unwrap_or(script).replace(['\n', '\r'], " ; ");
    let file = Dockerfile { path: "history".into(), text: format!("FROM scratch\nRUN {script}\n") };
    let build = Build::of(&file, &Facts::none());
    let steps = build.stages.iter().flat_map(|stage| &stage.steps);
    let commands = steps.flat_map(|step| &step.script.commands);
    let operations: Vec<_> =
        commands.filter_map(Operation::of).filter(Operation::is_of_system).collect();
    operations.iter().any(Operation::upgrades_all)
        && operations.iter().all(|operation| operation.installed().next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    /// An image on an approved base whose own layers were made so.
    fn case(own: &[Option<&str>]) -> Case {
        let names: Vec<String> = (0..own.len()).map(|at| format!("own {at}")).collect();
        let layers: Vec<&str> =
            ["a", "b"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let case = Case::default().policy("bases: {lock: l}").image(&layers);
        let made = [Some("RUN apt-get upgrade"), None].iter().chain(own);
        let made: Vec<Option<String>> = made.map(|text| text.map(str::to_owned)).collect();
        case.made_by(&made).approved("debian:12", &["a", "b"], "2026-12-31")
    }

    #[test]
    fn layers_that_only_upgrade_fail() {
        for bad in [
            "RUN /bin/sh -c apt-get update && apt-get upgrade -y # buildkit",
            "RUN |1 A=b /bin/sh -c apk upgrade --no-cache # buildkit",
            "/bin/sh -c yum -y update && yum clean all",
            "RUN /bin/bash -o pipefail -c dnf upgrade -y",
            "RUN /bin/sh -c apt-get update\napt-get dist-upgrade -y\nrm -rf /var/lib/apt/lists/*",
        ] {
            case(&[Some("COPY a b"), Some(bad)]).check("BASE-045", Expect::Fail);
        }
        let found = &case(&[Some("/bin/sh -c apk upgrade")]).findings("BASE-045")[0];
        assert_eq!(found.finding.place, Place::Config { field: "rootfs.diff_ids.2".to_owned() });
        assert_eq!(found.action, Action::Warn);
    }

    #[test]
    fn commits_of_containers_fail() {
        for bad in ["bash", "/bin/sh", "/bin/bash -l", "sh -i"] {
            let case = case(&[Some(bad)]);
            case.check("BASE-045", Expect::Fail);
            let title = &case.findings("BASE-045")[0].finding.title;
            assert_eq!(title, "a layer is the commit of a container", "{bad}");
        }
    }

    #[test]
    fn what_a_dockerfile_builds_and_what_the_base_did_passes() {
        for good in [
            "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit",
            "RUN /bin/sh -c apt-get update && apt-get upgrade -y && apt-get install -y curl",
            "RUN /bin/sh -c apt-get install --only-upgrade -y openssl",
            "RUN /bin/sh -c echo apt-get upgrade",
            "COPY app /app # buildkit",
            "/bin/sh -c #(nop) COPY file:ab in /app",
            "RUN bash",
            "bazel build //app",
        ] {
            case(&[Some(good)]).check("BASE-045", Expect::Pass);
        }
        case(&[]).check("BASE-045", Expect::Pass);
    }

    #[test]
    fn a_layer_without_a_history_can_not_be_told() {
        case(&[None]).check("BASE-045", Expect::Unknown);
        case(&[Some(" ")]).check("BASE-045", Expect::Unknown);
        assert_eq!(case(&[None]).findings("BASE-045")[0].action, Action::Inform);
    }
}
