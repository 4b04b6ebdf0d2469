//! DF-131: FROM names a platform only by a variable of the builder.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-131",
    name: "df_131_platform_of_from",
    title: "FROM names a platform only by a variable of the builder",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A platform that stands there is built whatever was asked for; `$TARGETPLATFORM` is what `FROM` takes anyway.",
    mend: "leave the flag out, or write `--platform=$BUILDPLATFORM` where a stage runs what builds",
    bad: "FROM --platform=linux/amd64 debian:12",
    good: "FROM --platform=$BUILDPLATFORM debian:12",
    equivalents: &["DL3029", "DL3065"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let stages = context
        .builds()
        .iter()
        .flat_map(|build| build.stages.iter().map(move |stage| (build, stage)));
    let raise = |(build, stage): (&crate::dockerfile::Build, &crate::dockerfile::Stage)| {
        let flag = stage.platform.as_ref()?;
        let value = flag.value.as_deref().unwrap_or_default();
        let title = match value {
            "$TARGETPLATFORM" | "${TARGETPLATFORM}" => "`FROM` says what it takes anyway",
            value if value.contains('$') => return None,
            _ => "`FROM` names a platform",
        };
        let found = format!("`--platform={value}`");
        Some(context.fail(
            inputs::place(build, flag.at),
            title,
            found,
            "no `--platform`, or one by a variable",
        ))
    };
    stages.filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn constants_and_the_default_fail() {
        let bad = [
            "FROM --platform=linux/amd64 a",
            "FROM --platform=$TARGETPLATFORM a",
            "FROM --platform=${TARGETPLATFORM} a",
        ];
        check_files("DF-131", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-131"), [(1, 6)]);
    }

    #[test]
    fn variables_and_none_pass() {
        check_files(
            "DF-131",
            Expect::Pass,
            &[
                "FROM --platform=$BUILDPLATFORM a\nFROM b\nARG P=linux/arm64\nFROM --platform=${P} c",
            ],
        );
    }
}
