//! Who needs whom: names that packages provide, and the way Node.js looks for a package.

use plimsoll_model::component::ComponentId;
use std::collections::BTreeMap;

/// Which components provide a name.
#[derive(Debug, Default)]
pub(crate) struct Providers<'a>(BTreeMap<&'a str, Vec<ComponentId>>);

impl<'a> Providers<'a> {
    /// Notes that `id` provides `name`.
    pub(crate) fn add(&mut self, name: &'a str, id: ComponentId) {
        let ids = self.0.entry(name).or_default();
        if ids.last() != Some(&id) {
            ids.push(id);
        }
    }

    /// Everyone who provides `name`.
    pub(crate) fn of(&self, name: &str) -> &[ComponentId] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// How many directories upwards a package is looked for; what is below the root is found from anywhere.
const MOST_PARENTS: usize = 100;

/// The directories in which Node.js looks for the package `name` required by a module in the directory `from`, nearest first.
///
/// Algorithm: <https://nodejs.org/api/modules.html#loading-from-node_modules-folders>.
pub(crate) fn node_candidates<'a>(
    from: &'a str,
    name: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let parents = std::iter::successors((!from.is_empty()).then_some(from), |dir| {
        dir.rsplit_once('/').map(|(parent, _)| parent)
    });
    parents
        .take(MOST_PARENTS)
        .filter(|dir| !(*dir == "node_modules" || dir.ends_with("/node_modules")))
        .map(move |dir| format!("{dir}/node_modules/{name}"))
        .chain([format!("node_modules/{name}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_looks_from_the_inside_out() {
        let found: Vec<_> = node_candidates("srv/app/node_modules/a", "@s/b").collect();
        assert_eq!(
            found,
            [
                "srv/app/node_modules/a/node_modules/@s/b",
                "srv/app/node_modules/@s/b",
                "srv/node_modules/@s/b",
                "node_modules/@s/b",
            ]
        );
        assert_eq!(node_candidates("", "b").collect::<Vec<_>>(), ["node_modules/b"]);
    }

    #[test]
    fn a_name_may_have_several_providers_and_each_counts_once() {
        let mut providers = Providers::default();
        providers.add("mta", ComponentId(3));
        providers.add("mta", ComponentId(3));
        providers.add("mta", ComponentId(5));
        assert_eq!(providers.of("mta"), [ComponentId(3), ComponentId(5)]);
        assert_eq!(providers.of("mt"), []);
    }
}
