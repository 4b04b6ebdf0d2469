//! What the rules about manifests of Kubernetes have in common.

use super::{Raised, RuleContext};
use crate::{
    kubernetes::{Container, ContainerKind, Field, Object, Pod, look},
    yaml::{At, Node},
};
use plimsoll_model::finding::Place;

/// Something in a manifest that is judged.
pub(super) trait Part {
    /// The object that it is, or is in.
    fn object(&self) -> &Object;
    /// What people call it.
    fn name(&self) -> String;
}

impl Part for Object {
    fn object(&self) -> &Object {
        self
    }

    fn name(&self) -> String {
        Self::name(self)
    }
}

impl Part for Pod<'_> {
    fn object(&self) -> &Object {
        self.object
    }

    fn name(&self) -> String {
        self.object.name()
    }
}

impl Part for Container<'_> {
    fn object(&self) -> &Object {
        self.pod.object
    }

    fn name(&self) -> String {
        let object = self.pod.object.name();
        if self.kind == ContainerKind::Unknown {
            return object;
        }
        format!("{object}, container {}", Container::name(self))
    }
}

/// Every container of every pod, and every part of an object of an unknown kind that may be one.
pub(super) fn containers<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = Container<'a>> {
    context.cluster().pods().flat_map(|pod| pod.containers())
}

/// Those of which it is known what they leave out: for rules that miss something.
pub(super) fn whole_containers<'a>(
    context: &RuleContext<'a>,
) -> impl Iterator<Item = Container<'a>> {
    containers(context).filter(Container::is_whole)
}

/// Every pod of which it is known what it leaves out.
pub(super) fn whole_pods<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = Pod<'a>> {
    context.cluster().pods().filter(Pod::is_whole)
}

/// A place in the file of a part.
pub(super) fn place(part: &impl Part, at: At) -> Place {
    Place::Source { path: part.object().path.clone(), line: at.line, column: at.column }
}

/// The defect is there: `what` follows the name of the part (`is privileged`).
pub(super) fn fail(
    context: &RuleContext<'_>,
    (part, at): (&impl Part, At),
    what: &str,
    found: impl Into<String>,
    expected: &str,
) -> Raised {
    context.fail(place(part, at), format!("{} {what}", part.name()), found, expected)
}

/// It can not be told whether it is there, because of what stands in its place.
pub(super) fn untold(
    context: &RuleContext<'_>,
    (part, node): (&impl Part, &Node),
    what: &str,
    expected: &str,
) -> Raised {
    let found = format!("{}, which can not be read here", node.value.describe());
    unclear(context, (part, node.defined), what, found, expected)
}

/// It can not be told whether it is there, for a reason.
pub(super) fn unclear(
    context: &RuleContext<'_>,
    (part, at): (&impl Part, At),
    what: &str,
    found: impl Into<String>,
    expected: &str,
) -> Raised {
    let title = format!("it can not be told whether {} {what}", part.name());
    context.unknown(place(part, at), title, found, expected)
}

/// The defect is that a switch is on.
pub(super) fn switched_on(
    context: &RuleContext<'_>,
    part: &impl Part,
    (key, field): (&str, Field<'_, &Node>),
    what: &str,
) -> Option<Raised> {
    let expected = format!("no `{key}`, or `{key}: false`");
    match field.boolean() {
        Field::Is(at, true) => {
            Some(fail(context, (part, at), what, format!("`{key}: true`"), &expected))
        }
        Field::Is(_, false) | Field::Absent => None,
        Field::Untold(node) => Some(untold(context, (part, node), what, &expected)),
    }
}

/// The defect is that a switch does not have this value.
pub(super) fn not_set_to(
    context: &RuleContext<'_>,
    (part, at): (&impl Part, At),
    (key, field, value): (&str, Field<'_, &Node>, bool),
    what: &str,
) -> Option<Raised> {
    let expected = format!("`{key}: {value}`");
    match field.boolean() {
        Field::Is(_, found) if found == value => None,
        Field::Is(at, found) => {
            Some(fail(context, (part, at), what, format!("`{key}: {found}`"), &expected))
        }
        Field::Absent => Some(fail(context, (part, at), what, format!("no `{key}`"), &expected)),
        Field::Untold(node) => Some(untold(context, (part, node), what, &expected)),
    }
}

/// Paths of the host that volumes of pods, persistent volumes, and volumes in objects of unknown kinds are.
pub(super) fn host_paths<'a>(
    context: &RuleContext<'a>,
) -> impl Iterator<Item = (&'a Object, Field<'a, &'a Node>)> {
    let volumes = context.cluster().objects.iter().flat_map(|object| {
        let volumes = object.host_volumes().into_iter();
        volumes.map(move |volume| (object, path_of(look(volume, &["hostPath"]))))
    });
    let local = context.cluster().of_kind("v1", "PersistentVolume");
    let local = local.map(|object| (object, path_of(object.field(&["spec", "local"]))));
    volumes.chain(local).filter(|(_, field)| !matches!(field, Field::Absent))
}

fn path_of<'a>(volume: Field<'a, &'a Node>) -> Field<'a, &'a Node> {
    match volume {
        // Without a path it is no volume that Kubernetes takes, and nothing that can be told.
        Field::Is(_, node) => match look(node, &["path"]) {
            Field::Absent => Field::Untold(node),
            path @ (Field::Is(..) | Field::Untold(_)) => path,
        },
        Field::Absent | Field::Untold(_) => volume,
    }
}

/// What the tests of these rules have in common.
#[cfg(test)]
pub(super) mod testing {
    use crate::rules::testing::{Case, Expect};

    /// A pod with this specification.
    pub(in crate::rules) fn pod(spec: &str) -> Case {
        Case::default().kubernetes(&object("v1", "Pod", &format!("spec: {spec}")))
    }

    /// A pod with one container that has these fields too.
    pub(in crate::rules) fn container(fields: &str) -> Case {
        pod(&format!("{{containers: [{{name: c, image: r.io/a:1, {fields}}}]}}"))
    }

    /// A manifest of the object `a` in the namespace `x`.
    pub(in crate::rules) fn object(version: &str, kind: &str, rest: &str) -> String {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a, namespace: x}}\n{rest}\n"
        )
    }

    /// Asserts that a rule fails at these places, wherever the object stands in a file.
    #[track_caller]
    pub(in crate::rules) fn placed(rule: &str, object: &str, expect: &[(u32, u32)]) {
        let alone = Case::default().kubernetes(object);
        alone.check(rule, Expect::Fail);
        assert_eq!(alone.places(rule), expect);
        let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n";
        let third = Case::default().kubernetes(&format!("{other}{other}{object}"));
        let moved: Vec<_> = expect.iter().map(|(line, column)| (line + 8, *column)).collect();
        let of = |case: &Case| {
            let places = case.places(rule).into_iter();
            places.filter(|(line, _)| *line > 8).collect::<Vec<_>>()
        };
        assert_eq!(of(&third), moved, "in the third document");
        let item = object.trim_end().replace('\n', "\n    ");
        let list = format!("{}apiVersion: v1\nkind: List\nitems:\n  - {item}\n", "\n".repeat(8));
        let moved: Vec<_> = expect.iter().map(|(line, column)| (line + 11, column + 4)).collect();
        assert_eq!(of(&Case::default().kubernetes(&list)), moved, "in a list");
    }
}
