//! The steps of a signature by a key.

use super::{Believed, Outcome, Refused, Walk};
use crate::{
    Error, PublicKey,
    bundle::Bundle,
    statement::ReadStatement,
    text::{describe, time},
    trust::{SignerDemand, TrustedSigner},
    verify::{
        StepKind,
        proof::{self, Flaw, Proof, Signed},
    },
};
use plimsoll_model::{
    Digest,
    evidence::{Signer, Validity},
};
use sigstore_types::{SignatureBytes, SignatureContent};

/// Somebody who is believed by a key.
#[derive(Clone, Copy)]
struct Holder<'a> {
    key: &'a PublicKey,
    validity: Validity,
    signer: &'a TrustedSigner,
}

impl<'a> Walk<'a> {
    /// 3 to 10, for a signature by a key.
    pub(super) fn by_key(
        &mut self,
        bundle: &Bundle,
        hint: &str,
        read: Option<&Outcome<ReadStatement>>,
    ) -> Result<Believed<'a>, Refused> {
        // 3. The key is one that is trusted. What the bundle says here picks keys, and no more.
        let trusted = self.step(StepKind::Signer, self.keys(hint))?;
        let signed = self.signed(read);
        let by = trusted.iter().find(|holder| is_signed_by(bundle, holder.key, &signed));
        let key = by.or(trusted.first()).map(|holder| holder.key);
        let holders: Vec<_> = trusted.iter().filter(|one| Some(one.key) == key).copied().collect();
        // 4 to 7, 9. A log or a timestamp proves when, where that is demanded.
        let is_dated = self.date(bundle, &holders, read)?;
        for kind in [StepKind::Certificate, StepKind::CertificateLog] {
            self.not_needed(kind);
        }
        // 8. The key has signed the payload, byte for byte as it came, together with its type.
        let outcome = match by {
            Some(Holder { key, .. }) => {
                Ok((*key, format!("a signature of the key `{}`", key.id())))
            }
            None => Err(describe(&Error::NotSignedBy {
                keys: trusted.iter().map(|holder| holder.key.id()).collect(),
            })),
        };
        let key = self.step(StepKind::Signature, outcome)?;
        // 10. It did so while it was valid.
        let as_whom = self.in_time(&holders, is_dated)?;
        Ok(Believed { signer: Signer::Key { id: key.id() }, as_whom })
    }

    /// The keys that may have signed: the one that the hint names; all, where the hint is of no form that names a key.
    fn keys(&self, hint: &str) -> Outcome<Vec<Holder<'a>>> {
        let signers = self.expectation.trust.signers.iter();
        let holder = |signer: &'a TrustedSigner| match &signer.who {
            SignerDemand::Key { key, validity, .. } => {
                Some(Holder { key, validity: *validity, signer })
            }
            SignerDemand::Identity(_) => None,
        };
        let keys: Vec<_> = signers.filter_map(holder).collect();
        if keys.is_empty() {
            return Err("signed by a key, and no key is trusted".to_owned());
        }
        let Some(id) = key_named_by(hint) else {
            let found =
                format!("no known form of hint at the key; {} trusted keys are tried", keys.len());
            return Ok((keys, found));
        };
        let named: Vec<_> = keys.into_iter().filter(|holder| holder.key.id() == id).collect();
        if named.is_empty() {
            return Err(format!("the key `{id}`, which is not trusted"));
        }
        Ok((named, format!("the key `{id}`")))
    }

    /// Has it proven when a key signed, where one of its holders is believed only then; whether it is. Where another one
    /// is believed without that, it need not be.
    fn date(
        &mut self,
        bundle: &Bundle,
        holders: &[Holder<'a>],
        read: Option<&Outcome<ReadStatement>>,
    ) -> Result<IsDated, Refused> {
        let needs_date = |holder: &&Holder<'_>| holder.signer.who.is_dated();
        if let Some(Holder { key, .. }) = holders.iter().find(needs_date) {
            let is_demanded = holders.iter().all(|holder| needs_date(&holder));
            if is_demanded {
                self.is_comparable(read)?;
            }
            let proof = self.prove_key(bundle, key, &self.signed(read));
            if is_demanded || proof.is_ok() {
                self.proven(proof)?;
                return Ok(IsDated::Yes);
            }
        }
        for kind in [StepKind::Time, StepKind::Log, StepKind::LogEntry] {
            self.not_needed(kind);
        }
        Ok(IsDated::No)
    }

    fn prove_key(
        &self,
        bundle: &Bundle,
        key: &PublicKey,
        signed: &Signed<'_>,
    ) -> Result<Proof, Flaw> {
        let trust = self.expectation.trust;
        proof::by_key(bundle, key, (trust.instances(), &trust.demands), signed)
    }

    /// As whom the holder of a key is believed: as those whose key was valid when it is proven to have signed.
    fn in_time(
        &mut self,
        holders: &[Holder<'a>],
        is_dated: IsDated,
    ) -> Result<Vec<&'a TrustedSigner>, Refused> {
        let signed = self.signed;
        let is_in_time = |holder: &&Holder<'_>| {
            let is_proven = is_dated == IsDated::Yes || !holder.signer.who.is_dated();
            let is_valid = signed.is_some_and(|signed| holder.validity.is_at(signed));
            is_proven && (is_valid || !holder.validity.is_limited())
        };
        let as_whom: Vec<_> =
            holders.iter().filter(is_in_time).map(|holder| holder.signer).collect();
        let when = signed.map_or_else(
            || "nothing that proves when it was signed".to_owned(),
            |signed| format!("signed at {}", time(signed)),
        );
        let said: Vec<_> = holders.iter().map(|holder| holder.validity.to_string()).collect();
        let found = format!("{when}, by a key {}", said.join(" or "));
        if as_whom.is_empty() {
            return self.step(StepKind::Identity, Err(found));
        }
        if holders.iter().any(|holder| holder.validity.is_limited()) {
            self.step(StepKind::Identity, Ok(((), found)))?;
        } else {
            self.not_needed(StepKind::Identity);
        }
        Ok(as_whom)
    }
}

/// Whether it is proven when, or at least that a log has seen it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IsDated {
    Yes,
    No,
}

/// Whether a key has signed what the bundle holds. An artifact whose bytes are not at hand is told by its digest.
fn is_signed_by(bundle: &Bundle, key: &PublicKey, signed: &Signed<'_>) -> bool {
    let Some(inner) = bundle.inner() else { return false };
    match &inner.content {
        SignatureContent::DsseEnvelope(envelope) => {
            key.verify(&envelope.pae(), envelope.signature.sig.as_bytes()).is_ok()
        }
        SignatureContent::MessageSignature(message) => match signed.content {
            Some(content) => key.verify(content, message.signature.as_bytes()).is_ok(),
            None => is_digest_signed_by(key, signed.digest, &message.signature),
        },
        _ => false,
    }
}

fn is_digest_signed_by(key: &PublicKey, digest: Digest, signature: &SignatureBytes) -> bool {
    use sigstore_verify::crypto::{KeyAlgorithm, verify_signature_prehashed};
    let key = sigstore_types::DerPublicKey::from_bytes(key.spki());
    KeyAlgorithm::from_spki(&key).is_ok_and(|algorithm| {
        let scheme = algorithm.default_signing_scheme();
        verify_signature_prehashed(&key, digest.as_bytes(), signature, scheme).is_ok()
    })
}

/// The key that a hint names, where it is base64 of a SHA-256, as cosign and Plimsoll write it.
fn key_named_by(hint: &str) -> Option<Digest> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(hint).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}
