//! Locks of package managers as graphs: what the projects need, and what that needs in turn.

use crate::{
    catalogers::{Context, Found},
    origin::Origin,
};
use plimsoll_model::{
    component::{ComponentId, Hash, Scope},
    tree::Entry,
};
use std::collections::{BTreeMap, BTreeSet};

/// One package of a lock, or a project that it was made for.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// Its name; a project may have none.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: Option<String>,
    /// Where it comes from, if that is not the registry.
    pub(crate) origin: Option<Origin>,
    /// What the lock says that it hashes to.
    pub(crate) hashes: Vec<Hash>,
    /// What it needs.
    pub(crate) needs: Vec<Need>,
    /// What it is needed for, where the lock says so itself.
    pub(crate) scope: Option<Scope>,
    /// Whether it is a project's own code.
    pub(crate) role: Role,
}

impl Locked {
    /// Takes in what another entry says of the same package.
    pub(crate) fn absorb(&mut self, other: Self) {
        let mut needs = std::mem::take(&mut self.needs);
        needs.extend(other.needs);
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.extend(other.hashes);
        let scope = self.scope.into_iter().chain(other.scope).min();
        *self = Self { hashes, needs, scope, ..other };
    }
}

/// Whose code it is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Somebody's package.
    #[default]
    Package,
    /// The project's own: everything else is there because one of these needs it.
    Project,
}

/// That something else of the same lock is needed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// Its key in [`Lock`].
    pub(crate) to: String,
    /// What for.
    pub(crate) scope: Scope,
}

/// The packages and projects of one lock, by whatever keys it relates them.
pub(crate) type Lock = BTreeMap<String, Locked>;

/// Adds what a lock lists, by way of `put`, and how it depends on each other.
///
/// `put` may leave out what it knows not to be there.
pub(crate) fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    lock: &Lock,
    found: &mut Found,
    put: impl Fn(&mut Found, &Locked, Scope) -> Option<ComponentId>,
) {
    let scopes = scopes(lock);
    let mut ids = BTreeMap::new();
    for (key, locked) in lock {
        let told = scopes.get(key.as_str()).copied();
        let scope = locked.scope.or(told).unwrap_or_default();
        let Some(id) = put(found, locked, scope) else { continue };
        if let Some(component) = found.at(id) {
            component.scope = if locked.role == Role::Project { Scope::Required } else { scope };
            component.hashes.extend(locked.hashes.iter().cloned());
            component.hashes.sort();
            component.hashes.dedup();
        }
        ids.insert(key.as_str(), id);
    }
    for (key, locked) in lock {
        let id = ids.get(key.as_str());
        // What `put` left out needs nothing; a project without a name does.
        if id.is_none() && locked.role == Role::Package {
            continue;
        }
        let needs: BTreeSet<&Need> = locked.needs.iter().collect();
        for need in needs {
            if let Some((id, to)) = id.zip(ids.get(need.to.as_str())) {
                ctx.depends(found, *id, &[*to]);
            } else if need.scope != Scope::Optional && !lock.contains_key(&need.to) {
                let Need { to, .. } = need;
                let reason = format!("`{key}` needs `{to}`, which the lock does not have");
                ctx.note(found, entry, reason);
            }
        }
    }
}

/// What each package is needed for: the strongest that leads to it from a project. Nothing where there is no project, or
/// none that leads to it.
fn scopes(lock: &Lock) -> BTreeMap<&str, Scope> {
    let mut scopes = BTreeMap::new();
    for scope in [Scope::Required, Scope::Optional, Scope::Development] {
        let projects = lock.iter().filter(|(_, locked)| locked.role == Role::Project);
        let mut left: Vec<&str> = projects.map(|(key, _)| key.as_str()).collect();
        let mut seen: BTreeSet<&str> = left.iter().copied().collect();
        while let Some(key) = left.pop() {
            scopes.entry(key).or_insert(scope);
            let needs = lock.get(key).into_iter().flat_map(|locked| &locked.needs);
            for need in needs.filter(|need| need.scope <= scope) {
                if seen.insert(&need.to) {
                    left.push(&need.to);
                }
            }
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(edges: &[(&str, &str, Scope)]) -> Lock {
        let mut lock = Lock::new();
        for (from, to, scope) in edges {
            let role = if from.starts_with('.') { Role::Project } else { Role::Package };
            let from = lock.entry((*from).to_owned()).or_default();
            from.role = role;
            from.needs.push(Need { to: (*to).to_owned(), scope: *scope });
        }
        lock
    }

    #[test]
    fn the_strongest_need_counts() {
        use Scope::{Development, Optional, Required};
        let lock = lock(&[
            (".", "a", Required),
            (".", "d", Development),
            (".", "o", Optional),
            ("a", "b", Required),
            ("a", "p", Optional),
            ("d", "b", Required),
            ("d", "c", Required),
            ("c", "d", Required),
            ("d", "q", Optional),
            ("lost", "b", Required),
        ]);
        let scopes = scopes(&lock);
        let expect = [
            (".", Required),
            ("a", Required),
            ("b", Required),
            ("c", Development),
            ("d", Development),
            ("o", Optional),
            ("p", Optional),
            ("q", Development),
        ];
        assert_eq!(scopes, expect.into_iter().collect());
    }
}
