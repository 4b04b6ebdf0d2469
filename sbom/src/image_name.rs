//! Images of containers by name, as components.

use crate::catalogers::{Context, Draft, Found};
use plimsoll_model::{
    component::{ComponentId, ComponentKind},
    reference::{ImageName, Tag},
    tree::Entry,
};

const DOCKER_HUB: &str = "docker.io";

/// Adds the image with this name: `pkg:oci` with a digest, `pkg:docker` with a tag. A name with neither may be any image,
/// and has no version.
pub(crate) fn add(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    text: &str,
) -> Option<ComponentId> {
    let image: ImageName = match text.parse() {
        Ok(image) => image,
        Err(error) => {
            ctx.note(found, entry, format!("`{text}` names no image: {error}"));
            return None;
        }
    };
    let (registry, path) = (image.repository.registry(), image.repository.path());
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    let tag = image.tag.as_ref().map(Tag::as_str);
    let shown = image.repository.to_string();
    let draft =
        Draft { kind: "docker", namespace, name, shown: &shown, version: tag, qualifiers: &[] };
    let id = if let Some(digest) = image.digest {
        let digest = digest.to_string();
        let qualifiers = [("repository_url", shown.as_str()), ("tag", tag.unwrap_or_default())];
        let version = Some(digest.as_str());
        let draft =
            Draft { kind: "oci", namespace: None, version, qualifiers: &qualifiers, ..draft };
        ctx.add(found, entry, &draft)
    } else if registry == DOCKER_HUB {
        let namespace = namespace.filter(|namespace| *namespace != "library");
        ctx.add(found, entry, &Draft { namespace, ..draft })
    } else {
        let qualifiers = [("repository_url", registry)];
        ctx.add(found, entry, &Draft { qualifiers: &qualifiers, ..draft })
    }?;
    if let Some(component) = found.at(id) {
        component.kind = ComponentKind::Container;
    }
    Some(id)
}

/// In bytes; a value may be made of others that are each made of others.
const LONGEST_NAME: usize = 4_096;

/// A text with its variables replaced, where that can be told and is no longer than any name of an image: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+other}`,
/// `${NAME:?message}`, each with or without the colon. A default that has variables itself is not followed.
///
/// As BuildKit and Compose have it: <https://docs.docker.com/reference/dockerfile/#environment-replacement>.
pub(crate) fn expand<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut pieces = text.split('$');
    let mut expanded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if piece.is_empty() {
            // Two signs mean one, which no name of an image has.
            return None;
        }
        let (replaced, rest) = if let Some(braced) = piece.strip_prefix('{') {
            let (inside, rest) = braced.split_once('}')?;
            (braced_value(inside, &value)?, rest)
        } else {
            let end = piece.find(|char: char| !is_of_name(char)).unwrap_or(piece.len());
            let (name, rest) = piece.split_at_checked(end)?;
            (value(name)?.to_owned(), rest)
        };
        expanded.push_str(&replaced);
        expanded.push_str(rest);
        if expanded.len() > LONGEST_NAME {
            return None;
        }
    }
    Some(expanded)
}

fn braced_value<'a>(inside: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let end = inside.find(|char: char| !is_of_name(char)).unwrap_or(inside.len());
    let (name, operator) = inside.split_at_checked(end)?;
    let (operator, counts_empty) = match operator.strip_prefix(':') {
        Some(operator) => (operator, false),
        None => (operator, true),
    };
    let known = value(name).filter(|known| counts_empty || !known.is_empty());
    let mut chars = operator.chars();
    match (chars.next(), known) {
        (Some('-'), None) | (Some('+'), Some(_)) => Some(chars.as_str().to_owned()),
        // What is not set here may be set where it is used.
        (None | Some('-' | '?'), Some(known)) => Some(known.to_owned()),
        _ => None,
    }
}

fn is_of_name(char: char) -> bool {
    char == '_' || char.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        for (text, expect) in [
            ("debian:12", Some("debian:12")),
            ("debian:$V", Some("debian:12")),
            ("debian:${V}-slim", Some("debian:12-slim")),
            ("a:${X:-1}", Some("a:1")),
            ("a:${X-1}", Some("a:1")),
            ("a:${E:-1}", Some("a:1")),
            ("a:${E-1}", Some("a:")),
            ("a:${V:-1}", Some("a:12")),
            ("a${V:+-x}", Some("a-x")),
            ("a:${V:?must be set}", Some("a:12")),
            ("a:${X}", None),
            ("a:$X", None),
            ("a:${X:?must be set}", None),
            ("a:${V", None),
            ("a:${X:-$V}", None),
            ("a:${X:-${V}}", None),
            ("a:$$V", None),
            ("a:$", None),
            ("a:${V%2}", None),
        ] {
            let value = |name: &str| {
                [("V", "12"), ("E", "")]
                    .into_iter()
                    .find_map(|(key, value)| (key == name).then_some(value))
            };
            assert_eq!(expand(text, value).as_deref(), expect, "{text}");
        }
    }
}
