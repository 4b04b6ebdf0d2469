//! DF-101: no file can be written by everybody.

use super::{About, Raised, Rule, RuleContext, commands, inputs, modes};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-101",
    name: "df_101_world_writable",
    title: "no file can be written by everybody",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever gets into the container as any user changes what everybody else runs or reads.",
    mend: "give the one user or group that writes there the right to do so: `chmod 755`, `chmod g+w`, `COPY --chown`",
    bad: "RUN chmod -R 777 /app",
    good: "RUN chmod -R 755 /app",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str =
    "no right to write for everybody; for a directory of all, the sticky bit as well (`1777`)";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let title = "everybody may write to a file";
    let untold = "it can not be told whether everybody may write to a file";
    let mut raised = modes::check(context, modes::is_world_writable, (title, untold, EXPECTED));
    let steps = commands::reachable(context).filter(|placed| placed.is("RUN"));
    raised.extend(steps.flat_map(|placed| {
        modes::open_masks(placed).map(move |(at, found)| {
            context.fail(inputs::place(placed.build, at), title, found, EXPECTED)
        })
    }));
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn every_way_to_let_everybody_write_fails() {
        let bad = [
            "FROM a\nRUN x; chmod -R 777 /x",
            "FROM a\nRUN chmod 0666 /x",
            "FROM a\nRUN chmod a+rwx /x",
            "FROM a\nRUN chmod ugo=rwX /x",
            "FROM a\nRUN chmod u=rw,o+w /x",
            "FROM a\nRUN mkdir -p -m 777 /x",
            "FROM a\nRUN mkdir -pm777 /x",
            "FROM a\nCOPY --chmod=777 x /x",
            "FROM a\nADD --chmod=0666 x /x",
            "FROM a\nRUN chmod -R o=u /x",
            "FROM a\nRUN chmod go=u /x",
            "FROM a\nRUN true; umask 000 && touch /x",
            "FROM a\nRUN umask 0 && touch /x",
            "FROM a\nRUN umask u=rwx,g=rwx,o=rwx; touch /x",
            "FROM a\nRUN dpkg-statoverride --update --add root root 0777 /x",
        ];
        check_files("DF-101", Expect::Fail, &bad);
        let places = |at: usize| Case::default().dockerfile(bad[at]).places("DF-101");
        assert_eq!((places(0), places(7)), (vec![(2, 8)], vec![(2, 6)]));
        assert_eq!((places(9), places(11)), (vec![(2, 5)], vec![(2, 11)]));
    }

    #[test]
    fn rights_of_owner_and_group_and_sticky_directories_pass() {
        let good = [
            "FROM a\nRUN chmod 775 /x && chmod g+w /x && chmod +w /x && chmod o-w,a+x /x",
            "FROM a\nRUN chmod 1777 /tmp && chmod a+rwxt /tmp",
            "FROM a\nRUN mkdir -m 755 777",
            "FROM a\nCOPY --chmod=755 x /x",
            "FROM a\nRUN chmod -R g=u /x && chmod o=g /x",
            "FROM a\nRUN umask 0022 && touch /x && umask 002 && touch /y && umask u=rwx,go=rx && x",
            "FROM a\nRUN touch /x; umask 000",
            "FROM a\nRUN umask && umask -S && x",
            "FROM a\nRUN dpkg-statoverride --list /x && dpkg-statoverride --add root root 0755 /x",
        ];
        check_files("DF-101", Expect::Pass, &good);
    }

    #[test]
    fn a_mode_without_a_value_can_not_be_told() {
        check_files(
            "DF-101",
            Expect::Unknown,
            &["FROM a\nRUN chmod $(x) /x", "FROM a\nADD --chmod=${M} x /x"],
        );
    }
}
