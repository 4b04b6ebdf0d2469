//! DF-111: no step of the build runs in the network of its host.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::{decide::Action, dockerfile::Flag};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-111",
    name: "df_111_host_network",
    title: "no step of the build runs in the network of its host",
    severity: Severity::High,
    action: Action::Warn,
    why: "The step reaches what listens on the machine that builds alone: daemons, metadata services, other builds.",
    mend: "remove the flag; what the step needs from a network it gets through the one of the builder",
    bad: "RUN --network=host make",
    good: "RUN make",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`RUN` without `--network`, or with `default` or `none`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::reachable(context).filter(|placed| placed.is("RUN"));
    let flags = steps.flat_map(|placed| {
        placed.step.instruction.flags.iter().map(move |flag| (placed.build, flag))
    });
    let is_meant = |flag: &Flag| {
        let value = flag.value.as_deref().unwrap_or_default();
        flag.name == "network"
            && !["default", "none"].iter().any(|safe| value.eq_ignore_ascii_case(safe))
    };
    flags
        .filter(|(_, flag)| is_meant(flag))
        .map(|(build, flag)| {
            let title = "a step of the build runs in the network of its host";
            let found = format!("`RUN --network={}`", flag.value.as_deref().unwrap_or_default());
            context.fail(inputs::place(build, flag.at), title, found, EXPECTED)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn the_network_of_the_host_fails() {
        let bad = [
            "FROM a\nRUN --network=host x",
            "FROM a\nRUN --network=HOST x",
            "FROM a\nRUN --network=$N x",
        ];
        check_files("DF-111", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-111"), [(2, 5)]);
    }

    #[test]
    fn networks_of_the_builder_pass() {
        let good = [
            "FROM a\nRUN --network=none x\nRUN --network=default x\nRUN docker run --network=host x",
        ];
        check_files("DF-111", Expect::Pass, &good);
    }
}
