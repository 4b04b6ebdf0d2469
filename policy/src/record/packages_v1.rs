//! What is aboard.

use super::{
    paired,
    text::{all_shown, cut, shown},
};
use plimsoll_model::{
    Digest, Inventory, Purl, TreePath,
    component::{Component, ComponentId, ComponentKind, Location, Scope, SourcePackage, Trust},
    inventory::{Distribution, Unknown},
    scan::Origin,
};
use serde::{Deserialize, Serialize};

/// Who found what is read from a record.
const CATALOGER: &str = "recorded";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InventoryJson {
    distribution: Option<DistributionJson>,
    packages: Vec<PackageJson>,
    /// Files that could not be read.
    unread: Vec<UnreadJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DistributionJson {
    id: String,
    id_like: Vec<String>,
    version_id: Option<String>,
    codename: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackageJson {
    purl: Purl,
    name: String,
    version: Option<String>,
    kind: KindJson,
    scope: ScopeJson,
    trust: TrustJson,
    /// As declared.
    licenses: Vec<String>,
    /// As concluded by others; absent in records that were made before it was written down.
    #[serde(default)]
    concluded: Option<Vec<String>>,
    origin: OriginJson,
    /// The diffID of the layer that brought it.
    layer: Option<Digest>,
    locations: Vec<LocationJson>,
    source: Option<SourceJson>,
    /// The position of the package that it is part of.
    owned_by: Option<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindJson {
    Library,
    Application,
    Container,
    Model,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ScopeJson {
    Required,
    Optional,
    Development,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TrustJson {
    Observed,
    Claimed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OriginJson {
    Base,
    Own,
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationJson {
    path: String,
    inside: String,
    /// Digest of the layer as stored.
    layer: Option<Digest>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceJson {
    name: String,
    version: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnreadJson {
    path: String,
    layer: Option<Digest>,
    reason: String,
}

paired!(KindJson, ComponentKind, Library, Application, Container, Model);
paired!(ScopeJson, Scope, Required, Optional, Development);
paired!(TrustJson, Trust, Observed, Claimed);
paired!(OriginJson, Origin, Base, Own, Unknown);

impl InventoryJson {
    /// `base` has the diffIDs of the approved base image; empty where there is none.
    pub(super) fn of(inventory: &Inventory, base: &[Digest]) -> Self {
        let package = |component: &Component| {
            let origin = Origin::of(component, &inventory.layers, base).into();
            PackageJson::of(component, origin)
        };
        Self {
            distribution: inventory.distribution.as_ref().map(DistributionJson::of),
            packages: inventory.components().iter().map(package).collect(),
            unread: inventory.unknowns.iter().map(UnreadJson::of).collect(),
        }
    }

    /// Whether every package says which licences were concluded.
    pub(super) fn has_concluded(&self) -> bool {
        self.packages.iter().all(|package| package.concluded.is_some())
    }

    /// Why it is none: positions would mean other packages than they meant where it was written.
    pub(super) fn read(self) -> Result<Inventory, &'static str> {
        let components: Vec<_> = self
            .packages
            .into_iter()
            .map(PackageJson::read)
            .collect::<Option<_>>()
            .ok_or("a path leaves the image")?;
        let order = |component: &Component| (component.purl.clone(), component.locations.clone());
        if !components.is_sorted_by_key(order) {
            return Err("the packages are not in the order in which they were written");
        }
        let unknowns = self.unread.into_iter().map(UnreadJson::read).collect::<Option<_>>();
        let unknowns = unknowns.ok_or("a path leaves the image")?;
        let distribution = self.distribution.map(DistributionJson::read);
        Ok(Inventory::new(distribution, components, Vec::new(), unknowns))
    }
}

impl DistributionJson {
    fn of(distribution: &Distribution) -> Self {
        Self {
            id: cut(&distribution.id),
            id_like: distribution.id_like.iter().map(|id| cut(id)).collect(),
            version_id: distribution.version_id.as_deref().map(cut),
            codename: distribution.codename.as_deref().map(cut),
            name: distribution.pretty_name.as_deref().map(cut),
        }
    }

    fn read(self) -> Distribution {
        Distribution {
            id: self.id,
            id_like: self.id_like,
            version_id: self.version_id,
            codename: self.codename,
            pretty_name: self.name,
        }
    }
}

impl PackageJson {
    fn of(component: &Component, origin: OriginJson) -> Self {
        Self {
            purl: component.purl.clone(),
            name: cut(&component.name),
            version: component.version.as_deref().map(cut),
            kind: component.kind.into(),
            scope: component.scope.into(),
            trust: component.trust.into(),
            licenses: all_shown(&component.licenses),
            concluded: Some(all_shown(&component.concluded)),
            origin,
            layer: component.introduced,
            locations: component.locations.iter().map(LocationJson::of).collect(),
            source: component.source.as_ref().map(|source| SourceJson {
                name: cut(&source.name),
                version: cut(&source.version),
            }),
            owned_by: component.owned_by.map(|ComponentId(position)| position),
        }
    }

    fn read(self) -> Option<Component> {
        let mut component = Component::new(self.purl, self.name, self.version, CATALOGER);
        component.kind = self.kind.into();
        component.scope = self.scope.into();
        component.trust = self.trust.into();
        component.licenses = self.licenses;
        component.concluded = self.concluded.unwrap_or_default();
        component.locations =
            self.locations.into_iter().map(LocationJson::read).collect::<Option<_>>()?;
        component.source =
            self.source.map(|source| SourcePackage { name: source.name, version: source.version });
        component.owned_by = self.owned_by.map(ComponentId);
        component.introduced = self.layer;
        Some(component)
    }
}

impl LocationJson {
    fn of(location: &Location) -> Self {
        Self {
            path: location.path.to_string(),
            inside: cut(&location.inside),
            layer: location.layer,
        }
    }

    fn read(self) -> Option<Location> {
        let path = TreePath::parse(self.path.as_bytes()).ok()?;
        Some(Location { path, inside: self.inside, layer: self.layer })
    }
}

impl UnreadJson {
    fn of(unknown: &Unknown) -> Self {
        Self {
            path: unknown.path.to_string(),
            layer: unknown.layer,
            reason: shown(&unknown.reason),
        }
    }

    fn read(self) -> Option<Unknown> {
        let path = TreePath::parse(self.path.as_bytes()).ok()?;
        Some(Unknown { path, layer: self.layer, cataloger: CATALOGER, reason: self.reason })
    }
}
