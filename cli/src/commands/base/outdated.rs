//! `plimsoll base outdated`.

use super::{believed, lock_path, served};
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
use plimsoll_policy::bases::{Entry, Lock};
use serde_json::{Value, json};
use served::Served;
use std::{collections::BTreeSet, fmt::Write as _};

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
    builds: Option<Vec<&'l Record>>,
}

/// Lists the approved bases that a newer image has overtaken, and the builds that rest on them.
pub(super) async fn outdated(
    ctx: &Context,
    arguments: &BaseOutdatedArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.of.lock.as_deref());
    let lock = decide::read_lock(ctx, &path, &believed(ctx, &arguments.of, &policy)?)?;
    let records = records(ctx, arguments)?;
    let mut ages = Vec::new();
    for entry in lock.entries() {
        ages.push(age(ctx, &lock, entry, records.as_deref()).await);
    }
    // An approval that was overtaken and that nothing rests on is history.
    ages.retain(|age| match &age.newer {
        Some(Newer::Approved(_)) => age.builds.as_ref().is_none_or(|builds| !builds.is_empty()),
        Some(Newer::Served(_)) => true,
        None => age.untold.is_some(),
    });
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

/// The newest build of each name and platform that passed; `None` where there is no ledger and nobody names one.
fn records(ctx: &Context, arguments: &BaseOutdatedArguments) -> Result<Option<Vec<Record>>, Error> {
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
    Ok(Some(newest.collect()))
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
    let names: Vec<_> =
        entry.platforms.iter().map(|platform| decide::base_name(entry, platform)).collect();
    let rests = |record: &&Record| record.base.as_ref().is_some_and(|base| names.contains(base));
    let builds = records.map(|records| records.iter().filter(rests).collect());
    Age { entry, newer, untold, builds }
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
            (Some(_), Some(builds)) => lines.extend(builds.iter().map(|record| {
                format!("  rebuild {}@{} ({})", record.name, record.digest.short(), record.platform)
            })),
        }
        lines
    }

    fn to_json(&self) -> Value {
        let newer = match &self.newer {
            Some(Newer::Approved(newer)) => {
                json!({ "digest": newer.digest(), "approved": newer.approved.to_string() })
            }
            Some(Newer::Served(digest)) => json!({ "digest": digest, "approved": null }),
            None => Value::Null,
        };
        let build = |record: &&Record| {
            json!({
                "name": record.name, "digest": record.digest, "platform": record.platform, "at": record.at,
                "promotedTo": record.promoted_to,
            })
        };
        // Without a ledger it is `null`: none is an answer.
        let builds: Option<Vec<_>> =
            self.builds.as_ref().map(|builds| builds.iter().map(build).collect());
        json!({
            "name": self.entry.name(), "digest": self.entry.digest(), "newer": newer, "untold": self.untold,
            "rebuild": builds,
        })
    }
}
