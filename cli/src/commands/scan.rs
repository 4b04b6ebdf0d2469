//! `plimsoll scan`.

use crate::{
    args::{ScanArguments, SubjectArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report, explanation},
    stages::{
        aboard::{self, Aboard, Reading},
        advise,
        decide::{self, Build, Case},
        index,
        resolve::Resolved,
        vex,
    },
};
use plimsoll_model::{Inventory, Reference, component::Component};
use plimsoll_policy::vex::Image;
use plimsoll_vuln::{ExplainedRecord, Index};
use std::sync::Arc;

/// Finds known vulnerabilities, and judges those alone.
pub(crate) async fn scan(
    ctx: &Context,
    arguments: &ScanArguments,
) -> Result<&'static ExitStatus, Error> {
    let (policy, vex) = vex::read(arguments.gate.apply(ctx.policy()?), &arguments.vex)?;
    let index = index::open(ctx, &arguments.index).await?;
    let subject = read_subject(ctx, arguments).await?;
    let scan = index::scan(ctx, subject.inventory(), &index).await?;
    let bases = decide::known_bases(ctx, &policy);
    let scan = Arc::new(decide::attributed(scan, subject.inventory(), bases.as_ref()));
    let image = subject.resolved().map(Resolved::image);
    let known = (bases.as_ref(), image);
    let advised = advise::advise(ctx, (subject.inventory(), &scan), &index, known).await?;
    // Only an explanation asks it again. Without one its pages go before the findings come.
    let index = (!arguments.explain.is_empty()).then_some(index);
    let vex = vex.about(image.map(Image::of));
    let case = Case {
        policy: &policy,
        image: None,
        users: None,
        secrets: None,
        files: None,
        inventory: Some(subject.inventory()),
        scan: Some(&scan),
        vex: vex.as_ref(),
        since: None,
        flags: None,
        build: &Build::default(),
        bases: None,
    };
    let decision = case.decide(ctx, None);
    let status = exit::of_verdict(decision.verdict());
    if let (Some(component), Some(index)) = (arguments.explain.first(), &index) {
        let wanted = Wanted { component, advisory: arguments.explain.get(1).map(String::as_str) };
        wanted.explain(subject.inventory(), index, &arguments.output.output)?;
        return Ok(status);
    }
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
        base: decide::base(bases.as_ref(), subject.inventory()),
        ..Report::new("scan", subject.name().to_owned())
    };
    let written = report::write(ctx, &report, &arguments.output.output, arguments.output.show);
    // The program ends here: hundreds of thousands of texts go with it, which nobody needs to free one by one.
    std::mem::forget((decision, advised, scan, Arc::clone(subject.inventory())));
    exit::settle(&ctx.ui, status, written)
}

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    /// A package URL, with or without its version, or a name.
    component: &'a str,
    advisory: Option<&'a str>,
}

impl Wanted<'_> {
    fn explain(
        self,
        inventory: &Inventory,
        index: &Index,
        outputs: &[report::Output],
    ) -> Result<(), Error> {
        let mut explanations = Vec::new();
        for (id, _) in inventory.iter().filter(|(_, component)| self.means(component)) {
            explanations.extend(plimsoll_vuln::explain(inventory, id, index)?);
        }
        if explanations.is_empty() {
            return Err(Error::usage(
                format!("no component is called `{}`", self.component),
                "name it as the report does, by its name or its package URL; `plimsoll sbom SUBJECT` lists all",
            ));
        }
        if let Some(advisory) = self.advisory {
            let is_it = |record: &ExplainedRecord| {
                record.ids.iter().any(|id| id.eq_ignore_ascii_case(advisory))
            };
            for explanation in &mut explanations {
                explanation.records.retain(is_it);
            }
            if explanations.iter().all(|explanation| explanation.records.is_empty()) {
                return Err(Error::usage(
                    format!("no record called `{advisory}` is about `{}`", self.component),
                    "without ADVISORY, every record about the component is listed",
                ));
            }
        }
        let text = explanation::to_text(&explanations, inventory);
        report::write_simple(outputs, &text, &explanation::to_json(&explanations, inventory))
    }

    fn means(self, component: &Component) -> bool {
        if self.component.starts_with("pkg:") {
            component.purl.as_str() == self.component
                || component.purl.without_version() == self.component
                || component.purl.as_str().split(['?', '#']).next() == Some(self.component)
        } else {
            component.name == self.component || component.purl.name() == self.component
        }
    }
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
