//! DF-081: the image exposes no port of the Docker API.

use super::{About, Raised, Rule, RuleContext, ports};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-081",
    name: "df_081_exposes_docker_api",
    title: "the image exposes no port of the Docker API",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Who reaches the API of a Docker daemon starts containers with every right on its host: it is root there, without a password.",
    mend: "remove the port; who needs the API asks a proxy in front of the socket that lets single calls through",
    bad: "EXPOSE 2375",
    good: "EXPOSE 8080",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

/// The API without and with TLS, the management of a swarm, and the API of old.
const PORTS: [u32; 4] = [2375, 2376, 2377, 4243];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let title = "the image exposes a port of the Docker API";
    let untold = "it can not be told whether the image exposes a port of the Docker API";
    ports::check(context, &PORTS, (title, untold, "none of the ports 2375, 2376, 2377 and 4243"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn each_port_of_the_api_fails() {
        for port in ["2375", "2376/tcp", "2377", "4243", "2000-3000", "0.0.0.0:1:2375"] {
            let case = Case::default().dockerfile(&format!("FROM a\nEXPOSE 80 {port}"));
            case.check("DF-081", Expect::Fail);
            assert_eq!(case.places("DF-081"), [(2, 11)]);
        }
    }

    #[test]
    fn other_ports_pass() {
        check_files("DF-081", Expect::Pass, &["FROM a\nEXPOSE 2374 2378 4242-4242 2375/udp 12375"]);
    }

    #[test]
    fn a_port_without_a_value_can_not_be_told_and_blocks_nothing() {
        let case = Case::default().dockerfile("FROM a\nEXPOSE $P");
        case.check("DF-081", Expect::Unknown);
        assert_eq!(case.findings("DF-081")[0].action, crate::Action::Warn);
    }
}
