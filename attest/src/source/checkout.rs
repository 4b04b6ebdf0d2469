//! Files as a commit has them, whatever the working tree makes of them.

use super::read_error;
use crate::Error;
use camino::{Utf8Path, Utf8PathBuf};
use git2::{ErrorCode, ObjectType, Oid, Repository};
use std::path::Path;

/// The blobs of git that are files; links and submodules are none.
const FILE_MODES: [i32; 2] = [0o100_644, 0o100_755];

/// A repository that is checked out. It is only read, and no remote is spoken to.
pub struct Checkout {
    repository: Repository,
    root: Utf8PathBuf,
}

/// What a commit has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// A file of this content.
    File(Vec<u8>),
    /// A file of this many bytes, which is more than was asked for.
    TooLarge(u64),
    /// Nothing.
    Nothing,
    /// Something else: a directory, a link, a submodule.
    NoFile,
}

impl Checkout {
    /// The repository that the directory `at` lies in: of several the outermost that lies in `within`, so that no submodule
    /// is taken for what it is a part of; the nearest where nobody says in what. None where there is none.
    ///
    /// A repository of another user's is refused as git refuses it ([`Error::ForeignRepository`]).
    pub fn find(at: &Utf8Path, within: Option<&Utf8Path>) -> Result<Option<Self>, Error> {
        let at = at.canonicalize_utf8().unwrap_or_else(|_absent| at.to_owned());
        let mut roots = at.ancestors().filter(|directory| super::is_checkout(directory));
        let root = match within {
            None => roots.next(),
            Some(within) => roots.take_while(|root| root.starts_with(within)).last(),
        };
        root.map(Self::open).transpose()
    }

    /// The repository that is checked out in this very directory.
    pub fn open(root: &Utf8Path) -> Result<Self, Error> {
        let failed = |error| read_error(root, error);
        let repository = Repository::open(root.join(".git")).map_err(failed)?;
        let found = repository.workdir().and_then(|found| found.canonicalize().ok());
        if found.as_deref() != root.canonicalize().ok().as_deref() || found.is_none() {
            return Err(failed(git2::Error::from_str("its working tree is elsewhere")));
        }
        Ok(Self { repository, root: root.to_owned() })
    }

    /// The directory of the working tree, without links.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The address of the remote `origin`, without user, password and query.
    pub fn origin(&self) -> Option<String> {
        super::public_address(self.repository.find_remote("origin").ok()?.url().ok()?)
    }

    /// The commit that a branch of `origin` was at when it was last fetched, in hexadecimal; none where it never was.
    pub fn branch_of_origin(&self, branch: &str) -> Result<Option<String>, Error> {
        let name = format!("refs/remotes/origin/{branch}");
        let commit = self.repository.find_reference(&name).and_then(|found| found.peel_to_commit());
        self.known(commit)
    }

    /// The commit that a revision names, in hexadecimal: all that `git rev-parse` takes; none where it names none here.
    pub fn commit(&self, revision: &str) -> Result<Option<String>, Error> {
        let commit =
            self.repository.revparse_single(revision).and_then(|found| found.peel_to_commit());
        self.known(commit)
    }

    fn known(
        &self,
        commit: Result<git2::Commit<'_>, git2::Error>,
    ) -> Result<Option<String>, Error> {
        let is_absent = |error: &git2::Error| {
            matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Peel)
        };
        match commit {
            Ok(commit) => Ok(Some(commit.id().to_string())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(read_error(&self.root, error)),
        }
    }

    /// What a commit, in hexadecimal, has at a path from the root; of a file at most `limit` bytes are read.
    pub fn file(&self, commit: &str, path: &Utf8Path, limit: u64) -> Result<Committed, Error> {
        self.look_up(commit, path, limit).map_err(|error| read_error(&self.root, error))
    }

    fn look_up(&self, commit: &str, path: &Utf8Path, limit: u64) -> Result<Committed, git2::Error> {
        let tree = self.repository.find_commit(Oid::from_str(commit)?)?.tree()?;
        let entry = match tree.get_path(Path::new(path.as_str())) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(Committed::Nothing),
            Err(error) => return Err(error),
        };
        if entry.kind() != Some(ObjectType::Blob) || !FILE_MODES.contains(&entry.filemode()) {
            return Ok(Committed::NoFile);
        }
        let (size, _kind) = self.repository.odb()?.read_header(entry.id())?;
        match u64::try_from(size) {
            Ok(size) if size > limit => Ok(Committed::TooLarge(size)),
            _ => Ok(Committed::File(self.repository.find_blob(entry.id())?.content().to_vec())),
        }
    }
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Checkout").field("root", &self.root).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{commit, repository},
        *,
    };
    use std::fs;

    #[test]
    fn files_are_read_as_the_commit_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        assert!(Checkout::find(&folder, None).unwrap().is_none());
        let made = repository(&folder);
        fs::create_dir(folder.join("ci")).unwrap();
        fs::write(folder.join("ci/policy.yaml"), "old").unwrap();
        std::os::unix::fs::symlink("ci/policy.yaml", folder.join("link")).unwrap();
        let first = commit(&made);
        fs::write(folder.join("ci/policy.yaml"), "new").unwrap();
        fs::remove_file(folder.join("link")).unwrap();

        let checkout = Checkout::find(&folder.join("ci"), None).unwrap().unwrap();
        assert_eq!(checkout.root(), folder);
        let at = |path: &str, limit| checkout.file(&first, path.into(), limit).unwrap();
        assert_eq!(at("ci/policy.yaml", 3), Committed::File(b"old".to_vec()));
        assert_eq!(at("ci/policy.yaml", 2), Committed::TooLarge(3));
        assert_eq!(at("plimsoll.yaml", 9), Committed::Nothing);
        assert_eq!(at("ci/policy.yaml/x", 9), Committed::Nothing);
        assert_eq!([at("ci", 9), at("link", 9)], [Committed::NoFile, Committed::NoFile]);
    }

    #[test]
    fn commits_are_found_by_what_was_fetched_and_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let made = repository(folder);
        fs::write(folder.join("file"), "x").unwrap();
        let first = commit(&made);
        let checkout = Checkout::find(folder, None).unwrap().unwrap();
        assert_eq!(checkout.branch_of_origin("main").unwrap(), None);
        let id = first.parse().unwrap();
        made.reference("refs/remotes/origin/feature/x", id, true, "fetch").unwrap();
        assert_eq!(checkout.branch_of_origin("feature/x").unwrap(), Some(first.clone()));
        for (revision, found) in [("HEAD", true), (&first, true), ("HEAD^", false), ("..", false)] {
            let expected = found.then(|| first.clone());
            assert_eq!(checkout.commit(revision).unwrap(), expected, "{revision}");
        }
        assert_eq!(checkout.commit(&"0".repeat(40)).unwrap(), None);
        assert_eq!(checkout.branch_of_origin("../../heads/main").unwrap(), None);
        assert_eq!(checkout.origin(), None);
        made.remote("origin", "https://bot:hunter2@github.com/acme/app.git").unwrap();
        assert_eq!(checkout.origin().unwrap(), "https://github.com/acme/app.git");
    }

    #[test]
    fn files_that_look_like_a_repository_are_none_and_the_outermost_checkout_counts() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        let made = repository(&folder);
        fs::write(folder.join("file"), "x").unwrap();
        commit(&made);
        // What anybody can commit: a directory that is a bare repository, with a working tree around it.
        let fake = folder.join("ci");
        for (fake, tree) in [(&fake, ".."), (&folder, ".")] {
            Repository::init_bare(fake.join("made")).unwrap();
            for entry in fake.join("made").read_dir_utf8().unwrap() {
                let entry = entry.unwrap();
                fs::rename(entry.path(), fake.join(entry.file_name())).unwrap();
            }
            let config = format!("[core]\n\tbare = false\n\tworktree = {tree}\n");
            fs::write(fake.join("config"), config).unwrap();
        }
        assert_eq!(Repository::discover(&fake).unwrap().path(), fake.join("").as_std_path());
        let found = |within| Checkout::find(&fake, within).unwrap().unwrap().root().to_owned();
        assert_eq!((found(None), found(Some(folder.as_path()))), (folder.clone(), folder.clone()));
        assert_eq!(
            crate::source::read(&fake).unwrap().unwrap().reference.unwrap(),
            "refs/heads/main"
        );

        let linked = folder.join("linked");
        made.worktree("linked", linked.as_std_path(), None).unwrap();
        assert_eq!(Checkout::find(&linked, None).unwrap().unwrap().root(), linked);

        let inner = folder.join("inner");
        repository(&inner);
        let root = |within: Option<&Utf8Path>| {
            Checkout::find(&inner, within).unwrap().map(|found| found.root().to_owned())
        };
        assert_eq!(root(None), Some(inner.clone()));
        assert_eq!(root(Some(folder.as_path())), Some(folder.clone()));
        assert_eq!(root(Some(inner.as_path())), Some(inner.clone()));
        assert_eq!(root(Some(folder.join("elsewhere").as_path())), None);
    }
}
