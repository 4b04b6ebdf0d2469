//! `cargo xtask ci`: everything that must hold before a change lands, once each, cheapest first, fuzzing last.

use crate::{
    fuzz, oracles,
    shell::{self, cargo, command, output, root, watch},
};
use anyhow::{Context as _, Result, bail};
use std::time::{Duration, Instant};

/// What to do about the tools of others before the checks begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oracles {
    /// Install what is missing.
    SetUp,
    /// Use what is there.
    LeaveAlone,
}

/// One thing that is checked.
struct Stage {
    name: &'static str,
    run: fn() -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage { name: "formatting", run: formatting },
    Stage { name: "spelling", run: spelling },
    Stage { name: "dependencies", run: dependencies },
    Stage { name: "lints", run: lints },
    Stage { name: "documentation", run: documentation },
    Stage { name: "tests", run: tests },
    Stage { name: "fuzzing", run: fuzzing },
];

/// Runs every stage and says how long each took; the first failure ends the run.
pub(crate) fn run(oracles: Oracles) -> Result<()> {
    let start = Instant::now();
    if oracles == Oracles::SetUp {
        stage(&Stage { name: "oracles", run: oracles::set_up })?;
    }
    for each in STAGES {
        stage(each)?;
    }
    println!("ci: everything holds, {}", seconds(start.elapsed()));
    Ok(())
}

fn stage(stage: &Stage) -> Result<()> {
    println!("ci: {} …", stage.name);
    let start = Instant::now();
    (stage.run)().with_context(|| {
        format!("ci stopped at `{}` after {}", stage.name, seconds(start.elapsed()))
    })?;
    println!("ci: {} done, {}", stage.name, seconds(start.elapsed()));
    Ok(())
}

/// Every tracked Rust file: `cargo fmt` does not see modules that a macro declares.
fn formatting() -> Result<()> {
    let files = output(command("git").args(["ls-files", "-z", "*.rs"]))?;
    let files = files.split_terminator('\0').filter(|file| root().join(file).is_file());
    shell::run(command("rustfmt").args(["--check", "--edition", "2024"]).args(files)).context(
        "not every file is formatted; `rustfmt --edition 2024 $(git ls-files '*.rs')` does it",
    )
}

fn spelling() -> Result<()> {
    judge("typos", &[])
}

/// Bans, licences and sources. Not advisories: their database cannot be had without a network.
fn dependencies() -> Result<()> {
    judge(
        "cargo-deny",
        &[
            "--log-level",
            "error",
            "--all-features",
            "--locked",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    )
}

fn lints() -> Result<()> {
    let targets = ["clippy", "--locked", "--workspace", "--all-targets", "--all-features"];
    shell::run(cargo().args(targets).args(["--", "-D", "warnings"]))
}

fn documentation() -> Result<()> {
    let targets = ["doc", "--locked", "--workspace", "--all-features", "--no-deps"];
    shell::run(cargo().args(targets).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Unit tests, `tests/it` and doctests, in one build; closes with one line that adds them up.
fn tests() -> Result<()> {
    let mut count = Count::default();
    let targets = ["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"];
    let result = watch(cargo().args(targets), |line| count.add(line));
    println!("tests: {} passed, {} failed", count.passed, count.failed);
    result?;
    if count.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// A short run of each target: whether it still builds, and still holds for what it has seen.
fn fuzzing() -> Result<()> {
    fuzz::fuzz(fuzz::STANDARD, &[])
}

/// Runs a judge of `target/oracles`; one that is not installed is passed over unless oracles are required.
fn judge(name: &str, arguments: &[&str]) -> Result<()> {
    let program = shell::oracles().join("venv/bin").join(name);
    if program.is_file() {
        return shell::run(command(&program).args(arguments));
    }
    if oracles::are_required() {
        bail!("{program} is not there; `cargo xtask oracles` installs it");
    }
    eprintln!("{name} is not installed (`cargo xtask oracles` does): passed over");
    Ok(())
}

/// What the closing lines of every test binary add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// Reads `test result: ok. 12 passed; 0 failed; …`; any other line adds nothing.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let words: Vec<&str> = result.split([' ', ';']).collect();
        for pair in words.windows(2) {
            match *pair {
                [number, "passed"] => self.passed += number.parse().unwrap_or(0),
                [number, "failed"] => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod closing_lines {
    use super::*;

    #[test]
    fn closing_lines_add_up_and_other_lines_do_not() {
        let mut count = Count::default();
        count.add("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s");
        count.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        count.add("test two::of_5 passed ... ok");
        assert_eq!(count, Count { passed: 16, failed: 2 });
    }
}
