//! DF-122: what several files are copied into is a directory.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-122",
    name: "df_122_copy_of_several_into_file",
    title: "what several files are copied into is a directory",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "With more than one source the destination has to end with a slash: the build stops.",
    mend: "end the destination with `/`",
    bad: "COPY a b /app",
    good: "COPY a b /app/",
    equivalents: &["DL3021", "DS-0011"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::reachable(context).filter(|placed| placed.is("COPY") || placed.is("ADD"));
    let raise = |placed: commands::Placed<'_>| {
        let (to, from) = placed.step.arguments.split_last()?;
        // What a variable ends with is seen by the build itself, which stops.
        let text = to.known()?.trim_end_matches(['"', '\'']);
        let is_directory = text.ends_with(['/', '\\']) || matches!(text, "." | "..");
        let is_meant = from.len() > 1 && !is_directory;
        let title = "several files are copied into what is no directory";
        let found = format!("{} sources, and `{text}`", from.len());
        is_meant.then(|| {
            context.fail(
                inputs::place(placed.build, to.at),
                title,
                found,
                "a destination that ends with `/`",
            )
        })
    };
    steps.filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn several_sources_need_a_directory() {
        let bad = [
            "FROM a\nCOPY b c /d",
            "FROM a\nCOPY [\"b\", \"c\", \"/d\"]",
            "FROM a\nADD b c d",
            "FROM a\nARG D=/d\nCOPY b c $D",
        ];
        check_files("DF-122", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-122"), [(2, 10)]);
    }

    #[test]
    fn one_source_and_directories_pass() {
        check_files(
            "DF-122",
            Expect::Pass,
            &["FROM a\nCOPY b /d\nCOPY b c /d/\nCOPY b c .\nCOPY b c $D\nCOPY * /d"],
        );
    }
}
