//! DMN-013: the images that jobs run in obey what holds for base images.

use super::{
    About, Raised, Rule, RuleContext, base_011_floating_tag::is_floating,
    base_020_untrusted_source::is_trusted, configs,
};
use crate::{
    configs::{Config, ConfigKind},
    decide::Action,
    yaml::{Entry, Node, Value},
};
use plimsoll_model::{Severity, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "DMN-013",
    name: "dmn_013_job_image",
    title: "the images of jobs and their services are trusted and named by version",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "What a job runs in sees the source and every secret of the job, and makes what is shipped.",
    mend: "name an image that `bases.allow` admits, by version or digest",
    bad: "build:\n  image: somebody/builder:latest",
    good: "build:\n  image: docker.io/library/golang:1.25",
    equivalents: &[],
    about: &[About::Configs],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an image that `bases.allow` admits, by version or digest";
/// Keys of a pipeline of GitLab that are no jobs, but for `default`, which has an image.
const NO_JOBS: [&str; 7] =
    ["variables", "include", "stages", "workflow", "spec", "cache", "pages:deploy"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let kinds = [ConfigKind::Gitlab, ConfigKind::Workflow];
    configs::of_kinds(context, (&kinds, EXPECTED), |config| {
        let images = config.documents().iter().flat_map(|root| match config.kind {
            ConfigKind::Gitlab => of_pipeline(root),
            ConfigKind::Workflow => of_workflow(root),
            ConfigKind::Daemon | ConfigKind::Unit => Vec::new(),
        });
        images.filter_map(|node| judge(context, config, node)).collect()
    })
}

/// <https://docs.gitlab.com/ci/yaml/#image>: globally, under `default`, and of each job.
fn of_pipeline(root: &Node) -> Vec<&Node> {
    let is_job = |entry: &&Entry| !NO_JOBS.contains(&entry.key.as_str());
    let jobs = root.entries().iter().filter(is_job).map(|entry| &entry.value);
    std::iter::once(root).chain(jobs).flat_map(|job| images(job, "image", "name")).collect()
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>.
fn of_workflow(root: &Node) -> Vec<&Node> {
    let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
    jobs.iter().flat_map(|job| images(&job.value, "container", "image")).collect()
}

/// The image of a job, and those of its services: as a text, or under a key.
fn images<'n>(job: &'n Node, own: &str, key: &str) -> Vec<&'n Node> {
    let services = job.get("services").into_iter().flat_map(|services| match &services.value {
        Value::List(items) => items.iter().collect(),
        Value::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::OtherNumber
        | Value::Text(_) => Vec::new(),
    });
    let named = |node: &'n Node| match &node.value {
        Value::Map(_) => node.get(key),
        Value::Null => None,
        Value::Boolean(_)
        | Value::Integer(_)
        | Value::OtherNumber
        | Value::Text(_)
        | Value::List(_) => Some(node),
    };
    job.get(own).into_iter().chain(services).filter_map(named).collect()
}

fn judge(context: &RuleContext<'_>, config: &Config, node: &Node) -> Option<Raised> {
    let place = config.place(node.at);
    let written = node.value.describe();
    let unknown = |title: &str| Some(context.unknown(place.clone(), title, &written, EXPECTED));
    let Some(text) = node.text() else {
        return unknown("which image a job runs in can not be told");
    };
    if text.contains('$') {
        return unknown("which image a job runs in can not be told");
    }
    let Ok(name) = text.parse::<ImageName>() else {
        return unknown("the image of a job has a malformed name");
    };
    let bases = context.policy().bases();
    let repository = name.repository.to_string();
    let denied = bases.deny.iter().find(|denied| denied.value.is_match(&repository));
    let complaint = if let Some(denied) = denied {
        let title = "the image of a job is blocked";
        return Some(context.fail(place, title, written, EXPECTED).by_line(denied.line));
    } else if !is_trusted(context, &name) {
        "the image of a job is from an untrusted source"
    } else if name.digest.is_none() && name.tag.is_none() {
        "the image of a job has neither a version nor a digest"
    } else if is_floating(&name) {
        "the image of a job has a floating tag"
    } else {
        return None;
    };
    Some(context.fail(place, complaint, written, EXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn gitlab(text: &str) -> Case {
        Case::default().config(".gitlab-ci.yml", text)
    }

    fn workflow(text: &str) -> Case {
        Case::default().config(".github/workflows/ci.yml", text)
    }

    #[test]
    fn images_of_others_and_moving_ones_are_found_where_they_stand() {
        for (text, place) in [
            ("image: somebody/builder:1\n", (1, 8)),
            ("default: {image: {name: debian}}\n", (1, 25)),
            ("build:\n  image: node:latest\n", (2, 10)),
            ("build:\n  services:\n    - name: evil.io/library/postgres:18\n", (3, 13)),
        ] {
            gitlab(text).check("DMN-013", Expect::Fail);
            assert_eq!(gitlab(text).places("DMN-013"), [place], "{text}");
        }
        for (text, place) in [
            ("jobs:\n  a:\n    container: node:lts\n", (3, 16)),
            ("jobs:\n  a:\n    services:\n      db: {image: somebody/db:1}\n", (4, 19)),
        ] {
            workflow(text).check("DMN-013", Expect::Fail);
            assert_eq!(workflow(text).places("DMN-013"), [place], "{text}");
        }
        gitlab("image: debian:13")
            .policy("bases: {deny: [\"docker.io/library/debian\"]}")
            .check("DMN-013", Expect::Fail);
    }

    #[test]
    fn trusted_versions_pass() {
        gitlab(RULE.good).check("DMN-013", Expect::Pass);
        gitlab("variables: {image: x}\nservices: [\"postgres:18\"]").check("DMN-013", Expect::Pass);
        workflow(
            "jobs: {a: {container: \"golang:1.25\", services: {db: {image: \"postgres:18\"}}}}",
        )
        .check("DMN-013", Expect::Pass);
    }

    #[test]
    fn variables_and_malformed_names_can_not_be_told() {
        gitlab("image: $CI_REGISTRY_IMAGE/build").check("DMN-013", Expect::Unknown);
        gitlab("image: \"a b\"").check("DMN-013", Expect::Unknown);
        gitlab("image: [a]").check("DMN-013", Expect::Unknown);
        workflow("jobs: {a: {container: \"${{ matrix.image }}\"}}")
            .check("DMN-013", Expect::Unknown);
        workflow("jobs: {").check("DMN-013", Expect::Unknown);
    }
}
