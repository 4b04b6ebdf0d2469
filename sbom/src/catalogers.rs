//! Catalogers: each finds the components of one kind in the files of a tree.
//!
//! A cataloger is one file with one value, listed below. It names the files that it wants and turns them into components;
//! of a file that it cannot make sense of it returns what it could read, and an [`Unknown`].

use plimsoll_model::{
    Digest, Limits, Purl, Tree, TreePath,
    component::{Component, ComponentId, Location},
    inventory::{Distribution, Relation, RelationKind, Unknown},
    tree::{Entry, TreeError, Want},
};
use rayon::prelude::*;
use std::{borrow::Cow, fmt};

macro_rules! catalogers {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every cataloger, by id.
        pub const ALL: &[&Cataloger] = &[$(&$module::CATALOGER),*];
    };
}
catalogers! {
    apk,
    cargo_lock,
    dpkg,
    go_binary,
    java,
    npm_installed,
    npm_lock,
    pypi,
    rpm,
}

/// Finds components of one kind.
#[derive(Debug)]
pub struct Cataloger {
    /// Its name, as components and unknowns carry it.
    pub id: &'static str,
    /// What it reads, in a line for people.
    pub description: &'static str,
    /// What it wants of a file, by path, size and mode.
    pub want: fn(&TreePath, u64, u32) -> Want,
    /// Reads the files.
    pub catalog: fn(&Context<'_>) -> Found,
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
    /// The regular files that the cataloger wants, in path order.
    pub files: &'a [&'a Entry],
    /// The cataloger itself.
    pub cataloger: &'a Cataloger,
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
    /// Files that belong to operating-system packages.
    pub owned: Vec<Owned>,
}

/// A file that an operating-system package put there, as its database names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The package.
    pub owner: ComponentId,
    /// The file; directories on the way may be links.
    pub path: TreePath,
}

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
        let owned = other.owned.into_iter();
        self.owned.extend(owned.map(|owned| Owned { owner: moved(owned.owner), ..owned }));
        self.components.extend(other.components);
        self.unknowns.extend(other.unknowns);
    }

    /// Notes that one component needs another.
    pub(crate) fn depends(&mut self, from: ComponentId, to: ComponentId) {
        self.relations.push(Relation { from, to, kind: RelationKind::DependsOn });
    }

    /// The component at a position, to be completed.
    pub(crate) fn at(&mut self, id: ComponentId) -> Option<&mut Component> {
        self.components.get_mut(id.index())
    }
}

impl<'a> Context<'a> {
    /// Reads every wanted file and catalogs each by itself, in parallel; the order is that of the files.
    pub(crate) fn each(&self, catalog: fn(&Self, &Entry, &[u8]) -> Found) -> Found {
        let found: Vec<_> = self
            .files
            .par_iter()
            .map(|entry| match self.read(entry) {
                Ok(Some(bytes)) => catalog(self, entry, &bytes),
                Ok(None) => Found::default(),
                Err(unknown) => Found { unknowns: vec![unknown], ..Found::default() },
            })
            .collect();
        found.into_iter().fold(Found::default(), |mut all, found| {
            all.absorb(found);
            all
        })
    }

    /// The content of a wanted file; `None` where it was wanted under a condition that it did not meet.
    pub(crate) fn read(&self, entry: &Entry) -> Result<Option<Cow<'a, [u8]>>, Unknown> {
        match self.tree.read(&entry.path, self.limits.file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(TreeError::NotKept) if self.is_conditional(entry) => Ok(None),
            Err(error) => Err(self.unknown(entry, error)),
        }
    }

    fn is_conditional(&self, entry: &Entry) -> bool {
        let want = (self.cataloger.want)(&entry.path, entry.size, entry.mode);
        matches!(want, Want::Matching { .. })
    }

    /// Something about a file that could not be told.
    pub(crate) fn unknown(&self, entry: &Entry, reason: impl fmt::Display) -> Unknown {
        Unknown {
            path: entry.path.clone(),
            layer: layer(self.tree, entry),
            cataloger: self.cataloger.id,
            reason: reason.to_string(),
        }
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
        let version = draft.version.map(str::trim).filter(|version| !version.is_empty());
        let purl = Purl::new(draft.kind, draft.namespace, draft.name, version, draft.qualifiers);
        let purl = match purl {
            Ok(purl) => purl,
            Err(error) => {
                found.unknowns.push(self.unknown(entry, error));
                return None;
            }
        };
        if version.is_none() {
            let reason = format!("package `{}` states no version", draft.shown);
            found.unknowns.push(self.unknown(entry, reason));
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

/// diffID of the layer that an entry comes from.
pub(crate) fn layer(tree: &dyn Tree, entry: &Entry) -> Option<Digest> {
    let index = usize::try_from(entry.layer.0).ok()?;
    tree.layers().get(index).map(|layer| layer.diff_id)
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
