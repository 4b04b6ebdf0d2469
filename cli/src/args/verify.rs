//! The arguments of `plimsoll verify`, and of the commands that believe evidence.

use super::{RootArguments, duration};
use crate::{exit, report, stages::places::EvidencePlace};
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use plimsoll_model::{
    Reference,
    identity::{IdentityDemand, IdentityPattern},
    platform::Platform,
};
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
    pub images: ImagesArguments,
    #[command(flatten)]
    pub file: EvidenceFileArguments,
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

/// Which images are verified.
#[derive(Debug, Args)]
pub(crate) struct ImagesArguments {
    /// Images: REGISTRY/REPOSITORY:TAG or @DIGEST, oci-layout:DIR (with :TAG or @DIGEST where it holds several), oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME.
    #[arg(value_name = "SUBJECT")]
    pub subjects: Vec<Reference>,
    /// File with one image a line, `-` for standard input; a line that begins with `#` is passed over.
    #[arg(long, value_name = "FILE")]
    pub list: Option<Utf8PathBuf>,
    /// Compose file whose services' images are verified; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub compose: Vec<Utf8PathBuf>,
    /// Kubernetes manifests whose images are verified, of pods and of everything that makes some; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub kubernetes: Vec<Utf8PathBuf>,
    /// Platform to judge where an image is for several [default: linux on this machine's architecture].
    #[arg(long, value_name = "OS/ARCH", env = "PLIMSOLL_PLATFORM")]
    pub platform: Option<Platform>,
}

impl ImagesArguments {
    /// The image, where one alone was typed, and no list that may have one alone today.
    pub(crate) fn single(&self) -> Option<&Reference> {
        match self.subjects.as_slice() {
            [single]
                if self.list.is_none() && self.compose.is_empty() && self.kubernetes.is_empty() =>
            {
                Some(single)
            }
            _ => None,
        }
    }
}

/// Evidence in a file of its own.
#[derive(Debug, Args)]
pub(crate) struct EvidenceFileArguments {
    /// Pack images' digests, everything that was found about them, and whom was believed into a file that verifies elsewhere.
    #[arg(long, value_name = "FILE")]
    pub export: Option<Utf8PathBuf>,
    /// Verify by what `--export` packed, and ask nobody; without SUBJECT, every image in it. Whom to believe is not taken from it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["export", "bundles"])]
    pub evidence: Option<Utf8PathBuf>,
    /// With `--evidence`, believe whom the file's maker believed, and demand what he demanded: his word alone.
    #[arg(long, requires = "evidence", conflicts_with_all = ["keys", "identity", "trusted_root", "max_age", "allow_legacy"])]
    pub trust_evidence_file: bool,
}

/// Where the receipts of gates are (K8S-041), for the images that manifests of Kubernetes name by digest.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReceiptsArguments {
    /// Bundle that may be the receipt (VSA) of an image that a manifest names; may be given several times.
    #[arg(long = "bundle", value_name = "FILE")]
    pub bundles: Vec<Utf8PathBuf>,
    /// Evidence file, as `verify --export` packs it, with the receipts of these images.
    #[arg(long, value_name = "FILE", conflicts_with = "bundles")]
    pub evidence: Option<Utf8PathBuf>,
    /// Look the receipts of these images up where the images are.
    #[arg(long, conflicts_with_all = ["bundles", "evidence"])]
    pub receipts: bool,
    #[command(flatten)]
    pub trust: TrustArguments,
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
