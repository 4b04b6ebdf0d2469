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
    /// The builds that rest on it, each the newest of its name and platform.
    builds: Vec<&'l Record>,
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
        ages.push(age(ctx, &lock, entry, &records).await);
    }
    // An approval that was overtaken and that nothing rests on is history.
    ages.retain(|age| match &age.newer {
        Some(Newer::Approved(_)) => !age.builds.is_empty(),
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

/// The newest build of each name and platform that passed; none where there is no ledger and nobody names one.
fn records(ctx: &Context, arguments: &BaseOutdatedArguments) -> Result<Vec<Record>, Error> {
    let path = ctx.state_path(arguments.ledger.ledger.as_deref(), "ledger.sqlite")?;
    if !path.exists() && arguments.ledger.ledger.is_none() {
        ctx.ui.note(&format!(
            "there is no ledger at {path}: which builds rest on a base is not known"
        ));
        return Ok(Vec::new());
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
    Ok(records
        .filter(|record| seen.insert((record.name.clone(), record.platform.clone())))
        .collect())
}

async fn age<'l>(
    ctx: &Context,
    lock: &'l Lock,
    entry: &'l Entry,
    records: &'l [Record],
) -> Age<'l> {
    let (newer, untold) = match served::overtaken(ctx, lock, entry) {
        Some(newer) => (Some(Newer::Approved(newer)), None),
        None => match served::ask(ctx, entry).await {
            Served::Moved(digest) => (Some(Newer::Served(digest)), None),
            Served::Untold(reason) => (None, Some(reason)),
            Served::Gone => (None, Some("it is gone from the registry".to_owned())),
            Served::Same | Served::NotAsked => (None, None),
        },
    };
    let names: Vec<_> =
        entry.platforms.iter().map(|platform| decide::base_name(entry, platform)).collect();
    let rests = |record: &&Record| record.base.as_ref().is_some_and(|base| names.contains(base));
    Age { entry, newer, untold, builds: records.iter().filter(rests).collect() }
}

impl Age<'_> {
    fn status(&self) -> &'static ExitStatus {
        if self.newer.is_some() { &exit::BLOCKED } else { &exit::UNDECIDED }
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
        let builds = self.builds.iter().filter(|_| self.newer.is_some());
        let builds = builds.map(|record| {
            format!("  rebuild {}@{} ({})", record.name, record.digest.short(), record.platform)
        });
        std::iter::once(first).chain(builds).collect()
    }

    fn to_json(&self) -> Value {
        let newer = match &self.newer {
            Some(Newer::Approved(newer)) => {
                json!({ "digest": newer.digest(), "approved": newer.approved.to_string() })
            }
            Some(Newer::Served(digest)) => json!({ "digest": digest, "approved": null }),
            None => Value::Null,
        };
        let builds = self.builds.iter().map(|record| {
            json!({
                "name": record.name, "digest": record.digest, "platform": record.platform, "at": record.at,
                "promotedTo": record.promoted_to,
            })
        });
        json!({
            "name": self.entry.name(), "digest": self.entry.digest(), "newer": newer, "untold": self.untold,
            "rebuild": builds.collect::<Vec<_>>(),
        })
    }
}
