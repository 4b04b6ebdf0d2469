//! What a build was made from, as its git repository and its lock files tell it.
//!
//! The repository is only read: no remote is spoken to, no hook and no filter program is run.

mod checkout;
mod lock_files;

pub use checkout::{Checkout, Committed};
pub use lock_files::lock_files;

use crate::Error;
use camino::Utf8Path;
use git2::{ErrorCode, Repository, StatusOptions};
use url::Url;

/// What is known of a checked-out source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFacts {
    /// Where others find the repository, without user, password and query; absent where it is on this machine alone.
    pub repository: Option<String>,
    /// The commit, in hexadecimal.
    pub commit: String,
    /// The branch (`refs/heads/main`); absent where none is checked out.
    pub reference: Option<String>,
    /// Whether what is in the working tree is what was committed.
    pub state: WorktreeState,
}

/// Whether a working tree is what was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorktreeState {
    /// It is; files that git is told to ignore do not count.
    Clean,
    /// Files were changed, added or deleted.
    Dirty,
    /// It could not be told.
    Unknown,
}

/// The source that `path` lies in; none where there is no repository, or no commit in it.
///
/// A repository of another user's is refused as git refuses it ([`Error::ForeignRepository`]), and for the same reason.
pub fn read(path: &Utf8Path) -> Result<Option<SourceFacts>, Error> {
    facts(path).map(Some).or_else(|error| {
        if matches!(error.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) {
            Ok(None)
        } else {
            Err(read_error(path, error))
        }
    })
}

fn read_error(path: &Utf8Path, error: git2::Error) -> Error {
    if error.code() == ErrorCode::Owner {
        Error::ForeignRepository { path: path.to_owned() }
    } else {
        Error::Git { path: path.to_owned(), source: error }
    }
}

fn facts(path: &Utf8Path) -> Result<SourceFacts, git2::Error> {
    let repository = nearest(path)?;
    let head = repository.head()?;
    let commit = head.peel_to_commit()?.id().to_string();
    // A detached head has no name but its own.
    let reference = head.name().ok().filter(|name| name.starts_with("refs/")).map(str::to_owned);
    Ok(SourceFacts {
        repository: origin(&repository),
        commit,
        reference,
        state: state(&repository),
    })
}

/// The repository whose working tree a path lies in. Not by git's own search: that takes a directory for a repository which
/// only looks like a bare one, and such a directory is nothing but files that anybody can commit.
fn nearest(path: &Utf8Path) -> Result<Repository, git2::Error> {
    let absolute = path.canonicalize_utf8().unwrap_or_else(|_absent| path.to_owned());
    match absolute.ancestors().find(|directory| is_checkout(directory)) {
        Some(root) => Repository::open(root.join(".git")),
        None => Err(git2::Error::new(
            ErrorCode::NotFound,
            git2::ErrorClass::Repository,
            "there is no repository",
        )),
    }
}

/// Whether a directory has a `.git`, the one name that git lets nobody commit.
fn is_checkout(directory: &Utf8Path) -> bool {
    directory.join(".git").symlink_metadata().is_ok()
}

/// The address of the remote `origin`, or of the only remote.
fn origin(repository: &Repository) -> Option<String> {
    let remotes = repository.remotes().ok()?;
    let mut names = remotes.iter().filter_map(|name| name.ok().flatten());
    let name = match (names.next()?, names.next()) {
        (only, None) => only,
        (_, Some(_)) => "origin",
    };
    public_address(repository.find_remote(name).ok()?.url().ok()?)
}

/// An address by which others find a repository, with nothing in it that is only for the one who wrote it.
fn public_address(address: &str) -> Option<String> {
    let mut url = if address.contains("://") {
        Url::parse(address).ok().filter(Url::has_host)?
    } else {
        of_ssh_address(address)?
    };
    if !matches!(url.scheme(), "https" | "http" | "ssh" | "git") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

/// `user@host:path`, as SSH has it.
fn of_ssh_address(address: &str) -> Option<Url> {
    let (host, path) = address.split_once(':')?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    // A slash before the colon makes it a path, one letter a drive, and a second colon a program to run.
    if host.contains('/') || host.len() < 2 || path.starts_with(':') {
        return None;
    }
    Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/'))).ok()
}

fn state(repository: &Repository) -> WorktreeState {
    if repository.is_bare() {
        return WorktreeState::Unknown;
    }
    let mut options = StatusOptions::new();
    options.include_untracked(true).include_ignored(false).include_unreadable(true);
    match repository.statuses(Some(&mut options)) {
        Ok(changed) if changed.is_empty() => WorktreeState::Clean,
        Ok(_) => WorktreeState::Dirty,
        Err(_) => WorktreeState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use git2::{RepositoryInitOptions, Signature};
    use std::fs;

    pub(super) fn repository(folder: &Utf8Path) -> Repository {
        let mut options = RepositoryInitOptions::new();
        Repository::init_opts(folder, options.initial_head("main")).unwrap()
    }

    pub(super) fn commit(repository: &Repository) -> String {
        let mut index = repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = Signature::new("a", "a@b", &git2::Time::new(0, 0)).unwrap();
        repository.commit(Some("HEAD"), &author, &author, "x", &tree, &[]).unwrap().to_string()
    }

    #[test]
    fn a_source_is_read_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        assert_eq!(read(folder).unwrap(), None, "no repository");
        let repository = repository(folder);
        assert_eq!(read(folder).unwrap(), None, "no commit");
        repository.remote("upstream", "/srv/git/app.git").unwrap();
        fs::create_dir(folder.join("src")).unwrap();
        fs::write(folder.join("src/main.rs"), "x").unwrap();
        fs::write(folder.join(".gitignore"), "target\n").unwrap();
        let commit = commit(&repository);
        let mut expect = SourceFacts {
            repository: None,
            commit: commit.clone(),
            reference: Some("refs/heads/main".to_owned()),
            state: WorktreeState::Clean,
        };
        assert_eq!(read(folder).unwrap().unwrap(), expect);

        repository.remote("origin", "https://bot:hunter2@github.com/acme/app.git").unwrap();
        expect.repository = Some("https://github.com/acme/app.git".to_owned());
        fs::write(folder.join("target"), "ignored").unwrap();
        assert_eq!(read(&folder.join("src")).unwrap().unwrap(), expect);

        fs::write(folder.join("new"), "untracked").unwrap();
        expect.state = WorktreeState::Dirty;
        assert_eq!(read(folder).unwrap().unwrap(), expect);
        fs::remove_file(folder.join("new")).unwrap();
        fs::write(folder.join("src/main.rs"), "y").unwrap();
        assert_eq!(read(folder).unwrap().unwrap(), expect);

        repository.set_head_detached(commit.parse().unwrap()).unwrap();
        expect.reference = None;
        assert_eq!(read(folder).unwrap().unwrap(), expect);
    }

    #[test]
    fn a_broken_repository_is_an_error_and_not_none() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        commit(&repository(folder));
        fs::write(folder.join(".git/refs/heads/main"), "no commit\n").unwrap();
        assert!(matches!(read(folder), Err(Error::Git { path, .. }) if path == folder));
    }

    #[test]
    fn addresses_lose_what_is_private() {
        #[track_caller]
        fn check(address: &str, expect: Option<&str>) {
            assert_eq!(public_address(address).as_deref(), expect, "{address}");
        }
        check("https://github.com/acme/app", Some("https://github.com/acme/app"));
        check("https://u:p@corp.example/a.git?token=x#y", Some("https://corp.example/a.git"));
        check(
            "https://gitlab-ci-token:glpat@gitlab.com/a/b.git",
            Some("https://gitlab.com/a/b.git"),
        );
        check("git@github.com:acme/app.git", Some("ssh://github.com/acme/app.git"));
        check("ssh://git@host:2222/a/b", Some("ssh://host:2222/a/b"));
        check("host:/srv/a", Some("ssh://host/srv/a"));
        check("/srv/git/app", None);
        check("../app", None);
        check("file:///srv/git/app", None);
        check("C:\\git\\app", None);
        check("ext::sh -c evil", None);
        check("", None);
    }
}
