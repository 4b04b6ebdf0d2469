//! `plimsoll db`.

use crate::report;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use plimsoll_model::Reference;
use plimsoll_vuln::feeds::Location;

/// `db`.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Build the index from OSV records and other lists on this machine.
    Import {
        /// Directories in OSV's bulk layout, `all.zip` files, or JSON files; CISA's catalog, EPSS scores, `distro-info-data`.
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<Utf8PathBuf>,
        #[command(flatten)]
        index: DbArguments,
    },
    /// Fetch what changed of OSV's bulk export and of the lists beside it, and build the index; or pull a whole index.
    Update(Box<DbUpdateArguments>),
    /// Write the index to a registry or a directory, for `db update --from`.
    Export {
        /// Where to: `registry/repository:tag` or `oci-layout:DIR:TAG`.
        #[arg(long, value_name = "REF")]
        to: Reference,
        #[command(flatten)]
        index: DbArguments,
    },
    /// Say what the index holds and how old it is.
    Status {
        #[command(flatten)]
        index: DbArguments,
        /// Report format: table or json.
        #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
        output: Vec<report::Output>,
    },
    /// Check the index against its digest.
    Verify {
        #[command(flatten)]
        index: DbArguments,
    },
}

/// `db update`.
#[derive(Debug, Args)]
pub(crate) struct DbUpdateArguments {
    /// Base address in OSV's bulk layout, or the index that `db export` wrote (`registry/repository:tag`, `oci-layout:DIR:TAG`).
    #[arg(long, value_name = "URL|REF", default_value = DbOrigin::OSV)]
    pub from: DbOrigin,
    /// Ecosystem to fetch, as OSV names it; may be given several times [default: all].
    #[arg(long = "ecosystem", value_name = "NAME")]
    pub ecosystems: Vec<String>,
    /// Fetch the ecosystems of what is aboard this subject, such as `sbom:FILE`, besides those that are named.
    #[arg(long = "for", value_name = "SUBJECT")]
    pub subject: Option<Reference>,
    /// CISA's catalog of exploited flaws, CSV or JSON, or `none` [default: CISA's, where advisories are OSV's].
    #[arg(long, value_name = "URL|FILE")]
    pub kev: Option<DbList>,
    /// EPSS scores, or `none` [default: FIRST's, where advisories are OSV's].
    #[arg(long, value_name = "URL|FILE")]
    pub epss: Option<DbList>,
    /// A list of `distro-info-data`, or `none`; may be given several times [default: Debian's and Ubuntu's, where advisories
    /// are OSV's].
    #[arg(long, value_name = "URL|FILE")]
    pub distro_info: Vec<DbList>,
    #[command(flatten)]
    pub index: DbArguments,
}

/// Where the index comes from.
#[derive(Debug, Clone)]
pub(crate) enum DbOrigin {
    /// Records in OSV's bulk layout.
    Feed(url::Url),
    /// An index that somebody exported.
    Artifact(Reference),
}

impl DbOrigin {
    /// OSV's own export.
    pub(crate) const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
}

impl std::str::FromStr for DbOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_address(text) {
            return text.parse().map(Self::Feed).map_err(|error| format!("{error}"));
        }
        text.parse().map(Self::Artifact).map_err(|error| format!("{error}"))
    }
}

/// Where one list is.
#[derive(Debug, Clone)]
pub(crate) enum DbList {
    /// It is not wanted.
    None,
    /// There.
    At(Location),
}

impl std::str::FromStr for DbList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            _ if is_address(text) => {
                let url = text.parse().map_err(|error| format!("{error}"))?;
                Ok(Self::At(Location::Url(url)))
            }
            _ => Ok(Self::At(Location::File(text.into()))),
        }
    }
}

fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}

/// Which index.
#[derive(Debug, Clone, Args)]
pub(crate) struct DbArguments {
    /// Advisory index [default: advisories.index in the cache directory].
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub db: Option<Utf8PathBuf>,
}
