//! DF-134: useradd with a large number is told not to log.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use crate::dockerfile::Word;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-134",
    name: "df_134_useradd_with_large_id",
    title: "useradd with a large number is told not to log",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "Files of the last logins are as long as the largest number of a user: a layer grows by gigabytes.",
    mend: "add `--no-log-init`, or take a smaller number",
    bad: "RUN useradd -u 1000000 app",
    good: "RUN useradd -l -u 1000000 app",
    equivalents: &["DL3046"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

/// From here on the files are large.
const LARGE: u64 = 100_000;

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a user is created with a large id",
    expected: "`--no-log-init`",
    names: &["useradd"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for placed in commands::reachable(context).filter(|placed| placed.is("RUN")) {
        raised.extend(commands::untold(context, placed, ABOUT));
        for command in &placed.step.script.commands {
            let Some(arguments) = command.arguments_of("useradd") else { continue };
            let texts: Vec<&str> = arguments.iter().map(Word::text).collect();
            let is_quiet = |text: &&str| {
                let cluster = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
                **text == *"--no-log-init"
                    || cluster.is_some_and(|cluster| {
                        cluster
                            .split(['u', 'g', 'd', 's', 'c'])
                            .next()
                            .is_some_and(|flags| flags.contains('l'))
                    })
            };
            let number = |(at, text): (usize, &&str)| {
                let joined = text
                    .strip_prefix("--uid=")
                    .or_else(|| text.strip_prefix("-u"))
                    .filter(|rest| !rest.is_empty());
                let is_option = **text == *"--uid"
                    || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('u'));
                let after = texts.get(at.saturating_add(1)).copied().filter(|_| is_option);
                joined.or(after)?.parse::<u64>().ok()
            };
            let Some(number) =
                texts.iter().enumerate().find_map(number).filter(|number| *number >= LARGE)
            else {
                continue;
            };
            if !texts.iter().any(is_quiet) {
                let title = "`useradd` writes large files";
                let found = format!("the number {number} without `--no-log-init`");
                raised.push(context.fail(
                    inputs::place(placed.build, command.at),
                    title,
                    found,
                    "`useradd --no-log-init`",
                ));
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn large_numbers_fail() {
        let bad = [
            "FROM a\nRUN b && useradd -u 100000 c",
            "FROM a\nRUN useradd -mu 1000000 c",
            "FROM a\nRUN useradd --uid=123456789 c",
        ];
        check_files("DF-134", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-134"), [(2, 10)]);
    }

    #[test]
    fn small_numbers_and_the_option_pass() {
        let good = "FROM a\nRUN useradd -u 99999 c; useradd -l -u 100000 d; useradd -rlu 100000 e; useradd --no-log-init --uid 100000 f; useradd g";
        check_files("DF-134", Expect::Pass, &[good, "FROM a\nRUN adduser -u 100000 c"]);
    }
}
