//! What the compose files that are given come to: projects, with their services as they would run.
//!
//! Files are read as `docker compose` reads them: merge keys and anchors, variables, `extends`, `include`, and files laid over
//! others. Every profile counts. Nothing that is not given is looked for; where a part is missing, that is a problem of the
//! project and its rules can not pass it over.
//!
//! Format: <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.

mod dotenv;
mod files;
mod interpolate;
mod load;
mod merge;
mod paths;
mod service;
mod tree;

pub(crate) use dotenv::assignments;
pub(crate) use interpolate::{HOLE, Origin, expand};
pub(crate) use load::projects;
pub(crate) use paths::{Exposure, Looked};
pub(crate) use service::{Mount, Port, Service};
pub(crate) use tree::{Entry, Node, Spot, Told, Value};

use crate::{
    dockerfile::Input,
    facts::{Checkout, SourceFile},
};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use plimsoll_model::finding::Place;
use std::collections::BTreeMap;

/// The services that one call of `docker compose` would start.
#[derive(Debug)]
pub(crate) struct Project {
    /// Every file that was given, of this and of other projects; a [`Spot`] has the position.
    pub(crate) paths: Vec<Utf8PathBuf>,
    /// The services, in the order of the files.
    pub(crate) services: Vec<Service>,
    /// The networks by their names.
    pub(crate) networks: BTreeMap<String, Node>,
    /// Everything, merged.
    pub(crate) root: Node,
    /// The images that services run and that are not built here.
    pub(crate) images: Vec<(Place, Input)>,
    /// Where the files are.
    pub(crate) checkout: Option<Checkout>,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
}

/// Something of a project that can not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where.
    pub(crate) at: Spot,
    /// Why. With text from the file: not yet fit for a terminal.
    pub(crate) message: String,
}

impl Project {
    /// The place that a finding names.
    pub(crate) fn place(&self, at: Spot) -> Place {
        let path = self.paths.get(at.file).cloned().unwrap_or_default();
        Place::Source { path, line: at.line, column: at.column }
    }

    /// The services that run a container: what a provider makes is none, and runs by its own rules.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| service.node.get("provider").is_none())
    }

    /// The path of what a file at `at` names relative to itself.
    pub(crate) fn beside(&self, at: Spot, name: &str) -> Utf8PathBuf {
        beside(self.paths.get(at.file).map_or(Utf8Path::new(""), |path| path), name)
    }
}

/// `name`, which stands in the file at `path`, without `.` and `..`.
fn beside(path: &Utf8Path, name: &str) -> Utf8PathBuf {
    let directory = path.parent().unwrap_or(Utf8Path::new(""));
    lexical(&directory.join(name))
}

/// A path without `.` and, as far as it can be told, without `..`.
pub(crate) fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    let mut out = Utf8PathBuf::new();
    for part in path.components() {
        if part == Utf8Component::CurDir {
            continue;
        }
        let is_up = part == Utf8Component::ParentDir;
        if is_up && out.file_name().is_some_and(|name| name != "..") {
            out.pop();
        } else {
            out.push(part);
        }
    }
    out
}

/// The file at a path, among those that are given.
pub(crate) fn given<'f>(files: &'f [SourceFile], path: &Utf8Path) -> Option<&'f SourceFile> {
    files.iter().find(|file| lexical(&file.path) == path)
}
