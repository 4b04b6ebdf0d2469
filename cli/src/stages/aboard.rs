//! Subject of any kind → inventory.

use crate::{
    context::Context,
    error::Error,
    files,
    stages::{
        inventory::{self, Cataloged},
        resolve::{self, Resolved},
    },
};
use camino::Utf8Path;
use plimsoll_model::{Inventory, Reference, platform::Platform};
use plimsoll_oci::directory::Ignored;
use plimsoll_sbom::formats::Sbom;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What is aboard a subject.
#[derive(Debug)]
pub(crate) struct Aboard {
    name: String,
    resolved: Option<Resolved>,
    cataloged: Cataloged,
}

impl Aboard {
    /// The subject, as people know it: an image with its digest.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The image, where it is one.
    pub(crate) const fn resolved(&self) -> Option<&Resolved> {
        self.resolved.as_ref()
    }

    /// What is aboard, ready to be an SBOM.
    pub(crate) const fn cataloged(&self) -> &Cataloged {
        &self.cataloged
    }

    /// What is aboard.
    pub(crate) fn inventory(&self) -> &Arc<Inventory> {
        self.cataloged.inventory()
    }
}

/// How a subject is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// Which of the images of an index.
    pub platform: Option<&'a Platform>,
    /// What becomes of files that git ignores.
    pub ignored: Ignored,
}

/// Lists what is aboard a subject.
pub(crate) async fn read(
    ctx: &Context,
    subject: &Reference,
    reading: Reading<'_>,
) -> Result<Aboard, Error> {
    let (resolved, cataloged) = match subject {
        Reference::Sbom(path) => (None, read_sbom(ctx, path).await?),
        Reference::Directory(path) => {
            (None, inventory::catalog_directory(ctx, path, reading.ignored).await?)
        }
        Reference::File(path) => (None, inventory::catalog_file(ctx, path).await?),
        Reference::Registry(_)
        | Reference::OciLayout(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_) => {
            let resolved = resolve::resolve_reference(ctx, subject, reading.platform).await?;
            let cataloged = inventory::catalog(ctx, &resolved).await?;
            (Some(resolved), cataloged)
        }
    };
    let name = resolved.as_ref().map_or_else(|| subject.to_string(), |it| it.subject().to_string());
    Ok(Aboard { name, resolved, cataloged })
}

/// The same for what is an SBOM where there is a file by that name, and else a subject.
pub(crate) async fn read_named(
    ctx: &Context,
    name: &str,
    reading: Reading<'_>,
) -> Result<Aboard, Error> {
    let path = Utf8Path::new(name);
    let subject = if path.is_file() {
        Reference::Sbom(path.to_owned())
    } else {
        name.parse().map_err(|error| {
            Error::usage(
                format!("`{name}` is neither a file nor a subject: {error}"),
                "name an SBOM in CycloneDX or SPDX JSON, or an image, `dir:DIR` or `file:FILE`",
            )
        })?
    };
    read(ctx, &subject, reading).await
}

/// Reads an SBOM by anyone.
async fn read_sbom(ctx: &Context, path: &Utf8Path) -> Result<Cataloged, Error> {
    let bytes = files::read_past(path, ctx.limits.sbom)?;
    let limits = ctx.limits.clone();
    let read = move || plimsoll_sbom::formats::read_document(&bytes, &limits);
    let Sbom { inventory, facts } = spawn_blocking(read).await.map_err(Error::Worker)??;
    let name = path.file_name().unwrap_or("sbom");
    let name = [".json", ".cdx", ".spdx"]
        .iter()
        .fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
    let cataloged = Cataloged::of(ctx, inventory, name).made(
        ctx.document_time.or_else(|| facts.created.as_deref().and_then(|text| text.parse().ok())),
    );
    Ok(match facts.subject {
        Some(subject) => cataloged.about(subject),
        None => cataloged,
    })
}
