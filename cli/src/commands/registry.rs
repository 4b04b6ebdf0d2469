//! `plimsoll registry`.

use crate::{
    args::{RegistryAuditArguments, RegistryCommand},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::decide,
};
use plimsoll_oci::registry::{self, Consent};
use plimsoll_policy::Facts;

/// Registries as they are.
pub(crate) async fn registry(
    ctx: &Context,
    command: &RegistryCommand,
) -> Result<&'static ExitStatus, Error> {
    match command {
        RegistryCommand::Audit(arguments) => audit(ctx, arguments).await,
    }
}

/// Probes a repository, and judges what came of it.
async fn audit(
    ctx: &Context,
    arguments: &RegistryAuditArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let consent = if arguments.probe_write { Consent::Given } else { Consent::Absent };
    let stage = ctx.ui.stage("probe");
    let facts =
        registry::probe(&arguments.repository, ctx.access()?, (consent, &nonce(ctx))).await?;
    stage.done(&facts.repository.to_string());
    let judged = Facts { registry: Some(&facts), ..Facts::none() };
    let decision = plimsoll_policy::decide(&policy, &judged, ctx.now);
    let report = Report {
        decision: Some(&decision),
        policy: Some(report::policy_name(&policy)),
        ..Report::new("registry audit", facts.repository.to_string())
    };
    let facts_out = arguments.facts.facts_out.as_deref();
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show)
        .and_then(|()| facts_out.map_or(Ok(()), |path| decide::write_facts(ctx, &judged, path)));
    exit::settle(&ctx.ui, exit::of_verdict(decision.verdict()), written)
}

/// A word that no other audit has: of what is asked for by it, nothing is there.
fn nonce(ctx: &Context) -> String {
    format!("{:x}-{:x}", ctx.now.as_nanosecond(), std::process::id())
}
