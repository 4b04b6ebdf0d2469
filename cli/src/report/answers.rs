//! What `verify` says of images: first what is wrong, in a word; then each kind of evidence, and every candidate.

use super::{explain, verification as as_json};
use crate::{
    error::Error,
    exit::{self, ExitStatus},
    stages::{images::Asked, look::Looked, places::Looked as Place, verify::Verified},
};
use plimsoll_attest::{Fault, Step};
use plimsoll_model::{Printable, evidence::Presence};
use plimsoll_policy::EvidenceKind;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What became of one image, in the words of the last line.
pub(crate) const fn verdict(status: &ExitStatus) -> &'static str {
    match status.code {
        0 => "VERIFIED",
        1 => "NOT VERIFIED",
        _ => "UNDECIDED",
    }
}

/// So many of something.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What keeps an image from being verified, on one line; absent where nothing does.
pub(crate) fn refusal(looked: &Looked) -> Option<String> {
    let mut refusals = looked.verified.presence().iter().filter_map(|(kind, presence)| {
        let why = match presence {
            Presence::Present(evidence) if !evidence.is_empty() => return None,
            Presence::CouldNotTell { reason } => {
                return Some((0, format!("could not tell: {kind}: {reason}")));
            }
            Presence::Present(_) | Presence::Absent { .. } => closest(&looked.verified, *kind),
        };
        Some(match why {
            Some((fault, step)) => (
                1,
                format!(
                    "{}: {kind}: expected {}, found {}",
                    fault.describe(),
                    step.expected,
                    step.found
                ),
            ),
            None => (2, format!("no evidence: {kind}: {}", nothing_of(presence))),
        })
    });
    // What could not be told decides; else a candidate that is nearly good says more than that there is none.
    let first = refusals.next()?;
    let worst = refusals.fold(first, |worst, one| if one.0 < worst.0 { one } else { worst });
    Some(worst.1)
}

/// That nothing claims to be evidence of a kind. What is there and can not be read as a claim is not passed over.
fn nothing_of(presence: &Presence) -> String {
    match presence {
        Presence::Absent { refused } if *refused > 0 => {
            format!("none of {} claims to be it", counted(*refused, "candidate", "candidates"))
        }
        Presence::Present(_) | Presence::Absent { .. } | Presence::CouldNotTell { .. } => {
            "there is none".to_owned()
        }
    }
}

/// What is wrong with an image, in a word for programs; absent where nothing is.
fn fault(looked: &Looked) -> Option<&'static str> {
    let mut faults =
        looked.verified.presence().iter().filter_map(|(kind, presence)| match presence {
            Presence::Present(evidence) if !evidence.is_empty() => None,
            Presence::CouldNotTell { .. } => Some("could-not-tell"),
            Presence::Present(_) | Presence::Absent { .. } => {
                Some(closest(&looked.verified, *kind).map_or("absent", |(fault, _)| fault.name()))
            }
        });
    faults.next()
}

/// The answer about one kind of evidence.
pub(crate) fn answer(presence: &Presence, verified: &Verified, kind: EvidenceKind) -> String {
    match presence {
        Presence::Present(evidence) => format!("present ({} verified)", evidence.len()),
        Presence::Absent { refused: 0 } => "absent: there is none".to_owned(),
        Presence::Absent { refused } => {
            let candidates = counted(*refused, "candidate", "candidates");
            let why = closest(verified, kind).map_or_else(String::new, |(_, step)| {
                format!("; the closest fails at {}: {}", step.kind.name(), step.found)
            });
            let none = if *refused == 1 { "it does not verify" } else { "none verifies" };
            format!("absent: {candidates}, {none}{why}")
        }
        Presence::CouldNotTell { reason } => format!("could not tell: {reason}"),
    }
}

/// Of the candidates that claim to be evidence of a kind, what is wrong with the one that comes furthest, and the step that
/// it fails.
fn closest(verified: &Verified, kind: EvidenceKind) -> Option<(Fault, &Step)> {
    let claims = verified.explanations().iter().filter(|candidate| {
        let pending = candidate.pending.as_ref().map(|pending| pending.predicate_type.as_str());
        let claimed = pending.or(candidate.predicate_type.as_deref());
        claimed.is_some_and(|claimed| kind.predicate_types().contains(&claimed))
    });
    let failed = claims.filter_map(|candidate| candidate.fault.zip(candidate.failed_step()));
    failed.max_by_key(|(_, step)| step.number())
}

/// Everything about one image, for people.
pub(crate) fn write_looked(out: &mut String, looked: &Looked) -> std::fmt::Result {
    for place in looked.verified.looked() {
        writeln!(out, "looked in {}", Printable(&place.to_string()))?;
    }
    for (kind, presence) in looked.verified.presence() {
        let answer = answer(presence, &looked.verified, *kind);
        writeln!(out, "{kind}: {}", Printable(&answer))?;
    }
    for candidate in looked.verified.explanations() {
        out.push('\n');
        explain(out, candidate)?;
    }
    Ok(())
}

/// Everything about one image, for programs.
pub(crate) fn looked_as_json(looked: &Looked) -> Vec<(&'static str, Value)> {
    let verified = &looked.verified;
    let required = verified.presence().iter().map(|(kind, presence)| {
        json!({ "evidence": kind.to_string(), "answer": answer(presence, verified, *kind) })
    });
    vec![
        ("subject", json!(looked.subject)),
        ("digest", json!(looked.digest)),
        ("exitStatus", json!(looked.status().code)),
        ("fault", json!(fault(looked))),
        ("refusal", json!(refusal(looked))),
        ("required", required.collect()),
        ("places", verified.looked().iter().map(Place::to_json).collect()),
        ("candidates", verified.explanations().iter().map(as_json).collect()),
    ]
}

/// One line of many: what was asked for, and what came of it.
pub(crate) struct Row<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// What came of it; absent where it can not be told which image is meant.
    pub outcome: Option<&'a Result<Looked, Error>>,
}

impl Row<'_> {
    /// The status of this one image. What failed for whatever reason was not judged.
    pub(crate) fn status(&self) -> &'static ExitStatus {
        match self.outcome {
            Some(Ok(looked)) => looked.status(),
            Some(Err(_)) | None => &exit::UNDECIDED,
        }
    }

    fn why(&self) -> Option<String> {
        match (self.outcome, &self.asked.image) {
            (Some(Ok(looked)), _) => refusal(looked),
            (Some(Err(error)), _) => Some(format!("could not tell: {}", error.chain())),
            (None, Err(why)) => Some(format!("could not tell: {why}")),
            (None, Ok(_)) => Some("could not tell".to_owned()),
        }
    }

    /// For people: the verdict, the image, where it is named, and what is wrong.
    pub(crate) fn write(&self, out: &mut String) -> std::fmt::Result {
        let word = match self.status().code {
            0 => "verified",
            1 => "not verified",
            _ => "undecided",
        };
        write!(out, "{word:<12} {}", Printable(&self.asked.name))?;
        if let Some(Ok(looked)) = self.outcome
            && !self.asked.name.ends_with(&looked.digest.to_string())
        {
            write!(out, "@{}", looked.digest)?;
        }
        if let Some(place) = &self.asked.place {
            write!(out, " ({})", Printable(place))?;
        }
        match self.why() {
            Some(why) => writeln!(out, ": {}", Printable(&why)),
            None => writeln!(out),
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let asked = [("name", json!(self.asked.name)), ("place", json!(self.asked.place))];
        let rest = match self.outcome {
            Some(Ok(looked)) => looked_as_json(looked),
            Some(Err(_)) | None => vec![
                ("subject", Value::Null),
                ("digest", Value::Null),
                ("exitStatus", json!(self.status().code)),
                ("fault", json!("could-not-tell")),
                ("refusal", json!(self.why())),
                ("required", json!([])),
                ("places", json!([])),
                ("candidates", json!([])),
            ],
        };
        object(asked.into_iter().chain(rest))
    }
}

/// An object of these entries.
pub(crate) fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_counted_as_one() {
        assert_eq!(counted(1, "image", "images"), "1 image");
        assert_eq!(counted(0, "image", "images"), "0 images");
        assert_eq!(counted(2, "image", "images"), "2 images");
    }
}
