//! Reference → one digest. The tag is read here, once; everything after names the digest.

use crate::{args::SubjectArguments, context::Context, error::Error};
use plimsoll_model::{Digest, Pinned, Printable, Reference, image::Image, platform::Platform};
use plimsoll_oci::{
    DockerDaemon, Source,
    manifest::{Content, Descriptor, Index},
};

/// An image that can not move any more.
#[derive(Debug)]
pub(crate) struct Resolved {
    typed: Reference,
    source: Source,
    image: Image,
    subject: Pinned,
    descriptor: Descriptor,
}

impl Resolved {
    /// What the person typed.
    pub(crate) const fn typed(&self) -> &Reference {
        &self.typed
    }

    /// Where it is read from.
    pub(crate) const fn source(&self) -> &Source {
        &self.source
    }

    /// The image for the platform that is judged.
    pub(crate) const fn image(&self) -> &Image {
        &self.image
    }

    /// What is judged, signed and promoted.
    ///
    /// Of an index for several platforms this is the manifest of the one that is judged: the others were not looked at.
    pub(crate) const fn subject(&self) -> &Pinned {
        &self.subject
    }

    /// The descriptor of [`Self::subject`].
    pub(crate) const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Every digest that names what is judged: the subject's, and the manifest's where the subject is an index.
    pub(crate) fn digests(&self) -> Vec<Digest> {
        let mut digests = vec![self.subject.digest];
        if self.image.manifest != self.subject.digest {
            digests.push(self.image.manifest);
        }
        digests
    }
}

/// Resolves the subject of a command.
pub(crate) async fn resolve(ctx: &Context, subject: &SubjectArguments) -> Result<Resolved, Error> {
    resolve_reference(ctx, &subject.subject, subject.platform.as_ref()).await
}

/// Resolves a reference.
pub(crate) async fn resolve_reference(
    ctx: &Context,
    typed: &Reference,
    platform: Option<&Platform>,
) -> Result<Resolved, Error> {
    refuse_others(typed)?;
    let stage = ctx.ui.stage("resolve");
    let source = open(ctx, typed).await?;
    let pinned = source.resolve(typed).await?;
    let image = open_image(&source, &pinned, platform).await?;
    let top = source.manifest(&pinned.digest).await?;
    let (subject, descriptor) = if has_others(&top.content, image.manifest) {
        ctx.ui
            .note(&format!("{pinned} is for several platforms: only {} is judged", image.platform));
        let child = source.manifest(&image.manifest).await?;
        (Pinned { place: pinned.place, digest: image.manifest }, child.descriptor)
    } else {
        (pinned, top.descriptor)
    };
    stage.done(&format!("{subject} for {}", image.platform));
    Ok(Resolved { typed: typed.clone(), source, image, subject, descriptor })
}

/// Reads what an image is. The commands that made its layers go into documents and reports: what is secret in them does
/// not. The history of its configuration, which is judged, stays as it is.
async fn open_image(
    source: &Source,
    pinned: &Pinned,
    platform: Option<&Platform>,
) -> Result<Image, Error> {
    let mut image = plimsoll_oci::open_image(source, pinned, platform).await?;
    for layer in &mut image.layers {
        layer.created_by = layer.created_by.as_deref().map(plimsoll_policy::secrets::redact);
    }
    Ok(image)
}

/// Opens where the reference points; an engine exports the image.
async fn open(ctx: &Context, typed: &Reference) -> Result<Source, Error> {
    match typed {
        Reference::DockerDaemon(name) => {
            let socket = ctx.engine()?;
            Ok(Source::DockerDaemon(DockerDaemon::export(name, &socket, ctx.access()?).await?))
        }
        Reference::Registry(_)
        | Reference::OciLayout(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::Directory(_)
        | Reference::File(_)
        | Reference::Sbom(_) => Ok(Source::open(typed, ctx.access()?).await?),
    }
}

/// What is no image is refused.
pub(crate) fn refuse_others(typed: &Reference) -> Result<(), Error> {
    let other = match typed {
        Reference::Sbom(_) => Some("an SBOM"),
        Reference::Directory(_) => Some("a directory"),
        Reference::File(_) => Some("a file"),
        Reference::Registry(_)
        | Reference::OciLayout(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_) => None,
    };
    if let Some(other) = other {
        return Err(Error::usage(
            format!("`{typed}` is {other}, not an image"),
            "only `plimsoll scan` and `plimsoll sbom` read those; give an image",
        ));
    }
    Ok(())
}

/// All images of one subject.
#[derive(Debug)]
pub(crate) struct Platforms {
    /// The index that they are in; a single image has none.
    pub index: Option<Pinned>,
    /// The images, in the order of the index.
    pub images: Vec<Resolved>,
}

/// How deep indexes may lie in indexes.
const NESTING: usize = 4;

/// Resolves a reference to the images for all platforms.
pub(crate) async fn resolve_platforms(
    ctx: &Context,
    typed: &Reference,
) -> Result<Platforms, Error> {
    refuse_others(typed)?;
    let stage = ctx.ui.stage("resolve");
    let source = open(ctx, typed).await?;
    let pinned = source.resolve(typed).await?;
    let top = source.manifest(&pinned.digest).await?;
    let index = matches!(top.content, Content::Index(_)).then(|| pinned.clone());
    let mut images: Vec<Resolved> = Vec::new();
    let mut pending = vec![(top.descriptor, 0_usize)];
    while let Some((promised, depth)) = pending.pop() {
        let subject = Pinned { place: pinned.place.clone(), digest: promised.digest };
        if images.iter().any(|image| image.subject == subject) {
            continue;
        }
        let manifest = source.manifest(&promised.digest).await?;
        is_as_promised(&manifest.descriptor, &promised, &subject)?;
        match manifest.content {
            Content::Image(_) => {
                let platform = promised.platform.as_ref();
                let image = open_image(&source, &subject, platform).await?;
                let (typed, source) = (typed.clone(), source.clone());
                let descriptor = manifest.descriptor;
                images.push(Resolved { typed, source, image, subject, descriptor });
            }
            Content::Index(index) => {
                let children = children(ctx, &index, &subject, depth)?;
                let limit = ctx.limits.children;
                if images.len().saturating_add(pending.len()).saturating_add(children.len()) > limit
                {
                    let from = pinned.to_string();
                    return Err(plimsoll_oci::Error::TooMany { from, what: "images", limit }.into());
                }
                pending.extend(children);
            }
        }
    }
    stage.done(&format!("{pinned} with {} images", images.len()));
    Ok(Platforms { index, images })
}

/// What an index holds besides attestations, the first last, because the last is taken up next.
fn children(
    ctx: &Context,
    index: &Index,
    place: &Pinned,
    depth: usize,
) -> Result<Vec<(Descriptor, usize)>, Error> {
    if depth >= NESTING {
        let place = place.to_string();
        return Err(plimsoll_oci::Error::NestedIndexes { place, limit: NESTING }.into());
    }
    let mut children = Vec::new();
    for child in index.manifests.iter().rev().filter(|child| !child.is_attestation()) {
        if child.is_manifest() {
            children.push((child.clone(), depth.saturating_add(1)));
        } else {
            let Descriptor { digest, media_type, .. } = child;
            ctx.ui.note(&format!("{digest} in {place} is no image: {}", Printable(media_type)));
        }
    }
    Ok(children)
}

fn is_as_promised(found: &Descriptor, child: &Descriptor, index: &Pinned) -> Result<(), Error> {
    if found.size == child.size {
        return Ok(());
    }
    Err(plimsoll_oci::Error::Size {
        from: format!("{}@{}", index.place, child.digest),
        digest: child.digest,
        expected: child.size,
        found: Some(found.size),
    }
    .into())
}

/// Whether it holds anything that may be run besides the one image that is judged: another image, or an index with who
/// knows what in it. BuildKit's attestations are none.
fn has_others(content: &Content, judged: Digest) -> bool {
    match content {
        Content::Image(_) => false,
        Content::Index(index) => {
            index.manifests.iter().any(|child| child.digest != judged && !child.is_attestation())
        }
    }
}
