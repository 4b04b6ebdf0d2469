//! What on a host gives it away, and names that sound like secrets: lists that rules about several kinds of files share.

use std::borrow::Cow;

/// Sockets by which runtimes are commanded, as they are by default; whoever reaches one of them is root on the host.
const SOCKETS: [&str; 16] = [
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
    "/run/buildkit/buildkitd.sock",
    "/var/run/docker.sock",
    "/var/run/containerd/containerd.sock",
    "/var/run/k3s/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "/var/run/podman/podman.sock",
    "/var/run/cri-dockerd.sock",
    "/var/run/dockershim.sock",
    "/var/run/buildkit/buildkitd.sock",
];

/// Names of such sockets, wherever they are; the last one is a pipe of Windows.
const SOCKET_NAMES: [&str; 9] = [
    "docker.sock",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
    "buildkitd.sock",
    "docker.raw.sock",
    "docker_engine",
];

/// Directories of the system: with everything below, or as they are.
const SENSITIVE: [(&str, Below); 15] = [
    ("/etc", Below::Too),
    ("/boot", Below::Too),
    ("/dev", Below::Too),
    ("/lib", Below::Too),
    ("/lib64", Below::Too),
    ("/bin", Below::Too),
    ("/sbin", Below::Too),
    ("/proc", Below::Too),
    ("/sys", Below::Too),
    ("/usr", Below::Too),
    ("/root", Below::Too),
    ("/var/lib/docker", Below::Too),
    ("/var/lib/kubelet", Below::Too),
    ("/home", Below::Not),
    ("/var", Below::Not),
];

/// What containers are given without harm although it is in such a directory.
const HARMLESS: [&str; 7] = [
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];

/// Whether what is in a directory is as sensitive as the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    Too,
    Not,
}

/// Words that make a name that of a secret, and those that take it back.
const SECRET_WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "credential",
    "credentials",
    "accesskey",
    "authkey",
    "encryptionkey",
];
const HARMLESS_WORDS: [&str; 20] = [
    "public", "file", "path", "url", "uri", "host", "name", "length", "min", "max", "expiry",
    "ttl", "policy", "dir", "rotation", "endpoint", "lifetime", "duration", "timeout", "type",
];

/// A path with neither `.` nor `..` nor doubled slashes; `..` at the root is the root.
pub(crate) fn clean(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The socket of a runtime that an absolute path is, or that is somewhere below it.
pub(crate) fn socket(path: &str) -> Option<Cow<'static, str>> {
    let path = clean(path);
    let name = path.rsplit_once('/').map_or("", |(_, name)| name);
    if SOCKET_NAMES.contains(&name) {
        return Some(path.into());
    }
    SOCKETS.into_iter().find(|socket| is_within(socket, &path)).map(Cow::Borrowed)
}

/// The directory of the system that an absolute path is, or is in.
pub(crate) fn sensitive(path: &str) -> Option<&'static str> {
    let path = clean(path);
    if path == "/" {
        return Some("/");
    }
    if HARMLESS.iter().any(|harmless| is_within(&path, harmless)) {
        return None;
    }
    let mut found = SENSITIVE.into_iter().filter(|(directory, below)| match below {
        Below::Too => is_within(&path, directory),
        Below::Not => path == *directory,
    });
    // The whole home of a user holds keys; a directory in it need not.
    let is_home = || path.strip_prefix("/home/").is_some_and(|user| !user.contains('/'));
    found.next().map(|(directory, _)| directory).or_else(|| is_home().then_some("/home"))
}

/// Whether something that begins like this may turn out to be, or to hold, a socket or a directory of the system.
pub(crate) fn may_be_exposed(prefix: &str) -> bool {
    let prefix = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
    let prefix = clean(prefix);
    let directories = SENSITIVE.into_iter().map(|(directory, _)| directory);
    sensitive(&prefix).is_some()
        || SOCKETS.into_iter().chain(directories).any(|path| is_within(path, &prefix))
}

/// Whether a clean path is another or below it.
fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a name sounds like that of a secret: by its words, not by any part of it.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for char in name.chars() {
        let is_new = !char.is_ascii_alphanumeric() || (was_lower && char.is_ascii_uppercase());
        if is_new || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_ascii_alphanumeric()) {
            word.push(char.to_ascii_lowercase());
        }
        was_lower = char.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    if words.iter().any(|word| HARMLESS_WORDS.contains(&word.as_str())) {
        return false;
    }
    let is_pair = |pair: &[String]| match pair {
        [first, second] => SECRET_WORDS.contains(&format!("{first}{second}").as_str()),
        _ => false,
    };
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()) || word.ends_with("password"))
        || words.windows(2).any(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_every_engine_and_what_they_are_in_are_known() {
        for (path, expect) in [
            ("/var/run/docker.sock", Some("/var/run/docker.sock")),
            ("/var/run/../run/docker.sock", Some("/var/run/docker.sock")),
            ("//run//containerd/containerd.sock", Some("/run/containerd/containerd.sock")),
            ("/run/user/1000/podman/podman.sock", Some("/run/user/1000/podman/podman.sock")),
            ("/", Some("/run/docker.sock")),
            ("/run", Some("/run/docker.sock")),
            ("/var", Some("/var/run/docker.sock")),
            ("/run/crio/", Some("/run/crio/crio.sock")),
            (r"\\.\pipe\docker_engine", Some("/pipe/docker_engine")),
            ("/var/run/app", None),
            ("/running", None),
        ] {
            assert_eq!(socket(path).as_deref(), expect, "{path}");
        }
    }

    #[test]
    fn directories_of_the_system_are_known() {
        for (path, expect) in [
            ("/", Some("/")),
            ("/srv/..", Some("/")),
            ("/etc/", Some("/etc")),
            ("/etc/shadow", Some("/etc")),
            ("/etc/localtime", None),
            ("/home", Some("/home")),
            ("/home/a", Some("/home")),
            ("/home/a/data", None),
            ("/var/lib/docker/volumes", Some("/var/lib/docker")),
            ("/var/log", None),
            ("/etcetera", None),
            ("/srv/data", None),
        ] {
            assert_eq!(sensitive(path), expect, "{path}");
        }
        assert!(may_be_exposed("/"));
        assert!(may_be_exposed("/var/"));
        assert!(may_be_exposed("/etc/"));
        assert!(!may_be_exposed("/srv/data/"));
    }

    #[test]
    fn names_of_secrets_are_told_by_their_words() {
        for name in [
            "POSTGRES_PASSWORD",
            "API_KEY",
            "dbPassword",
            "PGPASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "TOKEN",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["POSTGRES_PASSWORD_FILE", "TOKEN_URL", "PUBLIC_KEY", "COMPASS", "TOKENIZER", "KEY", ""]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
