//! What building anew on a newer base clears.
//!
//! Both what was built and what the build anew would begin with are judged by the advisories of today: what is counted is what
//! the newer base changes, and not what became known meanwhile. What was put on top of the base stays as it was recorded.

use crate::{
    context::Context,
    error::Error,
    stages::{index, inventory, resolve},
};
use plimsoll_ledger::{Filter, Ledger, RecordId, record::Record};
use plimsoll_model::{
    Digest, Inventory, Reference,
    component::{Component, Location},
    difference::{Difference, FindingChange, FindingChangeKind, PackageView, View, ViewIndex},
    platform::Platform,
    reference::{ImageName, Repository},
    scan::Origin,
};
use plimsoll_policy::bases::EntryPlatform;
use plimsoll_vuln::{Crossed, Index, difference};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Flaws that are spelled out for people; the JSON has them all.
const SHOWN: usize = 10;

/// The newer image of a base for the platform of a build.
#[derive(Debug)]
pub(super) struct Newer<'l> {
    /// Where it is.
    pub repository: &'l Repository,
    /// Its digest: of the manifest, or of what the tag stands for now.
    pub digest: Digest,
    /// The digest of the index that it was approved with.
    pub index: Option<Digest>,
    /// Digests of its layers, lowest first, where somebody has approved it.
    pub diff_ids: Option<&'l [Digest]>,
}

/// Whether newer bases are fetched that no recorded build is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// They are.
    Fetched,
    /// What is in the ledger is all that is known of them.
    Recorded,
}

/// How it is known what is aboard the newer base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownBy {
    /// This build of the ledger is of it.
    Build(RecordId),
    /// It was fetched.
    Fetched,
}

/// What is aboard a newer base.
#[derive(Debug, Clone)]
struct Aboard {
    by: KnownBy,
    inventory: Arc<Inventory>,
}

/// What building anew changes.
#[derive(Debug)]
pub(super) struct Cleared {
    by: KnownBy,
    index: Option<ViewIndex>,
    /// From the build as it was recorded to one with the newer base below the same layers.
    difference: Difference,
    /// Findings of today that come with the base.
    of_base: usize,
    /// Packages of the base that can not be evaluated.
    unevaluated: usize,
    /// Files of the newer base that could not be read.
    unread: usize,
}

/// Tells what building anew clears, and looks at each newer base once.
pub(super) struct Clearing<'a> {
    ctx: &'a Context,
    ledger: &'a Ledger,
    index: Option<Arc<Index>>,
    look: Look,
    known: BTreeMap<(String, Digest, String), Result<Aboard, String>>,
}

impl<'a> Clearing<'a> {
    pub(super) const fn new(
        ctx: &'a Context,
        ledger: &'a Ledger,
        index: Option<Arc<Index>>,
        look: Look,
    ) -> Self {
        Self { ctx, ledger, index, look, known: BTreeMap::new() }
    }

    /// What building `record` anew clears, which rests on `base`; or why that is not known.
    pub(super) async fn of(
        &mut self,
        record: &Record,
        base: &EntryPlatform,
        newer: &Newer<'_>,
    ) -> Result<Cleared, String> {
        let index = self.index.clone().ok_or("there are no advisories (`plimsoll db update`)")?;
        let built = read(self.ctx, record).map_err(|error| error.chain())?;
        if !layers(&built).starts_with(&base.diff_ids) {
            return Err("the layers in its record are not those of the base".to_owned());
        }
        let newer = self.aboard(newer, &record.platform).await?;
        compare(&built, &base.diff_ids, &newer, &index).await.map_err(|error| error.chain())
    }

    async fn aboard(&mut self, newer: &Newer<'_>, platform: &str) -> Result<Aboard, String> {
        let key = (newer.repository.to_string(), newer.digest, platform.to_owned());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.find(newer, platform).await;
        self.known.insert(key, found.clone());
        found
    }

    async fn find(&self, newer: &Newer<'_>, platform: &str) -> Result<Aboard, String> {
        let recorded = self.recorded(newer, platform).map_err(|error| error.chain())?;
        let aboard = match (recorded, self.look) {
            (Some(aboard), _) => aboard,
            (None, Look::Recorded) => {
                return Err(
                    "no build of the ledger is of the newer base, and `--scan` was not given"
                        .to_owned(),
                );
            }
            (None, Look::Fetched) => {
                fetch(self.ctx, newer, platform).await.map_err(|error| error.chain())?
            }
        };
        let is_other = |diff_ids: &[Digest]| layers(&aboard.inventory) != diff_ids;
        if newer.diff_ids.is_some_and(is_other) {
            return Err(
                "what is known of the newer base is of other layers than were approved".to_owned()
            );
        }
        Ok(aboard)
    }

    /// What the newest record of the image itself says.
    fn recorded(&self, newer: &Newer<'_>, platform: &str) -> Result<Option<Aboard>, Error> {
        for subject in std::iter::once(newer.digest).chain(newer.index) {
            let filter = Filter { subject: Some(subject), ..Filter::default() };
            let entry = self.ledger.list(&filter)?.into_iter().find(|entry| {
                let record = &entry.record;
                let is_of_it = [record.digest, record.manifest].contains(&newer.digest);
                let is_run = record.mark.is_none() && !record.inventory.is_empty();
                is_of_it && is_run && record.platform == platform
            });
            if let Some(entry) = entry {
                let inventory = read(self.ctx, &entry.record)?;
                return Ok(Some(Aboard { by: KnownBy::Build(entry.id), inventory }));
            }
        }
        Ok(None)
    }
}

fn read(ctx: &Context, record: &Record) -> Result<Arc<Inventory>, Error> {
    Ok(Arc::new(plimsoll_sbom::formats::read(&record.inventory, &ctx.limits)?))
}

fn layers(inventory: &Inventory) -> Vec<Digest> {
    inventory.layers.iter().map(|layer| layer.diff_id).collect()
}

async fn fetch(ctx: &Context, newer: &Newer<'_>, platform: &str) -> Result<Aboard, Error> {
    let name =
        ImageName { repository: newer.repository.clone(), tag: None, digest: Some(newer.digest) };
    let platform: Option<Platform> = platform.parse().ok();
    let reference = Reference::Registry(name);
    let resolved = resolve::resolve_reference(ctx, &reference, platform.as_ref()).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    Ok(Aboard { by: KnownBy::Fetched, inventory: Arc::clone(cataloged.inventory()) })
}

async fn compare(
    built: &Arc<Inventory>,
    base: &[Digest],
    newer: &Aboard,
    index: &Arc<Index>,
) -> Result<Cleared, Error> {
    let scan = index::scan_quietly(built, index).await?;
    let of_newer = index::scan_quietly(&newer.inventory, index).await?;
    // Where it is not known what brought a package, nobody knows that it goes with the base.
    let comes_with = |one: &Component| Origin::of(one, &built.layers, base) == Origin::Base;
    let below = View::of_part(built, &scan, comes_with);
    let on_top = View::of_part(built, &scan, |one| !comes_with(one) || is_copied(one, base));
    let above = View::of(&newer.inventory, &of_newer);
    let after = on_top.clone().with(above.clone());
    let before = on_top.with(below.clone());
    let mut found = difference(&before, &after, Crossed::default());
    for change in &mut found.changes {
        let is_gone = change.kind == FindingChangeKind::Fixed
            && !after.packages.contains_key(&change.package);
        if is_gone && let Some(reason) = hidden(&change.package, &newer.inventory, &above) {
            change.kind = FindingChangeKind::Untold(reason);
        }
    }
    let unread = newer.inventory.unknowns.len();
    Ok(Cleared {
        by: newer.by,
        index: before.index,
        difference: found,
        of_base: below.packages.values().map(|package| package.flaws.len()).sum(),
        unevaluated: below.packages.values().filter(|package| package.untold.is_some()).count(),
        unread,
    })
}

/// Whether what came with the base was put on top of it once more. A list of packages that was written again is one place.
fn is_copied(component: &Component, base: &[Digest]) -> bool {
    let is_above = |place: &Location| place.layer.is_none_or(|layer| !base.contains(&layer));
    component.locations.len() > 1 && component.locations.iter().any(is_above)
}

/// Why a package that the newer base does not have may be in it all the same, under another name or unseen.
fn hidden(package: &str, inventory: &Inventory, view: &View) -> Option<String> {
    if !inventory.unknowns.is_empty() {
        let unread = inventory.unknowns.len();
        return Some(format!("{unread} files of the newer base could not be read"));
    }
    let kind = |name: &str| name.split('/').next().map(str::to_owned);
    let is_untold = |(name, found): &(&String, &PackageView)| {
        found.untold.is_some() && kind(name) == kind(package)
    };
    let untold = view.packages.iter().filter(is_untold).count();
    let reason = || format!("{untold} packages of its kind in the newer base can not be evaluated");
    (untold > 0).then(reason)
}

impl Cleared {
    fn changes(&self, word: &str) -> Vec<&FindingChange> {
        self.difference.changes.iter().filter(|change| change.kind.as_str() == word).collect()
    }

    /// For people. Not yet fit for a terminal.
    pub(super) fn lines(&self) -> Vec<String> {
        let (cleared, brought, untold) =
            (self.changes("fixed"), self.changes("new"), self.changes("untold"));
        let mut lines = Vec::new();
        let first = match (self.of_base, cleared.len()) {
            (0, _) => "no advisory is known about what comes with the base".to_owned(),
            (all, 0) => format!("clears none of {all} findings that come with the base"),
            (all, count) => format!(
                "clears {count} of {all} findings that come with the base: {}",
                listed(&cleared)
            ),
        };
        lines.push(first);
        if !brought.is_empty() {
            lines.push(format!("brings {}: {}", brought.len(), listed(&brought)));
        }
        if !untold.is_empty() {
            lines.push(format!("of {} it can not be told: {}", untold.len(), listed(&untold)));
        }
        if self.unevaluated > 0 {
            lines.push(format!("{} packages of the base can not be evaluated", self.unevaluated));
        }
        if !self.difference.untold.is_empty() {
            let count = self.difference.untold.len();
            lines.push(format!("{count} packages of the newer base can not be evaluated"));
        }
        if self.unread > 0 {
            lines.push(format!("{} files of the newer base could not be read", self.unread));
        }
        lines
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let changes = |word: &str| {
            let one = |change: &&FindingChange| {
                let reason = match &change.kind {
                    FindingChangeKind::Untold(reason) => Some(reason),
                    FindingChangeKind::New
                    | FindingChangeKind::Changed(_)
                    | FindingChangeKind::Fixed => None,
                };
                json!({
                    "id": change.id, "ids": change.ids, "package": change.package, "severity": change.severity,
                    "versionsBefore": change.before, "versionsAfter": change.after, "reason": reason,
                })
            };
            self.changes(word).iter().map(one).collect::<Vec<_>>()
        };
        let build = match self.by {
            KnownBy::Build(id) => Some(id.to_string()),
            KnownBy::Fetched => None,
        };
        json!({
            "ofBase": self.of_base, "findings": changes("fixed"), "brings": changes("new"), "untold": changes("untold"),
            "unevaluated": self.unevaluated, "unevaluatedAfter": self.difference.untold.len(), "unread": self.unread,
            "knownByBuild": build,
            "index": self.index.map(|index| json!({ "digest": index.digest, "built": index.built })),
        })
    }
}

/// The flaws, the worst first.
fn listed(changes: &[&FindingChange]) -> String {
    let one = |change: &&FindingChange| {
        format!("{} ({}, {})", change.id, change.severity.as_str(), change.package)
    };
    let mut listed: Vec<_> = changes.iter().take(SHOWN).map(one).collect();
    if let Some(more @ 1..) = changes.len().checked_sub(SHOWN) {
        listed.push(format!("{more} more in `-o json`"));
    }
    listed.join(", ")
}
