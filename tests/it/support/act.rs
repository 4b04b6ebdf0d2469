//! A repository with a workflow in it, and act, which runs it as GitHub would.

use super::{Sandbox, copy_folder, oracle, root, run};
use camino::{Utf8Path, Utf8PathBuf};
use std::{fs, process::Command};

/// A repository with the workflow of a fixture, this action in `plimsoll`, and what `add` puts there; all committed to `main`.
pub(crate) fn repository(
    sandbox: &Sandbox,
    fixture: &str,
    add: impl FnOnce(&Utf8Path),
) -> Utf8PathBuf {
    let repository = sandbox.join("repository");
    copy_folder(&root().join("tests/it/fixtures").join(fixture), &repository);
    copy_folder(&root().join("action"), &repository.join("plimsoll/action"));
    fs::copy(root().join("action.yml"), repository.join("plimsoll/action.yml")).unwrap();
    add(&repository);
    let author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    for git in [
        ["init", "--quiet", "--initial-branch=main"].as_slice(),
        &["add", "--all"],
        &["commit", "--quiet", "--message=a workflow"],
    ] {
        run(sandbox.command("git").args(author).args(git).current_dir(&repository))
            .expect_status(0);
    }
    repository
}

/// The command that runs the workflow, on this machine, as after a push.
#[track_caller]
pub(crate) fn act(sandbox: &Sandbox, repository: &Utf8Path) -> Option<Command> {
    let mut act = sandbox.command(oracle("act")?);
    act.current_dir(repository).args(["push", "--platform=ubuntu-latest=-self-hosted"]);
    Some(act)
}
