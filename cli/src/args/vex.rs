//! The arguments of `plimsoll vex`, and of the commands that judge by VEX.

use crate::report;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};
use plimsoll_policy::vex::{JUSTIFICATIONS, Status};

/// Which VEX counts beside that of the policy.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VexArguments {
    /// VEX document (OpenVEX, CycloneDX or CSAF, as JSON) whose statements count beside those of the policy; may be given
    /// several times.
    #[arg(long = "vex", value_name = "FILE")]
    pub vex: Vec<Utf8PathBuf>,
}

/// `vex`.
#[derive(Debug, Subcommand)]
pub(crate) enum VexCommand {
    /// Add a statement to an OpenVEX document, which is made if it is not there.
    Add(Box<VexAddArguments>),
    /// List what documents state, whatever their format.
    List(VexListArguments),
    /// Write the exceptions of the policy as VEX.
    Export(VexExportArguments),
}

/// `vex add`.
#[derive(Debug, Args)]
pub(crate) struct VexAddArguments {
    /// The document.
    #[arg(value_name = "FILE")]
    pub path: Utf8PathBuf,
    /// What it is about: a package URL, or an image by digest (`pkg:oci/app@sha256:…`); may be given several times.
    #[arg(long = "product", value_name = "PURL", required = true)]
    pub products: Vec<String>,
    /// Component of these products that is meant, and not the products as a whole; may be given several times.
    #[arg(long = "subcomponent", value_name = "PURL")]
    pub subcomponents: Vec<String>,
    /// The flaw.
    #[arg(long, value_name = "ID")]
    pub vulnerability: String,
    /// Another id of the flaw; may be given several times.
    #[arg(long = "alias", value_name = "ID")]
    pub aliases: Vec<String>,
    /// What is said of it.
    #[arg(long, value_name = "STATUS", value_parser = statuses())]
    pub status: String,
    /// Why a product is not affected.
    #[arg(long, value_name = "WORD", value_parser = clap::builder::PossibleValuesParser::new(JUSTIFICATIONS))]
    pub justification: Option<String>,
    /// Why a product is not affected, in words of your own.
    #[arg(long, value_name = "TEXT")]
    pub impact: Option<String>,
    /// What is to be done; an affected product needs it.
    #[arg(long, value_name = "TEXT")]
    pub action: Option<String>,
    /// Who says so; a new document needs it.
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
}

/// `vex list`.
#[derive(Debug, Args)]
pub(crate) struct VexListArguments {
    /// The documents.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<Utf8PathBuf>,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

/// `vex export`.
#[derive(Debug, Args)]
pub(crate) struct VexExportArguments {
    /// Format to write.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = VexFormat::Openvex)]
    pub format: VexFormat,
    /// Image that the exceptions are about, by digest (`pkg:oci/app@sha256:…`) [default: the components by themselves].
    #[arg(long, value_name = "PURL")]
    pub product: Option<String>,
    /// File to write [default: stdout].
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: Option<Utf8PathBuf>,
}

/// A format that VEX is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VexFormat {
    /// OpenVEX 0.2.0.
    Openvex,
    /// CycloneDX 1.6, as JSON.
    Cyclonedx,
}

fn statuses() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Status::ALL.map(|(word, _)| word))
}
