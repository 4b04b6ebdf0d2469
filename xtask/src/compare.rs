//! `cargo xtask compare`: what Plimsoll, its peers and the floor cost on the same images, in one run.

mod difference;

use crate::{
    image,
    shell::{self, cargo, command, fresh_folder, output, root, run},
};
use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use difference::Listed;
use std::fs;

/// Runs a command so often and prints the least of wall time and CPU time in seconds, the peak of memory in MB, and what
/// it left in the folder for temporary files at its largest, in MB.
const MEASURE: &str = r#"
import os, resource, subprocess, sys, threading, time
times, scratch, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
def size():
    total = 0
    for folder, _, files in os.walk(scratch):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                pass
    return total
largest, over = 0, threading.Event()
def watch():
    global largest
    while not over.wait(0.05):
        largest = max(largest, size())
watcher = threading.Thread(target=watch)
watcher.start()
runs = []
for _ in range(times):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=scratch))
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{arguments} ended with {done.returncode}")
    runs.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
over.set()
watcher.join()
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{min(run[0] for run in runs):.2f}\t{min(run[1] for run in runs):.2f}\t{peak:.0f}\t{largest / 1e6:.0f}")
"#;

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

/// How often each of ours is measured, and each peer: those take minutes, and differ by more than runs do.
const RUNS: &str = "3";
const RUNS_OF_PEERS: &str = "1";

/// Builds what is measured, then prints tables for each image: what each costs, and what only one lists.
pub(crate) fn run_all() -> Result<()> {
    image::build()?;
    image::fat::build()?;
    let release = ["build", "--release", "--locked", "-p", "plimsoll"];
    run(cargo().args(release))?;
    let floor = ["build", "--release", "--locked", "-p", "plimsoll-oci", "--example", "floor"];
    run(cargo().args(floor))?;
    let work = root().join("target/compare");
    fresh_folder(&work)?;
    let fat = shell::oracles().join("fat");
    let min = shell::oracles().join("image/layout");
    table(&work, &Measured { name: "min", layout: &min, tag: "base", unpacked: None })?;
    let unpacked = fat.join("unpacked/rootfs");
    let fat = fat.join("layout");
    table(&work, &Measured { name: "fat", layout: &fat, tag: "app", unpacked: Some(&unpacked) })
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
    println!("\n| {name} | wall s | CPU s | peak MB | temporary MB |\n|---|---|---|---|---|");
    let release = root().join("target/release");
    let ours = release.join("plimsoll").into_string();
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
    difference::print(&ours, &[("syft", &syft), ("trivy", &trivy)])
}

/// A layout with this image alone: peers take the first of an index.
fn single(work: &Utf8Path, image: &Measured<'_>) -> Result<Utf8PathBuf> {
    let to = work.join(image.name);
    let (from, to_name) = (format!("oci:{}:{}", image.layout, image.tag), format!("oci:{to}:1"));
    run(command("skopeo").args(["copy", "--quiet", "--insecure-policy", &from, &to_name]))?;
    Ok(to)
}

fn fresh(work: &Utf8Path, name: &str) -> Result<Utf8PathBuf> {
    let folder = work.join(name);
    fresh_folder(&folder)?;
    Ok(folder)
}

fn measure(work: &Utf8Path, who: &str, arguments: &[String]) -> Result<()> {
    measure_often(work, who, RUNS, arguments)
}

fn measure_often(work: &Utf8Path, who: &str, runs: &str, arguments: &[String]) -> Result<()> {
    let scratch = fresh(work, "scratch")?;
    let script = work.join("measure.py");
    fs::write(&script, MEASURE).context("cannot write the script that measures")?;
    let figures =
        output(command("python3").args([script.as_str(), runs, scratch.as_str()]).args(arguments))?;
    println!("| {who} | {} |", figures.trim().replace('\t', " | "));
    Ok(())
}
