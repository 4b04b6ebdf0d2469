//! DF-128: no ENV uses a variable that it sets itself.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-128",
    name: "df_128_env_refers_to_itself",
    title: "no ENV uses a variable that it sets itself",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "The variables of one `ENV` get their values together: the new value is not seen before the next instruction.",
    mend: "set the variables in two instructions",
    bad: "ENV A=1 B=$A",
    good: "ENV A=1\nENV B=$A",
    equivalents: &["DL3044"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for build in context.builds() {
        let mut set = std::collections::BTreeSet::new();
        for stage in &build.stages {
            set.clear();
            for step in stage.steps.iter().filter(|step| matches!(step.keyword(), "ENV" | "ARG")) {
                let names: Vec<_> =
                    step.arguments.iter().filter_map(|argument| argument.name.as_deref()).collect();
                for argument in step.arguments.iter().filter(|_| step.keyword() == "ENV") {
                    let written = argument.written.as_deref().unwrap_or_default();
                    // One that was set before has a value, as the search path has, which the base sets.
                    let is_meant = |name: &&&str| {
                        **name != "PATH"
                            && !set.contains(**name)
                            && argument.name.as_deref() != Some(**name)
                            && uses(written, name)
                    };
                    if let Some(name) = names.iter().find(is_meant) {
                        let title = "`ENV` uses a variable that it sets itself";
                        let found = format!("`${name}`, which the same `ENV` sets");
                        raised.push(context.fail(
                            inputs::place(build, argument.at),
                            title,
                            found,
                            "an `ENV` of its own",
                        ));
                    }
                }
                set.extend(names);
            }
        }
    }
    raised
}

/// Whether a text has `$NAME` or `${NAME…}`.
fn uses(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(at, sign)| {
        let rest = text.get(at.saturating_add(sign.len())..).unwrap_or_default();
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
        rest.strip_prefix(name).is_some_and(|after| !after.starts_with(is_part))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn a_variable_of_the_same_instruction_fails() {
        let bad =
            ["FROM a\nENV B=1 C=$B", "FROM a\nENV B=1 C=\"x${B:-y}\"", "FROM a\nENV C=$B B=1"];
        check_files("DF-128", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-128"), [(2, 9)]);
    }

    #[test]
    fn variables_that_were_set_before_pass() {
        check_files(
            "DF-128",
            Expect::Pass,
            &[
                "FROM a\nENV B=1\nENV C=$B B=2\nENV PATH=/x:$PATH D=$PATH\nENV E=1 F=$EE\nARG G\nENV G=$G H=$G",
            ],
        );
    }
}
