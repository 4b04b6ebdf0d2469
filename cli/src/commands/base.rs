//! `plimsoll base`.

mod approve;
mod clears;
mod outdated;
mod served;
mod verify;

use crate::{
    args::{BaseCommand, BaseLockArguments, IndexArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::{decide, index, keys, record, trust},
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{civil::Date, tz::TimeZone};
use plimsoll_attest::PublicKey;
use plimsoll_policy::{Policy, bases::Entry};
use plimsoll_vuln::Index;
use serde_json::{Value, json};
use std::{fmt::Write as _, sync::Arc};

/// The lock of approved base images.
pub(crate) async fn base(
    ctx: &Context,
    command: &BaseCommand,
) -> Result<&'static ExitStatus, Error> {
    match command {
        BaseCommand::Approve(arguments) => approve::approve(ctx, arguments).await,
        BaseCommand::List(arguments) => list(ctx, arguments),
        BaseCommand::Verify(arguments) => verify::verify(ctx, arguments).await,
        BaseCommand::Outdated(arguments) => outdated::outdated(ctx, arguments).await,
    }
}

fn list(ctx: &Context, arguments: &BaseLockArguments) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.lock.as_deref());
    let lock = decide::read_lock(ctx, &path, &believed(ctx, arguments, &policy)?)?;
    let today = today(ctx);
    let mut text = String::new();
    for entry in lock.entries() {
        let state = if entry.expires < today { "expired" } else { "approved" };
        let platforms: Vec<_> =
            entry.platforms.iter().map(|platform| platform.platform.to_string()).collect();
        let line = format!(
            "{state} until {} {} {} by {}",
            entry.expires,
            entry.name(),
            platforms.join(","),
            entry.approver
        );
        // Writing to a string does not fail.
        writeln!(text, "{}", plimsoll_model::Printable(&line)).ok();
    }
    if text.is_empty() {
        text.push_str("no base image is approved\n");
    }
    let entries: Vec<_> = lock.entries().iter().map(|entry| as_json(entry, today)).collect();
    let json = json!({ "version": 1, "lock": path, "entries": entries });
    report::write_simple(&arguments.output, &text, &json)?;
    Ok(&exit::PASSED)
}

fn as_json(entry: &Entry, today: Date) -> Value {
    let platforms = entry.platforms.iter().map(|platform| {
        json!({
            "platform": platform.platform.to_string(), "manifest": platform.manifest, "config": platform.config,
            "diffIds": platform.diff_ids, "user": platform.user, "onBuild": platform.on_build,
            "labels": platform.labels,
        })
    });
    let signature = entry.signature.as_ref();
    let scan = entry.scan.as_ref();
    json!({
        "name": entry.name(), "index": entry.index, "approver": entry.approver,
        "approved": entry.approved.to_string(), "expires": entry.expires.to_string(), "expired": entry.expires < today,
        "osRelease": entry.os_release, "verified": entry.verified, "replaces": entry.replaces,
        "signature": signature.map(|by| json!({
            "publisher": by.publisher.as_str(), "signer": by.signer, "source": by.source,
        })),
        "scan": scan.map(|scan| json!({
            "verdict": record::recorded_verdict(scan.verdict).as_str(), "on": scan.on.to_string(), "advisories": scan.advisories,
        })),
        "platforms": platforms.collect::<Vec<_>>(),
    })
}

fn believed(
    ctx: &Context,
    arguments: &BaseLockArguments,
    policy: &Policy,
) -> Result<Vec<PublicKey>, Error> {
    match (&arguments.keys[..], &policy.bases().key) {
        ([], Some(key)) => Ok(vec![keys::of_policy(ctx, policy, key)?]),
        ([], None) => trust::keys_of_policy(ctx, policy),
        (keys, _) => keys::public_keys(ctx, keys),
    }
}

fn lock_path(policy: &Policy, flag: Option<&Utf8Path>) -> Utf8PathBuf {
    match (flag, &policy.bases().lock) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) => Context::beside_policy(policy, path),
        (None, None) => "bases.lock".into(),
    }
}

/// The advisories that the flaws of a base are looked up in; `None` where nobody names any, and there are none.
async fn known_index(
    ctx: &Context,
    arguments: &IndexArguments,
) -> Result<Option<Arc<Index>>, Error> {
    let is_named = arguments.db.is_some() || !arguments.advisories.is_empty();
    if is_named || ctx.index_path(None)?.exists() {
        return index::open(ctx, arguments).await.map(Some);
    }
    Ok(None)
}

/// The day by UTC: approvals must not end earlier in one office than in another.
fn today(ctx: &Context) -> Date {
    ctx.now.to_zoned(TimeZone::UTC).date()
}
