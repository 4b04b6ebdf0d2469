//! Programs that no package put there.
//!
//! Programs are files with an execute bit in the directories where they are looked for by name, and those that the image starts.
//! What lies elsewhere with such a bit, as libraries and everything that was copied from Windows, is not.

use super::{MOST, PROGRAMS};
use plimsoll_model::{
    Tree, TreePath,
    image::ImageConfig,
    tree::{Entry, EntryKind},
};
use std::collections::BTreeSet;

/// Where programs are.
pub(super) struct Programs {
    directories: BTreeSet<TreePath>,
    started: BTreeSet<TreePath>,
}

impl Programs {
    /// Those of the system, those of the image's `PATH`, and what the image starts, by real path.
    pub(super) fn of(tree: &dyn Tree, config: &ImageConfig) -> Self {
        let real = |path: &str| {
            let path = TreePath::parse(path.as_bytes()).ok()?;
            Some(tree.resolve(&path).ok()?.path)
        };
        let path = config.env.iter().rev().find_map(|pair| pair.strip_prefix("PATH="));
        let of_path = path.unwrap_or_default().split(':').filter(|path| path.starts_with('/'));
        let directories = PROGRAMS.into_iter().chain(of_path).take(MOST).filter_map(real);
        let words = config.entrypoint.iter().chain(&config.command);
        let started = words.filter(|word| word.starts_with('/')).take(MOST);
        Self {
            directories: directories.collect(),
            started: started.filter_map(|word| real(word)).collect(),
        }
    }

    /// Whether an entry is one of them.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        let is_there = || {
            self.started.contains(&entry.path)
                || entry.path.parent().is_some_and(|parent| self.directories.contains(&parent))
        };
        entry.kind == EntryKind::File && entry.size > 0 && entry.mode & 0o111 != 0 && is_there()
    }
}
