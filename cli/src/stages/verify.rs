//! Evidence about a digest: looked for where the image is, and verified.

use crate::{context::Context, error::Error};
use plimsoll_attest::{Candidate, Expectation, Trust, Verification, Wanted};
use plimsoll_model::{Digest, Pinned, evidence::Presence};
use plimsoll_oci::{
    Source,
    manifest::{Content, Descriptor},
};
use plimsoll_policy::EvidenceKind;
use std::collections::{BTreeMap, BTreeSet};

/// The media type of a Sigstore bundle marks a referrer as evidence: registries mislabel `artifactType`.
const BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";

/// What was found about one digest: candidates, or why that could not be told.
#[derive(Debug, Clone)]
pub(crate) struct Candidates(Result<Vec<Candidate>, String>);

/// What verification came to.
#[derive(Debug)]
pub(crate) struct Verified {
    presence: BTreeMap<EvidenceKind, Presence>,
    explanations: Vec<Verification>,
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
}

impl Candidates {
    /// Candidates that were read from files.
    pub(crate) const fn of(candidates: Vec<Candidate>) -> Self {
        Self(Ok(candidates))
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
        plimsoll_attest::look(self.found(), &expectation).presence(predicate_types)
    }

    fn found(&self) -> Result<&[Candidate], &str> {
        self.0.as_deref().map_err(String::as_str)
    }

    /// The same with some more, unless looking failed.
    pub(crate) fn and(mut self, more: impl IntoIterator<Item = Candidate>) -> Self {
        if let Ok(candidates) = &mut self.0 {
            candidates.extend(more);
        }
        self
    }
}

/// Every kind of evidence.
pub(crate) fn all_kinds() -> BTreeSet<EvidenceKind> {
    EvidenceKind::ALL.into_iter().collect()
}

/// Fetches every bundle that refers to `subject`.
///
/// Never fails: what keeps the search from being complete is part of the answer, and never looks like an empty one.
pub(crate) async fn fetch(ctx: &Context, source: &Source, subject: &Digest) -> Candidates {
    Candidates(fetch_all(ctx, source, subject).await.map_err(|error| error.chain()))
}

async fn fetch_all(
    ctx: &Context,
    source: &Source,
    subject: &Digest,
) -> Result<Vec<Candidate>, Error> {
    let mut candidates = Vec::new();
    for referrer in source.referrer_manifests(subject).await? {
        let Content::Image(artifact) = &referrer.content else { continue };
        for layer in artifact.layers.iter().filter(|layer| is_bundle(layer)) {
            let bytes = source.read_blob(layer, ctx.limits.evidence).await?;
            let found_at = format!("referrer {} of {}", referrer.descriptor.digest, source.place());
            candidates.push(Candidate { found_at, bytes: bytes.to_vec() });
        }
    }
    Ok(candidates)
}

fn is_bundle(layer: &Descriptor) -> bool {
    layer.media_type.starts_with(BUNDLE_PREFIX)
}

/// Verifies the candidates, each once, for the kinds of evidence that are asked for; summaries have to be about the image in
/// the place that it is judged in.
pub(crate) fn verify(
    ctx: &Context,
    candidates: &Candidates,
    subject: &Pinned,
    trust: &Trust,
    kinds: &BTreeSet<EvidenceKind>,
) -> Verified {
    let types: Vec<&str> = kinds.iter().flat_map(|kind| kind.predicate_types()).copied().collect();
    let place = subject.place.to_string();
    let expectation = expectation(ctx, (subject.digest, &place), trust, &types);
    let search = plimsoll_attest::look(candidates.found(), &expectation);
    let presence = kinds.iter().map(|kind| (*kind, search.presence(kind.predicate_types())));
    Verified { presence: presence.collect(), explanations: search.verifications }
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
