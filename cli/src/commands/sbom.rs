//! `plimsoll sbom`.

mod attached;
mod convert;
mod diff;
mod merge;
mod platforms;
mod score;

use crate::{
    args::{SbomArguments, SbomCommand, SbomListArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        aboard::{self, Reading},
        resolve::Resolved,
    },
};
use plimsoll_model::Inventory;

/// Lists what is aboard, or works on such lists.
pub(crate) async fn sbom(
    ctx: &Context,
    arguments: &SbomArguments,
) -> Result<&'static ExitStatus, Error> {
    let Some(command) = &arguments.command else {
        return list(ctx, &arguments.list).await;
    };
    if let Some(subject) = &arguments.list.subject {
        return Err(Error::usage(
            format!("`{subject}` stands before a command of `plimsoll sbom`"),
            "give either a subject, or a command with its own arguments behind it",
        ));
    }
    match command {
        SbomCommand::Merge(arguments) => merge::merge(ctx, arguments).await,
        SbomCommand::Convert(arguments) => convert::convert(ctx, arguments).await,
        SbomCommand::Diff(arguments) => diff::diff(ctx, arguments).await,
        SbomCommand::Score(arguments) => score::evaluate(ctx, arguments).await,
    }
}

async fn list(ctx: &Context, arguments: &SbomListArguments) -> Result<&'static ExitStatus, Error> {
    let subject = arguments
        .subject
        .as_ref()
        .ok_or_else(|| Error::usage("no subject is named", "see `plimsoll sbom --help`"))?;
    if arguments.attached {
        return attached::list(ctx, subject, arguments).await;
    }
    if arguments.all_platforms {
        return platforms::list(ctx, subject, arguments).await;
    }
    let reading =
        Reading { platform: arguments.platform.as_ref(), ignored: arguments.reading.ignored() };
    let aboard = aboard::read(ctx, subject, reading).await?;
    let report = Report {
        image: aboard.resolved().map(Resolved::image),
        inventory: Some(aboard.inventory()),
        cataloged: Some(aboard.cataloged()),
        ..Report::new("sbom", aboard.name().to_owned())
    };
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show);
    exit::settle(&ctx.ui, status(ctx, aboard.inventory(), arguments.max_unknowns), written)
}

/// Whether more is unknown than may be.
fn status(ctx: &Context, inventory: &Inventory, limit: Option<usize>) -> &'static ExitStatus {
    let count = inventory.unknowns.len();
    match limit {
        Some(limit) if count > limit => {
            ctx.ui.warn(&format!("{count} unknown, more than the {limit} that may be"));
            &exit::UNDECIDED
        }
        _ => &exit::PASSED,
    }
}
