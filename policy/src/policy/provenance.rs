//! What the policy demands of provenance.

use crate::Pattern;
use plimsoll_model::evidence::BuildProperty;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// What provenance has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProvenancePolicy {
    /// The types of build that are known, letter by letter; empty means any.
    pub build_types: Vec<String>,
    /// The external parameters that may be there, each with everything below it; absent means any.
    pub parameters: Option<Vec<ParameterPath>>,
    /// The repository, as a URL, letter by letter.
    pub repository: Option<String>,
    /// The branch or tag.
    pub reference: Option<Pattern>,
    /// The commit, in hexadecimal.
    pub commit: Option<String>,
    /// What may have set it off; empty means anything.
    pub triggers: Vec<String>,
    /// What the build has to have been, by its own word.
    pub properties: BTreeSet<BuildProperty>,
    /// The line of the section.
    pub line: Option<u32>,
}

impl ProvenancePolicy {
    /// Whether the source may be any.
    pub(crate) const fn demands_no_source(&self) -> bool {
        self.repository.is_none()
            && self.reference.is_none()
            && self.commit.is_none()
            && self.triggers.is_empty()
    }
}

/// Where an external parameter is: `inputs.debug`.
///
/// A name with a dot in it can not be written, and so is never one that is allowed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterPath(Vec<String>);

/// A text that is no path of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names between dots, none of them empty and without `*`")]
pub struct ParameterPathError;

impl FromStr for ParameterPath {
    type Err = ParameterPathError;

    fn from_str(text: &str) -> Result<Self, ParameterPathError> {
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) || text.contains('*') {
            return Err(ParameterPathError);
        }
        Ok(Self(names))
    }
}

impl fmt::Display for ParameterPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join("."))
    }
}

impl ParameterPath {
    /// Whether this parameter, or one that it is part of, is the one at `path`.
    pub(crate) fn admits(&self, path: &[String]) -> bool {
        path.starts_with(&self.0)
    }
}
