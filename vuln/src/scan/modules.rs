//! Which stream of a module a package of Enterprise Linux is from, and which one a record is about.
//!
//! The streams of one module have versions that say nothing about each other: nodejs 14 has fixes that are lower than any
//! version of nodejs 16. An installed package tells its stream in its header (`rpmmod` of its package URL), a record tells
//! it in its summary alone (`Important: nodejs:16 security update`).
//! <https://docs.fedoraproject.org/en-US/modularity/policies/packaging-guidelines/>.

use crate::{index::Row, ranges::Event};
use plimsoll_model::component::Component;

/// A stream of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stream<'a> {
    pub(super) module: &'a str,
    pub(super) stream: &'a str,
}

/// How the stream of a record stands to the one that a package is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Both are outside of modules, or both of the same stream.
    Same,
    /// They are of different builds, and the record says nothing about the package.
    Other,
    /// It is not known. What is not in the range is not affected all the same: the record is either about this stream, and
    /// says so, or about another one.
    Untold,
}

impl<'a> Stream<'a> {
    /// The stream in a modularity label: `nodejs:16:8060020220523160029:ad008a3a`.
    pub(super) fn of_label(label: &'a str) -> Option<Self> {
        let mut parts = label.split(':');
        let (module, stream) = (parts.next()?, parts.next()?);
        (is_word(module) && is_word(stream)).then_some(Self { module, stream })
    }

    /// The streams that a summary names.
    pub(super) fn of_summary(summary: &'a str, id: &'a str) -> impl Iterator<Item = Self> {
        summary.split_whitespace().filter_map(move |word| {
            let word = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
            let (module, stream) = word.split_once(':').filter(|_| word != id)?;
            // `httpd:2.4/mod_http2` names a component of the module, too.
            let stream = stream.split_once('/').map_or(stream, |(stream, _)| stream);
            (is_word(module) && is_word(stream)).then_some(Self { module, stream })
        })
    }
}

/// The stream that an installed package is from, where its metadata tells it.
pub(super) fn stream_of(component: &Component) -> Option<Stream<'_>> {
    Stream::of_label(component.purl.qualifier("rpmmod")?)
}

/// Whether a version is one of a module: its release ends in `.module_el8.6.0+3043+57c05a9a` or the like.
pub(super) fn is_module(version: &str) -> bool {
    version.contains(".module")
}

/// Whether a record is about a package of a module.
pub(super) fn has_module(row: &Row<'_>) -> bool {
    row.ranges.iter().flatten().any(|event| match event {
        Event::Introduced(at) | Event::Fixed(at) | Event::LastAffected(at) | Event::Limit(at) => {
            is_module(at)
        }
        Event::Unreadable(_) => false,
    })
}

/// Whether two versions are one release of a package, in two builds of its module or in one.
///
/// A module is built as a whole, what was changed in it and what was not, and the number of the build stands in every
/// release: `1.10.2-4.module_el8.3.0+2053+ac338b6d` and `1.10.2-4.module_el8.5.0+73+aa7e29ed` are of the same sources.
pub(super) fn is_same_release(left: &str, right: &str) -> bool {
    without_build(left).is_some_and(|left| without_build(right) == Some(left))
}

/// What stands before and behind the build of the module: its platform, number and commit.
fn without_build(version: &str) -> Option<(&str, &str)> {
    let version = version.strip_prefix("0:").unwrap_or(version);
    let (before, build) = version.split_once(".module")?;
    let mut parts = build.strip_prefix(['_', '+'])?.splitn(3, '+');
    let (platform, number, commit) = (parts.next()?, parts.next()?, parts.next()?);
    let (commit, behind) = commit.split_once('.').unwrap_or((commit, ""));
    let is_build = platform
        .strip_prefix("el")
        .is_some_and(|platform| platform.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_build.then_some((before, behind))
}

/// How a record about a package of a module stands to a package that is from one, too.
pub(super) fn relation<'a>(
    installed: Option<Stream<'a>>,
    mut named: impl Iterator<Item = Stream<'a>>,
) -> Relation {
    let Some(installed) = installed else { return Relation::Untold };
    // Of a record that names no stream of the module it is not known what it is about.
    named
        .try_fold(Relation::Untold, |known, named| match named {
            _ if named == installed => Err(Relation::Same),
            _ if named.module == installed.module => Ok(Relation::Other),
            _ => Ok(known),
        })
        .unwrap_or_else(|same| same)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        osv::{self, Record},
        versions::testing::shared,
    };
    use std::{
        collections::{BTreeMap, BTreeSet},
        io::Read as _,
    };

    #[track_caller]
    fn check(summary: &str, expect: &[(&str, &str)]) {
        let found: Vec<_> = Stream::of_summary(summary, "ALSA-2022:5468")
            .map(|found| (found.module, found.stream))
            .collect();
        assert_eq!(found, expect, "{summary}");
    }

    #[test]
    fn the_streams_that_summaries_name() {
        check("Important: nodejs:16 security update", &[("nodejs", "16")]);
        check(
            "Moderate: 389-ds:1.4 security, bug fix, and enhancement update",
            &[("389-ds", "1.4")],
        );
        check(
            "Moderate: python38:3.8 and python38-devel:3.8 security update",
            &[("python38", "3.8"), ("python38-devel", "3.8")],
        );
        check("ALSA-2022:5468: php:8.0 security update (Important)", &[("php", "8.0")]);
        check("Low: fixes in (idm:client), idm:DL1.", &[("idm", "client"), ("idm", "DL1")]);
        check("Important: httpd:2.4/mod_http2 security update", &[("httpd", "2.4")]);
        check("Important: varnish security update", &[]);
        check("see https://example.org/a:b or :x or y: or ü:1 or a:b:c", &[]);
    }

    /// Every record of `AlmaLinux`.
    #[expect(clippy::disallowed_methods, reason = "a test reads a file of ours")]
    fn errata() -> Option<Vec<Record>> {
        let file = std::fs::File::open(shared("osv")?.join("AlmaLinux/all.zip")).unwrap();
        let mut archive = zip::ZipArchive::new(file).unwrap();
        let mut json = Vec::new();
        let records = (0..archive.len()).map(|at| {
            json.clear();
            archive.by_index(at).unwrap().read_to_end(&mut json).unwrap();
            Record::parse(&json).unwrap()
        });
        Some(records.collect())
    }

    /// How many errata of `AlmaLinux` are about modules, and how many of them tell the stream.
    #[test]
    fn nearly_every_erratum_tells_its_stream() {
        let (mut modular, mut silent) = (0, Vec::new());
        for record in errata().into_iter().flatten() {
            let mut events =
                record.affected.iter().flat_map(|package| package.ranges.iter().flatten());
            let is_modular =
                |event: &osv::Event| matches!(event, osv::Event::Fixed(at) if is_module(at));
            if record.id.starts_with("ALSA-") && events.any(is_modular) {
                modular += 1;
                if Stream::of_summary(&record.summary, &record.id).next().is_none() {
                    silent.push(record.id);
                }
            }
        }
        silent.sort();
        assert!(modular == 0 || (modular, silent.len()) == (592, 7), "{modular} {silent:?}");
    }

    /// What several fixed versions of a package in one erratum are.
    #[test]
    fn nearly_all_are_builds_of_one_release() {
        let (mut one, mut several) = (0, 0);
        for record in errata().into_iter().flatten() {
            let mut fixed: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for package in &record.affected {
                let of_package = fixed.entry((&package.ecosystem, &package.name)).or_default();
                for event in package.ranges.iter().flatten() {
                    if let osv::Event::Fixed(at) = event {
                        of_package.insert(at.as_str());
                    }
                }
            }
            for versions in fixed.values().filter(|versions| versions.len() > 1) {
                let first = versions.first().unwrap();
                let is_one = versions.iter().all(|version| is_same_release(first, version));
                *if is_one { &mut one } else { &mut several } += 1;
            }
        }
        assert!(one + several == 0 || (one, several) == (3505, 71), "{one} {several}");
    }

    #[test]
    fn one_release_in_two_builds_of_its_module() {
        let of = |left, right| is_same_release(left, right) && is_same_release(right, left);
        let build = "1.10.2-4.module_el8.3.0+2053+ac338b6d";
        assert!(of(build, build));
        assert!(of(build, "0:1.10.2-4.module_el8.5.0+73+aa7e29ed"));
        assert!(of("1:1-9.module_el8.4.0+2221+af250afe.alma", "1:1-9.module+el8.5.0+34+dc1c.alma"));
        for other in [
            "1.10.2-5.module_el8.5.0+73+aa7e29ed",
            "1.10.3-4.module_el8.5.0+73+aa7e29ed",
            "1:1.10.2-4.module_el8.5.0+73+aa7e29ed",
            "1.10.2-4.module_el8.5.0+73+aa7e29ed.1",
            "1.10.2-4.module_el8.5.0+73",
            "1.10.2-4.module_el8.5.0+x+aa7e29ed",
            "1.10.2-4.modules",
            "1.10.2-4",
            "",
        ] {
            assert!(!of(build, other), "{other}");
        }
        assert!(!of("1-1.el8", "1-1.el8"));
    }

    #[test]
    fn labels() {
        let of = |label| Stream::of_label(label).map(|found| (found.module, found.stream));
        assert_eq!(of("nodejs:16:8060020220523160029:ad008a3a"), Some(("nodejs", "16")));
        for bad in ["", "(none)", "nodejs", "nodejs:", ":16", "a b:1", "ü:1:2:3"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn how_a_record_stands_to_a_package() {
        let named = |text: &'static str| Stream::of_summary(text, "");
        let of = |label, text| relation(Stream::of_label(label), named(text));
        assert_eq!(of("nodejs:16:1:a", "nodejs:16 update"), Relation::Same);
        assert_eq!(of("nodejs:16:1:a", "nodejs:14 and nodejs:16 update"), Relation::Same);
        assert_eq!(of("nodejs:16:1:a", "nodejs:14 update"), Relation::Other);
        assert_eq!(of("nodejs:16:1:a", "nodejs update"), Relation::Untold);
        assert_eq!(of("nodejs:16:1:a", "nodejs-devel:14 update"), Relation::Untold);
        assert_eq!(of("", "nodejs:16 update"), Relation::Untold);
    }
}
