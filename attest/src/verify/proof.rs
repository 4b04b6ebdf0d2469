//! What the certificate, the logs and the timestamps of a bundle prove.
//!
//! The cryptography is sigstore-rust's: <https://docs.rs/sigstore-verify/0.15.1>. It goes through the steps of the client
//! specification in the order of [`StepKind`], so that where it stops, what comes before has held:
//! <https://docs.google.com/document/d/1kbhK2qyPPk8SLavHzYSDM8-Ueul9_oxIMVFuWMWKz0E>. What it leaves open is closed here:
//! entries without a proof, one log or authority that counts twice, and authorities that have expired.

use super::step::StepKind;
use crate::{
    PublicKey,
    bundle::Bundle,
    statement::ReadStatement,
    text::excerpt,
    trust::Demands,
    trust_root::{Instance, TrustRoot},
};
use jiff::Timestamp;
use plimsoll_model::{
    Digest,
    evidence::Legacy,
    identity::{BuildClaims, SignerIdentity},
};
use sigstore_trust_root::trusted_root::CertificateAuthority;
use sigstore_types::{
    Artifact, ArtifactDigest, DerCertificate, DerPublicKey, DigestBytes, HashAlgorithm, Sha256Hash,
    SignatureBytes, SignatureContent, TransparencyLogEntry, VerificationMaterial,
    bundle::Rfc3161Timestamp,
};
use sigstore_verify::{
    CertificateError, Error as Refusal, Policy, PublicKeyVerificationPolicy, TransparencyLogError,
    VerificationPolicy, VerificationResult, Verifier,
    bundle::Error as ShapeError,
    crypto::{VerificationKey, parse_certificate_info},
    tsa::verify_timestamp_for_authority,
};
use std::collections::BTreeSet;

/// What was proven.
#[derive(Debug)]
pub(super) struct Proof {
    /// Who signed, where a certificate says so.
    pub(super) identity: Option<SignerIdentity>,
    /// The earliest time at which it is known to have been signed: a later timestamp may have been added by anybody.
    pub(super) signed: Option<Timestamp>,
    /// The instance that proves it.
    pub(super) instance: String,
    /// Whether each of the steps was needed.
    pub(super) is_logged: bool,
    /// Whether the certificate is in a log.
    pub(super) is_certificate_logged: bool,
}

/// Why nothing was proven.
#[derive(Debug)]
pub(super) struct Flaw {
    /// The step that failed.
    pub(super) at: StepKind,
    /// What was found instead.
    pub(super) found: String,
    /// Whether the steps before it have held.
    pub(super) before: Before,
}

/// What is known of the steps before the one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// They have held.
    Held,
    /// They were not looked at.
    NotReached,
}

/// What is signed.
#[derive(Debug, Clone)]
pub(super) struct Signed<'a> {
    /// The first subject of the statement, where it is one.
    pub(super) own_subject: Option<ArtifactDigest>,
    /// Digest of the artifact.
    pub(super) digest: Digest,
    /// Its bytes, where they are at hand.
    pub(super) content: Option<&'a [u8]>,
}

/// Whether a log has been asked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logging {
    /// It has, wherever the instance has one.
    Done,
    /// It will be: nothing is expected of one.
    ToCome,
}

/// What was just made does not prove what it is to prove.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {found}")]
pub(crate) struct Unproven {
    /// The step that failed.
    at: &'static str,
    /// What was found instead.
    found: String,
}

impl Flaw {
    fn unreached(at: StepKind, found: impl Into<String>) -> Self {
        Self { at, found: found.into(), before: Before::NotReached }
    }
}

/// What a certificate, and what goes with it, proves by one of the instances: of several, the one that it comes furthest
/// with explains a refusal.
pub(super) fn by_certificate(
    bundle: &Bundle,
    instances: &[Instance],
    demands: &Demands,
    signed: &Signed<'_>,
) -> Result<Proof, Flaw> {
    certified(bundle, (instances, demands), signed, Logging::Done)
}

/// That a new bundle, about one artifact, proves as much as others will look for.
pub(crate) fn of_new(
    bundle: &Bundle,
    root: &TrustRoot,
    digest: Digest,
    logging: Logging,
) -> Result<(), Unproven> {
    let signed = Signed { own_subject: None, digest, content: None };
    let trust = (root.instances(), &Demands::default());
    certified(bundle, trust, &signed, logging)
        .map(drop)
        .map_err(|flaw| Unproven { at: flaw.at.name(), found: flaw.found })
}

fn certified(
    bundle: &Bundle,
    (instances, demands): (&[Instance], &Demands),
    signed: &Signed<'_>,
    logging: Logging,
) -> Result<Proof, Flaw> {
    best(instances, |instance| {
        let mut policy = VerificationPolicy::any_identity();
        if logging == Logging::ToCome || !instance.has_logs() {
            policy = policy.skip_tlog_unsafe();
        }
        if !instance.has_certificate_logs() {
            policy = policy.skip_sct();
        }
        prove((bundle, instance, demands), &policy, signed)
    })
}

/// What logs and timestamps prove of the signature of a key. One of the two has to be there.
pub(super) fn by_key(
    bundle: &Bundle,
    key: &PublicKey,
    (instances, demands): (&[Instance], &Demands),
    signed: &Signed<'_>,
) -> Result<Proof, Flaw> {
    let is_logged =
        bundle.inner().is_some_and(|inner| !inner.verification_material.tlog_entries.is_empty());
    best(instances, |instance| {
        let mut policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_bytes(key.spki()));
        if !is_logged {
            policy = policy.skip_tlog_unsafe();
        }
        prove((bundle, instance, demands), &policy, signed)
    })
}

/// The first proof, else the flaw that is furthest on the way.
fn best(
    instances: &[Instance],
    prove: impl Fn(&Instance) -> Result<Proof, Flaw>,
) -> Result<Proof, Flaw> {
    let mut nearest: Option<Flaw> = None;
    for instance in instances {
        match prove(instance) {
            Ok(proof) => return Ok(proof),
            Err(flaw) => {
                if nearest.as_ref().is_none_or(|known| known.at < flaw.at) {
                    nearest = Some(flaw);
                }
            }
        }
    }
    Err(nearest.unwrap_or_else(|| Flaw::unreached(StepKind::Time, "no trusted root")))
}

fn prove(
    (bundle, instance, demands): (&Bundle, &Instance, &Demands),
    policy: &dyn Policy,
    signed: &Signed<'_>,
) -> Result<Proof, Flaw> {
    let Some(inner) = bundle.inner() else {
        return Err(Flaw::unreached(StepKind::Envelope, "no single signature"));
    };
    let material = &inner.verification_material;
    has_proofs(material, instance, demands)?;
    let result = instance
        .verifier
        .verify(artifact(signed), inner, policy)
        .map_err(|refusal| flaw(&refusal))?;
    issued_in_time((inner, instance), policy, signed, &result)?;
    enough_logs(material, instance, demands.logs)?;
    enough_timestamps(inner, instance, demands.timestamps)?;
    Ok(Proof {
        signed: result.verified_timestamps().iter().min().copied(),
        instance: instance.name.clone(),
        is_logged: result.tlog_verified() && !material.tlog_entries.is_empty(),
        is_certificate_logged: result.sct_verified(),
        identity: identity(&result),
    })
}

/// That the authority that issued the certificate had not expired itself. The library takes every certificate of a root
/// for an anchor, of which it is not looked at how long it holds: it has to find one that did (CVE-2026-24122).
fn issued_in_time(
    (inner, instance): (&sigstore_types::Bundle, &Instance),
    policy: &dyn Policy,
    signed: &Signed<'_>,
    result: &VerificationResult,
) -> Result<(), Flaw> {
    let times = result.verified_timestamps();
    let is_valid = |authority: &CertificateAuthority| {
        authority.cert_chain.certificates.iter().all(|one| held_at(&one.raw_bytes, times))
    };
    let authorities = &instance.root.certificate_authorities;
    if result.certificate().is_none() || authorities.iter().all(is_valid) {
        return Ok(());
    }
    let mut root = instance.root.clone();
    root.certificate_authorities.retain(is_valid);
    let is_verified = Verifier::new(&root)
        .is_ok_and(|verifier| verifier.verify(artifact(signed), inner, policy).is_ok());
    if is_verified {
        return Ok(());
    }
    Err(Flaw {
        at: StepKind::Certificate,
        found: "issued by an authority that was not valid at that time".to_owned(),
        before: Before::Held,
    })
}

/// Whether a certificate held at all of these times; one that can not be read never did.
fn held_at(certificate: &DerCertificate, times: &[Timestamp]) -> bool {
    parse_certificate_info(certificate).is_ok_and(|info| {
        times.iter().all(|time| (info.not_before..=info.not_after).contains(time))
    })
}

/// What the library compares the signature with. For an envelope that is the first subject of its own statement: the
/// library takes digests in any spelling, and whether the statement is about our artifact is a step of its own.
fn artifact<'a>(signed: &Signed<'a>) -> Artifact<'a> {
    match (&signed.own_subject, signed.content) {
        (Some(digest), _) => Artifact::Digest(digest.clone()),
        (None, Some(content)) => Artifact::Blob(content),
        (None, None) => {
            Artifact::Digest(ArtifactDigest::sha256(Sha256Hash::new(*signed.digest.as_bytes())))
        }
    }
}

/// That every entry has a proof where promises are not enough. The library is content where any entry has one, and
/// version 0.1, which anybody can write over a newer bundle, where none has.
fn has_proofs(
    material: &VerificationMaterial,
    instance: &Instance,
    demands: &Demands,
) -> Result<(), Flaw> {
    let is_promised = material.tlog_entries.iter().any(|entry| entry.inclusion_proof.is_none());
    if is_promised && instance.has_logs() && demands.legacy == Legacy::Refuse {
        return Err(Flaw::unreached(StepKind::Log, "a log entry without a proof of inclusion"));
    }
    Ok(())
}

/// The step at which the library stops with an error, and whether it has looked at those before it.
fn flaw(refusal: &Refusal) -> Flaw {
    let found = excerpt(&refusal.to_string());
    let (at, before) = match refusal {
        Refusal::Certificate(CertificateError::Malformed(_)) => {
            (StepKind::Certificate, Before::NotReached)
        }
        Refusal::Certificate(CertificateError::Sct(_)) => (StepKind::CertificateLog, Before::Held),
        Refusal::Certificate(_) => (StepKind::Certificate, Before::Held),
        Refusal::Timestamp(_)
        | Refusal::TransparencyLog(
            TransparencyLogError::InclusionPromise(_)
            | TransparencyLogError::IntegratedTime(_)
            | TransparencyLogError::UnknownLog { .. },
        ) => (StepKind::Time, Before::Held),
        Refusal::TransparencyLog(
            TransparencyLogError::InclusionProof(_) | TransparencyLogError::Checkpoint(_),
        ) => (StepKind::Log, Before::Held),
        Refusal::TransparencyLog(_) => (StepKind::LogEntry, Before::Held),
        Refusal::SignatureInvalid(_) | Refusal::ArtifactMismatch(_) => {
            (StepKind::Signature, Before::Held)
        }
        Refusal::Bundle(ShapeError::MissingSigningTimeEvidence | ShapeError::MissingTimestamp) => {
            (StepKind::Time, Before::NotReached)
        }
        Refusal::Bundle(_) => (StepKind::Log, Before::NotReached),
        Refusal::InvalidBundle(_) => (StepKind::Statement, Before::NotReached),
        Refusal::UnsupportedArtifact(_) => (StepKind::Signature, Before::NotReached),
        // These come from wherever something could not be read.
        Refusal::IdentityMismatch { .. }
        | Refusal::IssuerMismatch { .. }
        | Refusal::UnsupportedBundle(_)
        | Refusal::InvalidTrustRoot(_)
        | Refusal::Types(_)
        | Refusal::Crypto(_)
        | Refusal::TrustRoot(_)
        | Refusal::TrustedCertificate(_)
        | Refusal::ArtifactRead(_)
        | _ => (StepKind::LogEntry, Before::NotReached),
    };
    Flaw { at, found, before }
}

/// The signer, as the certificate names him.
fn identity(result: &VerificationResult) -> Option<SignerIdentity> {
    let certificate = result.certificate()?;
    let claims = certificate.ci_claims.clone();
    Some(SignerIdentity {
        subject: certificate.identity.as_ref().map(ToString::to_string).unwrap_or_default(),
        issuer: certificate.issuer.clone().unwrap_or_default(),
        build: BuildClaims {
            signer: claims.build_signer_uri,
            repository: claims.source_repository_uri,
            repository_id: claims.source_repository_identifier,
            owner_id: claims.source_repository_owner_identifier,
            reference: claims.source_repository_ref,
            commit: claims.source_repository_digest,
            config: claims.build_config_uri,
            trigger: claims.build_trigger,
            run: claims.run_invocation_uri,
            runner: claims.runner_environment,
        },
    })
}

/// That so many different logs have seen the signature. A log is told by the key that signed the checkpoint: what the
/// entry calls its log is nobody's word.
fn enough_logs(
    material: &VerificationMaterial,
    instance: &Instance,
    wanted: usize,
) -> Result<(), Flaw> {
    if wanted <= 1 || !instance.has_logs() {
        return Ok(());
    }
    let keys: Vec<_> = instance.root.tlogs.iter().map(|log| &log.public_key.raw_bytes).collect();
    let signed_by = |entry: &TransparencyLogEntry| {
        let checkpoint = entry.inclusion_proof.as_ref()?.checkpoint.checkpoint()?;
        keys.iter().position(|key| {
            let Ok(key) = VerificationKey::from_spki(key) else { return false };
            let message = checkpoint.signed_data();
            checkpoint.signatures().iter().any(|one| key.verify(message, &one.signature).is_ok())
        })
    };
    let logs: BTreeSet<usize> = material.tlog_entries.iter().filter_map(signed_by).collect();
    enough(StepKind::Log, logs.len(), wanted, "log", "logs")
}

/// That so many different authorities have seen the signature.
fn enough_timestamps(
    bundle: &sigstore_types::Bundle,
    instance: &Instance,
    wanted: usize,
) -> Result<(), Flaw> {
    if wanted == 0 {
        return Ok(());
    }
    let Some(signature) = signature(bundle) else { return Ok(()) };
    let authorities = instance.root.tsa_authorities();
    let stamps = &bundle.verification_material.timestamp_verification_data.rfc3161_timestamps;
    let made_by = |stamp: &Rfc3161Timestamp| {
        authorities.iter().position(|authority| {
            verify_timestamp_for_authority(&stamp.signed_timestamp, signature, authority).is_ok()
        })
    };
    let known: BTreeSet<usize> = stamps.iter().filter_map(made_by).collect();
    enough(StepKind::Time, known.len(), wanted, "timestamp authority", "timestamp authorities")
}

fn enough(at: StepKind, found: usize, wanted: usize, one: &str, many: &str) -> Result<(), Flaw> {
    if found >= wanted {
        return Ok(());
    }
    let what = if found == 1 { one } else { many };
    Err(Flaw::unreached(at, format!("{found} {what}, each counted once")))
}

fn signature(bundle: &sigstore_types::Bundle) -> Option<&SignatureBytes> {
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => Some(&envelope.signature.sig),
        SignatureContent::MessageSignature(message) => Some(&message.signature),
        _ => None,
    }
}

/// The first digest of an algorithm that the library compares.
pub(super) fn own_subject(statement: &ReadStatement) -> Option<ArtifactDigest> {
    statement.digests().find_map(|(algorithm, hex)| {
        let algorithm = match algorithm {
            "sha256" => HashAlgorithm::Sha2256,
            "sha512" => HashAlgorithm::Sha2512,
            _ => return None,
        };
        ArtifactDigest::new(algorithm, DigestBytes::from_hex(hex).ok()?).ok()
    })
}
