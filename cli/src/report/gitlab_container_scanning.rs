//! GitLab's report of container scanning.

use super::{
    Format, Report, Style,
    findings::shortened,
    flaws::Flaw,
    gitlab::{self, Kind},
};
use crate::error::Error;
use plimsoll_model::Printable;
use serde_json::{Value, json};
use std::io::Write;

/// GitLab container scanning.
pub(crate) const FORMAT: Format = Format {
    id: "gitlab-container-scanning",
    description: "GitLab's container scanning report (15.2.1): every flaw of an image",
    write,
};

const KIND: Kind = Kind {
    format: FORMAT.id,
    scan: "container_scanning",
    schema: "container-scanning-report-format",
    location,
};

/// The most characters of the image on the default branch.
const MOST_IMAGE: usize = 255;

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    gitlab::write(&KIND, report, out)
}

fn location(report: &Report<'_>, flaw: &Flaw<'_>) -> Value {
    let printable = |text: &str| Printable(text).to_string();
    let (repository, image) = image(report);
    // GitLab takes findings of two branches for the same where this is the same: with a digest it never would be.
    let on_default_branch = shortened(&printable(&repository), MOST_IMAGE);
    json!({
        "dependency": {
            "package": { "name": printable(&flaw.component.name) },
            "version": printable(flaw.component.version.as_deref().unwrap_or_default()),
        },
        "operating_system": printable(&operating_system(report)),
        "image": printable(&image),
        "default_branch_image": on_default_branch,
    })
}

/// The image's name without and with its tag, or with its digest where it has no tag.
fn image(report: &Report<'_>) -> (String, String) {
    let Some(image) = report.image else {
        return (report.subject.clone(), report.subject.clone());
    };
    let name = image.pinned.place.subject_name();
    let tag = report.cataloged.and_then(|cataloged| cataloged.subject().image_tag.as_ref());
    let tagged = match tag {
        Some(tag) => format!("{name}:{tag}"),
        None => format!("{name}@{}", image.pinned.digest),
    };
    (name, tagged)
}

/// Packages of languages have one too: GitLab drops what has none.
fn operating_system(report: &Report<'_>) -> String {
    let distribution = report.inventory.and_then(|inventory| inventory.distribution.as_ref());
    distribution.filter(|distribution| !distribution.id.is_empty()).map_or_else(
        || "unknown".to_owned(),
        |found| match &found.version_id {
            Some(version) => format!("{} {version}", found.id),
            None => found.id.clone(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses};

    #[test]
    fn every_report_has_what_the_schema_demands() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            gitlab::tests::is_valid(&report, "container_scanning", |location| {
                let is_there =
                    |field: &str| location[field].as_str().is_some_and(|text| !text.is_empty());
                is_there("image") && is_there("operating_system")
            });
            insta::assert_snapshot!(format!("gitlab_container_scanning_{name}"), report);
        }
    }

    #[test]
    fn what_could_not_be_evaluated_is_no_success() {
        let status = |case: &Case| {
            let report: Value = serde_json::from_str(&case.write(&FORMAT)).unwrap();
            report["scan"]["status"].as_str().unwrap().to_owned()
        };
        assert_eq!(status(&Case::not_evaluated()), "failure");
        assert_eq!(status(&Case::clean()), "success");
        assert_eq!(status(&Case::two_flaws()), "success");
    }

    #[test]
    fn without_a_scan_there_is_no_report() {
        refuses(&FORMAT, "a scan");
    }
}
