//! Documents in common notations, as text, JSON, TOML or YAML, read with bounds.
//!
//! Every function says why it could not read, in words that fit behind the name of the file.

use plimsoll_model::{
    TreePath,
    component::{Hash, HashAlgorithm},
};
use serde::de::DeserializeOwned;

/// The text, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| format!("malformed: {error}"))
}

/// A JSON document; `serde_json` bounds its nesting (128).
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_str(text(bytes)?).map_err(|error| format!("malformed: {error}"))
}

/// A TOML document; `toml` bounds its nesting (80).
pub(crate) fn toml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    ::toml::from_str(text(bytes)?).map_err(|error| format!("malformed: {}", error.message()))
}

/// A YAML document: at most 1,000,000 nodes, 64 levels and few aliases; a key that comes twice is refused.
pub(crate) fn yaml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 1_000_000,
            max_events: 4_000_000,
            max_anchors: 10_000,
            max_documents: 1,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text(bytes)?, options)
        .map_err(|error| format!("malformed: {}", error.without_snippet()))
}

/// A hash in hexadecimal, where it is one of that algorithm.
pub(crate) fn hash(algorithm: HashAlgorithm, hex: &str) -> Option<Hash> {
    let hash = Hash { algorithm, hex: hex.trim().to_ascii_lowercase() };
    crate::formats::is_well_formed(&hash).then_some(hash)
}

/// An address without name, password or token of whoever logs in there: an inventory is handed on. `host:path`, as Git has it,
/// becomes a URL.
pub(crate) fn address(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url.split_once(':') {
            Some((host, path)) if host.contains('@') => format!("ssh://{host}/{path}"),
            Some(_) | None => url.to_owned(),
        };
    };
    let (authority, path) =
        rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // The user of SSH is part of where it is; elsewhere a token may stand there.
    let user = login.split(':').next().filter(|user| scheme.ends_with("ssh") && !user.is_empty());
    match user {
        Some(user) => format!("{scheme}://{user}@{host}{path}"),
        None => format!("{scheme}://{host}{path}"),
    }
}

/// A commit in a Git repository, as package URLs have it (`vcs_url`).
pub(crate) fn vcs_url(url: &str, commit: &str) -> String {
    let at = if commit.is_empty() { "" } else { "@" };
    format!("git+{}{at}{commit}", address(url))
}

/// Whether a path lies in the copy of a package that somebody else made: what is found there speaks of that package's own
/// development, not of the subject.
pub(crate) fn is_of_dependency(path: &TreePath) -> bool {
    const STORES: [&[u8]; 5] =
        [b"node_modules", b"site-packages", b"dist-packages", b"third_party", b"vendor"];
    /// Of Go, Rust, Julia, Debian's Node.js, Dart and Swift.
    const NESTED: [[&[u8]; 2]; 7] = [
        [b"pkg", b"mod"],
        [b"registry", b"src"],
        [b"git", b"checkouts"],
        [b".julia", b"packages"],
        [b"share", b"nodejs"],
        [b".pub-cache", b"hosted"],
        [b".build", b"checkouts"],
    ];
    let mut last: &[u8] = b"";
    for part in path.as_bytes().split(|byte| *byte == b'/') {
        if STORES.contains(&part) || NESTED.contains(&[last, part]) {
            return true;
        }
        last = part;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn marks_at_the_beginning_do_no_harm() {
        assert_eq!(json::<Value>(b"\xef\xbb\xbf[1]").unwrap(), serde_json::json!([1]));
        assert_eq!(text(b"\xef\xbb\xbfa").unwrap(), "a");
        assert!(text(b"\xff").unwrap_err().starts_with("malformed: "));
    }

    #[test]
    fn yaml_is_bounded_and_strict() {
        let yaml = |text: &str| yaml::<Value>(text.as_bytes());
        assert_eq!(yaml("on: [yes, 'a']\n").unwrap(), serde_json::json!({"on": ["yes", "a"]}));
        assert!(yaml(&"[".repeat(100_000)).unwrap_err().starts_with("malformed: "));
        assert!(yaml("a: 1\na: 2\n").unwrap_err().starts_with("malformed: "));
        let level = |level: usize| {
            let aliases = vec![format!("*a{level}"); 10].join(", ");
            format!("a{}: &a{} [{aliases}]\n", level + 1, level + 1)
        };
        let bomb: String = (0..12).map(level).collect();
        assert!(yaml(&format!("a0: &a0 [x]\n{bomb}")).unwrap_err().starts_with("malformed: "));
    }

    #[test]
    fn addresses_have_no_secrets() {
        for (url, expect) in [
            ("https://a.b/c.git", "https://a.b/c.git"),
            ("https://token@a.b/c@d", "https://a.b/c@d"),
            ("https://user:p@ss@a.b:1/c", "https://a.b:1/c"),
            ("ssh://git:secret@a.b/c", "ssh://git@a.b/c"),
            ("git@a.b:c/d.git", "ssh://git@a.b/c/d.git"),
            ("../a", "../a"),
            ("https://", "https://"),
            ("", ""),
        ] {
            assert_eq!(address(url), expect);
        }
        assert_eq!(vcs_url("https://x@a.b/c", "1"), "git+https://a.b/c@1");
        assert_eq!(vcs_url("https://a.b/c", ""), "git+https://a.b/c");
    }

    #[test]
    fn copies_of_others_packages() {
        for (path, expect) in [
            ("srv/node_modules/a/.github/workflows/ci.yml", true),
            ("root/go/pkg/mod/a/Dockerfile", true),
            ("root/.julia/packages/A/x/Manifest.toml", true),
            ("srv/vendor/github.com/a/b/Dockerfile", true),
            ("srv/pkg/models/Dockerfile", false),
            ("srv/app/Dockerfile", false),
        ] {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            assert_eq!(is_of_dependency(&path), expect, "{path}");
        }
    }
}
