//! `plimsoll sbom`.

use crate::{
    args::SbomArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{inventory, resolve},
};

/// Lists what is aboard.
pub(crate) async fn sbom(
    ctx: &Context,
    arguments: &SbomArguments,
) -> Result<&'static ExitStatus, Error> {
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    let report = Report {
        image: Some(resolved.image()),
        inventory: Some(cataloged.inventory()),
        cataloged: Some(&cataloged),
        ..Report::new("sbom", resolved.subject().to_string())
    };
    report::write(ctx, &report, &arguments.output.output, arguments.output.show)?;
    Ok(&exit::PASSED)
}
