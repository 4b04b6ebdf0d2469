//! `cargo xtask fuzz`: every fuzz target for a bounded time, from the corpus that is kept in the repository.
//!
//! No cargo-fuzz and no nightly: the stable compiler instruments as well, and `libfuzzer-sys` brings the fuzzer. What is
//! passed to it is what cargo-fuzz passes with `--sanitizer none`: nothing here is unsafe, so there is nothing for a
//! sanitizer to find that a panic, a limit of memory and a limit of time do not tell.

use crate::shell::{cargo, command, output, root, run};
use anyhow::{Context as _, Result, bail};
use camino::Utf8PathBuf;
use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

/// How long each target runs when nobody says otherwise.
pub(crate) const STANDARD: Duration = Duration::from_secs(5);

/// Seconds that one input may take, and MiB that all may. What is refused for its size is refused well below both.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// The longest inputs that are made, in bytes: of what is binary more than of what is text. Longer ones are found no
/// deeper, only later.
const LONGEST: &str = "-max_len=16384";

/// What the compiler has to do besides: count edges and tell the fuzzer what was compared with what.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds the targets and runs those that are named, or all. First the corpus alone: what once was mended stays so.
pub(crate) fn fuzz(time: Duration, named: &[&str]) -> Result<()> {
    let host = host()?;
    let all = targets()?;
    if let Some(unknown) = named.iter().find(|name| !all.iter().any(|target| target == *name)) {
        bail!("there is no fuzz target `{unknown}`: there are {}", all.join(", "));
    }
    let chosen: Vec<&String> =
        all.iter().filter(|target| named.is_empty() || named.contains(&target.as_str())).collect();
    build(&host, &chosen)?;
    for target in chosen {
        let program = folder().join(&host).join("debug").join(target);
        fuzz_one(target, &program, time)?;
    }
    Ok(())
}

/// Everything that is built, found and written: never tracked, gone with `cargo clean`.
fn folder() -> Utf8PathBuf {
    root().join("target/fuzz")
}

/// The names of the targets: those of their files.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    let folder = root().join("fuzz/targets");
    for entry in folder.read_dir_utf8().with_context(|| format!("cannot list {folder}"))? {
        let entry = entry?;
        let path = entry.path();
        let name = path.file_stem().filter(|_| path.extension() == Some("rs"));
        targets.extend(name.map(str::to_owned));
    }
    targets.sort();
    Ok(targets)
}

/// The triple of this machine. With it named, build scripts and macros of the compiler are built without instrumentation.
fn host() -> Result<String> {
    let told = output(command("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say what it runs on")
}

fn build(host: &str, targets: &[&String]) -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    build.args(targets.iter().flat_map(|target| ["--bin", target]));
    build.env("RUSTFLAGS", INSTRUMENTATION).env("CARGO_TARGET_DIR", folder().as_str());
    run(&mut build).context(
        "if it is the lock file that has to change: \
         `cp Cargo.lock fuzz/ && cargo metadata --manifest-path fuzz/Cargo.toml` does it",
    )
}

/// Runs one target: through the corpus, then on for `time`. What it finds on the way is kept for the next run here, and
/// what is worth keeping for good is for a person to move.
fn fuzz_one(target: &str, program: &Utf8PathBuf, time: Duration) -> Result<()> {
    let kept = root().join("fuzz/corpus").join(target);
    let found = folder().join("corpus").join(target);
    let artifacts = folder().join("artifacts").join(target);
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    }
    let fuzzer = |runs: &str| {
        let mut fuzzer = command(program);
        fuzzer.args(LIMITS).arg(LONGEST).arg(runs).arg(format!("-artifact_prefix={artifacts}/"));
        fuzzer
    };
    judge(target, program, fuzzer("-runs=0").arg(&kept))?;
    let time = format!("-max_total_time={}", time.as_secs());
    judge(target, program, fuzzer(&time).arg(&found).arg(&kept))
}

/// Shows the last line of what a fuzzer says, or all of it if it found something.
fn judge(target: &str, program: &Utf8PathBuf, fuzzer: &mut Command) -> Result<()> {
    let told = fuzzer
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    let text = String::from_utf8_lossy(&told.stderr);
    if told.status.success() {
        println!("fuzz: {target}: {}", closing(&text));
        return Ok(());
    }
    eprintln!("{text}");
    match artifact(&text) {
        Some(input) => bail!("{target} fails on {input}; once more: `{program} {input}`"),
        None => bail!("{target} failed: {}", told.status),
    }
}

/// The line that a fuzzer says at its end: `#4711 DONE cov: …`.
fn closing(text: &str) -> &str {
    let is_status = |line: &&str| line.starts_with('#') && line.contains("DONE");
    text.lines().rfind(is_status).unwrap_or("ran").trim()
}

/// Where the fuzzer has put the input that it stopped at.
fn artifact(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .find_map(|line| line.split_once("Test unit written to "))
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fuzzer_says_is_understood() {
        let good = "INFO: Seed: 1\n#2\tINITED cov: 3\n#90\tDONE   cov: 5 ft: 6\n\
            ###### End of recommended dictionary. ######\nDone 90 runs\n";
        assert_eq!(closing(good), "#90\tDONE   cov: 5 ft: 6");
        assert_eq!(artifact(good), None);
        let bad = "==1== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='a/'; Test unit written to a/crash-1\nBase64: AA==\n";
        assert_eq!(artifact(bad), Some("a/crash-1"));
        assert_eq!(closing(bad), "ran");
    }

    #[test]
    fn every_target_has_a_corpus_and_a_place_in_the_manifest() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            let corpus = root().join("fuzz/corpus").join(&target);
            assert!(
                corpus.read_dir_utf8().is_ok_and(|mut seeds| seeds.next().is_some()),
                "{corpus}"
            );
            assert!(
                manifest.contains(&format!("name = \"{target}\"\npath = \"targets/{target}.rs\""))
            );
        }
    }
}
