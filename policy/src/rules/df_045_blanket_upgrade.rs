//! DF-045: a build does not upgrade the whole system.

use super::{About, Raised, Rule, RuleContext, commands, packages::Operation};
use crate::{decide::Action, dockerfile::Word};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-045",
    name: "df_045_blanket_upgrade",
    title: "no step upgrades everything that is installed",
    severity: Severity::Low,
    action: Action::Warn,
    why: "An image that is patched in place is another one at every build, and no longer the base that was approved.",
    mend: "build again from a newer base; where one package can not wait, name it: `apt-get install --only-upgrade openssl`",
    bad: "FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y",
    good: "FROM debian:12.6\nRUN apt-get update && apt-get install -y --only-upgrade openssl",
    equivalents: &["DL3035", "DS-0024", "DKL-DI-0003"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a newer base, or the packages by name";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a step upgrades everything",
    expected: EXPECTED,
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in commands::in_image(context).filter(|placed| placed.is("RUN")) {
        for command in placed.commands() {
            let Some(operation) = Operation::of(command) else { continue };
            if operation.is_of_system() && operation.upgrades_all() {
                let shown = command.words.iter().map(Word::text).collect::<Vec<_>>().join(" ");
                let title = "a step upgrades everything that is installed";
                all.push(placed.fail_at(context, command, (title, EXPECTED), format!("`{shown}`")));
            }
        }
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn upgrades_of_everything_fail() {
        for (bad, place) in [
            ("RUN apt-get update && apt-get upgrade -y", (2, 23)),
            (
                "RUN apt-get update && \\\n  DEBIAN_FRONTEND=noninteractive apt-get -y dist-upgrade",
                (3, 3),
            ),
            ("RUN apt full-upgrade", (2, 5)),
            ("RUN apk upgrade --no-cache", (2, 5)),
            ("RUN apk --no-cache upgrade", (2, 5)),
            ("RUN yum -y update", (2, 5)),
            ("RUN dnf upgrade -y --refresh", (2, 5)),
            ("RUN microdnf update", (2, 5)),
            ("RUN zypper -n dup", (2, 5)),
            ("RUN zypper --non-interactive patch", (2, 5)),
            ("RUN <<EOF\nsudo yum update\nEOF", (3, 1)),
        ] {
            case(bad).check("DF-045", Expect::Fail);
            assert_eq!(case(bad).places("DF-045"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-045")[0].action, Action::Warn);
        }
    }

    #[test]
    fn named_packages_pass() {
        for good in [
            "RUN apt-get install --only-upgrade -y openssl",
            "RUN apk upgrade --no-cache openssl",
            "RUN apk add --upgrade openssl",
            "RUN dnf -y update openssl",
            "RUN yum update -y $PACKAGES",
            "RUN pip install --upgrade x==1",
            "RUN echo apt-get upgrade",
            "RUN apt-get upgrade\nFROM debian",
        ] {
            case(good).check("DF-045", Expect::Pass);
        }
    }
}
