//! What the files that name Go modules have in common.

use crate::catalogers::{Context, Draft, Found};
use plimsoll_model::{component::ComponentId, tree::Entry};

/// The path of a module, and its version.
pub(crate) type Module<'a> = (&'a str, Option<&'a str>);

/// What is built where a module was replaced: another one, or a directory, whose content has no version.
pub(crate) fn replacement<'a>(replaced: Module<'a>, by: Module<'a>) -> Module<'a> {
    let is_directory = by.1.is_none() && by.0.starts_with(['.', '/']);
    if is_directory { (replaced.0, None) } else { by }
}

/// Adds a module.
pub(crate) fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    module: Module<'_>,
    found: &mut Found,
) -> Option<ComponentId> {
    ctx.add(found, entry, &draft(module))
}

/// Adds the module that a `go.mod` is of: it states no version of itself.
pub(crate) fn add_project(
    ctx: &Context<'_>,
    entry: &Entry,
    path: &str,
    found: &mut Found,
) -> Option<ComponentId> {
    ctx.add_project(found, entry, &draft((path, None)))
}

fn draft((path, version): Module<'_>) -> Draft<'_> {
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    Draft { kind: "golang", namespace, name, shown: path, version, qualifiers: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_no_version() {
        let old = ("a/b", Some("v1.0.0"));
        assert_eq!(replacement(old, ("../b", None)), ("a/b", None));
        assert_eq!(replacement(old, ("c/b", Some("v2.0.0"))), ("c/b", Some("v2.0.0")));
    }
}
