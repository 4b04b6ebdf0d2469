//! Files that are credentials as a whole. Where the name is common, the content decides.

use super::{Certainty, Named, is_named_secret, patterns::PRIVATE_KEY, search::Hit};
use plimsoll_model::TreePath;
use serde_json::Value;

/// A kind of file that is a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Its name, in what is kept.
    pub id: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
}

const fn certain(id: &'static str, title: &'static str) -> Credential {
    Credential { id, title, certainty: Certainty::Certain }
}

const fn likely(id: &'static str, title: &'static str) -> Credential {
    Credential { id, title, certainty: Certainty::Likely }
}

const HOST_KEY: Credential =
    certain("ssh-host-key", "a private host key of SSH, the same in every container");
const KEY: Credential = certain("private-key", "a private key");
const LOCKED_KEY: Credential = likely("locked-private-key", "a private key under a passphrase");
const NPMRC: Credential = certain("npmrc", "a configuration of npm with a token");
const PYPIRC: Credential = certain("pypirc", "a configuration of PyPI with a password");
const NETRC: Credential = certain("netrc", "a netrc file with a password");
const GIT: Credential = certain("git-credentials", "stored credentials of git");
const DOCKER: Credential = certain("docker-config", "a configuration of Docker with credentials");
const AWS: Credential = certain("aws-credentials", "stored credentials of AWS");
const GCLOUD: Credential = certain("gcloud-credentials", "stored credentials of Google Cloud");
const KUBE: Credential = certain("kubeconfig", "a kubeconfig with a key, a token or a password");
const ENV: Credential = certain("env-file", "an environment file with a secret");
const ENV_LIKELY: Credential = likely("env-file-unsure", "an environment file with values");
const TFSTATE: Credential =
    certain("terraform-state", "a state of Terraform, which has the secrets of what it made");
const WORDPRESS: Credential =
    certain("wp-config", "a configuration of WordPress with a database password");
const KEEPASS: Credential = certain("keepass", "a database of KeePass");
const KEYSTORE: Credential = likely("java-keystore", "a keystore of Java");
const PKCS12: Credential = likely("pkcs12", "a PKCS #12 file, which has a private key as a rule");

const ALL: &[Credential] = &[
    HOST_KEY, KEY, LOCKED_KEY, NPMRC, PYPIRC, NETRC, GIT, DOCKER, AWS, GCLOUD, KUBE, ENV,
    ENV_LIKELY, TFSTATE, WORDPRESS, KEEPASS, KEYSTORE, PKCS12,
];

impl Credential {
    /// The kind with this name.
    pub(crate) fn find(id: &str) -> Option<Self> {
        ALL.iter().copied().find(|known| known.id == id)
    }
}

/// Names that are always those of credentials.
const NAMES: &[&str] = &[
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ecdsa_sk",
    "id_ed25519_sk",
    ".npmrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    "application_default_credentials.json",
    "credentials.db",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "wp-config.php",
    ".env",
];
/// Ends of such names.
const ENDS: &[&str] = &["pfx", "p12", "jks", "keystore", "kdbx", "tfstate", "ppk", "key"];
/// Names that are those of credentials in one directory.
const INSIDE: &[(&str, &str)] = &[
    (".docker", "config.json"),
    (".aws", "credentials"),
    (".kube", "config"),
    (".config", "kubeconfig"),
    ("etc", "shadow"),
    ("etc", "passwd"),
];

/// What is said of environment files that are committed to show what goes in.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist", "default", "defaults", "test"];

struct Name {
    directory: String,
    file: String,
    end: String,
}

impl Name {
    fn of(path: &TreePath) -> Self {
        let file = String::from_utf8_lossy(path.file_name()).into_owned();
        let directory = path.parent().unwrap_or_default();
        let directory = String::from_utf8_lossy(directory.file_name()).into_owned();
        let end =
            file.rsplit_once('.').map_or_else(String::new, |(_, end)| end.to_ascii_lowercase());
        Self { directory, file, end }
    }

    fn is(&self, file: &str) -> bool {
        self.file == file
    }

    fn is_in(&self, directory: &str, file: &str) -> bool {
        self.directory == directory && self.file == file
    }

    fn is_host_key(&self) -> bool {
        self.file.starts_with("ssh_host_") && self.file.ends_with("_key")
    }

    /// `.env` and `.env.production`, but not what is committed to show what goes in.
    fn is_env(&self) -> bool {
        (self.is(".env") || self.file.starts_with(".env.")) && !SAMPLES.contains(&self.end.as_str())
    }

    /// `prod.env`, which is one of many things by its name.
    fn may_be_env(&self) -> bool {
        let is_sample = |part: &str| SAMPLES.contains(&part.to_ascii_lowercase().as_str());
        self.end == "env" && !self.file.split(['.', '-', '_']).any(is_sample)
    }
}

/// Whether the name of a file is one of credentials, so that it is read whatever it is.
pub(super) fn named(path: &TreePath) -> Named {
    let name = Name::of(path);
    let is_one = NAMES.contains(&name.file.as_str())
        || ENDS.contains(&name.end.as_str())
        || INSIDE.iter().any(|(directory, file)| name.is_in(directory, file))
        || name.is_host_key()
        || name.is_env();
    if is_one { Named::Credential } else { Named::Otherwise }
}

/// What a file is that is no text.
pub(super) fn of_binary(path: &TreePath, bytes: &[u8]) -> Option<Credential> {
    match Name::of(path).end.as_str() {
        "kdbx" => bytes.starts_with(&[0x03, 0xd9, 0xa2, 0x9a]).then_some(KEEPASS),
        "jks" | "keystore" => {
            let is_one = bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed])
                || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce])
                || is_pkcs12(bytes);
            is_one.then_some(KEYSTORE)
        }
        "pfx" | "p12" => is_pkcs12(bytes).then_some(PKCS12),
        _ => None,
    }
}

/// A sequence that begins with the version 3 (RFC 7292, section 4).
fn is_pkcs12(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30)
        && bytes
            .get(1..12.min(bytes.len()))
            .is_some_and(|head| head.windows(3).any(|three| three == [2, 1, 3]))
}

/// What a text file is, by its name and by what is in it.
pub(super) fn of_text(path: &TreePath, bytes: &[u8], hits: &[Hit]) -> Option<Credential> {
    let name = Name::of(path);
    if hits.iter().any(|hit| hit.pattern == PRIVATE_KEY) {
        let is_locked = has(bytes, "ENCRYPTED");
        return Some(match is_locked {
            true => LOCKED_KEY,
            false if name.is_host_key() => HOST_KEY,
            false => KEY,
        });
    }
    let is_by_content = matches!(name.end.as_str(), "json" | "conf" | "env");
    if named(path) == Named::Otherwise && !is_by_content {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    by_name(&name, text, hits)
}

fn by_name(name: &Name, text: &str, hits: &[Hit]) -> Option<Credential> {
    let found = |is_one: bool, kind: Credential| is_one.then_some(kind);
    match name.file.as_str() {
        ".npmrc" => found(any_value(text, &["_authToken", "_auth", "_password"], '='), NPMRC),
        ".pypirc" => found(any_value(text, &["password"], '='), PYPIRC),
        ".netrc" | "_netrc" => found(netrc(text), NETRC),
        ".git-credentials" => found(has_userinfo(text), GIT),
        ".dockercfg" | ".dockerconfigjson" => found(docker(text), DOCKER),
        "config.json" if name.directory == ".docker" => found(docker(text), DOCKER),
        "credentials" if name.directory == ".aws" => {
            found(any_value(text, &["aws_secret_access_key", "aws_session_token"], '='), AWS)
        }
        "config" | "kubeconfig" if [".kube", ".config"].contains(&name.directory.as_str()) => {
            found(any_value(text, &["client-key-data", "token", "password"], ':'), KUBE)
        }
        "wp-config.php" => found(wordpress(text), WORDPRESS),
        _ if name.end == "ppk" => found(text.contains("PuTTY-User-Key-File"), KEY),
        _ if name.is_env() => env(text, hits),
        _ if name.may_be_env() => env(text, hits).filter(|kind| *kind == ENV),
        _ if name.end == "tfstate" || name.is("terraform.tfstate.backup") => {
            found(tfstate(text), TFSTATE)
        }
        _ if name.end == "json" => found(gcloud(text), GCLOUD),
        _ => None,
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether a value stands for itself: not empty, and no variable or placeholder.
pub(super) fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let is_filled_in = value.starts_with(['$', '<', '{', '%']);
    !value.is_empty() && !is_filled_in && !super::plausible::is_placeholder(value.as_bytes())
}

/// Whether one of these names is given a value of its own.
fn any_value(text: &str, names: &[&str], sign: char) -> bool {
    text.lines().filter_map(|line| line.split_once(sign)).any(|(name, value)| {
        let name = name.trim().trim_start_matches("- ");
        let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
        names.contains(&name) && is_literal(value)
    })
}

fn netrc(text: &str) -> bool {
    let mut words = text.split_whitespace();
    std::iter::from_fn(|| words.find(|word| *word == "password").and_then(|_| words.next()))
        .any(is_literal)
}

fn has_userinfo(text: &str) -> bool {
    text.lines().filter_map(|line| line.split_once("://")).any(|(_, rest)| {
        let password = rest.split_once('@').and_then(|(user, _)| user.split_once(':'));
        password.is_some_and(|(_, password)| is_literal(password))
    })
}

fn docker(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let auths = document.get("auths").unwrap_or(&document);
    let has = |entry: &Value| {
        ["auth", "identitytoken", "registrytoken", "password"]
            .iter()
            .any(|name| entry.get(name).and_then(Value::as_str).is_some_and(is_literal))
    };
    auths.as_object().is_some_and(|auths| auths.values().any(has))
}

fn gcloud(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let field = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    match field("type") {
        "authorized_user" => is_literal(field("refresh_token")),
        "service_account" => is_literal(field("private_key")),
        _ => false,
    }
}

fn tfstate(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    ["resources", "modules"].iter().any(|name| {
        document.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    })
}

fn wordpress(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| line.contains("'DB_PASSWORD'"));
    lines.any(|line| {
        let value =
            line.split_once(',').map(|(_, value)| value.trim().trim_end_matches([')', ';', ' ']));
        // A call, such as `getenv_docker(…)`, reads it from elsewhere.
        value.is_some_and(|value| {
            value.starts_with(['\'', '"']) && is_literal(value) && !value.contains("password_here")
        })
    })
}

fn env(text: &str, hits: &[Hit]) -> Option<Credential> {
    if !hits.is_empty() {
        return Some(ENV);
    }
    let pairs = || {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('=')).filter(|(_, value)| is_literal(value))
    };
    if pairs().any(|(name, _)| is_named_secret(name)) {
        return Some(ENV);
    }
    pairs().next().map(|_| ENV_LIKELY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Depth, search};

    #[track_caller]
    fn check(path: &str, text: &str, expect: Option<&str>) {
        let at = TreePath::parse(path.as_bytes()).unwrap();
        let hits = search(text.as_bytes(), Depth::Named);
        let found = of_text(&at, text.as_bytes(), &hits).map(|credential| credential.id);
        assert_eq!(found, expect, "{path}");
    }

    #[test]
    fn files_with_credentials_are_told_by_their_content() {
        let auth = r#"{"auths": {"ghcr.io": {"auth": "dTpwYXNz"}}}"#;
        check("root/.docker/config.json", auth, Some("docker-config"));
        check("root/.npmrc", "//registry.npmjs.org/:_authToken=abc-def\n", Some("npmrc"));
        check("root/.pypirc", "[pypi]\npassword = pw1\n", Some("pypirc"));
        check("root/.netrc", "machine a login b password c1", Some("netrc"));
        check("root/.git-credentials", "https://u:p1@github.com\n", Some("git-credentials"));
        check(
            "root/.aws/credentials",
            "[default]\naws_secret_access_key = abcd\n",
            Some("aws-credentials"),
        );
        check(
            "root/.kube/config",
            "users:\n- user:\n    client-key-data: QUJD\n",
            Some("kubeconfig"),
        );
        check(
            "a/adc.json",
            r#"{"type": "authorized_user", "refresh_token": "1"}"#,
            Some("gcloud-credentials"),
        );
        check("srv/terraform.tfstate", r#"{"resources": [{}]}"#, Some("terraform-state"));
        check("srv/wp-config.php", "define( 'DB_PASSWORD', 'hunter2' );", Some("wp-config"));
        check("app/.env", "DB_PASSWORD=hunter2\n", Some("env-file"));
        check("app/.env.production", "PORT=80\n", Some("env-file-unsure"));
    }

    #[test]
    fn the_same_files_without_credentials_are_nothing() {
        check("root/.docker/config.json", r#"{"auths": {"ghcr.io": {}}, "credsStore": "x"}"#, None);
        check("root/.npmrc", "registry=https://r.corp/\n//r/:_authToken=${NPM_TOKEN}\n", None);
        check("root/.pypirc", "[pypi]\nusername = __token__\n", None);
        check("root/.netrc", "machine a login b", None);
        check("root/.git-credentials", "https://github.com\n", None);
        check("root/.aws/credentials", "[default]\naws_secret_access_key =\n", None);
        check("root/.kube/config", "users:\n- user:\n    exec: {command: aws}\n", None);
        check("a/package.json", r#"{"type": "module", "private_key": "x"}"#, None);
        check("srv/terraform.tfstate", r#"{"resources": []}"#, None);
        check(
            "srv/wp-config.php",
            "define('DB_PASSWORD', getenv_docker('A', 'example password'));",
            None,
        );
        check("app/.env", "# PASSWORD=x\nPASSWORD=\nTOKEN=${TOKEN}\n", None);
        check("app/.env.example", "DB_PASSWORD=hunter2\n", None);
        check("app/config.json", "not json", None);
    }

    #[test]
    fn stores_are_told_by_their_first_bytes() {
        let of = |path: &str, bytes: &[u8]| {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            of_binary(&path, bytes).map(|credential| credential.id)
        };
        assert_eq!(of("a.kdbx", &[0x03, 0xd9, 0xa2, 0x9a, 0x67]), Some("keepass"));
        assert_eq!(of("a.jks", &[0xfe, 0xed, 0xfe, 0xed, 0]), Some("java-keystore"));
        assert_eq!(of("a.p12", &[0x30, 0x82, 1, 1, 2, 1, 3, 0x30]), Some("pkcs12"));
        assert_eq!(of("a.p12", b"0"), None);
        assert_eq!(of("a.kdbx", b""), None);
        assert_eq!(of("a.bin", &[0x03, 0xd9, 0xa2, 0x9a]), None);
    }
}
