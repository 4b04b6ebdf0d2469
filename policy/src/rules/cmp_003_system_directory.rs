//! CMP-003: no service gets a directory of the system of its host.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged, Shared},
};
use crate::{
    compose::{Exposure, Looked, Mount},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-003",
    name: "cmp_003_system_directory",
    title: "no service gets a directory of the system of its host, or the keys of people",
    severity: Severity::High,
    action: Action::Deny,
    why: "What is in `/etc`, `/proc` or `/root` decides what the host does and who may use it. Read-only, it still tells keys and passwords, and so do `~/.ssh`, `~/.aws` and their like.",
    mend: "mount a directory or a named volume that holds no more than the service needs",
    bad: "volumes: ['/etc:/host/etc']",
    good: "volumes: ['./app.conf:/etc/app.conf:ro']",
    equivalents: &["CIS 5.6"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no directory of the system, and no credentials";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = services::each(context, judge);
    for project in context.projects() {
        for Shared { kind, name, path } in services::shared(project) {
            let Some(text) = path.scalar() else { continue };
            // A file that is given as a secret, or as a setting, may be anywhere; a key of the machine is neither.
            let looked = if kind == "volume" { Looked::System } else { Looked::Keys };
            let (place, found) = (project.place(path.at), format!("`{}`", path.written()));
            raised.extend(match project.exposure(path.at, &text, looked) {
                Exposure::Of(what) => {
                    let title =
                        format!("{kind} `{name}` is `{what}` of the host, or what is in it");
                    Some(context.fail(place, title, found, EXPECTED))
                }
                Exposure::Untold if looked == Looked::System => {
                    let title = format!("it can not be told what {kind} `{name}` is on the host");
                    Some(context.unknown(place, title, found, EXPECTED))
                }
                // CMP-002 says that it can not be told.
                Exposure::Untold | Exposure::None => None,
            });
        }
    }
    services::once(raised)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let raise = |mount: Mount| {
        let found = format!("`{}`", mount.written);
        match on.project.exposure(mount.at, mount.source.as_deref()?, Looked::System) {
            Exposure::None => None,
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
    fn credentials_and_what_relative_paths_lead_to_fail() {
        for bad in [
            "~/.ssh:/x",
            "/home/a/.ssh:/x:ro",
            "${HOME}/.aws:/a",
            "../../../etc:/e",
            "../../.kube:/k",
        ] {
            let case = case(&format!("volumes: ['{bad}']")).checkout("/srv/ci/app");
            case.check("CMP-003", Expect::Fail);
            assert_eq!(case.places("CMP-003"), [(3, 15)], "{bad}");
        }
        let shared = "services: {a: {image: b}}\nconfigs: {s: {file: /etc/shadow}}\nsecrets: {t: {file: /root/.ssh/id_rsa}}\n";
        let shared = Case::default().compose(shared);
        shared.check("CMP-003", Expect::Fail);
        assert_eq!(shared.places("CMP-003"), [(2, 21), (3, 21)]);
    }

    #[test]
    fn what_is_meant_to_be_secret_and_what_is_beside_passes() {
        let shared = "services: {a: {image: b}}\nsecrets: {t: {file: /etc/app/key.pem}, u: {file: ~/.aws/credentials}, v: {file: ./.ssh/deploy}, w: {file: '${K}'}}\n";
        Case::default().compose(shared).check("CMP-003", Expect::Pass);
        for good in ["../data:/d", "..:/app", "./.ssh:/s", "~/data:/d", "../../etcetera:/e"] {
            case(&format!("volumes: ['{good}']"))
                .checkout("/srv/ci/app")
                .check("CMP-003", Expect::Pass);
        }
        case("volumes: ['../../etc:/e']").checkout("/srv/ci/app").check("CMP-003", Expect::Unknown);
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
