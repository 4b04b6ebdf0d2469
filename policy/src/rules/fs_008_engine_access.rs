//! FS-008: the image has no clients, sockets or keys of container engines and clusters.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "FS-008",
    name: "fs_008_engine_access",
    title: "the image has no clients, sockets or keys of container engines and clusters",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "They are what somebody needs who got into the container and wants to get to the machine, or to the cluster.",
    mend: "leave them out, or build them into an image of their own that runs where that is wanted",
    bad: "RUN apt-get install -y docker.io",
    good: "# build with a builder outside of the image",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let words = ("the image has what commands container engines or clusters", "none");
    layers::about(context, Topic::Daemon, words)
}

#[cfg(test)]
mod tests {
    use crate::rules::layers::testing::check_together;

    #[test]
    fn each_is_named_and_the_first_is_the_place_and_what_only_looks_like_it_passes() {
        let all = [
            "etc/kubernetes/admin.conf",
            "root/.kube/config",
            "run/docker.sock",
            "usr/bin/kubectl",
        ];
        let others = ["usr/share/bash-completion/docker", "etc/docker", "app/config"];
        check_together("FS-008", &all, &others);
    }
}
