//! What lies in a directory, listed once.

use super::{
    Ignored,
    gitignore::{Rules, What},
};
use crate::error::Error;
use camino::Utf8Path;
use plimsoll_model::{
    Limits, TreePath,
    tree::{EntryKind, Gap},
};
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    ffi::{CStr, CString},
    io,
    ops::Range,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    rc::Rc,
};

/// By these an unpacked root file system is known. All of it belongs to the subject, whatever git thinks of it.
const OF_A_ROOT: [&str; 6] = [
    "etc/os-release",
    "usr/lib/os-release",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d",
    "lib/apk/db/installed",
    "var/lib/rpm",
];

/// What was listed.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In path order.
    pub(super) records: Vec<Record>,
    /// All paths, one behind the other.
    text: Vec<u8>,
    /// What symbolic links lead to: each an [`EntryKind::Symlink`].
    links: Vec<EntryKind>,
    /// What could not be listed.
    pub(super) gaps: Vec<Gap>,
    /// How much was passed over because git ignores it.
    pub(super) ignored: usize,
    /// The name that a single file has on disk, where it is not that of its record.
    on_disk: Option<Box<[u8]>>,
}

/// What is known of one entry.
#[derive(Debug)]
pub(super) struct Record {
    path: Range<u32>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) node: Node,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Special,
    /// Position of its target.
    Link(u32),
}

/// Which file of the machine something is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    device: u64,
    inode: u64,
}

impl Node {
    #[cfg_attr(
        target_os = "linux",
        expect(clippy::useless_conversion, reason = "the width differs between systems")
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: u64::try_from(stat.st_dev).unwrap_or_default(),
            inode: u64::from(stat.st_ino),
        }
    }
}

impl Listing {
    /// The path of a record.
    pub(super) fn path(&self, record: &Record) -> &[u8] {
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(place(record.path.start)..place(record.path.end)).unwrap_or_default()
    }

    /// What the record is called on disk, from the root of the tree.
    pub(super) fn name_on_disk<'a>(&'a self, record: &Record) -> &'a [u8] {
        self.on_disk.as_deref().unwrap_or_else(|| self.path(record))
    }

    /// The record of a path.
    pub(super) fn find(&self, path: &[u8]) -> Option<&Record> {
        let at = self.records.binary_search_by(|record| self.path(record).cmp(path)).ok()?;
        self.records.get(at)
    }

    /// The link that a record is.
    pub(super) fn link(&self, record: &Record) -> Option<&EntryKind> {
        let Kind::Link(at) = record.kind else { return None };
        self.links.get(usize::try_from(at).ok()?)
    }

    /// Takes in an entry; `None` when there is no room for its path.
    fn add(&mut self, path: &[u8], kind: Kind, stat: &Stat) -> Option<()> {
        let start = u32::try_from(self.text.len()).ok()?;
        let end = u32::try_from(self.text.len().checked_add(path.len())?).ok()?;
        self.text.extend_from_slice(path);
        self.records.push(Record {
            path: start..end,
            kind,
            mode: mode(stat) & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: if kind == Kind::File { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 },
            node: Node::of(stat),
        });
        Some(())
    }

    fn gap(&mut self, path: &[u8], reason: impl Into<io::Error>) {
        if let Ok(path) = TreePath::parse(path) {
            self.gaps.push(Gap { path, reason: reason_of_gap(&reason.into()) });
        }
    }

    fn sort(&mut self) {
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable_by(|left, right| self.path(left).cmp(self.path(right)));
        records.shrink_to_fit();
        self.records = records;
        self.text.shrink_to_fit();
        self.gaps.sort();
    }
}

#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "the width differs between systems")
)]
fn mode(stat: &Stat) -> u32 {
    u32::from(stat.st_mode)
}

/// A system's error in words, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text).to_owned()
}

fn reason_of_gap(error: &io::Error) -> String {
    format!("it can not be listed: {}", reason(error))
}

/// A directory that is still to be listed.
struct Pending {
    path: Box<[u8]>,
    node: Node,
    /// Device of the directory that it lies in.
    device: u64,
    rules: Option<Rc<Rules>>,
}

/// The listing of a directory, under way.
pub(super) struct Walk<'a> {
    root: BorrowedFd<'a>,
    limits: &'a Limits,
    pending: Vec<Pending>,
    listing: Listing,
    ignored: Ignored,
}

impl<'a> Walk<'a> {
    pub(super) fn new(root: &'a OwnedFd, limits: &'a Limits) -> Self {
        let (pending, listing) = (Vec::new(), Listing::default());
        Self { root: root.as_fd(), limits, pending, listing, ignored: Ignored::Read }
    }

    /// Everything below the root, which the user calls `path`.
    pub(super) fn list(mut self, path: &Utf8Path, ignored: Ignored) -> Result<Listing, Error> {
        let failed = |error: Errno| Error::Read { path: path.to_owned(), source: error.into() };
        let stat = rustix::fs::fstat(self.root).map_err(failed)?;
        let has = |name: &&str| rustix::fs::statat(self.root, *name, AtFlags::empty()).is_ok();
        let is_root = OF_A_ROOT.iter().any(has);
        self.ignored = if is_root { Ignored::Read } else { ignored };
        let rules = match self.ignored {
            Ignored::Read => None,
            Ignored::PassedOver => Rules::above(path).map(Rc::new),
        };
        self.listing.add(b"", Kind::Directory, &stat);
        let node = Node::of(&stat);
        self.pending.push(Pending { path: Box::default(), node, device: node.device, rules });
        while let Some(directory) = self.pending.pop() {
            self.directory(&directory, path)?;
        }
        self.listing.sort();
        Ok(self.listing)
    }

    /// One file of the root, under another name.
    pub(super) fn single(mut self, name: &str, on_disk: &str) -> io::Result<Listing> {
        let stat = rustix::fs::statat(self.root, on_disk, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        self.listing.add(name.as_bytes(), Kind::File, &stat);
        self.listing.on_disk = Some(on_disk.as_bytes().into());
        Ok(self.listing)
    }

    fn directory(&mut self, pending: &Pending, subject: &Utf8Path) -> Result<(), Error> {
        let opened = match self.open(pending) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.listing.gap(&pending.path, error);
                return Ok(());
            }
        };
        let names = match names(&opened) {
            Ok(names) => names,
            Err(error) => {
                self.listing.gap(&pending.path, error);
                return Ok(());
            }
        };
        let rules = match self.ignored {
            Ignored::Read => None,
            Ignored::PassedOver => rules(pending, &opened, &names),
        };
        for name in names.iter().filter(|name| name.to_bytes() != b".git") {
            self.entry(pending, &opened, name, rules.as_ref());
            let count = u64::try_from(self.listing.records.len()).unwrap_or(u64::MAX);
            if count > self.limits.layer_entries {
                let limit = usize::try_from(self.limits.layer_entries).unwrap_or(usize::MAX);
                return Err(Error::TooMany { from: subject.to_string(), what: "files", limit });
            }
        }
        Ok(())
    }

    /// Opens a directory, if it is the one that was seen; `None` where there are no files but what the kernel shows.
    fn open(&self, pending: &Pending) -> Result<Option<OwnedFd>, Errno> {
        let name: &[u8] = if pending.path.is_empty() { b"." } else { &pending.path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(self.root, name, flags, Mode::empty())?;
        if Node::of(&rustix::fs::fstat(&opened)?) != pending.node {
            // It was replaced under way.
            return Err(Errno::STALE);
        }
        let is_mounted = pending.node.device != pending.device;
        Ok((!is_mounted || !is_of_kernel(&opened)).then_some(opened))
    }

    fn entry(
        &mut self,
        pending: &Pending,
        opened: &OwnedFd,
        name: &CStr,
        rules: Option<&Rc<Rules>>,
    ) {
        let mut path = pending.path.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        if path.len() > self.limits.path {
            self.listing.gap(&pending.path, Errno::NAMETOOLONG);
            return;
        }
        let stat = match rustix::fs::statat(opened, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It was removed under way: it is not there.
            Err(Errno::NOENT) => return,
            Err(error) => return self.listing.gap(&path, error),
        };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let what = if is_directory { What::Directory } else { What::Other };
        if rules.is_some_and(|rules| rules.is_ignored(&path, what)) {
            self.listing.ignored = self.listing.ignored.saturating_add(1);
            return;
        }
        let kind = match self.kind(opened, name, &stat) {
            Ok(kind) => kind,
            Err(error) => return self.listing.gap(&path, error),
        };
        if self.listing.add(&path, kind, &stat).is_none() {
            return self.listing.gap(&path, Errno::NOMEM);
        }
        if is_directory {
            let (node, device, rules) = (Node::of(&stat), pending.node.device, rules.cloned());
            self.pending.push(Pending { path: path.into(), node, device, rules });
        }
    }

    fn kind(&mut self, opened: &OwnedFd, name: &CStr, stat: &Stat) -> Result<Kind, Errno> {
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(opened, name, Vec::new())?;
                let at = u32::try_from(self.listing.links.len()).map_err(|_full| Errno::NOMEM)?;
                self.listing.links.push(EntryKind::Symlink(target.into_bytes()));
                Kind::Link(at)
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Kind::Special,
        })
    }
}

/// The rules for what lies in a directory.
fn rules(pending: &Pending, opened: &OwnedFd, names: &[CString]) -> Option<Rc<Rules>> {
    let has = |name: &[u8]| names.iter().any(|found| found.to_bytes() == name);
    let mut rules = pending.rules.clone();
    // Only of the work tree that is listed: what lies in it may come from anywhere, and hides nothing by a `.git` of its own.
    if has(b".git") && rules.is_none() && pending.path.is_empty() {
        rules = Some(Rc::new(Rules::none()));
    }
    if has(b".gitignore")
        && let Some(outer) = &rules
        && let Some(inner) = Rules::of_directory(opened, &pending.path, outer)
    {
        return Some(Rc::new(inner));
    }
    rules
}

fn names(opened: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(opened)? {
        let entry = entry?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Whether what lies there is no files, but the kernel's tables.
#[cfg(target_os = "linux")]
fn is_of_kernel(directory: &OwnedFd) -> bool {
    /// Of `linux/magic.h`: proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs, securityfs, bpf.
    const KERNEL: [u64; 9] = [
        0x9fa0,
        0x6265_6572,
        0x0027_e0eb,
        0x6367_7270,
        0x1cd1,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0xcafe_4a11,
    ];
    rustix::fs::fstatfs(directory)
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| KERNEL.contains(&kind)))
}

#[cfg(not(target_os = "linux"))]
fn is_of_kernel(_directory: &OwnedFd) -> bool {
    false
}
