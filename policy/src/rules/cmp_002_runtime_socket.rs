//! CMP-002: no service gets the socket of a container runtime, nor a directory that it is in.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Project, Spot, Told, may_be_exposed},
    decide::Action,
    host,
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

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = services::each(context, judge);
    for project in context.projects() {
        for (what, name, path) in shared(project) {
            let Some(text) = path.scalar() else { continue };
            let title =
                format!("{what} `{name}` is the socket of a runtime, or a directory it is in");
            let place = project.place(path.at);
            match exposure(&text) {
                Exposure::Socket(socket) => {
                    let found = format!("`{text}`, by which `{socket}` is reached");
                    raised.push(context.fail(place, title, found, EXPECTED));
                }
                Exposure::Untold => {
                    let title = format!("it can not be told what {what} `{name}` is on the host");
                    let found = format!("`{}`", path.written());
                    raised.push(context.unknown(place, title, found, EXPECTED));
                }
                Exposure::None => {}
            }
        }
    }
    services::once(raised)
}

/// What services get by name: kind, name, and the path on the host.
fn shared(project: &Project) -> Vec<(&'static str, &str, &Node)> {
    let mut found = Vec::new();
    let paths: [(_, _, &[&str]); 3] = [
        ("volumes", "volume", &["driver_opts", "device"]),
        ("configs", "config", &["file"]),
        ("secrets", "secret", &["file"]),
    ];
    for (key, what, path) in paths {
        for entry in project.root.get(key).map(Node::entries).unwrap_or_default() {
            found.extend(entry.value.at(path).map(|node| (what, entry.key.as_str(), node)));
        }
    }
    found
}

/// What a path of the host leads to.
enum Exposure {
    Socket(String),
    Untold,
    None,
}

fn exposure(path: &str) -> Exposure {
    if let Some(may_be) = may_be_exposed(path) {
        // A name after the variable tells as much as the whole path.
        let rest = path.rsplit_once(HOLE).map_or("", |(_, rest)| rest);
        let named = host::socket(rest).filter(|socket| rest.contains('/') && socket == rest);
        return match named {
            Some(socket) => Exposure::Socket(socket.into_owned()),
            None if may_be => Exposure::Untold,
            None => Exposure::None,
        };
    }
    let is_path = path.starts_with(['/', '~', '.', '\\']) || path.contains('/');
    match host::socket(path).filter(|_| is_path) {
        // What is relative begins at the project, and only by its name can it be a socket.
        Some(socket)
            if path.starts_with(['/', '\\'])
                || !socket.starts_with("/run") && !socket.starts_with("/var/run") =>
        {
            Exposure::Socket(socket.into_owned())
        }
        _ => Exposure::None,
    }
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for mount in on.service.mounts() {
        let Some(source) = &mount.source else { continue };
        let found = format!("`{}`", mount.written);
        match exposure(source) {
            Exposure::Socket(socket) => {
                let found = format!("{found}, by which `{socket}` is reached");
                raised.push(on.fail(mount.at, "gets the socket of a runtime", found, EXPECTED));
            }
            Exposure::Untold => {
                raised.push(on.unknown(mount.at, "gets the socket of a runtime", found, EXPECTED));
            }
            Exposure::None => {}
        }
    }
    raised.extend(api_socket(on));
    raised
}

/// `use_api_socket` mounts the socket by another name.
fn api_socket(on: &Judged<'_, '_>) -> Option<Raised> {
    let node = on.service.node.get("use_api_socket")?;
    let (at, found): (Spot, _) = (node.at, format!("`use_api_socket: {}`", node.written()));
    match node.flag() {
        Told::Is(false) => None,
        Told::Is(true) => Some(on.fail(at, "gets the socket of a runtime", found, EXPECTED)),
        Told::Untold => Some(on.unknown(at, "gets the socket of a runtime", found, EXPECTED)),
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
