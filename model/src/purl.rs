//! Package URLs.

use packageurl::PackageUrl;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

/// A package URL in canonical form.
///
/// Specification: <https://github.com/package-url/purl-spec> (ECMA-427). The crate `packageurl` knows it and the rules
/// of most types; where its rules are not those of the type definitions, `MENDED` says so.
///
/// It is shared by its clones: a scan says it once for each flaw.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl(Arc<Whole>);

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Whole {
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
    subpath: Option<String>,
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

/// A type whose rules the crate has wrong (as of 0.7.1), and what its definition says.
struct Mended {
    kind: &'static str,
    rule: Rule,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Namespace and name do not tell upper case from lower case.
    LowerCase,
    /// There need not be a namespace; the name is that of a distribution, so it has no `::`.
    CpanName,
    /// The namespace is the host, the name everything below it.
    SlashedName,
    /// Keys of qualifiers are lower case; other types have them folded.
    LowerCaseKeys,
}

const MENDED: [Mended; 5] = [
    Mended { kind: "brew", rule: Rule::LowerCase },
    Mended { kind: "cpan", rule: Rule::CpanName },
    Mended { kind: "gem", rule: Rule::LowerCaseKeys },
    Mended { kind: "git", rule: Rule::SlashedName },
    Mended { kind: "rpm", rule: Rule::LowerCaseKeys },
];

impl Rule {
    fn of(kind: &str) -> Option<Self> {
        MENDED.iter().find(|one| kind.eq_ignore_ascii_case(one.kind)).map(|one| one.rule)
    }
}

impl Purl {
    /// A package URL from its parts; empty namespaces, versions and qualifier values count as absent.
    ///
    /// # Errors
    /// When the type or the name is empty or has characters that the specification forbids, and when the type's
    /// definition forbids or requires a part.
    pub fn new(
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        version: Option<&str>,
        qualifiers: &[(&str, &str)],
    ) -> Result<Self, PurlError> {
        let qualifiers =
            qualifiers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self::build(Parts {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            version: version.map(str::to_owned),
            qualifiers: qualifiers.collect(),
            subpath: None,
        })
    }

    /// The same with a path below the package's root; an empty path is none.
    ///
    /// # Errors
    /// When a segment of it is empty, `.` or `..`.
    pub fn with_subpath(&self, subpath: &str) -> Result<Self, PurlError> {
        Self::build(Parts { subpath: Some(subpath.to_owned()), ..self.0.parts.clone() })
    }

    fn build(parts: Parts) -> Result<Self, PurlError> {
        let text = format!("pkg:{}/{}", parts.kind, parts.name);
        let fail = |reason: String| PurlError { text: text.clone(), reason };
        let rule = Rule::of(&parts.kind);
        let parts = mend(parts, rule).map_err(|reason| fail(reason.to_owned()))?;
        let purl = of_parts(parts, rule).map_err(|error| fail(error.to_string()))?;
        Ok(Self::of(&purl, rule))
    }

    fn of(purl: &PackageUrl<'_>, rule: Option<Rule>) -> Self {
        Self(Arc::new(Whole { parts: Parts::of(purl, rule), text: purl.to_string() }))
    }

    /// The whole, in canonical form.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The type: `deb`, `npm`, ….
    pub fn kind(&self) -> &str {
        &self.0.parts.kind
    }

    /// The namespace, decoded.
    pub fn namespace(&self) -> Option<&str> {
        self.0.parts.namespace.as_deref()
    }

    /// The name, decoded.
    pub fn name(&self) -> &str {
        &self.0.parts.name
    }

    /// The version, decoded.
    pub fn version(&self) -> Option<&str> {
        self.0.parts.version.as_deref()
    }

    /// The value of a qualifier, decoded.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.0
            .parts
            .qualifiers
            .iter()
            .find(|(found, _)| found == key)
            .map(|(_, value)| value.as_str())
    }

    /// The path below the package's root, decoded.
    pub fn subpath(&self) -> Option<&str> {
        self.0.parts.subpath.as_deref()
    }

    /// The same package whatever its version and qualifiers.
    pub fn without_version(&self) -> String {
        // In canonical form these three are percent-encoded everywhere else.
        let end = self.0.text.find(['@', '?', '#']).unwrap_or(self.0.text.len());
        self.0.text.get(..end).unwrap_or(&self.0.text).to_owned()
    }
}

impl Parts {
    fn of(purl: &PackageUrl<'_>, rule: Option<Rule>) -> Self {
        let mut qualifiers: Vec<_> = purl
            .qualifiers()
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        qualifiers.sort();
        let text = |part: Option<&str>| part.filter(|part| !part.is_empty()).map(str::to_owned);
        let mut parts = Self {
            kind: purl.ty().to_owned(),
            namespace: text(purl.namespace()),
            name: purl.name().to_owned(),
            version: text(purl.version()),
            qualifiers,
            subpath: text(purl.subpath()),
        };
        if rule == Some(Rule::SlashedName)
            && let Some((host, path)) =
                parts.namespace.as_deref().and_then(|namespace| namespace.split_once('/'))
        {
            parts.name = format!("{path}/{}", parts.name);
            parts.namespace = Some(host.to_owned());
        }
        parts
    }
}

/// The parts as the crate has to be given them.
fn mend(mut parts: Parts, rule: Option<Rule>) -> Result<Parts, &'static str> {
    parts.qualifiers.retain(|(_, value)| !value.is_empty());
    let absent = |text: &String| text.is_empty();
    parts.namespace = parts.namespace.filter(|text| !absent(text));
    parts.version = parts.version.filter(|text| !absent(text));
    parts.subpath = parts.subpath.filter(|text| !absent(text));
    match rule {
        Some(Rule::LowerCase) => {
            parts.name = parts.name.to_lowercase();
            parts.namespace = parts.namespace.map(|text| text.to_lowercase());
        }
        Some(Rule::LowerCaseKeys) if parts.qualifiers.iter().any(|(key, _)| is_folded(key)) => {
            return Err("keys of qualifiers are lower case");
        }
        Some(Rule::CpanName) if parts.name.contains("::") => {
            return Err("the name is that of a distribution, not of a module");
        }
        Some(Rule::SlashedName) => {
            if let Some((path, name)) = parts.name.rsplit_once('/') {
                let host = parts.namespace.map(|host| host + "/").unwrap_or_default();
                parts.namespace = Some(host + path);
                parts.name = name.to_owned();
            }
        }
        Some(Rule::CpanName | Rule::LowerCaseKeys) | None => {}
    }
    Ok(parts)
}

/// Whether a key is not what it is in canonical form.
fn is_folded(key: &str) -> bool {
    key.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a key of a qualifier in a package URL is not what it is in canonical form.
fn has_folded_key(text: &str) -> bool {
    let text = text.split_once('#').map_or(text, |(text, _)| text);
    let qualifiers = text.rsplit_once('?').map_or("", |(_, qualifiers)| qualifiers);
    let mut keys = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
    keys.any(|(key, value)| !value.is_empty() && is_folded(key))
}

fn of_parts(parts: Parts, rule: Option<Rule>) -> Result<PackageUrl<'static>, packageurl::Error> {
    let mut purl = PackageUrl::new(parts.kind, parts.name)?;
    if let Some(namespace) = parts.namespace {
        purl.with_namespace(namespace)?;
    }
    if let Some(version) = parts.version {
        purl.with_version(version)?;
    }
    for (key, value) in parts.qualifiers {
        purl.add_qualifier(key, value)?;
    }
    if let Some(subpath) = parts.subpath {
        purl.with_subpath(subpath)?;
    }
    if rule != Some(Rule::CpanName) {
        purl.validate()?;
    }
    Ok(purl)
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        let fail = |reason: String| PurlError { text: text.to_owned(), reason };
        let after_scheme = text.strip_prefix("pkg:").unwrap_or_default().trim_start_matches('/');
        let mended = after_scheme
            .split_once('/')
            .and_then(|(kind, rest)| Some((kind.to_ascii_lowercase(), rest, Rule::of(kind)?)));
        let Some((kind, rest, rule)) = mended else {
            let purl = PackageUrl::from_str(text).map_err(|error| fail(error.to_string()))?;
            // The crate takes `//` for a namespace (as of 0.7.1) and prints it: one package would have two URLs.
            let has_empty = [purl.namespace(), purl.version(), purl.subpath()].contains(&Some(""));
            return if has_empty {
                Self::build(Parts::of(&purl, None))
            } else {
                Ok(Self::of(&purl, None))
            };
        };
        if rule == Rule::LowerCaseKeys && has_folded_key(rest) {
            return Err(fail("keys of qualifiers are lower case".to_owned()));
        }
        // By a type without rules first, then by those of its own.
        let plain = PackageUrl::from_str(&format!("pkg:generic/{rest}"))
            .map_err(|error| fail(error.to_string()))?;
        let parts = Parts { kind, ..Parts::of(&plain, None) };
        let parts = mend(parts, Some(rule)).map_err(|reason| fail(reason.to_owned()))?;
        let purl = of_parts(parts, Some(rule)).map_err(|error| fail(error.to_string()))?;
        Ok(Self::of(&purl, Some(rule)))
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.text)
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
    fn parts_that_are_empty_are_not_there() {
        let expect: Purl = "pkg:generic/a".parse().unwrap();
        for text in ["pkg:generic//a", "pkg:generic///a", "pkg:generic/a@"] {
            assert_eq!(text.parse(), Ok(expect.clone()), "{text}");
        }
    }

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
    fn types_that_the_crate_has_otherwise_are_mended() {
        let parse = |text: &str| text.parse::<Purl>();
        assert_eq!(
            parse("pkg:Brew/Homebrew/Core/SQLite@3").unwrap().as_str(),
            "pkg:brew/homebrew/core/sqlite@3"
        );
        assert_eq!(parse("pkg:cpan/DateTime@1").unwrap().as_str(), "pkg:cpan/DateTime@1");
        assert!(parse("pkg:cpan/GDT/URI::PackageURL").is_err());
        let git = parse("pkg:git/codeberg.org/a/b/c@1#d/e").unwrap();
        assert_eq!((git.namespace(), git.name()), (Some("codeberg.org"), "a/b/c"));
        assert_eq!(git.subpath(), Some("d/e"));
        let built = Purl::new("git", Some("codeberg.org"), "a/b/c", Some("1"), &[]).unwrap();
        assert_eq!(built.with_subpath("d/e").unwrap(), git);
        assert_eq!(git.with_subpath("").unwrap(), built);
        assert!(built.with_subpath("../x").is_err());
        assert!(parse("pkg:rpm/a?Arch=x").is_err());
        assert!(Purl::new("rpm", None, "a", None, &[("Arch", "x")]).is_err());
        assert_eq!(parse("pkg:maven/a/b?Type=x").unwrap().qualifier("type"), Some("x"));
    }

    #[test]
    fn what_is_no_purl_is_refused() {
        for text in [
            "",
            "zlib",
            "pkg:",
            "pkg:deb",
            "http://x",
            "pkg:git/",
            "pkg:cpan/?x=y",
            "pkg:swift/a@1",
        ] {
            assert!(text.parse::<Purl>().is_err(), "{text}");
        }
        assert!(Purl::new("swift", None, "a", None, &[]).is_err());
    }
}
