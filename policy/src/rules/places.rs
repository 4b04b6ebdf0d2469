//! Places of a machine that rules of several kinds know: sockets of container runtimes, and directories of the system.

/// Files of the sockets by which container runtimes are commanded.
const SOCKETS: [&str; 6] = [
    "docker.sock",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
];

/// Directories that belong to the system, apart from what lies in them.
const SYSTEM: [&str; 12] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root/.ssh",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
];
/// Directories whose whole content is the kernel's or the boot loader's.
const KERNEL: [&str; 4] = ["/boot", "/dev", "/proc", "/sys"];

/// Directories that everybody may write to.
const WRITABLE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// The socket of a runtime that a text names.
pub(super) fn socket(text: &str) -> Option<&'static str> {
    let is_named = |socket: &&&str| {
        text.match_indices(**socket).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after =
                text.get(at.saturating_add(socket.len())..).and_then(|rest| rest.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    SOCKETS.iter().find(is_named).copied()
}

/// Whether a path is a directory of the system, or in one of the kernel's.
pub(super) fn is_system(path: &str) -> bool {
    let path = normal(path);
    SYSTEM.contains(&path.as_str())
        || KERNEL.iter().any(|kernel| is_below(&path, kernel)) && !is_writable(&path)
}

/// Whether a path is a directory that everybody may write to, or in one.
pub(super) fn is_writable(path: &str) -> bool {
    let path = normal(path);
    WRITABLE.iter().any(|writable| path == *writable || is_below(&path, writable))
}

/// Whether a path that is in normal form lies in a directory.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// An absolute path without `.`, `..`, and slashes that say nothing.
pub(super) fn normal(path: &str) -> String {
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

/// Whether a character may stand in the middle of a file's name.
fn is_part(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(socket(text), expect, "{text}");
        }
    }

    #[test]
    fn directories_are_compared_in_normal_form() {
        for path in ["/etc", "//etc/", "/var/../etc/.", "etc", "/proc/1", "/dev/sda"] {
            assert!(is_system(path), "{path}");
        }
        for path in ["/etcetera", "/etc/nginx", "/usr/src/app", "/dev/shm", "/", "/var/etc"] {
            assert!(!is_system(path), "{path}");
        }
        assert!(is_writable("/tmp/x") && is_writable("/dev/shm") && !is_writable("/tmpfs"));
    }
}
