//! `plimsoll sbom --attached`: SBOMs that others have attached to an image. They are claims: nobody's word is taken for them
//! here, `plimsoll verify` is for that.
//!
//! Looked through are what refers to the image (OCI distribution specification v1.1) and what BuildKit puts beside it in the
//! index: <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>.

use crate::{
    args::SbomListArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::resolve::{self, Resolved},
};
use plimsoll_model::{Digest, Printable, Reference};
use plimsoll_oci::manifest::{Content, Descriptor, Manifest};
use plimsoll_sbom::formats::{Sbom, read_document};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// Media types of SBOMs that lie there as they are.
const PLAIN: [&str; 3] =
    ["application/spdx+json", "text/spdx+json", "application/vnd.cyclonedx+json"];
/// Media type of an in-toto statement without a signature.
const STATEMENT: &str = "application/vnd.in-toto+json";
/// Predicate types of SBOMs begin so.
const PREDICATES: [&str; 2] = ["https://spdx.dev/Document", "https://cyclonedx.org/bom"];
/// In an index, the image that a manifest with attestations is about.
const REFERENCE: &str = "vnd.docker.reference.digest";

/// One SBOM that somebody attached.
#[derive(Debug)]
struct Claim {
    /// The manifest that it is in.
    manifest: Digest,
    /// The blob.
    blob: Digest,
    /// What it says, or why that can not be told.
    sbom: Result<Sbom, String>,
}

/// Lists what others say is aboard.
pub(super) async fn list(
    ctx: &Context,
    subject: &Reference,
    arguments: &SbomListArguments,
) -> Result<&'static ExitStatus, Error> {
    let resolved = resolve::resolve_reference(ctx, subject, arguments.platform.as_ref()).await?;
    let mut claims = Vec::new();
    for manifest in manifests(&resolved).await? {
        let Content::Image(image) = &manifest.content else { continue };
        for layer in image.layers.iter().filter(|layer| is_sbom(layer)) {
            let sbom = read(ctx, &resolved, layer).await?;
            let (manifest, blob) = (manifest.descriptor.digest, layer.digest);
            claims.push(Claim { manifest, blob, sbom });
        }
    }
    let json = json!({
        "version": 1,
        "subject": resolved.subject().to_string(),
        "claims": claims.iter().map(claim_json).collect::<Vec<_>>(),
    });
    report::write_simple(&arguments.output.output, &text(&resolved, &claims), &json)?;
    // What is attached and can not be read is not the same as nothing attached.
    let is_read = claims.iter().all(|claim| claim.sbom.is_ok());
    Ok(if is_read { &exit::PASSED } else { &exit::UNDECIDED })
}

/// Everything that may hold an SBOM of the image, each once.
async fn manifests(resolved: &Resolved) -> Result<Vec<Manifest>, Error> {
    let source = resolved.source();
    let image = resolved.image();
    let mut found = BTreeMap::new();
    for digest in resolved.digests() {
        for manifest in source.referrer_manifests(&digest).await? {
            found.insert(manifest.descriptor.digest, manifest);
        }
    }
    let top = source.manifest(&image.pinned.digest).await?;
    if let Content::Index(index) = &top.content {
        let is_about = |child: &&Descriptor| {
            child.is_attestation()
                && child.annotations.get(REFERENCE) == Some(&image.manifest.to_string())
        };
        for child in index.manifests.iter().filter(is_about) {
            found.insert(child.digest, source.manifest(&child.digest).await?);
        }
    }
    Ok(found.into_values().collect())
}

fn is_sbom(layer: &Descriptor) -> bool {
    let predicate = layer.annotations.get("in-toto.io/predicate-type");
    let is_predicate =
        |kind: &String| PREDICATES.iter().any(|predicate| kind.starts_with(predicate));
    PLAIN.contains(&layer.media_type.as_str())
        || (layer.media_type == STATEMENT && predicate.is_none_or(is_predicate))
}

/// A statement of in-toto, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    #[serde(default)]
    subject: Vec<Subject>,
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

/// What a blob says; that it is no SBOM after all is part of the answer, that it could not be fetched is not.
async fn read(
    ctx: &Context,
    resolved: &Resolved,
    layer: &Descriptor,
) -> Result<Result<Sbom, String>, Error> {
    let bytes = resolved.source().read_blob(layer, ctx.limits.evidence).await?;
    let document = if layer.media_type == STATEMENT {
        match predicate(&bytes, &resolved.digests()) {
            Ok(predicate) => predicate,
            Err(why) => return Ok(Err(why)),
        }
    } else {
        bytes.to_vec()
    };
    Ok(read_document(&document, &ctx.limits).map_err(|error| Error::from(error).chain()))
}

/// The SBOM in a statement that is about one of these digests.
fn predicate(bytes: &[u8], digests: &[Digest]) -> Result<Vec<u8>, String> {
    let malformed = |error: serde_json::Error| format!("it is no in-toto statement: {error}");
    let statement: Statement = serde_json::from_slice(bytes).map_err(malformed)?;
    if !PREDICATES.iter().any(|kind| statement.predicate_type.starts_with(kind)) {
        return Err(format!("it states `{}`, no SBOM", statement.predicate_type));
    }
    let is_about = |subject: &Subject| {
        let named = subject.digest.get("sha256");
        named.is_some_and(|named| digests.iter().any(|digest| digest.hex() == *named))
    };
    if !statement.subject.iter().any(is_about) {
        return Err("it is about another image".to_owned());
    }
    serde_json::to_vec(&statement.predicate).map_err(malformed)
}

fn claim_json(claim: &Claim) -> Value {
    let mut json = json!({ "manifest": claim.manifest, "blob": claim.blob, "trust": "claimed" });
    let more = match &claim.sbom {
        Ok(sbom) => json!({
            "format": sbom.facts.format,
            "formatVersion": sbom.facts.version,
            "components": sbom.inventory.components().len(),
            "unknowns": sbom.inventory.unknowns.len(),
            "tools": sbom.facts.tools,
            "created": sbom.facts.created,
        }),
        Err(why) => json!({ "error": why }),
    };
    if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    json
}

fn text(resolved: &Resolved, claims: &[Claim]) -> String {
    let mut text = format!("{}\n", resolved.subject());
    for claim in claims {
        let said = match &claim.sbom {
            Ok(sbom) => format!(
                "{} {} with {} components by {}",
                sbom.facts.format,
                sbom.facts.version,
                sbom.inventory.components().len(),
                if sbom.facts.tools.is_empty() {
                    "nobody named".to_owned()
                } else {
                    sbom.facts.tools.join(", ")
                },
            ),
            Err(why) => format!("unreadable: {why}"),
        };
        // Writing to a string does not fail.
        writeln!(text, "claimed  {} in {}", Printable(&said), claim.manifest).ok();
    }
    if claims.is_empty() {
        text.push_str("no SBOM is attached\n");
    } else {
        text.push_str("claims are not verified: see `plimsoll verify`\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_to_be_an_sbom_of_this_image() {
        let digest = Digest::of(b"image");
        let statement = |kind: &str, hex: &str| {
            let json = json!({
                "_type": "https://in-toto.io/Statement/v0.1",
                "predicateType": kind,
                "subject": [{ "name": "_", "digest": { "sha256": hex } }],
                "predicate": { "spdxVersion": "SPDX-2.3" },
            });
            predicate(json.to_string().as_bytes(), &[digest])
        };
        let spdx = "https://spdx.dev/Document";
        assert_eq!(statement(spdx, &digest.hex()).unwrap(), br#"{"spdxVersion":"SPDX-2.3"}"#);
        assert_eq!(statement(spdx, "00").unwrap_err(), "it is about another image");
        let other = statement("https://slsa.dev/provenance/v1", &digest.hex()).unwrap_err();
        assert_eq!(other, "it states `https://slsa.dev/provenance/v1`, no SBOM");
        assert!(predicate(b"[]", &[digest]).unwrap_err().starts_with("it is no in-toto statement"));
    }

    #[test]
    fn sboms_are_told_by_their_media_type() {
        let layer = |media_type: &str, predicate: Option<&str>| {
            let mut layer = Descriptor::of(media_type, b"");
            let annotation =
                predicate.map(|kind| ("in-toto.io/predicate-type".to_owned(), kind.to_owned()));
            layer.annotations.extend(annotation);
            is_sbom(&layer)
        };
        assert!(layer("application/spdx+json", None));
        assert!(layer(STATEMENT, None));
        assert!(layer(STATEMENT, Some("https://spdx.dev/Document/v2.3")));
        assert!(!layer(STATEMENT, Some("https://slsa.dev/provenance/v0.2")));
        assert!(!layer("application/vnd.oci.image.layer.v1.tar+gzip", None));
    }
}
