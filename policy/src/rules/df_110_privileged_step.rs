//! DF-110: no step of the build runs with more rights than a container has.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::{decide::Action, dockerfile::Flag};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-110",
    name: "df_110_privileged_step",
    title: "no step of the build runs with more rights than a container has",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Such a step is root on the machine that builds: what it runs, and what the packages run that it installs, may change every later build.",
    mend: "do without: build what needs devices or privileges on a machine of its own, or emulate it",
    bad: "RUN --security=insecure make test",
    good: "RUN make test",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`RUN` without `--security=insecure`, `--device` and further capabilities";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::reachable(context).filter(|placed| placed.is("RUN"));
    let flags = steps.flat_map(|placed| {
        placed.step.instruction.flags.iter().map(move |flag| (placed.build, flag))
    });
    flags
        .filter(|(_, flag)| is_privileged(flag))
        .map(|(build, flag)| {
            let title = "a step of the build runs with more rights than a container has";
            let found = match &flag.value {
                Some(value) => format!("`RUN --{}={value}`", flag.name),
                None => format!("`RUN --{}`", flag.name),
            };
            context.fail(inputs::place(build, flag.at), title, found, EXPECTED)
        })
        .collect()
}

fn is_privileged(flag: &Flag) -> bool {
    let value = flag.value.as_deref().unwrap_or_default();
    match flag.name.as_str() {
        // Whatever it is that is neither of the two words that are safe.
        "security" => !["sandbox", "default"].iter().any(|safe| value.eq_ignore_ascii_case(safe)),
        "device" | "privileged" => true,
        name => name.starts_with("cap"),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn every_further_right_fails() {
        let bad = [
            "FROM a\nRUN --security=insecure x",
            "FROM a\nRUN --mount=type=cache,target=/c --security=INSECURE x",
            "FROM a\nARG S\nRUN --security=$S x",
            "FROM a\nRUN --device=nvidia.com/gpu=all x",
            "FROM a\nRUN --cap-add=SYS_ADMIN x",
            "FROM a AS b\nRUN --security=insecure x\nFROM c\nCOPY --from=b / /",
        ];
        check_files("DF-110", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[1]).places("DF-110"), [(2, 34)]);
    }

    #[test]
    fn steps_in_a_sandbox_pass() {
        let good = [
            "FROM a\nRUN --security=sandbox --network=none x",
            "FROM a\nRUN x --security=insecure",
            "FROM a AS b\nRUN --security=insecure x\nFROM c",
        ];
        check_files("DF-110", Expect::Pass, &good);
    }
}
