//! What is known of the subject when it is judged.

use crate::{
    ConfigFile, EvidenceKind, Files, Users, bases::Lock, record::RecordedManifests,
    secrets::Secrets, stated::Stated, vex::VexFacts,
};
use camino::Utf8PathBuf;
use jiff::Timestamp;
use plimsoll_model::{
    Inventory, Pinned, difference::Difference, evidence::Presence, image::Image,
    registry::RegistryFacts, scan::Scan,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A Dockerfile of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// As given on the command line.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
}

/// A file of the user's that describes how containers run, or that such a file draws on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As given on the command line.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
}

/// Where the files that are given are on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The directory that paths are relative to. Absolute.
    pub directory: Utf8PathBuf,
    /// The root of the repository that it is in, or the same. Absolute.
    pub root: Utf8PathBuf,
}

/// What is new since the last promoted build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Compared with this build.
    Build {
        /// As people know it.
        build: String,
        /// What differs.
        difference: Difference,
    },
    /// It can not be told, for this reason.
    Untold(String),
}

/// A mark in the ledger that says that a build is bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The number of its entry.
    pub entry: String,
    /// Since when.
    pub at: Timestamp,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What the ledger's list of flagged builds says of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flags {
    /// These were not cleared.
    Known(Vec<Flag>),
    /// It can not be told, for this reason.
    Untold(String),
}

/// Everything that is known when a decision is due. What is absent was not asked for by the command, and is not
/// judged, with one exception: an inventory without a scan means that its components went unjudged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The image.
    pub image: Option<&'a Image>,
    /// Its accounts; absent where its files were not looked at.
    pub users: Option<&'a Users>,
    /// What its layers hold that nobody should see; absent where they were not looked at.
    pub secrets: Option<&'a Secrets>,
    /// What of its files rules look at; absent where they were not looked at.
    pub files: Option<&'a Files>,
    /// What is in it.
    pub inventory: Option<&'a Inventory>,
    /// What the advisories say of that inventory.
    pub scan: Option<&'a Scan>,
    /// What others, or we ourselves, say of the flaws in it.
    pub vex: Option<&'a VexFacts>,
    /// What is new since the last promoted build; absent where nothing is compared.
    pub since: Option<&'a Since>,
    /// Whether the build is flagged; absent where the ledger is not asked.
    pub flags: Option<&'a Flags>,
    /// The Dockerfiles.
    pub dockerfiles: &'a [Dockerfile],
    /// What the `.dockerignore` says that goes with a Dockerfile, by the path of that; nothing for one without.
    pub ignored: &'a BTreeMap<Utf8PathBuf, String>,
    /// Settings of the daemon, and pipelines.
    pub configs: &'a [ConfigFile],
    /// The compose files, those that others extend or include among them.
    pub compose: &'a [SourceFile],
    /// The files of variables beside the compose files (`.env`).
    pub env_files: &'a [SourceFile],
    /// Where the files are; absent where it is not known, or is not where they are used.
    pub checkout: Option<&'a Checkout>,
    /// The manifests of Kubernetes, rendered: what a cluster is given, all of it together.
    pub manifests: &'a [SourceFile],
    /// The same as a record has them; passed over where there are files.
    pub recorded_manifests: Option<&'a RecordedManifests>,
    /// What came of looking for the receipts of gates for the images that they name by digest; absent where nobody looked.
    pub receipts: Option<&'a BTreeMap<Pinned, Presence>>,
    /// The stage that is built (`--target`); absent means the last.
    pub target_stage: Option<&'a str>,
    /// Build arguments (`--build-arg`).
    pub build_args: &'a BTreeMap<String, String>,
    /// Registries that are spoken to without TLS (`--plain-http`).
    pub plain_http: &'a [String],
    /// What the probes of a registry came to; absent where none was audited.
    pub registry: Option<&'a RegistryFacts>,
    /// The lock of approved bases.
    pub bases: Option<&'a Lock>,
    /// What looking for evidence came to; absent means that this command does not judge evidence.
    pub evidence: Option<&'a BTreeMap<EvidenceKind, Presence>>,
    /// What that evidence states; absent where evidence is not judged.
    pub stated: Option<&'a Stated>,
    /// The `facts.json` that they were read from, which also has what can not be read back: only rules of the user's own, which
    /// are asked over that form, look at it.
    pub recorded: Option<&'a Value>,
}

/// What nobody has given.
static NO_FILES: BTreeMap<Utf8PathBuf, String> = BTreeMap::new();
/// What nobody has given.
static NO_ARGUMENTS: BTreeMap<String, String> = BTreeMap::new();

impl Facts<'_> {
    /// Nothing is known; what is, is put in place by whoever knows it.
    pub const fn none() -> Self {
        Self {
            image: None,
            users: None,
            secrets: None,
            files: None,
            inventory: None,
            scan: None,
            vex: None,
            since: None,
            flags: None,
            dockerfiles: &[],
            ignored: &NO_FILES,
            configs: &[],
            compose: &[],
            env_files: &[],
            checkout: None,
            manifests: &[],
            recorded_manifests: None,
            receipts: None,
            target_stage: None,
            build_args: &NO_ARGUMENTS,
            plain_http: &[],
            registry: None,
            bases: None,
            evidence: None,
            stated: None,
            recorded: None,
        }
    }

    /// Whether there is anything to judge.
    pub fn is_empty(&self) -> bool {
        self.image.is_none()
            && self.inventory.is_none()
            && self.scan.is_none()
            && self.dockerfiles.is_empty()
            && self.configs.is_empty()
            && self.compose.is_empty()
            && self.manifests.is_empty()
            && self.recorded_manifests.is_none()
            && self.registry.is_none()
            && self.evidence.is_none()
    }
}
