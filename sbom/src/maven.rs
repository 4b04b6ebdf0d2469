//! Maven's descriptions of projects, `pom.xml` and `pom.properties`.
//!
//! Formats: <https://maven.apache.org/pom.html>, <https://maven.apache.org/shared/maven-archiver/#pom-properties-content>.

use crate::{
    catalogers::license,
    xml::{Element, XmlError},
};
use plimsoll_model::component::Scope;
use std::collections::BTreeMap;

/// A project as its own `pom.xml` describes it, with nothing filled in.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// What it is; what is absent is the parent's.
    pub(crate) own: Coordinates,
    /// What it inherits from.
    pub(crate) parent: Option<Parent>,
    /// What `${…}` stands for.
    pub(crate) properties: BTreeMap<String, String>,
    /// Licences, by name or else by address.
    pub(crate) licenses: Vec<String>,
    /// What it needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// Versions and scopes of what it and its children may need.
    pub(crate) managed: Vec<Dependency>,
}

/// Group, artifact and version, as written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Coordinates {
    /// `groupId`.
    pub(crate) group: Option<String>,
    /// `artifactId`.
    pub(crate) artifact: Option<String>,
    /// `version`.
    pub(crate) version: Option<String>,
}

/// What a project inherits from.
#[derive(Debug, Default)]
pub(crate) struct Parent {
    /// What it is.
    pub(crate) coordinates: Coordinates,
    /// Where it is, from the directory of the child on; empty where it is not in the same tree.
    pub(crate) path: String,
}

/// One thing that is needed.
#[derive(Debug, Default)]
pub(crate) struct Dependency {
    /// What it is.
    pub(crate) coordinates: Coordinates,
    /// `scope`, such as `test`.
    pub(crate) scope: Option<String>,
    /// `optional`.
    pub(crate) optional: Option<String>,
}

impl Project {
    /// Reads a `pom.xml`; with the reason where it was not read to its end.
    pub(crate) fn parse(text: &str) -> (Self, Option<XmlError>) {
        let (root, error) = Element::parse(text);
        if root.name != "project" {
            return (Self::default(), error);
        }
        let inner = |name: &'static str, of: &'static str| {
            root.all(name).flat_map(move |list| list.all(of)).collect::<Vec<_>>()
        };
        let managed = inner("dependencyManagement", "dependencies");
        let properties = root.all("properties").flat_map(Element::children);
        let project = Self {
            own: Coordinates::of(&root),
            parent: root.first("parent").map(|parent| Parent {
                coordinates: Coordinates::of(parent),
                path: match parent.first("relativePath") {
                    Some(path) => path.text().to_owned(),
                    None => "../pom.xml".to_owned(),
                },
            }),
            properties: properties
                .map(|property| (property.name.clone(), property.text().to_owned()))
                .collect(),
            licenses: inner("licenses", "license")
                .iter()
                .filter_map(|found| found.text_of("name").or_else(|| found.text_of("url")))
                .filter_map(license)
                .collect(),
            dependencies: inner("dependencies", "dependency")
                .into_iter()
                .map(Dependency::of)
                .collect(),
            managed: managed
                .into_iter()
                .flat_map(|list| list.all("dependency"))
                .map(Dependency::of)
                .collect(),
        };
        (project, error)
    }

    /// Whether there was a project in the document at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.artifact.is_none() && self.dependencies.is_empty() && self.managed.is_empty()
    }

    /// Group and version where the parent's coordinates stand in for what is absent.
    pub(crate) fn inherited(&self) -> Coordinates {
        let parent = self.parent.as_ref().map(|parent| &parent.coordinates);
        let own = self.own.clone();
        Coordinates {
            group: own.group.or_else(|| parent?.group.clone()),
            artifact: own.artifact,
            version: own.version.or_else(|| parent?.version.clone()),
        }
    }

    /// What `${key}` stands for, as far as the project itself says.
    pub(crate) fn lookup(&self, key: &str) -> Option<String> {
        let inherited = || self.inherited();
        let parent = || self.parent.as_ref().map(|parent| &parent.coordinates);
        let bare = key.strip_prefix("project.").or_else(|| key.strip_prefix("pom.")).unwrap_or(key);
        match bare {
            "groupId" => inherited().group,
            "artifactId" => inherited().artifact,
            "version" => inherited().version,
            "parent.groupId" => parent()?.group.clone(),
            "parent.artifactId" => parent()?.artifact.clone(),
            "parent.version" => parent()?.version.clone(),
            _ => self.properties.get(key).cloned(),
        }
    }
}

impl Coordinates {
    fn of(element: &Element) -> Self {
        let text = |name| element.text_of(name).map(str::to_owned);
        Self { group: text("groupId"), artifact: text("artifactId"), version: text("version") }
    }

    /// Reads a `pom.properties`.
    pub(crate) fn parse_properties(text: &str) -> Self {
        let get = |key: &str| {
            text.lines()
                .map(str::trim)
                .filter(|line| !line.starts_with(['#', '!']))
                .filter_map(|line| line.split_once(['=', ':']))
                .find(|(found, _)| found.trim() == key)
                .and_then(|(_, value)| filled(&value.replace('\\', "")))
        };
        Self { group: get("groupId"), artifact: get("artifactId"), version: get("version") }
    }

    /// With every `${…}` replaced; what cannot be told is absent.
    pub(crate) fn interpolated(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let fill = |text: &Option<String>| {
            let text = interpolate(text.as_deref()?, lookup)?;
            filled(&text)
        };
        Self {
            group: fill(&self.group),
            artifact: fill(&self.artifact),
            version: fill(&self.version),
        }
    }

    /// `GROUP:ARTIFACT`.
    pub(crate) fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.group.as_ref()?, self.artifact.as_ref()?))
    }
}

impl Dependency {
    fn of(element: &Element) -> Self {
        let text = |name| element.text_of(name).map(str::to_owned);
        Self {
            coordinates: Coordinates::of(element),
            scope: text("scope"),
            optional: text("optional"),
        }
    }

    /// Whether what is built needs it.
    pub(crate) fn needed(&self) -> Scope {
        match self.scope.as_deref() {
            Some("test") => Scope::Development,
            Some("provided") => Scope::Optional,
            _ if self.optional.as_deref() == Some("true") => Scope::Optional,
            _ => Scope::Required,
        }
    }
}

/// In bytes; what names a package is shorter.
const LONGEST: usize = 1024;

/// How often something may be replaced in one text.
const MOST_REPLACEMENTS: usize = 64;

/// A value, unless it is empty, absurdly long or a placeholder that the build did not fill.
pub(crate) fn filled(value: &str) -> Option<String> {
    let value = value.trim();
    let is_value = !value.is_empty() && value.len() <= LONGEST && !value.contains("${");
    is_value.then(|| value.to_owned())
}

/// A text with every `${…}` replaced; `None` where one of them is not known, or where they come to no end.
pub(crate) fn interpolate(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..MOST_REPLACEMENTS {
        let Some((before, rest)) = text.split_once("${") else { return Some(text) };
        let (key, after) = rest.split_once('}')?;
        let next = [before, &lookup(key)?, after].concat();
        text = Some(next).filter(|next| next.len() <= LONGEST)?;
    }
    None
}

/// A version that is one version: ranges (`[1.0,2.0)`) leave it open, `[1.0]` does not.
pub(crate) fn exact(version: &str) -> Option<&str> {
    let inner = version.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let version = inner.unwrap_or(version).trim();
    let is_open =
        version.contains([',', '[', '(', ']', ')']) || matches!(version, "LATEST" | "RELEASE" | "");
    (!is_open).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_with_everything() {
        let (project, error) = Project::parse(
            "<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>7</version></parent>
             <artifactId>a</artifactId><properties><x>1.${y}</x><y>2</y></properties>
             <licenses><license><name>MIT</name></license><license><url>https://l</url></license></licenses>
             <dependencies><dependency><groupId>d</groupId><artifactId>e</artifactId><version>${x}</version>
               <scope>test</scope></dependency></dependencies>
             <dependencyManagement><dependencies><dependency><groupId>m</groupId><artifactId>n</artifactId>
               <version>3</version></dependency></dependencies></dependencyManagement>
             <build><plugins><plugin><dependencies><dependency/></dependencies></plugin></plugins></build></project>",
        );
        assert!(error.is_none() && !project.is_empty());
        let lookup = |key: &str| project.lookup(key);
        let own = project.inherited().interpolated(&lookup);
        assert_eq!((own.key().as_deref(), own.version.as_deref()), (Some("g:a"), Some("7")));
        assert_eq!(project.licenses, ["MIT", "https://l"]);
        assert_eq!(project.dependencies.len(), 1);
        let needed = &project.dependencies[0];
        let filled = needed.coordinates.interpolated(&lookup);
        assert_eq!((filled.version.as_deref(), needed.needed()), (Some("1.2"), Scope::Development));
        assert_eq!(project.managed[0].coordinates.key().as_deref(), Some("m:n"));
        assert_eq!(project.parent.unwrap().path, "../pom.xml");
    }

    #[test]
    fn placeholders_come_to_an_end() {
        let lookup = |key: &str| match key {
            "a" => Some("${b}${b}".to_owned()),
            "b" => Some("${a}".to_owned()),
            "c" => Some("1".to_owned()),
            _ => None,
        };
        assert_eq!(interpolate("x-${c}.${c}", &lookup).as_deref(), Some("x-1.1"));
        assert_eq!(interpolate("${a}", &lookup), None);
        assert_eq!(interpolate("${d}", &lookup), None);
        assert_eq!(interpolate("${c", &lookup), None);
    }

    #[test]
    fn versions_that_are_ranges_are_none() {
        for (text, expect) in [
            ("1.0", Some("1.0")),
            ("[1.0]", Some("1.0")),
            ("[1.0,2.0)", None),
            ("(,1.0]", None),
            ("LATEST", None),
            ("[]", None),
        ] {
            assert_eq!(exact(text), expect, "{text}");
        }
    }

    #[test]
    fn what_is_no_project_is_empty() {
        for text in ["<html/>", "", "<project/>"] {
            assert!(Project::parse(text).0.is_empty(), "{text}");
        }
    }
}
