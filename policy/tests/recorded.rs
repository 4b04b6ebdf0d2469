//! What is judged from a record is what is judged from the files themselves.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that reads files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_policy::{
    Facts, Policy, SourceFile, decide,
    record::{self, Recorded},
    rules,
};
use std::{collections::BTreeSet, fs};

const NOW: &str = "2026-06-15T12:00:00Z";
const SECRET: &str = "hunter2hunter2";
/// What the files beside the tests have nothing of.
const MORE: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\":{\"a\":\"hunter2hunter2\"}}'
stringData: {password: hunter2hunter2, other: '{{ .Values.other }}', mixed: 'hunter2hunter2{{ .x }}', empty: ''}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  allow-snippet-annotations: 'true'
  app.conf: |
    database = shop
    password = hunter2hunter2
  db-password: hunter2hunter2
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: 'a/b~c', namespace: default, labels: {app: web}}
    spec:
      shareProcessNamespace: true
      containers:
        - name: a
          image: debiann
          args: [--enable-skip-login, --token=hunter2hunter2, 'a=b']
          ports: [{containerPort: 80, hostPort: 80}]
          resources: {limits: {cpu: 0.5}}
          env:
            - {name: API_TOKEN, value: hunter2hunter2}
            - {name: PLAIN, value: hunter2hunter2}
            - {name: OTHER, value: $(API_TOKEN)}
            - {name: FROM, valueFrom: {secretKeyRef: {name: db, key: password}}}
          envFrom: '{{ .Values.from }}'
      volumes:
        - {name: h, hostPath: {path: /etc}}
        - {name: s, hostPath: {path: /var/run/docker.sock}}
---
kind: ServiceList
apiVersion: v1
items: [{metadata: {name: c}, spec: {type: LoadBalancer, ports: [{port: 2375}]}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: default}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: none, namespace: default}
spec: {podSelector: {matchLabels: {app: other}}, policyTypes: [Ingress]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, annotations: {nginx.ingress.kubernetes.io/configuration-snippet: x}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web}
spec:
  template: {spec: {containers: [{image: docker.io/library/nginx, securityContext: {privileged: true}}]}}
---
kind: {{ .Values.kind }}
---
a: 1
";

fn files(folder: &str) -> Vec<SourceFile> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut paths: Vec<Utf8PathBuf> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    paths.sort();
    let read = |path: Utf8PathBuf| SourceFile { text: fs::read_to_string(&path).unwrap(), path };
    paths.into_iter().map(read).collect()
}

fn more() -> SourceFile {
    SourceFile { path: "more.yaml".into(), text: MORE.to_owned() }
}

/// Everything on, so that nothing that differs is off.
fn policy() -> Policy {
    let families = "extends: strict\nrules: {\"K8S-*\": deny, K8S-045: {level: restricted}, \"BASE-*\": deny, SEC-009: deny}";
    Policy::parse(&format!("version: 1\n{families}"), "p.yaml".into()).unwrap()
}

/// All that is said of each finding of rules for which `holds`.
fn findings(facts: &Facts<'_>, holds: impl Fn(&str) -> bool) -> Vec<String> {
    let decision = decide(&policy(), facts, NOW.parse().unwrap());
    let kept = decision.findings().iter().filter(|judged| holds(judged.finding.rule));
    kept.map(|judged| format!("{} {:?} {:?}", judged.finding.rule, judged.action, judged.finding))
        .collect()
}

fn recorded(manifests: &[SourceFile]) -> (Recorded, String) {
    let facts = Facts { manifests, ..Facts::none() };
    let document = record::document(&facts, NOW.parse().unwrap());
    let json = serde_json::to_string(&document).unwrap();
    (Recorded::read(json.as_bytes(), "facts.json".into()).unwrap(), json)
}

/// The ids of the rules that found something, in the file and in its record alike.
#[track_caller]
fn check(manifests: &[SourceFile]) -> BTreeSet<String> {
    let (recorded, _) = recorded(manifests);
    let holds = |id: &str| recorded.holds_for(rules::find(id).unwrap());
    let expected = findings(&Facts { manifests, ..Facts::none() }, holds);
    assert_eq!(findings(&recorded.facts(), holds), expected, "{:?}", manifests.first());
    expected.iter().filter_map(|found| found.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn manifests_are_judged_from_a_record_as_from_their_files() {
    let mut all = files("checkov-kubernetes");
    all.extend(files("good/kubernetes"));
    let mut found = BTreeSet::new();
    for file in &all {
        found.extend(check(std::slice::from_ref(file)));
    }
    found.extend(check(&[more()]));
    all.push(more());
    found.extend(check(&all));
    // K8S-041 goes by receipts, which are verified and not taken from a record.
    let is_judged = |id: &&str| id.starts_with("K8S-") && *id != "K8S-041";
    let known = rules::ALL.iter().map(|rule| rule.id).filter(is_judged);
    let missed: Vec<_> = known.filter(|id| !found.contains(*id)).collect();
    assert_eq!(missed, [""; 0], "each rule has something to find");
    for id in ["BASE-004", "BASE-010", "BASE-012", "BASE-030"] {
        assert!(found.contains(id), "{id}: {found:?}");
    }
}

#[test]
fn what_can_not_be_read_is_the_same_in_a_record() {
    for file in files("good/kubernetes").into_iter().chain([more()]) {
        // Every line alone would take long and tell no more.
        for (number, line) in file.text.lines().enumerate().step_by(7) {
            let Some((key, _)) = line.split_once(": ") else { continue };
            let mut lines: Vec<_> = file.text.lines().map(str::to_owned).collect();
            lines[number] = format!("{key}: {{{{ .Values.x }}}}");
            check(&[SourceFile { path: file.path.clone(), text: lines.join("\n") }]);
        }
    }
}

#[test]
fn no_secret_of_a_manifest_is_recorded_and_who_needs_one_is_told() {
    let (recorded, json) = recorded(&[more()]);
    assert!(!json.contains(SECRET), "{json}");
    let holds = |id: &str| recorded.holds_for(rules::find(id).unwrap());
    assert!(!holds("SEC-009"), "values of variables are not there");
    assert!(holds("K8S-043") && holds("K8S-044") && holds("BASE-010"));
    // Of what is not there, no more is found than was.
    let manifests = [more()];
    let is_secret = |id: &str| id == "SEC-009";
    let live = findings(&Facts { manifests: &manifests, ..Facts::none() }, is_secret);
    let found = findings(&recorded.facts(), is_secret);
    assert!(!found.is_empty() && found.iter().all(|one| live.contains(one)), "{found:#?}");
}

#[test]
fn manifests_without_variables_are_wholly_judged() {
    let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: r.io/a:1, env: [{name: ON, value: 'true'}]}]}\n";
    let file = |text: &str| [SourceFile { path: "a.yaml".into(), text: text.to_owned() }];
    let (whole, _) = recorded(&file(pod));
    assert!(rules::ALL.iter().all(|rule| whole.holds_for(rule)));
    // What is left out of a label may be what a selector asks for.
    let labelled = format!("{pod}metadata: {{labels: {{db-password: {SECRET}}}}}\n");
    let (hidden, json) = recorded(&file(&labelled));
    assert!(!json.contains(SECRET), "{json}");
    let holds = |id: &str| hidden.holds_for(rules::find(id).unwrap());
    assert!(!holds("K8S-020") && !holds("K8S-001") && holds("DF-020"));
}
