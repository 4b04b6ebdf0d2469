//! Image → inventory.

use crate::{context::Context, error::Error, stages::resolve::Resolved};
use indicatif::ProgressBar;
use jiff::Timestamp;
use plimsoll_model::{
    Inventory, Reference, TreePath,
    reference::Selector,
    tree::{Interest, Want},
};
use plimsoll_oci::image::Progress;
use plimsoll_policy::Users;
use plimsoll_sbom::formats::{self, Document, DocumentSubject};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What is aboard one image.
#[derive(Debug)]
pub(crate) struct Cataloged {
    inventory: Arc<Inventory>,
    users: Users,
    subject: DocumentSubject,
    timestamp: Timestamp,
}

impl Cataloged {
    /// An image without a package, for tests.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        let subject = DocumentSubject {
            name: "app".to_owned(),
            digest: None,
            platform: None,
            image_tag: None,
        };
        Self {
            users: Users::Absent,
            inventory: Arc::default(),
            subject,
            timestamp: Timestamp::UNIX_EPOCH,
        }
    }

    /// The inventory.
    pub(crate) fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// The accounts of the image.
    pub(crate) const fn users(&self) -> &Users {
        &self.users
    }

    /// What an SBOM of it is made from.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            inventory: &self.inventory,
            subject: self.subject.clone(),
            timestamp: self.timestamp,
            tool_version: crate::context::VERSION,
        }
    }

    /// The SBOM in the format with this id.
    pub(crate) fn sbom(&self, format: &'static str) -> Result<Vec<u8>, Error> {
        let format =
            formats::find(format).ok_or(Error::Internal("an SBOM format is not registered"))?;
        Ok((format.write)(&self.document())?)
    }
}

/// Catalogs an image: all its layers in one pass, every digest verified.
pub(crate) async fn catalog(ctx: &Context, resolved: &Resolved) -> Result<Cataloged, Error> {
    let stage = ctx.ui.stage("inventory");
    let image = resolved.image();
    stage.expect(image.layers.iter().map(|layer| layer.size).sum());
    let interest = Arc::new(Wanted(plimsoll_sbom::interest()));
    let progress = Bar(stage.bar());
    let tree =
        plimsoll_oci::read_tree(resolved.source(), image, interest, &ctx.limits, &progress).await?;
    let limits = ctx.limits.clone();
    let (inventory, users) = spawn_blocking(move || {
        (plimsoll_sbom::catalog(&tree, &limits), Users::read(&tree, &limits))
    })
    .await
    .map_err(Error::Worker)?;
    let unknowns = match inventory.unknowns.len() {
        0 => String::new(),
        count => format!(", {count} unknown"),
    };
    stage.done(&format!("{} components{unknowns}", inventory.components().len()));
    let timestamp = ctx.document_time.or(image.config.created).unwrap_or(ctx.now);
    Ok(Cataloged {
        inventory: Arc::new(inventory),
        users,
        subject: document_subject(resolved),
        timestamp,
    })
}

fn document_subject(resolved: &Resolved) -> DocumentSubject {
    DocumentSubject {
        name: resolved.subject().place.subject_name(),
        digest: Some(resolved.subject().digest),
        platform: Some(resolved.image().platform.clone()),
        image_tag: tag_of(resolved.typed()),
    }
}

fn tag_of(reference: &Reference) -> Option<String> {
    match reference {
        Reference::Registry(name) | Reference::DockerDaemon(name) => {
            name.tag.as_ref().map(ToString::to_string)
        }
        Reference::OciLayout(archive)
        | Reference::OciArchive(archive)
        | Reference::DockerArchive(archive) => match &archive.selector {
            Selector::Tag(tag) => Some(tag.to_string()),
            Selector::Only | Selector::Digest(_) => None,
        },
        Reference::Directory(_) | Reference::File(_) | Reference::Sbom(_) => None,
    }
}

/// What the catalogers want, and what the rules want.
struct Wanted(Box<dyn Interest>);

impl Interest for Wanted {
    fn want(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        if Users::want(path) { Want::Content } else { self.0.want(path, size, mode) }
    }
}

#[derive(Debug)]
struct Bar(Option<ProgressBar>);

impl Progress for Bar {
    fn bytes(&self, count: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(count);
        }
    }
}
