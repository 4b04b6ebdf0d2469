//! What can be wrong with the files of the user that decide.

use camino::Utf8PathBuf;
use plimsoll_model::{Class, Classify};

/// How the names of files with a case for a policy end.
const CASE: &str = ".test.yaml";

/// Why a policy file or a lock of approved bases can not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something at one place of the policy file is wrong.
    #[error("{path}:{line}:{column}: {message}{}", .nearest.as_ref().map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default())]
    Invalid {
        /// The policy file.
        path: Utf8PathBuf,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// What was found and what was expected.
        message: String,
        /// The known word closest to the one found.
        nearest: Option<String>,
    },
    /// The policy file has no environment by this name.
    #[error("{path} has no environment `{name}`")]
    UnknownEnvironment {
        /// The policy file.
        path: Utf8PathBuf,
        /// The name that was asked for.
        name: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The policy file is longer than a policy may be.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The policy file.
        path: Utf8PathBuf,
        /// In bytes.
        limit: u64,
    },
    /// A manifest of an orchestrator can not be read.
    #[error("cannot read the manifest `{path}`: {line}:{column}: {message}")]
    Manifest {
        /// The manifest.
        path: Utf8PathBuf,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// What is wrong there.
        message: String,
    },
    /// Something at one place of a VEX document is wrong.
    #[error("cannot read VEX in `{path}`: {at}{}{message}", if .at.is_empty() { "" } else { ": " })]
    Vex {
        /// The document.
        path: Utf8PathBuf,
        /// The place (`statements[3].status`); empty for the document as a whole.
        at: String,
        /// What was expected and what was found.
        message: String,
    },
    /// A VEX document is no JSON, or JSON that readers would take for different things.
    #[error("cannot read VEX in `{path}`")]
    VexJson {
        /// The document.
        path: Utf8PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A statement that is to be written would say nothing, or nothing that anybody could use.
    #[error("no such statement can be made: {message}")]
    VexStatement {
        /// What is wrong with it.
        message: String,
    },
    /// A VEX document is larger than one may be.
    #[error("cannot read VEX in `{path}`: it is larger than {limit} bytes")]
    VexTooLarge {
        /// The document.
        path: Utf8PathBuf,
        /// In bytes.
        limit: u64,
    },
    /// Recorded facts are not the JSON that they should be.
    #[error("cannot read facts in `{path}`")]
    FactsJson {
        /// The file.
        path: Utf8PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Facts were recorded in another format.
    #[error("cannot read facts in `{path}`: expected version {expected}, found {found}")]
    FactsVersion {
        /// The file.
        path: Utf8PathBuf,
        /// What this program reads.
        expected: u32,
        /// What the file says.
        found: u32,
    },
    /// Recorded facts contradict themselves.
    #[error("cannot read facts in `{path}`: {message}")]
    Facts {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        message: &'static str,
    },
    /// A rule in Rego can not be judged.
    #[error("cannot use the rule {rule} in `{path}`: {message}")]
    Rego {
        /// The file.
        path: Utf8PathBuf,
        /// The id of the rule.
        rule: &'static str,
        /// What is wrong, and where.
        message: String,
    },
    /// The lock of approved bases is not the JSON that it should be.
    #[error("cannot read the lock of approved bases")]
    Lock {
        /// Where and why.
        source: serde_json::Error,
    },
    /// The lock of approved bases was written in another format.
    #[error("cannot read the lock of approved bases: expected version {expected}, found {found}")]
    LockVersion {
        /// What this program reads.
        expected: u32,
        /// What the lock says.
        found: u32,
    },
    /// An entry of the lock approves nothing in particular.
    #[error("the lock of approved bases approves `{name}` without {missing}")]
    LockEntry {
        /// The image.
        name: String,
        /// What would make it particular.
        missing: &'static str,
    },
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid { .. }
            | Self::UnknownEnvironment { .. }
            | Self::TooLarge { .. }
            | Self::Rego { .. }
            | Self::VexStatement { .. } => Class::Usage,
            Self::FactsJson { .. }
            | Self::FactsVersion { .. }
            | Self::Facts { .. }
            | Self::Lock { .. }
            | Self::LockVersion { .. }
            | Self::LockEntry { .. }
            | Self::Manifest { .. }
            | Self::Vex { .. }
            | Self::VexJson { .. }
            | Self::VexTooLarge { .. } => Class::Rejected,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid { path, .. } if path.as_str().ends_with(CASE) => {
                Some(format!("the keys of a case are `{}`", crate::file::CASE_KEYS.join("`, `")))
            }
            Self::Invalid { .. } => {
                Some("`plimsoll policy init` writes a commented policy with every key".to_owned())
            }
            Self::UnknownEnvironment { known, .. } if known.is_empty() => {
                Some("it has no `environments`".to_owned())
            }
            Self::UnknownEnvironment { known, .. } => {
                Some(format!("it has `{}`", known.join("`, `")))
            }
            Self::Lock { .. } | Self::LockVersion { .. } | Self::LockEntry { .. } => {
                Some("`plimsoll base approve` writes the lock; do not edit it by hand".to_owned())
            }
            Self::Manifest { .. } => Some(
                "templates are not read: give what `docker compose config`, `kubectl kustomize` or `helm template` prints"
                    .to_owned(),
            ),
            Self::Vex { .. } | Self::VexJson { .. } => Some(
                "OpenVEX 0.2.0, CycloneDX 1.4 to 1.7 and CSAF 2.0 are read, as JSON".to_owned(),
            ),
            Self::FactsJson { .. } | Self::FactsVersion { .. } | Self::Facts { .. } => {
                Some("`--facts-out` records them; do not edit them by hand".to_owned())
            }
            Self::Rego { .. } => Some(
                "`rule` names a rule of the file, by its name there; `opa check FILE` says more of a text that does not parse"
                    .to_owned(),
            ),
            Self::TooLarge { .. } | Self::VexStatement { .. } | Self::VexTooLarge { .. } => None,
        }
    }
}
