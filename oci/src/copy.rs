//! Copying an image with everything that belongs to it.
//!
//! What arrives is byte for byte what left: manifests are never serialised again (C11). Nothing is tagged here but
//! what tools of old keep beside an image, so a copy that is cut off at any point leaves no tag on anything, and doing
//! it again does what is left to do.

mod closure;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

use crate::{
    error::Error,
    manifest::{Content, Descriptor, Manifest},
    registry::Mount,
    source::Source,
    store::Store,
};
use closure::{Member, Role};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use plimsoll_model::{Digest, Limits, Pinned, reference::Tag};
use std::collections::BTreeSet;

/// How many blobs are on their way at once.
const AT_ONCE: usize = 4;

/// What a copy came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Blobs that were uploaded.
    pub blobs_uploaded: u64,
    /// Blobs that the registry took over from another repository.
    pub blobs_mounted: u64,
    /// Blobs that were there.
    pub blobs_present: u64,
    /// Bytes of the blobs that were uploaded.
    pub bytes_uploaded: u64,
    /// Manifests that were written.
    pub manifests_written: u64,
    /// Manifests that were there.
    pub manifests_present: u64,
    /// How many of the manifests refer to another one.
    pub referrers: u64,
}

/// One step of a copy, about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyStep {
    /// A blob is looked for, and mounted or uploaded where it is not there.
    Blob {
        /// The blob.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A manifest or an index of the image is looked for, and written where it is not there.
    Manifest {
        /// The manifest.
        digest: Digest,
    },
    /// A referrer is looked for, and written and listed where it is not.
    Referrer {
        /// Its manifest.
        digest: Digest,
        /// What it is about.
        subject: Digest,
    },
    /// A tag of an old tool's (`sha256-….sig`) is looked at, and written where it is not there.
    LegacyTag {
        /// The tag.
        tag: Tag,
        /// What it stands for.
        digest: Digest,
    },
}

/// Sees every step of a copy before it is done, and may stop it.
pub trait Observer {
    /// Takes note of a step; an error ends the copy with that error.
    fn step(&self, step: &CopyStep) -> Result<(), Error>;
}

/// Copies what `subject` names in `source`, all that it consists of, and all that refers to any of it, to `store`.
///
/// Blobs go first, then manifests from the leaves up, then what refers to them; a manifest is written when everything
/// it names is there. Nobody's tag is touched: that is the last step of a promotion, and not of a copy.
///
/// # Errors
/// Anything that could not be read or written ends the copy; nothing is passed over. [`Error::TooMany`] when more
/// belongs to the image than `limits` allow.
pub async fn copy(
    source: &Source,
    subject: &Pinned,
    store: &Store,
    limits: &Limits,
    observer: &(dyn Observer + Sync),
) -> Result<CopyReport, Error> {
    let members = closure::of(source, &subject.digest, limits).await?;
    let mut copying =
        Copying { source, store, observer, report: CopyReport::default(), blobs: BTreeSet::new() };
    for member in &members {
        copying.blobs_of(&member.manifest).await?;
        copying.manifest(member).await?;
    }
    Ok(copying.report)
}

impl Member {
    fn step(&self) -> CopyStep {
        let digest = self.manifest.descriptor.digest;
        match &self.role {
            Role::Part => CopyStep::Manifest { digest },
            Role::Referrer { subject } => CopyStep::Referrer { digest, subject: *subject },
            Role::Legacy { tag } => CopyStep::LegacyTag { tag: tag.clone(), digest },
        }
    }
}

/// How a blob got there.
enum Outcome {
    Uploaded,
    Mounted,
    Present,
}

struct Copying<'a> {
    source: &'a Source,
    store: &'a Store,
    observer: &'a (dyn Observer + Sync),
    report: CopyReport,
    /// Those that are there.
    blobs: BTreeSet<Digest>,
}

impl Copying<'_> {
    async fn blobs_of(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let Content::Image(image) = &manifest.content else { return Ok(()) };
        let mut missing: Vec<Descriptor> = Vec::new();
        for blob in image.layers.iter().chain([&image.config]) {
            if self.blobs.insert(blob.digest) {
                missing.push(blob.clone());
            }
        }
        let this = &*self;
        let outcomes: Vec<(u64, Outcome)> = stream::iter(missing)
            .map(|blob| async move { Ok::<_, Error>((blob.size, this.blob(&blob).await?)) })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (size, outcome) in outcomes {
            let report = &mut self.report;
            match outcome {
                Outcome::Uploaded => {
                    report.blobs_uploaded = report.blobs_uploaded.saturating_add(1);
                    report.bytes_uploaded = report.bytes_uploaded.saturating_add(size);
                }
                Outcome::Mounted => report.blobs_mounted = report.blobs_mounted.saturating_add(1),
                Outcome::Present => report.blobs_present = report.blobs_present.saturating_add(1),
            }
        }
        Ok(())
    }

    async fn blob(&self, blob: &Descriptor) -> Result<Outcome, Error> {
        self.observer.step(&CopyStep::Blob { digest: blob.digest, size: blob.size })?;
        if self.store.has_blob(blob).await? {
            return Ok(Outcome::Present);
        }
        let mut retry = self.store.retry();
        loop {
            match self.transfer(blob).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => retry.pause(error).await?,
            }
        }
    }

    async fn transfer(&self, blob: &Descriptor) -> Result<Outcome, Error> {
        if let (Source::Registry(from), Store::Registry(to)) = (self.source, self.store)
            && from.repository().registry() == to.repository().registry()
        {
            match to.mount(blob, from.repository()).await? {
                Mount::Done => return Ok(Outcome::Mounted),
                Mount::Upload(upload) => {
                    to.upload(upload, blob, self.source.blob(blob).await?).await?;
                    return Ok(Outcome::Uploaded);
                }
            }
        }
        self.store.put_blob(blob, self.source.blob(blob).await?).await?;
        Ok(Outcome::Uploaded)
    }

    async fn manifest(&mut self, member: &Member) -> Result<(), Error> {
        let manifest = &member.manifest;
        let digest = manifest.descriptor.digest;
        self.observer.step(&member.step())?;
        if !matches!(member.role, Role::Part) {
            self.report.referrers = self.report.referrers.saturating_add(1);
        }
        if self.is_there(member).await? {
            self.report.manifests_present = self.report.manifests_present.saturating_add(1);
            return Ok(());
        }
        self.store.put_manifest(manifest).await?;
        if let Some(subject) = manifest.subject() {
            self.store.confirm_referrer(&subject.digest, &digest).await?;
        }
        if let Role::Legacy { tag } = &member.role {
            self.legacy_tag(tag, manifest).await?;
        }
        self.report.manifests_written = self.report.manifests_written.saturating_add(1);
        Ok(())
    }

    /// Whether the destination has it, and everything that leads to it: a run that was cut off may have written the
    /// one and not the other.
    async fn is_there(&self, member: &Member) -> Result<bool, Error> {
        let manifest = &member.manifest.descriptor;
        if !self.store.has_manifest(manifest).await? {
            return Ok(false);
        }
        if let Some(subject) = member.manifest.subject()
            && !self.store.lists_referrer(&subject.digest, &manifest.digest).await?
        {
            return Ok(false);
        }
        match &member.role {
            Role::Part | Role::Referrer { .. } => Ok(true),
            Role::Legacy { tag } => Ok(self.store.current_tag(tag).await? == Some(manifest.digest)),
        }
    }

    /// Old tools add a signature by adding a layer to what the tag stands for. A tag that stands for something with
    /// layers that ours has not is somebody else's, and stays.
    async fn legacy_tag(&self, tag: &Tag, manifest: &Manifest) -> Result<(), Error> {
        let before = self.store.current_tag(tag).await?;
        let Some(digest) = before else { return self.store.set_tag(tag, manifest, None).await };
        let theirs = self.store.as_source().manifest(&digest).await?;
        let is_extended = match (&theirs.content, &manifest.content) {
            (Content::Image(old), Content::Image(new)) => old
                .layers
                .iter()
                .all(|layer| new.layers.iter().any(|other| other.digest == layer.digest)),
            (Content::Image(_) | Content::Index(_), _) => false,
        };
        let expected = is_extended.then_some(digest);
        self.store.set_tag(tag, manifest, expected).await
    }
}
