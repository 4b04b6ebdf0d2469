//! The first look at a document: what it says to be, and how many components it has, none of them kept.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

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
    /// Of SPDX 3.
    #[serde(rename = "@graph", default)]
    graph: Packages,
}

impl Probe {
    /// Components of CycloneDX, nested ones included, and packages of SPDX.
    pub(crate) fn components(&self) -> usize {
        let flat = self.packages.0.saturating_add(self.graph.packages);
        self.components.0.saturating_add(flat)
    }

    /// The version of SPDX 3, where it is that.
    pub(crate) fn spdx_3(&self) -> Option<&str> {
        self.graph.version.as_deref()
    }
}

#[derive(Debug, Default)]
struct Nested(usize);

#[derive(Debug, Default)]
struct Flat(usize);

/// What a graph of SPDX 3 says of itself, and how many packages it has.
#[derive(Debug, Default)]
struct Packages {
    version: Option<String>,
    packages: usize,
}

#[derive(Deserialize)]
struct GraphNode {
    #[serde(default, alias = "@type")]
    r#type: String,
    #[serde(rename = "specVersion")]
    version: Option<String>,
}

impl<'de> Deserialize<'de> for Packages {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut graph = Self::default();
        let take = |node: GraphNode| {
            if node.r#type == "CreationInfo" && graph.version.is_none() {
                graph.version = node.version;
            }
            usize::from(node.r#type.ends_with("Package"))
        };
        graph.packages = from.deserialize_any(Elements(take, PhantomData))?;
        Ok(graph)
    }
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    components: Nested,
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let count = |node: Node| node.components.0.saturating_add(1);
        from.deserialize_any(Elements(count, PhantomData)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Elements(|_: IgnoredAny| 1, PhantomData)).map(Self)
    }
}

/// Sums up what `.0` says of each element.
struct Elements<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> usize> Visitor<'de> for Elements<T, F> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of components")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<usize, A::Error> {
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
