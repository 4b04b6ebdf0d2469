//! The arguments of `plimsoll sbom`.

use super::OutputArguments;
use crate::report;
use clap::{Args, Subcommand};
use plimsoll_model::{Reference, platform::Platform};
use plimsoll_oci::directory::Ignored;
use plimsoll_sbom::score::Standard;

/// `sbom`: a subject, or one of the commands on SBOMs that are there.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct SbomArguments {
    #[command(subcommand)]
    pub command: Option<SbomCommand>,
    #[command(flatten)]
    pub list: SbomListArguments,
}

/// What `sbom` takes.
const LISTED: &str = "Image: REGISTRY/REPOSITORY:TAG or @DIGEST, oci-layout:DIR (with :TAG or @DIGEST where it holds \
    several), oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME; or dir:DIR, file:FILE, sbom:FILE";

/// `sbom SUBJECT`.
#[derive(Debug, Args)]
pub(crate) struct SbomListArguments {
    /// What to list.
    #[arg(value_name = "SUBJECT", required = true, help = LISTED)]
    pub subject: Option<Reference>,
    /// Platform to list where the image is for several [default: linux on this machine's architecture].
    #[arg(long, value_name = "OS/ARCH", env = "PLIMSOLL_PLATFORM")]
    pub platform: Option<Platform>,
    /// Write one SBOM for each platform of the image, and one for its index; file names have to contain `{platform}`.
    #[arg(long)]
    pub all_platforms: bool,
    /// List the SBOMs that others have attached to the image, as claims, in place of what is aboard (table or json).
    #[arg(long, conflicts_with_all = ["all_platforms", "max_unknowns"])]
    pub attached: bool,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Exit with 3 when more than this could not be read or told.
    #[arg(long, value_name = "N")]
    pub max_unknowns: Option<usize>,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How directories are read.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct ReadingArguments {
    /// Of a directory, read what git ignores as well.
    #[arg(long)]
    pub no_ignore: bool,
}

impl ReadingArguments {
    /// What becomes of what git ignores.
    pub(crate) const fn ignored(self) -> Ignored {
        if self.no_ignore { Ignored::Read } else { Ignored::PassedOver }
    }
}

/// `sbom …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Make one SBOM out of several.
    Merge(SbomMergeArguments),
    /// Write an SBOM in another format.
    Convert(SbomConvertArguments),
    /// Tell what was added, removed and changed from one SBOM to another.
    Diff(SbomDiffArguments),
    /// Tell how much of what standards ask for an SBOM has.
    Score(SbomScoreArguments),
}

/// `sbom merge`.
#[derive(Debug, Args)]
pub(crate) struct SbomMergeArguments {
    /// SBOMs in CycloneDX or SPDX JSON, or subjects that are cataloged for this.
    #[arg(value_name = "FILE|SUBJECT", required = true)]
    pub parts: Vec<String>,
    /// What the new SBOM is about [default: what the first one is about].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// `sbom convert`.
#[derive(Debug, Args)]
pub(crate) struct SbomConvertArguments {
    /// SBOM in CycloneDX or SPDX JSON.
    #[arg(value_name = "FILE")]
    pub file: camino::Utf8PathBuf,
    /// Format to write, with a file or to stdout; may be given several times.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", required = true, value_parser = report::Output::parse, long_help = report::long_help())]
    pub output: Vec<report::Output>,
}

/// `sbom diff`.
#[derive(Debug, Args)]
pub(crate) struct SbomDiffArguments {
    /// Before: an SBOM in CycloneDX or SPDX JSON, or a subject that is cataloged for this.
    #[arg(value_name = "BEFORE")]
    pub before: String,
    /// After, in the same way.
    #[arg(value_name = "AFTER")]
    pub after: String,
    /// Exit with 1 when there is any change, and with 3 when something could not be told of either side.
    #[arg(long)]
    pub fail_on_change: bool,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

/// `sbom score`.
#[derive(Debug, Args)]
pub(crate) struct SbomScoreArguments {
    /// An SBOM by anyone, or a subject, of which the SBOM that Plimsoll writes is scored.
    #[arg(value_name = "FILE|SUBJECT")]
    pub what: String,
    /// Standard to score by: ntia-2021, cisa-2025, fsct-3 or bsi-2.1; may be given several times [default: all].
    #[arg(long = "standard", value_name = "STANDARD", value_parser = standard)]
    pub standards: Vec<Standard>,
    /// Exit with 1 when less than this percentage of what is required is there by any of the standards; 100 means all.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    pub min: Option<u8>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

fn standard(text: &str) -> Result<Standard, String> {
    // `ntia` and `ntia-2021` are one: of each there is one version.
    let of = |standard: &Standard| {
        let id = standard.id();
        id == text || id.split_once('-').is_some_and(|(name, _)| name == text)
    };
    Standard::ALL.into_iter().find(of).ok_or_else(|| {
        let known = Standard::ALL.map(Standard::id).join(", ");
        format!("unknown standard; expected one of {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_is_named_with_or_without_its_version() {
        assert_eq!(standard("ntia"), Ok(Standard::Ntia2021));
        assert_eq!(standard("bsi-2.1"), Ok(Standard::BsiTr03183V2_1));
        assert!(standard("iso").unwrap_err().contains("ntia-2021, cisa-2025"));
    }
}
