//! `plimsoll run`: the pipeline step.

use crate::{
    args::RunArguments,
    context::Context,
    error::Error,
    exit::ExitStatus,
    pipeline::{Pipeline, Statements},
};
use camino::Utf8Path;

/// Takes one image all the way.
pub(crate) async fn run(
    ctx: &Context,
    arguments: &RunArguments,
) -> Result<&'static ExitStatus, Error> {
    let source = arguments.source.as_deref();
    let statements = if arguments.no_attest {
        Statements::Found(source)
    } else {
        Statements::Made(source.unwrap_or(Utf8Path::new(".")))
    };
    let pipeline = Pipeline {
        command: "run",
        subject: &arguments.subject,
        destination: arguments.promote_to.as_ref(),
        statements,
        judging: &arguments.judging,
    };
    pipeline.run(ctx).await
}
