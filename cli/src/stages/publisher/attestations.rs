//! The manifests of attestations about an image, which publishers sign in its place.
//!
//! <https://github.com/moby/buildkit/blob/v0.25.0/docs/attestations/attestation-storage.md>

use plimsoll_model::Digest;
use plimsoll_oci::{
    Error, Source,
    manifest::{Content, Descriptor, Manifest, OCI_MANIFEST},
};
use plimsoll_policy::bases::SignedOver;

/// Of a child of an index: what it is.
const KIND: &str = "vnd.docker.reference.type";
/// What a child of an index is that has attestations.
const ATTESTATION: &str = "attestation-manifest";
/// Of a child of an index: the image that it is about.
const ABOUT: &str = "vnd.docker.reference.digest";
/// What sort of artifact attestations are that refer to an image.
const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Of a layer: what it states.
const PREDICATE: &str = "in-toto.io/predicate-type";
/// How it was built.
const PROVENANCE: [&str; 2] =
    ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"];

/// Those that are said to be about `image`: beside it in the index `top`, or referring to it.
pub(super) async fn of(
    source: &Source,
    (top, image): (Digest, Digest),
    over: SignedOver,
) -> Result<Vec<Manifest>, Error> {
    match over {
        SignedOver::Image => Ok(Vec::new()),
        SignedOver::AttestationReferrer => {
            let referrers = source.referrer_manifests(&image).await?;
            Ok(referrers.into_iter().filter(|one| artifact_type(one) == Some(IN_TOTO)).collect())
        }
        SignedOver::AttestationInIndex => {
            let Content::Index(index) = source.manifest(&top).await?.content else {
                return Ok(Vec::new());
            };
            let named = image.to_string();
            let is_meant = |child: &&Descriptor| {
                let says = |key: &str| child.annotations.get(key).map(String::as_str);
                says(KIND) == Some(ATTESTATION) && says(ABOUT) == Some(named.as_str())
            };
            let mut found = Vec::new();
            for child in index.manifests.iter().filter(is_meant) {
                found.push(source.manifest(&child.digest).await?);
            }
            Ok(found)
        }
    }
}

fn artifact_type(manifest: &Manifest) -> Option<&str> {
    match &manifest.content {
        Content::Image(artifact) => artifact.artifact_type.as_deref(),
        Content::Index(_) => None,
    }
}

/// Whether attestations are about the image by what is signed, and say how it was built; else why they are not. What an index says
/// of them is not signed.
pub(super) async fn is_about(
    attestations: &Manifest,
    source: &Source,
    image: Digest,
) -> Result<Result<(), String>, Error> {
    let Content::Image(artifact) = &attestations.content else {
        return Ok(Err("an index".to_owned()));
    };
    let Some(subject) = &artifact.subject else {
        return Ok(Err("they name no image as their subject".to_owned()));
    };
    let meant = source.manifest(&image).await?.descriptor;
    let is_same = (subject.digest, subject.size) == (meant.digest, meant.size);
    if !is_same || subject.media_type != OCI_MANIFEST {
        return Ok(Err(format!("their subject is {}", subject.digest)));
    }
    let is_provenance = |layer: &Descriptor| {
        let stated = layer.annotations.get(PREDICATE);
        stated.is_some_and(|stated| PROVENANCE.contains(&stated.as_str()))
    };
    if !artifact.layers.iter().any(is_provenance) {
        return Ok(Err("they do not say how it was built".to_owned()));
    }
    Ok(Ok(()))
}
