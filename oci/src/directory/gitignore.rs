//! What git ignores: <https://git-scm.com/docs/gitignore>.
//!
//! Read are the `.gitignore` files of a work tree and its `info/exclude`; not the user's own settings, which are those of a
//! machine. A file of rules that can not be read ignores nothing: more is listed then, never less.

use camino::{Utf8Path, Utf8PathBuf};
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};
use rustix::fs::{CWD, Mode, OFlags};
use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    rc::Rc,
};

/// The largest file of rules that is heeded, in bytes.
const LIMIT: u64 = 256 << 10;
/// How many directories up a work tree is looked for.
const UP: usize = 128;

/// The rules for what lies in a directory: its own first, then those of the directories around it.
#[derive(Debug)]
pub(super) struct Rules {
    outer: Option<Rc<Self>>,
    base: Base,
    matcher: Gitignore,
}

/// What is asked about: some rules are for directories only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Directory,
    Other,
}

/// Where the directory of a file of rules lies.
#[derive(Debug)]
enum Base {
    /// Above the root of the tree, which lies at this path in it.
    Above(Vec<u8>),
    /// Inside, at a path of so many bytes.
    Inside(usize),
}

impl Rules {
    /// The rules of a work tree that ignores nothing.
    pub(super) fn none() -> Self {
        Self { outer: None, base: Base::Inside(0), matcher: Gitignore::empty() }
    }

    /// The rules that directories above `root` make for what lies in it; absent where it is in no work tree, or is ignored
    /// itself.
    pub(super) fn above(root: &Utf8Path) -> Option<Self> {
        let root = root.canonicalize_utf8().ok()?;
        let top = root.ancestors().take(UP).find(|path| path.join(".git").exists())?;
        let mut above = Above(Vec::new());
        above.read(top, ".git/info/exclude");
        let mut directory = top.to_owned();
        for part in root.strip_prefix(top).ok()? {
            above.read(&directory, ".gitignore");
            directory.push(part);
            // Whoever names a directory that git ignores means it.
            if above.is_ignored(&directory) {
                return None;
            }
        }
        Some(above.0.into_iter().fold(Self::none(), |outer, (base, matcher)| {
            let inside = root.strip_prefix(&base).map_or("", Utf8Path::as_str);
            let base = Base::Above(inside.as_bytes().to_vec());
            Self { outer: Some(Rc::new(outer)), base, matcher }
        }))
    }

    /// The rules for a directory that has a `.gitignore`.
    pub(super) fn of_directory(directory: &OwnedFd, path: &[u8], outer: &Rc<Self>) -> Option<Self> {
        let matcher = read(directory, b".gitignore")?;
        Some(Self { outer: Some(Rc::clone(outer)), base: Base::Inside(path.len()), matcher })
    }

    /// Whether git ignores what lies at a path of the tree. What lies in an ignored directory is not asked for.
    pub(super) fn is_ignored(&self, path: &[u8], what: What) -> bool {
        let mut rules = Some(self);
        while let Some(at) = rules {
            let from_here = match &at.base {
                Base::Above(root) => [root.as_slice(), path].join(&b'/'),
                Base::Inside(length) => path.get(*length..).unwrap_or_default().to_vec(),
            };
            match said(&at.matcher, &from_here, what) {
                Some(said) => return said,
                None => rules = at.outer.as_deref(),
            }
        }
        false
    }
}

/// The rules of the directories from the top of a work tree downwards.
struct Above(Vec<(Utf8PathBuf, Gitignore)>);

impl Above {
    fn read(&mut self, directory: &Utf8Path, name: &str) {
        if let Some(matcher) = read(CWD, directory.join(name).as_str().as_bytes()) {
            self.0.push((directory.to_owned(), matcher));
        }
    }

    fn is_ignored(&self, directory: &Utf8Path) -> bool {
        let said = self.0.iter().rev().find_map(|(base, matcher)| {
            let path = directory.strip_prefix(base).ok()?;
            said(matcher, path.as_str().as_bytes(), What::Directory)
        });
        said.unwrap_or(false)
    }
}

/// Whether a file of rules says of a path, from its own directory, that it is ignored or that it is not.
fn said(matcher: &Gitignore, path: &[u8], what: What) -> Option<bool> {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let path = Path::new(OsStr::from_bytes(path.get(start..).unwrap_or_default()));
    match matcher.matched(path, what == What::Directory) {
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
        Match::None => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "the read is bounded by `take`")]
fn read(directory: impl AsFd, name: &[u8]) -> Option<Gitignore> {
    // As git has it, a link is not followed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty()).ok()?;
    let mut text = Vec::new();
    File::from(file).take(LIMIT.saturating_add(1)).read_to_end(&mut text).ok()?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LIMIT) {
        return None;
    }
    let mut builder = GitignoreBuilder::new(".");
    for line in String::from_utf8_lossy(&text).lines() {
        // A line that is no pattern ignores nothing.
        if builder.add_line(None, line).is_err() {}
    }
    builder.build().ok()
}
