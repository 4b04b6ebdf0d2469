//! `cargo xtask compare`: what Plimsoll, its peers and the floor cost on the same things, in one run, and what they find.

mod advisories;
mod components;
mod inventory;

use crate::shell::{cargo, command, fresh_folder, has, output, root, run};
use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;

/// Runs a command so often and prints the least of wall time and CPU time in seconds, the peak of memory in MB, and what
/// it left in the folder for temporary files at its largest, in MB. GNU time starts it, since a process begins with the peak
/// of the one that it comes of. A scan that blocks (1) or can not tell (3) has done its work.
const MEASURE: &str = r#"
import os, resource, subprocess, sys, threading, time
times, scratch, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
note = scratch + ".peak"
timed = ["/usr/bin/time", "-q", "-o", note, "-f", "%M", *arguments]
peak = 0
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
    done = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=scratch))
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{arguments} ended with {done.returncode}")
    peak = max(peak, int(open(note).read()) / 1024)
    runs.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
over.set()
watcher.join()
print(f"{min(run[0] for run in runs):.3f}\t{min(run[1] for run in runs):.3f}\t{peak:.0f}\t{largest / 1e6:.0f}")
"#;

/// How often each of ours is measured, and each peer: those take minutes, and differ by more than runs do.
const RUNS: &str = "3";
const RUNS_OF_PEERS: &str = "1";

/// Measures SBOMs, then scans.
pub(crate) fn run_all() -> Result<()> {
    inventories()?;
    scans()
}

/// Measures SBOMs of images.
pub(crate) fn inventories() -> Result<()> {
    inventory::run_all(&prepare()?)
}

/// Measures scans.
pub(crate) fn scans() -> Result<()> {
    advisories::run_all(&prepare()?)
}

/// Builds the program, and gives the folder to work in.
fn prepare() -> Result<Utf8PathBuf> {
    if !Utf8Path::new("/usr/bin/time").is_file() || !has("python3") {
        bail!("measuring takes GNU time and Python (on Debian: `apt-get install time python3`)");
    }
    let release = ["build", "--release", "--locked", "-p", "plimsoll"];
    run(cargo().args(release))?;
    let work = root().join("target/compare");
    fresh_folder(&work)?;
    Ok(work)
}

/// The program that was built.
fn plimsoll() -> String {
    root().join("target/release/plimsoll").into_string()
}

fn heading(name: &str) {
    println!("\n| {name} | wall s | CPU s | peak MB | temporary MB |\n|---|---|---|---|---|");
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
