//! `plimsoll base outdated`.

use super::{
    believed,
    clears::{self, Cleared, Clearing, Look},
    known_index, lock_path, served,
};
use crate::{
    args::BaseOutdatedArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::decide,
};
use plimsoll_ledger::{Ledger, record::Record};
use plimsoll_model::{Digest, Printable};
use plimsoll_policy::{
    bases::{Entry, EntryPlatform, Lock},
    official,
};
use serde_json::{Value, json};
use served::Served;
use std::{collections::BTreeSet, fmt::Write as _};

/// Later releases that are named.
const RELEASES: usize = 3;

/// What has overtaken an approved base.
enum Newer<'l> {
    /// A later approval of the same name.
    Approved(&'l Entry),
    /// The registry serves this under its tag, and nobody has approved it yet.
    Served(Digest),
}

/// What is known of a base that is approved.
struct Age<'l> {
    entry: &'l Entry,
    newer: Option<Newer<'l>>,
    /// Why it can not be told whether there is a newer one. Not yet fit for a terminal.
    untold: Option<String>,
    /// The builds that rest on it, each the newest of its name and platform; `None` where there is no ledger to tell.
    builds: Option<Vec<Rebuild<'l>>>,
}

/// A build to do again.
struct Rebuild<'l> {
    record: &'l Record,
    /// What it rests on.
    platform: &'l EntryPlatform,
    /// What that clears; or why that is not known.
    clears: Result<Cleared, String>,
}

/// Lists the approved bases that a newer image has overtaken, and the builds that rest on them.
pub(super) async fn outdated(
    ctx: &Context,
    arguments: &BaseOutdatedArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.of.lock.as_deref());
    let lock = decide::read_lock(ctx, &path, &believed(ctx, &arguments.of, &policy)?)?;
    let recorded = recorded(ctx, arguments)?;
    let records = recorded.as_ref().map(|(_, records)| records.as_slice());
    let mut ages = Vec::new();
    for entry in lock.entries() {
        ages.push(age(ctx, &lock, entry, records).await);
    }
    // An approval that was overtaken and that nothing rests on is history.
    ages.retain(|age| match &age.newer {
        Some(Newer::Approved(_)) => age.builds.as_ref().is_none_or(|builds| !builds.is_empty()),
        Some(Newer::Served(_)) => true,
        None => age.untold.is_some(),
    });
    if let Some((ledger, _)) = &recorded {
        clear(ctx, arguments, ledger, &mut ages).await?;
    }
    let mut text = String::new();
    for line in ages.iter().flat_map(Age::lines) {
        // Writing to a string does not fail.
        writeln!(text, "{}", Printable(&line)).ok();
    }
    if ages.is_empty() {
        text.push_str("nothing rests on a base that is outdated\n");
    }
    let status = exit::worst_or(&exit::PASSED, ages.iter().map(Age::status));
    let bases: Vec<_> = ages.iter().map(Age::to_json).collect();
    let json = json!({ "version": 1, "lock": path, "exitStatus": status.code, "outdated": bases });
    let written = report::write_simple(&arguments.of.output, &text, &json);
    exit::settle(&ctx.ui, status, written)
}

/// Tells of each build what doing it again clears.
async fn clear(
    ctx: &Context,
    arguments: &BaseOutdatedArguments,
    ledger: &Ledger,
    ages: &mut [Age<'_>],
) -> Result<(), Error> {
    if !ages.iter().any(|age| age.newer.is_some() && age.builds.iter().any(|all| !all.is_empty())) {
        return Ok(());
    }
    let look = if arguments.scan { Look::Fetched } else { Look::Recorded };
    let index = known_index(ctx, &arguments.index).await?;
    let mut clearing = Clearing::new(ctx, ledger, index, look);
    for age in ages {
        let Some(newer) = &age.newer else { continue };
        for rebuild in age.builds.iter_mut().flatten() {
            let record = rebuild.record;
            rebuild.clears = match newer.of(age.entry, rebuild.platform, &record.platform) {
                Ok(newer) => clearing.of(record, rebuild.platform, &newer).await,
                Err(reason) => Err(reason),
            };
        }
    }
    Ok(())
}

/// The ledger, and the newest build of each name and platform that passed; `None` where there is none and nobody names one.
fn recorded(
    ctx: &Context,
    arguments: &BaseOutdatedArguments,
) -> Result<Option<(Ledger, Vec<Record>)>, Error> {
    let path = ctx.state_path(arguments.ledger.ledger.as_deref(), "ledger.sqlite")?;
    if !path.exists() && arguments.ledger.ledger.is_none() {
        ctx.ui.note(&format!(
            "there is no ledger at {path}: which builds rest on a base is not known"
        ));
        return Ok(None);
    }
    if !path.exists() {
        return Err(Error::usage(
            format!("there is no ledger at `{path}`"),
            "`plimsoll run` makes it; name another with `--ledger FILE`",
        ));
    }
    let ledger = Ledger::open(&path)?;
    // A build that somebody has taken out would not be missed below.
    ledger.verify_chain()?;
    let entries = ledger.latest_passed()?;
    let mut seen = BTreeSet::new();
    let records = entries.into_iter().map(|entry| entry.record);
    let newest =
        records.filter(|record| seen.insert((record.name.clone(), record.platform.clone())));
    let newest = newest.collect();
    Ok(Some((ledger, newest)))
}

async fn age<'l>(
    ctx: &Context,
    lock: &'l Lock,
    entry: &'l Entry,
    records: Option<&'l [Record]>,
) -> Age<'l> {
    let (newer, untold) = match served::overtaken(ctx, lock, entry) {
        Some(newer) => (Some(Newer::Approved(newer)), None),
        None => match served::ask(ctx, entry).await {
            Served::Moved(digest) => (Some(Newer::Served(digest)), None),
            Served::Untold(reason) => (None, Some(reason)),
            Served::Gone => (None, Some("it is gone from the registry".to_owned())),
            // Another image may have its tag; a digest is what it is.
            Served::NotAsked if entry.tag.is_some() => {
                (None, Some("no registry was asked".to_owned()))
            }
            Served::Same | Served::NotAsked => (None, None),
        },
    };
    let names: Vec<_> = entry
        .platforms
        .iter()
        .map(|platform| (decide::base_name(entry, platform), platform))
        .collect();
    let rests = |record: &'l Record| {
        let base = record.base.as_ref()?;
        let (_, platform) = names.iter().find(|(name, _)| name == base)?;
        Some(Rebuild { record, platform, clears: Err("nobody has looked".to_owned()) })
    };
    let builds = records.map(|records| records.iter().filter_map(rests).collect());
    Age { entry, newer, untold, builds }
}

impl<'l> Newer<'l> {
    /// The newer image for the platform of a build; or why it is not known which that is.
    fn of(
        &self,
        entry: &'l Entry,
        base: &EntryPlatform,
        platform: &str,
    ) -> Result<clears::Newer<'l>, String> {
        let (repository, index) = (&entry.repository, None);
        match self {
            Self::Approved(newer) => {
                let same = |other: &&EntryPlatform| other.platform == base.platform;
                let found = newer
                    .platforms
                    .iter()
                    .find(same)
                    .ok_or_else(|| format!("the newer base is not approved for {platform}"))?;
                let (digest, index) = (found.manifest, newer.index);
                Ok(clears::Newer { repository, digest, index, diff_ids: Some(&found.diff_ids) })
            }
            Self::Served(digest) => {
                Ok(clears::Newer { repository, digest: *digest, index, diff_ids: None })
            }
        }
    }
}

impl Rebuild<'_> {
    fn lines(&self) -> Vec<String> {
        let record = self.record;
        let named =
            format!("  rebuild {}@{} ({})", record.name, record.digest.short(), record.platform);
        let mut lines = vec![named];
        match &self.clears {
            Ok(cleared) => {
                lines.extend(cleared.lines().into_iter().map(|line| format!("    {line}")));
            }
            Err(reason) => lines.push(format!("    what that clears is not known: {reason}")),
        }
        lines
    }

    fn to_json(&self) -> Value {
        let record = self.record;
        json!({
            "name": record.name, "digest": record.digest, "platform": record.platform, "at": record.at,
            "promotedTo": record.promoted_to, "clears": self.clears.as_ref().ok().map(Cleared::to_json),
            "clearsUntold": self.clears.as_ref().err(),
        })
    }
}

impl Age<'_> {
    fn status(&self) -> &'static ExitStatus {
        match (&self.newer, &self.builds) {
            (Some(Newer::Served(_)), _) | (Some(Newer::Approved(_)), Some(_)) => &exit::BLOCKED,
            // It is history, unless a build rests on it.
            (Some(Newer::Approved(_)), None) | (None, _) => &exit::UNDECIDED,
        }
    }

    fn lines(&self) -> Vec<String> {
        let name = self.entry.name();
        let first = match (&self.newer, &self.untold) {
            (Some(Newer::Approved(newer)), _) => {
                let digest = newer.digest().map(|digest| digest.to_string()).unwrap_or_default();
                format!(
                    "{name} of {} is outdated: {digest} was approved on {}",
                    self.entry.approved, newer.approved
                )
            }
            (Some(Newer::Served(digest)), _) => format!(
                "{name} of {} is outdated: the registry serves {digest}, which is not approved yet",
                self.entry.approved
            ),
            (None, untold) => {
                let reason = untold.as_deref().unwrap_or_default();
                format!("whether there is a newer {name} can not be told: {reason}")
            }
        };
        let mut lines = vec![first];
        match (&self.newer, &self.builds) {
            (None, _) => {}
            (Some(_), None) => lines.push("  which builds rest on it is not known".to_owned()),
            (Some(_), Some(builds)) => lines.extend(builds.iter().flat_map(Rebuild::lines)),
        }
        let later = self.later();
        if !later.is_empty() {
            let (later, date) = (later.join(", "), official::DATE);
            lines.push(format!("  later releases of it are built, as of {date}: {later}"));
        }
        lines
    }

    /// The newest releases of the same image that are later than this one.
    fn later(&self) -> Vec<&'static str> {
        let Some(tag) = &self.entry.tag else { return Vec::new() };
        let mut later = official::later(&self.entry.repository, tag.as_str());
        later.split_off(later.len().saturating_sub(RELEASES))
    }

    fn to_json(&self) -> Value {
        let newer = match &self.newer {
            Some(Newer::Approved(newer)) => {
                json!({ "digest": newer.digest(), "approved": newer.approved.to_string() })
            }
            Some(Newer::Served(digest)) => json!({ "digest": digest, "approved": null }),
            None => Value::Null,
        };
        // Without a ledger it is `null`: none is an answer.
        let builds: Option<Vec<_>> =
            self.builds.as_ref().map(|builds| builds.iter().map(Rebuild::to_json).collect());
        json!({
            "name": self.entry.name(), "digest": self.entry.digest(), "newer": newer, "untold": self.untold,
            "rebuild": builds, "laterReleases": self.later(),
        })
    }
}
