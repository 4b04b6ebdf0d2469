//! `plimsoll scan`.

use crate::{
    args::{ScanArguments, SubjectArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        aboard::{self, Aboard, Reading},
        advise,
        decide::{self, Build, Case},
        index,
        resolve::Resolved,
    },
};
use plimsoll_model::Reference;

/// Finds known vulnerabilities, and judges those alone.
pub(crate) async fn scan(
    ctx: &Context,
    arguments: &ScanArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = arguments.gate.apply(ctx.policy()?);
    let index = index::open(ctx, &arguments.index).await?;
    let subject = read_subject(ctx, arguments).await?;
    let scan = index::scan(ctx, subject.inventory(), &index).await?;
    let image = subject.resolved().map(Resolved::image);
    // Without the lock the base image is not known, which nothing is judged by here.
    let bases = decide::bases(ctx, &policy).ok().flatten();
    let scan = scan.attributed(subject.inventory(), &advise::base_layers(bases.as_ref(), image));
    let known = (bases.as_ref(), image);
    let advised = advise::advise(ctx, (subject.inventory(), &scan), &index, known).await?;
    let case = Case {
        policy: &policy,
        image: None,
        users: None,
        inventory: Some(subject.inventory()),
        scan: Some(&scan),
        since: None,
        build: &Build::default(),
        bases: None,
    };
    let decision = case.decide(ctx, None);
    // Of a document by others none is made here under our name.
    let is_sbom = matches!(arguments.subject.subject, Reference::Sbom(_));
    let report = Report {
        image: subject.resolved().map(Resolved::image),
        inventory: Some(subject.inventory()),
        cataloged: (!is_sbom).then(|| subject.cataloged()),
        scan: Some(&scan),
        advised: Some(&advised),
        decision: Some(&decision),
        policy: Some(report::policy_name(&policy)),
        ..Report::new("scan", subject.name().to_owned())
    };
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show);
    exit::settle(&ctx.ui, exit::of_verdict(decision.verdict()), written)
}

/// An SBOM that lists nothing is one of which nothing can be judged.
async fn read_subject(ctx: &Context, arguments: &ScanArguments) -> Result<Aboard, Error> {
    let SubjectArguments { subject, platform } = &arguments.subject;
    let reading = Reading { platform: platform.as_ref(), ignored: arguments.reading.ignored() };
    let aboard = aboard::read(ctx, subject, reading).await?;
    let inventory = aboard.inventory();
    if let Reference::Sbom(path) = subject
        && inventory.components().is_empty()
        && inventory.unknowns.is_empty()
    {
        return Err(Error::EmptySbom { path: path.clone() });
    }
    Ok(aboard)
}
