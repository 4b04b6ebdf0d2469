//! The GitHub Action, judged by the schema of actions and by zizmor, and run by act on the workflow of `fixtures/action`.

use crate::support::{
    self, RealImage, Sandbox, bin, copy_folder, oracle, real_image, repository, root, run, sandbox,
    shared,
};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

/// What each input becomes on the command line of `plimsoll run`; the others are the action's own.
const FLAGS: &[(&str, Option<&str>)] = &[
    ("subject", Some("<SUBJECT>")),
    ("promote-to", Some("--promote-to")),
    ("config", Some("--config")),
    ("db", Some("--db")),
    ("advisories", Some("--advisories")),
    ("key", Some("--key")),
    ("fail", None),
    ("output-dir", None),
    ("binary-path", None),
];

const DIGEST: &str = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// A stand-in for Plimsoll: it writes down how it was called, writes every report, says something hostile, and ends as it is told.
fn stand_in(sandbox: &Sandbox, status: u8) -> Utf8PathBuf {
    let json = format!(
        "{{\n  \"subject\": \"\\n  \\\"image\\\": {{\",\n  \"image\": {{\n    \"digest\": \"{DIGEST}\",\n    \"layers\": [\n      {{\n        \"digest\": \"none\"\n      }}\n    ]\n  }},\n  \
         \"policy\": {{\n    \"digest\": \"{}\"\n  }}\n}}\n",
        DIGEST.replace("5891", "0000")
    );
    let json = sandbox.write("report.json", json);
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\necho '::add-mask::verdict'\n\
         for each in \"$@\"; do\n  case $each in\n    --output=json=*) cp {json} \"${{each#*=json=}}\" ;;\n    \
         --output=spdx-json=*) ;;\n    --output=*=*) echo report >\"${{each#--output=*=}}\" ;;\n  esac\ndone\nexit {status}\n",
        sandbox.join("called")
    );
    let path = sandbox.write("bin/plimsoll", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What the step after the action saw of it.
type Seen = BTreeMap<String, String>;

/// Runs the workflow with act; the values are those of the workflow's variables.
fn act(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Option<Seen> {
    let repository = repository(sandbox, "action", |_| ());
    let seen = sandbox.join("seen");
    let mut act = support::act(sandbox, &repository)?;
    act.args(["--var", &format!("SEEN={seen}")]);
    // GitHub always says these; act does not.
    for missing in [
        "GITHUB_REPOSITORY_ID=1",
        "GITHUB_REPOSITORY_OWNER_ID=2",
        "GITHUB_WORKFLOW_REF=nektos/act/.github/workflows/gate.yml@refs/heads/main",
        "RUNNER_ENVIRONMENT=self-hosted",
    ] {
        act.args(["--env", missing]);
    }
    for (name, value) in variables {
        act.args(["--var", &format!("{name}={value}")]);
    }
    let outcome = run(&mut act);
    let is_masked = !outcome.stdout.contains("verdict=");
    assert!(!is_masked, "the runner took what Plimsoll printed for a command: {outcome:?}");
    let seen = fs::read_to_string(seen)
        .unwrap_or_else(|_| panic!("the job did not get to its end: {outcome:?}"));
    let seen: Seen = seen
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    assert_eq!(
        seen["outcome"] == "success",
        outcome.status == 0,
        "a failed step fails the job: {outcome:?}"
    );
    Some(seen)
}

fn action() -> String {
    fs::read_to_string(root().join("action.yml")).unwrap()
}

/// The keys directly under a section of `action.yml`.
fn keys(action: &str, section: &str) -> Vec<String> {
    let lines = action.lines().skip_while(|line| *line != format!("{section}:")).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| !name.starts_with(' ')).map(str::to_owned).collect()
}

#[test]
fn it_is_an_action() {
    let Some(judge) = oracle("check-jsonschema") else { return };
    let sandbox = sandbox();
    let check = |action: &str, status| {
        let file = sandbox.write("action.yml", action);
        run(sandbox.command(&judge).args(["--builtin-schema", "vendor.github-actions"]).arg(file))
            .expect_status(status);
    };
    check(&action(), 0);
    check(&action().replace("\ndescription:", "\n# description:"), 1);
    check(&action().replace("using: composite", "using: compost"), 1);
}

#[test]
fn it_opens_no_door() {
    let Some(judge) = oracle("zizmor") else { return };
    let sandbox = sandbox();
    let judged = |action: &str| {
        let file = sandbox.write("action.yml", action);
        run(sandbox
            .command(&judge)
            .args(["--offline", "--persona=auditor", "--no-progress"])
            .arg(file))
    };
    judged(&action()).expect_status(0);
    let injected = action().replace(
        "bash \"$GITHUB_ACTION_PATH/action/run.sh\"",
        "plimsoll run ${{ inputs.subject }}",
    );
    assert_ne!(injected, action());
    assert!(judged(&injected).stdout.contains("template-injection"));
    let nested = format!("{}    - uses: actions/cache@v4\n", action());
    assert!(judged(&nested).stdout.contains("unpinned-uses"));
}

#[test]
fn every_input_is_passed_by_environment_and_becomes_a_flag() {
    let action = action();
    let inputs: Vec<&str> = FLAGS.iter().map(|(name, _)| *name).collect();
    assert_eq!(keys(&action, "inputs"), inputs);
    for input in inputs {
        let variable = format!(
            "        INPUT_{}: ${{{{ inputs.{input} }}}}\n",
            input.to_uppercase().replace('-', "_")
        );
        assert!(action.contains(&variable), "{input} is not passed");
    }
    assert!(!action.contains("uses:"), "no action inside the action");
    let help = run(sandbox().plimsoll().args(["run", "--help"])).expect_status(0).stdout;
    for (input, flag) in FLAGS {
        assert!(
            flag.is_none_or(|flag| help.contains(flag)),
            "{input} becomes {flag:?}, which `plimsoll run` does not take"
        );
    }
}

#[test]
fn inputs_reach_the_command_line_as_they_are() {
    let sandbox = sandbox();
    let binary = stand_in(&sandbox, 0);
    let reports = sandbox.join("the reports");
    let Some(seen) = act(
        &sandbox,
        &[
            ("SUBJECT", "oci-layout:a b;$(touch pwned):1"),
            ("PROMOTE_TO", "r.example/prod/app:1"),
            ("CONFIG", "--offline"),
            ("DB", "an index"),
            ("ADVISORIES", "one dir\ntwo"),
            ("KEY", "key.pem"),
            ("OUTPUT_DIR", reports.as_str()),
            ("BINARY_PATH", binary.as_str()),
        ],
    ) else {
        return;
    };
    let called = fs::read_to_string(sandbox.join("called")).unwrap();
    let expected = format!(
        "run\n--no-progress\n--config=--offline\n--db=an index\n--key=key.pem\n--promote-to=r.example/prod/app:1\n\
         --advisories=one dir\n--advisories=two\n--output=table\n--output=json={reports}/plimsoll.json\n\
         --output=sarif={reports}/plimsoll.sarif\n--output=markdown={reports}/plimsoll.md\n\
         --output=cyclonedx-json={reports}/sbom.cdx.json\n--output=spdx-json={reports}/sbom.spdx.json\n--\n\
         oci-layout:a b;$(touch pwned):1\n"
    );
    assert_eq!(called, expected);
    assert_eq!(seen["json"], reports.join("plimsoll.json"));
    assert_eq!(seen["cyclonedx"], reports.join("sbom.cdx.json"));
    assert_eq!(seen["spdx"], "", "a report that was not written is not named");
    assert_eq!(seen["digest"], DIGEST);
}

#[test]
fn an_empty_input_says_nothing() {
    let sandbox = sandbox();
    let binary = stand_in(&sandbox, 0);
    let Some(_) = act(&sandbox, &[("SUBJECT", "oci-layout:app"), ("BINARY_PATH", binary.as_str())])
    else {
        return;
    };
    let called = fs::read_to_string(sandbox.join("called")).unwrap();
    let flags: Vec<&str> =
        called.lines().filter(|argument| !argument.starts_with("--output=")).collect();
    assert_eq!(flags, ["run", "--no-progress", "--", "oci-layout:app"]);
}

/// How the step ends when Plimsoll ends with `status`, with the input `fail` as given.
#[track_caller]
fn check_end(status: u8, fail: &str, expect: [&str; 3]) {
    let sandbox = sandbox();
    let binary = stand_in(&sandbox, status);
    let Some(seen) = act(
        &sandbox,
        &[("SUBJECT", "oci-layout:app"), ("FAIL", fail), ("BINARY_PATH", binary.as_str())],
    ) else {
        return;
    };
    assert_eq!([&*seen["outcome"], &*seen["verdict"], &*seen["exit-status"]], expect);
    let has_run = expect[1] != "error";
    assert_eq!(
        seen["digest"],
        if has_run { DIGEST } else { "" },
        "the reports are there however the step ends"
    );
}

#[test]
fn the_step_ends_as_plimsoll_does() {
    check_end(0, "", ["success", "passed", "0"]);
    check_end(1, "", ["failure", "blocked", "1"]);
    check_end(1, "true", ["failure", "blocked", "1"]);
    check_end(3, "", ["failure", "undecided", "3"]);
    check_end(4, "", ["failure", "passed", "4"]);
}

#[test]
fn reporting_only_lets_a_blocked_image_pass_but_no_unjudged_one() {
    check_end(1, "false", ["success", "blocked", "1"]);
    check_end(3, "false", ["failure", "undecided", "3"]);
    check_end(4, "false", ["failure", "passed", "4"]);
    check_end(0, "never", ["failure", "error", "2"]);
}

#[test]
fn without_a_binary_it_says_so() {
    let sandbox = sandbox();
    let Some(seen) =
        act(&sandbox, &[("SUBJECT", "oci-layout:app"), ("BINARY_PATH", "/no/such/file")])
    else {
        return;
    };
    assert_eq!(
        [&*seen["outcome"], &*seen["verdict"], &*seen["exit-status"]],
        ["failure", "error", "2"]
    );
}

#[test]
fn only_the_pinned_bytes_are_installed() {
    let sandbox = sandbox();
    let machine = run(sandbox.command("uname").arg("-m")).stdout.trim().replace("arm64", "aarch64");
    let system = run(sandbox.command("uname").arg("-s")).stdout.trim().to_lowercase();
    let name = format!("plimsoll-1.2.3-{machine}-{system}");
    let release = sandbox.write(format!("releases/v1.2.3/{name}"), "hello\n");
    let sums =
        sandbox.write("SHA256SUMS", format!("{}  {name}\n", DIGEST.trim_start_matches("sha256:")));
    let install = |sums: &Utf8Path| {
        let mut install = sandbox.command(root().join("action/install.sh"));
        run(install.args([
            sums,
            &Utf8PathBuf::from(format!("file://{}", sandbox.join("releases"))),
            &sandbox.join("tools"),
        ]))
    };
    let binary = sandbox.join("tools").join(&name);
    assert_eq!(install(&sums).expect_status(0).stdout.trim(), binary);
    assert_eq!(fs::read_to_string(&binary).unwrap(), "hello\n");

    fs::write(&binary, "tampered on this machine").unwrap();
    install(&sums).expect_status(0);
    assert_eq!(fs::read_to_string(&binary).unwrap(), "hello\n");

    fs::write(&release, "tampered at the source").unwrap();
    fs::remove_file(&binary).unwrap();
    let refused = install(&sums).expect_status(1);
    assert!(refused.stderr.contains("has another digest"), "{}", refused.stderr);
    assert!(!binary.exists());
    let left: Vec<_> = sandbox.join("tools").read_dir_utf8().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    install(&sandbox.write("NONE", "")).expect_status(66);
}

#[test]
fn the_gate_judges_an_image_that_nobody_here_wrote() {
    let (Some(RealImage { layout, .. }), Some(advisories)) =
        (real_image(), shared("data/osv/Debian"))
    else {
        return;
    };
    let sandbox = sandbox();
    // The gate attaches what it signed.
    copy_folder(&layout, &sandbox.join("layout"));
    let layout = sandbox.join("layout");
    let reports = sandbox.join("reports");
    let Some(seen) = act(
        &sandbox,
        &[
            ("SUBJECT", &format!("oci-layout:{layout}:base")),
            ("ADVISORIES", advisories.as_str()),
            ("FAIL", "false"),
            ("OUTPUT_DIR", reports.as_str()),
            ("BINARY_PATH", bin().as_str()),
        ],
    ) else {
        return;
    };
    let report: Value =
        serde_json::from_slice(&fs::read(reports.join("plimsoll.json")).unwrap()).unwrap();
    assert_eq!(report["image"]["digest"], *seen["digest"]);
    assert_eq!(report["decision"]["verdict"], *seen["verdict"]);
    let layout_index = fs::read_to_string(layout.join("index.json")).unwrap();
    assert!(layout_index.contains(&seen["digest"]), "{}", seen["digest"]);
    for report in ["json", "sarif", "cyclonedx", "spdx", "markdown"] {
        assert!(Utf8Path::new(&seen[report]).is_file(), "{report}: {seen:?}");
    }
}
