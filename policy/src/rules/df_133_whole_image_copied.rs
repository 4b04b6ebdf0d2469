//! DF-133: no image is copied as a whole.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use crate::{
    dockerfile::{Argument, Source},
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-133",
    name: "df_133_whole_image_copied",
    title: "no image is copied as a whole",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "What is copied has neither the configuration of the image nor its layers: nobody can tell any more which base it is.",
    mend: "begin the stage with `FROM` that image, or copy the files that are needed",
    bad: "COPY --from=debian:12 / /",
    good: "FROM debian:12",
    equivalents: &["DL3067"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of_step = |placed: commands::Placed<'_>| {
        let from = placed.step.instruction.flag("from")?;
        let is_image = placed
            .stage
            .inputs
            .iter()
            .any(|input| input.at == from.at && !matches!(input.source, Source::Stage(_)));
        let (to, sources) = placed.step.arguments.split_last()?;
        let is_root = |argument: &Argument| {
            argument.known().is_some_and(|text| text.starts_with('/') && host::normal(text) == "/")
        };
        let is_whole = is_image && is_root(to) && sources.iter().any(is_root);
        let found = format!("`COPY --from={} / /`", from.value.as_deref().unwrap_or_default());
        is_whole.then(|| {
            context.fail(
                inputs::place(placed.build, from.at),
                "an image is copied as a whole",
                found,
                "`FROM`, or single files",
            )
        })
    };
    commands::reachable(context).filter(|placed| placed.is("COPY")).filter_map(of_step).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn the_root_of_an_image_fails() {
        check_files(
            "DF-133",
            Expect::Fail,
            &["FROM a\nCOPY --from=b:1 / /", "FROM a\nCOPY --link --from=b [\"/./\", \"//\"]"],
        );
        assert_eq!(
            Case::default().dockerfile("FROM a\nCOPY --link --from=b / /").places("DF-133"),
            [(2, 13)]
        );
    }

    #[test]
    fn stages_and_files_pass() {
        check_files(
            "DF-133",
            Expect::Pass,
            &[
                "FROM a AS b\nFROM c\nCOPY --from=b / /\nCOPY --from=d / /rootfs\nCOPY --from=d /bin /\nCOPY / /",
            ],
        );
    }
}
