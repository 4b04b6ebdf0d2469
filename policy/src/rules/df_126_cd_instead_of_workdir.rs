//! DF-126: directories are changed by WORKDIR.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-126",
    name: "df_126_cd_instead_of_workdir",
    title: "directories are changed by WORKDIR",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "What `cd` does ends with its `RUN`, which the next reader of the file does not see.",
    mend: "write `WORKDIR` in front of the `RUN`",
    bad: "RUN cd /app",
    good: "WORKDIR /app",
    equivalents: &["DL3003", "DS-0013"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether `RUN` begins with a change of the directory",
    expected: "`WORKDIR`",
    names: &[],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::reachable(context).filter(|placed| placed.is("RUN"));
    let raise = |placed: commands::Placed<'_>| {
        // One `cd` before other commands is common, and a way of its own: what begins with it could be a `WORKDIR`.
        let first = placed.step.script.commands.iter().find(|command| !command.words.is_empty())?;
        let to = first.arguments_of("cd")?;
        let found = format!("`cd {}`", to.first().map_or("", |word| word.text()));
        let place = inputs::place(placed.build, first.at);
        Some(context.fail(place, "`RUN` changes the directory", found, "`WORKDIR`"))
    };
    let runs = commands::reachable(context).filter(|placed| placed.is("RUN"));
    let untold = commands::untold_of(context, runs, ABOUT);
    steps.filter_map(raise).chain(untold).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn a_run_that_begins_with_cd_fails() {
        let bad = [
            "FROM a\nRUN cd /b && c",
            "FROM a\nRUN A=b; cd /c; d",
            "FROM a\nRUN <<EOF\ncd /b\nc\nEOF\n",
        ];
        check_files("DF-126", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-126"), [(2, 5)]);
    }

    #[test]
    fn cd_in_the_middle_and_elsewhere_passes() {
        check_files(
            "DF-126",
            Expect::Pass,
            &["FROM a\nWORKDIR /b\nRUN c && cd d && e\nRUN echo cd\nCMD cd /b && c\nRUN cdrecord"],
        );
    }
}
