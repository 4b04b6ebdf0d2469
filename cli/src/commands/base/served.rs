//! What a registry serves today under the name of an approved base.

use crate::{context::Context, error::Error};
use plimsoll_model::{Digest, Reference, reference::ImageName};
use plimsoll_oci::Source;
use plimsoll_policy::bases::{Entry, Lock};
use serde_json::{Value, json};

/// What is served in the place of an approved base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    /// What was approved.
    Same,
    /// The tag stands for this now.
    Moved(Digest),
    /// What was approved is not there any more.
    Gone,
    /// It can not be told, for this reason. Not yet fit for a terminal.
    Untold(String),
    /// Nobody was asked.
    NotAsked,
}

impl Served {
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Same => json!({ "state": "same" }),
            Self::Moved(digest) => json!({ "state": "moved", "serves": digest }),
            Self::Gone => json!({ "state": "gone" }),
            Self::Untold(reason) => json!({ "state": "untold", "reason": reason }),
            Self::NotAsked => json!({ "state": "not-asked" }),
        }
    }
}

/// Asks the registry for the tag of an entry, and whether what was approved is still there.
///
/// Never fails: what keeps one entry from being looked at says nothing of the others.
pub(super) async fn ask(ctx: &Context, entry: &Entry) -> Served {
    if ctx.shared.offline {
        return Served::NotAsked;
    }
    look(ctx, entry).await.unwrap_or_else(|error| {
        if matches!(error, Error::Oci(plimsoll_oci::Error::NotFound { .. })) {
            Served::Gone
        } else {
            Served::Untold(error.chain())
        }
    })
}

async fn look(ctx: &Context, entry: &Entry) -> Result<Served, Error> {
    let approved: Vec<_> = entry.digests().collect();
    let name = |tag, digest| {
        Reference::Registry(ImageName { repository: entry.repository.clone(), tag, digest })
    };
    let Some(main) = entry.digest() else { return Err(Error::Internal("an entry has no digest")) };
    let pinned = name(None, Some(main));
    let source = Source::open(&pinned, ctx.access()?).await?;
    if let Some(tag) = &entry.tag {
        let served = source.resolve(&name(Some(tag.clone()), None)).await?.digest;
        if !approved.contains(&served) {
            return Ok(Served::Moved(served));
        }
    }
    for digest in &approved {
        source.manifest(digest).await?;
    }
    Ok(Served::Same)
}

/// The newest other approval of the same name that is later than this one and holds today. Approvals by digest alone have no name
/// in common: nothing says that one stands in another's place.
pub(super) fn overtaken<'l>(ctx: &Context, lock: &'l Lock, entry: &Entry) -> Option<&'l Entry> {
    let is_newer = |other: &&Entry| {
        other.repository == entry.repository
            && entry.tag.is_some()
            && other.tag == entry.tag
            && other.digest() != entry.digest()
            && (other.approved > entry.approved
                || (other.approved == entry.approved && other.replaces == entry.digest()))
            && !other.is_expired(ctx.now)
    };
    lock.entries().iter().filter(is_newer).max_by_key(|other| other.approved)
}
