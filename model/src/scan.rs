//! What the advisories say of each component. Nothing here judges: that is the policy's.

use crate::{
    Inventory,
    advisory::{Advisory, AdvisoryClass},
    component::{Component, ComponentId, Location},
    digest::Digest,
    risk::{Exploitation, Prediction, Ratings, Risk, Urgency},
    tree::LayerInfo,
};
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
    /// Its metadata does not state the whole name by which advisories speak of it.
    #[error("its whole name is not known: expected `{expected}`")]
    NoName {
        /// What a whole name is (`group:artifact`).
        expected: &'static str,
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
    /// All that is said on how bad the flaw is, and what of it counts.
    pub ratings: Ratings,
    /// Whether the flaw is known to be exploited.
    pub exploitation: Exploitation,
    /// How likely it is to be; absent where nobody has predicted it.
    pub prediction: Option<Prediction>,
    /// Whether the component came with the base image.
    pub origin: Origin,
    /// What shows that the component is there, and that it has the part that is flawed.
    pub evidence: Vec<MatchEvidence>,
    /// Why it applies: the range or list of the record, in words (`introduced 0, fixed 1.2.13-1; 1.2.11-1 lies before`).
    pub because: String,
    /// The package name that the advisory was found under (the source package for Debian).
    pub matched_name: String,
}

/// What is known of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// There are versions that have it.
    Fixed(FixedIn),
    /// A record says that there is none yet.
    NotFixed {
        /// Its id.
        record: String,
    },
    /// A record says that there will be none.
    WontFix {
        /// Its id.
        record: String,
    },
    /// No record says anything of one.
    NoneKnown,
}

/// Versions that have a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedIn {
    /// The versions, lowest first; never empty.
    pub versions: Vec<String>,
    /// The id of the record that names the first of them; where several do, of the oldest.
    pub record: String,
    /// Since when it is known; absent where that record has no date.
    pub since: Option<FixedSince>,
}

/// Since when a fix is known: the date of the oldest record that names one. The fix itself may be a little older or younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedSince {
    /// When.
    pub at: Timestamp,
    /// Which date of the record that is.
    pub dated: Dated,
}

/// A date of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dated {
    /// When it was published.
    Published,
    /// When it was last changed: it does not say when it was published.
    Modified,
}

/// Where a component comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A layer of the base image brought it.
    Base,
    /// A layer on top of the base image brought it.
    Own,
    /// The base image is not known, or the layer is not.
    #[default]
    Unknown,
}

/// What a match rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchEvidence {
    /// The component was found there.
    File(Location),
    /// The program links this package, which the record names.
    Links(String),
}

impl Fix {
    /// The versions that have it, lowest first.
    pub fn versions(&self) -> &[String] {
        match self {
            Self::Fixed(fixed) => &fixed.versions,
            Self::NotFixed { .. } | Self::WontFix { .. } | Self::NoneKnown => &[],
        }
    }

    /// Since when a fix is known.
    pub fn since(&self) -> Option<FixedSince> {
        match self {
            Self::Fixed(fixed) => fixed.since,
            Self::NotFixed { .. } | Self::WontFix { .. } | Self::NoneKnown => None,
        }
    }

    /// The word that stands for it in reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            Self::NotFixed { .. } => "not-fixed",
            Self::WontFix { .. } => "wont-fix",
            Self::NoneKnown => "unknown",
        }
    }
}

impl Dated {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Modified => "modified",
        }
    }
}

impl Origin {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Own => "own",
            Self::Unknown => "unknown",
        }
    }

    /// Where a component of an image comes from whose base image has the layers with these diffIDs; without any, the base
    /// is not known.
    ///
    /// A layer that is not one of the image's proves nothing: such a component is *unknown*.
    pub fn of(component: &Component, image: &[LayerInfo], base: &[Digest]) -> Self {
        match component.introduced {
            Some(layer) if base.contains(&layer) => Self::Base,
            Some(layer) if !base.is_empty() && image.iter().any(|known| known.diff_id == layer) => {
                Self::Own
            }
            Some(_) | None => Self::Unknown,
        }
    }
}

impl Match {
    /// How urgent it is.
    pub fn risk(&self) -> Risk {
        let urgency = match (self.advisory.class, self.exploitation) {
            (AdvisoryClass::Malware, _) => Urgency::Malware,
            (AdvisoryClass::Vulnerability, Exploitation::Known(_)) => Urgency::Exploited,
            (AdvisoryClass::Vulnerability, Exploitation::NotListed | Exploitation::NoCatalog) => {
                Urgency::Rated
            }
        };
        let score = self.advisory.cvss.as_ref().map(|cvss| cvss.score);
        Risk {
            urgency,
            harm: score.unwrap_or_else(|| Risk::harm_of(self.advisory.severity)),
            likelihood: self.prediction.map_or(Risk::UNPREDICTED, |found| found.probability),
        }
    }
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
    /// Those among all of these whose distribution judges them.
    pub judged_by_owner: usize,
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
        for (id, verdict) in (0..).map(ComponentId).zip(&self.verdicts) {
            if matches!(verdict, ScanVerdict::JudgedAs(_)) {
                counts.judged_by_owner = counts.judged_by_owner.saturating_add(1);
            }
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

    /// The same scan, every match attributed to the base image or to what was built on it. `base` are the diffIDs of the
    /// base's layers; without any, the base is not known.
    #[must_use]
    pub fn attributed(mut self, inventory: &Inventory, base: &[Digest]) -> Self {
        for (verdict, component) in self.verdicts.iter_mut().zip(inventory.components()) {
            if let ScanVerdict::Matched(matches) = verdict {
                let origin = Origin::of(component, &inventory.layers, base);
                for found in matches {
                    found.origin = origin;
                }
            }
        }
        self
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
    use crate::{
        advisory::Cvss,
        risk::{KnownExploited, Ransomware},
        severity::Severity,
    };

    fn layer(name: &str) -> LayerInfo {
        let digest = Digest::of(name.as_bytes());
        LayerInfo { digest, diff_id: digest, created_by: None }
    }

    fn found(class: AdvisoryClass) -> Match {
        Match {
            advisory: Advisory {
                id: "X-1".to_owned(),
                aliases: vec![],
                summary: String::new(),
                severity: Severity::Medium,
                cvss: None,
                published: None,
                modified: None,
                class,
                reference: None,
            },
            fix: Fix::NoneKnown,
            ratings: Ratings::default(),
            exploitation: Exploitation::NotListed,
            prediction: None,
            origin: Origin::Unknown,
            evidence: vec![],
            because: String::new(),
            matched_name: String::new(),
        }
    }

    #[test]
    fn a_component_comes_from_the_layer_that_brought_it() {
        let image = [layer("a"), layer("b"), layer("c")];
        let base = [layer("a").diff_id, layer("b").diff_id];
        let of = |introduced: Option<&str>, base: &[Digest]| {
            let mut component = Component::new("pkg:npm/a@1".parse().unwrap(), "a", None, "test");
            component.introduced = introduced.map(|name| layer(name).diff_id);
            Origin::of(&component, &image, base)
        };
        assert_eq!(of(Some("a"), &base), Origin::Base);
        assert_eq!(of(Some("b"), &base), Origin::Base);
        assert_eq!(of(Some("c"), &base), Origin::Own);
        assert_eq!(of(None, &base), Origin::Unknown);
        assert_eq!(of(Some("elsewhere"), &base), Origin::Unknown);
        assert_eq!(of(Some("a"), &[]), Origin::Unknown);
        assert_eq!(of(Some("c"), &[]), Origin::Unknown);
    }

    #[test]
    fn every_match_is_attributed() {
        let component = |purl: &str, introduced: &str| {
            let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
            component.introduced = Some(layer(introduced).diff_id);
            component
        };
        let components = vec![component("pkg:npm/a@1", "base"), component("pkg:npm/b@1", "own")];
        let mut inventory = Inventory::new(None, components, vec![], vec![]);
        inventory.layers = vec![layer("base"), layer("own")];
        let matched = || ScanVerdict::Matched(vec![found(AdvisoryClass::Vulnerability)]);
        let scan = Scan {
            index: IndexStamp {
                digest: Digest::of(b""),
                built: Timestamp::UNIX_EPOCH,
                sources: vec![],
            },
            verdicts: vec![matched(), matched()],
        };
        let scan = scan.attributed(&inventory, &[layer("base").diff_id]);
        let origins: Vec<_> = scan.matches().map(|(_, found)| found.origin).collect();
        assert_eq!(origins, [Origin::Base, Origin::Own]);
    }

    #[test]
    fn what_is_known_of_a_flaw_makes_its_risk() {
        let mut flaw = found(AdvisoryClass::Vulnerability);
        let unpredicted =
            Risk { urgency: Urgency::Rated, harm: 5.45, likelihood: Risk::UNPREDICTED };
        assert_eq!(flaw.risk(), unpredicted);
        flaw.advisory.cvss = Some(Cvss { vector: String::new(), score: 6.1 });
        flaw.prediction = Some(Prediction { probability: 0.5, percentile: 0.9 });
        assert_eq!(flaw.risk(), Risk { urgency: Urgency::Rated, harm: 6.1, likelihood: 0.5 });
        flaw.exploitation = Exploitation::Known(KnownExploited {
            added: None,
            due: None,
            ransomware: Ransomware::Unknown,
        });
        assert_eq!(flaw.risk().urgency, Urgency::Exploited);
        flaw.advisory.class = AdvisoryClass::Malware;
        assert_eq!(flaw.risk().urgency, Urgency::Malware);
    }

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
        assert_eq!(
            scan.counts(),
            ScanCounts { matched: 0, clean: 2, not_evaluated: 3, judged_by_owner: 3 }
        );
    }
}
