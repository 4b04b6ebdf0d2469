//! `plimsoll promote`.

use crate::{
    args::PromoteArguments,
    context::Context,
    error::Error,
    exit::ExitStatus,
    pipeline::{Pipeline, Statements},
};

/// Judges an image by today's advisories and the evidence about it, and promotes it when it passes.
pub(crate) async fn promote(
    ctx: &Context,
    arguments: &PromoteArguments,
) -> Result<&'static ExitStatus, Error> {
    let pipeline = Pipeline {
        command: "promote",
        subject: &arguments.subject,
        destination: Some(&arguments.destination),
        statements: Statements::Found(None),
        judging: &arguments.judging,
    };
    pipeline.run(ctx).await
}
