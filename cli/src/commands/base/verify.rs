//! `plimsoll base verify`.

use super::{believed, lock_path, served};
use crate::{
    args::BaseLockArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::decide,
};
use plimsoll_model::Printable;
use plimsoll_policy::bases::Entry;
use serde_json::{Value, json};
use served::Served;
use std::fmt::Write as _;

/// How an entry of the lock stands today.
struct Standing<'l> {
    entry: &'l Entry,
    /// A later approval of the same name: then it does not matter where the tag has gone.
    overtaken: Option<&'l Entry>,
    is_expired: bool,
    served: Served,
}

/// Verifies the signature of the lock, and looks whether what it approves holds and is what the registries serve.
pub(super) async fn verify(
    ctx: &Context,
    arguments: &BaseLockArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let path = lock_path(&policy, arguments.lock.as_deref());
    let lock = decide::read_lock(ctx, &path, &believed(ctx, arguments, &policy)?)?;
    let mut standings = Vec::new();
    for entry in lock.entries() {
        let overtaken = served::overtaken(ctx, &lock, entry);
        let served = match overtaken {
            None => served::ask(ctx, entry).await,
            Some(_) => Served::NotAsked,
        };
        let is_expired = entry.is_expired(ctx.now);
        standings.push(Standing { entry, overtaken, is_expired, served });
    }
    let mut text = String::new();
    for standing in &standings {
        // Writing to a string does not fail.
        writeln!(text, "{}", Printable(&standing.line())).ok();
    }
    if standings.is_empty() {
        text.push_str("no base image is approved\n");
    }
    let status = exit::worst_or(&exit::PASSED, standings.iter().map(Standing::status));
    let entries: Vec<_> = standings.iter().map(Standing::to_json).collect();
    let json = json!({ "version": 1, "lock": path, "exitStatus": status.code, "entries": entries });
    let written = report::write_simple(&arguments.output, &text, &json);
    exit::settle(&ctx.ui, status, written)
}

impl Standing<'_> {
    fn status(&self) -> &'static ExitStatus {
        match (&self.served, self.is_expired) {
            _ if self.overtaken.is_some() => &exit::PASSED,
            (Served::Untold(_), _) => &exit::UNDECIDED,
            (Served::Moved(_) | Served::Gone, _) | (_, true) => &exit::BLOCKED,
            (Served::Same | Served::NotAsked, false) => &exit::PASSED,
        }
    }

    fn line(&self) -> String {
        let (name, expires) = (self.entry.name(), self.entry.expires);
        let mut line = match (self.overtaken, self.is_expired) {
            (Some(newer), _) => {
                format!("{name} overtaken by the approval of {}", newer.approved)
            }
            (None, true) => format!("{name} expired on {expires}"),
            (None, false) => format!("{name} approved until {expires}"),
        };
        match &self.served {
            Served::Same => line.push_str(", served as approved"),
            Served::Moved(to) => {
                line = format!("{line}, moved: the registry serves {to}");
            }
            Served::Gone => line.push_str(", gone from the registry"),
            Served::Untold(reason) => {
                line = format!("{line}, what is served can not be told: {reason}");
            }
            Served::NotAsked => {}
        }
        line
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.entry.name(), "digest": self.entry.digest(), "expires": self.entry.expires.to_string(),
            "expired": self.is_expired, "overtakenBy": self.overtaken.and_then(Entry::digest), "served": self.served.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Digest;
    use plimsoll_policy::bases::Lock;

    fn lock() -> Lock {
        let digest = Digest::of(b"base");
        let json = json!({ "version": 1, "bases": [{
            "name": "docker.io/library/debian", "tag": "12", "approver": "a", "approved": "2026-01-01", "expires": "2026-06-15",
            "verified": "", "platforms": [{
                "platform": "linux/amd64", "manifest": digest, "config": digest, "diff_ids": [digest],
            }],
        }]});
        Lock::parse(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_approval_that_does_not_hold_or_is_not_served_is_no_pass() {
        let lock = lock();
        let entry = &lock.entries()[0];
        let other = Digest::of(b"other");
        let code = |overtaken, is_expired, served: &Served| {
            Standing { entry, overtaken, is_expired, served: served.clone() }.status().code
        };
        for (served, alive, expired) in [
            (Served::Same, 0, 1),
            (Served::NotAsked, 0, 1),
            (Served::Moved(other), 1, 1),
            (Served::Gone, 1, 1),
            (Served::Untold("no answer".to_owned()), 3, 3),
        ] {
            assert_eq!(code(None, false, &served), alive, "{served:?}");
            assert_eq!(code(None, true, &served), expired, "{served:?}");
        }
        assert_eq!(code(Some(entry), true, &Served::NotAsked), 0);
    }

    #[test]
    fn what_has_changed_is_said() {
        let lock = lock();
        let entry = &lock.entries()[0];
        let served = Served::Moved(Digest::of(b"other"));
        let standing = Standing { entry, overtaken: None, is_expired: true, served };
        let line = format!(
            "docker.io/library/debian:12 expired on 2026-06-15, moved: the registry serves {}",
            Digest::of(b"other")
        );
        assert_eq!(standing.line(), line);
        assert_eq!(standing.to_json()["served"]["state"], "moved");
    }
}
