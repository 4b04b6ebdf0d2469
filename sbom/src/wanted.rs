//! Which cataloger wants which file, told for a hundred thousand of them without asking every cataloger about each.

use crate::{
    catalogers::{ALL, Cataloger, Files, condensers},
    distro,
};
use plimsoll_model::{
    Tree, TreePath,
    tree::{Condenser, Entry, EntryKind, Interest, TreeError, Want},
};
use rayon::prelude::*;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ptr::fn_addr_eq,
};

/// What a cataloger wants of a file.
type WantOf = fn(&TreePath, u64, u32) -> Want;

/// Positions in [`ALL`].
type Positions = Vec<usize>;

/// What the catalogers want, by what is quickly looked up of a path.
#[derive(Debug)]
pub(crate) struct Wanted {
    named: BTreeMap<&'static [u8], Positions>,
    ending: BTreeMap<&'static [u8], Positions>,
    inside: BTreeMap<&'static [u8], Positions>,
    /// Those that want every file, by what they want: catalogers of programs want the same.
    any: Vec<(WantOf, Positions)>,
    condensers: Vec<&'static Condenser>,
    id: String,
}

impl Wanted {
    /// By [`Cataloger::files`] of all catalogers.
    pub(crate) fn new() -> Self {
        Self::by("", |_| true)
    }

    /// By those that read a database of packages.
    pub(crate) fn of_databases() -> Self {
        Self::by("databases ", Cataloger::has_database)
    }

    /// By those of the catalogers that a name stands for.
    fn by(name: &str, which: fn(&Cataloger) -> bool) -> Self {
        let mut wanted = Self {
            named: BTreeMap::new(),
            ending: BTreeMap::new(),
            inside: BTreeMap::new(),
            any: Vec::new(),
            condensers: condensers(),
            id: format!("{name}{}", env!("PLIMSOLL_SBOM_SOURCES")),
        };
        for (position, cataloger) in ALL.iter().enumerate().filter(|(_, one)| which(one)) {
            for files in cataloger.files {
                let positions = match files {
                    Files::Named(name) => wanted.named.entry(name.as_bytes()).or_default(),
                    Files::Ending(end) => wanted.ending.entry(end.as_bytes()).or_default(),
                    Files::In(directory) => wanted.inside.entry(directory.as_bytes()).or_default(),
                    Files::Any => {
                        wanted.add_any(cataloger.want, position);
                        continue;
                    }
                };
                positions.push(position);
            }
        }
        wanted
    }

    /// Adds one that wants every file to those that want the same.
    fn add_any(&mut self, want: WantOf, position: usize) {
        match self.any.iter_mut().find(|(known, _)| fn_addr_eq(*known, want)) {
            Some((_, positions)) => positions.push(position),
            None => self.any.push((want, vec![position])),
        }
    }

    /// The catalogers that may want a file by its name; one may come twice.
    fn by_name(&self, path: &TreePath) -> impl Iterator<Item = (usize, &'static Cataloger)> {
        let bytes = path.as_bytes();
        let name = path.file_name();
        let end = name.iter().rposition(|byte| *byte == b'.').and_then(|dot| name.get(dot..));
        let directory = bytes.len().checked_sub(name.len().saturating_add(1));
        let directory = directory.and_then(|end| bytes.get(..end)).unwrap_or_default();
        let lists = [
            self.named.get(name),
            end.and_then(|end| self.ending.get(end)),
            self.inside.get(directory),
        ];
        at(lists.into_iter().flatten().flatten().copied())
    }

    /// Hands on what each cataloger wants of a file, of those that want anything; one may come twice. A file that is
    /// condensed for its name is for nobody who wants every file: two condensers for one file would have all of it held,
    /// and it may be of many gigabytes.
    fn wants(
        &self,
        (path, size, mode): (&TreePath, u64, u32),
        mut each: impl FnMut(usize, &'static Cataloger, Want),
    ) {
        let mut is_condensed = false;
        for (position, cataloger) in self.by_name(path) {
            let want = (cataloger.want)(path, size, mode);
            is_condensed |= matches!(want, Want::Condensed(_));
            if want != Want::Nothing {
                each(position, cataloger, want);
            }
        }
        for (want, positions) in self.any.iter().filter(|_| !is_condensed) {
            let want = want(path, size, mode);
            if want != Want::Nothing {
                at(positions.iter().copied()).for_each(|(at, cataloger)| each(at, cataloger, want));
            }
        }
    }

    /// For each cataloger of [`ALL`] the regular files that it wants, in path order; and links by which something that it
    /// does not want goes under a name that it wants, or that lead nowhere but in a circle, so that a link does not hide a
    /// database. Files of which a condenser made nothing are left out: most files are no programs.
    pub(crate) fn take(&self, tree: &dyn Tree) -> Taken {
        let files = ALL.iter().map(|_| Vec::new()).collect();
        let mut taken = Taken { files, names: BTreeSet::new(), made: BTreeMap::new() };
        let mut entries = tree.asked();
        loop {
            let batch: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return taken;
            }
            let takers: Vec<_> = batch.par_iter().map(|entry| self.takers(tree, entry)).collect();
            for (entry, (takers, made)) in batch.into_iter().zip(takers) {
                taken.add(&entry, &takers);
                if let Some((by, Made::Anew(bytes))) = made {
                    taken.made.insert(entry.path, (by, bytes));
                }
            }
        }
    }

    /// The catalogers that take an entry, each once; and what was made of the file by the condenser that was asked for last,
    /// since catalogers of programs share one.
    fn takers(
        &self,
        tree: &dyn Tree,
        entry: &Entry,
    ) -> (Positions, Option<(&'static Condenser, Made)>) {
        let mut takers = Positions::new();
        let mut made: Option<(&'static Condenser, Made)> = None;
        let file = (&entry.path, entry.size, entry.mode);
        self.wants(file, |position, cataloger, want| {
            if takers.contains(&position) || !is_for(tree, entry, cataloger) {
                return;
            }
            if let (Want::Condensed(by), EntryKind::File) = (want, &entry.kind) {
                if made.as_ref().is_none_or(|(last, _)| *last != by) {
                    made = Some((by, Made::of(tree, &entry.path, by)));
                }
                if matches!(made, Some((_, Made::Nothing))) {
                    return;
                }
            }
            takers.push(position);
        });
        (takers, made)
    }
}

/// What the catalogers take of a tree.
#[derive(Debug)]
pub(crate) struct Taken {
    /// For each cataloger of [`ALL`] its files, in path order.
    pub(crate) files: Vec<Vec<Entry>>,
    /// The names of all these files.
    pub(crate) names: BTreeSet<Box<[u8]>>,
    /// What condensers made of files that the tree had not condensed before.
    pub(crate) made: BTreeMap<TreePath, (&'static Condenser, Vec<u8>)>,
}

impl Taken {
    fn add(&mut self, entry: &Entry, takers: &[usize]) {
        if !takers.is_empty() && !self.names.contains(entry.path.file_name()) {
            self.names.insert(entry.path.file_name().into());
        }
        for position in takers {
            if let Some(files) = self.files.get_mut(*position) {
                files.push(entry.clone());
            }
        }
    }
}

/// How many entries are looked at together.
const BATCH: usize = 4_096;

/// What a condenser made of a file.
enum Made {
    Nothing,
    /// This, which the tree does not keep.
    Anew(Vec<u8>),
    /// Something that the tree keeps, or it can not be told.
    Anything,
}

impl Made {
    fn of(tree: &dyn Tree, path: &TreePath, by: &'static Condenser) -> Self {
        match tree.condensed(path, by) {
            Ok(None) => Self::Nothing,
            Ok(Some(Cow::Owned(bytes))) => Self::Anew(bytes),
            Ok(Some(Cow::Borrowed(_))) | Err(_) => Self::Anything,
        }
    }
}

/// The catalogers at these positions.
fn at(positions: impl Iterator<Item = usize>) -> impl Iterator<Item = (usize, &'static Cataloger)> {
    positions.filter_map(|position| Some((position, *ALL.get(position)?)))
}

/// Whether a cataloger takes an entry of which it wants something.
fn is_for(tree: &dyn Tree, entry: &Entry, cataloger: &Cataloger) -> bool {
    match entry.kind {
        EntryKind::File => true,
        EntryKind::Symlink(_) => {
            // What is wanted of every file is read where the link leads to.
            let is_named = !cataloger.files.contains(&Files::Any);
            let is_its = |to: &Entry| {
                cataloger.files.iter().any(|files| files.has(&to.path))
                    && (cataloger.want)(&to.path, to.size, to.mode) != Want::Nothing
            };
            let leads_astray = || match tree.resolve(&entry.path) {
                Ok(to) => to.kind == EntryKind::File && !is_its(&to),
                Err(error) => error == TreeError::TooManyLinks,
            };
            is_named && leads_astray()
        }
        EntryKind::Directory | EntryKind::Device | EntryKind::Special => false,
    }
}

impl Interest for Wanted {
    fn want(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        let mut all = distro::want(path);
        self.wants((path, size, mode), |_, _, want| all = both(all, want));
        all
    }

    fn id(&self) -> Option<&str> {
        Some(&self.id)
    }

    fn condensers(&self) -> &[&'static Condenser] {
        &self.condensers
    }

    fn want_by_link(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        // What is wanted of every file is read under its own name.
        self.by_name(path)
            .map(|(_, cataloger)| (cataloger.want)(path, size, mode))
            .fold(distro::want(path), both)
    }

    fn wants_earlier(&self, path: &TreePath) -> bool {
        self.by_name(path).any(|(_, cataloger)| {
            cataloger.earlier.iter().any(|earlier| earlier.as_bytes() == path.as_bytes())
        })
    }
}

/// What satisfies both; two different wishes are satisfied by the whole content.
fn both(left: Want, right: Want) -> Want {
    match (left, right) {
        (Want::Nothing, other) | (other, Want::Nothing) => other,
        (left, right) if left == right => left,
        (Want::Content | Want::Condensed(_), Want::Content | Want::Condensed(_)) => Want::Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::tree::Condense;
    use std::ops::ControlFlow;

    struct Nothing;

    impl Condense for Nothing {
        fn take(&mut self, _: &[u8]) -> ControlFlow<()> {
            ControlFlow::Break(())
        }

        fn finish(self: Box<Self>) -> Option<Vec<u8>> {
            None
        }
    }

    static ONE: Condenser = Condenser { id: "one", also: None, begin: |_| Box::new(Nothing) };
    static OTHER: Condenser = Condenser { id: "other", also: None, begin: |_| Box::new(Nothing) };

    #[test]
    fn wants_are_joined() {
        let (one, other) = (Want::Condensed(&ONE), Want::Condensed(&OTHER));
        assert_eq!(both(Want::Nothing, one), one);
        assert_eq!(both(one, Want::Nothing), one);
        assert_eq!(both(one, one), one);
        assert_eq!(both(one, other), Want::Content);
        assert_eq!(both(Want::Content, one), Want::Content);
        assert_eq!(both(Want::Nothing, Want::Nothing), Want::Nothing);
    }

    #[test]
    fn what_a_cataloger_asks_for_it_is_asked_about() {
        let wanted = Wanted::new();
        let candidates = |path: &str| -> Vec<&str> {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            let mut ids = Vec::new();
            wanted.wants((&path, 100, 0o644), |_, cataloger, _| ids.push(cataloger.id));
            ids
        };
        for (path, id) in [
            ("Cargo.lock", "cargo-lock"),
            ("srv/a/Cargo.lock", "cargo-lock"),
            ("usr/share/a.jar", "java"),
            ("lib/apk/db/installed", "apk"),
            ("usr/bin/a", "go-binary"),
        ] {
            assert!(candidates(path).contains(&id), "{path}");
        }
        for (path, id) in [
            ("Cargo.lock/a", "cargo-lock"),
            ("a.jar.txt", "java"),
            ("srv/lib/apk/db/installed", "apk"),
            ("lib/apk/db/x/installed", "apk"),
        ] {
            assert!(!candidates(path).contains(&id), "{path}");
        }
    }

    #[test]
    fn what_is_condensed_for_its_name_is_not_held_for_those_who_want_everything() {
        let wanted = Wanted::new();
        for path in ["a.jar", "a.gguf", "a.safetensors", "usr/bin/a", "usr/bin/nginx"] {
            let at = TreePath::parse(path.as_bytes()).unwrap();
            match wanted.want(&at, 1 << 20, 0o755) {
                Want::Condensed(by) => assert!(wanted.condensers.contains(&by), "{path}"),
                other @ (Want::Nothing | Want::Content) => panic!("{path}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_cataloger_wants_what_it_would_not_be_asked_about() {
        // Of its own tests the files; here that every list is well-formed.
        for cataloger in ALL {
            assert!(!cataloger.files.is_empty(), "{}", cataloger.id);
            for files in cataloger.files {
                match files {
                    Files::Named(name) => assert!(!name.contains('/'), "{name}"),
                    Files::Ending(end) => {
                        assert_eq!(end.rfind('.'), Some(0), "{end}: from the last dot on");
                    }
                    Files::In(directory) => {
                        assert!(!directory.starts_with('/') && !directory.ends_with('/'));
                    }
                    Files::Any => {}
                }
            }
        }
    }
}
