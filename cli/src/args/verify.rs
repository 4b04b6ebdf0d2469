//! The arguments of `plimsoll verify`, and of the commands that believe evidence.

use super::{RootArguments, SubjectArguments, duration};
use crate::{exit, report, stages::places::EvidencePlace};
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use plimsoll_model::identity::{IdentityDemand, IdentityPattern};
use plimsoll_policy::EvidenceKind;
use std::time::Duration;

/// How well evidence has to be proven.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TrustArguments {
    #[command(flatten)]
    pub root: RootArguments,
    /// How long ago evidence may have been signed, such as 30d [default: the policy's, else any time].
    #[arg(long = "max-evidence-age", value_name = "DURATION", value_parser = duration)]
    pub max_age: Option<Duration>,
    /// Accept forms that others no longer write: signatures with a log's promise and no proof, and
    /// statements v0.1.
    #[arg(long)]
    pub allow_legacy: bool,
}

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub subject: SubjectArguments,
    #[command(flatten)]
    pub believed: BelievedArguments,
    #[command(flatten)]
    pub trust: TrustArguments,
    /// What has to be there; may be given several times [default: what the policy requires, else everything].
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    pub types: Vec<VerifiedType>,
    /// Bundle to verify in place of those attached to the image; may be given several times.
    #[arg(long = "bundle", value_name = "FILE")]
    pub bundles: Vec<Utf8PathBuf>,
    /// Verify every image of an index: each has to have the evidence; provenance may be the index's.
    #[arg(long)]
    pub all_platforms: bool,
    /// Where to look for evidence: `referrers` of the image, the tags of `cosign` beside it, or the attestations that GitHub
    /// keeps for a repository, `github:OWNER/REPO`; may be given several times [default: referrers, and in a registry cosign].
    #[arg(long, value_name = "PLACE", conflicts_with = "bundles")]
    pub from: Vec<EvidencePlace>,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

/// What can be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifiedType {
    /// How it was built: SLSA provenance.
    Provenance,
    /// What is aboard: CycloneDX or SPDX.
    #[value(alias = "spdx")]
    Sbom,
    /// What was known to be unsafe.
    Vulnerabilities,
    /// What its tests came to.
    TestResult,
    /// That a gate let it pass, in the place where it is.
    Vsa,
}

impl VerifiedType {
    /// The kind of evidence that it is.
    pub(crate) const fn kind(self) -> EvidenceKind {
        match self {
            Self::Provenance => EvidenceKind::Provenance,
            Self::Sbom => EvidenceKind::Sbom,
            Self::Vulnerabilities => EvidenceKind::Vulnerabilities,
            Self::TestResult => EvidenceKind::Tests,
            Self::Vsa => EvidenceKind::Vsa,
        }
    }
}

/// `verify-bundle`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct VerifyBundleArguments {
    /// Bundle to verify.
    #[arg(long, value_name = "FILE")]
    pub bundle: Utf8PathBuf,
    #[command(flatten)]
    pub believed: BelievedArguments,
    #[command(flatten)]
    pub trust: TrustArguments,
    /// Accept a signature by a key that neither a log nor a timestamp authority has seen.
    #[arg(long, requires = "keys")]
    pub allow_unlogged: bool,
    /// What the bundle has to be about: a file, or a digest (sha256:…).
    #[arg(value_name = "FILE|DIGEST")]
    pub artifact: String,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

/// Whom to believe in place of the policy's signers.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BelievedArguments {
    /// Public key to believe, in place of the policy's signers; may be given several times.
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<Utf8PathBuf>,
    /// Identity to believe, in place of the policy's signers: a workflow or an e-mail address. `*` stands for any text
    /// within one part of it, `**` for any text.
    #[arg(
        long,
        visible_alias = "certificate-identity",
        value_name = "IDENTITY",
        requires = "issuer"
    )]
    pub identity: Option<IdentityPattern>,
    /// Issuer of the identity, exactly.
    #[arg(
        long,
        visible_alias = "certificate-oidc-issuer",
        value_name = "URL",
        requires = "identity"
    )]
    pub issuer: Option<String>,
    /// Repository that has to have been built, as a URL [default: the one that the identity is of].
    #[arg(long, value_name = "URL", requires = "identity")]
    pub repository: Option<String>,
}

impl BelievedArguments {
    /// The identity that is believed, where one is.
    pub(crate) fn demand(&self) -> Option<IdentityDemand> {
        let (identity, issuer) = self.identity.clone().zip(self.issuer.clone())?;
        let repository = self.repository.clone();
        Some(IdentityDemand { repository, ..IdentityDemand::new(issuer, identity) })
    }
}
