//! `plimsoll sbom merge`.

use crate::{
    args::SbomMergeArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        aboard::{self, Reading},
        inventory::Cataloged,
    },
};
use plimsoll_sbom::combine::{Part, combine};

/// Makes one SBOM out of several.
pub(super) async fn merge(
    ctx: &Context,
    arguments: &SbomMergeArguments,
) -> Result<&'static ExitStatus, Error> {
    let reading = Reading { platform: None, ignored: arguments.reading.ignored() };
    let mut read = Vec::with_capacity(arguments.parts.len());
    for part in &arguments.parts {
        read.push((part, aboard::read_named(ctx, part, reading).await?));
    }
    let parts: Vec<Part<'_>> = read
        .iter()
        .map(|(origin, aboard)| Part { origin, inventory: aboard.inventory() })
        .collect();
    let inventory = combine(&parts, &ctx.limits)?;
    let of_first = read.first().map(|(_, aboard)| aboard.cataloged().subject().name.as_str());
    let name = arguments.name.as_deref().or(of_first).unwrap_or("merged");
    let cataloged = Cataloged::of(ctx, inventory, name);
    let report = Report {
        inventory: Some(cataloged.inventory()),
        cataloged: Some(&cataloged),
        ..Report::new("sbom merge", name.to_owned())
    };
    report::write(ctx, &report, &arguments.output.output, arguments.output.show)?;
    Ok(&exit::PASSED)
}
