//! How an image is named: what a person typed, and the digest it came to.

use crate::digest::{Digest, DigestError};
use camino::Utf8PathBuf;
use std::{fmt, str::FromStr};

/// What a person typed to name a subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `registry/repository:tag` or `…@sha256:…`.
    Registry(ImageName),
    /// `oci-layout:DIR[:TAG|@DIGEST]`.
    OciLayout(Archive),
    /// `oci-archive:FILE[:TAG|@DIGEST]`: an OCI layout in a tar file.
    OciArchive(Archive),
    /// `docker-archive:FILE[:TAG]`: what `docker save` writes.
    DockerArchive(Archive),
    /// `docker-daemon:NAME[:TAG|@DIGEST]`: an image that the engine on this machine holds.
    DockerDaemon(ImageName),
    /// `dir:DIR`: a directory with everything below it.
    Directory(Utf8PathBuf),
    /// `file:FILE`: a single file.
    File(Utf8PathBuf),
    /// `sbom:FILE`.
    Sbom(Utf8PathBuf),
}

/// A repository with the tag or the digest that picks an image out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    /// Where.
    pub repository: Repository,
    /// The tag as typed; absent where none was typed.
    pub tag: Option<Tag>,
    /// The digest as typed. With both, the digest counts.
    pub digest: Option<Digest>,
}

/// A place in a local file, and which image in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Archive {
    /// The file or directory.
    pub path: Utf8PathBuf,
    /// Which image, where the archive holds several.
    pub selector: Selector,
}

/// Which image of an archive is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The only one.
    Only,
    /// The one with this reference name.
    Tag(Tag),
    /// The one with this digest.
    Digest(Digest),
}

/// A registry and a path in it, in normal form: `docker.io` for every spelling of Docker Hub, `library/` written out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: String,
}

/// A tag: at most 128 characters of `[A-Za-z0-9_.-]`, not beginning with `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// A subject that can not move any more: where it is, and the digest of its manifest or index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pinned {
    /// Where it is.
    pub place: Place,
    /// The digest of the manifest or index.
    pub digest: Digest,
}

/// Where images are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A repository of a registry.
    Repository(Repository),
    /// A directory in OCI image layout.
    OciLayout(Utf8PathBuf),
    /// An OCI image layout in a tar file.
    OciArchive(Utf8PathBuf),
    /// A tar file as `docker save` writes it.
    DockerArchive(Utf8PathBuf),
    /// An engine on this machine, and the name that it knows the image by.
    DockerDaemon(Repository),
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is nothing, or only whitespace.
    #[error("the image reference is empty")]
    Empty,
    /// The part before the first slash is no host name with an optional port.
    #[error("malformed registry `{0}`: expected a host name, with a port if need be")]
    Registry(String),
    /// A path component is not lower case letters and digits with single separators.
    #[error(
        "malformed repository `{0}`: expected lower case letters, digits and the separators `.`, `_`, `__`, `-`, `/`"
    )]
    Repository(String),
    /// The tag has a character that tags have not, or is too long.
    #[error("malformed tag `{0}`: expected at most 128 letters, digits, `_`, `.` and `-`")]
    Tag(String),
    /// The digest is malformed.
    #[error("malformed digest in image reference")]
    Digest(#[from] DigestError),
    /// A registry reference where a file name has to stand, or the other way round.
    #[error(
        "unknown kind of subject `{0}:`: expected a registry reference, `oci-layout:`, `oci-archive:`, `docker-archive:`, `docker-daemon:`, `dir:`, `file:` or `sbom:`"
    )]
    Kind(String),
}

const DOCKER_HUB: &str = "docker.io";
/// Every host that means Docker Hub.
const DOCKER_HUB_HOSTS: [&str; 4] =
    [DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
/// The longest name that registries take (distribution/reference).
const NAME_LIMIT: usize = 255;

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let Some((kind, rest)) = text.split_once(':') else {
            return Ok(Self::Registry(text.parse()?));
        };
        match kind {
            "oci-layout" => rest.parse().map(Self::OciLayout),
            "oci-archive" => rest.parse().map(Self::OciArchive),
            "docker-archive" => rest.parse().map(Self::DockerArchive),
            "docker-daemon" => rest.parse().map(Self::DockerDaemon),
            "dir" | "file" | "sbom" if rest.is_empty() => Err(ReferenceError::Empty),
            "dir" => Ok(Self::Directory(rest.into())),
            "file" => Ok(Self::File(rest.into())),
            "sbom" => Ok(Self::Sbom(rest.into())),
            "oci" | "docker" => Err(ReferenceError::Kind(kind.to_owned())),
            _ => Ok(Self::Registry(text.parse()?)),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(name) => name.fmt(out),
            Self::OciLayout(archive) => write!(out, "oci-layout:{archive}"),
            Self::OciArchive(archive) => write!(out, "oci-archive:{archive}"),
            Self::DockerArchive(archive) => write!(out, "docker-archive:{archive}"),
            Self::DockerDaemon(name) => write!(out, "docker-daemon:{name}"),
            Self::Directory(path) => write!(out, "dir:{path}"),
            Self::File(path) => write!(out, "file:{path}"),
            Self::Sbom(path) => write!(out, "sbom:{path}"),
        }
    }
}

impl FromStr for Archive {
    type Err = ReferenceError;

    /// `PATH`, `PATH:TAG` or `PATH@DIGEST`. What follows the last colon is a tag only where it holds no slash.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (path, selector) = match (text.split_once("@sha256:"), text.rsplit_once(':')) {
            (Some((path, hex)), _) => (path, Selector::Digest(format!("sha256:{hex}").parse()?)),
            (None, Some((path, tag))) if !tag.contains('/') => (path, Selector::Tag(tag.parse()?)),
            _ => (text, Selector::Only),
        };
        if path.is_empty() {
            Err(ReferenceError::Empty)
        } else {
            Ok(Self { path: path.into(), selector })
        }
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Selector::Only => write!(out, "{}", self.path),
            Selector::Tag(tag) => write!(out, "{}:{tag}", self.path),
            Selector::Digest(digest) => write!(out, "{}@{digest}", self.path),
        }
    }
}

impl FromStr for ImageName {
    type Err = ReferenceError;

    /// Grammar: <https://github.com/distribution/reference/blob/v0.6.0/reference.go>.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.trim().is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let last_slash = name.rfind('/').map_or(0, |at| at.saturating_add(1));
        let (_, last) = name.split_at_checked(last_slash).unwrap_or_default();
        let (name, tag) = match last.split_once(':') {
            Some((_, tag)) => {
                let rest = name.len().saturating_sub(tag.len()).saturating_sub(1);
                (name.get(..rest).unwrap_or_default(), Some(tag.parse()?))
            }
            None => (name, None),
        };
        Ok(Self { repository: name.parse()?, tag, digest })
    }
}

impl ImageName {
    /// Whether neither tag nor digest was typed, so that `latest` would be meant.
    pub fn is_untagged(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(out)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(out, ":{tag}"))?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(out, "@{digest}"))
    }
}

impl Repository {
    /// The registry: a host name in lower case, with a port if it was typed. A bare word is as typed, as it is a host only
    /// by its upper-case letters (`Registry/app`).
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path within the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether this is Docker Hub's `library/` namespace, where the official images are.
    pub fn is_official_namespace(&self) -> bool {
        self.registry == DOCKER_HUB
            && self
                .path
                .strip_prefix("library/")
                .is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.trim().is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (registry, path) = match text.split_once('/') {
            Some((host, path)) if is_host_like(host) => (registry_named(host), path),
            _ => (DOCKER_HUB.to_owned(), text),
        };
        if !is_registry(&registry) {
            return Err(ReferenceError::Registry(registry));
        }
        if path.len() > NAME_LIMIT || !path.split('/').all(is_path_component) {
            return Err(ReferenceError::Repository(path.to_owned()));
        }
        let is_hub = DOCKER_HUB_HOSTS.contains(&registry.as_str());
        Ok(match (is_hub, path.contains('/')) {
            (true, false) => {
                Self { registry: DOCKER_HUB.to_owned(), path: format!("library/{path}") }
            }
            (true, true) => Self { registry: DOCKER_HUB.to_owned(), path: path.to_owned() },
            (false, _) => Self { registry, path: path.to_owned() },
        })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.path)
    }
}

/// As Docker tells a host from a path component: it has a dot or a colon, is `localhost`, or has an upper-case letter.
fn is_host_like(text: &str) -> bool {
    text.contains(['.', ':'])
        || text == "localhost"
        || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A host in lower case; as typed where nothing but an upper-case letter tells it from a path component: in lower case it
/// would be one of Docker Hub's when it is read again.
fn registry_named(host: &str) -> String {
    let lower = host.to_ascii_lowercase();
    if is_host_like(&lower) { lower } else { host.to_owned() }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = if let Some((address, rest)) =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    {
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return false;
        }
        return rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= 253 && host.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Lower-case letters and digits, separated by `.`, `_`, `__` or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split('-').enumerate().all(|(index, part)| {
        // Between dashes there may be nothing, but not at either end.
        let is_inner_gap = part.is_empty() && index > 0 && !text.ends_with('-');
        is_inner_gap || part.replace("__", ".").split(['.', '_']).all(is_word)
    })
}

impl Tag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_tag = !text.is_empty()
            && text.len() <= 128
            && !text.starts_with(['.', '-'])
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if is_tag { Ok(Self(text.to_owned())) } else { Err(ReferenceError::Tag(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(repository) => repository.fmt(out),
            Self::OciLayout(path) => write!(out, "oci-layout:{path}"),
            Self::OciArchive(path) => write!(out, "oci-archive:{path}"),
            Self::DockerArchive(path) => write!(out, "docker-archive:{path}"),
            Self::DockerDaemon(repository) => write!(out, "docker-daemon:{repository}"),
        }
    }
}

impl Place {
    /// The name a statement gives its subject: the repository, or the last part of a path.
    pub fn subject_name(&self) -> String {
        match self {
            Self::Repository(repository) | Self::DockerDaemon(repository) => repository.to_string(),
            Self::OciLayout(path) | Self::OciArchive(path) | Self::DockerArchive(path) => {
                path.file_name().unwrap_or("image").to_owned()
            }
        }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.place, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let found = text
            .parse::<ImageName>()
            .map_or_else(|error| error.to_string(), |name| name.to_string());
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn every_spelling_of_docker_hub_is_one() {
        check("nginx", "docker.io/library/nginx");
        check("nginx:1.27", "docker.io/library/nginx:1.27");
        check("index.docker.io/nginx", "docker.io/library/nginx");
        check("registry-1.docker.io/library/nginx", "docker.io/library/nginx");
        check("registry.hub.docker.com/acme/app:1", "docker.io/acme/app:1");
        check("DOCKER.IO/nginx", "docker.io/library/nginx");
    }

    #[test]
    fn other_registries_stay_what_they_are() {
        check("evil.io/library/nginx", "evil.io/library/nginx");
        check("docker.io.evil.io/library/nginx", "docker.io.evil.io/library/nginx");
        check("127.0.0.1:5000/build/app:1", "127.0.0.1:5000/build/app:1");
        check("localhost/app", "localhost/app");
        check("[::1]:5000/app", "[::1]:5000/app");
        check("a__b/c-d.e---f", "docker.io/a__b/c-d.e---f");
    }

    #[test]
    fn a_host_that_only_its_case_tells_is_printed_so_that_it_is_read_again() {
        check("Registry/app", "Registry/app");
        check("LOCALHOST/app", "localhost/app");
        check("Registry.Example/app", "registry.example/app");
        check("Registry:5000/app", "registry:5000/app");
        check("registry/app", "docker.io/registry/app");
    }

    #[test]
    fn a_tag_beside_a_digest_is_kept() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(&format!("a.io/b:c@sha256:{hex}"), &format!("a.io/b:c@sha256:{hex}"));
        check(&format!("a.io/b@sha256:{hex}"), &format!("a.io/b@sha256:{hex}"));
    }

    #[test]
    fn malformed_references_say_which_part() {
        for (text, error) in [
            ("", ReferenceError::Empty),
            ("a.io/B", ReferenceError::Repository("B".to_owned())),
            ("a.io/../b", ReferenceError::Repository("../b".to_owned())),
            ("a.io/-b", ReferenceError::Repository("-b".to_owned())),
            ("a.io/b-", ReferenceError::Repository("b-".to_owned())),
            ("a.io/b..c", ReferenceError::Repository("b..c".to_owned())),
            ("a.io/b___c", ReferenceError::Repository("b___c".to_owned())),
            ("a.io:99999/b", ReferenceError::Registry("a.io:99999".to_owned())),
            ("a..io/b", ReferenceError::Registry("a..io".to_owned())),
            ("a.io/b:-t", ReferenceError::Tag("-t".to_owned())),
            ("a.io/b@sha256:abcd", ReferenceError::Digest(DigestError::Hex)),
        ] {
            assert_eq!(text.parse::<ImageName>(), Err(error), "{text}");
        }
    }

    #[test]
    fn only_one_level_below_library_on_docker_hub_is_official() {
        let is_official = |text: &str| text.parse::<Repository>().unwrap().is_official_namespace();
        assert!(is_official("debian"));
        assert!(!is_official("evil.io/library/debian"));
        assert!(!is_official("library/debian/x"));
        assert!(!is_official("acme/debian"));
    }

    #[test]
    fn subjects_in_files() {
        let tag = |text: &str| Selector::Tag(text.parse().unwrap());
        for (text, path, selector) in [
            ("oci-layout:out", "out", Selector::Only),
            ("oci-layout:a/b:1.0", "a/b", tag("1.0")),
            ("oci-layout:./a:b/c", "./a:b/c", Selector::Only),
        ] {
            let Reference::OciLayout(archive) = text.parse().unwrap() else { panic!("{text}") };
            assert_eq!((archive.path.as_str(), archive.selector), (path, selector), "{text}");
        }
        assert_eq!("docker:x".parse::<Reference>(), Err(ReferenceError::Kind("docker".to_owned())));
        for text in ["dir:.", "file:a:b@c", "sbom:x", "docker-daemon:docker.io/library/debian:12"] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        assert_eq!("dir:".parse::<Reference>(), Err(ReferenceError::Empty));
        assert_eq!("oci-layout:".parse::<Reference>(), Err(ReferenceError::Empty));
    }
}
