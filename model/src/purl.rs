//! Package URLs.

use packageurl::PackageUrl;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// A package URL in canonical form.
///
/// Specification: <https://github.com/package-url/purl-spec> (ECMA-427).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl {
    text: String,
    parts: Parts,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    kind: String,
    namespace: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
}

/// A text, or parts, that make no package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed package URL `{text}`: {reason}")]
pub struct PurlError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Purl {
    /// A package URL from its parts; empty namespaces, versions and qualifier values count as absent.
    ///
    /// # Errors
    /// When the type or the name is empty or has characters that the specification forbids.
    pub fn new(
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        version: Option<&str>,
        qualifiers: &[(&str, &str)],
    ) -> Result<Self, PurlError> {
        let fail = |error: packageurl::Error| PurlError {
            text: format!("pkg:{kind}/{name}"),
            reason: error.to_string(),
        };
        let mut purl = PackageUrl::new(kind.to_owned(), name.to_owned()).map_err(fail)?;
        if let Some(namespace) = namespace.filter(|text| !text.is_empty()) {
            purl.with_namespace(namespace.to_owned()).map_err(fail)?;
        }
        if let Some(version) = version.filter(|text| !text.is_empty()) {
            purl.with_version(version.to_owned()).map_err(fail)?;
        }
        for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
            purl.add_qualifier((*key).to_owned(), (*value).to_owned()).map_err(fail)?;
        }
        Ok(Self::of(&purl))
    }

    fn of(purl: &PackageUrl<'_>) -> Self {
        let mut qualifiers: Vec<_> = purl
            .qualifiers()
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        qualifiers.sort();
        let parts = Parts {
            kind: purl.ty().to_owned(),
            namespace: purl.namespace().map(str::to_owned),
            name: purl.name().to_owned(),
            version: purl.version().map(str::to_owned),
            qualifiers,
        };
        Self { text: purl.to_string(), parts }
    }

    /// The whole, in canonical form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type: `deb`, `npm`, ….
    pub fn kind(&self) -> &str {
        &self.parts.kind
    }

    /// The namespace, decoded.
    pub fn namespace(&self) -> Option<&str> {
        self.parts.namespace.as_deref()
    }

    /// The name, decoded.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The version, decoded.
    pub fn version(&self) -> Option<&str> {
        self.parts.version.as_deref()
    }

    /// The value of a qualifier, decoded.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.parts
            .qualifiers
            .iter()
            .find(|(found, _)| found == key)
            .map(|(_, value)| value.as_str())
    }

    /// The same package whatever its version and qualifiers.
    pub fn without_version(&self) -> String {
        // In canonical form these three are percent-encoded everywhere else.
        let end = self.text.find(['@', '?', '#']).unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or(&self.text).to_owned()
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        PackageUrl::from_str(text)
            .map(|purl| Self::of(&purl))
            .map_err(|error| PurlError { text: text.to_owned(), reason: error.to_string() })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_text_agree() {
        let purl = Purl::new(
            "npm",
            Some("@angular"),
            "core",
            Some("1.0+x"),
            &[("arch", "any"), ("empty", "")],
        )
        .unwrap();
        assert_eq!(purl.as_str(), "pkg:npm/%40angular/core@1.0%2Bx?arch=any");
        assert_eq!(purl.as_str().parse::<Purl>().unwrap(), purl);
        assert_eq!(purl.namespace(), Some("@angular"));
        assert_eq!(purl.qualifier("arch"), Some("any"));
        assert_eq!(purl.without_version(), "pkg:npm/%40angular/core");
    }

    #[test]
    fn without_version_cuts_version_and_qualifiers() {
        for (text, expect) in [
            ("pkg:deb/debian/zlib1g@1%3A1.2?arch=amd64", "pkg:deb/debian/zlib1g"),
            ("pkg:deb/debian/zlib1g?arch=amd64", "pkg:deb/debian/zlib1g"),
            ("pkg:deb/debian/zlib1g", "pkg:deb/debian/zlib1g"),
        ] {
            assert_eq!(text.parse::<Purl>().unwrap().without_version(), expect);
        }
    }

    #[test]
    fn what_is_no_purl_is_refused() {
        for text in ["", "zlib", "pkg:", "pkg:deb", "http://x"] {
            assert!(text.parse::<Purl>().is_err(), "{text}");
        }
    }
}
