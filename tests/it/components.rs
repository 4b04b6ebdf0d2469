//! What is aboard the real image: exactly what dpkg, pip and npm say.

use crate::support::{RealImage, real_image, run, sandbox};
use camino::Utf8Path;
use serde_json::Value;
use std::collections::BTreeSet;

type Packages = BTreeSet<(String, String)>;

fn json(path: &Utf8Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The components of one purl type whose files satisfy `is_there`, by name and version.
fn found(report: &Value, kind: &str, is_there: impl Fn(&str) -> bool) -> Packages {
    let components = report["inventory"]["components"].as_array().unwrap().iter();
    components
        .filter(|component| {
            component["purl"].as_str().unwrap().starts_with(&format!("pkg:{kind}/"))
        })
        .filter(|component| {
            let mut locations = component["locations"].as_array().unwrap().iter();
            locations.any(|location| is_there(location["path"].as_str().unwrap()))
        })
        .map(|component| {
            let text = |field: &str| component[field].as_str().unwrap().to_owned();
            (text("name"), text("version"))
        })
        .collect()
}

fn npm(tree: &Value, packages: &mut Packages) {
    for (name, package) in tree["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = package["version"].as_str() {
            packages.insert((name.clone(), version.to_owned()));
        }
        npm(package, packages);
    }
}

/// PEP 503: names that differ in case and separators are one.
fn normal(packages: Packages) -> Packages {
    let normal = |name: String| name.to_lowercase().replace(['_', '.'], "-");
    packages.into_iter().map(|(name, version)| (normal(name), version)).collect()
}

fn pip(list: &Value) -> Packages {
    let packages = list.as_array().unwrap().iter();
    let text = |package: &Value, field: &str| package[field].as_str().unwrap().to_owned();
    normal(packages.map(|package| (text(package, "name"), text(package, "version"))).collect())
}

#[test]
fn the_component_set_is_that_of_dpkg_pip_and_npm() {
    let Some(RealImage { layout, truth }) = real_image() else { return };
    let sandbox = sandbox();
    let subject = format!("oci-layout:{layout}:app");
    let outcome = run(sandbox.plimsoll().args(["sbom", &subject, "-o", "json"])).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();

    let dpkg: Packages = std::fs::read_to_string(truth.join("dpkg.tsv"))
        .unwrap()
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields.last() == Some(&"installed"))
        .map(|fields| (fields[0].to_owned(), fields[1].to_owned()))
        .collect();
    assert!(dpkg.len() > 100);
    assert_eq!(found(&report, "deb", |_| true), dpkg);

    let application = |path: &str| path.starts_with("/srv/py/");
    let system = pip(&json(&truth.join("pip.json")));
    assert!(!system.is_empty());
    assert_eq!(normal(found(&report, "pypi", |path| !application(path))), system);
    assert_eq!(
        normal(found(&report, "pypi", application)),
        pip(&json(&truth.join("pip-app.json")))
    );

    let mut tree = Packages::new();
    npm(&json(&truth.join("npm.json")), &mut tree);
    let modules =
        |path: &str| path.starts_with("/srv/app/node_modules/") && path.ends_with("/package.json");
    assert!(tree.len() > 50);
    assert_eq!(found(&report, "npm", modules), tree);
    assert_eq!(report["inventory"]["unknowns"], serde_json::json!([]));
}
