//! Java runtimes, from the file `release` in their directory.
//!
//! Format: <https://openjdk.org/jeps/223>, where its `JAVA_VERSION` is defined; lines of `KEY="value"`.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::program::{self, CPE};
use plimsoll_model::{component::ComponentKind, inventory::Coverage, tree::Entry};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "jvm-release",
    description: "Java runtimes in the release files of OpenJDK, Oracle JDK and GraalVM",
    files: &[Files::Named("release")],
    earlier: &[],
    want: whole,
    edges: Coverage::Unknown,
    catalog,
};

/// Keys that nothing but a Java runtime has.
const OWN_KEYS: [&str; 3] = ["JAVA_VERSION", "JAVA_RUNTIME_VERSION", "JAVA_VERSION_DATE"];

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let text = String::from_utf8_lossy(bytes);
        let values: BTreeMap<_, _> = text.lines().filter_map(pair).collect();
        let is_java = OWN_KEYS.iter().any(|key| values.contains_key(key));
        match values.get("JAVA_VERSION").copied().filter(|version| is_version(version)) {
            Some(version) => runtime(ctx, entry, (&values, version), found),
            None if is_java => ctx.note(found, entry, "the Java runtime states no version"),
            // Others call files `release` as well.
            None => {}
        }
    })
}

/// A line whose quotation mark is not closed has been cut: half a version is none.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_end().split_once('=')?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').unwrap_or_default(),
        None => value,
    };
    Some((key, value))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

fn runtime(
    ctx: &Context<'_>,
    entry: &Entry,
    (values, version): (&BTreeMap<&str, &str>, &str),
    found: &mut Found,
) {
    let value = |key: &str| values.get(key).copied().filter(|value| !value.is_empty());
    let is_commercial = value("BUILD_TYPE") == Some("commercial");
    let (namespace, name, cpe, version) = match value("GRAALVM_VERSION") {
        Some(graal) if is_version(graal) => (None, "graalvm", "oracle:graalvm", graal),
        _ if is_commercial => (Some("oracle"), "jdk", "oracle:jdk", version),
        _ => (None, "openjdk", "oracle:openjdk", version),
    };
    let draft = Draft {
        kind: "generic",
        namespace,
        name,
        shown: name,
        version: Some(version),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft);
    let Some(component) = id.and_then(|id| found.at(id)) else { return };
    component.kind = ComponentKind::Application;
    component.supplier = value("IMPLEMENTOR").map(str::to_owned);
    component.properties.insert(CPE.to_owned(), program::cpe(cpe, version));
    let runtime = value("JAVA_RUNTIME_VERSION").or_else(|| value("FULL_VERSION"));
    let runtime =
        runtime.map(|version| ("plimsoll:java:runtime-version".to_owned(), version.to_owned()));
    component.properties.extend(runtime);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const TEMURIN: &str = "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\n\
        JAVA_VERSION=\"17.0.9\"\nJAVA_VERSION_DATE=\"2023-10-17\"\nIMAGE_TYPE=\"JDK\"\n";

    #[track_caller]
    fn check(release: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("opt/java/release", release).lines(), expect);
    }

    #[test]
    fn runtimes_of_several_suppliers() {
        check(TEMURIN, &["pkg:generic/openjdk@17.0.9"]);
        check(
            "JAVA_VERSION=\"1.8.0_392\"\nOS_NAME=\"Linux\"\n",
            &["pkg:generic/openjdk@1.8.0_392"],
        );
        check(
            "BUILD_TYPE=\"commercial\"\nJAVA_VERSION=\"21.0.1\"\n",
            &["pkg:generic/oracle/jdk@21.0.1"],
        );
        check(
            "JAVA_VERSION=\"17.0.7\"\nGRAALVM_VERSION=\"22.3.2\"\n",
            &["pkg:generic/graalvm@22.3.2"],
        );
    }

    #[test]
    fn who_made_it_and_what_it_is_called_elsewhere() {
        let inventory = TestTree::new().file("opt/java/release", TEMURIN).catalog();
        let component = &inventory.components()[0];
        assert_eq!(component.supplier.as_deref(), Some("Eclipse Adoptium"));
        assert_eq!(component.properties["plimsoll:java:runtime-version"], "17.0.9+9");
        assert_eq!(component.properties[CPE], "cpe:2.3:a:oracle:openjdk:17.0.9:*:*:*:*:*:*:*");
    }

    #[test]
    fn a_runtime_without_a_version_is_an_unknown_and_other_files_are_nothing() {
        const EXPECT: &str = "jvm-release: /opt/java/release: the Java runtime states no version";
        check("JAVA_VERSION=\"\"\n", &[EXPECT]);
        check("JAVA_VERSION=\"17.0", &[EXPECT]);
        check("JAVA_RUNTIME_VERSION=\"17\"\n", &[EXPECT]);
        check("JAVA_VERSION=\"x\u{1b}[31m\"\n", &[EXPECT]);
        check("Debian 12\n", &[]);
        check("\u{0}=\"\"\n=\n", &[]);
    }
}
