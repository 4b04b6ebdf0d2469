//! Programs that keep credentials: `docker-credential-NAME get`.
//!
//! Protocol: <https://github.com/docker/docker-credential-helpers/blob/v0.9.3/README.md#development>.

use super::{Helpers, Login, Secret};
use crate::error::Error;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use std::process::Stdio;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time,
};

/// The most that a helper may say, in bytes.
const ANSWER_LIMIT: u64 = 64 << 10;
/// What helpers print when they have nothing for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The name that stands for an identity token.
const TOKEN_NAME: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper `name` for each of `servers` in turn until it knows one.
pub(super) async fn get(
    name: &str,
    servers: &[String],
    helpers: &Helpers,
) -> Result<Option<Login>, Error> {
    let program =
        find(name, helpers).ok_or_else(|| Error::HelperAbsent { name: name.to_owned() })?;
    for server in servers {
        let failed =
            |problem| Error::Helper { name: name.to_owned(), registry: server.clone(), problem };
        let (is_success, said) = time::timeout(helpers.timeout, run(&program, server))
            .await
            .ok()
            .ok_or_else(|| failed("it took too long"))?
            .ok()
            .ok_or_else(|| failed("it could not be run"))?;
        if !is_success {
            if String::from_utf8_lossy(&said).trim().starts_with(NOT_FOUND) {
                continue;
            }
            return Err(failed("it failed"));
        }
        let answer: Answer = serde_json::from_slice(&said)
            .ok()
            .ok_or_else(|| failed("its answer makes no sense"))?;
        return Ok(Some(login(answer)));
    }
    Ok(None)
}

fn login(answer: Answer) -> Login {
    let secret = Secret::new(answer.secret);
    if answer.username == TOKEN_NAME {
        Login::Identity(secret)
    } else {
        Login::Password { username: answer.username, password: secret }
    }
}

/// The first of the directories that has the program. The working directory is never looked in (C18).
fn find(name: &str, helpers: &Helpers) -> Option<Utf8PathBuf> {
    let file = format!("docker-credential-{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&helpers.path)
        .filter_map(|directory| Utf8PathBuf::from_path_buf(directory).ok())
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|program| program.is_file())
}

/// Whether it succeeded, and what it said.
async fn run(program: &Utf8Path, server: &str) -> std::io::Result<(bool, Vec<u8>)> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // It is nothing to them.
        .env_remove("PLIMSOLL_KEY_PASSWORD")
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input answers all the same.
        drop(input.write_all(format!("{server}\n").as_bytes()).await);
    }
    let said = read(&mut child).await?;
    Ok((child.wait().await?.success(), said))
}

async fn read(child: &mut Child) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(ANSWER_LIMIT).read_to_end(&mut said).await?;
    }
    Ok(said)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn check(script: &str, timeout: Duration) -> Result<Option<Login>, Error> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("docker-credential-test");
        write_program(&program, &format!("#!/bin/sh\n{script}\n")).await;
        let helpers = Helpers { path: directory.path().into(), timeout };
        get("test", &["a.io".to_owned(), "https://a.io".to_owned()], &helpers).await
    }

    /// Has another process write a program: while this one has it open for writing, a process that another test starts
    /// inherits it open, and the system runs no program that somebody may be writing.
    async fn write_program(program: &std::path::Path, text: &str) {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(program)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
        assert!(shell.wait().await.unwrap().success());
    }

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_helper_is_asked_for_each_spelling() {
        let script = r#"read server; [ "$1 $server" = "get https://a.io" ] || { echo "credentials not found in native keychain"; exit 1; }
            echo '{"ServerURL":"x","Username":"u","Secret":"p"}'"#;
        let expect =
            Login::Password { username: "u".to_owned(), password: Secret::new("p".to_owned()) };
        assert_eq!(check(script, SOON).await.unwrap(), Some(expect));
        let token = r#"echo '{"Username":"<token>","Secret":"t"}'"#;
        assert_eq!(
            check(token, SOON).await.unwrap(),
            Some(Login::Identity(Secret::new("t".to_owned())))
        );
    }

    #[tokio::test]
    async fn a_helper_without_an_answer_is_no_login_and_a_broken_one_is_an_error() {
        let none = "echo credentials not found in native keychain; exit 1";
        assert_eq!(check(none, SOON).await.unwrap(), None);
        assert!(matches!(
            check("exit 1", SOON).await,
            Err(Error::Helper { problem: "it failed", .. })
        ));
        assert!(matches!(
            check("echo nonsense", SOON).await,
            Err(Error::Helper { problem: "its answer makes no sense", .. })
        ));
        assert!(matches!(
            check("exec tail -f /dev/null", Duration::from_millis(50)).await,
            Err(Error::Helper { problem: "it took too long", .. })
        ));
    }

    #[tokio::test]
    async fn c18_a_helper_is_never_taken_from_a_relative_directory() {
        let helpers = Helpers { path: ".::relative".into(), timeout: SOON };
        let found = get("test", &["a.io".to_owned()], &helpers).await;
        assert!(matches!(found, Err(Error::HelperAbsent { .. })));
    }
}
