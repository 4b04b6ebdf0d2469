//! What gives a machine away: sockets of container runtimes, directories of the system, and capabilities. Rules about several kinds
//! of files share these lists.

use std::{borrow::Cow, net::IpAddr};

/// Sockets by which runtimes are commanded, as they are by default; whoever reaches one of them is root on the host. What is in
/// `/run` is in `/var/run` too, which is a link to it.
const SOCKETS: [&str; 12] = [
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/dockershim.sock",
    "/run/cri-dockerd.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/frakti.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
];

/// Names of such sockets, wherever they are.
const SOCKET_NAMES: [&str; 10] = [
    "docker.sock",
    "docker.raw.sock",
    "dockershim.sock",
    "cri-dockerd.sock",
    "containerd.sock",
    "containerd.sock.ttrpc",
    "crio.sock",
    "podman.sock",
    "buildkitd.sock",
    "frakti.sock",
];
/// The same as a pipe of Windows.
const PIPE: &str = "docker_engine";

/// Directories that rules look at, each with what it is.
const DIRECTORIES: [(&str, Holds); 21] = [
    ("/boot", Holds::Kernel),
    ("/dev", Holds::Kernel),
    ("/proc", Holds::Kernel),
    ("/sys", Holds::Kernel),
    ("/bin", Holds::System),
    ("/etc", Holds::System),
    ("/lib", Holds::System),
    ("/lib32", Holds::System),
    ("/lib64", Holds::System),
    ("/sbin", Holds::System),
    ("/usr", Holds::System),
    ("/root", Holds::State),
    ("/opt/cni", Holds::State),
    ("/var/lib/containerd", Holds::State),
    ("/var/lib/containers", Holds::State),
    ("/var/lib/docker", Holds::State),
    ("/var/lib/etcd", Holds::State),
    ("/var/lib/kubelet", Holds::State),
    ("/home", Holds::Others),
    ("/opt", Holds::Others),
    ("/var", Holds::Others),
];

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// What the kernel or the boot loader shows and takes.
    Kernel,
    /// Programs and settings of the system.
    System,
    /// What root, runtimes and orchestrators keep.
    State,
    /// What may be anything; all of it together gives the machine away.
    Others,
}

/// Directories in one of the system's, over which nothing belongs either.
const IN_SYSTEM: [&str; 2] = ["/root/.ssh", "/usr/bin"];

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

/// What logs into a machine as somebody, wherever it is.
const KEYS: [&str; 5] = [".ssh", ".gnupg", "/etc/shadow", "/etc/gshadow", "/etc/ssh"];

/// What logs into other things, below a home.
const LOGINS: [&str; 10] = [
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".docker",
    ".git-credentials",
    ".kube",
    ".netrc",
    ".npmrc",
    ".pypirc",
];

/// Directories that everybody may write to.
const WRITABLE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Capabilities by which one gets out of a container, or into what others do.
const DANGEROUS: [&str; 16] = [
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "NET_ADMIN",
    "NET_RAW",
    "PERFMON",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_TIME",
    "SYSLOG",
];

/// An absolute path without `.`, `..`, and slashes that say nothing; `..` at the root is the root.
pub(crate) fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a runtime takes this for an address to listen at, or to speak to, over TCP: `HOST:PORT` and an address without
/// a port are as well.
pub(crate) fn is_tcp(address: &str) -> bool {
    if let Some((scheme, _)) = address.split_once("://") {
        return matches!(scheme, "tcp" | "http" | "https");
    }
    let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    port.is_some_and(|port| port.is_ok()) || address.parse::<IpAddr>().is_ok()
}

/// Whether this is the name of a file by which a runtime is commanded.
pub(crate) fn is_socket_name(name: &str) -> bool {
    SOCKET_NAMES.contains(&name)
}

/// The socket of a runtime that an absolute path is, or that is somewhere below it. Paths of Windows count as well.
pub(crate) fn socket(path: &str) -> Option<Cow<'static, str>> {
    let path = normal(&path.replace('\\', "/"));
    let name = path.rsplit_once('/').map_or("", |(_, name)| name);
    if is_socket_name(name) || name == PIPE {
        return Some(path.into());
    }
    SOCKETS.into_iter().find_map(|socket| {
        let linked = format!("/var{socket}");
        let is_below = is_within(socket, &path);
        let listed = is_below.then_some(Cow::Borrowed(socket));
        listed.or_else(|| is_within(&linked, &path).then_some(Cow::Owned(linked)))
    })
}

/// The name of a runtime's socket that stands in a text, such as a path, an address or an option.
pub(crate) fn socket_in(text: &str) -> Option<&'static str> {
    let is_named = |socket: &&&str| {
        text.match_indices(**socket).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after =
                text.get(at.saturating_add(socket.len())..).and_then(|rest| rest.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    SOCKET_NAMES.iter().find(is_named).copied()
}

/// Whether a character may stand in the middle of a file's name.
fn is_part(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '-' | '_')
}

/// The directory whose exposure gives the machine away that an absolute path is, is in, or has in it.
pub(crate) fn sensitive(path: &str) -> Option<&'static str> {
    let path = normal(path);
    if path == "/" {
        return Some("/");
    }
    if HARMLESS.iter().any(|harmless| is_within(&path, harmless)) {
        return None;
    }
    // The whole home of a user holds keys; a directory in it need not.
    let is_home = || path.strip_prefix("/home/").is_some_and(|user| !user.contains('/'));
    let mut all = DIRECTORIES.into_iter().map(|(directory, _)| directory);
    let above = || all.find(|directory| is_within(directory, &path));
    listed(&path).or_else(above).or_else(|| is_home().then_some("/home"))
}

/// The keys of people, or the passwords of the machine, that a path is or is in.
pub(crate) fn keys(path: &str) -> Option<&'static str> {
    let path = normal(path);
    KEYS.into_iter().find(|key| is_named(&path, key))
}

/// The same, and logins to anything else.
pub(crate) fn credentials(path: &str) -> Option<&'static str> {
    let normal = normal(path);
    keys(path).or_else(|| LOGINS.into_iter().find(|login| is_named(&normal, login)))
}

/// Whether a path in normal form is, or is in, what has this name: anywhere, or from the root on.
fn is_named(path: &str, name: &str) -> bool {
    if name.starts_with('/') {
        return is_within(path, name);
    }
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('/') {
        if is_within(after, name) {
            return true;
        }
        rest = after;
    }
    false
}

/// The listed directory that a path in normal form is, or is in.
pub(crate) fn listed(path: &str) -> Option<&'static str> {
    let mut all = DIRECTORIES.into_iter();
    let found = all.find(|(directory, holds)| {
        path == *directory || (*holds != Holds::Others && is_within(path, directory))
    });
    found.map(|(directory, _)| directory)
}

/// Whether something that begins like this may turn out to be, or to hold, a socket or a directory of the system.
pub(crate) fn may_be_exposed(prefix: &str) -> bool {
    let prefix = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
    sensitive(prefix).is_some() || socket(prefix).is_some()
}

/// Whether a path is a directory of the system, or in one of the kernel's: of an image, and not of what it may be given.
pub(crate) fn is_system(path: &str) -> bool {
    let path = normal(path);
    let mut all = DIRECTORIES.into_iter();
    let is_one = all.any(|(directory, holds)| match holds {
        Holds::System => path == directory,
        Holds::Kernel => is_within(&path, directory) && !is_writable(&path),
        Holds::State | Holds::Others => false,
    });
    is_one || IN_SYSTEM.contains(&path.as_str())
}

/// Whether a path is a directory that everybody may write to, or in one.
pub(crate) fn is_writable(path: &str) -> bool {
    let path = normal(path);
    WRITABLE.iter().any(|writable| is_within(&path, writable))
}

/// Whether a path in normal form is another or below it.
fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name of a capability as manifests have it: in capitals, without the `CAP_` that runtimes take too.
pub(crate) fn capability(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
}

/// Whether a capability, by that name, is as good as root on the host, or as the eyes of everybody on it.
pub(crate) fn is_dangerous(capability: &str) -> bool {
    DANGEROUS.contains(&capability)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_every_engine_and_what_they_are_in_are_known() {
        for (path, expect) in [
            ("/var/run/docker.sock", Some("/var/run/docker.sock")),
            ("/var/run/../run/docker.sock", Some("/var/run/docker.sock")),
            ("/run/../run/./docker.sock/", Some("/run/docker.sock")),
            ("//run//containerd/containerd.sock", Some("/run/containerd/containerd.sock")),
            (
                "/run/containerd/containerd.sock.ttrpc",
                Some("/run/containerd/containerd.sock.ttrpc"),
            ),
            ("/run/user/1000/podman/podman.sock", Some("/run/user/1000/podman/podman.sock")),
            ("/mnt/host/var/run/docker.sock", Some("/mnt/host/var/run/docker.sock")),
            ("/", Some("/run/docker.sock")),
            ("/run", Some("/run/docker.sock")),
            ("/run/containerd", Some("/run/containerd/containerd.sock")),
            ("/var", Some("/var/run/docker.sock")),
            ("/var/snap", Some("/var/snap/microk8s/common/run/containerd.sock")),
            ("/var/run", Some("/var/run/docker.sock")),
            ("/var/run/crio", Some("/var/run/crio/crio.sock")),
            ("/run/crio/", Some("/run/crio/crio.sock")),
            (r"\\.\pipe\docker_engine", Some("/pipe/docker_engine")),
            ("/var/run/app", None),
            ("/var/runs", None),
            ("/running", None),
            ("/srv/app.sock", None),
            ("/data", None),
        ] {
            assert_eq!(socket(path).as_deref(), expect, "{path}");
        }
    }

    #[test]
    fn sockets_are_found_in_paths_and_urls() {
        for (text, expect) in [
            ("/var/run/docker.sock", Some("docker.sock")),
            ("unix:///run/containerd/containerd.sock,x", Some("containerd.sock")),
            ("docker.sock", Some("docker.sock")),
            ("my-docker.sock", None),
            ("docker.socket", None),
            ("docker.sock-proxy", None),
        ] {
            assert_eq!(socket_in(text), expect, "{text}");
        }
    }

    #[test]
    fn what_gives_the_host_away_is_known_with_what_is_above_and_below() {
        for (path, expect) in [
            ("/", Some("/")),
            ("/srv/..", Some("/")),
            ("/etc/", Some("/etc")),
            ("/etc/shadow", Some("/etc")),
            ("/data/../etc", Some("/etc")),
            ("/etc/localtime", None),
            ("/home", Some("/home")),
            ("/home/a", Some("/home")),
            ("/home/a/data", None),
            ("/var/lib", Some("/var/lib/containerd")),
            ("/var/lib/docker/volumes", Some("/var/lib/docker")),
            ("/var/lib/kubelet/pods", Some("/var/lib/kubelet")),
            ("/var/lib/app", None),
            ("/var/log", None),
            ("/opt", Some("/opt")),
            ("/opt/app", None),
            ("/etcetera", None),
            ("/srv/data", None),
        ] {
            assert_eq!(sensitive(path), expect, "{path}");
        }
        assert!(may_be_exposed("/"));
        assert!(may_be_exposed("/var/"));
        assert!(may_be_exposed("/var/lib/"));
        assert!(may_be_exposed("/etc/"));
        assert!(!may_be_exposed("/srv/data/"));
    }

    #[test]
    fn credentials_are_known_by_their_names() {
        for (path, key, credential) in [
            ("/home/a/.ssh", Some(".ssh"), Some(".ssh")),
            ("/srv/x/.ssh/id_rsa", Some(".ssh"), Some(".ssh")),
            ("/etc/shadow", Some("/etc/shadow"), Some("/etc/shadow")),
            ("/home/a/.config/gcloud/x", None, Some(".config/gcloud")),
            ("/home/a/.aws", None, Some(".aws")),
            ("/home/a/.config", None, None),
            ("/home/a/.sshx", None, None),
            ("/srv/etc/shadow", None, None),
            ("/", None, None),
        ] {
            assert_eq!((keys(path), credentials(path)), (key, credential), "{path}");
        }
    }

    #[test]
    fn directories_of_an_image_are_compared_in_normal_form() {
        for path in ["/etc", "//etc/", "/var/../etc/.", "etc", "/proc/1", "/dev/sda", "/usr/bin"] {
            assert!(is_system(path), "{path}");
        }
        for path in [
            "/etcetera",
            "/etc/nginx",
            "/usr/src/app",
            "/dev/shm",
            "/",
            "/var/etc",
            "/root",
            "/var/lib/docker",
            "/home",
        ] {
            assert!(!is_system(path), "{path}");
        }
        assert!(is_writable("/tmp/x") && is_writable("/dev/shm") && !is_writable("/tmpfs"));
    }

    #[test]
    fn addresses_without_a_scheme_are_of_tcp() {
        for address in
            ["tcp://docker", "0.0.0.0:2375", ":2375", "0.0.0.0", "::", "[::]:2375", "http://d:2375"]
        {
            assert!(is_tcp(address), "{address}");
        }
        for address in [
            "unix:///run/docker.sock",
            "fd://",
            "ssh://a@b",
            "/run/docker.sock",
            "Accept: text/html",
            "X-Key:a",
            "",
        ] {
            assert!(!is_tcp(address), "{address}");
        }
    }

    #[test]
    fn capabilities_have_one_name() {
        for name in ["SYS_ADMIN", "sys_admin", "CAP_SYS_ADMIN", " cap_sys_admin"] {
            assert_eq!(capability(name), "SYS_ADMIN");
        }
        assert!(is_dangerous("SYS_ADMIN") && is_dangerous("ALL") && !is_dangerous("CHOWN"));
    }
}
