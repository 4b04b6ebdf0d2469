//! Trusted roots that are kept up to date by TUF: <https://theupdateframework.github.io/specification/v1.0.33/>.
//!
//! What is fetched, and what was kept of it, is believed only as far as it is verified from a root that came with the program
//! or from the user; the workflow is that of `sigstore-tuf`. One file holds all that was kept of one repository, and is
//! replaced at once: who reads it sees one state of the repository, whoever updates it meanwhile.

mod kept;
mod mirror;

use crate::{
    Error, RootError, TrustRoot,
    signers::keyless::Patience,
    trust_root::{Document, EMBEDDED, Origin},
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use kept::Kept;
use mirror::Mirror;
use plimsoll_model::Digest;
use reqwest::Client;
use sigstore_tuf::{Repository, Updater, UpdaterConfig};
use std::{
    borrow::Cow,
    fs::{self, File, TryLockError},
    future::Future,
    io::ErrorKind,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use url::Url;

/// The target that holds the trusted root of an instance.
const TARGET: &str = "trusted_root.json";
/// Where those of the public are: in the order of [`EMBEDDED`], each with the root of TUF that it is verified from.
const PUBLIC: [(&str, &str); 2] = [
    ("https://tuf-repo-cdn.sigstore.dev/", include_str!("../tuf/sigstore.json")),
    ("https://tuf-repo.github.com/", include_str!("../tuf/github.json")),
];
/// The largest metadata or root that is read, in bytes (1 MiB): those of the public have a tenth of it at most.
const LARGEST: u64 = 1 << 20;
/// The most roles that are looked through for the trusted root.
const MOST_DELEGATIONS: u32 = 8;
/// How long to wait before another update is asked again whether it is done.
const PAUSE: Duration = Duration::from_millis(50);

/// A TUF repository that publishes the trusted root of a Sigstore instance.
#[derive(Debug, Clone)]
pub struct RootRepository {
    /// What its instance is called.
    name: String,
    url: Url,
    /// The root of TUF that everything is verified from.
    anchor: Cow<'static, str>,
}

/// Where updated roots are kept, one file for each repository.
#[derive(Debug, Clone)]
pub struct RootCache {
    folder: Utf8PathBuf,
}

/// A trusted root that was verified by TUF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatedRoot {
    /// JSON of a `TrustedRoot`.
    text: String,
    /// Where it is from, and how long it holds.
    pub stamp: UpdateStamp,
}

/// What is known of an updated root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateStamp {
    /// Address of the repository.
    pub url: String,
    /// Version of its targets.
    pub version: u64,
    /// When it was fetched. The file says so, and nobody has signed it: nothing is judged by it.
    pub fetched: Timestamp,
    /// Until when it is believed: the earliest end of all metadata that lead to it.
    pub expires: Timestamp,
}

/// What was kept before an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Absent,
    /// The same root.
    Same,
    /// Another root.
    Other,
    /// Something that did not verify; it was not used, and is gone.
    Refused,
}

impl RootRepository {
    /// Those of Sigstore's public instance, and of GitHub's for private repositories.
    pub fn public() -> Result<[Self; 2], Error> {
        let [sigstore, github] = PUBLIC;
        let of = |(name, _): (&str, &str), (url, anchor): (&str, &'static str)| {
            let url = url.parse().map_err(|source| unusable(Box::new(source)))?;
            Ok::<Self, Error>(Self { name: name.to_owned(), url, anchor: Cow::Borrowed(anchor) })
        };
        let [first, second] = EMBEDDED;
        Ok([of(first, sigstore)?, of(second, github)?])
    }

    /// That of a private instance, with the root of TUF (`root.json`) that its operator gave out.
    ///
    /// [`Error::Unusable`] where the address is none of HTTP or holds a password: nobody is shown credentials here.
    pub fn private(url: &str, anchor: String) -> Result<Self, Error> {
        let mut base: Url = url.parse().map_err(|source| unusable(Box::new(source)))?;
        let is_plain = base.username().is_empty() && base.password().is_none();
        if !is_plain || base.query().is_some() || !["http", "https"].contains(&base.scheme()) {
            return Err(unusable(Box::new(NoAddress)));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.set_fragment(None);
        Ok(Self { name: base.to_string(), url: base, anchor: Cow::Owned(anchor) })
    }

    /// What its instance is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its trusted root came with the program, too.
    pub const fn is_built_in(&self) -> bool {
        matches!(self.anchor, Cow::Borrowed(_))
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The name of its file. Another root to begin with is another repository.
    fn file_name(&self) -> String {
        match &self.anchor {
            Cow::Borrowed(_) => format!("{}.json", self.name.to_lowercase()),
            Cow::Owned(anchor) => {
                let digest = Digest::of(format!("{}\n{anchor}", self.url).as_bytes());
                format!("private-{}.json", digest.hex())
            }
        }
    }
}

impl RootCache {
    /// In this folder, which is made when something is to be kept.
    pub const fn new(folder: Utf8PathBuf) -> Self {
        Self { folder }
    }

    /// Where the root of a repository is kept.
    pub fn path(&self, repository: &RootRepository) -> Utf8PathBuf {
        self.folder.join(repository.file_name())
    }

    /// What was kept of a repository, verified anew; nothing where it was never updated. No socket is opened.
    ///
    /// [`RootError::Expired`] where it is too old to be believed, [`RootError::Refused`] where it does not verify.
    pub fn read(
        &self,
        repository: &RootRepository,
        now: Timestamp,
    ) -> Result<Option<UpdatedRoot>, Error> {
        let path = self.path(repository);
        Kept::read(&path)?.map(|kept| verify_kept(repository, &kept, &path, now)).transpose()
    }

    /// Fetches what is new, and keeps it. What is older than what was kept before is refused; where anything fails, what was
    /// kept stays as it is. Of two updates at once the second one waits.
    pub async fn update(
        &self,
        repository: &RootRepository,
        (client, patience): (&Client, &Patience),
        now: Timestamp,
    ) -> Result<(UpdatedRoot, Before), Error> {
        let path = self.path(repository);
        // 1. Nobody else updates it until this is done.
        let held = self.hold(&path).await?;
        // 2. What was kept: nothing older counts from here on, expired or not.
        let (kept, before) = read_before(repository, &path, now)?;
        // 3. What is there now, verified.
        let mirror = Mirror::new(client.clone(), repository.url.clone(), *patience);
        let kept = kept.fetched_at(now);
        let refused = |source| refused(repository, &format!("`{}`", repository.url), source, now);
        let updater = updater(mirror, repository, &kept).map_err(refused)?;
        let root = follow(updater, repository, &kept, now).await.map_err(refused)?;
        // 4. It can be used.
        TrustRoot::of(&[root.document(&repository.name)])?;
        // 5. It takes the place of what was there, at once.
        kept.write(&path)?;
        drop(held);
        let before = match before {
            Some(Ok(text)) if text == root.text => Before::Same,
            Some(Ok(_)) => Before::Other,
            Some(Err(NotVerified)) => Before::Refused,
            None => Before::Absent,
        };
        Ok((root, before))
    }

    /// Waits until no other update works on this file.
    async fn hold(&self, path: &Utf8Path) -> Result<File, Error> {
        let path = path.with_extension("lock");
        let failed = |source| Error::WriteFile { path: path.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(failed)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                // Where files can not be locked, replacing them at once has to do.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

impl UpdatedRoot {
    /// The same, to be read as a trusted root.
    pub(crate) fn document<'a>(&'a self, name: &'a str) -> Document<'a> {
        Document { name, text: &self.text, origin: Origin::Updated(self.stamp.clone()) }
    }
}

impl TrustRoot {
    /// Sigstore's public instance, and the one of GitHub for private repositories: each as it was updated, where it was, else as
    /// it is built in.
    ///
    /// One that was updated and has expired since is an error: what is built in is older still.
    pub fn current(cache: Option<&RootCache>, now: Timestamp) -> Result<Self, Error> {
        match cache {
            Some(cache) => Self::updated(cache, &RootRepository::public()?, now),
            None => Self::embedded(),
        }
    }

    fn updated(
        cache: &RootCache,
        repositories: &[RootRepository; 2],
        now: Timestamp,
    ) -> Result<Self, Error> {
        let read = |repository| cache.read(repository, now);
        let updated = repositories.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let documents = updated.iter().zip(EMBEDDED).map(|(updated, (name, text))| match updated {
            Some(updated) => updated.document(name),
            None => Document { name, text, origin: Origin::BuiltIn },
        });
        Self::of(&documents.collect::<Vec<_>>())
    }

    /// A private instance, as it was updated.
    ///
    /// [`RootError::NotFetched`] where it never was: nothing stands in for it.
    pub fn private(
        cache: Option<&RootCache>,
        repository: &RootRepository,
        now: Timestamp,
    ) -> Result<Self, Error> {
        match cache.map(|cache| cache.read(repository, now)).transpose()?.flatten() {
            Some(updated) => Self::of(&[updated.document(&repository.name)]),
            None => Err(RootError::NotFetched { url: repository.url.to_string() }.into()),
        }
    }
}

/// What was kept before did not verify.
struct NotVerified;

/// What was kept, and its root. What does not verify counts as nothing, but for being too old.
fn read_before(
    repository: &RootRepository,
    path: &Utf8Path,
    now: Timestamp,
) -> Result<(Kept, Option<Result<String, NotVerified>>), Error> {
    let kept = match Kept::read(path) {
        Ok(Some(kept)) => kept,
        Ok(None) => return Ok((Kept::default(), None)),
        Err(Error::Malformed { .. } | Error::TooLarge { .. }) => {
            return Ok((Kept::default(), Some(Err(NotVerified))));
        }
        Err(error) => return Err(error),
    };
    match verify_kept(repository, &kept, path, now) {
        Ok(root) => Ok((kept, Some(Ok(root.text)))),
        Err(Error::Root(RootError::Expired { .. })) => Ok((kept, Some(Ok(String::new())))),
        Err(_) => Ok((Kept::default(), Some(Err(NotVerified)))),
    }
}

/// Goes through what was kept as if it were fetched now.
fn verify_kept(
    repository: &RootRepository,
    kept: &Kept,
    path: &Utf8Path,
    now: Timestamp,
) -> Result<UpdatedRoot, Error> {
    // Verifying puts nothing into what is verified.
    let kept = kept.copy();
    let refused = |source| refused(repository, &format!("`{path}`"), source, now);
    let updater = updater(kept.clone(), repository, &kept).map_err(refused)?;
    at_once(follow(updater, repository, &kept, now))
        .unwrap_or_else(|| Err(sigstore_tuf::Error::transport("nothing is waited for")))
        .map_err(refused)
}

fn updater(
    from: impl Repository + 'static,
    repository: &RootRepository,
    kept: &Kept,
) -> Result<Updater, sigstore_tuf::Error> {
    let mut config = UpdaterConfig::default();
    config.snapshot_max_length = LARGEST;
    config.targets_max_length = LARGEST;
    config.target_max_length = LARGEST;
    config.max_delegations = MOST_DELEGATIONS;
    let updater = Updater::new(from, repository.anchor.as_bytes())?;
    Ok(updater.with_config(config).with_store(kept.clone()))
}

/// The workflow of a client, section 5 of the specification, up to the target.
async fn follow(
    mut updater: Updater,
    repository: &RootRepository,
    kept: &Kept,
    now: Timestamp,
) -> Result<UpdatedRoot, sigstore_tuf::Error> {
    updater.refresh(now).await?;
    let bytes = updater.get_target(TARGET, now).await?;
    let malformed = |what: &str| sigstore_tuf::Error::Malformed(what.to_owned());
    let text = String::from_utf8(bytes).ok().ok_or_else(|| malformed("it is no text"))?;
    let trusted = updater.trusted();
    let (Some(timestamp), Some(snapshot), Some(targets)) =
        (trusted.timestamp(), trusted.snapshot(), trusted.targets_role("targets"))
    else {
        return Err(sigstore_tuf::Error::NotRefreshed);
    };
    let ends = [trusted.root().expires, timestamp.expires, snapshot.expires, targets.expires];
    let stamp = UpdateStamp {
        url: repository.url.to_string(),
        version: targets.version,
        fetched: kept.fetched(),
        expires: ends.into_iter().min().unwrap_or(timestamp.expires),
    };
    Ok(UpdatedRoot { text, stamp })
}

/// The outcome of something that waits for nothing; none where it would have.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Why what is at this place is not believed.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are a refusal of what was read")]
fn refused(
    repository: &RootRepository,
    place: &str,
    source: sigstore_tuf::Error,
    now: Timestamp,
) -> Error {
    let place = place.to_owned();
    match source {
        sigstore_tuf::Error::Expired { role, expires } => RootError::Expired {
            name: repository.name.clone(),
            role: crate::text::excerpt(&role),
            expires,
            days: now.duration_since(expires).as_hours().div_euclid(24),
        }
        .into(),
        sigstore_tuf::Error::Transport { message, source: Some(source) } => {
            match source.downcast::<Error>() {
                Ok(own) => *own,
                Err(source) => RootError::Refused {
                    place,
                    source: Box::new(sigstore_tuf::Error::transport_with_source(message, source)),
                }
                .into(),
            }
        }
        source => RootError::Refused { place, source: Box::new(source) }.into(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected `https://` or `http://`, without user, password and query")]
struct NoAddress;

fn unusable(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Unusable { what: "the address of the TUF repository", source }
}

#[cfg(test)]
mod tests;
