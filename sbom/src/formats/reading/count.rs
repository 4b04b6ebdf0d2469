//! The first look at a document: what it says to be, and how many components it has, none of them kept.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use std::fmt;

/// The head of any SBOM.
#[derive(Debug, Deserialize)]
pub(crate) struct Probe {
    #[serde(rename = "bomFormat")]
    pub(crate) bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    pub(crate) spec_version: Option<String>,
    #[serde(rename = "spdxVersion")]
    pub(crate) spdx_version: Option<String>,
    #[serde(default)]
    components: Nested,
    #[serde(default)]
    packages: Flat,
}

impl Probe {
    /// Components of CycloneDX, nested ones included, and packages of SPDX.
    pub(crate) fn components(&self) -> usize {
        self.components.0.saturating_add(self.packages.0)
    }
}

#[derive(Debug, Default)]
struct Nested(usize);

#[derive(Debug, Default)]
struct Flat(usize);

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    components: Nested,
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let count = |node: Node| node.components.0.saturating_add(1);
        from.deserialize_any(Elements(count)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Elements(|_: IgnoredAny| 1)).map(Self)
    }
}

/// Sums up what `.0` says of each element.
struct Elements<T>(fn(T) -> usize);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of components")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<usize, A::Error> {
        let mut count = 0_usize;
        while let Some(element) = elements.next_element()? {
            count = count.saturating_add((self.0)(element));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: usize) {
        let probe: Probe = serde_json::from_str(json).unwrap();
        assert_eq!(probe.components(), expect, "{json}");
    }

    #[test]
    fn nested_components_count_and_everything_else_is_skipped() {
        check("{}", 0);
        check(r#"{"components":null,"packages":[{},{"x":[1,2]}]}"#, 2);
        check(r#"{"components":[{"components":[{},{"components":[{}]}]},{}],"services":[{}]}"#, 5);
    }

    #[test]
    fn what_appears_twice_is_refused() {
        let twice = r#"{"components":[{}],"components":[]}"#;
        assert!(serde_json::from_str::<Probe>(twice).is_err());
    }
}
