//! Docker Official Images: their names, and the tags that are built and patched.
//!
//! `official/tags.txt` has a line for each file in `library/` of <https://github.com/docker-library/official-images> at commit
//! 37079fb3 (2026-08-21): its name and the tags in it, sorted; those without tags are not built any more. To refresh it:
//! take `Tags` and `SharedTags` of each file of that folder at a newer commit, sort, and put the commit and its date here.

use plimsoll_model::reference::Repository;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// When the list was the current one.
pub const DATE: &str = "2026-08-21";

/// One line for each image, in order: the name, and its tags.
const LINES: &str = include_str!("official/tags.txt");

/// Of each name its tags, as they stand in its line: many rules ask for many images, and the list is long.
static TAGS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    LINES.lines().map(|line| line.split_once(' ').unwrap_or((line, ""))).collect()
});

/// Names that were in the list and are not any more, as of [`DATE`].
const REMOVED: [&str; 10] = [
    "adoptopenjdk",
    "centos",
    "consul",
    "java",
    "jenkins",
    "nats-streaming",
    "opensuse",
    "sentry",
    "swarm",
    "vault",
];

/// Code names of releases of distributions that get no fixes any more.
const PAST: [&str; 16] = [
    "bionic", "buster", "cosmic", "disco", "eoan", "focal", "groovy", "hirsute", "impish",
    "jessie", "kinetic", "lunar", "mantic", "stretch", "wheezy", "xenial",
];

/// What the list says of a repository of Docker Hub's `library/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Official {
    /// It is built and patched.
    Active,
    /// It is there, and not built any more.
    Retired,
    /// It was there.
    Removed,
    /// Nothing: there is no such image.
    Unlisted,
}

/// What the list says of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is built and patched.
    Supported,
    /// A later one of the same line is.
    Superseded,
    /// It is not, and no other of its line is.
    Ended,
    /// It is later than everything in the list.
    Later,
    /// It is in no line that the list knows.
    Unknown,
}

/// The names of all images in the list, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TAGS.keys().copied()
}

/// Whether the list has an image of this name, built or not.
pub fn is_listed(name: &str) -> bool {
    TAGS.contains_key(name)
}

/// Whether a repository is that of a Docker Official Image: on Docker Hub, in `library/`, and in the list.
pub fn is_official(repository: &Repository) -> bool {
    matches!(standing(repository), Some(Official::Active | Official::Retired))
}

/// What the list says of a repository; nothing where it is not in Docker Hub's `library/`.
pub fn standing(repository: &Repository) -> Option<Official> {
    let name = name(repository)?;
    Some(match tags(name).map(|mut tags| tags.next()) {
        Some(None) => Official::Retired,
        Some(Some(_)) => Official::Active,
        None if REMOVED.contains(&name) => Official::Removed,
        None => Official::Unlisted,
    })
}

/// What the list says of a tag of an image that is built; nothing for all others.
pub fn support(repository: &Repository, tag: &str) -> Option<Support> {
    let listed: Vec<&str> = tags(name(repository)?)?.collect();
    (!listed.is_empty()).then(|| of_tag(&listed, tag))
}

/// The tags in the list that are like this one but for later numbers, the latest last; none where it has no numbers.
pub fn later(repository: &Repository, tag: &str) -> Vec<&'static str> {
    let (words, numbers) = parts(tag);
    let Some(listed) = name(repository).and_then(tags) else { return Vec::new() };
    let shaped = listed.map(|other| (parts(other), other));
    let mut later: Vec<_> = shaped
        .filter(|((other, found), _)| *other == words && *found > numbers)
        .map(|((_, found), other)| (found, other))
        .collect();
    later.sort();
    later.into_iter().map(|(_, tag)| tag).collect()
}

fn name(repository: &Repository) -> Option<&str> {
    let path = repository.is_official_namespace().then(|| repository.path())?;
    path.strip_prefix("library/")
}

fn tags(name: &str) -> Option<impl Iterator<Item = &'static str>> {
    TAGS.get(name).map(|tags| tags.split(' ').filter(|tag| !tag.is_empty()))
}

/// Compares a tag with those that have the same words in it and other numbers.
fn of_tag(listed: &[&str], tag: &str) -> Support {
    if listed.contains(&tag) {
        return Support::Supported;
    }
    let (words, numbers) = parts(tag);
    let line: Vec<Vec<u64>> = listed
        .iter()
        .map(|other| parts(other))
        .filter_map(|(other, numbers)| (other == words).then_some(numbers))
        .collect();
    if line.is_empty() {
        let is_past = tag.split('-').any(|word| PAST.contains(&word));
        return if is_past { Support::Ended } else { Support::Unknown };
    }
    // As many numbers in front as any of the line shares; the next one decides.
    for shared in (0..numbers.len()).rev() {
        let near = line.iter().filter(|other| other.get(..shared) == numbers.get(..shared));
        let next: BTreeSet<u64> = near.filter_map(|other| other.get(shared).copied()).collect();
        let Some(latest) = next.last() else { continue };
        // Where one number alone is built, it is the latest of a line; where several are, each is a line of its own. A
        // first number is a version of the whole, unless a word comes before it (`bookworm-20260803`).
        let is_line = next.len() == 1 && (shared > 0 || !words.starts_with('0'));
        return match numbers.get(shared).map(|number| number.cmp(latest)) {
            Some(Ordering::Greater) => Support::Later,
            _ if is_line => Support::Superseded,
            _ => Support::Ended,
        };
    }
    Support::Unknown
}

/// The words of a tag with a `0` in place of each number, and the numbers.
fn parts(tag: &str) -> (String, Vec<u64>) {
    let (mut words, mut numbers) = (String::new(), Vec::new());
    let mut rest = tag;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if is_digit {
            words.push('0');
            numbers.push(part.parse().unwrap_or(u64::MAX));
        } else {
            words.push_str(part);
        }
        rest = after;
    }
    (words, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    #[test]
    fn official_takes_host_namespace_and_list() {
        let check = |text: &str| is_official(&repository(text));
        assert!(check("debian") && check("registry-1.docker.io/library/rocket.chat"));
        for text in ["evil.io/library/debian", "acme/debian", "library/notlisted", "debiann"] {
            assert!(!check(text), "{text}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_whole() {
        assert!(LINES.lines().filter_map(|line| line.split(' ').next()).eq(names()));
        assert_eq!(names().count(), 144);
        assert!(is_listed("debian") && is_listed("plone"));
        assert!(!is_listed("centos") && !is_listed("debian 12") && !is_listed(""));
        let tags = LINES.lines().map(|line| line.split(' ').skip(1));
        assert_eq!(tags.clone().flatten().count(), 9_849);
        assert_eq!(tags.filter(|tags| tags.clone().next().is_none()).count(), 7);
        assert!(REMOVED.iter().all(|removed| names().all(|name| name != *removed)));
    }

    #[test]
    fn names_are_active_retired_removed_or_unlisted() {
        let of = |text: &str| standing(&repository(text));
        assert_eq!(of("debian"), Some(Official::Active));
        assert_eq!(of("plone"), Some(Official::Retired));
        assert_eq!(of("centos"), Some(Official::Removed));
        assert_eq!(of("debiann"), Some(Official::Unlisted));
        assert_eq!(of("acme/debian"), None);
        assert_eq!(of("evil.io/library/debian"), None);
    }

    #[test]
    fn later_releases_are_like_it_but_for_their_numbers() {
        let of = |name: &str, tag: &str| later(&repository(name), tag);
        assert_eq!(of("debian", "12"), ["13"]);
        assert_eq!(of("debian", "12-slim"), ["13-slim"]);
        assert_eq!(of("python", "3.13-slim").first(), Some(&"3.14-slim"));
        for (name, tag) in [
            ("debian", "13"),
            ("debian", "bookworm"),
            ("debian", "99999999999999999999999"),
            ("evil.io/library/debian", "12"),
            ("acme/debian", "12"),
            ("centos", "7"),
        ] {
            assert!(of(name, tag).is_empty(), "{name}:{tag}");
        }
    }

    #[test]
    fn tags_are_compared_with_those_of_their_line() {
        for (name, tag, expect) in [
            ("debian", "12", Support::Supported),
            ("debian", "bookworm-20260803-slim", Support::Supported),
            ("debian", "bookworm-20260801-slim", Support::Superseded),
            ("debian", "bookworm-20261101-slim", Support::Later),
            ("debian", "9", Support::Ended),
            ("debian", "14", Support::Later),
            ("debian", "buster-slim", Support::Ended),
            ("debian", "duke", Support::Unknown),
            ("debian", "12.4", Support::Superseded),
            ("node", "14.1.0", Support::Ended),
            ("python", "3.10.21", Support::Supported),
            ("python", "3.10.2-slim", Support::Superseded),
            ("python", "3.10.99-slim", Support::Later),
            ("python", "3.6-slim", Support::Ended),
            ("python", "2.7.18", Support::Ended),
            ("python", "2", Support::Ended),
            ("python", "3.10-alpine3.12", Support::Ended),
            ("python", "3.10-alpine3.99", Support::Later),
            ("python", "3.10-slim-buster", Support::Ended),
            ("python", "99999999999999999999999", Support::Later),
        ] {
            assert_eq!(support(&repository(name), tag), Some(expect), "{name}:{tag}");
        }
        assert_eq!(support(&repository("centos"), "7"), None);
        assert_eq!(support(&repository("acme/app"), "7"), None);
    }
}
