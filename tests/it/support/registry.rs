//! Debian's docker-registry on a free port of the loopback interface: a registry that nobody here wrote.
//!
//! It is of a time before the referrers API, and so tests the fallback tag.

use super::{Sandbox, oracle, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A running registry; it and what it holds are gone when this is dropped.
pub(crate) struct Registry {
    child: Child,
    address: String,
    /// Kept for as long as the registry runs.
    storage: Sandbox,
}

/// How a registry behaves.
pub(crate) struct RegistryOptions {
    /// Whether anything can be deleted.
    pub(crate) delete: bool,
    /// Names and passwords, as `htpasswd -B` writes them, where it asks for any.
    pub(crate) htpasswd: Option<&'static str>,
    /// The certificate and the key of TLS.
    pub(crate) tls: Option<(Utf8PathBuf, Utf8PathBuf)>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { delete: true, htpasswd: None, tls: None }
    }
}

/// Starts a registry. It speaks plain HTTP and asks nobody who they are.
#[track_caller]
pub(crate) fn registry() -> Option<Registry> {
    registry_with(&RegistryOptions::default())
}

/// Starts a registry that behaves otherwise.
#[track_caller]
pub(crate) fn registry_with(options: &RegistryOptions) -> Option<Registry> {
    let program = oracle("docker-registry")?;
    let storage = sandbox();
    let auth = options.htpasswd.map(|text| {
        let path = storage.write("htpasswd", text);
        format!("auth: {{htpasswd: {{realm: test, path: \"{path}\"}}}}\n")
    });
    let tls = options.tls.as_ref().map(|(certificate, key)| {
        format!(", tls: {{certificate: \"{certificate}\", key: \"{key}\"}}")
    });
    let config = format!(
        "version: 0.1\n\
         storage:\n  delete: {{enabled: {}}}\n  filesystem: {{rootdirectory: \"{}\"}}\n\
         http: {{addr: \"127.0.0.1:0\", secret: of-a-test{}}}\n\
         log: {{level: info, formatter: text, accesslog: {{disabled: true}}}}\n{}",
        options.delete,
        storage.join("storage"),
        tls.unwrap_or_default(),
        auth.unwrap_or_default(),
    );
    let config = storage.write("config.yml", config);
    let mut command = storage.command(program);
    let mut child = command.arg("serve").arg(config).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = listening_on(&mut log);
    // The log has to be read for as long as the registry writes it.
    thread::spawn(move || log.for_each(drop));
    Some(Registry { child, address, storage })
}

/// The address that the registry says it listens on.
fn listening_on(log: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut said = String::new();
    for line in log {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("listening on ") {
            return rest.split(['"', ',', ' ']).next().unwrap().to_owned();
        }
        said.push_str(&line);
        said.push('\n');
    }
    panic!("the registry did not start:\n{said}");
}

impl Registry {
    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A reference in this registry, such as `127.0.0.1:PORT/build/app:1`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The uploads that were begun to `prod/app` and are neither finished nor given up.
    pub(crate) fn uploads(&self) -> Vec<String> {
        let path = "storage/docker/registry/v2/repositories/prod/app/_uploads";
        let Ok(entries) = self.storage.join(path).read_dir_utf8() else { return Vec::new() };
        // Of one that was given up the state of its hash is left behind, and nothing that it could go on from.
        let begun = entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("startedat").is_file());
        begun.map(|entry| entry.file_name().to_owned()).collect()
    }

    /// Copies an image of an OCI layout into this registry with skopeo, an index with everything in it, and says how it is then called.
    #[track_caller]
    pub(crate) fn push(&self, layout: &Utf8Path, tag: &str, name: &str) -> Option<String> {
        let skopeo = oracle("skopeo")?;
        let reference = self.reference(name);
        let sandbox = sandbox();
        let mut skopeo = sandbox.command(skopeo);
        skopeo.args(["--insecure-policy", "copy", "--all", "--dest-tls-verify=false", "--quiet"]);
        run(skopeo.arg(format!("oci:{layout}:{tag}")).arg(format!("docker://{reference}")))
            .expect_status(0);
        Some(reference)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("the registry was running");
    }
}

/// A server by others that says nothing when it is ready; it is gone when this is dropped.
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts it, and waits until it takes connections at an address.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, address: &str) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let guard = Self(child);
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{command:?} takes no connections at {address}");
            thread::yield_now();
        }
        guard
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("the server was running");
    }
}

#[test]
fn a_registry_answers_and_is_gone_when_dropped() {
    let Some(registry) = registry() else { return };
    let address = registry.address().to_owned();
    assert!(registry.reference("build/app:1").ends_with("/build/app:1"));
    std::net::TcpStream::connect(&address).expect("the registry answers");
    drop(registry);
    std::net::TcpStream::connect(&address).expect_err("the registry is gone");
}
