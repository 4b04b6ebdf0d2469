//! The subcommands, one a file.

mod attest;
mod base;
mod buildkit_scan;
mod check;
mod completions;
mod db;
mod diff;
mod explain;
mod ledger;
#[cfg(feature = "link")]
mod link;
mod man;
mod policy;
mod policy_test;
mod promote;
mod registry;
mod run;
mod sbom;
mod scan;
mod schema;
mod trust;
mod verify;
mod verify_bundle;
mod vex;

use crate::{args::Command, context::Context, error::Error, exit::ExitStatus};

/// Carries out a command; the status is that of its decision.
#[expect(clippy::cognitive_complexity, reason = "one line for each command")]
pub(crate) async fn dispatch(
    ctx: &Context,
    command: Command,
) -> Result<&'static ExitStatus, Error> {
    match command {
        Command::Run(arguments) => Box::pin(run::run(ctx, &arguments)).await,
        Command::Sbom(arguments) => Box::pin(sbom::sbom(ctx, &arguments)).await,
        Command::BuildkitScan => buildkit_scan::buildkit_scan(ctx).await,
        Command::Scan(arguments) => Box::pin(scan::scan(ctx, &arguments)).await,
        Command::Diff(arguments) => Box::pin(diff::diff(ctx, &arguments)).await,
        Command::Check(arguments) => Box::pin(check::check(ctx, &arguments)).await,
        Command::Attest(arguments) => Box::pin(attest::attest(ctx, &arguments)).await,
        #[cfg(feature = "link")]
        Command::Link(arguments) => link::link(ctx, &arguments),
        Command::Verify(arguments) => Box::pin(verify::verify(ctx, &arguments)).await,
        Command::VerifyBundle(arguments) => verify_bundle::verify_bundle(ctx, &arguments),
        Command::Promote(arguments) => Box::pin(promote::promote(ctx, &arguments)).await,
        Command::Base(command) => Box::pin(base::base(ctx, &command)).await,
        Command::Registry(command) => Box::pin(registry::registry(ctx, &command)).await,
        Command::Db(command) => Box::pin(db::db(ctx, &command)).await,
        Command::Trust(command) => Box::pin(trust::trust(ctx, &command)).await,
        Command::Ledger(command) => Box::pin(ledger::ledger(ctx, &command)).await,
        Command::Policy(command) => policy::policy(ctx, &command),
        Command::Schema { of } => schema::schema(of),
        Command::Vex(command) => vex::vex(ctx, &command),
        Command::Explain { id: Some(id), .. } => explain::explain(&id),
        Command::Explain { id: None, output, .. } => explain::mapping(output),
        Command::Completions { shell } => completions::completions(shell),
        Command::Man => man::man(),
    }
}
