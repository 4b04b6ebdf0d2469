//! DF-082: every port of EXPOSE is one.

use super::{
    About, Raised, Rule, RuleContext, inputs,
    ports::{self, Ports},
};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-082",
    name: "df_082_port_out_of_range",
    title: "every port of EXPOSE is one",
    severity: Severity::High,
    action: Action::Warn,
    why: "What is no port is not exposed, or stops the build: the file says something else than its author meant.",
    mend: "name ports from 1 to 65535, a range from its lower end",
    bad: "EXPOSE 80800",
    good: "EXPOSE 8080",
    equivalents: &["DL3011", "DS-0008"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "ports from 1 to 65535, with `/tcp`, `/udp` or `/sctp`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    // A value that is not known here is looked at by the build itself, which refuses what is no port.
    let is_wrong = |ports: &Ports| match ports {
        Ports::Range { low, high, .. } => {
            !(1..=65_535).contains(low) || high > &65_535 || low > high
        }
        Ports::Malformed => true,
        Ports::Unknown(_) => false,
    };
    let exposed = ports::exposed(context).into_iter();
    exposed
        .filter(|exposed| is_wrong(&exposed.ports))
        .map(|exposed| {
            let place = inputs::place(exposed.placed.build, exposed.at);
            let found = format!("`EXPOSE {}`", exposed.text);
            context.fail(place, "`EXPOSE` names what is no port", found, EXPECTED)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn what_is_no_port_fails() {
        for port in ["65536", "0", "-1", "99999999999", "http", "90-80", "80-65536", "80/http"] {
            let case = Case::default().dockerfile(&format!("FROM a\nEXPOSE 80 {port}"));
            case.check("DF-082", Expect::Fail);
            assert_eq!(case.places("DF-082"), [(2, 11)], "{port}");
        }
    }

    #[test]
    fn ports_and_what_only_the_build_knows_pass() {
        let good = ["FROM a\nEXPOSE 1 65535 80/udp 80-90/sctp 0.0.0.0:1:2", "FROM a\nEXPOSE $P"];
        check_files("DF-082", Expect::Pass, &good);
    }
}
