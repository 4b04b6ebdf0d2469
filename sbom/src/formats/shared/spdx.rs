//! What both generations of SPDX have in common.

use super::{id, license::License};
use plimsoll_model::{Digest, Inventory};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is asserted.
pub(crate) const NO_ASSERTION: &str = "NOASSERTION";

/// What stands for the copyright notice of a package: the standards ask for a statement, and this one is true. Notices are
/// in the package's own files, which are not searched for them.
pub(crate) const COPYRIGHT: &str =
    "No copyright notice is recorded in the metadata of the package.";

/// What identifies an operating system, which no package URL does: an address of the scheme `swid`, so without blanks.
pub(crate) fn swid(id: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    let id: String = id.chars().map(|char| if is_plain(char) { char } else { '-' }).collect();
    format!("swid:{id}")
}

/// What stands for a conclusion that nobody has drawn; its text says so.
pub(crate) const NOT_CONCLUDED: &str = "LicenseRef-not-concluded";

/// The text of it.
pub(crate) const NOT_CONCLUDED_TEXT: &str =
    "No licence was concluded: the texts that came with the package were not examined.";

/// Identifiers that say what they name, made unique by a digest of the component's reference: the same component has
/// the same identifier in every document.
pub(crate) fn component_ids(inventory: &Inventory) -> Vec<String> {
    id::component_refs(inventory, BTreeSet::new())
        .iter()
        .zip(inventory.components())
        .map(|(reference, component)| {
            let name: String = component
                .name
                .chars()
                .take(48)
                .map(|char| if char.is_ascii_alphanumeric() { char } else { '-' })
                .collect();
            let hash: String = Digest::of(reference.as_bytes()).hex().chars().take(32).collect();
            format!("{}-{name}-{hash}", component.purl.kind().replace('+', "-"))
        })
        .collect()
}

/// Who supplies something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    /// One person, with an address.
    Person(String),
    /// Everyone else.
    Organization(String),
}

impl Actor {
    /// As SPDX 2 writes it (§7.5): `Person: Name (address)`.
    pub(crate) fn to_line(&self) -> String {
        match self {
            Self::Person(name) => format!("Person: {name}"),
            Self::Organization(name) => format!("Organization: {name}"),
        }
    }

    /// What looks like one person with an address is a person; a text without a name is nobody.
    pub(crate) fn of(declared: &str) -> Option<Self> {
        const GROUPS: [&str; 9] = [
            "team",
            "maintainer",
            "developer",
            "group",
            "project",
            "list",
            "foundation",
            "inc",
            "ltd",
        ];
        let flat = |text: &str| {
            let text: String = text
                .chars()
                .map(|char| match char {
                    '(' => '[',
                    ')' => ']',
                    char if char.is_control() => ' ',
                    char => char,
                })
                .collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let (name, address) =
            match declared.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
                Some((name, address)) => (flat(name), flat(address)),
                None => (flat(declared), String::new()),
            };
        let is_group = name
            .split(|char: char| !char.is_alphanumeric())
            .chain(address.split(|char: char| !char.is_alphanumeric()))
            .any(|word| GROUPS.contains(&word.to_lowercase().trim_end_matches('s')));
        match (name.as_str(), address.as_str()) {
            ("", _) => None,
            (name, "") => Some(Self::Organization(name.to_owned())),
            (name, address) if is_group => Some(Self::Organization(format!("{name} ({address})"))),
            (name, address) => Some(Self::Person(format!("{name} ({address})"))),
        }
    }
}

/// Declared licences, and the texts that are no SPDX.
#[derive(Default)]
pub(crate) struct Licenses {
    texts: BTreeMap<String, String>,
}

impl Licenses {
    /// All that were declared together, as one expression: every one of them has to be kept to.
    pub(crate) fn declare(&mut self, declared: &[String]) -> String {
        let mut terms: Vec<String> = Vec::new();
        let several = declared.len() > 1;
        for text in declared.iter().filter(|text| !text.trim().is_empty()) {
            let term = match License::of(text) {
                License::Id(id) => id.to_owned(),
                License::Expression(expression) if several => format!("({expression})"),
                License::Expression(expression) => expression.to_owned(),
                License::Text(text) => self.refer(text),
            };
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        if terms.is_empty() { NO_ASSERTION.to_owned() } else { terms.join(" AND ") }
    }

    fn refer(&mut self, text: &str) -> String {
        let hash: String = Digest::of(text.as_bytes()).hex().chars().take(32).collect();
        let id = format!("LicenseRef-{hash}");
        self.texts.entry(id.clone()).or_insert_with(|| text.to_owned());
        id
    }

    /// The texts that were referred to, by the identifiers that were given to them.
    pub(crate) fn texts(self) -> BTreeMap<String, String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::Component;

    #[test]
    fn suppliers_are_persons_or_organizations() {
        for (declared, expect) in [
            ("Jane Doe <jane@example.org>", "Person: Jane Doe (jane@example.org)"),
            ("Debian zlib team <z@example.org>", "Organization: Debian zlib team (z@example.org)"),
            (
                "Python Maintainers <py@lists.example>",
                "Organization: Python Maintainers (py@lists.example)",
            ),
            ("Red Hat, Inc.", "Organization: Red Hat, Inc."),
            ("A (B)\u{1b}\n C", "Organization: A [B] C"),
            ("<only@example.org>", "NOASSERTION"),
            (" \n", "NOASSERTION"),
        ] {
            let found = Actor::of(declared).map_or("NOASSERTION".to_owned(), |one| one.to_line());
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn licences_declared_together_all_hold_and_what_is_no_spdx_is_referred_to() {
        let mut licenses = Licenses::default();
        let mut declare = |declared: &[&str]| {
            licenses.declare(&declared.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(declare(&[]), "NOASSERTION");
        assert_eq!(declare(&["", " "]), "NOASSERTION");
        assert_eq!(declare(&["MIT OR Zlib"]), "MIT OR Zlib");
        assert_eq!(declare(&["MIT OR Zlib", "MIT", "MIT"]), "(MIT OR Zlib) AND MIT");
        let reference = declare(&["Public Domain"]);
        assert_eq!(declare(&["MIT", "Public Domain"]), format!("MIT AND {reference}"));
        assert!(reference.starts_with("LicenseRef-"), "{reference}");
        let texts = BTreeMap::from([(reference, "Public Domain".to_owned())]);
        assert_eq!(licenses.texts(), texts);
    }

    #[test]
    fn identifiers_have_only_letters_digits_dots_and_dashes() {
        let component =
            |name: &str| Component::new("pkg:generic/a@1".parse().unwrap(), name, None, "test");
        let names = ["@scope/name", "é\u{0}", "", &"x".repeat(1_000)];
        let inventory = Inventory::new(None, names.map(component).to_vec(), Vec::new(), Vec::new());
        let ids = component_ids(&inventory);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
        for id in ids {
            let rest = id.as_str();
            assert!(rest.len() < 100, "{id}");
            assert!(
                rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)),
                "{id}"
            );
        }
    }
}
