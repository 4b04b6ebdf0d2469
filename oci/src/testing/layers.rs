//! Layers without an image around them.

use crate::{
    error::Error,
    image::Progress,
    layer::{KeptBudget, LayerFlaw, Reading, Selection, read_layer},
    squash::{LayeredTree, Squash},
};
use plimsoll_model::{
    Digest, Limits,
    image::Layer,
    tree::{Interest, LayerIndex},
};
use std::sync::atomic::AtomicBool;

/// The view of some layers as they are stored, lowest first. Whatever one inflates to is what was promised of it.
///
/// # Errors
/// [`Error::Layer`] and [`Error::KeptTooLarge`].
pub fn stack(
    blobs: &[&[u8]],
    interest: &dyn Interest,
    limits: &Limits,
) -> Result<LayeredTree, Error> {
    let kept = KeptBudget::new(limits.kept);
    let given_up = AtomicBool::new(false);
    let reading = Reading { limits, kept: &kept, progress: &Unheard, given_up: &given_up };
    let selection = Selection::Interest(interest);
    let mut squash = Squash::new(limits.links, &kept, interest);
    let mut layers = Vec::new();
    for (index, blob) in (0..).map(LayerIndex).zip(blobs) {
        let mut layer = layer(blob);
        let mut files = read_layer(*blob, &layer, &selection, &reading);
        if let Err(Error::Layer { source: LayerFlaw::DiffId { found, .. }, .. }) = files {
            layer.diff_id = found;
            files = read_layer(*blob, &layer, &selection, &reading);
        }
        squash.apply(index, &layer, files?)?;
        layers.push(layer);
    }
    Ok(squash.finish(&layers))
}

fn layer(blob: &[u8]) -> Layer {
    let digest = Digest::of(blob);
    Layer {
        digest,
        size: u64::try_from(blob.len()).unwrap_or(u64::MAX),
        diff_id: digest,
        media_type: String::new(),
        created_by: None,
    }
}

/// Nobody is told.
struct Unheard;

impl Progress for Unheard {
    fn bytes(&self, _: u64) {}
}
