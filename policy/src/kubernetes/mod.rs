//! What Kubernetes manifests say, as the rules look at it: objects, the pods in them, and the containers of those.
//!
//! Nothing is passed over: a file, a document or a value that can not be read is a [`Problem`] or a [`Field::Untold`], and
//! an object of a kind that is not known is looked through for pods and parts of them.
//! <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/>

mod custom;
mod field;
mod object;
mod pod;
mod select;
pub(crate) mod standards;

pub(crate) use field::{Field, is_template, look};
pub(crate) use object::Object;
pub(crate) use pod::{Container, ContainerKind, Labels, Pod, PodKind};
pub(crate) use select::{is_everything, may_share, selects};

use crate::{
    dockerfile::{Input, InputKind, Position, Source},
    facts::{Facts, SourceFile},
    yaml::{self, At, Node, Value},
};
use camino::Utf8PathBuf;
use plimsoll_model::finding::Place;

/// The most objects of one file that are judged.
const OBJECTS: usize = 5_000;
/// The most documents of one file that are read one by one, where the file as a whole can not be read.
const DOCUMENTS: usize = 1_000;

/// Everything that the given manifests describe.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster {
    /// The objects, in the order of the files.
    pub(crate) objects: Vec<Object>,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
    /// The images that containers and volumes name.
    pub(crate) images: Vec<(Place, Input)>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: Utf8PathBuf,
    pub(crate) at: At,
    /// What it is (`Deployment web`, `the document`).
    pub(crate) what: String,
    /// Why it could not be read.
    pub(crate) why: String,
}

impl Cluster {
    /// What the manifests describe together: those that are given, else those of a record.
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        match facts.recorded_manifests.filter(|_| facts.manifests.is_empty()) {
            Some(recorded) => recorded.cluster().clone().judged(),
            None => Self::read(facts.manifests).judged(),
        }
    }

    /// The images that the containers and volumes of these manifests name.
    pub(crate) fn images_of(manifests: &[SourceFile]) -> Vec<Input> {
        let images = Self::read(manifests).judged().images;
        images.into_iter().map(|(_, input)| input).collect()
    }

    /// What stands in these manifests, not yet judged.
    pub(crate) fn read(manifests: &[SourceFile]) -> Self {
        let mut cluster = Self::default();
        for manifest in manifests {
            for document in cluster.documents(manifest) {
                cluster.add(manifest, document);
            }
        }
        cluster
    }

    /// The same, with what can not be told of its objects, and with the images that they name.
    fn judged(mut self) -> Self {
        let problems = self.objects.iter().filter_map(Object::problem).collect::<Vec<_>>();
        self.problems.extend(problems);
        self.images = self.pods().flat_map(|pod| images(&pod)).collect();
        self
    }

    /// Every pod that the objects describe.
    pub(crate) fn pods(&self) -> impl Iterator<Item = Pod<'_>> {
        self.objects.iter().flat_map(Object::pods)
    }

    /// Objects of one kind, whatever the version of its group.
    pub(crate) fn of_kind<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(move |object| object.is(group, kind))
    }

    /// The documents of a file; where one can not be read, the others are nevertheless.
    fn documents(&mut self, manifest: &SourceFile) -> Vec<Node> {
        let error = match yaml::read_all(&manifest.text, &manifest.path) {
            Ok(documents) => return documents,
            Err(error @ crate::Error::TooLarge { .. }) => {
                let at = At { line: 1, column: 1 };
                self.problem(manifest, at, "the file", error.to_string());
                return Vec::new();
            }
            Err(error) => error,
        };
        let parts = parts(&manifest.text);
        if parts.len() > DOCUMENTS {
            let at = At { line: 1, column: 1 };
            self.problem(manifest, at, "the file", error.to_string());
            return Vec::new();
        }
        let mut documents = Vec::new();
        for (lines, text) in parts {
            match yaml::read_all(text, &manifest.path) {
                Ok(read) => documents.extend(read.into_iter().map(|mut node| {
                    node.shift(lines);
                    node
                })),
                Err(crate::Error::Invalid { line, column, message, .. }) => {
                    let at = At { line: line.saturating_add(lines), column };
                    self.problem(manifest, at, "the document", message);
                }
                Err(error) => {
                    let at = At { line: lines.saturating_add(1), column: 1 };
                    self.problem(manifest, at, "the document", error.to_string());
                }
            }
        }
        documents
    }

    /// The object of a document, or the objects of the list that it is.
    fn add(&mut self, manifest: &SourceFile, document: Node) {
        let before = self.objects.len();
        let mut pending = vec![Object::of(&manifest.path, document)];
        while let Some(mut object) = pending.pop() {
            if matches!(object.node.value, Value::Null) {
                continue;
            }
            if let Some(items) = object.take_items() {
                // The first last, because the last is taken up next.
                pending.extend(items.into_iter().rev().map(|item| object.item(item)));
            } else if self.objects.len().saturating_sub(before) >= OBJECTS {
                let why = format!("more than {OBJECTS} objects");
                return self.problem(manifest, object.node.at, "the document", why);
            } else {
                self.objects.push(object);
            }
        }
    }

    fn problem(&mut self, manifest: &SourceFile, at: At, what: &str, why: String) {
        let path = manifest.path.clone();
        self.problems.push(Problem { path, at, what: what.to_owned(), why });
    }
}

/// The documents of a file as texts, each with the number of lines before it. `---` at the beginning of a line ends a document
/// wherever it stands, also in a text: <https://yaml.org/spec/1.2.2/#912-document-markers>.
fn parts(text: &str) -> Vec<(u32, &str)> {
    let mut starts = vec![(0_u32, 0_usize)];
    let (mut line, mut offset) = (0_u32, 0_usize);
    for whole in text.split_inclusive('\n') {
        if whole.trim_end() == "---" || whole.starts_with("--- ") {
            starts.push((line, offset));
        }
        line = line.saturating_add(1);
        offset = offset.saturating_add(whole.len());
    }
    let ends = starts.iter().skip(1).map(|(_, offset)| *offset).chain([text.len()]);
    let part = |((line, start), end): (&(u32, usize), usize)| {
        text.get(*start..end).map(|text| (*line, text))
    };
    starts.iter().zip(ends).filter_map(part).collect()
}

/// The images of a pod's containers and volumes.
fn images(pod: &Pod<'_>) -> Vec<(Place, Input)> {
    let containers = pod.containers().into_iter().map(|container| container.field(&["image"]));
    let volumes = pod.volumes().iter().map(|volume| look(volume, &["image", "reference"]));
    let image = |field: Field<'_, &Node>| {
        let (At { line, column }, written, source) = match field.text() {
            Field::Absent => return None,
            Field::Is(at, written) => {
                let source = written.parse().map_or_else(Source::Malformed, Source::Image);
                (at, written.to_owned(), source)
            }
            Field::Untold(node) => {
                let written = node.text().map_or_else(|| node.value.describe(), str::to_owned);
                (node.at, written.clone(), Source::Unresolved { variable: written })
            }
        };
        let place = Place::Source { path: pod.object.path.clone(), line, column };
        let at = Position { line, column };
        Some((place, Input { kind: InputKind::Pod, at, written, source }))
    };
    containers.chain(volumes).filter_map(image).collect()
}

#[cfg(test)]
mod good;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Cluster {
        Cluster::read(&[SourceFile { path: "app.yaml".into(), text: text.to_owned() }]).judged()
    }

    fn names(cluster: &Cluster) -> Vec<(String, u32)> {
        cluster.objects.iter().map(|object| (object.name(), object.node.at.line)).collect()
    }

    fn problems(text: &str) -> Vec<(u32, String)> {
        let problem =
            |problem: &Problem| (problem.at.line, format!("{}: {}", problem.what, problem.why));
        read(text).problems.iter().map(problem).collect()
    }

    #[test]
    fn documents_lists_and_json_are_read_with_their_places() {
        let text = "---\n# Source: chart/templates/a.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n---\nkind: List\napiVersion: v1\nitems:\n  - kind: Service\n    apiVersion: v1\n    metadata: {name: b, namespace: x}\n---\nkind: ServiceList\napiVersion: v1\nitems: [{metadata: {name: c}}]\n";
        let of = |name: &str, line| (name.to_owned(), line);
        assert_eq!(
            names(&read(text)),
            [of("Service a", 3), of("Service x/b", 11), of("Service c", 17)]
        );
        let json = "{\n \"apiVersion\": \"v1\",\n \"kind\": \"Service\",\n \"metadata\": {\"name\": \"j\"}}";
        assert_eq!(names(&read(json)), [of("Service j", 1)]);
    }

    #[test]
    fn a_document_that_can_not_be_read_hides_no_other() {
        let good = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
        let text = format!("{good}---\nkind: {{{{ .Values.kind }}}}\n---\n{good}");
        let cluster = read(&text);
        assert_eq!(names(&cluster), [("Service a".to_owned(), 1), ("Service a".to_owned(), 7)]);
        assert_eq!(cluster.problems.len(), 1);
        assert_eq!(cluster.problems[0].at.line, 5);
    }

    #[test]
    fn what_is_no_object_is_told() {
        let no_kind = "it has no kind and version of an object of Kubernetes";
        assert_eq!(problems("a: 1"), [(1, format!("an object without a name: {no_kind}"))]);
        assert_eq!(problems("[]"), [(1, format!("an object without a name: {no_kind}"))]);
        assert_eq!(
            problems("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}"),
            [(4, "Deployment x: it has no `spec.template.spec`".to_owned())]
        );
        assert_eq!(
            problems("apiVersion: v1\nkind: Pod\nspec: {containers: x}"),
            [(3, "Pod without a name: its pod has no containers that can be read".to_owned())]
        );
        assert_eq!(problems("---\n---\n"), []);
    }

    #[test]
    fn what_is_boundless_is_told_and_not_read() {
        let deep = format!("kind: X\napiVersion: v1\nspec: {}1{}", "[".repeat(70), "]".repeat(70));
        let many = "---\n{kind: {{\n".repeat(1_001);
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d]\n";
        for text in [deep.as_str(), &many, bomb] {
            let cluster = read(text);
            assert_eq!((cluster.objects.len(), cluster.problems.len()), (0, 1), "{text:.60}");
        }
        let items = "{apiVersion: v1, kind: A}, ".repeat(5_001);
        let cluster = read(&format!("kind: List\napiVersion: v1\nitems: [{items}]"));
        assert_eq!((cluster.objects.len(), cluster.problems.len()), (5_000, 1));
    }
}
