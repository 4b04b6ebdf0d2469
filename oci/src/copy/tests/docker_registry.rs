//! The reference implementation of a registry, and skopeo, as judges.

#![expect(
    clippy::disallowed_methods,
    reason = "the judges are programs, and where they are is told by the environment"
)]

use super::*;
use crate::auth::{Credentials, Secret};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// `user` and `hunter2`.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm\n";

/// Whether a program by others is here; said aloud where it is not and need not be.
fn has(name: &str) -> bool {
    let found = env::var("PATH")
        .unwrap_or_default()
        .split(':')
        .any(|path| Utf8Path::new(path).join(name).exists());
    if !found {
        assert!(
            env::var("PLIMSOLL_ORACLES").as_deref() != Ok("require"),
            "{name} is not installed"
        );
        eprintln!("{name} is not installed: nothing is compared with it");
    }
    found
}

/// A registry in a process of its own, which ends with this.
struct DockerRegistry {
    process: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl DockerRegistry {
    /// It chooses its port, and says which in its log.
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap();
        fs::write(path.join("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: '{path}/data'}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n\
             auth: {{htpasswd: {{realm: test, path: '{path}/htpasswd'}}}}\n"
        );
        fs::write(path.join("config.yml"), config).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(path.join("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = log
            .find(|line| line.as_ref().unwrap().contains("listening on 127.0.0.1:"))
            .unwrap()
            .unwrap();
        let port = line.split("listening on 127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        // It must not stop because nobody reads what it says.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: format!("127.0.0.1:{port}"), _directory: directory }
    }

    fn access(&self) -> Access {
        access(|options| {
            let password = Secret::new("hunter2".to_owned());
            options.credentials = Credentials::anonymous().with(&self.address, "user", password);
        })
    }

    async fn store(&self, repository: &str) -> Store {
        let reference = format!("{}/{repository}", self.address).parse().unwrap();
        Store::open(&reference, &self.access()).await.unwrap()
    }

    fn skopeo(&self, arguments: &[&str]) -> Vec<u8> {
        let arguments =
            arguments.iter().map(|argument| argument.replace("REGISTRY", &self.address));
        let mut command = Command::new("skopeo");
        command.arg("--insecure-policy").args(arguments);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn the_reference_registry_takes_everything_and_keeps_it() {
    if !has("docker-registry") {
        return;
    }
    let from = server(ReferrersApi::Present).await;
    let (pinned, manifests) = filled(&from, &access(|_| ())).await;
    let source = store(&from, "build/app", &access(|_| ())).await;
    let docker = DockerRegistry::start();
    let (build, prod) = (docker.store("build/app").await, docker.store("prod/app").await);
    let up = run(&source, &pinned, &build, &StopAt::never()).await.unwrap();
    assert_eq!((up.manifests_written, up.referrers), (7, 4));
    let here = Pinned { place: build.place(), digest: pinned.digest };
    let across = run(&build, &here, &prod, &StopAt::never()).await.unwrap();
    assert_eq!((across.blobs_uploaded, across.blobs_mounted), (0, up.blobs_uploaded));
    let again = run(&source, &pinned, &prod, &StopAt::never()).await.unwrap();
    assert_eq!((again.blobs_uploaded, again.blobs_mounted, again.manifests_written), (0, 0, 0));
    for (digest, bytes) in &manifests {
        assert_eq!(prod.as_source().manifest(digest).await.unwrap().bytes, bytes);
        let referrers = prod.as_source().referrers(digest).await.unwrap();
        assert_eq!(referrers, source.as_source().referrers(digest).await.unwrap());
    }
}

#[tokio::test]
async fn skopeo_sees_what_we_wrote_and_we_see_what_skopeo_wrote() {
    if !has("docker-registry") || !has("skopeo") {
        return;
    }
    let from = server(ReferrersApi::Present).await;
    let (pinned, manifests) = filled(&from, &access(|_| ())).await;
    let source = store(&from, "build/app", &access(|_| ())).await;
    let docker = DockerRegistry::start();
    let ours = docker.store("ours").await;
    run(&source, &pinned, &ours, &StopAt::never()).await.unwrap();
    let index = ours.as_source().manifest(&pinned.digest).await.unwrap();
    ours.set_tag(&"1".parse().unwrap(), &index, None).await.unwrap();
    let seen = docker.skopeo(&[
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--creds=user:hunter2",
        "docker://REGISTRY/ours:1",
    ]);
    assert_eq!(seen, manifests[&pinned.digest]);
    docker.skopeo(&[
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds=user:hunter2",
        "--dest-creds=user:hunter2",
        "docker://REGISTRY/ours:1",
        "docker://REGISTRY/theirs:1",
    ]);
    let theirs: Reference = format!("{}/theirs:1", docker.address).parse().unwrap();
    let found =
        Source::open(&theirs, &docker.access()).await.unwrap().resolve(&theirs).await.unwrap();
    assert_eq!(found.digest, pinned.digest);
}

#[tokio::test]
async fn the_reference_registry_refuses_who_is_not_logged_in() {
    if !has("docker-registry") {
        return;
    }
    let docker = DockerRegistry::start();
    let reference: Reference = format!("{}/app:1", docker.address).parse().unwrap();
    let resolve = |access: Access| {
        let reference = reference.clone();
        async move { Source::open(&reference, &access).await?.resolve(&reference).await }
    };
    assert!(matches!(resolve(access(|_| ())).await, Err(Error::Unauthorized { .. })));
    assert!(matches!(resolve(docker.access()).await, Err(Error::NotFound { .. })));
}
