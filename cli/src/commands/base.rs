//! `plimsoll base`.

use crate::{
    args::{BaseApproveArguments, BaseCommand, BaseListArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::{
        decide::{self, LOCK_TYPE},
        inventory, keys,
        resolve::{self, Resolved},
        trust,
    },
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use plimsoll_attest::PublicKey;
use plimsoll_model::{Inventory, Reference, reference::ImageName};
use plimsoll_policy::{
    Policy,
    bases::{Entry, EntryPlatform, Lock},
};
use serde_json::json;
use std::fmt::Write as _;

/// How long an approval holds where nobody says otherwise.
const APPROVAL_DAYS: i64 = 90;

/// The lock of approved base images.
pub(crate) async fn base(
    ctx: &Context,
    command: &BaseCommand,
) -> Result<&'static ExitStatus, Error> {
    match command {
        BaseCommand::Approve(arguments) => approve(ctx, arguments).await,
        BaseCommand::List(arguments) => list(ctx, arguments),
    }
}

async fn approve(
    ctx: &Context,
    arguments: &BaseApproveArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.lock.as_deref());
    let signer = keys::signer(ctx, &arguments.key)?;
    let mut lock = if path.exists() {
        decide::read_lock(ctx, &path, &[signer.public_key().clone()])?
    } else {
        Lock::default()
    };
    let name = approved_name(arguments)?;
    let today = today(ctx);
    let expires = match arguments.expires {
        Some(date) => date,
        None => today.saturating_add(APPROVAL_DAYS.days()),
    };
    if expires < today {
        return Err(Error::usage(
            format!("the approval would end on {expires}, before today"),
            "give a later day",
        ));
    }
    let resolved = resolve::resolve_reference(ctx, &arguments.subject, None).await?;
    let cataloged = inventory::catalog(ctx, &resolved).await?;
    let entry = entry(arguments, &name, (&resolved, cataloged.inventory()), (today, expires));
    let said =
        format!("approved {name} ({}) until {expires} in {path}\n", resolved.subject().digest);
    lock.add(entry)?;
    let envelope = plimsoll_attest::sign_payload(LOCK_TYPE, &lock.to_bytes(), &signer)?;
    files::write(&path, &envelope.to_bytes())?;
    report::to_stdout(said.as_bytes())?;
    Ok(&exit::PASSED)
}

fn approved_name(arguments: &BaseApproveArguments) -> Result<ImageName, Error> {
    match (&arguments.alias, &arguments.subject) {
        (Some(name), _) | (None, Reference::Registry(name)) => Ok(name.clone()),
        _ => Err(Error::usage(
            format!(
                "`{}` is a file: builds name their base by registry and repository",
                arguments.subject
            ),
            "say which with `--as REGISTRY/REPOSITORY:TAG`",
        )),
    }
}

fn entry(
    arguments: &BaseApproveArguments,
    name: &ImageName,
    (resolved, inventory): (&Resolved, &Inventory),
    (approved, expires): (Date, Date),
) -> Entry {
    let image = resolved.image();
    let index = (image.pinned.digest != image.manifest).then_some(image.pinned.digest);
    let platform = EntryPlatform {
        platform: image.platform.clone(),
        manifest: image.manifest,
        config: image.config_digest,
        diff_ids: image.layers.iter().map(|layer| layer.diff_id).collect(),
        user: image.config.user.clone(),
    };
    Entry {
        repository: name.repository.clone(),
        tag: name.tag.clone(),
        index,
        platforms: vec![platform],
        os_release: inventory
            .distribution
            .as_ref()
            .and_then(|distribution| distribution.pretty_name.clone()),
        approver: arguments.approver.clone(),
        approved,
        expires,
        verified: "digests of manifest, configuration and layers".to_owned(),
    }
}

fn list(ctx: &Context, arguments: &BaseListArguments) -> Result<&'static ExitStatus, Error> {
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
    let json = json!({ "version": 1, "lock": path, "entries": lock.entries().iter().map(|entry| json!({
        "name": entry.name(), "index": entry.index, "approver": entry.approver,
        "approved": entry.approved.to_string(), "expires": entry.expires.to_string(), "expired": entry.expires < today,
        "platforms": entry.platforms.iter().map(|platform| json!({
            "platform": platform.platform.to_string(), "manifest": platform.manifest, "config": platform.config,
            "diffIds": platform.diff_ids, "user": platform.user,
        })).collect::<Vec<_>>(),
    })).collect::<Vec<_>>() });
    report::write_simple(&arguments.output, &text, &json)?;
    Ok(&exit::PASSED)
}

fn believed(
    ctx: &Context,
    arguments: &BaseListArguments,
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

/// The day by UTC: approvals must not end earlier in one office than in another.
fn today(ctx: &Context) -> Date {
    ctx.now.to_zoned(TimeZone::UTC).date()
}
