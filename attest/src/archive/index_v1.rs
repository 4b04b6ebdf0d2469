//! `index.json` of an evidence file, version 1.

use super::{
    Archive, ArchivedImage, CANDIDATES_LIMIT, IMAGES_LIMIT, SIGNERS_LIMIT, TEXT_LIMIT, at_most,
    malformed,
};
use crate::{
    Candidate, Demands, Error, MaxAge, PublicKey, SignerDemand, Trust, TrustRoot, TrustedSigner,
    json,
};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Digest, Limits,
    evidence::{Legacy, Unlogged, Validity},
    identity::IdentityDemand,
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

/// What lies beside the index, by digest.
pub(super) type Blobs<'a> = BTreeMap<Digest, Cow<'a, [u8]>>;

const MEDIA_TYPE: &str = "application/vnd.plimsoll.evidence-file+json;version=1";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Index {
    media_type: String,
    images: Vec<Image>,
    trust: TrustIn,
    required: Vec<String>,
    policy: Option<Blob>,
}

/// A blob with its length.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blob {
    digest: Digest,
    size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    subject: String,
    digest: Digest,
    /// Why it could not be told what there is; there are no candidates then.
    untold: Option<String>,
    candidates: Vec<CandidateIn>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CandidateIn {
    found_at: String,
    bundle: Blob,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TrustIn {
    signers: Vec<SignerIn>,
    root: Option<Blob>,
    legacy: bool,
    logs: usize,
    timestamps: usize,
    max_age_seconds: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignerIn {
    key: Option<Blob>,
    unlogged: bool,
    valid_from: Option<String>,
    valid_until: Option<String>,
    identity: Option<IdentityIn>,
    predicate_types: Option<Vec<String>>,
    builders: Vec<String>,
    verifier: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdentityIn {
    issuer: String,
    subject: String,
    repository: Option<String>,
    repository_id: Option<String>,
    owner_id: Option<String>,
    reference: Option<String>,
    triggers: Vec<String>,
    runner: Option<String>,
}

/// The index of an archive; what it refers to goes to the blobs.
pub(super) fn write<'a>(
    archive: &'a Archive,
    blobs: &mut Blobs<'a>,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    at_most("images", archive.images.len(), limit(IMAGES_LIMIT))?;
    let images = archive.images.iter().map(|image| write_image(image, blobs, limits));
    let images = images.collect::<Result<_, _>>()?;
    let Trust { signers, root, demands } = &archive.trust;
    let index = Index {
        media_type: MEDIA_TYPE.to_owned(),
        images,
        trust: TrustIn {
            signers: signers.iter().map(|signer| write_signer(signer, blobs)).collect(),
            root: root.as_ref().map(|root| blob(blobs, root.as_text().as_bytes().into())),
            legacy: demands.legacy == Legacy::Accept,
            logs: demands.logs,
            timestamps: demands.timestamps,
            max_age_seconds: demands.age.map(|age| age.at_most.as_secs()),
        },
        required: archive.required.iter().cloned().collect(),
        policy: archive.policy.as_ref().map(|text| blob(blobs, text.as_bytes().into())),
    };
    let mut bytes = serde_json::to_vec_pretty(&index)
        .map_err(|source| Error::Malformed { what: "the index of the evidence file", source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn limit(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn blob<'a>(blobs: &mut Blobs<'a>, bytes: Cow<'a, [u8]>) -> Blob {
    let (digest, size) = (Digest::of(&bytes), limit(bytes.len()));
    blobs.insert(digest, bytes);
    Blob { digest, size }
}

fn write_image<'a>(
    image: &'a ArchivedImage,
    blobs: &mut Blobs<'a>,
    limits: &Limits,
) -> Result<Image, Error> {
    let candidates = image.candidates.as_deref().unwrap_or_default();
    at_most("candidates for one image", candidates.len(), limit(CANDIDATES_LIMIT))?;
    let mut written = Vec::new();
    for Candidate { found_at, bytes } in candidates {
        at_most("bytes of one bundle", bytes.len(), limits.evidence)?;
        written.push(CandidateIn {
            found_at: found_at.clone(),
            bundle: blob(blobs, bytes.as_slice().into()),
        });
    }
    Ok(Image {
        subject: image.subject.clone(),
        digest: image.digest,
        untold: image.candidates.as_ref().err().cloned(),
        candidates: written,
    })
}

fn write_signer(signer: &TrustedSigner, blobs: &mut Blobs<'_>) -> SignerIn {
    let written = SignerIn {
        key: None,
        unlogged: false,
        valid_from: None,
        valid_until: None,
        identity: None,
        predicate_types: signer.predicate_types.clone(),
        builders: signer.builders.iter().map(ToString::to_string).collect(),
        verifier: signer.verifier.clone(),
    };
    match &signer.who {
        SignerDemand::Key { key, unlogged, validity } => SignerIn {
            key: Some(blob(blobs, key.to_pem().into_bytes().into())),
            unlogged: *unlogged == Unlogged::Accept,
            valid_from: validity.from.as_ref().map(ToString::to_string),
            valid_until: validity.until.as_ref().map(ToString::to_string),
            ..written
        },
        SignerDemand::Identity(demand) => SignerIn {
            identity: Some(IdentityIn {
                issuer: demand.issuer.clone(),
                subject: demand.subject.to_string(),
                repository: demand.repository.clone(),
                repository_id: demand.repository_id.clone(),
                owner_id: demand.owner_id.clone(),
                reference: demand.reference.as_ref().map(|pattern| pattern.as_str().to_owned()),
                triggers: demand.triggers.clone(),
                runner: demand.runner.clone(),
            }),
            ..written
        },
    }
}

/// What an index and its blobs say. Every blob has to be referred to: nothing comes in unseen.
pub(super) fn read(
    bytes: &[u8],
    blobs: &Blobs<'_>,
    limits: &Limits,
    now: Timestamp,
) -> Result<Archive, Error> {
    let broken = |error: serde_json::Error| malformed(format!("its index: {error}"));
    let value = json::parse(bytes).map_err(broken)?;
    let index: Index = serde_json::from_value(value).map_err(broken)?;
    if index.media_type != MEDIA_TYPE {
        let found = index.media_type;
        return Err(malformed(format!("expected `{MEDIA_TYPE}`, found `{found}`")));
    }
    check_counts(&index)?;
    let mut reading = Reading { blobs, used: BTreeSet::new(), limits };
    let mut images: Vec<ArchivedImage> = Vec::new();
    for image in index.images {
        if images.iter().any(|other| other.digest == image.digest && other.subject == image.subject)
        {
            return Err(malformed(format!("`{}` is twice in it", image.subject)));
        }
        images.push(reading.image(image)?);
    }
    let archive = Archive {
        images,
        trust: reading.trust(index.trust, now)?,
        required: index.required.into_iter().collect(),
        policy: index.policy.map(|blob| reading.text(&blob)).transpose()?,
    };
    match blobs.keys().find(|digest| !reading.used.contains(digest)) {
        Some(digest) => Err(malformed(format!("its index does not speak of `{digest}`"))),
        None => Ok(archive),
    }
}

fn check_counts(index: &Index) -> Result<(), Error> {
    let mut candidates = index.images.iter().map(|image| image.candidates.len());
    let too_many = [
        ("images", index.images.len(), IMAGES_LIMIT),
        ("candidates", candidates.by_ref().max().unwrap_or_default(), CANDIDATES_LIMIT),
        ("signers", index.trust.signers.len(), SIGNERS_LIMIT),
        ("demands", index.required.len(), SIGNERS_LIMIT),
    ];
    match too_many.into_iter().find(|(_, found, limit)| found > limit) {
        Some((what, found, limit)) => {
            Err(malformed(format!("{found} {what}: at most {limit} are read")))
        }
        None => Ok(()),
    }
}

/// An index that is being read.
struct Reading<'a> {
    blobs: &'a Blobs<'a>,
    used: BTreeSet<Digest>,
    limits: &'a Limits,
}

impl<'a> Reading<'a> {
    fn blob(&mut self, blob: &Blob) -> Result<&'a [u8], Error> {
        let missing = || malformed(format!("it lacks `{}` of {} bytes", blob.digest, blob.size));
        let bytes = self.blobs.get(&blob.digest).ok_or_else(missing)?;
        if limit(bytes.len()) != blob.size {
            return Err(missing());
        }
        self.used.insert(blob.digest);
        Ok(bytes)
    }

    fn text(&mut self, blob: &Blob) -> Result<String, Error> {
        let bytes = self.blob(blob)?;
        if limit(bytes.len()) > self.limits.user_file {
            let most = self.limits.user_file;
            return Err(malformed(format!("`{}` is larger than {most} bytes", blob.digest)));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        Ok(text.to_owned())
    }

    fn image(&mut self, image: Image) -> Result<ArchivedImage, Error> {
        short(&image.subject)?;
        let candidates = match image.untold {
            Some(_) if !image.candidates.is_empty() => {
                return Err(malformed("candidates where it could not be told what there is"));
            }
            Some(reason) => Err(short(&reason)?.to_owned()),
            None => Ok(self.candidates(image.candidates)?),
        };
        Ok(ArchivedImage { subject: image.subject, digest: image.digest, candidates })
    }

    fn candidates(&mut self, candidates: Vec<CandidateIn>) -> Result<Vec<Candidate>, Error> {
        let read = candidates.into_iter().map(|candidate| {
            let found_at = short(&candidate.found_at)?.to_owned();
            Ok(Candidate { found_at, bytes: self.blob(&candidate.bundle)?.to_vec() })
        });
        read.collect()
    }

    fn trust(&mut self, trust: TrustIn, now: Timestamp) -> Result<Trust, Error> {
        let signers = trust.signers.into_iter().map(|signer| self.signer(signer));
        let signers = signers.collect::<Result<_, _>>()?;
        let root = trust.root.map(|blob| self.text(&blob)).transpose()?;
        let age = trust
            .max_age_seconds
            .map(|seconds| MaxAge { at_most: SignedDuration::from_secs(seconds), now });
        Ok(Trust {
            signers,
            root: root.map(|text| TrustRoot::parse(&text, "evidence file")).transpose()?,
            demands: Demands {
                legacy: if trust.legacy { Legacy::Accept } else { Legacy::Refuse },
                logs: trust.logs,
                timestamps: trust.timestamps,
                age,
            },
        })
    }

    fn signer(&mut self, signer: SignerIn) -> Result<TrustedSigner, Error> {
        let moment = |text: Option<String>| text.as_deref().map(parsed).transpose();
        let validity =
            Validity { from: moment(signer.valid_from)?, until: moment(signer.valid_until)? };
        let unlogged = if signer.unlogged { Unlogged::Accept } else { Unlogged::Refuse };
        let who = match (signer.key, signer.identity) {
            (Some(key), None) => {
                let key = PublicKey::from_pem(&self.text(&key)?)?;
                SignerDemand::Key { key, unlogged, validity }
            }
            (None, Some(identity)) => SignerDemand::Identity(demand(identity)?),
            _ => return Err(malformed("a signer has either a key or an identity")),
        };
        let builders = signer.builders.iter().map(|builder| parsed(builder));
        Ok(TrustedSigner {
            who,
            predicate_types: signer.predicate_types,
            builders: builders.collect::<Result<_, _>>()?,
            verifier: signer.verifier,
        })
    }
}

fn demand(identity: IdentityIn) -> Result<IdentityDemand, Error> {
    Ok(IdentityDemand {
        repository: identity.repository,
        repository_id: identity.repository_id,
        owner_id: identity.owner_id,
        reference: identity.reference.as_deref().map(parsed).transpose()?,
        triggers: identity.triggers,
        runner: identity.runner,
        ..IdentityDemand::new(identity.issuer, parsed(&identity.subject)?)
    })
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Error> {
    short(text)?.parse().map_err(|error: T::Err| malformed(format!("`{text}`: {error}")))
}

fn short(text: &str) -> Result<&str, Error> {
    if text.len() <= TEXT_LIMIT {
        return Ok(text);
    }
    Err(malformed(format!("a text of {} bytes: at most {TEXT_LIMIT} are read", text.len())))
}
