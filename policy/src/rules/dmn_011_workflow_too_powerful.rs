//! DMN-011: workflows of GitHub run what they name, and may no more than they need.
//!
//! <https://docs.github.com/en/actions/reference/security/secure-use>.

use super::{
    About, Raised, Rule, RuleContext, configs,
    job_commands::{self, Given},
};
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

/// Triggers of outsiders' proposals.
const PROPOSALS: [&str; 2] = ["pull_request", "pull_request_target"];
/// Triggers that outsiders set off, and that run with the rights and secrets of the repository.
const PRIVILEGED: [&str; 3] = ["pull_request_target", "workflow_run", "issue_comment"];
const EXPECTED: &str = "a workflow that gives no more than it needs";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of = (&[ConfigKind::Workflow][..], EXPECTED);
    configs::of_kinds(context, of, |config| {
        let mut found = Vec::new();
        for root in config.documents() {
            let triggers = triggers(root);
            let is_privileged = triggers.iter().any(|trigger| PRIVILEGED.contains(trigger));
            let entries = files::entries(std::slice::from_ref(root));
            // Variables with the name of what was proposed.
            let is_proposed_entry =
                |entry: &&&Entry| entry.value.text().is_some_and(is_proposed) && entry.key != "run";
            let variables: Vec<_> = entries.iter().filter(is_proposed_entry).collect();
            let variables: Vec<_> = variables.iter().map(|entry| entry.key.as_str()).collect();
            for entry in &entries {
                found.extend(of_entry(context, config, entry, &triggers));
                found.extend(given(context, config, entry));
                if is_privileged {
                    found.extend(checkout(context, config, entry, &variables));
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
        "id-token"
            if text == "write" && triggers.iter().any(|trigger| PROPOSALS.contains(trigger)) =>
        {
            let title = "a job that builds proposals may sign in the repository's name".to_owned();
            fail(entry.at, title, "id-token: write", "no `id-token` where a proposal starts it")
        }
        _ => None,
    }
}

/// What containers of jobs, and those that steps run, are given of the host.
fn given(context: &RuleContext<'_>, config: &Config, entry: &Entry) -> Vec<Raised> {
    let expected = "a container without `--privileged`, sockets and directories of the host";
    let text = entry.value.text().unwrap_or_default();
    let raise = |at: At, text: &str, given: Given<'_>| {
        let place = config.place(config.within(at, text, given.word));
        if let Some(what) = given.what {
            let title = format!("a job's container has the host: {what}");
            context.fail(place, title, format!("`{}`", given.word), expected)
        } else {
            let title = "what a job's container has of the host can not be told";
            context.unknown(place, title, format!("`{}`", given.word), expected)
        }
    };
    let at = entry.value.at;
    match entry.key.as_str() {
        "options" => {
            let words: Vec<_> = job_commands::words(text).collect();
            let given = job_commands::given(&words);
            given.into_iter().map(|given| raise(at, text, given)).collect()
        }
        "run" => {
            let given = job_commands::given_by_script(text).into_iter();
            given.map(|given| raise(at, text, given)).collect()
        }
        "volumes" => {
            let volumes =
                entry.value.items().iter().filter_map(|item| Some((item.at, item.text()?)));
            let given = volumes.filter_map(|(at, text)| {
                Some(raise(at, text, job_commands::given_by_volume(text)?))
            });
            given.collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an expression names what was proposed: a commit, a branch or a repository of an outsider's.
fn is_proposed(text: &str) -> bool {
    [
        "head.sha",
        "head.ref",
        "head.label",
        "head.repo",
        "head_ref",
        "head_sha",
        "head_branch",
        "head_commit",
        "head_repository",
        "merge_commit_sha",
        "refs/pull/",
    ]
    .iter()
    .any(|part| text.contains(part))
}

/// Whether a script takes code with git, from where it names it.
fn takes_code(script: &str) -> bool {
    let verbs = ["fetch", "checkout", "pull", "clone", "merge", "switch", "reset", "worktree"];
    job_commands::commands(script).iter().any(|command| {
        let git = command.iter().position(|word| *word == "git");
        git.is_some_and(|at| command.iter().skip(at).any(|word| verbs.contains(word)))
    })
}

/// What a privileged trigger checks out: another commit than its own is an outsider's. `variables` are those with a name of what
/// was proposed.
fn checkout(
    context: &RuleContext<'_>,
    config: &Config,
    entry: &Entry,
    variables: &[&str],
) -> Option<Raised> {
    let text = entry.value.text()?;
    let title = "a privileged workflow takes the code of a proposal";
    let expected = "`pull_request`, which has no secrets";
    let place = config.place(entry.value.at);
    let untold = "what a privileged workflow checks out can not be told";
    // A branch that the repository itself names is its own.
    let is_own = ["github.repository", "base.ref", "base.sha", "base_ref", "default_branch"]
        .iter()
        .any(|part| text.contains(part));
    match entry.key.as_str() {
        "ref" | "repository" if is_proposed(text) => {
            Some(context.fail(place, title, format!("`{text}`"), expected))
        }
        "ref" | "repository" if text.contains("${{") && !is_own => {
            Some(context.unknown(place, untold, format!("`{text}`"), expected))
        }
        "run" if text.contains("gh pr checkout") || text.contains("refs/pull/") => {
            Some(context.fail(place, title, "`run`", expected))
        }
        "run" if takes_code(text) => {
            let is_named = |name: &&str| {
                [format!("${name}"), format!("${{{name}}}"), format!("env.{name}")]
                    .iter()
                    .any(|used| text.contains(used.as_str()))
            };
            let is_taken =
                is_proposed(text) || text.contains("pull/") || variables.iter().any(is_named);
            is_taken.then(|| context.fail(place, title, "`run`", expected))
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
            ("jobs:\n  a:\n    container:\n      options: --pid=host\n", (4, 22)),
            ("jobs:\n  a:\n    container:\n      options: -v /:/host\n", (4, 19)),
            ("jobs:\n  a:\n    container:\n      options: --cap-add=ALL\n", (4, 26)),
            ("jobs:\n  a:\n    container:\n      volumes: [\"/var/run:/r\"]\n", (4, 18)),
            (
                "jobs:\n  a:\n    container:\n      volumes: [\"/run/podman/podman.sock:/s\"]\n",
                (4, 18),
            ),
            ("jobs:\n  a:\n    container:\n      volumes: [\"/:/host\"]\n", (4, 18)),
            ("jobs: {a: {steps: [{run: docker run --privileged x}]}}\n", (1, 37)),
            ("on: pull_request_target\npermissions:\n  id-token: write\n", (3, 3)),
            (
                "on: pull_request_target\njobs: {a: {steps: [{run: \"git fetch origin ${{ github.event.pull_request.head.sha }} && make\"}]}}\n",
                (2, 26),
            ),
            (
                "on: pull_request_target\njobs: {a: {steps: [{run: \"git fetch origin pull/${{ github.event.number }}/head\"}]}}\n",
                (2, 26),
            ),
            (
                "on: pull_request_target\njobs: {a: {steps: [{env: {SHA: \"${{ github.event.pull_request.head.sha }}\"}, run: \"git checkout $SHA\"}]}}\n",
                (2, 83),
            ),
            (
                "on: pull_request_target\njobs:\n  a:\n    steps:\n      - with:\n          repository: ${{ github.event.pull_request.head.repo.full_name }}\n",
                (6, 23),
            ),
            ("on: issue_comment\njobs: {a: {steps: [{run: gh pr checkout 1}]}}\n", (2, 26)),
            (
                "jobs:\n  a:\n    container:\n      volumes: [\"/var/run/docker.sock:/s\"]\n",
                (4, 18),
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
    fn what_a_privileged_workflow_only_names_passes() {
        for run in [
            "gh api statuses/${{ github.event.pull_request.head.sha }}",
            "git fetch origin main && git checkout main",
            "echo pull/1/head",
        ] {
            let text =
                format!("on: pull_request_target\njobs:\n  a:\n    steps:\n      - run: {run}\n");
            workflow(&text).check("DMN-011", Expect::Pass);
        }
        for with in
            ["{ref: \"${{ github.base_ref }}\"}", "{repository: \"${{ github.repository }}\"}"]
        {
            let text =
                format!("on: pull_request_target\njobs: {{a: {{steps: [{{with: {with}}}]}}}}\n");
            workflow(&text).check("DMN-011", Expect::Pass);
        }
        for options in ["--cpus 1 --pid=container:a", "-v /builds:/b --user 1000"] {
            let text = format!("jobs:\n  a:\n    container:\n      options: {options}\n");
            workflow(&text).check("DMN-011", Expect::Pass);
        }
    }

    #[test]
    fn actions_of_the_repository_are_held_to_the_same() {
        let action = |uses: &str| {
            let text = format!("runs:\n  using: composite\n  steps:\n    - uses: {uses}\n");
            Case::default().config(".github/actions/x/action.yml", &text)
        };
        action("actions/checkout@v4").check("DMN-011", Expect::Fail);
        assert_eq!(action("actions/checkout@v4").places("DMN-011"), [(4, 13)]);
        action("actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5")
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
