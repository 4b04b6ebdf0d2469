//! Log entries.
//!
//! <https://github.com/sigstore/rekor/blob/v1.4.0/openapi.yaml>,
//! <https://github.com/sigstore/rekor-tiles/blob/v2.0.0/api/proto/rekor/v2/rekor_service.proto>

use super::{
    fulcio::below,
    http::{Absent, Answer, Exchange},
    services::Log,
};
use crate::Error;
use bytes::Bytes;
use reqwest::Client;
use serde::Serialize;
use sigstore_sign::rekor::{DsseEntry, HashedRekordV2, LogEntry, RekorV2KeyDetails};
use sigstore_types::{DerCertificate, DsseEnvelope, KindVersion, TransparencyLogEntry};
use std::collections::BTreeMap;
use url::Url;

pub(super) const REKOR: &str = "Rekor";

/// What came of logging.
pub(super) enum Logged {
    /// It is in the log.
    Entry(Box<TransparencyLogEntry>),
    /// It is not, and its certificate has become too old to try again.
    Stale,
    /// It is, and the log does not give it to us.
    Withheld,
}

/// Logs an envelope with the certificate that verifies it.
pub(super) async fn log(
    client: &Client,
    log: &Log,
    (envelope, certificate): (&DsseEnvelope, &DerCertificate),
    exchange: &Exchange<'_>,
) -> Result<Logged, Error> {
    let exchange = Exchange { service: REKOR, ..*exchange };
    match log {
        Log::RekorV1(url) => {
            let entry = DsseEntry::new(envelope, certificate);
            let entry = entry.map_err(|source| answer(url, source))?;
            let entries = below(url, "api/v1/log/entries");
            match exchange.ask(post(client, &entries, &entry)).await? {
                Answer::Done(body) => read_v1(&entries, &body).map(Logged::Entry),
                Answer::Known(location) => {
                    known(client, &entries, location.as_deref(), &exchange).await
                }
                Answer::Stale => Ok(Logged::Stale),
            }
        }
        Log::RekorV2(url) => {
            // An envelope is logged by the digest of what is signed in it.
            let pae = sigstore_types::pae(&envelope.payload_type, envelope.payload.as_bytes());
            let entry = HashedRekordV2::new_with_certificate(
                &sigstore_sign::crypto::sha256(&pae),
                &envelope.signature.sig,
                certificate,
                RekorV2KeyDetails::PkixEcdsaP256Sha256,
            );
            let entries = below(url, "api/v2/log/entries");
            match exchange.ask(post(client, &entries, &entry)).await? {
                Answer::Done(body) => read_v2(&entries, &body).map(Logged::Entry),
                // Its entries are read in tiles, with proofs that whoever reads them makes himself.
                Answer::Known(_) => Ok(Logged::Withheld),
                Answer::Stale => Ok(Logged::Stale),
            }
        }
    }
}

/// Reads the entry that was there already: an earlier attempt was heard, and its answer lost.
async fn known(
    client: &Client,
    entries: &Url,
    location: Option<&str>,
    exchange: &Exchange<'_>,
) -> Result<Logged, Error> {
    // Whatever else the location says, the name of the entry is its end, and the entry is in this log.
    let uuid = location.and_then(|location| location.rsplit('/').next());
    let uuid = uuid.filter(|uuid| {
        matches!(uuid.len(), 64 | 80) && uuid.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let uuid = uuid.ok_or_else(|| unexpected(entries, "a conflict with no entry's name"))?;
    let url = below(entries, uuid);
    // The replica that is asked may not have it yet: that it is not there is no answer that counts. It is old by no clock.
    let exchange = Exchange { stale: None, absent: Absent::ForNow, ..*exchange };
    match exchange.ask(client.get(url.clone())).await? {
        Answer::Done(body) => read_v1(&url, &body).map(Logged::Entry),
        Answer::Known(_) | Answer::Stale => Err(unexpected(&url, "no entry")),
    }
}

fn post(client: &Client, url: &Url, body: &impl Serialize) -> reqwest::RequestBuilder {
    // A structure of strings has nothing in it that JSON can not say.
    let body = Bytes::from(serde_json::to_vec(body).unwrap_or_default());
    client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body)
}

/// An answer with one entry, by its name.
fn read_v1(url: &Url, body: &[u8]) -> Result<Box<TransparencyLogEntry>, Error> {
    let entries: BTreeMap<String, LogEntry> =
        serde_json::from_slice(body).map_err(|source| answer(url, source))?;
    let mut entries = entries.into_values();
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        return Err(unexpected(url, "not one entry"));
    };
    let entry = entry.to_bundle_entry(KindVersion::DsseV001);
    entry.map(Box::new).map_err(|source| answer(url, source))
}

/// An answer that is the entry as bundles have it. What a log of this version says of time nobody vouches for: it is left out.
fn read_v2(url: &Url, body: &[u8]) -> Result<Box<TransparencyLogEntry>, Error> {
    let mut entry: TransparencyLogEntry =
        serde_json::from_slice(body).map_err(|source| answer(url, source))?;
    entry.integrated_time = None;
    entry.inclusion_promise = None;
    Ok(Box::new(entry))
}

/// What is said where a log withholds every entry.
pub(super) fn withheld(log: &Log) -> Error {
    let (Log::RekorV1(url) | Log::RekorV2(url)) = log;
    unexpected(url, "an entry that is there already, each time")
}

fn answer(url: &Url, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::ServiceAnswer { service: REKOR, url: url.to_string(), source: Box::new(source) }
}

fn unexpected(url: &Url, found: &'static str) -> Error {
    answer(url, super::Unexpected { found })
}
