//! DF-121: no stage copies from itself.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-121",
    name: "df_121_copy_from_itself",
    title: "no stage copies from itself",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A stage can not take files from what it has not become yet: the build stops.",
    mend: "name the stage that has the files",
    bad: "FROM debian:12 AS run\nCOPY --from=run /app /app",
    good: "FROM debian:12 AS run\nCOPY --from=build /app /app",
    equivalents: &["DL3023", "DS-0006"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let stages = context.builds().iter().flat_map(|build| {
        build.stages.iter().enumerate().map(move |(number, stage)| (build, number, stage))
    });
    let mut raised = Vec::new();
    for (build, number, stage) in stages {
        let is_itself = |input: &&crate::dockerfile::Input| {
            let is_named =
                stage.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&input.written));
            is_named || input.written.parse() == Ok(number)
        };
        for input in stage.inputs.iter().filter(is_itself) {
            let found = format!("`{}={}`", input.kind.as_str(), input.written);
            let place = inputs::place(build, input.at);
            raised.push(context.fail(place, "a stage copies from itself", found, "another stage"));
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn the_own_name_and_number_fail() {
        let bad = [
            "FROM a AS b\nCOPY --from=b / /",
            "FROM a AS b\nCOPY --from=B / /",
            "FROM a\nFROM b\nCOPY --from=1 / /",
            "FROM a AS b\nRUN --mount=from=b,target=/x y",
        ];
        check_files("DF-121", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-121"), [(2, 6)]);
    }

    #[test]
    fn other_stages_and_images_pass() {
        check_files(
            "DF-121",
            Expect::Pass,
            &[
                "FROM a AS b\nFROM c AS d\nCOPY --from=b / /\nCOPY --from=0 / /\nCOPY --from=e / /\nCOPY b /",
            ],
        );
    }
}
