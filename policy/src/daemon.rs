//! Addresses at which a daemon listens or is reached, as `hosts`, `-H` and `DOCKER_HOST` have them.
//!
//! <https://docs.docker.com/reference/cli/dockerd/#daemon-socket-option>.

use std::net::IpAddr;

/// Where a daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// On this machine, or behind SSH.
    Local,
    /// At a port.
    Tcp {
        /// The host, as it is written.
        host: String,
        /// The port, as it is written; without one, that of the protocol without TLS.
        port: String,
        /// By a scheme that has no TLS whatever the port.
        scheme: Scheme,
    },
    /// It can not be told.
    Untold,
}

/// By what it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// TCP, with TLS or without it.
    Tcp,
    /// HTTP without TLS.
    Http,
    /// HTTP with TLS.
    Https,
}

/// The port of the protocol without TLS, which is the default of addresses.
const PLAIN: &str = "2375";
/// The port that it had once.
const OLD: &str = "4243";
/// The port with TLS.
const TLS: &str = "2376";

/// Options of the client that take a word after them, and stand before its command.
const CLIENT: [&str; 9] = [
    "-c",
    "--context",
    "--config",
    "-l",
    "--log-level",
    "--tlscacert",
    "--tlscert",
    "--tlskey",
    "-f",
];

impl Address {
    /// Reads one. What has no scheme and is no path is a host and a port of TCP, as for `dockerd`.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim().trim_matches(['"', '\'']);
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").map_or_else(
            || {
                lower
                    .strip_prefix("tcp:")
                    .map_or((None, lower.as_str()), |rest| (Some("tcp"), rest))
            },
            |(scheme, rest)| (Some(scheme), rest),
        );
        let scheme = match scheme {
            Some("unix" | "fd" | "npipe" | "ssh") => return Self::Local,
            Some("tcp") => Scheme::Tcp,
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(_) => return Self::Untold,
            None if rest.is_empty() || rest.starts_with(['/', '@']) => return Self::Local,
            None if rest.contains('$') => return Self::Untold,
            None => Scheme::Tcp,
        };
        let rest = rest.split('/').next().unwrap_or_default();
        // A colon within brackets belongs to the address.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (rest, PLAIN),
        };
        Self::Tcp { host: host.to_owned(), port: port.to_owned(), scheme }
    }

    /// Whether it is at the port without TLS, or by a scheme without it; `None` where it can not be told.
    pub(crate) fn is_plain(&self) -> Option<bool> {
        match self {
            Self::Local | Self::Tcp { scheme: Scheme::Https, .. } => Some(false),
            Self::Tcp { scheme: Scheme::Http, .. } => Some(true),
            Self::Tcp { port, scheme: Scheme::Tcp, .. } => match port.as_str() {
                PLAIN | OLD => Some(true),
                TLS => Some(false),
                _ => None,
            },
            Self::Untold => None,
        }
    }

    /// Whether it is the port without TLS on every address of the machine.
    pub(crate) fn is_plain_everywhere(&self) -> bool {
        let Self::Tcp { host, port, .. } = self else { return false };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_all = host.is_empty()
            || host == "*"
            // `0` and `0.0` are 0.0.0.0 as well.
            || host.chars().all(|char| matches!(char, '0' | '.'))
            || host.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
        is_all && port == PLAIN
    }
}

/// What a command line of a daemon or a client says of where it is.
#[derive(Debug, Default)]
pub(crate) struct Started<'a> {
    /// The values of `-H` and `--host`.
    pub(crate) hosts: Vec<&'a str>,
    /// Whether `--tlsverify` is on: clients have to prove who they are.
    pub(crate) verifies: Switch,
    /// Whether `--tls` is on.
    pub(crate) tls: Switch,
}

/// A switch of a command line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It is not there.
    #[default]
    Absent,
    On,
    Off,
}

impl Switch {
    /// By its value, as programs in Go read it, <https://pkg.go.dev/strconv#ParseBool>.
    fn of(value: &str) -> Self {
        match value.trim_matches(['"', '\'']) {
            "" | "1" | "t" | "T" | "TRUE" | "true" | "True" => Self::On,
            _ => Self::Off,
        }
    }
}

impl<'a> Started<'a> {
    /// Reads the words of a daemon's command line.
    pub(crate) fn of(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut started = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            started.read(word, &mut words);
        }
        started
    }

    /// Reads the options of a client that stand before its command: what comes after it is for the command.
    pub(crate) fn of_client(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut started = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next().filter(|word| word.starts_with('-')) {
            if CLIENT.contains(&word) {
                words.next();
            } else {
                started.read(word, &mut words);
            }
        }
        started
    }

    fn read(&mut self, word: &'a str, rest: &mut impl Iterator<Item = &'a str>) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "--tlsverify" => self.verifies = Switch::of(value),
            "--tls" => self.tls = Switch::of(value),
            "-H" | "--host" if word == name => self.hosts.extend(rest.next()),
            "-H" | "--host" => self.hosts.push(value),
            _ => self.hosts.extend(word.strip_prefix("-H")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_daemon_reads_them() {
        for (text, plain, everywhere) in [
            ("tcp://0.0.0.0:2375", Some(true), true),
            ("0.0.0.0:2375", Some(true), true),
            (":2375", Some(true), true),
            ("0:2375", Some(true), true),
            ("tcp://0:2375", Some(true), true),
            ("tcp://[::]:2375", Some(true), true),
            ("tcp://[0:0::0]", Some(true), true),
            ("tcp://", Some(true), true),
            ("tcp://*:2375", Some(true), true),
            ("TCP://10.0.0.2", Some(true), false),
            ("docker:2375", Some(true), false),
            ("tcp://docker", Some(true), false),
            ("tcp://docker:4243", Some(true), false),
            ("\"tcp://docker:2375/\"", Some(true), false),
            ("http://docker:2376", Some(true), false),
            ("tcp://docker:2376", Some(false), false),
            ("https://docker:2375", Some(false), false),
            ("tcp://docker:1234", None, false),
            ("tcp://docker:$PORT", None, false),
            ("$HOST", None, false),
            ("vsock://2:1", None, false),
            ("unix:///var/run/docker.sock", Some(false), false),
            ("fd://", Some(false), false),
            ("npipe:////./pipe/docker_engine", Some(false), false),
            ("ssh://a@b", Some(false), false),
            ("/var/run/docker.sock", Some(false), false),
            ("", Some(false), false),
        ] {
            let address = Address::of(text);
            let found = (address.is_plain(), address.is_plain_everywhere());
            assert_eq!(found, (plain, everywhere), "{text}: {address:?}");
        }
    }

    #[test]
    fn command_lines_are_read_word_by_word() {
        let started = Started::of("dockerd -H a --host b -H=c --host=d -He --tlsverify".split(' '));
        assert_eq!(started.hosts, ["a", "b", "c", "d", "e"]);
        assert_eq!((started.verifies, started.tls), (Switch::On, Switch::Absent));
        let started = Started::of(["--tlsverify", "--tlsverify=false", "--tls=0", "-H"]);
        assert_eq!((started.verifies, started.tls), (Switch::Off, Switch::Off));
        assert_eq!(started.hosts, [""; 0]);
        let client = Started::of_client("-c x -H a --tls=1 run -H b --tlsverify".split(' '));
        assert_eq!(client.hosts, ["a"]);
        assert_eq!((client.verifies, client.tls), (Switch::Absent, Switch::On));
    }
}
