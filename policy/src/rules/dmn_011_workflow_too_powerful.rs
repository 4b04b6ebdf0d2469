//! DMN-011: workflows of GitHub run what they name, and may no more than they need.
//!
//! <https://docs.github.com/en/actions/reference/security/secure-use>.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::{self as files, Config, ConfigKind},
    decide::Action,
    yaml::{At, Entry, Node, Value},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DMN-011",
    name: "dmn_011_workflow_too_powerful",
    title: "workflows pin their actions and give outsiders no power",
    severity: Severity::High,
    action: Action::Warn,
    why: "A tag of an action moves to other code, and a job that builds what outsiders propose runs it with what the job may do.",
    mend: "name actions by commit, build proposals in `pull_request` without `id-token`, and grant single permissions",
    bad: "on: push\npermissions: write-all\njobs:\n  build:\n    steps:\n      - uses: actions/checkout@v4",
    good: "on: push\npermissions: {contents: read}\njobs:\n  build:\n    steps:\n      - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5",
    equivalents: &[
        "zizmor unpinned-uses",
        "zizmor dangerous-triggers",
        "scorecard Pinned-Dependencies",
    ],
    about: &[About::Configs],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a workflow that gives no more than it needs";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of = (&[ConfigKind::Workflow][..], EXPECTED);
    configs::of_kinds(context, of, |config| {
        let mut found = Vec::new();
        for root in config.documents() {
            let triggers = triggers(root);
            let has = |name: &str| triggers.contains(&name);
            for entry in files::entries(std::slice::from_ref(root)) {
                found.extend(of_entry(context, config, entry, &triggers));
                if has("pull_request_target") || has("workflow_run") {
                    found.extend(checkout(context, config, entry));
                }
            }
        }
        found
    })
}

/// What starts the workflow. YAML 1.1 has `on` as a boolean; the reader keeps it a text.
fn triggers(root: &Node) -> Vec<&str> {
    let Some(on) = root.get("on") else { return Vec::new() };
    match &on.value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().filter_map(Node::text).collect(),
        Value::Map(entries) => entries.iter().map(|entry| entry.key.as_str()).collect(),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::OtherNumber => Vec::new(),
    }
}

fn of_entry(
    context: &RuleContext<'_>,
    config: &Config,
    entry: &Entry,
    triggers: &[&str],
) -> Option<Raised> {
    let text = entry.value.text().unwrap_or_default();
    let fail = |at: At, title: String, found: &str, expected: &str| {
        Some(context.fail(config.place(at), title, format!("`{found}`"), expected))
    };
    match entry.key.as_str() {
        "uses" if !text.is_empty() && !is_pinned(text) => {
            let title = "an action is not pinned by commit".to_owned();
            fail(entry.value.at, title, text, "`@` and the 40 digits of a commit")
        }
        "permissions" if text == "write-all" => {
            let title = "a job may write everything".to_owned();
            fail(entry.value.at, title, text, "single permissions")
        }
        "id-token" if text == "write" && triggers.contains(&"pull_request") => {
            let title = "a job that builds proposals may sign in the repository's name".to_owned();
            fail(entry.at, title, "id-token: write", "no `id-token` where `pull_request` starts it")
        }
        "options" if text.contains("--privileged") || text.contains("docker.sock") => {
            let title = "a job's container has the host".to_owned();
            fail(entry.value.at, title, text, "a container without `--privileged` and sockets")
        }
        "volumes" => {
            let socket = entry
                .value
                .items()
                .iter()
                .find(|item| item.text().is_some_and(|text| text.contains("docker.sock")))?;
            let title = "a job's container has the host's daemon".to_owned();
            fail(socket.at, title, socket.text().unwrap_or_default(), "no socket of the host")
        }
        _ => None,
    }
}

/// What a privileged trigger checks out: another commit than its own is an outsider's.
fn checkout(context: &RuleContext<'_>, config: &Config, entry: &Entry) -> Option<Raised> {
    let text = entry.value.text()?;
    let is_proposed = ["head.sha", "head.ref", "head_ref", "head_sha", "head_branch", "refs/pull/"]
        .iter()
        .any(|part| text.contains(part));
    let title = "a privileged workflow takes the code of a proposal";
    let expected = "`pull_request`, which has no secrets";
    let place = config.place(entry.value.at);
    match entry.key.as_str() {
        "ref" if is_proposed => Some(context.fail(place, title, format!("`{text}`"), expected)),
        "ref" if text.contains("${{") => {
            let title = "what a privileged workflow checks out can not be told";
            Some(context.unknown(place, title, format!("`{text}`"), expected))
        }
        "run" if text.contains("gh pr checkout") || text.contains("refs/pull/") => {
            Some(context.fail(place, title, "`run`", expected))
        }
        _ => None,
    }
}

/// By commit, by digest, or in the same repository.
fn is_pinned(uses: &str) -> bool {
    if uses.starts_with("./") {
        return true;
    }
    if uses.starts_with("docker://") {
        return uses.contains("@sha256:");
    }
    let is_commit = |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    uses.rsplit_once('@').is_some_and(|(_, version)| is_commit(version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn workflow(text: &str) -> Case {
        Case::default().config(".github/workflows/ci.yml", text)
    }

    #[test]
    fn what_gives_too_much_is_found_where_it_stands() {
        for (text, place) in [
            ("jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n", (4, 15)),
            ("jobs:\n  a:\n    uses: acme/x/.github/workflows/b.yml@main\n", (3, 11)),
            ("jobs: {a: {steps: [{uses: \"docker://alpine:3\"}]}}\n", (1, 27)),
            ("permissions: write-all\n", (1, 14)),
            ("on: [push, pull_request]\npermissions:\n  id-token: write\n", (3, 3)),
            ("jobs:\n  a:\n    container:\n      options: --privileged\n", (4, 16)),
            (
                "jobs:\n  a:\n    container:\n      volumes: [\"/var/run/docker.sock:/s\"]\n",
                (4, 17),
            ),
            (
                "on: {pull_request_target: {}}\njobs:\n  a:\n    steps:\n      - with:\n          ref: ${{ github.event.pull_request.head.sha }}\n",
                (6, 16),
            ),
            ("on: pull_request_target\njobs: {a: {steps: [{run: gh pr checkout 1}]}}\n", (2, 26)),
        ] {
            workflow(text).check("DMN-011", Expect::Fail);
            assert_eq!(workflow(text).places("DMN-011"), [place], "{text}");
        }
    }

    #[test]
    fn pinned_actions_and_single_permissions_pass() {
        workflow(RULE.good).check("DMN-011", Expect::Pass);
        workflow("on: push\npermissions: {id-token: write}\njobs: {a: {steps: [{uses: ./x}]}}\n")
            .check("DMN-011", Expect::Pass);
        workflow("on: pull_request_target\njobs: {a: {steps: [{run: gh pr comment}]}}\n")
            .check("DMN-011", Expect::Pass);
    }

    #[test]
    fn what_is_checked_out_by_an_expression_can_not_be_told() {
        workflow(
            "on: pull_request_target\njobs: {a: {steps: [{with: {ref: \"${{ inputs.x }}\"}}]}}\n",
        )
        .check("DMN-011", Expect::Unknown);
        workflow("jobs: [").check("DMN-011", Expect::Unknown);
    }
}
