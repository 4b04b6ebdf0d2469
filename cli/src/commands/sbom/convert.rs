//! `plimsoll sbom convert`.

use crate::{
    args::SbomConvertArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::aboard::{self, Reading},
};
use plimsoll_model::{Reference, Severity};
use plimsoll_oci::directory::Ignored;

/// Writes an SBOM by anyone in other formats.
pub(super) async fn convert(
    ctx: &Context,
    arguments: &SbomConvertArguments,
) -> Result<&'static ExitStatus, Error> {
    let subject = Reference::Sbom(arguments.file.clone());
    let reading = Reading { platform: None, ignored: Ignored::Read };
    let aboard = aboard::read(ctx, &subject, reading).await?;
    let unknowns = aboard.inventory().unknowns.len();
    if unknowns > 0 {
        ctx.ui.note(&format!(
            "{unknowns} entries of {subject} are no components; they are written as unknown"
        ));
    }
    let report = Report {
        inventory: Some(aboard.inventory()),
        cataloged: Some(aboard.cataloged()),
        ..Report::new("sbom convert", aboard.name().to_owned())
    };
    report::write(ctx, &report, &arguments.output, Severity::Info)?;
    Ok(&exit::PASSED)
}
