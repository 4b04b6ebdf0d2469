//! GitHub Actions: what workflows and actions use, and the images that their steps run in.
//!
//! Formats: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax> and
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax>. The package-url registry has no
//! type of its own for actions; an action is a repository on GitHub at a commit, a branch or a tag: `pkg:github`.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::{document, image_name};
use plimsoll_model::{
    TreePath,
    component::Scope,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "github-actions",
    description: "GitHub Actions in .github/workflows and action.yml",
    files: &[Files::Ending(".yml"), Files::Ending(".yaml")],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

/// Directory of the repository in which an action lies, below its root.
const PATH: &str = "plimsoll:github:path";
/// What a comment beside a commit says that it is: the tag, by custom.
const COMMENT: &str = "plimsoll:github:comment";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_named = is_action(path) || is_workflow(path);
    if is_named && !document::is_of_dependency(path) { Want::Content } else { Want::Nothing }
}

fn is_action(path: &TreePath) -> bool {
    matches!(path.file_name(), b"action.yml" | b"action.yaml")
}

fn is_workflow(path: &TreePath) -> bool {
    let mut above = path.as_bytes().rsplit(|byte| *byte == b'/').skip(1);
    above.next() == Some(b"workflows".as_slice()) && above.next() == Some(b".github".as_slice())
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let (text, value) = match document::text(bytes)
            .and_then(|text| Ok((text, document::yaml::<Value>(bytes)?)))
        {
            Ok(read) => read,
            Err(reason) => return ctx.note(found, entry, reason),
        };
        let comments = comments(text);
        let mut file = File { ctx, entry, comments, found };
        if is_workflow(&entry.path) {
            file.workflow(&value);
        } else {
            file.action(&value);
        }
        // All of it builds and tests; nothing of it is aboard.
        for component in &mut found.components {
            component.scope = Scope::Development;
        }
    })
}

struct File<'a, 'c> {
    ctx: &'a Context<'c>,
    entry: &'a Entry,
    /// By what is used.
    comments: BTreeMap<&'a str, &'a str>,
    found: &'a mut Found,
}

impl File<'_, '_> {
    fn note(&mut self, reason: impl std::fmt::Display) {
        self.ctx.note(self.found, self.entry, reason);
    }

    fn workflow(&mut self, value: &Value) {
        let Some(jobs) =
            value.get("jobs").and_then(Value::as_object).filter(|jobs| !jobs.is_empty())
        else {
            return self.note("the workflow has no `jobs`");
        };
        for (name, job) in jobs {
            let Some(job) = job.as_object() else {
                self.note(format!("job `{name}` is no mapping"));
                continue;
            };
            self.job(name, job);
        }
    }

    fn job(&mut self, name: &str, job: &Map<String, Value>) {
        let (uses, steps) = (job.get("uses"), job.get("steps"));
        if uses.is_none() && steps.is_none() {
            self.note(format!("job `{name}` has neither `steps` nor `uses`"));
        }
        if let Some(uses) = uses {
            self.uses(uses);
        }
        if let Some(steps) = steps {
            self.steps(steps);
        }
        let services = job.get("services").and_then(Value::as_object);
        let services = services.into_iter().flat_map(Map::values);
        for container in job.get("container").into_iter().chain(services) {
            self.container(container);
        }
    }

    fn action(&mut self, value: &Value) {
        let Some(runs) = value.get("runs").and_then(Value::as_object) else {
            return self.note("the action does not say how it `runs`");
        };
        let using = runs.get("using").and_then(Value::as_str).unwrap_or_default();
        match (using, runs.get("steps"), runs.get("image").and_then(Value::as_str)) {
            ("composite", Some(steps), _) => self.steps(steps),
            ("docker", _, Some(image)) => {
                // Else a Dockerfile of the action's own, which is read as such.
                if let Some(image) = image.strip_prefix("docker://") {
                    self.image(image);
                }
            }
            (using, _, _) if using.starts_with("node") => {}
            _ => self.note(format!("how the action `runs` cannot be told: using `{using}`")),
        }
    }

    fn steps(&mut self, steps: &Value) {
        let Some(steps) = steps.as_array() else { return self.note("`steps` is no list") };
        for step in steps {
            match (step.get("uses"), step.get("run")) {
                (Some(uses), _) => self.uses(uses),
                (None, Some(_)) => {}
                (None, None) => self.note("a step has neither `uses` nor `run`"),
            }
        }
    }

    /// The image of a job or a service: its name, or a mapping with `image`.
    fn container(&mut self, value: &Value) {
        match value.as_str().or_else(|| value.get("image")?.as_str()) {
            // An empty one is none.
            Some("") => {}
            Some(image) => self.image(image),
            None => self.note("a container names no `image`"),
        }
    }

    fn image(&mut self, name: &str) {
        if name.contains("${{") {
            return self.note(format!("which image `{name}` is cannot be told"));
        }
        image_name::add(self.ctx, self.found, self.entry, name);
    }

    fn uses(&mut self, value: &Value) {
        let Some(uses) = value.as_str().map(str::trim) else {
            return self.note("`uses` is no text");
        };
        if let Some(image) = uses.strip_prefix("docker://") {
            return self.image(image);
        }
        // An action or a workflow of the same repository, which is read where it lies.
        if uses.starts_with("./") || uses.starts_with("../") {
            return;
        }
        if uses.contains("${{") {
            return self.note(format!("which action `{uses}` is cannot be told"));
        }
        let (path, version) = match uses.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (uses, None),
        };
        let mut parts = path.splitn(3, '/');
        let (Some(owner), Some(name)) = (parts.next(), parts.next()) else {
            return self.note(format!("`{uses}` is no action: expected `owner/name@version`"));
        };
        self.add((owner, name, parts.next()), version, uses);
    }

    fn add(
        &mut self,
        (owner, name, path): (&str, &str, Option<&str>),
        version: Option<&str>,
        uses: &str,
    ) {
        // GitHub takes any case for the same.
        let (owner, name) = (owner.to_ascii_lowercase(), name.to_ascii_lowercase());
        let shown = format!("{owner}/{name}");
        let namespace = Some(owner.as_str());
        let draft = Draft {
            kind: "github",
            namespace,
            name: &name,
            shown: &shown,
            version,
            qualifiers: &[],
        };
        let Some(id) = self.ctx.add(self.found, self.entry, &draft) else { return };
        let comment = self.comments.get(uses).filter(|_| version.is_some_and(is_commit)).copied();
        if let Some(component) = self.found.at(id) {
            let properties = [(PATH, path), (COMMENT, comment)];
            for (key, value) in properties {
                if let Some(value) = value {
                    component.properties.insert(key.to_owned(), value.to_owned());
                }
            }
        }
    }
}

/// Whether it names a commit: everything else can be moved.
fn is_commit(version: &str) -> bool {
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first words of the comments on the lines that use something, which a reader of YAML does not keep.
fn comments(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(comment).collect()
}

fn comment(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("uses:")?;
    let (uses, comment) = rest.split_once(" #")?;
    Some((uses.trim().trim_matches(['"', '\'']), comment.split_whitespace().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const WORKFLOW: &str = r#"
name: ci
on: [push]
jobs:
  build:
    runs-on: ubuntu-24.04
    container: {image: "node:20"}
    services:
      db: {image: ghcr.io/acme/db:1}
    steps:
      - uses: Actions/Checkout@v4
      - name: keys
        uses: acme/sign/init@8f4b7f84864484a7bf31766abe9204da3cbe65b3 # v1.2.3
      - uses: docker://alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      - uses: ./.github/actions/own
      - run: make
  release:
    uses: acme/flows/.github/workflows/release.yml@main
"#;
    const AT: &str = "srv/app/.github/workflows/ci.yml";

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    #[test]
    fn what_workflows_use() {
        let expect = [
            "pkg:docker/acme/db@1?repository_url=ghcr.io",
            "pkg:docker/node@20",
            "pkg:github/acme/flows@main",
            "pkg:github/acme/sign@8f4b7f84864484a7bf31766abe9204da3cbe65b3",
            "pkg:github/actions/checkout@v4",
            "pkg:oci/alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\
             ?repository_url=docker.io%2Flibrary%2Falpine",
        ];
        check(AT, WORKFLOW, &expect);
        check("srv/node_modules/a/.github/workflows/ci.yml", WORKFLOW, &[]);
        check("srv/workflows/ci.yml", WORKFLOW, &[]);
        let inventory = TestTree::new().file(AT, WORKFLOW).catalog();
        let sign = &inventory.components()[3];
        let properties: Vec<_> = sign.properties.values().map(String::as_str).collect();
        assert_eq!(properties, ["v1.2.3", "init"]);
        assert_eq!(inventory.components()[1].kind, ComponentKind::Container);
        assert!(inventory.components().iter().all(|found| found.scope == Scope::Development));
    }

    #[test]
    fn what_actions_use() {
        let composite =
            "runs:\n  using: composite\n  steps:\n  - uses: a/b@v1\n  - run: x\n    shell: sh\n";
        check("action.yml", composite, &["pkg:github/a/b@v1"]);
        check("x/action.yaml", "runs: {using: docker, image: 'docker://a:1'}", &["pkg:docker/a@1"]);
        check("action.yml", "runs: {using: docker, image: Dockerfile}", &[]);
        check("action.yml", "runs: {using: node20, main: a.js}", &[]);
        let unknown =
            "github-actions: /action.yml: how the action `runs` cannot be told: using `magic`";
        check("action.yml", "runs: {using: magic}", &[unknown]);
    }

    #[test]
    fn what_cannot_be_told_is_said() {
        let steps = |steps: &str| format!("jobs: {{a: {{steps: [{steps}]}}}}");
        for (text, expect) in [
            (steps("{uses: 'a/b'}"), vec!["pkg:github/a/b", "package `a/b` states no version"]),
            (steps("{uses: 'a@v1'}"), vec!["`a@v1` is no action: expected `owner/name@version`"]),
            (steps("{uses: 7}"), vec!["`uses` is no text"]),
            (
                steps("{uses: '${{ x }}/b@v1'}"),
                vec!["which action `${{ x }}/b@v1` is cannot be told"],
            ),
            (steps("{uses: '/@v1'}"), vec!["malformed package URL `pkg:github/`: missing name"]),
            (steps("{}, 7"), vec!["a step has neither `uses` nor `run`"]),
            ("jobs: {a: {steps: 7}}".to_owned(), vec!["`steps` is no list"]),
            ("jobs: {a: {}}".to_owned(), vec!["job `a` has neither `steps` nor `uses`"]),
            ("jobs: {a: 7}".to_owned(), vec!["job `a` is no mapping"]),
            ("on: push".to_owned(), vec!["the workflow has no `jobs`"]),
        ] {
            let lines = TestTree::new().file(AT, &text).lines();
            let short: Vec<_> = lines
                .iter()
                .map(|line| line.trim_start_matches(&format!("github-actions: /{AT}: ")))
                .collect();
            assert_eq!(short, expect, "{text}");
        }
    }

    #[test]
    fn hostile_workflows() {
        let deep = "[".repeat(100_000);
        for text in ["jobs: {a: 1, a: 2}", "\0", "jobs: *a", &deep, "\u{1}: \t- ["] {
            let lines = TestTree::new().file(AT, text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("github-actions: /{AT}: malformed: ")), "{line}");
        }
    }
}
