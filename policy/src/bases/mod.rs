//! The lock of approved base images.

mod lock_v1;

use crate::Error;
use jiff::{Timestamp, civil};
use plimsoll_model::{
    Digest,
    platform::Platform,
    reference::{ImageName, Repository, Tag},
};

/// The approved base images: made online, by looking at each, and used offline ever after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: Vec<Entry>,
}

/// One approved image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub repository: Repository,
    /// The tag that it was approved under.
    pub tag: Option<Tag>,
    /// The digest of the index, where it has several platforms.
    pub index: Option<Digest>,
    /// One for each platform that was looked at; never empty.
    pub platforms: Vec<EntryPlatform>,
    /// `PRETTY_NAME` of its distribution.
    pub os_release: Option<String>,
    /// Who approved it.
    pub approver: String,
    /// When.
    pub approved: civil::Date,
    /// The last day on which the approval holds (in UTC).
    pub expires: civil::Date,
    /// How its origin was verified, in words.
    pub verified: String,
}

/// One platform of an approved image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPlatform {
    /// Which.
    pub platform: Platform,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Digest of its configuration.
    pub config: Digest,
    /// Digests of its inflated layers, lowest first; never empty.
    pub diff_ids: Vec<Digest>,
    /// The user it runs as; absent means root.
    pub user: Option<String>,
}

impl Entry {
    /// `docker.io/library/debian:12`.
    pub fn name(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => self.repository.to_string(),
        }
    }

    /// Whether the last day of the approval is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        crate::exceptions::today(now) > self.expires
    }

    /// The digests that name it: of the index, and of each manifest.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        self.index.into_iter().chain(self.platforms.iter().map(|platform| platform.manifest))
    }

    /// Whether a reference means this image: by its digest where it has one, else by its tag.
    pub fn is_named_by(&self, name: &ImageName) -> bool {
        self.repository == name.repository
            && match (&name.digest, &name.tag) {
                (Some(digest), _) => self.digests().any(|own| own == *digest),
                (None, Some(tag)) => self.tag.as_ref() == Some(tag),
                (None, None) => self.tag.as_ref().is_some_and(|tag| tag.as_str() == "latest"),
            }
    }

    /// The user it runs as, where every platform agrees; `Some(None)` means root.
    pub fn user(&self) -> Option<Option<&str>> {
        let mut users = self.platforms.iter().map(|platform| platform.user.as_deref());
        let first = users.next()?;
        users.all(|user| user == first).then_some(first)
    }

    fn same_image(&self, other: &Self) -> bool {
        let main = |entry: &Self| entry.digests().next();
        self.repository == other.repository && self.tag == other.tag && main(self) == main(other)
    }
}

impl Lock {
    /// The lock in `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        lock_v1::read(bytes)
    }

    /// The lock as JSON: the same lock, the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        lock_v1::write(self)
    }

    /// The entries, by name and digest.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds an entry in place of one of the same name and digest.
    ///
    /// # Errors
    /// [`Error::LockEntry`] when the entry has no platform, or a platform no layers: it would approve everything.
    pub fn add(&mut self, entry: Entry) -> Result<(), Error> {
        let missing = if entry.platforms.is_empty() {
            Some("a platform")
        } else if entry.platforms.iter().any(|platform| platform.diff_ids.is_empty()) {
            Some("layers")
        } else {
            None
        };
        if let Some(missing) = missing {
            return Err(Error::LockEntry { name: entry.name(), missing });
        }
        self.entries.retain(|known| !known.same_image(&entry));
        self.entries.push(entry);
        self.entries.sort_by_cached_key(|entry| (entry.name(), entry.digests().next()));
        Ok(())
    }

    /// The entries that a reference names.
    pub fn named<'l>(&'l self, name: &'l ImageName) -> impl Iterator<Item = &'l Entry> {
        self.entries.iter().filter(move |entry| entry.is_named_by(name))
    }
}

/// The approved image whose layers are the lowest layers of an image, and which of its platforms.
///
/// The longest wins, since a `python` is a `debian` too; among equally long ones the one that is approved longest.
/// Nobody can forge this match: these are the digests of the bytes themselves.
pub fn match_base<'l>(
    lock: &'l Lock,
    diff_ids: &[Digest],
) -> Option<(&'l Entry, &'l EntryPlatform)> {
    lock.entries
        .iter()
        .flat_map(|entry| entry.platforms.iter().map(move |platform| (entry, platform)))
        .filter(|(_, platform)| diff_ids.starts_with(&platform.diff_ids))
        .max_by_key(|(entry, platform)| (platform.diff_ids.len(), entry.expires))
}
