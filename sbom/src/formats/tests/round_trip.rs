//! What was written is what is read.

use super::*;
use crate::formats::shared::location::tests::any_location;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What has to survive, in an order that does not depend on what need not.
#[derive(Debug, PartialEq)]
struct Essence {
    distribution: Option<Distribution>,
    components: Vec<Kept>,
    relations: BTreeSet<(Kept, Kept, bool)>,
    layers: Vec<LayerInfo>,
    coverage: BTreeMap<String, Coverage>,
    unknowns: BTreeSet<(TreePath, Option<Digest>, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    purl: String,
    name: String,
    version: Option<String>,
    source: Option<(String, String)>,
    locations: BTreeSet<Location>,
    hashes: Vec<Hash>,
    owner: Option<String>,
    kind: ComponentKind,
    scope: Scope,
    trust: Trust,
    introduced: Option<Digest>,
    concluded: BTreeSet<String>,
    properties: BTreeMap<String, String>,
}

fn essence(inventory: &Inventory) -> Essence {
    let kept = |id: ComponentId| {
        let component = inventory.component(id).unwrap();
        Kept {
            purl: component.purl.to_string(),
            name: component.name.clone(),
            version: component.version.clone(),
            source: component.source.clone().map(|source| (source.name, source.version)),
            locations: component.locations.iter().cloned().collect(),
            hashes: component.hashes.clone(),
            owner: component
                .owned_by
                .map(|owner| inventory.component(owner).unwrap().purl.to_string()),
            kind: component.kind,
            scope: component.scope,
            trust: component.trust,
            introduced: component.introduced,
            concluded: component.concluded.iter().cloned().collect(),
            properties: component.properties.clone(),
        }
    };
    let mut components: Vec<_> = inventory.iter().map(|(id, _)| kept(id)).collect();
    components.sort();
    let contains = |kind| kind == RelationKind::Contains;
    Essence {
        distribution: inventory.distribution.clone(),
        components,
        layers: inventory.layers.clone(),
        coverage: inventory.coverage.clone(),
        relations: inventory
            .relations()
            .iter()
            .map(|one| (kept(one.from), kept(one.to), contains(one.kind)))
            .collect(),
        unknowns: inventory
            .unknowns
            .iter()
            .map(|one| (one.path.clone(), one.layer, one.reason.clone()))
            .collect(),
    }
}

#[test]
fn every_format_comes_back() {
    let inventory = inventory();
    for format in ALL {
        let text = write(format.id, &document(&inventory));
        let back = read(text.as_bytes(), &Limits::STANDARD).unwrap();
        let as_held = |one: &Inventory| {
            if format.id == "cyclonedx-xml" { printable(one) } else { one.clone() }
        };
        assert_eq!(essence(&as_held(&back)), essence(&as_held(&inventory)), "{}", format.id);
        assert!(back.components().iter().all(|component| component.cataloger == "sbom"));
        let licenses = |inventory: &Inventory| -> Vec<_> {
            inventory.components().iter().map(|component| component.licenses.clone()).collect()
        };
        assert_eq!(licenses(&back), licenses(&inventory), "{}", format.id);
    }
}

#[test]
fn only_packages_of_the_distribution_own_others() {
    let owned = |purl: &str| {
        let owner = component(purl, "owner");
        let mut owned = component("pkg:pypi/six@1", "six");
        owned.owned_by = Some(ComponentId(0));
        let inventory = Inventory::new(None, vec![owner, owned], vec![], vec![]);
        let text = write("cyclonedx-json", &document(&inventory));
        let back = read(text.as_bytes(), &Limits::STANDARD).unwrap();
        back.components().iter().find(|component| component.name == "six").unwrap().owned_by
    };
    assert_eq!(owned("pkg:deb/debian/python3-six@1"), Some(ComponentId(0)));
    assert_eq!(owned("pkg:npm/owner@1"), None);
}

fn any_component() -> impl Strategy<Value = Component> {
    let kind = prop_oneof![Just("deb"), Just("npm"), Just("maven"), Just("generic")];
    let word = || prop_oneof!["[a-z]{1,4}", "\\PC{1,6}"];
    let source = proptest::option::of((word(), any::<String>()));
    let locations = proptest::collection::vec(any_location(), 0..3);
    let license = prop_oneof![Just("MIT".to_owned()), Just("BSD".to_owned()), any::<String>()];
    let licenses = proptest::collection::vec(license, 0..3);
    let identity = (kind, word(), any::<String>(), proptest::option::of("[0-9a-z.:~+]{1,6}"));
    (identity, source, locations, licenses, proptest::option::of(any::<String>())).prop_filter_map(
        "purl",
        |((kind, word, name, version), source, locations, licenses, supplier)| {
            let purl = Purl::new(kind, Some("space"), &word, version.as_deref(), &[]).ok()?;
            // What can not be written as a package URL that is read again is no component anywhere.
            let purl = purl.as_str().parse().ok()?;
            let mut component = Component::new(purl, name, version, "test");
            component.source = source.map(|(name, version)| SourcePackage { name, version });
            component.locations = locations;
            component.licenses = licenses;
            component.supplier = supplier;
            Some(component)
        },
    )
}

/// A component with what is beside its identity.
fn any_described() -> impl Strategy<Value = Component> {
    let kinds = [
        ComponentKind::Library,
        ComponentKind::Application,
        ComponentKind::Container,
        ComponentKind::Model,
    ];
    let scope = prop::sample::select(&[Scope::Required, Scope::Optional, Scope::Development][..]);
    let trust = prop::sample::select(&[Trust::Observed, Trust::Claimed][..]);
    let concluded = proptest::collection::vec(prop::sample::select(&["MIT", "Zlib"][..]), 0..3);
    let properties =
        proptest::collection::btree_map("plimsoll:[a-z]{1,3}:x", any::<String>(), 0..3);
    let introduced = proptest::option::of(any::<[u8; 32]>());
    let described = (prop::sample::select(kinds.to_vec()), scope, trust, concluded);
    (any_component(), described, properties, introduced).prop_map(
        |(mut component, (kind, scope, trust, concluded), properties, introduced)| {
            component.kind = kind;
            component.scope = scope;
            component.trust = trust;
            component.concluded = concluded.into_iter().map(str::to_owned).collect();
            component.properties = properties;
            component.introduced = introduced.map(Digest::from_bytes);
            component
        },
    )
}

fn any_layer() -> impl Strategy<Value = LayerInfo> {
    let created_by = proptest::option::of(any::<String>());
    (any::<[u8; 32]>(), any::<[u8; 32]>(), created_by).prop_map(|(digest, diff_id, created_by)| {
        LayerInfo {
            digest: Digest::from_bytes(digest),
            diff_id: Digest::from_bytes(diff_id),
            created_by,
        }
    })
}

fn any_inventory() -> impl Strategy<Value = Inventory> {
    let component = (any_described(), proptest::option::of(0_u32..8));
    let relation = (0_u32..8, 0_u32..8);
    let distribution = proptest::option::of((any::<String>(), proptest::option::of("[0-9.]{1,5}")));
    (
        proptest::collection::vec(component, 0..8),
        proptest::collection::vec(relation, 0..8),
        distribution,
        proptest::collection::vec(any_layer(), 0..3),
        prop::sample::select(&[Coverage::Complete, Coverage::Incomplete, Coverage::Unknown][..]),
    )
        .prop_map(|(components, relations, distribution, layers, coverage)| {
            let is_system = |owner: &u32| {
                let owner = components.get(usize::try_from(*owner).unwrap());
                owner.is_some_and(|(owner, _)| owner.purl.kind() == "deb")
            };
            let owners: Vec<_> = components
                .iter()
                .map(|(_, owner)| owner.filter(is_system).map(ComponentId))
                .collect();
            let components = components
                .into_iter()
                .zip(owners)
                .map(|((component, _), owned_by)| Component { owned_by, ..component })
                .collect();
            let relations = relations
                .into_iter()
                .map(|(from, to)| Relation {
                    from: ComponentId(from),
                    to: ComponentId(to),
                    kind: if from < to { RelationKind::Contains } else { RelationKind::DependsOn },
                })
                .collect();
            let distribution = distribution.map(|(id, version_id)| Distribution {
                id,
                id_like: vec![],
                version_id,
                codename: None,
                pretty_name: None,
            });
            let mut inventory = Inventory::new(distribution, components, relations, vec![]);
            inventory.layers = layers;
            inventory.coverage = [("npm".to_owned(), coverage)].into();
            inventory
        })
}

/// The inventory as XML can hold it, without the places that it can not.
fn printable(inventory: &Inventory) -> Inventory {
    let text =
        |text: &str| -> String { text.chars().map(shared::cyclonedx_legacy::held).collect() };
    let components = inventory.components().iter().map(|component| {
        let mut component = component.clone();
        component.name = text(&component.name);
        component.source = component.source.map(|source| SourcePackage {
            name: text(&source.name),
            version: text(&source.version),
        });
        let is_kept = |place: &Location| {
            let place = format!("{}{}", place.path, place.inside);
            place == text(&place) && !place.contains('\u{fffd}')
        };
        component.locations.retain(is_kept);
        component.properties.values_mut().for_each(|value| *value = text(value));
        component
    });
    let unknowns = inventory.unknowns.clone();
    let distribution = inventory
        .distribution
        .clone()
        .map(|distribution| Distribution { id: text(&distribution.id), ..distribution });
    let mut changed = Inventory::new(
        distribution,
        components.collect(),
        inventory.relations().to_vec(),
        unknowns,
    );
    changed.layers = inventory.layers.clone();
    changed.coverage = inventory.coverage.clone();
    changed
}

proptest! {
    #[test]
    fn every_inventory_comes_back(inventory in any_inventory()) {
        for format in ALL {
            let text = write(format.id, &document(&inventory));
            let back = read(text.as_bytes(), &Limits::STANDARD).unwrap();
            let as_held = |one: &Inventory| {
                if format.id == "cyclonedx-xml" { printable(one) } else { one.clone() }
            };
            let (back, expect) = (as_held(&back), as_held(&inventory));
            prop_assert_eq!(essence(&back), essence(&expect), "{}", format.id);
        }
    }

    #[test]
    fn damaged_documents_do_not_panic(cut in any::<usize>(), at in any::<usize>(), byte in any::<u8>()) {
        let inventory = inventory();
        for format in ALL {
            let mut bytes = write(format.id, &document(&inventory)).into_bytes();
            let length = bytes.len();
            prop_assert!(read(&bytes[..cut % (length - 2)], &Limits::STANDARD).is_err());
            bytes[at % length] = byte;
            if let Ok(read) = read(&bytes, &Limits::STANDARD) {
                // A damaged subject may look like a component, nothing else may.
                prop_assert!(read.components().len() <= inventory.components().len() + 1);
            }
        }
    }
}
