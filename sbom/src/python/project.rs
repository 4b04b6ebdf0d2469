//! The project that a lock was made for, from `pyproject.toml`.
//!
//! Format: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! <https://packaging.python.org/en/latest/specifications/dependency-groups/>, and the tables of Poetry and PDM from before.

use super::{Names, beside, normal, requirement::Requirement, toml};
use crate::{
    catalogers::{Context, Found},
    locked::{Locked, Role},
};
use plimsoll_model::{component::Scope, tree::Entry};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// The name of the file.
pub(crate) const FILE: &str = "pyproject.toml";

/// Key of the project in a lock, which no package has.
pub(crate) const KEY: &str = "the project";

/// A project.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Names of what it needs, and what for.
    pub(crate) needs: Vec<(String, Scope)>,
    /// Names of its extras, in normal form.
    pub(crate) extras: BTreeSet<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    project: Table,
    dependency_groups: BTreeMap<String, Vec<Value>>,
    tool: Tool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Table {
    name: Option<String>,
    version: Option<String>,
    dependencies: Vec<String>,
    optional_dependencies: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tool {
    poetry: Poetry,
    pdm: Pdm,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Poetry {
    name: Option<String>,
    version: Option<String>,
    dependencies: BTreeMap<String, Value>,
    dev_dependencies: BTreeMap<String, Value>,
    group: BTreeMap<String, Group>,
    extras: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    dependencies: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Pdm {
    dev_dependencies: BTreeMap<String, Vec<String>>,
}

impl Project {
    /// The one beside a lock. A manifest that cannot be read is an unknown of the lock, which says less without it.
    pub(crate) fn beside(ctx: &Context<'_>, lock: &Entry, found: &mut Found) -> Option<Self> {
        let bytes = beside(ctx, lock, FILE)?;
        Self::parse(&bytes).unwrap_or_else(|reason| {
            ctx.note(found, lock, format!("`{FILE}` beside it is {reason}"));
            None
        })
    }

    /// The project of a manifest; `None` where it names none.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        let File { project, dependency_groups, tool } = toml(bytes)?;
        let Tool { poetry, pdm } = tool;
        let mut needs = Vec::new();
        let mut extend = |lines: &[String], scope| {
            let names = lines.iter().filter_map(|line| Requirement::parse(line));
            needs.extend(names.map(|requirement| (requirement.name.to_owned(), scope)));
        };
        extend(&project.dependencies, Scope::Required);
        project.optional_dependencies.values().for_each(|lines| extend(lines, Scope::Optional));
        pdm.dev_dependencies.values().for_each(|lines| extend(lines, Scope::Development));
        for group in dependency_groups.values() {
            // A group may include another, which is listed as well.
            let lines = group.iter().filter_map(|line| line.as_str().map(str::to_owned));
            extend(&lines.collect::<Vec<_>>(), Scope::Development);
        }
        for (name, wanted) in &poetry.dependencies {
            let is_optional = wanted.get("optional").and_then(Value::as_bool) == Some(true);
            let scope = if is_optional { Scope::Optional } else { Scope::Required };
            needs.extend((normal(name) != "python").then(|| (name.clone(), scope)));
        }
        let groups = poetry.group.values().map(|group| &group.dependencies);
        for name in groups.chain([&poetry.dev_dependencies]).flat_map(BTreeMap::keys) {
            needs.push((name.clone(), Scope::Development));
        }
        let extras = project.optional_dependencies.keys().chain(poetry.extras.keys());
        let extras = extras.map(|extra| normal(extra)).collect();
        let name = project.name.or(poetry.name).filter(|name| !name.is_empty());
        let version = project.version.or(poetry.version);
        Ok(name.map(|name| Self { name, version, needs, extras }))
    }

    /// The project among the packages of its lock. What it needs may be absent there: it may be for another system.
    pub(crate) fn locked(&self, names: &Names) -> Locked {
        let needs = self.needs.iter().flat_map(|(name, scope)| names.known(name, *scope));
        Locked {
            name: self.name.clone(),
            version: self.version.clone(),
            needs: needs.collect(),
            role: Role::Project,
            ..Locked::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: &str, version: Option<&str>, expect: &[(&str, Scope)]) {
        let project = Project::parse(text.as_bytes()).unwrap().unwrap();
        let needs: Vec<_> =
            project.needs.iter().map(|(name, scope)| (name.as_str(), *scope)).collect();
        assert_eq!((project.name.as_str(), project.version.as_deref()), (name, version));
        assert_eq!(needs, expect);
    }

    #[test]
    fn the_standard_tables() {
        check(
            "[project]\nname = 'app'\nversion = '1.0'\ndependencies = ['a>=1', 'b; x', '-']\n\
             [project.optional-dependencies]\nX_y = ['c']\n\
             [dependency-groups]\ndev = ['d', {include-group = 'x'}]\n\
             [tool.pdm.dev-dependencies]\ndev = ['e']\n",
            "app",
            Some("1.0"),
            &[
                ("a", Scope::Required),
                ("b", Scope::Required),
                ("c", Scope::Optional),
                ("e", Scope::Development),
                ("d", Scope::Development),
            ],
        );
    }

    #[test]
    fn the_tables_of_poetry() {
        check(
            "[tool.poetry]\nname = 'app'\n[tool.poetry.dependencies]\npython = '^3'\na = '^1'\n\
             b = {version = '*', optional = true}\n[tool.poetry.dev-dependencies]\nc = '*'\n\
             [tool.poetry.group.test.dependencies]\nd = '*'\n",
            "app",
            None,
            &[
                ("a", Scope::Required),
                ("b", Scope::Optional),
                ("d", Scope::Development),
                ("c", Scope::Development),
            ],
        );
    }

    #[test]
    fn what_names_no_project_is_none() {
        for text in ["", "[project]\nversion = '1'\n", "[tool.other]\nname = 'a'\n"] {
            assert_eq!(Project::parse(text.as_bytes()), Ok(None), "{text}");
        }
        for text in ["[project", "project = 1\n", "\0"] {
            let reason = Project::parse(text.as_bytes()).unwrap_err();
            assert!(reason.starts_with("malformed: "), "{reason}");
        }
    }
}
