//! Evidence about a digest: looked for where the image is, and verified.

use crate::{
    context::Context,
    stages::places::{self, EvidencePlace, Looked},
};
use plimsoll_attest::{Candidate, Expectation, Search, Trust, Verification, Wanted};
use plimsoll_model::{Digest, Pinned, evidence::Presence};
use plimsoll_oci::Source;
use plimsoll_policy::EvidenceKind;
use std::collections::{BTreeMap, BTreeSet};

/// What was found about one digest, and where it was looked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    found: Vec<Candidate>,
    looked: Vec<Looked>,
}

/// What verification came to.
#[derive(Debug)]
pub(crate) struct Verified {
    presence: BTreeMap<EvidenceKind, Presence>,
    explanations: Vec<Verification>,
    looked: Vec<Looked>,
}

impl Verified {
    /// For each kind of evidence, whether it is there.
    pub(crate) const fn presence(&self) -> &BTreeMap<EvidenceKind, Presence> {
        &self.presence
    }

    /// Every candidate with what became of it.
    pub(crate) fn explanations(&self) -> &[Verification] {
        &self.explanations
    }

    /// The kinds of evidence that are pending and not there by now, for people; none where nothing is.
    ///
    /// Of a statement of a type that is of no kind it can not be told that it has come: it stays pending.
    pub(crate) fn pending(&self) -> Option<String> {
        let waiting = self.explanations.iter().filter_map(|candidate| candidate.pending.as_ref());
        let is_there = |kind: &EvidenceKind| {
            self.presence.get(kind).is_some_and(|presence| !presence.evidence().is_empty())
        };
        let waiting =
            waiting.filter_map(|pending| match EvidenceKind::of(&pending.predicate_type) {
                Some(kind) if is_there(&kind) => None,
                Some(kind) => Some(kind.to_string()),
                None => Some(pending.predicate_type.clone()),
            });
        let waiting: BTreeSet<String> = waiting.collect();
        let named = waiting.into_iter().collect::<Vec<_>>().join(", ");
        (!named.is_empty()).then_some(named)
    }

    /// Where it was looked, and what became of that; nowhere, where candidates were read from files.
    pub(crate) fn looked(&self) -> &[Looked] {
        &self.looked
    }
}

impl Candidates {
    /// Candidates that were read from files.
    pub(crate) const fn of(found: Vec<Candidate>) -> Self {
        Self { found, looked: Vec::new() }
    }

    /// Candidates that somebody has looked for elsewhere, or why that could not be told.
    pub(crate) fn as_found(candidates: Result<Vec<Candidate>, String>) -> Self {
        match candidates {
            Ok(found) => Self::of(found),
            Err(reason) => {
                let looked = vec![Looked::untold_of("the evidence file".to_owned(), reason)];
                Self { found: Vec::new(), looked }
            }
        }
    }

    /// Looks for evidence of the given predicate types about the image in its place.
    pub(crate) fn look(
        &self,
        ctx: &Context,
        subject: &Pinned,
        trust: &Trust,
        predicate_types: &[&str],
    ) -> Presence {
        let place = subject.place.to_string();
        let expectation = expectation(ctx, (subject.digest, &place), trust, predicate_types);
        self.search(&expectation).presence(predicate_types)
    }

    /// Verifies what was found. One place that could not be told leaves everything untold, even what verifies elsewhere:
    /// whoever can keep a place from answering could hide a failure there, or a newer word of the same signer.
    fn search(&self, expectation: &Expectation<'_>) -> Search {
        plimsoll_attest::look(Ok(&self.found), expectation).incomplete(self.untold())
    }

    /// Why it could not be told what there is, where it could not.
    fn untold(&self) -> Option<String> {
        let untold: Vec<_> = self.looked.iter().filter_map(Looked::untold).collect();
        (!untold.is_empty()).then(|| untold.join("; "))
    }

    /// What there is, or why that could not be told.
    pub(crate) fn found(&self) -> Result<&[Candidate], String> {
        self.untold().map_or(Ok(&self.found), Err)
    }

    /// The same with some more.
    pub(crate) fn and(mut self, more: impl IntoIterator<Item = Candidate>) -> Self {
        self.found.extend(more);
        self
    }
}

/// Every kind of evidence.
pub(crate) fn all_kinds() -> BTreeSet<EvidenceKind> {
    EvidenceKind::ALL.into_iter().collect()
}

/// Looks for evidence about `subject` next to the image. See [`places::look`].
pub(crate) async fn fetch(ctx: &Context, source: &Source, subject: &Digest) -> Candidates {
    fetch_from(ctx, source, subject, &[]).await
}

/// Looks for evidence about `subject` in these places; next to the image, where none is named.
pub(crate) async fn fetch_from(
    ctx: &Context,
    source: &Source,
    subject: &Digest,
    places: &[EvidencePlace],
) -> Candidates {
    let (found, looked) = places::look(ctx, source, subject, places).await;
    Candidates { found, looked }
}

/// Verifies the candidates, each once, for the kinds of evidence that are asked for; summaries have to be about the image in
/// the place that it is judged in.
pub(crate) fn verify(
    ctx: &Context,
    candidates: &Candidates,
    (subject, place): (Digest, &str),
    trust: &Trust,
    kinds: &BTreeSet<EvidenceKind>,
) -> Verified {
    let types: Vec<&str> = kinds.iter().flat_map(|kind| kind.predicate_types()).copied().collect();
    let expectation = expectation(ctx, (subject, place), trust, &types);
    let search = candidates.search(&expectation);
    let presence = kinds.iter().map(|kind| (*kind, search.presence(kind.predicate_types())));
    Verified {
        presence: presence.collect(),
        explanations: search.verifications,
        looked: candidates.looked.clone(),
    }
}

fn expectation<'a>(
    ctx: &'a Context,
    (subject, place): (Digest, &'a str),
    trust: &'a Trust,
    predicate_types: &'a [&'a str],
) -> Expectation<'a> {
    let wanted = Wanted::Statement(predicate_types);
    Expectation { subject, place: Some(place), content: None, wanted, trust, limits: &ctx.limits }
}
