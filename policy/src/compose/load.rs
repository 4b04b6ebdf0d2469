//! From files to projects.

use super::{
    Problem, Project, Service, beside, dotenv,
    files::{Files, Root, Variables, included_paths},
    lexical,
    merge::{merge, misshapen, normalise},
    tree::{Entry, Node, Spot, Value},
};
use crate::{Facts, facts::Checkout, yaml};
use camino::Utf8Path;
use std::rc::Rc;

/// The most services of one project.
const SERVICES: usize = 1_000;
/// The most values of one project, with those that come by `extends` and `include`.
const NODES: usize = 400_000;
/// The most services that one extends through others, and the most files that include each other.
const DEPTH: usize = 16;
/// What a file that is included counts as besides its values: merging looks at all that is there.
const INCLUDE: usize = 4_000;
/// As many bytes of a file of variables that a service names count as a value.
const BYTES: usize = 16;
/// Tags that take back what other files say.
const TAGS: [&str; 2] = ["!reset", "!override"];

/// What the compose files of `facts` come to.
pub(crate) fn projects(facts: &Facts<'_>) -> Vec<Project> {
    if facts.compose.is_empty() {
        return Vec::new();
    }
    let files = Files::read(facts.compose, facts.env_files);
    let loading = || Loading::new(&files, facts.checkout);
    files.roots().iter().map(|root| loading().load(root)).collect()
}

/// One project in the making.
struct Loading<'l, 'f> {
    files: &'l Files<'f>,
    checkout: Option<&'l Checkout>,
    problems: Vec<Problem>,
    /// How many values may be added yet.
    left: usize,
}

impl<'l, 'f> Loading<'l, 'f> {
    const fn new(files: &'l Files<'f>, checkout: Option<&'l Checkout>) -> Self {
        Self { files, checkout, problems: Vec::new(), left: NODES }
    }

    fn load(mut self, files: &Root) -> Project {
        let first = files.files.first().copied().unwrap_or(0);
        let start = Spot { file: first, line: 1, column: 1 };
        let variables = self.files.environment(first);
        let mut root = Node { at: start, value: Value::Map(Vec::new()) };
        for number in &files.files {
            if let Some(over) = self.file(*number, &variables, &mut Vec::new()) {
                merge(&mut root, over, "");
            }
        }
        for name in &files.missing {
            self.problem(
                start,
                format!("`COMPOSE_FILE` in `.env` names `{name}`, which is not given"),
            );
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
        for service in &services {
            if let Some(node) = service.node.at(&["build", "dockerfile_inline"]) {
                let message = "the Dockerfile in `dockerfile_inline` is judged by no rule: give it a file of its own";
                self.problem(node.at, message);
            }
        }
        services.retain(|service| matches!(service.node.value, Value::Map(_)));
        for service in &mut services {
            service.handed_on = self.handed_on(service, &variables);
        }
        let paths = self.files.given.iter().map(|file| file.path.clone()).collect();
        let networks = root.get("networks").map(Node::entries).unwrap_or_default().iter();
        let networks = networks.map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        let problems = self.problems;
        let (images, checkout) = (Vec::new(), self.checkout.cloned());
        let mut project = Project { paths, services, networks, root, images, checkout, problems };
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

    /// The variables that a service gets from files of variables, where they are given: each stands where the file is named.
    fn handed_on(&mut self, service: &Service, variables: &Variables) -> Vec<Entry> {
        let files = self.files;
        let items = service.node.get("env_file").map(Node::one_or_more).unwrap_or_default();
        let mut found = Vec::new();
        for item in items {
            let path = item.get("path").unwrap_or(item);
            let name = path.scalar().unwrap_or_default();
            let Some(file) = files.env_file(path.at.file, &name) else { continue };
            if !self.has_room(file.text.len() / BYTES, path.at) {
                break;
            }
            for one in dotenv::assignments(&file.text) {
                let value = one.expanded(variables).map_or(Value::Null, Value::Text);
                let value = Node { at: path.at, value };
                found.push(Entry { at: path.at, key: one.name.to_owned(), value });
            }
        }
        found
    }

    /// A file with what it includes below it, and with every service as what it extends makes it.
    fn file(
        &mut self,
        number: usize,
        variables: &Rc<Variables>,
        within: &mut Vec<usize>,
    ) -> Option<Node> {
        let files = self.files;
        let start = Spot { file: number, line: 1, column: 1 };
        if !self.has_room(files.size(number).saturating_add(INCLUDE), start) {
            return None;
        }
        let tree = match files.tree_by(number, variables)? {
            Ok(tree) => tree,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        self.untold_tags(number);
        let mut root = Node { at: tree.at, value: Value::Map(Vec::new()) };
        within.push(number);
        for item in tree.get("include").map(Node::one_or_more).unwrap_or_default() {
            self.include(&mut root, (number, item), variables, within);
        }
        within.pop();
        let mut own = (*tree).clone();
        if let Value::Map(entries) = &mut own.value {
            for entry in entries.iter_mut().filter(|entry| entry.key == "services") {
                self.services(number, variables, &mut entry.value);
            }
            entries.retain(|entry| entry.key != "include");
        }
        merge(&mut root, own, "");
        Some(root)
    }

    /// Puts what one entry of `include` names below the file that names it.
    fn include(
        &mut self,
        root: &mut Node,
        (number, item): (usize, &Node),
        variables: &Rc<Variables>,
        within: &mut Vec<usize>,
    ) {
        // What is too much has been said.
        if self.left == 0 {
            return;
        }
        let mut inner: Option<Rc<Variables>> = None;
        for path in included_paths(item) {
            let name = path.scalar().unwrap_or_default();
            match self.files.find(number, &name) {
                Some(other) if within.contains(&other) || within.len() >= DEPTH => {
                    self.problem(path.at, format!("`{}` is included in a circle", path.written()));
                }
                Some(other) => {
                    let inner = inner
                        .get_or_insert_with(|| self.included(item, (number, other), variables));
                    if let Some(included) = self.file(other, &Rc::clone(inner), within) {
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
    }

    /// The variables of what is included: those of the project win over those of `env_file`, which is the `.env` beside the first
    /// of the included files where nothing else is said.
    fn included(
        &mut self,
        item: &Node,
        (number, other): (usize, usize),
        variables: &Rc<Variables>,
    ) -> Rc<Variables> {
        let files = self.files;
        if let Some(node) = item.get("project_directory") {
            let directory = beside(files.path(number), &node.scalar().unwrap_or_default());
            if directory != lexical(files.path(other).parent().unwrap_or(Utf8Path::new(""))) {
                let message = format!("`project_directory: {}` is not followed", node.written());
                self.problem(node.at, message);
            }
        }
        let Some(named) = item.get("env_file") else {
            let own = files.environment(other);
            if own.keys().all(|name| variables.contains_key(name)) {
                return Rc::clone(variables);
            }
            let file = files.env_file(other, ".env");
            return Rc::new(file.map_or_else(
                || (**variables).clone(),
                |file| dotenv::variables(&file.text, variables),
            ));
        };
        // What a later file says takes the place of what an earlier one says.
        let mut text = String::new();
        for node in named.one_or_more() {
            if let Some(file) = files.env_file(number, &node.scalar().unwrap_or_default()) {
                text.push_str(&file.text);
                text.push('\n');
            } else {
                let message = format!(
                    "it includes with the variables of `{}`, which is not given",
                    node.written()
                );
                self.problem(node.at, message);
            }
        }
        Rc::new(dotenv::variables(&text, variables))
    }

    /// `!reset` and `!override` take back what other files say, which the tree does not show.
    fn untold_tags(&mut self, number: usize) {
        let text = self.files.given.get(number).map_or("", |file| &file.text);
        for (at, tag) in yaml::tagged(text, &TAGS) {
            let at = Spot { file: number, line: at.line, column: at.column };
            self.problem(at, format!("`{tag}` is not evaluated"));
        }
    }

    fn services(&mut self, number: usize, variables: &Variables, services: &mut Node) {
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
                self.extend(number, variables, entry);
                normalise(&mut entry.value, variables);
            }
        }
    }

    fn shape(&mut self, service: &Node) {
        let flaws = misshapen(service).into_iter();
        self.problems.extend(flaws.map(|(at, message)| Problem { at, message }));
    }

    /// Puts a service on top of those that it extends.
    fn extend(&mut self, number: usize, variables: &Variables, entry: &mut Entry) {
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
            let tree = files.tree_by(file, variables).and_then(Result::ok);
            let base = tree.as_ref().and_then(|tree| tree.get("services")?.get(&name));
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
            normalise(&mut layer, variables);
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
