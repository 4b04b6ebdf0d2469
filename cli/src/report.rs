//! Reports: what a run came to, in the format that was asked for. They are the only thing on stdout.

use crate::{
    context::Context,
    error::Error,
    files::{self, Draft},
    stages::{advise::Advised, inventory::Cataloged, places::Looked, promote::Promoted},
    ui::{self, Paint},
};
use camino::Utf8PathBuf;
use plimsoll_attest::Verification;
use plimsoll_ledger::RecordId;
use plimsoll_model::{Inventory, Severity, image::Image, scan::Scan};
use plimsoll_policy::{Change, Decision, Policy};
use std::{
    borrow::Cow,
    io::{BufWriter, Write},
};

macro_rules! formats {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every format, in the order that help shows.
        pub(crate) const ALL: &[&Format] = &[$(&$module::FORMAT),*];
    };
}
formats! {
    table,
    json_v1,
    markdown,
    sarif,
    openvex,
    cyclonedx_json,
    cyclonedx_xml,
    spdx_json,
    spdx3_json,
    cyclonedx_vdr_json,
    gitlab_container_scanning,
    gitlab_dependency_scanning,
    gitlab_codequality,
    junit,
    github,
    csv,
    cis,
    html,
}

/// How many digits of a commit are shown, as git does.
const SHORT_COMMIT: usize = 12;

/// Other versions of some of them, by their ids with `@` and the version.
const VERSIONS: [&[Format]; 2] = [cyclonedx_json::VERSIONS, cyclonedx_xml::VERSIONS];

mod advice;
mod advised;
pub(crate) mod answers;
pub(crate) mod explanation;
mod findings;
mod flaws;
mod gitlab;
mod node;
pub(crate) mod roots;
#[cfg(test)]
mod testing;
pub(crate) mod text;

pub(crate) use json_v1::verification;
pub(crate) use table::explain;

/// A format that reports can be written in.
#[derive(Debug)]
pub(crate) struct Format {
    /// What `-o` calls it.
    pub id: &'static str,
    /// One line for help.
    pub description: &'static str,
    /// Writes a report.
    pub write: fn(&Report<'_>, Style, &mut dyn Write) -> Result<(), Error>,
}

/// Everything a report can show. What a command does not make is absent.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The command (`run`).
    pub command: &'static str,
    /// What was judged, as people know it.
    pub subject: String,
    /// The image.
    pub image: Option<&'a Image>,
    /// What is aboard.
    pub inventory: Option<&'a Inventory>,
    /// The same, ready to be an SBOM.
    pub cataloged: Option<&'a Cataloged>,
    /// What the advisories say.
    pub scan: Option<&'a Scan>,
    /// What to do about it.
    pub advised: Option<&'a Advised>,
    /// The decision.
    pub decision: Option<&'a Decision>,
    /// The policy that decided: its file, or `built-in baseline`.
    pub policy: Option<String>,
    /// The approved base image it begins with.
    pub base: Option<String>,
    /// Every candidate for evidence, with what became of it.
    pub evidence: &'a [Verification],
    /// Where evidence was looked for.
    pub looked: &'a [Looked],
    /// The promotion.
    pub promoted: Option<&'a Promoted>,
    /// The entry in the ledger.
    pub record: Option<RecordId>,
    /// What to do next, for people.
    pub next: Option<String>,
}

impl Report<'_> {
    /// A report that says nothing yet.
    pub(crate) const fn new(command: &'static str, subject: String) -> Self {
        Self {
            command,
            subject,
            image: None,
            inventory: None,
            cataloged: None,
            scan: None,
            advised: None,
            decision: None,
            policy: None,
            base: None,
            evidence: &[],
            looked: &[],
            promoted: None,
            record: None,
            next: None,
        }
    }

    /// What to do, line by line.
    fn advice(&self) -> Vec<String> {
        let both = self.advised.zip(self.inventory);
        both.map(|(advised, inventory)| advice::lines(advised, inventory)).unwrap_or_default()
    }

    /// The inventory as an SBOM in the format with this id.
    fn sbom(&self, format: &'static str, out: &mut dyn Write) -> Result<(), Error> {
        let needs = "the inventory of an image";
        let missing = Error::Format { format, command: self.command, needs };
        self.cataloged.ok_or(missing)?.write_sbom(format, out)
    }
}

/// How a report looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Colour or none.
    pub paint: Paint,
    /// Least severity that is shown of what does not block.
    pub show: Severity,
}

/// Where one report goes, and in which format.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: &'static Format,
    file: Option<Utf8PathBuf>,
}

impl Output {
    /// `FORMAT` or `FORMAT=FILE`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (id, file) = match text.split_once('=') {
            Some((_, "")) => return Err("expected a file name after `=`".to_owned()),
            Some((id, file)) => (id, Some(file.into())),
            None => (text, None),
        };
        let mut all = ALL.iter().copied().chain(VERSIONS.into_iter().flatten());
        let format = all.find(|format| format.id == id).ok_or_else(|| {
            let known: Vec<&str> = ALL.iter().map(|format| format.id).collect();
            format!("unknown format; expected one of {}", known.join(", "))
        })?;
        Ok(Self { format, file })
    }

    /// Where in a file's name the platform stands.
    const PLATFORM: &'static str = "{platform}";

    /// The same with the name of a platform in the file's name; absent where there is no place for it.
    pub(crate) fn for_platform(&self, platform: &str) -> Option<Self> {
        let file = self.file.as_ref().filter(|file| file.as_str().contains(Self::PLATFORM))?;
        let file = file.as_str().replace(Self::PLATFORM, platform).into();
        Some(Self { format: self.format, file: Some(file) })
    }

    /// The format's id.
    pub(crate) const fn format(&self) -> &'static str {
        self.format.id
    }

    /// Writes bytes to where this output goes.
    pub(crate) fn deliver(&self, bytes: &[u8]) -> Result<(), Error> {
        self.file.as_ref().map_or_else(|| to_stdout(&tame(bytes)), |file| files::write(file, bytes))
    }
}

/// What goes to stdout, and there into the log of a runner: see [`ui::tame`].
fn tame(bytes: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("##") => Cow::Owned(ui::tame(text).into_bytes()),
        _ => Cow::Borrowed(bytes),
    }
}

/// The long help of `-o`, from the registry.
pub(crate) fn long_help() -> String {
    let rows: Vec<String> =
        ALL.iter().map(|format| format!("- {}: {}", format.id, format.description)).collect();
    format!(
        "Report format, with a file or to stdout; may be given several times [default: table]\n\n{}\n\n\
        CycloneDX is written in other versions too: cyclonedx-json@1.7, cyclonedx-xml@1.5 (1.3 to 1.7)",
        rows.join("\n")
    )
}

/// Writes the report to every output; to stdout as a table where none was asked for.
pub(crate) fn write(
    ctx: &Context,
    report: &Report<'_>,
    outputs: &[Output],
    show: Severity,
) -> Result<(), Error> {
    let table = [Output { format: &table::FORMAT, file: None }];
    let outputs = if outputs.is_empty() { table.as_slice() } else { outputs };
    // All are made before the first is there: a format that does not fit leaves nothing half done.
    let made = outputs.iter().map(|output| output.make(report, ctx.paint, show));
    let made = made.collect::<Result<Vec<_>, _>>()?;
    made.into_iter().try_for_each(Made::deliver)
}

/// A report that was written, and is not yet where it goes.
enum Made {
    ForStdout(Vec<u8>),
    ForFile(Draft),
}

impl Output {
    /// Writes a report for this output.
    fn make(&self, report: &Report<'_>, paint: Paint, show: Severity) -> Result<Made, Error> {
        let write = self.format.write;
        let Some(file) = &self.file else {
            let mut bytes = Vec::new();
            write(report, Style { paint, show }, &mut bytes)?;
            return Ok(Made::ForStdout(bytes));
        };
        // An SBOM may be of many megabytes: it is never held whole.
        let mut draft = Draft::begin(file)?;
        match write(report, Style { paint: Paint::Plain, show }, &mut draft) {
            Ok(()) => Ok(Made::ForFile(draft)),
            Err(error) => Err(draft.explain(error)),
        }
    }
}

impl Made {
    fn deliver(self) -> Result<(), Error> {
        match self {
            Self::ForStdout(bytes) => to_stdout(&tame(&bytes)),
            Self::ForFile(draft) => draft.finish(),
        }
    }
}

/// How much of a JSON document is gathered before it goes to its output: it is made of millions of small pieces.
const BUFFER: usize = 64 << 10;

/// Writes indented JSON with a final line break, as it is made.
fn write_json(
    out: &mut dyn Write,
    what: &'static str,
    value: &impl serde::Serialize,
) -> Result<(), Error> {
    let fail = |source| Error::Write { path: "the report".into(), source };
    let mut buffered = BufWriter::with_capacity(BUFFER, out);
    serde_json::to_writer_pretty(&mut buffered, value).map_err(|error| {
        match error.io_error_kind() {
            Some(_) => fail(error.into()),
            None => Error::Json { what, source: error },
        }
    })?;
    buffered.write_all(b"\n").and_then(|()| buffered.flush()).map_err(fail)
}

/// Writes what a format has made whole. That a file can not be written, and which, the file says itself.
fn write_all(out: &mut dyn Write, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes).map_err(|source| Error::Write { path: "the report".into(), source })
}

/// Writes to stdout. A reader that has gone away is no failure of ours.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "stdout".into(), source: error })
        }
        _ => Ok(()),
    }
}

/// Writes a small report of a command that has its own: as text, or as JSON.
pub(crate) fn write_simple(
    outputs: &[Output],
    text: &str,
    json: &serde_json::Value,
) -> Result<(), Error> {
    let table = [Output { format: &table::FORMAT, file: None }];
    let outputs = if outputs.is_empty() { table.as_slice() } else { outputs };
    for output in outputs {
        let bytes = match output.format() {
            "table" => text.as_bytes().to_vec(),
            "json" => to_json("the report", json)?,
            format => {
                return Err(Error::usage(
                    format!("format `{format}` is not available for this command"),
                    "use `-o table` or `-o json`",
                ));
            }
        };
        output.deliver(&bytes)?;
    }
    Ok(())
}

/// The policy as reports name it.
pub(crate) fn policy_name(policy: &Policy) -> String {
    let digest = policy.digest().short();
    let name = match (policy.path(), policy.environment()) {
        (None, _) => format!("built-in {} ({digest})", policy.profile().as_str()),
        (Some(path), None) => format!("{path} ({digest})"),
        (Some(path), Some(environment)) => format!("{path}, environment {environment} ({digest})"),
    };
    let Some(revision) = policy.revision() else { return name };
    let commit: String = revision.commit.chars().take(SHORT_COMMIT).collect();
    let note = match revision.change {
        Change::Same => "",
        Change::Touched => "; the change touches it, and is not judged by that",
        Change::Added => "; the change adds a policy, and is not judged by that",
    };
    format!("{name} of {} ({commit}){note}", revision.name)
}

/// A value as indented JSON with a final line break.
pub(crate) fn to_json(what: &'static str, value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|source| Error::Json { what, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report in a format, in memory.
    pub(super) fn to_vec(
        format: &Format,
        report: &Report<'_>,
        style: Style,
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        (format.write)(report, style, &mut bytes)?;
        Ok(bytes)
    }

    /// What the built-in baseline says of a Dockerfile with a user, but without a digest and a health check.
    pub(super) fn decision() -> Decision {
        let dockerfile = plimsoll_policy::Dockerfile {
            path: "Dockerfile".into(),
            text: "FROM docker.io/library/debian:12\nUSER 1000\n".to_owned(),
        };
        let facts =
            plimsoll_policy::Facts { dockerfiles: &[dockerfile], ..plimsoll_policy::Facts::none() };
        plimsoll_policy::decide(&Policy::baseline(), &facts, jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn outputs_name_a_format_and_perhaps_a_file() {
        assert_eq!(Output::parse("json").unwrap().format(), "json");
        assert_eq!(Output::parse("sarif=a=b").unwrap().file.unwrap(), "a=b");
        let placed = Output::parse("json=a/{platform}.json").unwrap().for_platform("linux-arm64");
        assert_eq!(placed.unwrap().file.unwrap(), "a/linux-arm64.json");
        assert!(Output::parse("json=a.json").unwrap().for_platform("x").is_none());
        assert_eq!(Output::parse("json=").unwrap_err(), "expected a file name after `=`");
        assert!(Output::parse("yaml").unwrap_err().contains("table, json, markdown, sarif"));
    }

    #[test]
    fn ids_are_unique() {
        let ids: std::collections::BTreeSet<_> = ALL.iter().map(|format| format.id).collect();
        assert_eq!(ids.len(), ALL.len());
    }
}
