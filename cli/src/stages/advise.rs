//! What was found → what to do about it.

use crate::{context::Context, error::Error};
use jiff::Timestamp;
use plimsoll_model::{Digest, Inventory, image::Image, scan::Scan};
use plimsoll_policy::bases::{Entry, Lock, match_base};
use plimsoll_vuln::{Index, advice::Advice};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What to do, also about the base image.
#[derive(Debug, Default)]
pub(crate) struct Advised {
    /// What to do about each package.
    pub advice: Advice,
    /// The base image, where it is known.
    pub base: Option<AdvisedBase>,
}

/// The base image that an image begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AdvisedBase {
    /// As it was approved.
    pub name: String,
    /// One of the same name that was approved later: by digest, with the day of its approval.
    pub newer: Option<String>,
}

/// What to do about everything that a scan has found.
pub(crate) async fn advise(
    ctx: &Context,
    (inventory, scan): (&Arc<Inventory>, &Arc<Scan>),
    index: &Arc<Index>,
    (bases, image): (Option<&Lock>, Option<&Image>),
) -> Result<Advised, Error> {
    let (inventory, scan, index) = (Arc::clone(inventory), Arc::clone(scan), Arc::clone(index));
    let advice = spawn_blocking(move || plimsoll_vuln::advise(&inventory, &scan, &index))
        .await
        .map_err(Error::Worker)?;
    let base = bases.zip(image).and_then(|(lock, image)| base(lock, &layers(image), ctx.now));
    Ok(Advised { advice, base })
}

fn layers(image: &Image) -> Vec<Digest> {
    image.layers.iter().map(|layer| layer.diff_id).collect()
}

fn base(lock: &Lock, diff_ids: &[Digest], now: Timestamp) -> Option<AdvisedBase> {
    let (entry, platform) = match_base(lock, diff_ids)?;
    let is_newer = |other: &&Entry| {
        other.repository == entry.repository
            && other.tag == entry.tag
            && other.approved > entry.approved
            && !other.is_expired(now)
            && other
                .platforms
                .iter()
                .any(|new| new.platform == platform.platform && new.diff_ids != platform.diff_ids)
    };
    let newest = lock.entries().iter().filter(is_newer).max_by_key(|other| other.approved);
    let newer = newest.and_then(|other| {
        let digest = other.digests().next()?;
        Some(format!("{}@{digest} (approved {})", other.name(), other.approved))
    });
    Some(AdvisedBase { name: entry.name(), newer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{platform::Platform, reference::ImageName};
    use plimsoll_policy::bases::EntryPlatform;

    fn entry(tag: &str, layers: &[&str], approved: &str, expires: &str) -> Entry {
        let name: ImageName = format!("debian:{tag}").parse().unwrap();
        Entry {
            repository: name.repository,
            tag: name.tag,
            index: Some(Digest::of(approved.as_bytes())),
            platforms: vec![EntryPlatform {
                platform: Platform::linux("amd64"),
                manifest: Digest::of(approved.as_bytes()),
                config: Digest::of(approved.as_bytes()),
                diff_ids: layers.iter().map(|layer| Digest::of(layer.as_bytes())).collect(),
                user: None,
                on_build: None,
                labels: None,
            }],
            os_release: None,
            approver: "a".to_owned(),
            approved: approved.parse().unwrap(),
            expires: expires.parse().unwrap(),
            verified: String::new(),
            signature: None,
            scan: None,
            replaces: None,
        }
    }

    fn newer(others: &[Entry]) -> Option<String> {
        let mut lock = Lock::default();
        lock.add(entry("12", &["a"], "2026-01-01", "2027-01-01")).unwrap();
        for other in others {
            lock.add(other.clone()).unwrap();
        }
        let diff_ids = [Digest::of(b"a"), Digest::of(b"own")];
        base(&lock, &diff_ids, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap().newer
    }

    #[test]
    fn a_later_approval_of_the_same_tag_is_newer_while_it_holds() {
        assert_eq!(newer(&[]), None);
        let good = entry("12", &["b"], "2026-05-01", "2027-01-01");
        let later = entry("12", &["c"], "2026-04-01", "2027-01-01");
        let digest = Digest::of(b"2026-05-01");
        assert_eq!(
            newer(&[later, good]),
            Some(format!("docker.io/library/debian:12@{digest} (approved 2026-05-01)"))
        );
        assert_eq!(newer(&[entry("12", &["b"], "2026-05-01", "2026-05-31")]), None);
        assert_eq!(newer(&[entry("13", &["b"], "2026-05-01", "2027-01-01")]), None);
        assert_eq!(newer(&[entry("12", &["b"], "2025-05-01", "2027-01-01")]), None);
    }
}
