//! The images that files of orchestrators name: what would run, wherever it stands in them.
//!
//! Nothing that may name an image is passed over: where it can not be told which one, that is part of the answer. A name is
//! always one in a registry: no manifest makes a reader open files of this machine.

mod compose;
mod kubernetes;

pub use compose::compose;
pub use kubernetes::kubernetes;
pub(crate) use kubernetes::{PODS, TEXTS};

use crate::{
    Error, SourceFile,
    dockerfile::Source,
    kubernetes::Cluster,
    yaml::{self, At, Entry, Node, Value},
};
use camino::Utf8Path;
use plimsoll_model::reference::{ImageName, Pinned, Place};
use std::collections::BTreeMap;

/// What a file of YAML or JSON is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// Services for `docker compose`.
    Compose,
    /// Objects of Kubernetes.
    Kubernetes,
}

/// The images that pods of these manifests run from a registry, by what pins them: those that are named by digest. A document that
/// can not be read hides no other; the rules say so.
pub fn pinned(files: &[SourceFile]) -> BTreeMap<Pinned, ImageName> {
    let named = Cluster::images_of(files).into_iter().filter_map(|input| match input.source {
        Source::Image(name) => {
            let place = Place::Repository(name.repository.clone());
            Some((Pinned { place, digest: name.digest? }, name))
        }
        Source::Stage(_) | Source::Scratch | Source::Malformed(_) | Source::Unresolved { .. } => {
            None
        }
    });
    named.collect()
}

/// Whether a file of this name may be one of them, so that its text is worth a look.
pub fn is_candidate(path: &Utf8Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["yaml", "yml", "json"].into_iter().any(|one| extension.eq_ignore_ascii_case(one))
}

/// What a file is for, also where it can not be read; nothing where neither its name nor its text says it is one of them.
///
/// Compose files go by their names, as for `docker compose`, and manifests of Kubernetes by what they say, as for `kubectl`: one in a
/// file with the name of a compose file is one all the same.
pub fn kind(path: &Utf8Path, text: &str) -> Option<ManifestKind> {
    is_candidate(path).then(|| seen(text, path).kind(path)).flatten()
}

/// What a file is for that somebody names and whose name is not that of another kind: where its text does not say, it is taken for
/// a manifest of Kubernetes, in which what it should be is missed.
pub fn kind_of_named(path: &Utf8Path, text: &str) -> Option<ManifestKind> {
    is_candidate(path).then(|| {
        let has = seen(text, path);
        let otherwise = if has.services { ManifestKind::Compose } else { ManifestKind::Kubernetes };
        has.kind(path).unwrap_or(otherwise)
    })
}

fn has_name_of_compose(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| {
        let is_named = |known: &str| {
            stem.strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        };
        ["compose", "docker-compose"].into_iter().any(is_named) || stem.ends_with(".compose")
    })
}

/// What a text has that tells what it is for.
struct Seen {
    /// An object of Kubernetes, in one document at least.
    object: bool,
    /// Services.
    services: bool,
}

impl Seen {
    /// What it is for, of a file with this name; nothing where neither says.
    fn kind(&self, path: &Utf8Path) -> Option<ManifestKind> {
        let is_compose = has_name_of_compose(path.file_name().unwrap_or_default());
        if is_compose && (self.services || !self.object) {
            Some(ManifestKind::Compose)
        } else {
            self.object.then_some(ManifestKind::Kubernetes)
        }
    }
}

/// What can be read is told by its keys. What can not, such as a template, is told by what looks like these, wherever it stands.
fn seen(text: &str, path: &Utf8Path) -> Seen {
    let Ok(documents) = yaml::read_all(text, path) else {
        let has = |key: &str| text.split(['\n', '\r']).any(|line| may_be_key(line, key));
        return Seen { object: has("apiVersion") && has("kind"), services: has("services") };
    };
    // What kustomize reads is no object that a cluster takes.
    let is_object = |node: &Node| {
        let version = node.get("apiVersion");
        let is_settings = version
            .and_then(Node::text)
            .is_some_and(|version| version.starts_with("kustomize.config.k8s.io/"));
        version.is_some() && node.get("kind").is_some() && !is_settings
    };
    Seen {
        object: documents.iter().any(is_object),
        services: documents.iter().any(|node| node.get("services").is_some()),
    }
}

/// Whether a line may have this key: at its beginning, or within braces.
fn may_be_key(line: &str, key: &str) -> bool {
    let is_key = |part: &str| {
        let part = part.trim_start_matches(|char: char| {
            char.is_whitespace() || matches!(char, '-' | '"' | '\'' | '?' | '\u{feff}')
        });
        part.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(':'))
    };
    line.split(['{', ',', '[']).any(is_key)
}

/// The most images that one file may name.
const IMAGES: usize = 1_000;

/// A place in a manifest where an image is named, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What would run it (`Deployment web, container app`). From the file: not yet fit for a terminal.
    pub by: String,
    /// The image.
    pub image: UsedImage,
}

/// Which image is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedImage {
    /// This one.
    Named(ImageName),
    /// One that can not be told from the file, and why. With text from the file: not yet fit for a terminal.
    Untold(String),
}

/// What was found so far.
struct Found<'a> {
    path: &'a Utf8Path,
    uses: Vec<ImageUse>,
}

impl<'a> Found<'a> {
    const fn new(path: &'a Utf8Path) -> Self {
        Self { path, uses: Vec::new() }
    }

    fn add(&mut self, at: At, by: String, image: UsedImage) -> Result<(), Error> {
        if self.uses.len() >= IMAGES {
            return Err(Error::Manifest {
                path: self.path.to_owned(),
                line: at.line,
                column: at.column,
                message: format!("more than {IMAGES} images"),
            });
        }
        self.uses.push(ImageUse { line: at.line, column: at.column, by, image });
        Ok(())
    }

    /// An image by its name, or why that is none.
    fn name(&mut self, at: At, by: String, text: &str) -> Result<(), Error> {
        let image = match text.parse() {
            Ok(name) => UsedImage::Named(name),
            Err(error) => UsedImage::Untold(format!("`{text}` names no image: {error}")),
        };
        self.add(at, by, image)
    }

    fn untold(&mut self, at: At, by: String, why: impl Into<String>) -> Result<(), Error> {
        self.add(at, by, UsedImage::Untold(why.into()))
    }
}

/// The documents of a manifest; what can not be read as a whole is rejected as a whole.
fn documents(text: &str, path: &Utf8Path) -> Result<Vec<Node>, Error> {
    yaml::read_all(text, path).map_err(|error| {
        if let Error::Invalid { path, line, column, message, .. } = error {
            Error::Manifest { path, line, column, message }
        } else {
            error
        }
    })
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// What stands under a key; nothing at all counts as no such key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.value, Value::Null)).then_some(&entry.value)
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The text under a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "apiVersion: v1\nkind: Pod\n";

    #[track_caller]
    fn check(path: &str, text: &str, expect: Option<ManifestKind>) {
        assert_eq!(kind(path.into(), text), expect, "{path}: {text:.80}");
    }

    #[test]
    fn compose_files_are_told_by_their_names() {
        for name in [
            "compose.yaml",
            "compose.yml",
            "docker-compose.yml",
            "Docker-Compose.prod.yaml",
            "compose.override.yaml",
            "docker-compose-ci.yml",
            "a/shop.compose.yaml",
        ] {
            check(name, "services: {}", Some(ManifestKind::Compose));
            check(name, "services: {", Some(ManifestKind::Compose));
            check(name, "", Some(ManifestKind::Compose));
        }
        for name in ["composer.yaml", "values.yaml", "compose.json", "Dockerfile", ".yaml"] {
            check(name, "services: {}", None);
        }
    }

    #[test]
    fn manifests_are_told_by_what_they_say_however_it_is_written() {
        let bomb = format!("a: &a [x]\n{}{POD}", "b: [*a, *a]\n".repeat(20_000));
        for text in [
            POD,
            "a: 1\n---\napiVersion: v1\nkind: Pod\n",
            "--- {apiVersion: v1, kind: Pod}\n",
            "  apiVersion: v1\n  kind: Pod\n",
            "{\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\"\n}\n",
            r#"{"\u006bind": "Pod", "api\u0056ersion": "v1"}"#,
            "\u{feff}apiVersion: v1\nkind: Pod\n",
            "apiVersion: v1\rkind: Pod\r",
            "? apiVersion\n: v1\n? kind\n: Pod\n",
            "# kustomize.config.k8s.io/\napiVersion: v1\nkind: Pod\n",
            "apiVersion: v1\nkind: {{ .Values.kind }}\n",
            "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\n{{- end }}\n",
            "--- {apiVersion: v1, kind: Pod}\n--- {{\n",
            &bomb,
            &"apiVersion: v1\nkind: Pod\n---\n".repeat(10_000),
        ] {
            check("app.yaml", text, Some(ManifestKind::Kubernetes));
            check("app.JSON", text, Some(ManifestKind::Kubernetes));
            check("app.txt", text, None);
            // By its name, it would be read as what it is not.
            check("compose.yaml", text, Some(ManifestKind::Kubernetes));
        }
        check("compose.yaml", &format!("{POD}services: {{}}"), Some(ManifestKind::Compose));
    }

    #[test]
    fn what_is_neither_is_nothing_unless_somebody_names_it() {
        for (text, expect) in [
            ("replicas: 3\n", ManifestKind::Kubernetes),
            ("a: {apiVersion: v1, kind: Pod}\n", ManifestKind::Kubernetes),
            ("a:\n- apiVersion: v1\n  kind: Pod\n", ManifestKind::Kubernetes),
            (
                "apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\n",
                ManifestKind::Kubernetes,
            ),
            ("", ManifestKind::Kubernetes),
            ("services: {a: {image: b}}", ManifestKind::Compose),
        ] {
            check("stack.yaml", text, None);
            assert_eq!(kind_of_named("stack.yaml".into(), text), Some(expect), "{text}");
        }
        assert_eq!(kind_of_named("app".into(), POD), None);
    }
}
