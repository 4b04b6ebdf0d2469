//! IMG-003: the image declares no port by which a machine is administered.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-003",
    name: "img_003_exposed_ports",
    title: "the image declares no port of SSH or of a container engine",
    severity: Severity::High,
    action: Action::Warn,
    why: "Containers are administered from outside, and not by a way in of their own. Ports 2375 to 2377 are those by which a container engine, and with it the machine, is commanded. Ports below 1024 are shown: they take a right that most programs do not need.",
    mend: "take the port out of `EXPOSE`, and the server out of the image",
    bad: "EXPOSE 22",
    good: "EXPOSE 8080",
    equivalents: &["CIS 5.7", "CIS 5.8"],
    about: &[About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    image.config.exposed_ports.iter().filter_map(|port| judge(context, port)).collect()
}

fn judge(context: &RuleContext<'_>, written: &str) -> Option<Raised> {
    let place = || Place::Config { field: format!("config.ExposedPorts.{written}") };
    let Some((low, high)) = range(written) else {
        let title = format!("it can not be told which port `{written}` is");
        return Some(context.unknown(place(), title, written, "a port from 1 to 65535"));
    };
    // SSH and the engines speak TCP, which is what is meant where nothing is said.
    let protocol = written.split_once('/').map_or("tcp", |(_, protocol)| protocol);
    let is_tcp = protocol.is_empty() || protocol.eq_ignore_ascii_case("tcp");
    let has = |port: u16| is_tcp && (low..=high).contains(&port);
    let what = match () {
        () if has(22) => "the image declares the port of SSH",
        () if (2375..=2377).any(has) => "the image declares a port of a container engine",
        () if low < 1024 => {
            let title = "the image declares a port that takes a right to listen at";
            let raised = context.fail(place(), title, written, "a port from 1024 on");
            return Some(raised.with_severity(Severity::Low).at_most(Action::Inform));
        }
        () => return None,
    };
    Some(context.fail(place(), what, written, "no port by which a machine is administered"))
}

/// The first and the last port of `80`, `80/tcp`, `8000-8010/udp`.
fn range(written: &str) -> Option<(u16, u16)> {
    let ports = written.split('/').next()?;
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (0 < low && low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(ports: &[&str]) -> Case {
        let ports = ports.iter().map(|port| (*port).to_owned()).collect();
        Case::default().image_with(&["a"], |config| config.exposed_ports = ports)
    }

    #[test]
    fn ports_of_administration_fail() {
        for port in ["22", "22/tcp", "2375/tcp", "2376", "2377/TCP", "20-25/tcp", "2000-3000"] {
            let case = case(&[port, "8080/tcp"]);
            case.check("IMG-003", Expect::Fail);
            let found = &case.findings("IMG-003")[0];
            assert_eq!((found.action, found.finding.severity), (Action::Warn, Severity::High));
            let field = format!("config.ExposedPorts.{port}");
            assert_eq!(found.finding.place, Place::Config { field });
        }
    }

    #[test]
    fn low_ports_are_shown_and_others_pass() {
        let shown =
            case(&["80/tcp", "443/tcp"]).policy("rules: {IMG-003: deny}").findings("IMG-003");
        assert_eq!(shown.iter().map(|found| found.action).collect::<Vec<_>>(), [Action::Inform; 2]);
        case(&["1024/tcp", "8080", "2374", "2378/tcp"]).check("IMG-003", Expect::Pass);
        case(&["2375/udp", "2377/sctp"]).check("IMG-003", Expect::Pass);
        // Another protocol than that of SSH.
        let other = &case(&["22/udp"]).findings("IMG-003")[0];
        assert_eq!((other.action, other.finding.severity), (Action::Inform, Severity::Low));
        let title = "the image declares a port that takes a right to listen at";
        assert_eq!(other.finding.title, title);
        case(&[]).check("IMG-003", Expect::Pass);
    }

    #[test]
    fn what_is_no_port_can_not_be_told() {
        for port in ["", "ssh", "0/tcp", "70000", "$PORT", "9-8", "-1"] {
            case(&[port]).check("IMG-003", Expect::Unknown);
        }
    }
}
