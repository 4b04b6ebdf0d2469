//! `plimsoll check` about manifests of Kubernetes: which files it finds, and what it answers.

use crate::support::{Sandbox, root, run, sandbox};

const GOOD: &str = "policy/tests/data/good/kubernetes";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec:\n  hostPID: true\n  containers: [{name: a, image: docker.io/library/debian:13}]\n";

/// The exit status of `check`, and what it finds by a rule, as `path:line:column`.
#[track_caller]
fn checked(sandbox: &Sandbox, what: &str, rule: &str) -> (i32, Vec<String>) {
    let outcome = run(sandbox.plimsoll().args(["check", what, "-o", "json"]));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|finding| finding["rule"] == rule);
    let text = |finding: &serde_json::Value| {
        let place = &finding["place"];
        format!("{}:{}:{}", place["file"].as_str().unwrap(), place["line"], place["column"])
    };
    (outcome.status, findings.map(text).collect())
}

#[track_caller]
fn places(sandbox: &Sandbox, what: &str, rule: &str) -> Vec<String> {
    checked(sandbox, what, rule).1
}

#[test]
fn manifests_are_found_in_directories_and_by_name() {
    let sandbox = sandbox();
    sandbox.write("k8s/bad.yml", POD);
    sandbox.write("k8s/values.yaml", "replicas: 3\n");
    sandbox.write("k8s/package.json", "{\"name\": \"a\"}");
    for what in ["k8s", "k8s/bad.yml"] {
        run(sandbox.plimsoll().args(["check", what])).expect_status(1);
        assert_eq!(places(&sandbox, what, "K8S-002"), ["k8s/bad.yml:5:12"]);
        assert_eq!(places(&sandbox, what, "K8S-046"), [""; 0]);
    }
    sandbox.write("none/values.yaml", "replicas: 3\n");
    let outcome = run(sandbox.plimsoll().args(["check", "none"])).expect_status(2);
    assert!(outcome.stderr.contains("there is no Dockerfile in `none`, and nothing else to judge"));
    // Who names it gets an answer.
    run(sandbox.plimsoll().args(["check", "none/values.yaml"])).expect_status(3);
    assert_eq!(places(&sandbox, "none/values.yaml", "K8S-046"), ["none/values.yaml:1:1"]);
    sandbox.write(
        "stack.yml",
        "services:\n  a: {image: docker.io/library/debian:13, privileged: true}\n",
    );
    assert_eq!(places(&sandbox, "stack.yml", "CMP-001"), ["stack.yml:2:55"]);
}

#[test]
fn everything_in_a_directory_is_judged_together_and_each_finding_has_its_line() {
    let sandbox = sandbox();
    sandbox
        .write("app/Dockerfile", "FROM docker.io/library/debian:13\nRUN curl -k https://x.io/a\n");
    sandbox.write(
        "app/compose.yaml",
        "services:\n  web:\n    image: docker.io/library/debian:13\n    privileged: true\n",
    );
    sandbox.write("app/daemon.json", "{\"hosts\":\n [\"tcp://0.0.0.0:2375\"]}\n");
    // What `helm template` prints.
    let helm = format!(
        "---\n# Source: shop/templates/a.yaml\n{POD}---\n# Source: shop/templates/b.yaml\n{POD}"
    );
    sandbox.write("app/shop.yaml", &helm);
    let item = POD.trim_end().replace('\n', "\n    ");
    sandbox.write(
        "app/list.yml",
        format!("apiVersion: v1\nkind: List\nitems:\n  - {item}\n  - {item}\n"),
    );
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j", "namespace": "shop"},
 "spec": {"hostPID": true, "containers": [{"name": "a", "image": "docker.io/library/debian:13"}]}}"#;
    sandbox.write("app/pod.json", json);
    let expect =
        |rule: &str, expect: &[&str]| assert_eq!(places(&sandbox, "app", rule), expect, "{rule}");
    expect("DF-066", &["app/Dockerfile:2:5"]);
    expect("CMP-001", &["app/compose.yaml:4:17"]);
    expect("DMN-001", &["app/daemon.json:2:3"]);
    expect(
        "K8S-002",
        &[
            "app/list.yml:8:16",
            "app/list.yml:14:16",
            "app/pod.json:2:22",
            "app/shop.yaml:7:12",
            "app/shop.yaml:15:12",
        ],
    );
    expect("CMP-021", &[]);
    expect("K8S-046", &[]);
}

#[test]
fn a_folder_of_good_manifests_passes_and_a_template_in_it_is_undecided() {
    let sandbox = sandbox();
    for file in root().join(GOOD).read_dir_utf8().unwrap() {
        let path = file.unwrap().into_path();
        let name = path.file_name().unwrap();
        sandbox.write(format!("k8s/{name}"), std::fs::read_to_string(&path).unwrap());
    }
    run(sandbox.plimsoll().args(["check", "k8s"])).expect_status(0);
    let template = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n";
    sandbox.write("k8s/template.yaml", template);
    run(sandbox.plimsoll().args(["check", "k8s"])).expect_status(3);
    assert_eq!(places(&sandbox, "k8s", "K8S-046"), ["k8s/template.yaml:4:10"]);
}

#[test]
fn hostile_manifests_never_pass() {
    let bomb = format!("{POD}x0: &x0 [a]\n");
    let bomb = (1..40).fold(bomb, |bomb, n| {
        let below = n - 1;
        format!("{bomb}x{n}: &x{n} [*x{below}, *x{below}]\n")
    });
    let deep = format!("{POD}x: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let documents = format!("{POD}---\n{}", "apiVersion: v1\nkind: A\n---\n".repeat(10_000));
    let objects = format!(
        "{POD}---\napiVersion: v1\nkind: List\nitems: [{}]\n",
        "{apiVersion: v1, kind: A},".repeat(5_001)
    );
    for (text, status) in [(&bomb, 3), (&deep, 3), (&documents, 3), (&objects, 1)] {
        let sandbox = sandbox();
        sandbox.write("k8s/app.yaml", text);
        for what in ["k8s", "k8s/app.yaml"] {
            let (got, places) = checked(&sandbox, what, "K8S-046");
            assert_eq!((got, places.len()), (status, 1), "{text:.40}");
        }
    }
    let sandbox = sandbox();
    let mut bytes = POD.as_bytes().to_vec();
    bytes.extend(b"# \xff\n");
    sandbox.write("latin/app.yaml", &bytes);
    let outcome = run(sandbox.plimsoll().args(["check", "latin"])).expect_status(2);
    assert!(outcome.stderr.contains("latin/app.yaml"), "{}", outcome.stderr);
    // Nor is one in UTF-16 passed over beside something else, with and without a mark, in both orders of bytes.
    for (mark, swap) in [(true, false), (true, true), (false, false), (false, true)] {
        let text = format!("{}{POD}", if mark { "\u{feff}" } else { "" });
        let bytes = text
            .encode_utf16()
            .flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() });
        sandbox.write("wide/app.yaml", bytes.collect::<Vec<_>>());
        sandbox.write("wide/Dockerfile", "FROM scratch\n");
        let outcome = run(sandbox.plimsoll().args(["check", "wide"]));
        // Without a mark it is text with zeroes in it, which no manifest has.
        let (status, said) = if mark { (2, &outcome.stderr) } else { (1, &outcome.stdout) };
        assert!(said.contains("wide/app.yaml"), "{said}");
        outcome.expect_status(status);
    }
    sandbox.write("large/app.yaml", format!("{POD}{}", "#".repeat(5_000_000)));
    let outcome = run(sandbox.plimsoll().args(["check", "large"])).expect_status(2);
    assert!(outcome.stderr.contains("large/app.yaml"), "{}", outcome.stderr);
    // What is nothing of the kind stops nobody, however large it is.
    sandbox.write("other/data.json", format!("[\"{}\"]", "a".repeat(5_000_000)));
    sandbox.write("other/latin.yaml", &b"a: \xff\n"[..]);
    sandbox.write("other/Dockerfile", "FROM scratch\n");
    let outcome = run(sandbox.plimsoll().args(["check", "other"]));
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}
