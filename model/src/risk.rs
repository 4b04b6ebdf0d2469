//! How bad a flaw is said to be, how likely it is to be used, and what both come to.

use crate::severity::Severity;
use jiff::civil::Date;
use std::cmp::Ordering;

/// What one record says on how bad its flaw is.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// The id of the record.
    pub source: String,
    /// Its type (`CVSS_V3`, `Ubuntu`), or the field or place that it stands in (`urgency`, `summary`).
    pub kind: String,
    /// The vector or the word, as the record has it.
    pub stated: String,
    /// CVSS base score, 0.0–10.0; words have none, nor have vectors that can not be read.
    pub score: Option<f64>,
    /// What it comes to.
    pub severity: Severity,
}

/// Everything that is said on how bad a flaw is, and which of it counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ratings {
    /// All that is said, the one that counts first; then the worst first.
    pub all: Vec<Rating>,
    /// Why the first one counts.
    pub choice: Choice,
}

/// Why a rating counts among others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// It is a vector of the newest version of CVSS in the record that rates the flaw worst.
    NewestCvss,
    /// No record that rates the flaw so badly has a vector, and it is the worst word.
    WorstWord,
    /// Nothing that could be read is said.
    #[default]
    Nothing,
}

/// Whether a flaw is known to be exploited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exploitation {
    /// It is in CISA's catalog.
    Known(KnownExploited),
    /// It is not in the catalog.
    NotListed,
    /// The index has no catalog, or it can not be read: nothing is known.
    #[default]
    NoCatalog,
}

/// An entry of CISA's catalog of known exploited vulnerabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownExploited {
    /// When it was added to the catalog; nothing where the date can not be read.
    pub added: Option<Date>,
    /// Until when agencies of the United States have to have mended it.
    pub due: Option<Date>,
    /// Whether it is known to be used for ransomware.
    pub ransomware: Ransomware,
}

/// Whether a flaw is known to be used for ransomware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ransomware {
    /// It is.
    Known,
    /// Nothing is known.
    Unknown,
}

/// How likely it is that a flaw will be exploited in the next 30 days (EPSS).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// From 0 to 1.
    pub probability: f64,
    /// The share of all flaws that are at most as likely to be, from 0 to 1.
    pub percentile: f64,
}

/// How urgent a match is. The order is total: malware before flaws that are known to be exploited before all others;
/// among equals by [`Risk::weight`], then by harm.
#[derive(Debug, Clone, Copy)]
pub struct Risk {
    /// What kind of urgency.
    pub urgency: Urgency,
    /// How bad, from 0 to 10: the CVSS base score; without one the middle of the band that the word means. Where nobody
    /// has said, the middle of *high*: it is never taken for harmless.
    pub harm: f64,
    /// How likely, from 0 to 1: the probability of EPSS; without one [`Risk::UNPREDICTED`].
    pub likelihood: f64,
}

/// What makes a match urgent. In ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Harm and likelihood alone.
    Rated,
    /// The flaw is known to be exploited.
    Exploited,
    /// The package itself is malware.
    Malware,
}

impl Choice {
    /// The reason in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewestCvss => {
                "the vector of the newest version of CVSS in the record that rates it worst"
            }
            Self::WorstWord => "the worst word; the record that rates it worst has no vector",
            Self::Nothing => "no record says how bad it is",
        }
    }
}

impl Ratings {
    /// The one that counts.
    pub fn chosen(&self) -> Option<&Rating> {
        self.all.first().filter(|_| self.choice != Choice::Nothing)
    }
}

impl Exploitation {
    /// The entry of the catalog, where there is one.
    pub const fn known(&self) -> Option<&KnownExploited> {
        match self {
            Self::Known(entry) => Some(entry),
            Self::NotListed | Self::NoCatalog => None,
        }
    }
}

impl Risk {
    /// The likelihood of what has no prediction. About one flaw in ten has a higher one.
    pub const UNPREDICTED: f64 = 0.01;

    /// Harm times likelihood, from 0 to 10.
    pub fn weight(&self) -> f64 {
        self.harm * self.likelihood
    }

    /// The harm that a severity stands for where there is no score: the middle of its band.
    pub const fn harm_of(severity: Severity) -> f64 {
        match severity {
            Severity::Critical => 9.5,
            Severity::High | Severity::Unknown => 7.95,
            Severity::Medium => 5.45,
            Severity::Low => 2.0,
            Severity::Info => 0.0,
        }
    }
}

impl Ord for Risk {
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency
            .cmp(&other.urgency)
            .then_with(|| self.weight().total_cmp(&other.weight()))
            .then_with(|| self.harm.total_cmp(&other.harm))
    }
}

impl PartialOrd for Risk {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Risk {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Risk {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn risk(urgency: Urgency, harm: f64, likelihood: f64) -> Risk {
        Risk { urgency, harm, likelihood }
    }

    #[test]
    fn malware_then_the_exploited_then_weight_then_harm() {
        let ascending = [
            risk(Urgency::Rated, 9.8, 0.001),
            risk(Urgency::Rated, 2.0, Risk::UNPREDICTED),
            risk(Urgency::Rated, 5.0, 0.5),
            // As heavy, and worse.
            risk(Urgency::Rated, 10.0, 0.25),
            risk(Urgency::Exploited, 2.0, 0.001),
            risk(Urgency::Malware, 0.0, 0.0),
        ];
        for (left, right) in ascending.iter().zip(&ascending[1..]) {
            assert!(left < right, "{left:?} {right:?}");
        }
    }

    #[test]
    fn what_nobody_rated_is_not_harmless() {
        assert!(Risk::harm_of(Severity::Unknown) > Risk::harm_of(Severity::Medium));
        assert_eq!(Ratings::default().chosen(), None);
    }

    fn any_risk() -> impl Strategy<Value = Risk> {
        let urgency =
            prop_oneof![Just(Urgency::Rated), Just(Urgency::Exploited), Just(Urgency::Malware)];
        (urgency, any::<f64>(), any::<f64>()).prop_map(|(urgency, harm, likelihood)| Risk {
            urgency,
            harm,
            likelihood,
        })
    }

    proptest! {
        #[test]
        fn the_order_is_total_for_any_numbers(a in any_risk(), b in any_risk(), c in any_risk()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&a), Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
