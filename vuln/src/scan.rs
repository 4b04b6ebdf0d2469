//! Matches an inventory against the index. Pure, and never fails open: what can not be told is said to be so.

mod flaws;
pub(crate) mod judge;
mod linked;
mod modules;

use crate::{
    Error, Index,
    ecosystem::{Package, Target, base, is_operating_system, target},
    index::{Details, Row},
    ranges::{End, Hit},
};
use flaws::Found;
pub(crate) use flaws::Left;
use judge::{Installed, Judgement, WhyNot};
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId},
    inventory::Distribution,
    scan::{Match, NotEvaluated, Scan, ScanVerdict},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the advisories say of each component.
pub fn scan(inventory: &Inventory, index: &Index) -> Scan {
    let verdict = |component| verdict(inventory, component, index);
    Scan {
        index: index.stamp().clone(),
        verdicts: inventory.components().iter().map(verdict).collect(),
    }
}

/// What the advisories say of one component.
pub(crate) fn verdict(inventory: &Inventory, component: &Component, index: &Index) -> ScanVerdict {
    let distribution = inventory.distribution.as_ref();
    match owner(inventory, component) {
        Some(owner) => match matches(component, distribution, index) {
            Ok(matches) if !matches.is_empty() && !speaks_of(inventory, owner, index) => {
                ScanVerdict::Matched(matches)
            }
            Ok(_) | Err(_) => ScanVerdict::JudgedAs(owner),
        },
        None => match matches(component, distribution, index) {
            Ok(matches) if matches.is_empty() => ScanVerdict::Clean,
            Ok(matches) => ScanVerdict::Matched(matches),
            Err(reason) => ScanVerdict::NotEvaluated(reason),
        },
    }
}

/// The operating-system package that a component's files belong to: its distribution patches them without changing the
/// version that upstream's advisories speak of.
fn owner(inventory: &Inventory, component: &Component) -> Option<ComponentId> {
    component.owned_by.filter(|id| {
        inventory
            .component(*id)
            .is_some_and(|owner| owner.owned_by.is_none() && is_operating_system(owner.purl.kind()))
    })
}

/// Whether the distribution's advisories speak of a package of its at all, be it of other versions, or are not there to be
/// asked. Of a package that is not the distribution's own they never do, and their silence clears nothing that is in it.
fn speaks_of(inventory: &Inventory, owner: ComponentId, index: &Index) -> bool {
    let target = inventory
        .component(owner)
        .and_then(|owner| target(owner, inventory.distribution.as_ref()).ok());
    target.is_none_or(|target| {
        !index.has_ecosystem(&target.ecosystem) || !matches!(rows(index, &target), Ok(None))
    })
}

/// Every flaw of one component, whoever judges it.
pub(crate) fn matches(
    component: &Component,
    distribution: Option<&Distribution>,
    index: &Index,
) -> Result<Vec<Match>, NotEvaluated> {
    found(component, distribution, index, flaws::by_flaw)
}

/// The same in the same order, and only as much of each flaw as decides on a remedy.
pub(crate) fn left(
    component: &Component,
    distribution: Option<&Distribution>,
    index: &Index,
) -> Result<Vec<Left<'static>>, NotEvaluated> {
    found(component, distribution, index, flaws::left)
}

/// What `tell` makes of the records that apply to one component.
fn found<T>(
    component: &Component,
    distribution: Option<&Distribution>,
    index: &Index,
    tell: impl FnOnce(&flaws::Context<'_>, &[Found<'_, '_>]) -> Vec<T>,
) -> Result<Vec<T>, NotEvaluated> {
    let target = target(component, distribution)?;
    let considered = consider(component, &target, index)?;
    let Some(Considered { package, installed, judged }) = considered else {
        return Ok(Vec::new());
    };
    let (mut found, mut doubts) = (Vec::new(), Vec::new());
    for Judged { row, judgement } in &judged {
        let details = || index.details(row.advisory).map_err(|error| damaged(&error));
        match judgement {
            Judgement::Not(_) => {}
            Judgement::Applies(hit, packages) => {
                found.push(Found::new(details()?, row, hit.clone(), packages));
            }
            Judgement::Doubt(doubt) => {
                let details = details()?;
                let reason = doubt.clone().reason(details.id, &installed);
                doubts.push((reason, details, row));
            }
        }
    }
    if found.is_empty() {
        return doubts.into_iter().next().map_or(Ok(Vec::new()), |(reason, ..)| Err(reason));
    }
    // A component that matches cannot be not-evaluated as well. What is in doubt counts as a match then: an exception for
    // the certain ones must not let it pass.
    found.extend(doubts.into_iter().map(|(reason, details, row)| {
        let because = format!("it can not be told, and so it counts: {reason}");
        Found::new(details, row, Hit { because, fixed: Vec::new(), end: End::Untold }, &[])
    }));
    let context = flaws::Context { index, component, target: &target, name: &package.name };
    Ok(tell(&context, &found))
}

/// Every record about a component, judged.
#[derive(Debug)]
pub(crate) struct Considered<'t, 'i> {
    /// The name that the records are under.
    pub(crate) package: &'t Package<'t>,
    pub(crate) installed: Installed<'t>,
    pub(crate) judged: Vec<Judged<'i>>,
}

/// A record about one package, and what it says.
#[derive(Debug)]
pub(crate) struct Judged<'i> {
    pub(crate) row: Row<'i>,
    pub(crate) judgement: Judgement<'i>,
}

/// Judges every record about a component; nothing where there is none.
pub(crate) fn consider<'t, 'i>(
    component: &'t Component,
    target: &'t Target<'_>,
    index: &'i Index,
) -> Result<Option<Considered<'t, 'i>>, NotEvaluated> {
    if !index.has_ecosystem(&target.ecosystem) {
        let ecosystem = target.ecosystem.clone().into_owned();
        return Err(NotEvaluated::NoAdvisories { ecosystem });
    }
    let Some((package, rows)) = rows(index, target)? else { return Ok(None) };
    let version = package.version.as_deref().ok_or(NotEvaluated::NoVersion)?;
    let installed = Installed::new(component, target.scheme, version);
    let fixed_by: BTreeSet<u32> =
        rows.iter().filter(|row| installed.is_fixed_by(row)).map(|row| row.advisory).collect();
    let judge = |row| Judged { judgement: installed.judge(&row, index, &fixed_by), row };
    let mut judged: Vec<_> = rows.into_iter().map(judge).collect();
    clear_unlinked(&mut judged, index).map_err(|error| damaged(&error))?;
    Ok(Some(Considered { package, installed, judged }))
}

/// A record that names the packages with the flaw speaks for those about the same flaw that name none: what it says is not
/// linked does not count by its version alone.
fn clear_unlinked<'i>(judged: &mut [Judged<'i>], index: &'i Index) -> Result<(), Error> {
    let (mut unlinked, mut linked) = (BTreeMap::new(), BTreeSet::new());
    for Judged { row, judgement } in judged.iter() {
        match judgement {
            Judgement::Not(WhyNot::NotLinked(_)) => {
                let Details { id, flaws, .. } = index.details(row.advisory)?;
                unlinked.extend(flaws.into_iter().flatten().map(|flaw| (flaw, id)));
            }
            Judgement::Applies(_, packages) if !packages.is_empty() => {
                linked.extend(index.details(row.advisory)?.flaws.into_iter().flatten());
            }
            Judgement::Applies(..) | Judgement::Not(_) | Judgement::Doubt(_) => {}
        }
    }
    if unlinked.is_empty() {
        return Ok(());
    }
    for Judged { row, judgement } in judged {
        let Judgement::Applies(_, packages) = judgement else { continue };
        if !packages.is_empty() {
            continue;
        }
        let flaws = index.details(row.advisory)?.flaws;
        let speaker = |ids: &Vec<&'i str>| {
            let is_affirmed = ids.iter().any(|id| linked.contains(id));
            ids.iter().find_map(|id| unlinked.get(id).copied()).filter(|_| !is_affirmed)
        };
        let speakers: Option<Vec<_>> = flaws.iter().map(speaker).collect();
        if let Some(speaker) = speakers.and_then(|speakers| speakers.first().copied()) {
            *judgement = Judgement::Not(WhyNot::ClearedBy(speaker));
        }
    }
    Ok(())
}

/// A damaged index is never an index without the advisory.
fn damaged(error: &Error) -> NotEvaluated {
    NotEvaluated::UnusableAdvisory {
        advisory: "(unreadable)".to_owned(),
        reason: error.to_string(),
    }
}

/// The advisories about the first name of the target that has any.
fn rows<'t, 'i>(
    index: &'i Index,
    target: &'t Target<'_>,
) -> Result<Option<(&'t Package<'t>, Vec<Row<'i>>)>, NotEvaluated> {
    for package in &target.packages {
        let mut rows =
            index.rows(&target.ecosystem, &package.name).map_err(|error| damaged(&error))?;
        // An advisory that names no release is about every release.
        let whole = base(&target.ecosystem);
        if whole != target.ecosystem && index.has_ecosystem(whole) {
            rows.extend(index.rows(whole, &package.name).map_err(|error| damaged(&error))?);
        }
        if !rows.is_empty() {
            return Ok(Some((package, rows)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
