//! What differs between the findings of two builds, and whether what is aboard made the difference or what is known of it.
//!
//! A cause is what would have made the difference alone: what is aboard, judged by the same advisories; or the advisories,
//! judging the same things aboard. Where neither can be looked at, the cause is *unknown*, with the reason.

use plimsoll_model::{
    Severity,
    difference::{
        Attribute, Cause, Difference, Exploited, FindingChange, FindingChangeKind, FlawView,
        PackageView, Untold, View,
    },
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// What was not, and could have been: each build by the advisories of the other. What is absent is not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crossed<'a> {
    /// The earlier build by the later advisories.
    pub before_by_later: Option<&'a View>,
    /// The later build by the earlier advisories.
    pub after_by_earlier: Option<&'a View>,
}

/// What differs from one build to a later one.
pub fn difference(before: &View, after: &View, crossed: Crossed<'_>) -> Difference {
    let case = Case { before, after, crossed };
    let mut found = Difference::default();
    let names: BTreeSet<&String> = before.packages.keys().chain(after.packages.keys()).collect();
    for name in names {
        case.of_package(name, &mut found);
    }
    found.changes.sort_by_cached_key(|change| {
        let rank = match change.kind {
            FindingChangeKind::New => 0,
            FindingChangeKind::Untold(_) => 1,
            FindingChangeKind::Changed(_) => 2,
            FindingChangeKind::Fixed => 3,
        };
        (rank, Reverse(change.severity), change.package.clone(), change.id.clone())
    });
    found
}

struct Case<'a> {
    before: &'a View,
    after: &'a View,
    crossed: Crossed<'a>,
}

/// One flaw of one package, on whichever sides it is there.
struct Pair<'a> {
    name: &'a str,
    id: &'a str,
    before: Option<&'a FlawView>,
    after: Option<&'a FlawView>,
}

impl Case<'_> {
    fn of_package(&self, name: &str, found: &mut Difference) {
        let nothing = PackageView::default();
        let (old, new) = (self.before.packages.get(name), self.after.packages.get(name));
        let untold = new.and_then(|new| new.untold.as_ref());
        if let Some(reason) = untold
            && old.is_none_or(|old| old.untold.is_none())
        {
            found.untold.push(Untold { package: name.to_owned(), reason: reason.clone() });
        }
        let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
        for (id, before, after) in pairs(old, new) {
            let pair = Pair { name, id, before, after };
            let kind = match (before, after) {
                (None, None) => continue,
                (None, Some(_)) => FindingChangeKind::New,
                (Some(_), None) => match untold {
                    Some(reason) => FindingChangeKind::Untold(reason.clone()),
                    None => FindingChangeKind::Fixed,
                },
                (Some(before), Some(after)) => match attributes(before, after) {
                    changes if changes.is_empty() => {
                        found.unchanged = found.unchanged.saturating_add(1);
                        continue;
                    }
                    changes => FindingChangeKind::Changed(changes),
                },
            };
            let cause = self.cause(&pair, &kind, (old, new));
            let ids = before.into_iter().chain(after).flat_map(|flaw| flaw.ids.clone()).collect();
            let severity = after.or(before).map_or(Severity::Unknown, |flaw| flaw.severity);
            found.changes.push(FindingChange {
                kind,
                package: name.to_owned(),
                id: id.to_owned(),
                ids,
                severity,
                before: old.versions.clone(),
                after: new.versions.clone(),
                cause,
            });
        }
    }

    fn cause(
        &self,
        pair: &Pair<'_>,
        kind: &FindingChangeKind,
        (old, new): (&PackageView, &PackageView),
    ) -> Cause {
        let unknown = |reason: String| Cause::Unknown(reason);
        if let (FindingChangeKind::New, Some(reason)) = (kind, &old.untold) {
            return unknown(format!("before, it could not be told: {reason}"));
        }
        if let FindingChangeKind::Changed(changes) = kind
            && changes.iter().all(|change| matches!(change, Attribute::Origin(..)))
        {
            return Cause::Code;
        }
        let (Some(earlier), Some(later)) = (&self.before.index, &self.after.index) else {
            return unknown("by which advisories it was judged is not known".to_owned());
        };
        if earlier.digest == later.digest {
            return Cause::Code;
        }
        let by_code = is_as(pair, self.crossed.after_by_earlier);
        let by_advisories = is_as(pair, self.crossed.before_by_later);
        match (by_code, by_advisories) {
            (Some(true), Some(false)) => Cause::Code,
            (Some(false) | None, Some(true)) => Cause::Advisories,
            (Some(true), Some(true)) | (Some(false), Some(false)) => Cause::Both,
            (None, Some(false)) => by_date(pair, kind, earlier.built),
            (_, None) if old.versions == new.versions => Cause::Advisories,
            (_, None) => unknown(format!(
                "package and advisories changed, and the one can not be judged without the other (index {})",
                later.digest.short()
            )),
        }
    }
}

/// Without the earlier advisories, of a difference that what is aboard was needed for.
fn by_date(pair: &Pair<'_>, kind: &FindingChangeKind, built: jiff::Timestamp) -> Cause {
    match kind {
        // The version that was there is still flawed: it is the other version that is not.
        FindingChangeKind::Fixed => Cause::Code,
        FindingChangeKind::New
            if pair.after.and_then(|flaw| flaw.published).is_some_and(|at| at > built) =>
        {
            Cause::Both
        }
        FindingChangeKind::New | FindingChangeKind::Changed(_) | FindingChangeKind::Untold(_) => {
            Cause::Unknown(
                "the package changed; whether the advisories did as well would take the index of before"
                    .to_owned(),
            )
        }
    }
}

/// Whether one build by the advisories of the other shows what the later shows; nothing where it can not be told.
fn is_as(pair: &Pair<'_>, crossed: Option<&View>) -> Option<bool> {
    let crossed = crossed?;
    let Some(package) = crossed.packages.get(pair.name) else {
        // It is not aboard, and so has no flaws.
        return Some(pair.after.is_none());
    };
    let ids = pair.before.into_iter().chain(pair.after).flat_map(|flaw| &flaw.ids);
    let ids: BTreeSet<&String> = ids.collect();
    let found = package
        .flaws
        .iter()
        .find(|(id, flaw)| *id == pair.id || ids.contains(id) || flaw.ids.contains(pair.id));
    match (found, pair.after) {
        (Some((_, flaw)), Some(after)) => {
            Some(attributes(flaw, after).is_empty() || pair.before.is_none())
        }
        (None, _) if package.untold.is_some() => None,
        (None, None) => Some(true),
        (Some(_), None) | (None, Some(_)) => Some(false),
    }
}

/// The flaws of both sides, those that are one under two names together.
fn pairs<'a>(
    old: &'a PackageView,
    new: &'a PackageView,
) -> Vec<(&'a str, Option<&'a FlawView>, Option<&'a FlawView>)> {
    let mut pairs = Vec::new();
    let mut left: BTreeMap<&str, &FlawView> = BTreeMap::new();
    for (id, flaw) in &old.flaws {
        match new.flaws.get(id) {
            Some(after) => pairs.push((id.as_str(), Some(flaw), Some(after))),
            None => {
                left.insert(id, flaw);
            }
        }
    }
    // The id of the one has to be an id of the other: an id of both may be that of a record on several flaws.
    let mut named: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, flaw) in &left {
        named.extend(flaw.ids.iter().map(|alias| (alias.as_str(), *id)));
    }
    for (id, after) in new.flaws.iter().filter(|(id, _)| !old.flaws.contains_key(*id)) {
        let known = after.ids.iter().map(String::as_str).find(|alias| left.contains_key(alias));
        let known = known.or_else(|| named.get(id.as_str()).copied());
        let before = known.and_then(|known| left.remove(known));
        pairs.push((id, before, Some(after)));
    }
    pairs.extend(left.into_iter().map(|(id, flaw)| (id, Some(flaw), None)));
    pairs
}

/// What about a flaw changed. What is not known on either side has not.
fn attributes(before: &FlawView, after: &FlawView) -> Vec<Attribute> {
    let mut changes = Vec::new();
    if before.severity != after.severity {
        changes.push(Attribute::Severity(before.severity, after.severity));
    }
    if let (Some(old), Some(new)) = (&before.fixed, &after.fixed) {
        match (old.is_empty(), new.is_empty()) {
            (true, false) => changes.push(Attribute::FixAvailable),
            (false, true) => changes.push(Attribute::FixGone),
            (true, true) | (false, false) => {}
        }
    }
    match (before.exploited, after.exploited) {
        (Some(Exploited::Unheard), Some(Exploited::Known)) => changes.push(Attribute::Exploited),
        (Some(Exploited::Known), Some(Exploited::Unheard)) => {
            changes.push(Attribute::NoLongerExploited);
        }
        _ => {}
    }
    if let (Some(old), Some(new)) = (before.origin, after.origin)
        && old != new
    {
        changes.push(Attribute::Origin(old, new));
    }
    changes
}

#[cfg(test)]
mod tests;
