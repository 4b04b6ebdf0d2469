//! DF-080: the image exposes no port of SSH.

use super::{About, Raised, Rule, RuleContext, ports};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-080",
    name: "df_080_exposes_ssh",
    title: "the image exposes no port of SSH",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A container is entered by its runtime. A shell that listens is one more way in, with keys of its own that nobody rotates.",
    mend: "remove the port and the server behind it; enter the container with `docker exec` or `kubectl exec`",
    bad: "EXPOSE 22",
    good: "EXPOSE 8080",
    equivalents: &["CIS 5.7", "DS-0004", "CKV_DOCKER_1"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let title = "the image exposes the port of SSH";
    let untold = "it can not be told whether the image exposes the port of SSH";
    ports::check(context, &[22], (title, untold, "no port 22"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn port_22_fails_however_it_is_written() {
        let bad = [
            "FROM a\nEXPOSE 22",
            "FROM a\nEXPOSE 80 22/tcp",
            "FROM a\nEXPOSE 20-25/TCP",
            "FROM a\nEXPOSE 2222:22",
            "FROM a\nEXPOSE \"22\"",
            "FROM a\nARG P=22\nEXPOSE ${P}",
            "FROM a\nENV P=\"80 22\"\nEXPOSE $P",
            "FROM a AS b\nEXPOSE 22\nFROM b",
            "FROM a\nONBUILD EXPOSE 22",
        ];
        check_files("DF-080", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[1]).places("DF-080"), [(2, 11)]);
    }

    #[test]
    fn other_ports_and_other_stages_pass() {
        let good = [
            "FROM a\nEXPOSE 2222 220 22/udp 23-30",
            "FROM a AS b\nEXPOSE 22\nFROM c\nCOPY --from=b / /",
            "FROM a\n# EXPOSE 22",
        ];
        check_files("DF-080", Expect::Pass, &good);
        let chosen = Case::default().dockerfile(good[1]).target("b");
        chosen.check("DF-080", Expect::Fail);
    }

    #[test]
    fn a_port_without_a_value_can_not_be_told() {
        let case = Case::default().dockerfile("FROM a\nARG P\nEXPOSE $P");
        case.check("DF-080", Expect::Unknown);
        case.clone().build_arg("P", "22").check("DF-080", Expect::Fail);
        case.build_arg("P", "80").check("DF-080", Expect::Pass);
    }
}
