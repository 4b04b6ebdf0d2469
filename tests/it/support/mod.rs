//! What the tests share: the binary in a clean environment, the tools of others, a registry, a real image.
//!
//! A tool that is not installed makes its test say so and pass over, unless `PLIMSOLL_ORACLES=require`.

mod act;
mod port;
mod registry;
mod sigstore;

pub(crate) use act::{act, repository};
pub(crate) use port::{Port, port};
pub(crate) use registry::{Guard, Registry, RegistryOptions, registry, registry_with};
pub(crate) use sigstore::{Bench, Evidence, Harbour, harbour};

use camino::{Utf8Path, Utf8PathBuf};
use std::{
    env,
    fmt::Display,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// The binary under test.
pub(crate) fn bin() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_BIN_EXE_plimsoll"))
}

/// The folder of the repository.
pub(crate) fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is a folder of the repository")
}

/// A folder of its own for one test, which is also the home of every program it starts.
pub(crate) struct Sandbox(TempDir);

/// A new, empty sandbox.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox(TempDir::new().unwrap())
}

impl Sandbox {
    /// The folder.
    pub(crate) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).expect("temporary folders have names in UTF-8")
    }

    /// A path in the folder.
    pub(crate) fn join(&self, path: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        self.path().join(path)
    }

    /// Writes a file, and the folders it needs.
    pub(crate) fn write(
        &self,
        path: impl AsRef<Utf8Path>,
        content: impl AsRef<[u8]>,
    ) -> Utf8PathBuf {
        let path = self.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Plimsoll, to be run in the folder.
    pub(crate) fn plimsoll(&self) -> Command {
        self.command(bin())
    }

    /// A program, to be run in the folder; of the environment it sees the `PATH` alone.
    pub(crate) fn command(&self, program: impl AsRef<Utf8Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", env::var("PATH").unwrap_or_default())
            .env("HOME", self.join("home"))
            .env("XDG_CACHE_HOME", self.join("home/cache"))
            .env("XDG_CONFIG_HOME", self.join("home/config"))
            .env("XDG_STATE_HOME", self.join("home/state"))
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit status; a program ended by a signal is a failed test.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Outcome {
    let output =
        command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    Outcome {
        status: output
            .status
            .code()
            .unwrap_or_else(|| panic!("{command:?} was ended: {}", output.status)),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

impl Outcome {
    /// Fails the test, with everything that was said, unless the status is this one.
    #[track_caller]
    pub(crate) fn expect_status(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// Says that something is not there; a failure where oracles are required.
#[track_caller]
pub(crate) fn missing<T>(what: impl Display) -> Option<T> {
    let required = env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require");
    assert!(!required, "{what} is not there, and PLIMSOLL_ORACLES=require");
    eprintln!("passed over: {what} is not there");
    None
}

/// A folder or file of the data that the tests share with other work: `$PLIMSOLL_SHARED`, else `../shared`.
#[track_caller]
pub(crate) fn shared(path: &str) -> Option<Utf8PathBuf> {
    let shared =
        env::var("PLIMSOLL_SHARED").map_or_else(|_| root().join("../shared"), Utf8PathBuf::from);
    let path = shared.join(path);
    if path.exists() { Some(path) } else { missing(path) }
}

/// A program by others: from `target/oracles`, else from the `PATH`.
#[track_caller]
pub(crate) fn oracle(name: &str) -> Option<Utf8PathBuf> {
    let installed = oracles().join("venv/bin").join(name);
    if installed.is_file() {
        return Some(installed);
    }
    let path = env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .map(|folder| Utf8Path::new(folder).join(name))
        .find(|program| program.is_file());
    found.or_else(|| missing(format!("the oracle `{name}` (`cargo xtask oracles` installs it)")))
}

/// A script of `tests/it/support/oracles` in the interpreter of its kind, with the packages of `target/oracles` in reach.
#[track_caller]
pub(crate) fn oracle_script(sandbox: &Sandbox, name: &str) -> Option<Command> {
    let script = root().join("tests/it/support/oracles").join(name);
    assert!(script.is_file(), "no such script: {script}");
    let interpreter = match script.extension() {
        Some("py") => oracles().join("venv/bin/python3"),
        Some("mjs") => oracle("node")?,
        other => panic!("no interpreter for {other:?}"),
    };
    let packages = oracles().join("node/node_modules");
    if !interpreter.is_file() || !packages.is_dir() {
        return missing("target/oracles (`cargo xtask oracles` makes it)");
    }
    let mut command = sandbox.command(interpreter);
    command.env("NODE_PATH", packages).arg(script);
    Some(command)
}

/// A Debian image with Python, Node.js and an application of each, and what dpkg, pip and npm say is in it.
///
/// All tests share it: one that attaches evidence to it takes a copy of its layout.
pub(crate) struct RealImage {
    /// OCI layout with the tags `base` and `app`.
    pub(crate) layout: Utf8PathBuf,
    /// `dpkg.tsv`, `pip.json`, `pip-app.json`, `npm.json`: about `app`.
    pub(crate) truth: Utf8PathBuf,
}

/// The image that `cargo xtask image` builds.
#[track_caller]
pub(crate) fn real_image() -> Option<RealImage> {
    let folder = oracles().join("image");
    if !folder.join(".stamp").is_file() {
        return missing("the real image (`cargo xtask image` builds it)");
    }
    Some(RealImage { layout: folder.join("layout"), truth: folder.join("truth") })
}

/// The Cargo.lock files of published programs that `cargo xtask oracles` fetches, in the order of their names.
#[track_caller]
pub(crate) fn locks() -> Option<Vec<Utf8PathBuf>> {
    let folder = oracles().join("locks");
    if !folder.join(".stamp").is_file() {
        return missing("the lock files (`cargo xtask oracles` fetches them)");
    }
    let files = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let mut locks: Vec<_> = files.filter(|path| path.extension() == Some("lock")).collect();
    locks.sort();
    Some(locks)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Utf8Path, to: &Utf8Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn oracles() -> Utf8PathBuf {
    root().join("target/oracles")
}
