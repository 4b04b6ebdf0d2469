//! CMP-002: no service gets the socket of a container runtime, nor a directory that it is in.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged, Shared},
};
use crate::{
    compose::{Exposure, HOLE, Looked, Node, Spot, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-002",
    name: "cmp_002_runtime_socket",
    title: "no service gets the socket of a container runtime, nor a directory that it is in",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Whoever can talk to the runtime can start a privileged container: the socket is the host, read-only or not, and so is a directory that it is in.",
    mend: "remove the mount; give the service an API that does what it needs and no more",
    bad: "volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']",
    good: "volumes: ['data:/data']",
    equivalents: &["CIS 5.32"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no socket of a runtime";
const WHAT: &str = "gets the socket of a runtime";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = services::each(context, judge);
    for project in context.projects() {
        for Shared { kind, name, path } in services::shared(project) {
            let Some(text) = path.scalar() else { continue };
            let place = project.place(path.at);
            match project.exposure(path.at, &text, Looked::Socket) {
                Exposure::Of(socket) => {
                    let title = format!(
                        "{kind} `{name}` is the socket of a runtime, or a directory it is in"
                    );
                    let found = format!("`{text}`, by which `{socket}` is reached");
                    raised.push(context.fail(place, title, found, EXPECTED));
                }
                Exposure::Untold => {
                    let title = format!("it can not be told what {kind} `{name}` is on the host");
                    let found = format!("`{}`", path.written());
                    raised.push(context.unknown(place, title, found, EXPECTED));
                }
                Exposure::None => {}
            }
        }
    }
    services::once(raised)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for mount in on.service.mounts() {
        let Some(source) = &mount.source else { continue };
        let found = format!("`{}`", mount.written);
        match on.project.exposure(mount.at, source, Looked::Socket) {
            Exposure::Of(socket) => {
                let found = format!("{found}, by which `{socket}` is reached");
                raised.push(on.fail(mount.at, WHAT, found, EXPECTED));
            }
            Exposure::Untold => raised.push(on.unknown(mount.at, WHAT, found, EXPECTED)),
            Exposure::None => {}
        }
    }
    raised.extend(api_socket(on));
    raised.extend(volumes_of_others(on));
    raised
}

/// What a container that no file describes has mounted is not known.
fn volumes_of_others(on: &Judged<'_, '_>) -> Vec<Raised> {
    let items = on.service.node.get("volumes_from").map(Node::one_or_more).unwrap_or_default();
    let is_elsewhere = |item: &&Node| {
        item.scalar().is_some_and(|text| text.starts_with("container:") || text.starts_with(HOLE))
    };
    let raise = |item: &Node| {
        on.unknown(item.at, WHAT, format!("`volumes_from: {}`", item.written()), EXPECTED)
    };
    items.iter().filter(is_elsewhere).map(raise).collect()
}

/// `use_api_socket` mounts the socket by another name.
fn api_socket(on: &Judged<'_, '_>) -> Option<Raised> {
    let node = on.service.node.get("use_api_socket")?;
    let (at, found): (Spot, _) = (node.at, format!("`use_api_socket: {}`", node.written()));
    match node.flag() {
        Told::Is(false) => None,
        Told::Is(true) => Some(on.fail(at, WHAT, found, EXPECTED)),
        Told::Untold => Some(on.unknown(at, WHAT, found, EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn sockets_of_every_engine_and_their_directories_fail() {
        for bad in [
            "/var/run/docker.sock:/var/run/docker.sock",
            "/var/run/docker.sock:/s:ro",
            "/run/containerd/containerd.sock:/s",
            "/var/run/crio/crio.sock:/s",
            "/run/user/1000/podman/podman.sock:/s",
            "/:/host:ro",
            "/var:/v",
            "/var/run/:/r",
            "/srv/../run:/r",
            "${SOCK:-/var/run/docker.sock}:/s",
            "${XDG_RUNTIME_DIR}/docker.sock:/s",
        ] {
            let case = case(&format!("volumes: ['{bad}']"));
            case.check("CMP-002", Expect::Fail);
            assert_eq!(case.places("CMP-002"), [(3, 15)], "{bad}");
        }
    }

    #[test]
    fn the_long_syntax_and_what_has_a_name_fail() {
        case("volumes: [{type: bind, source: /run, target: /r}]").check("CMP-002", Expect::Fail);
        case("use_api_socket: true").check("CMP-002", Expect::Fail);
        for bad in [
            "volumes: {v: {driver_opts: {type: none, o: bind, device: /var/run}}}",
            "configs: {v: {file: /var/run/docker.sock}}",
            "secrets: {v: {file: /run/podman/podman.sock}}",
        ] {
            let case = Case::default().compose(&format!("services: {{a: {{image: b}}}}\n{bad}"));
            case.check("CMP-002", Expect::Fail);
            assert_eq!(case.places("CMP-002")[0].0, 2, "{bad}");
        }
    }

    #[test]
    fn relative_paths_are_followed_out_of_the_checkout() {
        for bad in ["../../../../../../:/h", "./x/../../../../../var/run:/r", "../../../run:/r"] {
            let lines = format!("volumes: ['{bad}']");
            let case = case(&lines).checkout("/srv/ci/app");
            case.check("CMP-002", Expect::Fail);
            assert_eq!(case.places("CMP-002"), [(3, 15)], "{bad}");
        }
        let long = case("volumes: [{type: bind, source: ../../.., target: /h}]");
        long.clone().checkout("/srv/ci/app").check("CMP-002", Expect::Fail);
        long.clone().checkout("/data/ci/a/b/app").check("CMP-002", Expect::Unknown);
        long.check("CMP-002", Expect::Unknown);
        case("volumes: ['../shared:/s', './run:/r', '..:/app']")
            .checkout("/srv/ci/app")
            .check("CMP-002", Expect::Pass);
        let device =
            "services: {a: {image: b}}\nvolumes: {v: {driver_opts: {device: ../../../run}}}";
        Case::default().compose(device).checkout("/srv/ci/app").check("CMP-002", Expect::Fail);
    }

    #[test]
    fn volumes_of_a_container_elsewhere_can_not_be_told() {
        let case = case("volumes_from: ['container:other:ro']");
        case.check("CMP-002", Expect::Unknown);
        assert_eq!(case.places("CMP-002"), [(3, 20)]);
        let own = "services: {a: {image: b, volumes_from: ['b:ro']}, b: {image: c}}";
        Case::default().compose(own).check("CMP-002", Expect::Pass);
    }

    #[test]
    fn other_mounts_pass() {
        for good in [
            "data:/data",
            "./run:/r",
            "/srv/data:/d",
            "/data",
            "run:/run",
            "./${X}:/d",
            "/srv/${X}:/d",
        ] {
            case(&format!("volumes: ['{good}']")).check("CMP-002", Expect::Pass);
        }
        case("volumes: [{type: tmpfs, target: /run}]").check("CMP-002", Expect::Pass);
    }

    #[test]
    fn a_path_that_is_not_known_can_not_be_told() {
        for unknown in ["${DATA}:/data", "/var/${DATA}:/data", "$SOCK:/s"] {
            case(&format!("volumes: ['{unknown}']")).check("CMP-002", Expect::Unknown);
        }
    }
}
