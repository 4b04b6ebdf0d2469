//! Well-kept manifests, and many of them.

use crate::{
    Action, SourceFile,
    manifests::{ManifestKind, kind},
    rules::testing::Case,
};

/// `tests/data/good/kubernetes`.
const GOOD: [(&str, &str); 8] = [
    ("config", include_str!("../../tests/data/good/kubernetes/config.yaml")),
    ("cronjob", include_str!("../../tests/data/good/kubernetes/cronjob.yaml")),
    ("custom", include_str!("../../tests/data/good/kubernetes/custom.yaml")),
    ("deployment", include_str!("../../tests/data/good/kubernetes/deployment.yaml")),
    ("namespace", include_str!("../../tests/data/good/kubernetes/namespace.yaml")),
    ("rbac", include_str!("../../tests/data/good/kubernetes/rbac.yaml")),
    ("service", include_str!("../../tests/data/good/kubernetes/service.json")),
    ("statefulset", include_str!("../../tests/data/good/kubernetes/statefulset.yaml")),
];

#[test]
fn manifests_that_are_well_kept_raise_nothing() {
    let policy =
        "rules: {K8S-045: {level: restricted}}\npromotion: {to: \"registry.example.com/shop/*\"}";
    let case =
        GOOD.iter().fold(Case::default().policy(policy), |case, (_, text)| case.kubernetes(text));
    let decision = case.decide();
    let raised: Vec<_> =
        decision.findings().iter().filter(|judged| judged.action >= Action::Warn).collect();
    assert!(raised.is_empty(), "{raised:#?}");
}

#[test]
fn every_good_manifest_is_told_by_its_text() {
    for (name, text) in GOOD {
        let extension = if name == "service" { "json" } else { "yaml" };
        let path = format!("{name}.{extension}");
        assert_eq!(kind(path.as_str().into(), text), Some(ManifestKind::Kubernetes), "{name}");
    }
}

#[test]
fn what_is_broken_is_never_fine() {
    // Each good manifest with one line made a template: nothing panics, and nothing passes in silence.
    for (name, text) in GOOD {
        for (number, line) in text.lines().enumerate() {
            let Some((key, _)) = line.split_once(": ") else { continue };
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines[number] = format!("{key}: {{{{ .Values.x }}}}");
            let manifest = SourceFile { path: "app.yaml".into(), text: lines.join("\n") };
            let cluster = super::Cluster::read(&[manifest]);
            let is_comment = line.starts_with('#');
            assert!(is_comment || !cluster.problems.is_empty(), "{name}: {line}");
        }
    }
}
