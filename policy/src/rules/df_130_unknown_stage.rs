//! DF-130: every COPY --from names a stage, or an image by its whole name.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use crate::dockerfile::{Input, InputKind, Source};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-130",
    name: "df_130_unknown_stage",
    title: "every COPY --from names a stage, or an image by its whole name",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A name that no stage has is taken for an image of Docker Hub: a slip of the pen brings in files of strangers.",
    mend: "name a stage of the file, or the image with its registry or tag",
    bad: "FROM debian:12 AS build\nFROM scratch\nCOPY --from=builder /app /app",
    good: "FROM debian:12 AS build\nFROM scratch\nCOPY --from=build /app /app",
    equivalents: &["DL3022"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let inputs = inputs::of(context)
        .filter(|(_, input)| matches!(input.kind, InputKind::Copy | InputKind::Mount));
    let is_bare = |input: &Input| {
        matches!(input.source, Source::Image(_) | Source::Malformed(_))
            && !input.written.contains(['/', ':', '@'])
    };
    inputs
        .filter(|(_, input)| is_bare(input))
        .map(|(place, input)| {
            let title = format!("no stage has the name `{}`", input.written);
            let found = format!("`{}={}`", input.kind.as_str(), input.written);
            context.fail(place, title, found, "a stage, or the whole name of an image")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn names_and_numbers_of_no_stage_fail() {
        let bad = [
            "FROM a\nCOPY --from=b / /",
            "FROM a\nCOPY --from=7 / /",
            "FROM a\nRUN --mount=from=b,target=/c d",
        ];
        check_files("DF-130", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-130"), [(2, 6)]);
    }

    #[test]
    fn stages_and_whole_names_pass() {
        check_files(
            "DF-130",
            Expect::Pass,
            &[
                "FROM a AS b\nFROM c\nCOPY --from=b / /\nCOPY --from=0 / /\nCOPY --from=d:1 / /\nCOPY --from=e/f / /\nCOPY b /",
            ],
        );
    }
}
