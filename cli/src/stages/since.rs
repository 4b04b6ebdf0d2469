//! A scan → what is new in it since the last promoted build.

use crate::{
    context::Context,
    error::Error,
    stages::{index, view},
};
use camino::Utf8Path;
use plimsoll_ledger::{Entry, Ledger};
use plimsoll_model::{Inventory, difference::View, scan::Scan};
use plimsoll_policy::{Action, Policy, Since, rules};
use plimsoll_vuln::{Crossed, Index, difference};
use std::sync::Arc;

/// What is new since the newest promoted build of this name.
///
/// Where there is none, nothing is said, unless the policy denies what is new: then it can not be told.
pub(crate) async fn since(
    ctx: &Context,
    policy: &Policy,
    (ledger, name): (&Utf8Path, &str),
    (inventory, scan): (&Inventory, &Scan),
    index: &Arc<Index>,
) -> Result<Option<Since>, Error> {
    let action = rules::find("VUL-003").and_then(|rule| policy.action(rule).value);
    let untold = |reason: String| (action == Some(Action::Deny)).then_some(Since::Untold(reason));
    if action.is_none() {
        return Ok(None);
    }
    let entry = match newest(ledger, name) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(untold(format!("no build of {name} was promoted yet"))),
        Err(error) => return Ok(untold(error.chain())),
    };
    let earlier = match plimsoll_sbom::formats::read(&entry.record.inventory, &ctx.limits) {
        Ok(earlier) => Arc::new(earlier),
        Err(error) => return Ok(untold(Error::from(error).chain())),
    };
    let before = view::recorded(&entry, &earlier);
    let by_later = View::of(&earlier, &index::scan_quietly(&earlier, index).await?);
    let crossed = Crossed { before_by_later: Some(&by_later), after_by_earlier: None };
    let difference = difference(&before, &View::of(inventory, scan), crossed);
    Ok(Some(Since::Build { build: format!("build {}", entry.id), difference }))
}

fn newest(ledger: &Utf8Path, name: &str) -> Result<Option<Entry>, Error> {
    if !ledger.exists() {
        return Ok(None);
    }
    Ok(Ledger::open(ledger)?.latest_promoted(name)?)
}
