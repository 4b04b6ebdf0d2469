//! DMN-001: the daemon listens on no TCP socket that anybody may use.
//!
//! What has the socket has root on the host, <https://docs.docker.com/engine/security/protect-access/>.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::{Config, ConfigKind, Directive},
    daemon::{Address, Started, Switch},
    decide::Action,
    yaml::{At, Value},
};
use camino::Utf8Path;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DMN-001",
    name: "dmn_001_daemon_exposed",
    title: "the daemon listens on no TCP socket without client certificates",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Whoever reaches the socket is root on the host; without TLS verification, that is whoever reaches the port.",
    mend: "take the `tcp://` host out and reach the daemon over SSH, or set `tlsverify` with `tlscacert`, `tlscert` and `tlskey`, on port 2376",
    bad: r#"{"hosts": ["fd://", "tcp://0.0.0.0:2375"]}"#,
    good: r#"{"hosts": ["fd://", "tcp://10.0.0.5:2376"], "tlsverify": true}"#,
    equivalents: &["CIS 2.7"],
    about: &[About::Configs],
    parameters: &[],
    check,
};

const KINDS: &[ConfigKind] = &[ConfigKind::Daemon, ConfigKind::Unit];
const EXPECTED: &str = "`unix://` or `fd://`, or `tcp://` with `tlsverify`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let machines = Machines::of(context.configs());
    configs::of_kinds(context, (KINDS, EXPECTED), |config| {
        let raise = |host: Listens| {
            let place = config.place(host.at);
            let found = host.written;
            let unknown = |title| Some(context.unknown(place.clone(), title, &found, EXPECTED));
            let fail = |title| Some(context.fail(place.clone(), title, &found, EXPECTED));
            match (&host.address, host.verifies) {
                (Address::Untold, _) => unknown("where the daemon listens can not be told"),
                (address @ Address::Tcp { .. }, _) if address.is_plain_everywhere() => {
                    fail("the daemon listens without TLS on every address")
                }
                (Address::Local, _) | (_, Verifies::Yes) => None,
                (_, Verifies::Untold) => {
                    unknown("whether the daemon asks for client certificates can not be told")
                }
                (_, Verifies::No) => fail("the daemon listens on TCP without client certificates"),
            }
        };
        machines.listening(config).into_iter().filter_map(raise).collect()
    })
}

/// Where a daemon listens, and where that is written.
struct Listens {
    at: At,
    /// What stands there.
    written: String,
    address: Address,
    verifies: Verifies,
}

/// Whether it asks for client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verifies {
    Yes,
    No,
    /// Another file says so, which may be about the same daemon.
    Untold,
}

/// The files, by the machines that they are for: what a unit and what `daemon.json` say holds for one daemon, and for no other.
struct Machines<'a>(Vec<File<'a>>);

/// One of the files.
struct File<'a> {
    machine: String,
    config: &'a Config,
    /// Whether it asks for client certificates.
    verifies: bool,
}

impl<'a> Machines<'a> {
    fn of(configs: &'a [Config]) -> Self {
        let of_kinds = configs.iter().filter(|config| KINDS.contains(&config.kind));
        let file =
            |config: &'a Config| File { machine: machine(&config.path), config, verifies: false };
        let mut machines = Self(of_kinds.map(file).collect());
        let verify: Vec<_> =
            machines.0.iter().map(|file| machines.is_verified(file.config)).collect();
        for (file, verifies) in machines.0.iter_mut().zip(verify) {
            file.verifies = verifies;
        }
        machines
    }

    fn listening(&self, config: &'a Config) -> Vec<Listens> {
        let verifies = |is_said: bool| if is_said { Verifies::Yes } else { self.verifies(config) };
        let in_file = verifies(self.has_setting(config));
        let mut found = Vec::new();
        for root in config.documents() {
            let Some(node) = root.get("hosts") else { continue };
            let items = if let Value::List(items) = &node.value {
                items
            } else {
                std::slice::from_ref(node)
            };
            found.extend(items.iter().map(|item| {
                let address = item.text().map_or(Address::Untold, Address::of);
                Listens { at: item.at, written: item.value.describe(), address, verifies: in_file }
            }));
        }
        for directive in self.in_force(config) {
            let started = Started::of(words(directive));
            match directive.key.as_str() {
                "ListenStream" => found.extend(listened(&directive.value).map(|address| {
                    let at = config.within_directive(directive, &directive.value);
                    let written = format!("`{}`", directive.value);
                    Listens { at, written, address, verifies: in_file }
                })),
                "ExecStart" => {
                    let has_flag = started.verifies == Switch::On;
                    let verifies = verifies(has_flag || self.has_setting(config));
                    let variables = words(directive).filter(|word| word.contains('$'));
                    let variables = variables.filter(|word| !started.hosts.contains(word));
                    found.extend(started.hosts.iter().copied().chain(variables).map(|written| {
                        let is_host = started.hosts.contains(&written);
                        let address = if is_host { Address::of(written) } else { Address::Untold };
                        let at = config.within_directive(directive, written);
                        Listens { at, written: format!("`{written}`"), address, verifies }
                    }));
                }
                _ => {}
            }
        }
        found
    }

    /// The directives of a unit that are in force: an empty one takes back those before it, also those of the unit that a drop-in
    /// is for, <https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#ExecStart=>.
    fn in_force(&self, config: &'a Config) -> Vec<&'a Directive> {
        let machine = machine(&config.path);
        let unit = unit(&config.path);
        let is_same = |file: &&File<'_>| {
            let (other, one) = (&file.machine, file.config);
            *other == machine && one.kind == ConfigKind::Unit && self::unit(&one.path) == unit
        };
        let mut files: Vec<_> = self.0.iter().filter(is_same).map(|file| file.config).collect();
        files.sort_by_key(|one| (is_drop_in(&one.path), one.path.file_name().map(str::to_owned)));
        let mut found: Vec<(&Config, &Directive)> = Vec::new();
        for file in files {
            for directive in file.directives() {
                if directive.value.is_empty() {
                    found.retain(|(_, before)| before.key != directive.key);
                } else {
                    found.push((file, directive));
                }
            }
        }
        let own = found.into_iter().filter(|(file, _)| std::ptr::eq(*file, config));
        own.map(|(_, directive)| directive).collect()
    }

    /// Whether the settings of its machine ask for client certificates. For a socket unit the flags of its service count too.
    fn has_setting(&self, config: &Config) -> bool {
        let machine = machine(&config.path);
        let mut own = self.0.iter().filter(|file| file.machine == machine);
        let is_socket = unit(&config.path).ends_with(".socket");
        own.any(|file| {
            let kind = file.config.kind;
            let is_asked = kind == ConfigKind::Daemon || is_socket || kind != config.kind;
            is_asked && file.verifies
        })
    }

    fn is_verified(&self, config: &'a Config) -> bool {
        let in_tree = config.documents().iter().any(|root| {
            root.get("tlsverify").is_some_and(|node| matches!(node.value, Value::Boolean(true)))
        });
        let starts = self.in_force(config).into_iter();
        let mut starts = starts.filter(|directive| directive.key == "ExecStart").peekable();
        let has_start = starts.peek().is_some();
        in_tree
            || (has_start && starts.all(|start| Started::of(words(start)).verifies == Switch::On))
    }

    /// What its own machine says, or else a file of another kind elsewhere, which may be for the same one.
    fn verifies(&self, config: &Config) -> Verifies {
        let machine = machine(&config.path);
        let others = || self.0.iter().filter(|file| file.config.kind != config.kind);
        let is_paired = others().any(|file| file.machine == machine);
        let may_be_said = others().any(|file| file.machine != machine && file.verifies);
        if may_be_said && !is_paired { Verifies::Untold } else { Verifies::No }
    }
}

/// What stands before the directory of the system that a file is in, or its own directory.
fn machine(path: &Utf8Path) -> String {
    let parent = path.parent().unwrap_or(Utf8Path::new(""));
    let parent = if is_drop_in(path) { parent.parent().unwrap_or(parent) } else { parent };
    let system =
        ["etc/docker", "etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
    let root = system
        .iter()
        .find(|system| parent.ends_with(system))
        .and_then(|system| parent.ancestors().nth(system.split('/').count()));
    root.unwrap_or(parent).to_string()
}

fn is_drop_in(path: &Utf8Path) -> bool {
    path.extension() == Some("conf")
}

/// The name of the unit that a file is, or is a drop-in for.
fn unit(path: &Utf8Path) -> &str {
    let of = if is_drop_in(path) {
        path.parent().and_then(Utf8Path::file_name)
    } else {
        path.file_name()
    };
    let of = of.unwrap_or_default();
    of.strip_suffix(".d").unwrap_or(of)
}

/// A socket unit listens at a path, or at a port that may have an address (systemd.socket(5)).
fn listened(value: &str) -> Option<Address> {
    if value.starts_with(['/', '@', '%']) || value.starts_with("vsock:") {
        return None;
    }
    let is_port = value.bytes().all(|byte| byte.is_ascii_digit());
    Some(Address::of(&if is_port { format!("0.0.0.0:{value}") } else { value.to_owned() }))
}

fn words(directive: &Directive) -> impl Iterator<Item = &str> {
    directive.value.split_whitespace().map(|word| word.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn daemon(text: &str) -> Case {
        Case::default().config("daemon.json", text)
    }

    fn unit(start: &str) -> Case {
        Case::default().config("docker.service", &format!("[Service]\nExecStart={start}\n"))
    }

    #[test]
    fn tcp_without_verification_is_denied_where_it_stands() {
        let case = daemon("{\n  \"hosts\": [\"fd://\", \"tcp://10.0.0.5:2376\"]\n}");
        case.check("DMN-001", Expect::Fail);
        assert_eq!(case.places("DMN-001"), [(2, 22)]);
        daemon("{\"hosts\": [\"tcp://127.0.0.1:2375\"], \"tls\": true}")
            .check("DMN-001", Expect::Fail);
        daemon("{\"hosts\": [\"TCP://a:2376\"], \"tlsverify\": \"true\"}")
            .check("DMN-001", Expect::Fail);
        for start in [
            "/usr/bin/dockerd -H fd:// -H tcp://10.0.0.5:2376",
            "/usr/bin/dockerd --host=tcp://a:1",
            "/usr/bin/dockerd -H=tcp://a:1",
            "/usr/bin/dockerd '-Htcp://a:1' --tlsverify=false",
        ] {
            unit(start).check("DMN-001", Expect::Fail);
            let column = u32::try_from(start.rfind("tcp://").unwrap()).unwrap() + 11;
            assert_eq!(unit(start).places("DMN-001"), [(2, column)], "{start}");
        }
        let case = unit("/usr/bin/dockerd \\\n  -H fd:// \\\n  -H tcp://10.0.0.1:2376");
        assert_eq!(case.places("DMN-001"), [(4, 6)]);
    }

    #[test]
    fn the_plain_port_on_every_address_is_denied_whatever_else_is_said() {
        for host in [
            "tcp://0.0.0.0:2375",
            "tcp://:2375",
            "tcp://[::]:2375",
            "tcp://",
            "tcp://0:2375",
            "0.0.0.0:2375",
            ":2375",
        ] {
            daemon(&format!("{{\"hosts\": [\"{host}\"], \"tlsverify\": true}}"))
                .check("DMN-001", Expect::Fail);
        }
        for listen in ["2375", "0.0.0.0:2375"] {
            let text = format!("[Socket]\nListenStream={listen}\n");
            Case::default().config("docker.socket", &text).check("DMN-001", Expect::Fail);
        }
    }

    #[test]
    fn sockets_of_this_machine_and_verified_ones_pass() {
        daemon("{}").check("DMN-001", Expect::Pass);
        daemon("{\"hosts\": [\"unix:///run/docker.sock\", \"fd://\"]}")
            .check("DMN-001", Expect::Pass);
        daemon("{\"hosts\": [\"tcp://10.0.0.5:2376\"], \"tlsverify\": true}")
            .check("DMN-001", Expect::Pass);
        unit("/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock")
            .check("DMN-001", Expect::Pass);
        unit("/usr/bin/dockerd -H tcp://a:2376")
            .config("daemon.json", "{\"tlsverify\": true}")
            .check("DMN-001", Expect::Pass);
        let text = "[Socket]\nListenStream=/run/docker.sock\n";
        Case::default().config("docker.socket", text).check("DMN-001", Expect::Pass);
    }

    #[test]
    fn hosts_without_a_scheme_are_tcp() {
        daemon("{\"hosts\": [\"10.0.0.2:2375\"]}").check("DMN-001", Expect::Fail);
        unit("/usr/bin/dockerd -H fd:// -H 0.0.0.0:2375").check("DMN-001", Expect::Fail);
        unit("/usr/bin/dockerd -H 10.0.0.2:2376 --tlsverify=1").check("DMN-001", Expect::Pass);
        daemon("{\"hosts\": [\"/run/docker.sock\"]}").check("DMN-001", Expect::Pass);
    }

    #[test]
    fn each_machine_has_to_verify_by_itself() {
        let (good, bad) = (
            "{\"hosts\": [\"tcp://10.0.0.1:2376\"], \"tlsverify\": true}",
            "{\"hosts\": [\"tcp://10.0.0.2:2376\"]}",
        );
        for machines in [("a", "b"), ("a/etc/docker", "b/etc/docker"), ("b", "a")] {
            let path = |machine: &str| format!("{machine}/daemon.json");
            let case =
                Case::default().config(&path(machines.0), good).config(&path(machines.1), bad);
            case.check("DMN-001", Expect::Fail);
            assert_eq!(case.places("DMN-001").len(), 1);
        }
        let unit = "[Service]\nExecStart=dockerd -H tcp://10.0.0.1:2376\n";
        let with = |path: &str| Case::default().config(path, unit);
        // The files of one machine, by where they are installed.
        with("etc/systemd/system/docker.service.d/tcp.conf")
            .config("etc/docker/daemon.json", "{\"tlsverify\": true}")
            .check("DMN-001", Expect::Pass);
        // Of files elsewhere it can not be told whether they are for one.
        with("units/docker.service")
            .config("files/daemon.json", "{\"tlsverify\": true}")
            .check("DMN-001", Expect::Unknown);
        with("files/docker.service")
            .config("files/daemon.json", "{}")
            .config("other/daemon.json", "{\"tlsverify\": true}")
            .check("DMN-001", Expect::Fail);
    }

    #[test]
    fn what_is_reset_does_not_count() {
        let verified = "ExecStart=dockerd -H tcp://10.0.0.1:2376 --tlsverify\n";
        let open = "ExecStart=dockerd -H tcp://10.0.0.2:2375\n";
        let unit =
            |lines: &str| Case::default().config("docker.service", &format!("[Service]\n{lines}"));
        unit(&format!("{verified}ExecStart=\n{open}")).check("DMN-001", Expect::Fail);
        unit(&format!("{open}ExecStart=\n{verified}")).check("DMN-001", Expect::Pass);
        let drop_in = |lines: &str| format!("[Service]\nExecStart=\n{lines}");
        unit(open)
            .config("docker.service.d/tls.conf", &drop_in(verified))
            .check("DMN-001", Expect::Pass);
        unit(verified)
            .config("docker.service.d/tcp.conf", &drop_in(open))
            .check("DMN-001", Expect::Fail);
        // What the service asks for holds for its socket.
        let socket = "[Socket]\nListenStream=10.0.0.1:2376\n";
        unit("ExecStart=dockerd -H fd:// --tlsverify\n")
            .config("docker.socket", socket)
            .check("DMN-001", Expect::Pass);
        Case::default().config("docker-tcp.socket", socket).check("DMN-001", Expect::Fail);
    }

    #[test]
    fn variables_and_what_can_not_be_read_can_not_be_told() {
        unit("/usr/bin/dockerd -H fd:// $DOCKER_OPTS").check("DMN-001", Expect::Unknown);
        unit("/usr/bin/dockerd -H ${HOST}").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": [1]}").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": ").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": [], \"hosts\": [\"tcp://a\"]}").check("DMN-001", Expect::Unknown);
    }
}
