//! What a repository, a mirror or a neighbour may try.
#![cfg(feature = "testing")]

use super::*;
use crate::testing::{Fault, Role, Sigstore};
use plimsoll_model::{Class, Classify as _};
use sigstore_tuf::Error as Refusal;
use std::{sync::Arc, time::Duration};

const PATIENCE: Patience = Patience {
    budget: Duration::from_secs(20),
    attempt: Duration::from_secs(10),
    first_wait: Duration::from_millis(1),
};

/// For services that never answer.
const BRIEF: Patience = Patience { budget: Duration::from_millis(200), ..PATIENCE };

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2030-01-01T00:00:00Z")
}

/// A repository, and what is kept of it.
struct Bench {
    sigstore: Sigstore,
    repository: RootRepository,
    cache: RootCache,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let sigstore = Sigstore::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("cache/trust")).unwrap();
        let repository = RootRepository::private(&sigstore.url("/tuf"), sigstore.tuf_root());
        let (repository, cache) = (repository.unwrap(), RootCache::new(path));
        Self { sigstore, repository, cache, _folder: folder }
    }

    async fn update(&self) -> Result<(UpdatedRoot, Before), Error> {
        self.update_at(now()).await
    }

    async fn update_at(&self, now: Timestamp) -> Result<(UpdatedRoot, Before), Error> {
        self.update_with(&PATIENCE, now).await
    }

    async fn update_with(
        &self,
        patience: &Patience,
        now: Timestamp,
    ) -> Result<(UpdatedRoot, Before), Error> {
        let client = Client::builder().no_proxy().build().unwrap();
        self.cache.update(&self.repository, (&client, patience), now).await
    }

    fn read(&self) -> Result<Option<UpdatedRoot>, Error> {
        self.cache.read(&self.repository, now())
    }

    /// Fails unless an update is refused, and what was kept stays as it is.
    async fn refuses(&self) -> Refusal {
        let path = self.cache.path(&self.repository);
        let kept =
            || crate::files::read_text(&path, 1 << 24, "it").ok().map(|text| text.to_string());
        let before = kept();
        let error = self.update().await.unwrap_err();
        assert_eq!(error.class(), Class::Rejected, "{error:?}");
        assert_eq!(kept(), before);
        let Error::Root(RootError::Refused { place, source }) = error else { panic!("{error:?}") };
        assert_eq!(place, format!("`{}`", self.sigstore.url("/tuf/")));
        *source
    }

    fn kept(&self) -> serde_json::Value {
        let path = self.cache.path(&self.repository);
        serde_json::from_str(&crate::files::read_text(&path, 1 << 24, "it").unwrap()).unwrap()
    }

    fn keep(&self, kept: &serde_json::Value) {
        fs::write(self.cache.path(&self.repository), kept.to_string()).unwrap();
    }
}

/// The same root with another digest.
fn other(sigstore: &Sigstore) -> String {
    format!("{}\n", sigstore.trusted_root())
}

#[tokio::test]
async fn a_root_is_fetched_kept_and_read_again_without_a_network() {
    let bench = Bench::new().await;
    assert_eq!(bench.read().unwrap(), None);
    let (root, before) = bench.update().await.unwrap();
    let stamp = UpdateStamp {
        url: bench.sigstore.url("/tuf/"),
        version: 1,
        fetched: now(),
        expires: time("2045-01-01T00:00:00Z"),
    };
    assert_eq!((root.text.clone(), before), (bench.sigstore.trusted_root(), Before::Absent));
    assert_eq!(root.stamp, stamp);
    bench.sigstore.take_log();
    assert_eq!(bench.read().unwrap().as_ref(), Some(&root));
    let trusted = TrustRoot::private(Some(&bench.cache), &bench.repository, now()).unwrap();
    let name = bench.sigstore.url("/tuf/");
    let origin = Origin::Updated(stamp);
    assert_eq!(trusted.origins().collect::<Vec<_>>(), [(name.as_str(), &origin)]);
    assert_eq!(bench.sigstore.take_log(), []);
    // Nothing new: only that is asked.
    assert_eq!(bench.update().await.unwrap().1, Before::Same);
    let asked = bench.sigstore.take_log().into_iter().map(|seen| seen.path);
    assert_eq!(asked.collect::<Vec<_>>(), ["/tuf/2.root.json", "/tuf/timestamp.json"]);
    // New keys' names, and a new target.
    bench.sigstore.change_tuf(|tuf| {
        tuf.publish_root();
        tuf.set_target(&other(&bench.sigstore));
    });
    let (root, before) = bench.update().await.unwrap();
    assert_eq!((root.stamp.version, before), (2, Before::Other));
    assert_eq!(bench.read().unwrap(), Some(root));
}

#[tokio::test]
async fn a_root_may_be_delegated() {
    let bench = Bench::new().await;
    bench.sigstore.change_tuf(|tuf| {
        tuf.delegate("registry.acme.test");
        tuf.publish();
    });
    let (root, _) = bench.update().await.unwrap();
    assert_eq!(bench.read().unwrap(), Some(root));
}

#[tokio::test]
async fn what_is_updated_is_what_is_trusted_and_the_rest_is_built_in() {
    let bench = Bench::new().await;
    let current = TrustRoot::current(Some(&bench.cache), now()).unwrap();
    let built_in = [("sigstore.dev", &Origin::BuiltIn), ("GitHub", &Origin::BuiltIn)];
    assert_eq!(current.origins().collect::<Vec<_>>(), built_in);
    assert_eq!(current.digest(), TrustRoot::embedded().unwrap().digest());
    let error = TrustRoot::private(Some(&bench.cache), &bench.repository, now()).unwrap_err();
    assert!(matches!(error, Error::Root(RootError::NotFetched { .. })), "{error:?}");
    assert_eq!(error.class(), Class::Undecided);
    // One of the two was updated; its root of TUF is the test's.
    let mut public = RootRepository::public().unwrap();
    public[1].anchor = Cow::Owned(bench.sigstore.tuf_root());
    public[1].url = bench.repository.url.clone();
    bench.update().await.unwrap();
    let current = TrustRoot::updated(&bench.cache, &public, now()).unwrap();
    let [(public, Origin::BuiltIn), (github, Origin::Updated(stamp))] =
        current.origins().collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", current.origins().collect::<Vec<_>>());
    };
    assert_eq!((public, github, stamp.version), ("sigstore.dev", "GitHub", 1));
    // A public repository whose root of TUF is the test's.
    let [public, _] = RootRepository::public().unwrap();
    let anchor = Cow::Owned(bench.sigstore.tuf_root());
    let theirs = RootRepository { anchor, ..bench.repository.clone() };
    assert_ne!(bench.cache.path(&public), bench.cache.path(&theirs));
    fs::copy(bench.cache.path(&bench.repository), bench.cache.path(&public)).unwrap();
    // e10: what verifies from another root is no root of theirs.
    let today = time("2026-12-01T00:00:00Z");
    let error = TrustRoot::current(Some(&bench.cache), today).unwrap_err();
    assert!(matches!(error, Error::Root(RootError::Refused { .. })), "{error:?}");
}

#[tokio::test]
async fn the_public_roots_of_tuf_are_good_and_where_they_are_is_known() {
    let [sigstore, github] = RootRepository::public().unwrap();
    assert_eq!((sigstore.name(), github.name()), ("sigstore.dev", "GitHub"));
    assert_eq!(sigstore.url(), "https://tuf-repo-cdn.sigstore.dev/");
    assert_eq!(github.url(), "https://tuf-repo.github.com/");
    for repository in [sigstore, github] {
        updater(Kept::default(), &repository, &Kept::default()).unwrap();
    }
}

#[test]
fn a23_an_address_with_credentials_is_refused() {
    let private = |url| RootRepository::private(url, String::new());
    for url in [
        "https://user@tuf.test/",
        "https://user:password@tuf.test/",
        "https://tuf.test/?token=1",
        "ftp://tuf.test/",
        "file:///etc",
        "tuf.test",
    ] {
        let error = private(url).unwrap_err();
        let expect = "the address of the TUF repository";
        assert!(matches!(error, Error::Unusable { what, .. } if what == expect), "{url}");
        assert!(!error.to_string().contains("password"));
    }
    assert_eq!(private("https://tuf.test/mirror").unwrap().url(), "https://tuf.test/mirror/");
}

#[tokio::test]
async fn a21_what_is_older_than_what_was_kept_is_refused() {
    let bench = Bench::new().await;
    let old = bench.sigstore.change_tuf(|tuf| tuf.files().clone());
    bench.sigstore.change_tuf(|tuf| tuf.set_target(&other(&bench.sigstore)));
    let new = bench.sigstore.change_tuf(|tuf| tuf.files().clone());
    bench.update().await.unwrap();
    bench.sigstore.change_tuf(|tuf| tuf.set_files(old.clone()));
    let refusal = bench.refuses().await;
    let is_it =
        matches!(&refusal, Refusal::Rollback { role, trusted: 2, new: 1 } if role == "timestamp");
    assert!(is_it, "{refusal:?}");
    assert_eq!(bench.read().unwrap().unwrap().stamp.version, 2);
    // Also when what was kept has expired in the meantime.
    bench.sigstore.change_tuf(|tuf| {
        tuf.set_files(new);
        tuf.set_end(Role::Timestamp, "2030-01-02T00:00:00Z");
        tuf.publish();
    });
    bench.update().await.unwrap();
    bench.sigstore.change_tuf(|tuf| tuf.set_files(old));
    let error = bench.update_at(time("2030-02-01T00:00:00Z")).await.unwrap_err();
    let Error::Root(RootError::Refused { source, .. }) = error else { panic!("{error:?}") };
    assert!(matches!(*source, Refusal::Rollback { trusted: 3, new: 1, .. }), "{source:?}");
}

#[tokio::test]
async fn a21_f26_metadata_that_are_frozen_expire() {
    for (role, name) in [
        (Role::Timestamp, "timestamp"),
        (Role::Snapshot, "snapshot"),
        (Role::Targets, "targets"),
        (Role::Root, "root"),
    ] {
        let bench = Bench::new().await;
        bench.sigstore.change_tuf(|tuf| {
            tuf.set_end(role, "2030-01-08T00:00:00Z");
            if role == Role::Root {
                tuf.publish_root();
            }
            tuf.publish();
        });
        let (root, _) = bench.update().await.unwrap();
        assert_eq!(root.stamp.expires, time("2030-01-08T00:00:00Z"), "{name}");
        let later = time("2030-01-11T12:00:00Z");
        for error in [
            bench.cache.read(&bench.repository, later).unwrap_err(),
            bench.update_at(later).await.unwrap_err(),
        ] {
            let Error::Root(RootError::Expired { role, expires, days, .. }) = &error else {
                panic!("{name}: {error:?}")
            };
            assert_eq!((role.as_str(), *days), (name, 3));
            assert_eq!(*expires, time("2030-01-08T00:00:00Z"));
            assert_eq!(error.class(), Class::Undecided);
        }
        // It was good until then, and is good once there is something new.
        assert_eq!(bench.read().unwrap(), Some(root));
        bench.sigstore.change_tuf(|tuf| {
            tuf.set_end(role, "2031-01-01T00:00:00Z");
            if role == Role::Root {
                tuf.publish_root();
            }
            tuf.publish();
        });
        bench.update_at(later).await.unwrap();
    }
}

#[tokio::test]
async fn a21_parts_of_two_versions_do_not_fit_together() {
    let bench = Bench::new().await;
    let old = bench.sigstore.change_tuf(|tuf| tuf.files().clone());
    bench.update().await.unwrap();
    bench.sigstore.change_tuf(|tuf| tuf.set_target(&other(&bench.sigstore)));
    let new = bench.sigstore.change_tuf(|tuf| tuf.files().clone());
    for (name, older) in
        [("2.snapshot.json", "1.snapshot.json"), ("2.targets.json", "1.targets.json")]
    {
        let mut mixed = new.clone();
        mixed.insert(name.to_owned(), old[older].clone());
        bench.sigstore.change_tuf(|tuf| tuf.set_files(mixed));
        let refusal = bench.refuses().await;
        assert!(matches!(refusal, Refusal::IntegrityMismatch(_)), "{name}: {refusal:?}");
    }
    // The target of another version, under the new one's name.
    let mut mixed = new.clone();
    let targets: Vec<_> = new.keys().filter(|name| name.starts_with("targets/")).cloned().collect();
    for name in &targets {
        mixed.insert(name.clone(), b"{}".to_vec());
    }
    bench.sigstore.change_tuf(|tuf| tuf.set_files(mixed));
    let refusal = bench.refuses().await;
    assert!(matches!(refusal, Refusal::IntegrityMismatch(_)), "{refusal:?}");
    bench.sigstore.change_tuf(|tuf| tuf.set_files(new));
    bench.update().await.unwrap();
}

#[tokio::test]
async fn a21_what_too_few_have_signed_is_refused() {
    for (role, name) in [
        (Role::Root, "root"),
        (Role::Timestamp, "timestamp"),
        (Role::Snapshot, "snapshot"),
        (Role::Targets, "targets"),
        (Role::Delegate, "registry.acme.test"),
    ] {
        let bench = Bench::new().await;
        bench.sigstore.change_tuf(|tuf| {
            tuf.delegate("registry.acme.test");
            tuf.publish();
        });
        bench.update().await.unwrap();
        bench.sigstore.change_tuf(|tuf| {
            tuf.set_signer(role, Role::Stranger);
            tuf.publish_root();
            tuf.publish();
        });
        let refusal = bench.refuses().await;
        let is_it = matches!(
            &refusal,
            Refusal::ThresholdNotMet { role, found: 0, threshold: 1 } if role == name
        );
        assert!(is_it, "{name}: {refusal:?}");
    }
}

#[tokio::test]
async fn a21_who_signs_for_one_role_does_not_sign_for_another() {
    let bench = Bench::new().await;
    bench.sigstore.change_tuf(|tuf| {
        tuf.delegate("registry.acme.test");
        tuf.set_signer(Role::Targets, Role::Delegate);
        tuf.publish();
    });
    let refusal = bench.refuses().await;
    assert!(matches!(refusal, Refusal::ThresholdNotMet { found: 0, .. }), "{refusal:?}");
    assert_eq!(bench.read().unwrap(), None);
}

#[tokio::test]
async fn a22_names_that_lead_elsewhere_lead_nowhere() {
    for name in ["../../evil", "..", "/etc/passwd", "a/../../b", "C:\\evil", "%2e%2e%2fevil"] {
        let bench = Bench::new().await;
        bench.sigstore.change_tuf(|tuf| {
            tuf.delegate(name);
            tuf.publish();
        });
        let (root, _) = bench.update().await.unwrap();
        assert_eq!(bench.read().unwrap(), Some(root), "{name}");
        for seen in bench.sigstore.take_log() {
            assert!(seen.path.starts_with("/tuf/"), "{}", seen.path);
        }
        // The name is none of a file.
        let folder = bench.cache.folder.parent().unwrap().parent().unwrap();
        let top: Vec<_> = folder.read_dir_utf8().unwrap().map(|one| one.unwrap()).collect();
        assert_eq!(top.iter().map(camino::Utf8DirEntry::file_name).collect::<Vec<_>>(), ["cache"]);
        assert_eq!(bench.cache.folder.read_dir_utf8().unwrap().count(), 2);
    }
    // Reserved names are not delegated to.
    for name in ["root", "timestamp", "snapshot", "targets"] {
        let bench = Bench::new().await;
        bench.sigstore.change_tuf(|tuf| {
            tuf.delegate(name);
            tuf.publish();
        });
        bench.update().await.unwrap_err();
        assert_eq!(bench.read().unwrap(), None);
    }
    let bench = Bench::new().await;
    bench.sigstore.change_tuf(|tuf| {
        tuf.set_digest("../../oidc/x");
        tuf.publish();
    });
    let refusal = bench.refuses().await;
    let expect =
        "malformed metadata: `targets/../../oidc/x.trusted_root.json` leads out of the repository";
    assert_eq!(refusal.to_string(), expect);
}

#[tokio::test]
async fn f26_a_repository_that_is_away_is_no_answer() {
    let bench = Bench::new().await;
    bench.sigstore.misbehave(|_| Some(Fault::status(503)));
    let error = bench.update_with(&BRIEF, now()).await.unwrap_err();
    let Error::ServiceUnavailable { service, url, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*service, url), ("the TUF repository", &bench.sigstore.url("/tuf/2.root.json")));
    assert_eq!(error.class(), Class::Undecided);
    assert_eq!(bench.read().unwrap(), None);
    bench.sigstore.behave();
    let (root, _) = bench.update().await.unwrap();
    bench.sigstore.misbehave(|_| Some(Fault::Drop));
    bench.update_with(&BRIEF, now()).await.unwrap_err();
    assert_eq!(bench.read().unwrap(), Some(root));
    // What goes on and on is not read to its end.
    let body = vec![b' '; 2 << 20].into();
    let endless = Fault::Answer { status: 200, headers: Vec::new(), body };
    bench.sigstore.misbehave(move |_| Some(endless.clone()));
    let error = bench.update().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn e10_what_was_kept_is_verified_each_time() {
    let bench = Bench::new().await;
    let stranger = Bench::new().await;
    let (root, _) = bench.update().await.unwrap();
    stranger.update().await.unwrap();
    let (good, theirs) = (bench.kept(), stranger.kept());
    let mut poisoned = vec![theirs.clone()];
    for (name, _) in good["files"].as_object().unwrap() {
        // The root of TUF is the one that the repository has, whatever was kept of it.
        if name.contains("root.json") && !name.contains("trusted") {
            continue;
        }
        let mut without = good.clone();
        without["files"].as_object_mut().unwrap().shift_remove(name);
        let mut changed = good.clone();
        changed["files"][name] = theirs["files"][name].clone();
        let mut broken = good.clone();
        broken["files"][name] = "{".into();
        poisoned.extend([without, changed, broken]);
    }
    assert_eq!(poisoned.len(), 13);
    for kept in poisoned {
        bench.keep(&kept);
        let error = bench.read().unwrap_err();
        assert!(matches!(error, Error::Root(RootError::Refused { .. })), "{error:?} of {kept}");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("`plimsoll trust update` replaces what was kept"), "{hint}");
        assert_eq!(bench.update().await.unwrap(), (root.clone(), Before::Refused));
        assert_eq!(bench.read().unwrap(), Some(root.clone()));
    }
    for text in ["", "{}", "[]", r#"{"version":"2","fetched":0,"files":{}}"#] {
        fs::write(bench.cache.path(&bench.repository), text).unwrap();
        assert!(matches!(bench.read(), Err(Error::Malformed { .. })), "{text}");
        assert_eq!(bench.update().await.unwrap().1, Before::Refused);
    }
}

#[tokio::test]
async fn what_is_no_trusted_root_does_not_take_the_place_of_one() {
    let bench = Bench::new().await;
    let (root, _) = bench.update().await.unwrap();
    bench.sigstore.change_tuf(|tuf| tuf.set_target("{}"));
    let error = bench.update().await.unwrap_err();
    assert!(matches!(error, Error::Root(RootError::Unusable { .. })), "{error:?}");
    assert_eq!(bench.read().unwrap(), Some(root));
}

#[tokio::test(flavor = "multi_thread")]
async fn f30_many_update_and_read_at_once() {
    let bench = Arc::new(Bench::new().await);
    bench.update().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                for _ in 0..4 {
                    if number % 2 == 0 {
                        bench.sigstore.change_tuf(super::super::testing::Tuf::publish);
                        bench.update().await.unwrap();
                    }
                    assert!(bench.read().unwrap().is_some());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (root, _) = bench.update().await.unwrap();
    assert_eq!(root.stamp.version, 17);
}
