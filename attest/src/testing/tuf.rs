//! A TUF repository with consistent snapshots, whose metadata a test may change and sign as it likes.
//!
//! <https://theupdateframework.github.io/specification/v1.0.33/>

use super::{
    keys::{Key, sha256},
    server::Reply,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The one target.
const TARGET: &str = "trusted_root.json";
/// When metadata end where a test says nothing else.
const END: &str = "2045-01-01T00:00:00Z";

/// A role, top-level or delegated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Says who the others are.
    Root,
    /// Names the snapshot.
    Timestamp,
    /// Names the targets.
    Snapshot,
    /// Names the trusted root.
    Targets,
    /// A role that targets may delegate to.
    Delegate,
    /// Nobody: signatures of a stranger.
    Stranger,
}

/// The repository: what is published is signed by the keys of its roles, each valid and one version newer than the last.
pub struct Tuf {
    keys: BTreeMap<Role, Key>,
    versions: BTreeMap<Role, u64>,
    /// Instead of [`END`].
    ends: BTreeMap<Role, String>,
    /// Who signs in the place of a role.
    impostors: BTreeMap<Role, Role>,
    /// The name of the role that the target is delegated to, where it is.
    delegate: Option<String>,
    /// What stands in the place of the target's digest.
    digest: Option<String>,
    target: String,
    anchor: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Tuf {
    pub(super) fn new() -> Self {
        let roles = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];
        let others = [Role::Delegate, Role::Stranger];
        let keys = roles.into_iter().chain(others).map(|role| (role, Key::ed25519()));
        let mut tuf = Self {
            keys: keys.collect(),
            versions: BTreeMap::new(),
            ends: BTreeMap::new(),
            impostors: BTreeMap::new(),
            delegate: None,
            digest: None,
            target: String::new(),
            anchor: String::new(),
            files: BTreeMap::new(),
        };
        tuf.publish_root();
        tuf.anchor = String::from_utf8(tuf.files["1.root.json"].clone()).expect("JSON");
        tuf
    }

    /// The first root.
    pub(super) fn anchor(&self) -> String {
        self.anchor.clone()
    }

    pub(super) fn answer(&self, path: &str) -> Reply {
        match self.files.get(path.trim_start_matches('/')) {
            Some(bytes) => Reply::bytes("application/json", bytes.clone()),
            None => Reply::status(404),
        }
    }

    /// The files that are served, by name: what a mirror could have kept.
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Serves these files and no others.
    pub fn set_files(&mut self, files: BTreeMap<String, Vec<u8>>) {
        self.files = files;
    }

    /// From the next publication on, metadata of this role end then.
    pub fn set_end(&mut self, role: Role, end: &str) {
        self.ends.insert(role, end.to_owned());
    }

    /// From the next publication on, somebody else signs in the place of a role.
    pub fn set_signer(&mut self, role: Role, signer: Role) {
        self.impostors.insert(role, signer);
    }

    /// From the next publication on, the target is delegated to a role of this name.
    pub fn delegate(&mut self, name: &str) {
        self.delegate = Some(name.to_owned());
    }

    /// From the next publication on, this stands in the place of the target's digest.
    pub fn set_digest(&mut self, digest: &str) {
        self.digest = Some(digest.to_owned());
    }

    /// Publishes a trusted root.
    pub fn set_target(&mut self, text: &str) {
        text.clone_into(&mut self.target);
        self.publish();
    }

    /// Publishes everything anew but the root.
    pub fn publish(&mut self) {
        let digest = self.digest.clone();
        let digest = digest.unwrap_or_else(|| hex::encode(sha256(self.target.as_bytes())));
        let listed = json!({"length": self.target.len(), "hashes": {"sha256": &digest}});
        let target = self.target.clone().into_bytes();
        self.files.insert(format!("targets/{digest}.{TARGET}"), target);
        let mut listed_in_snapshot = BTreeMap::new();
        let (targets, delegations) = match self.delegate.clone() {
            None => (json!({TARGET: listed}), json!({"keys": {}, "roles": []})),
            Some(name) => {
                let delegated = json!({"targets": {TARGET: listed}});
                let (version, bytes) = self.sign(Role::Delegate, "targets", delegated);
                self.files.insert(format!("{version}.{}.json", quoted(&name)), bytes.clone());
                listed_in_snapshot.insert(format!("{name}.json"), pin(version, &bytes));
                let (id, key) = self.key(Role::Delegate);
                let role = json!({
                    "name": name, "keyids": [&id], "threshold": 1, "terminating": true, "paths": [TARGET],
                });
                (json!({}), json!({"keys": {id: key}, "roles": [role]}))
            }
        };
        let targets = json!({"targets": targets, "delegations": delegations});
        let (version, bytes) = self.sign(Role::Targets, "targets", targets);
        self.files.insert(format!("{version}.targets.json"), bytes.clone());
        listed_in_snapshot.insert("targets.json".to_owned(), pin(version, &bytes));
        let snapshot = json!({"meta": listed_in_snapshot});
        let (version, bytes) = self.sign(Role::Snapshot, "snapshot", snapshot);
        self.files.insert(format!("{version}.snapshot.json"), bytes.clone());
        let timestamp = json!({"meta": {"snapshot.json": pin(version, &bytes)}});
        let (_, bytes) = self.sign(Role::Timestamp, "timestamp", timestamp);
        self.files.insert("timestamp.json".to_owned(), bytes);
    }

    /// Publishes the next root, which names the same keys.
    pub fn publish_root(&mut self) {
        let named = ["root", "timestamp", "snapshot", "targets"];
        let roles = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];
        let keys: BTreeMap<String, Value> = roles.iter().map(|role| self.key(*role)).collect();
        let roles: BTreeMap<_, _> = named
            .into_iter()
            .zip(roles)
            .map(|(name, role)| (name, json!({"keyids": [self.key(role).0], "threshold": 1})))
            .collect();
        let root = json!({"consistent_snapshot": true, "keys": keys, "roles": roles});
        let (version, bytes) = self.sign(Role::Root, "root", root);
        self.files.insert(format!("{version}.root.json"), bytes);
    }

    /// The key of a role, by its id.
    fn key(&self, role: Role) -> (String, Value) {
        let public = hex::encode(self.keys[&role].raw());
        let key = json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}});
        (hex::encode(sha256(&canonical(&key))), key)
    }

    /// The next version of a role's metadata, in its envelope. A signature is always said to be that of the role's own key.
    fn sign(&mut self, role: Role, kind: &str, mut signed: Value) -> (u64, Vec<u8>) {
        let version = self.versions.entry(role).or_default();
        *version += 1;
        let version = *version;
        signed["_type"] = kind.into();
        signed["spec_version"] = "1.0.31".into();
        signed["version"] = version.into();
        signed["expires"] = self.ends.get(&role).map_or(END, String::as_str).into();
        let signer = self.impostors.get(&role).copied().unwrap_or(role);
        let signature = hex::encode(self.keys[&signer].sign(&canonical(&signed)));
        let signatures = json!([{"keyid": self.key(role).0, "sig": signature}]);
        (version, json!({"signed": signed, "signatures": signatures}).to_string().into_bytes())
    }
}

impl std::fmt::Debug for Tuf {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Tuf({:?})", self.files.keys())
    }
}

fn pin(version: u64, bytes: &[u8]) -> Value {
    let digest = hex::encode(sha256(bytes));
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": digest}})
}

/// The name of a role as a part of a path.
fn quoted(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// Canonical JSON, of documents without control characters: keys in order, no space.
fn canonical(value: &Value) -> Vec<u8> {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<_, _> = fields.iter().collect();
                fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    sorted(value).to_string().into_bytes()
}
