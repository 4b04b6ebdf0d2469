//! Directories that rules look into and that are symbolic links: what lies where they lead is what programs find.

use plimsoll_model::{
    TreePath,
    tree::{Entry, EntryKind, Tree},
};
use std::collections::BTreeMap;

/// Where directories lead, by their path, both without slashes at their ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    leads: BTreeMap<TreePath, TreePath>,
}

impl Links {
    /// Those of these directories that are links, or lie behind one.
    pub(super) fn of(tree: &dyn Tree, directories: impl Iterator<Item = &'static str>) -> Self {
        let mut links = Self::default();
        for directory in directories {
            // One that can not be spelled is none of ours.
            links.follow(tree, directory).unwrap_or_default();
        }
        links
    }

    fn follow(&mut self, tree: &dyn Tree, directory: &str) -> Option<()> {
        let (mut spelled, mut real) = (TreePath::default(), TreePath::default());
        for part in directory.split('/').filter(|part| !part.is_empty()) {
            spelled = spelled.join(part).ok()?;
            real = real.join(part).ok()?;
            if !matches!(tree.entry(&real)?.kind, EntryKind::Symlink(_)) {
                continue;
            }
            // What leads nowhere has nothing in it.
            real = tree.resolve(&real).ok().filter(|to| to.kind == EntryKind::Directory)?.path;
            self.leads.insert(spelled.clone(), real.clone());
        }
        Some(())
    }

    /// The paths by which links lead to an entry, besides its own.
    pub(super) fn names_of<'e>(&'e self, entry: &'e Entry) -> impl Iterator<Item = TreePath> + 'e {
        self.leads.iter().filter_map(|(spelled, real)| {
            let below = entry.path.as_bytes().strip_prefix(real.as_bytes())?;
            let below =
                if real.as_bytes().is_empty() { below } else { below.strip_prefix(b"/")? };
            let path = [spelled.as_bytes(), b"/", below].concat();
            TreePath::parse(&path).ok().filter(|path| *path != entry.path)
        })
    }
}
