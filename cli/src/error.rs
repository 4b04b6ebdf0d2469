//! What can go wrong, and what it means for the exit status.

use camino::Utf8PathBuf;
use plimsoll_model::{Class, Classify};
use std::fmt::Write as _;

/// Why a command could not do its work. A policy that says no is no error: it is a decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The arguments do not go together.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// A file of the user's can not be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file can not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// Which.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the user's is over its limit.
    #[error("`{path}` is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Which.
        path: Utf8PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A file of the user's is not UTF-8.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// Which.
        path: Utf8PathBuf,
    },
    /// An SBOM without a single component, of which nothing can be judged.
    #[error("`{path}` lists no components: there is nothing to judge")]
    EmptySbom {
        /// Which.
        path: Utf8PathBuf,
    },
    /// A reference stands for something else than an advisory index.
    #[error("`{reference}` is no advisory index")]
    NotAdvisories {
        /// Which.
        reference: String,
    },
    /// The policy that a change is judged by is not to be had.
    #[error("cannot read the policy as `{base}` has it, which the change is judged by: {reason}")]
    PolicyOfBase {
        /// The branch that the change is to be merged into, or the revision that was asked for.
        base: String,
        /// Why.
        reason: String,
    },
    /// Neither HOME nor the XDG directories are set.
    #[error("no home directory: neither {variable} nor HOME is set")]
    NoHome {
        /// The variable that would do instead.
        variable: &'static str,
    },
    /// A report format needs what the command does not make.
    #[error("format `{format}` can not be written by `plimsoll {command}`: it needs {needs}")]
    Format {
        /// The format.
        format: &'static str,
        /// The command.
        command: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// The judged digest changed under way.
    #[error("{what} at `{place}` is not what was judged: expected {expected}, found {found}")]
    Changed {
        /// What.
        what: &'static str,
        /// Where.
        place: String,
        /// The digest that was judged.
        expected: String,
        /// What is there now.
        found: String,
    },
    /// The policy forbids this promotion.
    #[error("policy permits no promotion from `{from}` to `{to}`")]
    NotPermitted {
        /// Where from.
        from: String,
        /// Where to.
        to: String,
    },
    /// A tag that never moves is taken by another digest.
    #[error("tag `{tag}` at `{place}` is immutable by policy and already names {found}")]
    ImmutableTag {
        /// The tag.
        tag: String,
        /// Where.
        place: String,
        /// What it names.
        found: String,
    },
    /// The evidence does not verify where the image was promoted to.
    #[error("the evidence at `{place}` does not satisfy the policy: {reason}")]
    EvidenceAtDestination {
        /// Where.
        place: String,
        /// What is missing.
        reason: String,
    },
    /// The services that it takes to sign were out, and the policy has such statements queued.
    #[error("{count} statements are signed for the time being alone, and pending")]
    Queued {
        /// How many.
        count: usize,
        /// What was out.
        source: Box<Self>,
    },
    /// Evidence was queued, and is not there yet.
    #[error("evidence about it is pending: {kinds}")]
    StillPending {
        /// Which.
        kinds: String,
    },
    /// It can not be told whether a publisher has signed an image.
    #[error("cannot tell whether the publisher has signed the image: {reason}")]
    Signature {
        /// Why.
        reason: String,
    },
    /// Judged and passed, but this could not be done afterwards.
    #[error("passed, but cannot {what}")]
    Action {
        /// What.
        what: &'static str,
        /// Why.
        source: Box<Self>,
    },
    /// The runtime can not be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    /// A worker thread ended without an answer.
    #[error("a worker ended without an answer")]
    Worker(#[source] tokio::task::JoinError),
    /// Something is not as the rest of the program says it is.
    #[error("internal contradiction: {0}")]
    Internal(&'static str),
    /// A report of tests can not be believed.
    #[error("`{path}` is no report of tests")]
    TestReport {
        /// Which.
        path: Utf8PathBuf,
        /// Why.
        source: crate::stages::junit::ReportError,
    },
    /// A JSON document can not be written.
    #[error("cannot write {what} as JSON")]
    Json {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Images.
    #[error(transparent)]
    Oci(#[from] plimsoll_oci::Error),
    /// SBOMs.
    #[error(transparent)]
    Sbom(#[from] plimsoll_sbom::Error),
    /// Advisories.
    #[error(transparent)]
    Vuln(#[from] plimsoll_vuln::Error),
    /// Policy.
    #[error(transparent)]
    Policy(#[from] plimsoll_policy::Error),
    /// Evidence.
    #[error(transparent)]
    Attest(#[from] plimsoll_attest::Error),
    /// Ledger.
    #[error(transparent)]
    Ledger(#[from] plimsoll_ledger::Error),
}

impl Error {
    /// A usage error with a way out.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The same error, as what kept a passed image from `what`.
    pub(crate) fn after_pass(self, what: &'static str) -> Self {
        Self::Action { what, source: Box::new(self) }
    }

    /// The whole chain on one line: what was attempted, and why it failed.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // Writing to a string does not fail.
            write!(text, ": {error}").ok();
            cause = error.source();
        }
        text
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Usage { .. }
            | Self::Read { .. }
            | Self::TooLarge { .. }
            | Self::NotText { .. }
            | Self::NoHome { .. }
            | Self::Format { .. }
            | Self::NotPermitted { .. }
            | Self::ImmutableTag { .. } => Class::Usage,
            Self::Changed { .. }
            | Self::EvidenceAtDestination { .. }
            | Self::EmptySbom { .. }
            | Self::TestReport { .. }
            | Self::NotAdvisories { .. } => Class::Rejected,
            Self::Runtime(_) | Self::PolicyOfBase { .. } | Self::Signature { .. } => {
                Class::Undecided
            }
            Self::Write { .. }
            | Self::Action { .. }
            | Self::Queued { .. }
            | Self::StillPending { .. } => Class::Action,
            Self::Worker(_) | Self::Internal(_) | Self::Json { .. } => Class::Bug,
            Self::Oci(error) => error.class(),
            Self::Sbom(error) => error.class(),
            Self::Vuln(error) => error.class(),
            Self::Policy(error) => error.class(),
            Self::Attest(error) => error.class(),
            Self::Ledger(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::EmptySbom { .. } => Some(
                "see how it was made: an empty list is what a scanner writes that saw nothing"
                    .to_owned(),
            ),
            Self::NotAdvisories { .. } => {
                Some("give what `plimsoll db export --to` has written".to_owned())
            }
            Self::TestReport { .. } => {
                Some("give a whole report in JUnit's XML, as test runners write it".to_owned())
            }
            Self::NoHome { variable } => Some(format!("set HOME or {variable}")),
            Self::PolicyOfBase { .. } => Some(
                "fetch it first (`git fetch --depth=1 origin +refs/heads/BRANCH:refs/remotes/origin/BRANCH`, on GitHub `fetch-depth: 0`); or say with --policy-from what to read: a revision, or `worktree`, which is right for files that are not of the repository that the change is to, and by which a change to it writes the rules that it is judged by"
                    .to_owned(),
            ),
            Self::NotPermitted { .. } => Some("see `promotion:` in the policy file".to_owned()),
            Self::ImmutableTag { .. } => Some("promote under a new tag".to_owned()),
            Self::Worker(_) | Self::Internal(_) | Self::Json { .. } => Some(
                "this is a bug in Plimsoll; please report it with the command that led here"
                    .to_owned(),
            ),
            Self::Queued { .. } | Self::StillPending { .. } => Some(
                "nothing is promoted until it is signed: run `plimsoll attest` or `plimsoll run` again, with `--keyless`, once the services are back"
                    .to_owned(),
            ),
            Self::Action { source, .. } => source.hint(),
            Self::Oci(error) => error.hint(),
            Self::Sbom(error) => error.hint(),
            Self::Vuln(error) => error.hint(),
            Self::Policy(error) => error.hint(),
            Self::Attest(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Runtime(_)
            | Self::Signature { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::TooLarge { .. }
            | Self::NotText { .. }
            | Self::Format { .. }
            | Self::Changed { .. }
            | Self::EvidenceAtDestination { .. } => None,
        }
    }
}
