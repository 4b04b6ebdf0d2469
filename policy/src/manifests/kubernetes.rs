//! Images of pods in Kubernetes manifests, also in objects of kinds that are not known.
//!
//! <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#podspec-v1-core>

use super::{Found, ImageUse, documents};
use crate::{
    Error,
    yaml::{Node, Value},
};
use camino::Utf8Path;

/// Kinds with a pod in them: the group of each with its version (`v1`) or without (`apps`), and where the pod's specification is.
pub(crate) const PODS: &[(&str, &[&str], &[&str])] = &[
    ("Pod", &["v1"], &["spec"]),
    ("PodTemplate", &["v1"], &["template", "spec"]),
    ("ReplicationController", &["v1"], &["spec", "template", "spec"]),
    ("Deployment", &["apps", "extensions"], &["spec", "template", "spec"]),
    ("ReplicaSet", &["apps", "extensions"], &["spec", "template", "spec"]),
    ("StatefulSet", &["apps"], &["spec", "template", "spec"]),
    ("DaemonSet", &["apps", "extensions"], &["spec", "template", "spec"]),
    ("Job", &["batch"], &["spec", "template", "spec"]),
    ("CronJob", &["batch"], &["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// Kinds that hold texts or schemas, in which a key `image` means nothing.
pub(crate) const TEXTS: &[(&str, &str)] =
    &[("ConfigMap", "v1"), ("Secret", "v1"), ("CustomResourceDefinition", "apiextensions.k8s.io")];

/// The lists of containers in a pod.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
/// Mappings of free names to values.
const NAMES: [&str; 5] = ["annotations", "labels", "matchLabels", "nodeSelector", "selector"];

/// Every image that Kubernetes manifests name, in any number of documents and lists of objects: of containers of all kinds,
/// and of image volumes. In an object of a kind that is not known every key `image` counts.
///
/// [`Error::Manifest`] where the file can not be read.
pub fn kubernetes(text: &str, path: &Utf8Path) -> Result<Vec<ImageUse>, Error> {
    let mut found = Found::new(path);
    let documents = documents(text, path)?;
    let mut pending: Vec<Object<'_>> = documents.iter().rev().map(Object::of).collect();
    while let Some(object) = pending.pop() {
        // An object of nothing is what stands between two separators.
        if matches!(object.node.value, Value::Null) {
            continue;
        }
        if let Some(items) = object.items() {
            // The first last, because the last is taken up next.
            pending.extend(items.iter().rev().map(|item| object.item(item)));
        } else {
            object.images(&mut found)?;
        }
    }
    Ok(found.uses)
}

/// One object.
struct Object<'a> {
    node: &'a Node,
    kind: &'a str,
    api_version: &'a str,
}

impl<'a> Object<'a> {
    fn of(node: &'a Node) -> Self {
        let text = |key| node.text_of(key).unwrap_or_default();
        Self { node, kind: text("kind"), api_version: text("apiVersion") }
    }

    /// The objects of a list.
    fn items(&self) -> Option<&'a [Node]> {
        let items = self.node.get("items").filter(|_| self.kind.ends_with("List"))?;
        matches!(items.value, Value::List(_)).then(|| items.items())
    }

    /// An object in this list, whose kind may be said by the list alone.
    fn item(&self, node: &'a Node) -> Self {
        let item = Object::of(node);
        let kind = self.kind.strip_suffix("List").unwrap_or_default();
        match (item.kind, kind) {
            ("", kind) if !kind.is_empty() => Self { kind, api_version: self.api_version, ..item },
            _ => item,
        }
    }

    fn group(&self) -> &'a str {
        self.api_version.split_once('/').map_or(self.api_version, |(group, _)| group)
    }

    /// What people call it.
    fn name(&self) -> String {
        let metadata = self.node.get("metadata");
        let text = |key| metadata.and_then(|metadata| metadata.text_of(key));
        let name = text("name").or_else(|| text("generateName")).unwrap_or("without a name");
        let kind = if self.kind.is_empty() { "an object" } else { self.kind };
        match text("namespace") {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    }

    fn images(&self, found: &mut Found<'_>) -> Result<(), Error> {
        let Object { node, kind, .. } = *self;
        if kind.is_empty() {
            let why = "it is no object of Kubernetes: it has no kind";
            found.untold(node.at, self.name(), why)?;
        }
        if kind == "Kustomization" && self.group() == "kustomize.config.k8s.io" {
            let why = "other files are named: give what `kubectl kustomize` prints";
            return found.untold(node.at, self.name(), why);
        }
        if TEXTS.contains(&(kind, self.group())) {
            return Ok(());
        }
        let known =
            PODS.iter().find(|(one, groups, _)| *one == kind && groups.contains(&self.group()));
        let Some((_, _, path)) = known else { return self.search(found) };
        match path.iter().try_fold(node, |node, key| node.get(key)) {
            Some(pod) => self.pod(found, pod),
            None => found.untold(node.at, self.name(), format!("it has no `{}`", path.join("."))),
        }
    }

    /// The images of a pod.
    fn pod(&self, found: &mut Found<'_>, pod: &Node) -> Result<(), Error> {
        let mut is_empty = true;
        for key in CONTAINERS {
            for container in pod.get(key).map(Node::items).unwrap_or_default() {
                is_empty = false;
                self.container(found, container)?;
            }
        }
        if is_empty {
            found.untold(pod.at, self.name(), "its pod has no containers")?;
        }
        for volume in pod.get("volumes").map(Node::items).unwrap_or_default() {
            if let Some(image) = volume.get("image") {
                let name = volume.text_of("name").unwrap_or("without a name");
                self.image(found, image, format!("{}, volume {name}", self.name()))?;
            }
        }
        Ok(())
    }

    fn container(&self, found: &mut Found<'_>, container: &Node) -> Result<(), Error> {
        let name = container.text_of("name").unwrap_or("without a name");
        let by = format!("{}, container {name}", self.name());
        match container.get("image") {
            Some(image) => self.image(found, image, by),
            None => found.untold(container.at, by, "it names no image"),
        }
    }

    /// What stands under a key `image`: a name, or a mapping with the name in it.
    #[expect(clippy::unused_self, reason = "it reads like its neighbours")]
    fn image(&self, found: &mut Found<'_>, image: &Node, by: String) -> Result<(), Error> {
        let name = image.get("reference").unwrap_or(image);
        if let Some(text) = name.text() {
            return found.name(name.at, by, text);
        }
        let why = format!("expected the name of an image, found {}", name.value.describe());
        found.untold(name.at, by, why)
    }

    /// Everything in an object of a kind that is not known that looks like an image.
    fn search(&self, found: &mut Found<'_>) -> Result<(), Error> {
        let mut pending: Vec<(&Node, &str)> = vec![(self.node, "")];
        while let Some((node, under)) = pending.pop() {
            if let Some(image) = node.get("image").filter(|_| !NAMES.contains(&under)) {
                let by = node.text_of("name").map(|name| format!(", {name}")).unwrap_or_default();
                self.image(found, image, format!("{}{by}", self.name()))?;
            } else if CONTAINERS.contains(&under) && matches!(node.value, Value::Map(_)) {
                self.container(found, node)?;
            }
            let below = node.entries().iter().map(|entry| (&entry.value, entry.key.as_str()));
            // Items of a list stand under the key of the list.
            let items = node.items().iter().map(|item| (item, under));
            // What runs is not said by what was seen to run.
            let is_said = |(_, key): &(&Node, &str)| !(under.is_empty() && *key == "status");
            let mut below: Vec<_> = below.chain(items).filter(is_said).collect();
            below.reverse();
            pending.extend(below);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::UsedImage;

    /// Each use as `line by: image`, or the reason after a `?`.
    fn uses(text: &str) -> Vec<String> {
        let line = |found: &ImageUse| match &found.image {
            UsedImage::Named(name) => format!("{} {}: {name}", found.line, found.by),
            UsedImage::Untold(why) => format!("{} {}? {why}", found.line, found.by),
        };
        kubernetes(text, "app.yaml".into()).unwrap().iter().map(line).collect()
    }

    #[test]
    fn every_kind_with_a_pod_is_known() {
        for (kind, version, spec) in [
            ("Pod", "v1", "{spec: POD}"),
            ("PodTemplate", "v1", "{template: {spec: POD}}"),
            ("ReplicationController", "v1", "{spec: {template: {spec: POD}}}"),
            ("Deployment", "apps/v1", "{spec: {template: {spec: POD}}}"),
            ("Deployment", "extensions/v1beta1", "{spec: {template: {spec: POD}}}"),
            ("ReplicaSet", "apps/v1", "{spec: {template: {spec: POD}}}"),
            ("StatefulSet", "apps/v1", "{spec: {template: {spec: POD}}}"),
            ("DaemonSet", "apps/v1", "{spec: {template: {spec: POD}}}"),
            ("Job", "batch/v1", "{spec: {template: {spec: POD}}}"),
            ("CronJob", "batch/v1", "{spec: {jobTemplate: {spec: {template: {spec: POD}}}}}"),
        ] {
            let pod = "{containers: [{name: a, image: r.io/a:1}], initContainers: [{name: b, image: r.io/b}],\
                ephemeralContainers: [{name: c, image: r.io/c}], volumes: [{name: d, image: {reference: r.io/d}}, {name: e, emptyDir: {}}]}";
            let spec = spec.replace("POD", pod);
            let text = format!(
                "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web, namespace: prod, labels: {{image: none}}}}\n{}\n",
                spec.strip_prefix('{').and_then(|spec| spec.strip_suffix('}')).unwrap()
            );
            let of = |part: &str| format!("4 {kind} prod/web, {part}");
            let expect = [
                "container b: r.io/b",
                "container a: r.io/a:1",
                "container c: r.io/c",
                "volume d: r.io/d",
            ];
            assert_eq!(uses(&text), expect.map(of), "{kind}");
            // The same in a list, and in a list that says the kind for all.
            let item = text.replace('\n', "\n    ");
            let list = format!("apiVersion: v1\nkind: List\nitems:\n  - {item}\n");
            assert_eq!(uses(&list).len(), 4, "{kind} in {list}");
            let item = text.lines().skip(2).collect::<Vec<_>>().join("\n    ");
            let list =
                format!("---\n---\napiVersion: {version}\nkind: {kind}List\nitems:\n  - {item}\n");
            assert_eq!(uses(&list).len(), 4, "{kind} in {list}");
        }
    }

    #[test]
    fn a_pod_that_names_no_image_is_not_passed_over() {
        let of = |rest: &str| uses(&format!("{{apiVersion: v1, kind: Pod, {rest}}}"));
        assert_eq!(
            of("spec: {containers: [{name: a}]}"),
            ["1 Pod without a name, container a? it names no image"]
        );
        assert_eq!(of("metadata: {}"), ["1 Pod without a name? it has no `spec`"]);
        assert_eq!(of("spec: {}"), ["1 Pod without a name? its pod has no containers"]);
        assert_eq!(
            of("spec: {containers: [{image: [a]}]}"),
            [
                "1 Pod without a name, container without a name? expected the name of an image, found a list"
            ]
        );
        let [found] = of("spec: {containers: [{image: 'a:${TAG}'}]}").try_into().unwrap();
        assert!(found.contains("? `a:${TAG}` names no image: "), "{found}");
    }

    #[test]
    fn images_in_unknown_kinds_are_found() {
        let text = "\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web, labels: {image: none}}
spec:
  template: {spec: {containers: [{image: r.io/a}, {name: b}]}}
status: {image: r.io/seen}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: build-}
spec:
  templates: [{name: x, container: {image: r.io/x:2}}]
---
apiVersion: example.com/v1
kind: Deployment
metadata: {name: other}
spec:
  image: {repository: r.io/y, tag: 1}
---
apiVersion: v1
kind: ConfigMap
data: {image: text}
---
apiVersion: example.com/v1
kind: ConfigMap
data: {image: r.io/z}
";
        assert_eq!(
            uses(text),
            [
                "5 Service web: r.io/a",
                "5 Service web, container b? it names no image",
                "12 Workflow build-: r.io/x:2",
                "18 Deployment other? expected the name of an image, found a mapping",
                "26 ConfigMap without a name: r.io/z",
            ]
        );
    }

    #[test]
    fn what_is_no_object_is_not_passed_over() {
        let no_kind = "it is no object of Kubernetes: it has no kind";
        assert_eq!(uses("[]"), [format!("1 an object without a name? {no_kind}")]);
        assert_eq!(uses("resources: [a.yaml]"), [format!("1 an object without a name? {no_kind}")]);
        assert_eq!(
            uses("{kind: Kustomization, apiVersion: kustomize.config.k8s.io/v1beta1}"),
            [
                "1 Kustomization without a name? other files are named: give what `kubectl kustomize` prints"
            ]
        );
        assert_eq!(uses("---\n---\n"), [""; 0]);
        assert_eq!(
            uses("{apiVersion: v1, kind: Service, spec: {selector: {image: web}}}"),
            [""; 0]
        );
    }

    #[test]
    fn what_is_broken_or_boundless_is_rejected() {
        let deep = format!("kind: X\nspec: {}1{}", "[".repeat(70), "]".repeat(70));
        let many = "---\n{kind: X}\n".repeat(1_001);
        let images = format!("kind: X\nspec: [{}]", "{image: a}, ".repeat(1_001));
        for text in ["kind: {{ .Values.kind }}", "a: 1\na: 2", &deep, &many, &images] {
            let error = kubernetes(text, "app.yaml".into()).unwrap_err();
            assert!(matches!(error, Error::Manifest { .. }), "{error:?}");
        }
    }
}
