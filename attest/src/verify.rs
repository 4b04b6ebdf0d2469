//! Verification of one bundle against what is demanded of it, step by step.
//!
//! The only place where [`Evidence`] is made.

mod agreement;
mod fault;
mod proof;
mod step;
mod summary;
mod walk;

use crate::{pending::Pending, text::excerpt, trust::Trust};
pub use fault::Fault;
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Limits,
    evidence::{Evidence, Presence},
};
pub(crate) use proof::{Logging, of_new};
use std::collections::BTreeSet;
pub use step::{Step, StepKind, StepOutcome};

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
    /// Where the artifact is, as a summary names it; none where it is looked at for itself, and no summary is about it there.
    pub place: Option<&'a str>,
    /// The bytes of the artifact, where they are at hand: some signatures are over them and over no digest.
    pub content: Option<&'a [u8]>,
    /// What it has to be.
    pub wanted: Wanted<'a>,
    /// Who is believed, and how well it has to be proven.
    pub trust: &'a Trust,
    /// How much is read.
    pub limits: &'a Limits,
}

/// What a candidate has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A statement of one of these predicate types; with none, nothing is wanted.
    Statement(&'a [&'a str]),
    /// A signature over the artifact itself, or any statement about it. The former is no evidence: it states nothing.
    Signature,
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
    /// When at the latest it was signed, once that is proven.
    pub signed: Option<Timestamp>,
    /// What it is too large for, where it was refused unread: it could not be told what it is.
    pub unread: Option<String>,
    /// Every step, in order, those that were not reached included.
    pub steps: Vec<Step>,
    /// What is wrong, in a word, where a step failed.
    pub fault: Option<Fault>,
    /// What it was signed in place of, where it is pending: by somebody who is believed about that, and about this artifact.
    pub pending: Option<Pending>,
    /// There only if every step has passed, and it is a statement.
    pub evidence: Option<Evidence>,
}

impl Verification {
    /// The step that failed; the candidate has passed where there is none.
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.outcome == StepOutcome::Failed)
    }

    /// Whether the candidate states what is wanted, or is pending; a good statement of another kind is no defect of the
    /// evidence.
    pub fn is_wanted(&self) -> bool {
        self.pending.is_some()
            || self.failed_step().is_none_or(|step| step.kind != StepKind::PredicateType)
    }
}

/// Verifies a candidate. It is refused at the first step that fails; a refusal is an explanation, not an error.
pub fn verify(candidate: &Candidate, expectation: &Expectation<'_>) -> Verification {
    walk::walk(candidate, expectation)
}

/// What looking for evidence came to: every candidate, verified once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Every candidate; none where it could not be told what there is.
    pub verifications: Vec<Verification>,
    /// Why it could not be told what there is.
    untold: Option<String>,
    /// Of the candidates, what was not read.
    unread: Option<String>,
}

/// Verifies everything that was found. `candidates` is an error, with the reason, where it could not be told what there is.
///
/// A candidate that is refused does not stand in the way of another.
pub fn look(candidates: Result<&[Candidate], &str>, expectation: &Expectation<'_>) -> Search {
    let verify = |candidate| verify(candidate, expectation);
    let verifications: Vec<_> = candidates.unwrap_or_default().iter().map(verify).collect();
    let unread = verifications.iter().find_map(|one| {
        let unread = one.unread.as_ref()?;
        Some(format!("`{}`: {unread}", excerpt(&one.found_at)))
    });
    Search { verifications, untold: candidates.err().map(str::to_owned), unread }
}

impl Search {
    /// The same where there may be more than what was found: what is hidden can be a failure that outweighs every pass, or
    /// a newer word of the same signer, so nothing is present then, whatever verifies besides.
    #[must_use]
    pub fn incomplete(self, why: Option<String>) -> Self {
        Self { untold: self.untold.or(why), ..self }
    }

    /// Whether there is evidence of one of these predicate types, which have to be among those that were looked for.
    ///
    /// Nothing to verify is absent; and so that nobody takes what was not read for refused, a candidate over the limit
    /// leaves it untold, unless another one verifies. Where somebody who is believed states a failure, there is no such
    /// evidence, whatever others state; the newest statement of a signer counts.
    pub fn presence(&self, predicate_types: &[&str]) -> Presence {
        if let Some(reason) = &self.untold {
            return Presence::CouldNotTell { reason: reason.clone() };
        }
        let absent = Presence::Absent { refused: self.verifications.len() };
        // Whoever says yes besides does not undo that.
        if is_denied(&self.verifications, predicate_types) {
            return absent;
        }
        let mut seen = BTreeSet::new();
        let evidence: Vec<Evidence> = self
            .verifications
            .iter()
            .filter_map(|verification| verification.evidence.clone())
            .filter(|evidence| predicate_types.contains(&evidence.facts().predicate_type.as_str()))
            // The same bundle found twice is one piece of evidence.
            .filter(|evidence| seen.insert(evidence.facts().bundle))
            .collect();
        match (evidence.is_empty(), &self.unread) {
            (false, _) => Presence::Present(evidence),
            (true, Some(unread)) => Presence::CouldNotTell { reason: unread.clone() },
            (true, None) => absent,
        }
    }
}

/// Whether a signer's last word of these predicate types, of those that are believed, is a failure.
fn is_denied(verifications: &[Verification], predicate_types: &[&str]) -> bool {
    let says_no = |one: &&Verification| {
        let claimed = one.predicate_type.as_deref();
        claimed.is_some_and(|claimed| predicate_types.contains(&claimed))
            && one.failed_step().is_some_and(|step| step.kind == StepKind::Verdict)
    };
    let is_later = |other: &Verification, than: &Verification| {
        other.evidence.is_some()
            && other.signer == than.signer
            && other.predicate_type == than.predicate_type
            && other.signed > than.signed
    };
    verifications
        .iter()
        .filter(says_no)
        .any(|denial| !verifications.iter().any(|other| is_later(other, denial)))
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
