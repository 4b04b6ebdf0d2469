//! `plimsoll sbom --all-platforms`.

use crate::{
    args::SbomListArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Output, Report},
    stages::{
        inventory::{self, Cataloged},
        resolve::{self, Resolved},
    },
};
use plimsoll_model::{
    Inventory, Pinned, Reference, TreePath,
    component::{Component, ComponentKind, Hash, HashAlgorithm},
    inventory::{Coverage, Unknown},
};
use plimsoll_sbom::formats::DocumentSubject;
use std::collections::BTreeSet;

/// The property that says what an image is for.
const PLATFORM: &str = "plimsoll:platform";
/// What stands in the place of a platform for the index.
const INDEX: &str = "index";

/// One SBOM for each image of an index, and one for the index.
pub(super) async fn list(
    ctx: &Context,
    subject: &Reference,
    arguments: &SbomListArguments,
) -> Result<&'static ExitStatus, Error> {
    // Before anything is fetched.
    outputs(&arguments.output.output, INDEX)?;
    let platforms = resolve::resolve_platforms(ctx, subject).await?;
    let mut names = Names::default();
    let mut status = &exit::PASSED;
    let mut children = Vec::new();
    for image in &platforms.images {
        let cataloged = inventory::catalog(ctx, image).await?;
        let report = Report {
            image: Some(image.image()),
            inventory: Some(cataloged.inventory()),
            cataloged: Some(&cataloged),
            ..Report::new("sbom", image.subject().to_string())
        };
        let outputs = outputs(&arguments.output.output, &names.of(image))?;
        report::write(ctx, &report, &outputs, arguments.output.show)?;
        let said = super::status(ctx, cataloged.inventory(), arguments.max_unknowns);
        if said.code > status.code {
            status = said;
        }
        children.push(cataloged.subject().clone());
    }
    if let Some(index) = &platforms.index {
        let cataloged = of_index(ctx, index, &children);
        let report = Report {
            inventory: Some(cataloged.inventory()),
            cataloged: Some(&cataloged),
            ..Report::new("sbom", index.to_string())
        };
        let outputs = outputs(&arguments.output.output, INDEX)?;
        report::write(ctx, &report, &outputs, arguments.output.show)?;
    }
    Ok(status)
}

/// Each output with the name of a platform in it.
fn outputs(outputs: &[Output], platform: &str) -> Result<Vec<Output>, Error> {
    let place = |output: &Output| {
        output.for_platform(platform).ok_or_else(|| {
            Error::usage(
                format!("`-o {}` has no place for the platform", output.format()),
                "name a file with `{platform}` in it, as in `-o cyclonedx-json={platform}.cdx.json`",
            )
        })
    };
    outputs.iter().map(place).collect()
}

/// The names of platforms in the names of files.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    /// A name that no other image has: where two are for one platform, the digest tells them apart.
    fn of(&mut self, image: &Resolved) -> String {
        let allowed = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        let name: String = image
            .image()
            .platform
            .to_string()
            .chars()
            .map(|char| if allowed(char) { char } else { '-' })
            .collect();
        let name = name.trim_start_matches('.').to_owned();
        if name != INDEX && self.0.insert(name.clone()) {
            return name;
        }
        format!("{name}-{}", image.subject().digest.to_string().replace(':', "-"))
    }
}

/// The inventory of an index: its images.
fn of_index(ctx: &Context, index: &Pinned, images: &[DocumentSubject]) -> Cataloged {
    let mut unknowns = Vec::new();
    let mut components = Vec::new();
    for image in images {
        let digest = image.digest.map(|digest| digest.to_string()).unwrap_or_default();
        let Some(purl) = image.purl() else {
            let reason = format!("the image {digest} has a name that makes no package URL");
            let path = TreePath::default();
            unknowns.push(Unknown { path, layer: None, cataloger: INDEX, reason });
            continue;
        };
        let mut component = Component::new(purl, &image.name, Some(digest.clone()), INDEX);
        component.kind = ComponentKind::Container;
        if let Some(hex) = digest.strip_prefix("sha256:") {
            component.hashes.push(Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_owned() });
        }
        if let Some(platform) = &image.platform {
            component.properties.insert(PLATFORM.to_owned(), platform.to_string());
        }
        components.push(component);
    }
    let mut inventory = Inventory::new(None, components, Vec::new(), unknowns);
    inventory.coverage.insert("oci".to_owned(), Coverage::Unknown);
    let name = index.place.subject_name();
    let image_tag = images.first().and_then(|image| image.image_tag.clone());
    let subject = DocumentSubject {
        name: name.clone(),
        digest: Some(index.digest),
        platform: None,
        image_tag,
    };
    Cataloged::of(ctx, inventory, &name).about(subject)
}
