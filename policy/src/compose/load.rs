//! From files to projects.

use super::{
    Problem, Project, Service, beside,
    interpolate::variables,
    lexical,
    merge::{merge, misshapen, normalise},
    tree::{Entry, Node, Spot, Value},
};
use crate::{Error, Facts, facts::SourceFile, yaml};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::{BTreeMap, BTreeSet};

/// The most files that are read.
const FILES: usize = 1_000;
/// The most services of one project.
const SERVICES: usize = 1_000;
/// The most values of one project, with those that come by `extends` and `include`.
const NODES: usize = 400_000;
/// The most services that one extends through others, and the most files that include each other.
const DEPTH: usize = 16;
/// What a file that is included counts as besides its values: merging looks at all that is there.
const INCLUDE: usize = 4_000;
/// The names by which `docker compose` finds a file, best first.
const NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// What the compose files of `facts` come to.
pub(crate) fn projects(facts: &Facts<'_>) -> Vec<Project> {
    if facts.compose.is_empty() {
        return Vec::new();
    }
    let files = Files::read(facts.compose, facts.env_files);
    files.roots().into_iter().map(|root| Loading::new(&files).load(&root)).collect()
}

/// All files that are given, each read once.
struct Files<'f> {
    given: &'f [SourceFile],
    trees: Vec<Result<Node, Problem>>,
    by_path: BTreeMap<Utf8PathBuf, usize>,
}

impl<'f> Files<'f> {
    fn read(given: &'f [SourceFile], env_files: &[SourceFile]) -> Self {
        let mut known: BTreeMap<Utf8PathBuf, BTreeMap<String, String>> = BTreeMap::new();
        let mut trees = Vec::new();
        let mut by_path = BTreeMap::new();
        for (number, file) in given.iter().enumerate() {
            let path = beside(&file.path, ".env");
            let variables = known.entry(path.clone()).or_insert_with(|| {
                super::given(env_files, &path).map(|file| variables(&file.text)).unwrap_or_default()
            });
            trees.push(tree(file, number, variables));
            by_path.entry(lexical(&file.path)).or_insert(number);
        }
        Self { given, trees, by_path }
    }

    fn tree(&self, number: usize) -> Option<&Node> {
        self.trees.get(number)?.as_ref().ok()
    }

    fn path(&self, number: usize) -> &'f Utf8Path {
        self.given.get(number).map_or(Utf8Path::new(""), |file| &file.path)
    }

    fn find(&self, from: usize, name: &str) -> Option<usize> {
        self.by_path.get(&beside(self.path(from), name)).copied()
    }

    /// The files of each project, each laid over those before it.
    ///
    /// Files that others extend or include are parts of these. One that is laid over another by its name
    /// (`compose.override.yaml`), or that has services without image or build, as only files that are laid over others do,
    /// goes with the file of the directory that `docker compose` would find.
    fn roots(&self) -> Vec<Vec<usize>> {
        let parts: BTreeSet<usize> = (0..self.given.len()).flat_map(|n| self.parts(n)).collect();
        let mut roots = Vec::new();
        for number in 0..self.given.len() {
            let base = self.base(number).filter(|base| *base != number);
            match base {
                // With its base, there.
                Some(_) if self.is_override(number) => {}
                Some(base) if self.is_overlay(number) => roots.push(vec![base, number]),
                _ if parts.contains(&number) => {}
                _ => {
                    let over = (0..self.given.len()).filter(|other| {
                        *other != number
                            && self.is_override(*other)
                            && self.base(*other) == Some(number)
                    });
                    roots.push(std::iter::once(number).chain(over).collect());
                }
            }
        }
        // Files that include each other in a circle are parts of each other: none is passed over.
        let mut seen: BTreeSet<usize> =
            roots.iter().flatten().flat_map(|number| self.reached(*number)).collect();
        seen.extend(roots.iter().flatten());
        for number in 0..self.given.len() {
            let is_passed_over = !seen.contains(&number) && parts.contains(&number);
            if is_passed_over && self.reached(number).contains(&number) {
                seen.extend(self.reached(number));
                roots.push(vec![number]);
            }
        }
        roots
    }

    /// The files that a file extends or includes, through others too.
    fn reached(&self, number: usize) -> BTreeSet<usize> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![number]);
        while let Some(one) = next.pop() {
            next.extend(self.parts(one).into_iter().filter(|part| seen.insert(*part)));
        }
        seen
    }

    /// The file of the same directory that `docker compose` would find.
    fn base(&self, number: usize) -> Option<usize> {
        let path = self.path(number);
        NAMES.iter().find_map(|name| self.by_path.get(&beside(path, name)).copied())
    }

    fn is_override(&self, number: usize) -> bool {
        let name = self.path(number).file_name().unwrap_or_default();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        matches!(stem, "compose.override" | "docker-compose.override")
    }

    fn is_overlay(&self, number: usize) -> bool {
        let services = self.tree(number).and_then(|tree| tree.get("services"));
        let is_partial = |entry: &Entry| {
            ["image", "build", "extends", "provider"]
                .iter()
                .all(|key| entry.value.get(key).is_none())
        };
        services.is_some_and(|services| services.entries().iter().any(is_partial))
    }

    /// The files that a file extends or includes and that are given.
    fn parts(&self, number: usize) -> BTreeSet<usize> {
        let Some(tree) = self.tree(number) else { return BTreeSet::new() };
        let included = includes(tree);
        let services = tree.get("services").map(Node::entries).unwrap_or_default();
        let extended = services.iter().filter_map(|entry| entry.value.at(&["extends", "file"]));
        let found = included.chain(extended).filter_map(|node| self.find(number, &node.scalar()?));
        found.filter(|found| *found != number).collect()
    }
}

/// The paths that a file includes.
fn includes(tree: &Node) -> impl Iterator<Item = &Node> {
    let included = tree.get("include").map(Node::one_or_more).unwrap_or_default();
    included.iter().flat_map(|item| item.get("path").unwrap_or(item).one_or_more())
}

/// The documents of a file as one tree.
fn tree(
    file: &SourceFile,
    number: usize,
    variables: &BTreeMap<String, String>,
) -> Result<Node, Problem> {
    let start = Spot { file: number, line: 1, column: 1 };
    if number >= FILES {
        return Err(Problem { at: start, message: format!("more than {FILES} files") });
    }
    let documents = yaml::read_all(&file.text, &file.path).map_err(|error| {
        if let Error::Invalid { line, column, message, .. } = error {
            Problem { at: Spot { file: number, line, column }, message }
        } else {
            Problem { at: start, message: error.to_string() }
        }
    })?;
    let mut documents = documents.iter().map(|node| Node::of(node, number, variables));
    let mut tree = documents.next().unwrap_or(Node { at: start, value: Value::Null });
    documents.for_each(|over| merge(&mut tree, over, ""));
    if !matches!(tree.value, Value::Map(_)) {
        return Err(Problem { at: tree.at, message: "it is no mapping with services".to_owned() });
    }
    Ok(tree)
}

/// One project in the making.
struct Loading<'l, 'f> {
    files: &'l Files<'f>,
    problems: Vec<Problem>,
    /// How many values may be added yet.
    left: usize,
}

impl<'l, 'f> Loading<'l, 'f> {
    const fn new(files: &'l Files<'f>) -> Self {
        Self { files, problems: Vec::new(), left: NODES }
    }

    fn load(mut self, files: &[usize]) -> Project {
        let start = Spot { file: files.first().copied().unwrap_or(0), line: 1, column: 1 };
        let mut root = Node { at: start, value: Value::Map(Vec::new()) };
        for number in files {
            if let Some(over) = self.file(*number, &mut Vec::new()) {
                merge(&mut root, over, "");
            }
        }
        let entries = root.get("services").map(Node::entries).unwrap_or_default();
        if entries.is_empty() && self.problems.is_empty() {
            self.problem(root.at, "it has no services");
        }
        if let Some(entry) = entries.get(SERVICES) {
            self.problem(entry.at, format!("more than {SERVICES} services"));
        }
        let mut services: Vec<Service> = entries.iter().take(SERVICES).map(Service::of).collect();
        for service in &services {
            if !matches!(service.node.value, Value::Map(_)) {
                self.problem(service.at, format!("service `{}` is no mapping", service.name));
            } else if ["image", "build", "extends", "provider"]
                .iter()
                .all(|key| service.node.get(key).is_none())
            {
                let name = &service.name;
                self.problem(
                    service.at,
                    format!("service `{name}` has neither `image` nor `build`"),
                );
            }
        }
        services.retain(|service| matches!(service.node.value, Value::Map(_)));
        let paths = self.files.given.iter().map(|file| file.path.clone()).collect();
        let networks = root.get("networks").map(Node::entries).unwrap_or_default().iter();
        let networks = networks.map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        let problems = self.problems;
        let mut project = Project { paths, services, networks, root, images: Vec::new(), problems };
        super::service::images(&mut project);
        project
    }

    fn problem(&mut self, at: Spot, message: impl Into<String>) {
        self.problems.push(Problem { at, message: message.into() });
    }

    /// Whether so much more may be added.
    fn has_room(&mut self, size: usize, at: Spot) -> bool {
        if let Some(left) = self.left.checked_sub(size) {
            self.left = left;
            return true;
        }
        if self.left > 0 {
            self.problem(at, format!("more than {NODES} values"));
        }
        self.left = 0;
        false
    }

    /// A file with what it includes below it, and with every service as what it extends makes it.
    fn file(&mut self, number: usize, within: &mut Vec<usize>) -> Option<Node> {
        let files = self.files;
        let tree = match files.trees.get(number)? {
            Ok(tree) => tree,
            Err(problem) => {
                self.problems.push(problem.clone());
                return None;
            }
        };
        if !self.has_room(tree.size().saturating_add(INCLUDE), tree.at) {
            return None;
        }
        self.untold_tags(number, tree.at);
        let mut root = Node { at: tree.at, value: Value::Map(Vec::new()) };
        within.push(number);
        for path in includes(tree) {
            self.include(&mut root, (number, path), within);
        }
        within.pop();
        let mut own = tree.clone();
        if let Value::Map(entries) = &mut own.value {
            for entry in entries.iter_mut().filter(|entry| entry.key == "services") {
                self.services(number, &mut entry.value);
            }
            entries.retain(|entry| entry.key != "include");
        }
        merge(&mut root, own, "");
        Some(root)
    }

    fn include(
        &mut self,
        root: &mut Node,
        (number, path): (usize, &Node),
        within: &mut Vec<usize>,
    ) {
        let name = path.scalar().unwrap_or_default();
        match self.files.find(number, &name) {
            Some(other) if within.contains(&other) || within.len() >= DEPTH => {
                self.problem(path.at, format!("`{}` is included in a circle", path.written()));
            }
            Some(other) => {
                if let Some(included) = self.file(other, within) {
                    merge(root, included, "");
                }
            }
            None => {
                self.problem(
                    path.at,
                    format!("it includes `{}`, which is not given", path.written()),
                );
            }
        }
    }

    /// `!reset` and `!override` take back what other files say, which the tree does not show.
    fn untold_tags(&mut self, number: usize, at: Spot) {
        let text = self.files.given.get(number).map_or("", |file| &file.text);
        for tag in ["!reset", "!override"] {
            let line = (1..)
                .zip(text.lines())
                .find(|(_, line)| line.split('#').next().is_some_and(|line| line.contains(tag)));
            if let Some((line, _)) = line {
                let message = format!("`{tag}` is not evaluated");
                self.problem(Spot { line, column: 1, ..at }, message);
            }
        }
    }

    fn services(&mut self, number: usize, services: &mut Node) {
        if !matches!(services.value, Value::Map(_) | Value::Null) {
            self.problem(services.at, "`services` is no mapping");
        }
        if let Value::Map(entries) = &mut services.value {
            if let Some(entry) = entries.get(SERVICES) {
                self.problem(entry.at, format!("more than {SERVICES} services"));
            }
            entries.truncate(SERVICES);
            for entry in entries {
                self.shape(&entry.value);
                self.extend(number, entry);
                normalise(&mut entry.value);
            }
        }
    }

    fn shape(&mut self, service: &Node) {
        let flaws = misshapen(service).into_iter();
        self.problems.extend(flaws.map(|(at, message)| Problem { at, message }));
    }

    /// Puts a service on top of those that it extends.
    fn extend(&mut self, number: usize, entry: &mut Entry) {
        let Some(extends) = entry.value.get("extends") else { return };
        let own_extends = extends.at;
        let files = self.files;
        let mut chain: Vec<Node> = Vec::new();
        let (mut file, mut next) = (number, Some(extends.clone()));
        while let Some(extends) = next.take() {
            let written = extends.written();
            let name = extends.get("service").unwrap_or(&extends).scalar().unwrap_or_default();
            if let Some(path) = extends.get("file") {
                let Some(found) = files.find(file, &path.scalar().unwrap_or_default()) else {
                    let message =
                        format!("it extends a service of `{}`, which is not given", path.written());
                    return self.problem(path.at, message);
                };
                file = found;
            }
            let base = match files.trees.get(file) {
                Some(Ok(tree)) => tree.get("services").and_then(|services| services.get(&name)),
                _ => None,
            };
            let Some(base) = base else {
                let message =
                    format!("it extends service `{name}`, which can not be found ({written})");
                return self.problem(extends.at, message);
            };
            if chain.len() >= DEPTH {
                return self.problem(own_extends, "it extends itself, or too many others");
            }
            if !self.has_room(base.size(), extends.at) {
                return;
            }
            if file != number {
                self.shape(base);
            }
            next = base.get("extends").cloned();
            chain.push(base.clone());
        }
        let own = std::mem::replace(&mut entry.value, Node { at: entry.at, value: Value::Null });
        let own_at = own.at;
        chain.insert(0, own);
        let mut merged = Node { at: own_at, value: Value::Map(Vec::new()) };
        for mut layer in chain.into_iter().rev() {
            normalise(&mut layer);
            if let Value::Map(entries) = &mut layer.value {
                entries.retain(|entry| entry.key != "extends");
            }
            merge(&mut merged, layer, "");
        }
        entry.value = merged;
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
