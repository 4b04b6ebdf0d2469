//! Which components the subject must point to, so that all are reachable from it.

use plimsoll_model::{Inventory, component::ComponentId};

/// The components that nobody needs or contains, and of every cycle that is not reachable from those, one.
pub(crate) fn roots(inventory: &Inventory) -> Vec<ComponentId> {
    let count = inventory.components().len();
    let mut edges: Vec<Vec<ComponentId>> = vec![Vec::new(); count];
    let mut is_needed = vec![false; count];
    for relation in inventory.relations() {
        if let Some(from) = edges.get_mut(relation.from.index()) {
            from.push(relation.to);
        }
        if let Some(needed) = is_needed.get_mut(relation.to.index()) {
            *needed = true;
        }
    }
    let ids = || inventory.iter().map(|(id, _)| id);
    let mut roots: Vec<_> =
        ids().filter(|id| is_needed.get(id.index()).is_some_and(|needed| !needed)).collect();
    let mut reach = Reach { edges: &edges, reached: vec![false; count] };
    for root in &roots {
        reach.from(*root);
    }
    for id in ids() {
        if reach.from(id) == Step::New {
            roots.push(id);
        }
    }
    roots.sort_unstable();
    roots
}

struct Reach<'a> {
    edges: &'a [Vec<ComponentId>],
    reached: Vec<bool>,
}

#[derive(PartialEq, Eq)]
enum Step {
    New,
    Known,
}

impl Reach<'_> {
    /// Marks everything reachable from `start`.
    fn from(&mut self, start: ComponentId) -> Step {
        if self.mark(start) == Step::Known {
            return Step::Known;
        }
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            let edges = self.edges;
            for next in edges.get(id.index()).into_iter().flatten() {
                if self.mark(*next) == Step::New {
                    open.push(*next);
                }
            }
        }
        Step::New
    }

    fn mark(&mut self, id: ComponentId) -> Step {
        match self.reached.get_mut(id.index()) {
            Some(reached) if !*reached => {
                *reached = true;
                Step::New
            }
            _ => Step::Known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{
        component::Component,
        inventory::{Relation, RelationKind},
    };

    #[track_caller]
    fn check(count: u32, edges: &[(u32, u32)], expect: &[u32]) {
        let components = (0..count)
            .map(|number| {
                let purl = format!("pkg:npm/p{number:03}@1").parse().unwrap();
                Component::new(purl, "x", None, "test")
            })
            .collect();
        let relations = edges
            .iter()
            .map(|(from, to)| Relation {
                from: ComponentId(*from),
                to: ComponentId(*to),
                kind: RelationKind::DependsOn,
            })
            .collect();
        let found = roots(&Inventory::new(None, components, relations, vec![]));
        assert_eq!(found, expect.iter().copied().map(ComponentId).collect::<Vec<_>>());
    }

    #[test]
    fn everything_is_reachable_cycles_included() {
        check(0, &[], &[]);
        check(3, &[(0, 1), (1, 2)], &[0]);
        check(3, &[], &[0, 1, 2]);
        check(2, &[(0, 1), (1, 0)], &[0]);
        // A cycle that a root leads to needs no edge of its own; one apart does.
        check(5, &[(0, 1), (1, 2), (2, 1), (3, 4), (4, 3)], &[0, 3]);
        // No recursion on the depth of the graph.
        let chain: Vec<_> = (0..999).map(|number| (number, number + 1)).collect();
        check(1_000, &chain, &[0]);
    }
}
