//! What the advisories say of each component. Nothing here judges: that is the policy's.

use crate::{advisory::Advisory, component::ComponentId, digest::Digest};
use jiff::Timestamp;

/// The outcome of matching one inventory against one advisory index.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The index that was used.
    pub index: IndexStamp,
    /// One for each component, in the inventory's order.
    pub verdicts: Vec<ScanVerdict>,
}

/// Identity and age of an advisory index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStamp {
    /// Digest of the whole index.
    pub digest: Digest,
    /// When it was built.
    pub built: Timestamp,
    /// What it was built from.
    pub sources: Vec<SourceStamp>,
}

/// One source of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStamp {
    /// What it tells.
    pub kind: SourceKind,
    /// The ecosystem as OSV names it, without the release (`Debian`, `npm`); of other kinds, the name of the source.
    pub ecosystem: String,
    /// The address that it was fetched from; nothing where it was imported from files.
    pub from: Option<String>,
    /// Records taken.
    pub records: u64,
    /// Records that could not be read: with any, the source is incomplete.
    pub unreadable: u64,
    /// The newest `modified` among its records.
    pub newest: Option<Timestamp>,
    /// When it was fetched or imported.
    pub fetched: Timestamp,
}

/// What a source tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// Which versions have which flaws.
    Advisories,
    /// Which flaws are known to be exploited.
    Exploited,
    /// How likely it is that a flaw will be exploited.
    Predictions,
    /// How long releases of a distribution are looked after.
    Lifetimes,
}

impl SourceKind {
    /// As it is spelled in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Exploited => "known-exploited",
            Self::Predictions => "exploit-prediction",
            Self::Lifetimes => "end-of-life",
        }
    }
}

/// What the index says of one component.
#[derive(Debug, Clone, PartialEq)]
pub enum ScanVerdict {
    /// At least one advisory applies.
    Matched(Vec<Match>),
    /// The index covers it, and none applies.
    Clean,
    /// It could not be told.
    NotEvaluated(NotEvaluated),
    /// Its files belong to this operating-system package, whose distribution judges them.
    JudgedAs(ComponentId),
}

/// Why a component could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotEvaluated {
    /// It is a distribution's package, and the distribution or its release is unknown.
    #[error("the distribution or its release is not known")]
    UnknownDistribution,
    /// The index has no advisories for this ecosystem or release.
    #[error("the index holds no advisories for {ecosystem}")]
    NoAdvisories {
        /// As OSV would name it (`Debian:12`, `Maven`).
        ecosystem: String,
    },
    /// No advisories exist for this kind of package.
    #[error("packages of type `{kind}` can not be matched")]
    UnsupportedKind {
        /// The purl type.
        kind: String,
    },
    /// Its metadata states no version.
    #[error("its version is not known")]
    NoVersion,
    /// Its version can not be ordered.
    #[error("its version `{version}` can not be ordered as {scheme}")]
    UnorderableVersion {
        /// The version as found.
        version: String,
        /// The scheme.
        scheme: &'static str,
    },
    /// An advisory about it can not be evaluated.
    #[error("advisory {advisory} about it can not be evaluated: {reason}")]
    UnusableAdvisory {
        /// Its id.
        advisory: String,
        /// Why.
        reason: String,
    },
}

/// A component and an advisory that applies to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The advisory.
    pub advisory: Advisory,
    /// What is known of a fix.
    pub fix: Fix,
    /// Why it applies: the range or list of the record, in words (`introduced 0, fixed 1.2.13-1; 1.2.11-1 lies before`).
    pub because: String,
    /// The package name that the advisory was found under (the source package for Debian).
    pub matched_name: String,
}

/// What is known of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// These versions have it, lowest first.
    Fixed(Vec<String>),
    /// The record names none.
    NoneKnown,
}

/// How many components ended how; components judged as another count as that one does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCounts {
    /// With at least one match.
    pub matched: usize,
    /// Covered, and none applies.
    pub clean: usize,
    /// Could not be told.
    pub not_evaluated: usize,
}

impl Scan {
    /// The verdict on a component; the owner's where its verdict is the owner's.
    pub fn verdict(&self, id: ComponentId) -> Option<&ScanVerdict> {
        match self.verdicts.get(id.index())? {
            // An owner is an operating-system package and has no owner of its own.
            ScanVerdict::JudgedAs(owner) => match self.verdicts.get(owner.index())? {
                ScanVerdict::JudgedAs(_) => None,
                verdict @ (ScanVerdict::Matched(_)
                | ScanVerdict::Clean
                | ScanVerdict::NotEvaluated(_)) => Some(verdict),
            },
            verdict @ (ScanVerdict::Matched(_)
            | ScanVerdict::Clean
            | ScanVerdict::NotEvaluated(_)) => Some(verdict),
        }
    }

    /// How many components ended how.
    pub fn counts(&self) -> ScanCounts {
        let mut counts = ScanCounts::default();
        for id in (0..).map(ComponentId).take(self.verdicts.len()) {
            let count = match self.verdict(id) {
                Some(ScanVerdict::Matched(_)) => &mut counts.matched,
                Some(ScanVerdict::Clean) => &mut counts.clean,
                Some(ScanVerdict::NotEvaluated(_) | ScanVerdict::JudgedAs(_)) | None => {
                    &mut counts.not_evaluated
                }
            };
            *count = count.saturating_add(1);
        }
        counts
    }

    /// Every match with its component, in the inventory's order.
    pub fn matches(&self) -> impl Iterator<Item = (ComponentId, &Match)> {
        (0..).map(ComponentId).zip(&self.verdicts).flat_map(|(id, verdict)| {
            let matches = match verdict {
                ScanVerdict::Matched(matches) => matches.as_slice(),
                ScanVerdict::Clean | ScanVerdict::NotEvaluated(_) | ScanVerdict::JudgedAs(_) => &[],
            };
            matches.iter().map(move |found| (id, found))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_component_counts_as_its_owner_and_a_broken_chain_as_not_evaluated() {
        let scan = Scan {
            index: IndexStamp {
                digest: Digest::of(b""),
                built: Timestamp::UNIX_EPOCH,
                sources: vec![],
            },
            verdicts: vec![
                ScanVerdict::Clean,
                ScanVerdict::JudgedAs(ComponentId(0)),
                ScanVerdict::JudgedAs(ComponentId(1)),
                ScanVerdict::JudgedAs(ComponentId(9)),
                ScanVerdict::NotEvaluated(NotEvaluated::NoVersion),
            ],
        };
        assert_eq!(scan.counts(), ScanCounts { matched: 0, clean: 2, not_evaluated: 3 });
    }
}
