//! Image configurations.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md>, with Docker's health
//! check and `ONBUILD` triggers.

use super::{WirePlatform, check_spelling};
use crate::error::Error;
use jiff::Timestamp;
use plimsoll_model::{
    Digest,
    image::{Healthcheck, HistoryEntry, HistoryKind, ImageConfig},
    platform::Platform,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads an image's configuration: its platform, how it runs, and the digests of its inflated layers, lowest first.
/// `from` says where the bytes were read.
///
/// # Errors
/// [`Error::Json`] and [`Error::Respelled`].
pub fn parse_config(
    bytes: &[u8],
    from: &str,
) -> Result<(Platform, ImageConfig, Vec<Digest>), Error> {
    let json = |source| Error::Json { from: from.to_owned(), source };
    let document: Value = serde_json::from_slice(bytes).map_err(json)?;
    check_spelling(&config_objects(&document), &CONFIG_KEYS, from)?;
    let wire: WireConfig = serde_json::from_slice(bytes).map_err(json)?;
    let run = wire.config.unwrap_or_default();
    let keys = |set: Option<BTreeMap<String, Value>>| set.unwrap_or_default().into_keys().collect();
    let config = ImageConfig {
        user: run.user,
        healthcheck: run.healthcheck.and_then(|check| check.test).map(|test| Healthcheck { test }),
        entrypoint: run.entrypoint.unwrap_or_default(),
        command: run.cmd.unwrap_or_default(),
        env: run.env.unwrap_or_default(),
        exposed_ports: keys(run.exposed_ports),
        volumes: keys(run.volumes),
        labels: run.labels.unwrap_or_default(),
        on_build: run.on_build.unwrap_or_default(),
        created: wire.created,
        history: wire.history.unwrap_or_default().into_iter().map(HistoryEntry::from).collect(),
    };
    let platform =
        WirePlatform { os: wire.os, architecture: wire.architecture, variant: wire.variant };
    Ok((platform.into_platform(), config, wire.rootfs.diff_ids))
}

/// The keys that decide how an image runs; at the top, within `config`, and below.
const CONFIG_KEYS: [&str; 18] = [
    "architecture",
    "os",
    "variant",
    "created",
    "config",
    "rootfs",
    "diff_ids",
    "history",
    "User",
    "Healthcheck",
    "Test",
    "Entrypoint",
    "Cmd",
    "Env",
    "ExposedPorts",
    "Volumes",
    "Labels",
    "OnBuild",
];

/// The objects of a configuration whose keys are known.
fn config_objects(document: &Value) -> Vec<&Value> {
    let run = document.get("config");
    let health = run.and_then(|run| run.get("Healthcheck"));
    [Some(document), run, health, document.get("rootfs")].into_iter().flatten().collect()
}

#[derive(Deserialize)]
struct WireConfig {
    architecture: String,
    os: String,
    variant: Option<String>,
    created: Option<Timestamp>,
    config: Option<WireRun>,
    rootfs: WireRootfs,
    history: Option<Vec<WireHistory>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct WireRun {
    user: Option<String>,
    healthcheck: Option<WireHealthcheck>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    exposed_ports: Option<BTreeMap<String, Value>>,
    volumes: Option<BTreeMap<String, Value>>,
    labels: Option<BTreeMap<String, String>>,
    on_build: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireHealthcheck {
    test: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WireRootfs {
    diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
struct WireHistory {
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

impl From<WireHistory> for HistoryEntry {
    fn from(wire: WireHistory) -> Self {
        let kind = if wire.empty_layer == Some(true) {
            HistoryKind::ConfigOnly
        } else {
            HistoryKind::Layer
        };
        Self { created_by: wire.created_by.unwrap_or_default(), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"architecture":"arm64","os":"linux","variant":"v8","created":"2026-01-02T03:04:05Z",
        "config":{"User":"1000:1000","Healthcheck":{"Test":["CMD","true"]},"Entrypoint":["/app"],"Cmd":null,
        "Env":["A=b"],"ExposedPorts":{"80/tcp":{}},"Volumes":{"/data":{}},"Labels":{"a":"b"},"OnBuild":["RUN x"]},
        "rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},
        "history":[{"created_by":"COPY a b"},{"created_by":"USER 1000","empty_layer":true}]}"#;

    #[test]
    fn a_configuration_is_read_whole() {
        let (platform, config, diff_ids) = parse_config(CONFIG.as_bytes(), "here").unwrap();
        assert_eq!(platform.to_string(), "linux/arm64/v8");
        assert_eq!(diff_ids, [Digest::of(b"")]);
        let step =
            |created_by: &str, kind| HistoryEntry { created_by: created_by.to_owned(), kind };
        assert_eq!(
            config,
            ImageConfig {
                user: Some("1000:1000".to_owned()),
                healthcheck: Some(Healthcheck { test: vec!["CMD".to_owned(), "true".to_owned()] }),
                entrypoint: vec!["/app".to_owned()],
                command: vec![],
                env: vec!["A=b".to_owned()],
                exposed_ports: vec!["80/tcp".to_owned()],
                volumes: vec!["/data".to_owned()],
                labels: [("a".to_owned(), "b".to_owned())].into(),
                on_build: vec!["RUN x".to_owned()],
                created: Some("2026-01-02T03:04:05Z".parse().unwrap()),
                history: vec![
                    step("COPY a b", HistoryKind::Layer),
                    step("USER 1000", HistoryKind::ConfigOnly)
                ],
            }
        );
    }

    #[test]
    fn a_key_in_another_case_is_refused() {
        for (from, to) in [
            (r#""User":"#, r#""User":"1000","user":"#),
            (r#""User":"#, "\"User\":\"1000\",\"U\u{17f}er\":"),
            (r#""OnBuild":"#, r#""onbuild":"#),
            (r#""Test":"#, r#""test":"#),
            (r#""diff_ids":"#, r#""diff_IDs":"#),
        ] {
            let respelled = CONFIG.replace(from, to);
            assert!(
                matches!(parse_config(respelled.as_bytes(), "here"), Err(Error::Respelled { .. })),
                "{to}"
            );
        }
        let twice = CONFIG.replace(r#""User":"#, r#""User":"1000","User":"#);
        assert!(matches!(parse_config(twice.as_bytes(), "here"), Err(Error::Json { .. })));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in r#"[\[\]{}":,a-zA-Z0-9]{0,64}"#) {
            drop(parse_config(text.as_bytes(), "here"));
        }
    }
}
