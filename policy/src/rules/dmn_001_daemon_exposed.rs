//! DMN-001: the daemon listens on no TCP socket that anybody may use.
//!
//! What has the socket has root on the host, <https://docs.docker.com/engine/security/protect-access/>.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::{Config, ConfigKind, Directive},
    decide::Action,
    yaml::{At, Value},
};
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
    // What the units say and what daemon.json says holds for one daemon.
    let is_verified = context.configs().iter().any(is_verified);
    configs::of_kinds(context, (KINDS, EXPECTED), |config| {
        let hosts = hosts(config);
        let raise = |(at, host)| match host {
            Host::At(address) if is_everywhere(&address) => {
                let title = "the daemon listens without TLS on every address";
                Some(context.fail(config.place(at), title, format!("`{address}`"), EXPECTED))
            }
            Host::At(_) if is_verified => None,
            Host::At(address) => {
                let title = "the daemon listens on TCP without client certificates";
                Some(context.fail(config.place(at), title, format!("`{address}`"), EXPECTED))
            }
            Host::Untold(found) => {
                let title = "where the daemon listens can not be told";
                Some(context.unknown(config.place(at), title, found, EXPECTED))
            }
        };
        hosts.into_iter().filter_map(raise).collect()
    })
}

/// Where the daemon listens: of what is no TCP nothing is said.
enum Host {
    At(String),
    Untold(String),
}

fn hosts(config: &Config) -> Vec<(At, Host)> {
    let mut hosts = Vec::new();
    for root in config.documents() {
        let Some(node) = root.get("hosts") else { continue };
        let items =
            if let Value::List(items) = &node.value { items } else { std::slice::from_ref(node) };
        for item in items {
            match &item.value {
                Value::Text(text) if is_tcp(text) => hosts.push((item.at, Host::At(text.clone()))),
                Value::Text(_) => {}
                other @ (Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::OtherNumber
                | Value::List(_)
                | Value::Map(_)) => hosts.push((item.at, Host::Untold(other.describe()))),
            }
        }
    }
    for directive in config.directives() {
        let at = At { line: directive.line, column: 1 };
        match directive.key.as_str() {
            "ListenStream" => hosts.extend(listened(&directive.value).map(|host| (at, host))),
            "ExecStart" => hosts.extend(started(directive).into_iter().map(|host| (at, host))),
            _ => {}
        }
    }
    hosts
}

fn is_tcp(host: &str) -> bool {
    host.trim().to_ascii_lowercase().starts_with("tcp:")
}

/// Plain TCP on all addresses: the port of the protocol without TLS, which is also the default.
fn is_everywhere(address: &str) -> bool {
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "2375"));
    matches!(host, "" | "0.0.0.0" | "[::]" | "*") && port.trim_end_matches('/') == "2375"
}

/// A socket unit listens at a path, or at a port that may have an address (systemd.socket(5)).
fn listened(value: &str) -> Option<Host> {
    if value.is_empty() || value.starts_with(['/', '@', '%']) || value.starts_with("vsock:") {
        return None;
    }
    let address = if value.contains(':') { value.to_owned() } else { format!("0.0.0.0:{value}") };
    Some(Host::At(format!("tcp://{address}")))
}

fn words(directive: &Directive) -> impl Iterator<Item = &str> {
    directive.value.split_whitespace().map(|word| word.trim_matches(['"', '\'']))
}

fn started(directive: &Directive) -> Vec<Host> {
    let mut hosts = Vec::new();
    let mut words = words(directive);
    while let Some(word) = words.next() {
        let host = match word {
            "-H" | "--host" => words.next().unwrap_or_default(),
            _ => ["--host=", "-H=", "-H"]
                .iter()
                .find_map(|flag| word.strip_prefix(flag))
                .unwrap_or_default(),
        };
        if is_tcp(host) {
            hosts.push(Host::At(host.to_owned()));
        } else if word.contains('$') || host.contains('$') {
            hosts.push(Host::Untold(format!("`{word} {host}`").replace(" `", "`")));
        }
    }
    hosts
}

fn is_verified(config: &Config) -> bool {
    let in_tree = config.documents().iter().any(|root| {
        root.get("tlsverify").is_some_and(|node| matches!(node.value, Value::Boolean(true)))
    });
    let mut starts = config.directives().iter().filter(|directive| directive.key == "ExecStart");
    in_tree
        || starts.any(|start| {
            words(start).any(|word| matches!(word, "--tlsverify" | "--tlsverify=true"))
        })
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
            assert_eq!(unit(start).places("DMN-001"), [(2, 1)]);
        }
    }

    #[test]
    fn the_plain_port_on_every_address_is_denied_whatever_else_is_said() {
        for host in ["tcp://0.0.0.0:2375", "tcp://:2375", "tcp://[::]:2375", "tcp://"] {
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
    fn variables_and_what_can_not_be_read_can_not_be_told() {
        unit("/usr/bin/dockerd -H fd:// $DOCKER_OPTS").check("DMN-001", Expect::Unknown);
        unit("/usr/bin/dockerd -H ${HOST}").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": [1]}").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": ").check("DMN-001", Expect::Unknown);
        daemon("{\"hosts\": [], \"hosts\": [\"tcp://a\"]}").check("DMN-001", Expect::Unknown);
    }
}
