//! The command line.

mod base;
mod db;
mod diff;
mod key;
mod ledger;
#[cfg(feature = "link")]
mod link;
mod policy;
mod registry;
mod sbom;
mod signing;
mod trust;
pub(crate) mod verify;
mod vex;

pub(crate) use base::{
    BaseApproveArguments, BaseCommand, BaseLockArguments, BaseOutdatedArguments,
};
pub(crate) use db::{DbCommand, DbList, DbOrigin, DbUpdateArguments};
pub(crate) use diff::DiffArguments;
pub(crate) use key::{KeyArguments, PrivateKey};
pub(crate) use ledger::{LedgerCommand, MarkArguments};
#[cfg(feature = "link")]
pub(crate) use link::LinkArguments;
pub(crate) use policy::{FactsArguments, PolicyCommand, Schema};
pub(crate) use registry::{RegistryAuditArguments, RegistryCommand};
pub(crate) use sbom::{
    ReadingArguments, SbomArguments, SbomCommand, SbomConvertArguments, SbomDiffArguments,
    SbomListArguments, SbomMergeArguments, SbomScoreArguments,
};
pub(crate) use signing::SigningArguments;
pub(crate) use trust::{RootArguments, TrustCommand, TufArguments};
pub(crate) use verify::{
    ImagesArguments, ReceiptsArguments, TrustArguments, VerifyArguments, VerifyBundleArguments,
};
pub(crate) use vex::{
    VexAddArguments, VexArguments, VexCommand, VexExportArguments, VexFormat, VexListArguments,
};

use crate::{
    env::{self, Environment},
    exit, report,
    stages::places::github_repository,
    ui::ColorChoice,
};
use camino::Utf8PathBuf;
use clap::{
    Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    builder::Resettable,
};
use plimsoll_attest::github::GitHubRepository;
use plimsoll_model::{Reference, Severity, platform::Platform, reference::Tag};
use plimsoll_policy::Policy;
use std::{ffi::OsString, time::Duration};

/// A supply-chain gate for container builds: what is aboard, what is unsafe, what policy says, and only then promotion.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, after_help = exit::table(), max_term_width = 100)]
pub(crate) struct Arguments {
    /// What is shared by all commands.
    #[command(flatten)]
    pub shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What BuildKit runs.
const BUILDKIT_SCAN: &str = "buildkit-scan";

/// The arguments that the program was started with.
///
/// A variable that is set to nothing counts as unset: CI systems hand over every input, given or not.
pub(crate) fn parse(environment: &Environment) -> Result<Arguments, clap::Error> {
    let mut typed: Vec<OsString> = std::env::args_os().collect();
    if typed.len() == 1 && environment.has(&env::BUILDKIT_SCAN_DESTINATION) {
        // An image with nothing but this program in it is a scanner for BuildKit.
        typed.push(BUILDKIT_SCAN.into());
    }
    let command = without_empty(Arguments::command(), environment);
    let matches = command.try_get_matches_from(typed)?;
    Arguments::from_arg_matches(&matches)
}

fn without_empty(command: clap::Command, environment: &Environment) -> clap::Command {
    command
        .mut_args(|argument| {
            let is_empty = argument
                .get_env()
                .and_then(std::ffi::OsStr::to_str)
                .is_some_and(|name| environment.is_empty(name));
            if is_empty { argument.env(Resettable::Reset) } else { argument }
        })
        .mut_subcommands(|subcommand| without_empty(subcommand, environment))
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shared options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command line; settings turn them into words"
)]
pub(crate) struct Shared {
    /// Policy file [default: plimsoll.yaml, .config/plimsoll.yaml or .github/plimsoll.yaml, up to the repository root].
    #[arg(long, global = true, value_name = "FILE", env = "PLIMSOLL_CONFIG")]
    pub config: Option<Utf8PathBuf>,
    /// Environment of the policy file to judge by [default: the file's own values].
    #[arg(long, global = true, value_name = "NAME", env = "PLIMSOLL_ENVIRONMENT")]
    pub environment: Option<String>,
    /// Revision of the repository that policy file and keys are read from, or `worktree` [default: what a pull or merge
    /// request is to be merged into, else `worktree`].
    #[arg(long, global = true, value_name = "REVISION", env = "PLIMSOLL_POLICY_FROM")]
    pub policy_from: Option<String>,
    /// Print nothing on stderr but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on stderr: once for what is decided on the way, twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to colour the output.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Show no progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Form of the messages on stderr.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Open no network connection; what would need one fails.
    #[arg(long, global = true, env = "PLIMSOLL_OFFLINE")]
    pub offline: bool,
    /// Directory that the advisory index and updated trusted roots are kept in [default: plimsoll in `XDG_CACHE_HOME` or ~/.cache].
    #[arg(long, global = true, value_name = "DIR", env = "PLIMSOLL_CACHE_DIR")]
    pub cache_dir: Option<Utf8PathBuf>,
    /// File that what was read of layers is kept in for the next time, made if it is not there; it is believed, so let only
    /// trusted jobs write it.
    #[arg(long, global = true, value_name = "FILE", env = "PLIMSOLL_LAYER_CACHE")]
    pub layer_cache: Option<Utf8PathBuf>,
    /// Credentials file in docker's format [default: `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG`, docker's config.json].
    #[arg(long, global = true, value_name = "FILE", env = "PLIMSOLL_REGISTRY_AUTH")]
    pub registry_auth: Option<Utf8PathBuf>,
    /// Registry that is spoken to without TLS; loopback addresses always are.
    #[arg(long, global = true, value_name = "HOST[:PORT]")]
    pub plain_http: Vec<String>,
    /// Host that may receive a registry's credentials as its token server.
    #[arg(long, global = true, value_name = "HOST")]
    pub trusted_realm: Vec<String>,
    /// Threads for the work on the CPU [default: one per core].
    #[arg(long, global = true, value_name = "N", env = "PLIMSOLL_JOBS")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// How long a registry may stay silent, and a program that signs may take, before that counts as failed.
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration, env = "PLIMSOLL_TIMEOUT")]
    pub timeout: Duration,
}

/// Form of the messages on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The pipeline step: inventory, scan, check, sign, verify, decide, promote, record.
    Run(Box<RunArguments>),
    /// List what is aboard; merge, convert and compare such lists.
    Sbom(Box<SbomArguments>),
    /// List what is aboard a build, as a scanner of BuildKit (`--attest type=sbom,generator=…`).
    BuildkitScan,
    /// Find known vulnerabilities in an image or in anyone's SBOM.
    Scan(ScanArguments),
    /// Tell which findings are new, fixed or changed between two builds, and whether the code or the advisories did it.
    Diff(DiffArguments),
    /// Judge Dockerfiles, compose files, Kubernetes manifests, images, settings of the daemon and pipelines by the rules.
    Check(CheckArguments),
    /// Sign provenance, SBOM and scan, and attach them to the image.
    Attest(Box<AttestArguments>),
    /// Sign what a step of a supply chain took and made, for `in-toto-verify`.
    #[cfg(feature = "link")]
    Link(LinkArguments),
    /// Verify the evidence about an image, and explain every candidate.
    Verify(Box<VerifyArguments>),
    /// Verify one bundle about a file or a digest.
    VerifyBundle(VerifyBundleArguments),
    /// Judge an image, copy it with its evidence, and only then move the tag.
    Promote(Box<PromoteArguments>),
    /// Approve base images, and list those that are approved.
    #[command(subcommand)]
    Base(BaseCommand),
    /// Ask a registry who may do what, and whether its answers are so.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Make and inspect the advisory index that images are scanned by.
    #[command(subcommand)]
    Db(DbCommand),
    /// Update the roots that evidence is verified by, and say which are believed.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Look at recorded builds, and find those that went bad since.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Write or check the policy file.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print the JSON Schema of a file that Plimsoll reads or writes.
    Schema {
        /// Of what.
        #[arg(value_name = "OF", value_enum)]
        of: Schema,
    },
    /// Say of a flaw that a product is not affected by it, and list what others say.
    #[command(subcommand)]
    Vex(VexCommand),
    /// Explain a rule: why it is there, how to mend, a bad and a good example.
    Explain {
        /// The rule's id, such as `DF-020`.
        #[arg(value_name = "ID", required_unless_present = "mapping")]
        id: Option<String>,
        /// Print which guideline, which control of CIS and which rules of other tools each rule stands for.
        #[arg(long, conflicts_with = "id")]
        mapping: bool,
        /// Form of the mapping.
        #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Form::Text, requires = "mapping")]
        output: Form,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// What is judged, and for which platform.
#[derive(Debug, Clone, Args)]
pub(crate) struct SubjectArguments {
    /// Image: REGISTRY/REPOSITORY:TAG or @DIGEST, oci-layout:DIR (with :TAG or @DIGEST where it holds several), oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME.
    #[arg(value_name = "SUBJECT")]
    pub subject: Reference,
    /// Platform to judge where the image is for several [default: linux on this machine's architecture].
    #[arg(long, value_name = "OS/ARCH", env = "PLIMSOLL_PLATFORM")]
    pub platform: Option<Platform>,
}

/// Where reports go.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArguments {
    /// Report format, with a file or to stdout; may be given several times [default: table].
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse, long_help = report::long_help())]
    pub output: Vec<report::Output>,
    /// Least severity that the table and Markdown show: critical, high, medium, low, info or unknown; what blocks is always shown.
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    pub show: Severity,
}

/// Where the advisories come from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct IndexArguments {
    /// Advisory index [default: advisories.index in the cache directory].
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub db: Option<Utf8PathBuf>,
    /// OSV records to judge by in place of the index: directories, all.zip or JSON files, separated by commas.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with = "db",
        env = "PLIMSOLL_ADVISORIES",
        value_delimiter = ','
    )]
    pub advisories: Vec<Utf8PathBuf>,
}

/// Changes to the policy from the command line.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GateArguments {
    /// Block vulnerabilities of this severity (critical, high, medium, low, info) or worse, in place of the policy's conditions on severity.
    #[arg(long, value_name = "SEVERITY", env = "PLIMSOLL_FAIL_ON")]
    pub fail_on: Option<Severity>,
}

impl GateArguments {
    /// The policy with these changes.
    pub(crate) fn apply(&self, policy: Policy) -> Policy {
        match self.fail_on {
            Some(severity) => policy.with_fail_on(severity),
            None => policy,
        }
    }
}

/// Where builds are recorded.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LedgerArguments {
    /// Ledger [default: plimsoll/ledger.sqlite in `XDG_STATE_HOME` or ~/.local/state].
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_LEDGER")]
    pub ledger: Option<Utf8PathBuf>,
}

/// The Dockerfiles an image was made from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BuildArguments {
    /// Dockerfile that the image was built from; may be given several times.
    #[arg(long = "dockerfile", value_name = "FILE")]
    pub dockerfiles: Vec<Utf8PathBuf>,
    /// Stage of the Dockerfile that was built [default: the last].
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Build argument that was given.
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub build_args: Vec<(String, String)>,
}

/// What an image is judged by, and where what came of it goes: what `run` and `promote` have in common.
#[derive(Debug, Args)]
pub(crate) struct JudgingArguments {
    #[command(flatten)]
    pub build: BuildArguments,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub gate: GateArguments,
    #[command(flatten)]
    pub vex: VexArguments,
    #[command(flatten)]
    pub signing: SigningArguments,
    #[command(flatten)]
    pub trust: TrustArguments,
    #[command(flatten)]
    pub ledger: LedgerArguments,
    #[command(flatten)]
    pub facts: FactsArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// `run`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// Where to promote the image to when it passes: REGISTRY/REPOSITORY:TAG or oci-layout:DIR:TAG.
    #[arg(long, value_name = "REF", env = "PLIMSOLL_PROMOTE_TO")]
    pub promote_to: Option<Reference>,
    /// Sign and attach nothing; evidence that is already there still counts.
    #[arg(long)]
    pub no_attest: bool,
    /// Directory with the source that was built; its lock files have to be those that provenance names [default: the
    /// current one, unless nothing is attested].
    #[arg(long, value_name = "DIR")]
    pub source: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub judging: JudgingArguments,
}

/// What `scan` takes: an SBOM too.
const SCANNED: &str = "Image: REGISTRY/REPOSITORY:TAG or @DIGEST, oci-layout:DIR (with :TAG or @DIGEST where it \
    holds several), oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME; dir:DIR or file:FILE; or sbom:FILE, an SBOM \
    in CycloneDX or SPDX JSON";

/// `scan`.
#[derive(Debug, Args)]
#[command(after_help = exit::table(), mut_arg("subject", |subject| subject.help(SCANNED)))]
pub(crate) struct ScanArguments {
    #[command(flatten)]
    pub subject: SubjectArguments,
    #[command(flatten)]
    pub reading: ReadingArguments,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub gate: GateArguments,
    /// Explain the verdict on a component, named by package URL or name, in place of the report: every record that was
    /// considered, and why it applies or does not; with the id of an advisory, that one alone. Stands behind SUBJECT.
    #[arg(long, num_args = 1..=2, value_names = ["COMPONENT", "ADVISORY"])]
    pub explain: Vec<String>,
    #[command(flatten)]
    pub vex: VexArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct CheckArguments {
    /// Dockerfiles, compose files, Kubernetes manifests, daemon.json, units of the daemon, pipelines, directories to look for
    /// them in, or one image.
    #[arg(value_name = "PATH|SUBJECT", required = true)]
    pub what: Vec<String>,
    /// Platform to judge where an image is for several.
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<Platform>,
    /// Stage of the Dockerfile that is built [default: the last].
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Build argument that is given.
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub build_args: Vec<(String, String)>,
    #[command(flatten)]
    pub receipts: ReceiptsArguments,
    #[command(flatten)]
    pub facts: FactsArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// `attest`.
#[derive(Debug, Args)]
pub(crate) struct AttestArguments {
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// What to state; may be given several times [default: provenance, sbom, vulnerabilities].
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    pub types: Vec<AttestationType>,
    /// Report of tests in `JUnit`'s XML, for `test-result`; may be given several times. A test that failed is stated as that.
    #[arg(long, value_name = "FILE")]
    pub junit: Vec<Utf8PathBuf>,
    /// Write the bundles into this directory instead of attaching them.
    #[arg(long, value_name = "DIR")]
    pub bundles: Option<Utf8PathBuf>,
    /// Have GitHub keep the bundles for a repository, github:OWNER/REPO, instead of attaching them; needs `GITHUB_TOKEN`.
    #[arg(long, value_name = "PLACE", conflicts_with = "bundles", value_parser = github_repository)]
    pub to: Option<GitHubRepository>,
    /// Directory with the source that was built.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub source: Utf8PathBuf,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub signing: SigningArguments,
    #[command(flatten)]
    pub root: RootArguments,
}

/// What can be stated about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum AttestationType {
    /// How it was built: SLSA provenance v1.
    Provenance,
    /// What is aboard: CycloneDX.
    Sbom,
    /// What is aboard: SPDX.
    Spdx,
    /// What is known to be unsafe: in-toto vulnerabilities v0.2.
    Vulnerabilities,
    /// What its tests came to, by the reports of `--junit`: in-toto test result v0.1.
    TestResult,
}

/// `promote`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct PromoteArguments {
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// Where to: REGISTRY/REPOSITORY:TAG or oci-layout:DIR:TAG.
    #[arg(value_name = "DESTINATION")]
    pub destination: Reference,
    #[command(flatten)]
    pub judging: JudgingArguments,
}

/// Form of an answer that is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A destination has to be named by tag: a promotion ends with moving one.
pub(crate) fn destination_tag(reference: &Reference) -> Option<Tag> {
    use plimsoll_model::reference::Selector;
    match reference {
        Reference::Registry(name) if name.digest.is_none() => name.tag.clone(),
        Reference::OciLayout(archive) => match &archive.selector {
            Selector::Tag(tag) => Some(tag.clone()),
            Selector::Only | Selector::Digest(_) => None,
        },
        Reference::Registry(_)
        | Reference::OciArchive(_)
        | Reference::DockerArchive(_)
        | Reference::DockerDaemon(_)
        | Reference::Directory(_)
        | Reference::File(_)
        | Reference::Sbom(_) => None,
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration =
        text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(signed).map_err(|error| error.to_string())
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_destination_needs_a_tag() {
        let tag = |text: &str| destination_tag(&text.parse().unwrap()).map(|tag| tag.to_string());
        assert_eq!(tag("r.io/prod/app:1").as_deref(), Some("1"));
        assert_eq!(tag("oci-layout:out:1").as_deref(), Some("1"));
        assert_eq!(tag("r.io/prod/app"), None);
        assert_eq!(tag("oci-layout:out"), None);
        assert_eq!(tag("docker-archive:x.tar:1"), None);
    }
}
