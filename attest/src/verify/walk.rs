//! One candidate on its way through the steps.

mod identities;
mod keys;

use super::{
    Candidate, Expectation, Fault, Step, StepKind, StepOutcome, Verification, Wanted, agreement,
    proof::{self, Before, Flaw, Proof, Signed},
    step::plan,
    summary,
};
use crate::{
    Error,
    bundle::{Bundle, ClaimedSigner, Content},
    claims::{self, Claims},
    cosign::{Form, Layer},
    pending::Pending,
    predicates::{test_result::TestResult, vsa::VsaResult},
    statement::{IN_TOTO_PAYLOAD_TYPE, ReadStatement},
    text::{describe, excerpt, time},
    trust::{MaxAge, TrustedSigner},
};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Digest,
    evidence::{Evidence, EvidenceFacts, Legacy, Signer},
    identity::SignerIdentity,
};
use serde_json::Value;
use sigstore_types::SignatureContent;

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
        unread: None,
        fault: None,
        pending: None,
        named_by: None,
    };
    let evidence = walk.through(candidate).ok().flatten();
    let failed = walk.steps.iter().find(|step| step.outcome == StepOutcome::Failed);
    Verification {
        found_at: candidate.found_at.clone(),
        predicate_type: walk.predicate_type,
        signer: walk.signer,
        signed: walk.signed,
        unread: walk.unread,
        fault: failed.map(|step| walk.fault.unwrap_or_else(|| Fault::of_step(step.kind))),
        pending: walk.pending,
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
    unread: Option<String>,
    /// What is wrong, where it takes more than the failed step to tell.
    fault: Option<Fault>,
    pending: Option<Pending>,
    /// The digest of what cosign signed in the place of the artifact: a text that names it.
    named_by: Option<Digest>,
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
        let read = self.read(candidate);
        let bundle = self.step(StepKind::Bundle, read)?;
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
        let outcome = match Pending::read(&statement) {
            Some(pending) => Err(self.postponed(&statement, &believed, pending)),
            None => self.predicate_type(&statement, &believed),
        };
        self.step(StepKind::PredicateType, outcome)?;
        // 13. It states it of this artifact.
        self.step(StepKind::Subject, self.subject(&statement))?;
        if self.expectation.wanted == Wanted::Signature {
            // Who asks for a signature does not ask what else was signed.
            self.not_needed(StepKind::Agreement);
            self.not_needed(StepKind::Verdict);
        } else {
            // 14. What it says of the build is what the certificate says.
            let claims = self.agreement(&statement, &believed)?;
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
            bundle: bundle.digest(),
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

    fn read(&mut self, candidate: &Candidate) -> Outcome<Bundle> {
        if let Some(layer) = Layer::unpack(&candidate.bytes) {
            return self.read_layer(layer);
        }
        let bundle = Bundle::parse(&candidate.bytes, self.expectation.limits)
            .map_err(|error| self.unreadable(&error))?;
        let found = format!("a bundle v{}", bundle.version());
        Ok((bundle, found))
    }

    /// Why a candidate can not be read; over a limit, it could not be told what it is.
    fn unreadable(&mut self, error: &Error) -> String {
        let found = describe(error);
        if matches!(error, Error::TooLarge { .. } | Error::TooMany { .. }) {
            self.unread = Some(found.clone());
        }
        found
    }

    /// Reads what cosign wrote before there were bundles. What it is is said in any case, so that nobody takes what is signed
    /// in an old form for unsigned.
    fn read_layer(&mut self, layer: Result<Layer<'_>, Error>) -> Outcome<Bundle> {
        let limits = self.expectation.limits;
        let (layer, form) = layer
            .and_then(|layer| layer.form().map(|form| (layer, form)))
            .map_err(|error| self.unreadable(&error))?;
        let found = match form {
            Form::Attestation => {
                let payload = layer.payload_unverified(limits);
                let read = payload.and_then(|it| ReadStatement::parse(&it, Legacy::Accept).ok());
                self.predicate_type = read.map(|statement| excerpt(&statement.predicate_type));
                "an attestation as cosign wrote it before there were bundles".to_owned()
            }
            Form::Signature { image } => {
                let image = image.map_or_else(|| "no image".to_owned(), |image| image.to_string());
                let found = format!("cosign's signature over {image}, which states nothing");
                if image != self.expectation.subject.to_string() {
                    return Err(found);
                }
                self.named_by = Some(layer.digest());
                found
            }
        };
        if self.expectation.trust.demands.legacy == Legacy::Refuse {
            return Err(format!("{found}; old forms are not accepted"));
        }
        let bundle = layer.to_bundle(limits).map_err(|error| self.unreadable(&error))?;
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

    fn signed(&self, read: Option<&Outcome<ReadStatement>>) -> Signed<'a> {
        let statement = match read {
            Some(Ok((statement, _))) => Some(statement),
            Some(Err(_)) | None => None,
        };
        Signed {
            own_subject: statement.and_then(proof::own_subject),
            digest: self.named_by.unwrap_or(self.expectation.subject),
            content: self.expectation.content.filter(|_| self.named_by.is_none()),
        }
    }

    /// Stops before what is proven by comparing the statement with the log, where it can not be compared.
    fn is_comparable(&mut self, read: Option<&Outcome<ReadStatement>>) -> Result<(), Refused> {
        match read {
            Some(Err(found)) => self.step(StepKind::Statement, Err(found.clone())),
            // Whatever the log says of it, it is not about our artifact.
            Some(Ok((statement, _))) if proof::own_subject(statement).is_none() => {
                self.step(StepKind::Subject, Err(statement.describe_subjects()))
            }
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// Notes what was proven, or why nothing was.
    fn proven(&mut self, proof: Result<Proof, Flaw>) -> Result<Option<SignerIdentity>, Refused> {
        let proof = match proof {
            Ok(proof) => proof,
            Err(flaw) => return self.flawed(&flaw),
        };
        self.signed = proof.signed;
        let by = |what: &str| format!("{what} of {}", excerpt(&proof.instance));
        match proof.signed {
            Some(signed) => self.note(StepKind::Time, StepOutcome::Passed, time(signed)),
            None if proof.identity.is_some() => {
                return self.step(StepKind::Time, Err("nothing that proves when".to_owned()));
            }
            // It is in a log that gives no times: of a key that is enough, where nobody asks when it signed.
            None => self.not_needed(StepKind::Time),
        }
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

    /// What was signed for the time being is never what is wanted. By whom that counts, it is noted; and what was found.
    fn postponed(
        &mut self,
        statement: &ReadStatement,
        believed: &Believed<'_>,
        pending: Pending,
    ) -> String {
        let found = format!("`{}`", excerpt(&statement.predicate_type));
        if !believed.as_whom.iter().any(|trusted| trusted.may_state(&statement.predicate_type)) {
            return format!("{found}, about which this signer is not believed");
        }
        if !statement.is_about(self.expectation.subject) {
            return format!("{found}, about another artifact");
        }
        let Pending { predicate_type, reason, since } = &pending;
        let found =
            format!("that one of type `{predicate_type}` is pending since {since}: {reason}");
        self.fault = Some(Fault::Pending);
        self.pending = Some(pending);
        found
    }

    fn subject(&self, statement: &ReadStatement) -> Outcome<()> {
        let wanted = self.expectation.subject;
        if statement.is_about(wanted) {
            Ok(((), format!("a subject with {wanted}")))
        } else {
            Err(statement.describe_subjects())
        }
    }

    /// Reads what a statement of a kind that is known says, and compares it with what is known of its signer.
    fn agreement(
        &mut self,
        statement: &ReadStatement,
        believed: &Believed<'_>,
    ) -> Result<Option<Claims>, Refused> {
        let claims = match claims::read(&statement.predicate_type, &statement.predicate) {
            Ok(claims) => claims,
            Err(error) => return self.step(StepKind::Agreement, Err(describe(&error))),
        };
        let as_whom = believed.as_whom.iter().copied();
        let may_state = |trusted: &&TrustedSigner| trusted.may_state(&statement.predicate_type);
        let as_whom: Vec<_> = as_whom.filter(may_state).collect();
        let found = match &claims {
            Some(Claims::Provenance(provenance)) => {
                agreement::of_build(provenance, (&believed.signer, &as_whom))
            }
            Some(Claims::Vsa(claims)) => {
                summary::compare(claims, &as_whom, self.expectation.place).map(Some)
            }
            Some(Claims::Scan(_) | Claims::Test(_) | Claims::Document(_)) | None => Ok(None),
        };
        match found.map_err(|found| excerpt(&found)) {
            Ok(None) => self.not_needed(StepKind::Agreement),
            Ok(Some(agreed)) => self.step(StepKind::Agreement, Ok(((), agreed)))?,
            Err(found) => self.step(StepKind::Agreement, Err(found))?,
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
