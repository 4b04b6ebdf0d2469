//! A pod and its containers.

use super::{
    Field, Object,
    custom::{SINGLE, STEPS, has_steps, members},
    look,
};
use crate::yaml::{At, Node, Value};

/// What a pod is made from, as a template or by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pod<'a> {
    /// The object that describes it.
    pub(crate) object: &'a Object,
    /// What holds its metadata, where that is known.
    pub(super) template: Option<&'a Node>,
    /// Its specification.
    pub(crate) spec: &'a Node,
    /// How much of a pod that is.
    pub(crate) kind: PodKind,
    /// What it has in common with other pods of the object, the nearest first.
    pub(super) shared: [Option<&'a Node>; 2],
}

/// How much of a pod is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodKind {
    /// All of it: what it leaves out is at the defaults of Kubernetes.
    Whole,
    /// What an object of an unknown kind says of a pod, or of one container: the rest is decided elsewhere.
    Part,
    /// What several pods of an object have in common. It is no container.
    Shared,
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
    /// Until it is done, as a step of a workflow or a task.
    Step,
    /// That is not known.
    Unknown,
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
    /// What holds for all steps of its task.
    template: Option<&'a Node>,
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
        Self { object, template, spec, kind: PodKind::Whole, shared: [None, None] }
    }

    /// Where it stands.
    pub(crate) const fn at(&self) -> At {
        self.spec.at
    }

    /// A value of its specification, or else of what it has in common with others. What it says itself under the first key
    /// takes the place of all that the others say under it.
    pub(crate) fn field(&self, path: &[&str]) -> Field<'a, &'a Node> {
        let first = path.get(..1).unwrap_or_default();
        let mut all = std::iter::once(self.spec).chain(self.shared.into_iter().flatten());
        let said = all.find(|node| !matches!(look(node, first), Field::Absent));
        look(said.unwrap_or(self.spec), path)
    }

    /// A value that it says itself.
    pub(crate) fn own(&self, path: &[&str]) -> Field<'a, &'a Node> {
        look(self.spec, path)
    }

    /// Whether what it leaves out is at the defaults of Kubernetes.
    pub(crate) fn is_whole(&self) -> bool {
        self.kind == PodKind::Whole
    }

    /// Whether who runs it has a say in its account and its labels: a task of Tekton is run by something else.
    pub(crate) fn is_run_by_another(&self) -> bool {
        self.object.group() == "tekton.dev" && !self.object.kind.ends_with("Run")
    }

    /// An annotation, and all of them.
    pub(crate) fn annotations(&self) -> Field<'a, &'a Node> {
        self.template.map_or(Field::Absent, |node| look(node, &["metadata", "annotations"]))
    }

    /// Its containers of all kinds, in the order in which they run.
    pub(crate) fn containers(&self) -> Vec<Container<'a>> {
        let pod = *self;
        let container = move |(kind, template, node)| Container { pod, kind, node, template };
        match self.kind {
            PodKind::Shared => return Vec::new(),
            PodKind::Part => return vec![container((ContainerKind::Unknown, None, self.spec))],
            PodKind::Whole => {}
        }
        let of = |(key, kind): &(&str, ContainerKind)| {
            let list = look(pod.spec, &[key]).known().map(|(_, list)| members(list));
            list.unwrap_or_default().into_iter().map(|node| (*kind, None, node)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = LISTS.iter().flat_map(of).collect();
        if has_steps(self.object) {
            let template = self.spec.get("stepTemplate");
            for key in STEPS {
                let template = template.filter(|_| key == "steps");
                let list = self.spec.get(key).map(members).unwrap_or_default();
                all.extend(list.into_iter().map(|node| (ContainerKind::Step, template, node)));
            }
            let single = SINGLE.iter().filter_map(|key| self.spec.get(key));
            let single = single.filter(|node| matches!(node.value, Value::Map(_)));
            all.extend(single.map(|node| (ContainerKind::Step, None, node)));
        }
        // The operator's own, beside those that are added to it.
        let is_image = self.spec.text_of("image").is_some() && self.object.is_custom();
        all.extend(is_image.then_some((ContainerKind::Unknown, None, self.spec)));
        all.into_iter().map(container).collect()
    }

    /// Its volumes.
    pub(crate) fn volumes(&self) -> &'a [Node] {
        self.own(&["volumes"]).items()
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
    /// Whether what it leaves out is at the defaults of Kubernetes.
    pub(crate) fn is_whole(&self) -> bool {
        self.kind != ContainerKind::Unknown
    }

    /// Where it stands.
    pub(crate) const fn at(&self) -> At {
        self.node.at
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &'a str {
        self.node.text_of("name").unwrap_or("without a name")
    }

    /// A value of it, or of what holds for all steps of its task.
    pub(crate) fn field(&self, path: &[&str]) -> Field<'a, &'a Node> {
        let own = look(self.node, path);
        // The operator's own way to name an image: what it makes of that is not known.
        let is_other = path == ["image"] && own.mapping().known().is_some();
        if is_other && !self.is_whole() {
            return Field::Absent;
        }
        self.template.map_or(own, |template| own.or(look(template, path)))
    }

    /// The items of a list, and what stands in place of one. In a part of an object of an unknown kind another shape is no fault.
    pub(crate) fn list(&self, path: &[&str]) -> (&'a [Node], Option<&'a Node>) {
        let field = self.field(path);
        let is_fault =
            |node: &&Node| self.is_whole() || node.text().is_some_and(super::is_template);
        (field.items(), field.list().untold().filter(is_fault))
    }

    /// A value of its own security context.
    pub(crate) fn own(&self, path: &[&str]) -> Field<'a, &'a Node> {
        self.field(&[&["securityContext"], path].concat())
    }

    /// A value of its security context, or else of its pod's, as the kubelet merges them.
    pub(crate) fn merged(&self, path: &[&str]) -> Field<'a, &'a Node> {
        self.own(path).or(self.pod.field(&[&["securityContext"], path].concat()))
    }
}
