//! What to do about what was found: the smallest version that clears it, and what brings the flawed thing aboard.
//!
//! A version is advised only after it was judged by every record about the package, as the scan judges. Nothing is advised
//! that can not be shown: no version is guessed, and no record is believed to be the only one.

mod command;
mod graph;

use crate::{
    Index,
    ecosystem::{is_operating_system, target},
    scan::{Left, left},
    versions::Scheme,
};
use graph::Graph;
use plimsoll_model::{
    Inventory,
    advisory::AdvisoryClass,
    component::{Component, ComponentId},
    risk::Risk,
    scan::{Match, Origin, Scan},
};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
};

/// Versions of one package that are tried before giving up. Honest records need fewer than a dozen.
const TRIED: usize = 256;

/// What to do about everything that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// One for each package in one version, the most urgent first.
    pub steps: Vec<Step>,
    /// How many findings there are.
    pub findings: usize,
    /// How many of them came with the base image.
    pub with_base: usize,
}

/// What to do about one package in one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Every place where it is aboard.
    pub components: Vec<ComponentId>,
    /// How many flaws it has.
    pub flaws: usize,
    /// What helps.
    pub remedy: Remedy,
    /// What brings it aboard.
    pub reach: Reach,
    /// Whether it came with the base image.
    pub origin: Origin,
    /// The command that installs the version, where a package manager of the system does.
    pub command: Option<String>,
    risk: Option<Risk>,
}

/// What helps against the flaws of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// It is malware: to be taken out. No version of it is to be trusted.
    Remove,
    /// This version, the smallest that clears everything that any version clears.
    Upgrade {
        /// The version; of the source package for distributions that publish about those.
        version: String,
        /// How many of the flaws it clears.
        clears: usize,
    },
    /// No version is known that clears anything.
    NoVersion,
}

/// What brings a package aboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The package manager of the system.
    System,
    /// These direct dependencies of an application; itself where it is one.
    Through(Vec<ComponentId>),
    /// What brings it is not known.
    Unknown,
}

/// What to do about everything that a scan of an inventory has found.
pub fn advise(inventory: &Inventory, scan: &Scan, index: &Index) -> Advice {
    let graph = Graph::of(inventory);
    let mut advice = Advice::default();
    let mut groups: BTreeMap<&str, Vec<(ComponentId, Vec<&Match>)>> = BTreeMap::new();
    for (id, found) in scan.matches() {
        advice.findings = advice.findings.saturating_add(1);
        if found.origin == Origin::Base {
            advice.with_base = advice.with_base.saturating_add(1);
        }
        let Some(component) = inventory.component(id) else { continue };
        let group = groups.entry(component.purl.as_str()).or_default();
        match group.last_mut().filter(|(last, _)| *last == id) {
            Some((_, matches)) => matches.push(found),
            None => group.push((id, vec![found])),
        }
    }
    // Binary packages of one source have the same flaws in the same version, and there may be a hundred of them.
    let mut known: BTreeMap<String, Remedy> = BTreeMap::new();
    for group in groups.values() {
        advice.steps.extend(step(inventory, &graph, index, group, &mut known));
    }
    advice.steps.sort_by_key(|step| Reverse(step.risk));
    advice
}

fn step(
    inventory: &Inventory,
    graph: &Graph<'_>,
    index: &Index,
    group: &[(ComponentId, Vec<&Match>)],
    known: &mut BTreeMap<String, Remedy>,
) -> Option<Step> {
    let (first, found) = group.first()?;
    let component = inventory.component(*first)?;
    let remedy = if found.iter().any(|found| found.advisory.class == AdvisoryClass::Malware) {
        Remedy::Remove
    } else {
        let key = cache_key(component, found);
        let remedy = known.entry(key).or_insert_with(|| remedy(inventory, component, index, found));
        remedy.clone()
    };
    let components: Vec<_> = group.iter().map(|(id, _)| *id).collect();
    let is_system = is_operating_system(component.purl.kind());
    let reach = if is_system { Reach::System } else { graph.reach(&components) };
    let origins: BTreeSet<_> =
        group.iter().flat_map(|(_, found)| found).map(|found| found.origin).collect();
    let origin = match origins.iter().next() {
        Some(origin) if origins.len() == 1 => *origin,
        _ => Origin::Unknown,
    };
    let command = match &remedy {
        Remedy::Upgrade { version, .. } if is_system => {
            command::command(component, inventory.distribution.as_ref(), version, found)
        }
        Remedy::Upgrade { .. } | Remedy::Remove | Remedy::NoVersion => None,
    };
    let risk = group.iter().flat_map(|(_, found)| found).map(|found| found.risk()).max();
    Some(Step { components, flaws: found.len(), remedy, reach, origin, command, risk })
}

/// What decides on a remedy: kind, name that records are under, version that counts there, and the flaws.
fn cache_key(component: &Component, found: &[&Match]) -> String {
    let name = found.first().map(|found| found.matched_name.as_str()).unwrap_or_default();
    let source = component.source.as_ref().map(|source| source.version.as_str());
    let version = source.or(component.version.as_deref()).unwrap_or_default();
    let kind = component.purl.kind();
    // They may tell the stream of a module, or what of it is linked.
    let properties: Vec<_> =
        component.properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let properties = properties.join("\0");
    let ids: Vec<&str> = found.iter().map(|found| found.advisory.id.as_str()).collect();
    format!("{kind}\0{name}\0{version}\0{properties}\0{}", ids.join("\0"))
}

/// The smallest version above the component's that leaves no flaw which a later one clears.
fn remedy(inventory: &Inventory, component: &Component, index: &Index, found: &[&Match]) -> Remedy {
    let distribution = inventory.distribution.as_ref();
    let Ok(scheme) = target(component, distribution).map(|target| target.scheme) else {
        return Remedy::NoVersion;
    };
    let mut remain: Vec<_> = found.iter().map(|found| Left::of(found)).collect();
    let mut reached: Option<String> = None;
    for _ in 0..TRIED {
        // No version below the first fix of any flaw is free of it, so that none is passed over.
        let Some(next) = next(&remain, reached.as_deref(), scheme) else { break };
        let Ok(at_next) = left(&in_version(component, &next), distribution, index) else {
            return Remedy::NoVersion;
        };
        remain = at_next;
        reached = Some(next);
    }
    let is_done = next(&remain, reached.as_deref(), scheme).is_none();
    let is_malware = remain.iter().any(|flaw| flaw.class == AdvisoryClass::Malware);
    let remain: BTreeSet<&str> = remain.iter().map(|flaw| &*flaw.id).collect();
    let is_cleared = |found: &&&Match| !remain.contains(found.advisory.display_id());
    match (reached, found.iter().filter(is_cleared).count()) {
        (Some(version), clears @ 1..) if is_done && !is_malware => {
            Remedy::Upgrade { version, clears }
        }
        _ => Remedy::NoVersion,
    }
}

/// The highest of the first fixes of flaws, above the version that was reached.
fn next(remain: &[Left<'_>], reached: Option<&str>, scheme: &Scheme) -> Option<String> {
    let is_above = |version: &&String| {
        scheme.check(version).is_ok()
            && reached
                .is_none_or(|reached| (scheme.compare)(version, reached) == Ok(Ordering::Greater))
    };
    let order =
        |left: &&String, right: &&String| (scheme.compare)(left, right).unwrap_or(Ordering::Equal);
    let firsts = remain.iter().filter_map(|flaw| flaw.fixed.iter().filter(is_above).min_by(order));
    firsts.max_by(order).cloned()
}

/// The same package in another version.
fn in_version(component: &Component, version: &str) -> Component {
    let mut other = component.clone();
    other.version = Some(version.to_owned());
    if let Some(source) = &mut other.source {
        version.clone_into(&mut source.version);
    }
    other
}

impl Step {
    /// How many flaws stay whatever is done.
    pub fn stay(&self) -> usize {
        match &self.remedy {
            Remedy::Remove => 0,
            Remedy::Upgrade { clears, .. } => self.flaws.saturating_sub(*clears),
            Remedy::NoVersion => self.flaws,
        }
    }
}

#[cfg(test)]
mod tests;
