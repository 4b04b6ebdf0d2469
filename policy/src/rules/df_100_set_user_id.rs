//! DF-100: no file is given the rights of its owner or capabilities.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs, modes,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-100",
    name: "df_100_set_user_id",
    title: "no file is given the rights of its owner or capabilities",
    severity: Severity::High,
    action: Action::Warn,
    why: "Whoever runs such a file gets the rights of its owner, or capabilities of root, whatever user the container has: it undoes `USER`.",
    mend: "do without; what needs a right is given it where the container is run (`--cap-add`), and files that came with the base lose theirs by `chmod a-s`",
    bad: "RUN chmod u+s /usr/bin/app",
    good: "RUN chmod 755 /usr/bin/app",
    equivalents: &["CIS 4.8", "CDI-0008"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no set-user-ID or set-group-ID bit, and no file capabilities";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let title = "a file runs with the rights of its owner or group";
    let untold = "it can not be told whether a file runs with the rights of its owner or group";
    let mut raised = modes::check(context, modes::sets_id, (title, untold, EXPECTED));
    let steps = commands::reachable(context).filter(|placed| placed.is("RUN"));
    raised.extend(steps.flat_map(|placed| capabilities(context, placed)));
    raised
}

fn capabilities(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let gives = |command: &&Command| {
        let removes = |word: &Word| matches!(word.text(), "-r" | "-v" | "-h");
        let arguments = command.arguments_of("setcap").unwrap_or_default();
        !arguments.is_empty() && !arguments.iter().any(removes)
    };
    let raise = |command: &Command| {
        let words: Vec<_> = command.words.iter().map(Word::text).collect();
        let place = inputs::place(placed.build, command.at);
        context.fail(
            place,
            "a file is given capabilities",
            format!("`{}`", words.join(" ")),
            EXPECTED,
        )
    };
    placed.commands().filter(gives).map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn every_way_to_set_the_bits_fails() {
        let bad = [
            "FROM a\nRUN x && chmod u+s /x",
            "FROM a\nRUN chmod -R g+s /x",
            "FROM a\nRUN chmod +s /x",
            "FROM a\nRUN mkdir /x && chmod 2755 /x /y",
            "FROM a\nRUN mkdir /x && chmod 4755 /x",
            "FROM a\nRUN mkdir /x && chmod -R 2755 /x",
            "FROM a\nRUN chmod 4755 /x",
            "FROM a\nRUN chmod -v 02755 /x",
            "FROM a\nRUN /bin/chmod u=rwxs,g=rx /x",
            "FROM a\nRUN [\"chmod\", \"u+s\", \"/x\"]",
            "FROM a\nRUN sh -c 'chmod u+s /x'",
            "FROM a\nRUN install -o root -m 4755 x /x",
            "FROM a\nRUN install --mode=4755 x /x",
            "FROM a\nRUN find / -name x -exec chmod u+s {} +",
            "FROM a\nRUN ls | xargs chmod u+s",
            "FROM a\nARG M=4755\nRUN chmod $M /x",
            "FROM a\nCOPY --chmod=4755 x /x",
            "FROM a AS b\nADD --chmod=6755 x /x\nFROM c\nCOPY --from=b /x /x",
            "FROM a\nRUN <<EOF\nset -e\nchmod u+s /x\nEOF\n",
            "FROM a\nRUN setcap cap_net_raw+ep /x",
            "FROM a\nRUN dpkg-statoverride --add root root 4755 /x",
            "FROM a\nRUN x && dpkg-statoverride --force-all --update --add root root 2755 /x",
        ];
        check_files("DF-100", Expect::Fail, &bad);
        let places = |at: usize| Case::default().dockerfile(bad[at]).places("DF-100");
        assert_eq!((places(20), places(21)), (vec![(2, 5)], vec![(2, 10)]));
        assert_eq!(
            (places(0), places(16), places(18)),
            (vec![(2, 10)], vec![(2, 6)], vec![(4, 1)])
        );
    }

    #[test]
    fn modes_without_the_bits_pass() {
        let good = [
            "FROM a\nRUN chmod 0755 /x && chmod +x,o-w /y && chmod -s /z",
            "FROM a\nRUN find / -perm /6000 -type f -exec chmod a-s {} +",
            "FROM a\nRUN setcap -r /x && getcap /x",
            "FROM a\nRUN mkdir -p /x && chmod 3777 /x",
            "FROM a\nRUN echo chmod u+s /x",
            "FROM a\nRUN chmod --reference=/y /x",
            "FROM a\nRUN install -d -m 1777 /x",
            "FROM a\nCOPY --chmod=755 --chown=0:0 x /x",
            "FROM a AS b\nRUN chmod u+s /x\nFROM c",
            "FROM a\nCMD chmod u+s /x",
            "FROM a\nRUN dpkg-statoverride --remove /x && dpkg-statoverride --add root root 0755 /x",
        ];
        check_files("DF-100", Expect::Pass, &good);
    }

    #[test]
    fn a_mode_without_a_value_can_not_be_told() {
        let bad = [
            "FROM a\nRUN chmod $M /x",
            "FROM a\nCOPY --chmod=$M x /x",
            "FROM a\nRUN x 'y",
            "FROM a\nSHELL [\"pwsh\"]\nRUN chmod u+s /x",
        ];
        check_files("DF-100", Expect::Unknown, &bad);
    }
}
