//! A pod and its containers.

use super::{Field, Object, look};
use crate::yaml::{At, Node, Value};

/// What a pod is made from, as a template or by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pod<'a> {
    /// The object that describes it.
    pub(crate) object: &'a Object,
    /// What holds its metadata, where that is known.
    template: Option<&'a Node>,
    /// Its specification.
    pub(crate) spec: &'a Node,
}

/// Labels of a pod.
#[derive(Debug)]
pub(crate) enum Labels<'a> {
    /// These.
    Known(Vec<(&'a str, &'a str)>),
    /// They can not be told.
    Untold,
}

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerKind {
    /// Before the others, or beside them.
    Init,
    /// As long as the pod.
    Main,
    /// While somebody looks for a fault.
    Ephemeral,
}

/// A container of a pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'a> {
    /// The pod.
    pub(crate) pod: Pod<'a>,
    /// When it runs.
    pub(crate) kind: ContainerKind,
    /// All of it.
    pub(crate) node: &'a Node,
}

const LISTS: [(&str, ContainerKind); 3] = [
    ("initContainers", ContainerKind::Init),
    ("containers", ContainerKind::Main),
    ("ephemeralContainers", ContainerKind::Ephemeral),
];

impl<'a> Pod<'a> {
    pub(super) const fn new(
        object: &'a Object,
        template: Option<&'a Node>,
        spec: &'a Node,
    ) -> Self {
        Self { object, template, spec }
    }

    /// Where it stands.
    pub(crate) const fn at(&self) -> At {
        self.spec.at
    }

    /// A value of its specification.
    pub(crate) fn field(&self, path: &[&str]) -> Field<'a, &'a Node> {
        look(self.spec, path)
    }

    /// An annotation, and all of them.
    pub(crate) fn annotations(&self) -> Field<'a, &'a Node> {
        self.template.map_or(Field::Absent, |node| look(node, &["metadata", "annotations"]))
    }

    /// Its containers of all kinds, in the order in which they run.
    pub(crate) fn containers(&self) -> Vec<Container<'a>> {
        let pod = *self;
        let of = |(key, kind): &(&str, ContainerKind)| {
            let kind = *kind;
            let items = look(pod.spec, &[key]).items().iter();
            items
                .filter(|node| matches!(node.value, Value::Map(_)))
                .map(move |node| Container { pod, kind, node })
                .collect::<Vec<_>>()
        };
        LISTS.iter().flat_map(of).collect()
    }

    /// Its volumes.
    pub(crate) fn volumes(&self) -> &'a [Node] {
        self.field(&["volumes"]).items()
    }

    /// Whether it runs on Windows, where much of a security context means nothing.
    pub(crate) fn is_windows(&self) -> bool {
        self.field(&["os", "name"]).text().known().is_some_and(|(_, name)| name == "windows")
    }

    /// Its labels.
    pub(crate) fn labels(&self) -> Labels<'a> {
        let Some(template) = self.template else { return Labels::Untold };
        match look(template, &["metadata", "labels"]).mapping() {
            Field::Untold(_) => Labels::Untold,
            Field::Absent => Labels::Known(Vec::new()),
            Field::Is(_, labels) => {
                let label = |entry: &'a crate::yaml::Entry| {
                    let text = entry.value.text().filter(|text| !super::is_template(text))?;
                    Some((entry.key.as_str(), text))
                };
                let labels: Option<Vec<_>> = labels.entries().iter().map(label).collect();
                labels.map_or(Labels::Untold, Labels::Known)
            }
        }
    }
}

impl<'a> Container<'a> {
    /// Where it stands.
    pub(crate) const fn at(&self) -> At {
        self.node.at
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &'a str {
        self.node.text_of("name").unwrap_or("without a name")
    }

    /// A value of it.
    pub(crate) fn field(&self, path: &[&str]) -> Field<'a, &'a Node> {
        look(self.node, path)
    }

    /// A value of its own security context.
    pub(crate) fn own(&self, path: &[&str]) -> Field<'a, &'a Node> {
        let context = self.field(&["securityContext"]);
        match context {
            Field::Is(_, node) => look(node, path),
            Field::Absent | Field::Untold(_) => context,
        }
    }

    /// A value of its security context, or else of its pod's, as the kubelet merges them.
    pub(crate) fn merged(&self, path: &[&str]) -> Field<'a, &'a Node> {
        let pod = self.pod.field(&["securityContext"]);
        let pod = match pod {
            Field::Is(_, node) => look(node, path),
            Field::Absent | Field::Untold(_) => pod,
        };
        self.own(path).or(pod)
    }
}
