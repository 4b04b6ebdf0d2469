//! The steps of a verification, for people: what each looks at, what it expects, and what it found.

use super::{Expectation, Wanted};
use crate::statement::{IN_TOTO_PAYLOAD_TYPE, SUBJECTS_LIMIT};
use plimsoll_model::evidence::Legacy;

/// What a step looks at, in the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// The candidate is a bundle.
    Bundle,
    /// It holds one signature over what is wanted.
    Envelope,
    /// Who is said to have signed is of a kind that is trusted.
    Signer,
    /// Something that is trusted proves when.
    Time,
    /// The certificate was issued by an authority that is trusted, and was valid then.
    Certificate,
    /// The certificate is in a log of certificates.
    CertificateLog,
    /// The signature is in a log.
    Log,
    /// The signature is one over the payload, or the artifact.
    Signature,
    /// The log speaks of this signature and of no other.
    LogEntry,
    /// The certificate is that of somebody who is trusted; the key was valid when it signed.
    Identity,
    /// What is signed is a statement.
    Statement,
    /// It states what is wanted, and its signer is believed about that.
    PredicateType,
    /// It states it of this artifact.
    Subject,
    /// What it says of the build is what the certificate says, and its builder or verifier is one that the signer may speak for.
    Agreement,
    /// It gives no verdict against the artifact.
    Verdict,
    /// It was signed not too long ago.
    Age,
}

/// One step of a verification. Its texts may come from the candidate: they are not yet fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is looked at.
    pub kind: StepKind,
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
    /// Nothing is expected of this candidate here.
    NotNeeded,
    /// An earlier step has failed.
    NotReached,
}

impl StepKind {
    /// Every kind, in order.
    pub const ALL: [Self; 16] = [
        Self::Bundle,
        Self::Envelope,
        Self::Signer,
        Self::Time,
        Self::Certificate,
        Self::CertificateLog,
        Self::Log,
        Self::Signature,
        Self::LogEntry,
        Self::Identity,
        Self::Statement,
        Self::PredicateType,
        Self::Subject,
        Self::Agreement,
        Self::Verdict,
        Self::Age,
    ];

    /// For people and for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Envelope => "envelope",
            Self::Signer => "trusted signer",
            Self::Time => "signing time",
            Self::Certificate => "certificate",
            Self::CertificateLog => "certificate log",
            Self::Log => "transparency log",
            Self::Signature => "signature",
            Self::LogEntry => "log entry",
            Self::Identity => "identity",
            Self::Statement => "statement",
            Self::PredicateType => "predicate type",
            Self::Subject => "subject",
            Self::Agreement => "agreement",
            Self::Verdict => "verdict",
            Self::Age => "age",
        }
    }
}

impl Step {
    /// Its place among the steps, from 1.
    pub fn number(&self) -> usize {
        StepKind::ALL
            .iter()
            .position(|kind| *kind == self.kind)
            .map_or(0, |at| at.saturating_add(1))
    }
}

/// Every step that a candidate has before it.
pub(super) fn plan(expectation: &Expectation<'_>) -> Vec<Step> {
    let step = |kind| Step {
        kind,
        outcome: StepOutcome::NotReached,
        expected: expected(kind, expectation),
        found: String::new(),
    };
    StepKind::ALL.map(step).into()
}

fn expected(kind: StepKind, expectation: &Expectation<'_>) -> String {
    let demands = &expectation.trust.demands;
    match kind {
        StepKind::Bundle => {
            format!("a Sigstore bundle of at most {} bytes", expectation.limits.evidence)
        }
        StepKind::Envelope => match expectation.wanted {
            Wanted::Statement(_) => format!("one signature over `{IN_TOTO_PAYLOAD_TYPE}`"),
            Wanted::Signature => "one signature".to_owned(),
        },
        StepKind::Signer | StepKind::Identity => {
            any_of("", &signers(expectation), "nobody is trusted")
        }
        StepKind::Time => match demands.timestamps {
            0 | 1 => "a time that a trusted log or timestamp authority has signed".to_owned(),
            several => format!("times that {several} different timestamp authorities have signed"),
        },
        StepKind::Certificate => {
            "a certificate for signing code, by a trusted authority, valid at that time".to_owned()
        }
        StepKind::CertificateLog => "the promise of a trusted log of certificates".to_owned(),
        StepKind::Log => {
            let logs = demands.logs.max(1);
            let what = match demands.legacy {
                Legacy::Refuse => "a proof of inclusion under a checkpoint",
                Legacy::Accept => "a proof of inclusion, or a promise,",
            };
            let of = if logs == 1 {
                "of a trusted log".to_owned()
            } else {
                format!("of each of {logs} different trusted logs")
            };
            format!("{what} {of}")
        }
        StepKind::Signature => {
            "a signature by that signer over the payload and its type".to_owned()
        }
        StepKind::LogEntry => "log entries about this signature, payload and signer".to_owned(),
        StepKind::Statement => format!(
            "an in-toto Statement {} about 1 to {SUBJECTS_LIMIT} subjects, no key in it twice",
            if demands.legacy == Legacy::Accept { "v1 or v0.1" } else { "v1" }
        ),
        StepKind::PredicateType => match expectation.wanted {
            Wanted::Statement(types) => {
                any_of("a predicate of type ", &quoted(types), "no type is wanted")
            }
            Wanted::Signature => "any type".to_owned(),
        },
        StepKind::Subject => format!("a subject with {}", expectation.subject),
        StepKind::Agreement => {
            "a build of which predicate and certificate say the same, by a builder that this signer may speak for; a summary by his verifier, about this place".to_owned()
        }
        StepKind::Verdict => "no failure".to_owned(),
        StepKind::Age => match demands.age {
            Some(age) => format!("signed at most {:#} ago", age.at_most),
            None => "any age".to_owned(),
        },
    }
}

fn signers(expectation: &Expectation<'_>) -> Vec<String> {
    expectation.trust.signers.iter().map(ToString::to_string).collect()
}

fn quoted(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| format!("`{value}`")).collect()
}

fn any_of(what: &str, values: &[String], none: &str) -> String {
    if values.is_empty() {
        format!("nothing: {none}")
    } else {
        format!("{what}{}", values.join(" or "))
    }
}
