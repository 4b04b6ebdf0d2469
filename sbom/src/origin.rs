//! Where a package comes from that does not come from the registry of its ecosystem.

/// A place, as the qualifiers of package URLs name it. A package from such a place is not the registry's of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A repository at a commit: `git+https://example.com/a.git@1234abc`.
    Vcs(String),
    /// A file or a directory: an address, or `file:` and a path.
    Download(String),
}

/// Names of query parameters that carry a credential have one of these in them.
const SECRETS: [&str; 6] = ["auth", "credential", "key", "secret", "sig", "token"];

/// Short names of hosts, as npm and others understand them.
const HOSTS: [(&str, &str); 3] = [
    ("github:", "https://github.com/"),
    ("gitlab:", "https://gitlab.com/"),
    ("bitbucket:", "https://bitbucket.org/"),
];

impl Origin {
    /// A git repository, in any of the ways in which package managers write its address, at a commit or another revision.
    pub(crate) fn git(address: &str, revision: Option<&str>) -> Self {
        Self::vcs("git", address, revision)
    }

    /// A repository of any kind (`git`, `hg`, `svn`, `bzr`).
    pub(crate) fn vcs(kind: &str, address: &str, revision: Option<&str>) -> Self {
        let prefix = format!("{kind}+");
        let address = address.strip_prefix(&prefix).unwrap_or(address);
        let host = HOSTS.iter().find_map(|(short, host)| {
            address.strip_prefix(short).map(|path| format!("{host}{path}"))
        });
        let address = match host {
            Some(address) => address,
            None if address.contains("://") => without_secrets(address),
            // As scp writes it: `git@host:path`.
            None => format!("ssh://{}", address.replacen(':', "/", 1)),
        };
        let revision = revision.filter(|revision| !revision.is_empty());
        let revision = revision.map(|revision| format!("@{revision}")).unwrap_or_default();
        Self::Vcs(format!("{prefix}{address}{revision}"))
    }

    /// A file at an address; what follows a `#` is about the file and not where it is.
    pub(crate) fn download(address: &str) -> Self {
        let address = address.split_once('#').map_or(address, |(address, _)| address);
        Self::Download(without_secrets(address))
    }

    /// A file or a directory of the machine that made the lock.
    pub(crate) fn path(path: &str) -> Self {
        Self::Download(format!("file:{}", path.strip_prefix("file:").unwrap_or(path)))
    }

    /// As a qualifier of a package URL.
    pub(crate) fn qualifier(&self) -> (&'static str, &str) {
        match self {
            Self::Vcs(address) => ("vcs_url", address),
            Self::Download(address) => ("download_url", address),
        }
    }
}

/// An address as it may be written into an inventory: locks hold tokens that their authors did not mean to publish.
fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let authority = match authority.rsplit_once('@') {
        // The user of SSH is part of the address; what comes before a host of the web is a credential.
        Some((user, host)) if scheme.ends_with("ssh") => {
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{user}@{host}")
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    let is_secret = |query: &str| {
        let query = query.to_ascii_lowercase();
        SECRETS.iter().any(|word| query.contains(word))
    };
    let path = match path.split_once('?') {
        Some((path, query)) if is_secret(query) => path,
        Some(_) | None => path,
    };
    format!("{scheme}://{authority}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_in_every_way_that_they_are_written() {
        for (address, revision, expect) in [
            ("git+ssh://git@github.com/a/b.git", Some("1"), "git+ssh://git@github.com/a/b.git@1"),
            ("git@example.com:a/b.git", None, "git+ssh://git@example.com/a/b.git"),
            ("github:a/b", Some("c0ffee"), "git+https://github.com/a/b@c0ffee"),
            ("https://example.com/a", Some(""), "git+https://example.com/a"),
            ("git://example.com/a", Some("v1"), "git+git://example.com/a@v1"),
        ] {
            assert_eq!(Origin::git(address, revision), Origin::Vcs(expect.to_owned()), "{address}");
        }
        let expect = Origin::Vcs("hg+https://example.com/a@2".to_owned());
        assert_eq!(Origin::vcs("hg", "hg+https://example.com/a", Some("2")), expect);
    }

    #[test]
    fn no_credential_gets_into_an_inventory() {
        for (address, expect) in [
            ("https://user:pass@example.com/a.tgz#sha1", "https://example.com/a.tgz"),
            ("https://ghp_123@github.com/a", "https://github.com/a"),
            ("https://example.com/a?ref=x", "https://example.com/a?ref=x"),
            ("https://example.com/a?X-Amz-Signature=1", "https://example.com/a"),
            ("https://example.com?Token=1", "https://example.com"),
            ("git+ssh://git:pass@example.com/a", "git+ssh://git@example.com/a"),
            ("https://example.com/@scope/a", "https://example.com/@scope/a"),
        ] {
            assert_eq!(Origin::download(address), Origin::Download(expect.to_owned()), "{address}");
        }
    }

    #[test]
    fn paths_are_no_addresses() {
        for path in ["file:../a", "../a"] {
            assert_eq!(Origin::path(path).qualifier(), ("download_url", "file:../a"));
        }
    }
}
