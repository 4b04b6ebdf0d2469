//! The lock of approved base images.

mod lock_v1;
mod publishers;

pub use publishers::{Publisher, PublisherSigner, SignedOver, SignsFor, UnknownPublisher};

use crate::{Error, Verdict, record::text::shown};
use jiff::{Timestamp, civil};
use plimsoll_model::{
    Digest,
    platform::Platform,
    reference::{ImageName, Repository, Tag},
};
use std::collections::BTreeMap;

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
    /// Whose signature over it was verified; absent where there is none, or nobody demanded one.
    pub signature: Option<PublisherSignature>,
    /// What its flaws came to when it was approved; absent where nobody looked.
    pub scan: Option<BaseScan>,
    /// What the same name meant in the approval before this one.
    pub replaces: Option<Digest>,
}

/// A publisher's signature that was verified when an image was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherSignature {
    /// Who publishes it.
    pub publisher: Publisher,
    /// The key or the identity that signed.
    pub signer: String,
    /// The repository that it was signed for, as a URL, where a publisher signs for those of others.
    pub source: Option<String>,
}

/// What the flaws of a base image came to when it was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseScan {
    /// By the gate of the policy.
    pub verdict: Verdict,
    /// When.
    pub on: civil::Date,
    /// Digest of the index of advisories.
    pub advisories: Digest,
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
    /// What it lets run in the builds on it (`ONBUILD`): [the instructions alone](Self::triggers); absent where it was approved before that was written down.
    pub on_build: Option<Vec<String>>,
    /// Its [labels that say what it is](Self::labels_of); absent where it was approved before that was written down.
    pub labels: Option<BTreeMap<String, String>>,
}

/// Labels that say what an image is, and that are wrong of another image: those of the image specification, of Label Schema
/// before it, and of Red Hat's.
const LABELS: [&str; 29] = [
    "build-date",
    "com.redhat.component",
    "cpe",
    "description",
    "io.k8s.description",
    "io.k8s.display-name",
    "name",
    "org.label-schema.build-date",
    "org.label-schema.description",
    "org.label-schema.name",
    "org.label-schema.url",
    "org.label-schema.usage",
    "org.label-schema.vcs-ref",
    "org.label-schema.vcs-url",
    "org.label-schema.version",
    "org.opencontainers.image.created",
    "org.opencontainers.image.description",
    "org.opencontainers.image.documentation",
    "org.opencontainers.image.ref.name",
    "org.opencontainers.image.revision",
    "org.opencontainers.image.source",
    "org.opencontainers.image.title",
    "org.opencontainers.image.url",
    "org.opencontainers.image.version",
    "release",
    "summary",
    "url",
    "vcs-ref",
    "version",
];

/// What is taken for the base of an image whose layers were merged, so that they do not tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flattened {
    /// Nothing: it is not known.
    #[default]
    Unknown,
    /// What verified provenance says that it was built from, where all of it is approved.
    Attested,
}

impl EntryPlatform {
    /// What a lock keeps of the labels of an image: those that say what it is, each cut where it is long, and without what looks
    /// like a secret.
    pub fn labels_of(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let kept = labels.iter().filter(|(name, _)| LABELS.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), shown(value))).collect()
    }

    /// What a lock keeps of the triggers of an image: the instructions alone, as what they say may be secret.
    pub fn triggers(on_build: &[String]) -> Vec<String> {
        let word = |text: &String| {
            let word = text.split_whitespace().next().unwrap_or_default();
            let is_instruction =
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_instruction { word.to_owned() } else { "…".to_owned() }
        };
        on_build.iter().map(word).collect()
    }
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

    /// The digest that stands for it: of the index, else of its manifest.
    pub fn digest(&self) -> Option<Digest> {
        self.digests().next()
    }

    fn same_image(&self, other: &Self) -> bool {
        self.repository == other.repository
            && self.tag == other.tag
            && self.digest() == other.digest()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{digest, entry};

    fn lock() -> Lock {
        let mut lock = Lock::default();
        lock.add(entry("python:3", &["a", "b", "c"], "2026-12-31")).unwrap();
        lock.add(entry("debian:12", &["a", "b"], "2026-12-31")).unwrap();
        lock
    }

    #[test]
    fn of_triggers_a_lock_has_the_instructions_alone() {
        let triggers =
            ["ENV TOKEN=hunter2", " run\tcurl -u a:hunter2 x", "hunter2=", "", "COPY . ."];
        let triggers = EntryPlatform::triggers(&triggers.map(str::to_owned));
        assert_eq!(triggers, ["ENV", "run", "…", "…", "COPY"]);
    }

    #[test]
    fn text_and_back_and_the_same_bytes_in_any_order() {
        let bytes = lock().to_bytes();
        assert_eq!(Lock::parse(&bytes).unwrap(), lock());
        let mut other = Lock::default();
        other.add(entry("debian:12", &["a", "b"], "2026-12-31")).unwrap();
        other.add(entry("python:3", &["a", "b", "c"], "2026-12-31")).unwrap();
        assert_eq!(other.to_bytes(), bytes);
        assert!(String::from_utf8(bytes).unwrap().starts_with("{\n  \"version\": 1,"));
    }

    #[test]
    fn a_new_approval_replaces_the_one_before() {
        let mut lock = lock();
        lock.add(entry("debian:12", &["a", "b"], "2027-12-31")).unwrap();
        assert_eq!(lock.entries().len(), 2);
        assert_eq!(lock.entries()[0].expires.to_string(), "2027-12-31");
        let other =
            Entry { index: Some(digest("newer")), ..entry("debian:12", &["z"], "2027-12-31") };
        lock.add(other).unwrap();
        assert_eq!(lock.entries().len(), 3);
    }

    #[test]
    fn of_labels_a_lock_has_those_that_say_what_an_image_is_and_no_secret() {
        let token = "https://user:hunter2hunter2@corp.example/app";
        let long = "x".repeat(10_000);
        let labels = [("version", "12"), ("url", &*long), ("name", token), ("vendor", "Debian")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = EntryPlatform::labels_of(&labels.into());
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["name", "url", "version"]);
        assert_eq!(kept["version"], "12");
        assert!(kept["url"].len() < 5_000 && !kept["name"].contains("hunter2"), "{kept:?}");
    }

    fn full() -> Entry {
        let mut full = entry("debian:12", &["a", "b"], "2026-12-31");
        full.platforms[0].on_build = Some(vec!["RUN x".to_owned()]);
        full.platforms[0].labels = Some([("version".to_owned(), "12".to_owned())].into());
        let signer = "somebody".to_owned();
        let source = Some("https://github.com/acme/base".to_owned());
        let on = "2026-01-01".parse().unwrap();
        Entry {
            signature: Some(PublisherSignature {
                publisher: Publisher::Chainguard,
                signer,
                source,
            }),
            scan: Some(BaseScan { verdict: Verdict::Blocked, on, advisories: digest("index") }),
            replaces: Some(digest("before")),
            ..full
        }
    }

    #[test]
    fn everything_that_is_known_of_an_entry_is_read_back() {
        let mut lock = Lock::default();
        lock.add(full()).unwrap();
        let bytes = lock.to_bytes();
        assert_eq!(Lock::parse(&bytes).unwrap().entries(), [full()]);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("\"blocked\"", "\"fine\""),
            ("\"chainguard\"", "\"chain-guard\""),
            ("\"signer\"", "\"signed\""),
            ("\"advisories\"", "\"advisory\""),
            ("\"on\": \"2026-01-01\"", "\"on\": \"2026-13-01\""),
            ("\"replaces\": \"sha256:", "\"replaces\": \"sha1:"),
            ("\"on_build\": [", "\"on_build\": [1, "),
            ("\"version\": \"12\"", "\"version\": 12"),
        ] {
            assert!(text.contains(from), "{from}");
            let changed = text.replacen(from, to, 1);
            assert!(matches!(Lock::parse(changed.as_bytes()), Err(Error::Lock { .. })), "{from}");
        }
    }

    #[test]
    fn an_entry_of_before_is_read_and_says_nothing_that_nobody_looked_at() {
        let old = r#"{"version": 1, "bases": [{"name": "docker.io/library/debian", "tag": "12", "platforms": [{
            "platform": "linux/amd64", "manifest": "D", "config": "D", "diff_ids": ["D"]}],
            "approver": "a", "approved": "2026-01-01", "expires": "2026-12-31", "verified": "by hand"}]}"#;
        let old = old.replace("\"D\"", &format!("\"{}\"", digest("d")));
        let lock = Lock::parse(old.as_bytes()).unwrap();
        let entry = &lock.entries()[0];
        assert_eq!((&entry.signature, &entry.scan, entry.replaces), (&None, &None, None));
        assert_eq!((&entry.platforms[0].on_build, &entry.platforms[0].labels), (&None, &None));
        assert_eq!(Lock::parse(&lock.to_bytes()).unwrap(), lock);
    }

    #[test]
    fn what_would_approve_everything_is_refused() {
        let empty = entry("debian:12", &[], "2026-12-31");
        let without = Entry { platforms: vec![], ..empty.clone() };
        for (entry, what) in [(empty, "layers"), (without, "a platform")] {
            let error = Lock::default().add(entry).unwrap_err();
            assert!(matches!(error, Error::LockEntry { missing, .. } if missing == what));
        }
        let text = String::from_utf8(lock().to_bytes()).unwrap();
        let (before, rest) = text.split_once("\"diff_ids\": [").unwrap();
        let (_, after) = rest.split_once(']').unwrap();
        let emptied = format!("{before}\"diff_ids\": []{after}");
        assert!(matches!(Lock::parse(emptied.as_bytes()), Err(Error::LockEntry { .. })));
    }

    #[test]
    fn other_versions_unknown_fields_and_broken_json_are_refused() {
        let text = String::from_utf8(lock().to_bytes()).unwrap();
        let parse = |text: &str| Lock::parse(text.as_bytes());
        assert!(parse(&text).is_ok());
        let newer = text.replace("\"version\": 1", "\"version\": 2");
        assert!(matches!(parse(&newer), Err(Error::LockVersion { expected: 1, found: 2 })));
        for (from, to) in [
            ("\"approver\"", "\"aprover\""),
            ("sha256:", "sha512:"),
            ("2026-12-31", "2026-12-32"),
            ("docker.io/library/debian", "docker.io/Library/debian"),
            ("]", ""),
        ] {
            assert!(matches!(parse(&text.replace(from, to)), Err(Error::Lock { .. })), "{from}");
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        let lock = lock();
        let base = |layers: &[&str]| {
            let layers: Vec<_> = layers.iter().map(|layer| digest(layer)).collect();
            match_base(&lock, &layers).map(|(entry, _)| entry.name())
        };
        assert_eq!(base(&["a", "b", "x"]).as_deref(), Some("docker.io/library/debian:12"));
        assert_eq!(base(&["a", "b", "c"]).as_deref(), Some("docker.io/library/python:3"));
        assert_eq!(base(&["a"]), None);
        assert_eq!(base(&["b", "a"]), None);
    }
}
