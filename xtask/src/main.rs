//! The project's own chores: `cargo xtask ci`, `cargo xtask oracles`, `cargo xtask image`.
//!
//! Nothing here is shipped, and nothing here judges: the judges are rustfmt, clippy, the tests and the tools of others.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore starts programs, reads its environment and talks to the person who started it"
)]

mod ci;
mod compare;
mod fuzz;
mod image;
mod oracles;
mod shell;

use anyhow::{Context as _, Result, bail};
use std::{process::ExitCode, time::Duration};

const USAGE: &str = "\
usage: cargo xtask <chore>

  ci [--no-oracles]   set up what the tests need, then check everything; stops at the first failure
  oracles             install the tools of others that judge what Plimsoll makes, and the test image
  image [fat]         build the test image only (Debian, by mmdebstrap and umoci; needs root), or the
                      large one that speed and memory are measured on
  fuzz [--seconds N] [TARGET...]
                      run the fuzz targets from their kept corpora, each for N seconds (5)
  compare [sbom|scan] measure Plimsoll beside its peers and say what only one of them finds: SBOMs of two images
                      (syft, trivy and the floor), scans by the same advisories (trivy, cargo-audit)

What is installed lands in target/oracles. With PLIMSOLL_ORACLES=require a missing oracle is a failure.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match chore(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn chore(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["ci"] => ci::run(ci::Oracles::SetUp),
        ["ci", "--no-oracles"] => ci::run(ci::Oracles::LeaveAlone),
        ["oracles"] => oracles::set_up(),
        ["fuzz", "--seconds", seconds, named @ ..] => {
            let seconds = seconds.parse().with_context(|| format!("`{seconds}` is no number"))?;
            fuzz::fuzz(Duration::from_secs(seconds), named)
        }
        ["fuzz", named @ ..] => fuzz::fuzz(fuzz::STANDARD, named),
        ["compare"] => compare::run_all(),
        ["compare", "sbom"] => compare::inventories(),
        ["compare", "scan"] => compare::scans(),
        ["image"] => image::build(),
        ["image", "fat"] => image::fat::build(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown chore `{}`\n\n{USAGE}", other.join(" ")),
    }
}
