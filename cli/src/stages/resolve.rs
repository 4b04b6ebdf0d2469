//! Reference → one digest. The tag is read here, once; everything after names the digest.

use crate::{args::SubjectArguments, context::Context, error::Error};
use plimsoll_model::{Digest, Pinned, Reference, image::Image, platform::Platform};
use plimsoll_oci::{
    Source,
    manifest::{Content, Descriptor},
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
    if let Reference::Sbom(_) = typed {
        return Err(Error::usage(
            format!("`{typed}` is an SBOM, not an image"),
            "only `plimsoll scan` reads SBOMs; give an image",
        ));
    }
    let stage = ctx.ui.stage("resolve");
    let source = Source::open(typed, ctx.access()?).await?;
    let pinned = source.resolve(typed).await?;
    let image = plimsoll_oci::open_image(&source, &pinned, platform).await?;
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
