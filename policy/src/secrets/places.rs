//! What the place of a file says of the secrets in it.

use super::search::Depth;
use plimsoll_model::TreePath;

/// Where packages keep their own documentation, tests and sources, as they are published: what is in there is known to
/// everybody, and was put there by nobody who builds the image. Parts of a path, in this order, anywhere in it.
const PUBLISHED: &[&[&str]] = &[
    &["usr", "share", "doc"],
    &["usr", "share", "man"],
    &["usr", "share", "info"],
    &["usr", "share", "perl"],
    &["usr", "share", "ruby-rubygems"],
    &["usr", "share", "nodejs"],
    &["usr", "share", "go"],
    &["usr", "lib", "go"],
    &["usr", "local", "go", "src"],
    &["usr", "local", "go", "test"],
    &["go", "pkg", "mod"],
    &["usr", "share", "nmap"],
    &["usr", "lib", "ruby"],
    &["usr", "local", "lib", "ruby"],
    &["site-packages"],
    &["dist-packages"],
    &["node_modules"],
    &["registry", "src"],
    &["vendor", "bundle"],
    &["gems"],
];
/// In the standard library of Python, tests alone.
const PYTHON: &[&str] = &["test", "tests", "idle_test", "certdata", "test_email"];

/// Whether a file lies where packages keep what is published with them. It is told by the path alone: what a package
/// owns is known only after its database was read, and not every language has one.
pub(crate) fn is_of_package(path: &TreePath) -> bool {
    let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let Some((_, directories)) = parts.split_last() else { return false };
    let has = |row: &[&str]| directories.windows(row.len()).any(|window| window == row);
    let is_python = || {
        directories.iter().any(|part| part.starts_with("python3"))
            && directories.iter().any(|part| PYTHON.contains(part))
    };
    // Debian has Go's sources below its version.
    let is_go = directories.windows(3).any(|window| match window {
        ["usr", "share" | "lib", go] => go.starts_with("go-1"),
        _ => false,
    });
    PUBLISHED.iter().any(|row| has(row)) || is_go || is_python()
}

/// Directories of tests, whose keys protect nothing as a rule.
const TESTS: &[&str] = &["test", "tests", "testdata", "__tests__"];

/// Whether a file lies among tests, of whatever.
pub(crate) fn is_of_tests(path: &TreePath) -> bool {
    let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
    let directories = path.rsplit_once('/').map_or("", |(directories, _)| directories);
    directories.split('/').any(|part| TESTS.contains(&part))
}

/// Ends of the names of files in which people configure things.
const CONFIGURED: &[&str] = &[
    "env",
    "ini",
    "conf",
    "cfg",
    "config",
    "properties",
    "yaml",
    "yml",
    "toml",
    "tfvars",
    "envrc",
    "secret",
    "secrets",
];

/// What JSON with settings is called.
const SETTINGS: &[&str] = &["config", "setting", "secret", "credential", "env"];

/// How far the values in a file are taken for secrets for their names. In code a name says little.
pub(super) fn depth(path: &TreePath) -> Depth {
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    // Most of JSON is data, with samples in it.
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let is_json = end == "json" && SETTINGS.iter().any(|part| name.contains(part));
    let is_configured = name.starts_with(".env") || is_json || CONFIGURED.contains(&end);
    if is_configured && !is_of_package(path) { Depth::Named } else { Depth::Known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_packages_publish_is_told_by_where_it_lies() {
        for published in [
            "usr/local/lib/python3.12/test/certdata/keycert.pem",
            "usr/lib/python3/dist-packages/twisted/test/server.pem",
            "usr/local/go/src/crypto/tls/testdata/example-key.pem",
            "app/node_modules/https-proxy-agent/test/key.pem",
            "usr/share/doc/openssl/key.pem",
            "usr/share/nodejs/@types/node/url.d.ts",
            "usr/share/go-1.19/src/crypto/tls/example_test.go",
        ] {
            assert!(is_of_package(&path(published)), "{published}");
        }
        for own in [
            "app/test/key.pem",
            "app/node_modules",
            "etc/ssl/key.pem",
            "usr/share/nginx/key.pem",
            "python3/app/key.pem",
        ] {
            assert!(!is_of_package(&path(own)), "{own}");
        }
    }

    #[test]
    fn tests_are_told_by_their_directory() {
        for (file, expect) in
            [("srv/py/twisted/test/a.pem", true), ("test", false), ("a/latest/b", false)]
        {
            assert_eq!(is_of_tests(&path(file)), expect, "{file}");
        }
    }

    #[test]
    fn names_of_values_count_where_people_configure() {
        for (file, expect) in [
            ("app/.env.production", Depth::Named),
            ("app/config.yaml", Depth::Named),
            ("app/main.py", Depth::Known),
            ("app/appsettings.json", Depth::Named),
            ("app/examples-1.json", Depth::Known),
            ("app/node_modules/a/config.yaml", Depth::Known),
        ] {
            assert_eq!(depth(&path(file)), expect, "{file}");
        }
    }
}
