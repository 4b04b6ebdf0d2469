//! Packages that lie each in a file of its own and say by name what they need.

use crate::{
    catalogers::{Context, Found, id_of},
    relate::Providers,
};
use plimsoll_model::{component::ComponentId, tree::Entry};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// One package, as its file has it.
#[derive(Debug)]
pub(crate) struct Installed {
    /// Its component, among those of its own file.
    pub(crate) id: ComponentId,
    /// The directory that its packages are installed in.
    pub(crate) place: String,
    /// What others call it.
    pub(crate) name: String,
    /// What it needs.
    pub(crate) needs: Vec<String>,
}

/// Where a package is looked for that is not where the one is which needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    /// Nowhere: places are worlds of their own.
    Nowhere,
    /// In all places.
    Anywhere,
}

/// Reads every wanted file, at most `limit` bytes of it, and relates the packages by their names.
pub(crate) fn each(
    ctx: &Context<'_>,
    limit: u64,
    elsewhere: Elsewhere,
    read: fn(&Context<'_>, &Entry, &[u8], &mut Found) -> Option<Installed>,
) -> Found {
    let one = |entry: &Entry| {
        let mut found = Found::default();
        let bytes = ctx.read(entry, limit, &mut found);
        let installed = bytes.and_then(|bytes| read(ctx, entry, &bytes, &mut found));
        (found, installed)
    };
    let all: Vec<_> = ctx.files.par_iter().map(one).collect();
    let mut found = Found::default();
    let mut packages = Vec::new();
    for (one, installed) in all {
        let offset = found.components.len();
        found.absorb(one);
        packages.extend(installed.map(|installed| {
            let id = id_of(installed.id.index().saturating_add(offset));
            Installed { id, ..installed }
        }));
    }
    relate(ctx, &packages, elsewhere, &mut found);
    found
}

fn relate(ctx: &Context<'_>, packages: &[Installed], elsewhere: Elsewhere, found: &mut Found) {
    let mut near: BTreeMap<(&str, &str), Vec<ComponentId>> = BTreeMap::new();
    let mut anywhere = Providers::default();
    for Installed { id, place, name, .. } in packages {
        near.entry((place, name)).or_default().push(*id);
        if elsewhere == Elsewhere::Anywhere {
            anywhere.add(name, *id);
        }
    }
    for Installed { id, place, needs, .. } in packages {
        for name in needs {
            let near = near.get(&(place.as_str(), name.as_str()));
            ctx.depends(found, *id, near.map_or_else(|| anywhere.of(name), Vec::as_slice));
        }
    }
}

/// The directory so many levels above a file, as text; an odd byte in it must not hide a package.
pub(crate) fn place(entry: &Entry, levels: usize) -> String {
    let path = String::from_utf8_lossy(entry.path.as_bytes());
    let mut place = path.as_ref();
    for _ in 0..levels {
        place = place.rsplit_once('/').map_or("", |(above, _)| above);
    }
    place.to_owned()
}
