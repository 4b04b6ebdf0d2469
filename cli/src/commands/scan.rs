//! `plimsoll scan`.

use crate::{
    args::ScanArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files,
    report::{self, Report},
    stages::{
        decide::{Build, Case},
        index,
        inventory::{self, Cataloged},
        resolve,
    },
};
use plimsoll_model::{Inventory, Reference};
use std::sync::Arc;

/// Finds known vulnerabilities, and judges those alone.
pub(crate) async fn scan(
    ctx: &Context,
    arguments: &ScanArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = arguments.gate.apply(ctx.policy()?);
    let index = index::open(ctx, &arguments.index).await?;
    let subject = read_subject(ctx, arguments).await?;
    let scan = index::scan(ctx, &subject.inventory, &index).await?;
    let case = Case {
        policy: &policy,
        image: None,
        users: None,
        inventory: Some(&subject.inventory),
        scan: Some(&scan),
        build: &Build::default(),
        bases: None,
    };
    let decision = case.decide(ctx, None);
    let report = Report {
        image: subject.resolved.as_ref().map(resolve::Resolved::image),
        inventory: Some(&subject.inventory),
        cataloged: subject.cataloged.as_ref(),
        scan: Some(&scan),
        decision: Some(&decision),
        policy: Some(report::policy_name(&policy)),
        ..Report::new("scan", subject.name.clone())
    };
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show);
    exit::settle(&ctx.ui, exit::of_verdict(decision.verdict()), written)
}

struct Subject {
    name: String,
    inventory: Arc<Inventory>,
    resolved: Option<resolve::Resolved>,
    cataloged: Option<Cataloged>,
}

async fn read_subject(ctx: &Context, arguments: &ScanArguments) -> Result<Subject, Error> {
    if let Reference::Sbom(path) = &arguments.subject.subject {
        let bytes = files::read_past(path, ctx.limits.sbom)?;
        let inventory = Arc::new(plimsoll_sbom::formats::read(&bytes, &ctx.limits)?);
        if inventory.components().is_empty() && inventory.unknowns.is_empty() {
            return Err(Error::EmptySbom { path: path.clone() });
        }
        return Ok(Subject {
            name: format!("sbom:{path}"),
            inventory,
            resolved: None,
            cataloged: None,
        });
    }
    let resolved = resolve::resolve(ctx, &arguments.subject).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    Ok(Subject {
        name: resolved.subject().to_string(),
        inventory: Arc::clone(cataloged.inventory()),
        resolved: Some(resolved),
        cataloged: Some(cataloged),
    })
}
