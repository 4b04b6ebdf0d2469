//! Signing by a program that has the private key: a client of a key service, of a token, of a smart card.
//!
//! The program is started without a shell, in the environment and the working directory that Plimsoll has, twice:
//!
//! 1. `COMMAND public-key` writes the public key to stdout, as PEM of `PUBLIC KEY`.
//! 2. `COMMAND sign ALGORITHM` reads from stdin what is to be signed, and writes the signature to stdout: its bytes as they
//!    are and nothing else, no base64 and no line break.
//! 3. An exit status other than 0 is a failure, and the beginning of what is on stderr is shown.
//!
//! | `ALGORITHM` | on stdin | on stdout |
//! |---|---|---|
//! | `ecdsa-p256-sha256` | the 32 bytes of the SHA-256 of the message | `ECDSA-Sig-Value` in DER |
//! | `ecdsa-p384-sha384` | the 48 bytes of its SHA-384 | `ECDSA-Sig-Value` in DER |
//! | `ed25519` | the message itself | 64 bytes |
//!
//! The message is the pre-authentication encoding of DSSE. The kind of the key chooses the algorithm. What the program
//! makes is used only if it verifies with the public key that it showed.

use crate::{Error, PublicKey, SignatureAlgorithm, signers::key::SUPPORTED, text::excerpt};
use camino::Utf8PathBuf;
use plimsoll_model::{Class, Classify as _, Digest};
use std::{
    ffi::OsString,
    io::{self, Read, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The most that a program may write to stdout, in bytes: the largest public key is a tenth of it.
const ANSWER_LIMIT: usize = 16 << 10;
/// How much of stderr is kept, in bytes; the rest is read and dropped.
const SAID_LIMIT: usize = 4 << 10;
/// How long it takes to look again whether a program that has closed its output has ended.
const ENDING: Duration = Duration::from_millis(5);

/// Where programs are, and how long they may take.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `PATH`. Of the directories in it those count that are absolute: never the working directory.
    pub path: OsString,
    /// The most that one call may take.
    pub timeout: Duration,
}

/// What a program that signs did instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerProblem {
    /// It is no command.
    #[error("expected a program and its arguments, with every quote closed")]
    Command,
    /// There is no such program.
    #[error("there is no such program")]
    NotFound {
        /// What was looked for.
        program: String,
    },
    /// The system would not start it.
    #[error("it could not be started")]
    Start(#[source] io::Error),
    /// Its output could not be read.
    #[error("its answer could not be read")]
    Read(#[source] io::Error),
    /// It says that it failed.
    #[error("it failed ({status}){}{said}", if said.is_empty() { "" } else { ": " })]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The beginning of what it said on stderr.
        said: String,
    },
    /// It did not answer in time.
    #[error("it took longer than {} seconds", limit.as_secs_f32())]
    TookTooLong {
        /// How long it may take.
        limit: Duration,
    },
    /// It answered with more than any answer is.
    #[error("its answer is larger than {ANSWER_LIMIT} bytes")]
    SaidTooMuch,
    /// It showed something else than a public key that can be used.
    #[error("its public key can not be used")]
    Key(#[source] Box<Error>),
    /// What it made is no signature, or another key's.
    #[error("the {length} bytes it made are no {algorithm} signature by the key {} that it showed", key.short())]
    ForeignSignature {
        /// The key that it showed.
        key: Digest,
        /// How that key signs.
        algorithm: SignatureAlgorithm,
        /// How many bytes it made.
        length: usize,
    },
}

impl SignerProblem {
    /// What it means for the run.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Command | Self::NotFound { .. } | Self::Start(_) => Class::Usage,
            Self::Key(source) => source.class(),
            Self::Read(_)
            | Self::Failed { .. }
            | Self::TookTooLong { .. }
            | Self::SaidTooMuch
            | Self::ForeignSignature { .. } => Class::Undecided,
        }
    }

    /// The way out.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Command => "quote arguments as in a shell: `exec:program 'an argument'`".to_owned(),
            Self::NotFound { program } if program.contains('/') => return None,
            Self::NotFound { .. } => {
                "give its path, or put its directory into `PATH`; the working directory counts only as `./program`".to_owned()
            }
            Self::ForeignSignature { .. } | Self::SaidTooMuch => {
                "it has to write the bytes of the signature as they are, of what it read from stdin, and nothing else".to_owned()
            }
            Self::Key(source) => return source.hint(),
            Self::TookTooLong { .. } => "`--timeout` gives it longer".to_owned(),
            Self::Start(_) | Self::Read(_) | Self::Failed { .. } => return None,
        })
    }
}

/// A program with the arguments that come before ours.
#[derive(Debug)]
pub(super) struct Program {
    file: Utf8PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// Takes a command apart as a shell would, without what else a shell does, and finds its program.
    pub(super) fn find(command: &str, programs: &Programs) -> Result<Self, Error> {
        let fail = |source| failed("find the program", command, source);
        let mut words = shlex::split(command).unwrap_or_default().into_iter();
        let name = words.next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| fail(SignerProblem::Command))?;
        let file = locate(&name, programs)
            .ok_or_else(|| fail(SignerProblem::NotFound { program: name }))?;
        Ok(Self { file, arguments: words.collect(), timeout: programs.timeout })
    }

    /// Asks for the public key.
    pub(super) fn public_key(&self) -> Result<PublicKey, Error> {
        let fail = |source| failed("get the public key from", self.file.as_str(), source);
        let answer = self.run(&["public-key"], Vec::new()).map_err(fail)?;
        let pem = String::from_utf8(answer).unwrap_or_default();
        let key = PublicKey::from_pem(&pem).and_then(|key| match key.algorithm() {
            SignatureAlgorithm::RsaPkcs1Sha256 => {
                Err(Error::UnsupportedKey { found: "RSA", expected: SUPPORTED })
            }
            SignatureAlgorithm::EcdsaP256Sha256
            | SignatureAlgorithm::EcdsaP384Sha384
            | SignatureAlgorithm::Ed25519 => Ok(key),
        });
        key.map_err(|source| fail(SignerProblem::Key(Box::new(source))))
    }

    /// Has a message signed, and verifies what comes of it.
    pub(super) fn sign(&self, message: &[u8], key: &PublicKey) -> Result<Vec<u8>, Error> {
        let fail = |source| failed("sign with", self.file.as_str(), source);
        let algorithm = key.algorithm();
        let signature =
            self.run(&["sign", algorithm.name()], algorithm.input(message)).map_err(fail)?;
        match key.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(fail(SignerProblem::ForeignSignature {
                key: key.id(),
                algorithm,
                length: signature.len(),
            })),
        }
    }

    /// Runs the program, for at most so long, and gives what it wrote to stdout.
    fn run(&self, more: &[&str], input: Vec<u8>) -> Result<Vec<u8>, SignerProblem> {
        #[expect(clippy::disallowed_methods, reason = "the user names the program that signs")]
        let mut child = Command::new(&self.file)
            .args(&self.arguments)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(SignerProblem::Start)?;
        let ended = attend(&mut child, input, self.timeout);
        if ended.is_err() {
            // It may have ended by itself in between: then there is nothing to end.
            drop(child.kill().and_then(|()| child.wait()));
        }
        let Ended { status, said } = ended?;
        match said {
            Said { answer, .. } if status.success() => Ok(answer),
            Said { complaint, .. } => Err(SignerProblem::Failed { status, said: complaint }),
        }
    }
}

/// How a program ended, and what it said.
struct Ended {
    status: ExitStatus,
    said: Said,
}

/// What a program said.
struct Said {
    answer: Vec<u8>,
    complaint: String,
}

/// Gives a program its input, takes what it says, and waits for its end; all of it for at most `limit`.
///
/// Where it fails, the threads that speak to it end when nothing holds its pipes any more.
fn attend(child: &mut Child, input: Vec<u8>, limit: Duration) -> Result<Ended, SignerProblem> {
    let clock = Clock { started: Instant::now(), limit };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // A program that does not read its input answers all the same.
    let given = speak(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&input)));
    let answer = speak(move || stdout.map_or(Ok(Vec::new()), |stdout| read(stdout, ANSWER_LIMIT)))?;
    let complaint = speak(move || {
        let Some(mut stderr) = stderr else { return Ok(Vec::new()) };
        let said = read(&mut stderr, SAID_LIMIT)?;
        io::copy(&mut stderr, &mut io::sink())?;
        Ok(said)
    })?;
    drop(given?);
    let answer = clock.wait(&answer)?;
    if answer.len() > ANSWER_LIMIT {
        return Err(SignerProblem::SaidTooMuch);
    }
    let complaint = complained(&clock.wait(&complaint)?);
    let status = loop {
        match child.try_wait().map_err(SignerProblem::Read)? {
            Some(status) => break status,
            // Its output is at its end, so it is as good as over.
            None => thread::park_timeout(clock.left()?.min(ENDING)),
        }
    };
    Ok(Ended { status, said: Said { answer, complaint } })
}

/// Does something that may take for ever in a thread of its own.
fn speak<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<Receiver<io::Result<T>>, SignerProblem> {
    let (sender, receiver) = mpsc::channel();
    // Where it took too long nobody listens any more.
    let thread = thread::Builder::new().spawn(move || drop(sender.send(work())));
    thread.map(|_| receiver).map_err(SignerProblem::Start)
}

/// Reads one byte more than `limit` at most: that it was read says that there is too much.
fn read(pipe: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    #[expect(clippy::disallowed_methods, reason = "it has a limit")]
    pipe.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a program said on stderr, on one line.
fn complained(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    excerpt(&lines.join("; "))
}

/// How much of the time is left.
struct Clock {
    started: Instant,
    limit: Duration,
}

impl Clock {
    fn left(&self) -> Result<Duration, SignerProblem> {
        let left = self.limit.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            Err(SignerProblem::TookTooLong { limit: self.limit })
        } else {
            Ok(left)
        }
    }

    fn wait<T>(&self, receiver: &Receiver<io::Result<T>>) -> Result<T, SignerProblem> {
        receiver
            .recv_timeout(self.left()?)
            .ok()
            .ok_or(SignerProblem::TookTooLong { limit: self.limit })?
            .map_err(SignerProblem::Read)
    }
}

/// The program of this name. A name without a slash is looked for in `PATH`, and never in the working directory (C18).
fn locate(name: &str, programs: &Programs) -> Option<Utf8PathBuf> {
    if name.contains('/') {
        return Some(Utf8PathBuf::from(name)).filter(|program| program.is_file());
    }
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&programs.path)
        .filter_map(|directory| Utf8PathBuf::from_path_buf(directory).ok())
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|program| program.is_file())
}

fn failed(attempt: &'static str, program: &str, source: SignerProblem) -> Error {
    Error::Signer { attempt, program: excerpt(program), source }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::signers::{KeyKind, KeySigner};
    use camino::Utf8Path;
    use tempfile::TempDir;

    const SOON: Duration = Duration::from_secs(20);

    /// A folder with `key.pub` and a program `sign` that is this script.
    struct Bench {
        folder: TempDir,
        command: String,
    }

    impl Bench {
        fn new(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let bench = Self { command: format!("{}/sign", folder.path().display()), folder };
            bench.program("sign", script);
            bench
        }

        fn path(&self) -> &Utf8Path {
            Utf8Path::from_path(self.folder.path()).unwrap()
        }

        /// Has another process write a program: while this one has it open for writing, a process that another test
        /// starts inherits it open, and the system runs no program that somebody may be writing.
        #[expect(clippy::disallowed_methods, reason = "a shell writes the program")]
        fn program(&self, name: &str, script: &str) {
            let script = format!("#!/bin/sh\ncd '{}'\n{script}\n", self.path());
            let mut shell = Command::new("/bin/sh")
                .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
                .arg(self.path().join(name))
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            assert!(shell.wait().unwrap().success());
        }

        fn write(&self, name: &str, content: impl AsRef<[u8]>) {
            std::fs::write(self.path().join(name), content).unwrap();
        }

        fn signer(&self, timeout: Duration) -> Result<KeySigner, Error> {
            let programs = Programs { path: self.path().as_os_str().to_owned(), timeout };
            KeySigner::of_program(&self.command, &programs)
        }
    }

    /// Has a script sign, which finds a good signature of `message` in the file `signature`, and the key in `key.pub`.
    #[track_caller]
    fn check(kind: KeyKind, script: &str) -> Result<Vec<u8>, Error> {
        let bench = Bench::new(script);
        let key = KeySigner::generate(kind).unwrap();
        bench.write("key.pub", key.public_key().to_pem());
        bench.write("signature", key.sign(b"message").unwrap());
        bench.write("input", key.public_key().algorithm().input(b"message"));
        let signer = bench.signer(SOON)?;
        assert_eq!(signer.public_key(), key.public_key());
        signer.sign(b"message")
    }

    #[track_caller]
    fn problem(found: Result<Vec<u8>, Error>) -> SignerProblem {
        match found {
            Err(Error::Signer { source, .. }) => source,
            other => panic!("expected a problem with a signer, found {other:?}"),
        }
    }

    #[test]
    fn a_program_signs_what_it_is_given_by_the_algorithm_of_its_key() {
        for (kind, algorithm) in [
            (KeyKind::EcdsaP256, "ecdsa-p256-sha256"),
            (KeyKind::EcdsaP384, "ecdsa-p384-sha384"),
            (KeyKind::Ed25519, "ed25519"),
        ] {
            let script = format!(
                "case \"$*\" in public-key) exec cat key.pub;; 'sign {algorithm}') cmp - input && exec cat signature;; esac; exit 1"
            );
            check(kind, &script).unwrap();
        }
    }

    #[test]
    fn arguments_are_taken_apart_as_in_a_shell_and_nothing_else_is() {
        let mut bench = Bench::new("printf '%s|' \"$@\" >&2; exit 3");
        bench.command.push_str(" 'two words' \"\" $HOME;true *");
        let found = problem(bench.signer(SOON).map(|_| Vec::new()));
        let SignerProblem::Failed { status, said } = found else { panic!("{found:?}") };
        assert_eq!(
            (status.code(), said.as_str()),
            (Some(3), "two words||$HOME;true|*|public-key|")
        );
        for command in ["", "  ", "'' sign", "sign 'open"] {
            bench.command = command.to_owned();
            let found = problem(bench.signer(SOON).map(|_| Vec::new()));
            assert!(matches!(found, SignerProblem::Command), "{command}: {found:?}");
        }
    }

    #[test]
    fn c18_a_program_without_a_slash_comes_from_an_absolute_directory_of_the_path_alone() {
        let mut bench = Bench::new("cat key.pub");
        let key = KeySigner::generate(KeyKind::Ed25519).unwrap();
        bench.write("key.pub", key.public_key().to_pem());
        bench.command = "sign".to_owned();
        assert_eq!(bench.signer(SOON).unwrap().public_key(), key.public_key());
        // The tests run in the folder of the crate, in which `src` is.
        for path in ["", ".", "src", ":.:"] {
            let programs = Programs { path: path.into(), timeout: SOON };
            for program in ["sign", "lib.rs", "Cargo.toml"] {
                let found = problem(KeySigner::of_program(program, &programs).map(|_| Vec::new()));
                assert!(
                    matches!(found, SignerProblem::NotFound { program: found } if found == program)
                );
            }
        }
    }

    #[test]
    fn a25_what_does_not_verify_is_not_used() {
        let show = "[ $1 = public-key ] && exec cat key.pub;";
        for script in [
            // Nothing; a signature and a line break; base64; of something else; of nothing at all.
            "exit 0",
            "cat signature; echo",
            "base64 signature",
            "cat input",
            "tail -c 5 signature",
        ] {
            for kind in [KeyKind::EcdsaP256, KeyKind::Ed25519] {
                let found = problem(check(kind, &format!("{show} {script}")));
                assert!(
                    matches!(found, SignerProblem::ForeignSignature { .. }),
                    "{script}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_what_it_said() {
        let show = "[ $1 = public-key ] && exec cat key.pub;";
        let said =
            format!("{show} cat signature; printf 'no such key\\n\\n  try again\\n' >&2; exit 1");
        let found = problem(check(KeyKind::Ed25519, &said));
        assert_eq!(found.class(), Class::Undecided);
        assert_eq!(found.to_string(), "it failed (exit status: 1): no such key; try again");
        let silent = problem(check(KeyKind::Ed25519, &format!("{show} exit 2")));
        assert_eq!(silent.to_string(), "it failed (exit status: 2)");
        let long = "i=0; while [ $i -lt 2000 ]; do echo 'a complaint that does not end' >&2; i=$((i+1)); done; exit 1";
        let found = problem(check(KeyKind::Ed25519, &format!("{show} {long}"))).to_string();
        assert_eq!(found.chars().count(), "it failed (exit status: 1): ".len() + 201);
    }

    #[test]
    fn a_program_that_says_too_much_or_takes_too_long_is_ended() {
        let found = problem(check(KeyKind::Ed25519, "exec yes"));
        assert!(matches!(found, SignerProblem::SaidTooMuch), "{found:?}");
        // The second leaves a child behind that holds its output for a while, the third has closed it.
        for script in [
            "exec tail -f /dev/null",
            "tail --pid=$$ -f /dev/null",
            "exec >&- 2>&-; mkfifo never && read word < never",
        ] {
            let bench = Bench::new(script);
            let limit = Duration::from_millis(50);
            let found = problem(bench.signer(limit).map(|_| Vec::new()));
            assert!(matches!(found, SignerProblem::TookTooLong { limit: found } if found == limit));
        }
    }

    #[test]
    fn a19_a_program_has_to_show_a_key_that_signs() {
        let key = |script| problem(check(KeyKind::Ed25519, script));
        assert!(matches!(
            key("echo nonsense"),
            SignerProblem::Key(source) if matches!(*source, Error::MalformedKey { .. })
        ));
        assert!(matches!(
            key("printf '\\377'"),
            SignerProblem::Key(source) if matches!(*source, Error::MalformedKey { .. })
        ));
        assert!(matches!(
            key("sed s/PUBLIC/PRIVATE/ key.pub"),
            SignerProblem::Key(source) if matches!(*source, Error::KeyLabel { .. })
        ));
        let bench = Bench::new("cat key.pub");
        bench.write("sign2", "");
        let programs = Programs { path: OsString::new(), timeout: SOON };
        let found = problem(
            KeySigner::of_program(bench.path().join("sign2").as_str(), &programs)
                .map(|_| Vec::new()),
        );
        assert!(matches!(found, SignerProblem::Start(_)), "no program");
    }

    #[test]
    fn a_key_that_is_elsewhere_is_written_nowhere() {
        let bench = Bench::new("cat key.pub");
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        bench.write("key.pub", key.public_key().to_pem());
        let signer = bench.signer(SOON).unwrap();
        assert!(matches!(signer.to_pem(), Err(Error::PrivateHalfElsewhere)));
        assert!(matches!(signer.to_encrypted_pem("p"), Err(Error::PrivateHalfElsewhere)));
        assert_eq!(format!("{signer:?}"), format!("KeySigner({})", key.public_key().id()));
    }
}
