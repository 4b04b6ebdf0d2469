//! One candidate on its way through the steps.

use super::{
    Candidate, Expectation, Step, StepKind, StepOutcome, Verification, Wanted, agreement,
    proof::{self, Before, Flaw, Proof, Signed},
    step::plan,
};
use crate::{
    Error, PublicKey,
    bundle::{Bundle, ClaimedSigner, Content},
    claims::{self, Claims},
    predicates::{test_result::TestResult, vsa::VsaResult},
    statement::{IN_TOTO_PAYLOAD_TYPE, ReadStatement},
    text::{excerpt, time},
    trust::{MaxAge, SignerDemand, TrustedSigner},
};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Digest,
    evidence::{Evidence, EvidenceFacts, Signer, Unlogged},
    identity::{IdentityDemand, SignerIdentity},
};
use serde_json::Value;
use sigstore_types::{SignatureBytes, SignatureContent};
use std::error::Error as _;

/// How far a clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Takes a candidate through the steps, up to the one that it fails.
pub(super) fn walk(candidate: &Candidate, expectation: &Expectation<'_>) -> Verification {
    let mut walk = Walk {
        expectation,
        steps: plan(expectation),
        predicate_type: None,
        signer: None,
        signed: None,
    };
    let evidence = walk.through(candidate).ok().flatten();
    Verification {
        found_at: candidate.found_at.clone(),
        predicate_type: walk.predicate_type,
        signer: walk.signer,
        signed: walk.signed,
        steps: walk.steps,
        evidence,
    }
}

/// The candidate was refused; the steps say why.
struct Refused;

/// A verification under way.
struct Walk<'a> {
    expectation: &'a Expectation<'a>,
    steps: Vec<Step>,
    predicate_type: Option<String>,
    signer: Option<String>,
    signed: Option<Timestamp>,
}

/// Whom a signature was found to be by, and which of those who are believed that is.
struct Believed<'a> {
    signer: Signer,
    as_whom: Vec<&'a TrustedSigner>,
}

/// What a step came to: a value and what was found, or what was found instead.
type Outcome<T> = Result<(T, String), String>;

impl<'a> Walk<'a> {
    /// The steps, in order.
    fn through(&mut self, candidate: &Candidate) -> Result<Option<Evidence>, Refused> {
        // 1. The candidate is a bundle.
        let bundle = self.step(StepKind::Bundle, self.read(candidate))?;
        // 2. It holds exactly one signature: over a payload that says it is a statement, or over the artifact.
        let inner = self.step(StepKind::Envelope, self.envelope(&bundle))?;
        let payload = match &inner.content {
            SignatureContent::DsseEnvelope(envelope) => Some(envelope.payload.as_bytes()),
            SignatureContent::MessageSignature(_) | _ => None,
        };
        // Read before it is believed, once: for people, and for whoever compares it with the log.
        let read = payload.map(|payload| self.read_statement(payload));
        // 3 to 10. Somebody who is trusted has signed it.
        let believed = match &bundle.claimed_signer {
            ClaimedSigner::Key { hint } => self.by_key(&bundle, hint, read.as_ref())?,
            ClaimedSigner::Certificate => self.by_certificate(&bundle, read.as_ref())?,
        };
        self.signer = Some(believed.signer.to_string());
        let Some((payload, read)) = payload.zip(read) else {
            // A signature over the artifact itself says no more than that.
            for kind in [
                StepKind::Statement,
                StepKind::PredicateType,
                StepKind::Subject,
                StepKind::Agreement,
                StepKind::Verdict,
            ] {
                self.not_needed(kind);
            }
            self.check_age()?;
            return Ok(None);
        };
        // 11. What was signed is a statement that has one meaning.
        let statement = self.step(StepKind::Statement, read)?;
        // 12. It states what was asked for, and the signer is believed about that.
        self.step(StepKind::PredicateType, self.predicate_type(&statement, &believed))?;
        // 13. It states it of this artifact.
        self.step(StepKind::Subject, self.subject(&statement))?;
        if self.expectation.wanted == Wanted::Signature {
            // Who asks for a signature does not ask what else was signed.
            self.not_needed(StepKind::Agreement);
            self.not_needed(StepKind::Verdict);
        } else {
            // 14. What it says of the build is what the certificate says.
            let claims = self.agreement(&statement, &believed.signer)?;
            // 15. It does not say that the artifact failed.
            self.verdict(claims.as_ref())?;
        }
        // 16. It was signed not too long ago.
        self.check_age()?;

        let facts = EvidenceFacts {
            subject: self.expectation.subject,
            predicate_type: statement.predicate_type,
            signer: believed.signer,
            statement: Digest::of(payload),
            bundle: Digest::of(&candidate.bytes),
            signed: self.signed,
            predicate: Value::Object(statement.predicate).to_string(),
        };
        #[expect(clippy::disallowed_methods, reason = "this is where evidence is made")]
        Ok(Some(Evidence::attested(facts)))
    }

    /// Notes how a step went.
    fn step<T>(&mut self, kind: StepKind, outcome: Outcome<T>) -> Result<T, Refused> {
        let (value, passed, found) = match outcome {
            Ok((value, found)) => (Ok(value), StepOutcome::Passed, found),
            Err(found) => (Err(Refused), StepOutcome::Failed, found),
        };
        self.note(kind, passed, found);
        value
    }

    fn not_needed(&mut self, kind: StepKind) {
        self.note(kind, StepOutcome::NotNeeded, String::new());
    }

    fn note(&mut self, kind: StepKind, outcome: StepOutcome, found: String) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.kind == kind) {
            step.outcome = outcome;
            step.found = found;
        }
    }

    fn read(&self, candidate: &Candidate) -> Outcome<Bundle> {
        let bundle = Bundle::parse(&candidate.bytes, self.expectation.limits)
            .map_err(|error| describe(&error))?;
        let found = format!("a bundle v{}", bundle.version());
        Ok((bundle, found))
    }

    fn envelope<'b>(&self, bundle: &'b Bundle) -> Outcome<&'b sigstore_types::Bundle> {
        match &bundle.content {
            Content::Envelope(inner) => match &inner.content {
                SignatureContent::DsseEnvelope(envelope)
                    if envelope.payload_type == IN_TOTO_PAYLOAD_TYPE =>
                {
                    Ok((inner, format!("one signature over `{IN_TOTO_PAYLOAD_TYPE}`")))
                }
                SignatureContent::DsseEnvelope(envelope) => Err(describe(&Error::PayloadType {
                    expected: IN_TOTO_PAYLOAD_TYPE.to_owned(),
                    found: excerpt(&envelope.payload_type),
                })),
                SignatureContent::MessageSignature(_) | _ => Err("no envelope".to_owned()),
            },
            Content::Message(inner) if self.expectation.wanted == Wanted::Signature => {
                Ok((inner, "one signature over the artifact itself".to_owned()))
            }
            Content::Message(_) => {
                Err("a signature over a bare message, without a statement".to_owned())
            }
            Content::Signatures(found) => Err(describe(&Error::SignatureCount { found: *found })),
        }
    }

    fn read_statement(&mut self, payload: &[u8]) -> Outcome<ReadStatement> {
        let legacy = self.expectation.trust.demands.legacy;
        match ReadStatement::parse(payload, legacy) {
            Ok(statement) => {
                self.predicate_type = Some(excerpt(&statement.predicate_type));
                let found = format!("`{}`", statement.kind());
                Ok((statement, found))
            }
            Err(error) => Err(excerpt(&error.to_string())),
        }
    }

    /// 3 to 10, for a signature by a key.
    fn by_key(
        &mut self,
        bundle: &Bundle,
        hint: &str,
        read: Option<&Outcome<ReadStatement>>,
    ) -> Result<Believed<'a>, Refused> {
        // 3. The key is one that is trusted. What the bundle says here picks keys, and no more.
        let trusted = self.step(StepKind::Signer, self.keys(hint))?;
        let signed = self.signed(read);
        let by = trusted.iter().find(|(key, _)| is_signed_by(bundle, key, &signed));
        let key = by.or(trusted.first()).map(|(key, _)| *key);
        let needs_log = !trusted
            .iter()
            .any(|(key_of, unlogged)| Some(*key_of) == key && *unlogged == Unlogged::Accept);
        // 4 to 7, 9. A log or a timestamp proves when, where that is demanded.
        if needs_log && let Some(key) = key {
            self.proven(self.prove_key(bundle, key, &signed))?;
        } else {
            for kind in [StepKind::Time, StepKind::Log, StepKind::LogEntry] {
                self.not_needed(kind);
            }
        }
        for kind in [StepKind::Certificate, StepKind::CertificateLog, StepKind::Identity] {
            self.not_needed(kind);
        }
        // 8. The key has signed the payload, byte for byte as it came, together with its type.
        let outcome = match by {
            Some((key, _)) => Ok((*key, format!("a signature of the key `{}`", key.id()))),
            None => Err(describe(&Error::NotSignedBy {
                keys: trusted.iter().map(|(key, _)| key.id()).collect(),
            })),
        };
        let key = self.step(StepKind::Signature, outcome)?;
        let as_whom = self.expectation.trust.signers.iter();
        let is_it = |trusted: &&TrustedSigner| match &trusted.who {
            SignerDemand::Key { key: one, .. } => one == key,
            SignerDemand::Identity(_) => false,
        };
        Ok(Believed {
            signer: Signer::Key { id: key.id() },
            as_whom: as_whom.filter(is_it).collect(),
        })
    }

    /// The keys that may have signed: the one that the hint names; all, where the hint is of no form that names a key.
    fn keys(&self, hint: &str) -> Outcome<Vec<(&'a PublicKey, Unlogged)>> {
        let keys: Vec<_> = self
            .expectation
            .trust
            .signers
            .iter()
            .filter_map(|trusted| match &trusted.who {
                SignerDemand::Key { key, unlogged } => Some((key, *unlogged)),
                SignerDemand::Identity(_) => None,
            })
            .collect();
        if keys.is_empty() {
            return Err("signed by a key, and no key is trusted".to_owned());
        }
        let Some(id) = key_named_by(hint) else {
            let found =
                format!("no known form of hint at the key; {} trusted keys are tried", keys.len());
            return Ok((keys, found));
        };
        let named: Vec<_> = keys.into_iter().filter(|(key, _)| key.id() == id).collect();
        if named.is_empty() {
            return Err(format!("the key `{id}`, which is not trusted"));
        }
        Ok((named, format!("the key `{id}`")))
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

    /// 3 to 10, for a signature by the holder of a certificate.
    fn by_certificate(
        &mut self,
        bundle: &Bundle,
        read: Option<&Outcome<ReadStatement>>,
    ) -> Result<Believed<'a>, Refused> {
        // 3. Somebody is trusted by an identity, and there is somebody to vouch for it.
        let demands = self.step(StepKind::Signer, self.identities())?;
        // A statement that can not be read is compared with nothing.
        if let Some(Err(found)) = read {
            return self.step(StepKind::Statement, Err(found.clone()));
        }
        // 4 to 9. Time, certificate and its log, log, signature, log entry.
        let trust = self.expectation.trust;
        let signed = self.signed(read);
        let proof = proof::by_certificate(bundle, trust.instances(), &trust.demands, &signed);
        let identity = self.proven(proof)?.unwrap_or_default();
        // 10. The certificate is that of somebody who is trusted.
        let as_whom = self.step(StepKind::Identity, identify(&demands, &identity))?;
        Ok(Believed { signer: Signer::Identity(Box::new(identity)), as_whom })
    }

    fn identities(&self) -> Outcome<Vec<(&'a TrustedSigner, &'a IdentityDemand)>> {
        let trust = self.expectation.trust;
        let demands: Vec<_> = trust
            .signers
            .iter()
            .filter_map(|trusted| match &trusted.who {
                SignerDemand::Identity(demand) => Some((trusted, demand)),
                SignerDemand::Key { .. } => None,
            })
            .collect();
        if demands.is_empty() {
            return Err("signed by a certificate, and no identity is trusted".to_owned());
        }
        match &trust.root {
            Some(root) => {
                let names: Vec<_> = root.names().collect();
                Ok((
                    demands,
                    format!("a certificate; the roots of {} are trusted", names.join(", ")),
                ))
            }
            None => Err("signed by a certificate, and no root is trusted".to_owned()),
        }
    }

    fn signed(&self, read: Option<&Outcome<ReadStatement>>) -> Signed<'a> {
        let statement = match read {
            Some(Ok((statement, _))) => Some(statement),
            Some(Err(_)) | None => None,
        };
        Signed {
            own_subject: statement.and_then(proof::own_subject),
            digest: self.expectation.subject,
            content: self.expectation.content,
        }
    }

    /// Notes what was proven, or why nothing was.
    fn proven(&mut self, proof: Result<Proof, Flaw>) -> Result<Option<SignerIdentity>, Refused> {
        let proof = match proof {
            Ok(proof) => proof,
            Err(flaw) => return self.flawed(&flaw),
        };
        self.signed = proof.signed;
        let when = proof.signed.map_or_else(|| "nothing says when".to_owned(), time);
        let by = |what: &str| format!("{what} of {}", excerpt(&proof.instance));
        self.note(StepKind::Time, StepOutcome::Passed, when);
        self.note(StepKind::Certificate, StepOutcome::Passed, by("a certificate"));
        self.note(StepKind::Signature, StepOutcome::Passed, "a signature by its holder".to_owned());
        for (kind, is_needed, what) in [
            (StepKind::CertificateLog, proof.is_certificate_logged, "the promise of a log"),
            (StepKind::Log, proof.is_logged, "log entries"),
            (StepKind::LogEntry, proof.is_logged, "entries about this signature"),
        ] {
            if is_needed {
                self.note(kind, StepOutcome::Passed, by(what));
            } else {
                self.not_needed(kind);
            }
        }
        Ok(proof.identity)
    }

    fn flawed<T>(&mut self, flaw: &Flaw) -> Result<T, Refused> {
        if flaw.before == Before::Held {
            for kind in StepKind::ALL.into_iter().filter(|kind| *kind < flaw.at) {
                if self
                    .steps
                    .iter()
                    .any(|step| step.kind == kind && step.outcome == StepOutcome::NotReached)
                {
                    self.note(kind, StepOutcome::Passed, String::new());
                }
            }
        }
        self.step(flaw.at, Err(flaw.found.clone()))
    }

    fn predicate_type(&self, statement: &ReadStatement, believed: &Believed<'_>) -> Outcome<()> {
        let kind = statement.predicate_type.as_str();
        let found = format!("`{}`", excerpt(kind));
        match self.expectation.wanted {
            Wanted::Statement(wanted) if !wanted.contains(&kind) => return Err(found),
            Wanted::Statement(_) | Wanted::Signature => {}
        }
        if believed.as_whom.iter().any(|trusted| trusted.may_state(kind)) {
            Ok(((), found))
        } else {
            Err(format!("{found}, about which this signer is not believed"))
        }
    }

    fn subject(&self, statement: &ReadStatement) -> Outcome<()> {
        let wanted = self.expectation.subject;
        if statement.is_about(wanted) {
            Ok(((), format!("a subject with {wanted}")))
        } else {
            Err(statement.describe_subjects())
        }
    }

    /// Reads what a statement of a kind that is known says, and compares it with the certificate.
    fn agreement(
        &mut self,
        statement: &ReadStatement,
        signer: &Signer,
    ) -> Result<Option<Claims>, Refused> {
        let claims = match claims::read(&statement.predicate_type, &statement.predicate) {
            Ok(claims) => claims,
            Err(error) => return self.step(StepKind::Agreement, Err(describe(&error))),
        };
        match (&claims, signer) {
            (Some(Claims::Provenance(provenance)), Signer::Identity(identity)) => {
                let found = agreement::compare(provenance, &identity.build);
                let found = found.map(|agreed| ((), agreed)).map_err(|found| excerpt(&found));
                self.step(StepKind::Agreement, found)?;
            }
            _ => self.not_needed(StepKind::Agreement),
        }
        Ok(claims)
    }

    /// A verdict that is absent or of no known word is no pass.
    fn verdict(&mut self, claims: Option<&Claims>) -> Result<(), Refused> {
        let said = match claims {
            Some(Claims::Vsa(summary)) => match summary.result {
                Some(VsaResult::Passed) => Ok("a pass"),
                Some(VsaResult::Failed) => Err("a failure"),
                None => Err("no verdict"),
            },
            Some(Claims::Test(tests)) => match tests.result {
                Some(TestResult::Passed) => Ok("a pass"),
                Some(TestResult::Warned) => Ok("a pass with warnings"),
                Some(TestResult::Failed) => Err("a failure"),
                None => Err("no verdict"),
            },
            Some(Claims::Provenance(_) | Claims::Scan(_) | Claims::Document(_)) | None => {
                self.not_needed(StepKind::Verdict);
                return Ok(());
            }
        };
        let outcome = said.map(|found| ((), found.to_owned())).map_err(str::to_owned);
        self.step(StepKind::Verdict, outcome)
    }

    fn check_age(&mut self) -> Result<(), Refused> {
        let Some(age) = self.expectation.trust.demands.age else {
            self.not_needed(StepKind::Age);
            return Ok(());
        };
        self.step(StepKind::Age, self.age(age))
    }

    fn age(&self, age: MaxAge) -> Outcome<()> {
        let Some(signed) = self.signed else {
            return Err("nothing that proves when it was signed".to_owned());
        };
        let found = format!("signed at {}", time(signed));
        let passed = age.now.duration_since(signed);
        if passed < -SKEW {
            return Err(format!("{found}, which is later than now"));
        }
        if passed > age.at_most { Err(found) } else { Ok(((), found)) }
    }
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

/// Those, of all that are trusted, whose demands an identity meets; else how it misses the nearest ones.
fn identify<'a>(
    demands: &[(&'a TrustedSigner, &'a IdentityDemand)],
    identity: &SignerIdentity,
) -> Outcome<Vec<&'a TrustedSigner>> {
    let mut met = Vec::new();
    let mut nearest: Option<Vec<String>> = None;
    for (trusted, demand) in demands {
        let mismatches = demand.mismatches(identity);
        if mismatches.is_empty() {
            met.push(*trusted);
        } else if nearest.as_ref().is_none_or(|known| mismatches.len() < known.len()) {
            let say = mismatches.iter().map(|mismatch| {
                let found = mismatch
                    .found
                    .as_deref()
                    .map_or("nothing".to_owned(), |found| format!("`{}`", excerpt(found)));
                format!("{} {found} instead of `{}`", mismatch.what, mismatch.expected)
            });
            nearest = Some(say.collect());
        }
    }
    let who = excerpt(&identity.to_string());
    match (met.is_empty(), nearest) {
        (true, nearest) => Err(format!("{who}: {}", nearest.unwrap_or_default().join("; "))),
        (false, _) => Ok((met, who)),
    }
}

/// The key that a hint names, where it is base64 of a SHA-256, as cosign and Plimsoll write it.
fn key_named_by(hint: &str) -> Option<Digest> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(hint).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

/// An error with its causes, on one line.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    excerpt(&text)
}
