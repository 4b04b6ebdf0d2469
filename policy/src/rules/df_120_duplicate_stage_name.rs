//! DF-120: every stage has a name of its own.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-120",
    name: "df_120_duplicate_stage_name",
    title: "every stage has a name of its own",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "`FROM` and `COPY --from` by that name mean the last stage that has it, which need not be the one that was meant.",
    mend: "give the stages different names",
    bad: "FROM debian:12 AS build\nFROM alpine:3 AS build",
    good: "FROM debian:12 AS build\nFROM alpine:3 AS run",
    equivalents: &["DL3024", "DS-0012"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of_build = |build: &crate::dockerfile::Build| {
        let mut names = std::collections::BTreeMap::new();
        let mut raised = Vec::new();
        for stage in &build.stages {
            let Some(name) = &stage.name else { continue };
            if let Some(first) = names.insert(name.clone(), stage.at.line) {
                let found = format!("`AS {name}`, as in line {first}");
                let place = inputs::place(build, stage.at);
                raised.push(context.fail(place, "two stages have one name", found, "another name"));
            }
        }
        raised
    };
    context.builds().iter().flat_map(of_build).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn a_name_that_is_taken_is_shown_at_the_later_stage() {
        let case = Case::default().dockerfile("FROM a AS b\nFROM c\nFROM d AS B");
        case.check("DF-120", Expect::Fail);
        assert_eq!(case.places("DF-120"), [(3, 1)]);
        assert_eq!(case.findings("DF-120")[0].finding.found, "`AS b`, as in line 1");
    }

    #[test]
    fn different_names_and_none_pass() {
        check_files("DF-120", Expect::Pass, &["FROM a AS b\nFROM b AS c\nFROM d\nFROM d"]);
    }
}
