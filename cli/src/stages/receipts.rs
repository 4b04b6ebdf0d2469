//! The receipts of gates for the images that manifests of Kubernetes name (K8S-041).

use crate::{
    args::ReceiptsArguments,
    context::Context,
    error::Error,
    stages::{
        evidence_file,
        images::Asked,
        look::{self, Looking, Sources},
        trust,
        verify::Candidates,
    },
};
use plimsoll_attest::Trust;
use plimsoll_model::{
    Pinned, Reference, evidence::Presence, platform::Platform, reference::ImageName,
};
use plimsoll_policy::{EvidenceKind, Policy, SourceFile, manifests};
use std::collections::BTreeMap;

/// What came of looking for the receipt of each image, by its repository and digest.
pub(crate) type Receipts = BTreeMap<Pinned, Presence>;

/// Looks for the receipts where the arguments say; `None` where they say nothing. What can not be looked up is kept as that: each
/// image is judged by itself.
pub(crate) async fn look(
    ctx: &Context,
    policy: &Policy,
    arguments: &ReceiptsArguments,
    (files, platform): (&[SourceFile], Option<&Platform>),
) -> Result<Option<Receipts>, Error> {
    if arguments.bundles.is_empty() && arguments.evidence.is_none() && !arguments.receipts {
        return Ok(None);
    }
    let mut signers = policy.evidence().signers.iter();
    if !signers.any(|signer| signer.kinds.contains(&EvidenceKind::Vsa)) {
        return Err(Error::usage(
            "the policy believes nobody about receipts by name: none would be judged",
            "list who signs them under `evidence.signers`, with `for: [vsa]`",
        ));
    }
    let trust = trust::of_policy(ctx, policy, &arguments.trust, None)?;
    let images = manifests::pinned(files);
    if let Some(path) = &arguments.evidence {
        let archive = evidence_file::read(ctx, path)?;
        let of = |pinned: &Pinned| look::candidates_in(&archive, pinned.digest);
        return Ok(Some(verified(ctx, &images, &trust, of)));
    }
    if !arguments.receipts {
        let bundles = look::read_bundles(ctx, &arguments.bundles)?;
        return Ok(Some(verified(ctx, &images, &trust, |_| bundles.clone())));
    }
    fetched(ctx, (&images, platform), &trust).await.map(Some)
}

/// Verifies what is at hand.
fn verified(
    ctx: &Context,
    images: &BTreeMap<Pinned, ImageName>,
    trust: &Trust,
    candidates: impl Fn(&Pinned) -> Candidates,
) -> Receipts {
    let types = EvidenceKind::Vsa.predicate_types();
    let look = |pinned: &Pinned| candidates(pinned).look(ctx, pinned, trust, types);
    images.keys().map(|pinned| (pinned.clone(), look(pinned))).collect()
}

/// Looks the receipts up where the images are.
async fn fetched(
    ctx: &Context,
    (images, platform): (&BTreeMap<Pinned, ImageName>, Option<&Platform>),
    trust: &Trust,
) -> Result<Receipts, Error> {
    let kinds = [EvidenceKind::Vsa].into();
    let looking = Looking { sources: Sources::Images(&[]), platform, trust, kinds: &kinds };
    let asked = images.values().map(|name| Asked::typed(&Reference::Registry(name.clone())));
    let answers = look::look(ctx, &looking, asked.collect()).await?;
    let presence = |outcome: Option<&Result<look::Looked, Error>>| match outcome {
        Some(Ok(looked)) => looked.verified.presence().get(&EvidenceKind::Vsa).cloned(),
        Some(Err(error)) => Some(Presence::CouldNotTell { reason: error.chain() }),
        None => None,
    };
    let found = images
        .keys()
        .zip(answers.iter())
        .filter_map(|(pinned, (_, outcome))| Some((pinned.clone(), presence(outcome)?)));
    Ok(found.collect())
}
