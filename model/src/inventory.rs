//! Everything that is aboard one subject.

use crate::{
    component::{Component, ComponentId},
    digest::Digest,
    tree::{LayerInfo, TreePath},
};
use std::collections::BTreeMap;

/// All components of one subject with what relates them.
///
/// The order is canonical (by purl, then by first location), so the same subject gives the same inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The distribution, where there is one.
    pub distribution: Option<Distribution>,
    components: Vec<Component>,
    relations: Vec<Relation>,
    /// What could not be read or told; listed, counted, and open to policy.
    pub unknowns: Vec<Unknown>,
    /// The layers of an image, lowest first; empty outside images.
    pub layers: Vec<LayerInfo>,
    /// How far the relations of each kind of package are known, by type of package URL.
    pub coverage: BTreeMap<String, Coverage>,
}

/// How far the relations among the packages of one kind are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// Every relation that the package managers have recorded is there.
    Complete,
    /// Some are there.
    Incomplete,
    /// The sources that were found record none.
    Unknown,
}

/// A Linux distribution, from `os-release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `ID_LIKE`, in order.
    pub id_like: Vec<String>,
    /// `VERSION_ID`, such as `12`; rolling releases have none.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`.
    pub codename: Option<String>,
    /// `PRETTY_NAME`, for people.
    pub pretty_name: Option<String>,
}

/// A directed relation between two components of one inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// The one that needs or contains.
    pub from: ComponentId,
    /// The one that is needed or contained.
    pub to: ComponentId,
    /// How.
    pub kind: RelationKind,
}

/// How two components relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// `from` needs `to` at run time.
    DependsOn,
    /// `to` lies inside `from` (an archive in an archive).
    Contains,
}

/// Something that a cataloger saw and could not make sense of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The file.
    pub path: TreePath,
    /// diffID of its layer.
    pub layer: Option<Digest>,
    /// The cataloger that saw it.
    pub cataloger: &'static str,
    /// Why it could not be told: a sentence without a final period.
    pub reason: String,
}

impl Inventory {
    /// An inventory in canonical order. Relations and `owned_by` name positions in `components` as given here.
    pub fn new(
        distribution: Option<Distribution>,
        components: Vec<Component>,
        relations: Vec<Relation>,
        mut unknowns: Vec<Unknown>,
    ) -> Self {
        let mut numbered: Vec<(usize, Component)> = components.into_iter().enumerate().collect();
        numbered.sort_by(|(_, left), (_, right)| {
            left.purl.cmp(&right.purl).then_with(|| left.locations.cmp(&right.locations))
        });
        let mut moved = vec![ComponentId(0); numbered.len()];
        for (new, (old, _)) in numbered.iter().enumerate() {
            if let (Some(slot), Ok(new)) = (moved.get_mut(*old), u32::try_from(new)) {
                *slot = ComponentId(new);
            }
        }
        let place = |id: ComponentId| moved.get(id.index()).copied();
        let mut relations: Vec<_> = relations
            .into_iter()
            .filter_map(|relation| {
                Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..relation })
            })
            .filter(|relation| relation.from != relation.to)
            .collect();
        relations.sort_unstable();
        relations.dedup();
        let components = numbered
            .into_iter()
            .map(|(_, component)| Component {
                owned_by: component.owned_by.and_then(place),
                ..component
            })
            .collect();
        unknowns.sort();
        unknowns.dedup();
        Self {
            distribution,
            components,
            relations,
            unknowns,
            layers: Vec::new(),
            coverage: BTreeMap::new(),
        }
    }

    /// The components, in canonical order.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The relations, in order.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The component at a position.
    pub fn component(&self, id: ComponentId) -> Option<&Component> {
        self.components.get(id.index())
    }

    /// Each component with its position.
    pub fn iter(&self) -> impl Iterator<Item = (ComponentId, &Component)> {
        (0..).map(ComponentId).zip(&self.components)
    }
}

impl ComponentId {
    /// As an index into a slice.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(purl: &str) -> Component {
        Component::new(purl.parse().unwrap(), "x", None, "test")
    }

    #[test]
    fn ids_follow_their_components_into_canonical_order() {
        let mut owned = component("pkg:pypi/z@1");
        owned.owned_by = Some(ComponentId(1));
        let depends = |from, to| Relation {
            from: ComponentId(from),
            to: ComponentId(to),
            kind: RelationKind::DependsOn,
        };
        let inventory = Inventory::new(
            None,
            vec![owned, component("pkg:deb/debian/a@1")],
            vec![depends(0, 1), depends(0, 1), depends(0, 7), depends(1, 1)],
            vec![],
        );
        assert_eq!(inventory.components()[0].purl.as_str(), "pkg:deb/debian/a@1");
        assert_eq!(inventory.components()[1].owned_by, Some(ComponentId(0)));
        assert_eq!(inventory.relations(), [depends(1, 0)]);
    }
}
