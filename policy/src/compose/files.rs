//! The compose files that are given, and which of them make a project together.

use super::{
    Problem, beside, dotenv, given, lexical,
    merge::merge,
    tree::{Entry, Node, Spot, Value},
};
use crate::{Error, facts::SourceFile, yaml};
use camino::{Utf8Path, Utf8PathBuf};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The most files that are read.
const FILES: usize = 1_000;
/// The names by which `docker compose` finds a file, best first.
const NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// The variables of `.env` that say which files a project has, and what stands between their names.
const COMPOSE_FILE: (&str, &str) = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR");

/// Variables with their values.
pub(super) type Variables = BTreeMap<String, String>;

/// All files that are given, each read once.
pub(super) struct Files<'f> {
    pub(super) given: &'f [SourceFile],
    pub(super) variables: &'f [SourceFile],
    documents: Vec<Result<Vec<yaml::Node>, Problem>>,
    /// The `.env` beside each file.
    own: Vec<Rc<Variables>>,
    /// Each file as one of a project in its own directory.
    trees: Vec<Result<Rc<Node>, Problem>>,
    by_path: BTreeMap<Utf8PathBuf, usize>,
}

/// The files of a project, each laid over those before it.
pub(super) struct Root {
    /// The first says which directory the project is in.
    pub(super) files: Vec<usize>,
    /// What else is laid over them and is not given, as written.
    pub(super) missing: Vec<String>,
}

impl<'f> Files<'f> {
    pub(super) fn read(given: &'f [SourceFile], variables: &'f [SourceFile]) -> Self {
        let mut known: BTreeMap<Utf8PathBuf, Rc<Variables>> = BTreeMap::new();
        let (mut documents, mut own, mut trees) = (Vec::new(), Vec::new(), Vec::new());
        let mut by_path = BTreeMap::new();
        for (number, file) in given.iter().enumerate() {
            let path = beside(&file.path, ".env");
            let variables = known.entry(path.clone()).or_insert_with(|| {
                let file = super::given(variables, &path);
                let read = |file: &SourceFile| dotenv::variables(&file.text, &Variables::new());
                Rc::new(file.map(read).unwrap_or_default())
            });
            let read = self::documents(file, number);
            trees.push(
                read.as_ref()
                    .map_err(Clone::clone)
                    .and_then(|documents| tree(documents, number, variables).map(Rc::new)),
            );
            documents.push(read);
            own.push(Rc::clone(variables));
            by_path.entry(lexical(&file.path)).or_insert(number);
        }
        Self { given, variables, documents, own, trees, by_path }
    }

    /// The variables of the project whose first file this is.
    pub(super) fn environment(&self, number: usize) -> Rc<Variables> {
        self.own.get(number).map(Rc::clone).unwrap_or_default()
    }

    /// A file whose variables have the values of a project; nothing for a file that is not there.
    pub(super) fn tree_by(
        &self,
        number: usize,
        variables: &Variables,
    ) -> Option<Result<Rc<Node>, Problem>> {
        if self.own.get(number).is_some_and(|own| **own == *variables) {
            return self.trees.get(number).cloned();
        }
        Some(match self.documents.get(number)? {
            Ok(documents) => tree(documents, number, variables).map(Rc::new),
            Err(problem) => Err(problem.clone()),
        })
    }

    /// How many values a file is made of.
    pub(super) fn size(&self, number: usize) -> usize {
        self.tree(number).map_or(0, Node::size)
    }

    /// The file of variables at a path that the file `from` names.
    pub(super) fn env_file(&self, from: usize, name: &str) -> Option<&'f SourceFile> {
        given(self.variables, &beside(self.path(from), name))
    }

    fn tree(&self, number: usize) -> Option<&Node> {
        self.trees.get(number)?.as_deref().ok()
    }

    pub(super) fn path(&self, number: usize) -> &'f Utf8Path {
        self.given.get(number).map_or(Utf8Path::new(""), |file| &file.path)
    }

    pub(super) fn find(&self, from: usize, name: &str) -> Option<usize> {
        self.by_path.get(&beside(self.path(from), name)).copied()
    }

    /// The files of each project, each laid over those before it.
    ///
    /// Files that others extend or include are parts of these. One that is laid over another by its name
    /// (`compose.override.yaml`), or that has services without image or build, as only files that are laid over others do,
    /// goes with the file of the directory that `docker compose` would find.
    pub(super) fn roots(&self) -> Vec<Root> {
        let plain = self.laid_over();
        let named: Vec<Root> =
            (0..self.given.len()).filter_map(|number| self.chosen(number)).collect();
        let is_new = |root: &Root| !root.missing.is_empty() || !plain.contains(&root.files);
        let named: Vec<Root> = named.into_iter().filter(is_new).collect();
        let plain = plain.into_iter().map(|files| Root { files, missing: Vec::new() });
        plain.chain(named).collect()
    }

    /// The files that `COMPOSE_FILE` names in the `.env` beside a file that `docker compose` would find without it.
    fn chosen(&self, number: usize) -> Option<Root> {
        let variables = self.own.get(number)?;
        let list = variables.get(COMPOSE_FILE.0).filter(|list| !list.is_empty())?;
        if self.base(number) != Some(number) {
            return None;
        }
        let separator = variables.get(COMPOSE_FILE.1).map_or(":", String::as_str);
        let names = list.split(separator).filter(|name| !name.is_empty());
        let (mut files, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            match self.find(number, name) {
                Some(found) => files.push(found),
                None => missing.push(name.to_owned()),
            }
        }
        if files.is_empty() {
            files.push(number);
        }
        Some(Root { files, missing })
    }

    fn laid_over(&self) -> Vec<Vec<usize>> {
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
    included.iter().flat_map(included_paths)
}

/// The paths of one entry of `include`.
pub(super) fn included_paths(item: &Node) -> &[Node] {
    item.get("path").unwrap_or(item).one_or_more()
}

/// The documents of a file.
fn documents(file: &SourceFile, number: usize) -> Result<Vec<yaml::Node>, Problem> {
    let start = Spot { file: number, line: 1, column: 1 };
    if number >= FILES {
        return Err(Problem { at: start, message: format!("more than {FILES} files") });
    }
    yaml::read_all(&file.text, &file.path).map_err(|error| {
        if let Error::Invalid { line, column, message, .. } = error {
            Problem { at: Spot { file: number, line, column }, message }
        } else {
            Problem { at: start, message: error.to_string() }
        }
    })
}

/// The documents of a file as one tree.
fn tree(documents: &[yaml::Node], number: usize, variables: &Variables) -> Result<Node, Problem> {
    let start = Spot { file: number, line: 1, column: 1 };
    let mut documents = documents.iter().map(|node| Node::of(node, number, variables));
    let mut tree = documents.next().unwrap_or(Node { at: start, value: Value::Null });
    documents.for_each(|over| merge(&mut tree, over, ""));
    if !matches!(tree.value, Value::Map(_)) {
        return Err(Problem { at: tree.at, message: "it is no mapping with services".to_owned() });
    }
    Ok(tree)
}
