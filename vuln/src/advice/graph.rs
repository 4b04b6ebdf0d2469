//! What brings what aboard, by the relations of an inventory.

use super::Reach;
use plimsoll_model::{
    Inventory,
    component::{ComponentId, ComponentKind},
    inventory::Coverage,
};
use std::collections::{BTreeMap, BTreeSet};

/// The relations of an inventory, from what is needed to what needs it.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    inventory: &'a Inventory,
    needed_by: BTreeMap<ComponentId, Vec<ComponentId>>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut needed_by: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for relation in inventory.relations() {
            needed_by.entry(relation.to).or_default().push(relation.from);
        }
        Self { inventory, needed_by }
    }

    /// The direct dependencies that bring any of these aboard.
    pub(super) fn reach(&self, components: &[ComponentId]) -> Reach {
        let mut direct = BTreeSet::new();
        let mut seen: BTreeSet<_> = components.iter().copied().collect();
        let mut waiting = components.to_vec();
        while let Some(id) = waiting.pop() {
            let parents = self.needed_by.get(&id).map(Vec::as_slice).unwrap_or_default();
            if parents.iter().any(|parent| self.is_application(*parent))
                || (parents.is_empty() && self.is_known_to_be_on_top(id))
            {
                direct.insert(id);
            }
            let further = parents.iter().filter(|parent| !self.is_application(**parent));
            waiting.extend(further.filter(|parent| seen.insert(**parent)));
        }
        if direct.is_empty() {
            Reach::Unknown
        } else {
            Reach::Through(direct.into_iter().collect())
        }
    }

    fn is_application(&self, id: ComponentId) -> bool {
        self.inventory
            .component(id)
            .is_some_and(|component| component.kind == ComponentKind::Application)
    }

    /// That nothing needs it says something only where everything that is needed was recorded.
    fn is_known_to_be_on_top(&self, id: ComponentId) -> bool {
        self.inventory.component(id).is_some_and(|component| {
            self.inventory.coverage.get(component.purl.kind()) == Some(&Coverage::Complete)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{
        component::Component,
        inventory::{Relation, RelationKind},
    };

    /// Components `pkg:npm/NAME@1` in this order, the first an application, with these relations.
    fn inventory(names: &[&str], edges: &[(u32, u32)]) -> Inventory {
        let component = |name: &&str| {
            let purl = format!("pkg:npm/{name}@1").parse().unwrap();
            let mut component = Component::new(purl, *name, Some("1".to_owned()), "test");
            if *name == "app" {
                component.kind = ComponentKind::Application;
            }
            component
        };
        let relation = |(from, to): &(u32, u32)| Relation {
            from: ComponentId(*from),
            to: ComponentId(*to),
            kind: RelationKind::DependsOn,
        };
        let edges = edges.iter().map(relation).collect();
        Inventory::new(None, names.iter().map(component).collect(), edges, vec![])
    }

    fn reach(inventory: &Inventory, id: u32) -> Option<Vec<u32>> {
        match Graph::of(inventory).reach(&[ComponentId(id)]) {
            Reach::Through(ids) => Some(ids.into_iter().map(|id| id.0).collect()),
            Reach::System | Reach::Unknown => None,
        }
    }

    #[test]
    fn what_an_application_needs_is_direct_and_brings_the_rest() {
        // app -> b -> d, app -> c -> d -> e, app -> d; names are in order already.
        let inventory = inventory(
            &["app", "b", "c", "d", "e"],
            &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 3)],
        );
        assert_eq!(reach(&inventory, 1), Some(vec![1]));
        assert_eq!(reach(&inventory, 3), Some(vec![1, 2, 3]));
        assert_eq!(reach(&inventory, 4), Some(vec![1, 2, 3]));
    }

    #[test]
    fn a_circle_ends() {
        let inventory = inventory(&["app", "b", "c"], &[(0, 1), (1, 2), (2, 1)]);
        assert_eq!(reach(&inventory, 2), Some(vec![1]));
        assert_eq!(reach(&inventory, 1), Some(vec![1]));
    }

    #[test]
    fn what_nothing_needs_is_direct_only_where_all_needs_are_known() {
        let mut inventory = inventory(&["b", "c"], &[(0, 1)]);
        assert_eq!(reach(&inventory, 1), None);
        for (coverage, expect) in [
            (Coverage::Unknown, None),
            (Coverage::Incomplete, None),
            (Coverage::Complete, Some(vec![0])),
        ] {
            inventory.coverage.insert("npm".to_owned(), coverage);
            assert_eq!(reach(&inventory, 1), expect);
        }
    }
}
