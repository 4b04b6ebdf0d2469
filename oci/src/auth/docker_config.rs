//! Docker's `config.json`.
//!
//! Keys of `auths` are registries as people and programs have written them over the years: with a scheme, with
//! `/v1/` behind, and with podman with a part of the repository's path. The longest that fits counts
//! (<https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md>).

use super::{Login, Secret};
use crate::error::Error;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::reference::Repository;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The part of the file that has to do with credentials.
#[derive(Debug, Clone, Default)]
pub(super) struct DockerConfig {
    /// By normal key: `host` or `host/path`.
    logins: BTreeMap<String, Login>,
    /// By host.
    helpers: BTreeMap<String, String>,
    /// For every host that has none of its own.
    store: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    auths: BTreeMap<String, WireAuth>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct WireAuth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl DockerConfig {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Error> {
        // The parser's own words could quote a password.
        let wire: Wire = serde_json::from_slice(json).ok().ok_or(Error::Credentials {
            problem: "not JSON of the form of Docker's `config.json`",
        })?;
        let mut config =
            Self { store: wire.creds_store.filter(|name| !name.is_empty()), ..Self::default() };
        for (key, auth) in wire.auths {
            if let Some(login) = auth.login()? {
                config.logins.insert(normal_key(&key), login);
            }
        }
        for (key, name) in wire.cred_helpers {
            config.helpers.insert(normal_key(&key), name);
        }
        for name in config.helpers.values().chain(&config.store) {
            if !is_helper_name(name) {
                return Err(Error::HelperName { name: name.clone() });
            }
        }
        Ok(config)
    }

    /// The helper that knows the credentials of a registry.
    pub(super) fn helper(&self, registry: &str) -> Option<&str> {
        self.helpers.get(registry).or(self.store.as_ref()).map(String::as_str)
    }

    /// The login whose key covers most of the repository's path.
    pub(super) fn login(&self, repository: &Repository) -> Option<&Login> {
        let full = repository.to_string();
        let mut key = full.as_str();
        loop {
            if let Some(login) = self.logins.get(key) {
                return Some(login);
            }
            (key, _) = key.rsplit_once('/')?;
        }
    }
}

impl WireAuth {
    fn login(self) -> Result<Option<Login>, Error> {
        let token = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Secret::new);
        if let Some(token) = token(self.registrytoken) {
            return Ok(Some(Login::Registry(token)));
        }
        if let Some(token) = token(self.identitytoken) {
            return Ok(Some(Login::Identity(token)));
        }
        if let Some(auth) = self.auth.filter(|auth| !auth.is_empty()) {
            return decode(&auth).map(Some);
        }
        Ok(match (self.username, self.password) {
            (Some(username), Some(password)) if !username.is_empty() => {
                Some(Login::Password { username, password: Secret::new(password) })
            }
            _ => None,
        })
    }
}

/// `auth` is the base64 of `name:password`.
fn decode(auth: &str) -> Result<Login, Error> {
    let malformed =
        Error::Credentials { problem: "an `auth` is not the base64 of `name:password`" };
    let decoded = STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((username, password)) => Ok(Login::Password {
            username: username.to_owned(),
            password: Secret::new(password.trim_end_matches('\0').to_owned()),
        }),
        None => Err(malformed),
    }
}

/// `https://index.docker.io/v1/` is `docker.io`; `https://ghcr.io` is `ghcr.io`; `quay.io/acme` stays.
fn normal_key(key: &str) -> String {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let bare = bare.trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    let (host, path) = bare.split_once('/').map_or((bare, None), |(host, path)| (host, Some(path)));
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => {
            "docker.io".to_owned()
        }
        other => other.to_owned(),
    };
    path.map_or_else(|| host.clone(), |path| format!("{host}/{path}"))
}

/// The names under which helpers may keep a registry's credentials.
pub(super) fn server_keys(registry: &str) -> Vec<String> {
    if registry == "docker.io" {
        vec!["https://index.docker.io/v1/".to_owned(), registry.to_owned()]
    } else {
        vec![registry.to_owned(), format!("https://{registry}")]
    }
}

fn is_helper_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> DockerConfig {
        DockerConfig::parse(json.as_bytes()).unwrap()
    }

    fn password(username: &str, password: &str) -> Login {
        Login::Password {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        }
    }

    #[track_caller]
    fn check(config: &DockerConfig, repository: &str, expect: Option<&Login>) {
        assert_eq!(config.login(&repository.parse().unwrap()), expect, "{repository}");
    }

    #[test]
    fn every_spelling_of_a_registry_is_found() {
        let config = parse(
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"https://ghcr.io":{"username":"c","password":"d"},
                "quay.io":{"auth":"ZTpm"},"quay.io/acme/app":{"auth":"Zzpo"},"127.0.0.1:5000":{"auth":"aTpqOms="}}}"#,
        );
        check(&config, "nginx", Some(&password("a", "b")));
        check(&config, "ghcr.io/x/y", Some(&password("c", "d")));
        check(&config, "quay.io/acme", Some(&password("e", "f")));
        check(&config, "quay.io/acme/application", Some(&password("e", "f")));
        check(&config, "quay.io/acme/app", Some(&password("g", "h")));
        check(&config, "quay.io/acme/app/x", Some(&password("g", "h")));
        check(&config, "127.0.0.1:5000/a", Some(&password("i", "j:k")));
    }

    #[test]
    fn other_registries_get_nothing() {
        let config =
            parse(r#"{"auths":{"ghcr.io":{"auth":"YTpi"},"quay.io/acme":{"auth":"YTpi"}}}"#);
        for other in [
            "ghcr.io.evil.io/x",
            "evil.io/ghcr.io",
            "ghcr.io:444/x",
            "xghcr.io/x",
            "quay.io/acme2",
            "quay.io/x",
        ] {
            check(&config, other, None);
        }
    }

    #[test]
    fn tokens_come_before_passwords() {
        let config = parse(
            r#"{"auths":{"a.io":{"auth":"YTpi","identitytoken":"t"},"b.io":{"registrytoken":"r"},"c.io":{}}}"#,
        );
        check(&config, "a.io/x", Some(&Login::Identity(Secret::new("t".to_owned()))));
        check(&config, "b.io/x", Some(&Login::Registry(Secret::new("r".to_owned()))));
        check(&config, "c.io/x", None);
    }

    #[test]
    fn c18_a_helper_is_a_name_and_not_a_path() {
        let config = parse(r#"{"credHelpers":{"gcr.io":"gcloud"},"credsStore":"desktop"}"#);
        assert_eq!(config.helper("gcr.io"), Some("gcloud"));
        assert_eq!(config.helper("a.io"), Some("desktop"));
        for name in ["../x", "a/b", "a b", "a;b", "."] {
            let json = format!(r#"{{"credsStore":"{name}"}}"#);
            assert!(
                matches!(DockerConfig::parse(json.as_bytes()), Err(Error::HelperName { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn e8_a_malformed_file_does_not_show_what_is_in_it() {
        for json in
            [r#"{"auths":{"a.io":{"auth":"!hunter2!"}}}"#, r#"{"auths":{"a.io":"hunter2"}}"#]
        {
            let error = DockerConfig::parse(json.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::Credentials { .. }));
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let shown =
            format!("{:?}", parse(r#"{"auths":{"a.io":{"username":"u","password":"hunter2"}}}"#));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
