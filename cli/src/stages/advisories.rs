//! The advisory index as an artifact: exported to a registry or a directory, and pulled from there.
//!
//! A manifest without a subject, with the empty configuration and one layer, the packed index. The tag names the newest.

use crate::{args, context::Context, error::Error};
use camino::Utf8Path;
use plimsoll_model::{Limits, Reference};
use plimsoll_oci::{
    Source, Store,
    manifest::{Content, Descriptor, EMPTY_CONFIG, Manifest, OCI_MANIFEST},
};
use plimsoll_vuln::{
    Index,
    pack::{ARTIFACT_TYPE, LARGEST_PACKED, MEDIA_TYPE, pack, unpack},
};
use serde_json::json;
use tokio::task::spawn_blocking;

/// Writes the index at `path` to where `to` says, and lets its tag stand for it. Gives the digest of the artifact.
pub(crate) async fn export(
    ctx: &Context,
    path: &Utf8Path,
    to: &Reference,
) -> Result<Descriptor, Error> {
    let tag = args::destination_tag(to).ok_or_else(|| {
        Error::usage(
            format!("`{to}` names no tag to export to"),
            "give `registry/repository:tag` or `oci-layout:DIR:TAG`",
        )
    })?;
    let stage = ctx.ui.stage("export");
    let path = path.to_owned();
    let (packed, built) = spawn_blocking(move || {
        let index = Index::open(&path)?;
        index.verify()?;
        Ok::<_, Error>((pack(index.bytes())?, index.stamp().built))
    })
    .await
    .map_err(Error::Worker)??;
    let store = Store::open(to, ctx.access()?).await?;
    let before = store.current_tag(&tag).await?;
    let config = store.put_blob_bytes(EMPTY_CONFIG, "{}".into()).await?;
    let layer = store.put_blob_bytes(MEDIA_TYPE, packed.into()).await?;
    let document = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": config.to_json(),
        "layers": [layer.to_json()],
        "annotations": { "org.opencontainers.image.created": built },
    });
    let manifest = Manifest::parse(
        document.to_string().into(),
        Some(OCI_MANIFEST),
        "the advisory index",
        &Limits::STANDARD,
    )?;
    store.put_manifest(&manifest).await?;
    store.set_tag(&tag, &manifest, before).await?;
    stage.done(&format!("{} bytes", layer.size));
    Ok(manifest.descriptor)
}

/// The bytes of the index that `from` stands for; they have the digest that the manifest promises, and may be anything.
pub(crate) async fn pull(ctx: &Context, from: &Reference) -> Result<Vec<u8>, Error> {
    let stage = ctx.ui.stage("pull");
    let source = Source::open(from, ctx.access()?).await?;
    let pinned = source.resolve(from).await?;
    let manifest = source.manifest(&pinned.digest).await?;
    let other = || Error::NotAdvisories { reference: from.to_string() };
    let Content::Image(image) = &manifest.content else { return Err(other()) };
    let layer = match image.layers.as_slice() {
        [layer]
            if image.artifact_type.as_deref() == Some(ARTIFACT_TYPE)
                && layer.media_type == MEDIA_TYPE =>
        {
            layer
        }
        _ => return Err(other()),
    };
    let packed = source.read_blob(layer, LARGEST_PACKED).await?;
    let index = spawn_blocking(move || unpack(&packed)).await.map_err(Error::Worker)??;
    stage.done(&format!("{} bytes", layer.size));
    Ok(index)
}
