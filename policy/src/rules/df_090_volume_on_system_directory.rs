//! DF-090: no volume lies on a directory of the system.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::{decide::Action, dockerfile::Expanded, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-090",
    name: "df_090_volume_on_system_directory",
    title: "no volume lies on a directory of the system",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A volume hides what the image has there and keeps what a container wrote there: after an update the old system is still in use, and what a break-in left behind as well.",
    mend: "put what has to last into a directory of its own, as in `/var/lib` or `/data`",
    bad: "VOLUME /etc",
    good: "VOLUME /data",
    equivalents: &["DKL-DI-0002"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a directory of the application's own";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::in_image(context).filter(|placed| placed.is("VOLUME"));
    let arguments = steps
        .flat_map(|placed| placed.step.arguments.iter().map(move |argument| (placed, argument)));
    let raise = |(placed, argument): (commands::Placed<'_>, &crate::dockerfile::Argument)| {
        let place = inputs::place(placed.build, argument.at);
        match argument.value.as_ref()? {
            Expanded::Known(path) => {
                let is_meant = host::normal(path) == "/" || host::is_system(path);
                let title = "a volume lies on a directory of the system";
                is_meant.then(|| context.fail(place, title, format!("`VOLUME {path}`"), EXPECTED))
            }
            Expanded::Unknown { variable } => {
                let title = "it can not be told where a volume lies";
                let found =
                    format!("`VOLUME` depends on `{variable}`, whose value is not known here");
                Some(context.unknown(place, title, found, EXPECTED))
            }
        }
    };
    arguments.filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn directories_of_the_system_fail_however_they_are_written() {
        let bad = [
            "FROM a\nVOLUME /data /etc",
            "FROM a\nVOLUME [\"/usr/\"]",
            "FROM a\nVOLUME /",
            "FROM a\nVOLUME //dev//",
            "FROM a\nVOLUME /var/../proc/sys",
            "FROM a\nARG D=/boot\nVOLUME $D",
            "FROM a AS b\nVOLUME /lib\nFROM b",
        ];
        check_files("DF-090", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-090"), [(2, 14)]);
    }

    #[test]
    fn directories_of_the_application_pass() {
        let good = [
            "FROM a\nVOLUME /data /var/lib/app /etc/app /usr/share/app /dev/shm /etcetera",
            "FROM a AS b\nVOLUME /etc\nFROM c\nCOPY --from=b / /",
        ];
        check_files("DF-090", Expect::Pass, &good);
    }

    #[test]
    fn a_directory_without_a_value_can_not_be_told() {
        check_files("DF-090", Expect::Unknown, &["FROM a\nVOLUME $D", "FROM a\nVOLUME [\"$D/x\"]"]);
    }
}
