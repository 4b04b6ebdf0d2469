//! How bad a finding is.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Severity, from none to critical. *Unknown* stands below *low* in the order, but a gate never takes it for harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody has said.
    Unknown,
    /// Worth knowing, no harm by itself.
    Info,
    /// CVSS 0.1–3.9.
    Low,
    /// CVSS 4.0–6.9.
    Medium,
    /// CVSS 7.0–8.9.
    High,
    /// CVSS 9.0–10.0.
    Critical,
}

/// A text that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `critical`, `high`, `medium`, `low`, `info`, `unknown`")]
pub struct SeverityError;

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info, Self::Unknown];

    /// The word in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The band of a CVSS base score (qualitative scale of CVSS v3.1 §5, which v4.0 keeps).
    pub fn of_cvss(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            score if score > 0.0 => Self::Low,
            0.0 => Self::Info,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text).ok_or(SeverityError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_cvss() {
        for (score, severity) in [
            (10.0, Severity::Critical),
            (9.0, Severity::Critical),
            (8.9, Severity::High),
            (6.9, Severity::Medium),
            (0.1, Severity::Low),
            (0.0, Severity::Info),
            (f64::NAN, Severity::Unknown),
        ] {
            assert_eq!(Severity::of_cvss(score), severity, "{score}");
        }
    }

    #[test]
    fn words_and_order() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        assert_eq!("severe".parse::<Severity>(), Err(SeverityError));
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Unknown);
    }
}
