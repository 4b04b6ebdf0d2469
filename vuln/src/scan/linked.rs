//! Whether a program links the packages of a Go module that a record is about.
//!
//! <https://go.dev/doc/security/vuln/database#schema>: `ecosystem_specific.imports`.

use plimsoll_model::component::Component;

/// The property in which an inventory has the import paths of the packages that a program links, with commas between them.
const GO_PACKAGES: &str = "plimsoll:go:packages";

/// What a program links of the packages that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Linked<'a> {
    /// The record is about the whole module, or it is not known what is linked: the version alone decides.
    Untold,
    /// These.
    These(Vec<&'a str>),
    /// None of them.
    None,
}

/// Judges by the packages that a record names (none: the whole module) and those that are linked (absent: not known).
pub(super) fn linked<'a>(imports: &[&'a str], linked: Option<&str>) -> Linked<'a> {
    let Some(linked) = linked.filter(|_| !imports.is_empty()) else { return Linked::Untold };
    let is_linked = |import: &&str| linked.split(',').any(|package| package == *import);
    let these: Vec<_> = imports.iter().copied().filter(is_linked).collect();
    if these.is_empty() { Linked::None } else { Linked::These(these) }
}

/// The packages of a module that are linked, where the inventory tells them.
pub(super) fn packages_of(component: &Component) -> Option<&str> {
    component.properties.get(GO_PACKAGES).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_paths_count() {
        let http2 = "golang.org/x/net/http2";
        let of = |packages| linked(&[http2, "golang.org/x/net/html"], packages);
        assert_eq!(of(Some("golang.org/x/net/http2")), Linked::These(vec![http2]));
        assert_eq!(
            of(Some("golang.org/x/net/html,golang.org/x/net/http2")),
            Linked::These(vec![http2, "golang.org/x/net/html"])
        );
        assert_eq!(of(Some("golang.org/x/net/http2/hpack,golang.org/x/net")), Linked::None);
        assert_eq!(of(Some("")), Linked::None);
    }

    #[test]
    fn what_is_not_told_clears_nothing() {
        assert_eq!(linked(&["a/b"], None), Linked::Untold);
        assert_eq!(linked(&[], Some("a/b")), Linked::Untold);
        assert_eq!(linked(&[], None), Linked::Untold);
    }
}
