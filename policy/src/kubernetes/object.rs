//! One object.

use super::{Field, Pod, Problem, custom::Custom, look};
use crate::{
    manifests::{PODS, TEXTS},
    yaml::{Node, Value},
};
use camino::{Utf8Path, Utf8PathBuf};

/// An object, as its manifest has it.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// Its file.
    pub(crate) path: Utf8PathBuf,
    /// All of it.
    pub(crate) node: Node,
    /// `Deployment`; empty where it has none.
    pub(crate) kind: String,
    /// `apps/v1`; empty where it has none.
    pub(crate) api_version: String,
}

impl Object {
    pub(super) fn of(path: &Utf8Path, node: Node) -> Self {
        let text = |key| node.text_of(key).unwrap_or_default().to_owned();
        let (kind, api_version) = (text("kind"), text("apiVersion"));
        Self { path: path.to_owned(), node, kind, api_version }
    }

    /// The objects of a list, which is left without them.
    pub(super) fn take_items(&mut self) -> Option<Vec<Node>> {
        if !self.kind.ends_with("List") {
            return None;
        }
        let Value::Map(entries) = &mut self.node.value else { return None };
        let items = entries.iter_mut().find(|entry| entry.key == "items")?;
        let Value::List(items) = &mut items.value.value else { return None };
        Some(std::mem::take(items))
    }

    /// An object in this list, whose kind may be said by the list alone.
    pub(super) fn item(&self, node: Node) -> Self {
        let item = Self::of(&self.path, node);
        match self.kind.strip_suffix("List") {
            Some(kind) if item.kind.is_empty() && !kind.is_empty() => {
                Self { kind: kind.to_owned(), api_version: self.api_version.clone(), ..item }
            }
            _ => item,
        }
    }

    /// The group of its kind; the version where it has none (`v1`).
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(group, _)| group)
    }

    /// Whether it is of this kind, whatever its version.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group() == group
    }

    /// What people call it.
    pub(crate) fn name(&self) -> String {
        let text = |key| look(&self.node, &["metadata", key]).text().known().map(|(_, text)| text);
        let name = text("name").or_else(|| text("generateName")).unwrap_or("without a name");
        let kind = if self.kind.is_empty() { "an object" } else { &self.kind };
        match text("namespace") {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    }

    /// What it says of its namespace.
    pub(crate) fn namespace(&self) -> Field<'_, &str> {
        look(&self.node, &["metadata", "namespace"]).text()
    }

    /// The value at a path of keys.
    pub(crate) fn field(&self, path: &[&str]) -> Field<'_, &Node> {
        look(&self.node, path)
    }

    /// Where the specification of its pod is, in an object of a kind that is known to have one.
    fn pod_path(&self) -> Option<&'static [&'static str]> {
        let mut known = PODS.iter();
        known
            .find(|(kind, groups, _)| *kind == self.kind && groups.contains(&self.group()))
            .map(|(_, _, path)| *path)
    }

    /// The pods that it describes; of a kind that is not known, everything in it that says something of one.
    pub(crate) fn pods(&self) -> Vec<Pod<'_>> {
        if let Some(path) = self.pod_path() {
            let above = path.split_last().map(|(_, above)| above).unwrap_or_default();
            let spec = look(&self.node, path).mapping().known();
            let template = look(&self.node, above).known().map(|(_, node)| node);
            return spec.map(|(_, spec)| Pod::new(self, template, spec)).into_iter().collect();
        }
        if !self.is_custom() {
            return Vec::new();
        }
        Custom::of(self).pods
    }

    /// Whether its kind is one that is not known, and may hold anything.
    pub(super) fn is_custom(&self) -> bool {
        self.pod_path().is_none() && !TEXTS.contains(&(self.kind.as_str(), self.group()))
    }

    /// Volumes with a directory of the host: those of its pod, or everything that looks like one.
    pub(crate) fn host_volumes(&self) -> Vec<&Node> {
        if self.is_custom() {
            return Custom::of(self).host_volumes;
        }
        let pods = self.pods().into_iter().flat_map(|pod| pod.volumes());
        pods.filter(|volume| !matches!(look(volume, &["hostPath"]), Field::Absent)).collect()
    }

    /// Why what it runs can not be told.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = |at, why: &str| {
            let (path, what, why) = (self.path.clone(), self.name(), why.to_owned());
            Some(Problem { path, at, what, why })
        };
        if self.kind.is_empty() || self.api_version.is_empty() {
            let why = "it has no kind and version of an object of Kubernetes";
            return problem(self.node.at, why);
        }
        if self.is("kustomize.config.k8s.io", "Kustomization") {
            let why = "other files are named: give what `kubectl kustomize` prints";
            return problem(self.node.at, why);
        }
        let Some(path) = self.pod_path() else {
            let unreadable = Custom::of(self).unreadable.filter(|_| self.is_custom())?;
            return problem(unreadable.at, "what it runs stands in a text that is not read here");
        };
        let Some((_, spec)) = look(&self.node, path).mapping().known() else {
            let at = self.field(path.get(..1).unwrap_or_default()).at(self.node.at);
            return problem(at, &format!("it has no `{}`", path.join(".")));
        };
        let lists = ["containers", "initContainers", "ephemeralContainers"].map(|key| {
            let list = look(spec, &[key]);
            let is_read = |node: &Node| matches!(node.value, Value::Map(_));
            (list.list().untold().is_none() && list.items().iter().all(is_read), list.items().len())
        });
        let is_read = lists.iter().all(|(is_read, _)| *is_read);
        let is_empty = lists.iter().all(|(_, count)| *count == 0);
        if is_empty || !is_read {
            return problem(spec.at, "its pod has no containers that can be read");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(text: &str) -> Vec<u32> {
        let object = Object::of("a.yaml".into(), crate::yaml::read(text, "a.yaml".into()).unwrap());
        object.pods().iter().map(|pod| pod.spec.at.line).collect()
    }

    #[test]
    fn an_object_of_an_unknown_kind_is_looked_through() {
        let text = "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      containers: [{image: a}]\nstatus:\n  template: {containers: [{image: b}]}\n";
        assert_eq!(pods(text), [6]);
        let text = "apiVersion: v1\nkind: ConfigMap\ndata: {containers: [{image: a}]}\n";
        assert_eq!(pods(text), [0; 0]);
        let text = "apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate: {spec: {template: {spec:\n    {containers: [{image: a}]}}}}\n";
        assert_eq!(pods(text), [5]);
        let text = "apiVersion: x/v1\nkind: Two\na: {containers: [{image: a}]}\nb: {initContainers: [{image: a}]}\nc: {containers: [text]}\n";
        assert_eq!(pods(text), [3, 4]);
    }
}
