//! Starting other programs, and the paths they work on.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

/// How often a step that downloads is tried before it counts as failed.
const ATTEMPTS: u32 = 3;

/// The folder of the repository.
pub(crate) fn root() -> &'static Utf8Path {
    let xtask = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where the tools of others are installed: never tracked, gone with `cargo clean`.
pub(crate) fn oracles() -> Utf8PathBuf {
    root().join("target/oracles")
}

/// A program to be started in the folder of the repository.
pub(crate) fn command(program: impl AsRef<str>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that started us, so that the toolchain is one and the same.
pub(crate) fn cargo() -> Command {
    command(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// Runs a program whose output the person sees.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a program and returns what it wrote to stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote other than UTF-8", line(command)))
}

/// Runs a program, shows each line of its stdout as it comes and hands it on.
pub(crate) fn watch(command: &mut Command, mut each: impl FnMut(&str)) -> Result<()> {
    let name = line(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {name}"))?;
    let stdout = child.stdout.take().with_context(|| format!("{name} has no stdout"))?;
    for text in BufReader::new(stdout).lines() {
        let text = text.with_context(|| format!("cannot read what {name} says"))?;
        println!("{text}");
        each(&text);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}

/// Runs a step that downloads, again if it fails: a registry that hiccups is no verdict.
pub(crate) fn with_retries(what: &str, step: impl Fn() -> Result<()>) -> Result<()> {
    let mut attempt = 1;
    loop {
        match step() {
            Err(error) if attempt < ATTEMPTS => {
                eprintln!(
                    "{what}: attempt {attempt} of {ATTEMPTS} failed, trying again: {error:#}"
                );
                attempt += 1;
            }
            result => return result.with_context(|| what.to_owned()),
        }
    }
}

/// Whether a program is on the `PATH` or in the folders where Debian keeps those of root.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin"])
        .any(|folder| Utf8Path::new(folder).join(program).is_file())
}

/// Whether we may install packages and change roots.
pub(crate) fn is_root() -> Result<bool> {
    Ok(output(command("id").arg("-u"))?.trim() == "0")
}

/// Whether `folder` holds what `recipe` makes, complete.
pub(crate) fn is_stamped(folder: &Utf8Path, recipe: &str) -> bool {
    fs::read_to_string(folder.join(".stamp")).is_ok_and(|stamp| stamp == recipe)
}

/// Says that `folder` now holds what `recipe` makes; the last step of a set-up.
pub(crate) fn stamp(folder: &Utf8Path, recipe: &str) -> Result<()> {
    fs::write(folder.join(".stamp"), recipe)
        .with_context(|| format!("cannot write {folder}/.stamp"))
}

/// An empty folder, whatever was there before.
pub(crate) fn fresh_folder(folder: &Utf8Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {folder}"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))
}

/// The beginning of the command as a person would have typed it, for messages.
fn line(command: &Command) -> String {
    const WORDS: usize = 12;
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut line: Vec<_> = words.take(WORDS).map(|word| word.to_string_lossy()).collect();
    if command.get_args().len() >= WORDS {
        line.push("…".into());
    }
    format!("`{}`", line.join(" "))
}
