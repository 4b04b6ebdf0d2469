//! What an error means for the person who waits for the exit status.

/// The kind of an error. The exit status follows from it alone, whatever the output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The command line, the configuration or the policy file is wrong.
    Usage,
    /// The input is malformed, forged, or over a limit.
    Rejected,
    /// What is needed to judge could not be had: network, registry, login, absent or stale data.
    Undecided,
    /// Judged and passed, but a later action (sign, push, promote, record) failed.
    Action,
    /// A mistake in Plimsoll.
    Bug,
}

/// An error that knows its [`Class`].
pub trait Classify {
    /// The class of this error.
    fn class(&self) -> Class;
    /// A way out, as one line without a final period, where one is known.
    fn hint(&self) -> Option<String> {
        None
    }
}
