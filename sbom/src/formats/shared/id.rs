//! Identifiers of documents and of what is in them: stable, unique, made from content alone.

use crate::Error;
use plimsoll_model::{Inventory, digest::Digester};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    io::{self, Write},
};
use uuid::Uuid;

/// The name space of our documents: the version 5 UUID of the project's address.
const NAMESPACE: Uuid = Uuid::from_u128(0x0b35_c1b5_6a0f_5e0c_9d5e_7f1f_3a8c_21d4);

/// A version 5 UUID of everything a document says, so that documents that differ never share one.
pub(crate) fn of_content(content: &impl Serialize) -> Result<Uuid, Error> {
    let mut hash = Hash(Digester::new());
    serde_json::to_writer(&mut hash, content).map_err(|source| Error::WriteSbom { source })?;
    Ok(Uuid::new_v5(&NAMESPACE, hash.0.finish().as_bytes()))
}

struct Hash(Digester);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One reference for each component, in the inventory's order: its package URL, with an ordinal where several
/// components share one. None is in `taken`.
pub(crate) fn component_refs(inventory: &Inventory, mut taken: BTreeSet<String>) -> Vec<String> {
    let mut refs = Vec::with_capacity(inventory.components().len());
    let (mut last, mut ordinal) = ("", 1_u32);
    for component in inventory.components() {
        let purl = component.purl.as_str();
        // Equal package URLs are neighbours in canonical order.
        ordinal = if purl == last { ordinal.saturating_add(1) } else { 1 };
        last = purl;
        let mut name = if ordinal == 1 { purl.to_owned() } else { format!("{purl}#{ordinal}") };
        while !taken.insert(name.clone()) {
            name.push('\'');
        }
        refs.push(name);
    }
    refs
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::Component;

    #[test]
    fn references_are_unique_whatever_the_package_urls_are() {
        let component = |purl: &str| Component::new(purl.parse().unwrap(), "x", None, "test");
        let inventory = Inventory::new(
            None,
            ["pkg:npm/a@1", "pkg:npm/a@1", "pkg:npm/a@1", "pkg:npm/a@1#2", "pkg:npm/b@1"]
                .map(component)
                .to_vec(),
            vec![],
            vec![],
        );
        let refs = component_refs(&inventory, BTreeSet::from(["pkg:npm/b@1".to_owned()]));
        assert_eq!(
            refs,
            ["pkg:npm/a@1", "pkg:npm/a@1#2", "pkg:npm/a@1#3", "pkg:npm/a@1#2'", "pkg:npm/b@1'"]
        );
    }

    #[test]
    fn content_decides_the_id() {
        assert_eq!(of_content(&"a").unwrap(), of_content(&"a").unwrap());
        assert_ne!(of_content(&"a").unwrap(), of_content(&"b").unwrap());
        assert_eq!(of_content(&"a").unwrap().get_version_num(), 5);
    }
}
