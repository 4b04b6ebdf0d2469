//! Where a policy was read from when the change that is judged may say something else.

use crate::Policy;
use camino::Utf8PathBuf;

/// The commit that a policy was read from, in place of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// As people name it: a branch, or what they gave.
    pub name: String,
    /// The commit, in hexadecimal.
    pub commit: String,
    /// The directory of the working tree, without links: what lies elsewhere is not of that commit.
    pub root: Utf8PathBuf,
    /// What the working tree makes of the policy file.
    pub change: Change,
}

/// What the working tree has in place of the file that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The same.
    Same,
    /// Other text, or none.
    Touched,
    /// A policy where the commit has none.
    Added,
}

impl Policy {
    /// The policy as that commit has it. The digest stays that of the text.
    #[must_use]
    pub fn at_revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// The commit that it was read from; none where the working tree says what counts.
    pub const fn revision(&self) -> Option<&Revision> {
        self.revision.as_ref()
    }
}
