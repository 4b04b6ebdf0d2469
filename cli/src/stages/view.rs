//! A build of any kind → what is known of its flaws, to be compared with another's.

use crate::{
    args::LedgerArguments,
    context::Context,
    error::Error,
    stages::{
        aboard::{self, Reading},
        index,
    },
};
use plimsoll_ledger::{Entry, Ledger, RecordId};
use plimsoll_model::{
    Inventory,
    difference::{FlawView, View, ViewIndex, package_of},
};
use plimsoll_vuln::Index;
use std::{collections::BTreeSet, sync::Arc};

/// A build that is compared.
#[derive(Debug)]
pub(crate) struct Compared {
    /// As people know it.
    pub name: String,
    /// What is aboard.
    pub inventory: Arc<Inventory>,
    /// What was known of it when it was recorded.
    pub recorded: Option<View>,
}

/// Reads a build: an entry of the ledger, an SBOM, or a subject.
pub(crate) async fn read(
    ctx: &Context,
    name: &str,
    ledger: &LedgerArguments,
    reading: Reading<'_>,
) -> Result<Compared, Error> {
    if let Some(entry) = entry(ctx, name, ledger)? {
        return of_entry(ctx, &entry);
    }
    let aboard = aboard::read_named(ctx, name, reading).await?;
    let inventory = aboard.inventory();
    // An empty list is what a tool writes that saw nothing: by it everything would be fixed.
    if aboard.resolved().is_none()
        && inventory.components().is_empty()
        && inventory.unknowns.is_empty()
    {
        return Err(Error::EmptySbom { path: name.into() });
    }
    let name = aboard.name().to_owned();
    Ok(Compared { name, inventory: Arc::clone(inventory), recorded: None })
}

/// The entry that `record:ID` or `promoted:NAME` names; nothing where it is neither.
fn entry(ctx: &Context, name: &str, arguments: &LedgerArguments) -> Result<Option<Entry>, Error> {
    let (id, promoted) = (name.strip_prefix("record:"), name.strip_prefix("promoted:"));
    if id.is_none() && promoted.is_none() {
        return Ok(None);
    }
    let path = ctx.state_path(arguments.ledger.as_deref(), "ledger.sqlite")?;
    if !path.exists() {
        let hint = "`plimsoll run` makes it; name another with `--ledger FILE`";
        return Err(Error::usage(format!("there is no ledger at `{path}`"), hint));
    }
    let ledger = Ledger::open(&path)?;
    let found = match (id, promoted) {
        (Some(id), _) => {
            let id: RecordId = id.parse().map_err(|error| {
                Error::usage(format!("`{name}`: {error}"), "`plimsoll ledger list` lists them")
            })?;
            ledger.get(id)?
        }
        (None, Some(promoted)) => ledger.latest_promoted(promoted)?,
        (None, None) => None,
    };
    found.map(Some).ok_or_else(|| {
        let hint = "`plimsoll ledger list` lists the builds, and where each was promoted to";
        Error::usage(format!("there is no build `{name}` in the ledger"), hint)
    })
}

fn of_entry(ctx: &Context, entry: &Entry) -> Result<Compared, Error> {
    let record = &entry.record;
    let inventory = plimsoll_sbom::formats::read(&record.inventory, &ctx.limits)?;
    Ok(Compared {
        name: format!("build {} of {}@{}", entry.id, record.name, record.digest),
        recorded: record.index.is_some().then(|| recorded(entry, &inventory)),
        inventory: Arc::new(inventory),
    })
}

/// What a record says of the flaws of its build.
pub(crate) fn recorded(entry: &Entry, inventory: &Inventory) -> View {
    let record = &entry.record;
    let mut view = View::of_inventory(inventory);
    view.index =
        record.index.as_ref().map(|index| ViewIndex { digest: index.digest, built: index.built });
    for finding in &record.findings {
        let (Some(id), Some(purl)) = (&finding.vulnerability, &finding.purl) else { continue };
        let flaw = FlawView {
            ids: BTreeSet::from([id.clone()]),
            severity: finding.severity,
            fixed: None,
            exploited: None,
            origin: None,
            published: None,
        };
        view.packages.entry(package_of(purl)).or_default().add(id, flaw);
    }
    match &record.not_evaluated {
        Some(purls) => {
            for purl in purls {
                let package = view.packages.entry(package_of(purl)).or_default();
                package.untold = Some("it could not be evaluated".to_owned());
            }
        }
        None if record.counts.not_evaluated == 0 => {}
        None => {
            let reason = format!(
                "{} components could not be evaluated, and the record does not say which",
                record.counts.not_evaluated
            );
            for package in view.packages.values_mut().filter(|package| package.flaws.is_empty()) {
                package.untold = Some(reason.clone());
            }
        }
    }
    view
}

/// What an index says of a build.
pub(crate) async fn judged(
    ctx: &Context,
    inventory: &Arc<Inventory>,
    index: &Arc<Index>,
) -> Result<View, Error> {
    let scan = index::scan(ctx, inventory, index).await?;
    Ok(View::of(inventory, &scan))
}
