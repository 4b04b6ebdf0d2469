//! SBOMs of two images: Plimsoll, syft, trivy and the floor.

use super::{
    RUNS_OF_PEERS,
    components::{self, Listed},
    fresh, heading, measure, measure_often, plimsoll,
};
use crate::{
    image,
    shell::{self, cargo, command, root, run},
};
use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

/// Trivy downloads a database of Java archives before it reads the first one. What is measured needs no network, so it gets
/// one with nothing in it.
const EMPTY_JAVA_DATABASE: &str = r#"
import json, os, sqlite3, sys
folder = os.path.join(sys.argv[1], "java-db")
os.makedirs(folder)
database = sqlite3.connect(os.path.join(folder, "trivy-java.db"))
database.executescript(
    "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);"
    "CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, license TEXT);"
)
day = "2025-01-01T00:00:00Z"
with open(os.path.join(folder, "metadata.json"), "w") as metadata:
    json.dump({"Version": 1, "NextUpdate": day, "UpdatedAt": day, "DownloadedAt": day}, metadata)
"#;

/// Builds what is measured, then prints tables for each image: what each costs, and what only one lists.
pub(super) fn run_all(work: &Utf8Path) -> Result<()> {
    image::build()?;
    image::fat::build()?;
    let floor = ["build", "--release", "--locked", "-p", "plimsoll-oci", "--example", "floor"];
    run(cargo().args(floor))?;
    let fat = shell::oracles().join("fat");
    let min = shell::oracles().join("image/layout");
    table(work, &Measured { name: "min", layout: &min, tag: "base", unpacked: None })?;
    let unpacked = fat.join("unpacked/rootfs");
    let fat = fat.join("layout");
    table(work, &Measured { name: "fat", layout: &fat, tag: "app", unpacked: Some(&unpacked) })
}

/// An image.
struct Measured<'a> {
    name: &'a str,
    layout: &'a Utf8Path,
    tag: &'a str,
    unpacked: Option<&'a Utf8Path>,
}

fn table(work: &Utf8Path, image: &Measured<'_>) -> Result<()> {
    let Measured { name, layout, tag, unpacked } = *image;
    heading(name);
    let release = root().join("target/release");
    let ours = plimsoll();
    let subject = format!("oci-layout:{layout}:{tag}");
    let out = |who: &str| work.join(format!("{name}.{who}.json"));
    let sbom = |subject: &str, who: &str| {
        let to = format!("cyclonedx-json={}", out(who));
        [&ours, "-q", "sbom", subject, "-o", &to].map(str::to_owned).to_vec()
    };
    let floor = release.join("examples/floor").into_string();
    measure(work, "floor, one thread", &[floor, layout.to_string(), tag.to_owned()])?;
    measure(work, "plimsoll", &sbom(&subject, "plimsoll"))?;
    let cache = work.join(format!("{name}.layers")).into_string();
    let warm = [sbom(&subject, "plimsoll"), vec!["--layer-cache".to_owned(), cache]].concat();
    measure(work, "plimsoll, layer cache warm", &warm)?;
    if let Some(unpacked) = unpacked {
        let subject = format!("dir:{unpacked}");
        measure(work, "plimsoll, unpacked, `dir:`", &sbom(&subject, "dir"))?;
    }
    let single = single(work, image)?;
    let peer = |program: &str| shell::oracles().join("venv/bin").join(program).into_string();
    let syft = [peer("syft"), "-q".into(), "scan".into(), format!("oci-dir:{single}"), "-o".into()];
    let syft = [syft.to_vec(), vec![format!("cyclonedx-json={}", out("syft"))]].concat();
    measure_often(work, "syft", RUNS_OF_PEERS, &syft)?;
    let cache = fresh(work, "trivy")?.into_string();
    run(command("python3").args(["-c", EMPTY_JAVA_DATABASE, &cache]))?;
    let trivy = ["image", "--quiet", "--format", "cyclonedx", "--cache-backend", "memory"];
    let trivy = trivy.into_iter().chain(["--skip-java-db-update", "--offline-scan"]);
    let trivy: Vec<String> = [peer("trivy")]
        .into_iter()
        .chain(trivy.map(str::to_owned))
        .chain(["--cache-dir".into(), cache, "--input".into(), single.into_string()])
        .chain(["--output".into(), out("trivy").into_string()])
        .collect();
    measure_often(work, "trivy", RUNS_OF_PEERS, &trivy)?;
    let listed = |who: &str| Listed::read(&out(who));
    let (ours, syft, trivy) = (listed("plimsoll")?, listed("syft")?, listed("trivy")?);
    components::print(&ours, &[("syft", &syft), ("trivy", &trivy)])
}

/// A layout with this image alone: peers take the first of an index.
fn single(work: &Utf8Path, image: &Measured<'_>) -> Result<Utf8PathBuf> {
    let to = work.join(image.name);
    let (from, to_name) = (format!("oci:{}:{}", image.layout, image.tag), format!("oci:{to}:1"));
    run(command("skopeo").args(["copy", "--quiet", "--insecure-policy", &from, &to_name]))?;
    Ok(to)
}
