//! What runs by objects of kinds that are not known: custom resources, from which an operator makes pods.
//!
//! Three things are told apart. Where a list of containers stands, there is a pod ([`PodKind::Whole`]), and what it leaves out is
//! at the defaults of Kubernetes. That holds for the workflows of Argo and the tasks of Tekton too, whose containers are the same
//! under other keys. Everything else that speaks of an image, a security context or a namespace of the host is a part of a pod
//! ([`PodKind::Part`]): what it says counts, and what it leaves out, the operator decides.
//! <https://argo-workflows.readthedocs.io/en/latest/fields/>, <https://tekton.dev/docs/pipelines/pod-templates/>

use super::{Object, Pod, is_template, pod::PodKind};
use crate::yaml::{Node, Value};

/// Lists of containers, under the keys of Kubernetes.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// Lists of containers, under the keys of Argo and Tekton.
pub(super) const STEPS: [&str; 2] = ["steps", "sidecars"];
/// Keys of one container.
pub(super) const SINGLE: [&str; 2] = ["container", "script"];
/// What makes a pod one of the host's own.
const HOST: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];
/// Mappings of free names to values, in which a key means nothing.
const NAMES: [&str; 5] = ["annotations", "labels", "matchLabels", "nodeSelector", "selector"];
/// Groups whose objects say how others have to look, or where images are, and run nothing.
const PATTERNS: [&str; 6] = [
    "constraints.gatekeeper.sh",
    "extensions",
    "image.toolkit.fluxcd.io",
    "kyverno.io",
    "policy",
    "templates.gatekeeper.sh",
];

/// Everything in an object of an unknown kind that says what runs.
#[derive(Default)]
pub(super) struct Custom<'a> {
    pub(super) pods: Vec<Pod<'a>>,
    /// Mappings with a directory of the host, as volumes have them.
    pub(super) host_volumes: Vec<&'a Node>,
    /// What stands in place of containers, and can not be read.
    pub(super) unreadable: Option<&'a Node>,
}

/// A node that is still to be looked at.
#[derive(Clone, Copy)]
struct Open<'a> {
    node: &'a Node,
    /// What it stands in.
    parent: Option<&'a Node>,
    /// The key that it stands under.
    key: &'a str,
    /// What pods below it have in common, the nearest first.
    shared: [Option<&'a Node>; 2],
}

impl<'a> Custom<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        let mut found = Self::default();
        let mut pending =
            vec![Open { node: &object.node, parent: None, key: "", shared: [None, None] }];
        while let Some(open) = pending.pop() {
            let shared = shared(object, open);
            let is_pod = found.look_at(object, Open { shared, ..open });
            let node = open.node;
            // What runs is not said by what was seen to run, nor by names.
            let is_said = |key: &str| {
                let is_root = open.parent.is_none();
                let is_other = is_root && ["metadata", "status"].contains(&key);
                let is_container = is_pod && is_containers(object, key);
                !(is_other || is_container || NAMES.contains(&key))
            };
            let entries = node.entries().iter().rev().filter(|entry| is_said(&entry.key));
            pending.extend(entries.map(|entry| Open {
                node: &entry.value,
                parent: Some(node),
                key: &entry.key,
                shared,
            }));
            let items = node.items().iter().rev();
            pending.extend(items.map(|item| Open {
                node: item,
                parent: Some(node),
                shared,
                ..open
            }));
        }
        found.share();
        found
    }

    /// Whether it is the specification of a pod.
    fn look_at(&mut self, object: &'a Object, open: Open<'a>) -> bool {
        let node = open.node;
        let is_rule = PATTERNS.contains(&object.group());
        let is_directory =
            node.get("hostPath").is_some_and(|path| matches!(path.value, Value::Map(_)));
        if is_directory && !is_rule {
            self.host_volumes.push(node);
        }
        let lists = LISTS.iter().filter_map(|key| node.get(key));
        let unreadable = lists.clone().find_map(|list| unreadable(object, list));
        self.unreadable = self.unreadable.or(unreadable);
        // A patch is a text of YAML that changes pods after all.
        let patch = node.get("podSpecPatch").filter(|_| object.group() == "argoproj.io");
        self.unreadable = self.unreadable.or(patch);
        let has_list = lists.clone().any(|list| is_list_of_containers(object, list));
        let has_step = has_steps(object) && {
            let mut steps = STEPS.iter().filter_map(|key| node.get(key)).flat_map(Node::items);
            let mut single = SINGLE.iter().filter_map(|key| node.get(key));
            steps.any(|item| is_container(item) || is_step(object, item))
                || single.any(is_container)
        };
        if has_list || has_step {
            // Labels and annotations of the pod stand beside its specification, but for those of workflows and tasks.
            let template = open.parent.filter(|_| !has_step && open.key != "containerSet");
            let kind = PodKind::Whole;
            self.pods.push(Pod { object, template, spec: node, kind, shared: open.shared });
            return true;
        }
        if !is_rule && is_part(node) {
            let (kind, shared) = (PodKind::Part, [None, None]);
            self.pods.push(Pod { object, template: None, spec: node, kind, shared });
        }
        false
    }

    /// What is a part of pods that were found is no container of its own.
    fn share(&mut self) {
        let shared: Vec<_> = self.pods.iter().flat_map(|pod| pod.shared).flatten().collect();
        for pod in &mut self.pods {
            if pod.kind == PodKind::Part && shared.iter().any(|node| std::ptr::eq(*node, pod.spec))
            {
                pod.kind = PodKind::Shared;
            }
        }
    }
}

/// Whether containers stand under the keys of Argo and Tekton too.
pub(super) fn has_steps(object: &Object) -> bool {
    ["argoproj.io", "tekton.dev"].contains(&object.group())
}

/// Whether containers stand under a key.
fn is_containers(object: &Object, key: &str) -> bool {
    let is_step = STEPS.contains(&key) || SINGLE.contains(&key) || key == "stepTemplate";
    LISTS.contains(&key) || (has_steps(object) && is_step)
}

/// The containers of a list, which may be a mapping of their names to them.
pub(super) fn members(list: &Node) -> Vec<&Node> {
    let entries = list.entries().iter().map(|entry| &entry.value);
    let all = list.items().iter().chain(entries);
    all.filter(|node| matches!(node.value, Value::Map(_))).collect()
}

fn is_list_of_containers(object: &Object, list: &Node) -> bool {
    match &list.value {
        Value::List(_) => !members(list).is_empty(),
        // Under a key of its own kind the mapping may be anything.
        Value::Map(_) => members(list)
            .into_iter()
            .any(|node| is_container(node) && !PATTERNS.contains(&object.group())),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::OtherNumber
        | Value::Text(_) => false,
    }
}

/// A template in place of containers, or of one of them.
fn unreadable<'a>(object: &Object, list: &'a Node) -> Option<&'a Node> {
    if PATTERNS.contains(&object.group()) {
        return None;
    }
    let mut all = std::iter::once(list).chain(list.items());
    all.find(|node| node.text().is_some_and(is_template))
}

fn is_container(node: &Node) -> bool {
    ["image", "securityContext", "volumeMounts"].iter().any(|key| node.get(key).is_some())
}

/// A step of a task, which may have its image from elsewhere.
fn is_step(object: &Object, node: &Node) -> bool {
    let keys = ["script", "command", "args", "ref"];
    object.group() == "tekton.dev" && keys.iter().any(|key| node.get(key).is_some())
}

/// Whether a mapping says something of a pod or a container.
fn is_part(node: &Node) -> bool {
    let says = |key: &&str| {
        node.get(key).is_some_and(|value| match &value.value {
            Value::Boolean(value) => *value,
            Value::Text(text) => is_template(text),
            Value::Null
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::List(_)
            | Value::Map(_) => false,
        })
    };
    let is_map = |key: &str| node.get(key).is_some_and(|node| matches!(node.value, Value::Map(_)));
    is_map("securityContext") || node.text_of("image").is_some() || HOST.iter().any(says)
}

/// What the pods below a node have in common, as far as it is known where that stands.
fn shared<'a>(object: &Object, open: Open<'a>) -> [Option<&'a Node>; 2] {
    let node = open.node;
    let [nearest, _] = open.shared;
    match object.group() {
        "argoproj.io" if node.get("templates").or(node.get("containerSet")).is_some() => {
            [Some(node), nearest]
        }
        "tekton.dev" => {
            let run = node.get("taskRunTemplate").unwrap_or(node);
            match (run.get("podTemplate"), run.get("serviceAccountName")) {
                (Some(template), _) => [Some(template), Some(run)],
                (None, Some(_)) => [Some(run), nearest],
                (None, None) => open.shared,
            }
        }
        _ => open.shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Case, Expect};

    fn object(api_version: &str, kind: &str, spec: &str) -> String {
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a, namespace: x}}\nspec: {spec}\n"
        )
    }

    fn workflow(spec: &str) -> String {
        object("argoproj.io/v1alpha1", "Workflow", spec)
    }

    fn task(spec: &str) -> String {
        object("tekton.dev/v1", "Task", spec)
    }

    #[track_caller]
    fn check(text: &str, rule: &str, expect: Expect) {
        Case::default().kubernetes(text).check(rule, expect);
    }

    /// Kinds of pods with the names of what is in them.
    fn pods(text: &str) -> Vec<(PodKind, Vec<String>)> {
        let node = crate::yaml::read(text, "a.yaml".into()).unwrap();
        let object = Object::of("a.yaml".into(), node);
        let names = |pod: &Pod<'_>| {
            pod.containers().iter().map(|container| container.name().to_owned()).collect()
        };
        Custom::of(&object).pods.iter().map(|pod| (pod.kind, names(pod))).collect()
    }

    #[test]
    fn containers_of_workflows_and_tasks_are_containers() {
        let privileged = "image: r.io/a:1, securityContext: {privileged: true}";
        for spec in [
            "{templates: [{name: t, container: {CONTAINER}}]}",
            "{templates: [{name: t, script: {source: x, CONTAINER}}]}",
            "{templates: [{name: t, containerSet: {containers: [{name: c, CONTAINER}]}}]}",
            "{templates: [{name: t, container: {image: b}, sidecars: [{name: s, CONTAINER}]}]}",
            "{templates: [{name: t, container: {image: b}, initContainers: [{name: s, CONTAINER}]}]}",
            "{templates: [{name: t, steps: [[{name: s, inline: {container: {CONTAINER}}}]]}]}",
            "{templateDefaults: {container: {CONTAINER}}}",
        ] {
            let bad = workflow(&spec.replace("CONTAINER", privileged));
            check(&bad, "K8S-001", Expect::Fail);
            assert_eq!(Case::default().kubernetes(&bad).places("K8S-001").len(), 1, "{bad}");
            check(
                &workflow(&spec.replace("CONTAINER", "image: r.io/a:1")),
                "K8S-001",
                Expect::Pass,
            );
        }
        let cron = object(
            "argoproj.io/v1alpha1",
            "CronWorkflow",
            &format!("{{workflowSpec: {{templates: [{{container: {{{privileged}}}}}]}}}}"),
        );
        check(&cron, "K8S-001", Expect::Fail);
        for spec in [
            "{steps: [{name: t, CONTAINER}]}",
            "{sidecars: [{name: t, CONTAINER}]}",
            "{stepTemplate: {securityContext: {privileged: true}}, steps: [{name: a, script: x}]}",
        ] {
            check(&task(&spec.replace("CONTAINER", privileged)), "K8S-001", Expect::Fail);
        }
        let run = object(
            "tekton.dev/v1",
            "PipelineRun",
            &format!("{{pipelineSpec: {{tasks: [{{taskSpec: {{steps: [{{{privileged}}}]}}}}]}}}}"),
        );
        check(&run, "K8S-001", Expect::Fail);
    }

    #[test]
    fn what_a_workflow_has_in_common_holds_for_its_steps() {
        let good = "securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}";
        let step = "{name: t, container: {name: main, image: r.io/a:1}}";
        let text = workflow(&format!(
            "{{automountServiceAccountToken: false, {good}, templates: [{step}]}}"
        ));
        for rule in ["K8S-006", "K8S-007", "K8S-009", "K8S-014", "K8S-042"] {
            check(&text, rule, Expect::Pass);
        }
        // A step's own takes its place, all of it.
        let own = text.replace("{name: t,", "{name: t, securityContext: {runAsUser: 0},");
        for rule in ["K8S-006", "K8S-009"] {
            check(&own, rule, Expect::Fail);
        }
        // What is wrong in common is said for each container, and once for the workflow.
        let host = text.replace("templates:", "hostNetwork: true, templates:");
        assert_eq!(Case::default().kubernetes(&host).places("K8S-002"), [(4, 174)]);
        assert_eq!(
            pods(&host),
            [(PodKind::Shared, vec![]), (PodKind::Whole, vec!["main".to_owned()])]
        );
    }

    #[test]
    fn what_a_run_says_holds_for_its_task_and_a_task_alone_leaves_it_open() {
        let steps = "{steps: [{name: s, image: r.io/a:1}]}";
        let run = |more: &str| {
            object("tekton.dev/v1", "TaskRun", &format!("{{{more}, taskSpec: {steps}}}"))
        };
        let good = "podTemplate: {automountServiceAccountToken: false, securityContext: {runAsUser: 10001}}";
        for rule in ["K8S-006", "K8S-014"] {
            check(&run(good), rule, Expect::Pass);
        }
        check(&run("podTemplate: {securityContext: {runAsUser: 0}}"), "K8S-006", Expect::Fail);
        check(&run("podTemplate: {hostNetwork: true}"), "K8S-002", Expect::Fail);
        check(&run("serviceAccountName: default"), "K8S-014", Expect::Fail);
        check(&task(steps), "K8S-014", Expect::Unknown);
        let template = "stepTemplate: {securityContext: {allowPrivilegeEscalation: false}}";
        let with = steps.replace("{steps", &format!("{{{template}, steps"));
        check(&task(&with), "K8S-005", Expect::Pass);
        check(&task(steps), "K8S-005", Expect::Fail);
    }

    #[test]
    fn parts_of_pods_are_judged_by_what_they_say() {
        let custom = |spec: &str| object("example.com/v1", "Thing", spec);
        for (rule, spec) in [
            ("K8S-001", "{driver: {securityContext: {privileged: true}}}"),
            ("K8S-002", "{pod: {hostPID: true}}"),
            ("K8S-003", "{volumes: [{name: v, hostPath: {path: /etc}}]}"),
            ("K8S-004", "{extraVolumes: [{name: v, hostPath: {path: /run/containerd}}]}"),
            ("K8S-006", "{securityContext: {runAsUser: 0}}"),
            ("K8S-008", "{securityContext: {capabilities: {add: [SYS_ADMIN]}}}"),
            ("K8S-009", "{securityContext: {seccompProfile: {type: Unconfined}}}"),
            ("K8S-012", "{image: r.io/a:1, ports: [{hostPort: 80}]}"),
            ("K8S-044", "{image: r.io/a:1, args: [--enable-skip-login]}"),
            ("K8S-044", "{image: r.io/a:1, command: 'x --enable-skip-login'}"),
            ("K8S-045", "{hostIPC: true}"),
            ("SEC-009", "{image: r.io/a:1, env: [{name: DB_PASSWORD, value: hunter2}]}"),
            ("SEC-009", "{image: r.io/a:1, env: {DB_PASSWORD: hunter2}}"),
            ("BASE-012", "{image: r.io/a:1}"),
        ] {
            check(&custom(spec), rule, Expect::Fail);
            // That it was seen does not say that it is meant.
            let status = custom("{}") + &format!("status: {spec}\n");
            check(&status, rule, Expect::Pass);
        }
    }

    #[test]
    fn what_a_part_leaves_out_is_said_once_and_blocks_nothing() {
        let text = object(
            "monitoring.coreos.com/v1",
            "Prometheus",
            "{image: 'r.io/a:1', replicas: 2, resources: {requests: {memory: 1Gi}}, securityContext: {runAsUser: 1000}}",
        );
        let case = Case::default().kubernetes(&text);
        let found = case.findings("K8S-046");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].action, crate::Action::Warn);
        assert_eq!(case.places("K8S-046"), [(4, 7)]);
        for rule in [
            "K8S-005", "K8S-006", "K8S-007", "K8S-008", "K8S-009", "K8S-010", "K8S-011", "K8S-014",
            "K8S-015", "K8S-020", "K8S-040", "K8S-042", "K8S-045",
        ] {
            check(&text, rule, Expect::Pass);
        }
        // So is the image of an operator's own beside containers that are added.
        let beside = "{image: 'r.io/a:1', securityContext: {runAsUser: 1}, containers: [{name: c, image: b}]}";
        let case = Case::default().kubernetes(&object("x/v1", "T", beside));
        case.check("BASE-012", Expect::Fail);
        assert_eq!(case.places("BASE-012"), [(4, 15), (4, 90)]);
        assert_eq!(case.places("K8S-005"), [(4, 73)]);
        // Keys of Argo in an object of another maker's are parts.
        let step = object("x/v1", "T", "{steps: [{image: a}], container: {image: b}}");
        check(&step, "K8S-005", Expect::Pass);
        check(&step, "BASE-012", Expect::Fail);
        // Another schema is no fault, a template is.
        let text =
            object("x/v1", "T", "{image: {repository: a}, securityContext: {}, ports: {a: 1}}");
        for rule in ["K8S-012", "K8S-040", "BASE-003", "SEC-009"] {
            check(&text, rule, Expect::Pass);
        }
        let text = object("x/v1", "T", "{image: a, ports: '{{ x }}'}");
        check(&text, "K8S-012", Expect::Unknown);
        check(&object("x/v1", "T", "{selector: {image: a}, a: {b: c}}"), "K8S-046", Expect::Pass);
    }

    #[test]
    fn lists_with_gaps_and_mappings_of_containers_are_read() {
        let bad = "{image: a, securityContext: {privileged: true}}";
        for spec in [
            format!("{{containers: [null, {bad}]}}"),
            format!("{{containers: {{a: {bad}}}}}"),
            format!("{{pod: {{containers: [x, {bad}]}}}}"),
        ] {
            check(&object("x/v1", "Thing", &spec), "K8S-001", Expect::Fail);
        }
        check(&object("x/v1", "Thing", "{containers: [name]}"), "K8S-046", Expect::Pass);
    }

    #[test]
    fn what_is_not_read_is_never_fine() {
        for text in [
            object("x/v1", "Thing", "{containers: ['{{ x }}']}"),
            object("x/v1", "Thing", "{containers: '{{ toYaml x }}'}"),
            workflow(
                "{podSpecPatch: '{\"hostNetwork\": true}', templates: [{container: {image: a}}]}",
            ),
        ] {
            check(&text, "K8S-046", Expect::Unknown);
            let found = Case::default().kubernetes(&text).findings("K8S-046");
            assert_eq!(found[0].action, crate::Action::Deny, "{text}");
        }
    }

    #[test]
    fn patterns_for_others_run_nothing() {
        let spec = "{privileged: false, hostNetwork: true, securityContext: {privileged: true}}";
        check(&object("policy/v1beta1", "PodSecurityPolicy", spec), "K8S-002", Expect::Pass);
        check(&object("kyverno.io/v1", "ClusterPolicy", spec), "K8S-001", Expect::Pass);
        let pattern = "{volumes: [{hostPath: {path: '!/var/run/docker.sock'}}]}";
        check(&object("kyverno.io/v1", "ClusterPolicy", pattern), "K8S-003", Expect::Pass);
        let source = object("image.toolkit.fluxcd.io/v1", "ImageRepository", "{image: r.io/a}");
        check(&source, "BASE-010", Expect::Pass);
    }
}
