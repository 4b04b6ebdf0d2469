//! B14: what a change says must not judge that change. In the pipeline of a pull or merge request the policy, and what it
//! names, is that of the branch which the change is to be merged into.

use crate::support::{Outcome, Sandbox, run, sandbox};
use std::process::Command;

/// What the branch has: a health check is demanded.
const STRICT: &str = "version: 1\nrules:\n  DF-030: deny\n";
/// What a change would rather have.
const LENIENT: &str = "version: 1\nrules:\n  DF-030: off\n";
const DOCKERFILE: &str = "FROM debian:13@sha256:1111111111111111111111111111111111111111111111111111111111111111\nUSER 1000\n";

fn git(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    run(sandbox.command("git").args(author).args(arguments)).expect_status(0).stdout
}

fn commit(sandbox: &Sandbox) -> String {
    git(sandbox, &["add", "--all"]);
    git(sandbox, &["commit", "--quiet", "--message=x"]);
    git(sandbox, &["rev-parse", "HEAD"]).trim().to_owned()
}

/// A checkout whose branch `main` has these files, fetched from the repository that the pipeline is of; with the commit.
fn checkout(files: &[(&str, &str)]) -> (Sandbox, String) {
    let sandbox = sandbox();
    git(&sandbox, &["init", "--quiet", "--initial-branch=change"]);
    git(&sandbox, &["remote", "add", "origin", "https://github.com/acme/app"]);
    sandbox.write("Dockerfile", DOCKERFILE);
    for (path, text) in files {
        sandbox.write(path, text);
    }
    let base = commit(&sandbox);
    git(&sandbox, &["update-ref", "refs/remotes/origin/main", &base]);
    (sandbox, base)
}

fn on_github<'a>(sandbox: &Sandbox, command: &'a mut Command) -> &'a mut Command {
    command
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_BASE_REF", "main")
        .env("GITHUB_REPOSITORY", "acme/app")
        .env("GITHUB_WORKSPACE", sandbox.join("."))
}

/// `plimsoll check Dockerfile` in a pull request on GitHub.
fn check(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut command = sandbox.plimsoll();
    run(on_github(sandbox, &mut command).args(["check", "Dockerfile"]).args(arguments))
}

#[test]
fn b14_a_change_is_judged_by_the_policy_that_it_changes_and_not_by_its_own() {
    let (sandbox, base) = checkout(&[("plimsoll.yaml", STRICT)]);
    let unchanged = check(&sandbox, &[]).expect_status(1).stdout;
    assert!(
        unchanged.contains(&format!(" of main ({})\n", base.get(..12).unwrap())),
        "{unchanged}"
    );

    sandbox.write("plimsoll.yaml", LENIENT);
    let touched = check(&sandbox, &[]).expect_status(1).stdout;
    assert!(touched.contains("; the change touches it, and is not judged by that\n"), "{touched}");
    run(sandbox.plimsoll().args(["check", "Dockerfile"])).expect_status(0);
    check(&sandbox, &["--policy-from", "worktree"]).expect_status(0);

    std::fs::remove_file(sandbox.join("plimsoll.yaml")).unwrap();
    let deleted = check(&sandbox, &[]).expect_status(1).stdout;
    assert!(deleted.contains("; the change touches it"), "{deleted}");
    // Links are for the commit to follow, not for the working tree.
    sandbox.write("lenient.yaml", LENIENT);
    std::os::unix::fs::symlink("lenient.yaml", sandbox.join("plimsoll.yaml")).unwrap();
    check(&sandbox, &[]).expect_status(1);
}

#[test]
fn b14_a_policy_that_a_change_adds_is_not_yet_one() {
    let (sandbox, _) = checkout(&[]);
    sandbox.write("plimsoll.yaml", "version: 1\nrules:\n  BASE-020: off\n  DF-030: deny\n");
    let added = check(&sandbox, &[]).expect_status(0).stdout;
    assert!(added.contains("; the change adds a policy, and is not judged by that\n"), "{added}");
    let named = check(&sandbox, &["--config", "plimsoll.yaml"]).expect_status(3).stderr;
    assert!(
        named.starts_with("error: cannot read the policy as `main` has it, which the change is judged by: it has no such file: `plimsoll.yaml`\nhint: "),
        "{named}"
    );
}

#[test]
fn b14_what_is_not_fetched_or_comes_from_a_fork_is_not_guessed() {
    let (sandbox, base) = checkout(&[("plimsoll.yaml", STRICT)]);
    sandbox.write("plimsoll.yaml", LENIENT);
    // The branch of a fork is whatever its owner makes of it.
    git(&sandbox, &["remote", "set-url", "origin", "https://github.com/mallory/app"]);
    let fork = check(&sandbox, &[]).expect_status(3).stderr;
    assert!(
        fork.contains("judged by: no commit of it was fetched\nhint: fetch it first"),
        "{fork}"
    );
    // GitHub's word for the commit is as good wherever that was fetched from.
    let event = format!(r#"{{"pull_request":{{"base":{{"sha":"{base}","ref":"main"}}}}}}"#);
    sandbox.write("event.json", &event);
    let mut command = sandbox.plimsoll();
    command.env("GITHUB_EVENT_PATH", sandbox.join("event.json"));
    run(on_github(&sandbox, &mut command).args(["check", "Dockerfile"])).expect_status(1);

    let other = [("GITHUB_SERVER_URL", "https://github.example.com")];
    git(&sandbox, &["remote", "set-url", "origin", "https://github.com/acme/app.git"]);
    check(&sandbox, &[]).expect_status(1);
    let mut command = sandbox.plimsoll();
    run(on_github(&sandbox, &mut command).envs(other).args(["check", "Dockerfile"]))
        .expect_status(3);

    std::fs::remove_dir_all(sandbox.join(".git")).unwrap();
    for is_deleted in [false, true] {
        if is_deleted {
            std::fs::remove_file(sandbox.join("plimsoll.yaml")).unwrap();
        }
        let bare = check(&sandbox, &[]).expect_status(3).stderr;
        assert!(bare.contains("judged by: the files lie in no git repository\n"), "{bare}");
    }
}

#[test]
fn b14_a_change_that_brings_a_repository_of_its_own_is_judged_by_the_one_it_is_to() {
    let (sandbox, _) = checkout(&[("ci/policy.yaml", STRICT)]);
    sandbox.write("ci/policy.yaml", LENIENT);
    // The files of a bare repository, in which `main` is what the change would have it be: nothing that git refuses to commit.
    let evil = commit(&sandbox);
    for (name, text) in [
        ("HEAD", "ref: refs/heads/main\n".to_owned()),
        ("refs/remotes/origin/main", evil),
        (
            "config",
            "[core]\n\tbare = false\n\tworktree = ..\n[remote \"origin\"]\n\turl = https://github.com/acme/app\n"
                .to_owned(),
        ),
    ] {
        sandbox.write(format!("ci/{name}"), text);
    }
    let objects = sandbox.join("ci/objects");
    run(sandbox.command("cp").args(["-r", ".git/objects", objects.as_str()])).expect_status(0);
    let found = run(sandbox.command("git").args(["-C", "ci", "rev-parse", "--absolute-git-dir"]));
    assert_eq!(found.stdout.trim(), sandbox.join("ci"), "git itself takes it for a repository");
    check(&sandbox, &["--config", "ci/policy.yaml"]).expect_status(1);
}

#[test]
fn b14_a_review_of_a_change_names_its_base_in_the_event_alone() {
    let (sandbox, base) = checkout(&[("plimsoll.yaml", STRICT)]);
    sandbox.write("plimsoll.yaml", LENIENT);
    let event = format!(r#"{{"pull_request":{{"base":{{"sha":"{base}","ref":"main"}}}}}}"#);
    let events = crate::support::sandbox();
    events.write("event.json", &event);
    let review = |more: &[(&str, &str)]| {
        let mut command = sandbox.plimsoll();
        command.env("GITHUB_EVENT_NAME", "pull_request_review").envs(more.iter().copied());
        run(command.args(["check", "Dockerfile"]))
    };
    review(&[("GITHUB_EVENT_PATH", events.join("event.json").as_str())]).expect_status(1);
    let untold = review(&[]).expect_status(3).stderr;
    assert!(untold.contains("as `the base` has it"), "{untold}");
}

#[test]
fn b14_a_key_that_the_policy_names_is_that_of_the_base_too() {
    let policy = "version: 1\nbases: {lock: bases.lock, key: keys/approvals.pub}\n";
    let (sandbox, _) = checkout(&[("ci/policy.yaml", policy)]);
    sandbox.write("ci/keys/approvals.pub", "whoever wrote this change");
    let mut command = sandbox.plimsoll();
    let list = ["base", "list", "--config", "ci/policy.yaml"];
    let refused = run(on_github(&sandbox, &mut command).args(list)).expect_status(3);
    assert!(
        refused.stderr.contains(
            "judged by: the policy names a file that is not there: `ci/keys/approvals.pub`\n"
        ),
        "{}",
        refused.stderr
    );
}

#[test]
fn b14_merge_requests_and_revisions_are_read_alike() {
    let (sandbox, base) = checkout(&[(".config/plimsoll.yaml", STRICT)]);
    sandbox.write(".config/plimsoll.yaml", LENIENT);
    let check = |command: &mut Command| run(command.args(["check", "Dockerfile"]));
    let gitlab = |variable: &str, value: &str| {
        let mut command = sandbox.plimsoll();
        command.env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main").env(variable, value);
        check(command.env("CI_PROJECT_DIR", sandbox.join(".")))
    };
    gitlab("CI_MERGE_REQUEST_PROJECT_PATH", "acme/app").expect_status(1);
    gitlab("CI_MERGE_REQUEST_PROJECT_PATH", "acme/other").expect_status(3);
    gitlab("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &base).expect_status(1);
    // Whoever wrote the change chose where it began.
    gitlab("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base).expect_status(3);
    let named = check(sandbox.plimsoll().args(["--policy-from", "HEAD"])).expect_status(1).stdout;
    assert!(named.contains(&format!(" of HEAD ({})", base.get(..12).unwrap())), "{named}");
    check(sandbox.plimsoll().args(["--policy-from", "no-such"])).expect_status(3);
}

#[test]
fn a_policy_from_elsewhere_is_no_part_of_the_change() {
    let (sandbox, _) = checkout(&[("plimsoll.yaml", STRICT)]);
    let elsewhere = crate::support::sandbox();
    elsewhere.write("central.yaml", LENIENT);
    check(&sandbox, &["--config", elsewhere.join("central.yaml").as_str()]).expect_status(0);
    // Neither is a key from elsewhere that the policy of the base names.
    let outside =
        format!("version: 1\nbases: {{lock: bases.lock, key: {}}}\n", elsewhere.join("k"));
    let (other, _) = checkout(&[("plimsoll.yaml", &outside)]);
    let mut list = other.plimsoll();
    let said = run(on_github(&other, &mut list).args(["base", "list"])).expect_status(2).stderr;
    assert!(said.starts_with(&format!("error: cannot read `{}`", elsewhere.join("k"))), "{said}");
    // A job that judges an image may check nothing out.
    let empty = crate::support::sandbox();
    let mut show = empty.plimsoll();
    run(on_github(&empty, &mut show).args(["policy", "show"])).expect_status(0);
    // The pipeline of a push has no base.
    sandbox.write("plimsoll.yaml", LENIENT);
    let mut push = sandbox.plimsoll();
    run(push.env("GITHUB_EVENT_NAME", "push").args(["check", "Dockerfile"])).expect_status(0);
    // What is to be checked is what somebody is writing.
    let mut command = sandbox.plimsoll();
    let checked = run(on_github(&sandbox, &mut command).args(["policy", "check"]));
    assert!(checked.expect_status(0).stdout.starts_with("plimsoll.yaml is valid"));
}
