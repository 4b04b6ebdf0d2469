//! Maven packages that Gradle has locked: `gradle.lockfile`, `buildscript-gradle.lockfile`, and one file for each
//! configuration in `gradle/dependency-locks`, as versions before 7 write them.
//!
//! Format: <https://docs.gradle.org/current/userguide/dependency_locking.html>.

use super::{Cataloger, Context, Draft, Files, Found};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Scope},
    inventory::Coverage,
    tree::{Entry, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "gradle-lock",
    description: "Maven packages in gradle.lockfile",
    files: &[Files::Ending(".lockfile")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

const LOCK: &[u8] = b"gradle.lockfile";
const OF_BUILD: &[u8] = b"buildscript-gradle.lockfile";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_lock = [LOCK, OF_BUILD].contains(&path.file_name()) || configuration(path).is_some();
    if is_lock { Want::Content } else { Want::Nothing }
}

/// The configuration that a file in `dependency-locks` is of.
fn configuration(path: &TreePath) -> Option<String> {
    let is_old = path.parent()?.file_name() == b"dependency-locks";
    let name = path.file_name().strip_suffix(b".lockfile").filter(|_| is_old)?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().map(str::trim);
        let mut is_lock = false;
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut is_package = || package(ctx, entry, line, found).is_some();
            if line.starts_with("empty=") || is_package() {
                is_lock = true;
            } else {
                let line: String = line.chars().take(100).collect();
                ctx.note(found, entry, format!("`{line}` is no locked package"));
            }
        }
        // Gradle writes an empty file for a configuration without packages, but only in the old form.
        if !is_lock && configuration(&entry.path).is_none() {
            ctx.note(found, entry, "the lock lists no package");
        }
    })
}

/// Adds the package of a line: `GROUP:ARTIFACT:VERSION=CONFIGURATION,CONFIGURATION`.
fn package(ctx: &Context<'_>, entry: &Entry, line: &str, found: &mut Found) -> Option<ComponentId> {
    let (coordinates, configurations) = line.split_once('=').unwrap_or((line, ""));
    let mut words = coordinates.split(':').map(str::trim);
    let (group, artifact, version) = (words.next()?, words.next()?, words.next()?);
    if group.is_empty() || artifact.is_empty() || words.next().is_some() {
        return None;
    }
    let shown = format!("{group}:{artifact}");
    let draft = Draft {
        kind: "maven",
        namespace: Some(group),
        name: artifact,
        shown: &shown,
        version: Some(version),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let old = configuration(&entry.path);
    let configurations = old.as_deref().unwrap_or(configurations);
    if let Some(component) = found.at(id) {
        let is_build = entry.path.file_name() == OF_BUILD || !is_packed(configurations);
        component.scope = if is_build { Scope::Development } else { Scope::Required };
    }
    Some(id)
}

/// Whether something is in any configuration that is more than compiled against, tested with or run while building;
/// configurations that a project has made up are.
fn is_packed(configurations: &str) -> bool {
    let mut names = configurations.split(',').map(str::trim).peekable();
    let is_build = |name: &str| {
        let name = name.to_ascii_lowercase();
        let ends = ["compileclasspath", "annotationprocessor", "compileonly"];
        name.contains("test") || ends.iter().any(|end| name.ends_with(end))
    };
    names.peek().is_none() || names.any(|name| !is_build(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const TEXT: &str = "# This is a Gradle generated file for dependency locking.\n\
        com.acme:app-core:1.2=compileClasspath,runtimeClasspath\n\
        org.lombok:lombok:1.18=annotationProcessor,compileClasspath\n\
        org.test:unit:5=testCompileClasspath,testRuntimeClasspath\n\
        empty=signatures\n";

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    fn scopes(path: &str, text: &str) -> Vec<Scope> {
        let inventory = TestTree::new().file(path, text).catalog();
        inventory.components().iter().map(|found| found.scope).collect()
    }

    #[test]
    fn packages_and_what_they_are_for() {
        check(
            "srv/gradle.lockfile",
            TEXT,
            &[
                "pkg:maven/com.acme/app-core@1.2",
                "pkg:maven/org.lombok/lombok@1.18",
                "pkg:maven/org.test/unit@5",
            ],
        );
        let of_build = [Scope::Development; 3];
        assert_eq!(scopes("buildscript-gradle.lockfile", TEXT), of_build);
        assert_eq!(scopes("gradle.lockfile", TEXT)[0], Scope::Required);
        assert_eq!(scopes("gradle.lockfile", TEXT)[1..], of_build[1..]);
    }

    #[test]
    fn one_file_for_each_configuration() {
        let path = "gradle/dependency-locks/testRuntimeClasspath.lockfile";
        check(path, "# x\ng:a:1\n", &["pkg:maven/g/a@1"]);
        assert_eq!(scopes(path, "g:a:1\n"), [Scope::Development]);
        assert_eq!(
            scopes("gradle/dependency-locks/runtimeClasspath.lockfile", "g:a:1"),
            [Scope::Required]
        );
        check("gradle/dependency-locks/compile.lockfile", "# x\n", &[]);
        check("other/a.lockfile", "g:a:1", &[]);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        let unknown = |what: &str| format!("gradle-lock: /gradle.lockfile: {what}");
        check("gradle.lockfile", "", &[&unknown("the lock lists no package")]);
        check(
            "gradle.lockfile",
            "g:a:1:x=c\ng:b\ng:c:3=runtimeClasspath",
            &[
                "pkg:maven/g/c@3",
                &unknown("`g:a:1:x=c` is no locked package"),
                &unknown("`g:b` is no locked package"),
            ],
        );
        check(
            "gradle.lockfile",
            "g:a:=x",
            &["pkg:maven/g/a", &unknown("package `g:a` states no version")],
        );
        let hostile = format!("{}:\u{1b}[2J:\0=x\n{}", "g".repeat(100_000), ":".repeat(100_000));
        assert!(!TestTree::new().file("gradle.lockfile", hostile).lines().is_empty());
    }
}
