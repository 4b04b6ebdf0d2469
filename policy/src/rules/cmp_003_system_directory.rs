//! CMP-003: no service gets a directory of the system of its host.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{Mount, Node, may_be_exposed},
    decide::Action,
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-003",
    name: "cmp_003_system_directory",
    title: "no service gets a directory of the system of its host",
    severity: Severity::High,
    action: Action::Deny,
    why: "What is in `/etc`, `/proc` or `/root` decides what the host does and who may use it. Read-only, it still tells keys and passwords.",
    mend: "mount a directory or a named volume that holds no more than the service needs",
    bad: "volumes: ['/etc:/host/etc']",
    good: "volumes: ['./app.conf:/etc/app.conf:ro']",
    equivalents: &["CIS 5.6"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no directory of the system";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = services::each(context, judge);
    for project in context.projects() {
        for entry in project.root.get("volumes").map(Node::entries).unwrap_or_default() {
            let Some(device) = entry.value.at(&["driver_opts", "device"]) else { continue };
            let Some(path) = device.scalar() else { continue };
            let (place, name) = (project.place(device.at), &entry.key);
            let found = format!("`{}`", device.written());
            raised.extend(match exposure(&path) {
                Exposure::Fine => None,
                Exposure::Of(_) => {
                    let title = format!("volume `{name}` is a directory of the system");
                    Some(context.fail(place, title, found, EXPECTED))
                }
                Exposure::Untold => {
                    let title = format!("it can not be told what volume `{name}` is on the host");
                    Some(context.unknown(place, title, found, EXPECTED))
                }
            });
        }
    }
    services::once(raised)
}

/// What a path of the host is.
enum Exposure {
    Of(&'static str),
    Untold,
    Fine,
}

fn exposure(path: &str) -> Exposure {
    if let Some(may_be) = may_be_exposed(path) {
        return if may_be { Exposure::Untold } else { Exposure::Fine };
    }
    if matches!(path, "~" | "~/") {
        return Exposure::Of("/home");
    }
    let found = path.starts_with('/').then(|| host::sensitive(path)).flatten();
    found.map_or(Exposure::Fine, Exposure::Of)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let raise = |mount: Mount| {
        let found = format!("`{}`", mount.written);
        match exposure(mount.source.as_deref()?) {
            Exposure::Fine => None,
            Exposure::Of(directory) => {
                let what = format!("gets `{directory}` of its host, or what is in it");
                Some(on.fail(mount.at, &what, found, EXPECTED))
            }
            Exposure::Untold => {
                Some(on.unknown(mount.at, "gets a directory of the system", found, EXPECTED))
            }
        }
    };
    on.service.mounts().into_iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn directories_of_the_system_fail() {
        for bad in [
            "/:/host:ro",
            "/etc:/e",
            "/proc:/p:ro",
            "/sys/fs/cgroup:/c",
            "/home/a:/h",
            "~:/h",
            "/var/lib/docker/:/d",
        ] {
            let case = case(&format!("volumes: ['{bad}']"));
            case.check("CMP-003", Expect::Fail);
            assert_eq!(case.places("CMP-003"), [(3, 15)], "{bad}");
        }
        let long = case("volumes:\n      - type: bind\n        source: /etc\n        target: /e");
        assert_eq!(long.places("CMP-003"), [(5, 17)]);
        let named = "services: {a: {image: b}}\nvolumes: {v: {driver_opts: {device: /root}}}\n";
        assert_eq!(Case::default().compose(named).places("CMP-003"), [(2, 37)]);
    }

    #[test]
    fn other_directories_pass() {
        for good in [
            "./etc:/etc",
            "/etc/localtime:/etc/localtime:ro",
            "/srv:/s",
            "etc:/etc",
            "/home/a/data:/d",
        ] {
            case(&format!("volumes: ['{good}']")).check("CMP-003", Expect::Pass);
        }
    }

    #[test]
    fn a_directory_that_is_not_known_can_not_be_told() {
        case("volumes: ['${DATA}:/data']").check("CMP-003", Expect::Unknown);
        case("volumes: ['/etc/$X:/data']").check("CMP-003", Expect::Unknown);
    }
}
