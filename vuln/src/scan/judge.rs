//! What one record says of one component.

use super::{
    linked::{Linked, linked, packages_of},
    modules::{Relation, Stream, has_module, is_module, is_same_release, relation, stream_of},
};
use crate::{
    Error, Index,
    index::Row,
    ranges::{End, Event, Hit, evaluate},
    versions::{Scheme, pep440, rpm},
};
use plimsoll_model::{component::Component, scan::NotEvaluated};
use std::{cmp::Ordering, collections::BTreeSet};

/// What a record is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installed<'a> {
    pub(crate) scheme: &'static Scheme,
    pub(crate) version: &'a str,
    stream: Option<Stream<'a>>,
    /// The packages that a program links, with commas between them.
    packages: Option<&'a str>,
    /// Whether the scheme can read the version.
    is_readable: bool,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement<'i> {
    /// It applies; to these packages of a Go module, where they are told.
    Applies(Hit, Vec<&'i str>),
    /// It does not.
    Not(WhyNot<'i>),
    /// It could not be told.
    Doubt(Doubt),
}

/// Why a record does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhyNot<'i> {
    /// The version is neither in a range nor listed.
    Version,
    /// It is about another stream of the module.
    OtherStream,
    /// It names the installed build as fixed, and then the same release in a later build of the module.
    BuiltAgain,
    /// One of the two is a package of a module, the other is not.
    OtherBuild,
    /// The program links none of these packages, which have the flaw.
    NotLinked(Vec<&'i str>),
    /// This record is about the same flaw, and says that it is in packages that the program does not link.
    ClearedBy(&'i str),
}

/// Why it could not be told whether a record applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The component's version can not be ordered.
    Version,
    /// It is not known which stream of a module the component is from, or which the record is about.
    Stream,
    /// The record makes no sense, or does not say enough.
    Record(String),
    /// The index is damaged. It is never an index without the record.
    Damaged(String),
}

impl Judgement<'_> {
    /// The same, with the stream of the module that both are of.
    fn in_stream(mut self, stream: Option<Stream<'_>>) -> Self {
        if let (Self::Applies(hit, _), Some(Stream { module, stream })) = (&mut self, stream) {
            hit.because = format!("{}, both of {module}:{stream}", hit.because);
        }
        self
    }
}

impl Doubt {
    /// The reason for which the component is not evaluated.
    pub(crate) fn reason(self, advisory: &str, installed: &Installed<'_>) -> NotEvaluated {
        match self {
            Self::Version => NotEvaluated::UnorderableVersion {
                version: installed.version.to_owned(),
                scheme: installed.scheme.name,
            },
            Self::Stream => NotEvaluated::UnusableAdvisory {
                advisory: advisory.to_owned(),
                reason: "the stream of its module is not known".to_owned(),
            },
            Self::Record(reason) | Self::Damaged(reason) => {
                NotEvaluated::UnusableAdvisory { advisory: advisory.to_owned(), reason }
            }
        }
    }
}

impl<'a> Installed<'a> {
    /// A component, in the version that counts under the name that is looked up.
    pub(crate) fn new(component: &'a Component, scheme: &'static Scheme, version: &'a str) -> Self {
        Self {
            scheme,
            version,
            stream: stream_of(component),
            packages: packages_of(component),
            is_readable: scheme.check(version).is_ok(),
        }
    }

    /// Whether a record names the very build that is installed as fixed.
    pub(super) fn is_fixed_by(&self, row: &Row<'_>) -> bool {
        let mut events = row.ranges.iter().flatten();
        is_module(self.version)
            && events.any(|event| {
                matches!(event, Event::Fixed(at)
                    if (self.scheme.compare)(at, self.version) == Ok(Ordering::Equal))
            })
    }

    /// Whether all that a row names as fixed is the installed release in some build of its module.
    fn is_built_again(&self, row: &Row<'_>) -> bool {
        let mut events = row.ranges.iter().flatten();
        row.versions.is_empty()
            && events.all(|event| match event {
                Event::Introduced(at) => *at == "0",
                Event::Fixed(at) => is_same_release(at, self.version),
                Event::LastAffected(_) | Event::Limit(_) | Event::Unreadable(_) => false,
            })
    }

    /// Whether a row applies. `fixed_by` are the records that name the installed build as fixed.
    ///
    /// Off-spec: of a record that names several builds of a module as fixed, which `AlmaLinux` writes as ranges of their own,
    /// each but the last would be affected for lying before the others.
    pub(crate) fn judge<'i>(
        &self,
        row: &Row<'i>,
        index: &'i Index,
        fixed_by: &BTreeSet<u32>,
    ) -> Judgement<'i> {
        let judgement = self.judge_build(row, index);
        let is_against =
            matches!(&judgement, Judgement::Applies(..) | Judgement::Doubt(Doubt::Stream));
        if is_against && fixed_by.contains(&row.advisory) && self.is_built_again(row) {
            return Judgement::Not(WhyNot::BuiltAgain);
        }
        judgement
    }

    fn judge_build<'i>(&self, row: &Row<'i>, index: &'i Index) -> Judgement<'i> {
        let relation = match self.relation(row, index) {
            Ok(relation) => relation,
            Err(error) => return Judgement::Doubt(Doubt::Damaged(error.to_string())),
        };
        match relation {
            (Relation::Other, why) => Judgement::Not(why),
            (Relation::Same, _) => self.judge_version(row).in_stream(self.stream),
            (Relation::Untold, _) => match self.judge_version(row) {
                Judgement::Applies(..) => Judgement::Doubt(Doubt::Stream),
                other @ (Judgement::Not(_) | Judgement::Doubt(_)) => other,
            },
        }
    }

    /// How the builds stand to each other, and why not where they are different.
    fn relation<'i>(
        &self,
        row: &Row<'i>,
        index: &'i Index,
    ) -> Result<(Relation, WhyNot<'i>), Error> {
        if self.scheme.name != rpm::SCHEME.name {
            return Ok((Relation::Same, WhyNot::Version));
        }
        Ok(match (is_module(self.version), has_module(row)) {
            (false, false) => (Relation::Same, WhyNot::Version),
            (false, true) => (Relation::Other, WhyNot::OtherBuild),
            (true, false) if self.stream.is_some() => (Relation::Other, WhyNot::OtherBuild),
            (true, false) => (Relation::Untold, WhyNot::OtherBuild),
            (true, true) => {
                let (id, summary) = index.heading(row.advisory)?;
                let relation = relation(self.stream, Stream::of_summary(summary, id));
                (relation, WhyNot::OtherStream)
            }
        })
    }

    /// Whether the version is listed, or lies in any of the ranges; and whether what is flawed is there.
    fn judge_version<'i>(&self, row: &Row<'i>) -> Judgement<'i> {
        let hit = match self.hit(row) {
            Ok(Some(hit)) => hit,
            Ok(None) => return Judgement::Not(WhyNot::Version),
            Err(doubt) => return Judgement::Doubt(doubt),
        };
        match linked(&row.imports, self.packages) {
            Linked::Untold => Judgement::Applies(hit, Vec::new()),
            Linked::These(packages) => Judgement::Applies(hit, packages),
            Linked::None => Judgement::Not(WhyNot::NotLinked(row.imports.clone())),
        }
    }

    fn hit(&self, row: &Row<'_>) -> Result<Option<Hit>, Doubt> {
        let Self { scheme, version, is_readable, .. } = *self;
        let mut doubt = None;
        let mut hits = Vec::new();
        for range in &row.ranges {
            if !is_readable {
                doubt = Some(Doubt::Version);
                break;
            }
            match evaluate(scheme, version, range) {
                Ok(hit) => hits.extend(hit),
                Err(reason) => doubt = Some(Doubt::Record(reason.to_string())),
            }
        }
        if let Some(hit) = together(hits, scheme) {
            return Ok(Some(hit));
        }
        // A record of PyPI lists hundreds, nearly all of which are told to be others by their first numbers.
        let is_python = scheme.name == pep440::SCHEME.name;
        let is_version = |listed: &&str| {
            *listed == version
                || (is_readable
                    && !(is_python && pep440::have_other_numbers(listed, version))
                    && (scheme.compare)(listed, version) == Ok(Ordering::Equal))
        };
        if row.versions.iter().any(is_version) {
            let because = format!("{version} is among the versions that the record lists");
            return Ok(Some(Hit { because, fixed: Vec::new(), end: End::Untold }));
        }
        doubt.map_or(Ok(None), Err)
    }
}

/// Several ranges of one row that apply.
fn together(hits: Vec<Hit>, scheme: &Scheme) -> Option<Hit> {
    let mut hits = hits.into_iter();
    let mut first = hits.next()?;
    for hit in hits {
        if hit.because != first.because {
            first.because = format!("{}; {}", first.because, hit.because);
        }
        first.fixed.extend(hit.fixed);
    }
    first.fixed = in_order(first.fixed, scheme);
    Some(first)
}

/// Lowest first, each once. Versions that can not be read stand last.
pub(super) fn in_order(mut versions: Vec<String>, scheme: &Scheme) -> Vec<String> {
    if versions.len() < 2 {
        return versions;
    }
    versions.sort();
    versions.dedup();
    let (mut readable, unreadable): (Vec<_>, Vec<_>) =
        versions.into_iter().partition(|version| scheme.check(version).is_ok());
    readable.sort_by(|left, right| (scheme.compare)(left, right).unwrap_or(Ordering::Equal));
    readable.extend(unreadable);
    readable
}
