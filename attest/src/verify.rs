//! Verification of one bundle against what is demanded of it, step by step.
//!
//! The only place where [`Evidence`] is made.

use crate::{
    Bundle, Error, PublicKey,
    bundle::{ClaimedSigner, Content},
    envelope::Signed,
    statement::{IN_TOTO_PAYLOAD_TYPE, ReadStatement, SUBJECTS_LIMIT},
    text::excerpt,
};
use plimsoll_model::{
    Digest, Limits,
    evidence::{Evidence, EvidenceFacts, Presence, Signer},
};
use serde_json::Value;
use std::{collections::BTreeSet, error::Error as _};

/// The step that tells whether a candidate states what is wanted.
const PREDICATE_TYPE: &str = "predicate type";

/// Something that was found and may be a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where, for people.
    pub found_at: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is demanded of a candidate.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The artifact that it has to be about.
    pub subject: Digest,
    /// The predicate types that are wanted; with none, nothing is.
    pub predicate_types: &'a [&'a str],
    /// The keys that are trusted; with none, nothing verifies.
    pub keys: &'a [PublicKey],
    /// How much is read.
    pub limits: &'a Limits,
}

/// What verifying one candidate came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Where the candidate was found.
    pub found_at: String,
    /// What it claims to state, where that can be read; true only if there is evidence.
    pub predicate_type: Option<String>,
    /// Who signed, once the signature has been verified.
    pub signer: Option<String>,
    /// Every step, in order, those that were not reached included.
    pub steps: Vec<Step>,
    /// There only if every step has passed.
    pub evidence: Option<Evidence>,
}

/// One step of a verification. Its texts may come from the candidate: they are not yet fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub number: u8,
    /// What is looked at.
    pub name: &'static str,
    /// How it went.
    pub outcome: StepOutcome,
    /// What has to be found.
    pub expected: String,
    /// What was found; empty where the step was not reached.
    pub found: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// As expected.
    Passed,
    /// Not as expected: the candidate is refused.
    Failed,
    /// An earlier step has failed.
    NotReached,
}

impl Verification {
    /// The step that failed; the candidate has passed where there is none.
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.outcome == StepOutcome::Failed)
    }

    /// Whether the candidate states what is wanted; a good statement of another kind is no defect of the evidence.
    pub fn is_wanted(&self) -> bool {
        self.failed_step().is_none_or(|step| step.name != PREDICATE_TYPE)
    }
}

/// Verifies a candidate. It is refused at the first step that fails; a refusal is an explanation, not an error.
pub fn verify(candidate: &Candidate, expectation: &Expectation<'_>) -> Verification {
    let mut walk = Walk::new(expectation);
    let evidence = walk.through(candidate).ok();
    Verification {
        found_at: candidate.found_at.clone(),
        predicate_type: walk.predicate_type,
        signer: walk.signer,
        steps: walk.steps,
        evidence,
    }
}

/// Verifies everything that was found. `candidates` is an error, with the reason, where it could not be told what there is.
///
/// A candidate that is refused does not stand in the way of another. Nothing to verify is absent; and so that nobody
/// takes what was not read for refused, a candidate over the limit leaves it untold, unless another one verifies.
pub fn look(
    candidates: Result<Vec<Candidate>, String>,
    expectation: &Expectation<'_>,
) -> (Presence, Vec<Verification>) {
    let candidates = match candidates {
        Ok(candidates) => candidates,
        Err(reason) => return (Presence::CouldNotTell { reason }, Vec::new()),
    };
    let verifications: Vec<_> =
        candidates.iter().map(|candidate| verify(candidate, expectation)).collect();
    let mut seen = BTreeSet::new();
    let evidence: Vec<Evidence> = verifications
        .iter()
        .filter_map(|verification| verification.evidence.clone())
        // The same bundle found twice is one piece of evidence.
        .filter(|evidence| seen.insert(evidence.facts().bundle))
        .collect();
    let limit = expectation.limits.evidence;
    let unread = candidates
        .iter()
        .find(|candidate| u64::try_from(candidate.bytes.len()).map_or(true, |size| size > limit));
    let presence = match (evidence.is_empty(), unread) {
        (false, _) => Presence::Present(evidence),
        (true, Some(unread)) => Presence::CouldNotTell {
            reason: format!("`{}` is larger than {limit} bytes", excerpt(&unread.found_at)),
        },
        (true, None) => Presence::Absent { refused: verifications.len() },
    };
    (presence, verifications)
}

/// The candidate was refused; the steps say why.
struct Refused;

/// A verification under way.
struct Walk<'a> {
    expectation: &'a Expectation<'a>,
    steps: Vec<Step>,
    predicate_type: Option<String>,
    signer: Option<String>,
}

impl<'a> Walk<'a> {
    fn new(expectation: &'a Expectation<'a>) -> Self {
        let step = |(name, expected): (&'static str, String)| Step {
            number: 0,
            name,
            outcome: StepOutcome::NotReached,
            expected,
            found: String::new(),
        };
        let mut steps: Vec<_> = plan(expectation).into_iter().map(step).collect();
        for (number, step) in (1..).zip(&mut steps) {
            step.number = number;
        }
        Self { expectation, steps, predicate_type: None, signer: None }
    }

    /// The steps, in order; each is one function below.
    fn through(&mut self, candidate: &Candidate) -> Result<Evidence, Refused> {
        // 1. The candidate is a bundle of a version that is read here.
        let bundle = self.step(1, read(candidate, self.expectation.limits))?;
        self.predicate_type = bundle.predicate_type().map(|kind| excerpt(&kind));
        // 2. Exactly one signature, over a payload that says it is a statement.
        let signed = self.step(2, signed(&bundle))?;
        // 3. Who is said to have signed is somebody who is trusted. What the bundle says here picks keys, and no more.
        let keys = self.step(3, trusted(&bundle.claimed_signer, self.expectation.keys))?;
        // 4. One of those keys has signed the payload, byte for byte as it came, together with its type.
        let (key, payload) = self.step(4, signature(&signed, &keys))?;
        let signer = Signer::Key { id: key.id() };
        self.signer = Some(signer.to_string());
        // 5. What was signed is a Statement v1 that has one meaning.
        let statement = self.step(5, statement(payload))?;
        // 6. It states what was asked for.
        self.step(6, predicate_type(&statement, self.expectation.predicate_types))?;
        // 7. It states it of this artifact.
        self.step(7, subject(&statement, self.expectation.subject))?;

        let facts = EvidenceFacts {
            subject: self.expectation.subject,
            predicate_type: statement.predicate_type,
            signer,
            statement: Digest::of(payload),
            bundle: Digest::of(&candidate.bytes),
            // Log entries and timestamps are not looked at, so that nothing proves when.
            signed: None,
            predicate: Value::Object(statement.predicate).to_string(),
        };
        #[expect(clippy::disallowed_methods, reason = "this is where evidence is made")]
        Ok(Evidence::attested(facts))
    }

    /// Notes how a step went.
    fn step<T>(&mut self, number: u8, outcome: Result<(T, String), String>) -> Result<T, Refused> {
        let (value, passed, found) = match outcome {
            Ok((value, found)) => (Ok(value), StepOutcome::Passed, found),
            Err(found) => (Err(Refused), StepOutcome::Failed, found),
        };
        if let Some(step) = self.steps.iter_mut().find(|step| step.number == number) {
            step.outcome = passed;
            step.found = found;
        }
        value
    }
}

/// The name of every step, and what it expects.
fn plan(expectation: &Expectation<'_>) -> [(&'static str, String); 7] {
    let keys: Vec<_> = expectation.keys.iter().map(|key| key.id().to_string()).collect();
    [
        (
            "bundle",
            format!("a Sigstore bundle v0.3 of at most {} bytes", expectation.limits.evidence),
        ),
        ("envelope", format!("one signature over `{IN_TOTO_PAYLOAD_TYPE}`")),
        ("trusted signer", any_of("the key", &keys, "no key is trusted")),
        ("signature", "a signature of that key over the payload and its type".to_owned()),
        (
            "statement",
            format!(
                "an in-toto Statement v1 about 1 to {SUBJECTS_LIMIT} subjects, no key in it twice"
            ),
        ),
        (
            PREDICATE_TYPE,
            any_of("a predicate of type", expectation.predicate_types, "no type is wanted"),
        ),
        ("subject", format!("a subject with {}", expectation.subject)),
    ]
}

fn any_of<T: AsRef<str>>(what: &str, values: &[T], none: &str) -> String {
    match values {
        [] => format!("nothing: {none}"),
        [one] => format!("{what} `{}`", one.as_ref()),
        several => {
            let list: Vec<_> =
                several.iter().map(|value| format!("`{}`", value.as_ref())).collect();
            format!("{what} {}", list.join(" or "))
        }
    }
}

fn read(candidate: &Candidate, limits: &Limits) -> Result<(Bundle, String), String> {
    let bundle = Bundle::parse(&candidate.bytes, limits).map_err(|error| describe(&error))?;
    let found = match (bundle.log_entries, bundle.timestamps) {
        (0, 0) => "a bundle v0.3".to_owned(),
        (entries, stamps) => format!(
            "a bundle v0.3; its {entries} log entries and {stamps} timestamps are not looked at"
        ),
    };
    Ok((bundle, found))
}

fn signed(bundle: &Bundle) -> Result<(Signed<'_>, String), String> {
    match &bundle.content {
        Content::Envelope(envelope) => envelope
            .expect(IN_TOTO_PAYLOAD_TYPE)
            .map(|signed| (signed, format!("one signature over `{IN_TOTO_PAYLOAD_TYPE}`")))
            .map_err(|error| describe(&error)),
        Content::Message => Err("a signature over a bare message, without a statement".to_owned()),
    }
}

/// The keys that may have signed: the one that the hint names; all, where the hint is of no form that names a key.
fn trusted<'k>(
    claimed: &ClaimedSigner,
    keys: &'k [PublicKey],
) -> Result<(Vec<&'k PublicKey>, String), String> {
    let hint = match claimed {
        ClaimedSigner::Key { hint } => hint,
        ClaimedSigner::Certificate => {
            return Err(
                "signed by a certificate; keyless verification is not available in this version"
                    .to_owned(),
            );
        }
    };
    if keys.is_empty() {
        return Err("no key is trusted".to_owned());
    }
    let Some(id) = key_named_by(hint) else {
        let found =
            format!("no known form of hint at the key; {} trusted keys are tried", keys.len());
        return Ok((keys.iter().collect(), found));
    };
    keys.iter()
        .find(|key| key.id() == id)
        .map(|key| (vec![key], format!("the key `{id}`")))
        .ok_or_else(|| format!("the key `{id}`, which is not trusted"))
}

/// The key that a hint names, where it is base64 of a SHA-256, as cosign and Plimsoll write it.
fn key_named_by(hint: &str) -> Option<Digest> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(hint).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

fn signature<'a, 'k>(
    signed: &Signed<'a>,
    keys: &[&'k PublicKey],
) -> Result<((&'k PublicKey, &'a [u8]), String), String> {
    let (key, payload) = signed.verify(keys).map_err(|error| describe(&error))?;
    Ok(((key, payload), format!("a signature of the key `{}`", key.id())))
}

fn statement(payload: &[u8]) -> Result<(ReadStatement, String), String> {
    let statement = ReadStatement::parse(payload).map_err(|error| excerpt(&error.to_string()))?;
    Ok((statement, "an in-toto Statement v1".to_owned()))
}

fn predicate_type(statement: &ReadStatement, wanted: &[&str]) -> Result<((), String), String> {
    let found = format!("`{}`", excerpt(&statement.predicate_type));
    if wanted.contains(&statement.predicate_type.as_str()) { Ok(((), found)) } else { Err(found) }
}

fn subject(statement: &ReadStatement, wanted: Digest) -> Result<((), String), String> {
    if statement.is_about(wanted) {
        Ok(((), format!("a subject with {wanted}")))
    } else {
        Err(statement.describe_subjects())
    }
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

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
