//! Maven projects and what they need, from the `pom.xml` files of a source tree.
//!
//! A version may be a property, and may come from a parent or from an imported list of versions: these are looked for in
//! the same tree and nowhere else. What they leave open has no version.
//!
//! Format: <https://maven.apache.org/pom.html>.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::maven::{Coordinates, Dependency, Parent, Project, exact};
use plimsoll_model::{TreePath, component::ComponentId, inventory::Coverage, tree::Entry};
use rayon::prelude::*;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pom",
    description: "Maven projects and their dependencies in pom.xml",
    files: &[Files::Named("pom.xml")],
    earlier: &[],
    want: whole,
    edges: Coverage::Incomplete,
    catalog,
};

/// How many parents a project may have above each other.
const MOST_PARENTS: usize = 32;

/// In about how many projects a version is looked for.
const MOST_MANAGERS: usize = 100;

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| read(ctx, entry)).collect();
    let mut found = Found::default();
    let mut projects = Vec::new();
    for ((one, project), entry) in read.into_iter().zip(ctx.files) {
        found.absorb(one);
        projects.extend(project.map(|project| (entry, project)));
    }
    let sources = Sources::new(&projects);
    let mut needed: Vec<Option<(ComponentId, Vec<ComponentId>)>> = Vec::new();
    for index in 0..projects.len() {
        needed.push(sources.add(ctx, index, &mut found));
    }
    for (index, own) in needed.iter().enumerate() {
        let Some((id, _)) = own else { continue };
        // What parents need, their children need as well.
        for source in sources.line(index) {
            if let Some(Some((_, ids))) = needed.get(source) {
                ctx.depends(&mut found, *id, ids);
            }
        }
    }
    found
}

fn read(ctx: &Context<'_>, entry: &Entry) -> (Found, Option<Project>) {
    let mut found = Found::default();
    let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) else {
        return (found, None);
    };
    let (mut project, error) = Project::parse(&String::from_utf8_lossy(&bytes));
    if let Some(error) = &error {
        ctx.note(&mut found, entry, error);
    } else if project.is_empty() {
        ctx.note(&mut found, entry, "this is no description of a Maven project");
    }
    if is_packed(&entry.path) {
        project.dependencies.clear();
    }
    let project = (!project.is_empty()).then_some(project);
    (found, project)
}

/// Whether a build has put the file beside what it made: that says what the thing is, but what it needed was put elsewhere.
fn is_packed(path: &TreePath) -> bool {
    let mut words = path.as_bytes().rsplit(|byte| *byte == b'/').skip(3);
    words.next() == Some(b"maven") && words.next() == Some(b"META-INF")
}

/// All projects of the tree.
struct Sources<'a> {
    projects: &'a [(&'a Entry, Project)],
    by_path: BTreeMap<&'a TreePath, usize>,
    by_key: BTreeMap<String, Vec<usize>>,
    /// For each project the versions that it manages.
    managed: Vec<BTreeMap<String, &'a Dependency>>,
    /// For each project the lists of versions that it imports.
    imported: Vec<Vec<String>>,
}

impl<'a> Sources<'a> {
    fn new(projects: &'a [(&'a Entry, Project)]) -> Self {
        let mut sources = Self {
            projects,
            by_path: BTreeMap::new(),
            by_key: BTreeMap::new(),
            managed: Vec::new(),
            imported: Vec::new(),
        };
        for (index, (entry, project)) in projects.iter().enumerate() {
            sources.by_path.insert(&entry.path, index);
            let own = project.inherited().interpolated(&|key| project.lookup(key));
            if let Some(key) = own.key() {
                sources.by_key.entry(key).or_default().push(index);
            }
        }
        for (index, (_, project)) in projects.iter().enumerate() {
            let line = sources.line(index);
            let mut managed = BTreeMap::new();
            let mut imported = Vec::new();
            for dependency in &project.managed {
                let coordinates = sources.filled(&line, &dependency.coordinates);
                let Some(key) = coordinates.key() else { continue };
                if dependency.scope.as_deref() == Some("import") {
                    imported.push(key);
                } else {
                    managed.entry(key).or_insert(dependency);
                }
            }
            sources.managed.push(managed);
            sources.imported.push(imported);
        }
        sources
    }

    fn project(&self, index: usize) -> Option<&'a Project> {
        self.projects.get(index).map(|(_, project)| project)
    }

    /// A project, its parent, the parent's parent and so on.
    fn line(&self, index: usize) -> Vec<usize> {
        let mut line = vec![index];
        while let Some(last) = line.last()
            && line.len() <= MOST_PARENTS
            && let Some(parent) = self.parent(*last)
            && !line.contains(&parent)
        {
            line.push(parent);
        }
        line
    }

    fn parent(&self, index: usize) -> Option<usize> {
        let (entry, project) = self.projects.get(index)?;
        let Parent { coordinates, path } = project.parent.as_ref()?;
        let key = coordinates.key()?;
        let with_key = self.by_key.get(&key).map(Vec::as_slice).unwrap_or_default();
        let beside = beside(&entry.path, path).and_then(|path| {
            let file = self.by_path.get(&path).copied();
            file.or_else(|| self.by_path.get(&path.join("pom.xml").ok()?).copied())
        });
        let is_version = |index: &usize| {
            let version = self.project(*index).and_then(|project| project.inherited().version);
            version == coordinates.version
        };
        beside
            .filter(|index| with_key.binary_search(index).is_ok())
            .or_else(|| with_key.iter().take(MOST_MANAGERS).copied().find(is_version))
    }

    /// Coordinates with the placeholders replaced, as a project and its parents say.
    fn filled(&self, line: &[usize], coordinates: &Coordinates) -> Coordinates {
        coordinates
            .interpolated(&|key| line.iter().find_map(|index| self.project(*index)?.lookup(key)))
    }

    /// Where the versions that a project leaves out are looked for: in itself and its parents, then in the lists that these
    /// import, and their parents.
    fn managers(&self, line: &[usize]) -> Vec<usize> {
        let mut managers = line.to_vec();
        let mut next = 0;
        while let Some(index) = managers.get(next).copied()
            && managers.len() < MOST_MANAGERS
        {
            next = next.saturating_add(1);
            let imported = self.imported.get(index).into_iter().flatten();
            let lists = imported.filter_map(|key| self.by_key.get(key)?.first().copied());
            for list in lists.take(MOST_MANAGERS) {
                for index in self.line(list) {
                    if !managers.contains(&index) {
                        managers.push(index);
                    }
                }
            }
        }
        managers
    }

    /// What is managed of something, and where.
    fn managed(&self, managers: &[usize], key: &str) -> Option<(&'a Dependency, usize)> {
        let mut managers = managers.iter();
        managers.find_map(|index| Some((*self.managed.get(*index)?.get(key)?, *index)))
    }

    /// Adds a project and what it needs.
    fn add(
        &self,
        ctx: &Context<'_>,
        index: usize,
        found: &mut Found,
    ) -> Option<(ComponentId, Vec<ComponentId>)> {
        let (entry, project) = self.projects.get(index)?;
        let line = self.line(index);
        let own = self.filled(&line, &project.inherited());
        let managers = self.managers(&line);
        let mut needed = Vec::new();
        for dependency in &project.dependencies {
            needed.extend(self.add_needed(ctx, (entry, &line, &managers), dependency, found));
        }
        let id = add(ctx, entry, &own, found)?;
        if let Some(component) = found.at(id) {
            component.licenses.clone_from(&project.licenses);
        }
        Some((id, needed))
    }

    fn add_needed(
        &self,
        ctx: &Context<'_>,
        (entry, line, managers): (&Entry, &[usize], &[usize]),
        dependency: &Dependency,
        found: &mut Found,
    ) -> Option<ComponentId> {
        let mut coordinates = self.filled(line, &dependency.coordinates);
        let managed = coordinates.key().and_then(|key| self.managed(managers, &key));
        let mut scope = dependency.needed();
        if let Some((managed, index)) = managed {
            // A parent's text is filled in as its child says; that of an imported list is its own matter.
            let own = if line.contains(&index) { line.to_vec() } else { self.line(index) };
            let version = || self.filled(&own, &managed.coordinates).version;
            coordinates.version = coordinates.version.or_else(version);
            if dependency.scope.is_none() {
                scope = scope.max(managed.needed());
            }
        }
        let id = add(ctx, entry, &coordinates, found)?;
        let component = found.at(id)?;
        component.scope = scope;
        Some(id)
    }
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    coordinates: &Coordinates,
    found: &mut Found,
) -> Option<ComponentId> {
    let Coordinates { group, artifact, version } = coordinates;
    let Some((group, artifact)) = group.as_ref().zip(artifact.as_ref()) else {
        let known = group.as_ref().or(artifact.as_ref()).map(String::as_str).unwrap_or_default();
        let reason = format!("group and artifact of a package (`{known}`) are not both told");
        ctx.note(found, entry, reason);
        return None;
    };
    let shown = format!("{group}:{artifact}");
    let draft = Draft {
        kind: "maven",
        namespace: Some(group),
        name: artifact,
        shown: &shown,
        version: version.as_deref().and_then(exact),
        qualifiers: &[],
    };
    ctx.add(found, entry, &draft)
}

/// What a relative path leads to from the directory of a file.
fn beside(file: &TreePath, path: &str) -> Option<TreePath> {
    if path.is_empty() {
        return None;
    }
    let directory = file.parent()?;
    let mut parts: Vec<&[u8]> = directory.as_bytes().split(|byte| *byte == b'/').collect();
    for part in path.split(['/', '\\']) {
        if part == ".." {
            parts.pop().filter(|part| !part.is_empty())?;
        } else {
            parts.push(part.as_bytes());
        }
    }
    TreePath::parse(&parts.join(&b'/')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::Scope;

    const PARENT: &str = "<project xmlns='http://maven.apache.org/POM/4.0.0'>
        <groupId>com.acme</groupId><artifactId>parent</artifactId><version>${revision}</version>
        <properties><revision>2.0</revision><lib.version>1.5</lib.version></properties>
        <dependencyManagement><dependencies>
          <dependency><groupId>org.lib</groupId><artifactId>managed</artifactId><version>${lib.version}</version></dependency>
          <dependency><groupId>org.test</groupId><artifactId>unit</artifactId><version>4</version><scope>test</scope></dependency>
          <dependency><groupId>com.acme</groupId><artifactId>bom</artifactId><version>1</version>
            <type>pom</type><scope>import</scope></dependency>
        </dependencies></dependencyManagement>
        <dependencies><dependency><groupId>org.lib</groupId><artifactId>common</artifactId><version>9</version></dependency></dependencies>
        </project>";

    const BOM: &str = "<project><groupId>com.acme</groupId><artifactId>bom</artifactId><version>1</version>
        <properties><v>7.7</v></properties>
        <dependencyManagement><dependencies>
          <dependency><groupId>org.bom</groupId><artifactId>listed</artifactId><version>${v}</version></dependency>
        </dependencies></dependencyManagement></project>";

    const CHILD: &str = "<project><parent><groupId>com.acme</groupId><artifactId>parent</artifactId>
          <version>${revision}</version></parent>
        <artifactId>child</artifactId><properties><lib.version>1.6</lib.version></properties>
        <licenses><license><name>MIT</name></license></licenses>
        <dependencies>
          <dependency><groupId>org.lib</groupId><artifactId>managed</artifactId></dependency>
          <dependency><groupId>org.test</groupId><artifactId>unit</artifactId></dependency>
          <dependency><groupId>org.bom</groupId><artifactId>listed</artifactId></dependency>
          <dependency><groupId>org.api</groupId><artifactId>servlet</artifactId><version>[3]</version><scope>provided</scope></dependency>
        </dependencies></project>";

    fn tree() -> TestTree {
        TestTree::new()
            .file("src/pom.xml", PARENT)
            .file("src/bom/pom.xml", BOM)
            .file("src/child/pom.xml", CHILD)
    }

    #[test]
    fn versions_come_from_properties_parents_and_lists() {
        assert_eq!(
            tree().lines(),
            [
                "pkg:maven/com.acme/bom@1",
                "pkg:maven/com.acme/child@2.0",
                "pkg:maven/com.acme/parent@2.0",
                "pkg:maven/org.api/servlet@3",
                "pkg:maven/org.bom/listed@7.7",
                "pkg:maven/org.lib/common@9",
                "pkg:maven/org.lib/managed@1.6",
                "pkg:maven/org.test/unit@4",
                "pkg:maven/com.acme/child@2.0 needs pkg:maven/org.api/servlet@3",
                "pkg:maven/com.acme/child@2.0 needs pkg:maven/org.bom/listed@7.7",
                "pkg:maven/com.acme/child@2.0 needs pkg:maven/org.lib/common@9",
                "pkg:maven/com.acme/child@2.0 needs pkg:maven/org.lib/managed@1.6",
                "pkg:maven/com.acme/child@2.0 needs pkg:maven/org.test/unit@4",
                "pkg:maven/com.acme/parent@2.0 needs pkg:maven/org.lib/common@9",
            ]
        );
        let inventory = tree().catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(
            (scopes[3], scopes[6], scopes[7]),
            (Scope::Optional, Scope::Required, Scope::Development)
        );
        assert_eq!(inventory.components()[1].licenses, ["MIT"]);
    }

    #[test]
    fn what_no_file_of_the_tree_tells_has_no_version() {
        let text = "<project><parent><groupId>o</groupId><artifactId>far</artifactId><version>1</version>
            <relativePath/></parent><artifactId>a</artifactId><dependencies>
            <dependency><groupId>g</groupId><artifactId>b</artifactId><version>${far.version}</version></dependency>
            <dependency><groupId>${far}</groupId><artifactId>c</artifactId></dependency>
            </dependencies></project>";
        assert_eq!(
            TestTree::new().file("pom.xml", text).lines(),
            [
                "pkg:maven/g/b",
                "pkg:maven/o/a@1",
                "pkg:maven/o/a@1 needs pkg:maven/g/b",
                "pom: /pom.xml: group and artifact of a package (`c`) are not both told",
                "pom: /pom.xml: package `g:b` states no version",
            ]
        );
    }

    #[test]
    fn what_a_build_has_packed_says_only_what_it_is() {
        let tree = TestTree::new().file("app/META-INF/maven/com.acme/parent/pom.xml", PARENT);
        assert_eq!(tree.lines(), ["pkg:maven/com.acme/parent@2.0"]);
    }

    #[test]
    fn circles_of_parents_and_lists_end() {
        let text = |own: &str, parent: &str| {
            format!(
                "<project><parent><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version></parent>
                 <artifactId>{own}</artifactId>
                 <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>{parent}</artifactId>
                 <scope>import</scope></dependency></dependencies></dependencyManagement>
                 <dependencies><dependency><groupId>g</groupId><artifactId>x</artifactId></dependency></dependencies></project>"
            )
        };
        let tree =
            TestTree::new().file("a/pom.xml", text("a", "b")).file("b/pom.xml", text("b", "a"));
        assert_eq!(tree.lines().len(), 7);
    }

    #[test]
    fn what_is_no_project_is_an_unknown() {
        for (text, reason) in [
            ("", "malformed XML: the document ends too early"),
            ("<html/>", "this is no description of a Maven project"),
            ("<!DOCTYPE x><project/>", "the document has a type definition, which is not read"),
        ] {
            let lines = TestTree::new().file("pom.xml", text).lines();
            assert_eq!(lines, [format!("pom: /pom.xml: {reason}")], "{text}");
        }
        let cut =
            TestTree::new().file("pom.xml", PARENT.split("</project>").next().unwrap()).lines();
        assert_eq!(cut.len(), 4);
        assert!(TestTree::new().file("pom.xml", "<a>".repeat(1_000_000)).lines().len() == 1);
    }

    #[test]
    fn paths_of_parents() {
        let file = TreePath::parse(b"a/b/pom.xml").unwrap();
        let to = |path: &str| beside(&file, path).map(|path| path.to_string());
        assert_eq!(to("../pom.xml").as_deref(), Some("/a/pom.xml"));
        assert_eq!(to("..\\c").as_deref(), Some("/a/c"));
        assert_eq!(to("../../../x"), None);
        assert_eq!(to(""), None);
    }
}
