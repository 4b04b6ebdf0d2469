//! Version 1 of the lock's JSON.

use super::{BaseScan, Entry, EntryPlatform, Lock, Publisher, PublisherSignature};
use crate::{Error, Verdict, record::text::AsText as Text};
use jiff::civil;
use plimsoll_model::{
    Digest,
    platform::Platform,
    reference::{Repository, Tag},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockJson {
    version: u32,
    bases: Vec<EntryJson>,
}

/// Read first, so that a lock of another version is called that and not malformed.
#[derive(Deserialize)]
struct VersionJson {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryJson {
    name: Text<Repository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<Text<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<Digest>,
    platforms: Vec<PlatformJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_release: Option<String>,
    approver: String,
    approved: Text<civil::Date>,
    expires: Text<civil::Date>,
    verified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<ScanJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson {
    publisher: Text<Publisher>,
    signer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScanJson {
    verdict: VerdictJson,
    on: Text<civil::Date>,
    advisories: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VerdictJson {
    Passed,
    Blocked,
    Undecided,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformJson {
    platform: Text<Platform>,
    manifest: Digest,
    config: Digest,
    diff_ids: Vec<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_build: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Lock, Error> {
    let invalid = |source| Error::Lock { source };
    let VersionJson { version } = serde_json::from_slice(bytes).map_err(invalid)?;
    if version != VERSION {
        return Err(Error::LockVersion { expected: VERSION, found: version });
    }
    let json: LockJson = serde_json::from_slice(bytes).map_err(invalid)?;
    let mut lock = Lock::default();
    json.bases.into_iter().try_for_each(|entry| lock.add(entry.into()))?;
    Ok(lock)
}

pub(super) fn write(lock: &Lock) -> Vec<u8> {
    let bases = lock.entries().iter().cloned().map(EntryJson::from).collect();
    let json = LockJson { version: VERSION, bases };
    // Strings and lists: there is nothing in it that can not be written to memory.
    let mut bytes = serde_json::to_vec_pretty(&json).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl From<EntryJson> for Entry {
    fn from(json: EntryJson) -> Self {
        Self {
            repository: json.name.0,
            tag: json.tag.map(|tag| tag.0),
            index: json.index,
            platforms: json.platforms.into_iter().map(EntryPlatform::from).collect(),
            os_release: json.os_release,
            approver: json.approver,
            approved: json.approved.0,
            expires: json.expires.0,
            verified: json.verified,
            signature: json.signature.map(PublisherSignature::from),
            scan: json.scan.map(BaseScan::from),
            replaces: json.replaces,
        }
    }
}

impl From<Entry> for EntryJson {
    fn from(entry: Entry) -> Self {
        Self {
            name: Text(entry.repository),
            tag: entry.tag.map(Text),
            index: entry.index,
            platforms: entry.platforms.into_iter().map(PlatformJson::from).collect(),
            os_release: entry.os_release,
            approver: entry.approver,
            approved: Text(entry.approved),
            expires: Text(entry.expires),
            verified: entry.verified,
            signature: entry.signature.map(SignatureJson::from),
            scan: entry.scan.map(ScanJson::from),
            replaces: entry.replaces,
        }
    }
}

impl From<PlatformJson> for EntryPlatform {
    fn from(json: PlatformJson) -> Self {
        Self {
            platform: json.platform.0,
            manifest: json.manifest,
            config: json.config,
            diff_ids: json.diff_ids,
            user: json.user,
            on_build: json.on_build,
            labels: json.labels,
        }
    }
}

impl From<EntryPlatform> for PlatformJson {
    fn from(platform: EntryPlatform) -> Self {
        Self {
            platform: Text(platform.platform),
            manifest: platform.manifest,
            config: platform.config,
            diff_ids: platform.diff_ids,
            user: platform.user,
            on_build: platform.on_build,
            labels: platform.labels,
        }
    }
}

impl From<SignatureJson> for PublisherSignature {
    fn from(json: SignatureJson) -> Self {
        Self { publisher: json.publisher.0, signer: json.signer, source: json.source }
    }
}

impl From<PublisherSignature> for SignatureJson {
    fn from(signature: PublisherSignature) -> Self {
        let PublisherSignature { publisher, signer, source } = signature;
        Self { publisher: Text(publisher), signer, source }
    }
}

impl From<ScanJson> for BaseScan {
    fn from(json: ScanJson) -> Self {
        let verdict = match json.verdict {
            VerdictJson::Passed => Verdict::Pass,
            VerdictJson::Blocked => Verdict::Blocked,
            VerdictJson::Undecided => Verdict::Undecided,
        };
        Self { verdict, on: json.on.0, advisories: json.advisories }
    }
}

impl From<BaseScan> for ScanJson {
    fn from(scan: BaseScan) -> Self {
        let verdict = match scan.verdict {
            Verdict::Pass => VerdictJson::Passed,
            Verdict::Blocked => VerdictJson::Blocked,
            Verdict::Undecided => VerdictJson::Undecided,
        };
        Self { verdict, on: Text(scan.on), advisories: scan.advisories }
    }
}
