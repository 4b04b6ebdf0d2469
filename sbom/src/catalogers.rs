//! Catalogers: each finds the components of one kind in the files of a tree.
//!
//! A cataloger is one file with one value, listed below. It names the files that it wants and turns them into components;
//! of a file that it cannot make sense of it returns what it could read, and an [`Unknown`].

use crate::{
    jar,
    owned::{Claim, Claims, Stated},
    program,
    wanted::Taken,
};
use plimsoll_model::{
    Digest, Limits, Purl, Tree, TreePath,
    component::{Component, ComponentId, ComponentKind, Location},
    inventory::{Coverage, Distribution, Relation, RelationKind, Unknown},
    tree::{Condenser, Entry, EntryKind, LayerIndex, TreeError, Want},
};
use rayon::prelude::*;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

macro_rules! catalogers {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every cataloger, by id.
        pub const ALL: &[&Cataloger] = &[$(&$module::CATALOGER),*];
    };
}
catalogers! {
    alpm,
    apk,
    binary,
    bun_lock,
    cabal_freeze,
    cargo_lock,
    chisel,
    composer_installed,
    composer_lock,
    conan_lock,
    conda,
    dotnet_deps,
    dpkg,
    gem,
    gemfile_lock,
    gguf,
    github_actions,
    go_binary,
    go_mod,
    go_vendor,
    gradle_lock,
    homebrew,
    image_reference,
    java,
    julia_manifest,
    jvm_release,
    luarocks,
    mix_lock,
    nix,
    npm_installed,
    npm_lock,
    nuget_assets,
    nuget_lock,
    opam,
    opkg,
    otp_app,
    packages_config,
    pdm_lock,
    pipfile_lock,
    pnpm_lock,
    podfile_lock,
    poetry_lock,
    pom,
    portage,
    pub_lock,
    pylock,
    pypi,
    r_description,
    rebar_lock,
    renv_lock,
    requirements,
    rpm,
    rust_binary,
    safetensors,
    sbom_claim,
    stack_lock,
    swift_resolved,
    terraform_lock,
    uv_lock,
    vcpkg,
    version_file,
    wordpress,
    yarn_lock,
}

/// The one that tells by texts in programs what they are.
pub(crate) const BY_TEXT: &str = binary::CATALOGER.id;
pub(crate) use binary::is_unversioned;

/// The one that reads what others say of the subject.
pub(crate) const CLAIMS: &str = sbom_claim::CATALOGER.id;

/// Everything that a file may be condensed by.
pub(crate) fn condensers() -> Vec<&'static Condenser> {
    let by_name =
        [&gguf::BEGINNING, &jar::CONDENSER, &safetensors::BEGINNING, &wordpress::BEGINNING];
    by_name.into_iter().chain(program::condensers()).collect()
}

/// Finds components of one kind.
#[derive(Debug)]
pub struct Cataloger {
    /// Its name, as components and unknowns carry it.
    pub id: &'static str,
    /// What it reads, in a line for people.
    pub description: &'static str,
    /// The files among which there are those that it wants.
    pub files: &'static [Files],
    /// Paths of databases whose content in lower layers it wants as well: from it is told which layer brought what.
    pub earlier: &'static [&'static str],
    /// What it wants of one of these, by path, size and mode.
    pub want: fn(&TreePath, u64, u32) -> Want,
    /// How far what it reads tells how its components depend on each other.
    pub edges: Coverage,
    /// Reads the files.
    pub catalog: fn(&Context<'_>) -> Found,
}

impl Cataloger {
    /// Whether it reads a database of packages that every layer writes anew.
    pub(crate) const fn has_database(&self) -> bool {
        !self.earlier.is_empty()
    }
}

/// Files by what is quickly compared: an image has a hundred thousand, and there are dozens of catalogers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// All of this name, wherever they lie.
    Named(&'static str),
    /// All whose names end in this, from the last dot on (`.jar`).
    Ending(&'static str),
    /// All that lie directly in this directory of the root (`var/lib/dpkg/info`).
    In(&'static str),
    /// All.
    Any,
}

impl Files {
    /// Whether a file is one of these.
    pub(crate) fn has(&self, path: &TreePath) -> bool {
        match self {
            Self::Named(name) => path.file_name() == name.as_bytes(),
            Self::Ending(end) => path.file_name().ends_with(end.as_bytes()),
            Self::In(directory) => {
                path.parent().is_some_and(|parent| parent.as_bytes() == directory.as_bytes())
            }
            Self::Any => true,
        }
    }
}

/// Wants the whole of every file that it is asked about.
pub(crate) fn whole(_: &TreePath, _: u64, _: u32) -> Want {
    Want::Content
}

/// What a cataloger works with.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The files of the subject.
    pub tree: &'a dyn Tree,
    /// How much is read.
    pub limits: &'a Limits,
    /// The distribution, where there is one.
    pub distribution: Option<&'a Distribution>,
    /// The files that the cataloger wants, in path order.
    pub files: &'a [Entry],
    /// The cataloger itself.
    pub cataloger: &'a Cataloger,
    /// What all catalogers take.
    pub(crate) taken: &'a Taken,
    /// Which files' owners are asked for.
    pub(crate) ownership: Ownership,
    /// How much has been found in all.
    pub(crate) room: &'a Room,
    /// What it is cataloged for.
    pub(crate) purpose: Purpose,
}

/// What a tree is cataloged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To list what is aboard.
    Inventory,
    /// To tell as well what the databases of packages state of files.
    Judgement,
}

/// Which files of operating-system packages are noted with their owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Those that may be evidence of a component; packages have a hundred times more.
    OfEvidence,
    /// All: it is to be told whether what a lower layer listed has another owner now.
    OfEverything,
}

impl Ownership {
    /// What a cataloger needs. Debian's looks after what packages left behind by files that are evidence themselves.
    pub(crate) fn of(tree: &dyn Tree, cataloger: &Cataloger) -> Self {
        let paths =
            cataloger.earlier.iter().filter_map(|path| TreePath::parse(path.as_bytes()).ok());
        let mut earlier = paths.map(|path| tree.earlier(&path));
        let is_by_evidence = cataloger.id == dpkg::CATALOGER.id;
        if is_by_evidence || earlier.all(|contents| contents.is_empty()) {
            Self::OfEvidence
        } else {
            Self::OfEverything
        }
    }
}

/// How much all catalogers have found together: a text of five bytes can describe a component.
#[derive(Debug, Default)]
pub(crate) struct Room {
    components: AtomicUsize,
    relations: AtomicUsize,
}

impl Room {
    /// Whether more was found than the limits allow. Whoever found how much, the answer is the same.
    pub(crate) fn is_exceeded(&self, limits: &Limits) -> bool {
        self.components.load(Ordering::Relaxed) > limits.components
            || self.relations.load(Ordering::Relaxed) > limits.relations
    }
}

/// What a cataloger found. Ids are positions in [`Found::components`].
#[derive(Debug, Default)]
pub struct Found {
    /// Components, in any order.
    pub components: Vec<Component>,
    /// How they relate.
    pub relations: Vec<Relation>,
    /// What could not be told.
    pub unknowns: Vec<Unknown>,
    /// Regular files that operating-system packages put there.
    pub owned: BTreeMap<TreePath, ComponentId>,
    /// What databases of packages state of files.
    pub(crate) claims: Claims,
    /// What of databases of packages could not be read; it is among the unknowns as well.
    pub(crate) unread: Vec<Unknown>,
}

/// In characters; reasons quote what was found, and that may be a line of many megabytes.
const LONGEST_REASON: usize = 500;

/// What a component is called, before it is known that this makes a package URL.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    /// Type of its package URL.
    pub(crate) kind: &'static str,
    /// Namespace of its package URL.
    pub(crate) namespace: Option<&'a str>,
    /// Name in its package URL.
    pub(crate) name: &'a str,
    /// The name as its ecosystem writes it.
    pub(crate) shown: &'a str,
    /// The version as its ecosystem writes it.
    pub(crate) version: Option<&'a str>,
    /// Qualifiers of its package URL.
    pub(crate) qualifiers: &'a [(&'a str, &'a str)],
}

impl Found {
    /// Takes in what another found, behind what is already here.
    pub(crate) fn absorb(&mut self, other: Self) {
        let offset = id_of(self.components.len()).0;
        let moved = |id: ComponentId| ComponentId(id.0.saturating_add(offset));
        self.relations.extend(other.relations.into_iter().map(|relation| Relation {
            from: moved(relation.from),
            to: moved(relation.to),
            ..relation
        }));
        for (path, owner) in other.owned {
            self.owned.entry(path).or_insert(moved(owner));
        }
        for (path, claims) in other.claims.0 {
            for Claim { owner, stated } in claims {
                self.claims.add(path.clone(), Claim { owner: moved(owner), stated });
            }
        }
        self.components.extend(other.components);
        self.unknowns.extend(other.unknowns);
        self.unread.extend(other.unread);
    }

    /// The component at a position, to be completed.
    pub(crate) fn at(&mut self, id: ComponentId) -> Option<&mut Component> {
        self.components.get_mut(id.index())
    }
}

/// Everything that was found, in order.
fn all(found: Vec<Found>) -> Found {
    found.into_iter().fold(Found::default(), |mut all, found| {
        all.absorb(found);
        all
    })
}

impl<'a> Context<'a> {
    /// Reads every wanted file of at most `limit` bytes and catalogs each by itself, in parallel; the order is that of the files.
    pub(crate) fn each(&self, limit: u64, catalog: fn(&Self, &Entry, &[u8], &mut Found)) -> Found {
        let one = |entry: &Entry| {
            let mut found = Found::default();
            if let Some(bytes) = self.read(entry, limit, &mut found) {
                catalog(self, entry, &bytes, &mut found);
            }
            found
        };
        all(self.files.par_iter().map(one).collect())
    }

    /// Catalogs what `condenser` made of every wanted file, as [`Context::each`] does; a file of which it made nothing is
    /// passed over.
    pub(crate) fn each_condensed(
        &self,
        condenser: &'static Condenser,
        catalog: impl Fn(&Self, &Entry, &[u8], &mut Found) + Sync,
    ) -> Found {
        self.each_condensed_by(|_| condenser, catalog)
    }

    /// As [`Context::each_condensed`], where the path tells which condenser the file went through.
    pub(crate) fn each_condensed_by(
        &self,
        condenser: impl Fn(&TreePath) -> &'static Condenser + Sync,
        catalog: impl Fn(&Self, &Entry, &[u8], &mut Found) + Sync,
    ) -> Found {
        let one = |entry: &Entry| {
            let mut found = Found::default();
            match self.condensed(&entry.path, condenser(&entry.path)) {
                Ok(Some(bytes)) => catalog(self, entry, &bytes, &mut found),
                Ok(None) => {}
                Err(error) => self.note(&mut found, entry, error),
            }
            found
        };
        all(self.files.par_iter().map(one).collect())
    }

    /// As [`Tree::condensed`]; what was made when the files were chosen is not made again.
    pub(crate) fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'a, [u8]>>, TreeError> {
        match self.taken.made.get(path) {
            Some((by, bytes)) if by.answers(condenser) => Ok(Some(Cow::Borrowed(bytes))),
            _ => self.tree.condensed(path, condenser),
        }
    }

    /// The content of a wanted file of at most `limit` bytes. What cannot be read is an unknown.
    pub(crate) fn read(
        &self,
        entry: &Entry,
        limit: u64,
        found: &mut Found,
    ) -> Option<Cow<'a, [u8]>> {
        match self.tree.read(&entry.path, limit) {
            Ok(bytes) => return Some(bytes),
            Err(error) => self.unread(found, entry, error),
        }
        None
    }

    /// Notes something about a file that could not be told.
    pub(crate) fn note(&self, found: &mut Found, entry: &Entry, reason: impl fmt::Display) {
        found.unknowns.extend(self.unknown(entry, reason));
    }

    /// Notes something about a file that could not be read: of a database, that it may have listed anything.
    pub(crate) fn unread(&self, found: &mut Found, entry: &Entry, reason: impl fmt::Display) {
        let unknown = self.unknown(entry, reason);
        if self.purpose == Purpose::Judgement && self.cataloger.has_database() {
            found.unread.extend(unknown.clone());
        }
        found.unknowns.extend(unknown);
    }

    fn unknown(&self, entry: &Entry, reason: impl fmt::Display) -> Option<Unknown> {
        let room = self.room.components.fetch_add(1, Ordering::Relaxed);
        (room < self.limits.components).then(|| Unknown {
            path: entry.path.clone(),
            layer: layer(self.tree, entry),
            cataloger: self.cataloger.id,
            reason: reason.to_string().chars().take(LONGEST_REASON).collect(),
        })
    }

    /// Notes a database that goes under one of these names by a link among its directories, from where nobody wanted it.
    pub(crate) fn note_moved(&self, found: &mut Found, names: &[&str]) {
        for path in names.iter().filter_map(|name| TreePath::parse(name.as_bytes()).ok()) {
            let moved = match self.tree.entry(&path) {
                // A link to a file is among the wanted ones, and said where that is read.
                Some(link) if matches!(link.kind, EntryKind::Symlink(_)) => {
                    self.tree.resolve(&path).ok().filter(|to| to.kind == EntryKind::Directory)
                }
                Some(_) => None,
                None => self.tree.resolve(&path).ok(),
            };
            let is_read = |entry: &Entry| {
                let read = |file: &Entry| {
                    file.path == entry.path
                        || (entry.kind == EntryKind::Directory
                            && file.path.parent().as_ref() == Some(&entry.path))
                };
                self.files.iter().any(read)
            };
            if let Some(entry) = moved.filter(|entry| !is_read(entry)) {
                let reason = format!("a link makes it `{path}`, and it was not read");
                self.unread(found, &entry, reason);
            }
        }
    }

    /// Notes that one component needs others.
    pub(crate) fn depends(&self, found: &mut Found, from: ComponentId, to: &[ComponentId]) {
        let relation = |to: &ComponentId| Relation { from, to: *to, kind: RelationKind::DependsOn };
        if self.has_room(to.len()) {
            found.relations.extend(to.iter().map(relation));
        }
    }

    /// Notes that one component lies inside another.
    pub(crate) fn contains(&self, found: &mut Found, from: ComponentId, to: ComponentId) {
        if self.has_room(1) {
            found.relations.push(Relation { from, to, kind: RelationKind::Contains });
        }
    }

    /// Takes room for so many relations.
    fn has_room(&self, relations: usize) -> bool {
        let used = self.room.relations.fetch_add(relations, Ordering::Relaxed);
        used.saturating_add(relations) <= self.limits.relations
    }

    /// Notes that an operating-system package put a file there, as `database` says, under a path in whose directories there
    /// may be links: packages say `/lib/x` of what lies in `/usr/lib/x`. Only regular files of the tree count, and their
    /// first owner. What a later layer than the database's put there is not the package's any more; and what lies where no
    /// distribution puts anything never was, whatever the database says. Where that is judged, what the database states of the
    /// file is noted too, wherever it lies and whoever put it there.
    pub(crate) fn own(
        &self,
        found: &mut Found,
        database: &Entry,
        (owner, path): (ComponentId, &str),
        stated: impl FnOnce() -> Stated,
    ) {
        if self.purpose == Purpose::Judgement
            && let Some(entry) = self.lies_at(path)
            && matches!(entry.kind, EntryKind::File | EntryKind::Symlink(_))
        {
            found.claims.add(entry.path, Claim { owner, stated: stated() });
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if self.ownership == Ownership::OfEvidence && !self.taken.names.contains(name.as_bytes()) {
            return;
        }
        if let Some(path) = self.file_of(database.layer, path) {
            found.owned.entry(path).or_insert(owner);
        }
    }

    /// The regular file of a system that `path` leads to, links among its directories followed, where no later layer than
    /// `layer` put it there.
    pub(crate) fn file_of(&self, layer: LayerIndex, path: &str) -> Option<TreePath> {
        let entry = self.lies_at(path).filter(|entry| entry.kind == EntryKind::File)?;
        let is_own = entry.layer <= layer && is_of_system(&entry.path);
        is_own.then_some(entry.path)
    }

    /// What lies at a path, links among its directories followed.
    fn lies_at(&self, path: &str) -> Option<Entry> {
        let path = TreePath::parse(path.as_bytes()).ok()?;
        self.tree.entry(&path).or_else(|| {
            let directory = self.tree.resolve(&path.parent()?).ok()?;
            let mut real = directory.path.as_bytes().to_vec();
            real.push(b'/');
            real.extend_from_slice(path.file_name());
            self.tree.entry(&TreePath::parse(&real).ok()?)
        })
    }

    /// A file as evidence of a component.
    pub(crate) fn location(&self, entry: &Entry, inside: &str) -> Location {
        Location {
            path: entry.path.clone(),
            inside: inside.to_owned(),
            layer: layer(self.tree, entry),
        }
    }

    /// Adds a component that `entry` proves. Without a version it is an unknown as well; under a name that makes no
    /// package URL it is nothing but an unknown.
    pub(crate) fn add(
        &self,
        found: &mut Found,
        entry: &Entry,
        draft: &Draft<'_>,
    ) -> Option<ComponentId> {
        let id = self.put(found, entry, draft)?;
        if found.at(id)?.version.is_none() {
            self.note(found, entry, format!("package `{}` states no version", draft.shown));
        }
        Some(id)
    }

    /// Adds a project itself: an application, which nobody else's packages depend on. That its manifest states no version
    /// is usual, and no unknown.
    pub(crate) fn add_project(
        &self,
        found: &mut Found,
        entry: &Entry,
        draft: &Draft<'_>,
    ) -> Option<ComponentId> {
        let id = self.put(found, entry, draft)?;
        found.at(id)?.kind = ComponentKind::Application;
        Some(id)
    }

    fn put(&self, found: &mut Found, entry: &Entry, draft: &Draft<'_>) -> Option<ComponentId> {
        let version = draft.version.map(str::trim).filter(|version| !version.is_empty());
        let purl = Purl::new(draft.kind, draft.namespace, draft.name, version, draft.qualifiers);
        let purl = match purl {
            Ok(purl) => purl,
            Err(error) => {
                self.note(found, entry, error);
                return None;
            }
        };
        if self.room.components.fetch_add(1, Ordering::Relaxed) >= self.limits.components {
            return None;
        }
        let version = version.map(str::to_owned);
        let mut component = Component::new(purl, draft.shown, version, self.cataloger.id);
        component.locations.push(self.location(entry, ""));
        let id = id_of(found.components.len());
        found.components.push(component);
        Some(id)
    }

    /// Namespace and `distro` qualifier of the packages of the distribution.
    pub(crate) fn distro(&self) -> (Option<&'a str>, String) {
        let Some(distribution) = self.distribution else { return (None, String::new()) };
        let qualifier = match &distribution.version_id {
            Some(version) => format!("{}-{version}", distribution.id),
            None => distribution.id.clone(),
        };
        (Some(&distribution.id), qualifier)
    }
}

/// Whether distributions put files there: not among applications and the data of users, nor in `/usr/local` or `/opt`, which
/// the File Hierarchy Standard leaves to others.
pub(crate) fn is_of_system(path: &TreePath) -> bool {
    const ROOTS: [&[u8]; 8] =
        [b"bin", b"etc", b"lib", b"lib32", b"lib64", b"libx32", b"sbin", b"usr"];
    let mut parts = path.as_bytes().split(|byte| *byte == b'/');
    let root = parts.next().unwrap_or_default();
    ROOTS.contains(&root) && (root != b"usr" || parts.next() != Some(b"local".as_slice()))
}

/// diffID of the layer that an entry comes from.
pub(crate) fn layer(tree: &dyn Tree, entry: &Entry) -> Option<Digest> {
    layer_of(tree, entry.layer)
}

/// diffID of a layer.
pub(crate) fn layer_of(tree: &dyn Tree, index: LayerIndex) -> Option<Digest> {
    tree.layers().get(usize::try_from(index.0).ok()?).map(|layer| layer.diff_id)
}

/// The id of a position.
pub(crate) fn id_of(index: usize) -> ComponentId {
    ComponentId(u32::try_from(index).unwrap_or(u32::MAX))
}

/// Text as licences, where there is any.
pub(crate) fn license(text: &str) -> Option<String> {
    let text = text.trim();
    let is_said = !text.is_empty() && !text.eq_ignore_ascii_case("unknown");
    is_said.then(|| text.to_owned())
}
