//! GitLab's report of dependency scanning.

use super::{
    Format, Report, Style,
    flaws::{self, Flaw},
    gitlab::{self, Kind},
};
use crate::error::Error;
use plimsoll_model::Printable;
use serde_json::{Value, json};
use std::io::Write;

/// GitLab dependency scanning.
pub(crate) const FORMAT: Format = Format {
    id: "gitlab-dependency-scanning",
    description: "GitLab's dependency scanning report (15.2.1): every flaw with the file that lists its package",
    write,
};

const KIND: Kind = Kind {
    format: FORMAT.id,
    scan: "dependency_scanning",
    schema: "dependency-scanning-report-format",
    location,
};

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    gitlab::write(&KIND, report, out)
}

fn location(report: &Report<'_>, flaw: &Flaw<'_>) -> Value {
    let printable = |text: &str| Printable(text).to_string();
    let path = flaws::path(flaw.component);
    // Files are named from the root of the project.
    let file = match path.trim_start_matches('/') {
        "" => report.subject.as_str(),
        file => file,
    };
    json!({
        "file": printable(file),
        "dependency": {
            "package": { "name": printable(&flaw.component.name) },
            "version": printable(flaw.component.version.as_deref().unwrap_or_default()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses};

    #[test]
    fn every_report_has_what_the_schema_demands() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            gitlab::tests::is_valid(&report, "dependency_scanning", |location| {
                location["file"].as_str().is_some_and(|file| !file.is_empty())
            });
            insta::assert_snapshot!(format!("gitlab_dependency_scanning_{name}"), report);
        }
    }

    #[test]
    fn without_a_scan_there_is_no_report() {
        refuses(&FORMAT, "a scan");
    }
}
