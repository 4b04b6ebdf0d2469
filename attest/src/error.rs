//! What can go wrong here.

mod root;

use crate::signers::{
    SignerProblem,
    keyless::{Failure, SIGNING_SERVICES},
};
use camino::Utf8PathBuf;
use jiff::Timestamp;
use plimsoll_model::{Class, Classify, Digest};
pub use root::RootError;
use std::io;

/// Why a statement, a signature, a key or a source could not be made or read.
///
/// A candidate that does not verify is no error but a [`crate::Verification`] with a failed step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A statement about nothing.
    #[error("cannot make a statement about no subject")]
    NoSubject,
    /// More subjects than verifiers take.
    #[error("cannot make a statement about {found} subjects: at most {limit} are taken")]
    TooManySubjects {
        /// How many.
        found: usize,
        /// How many are taken.
        limit: usize,
    },
    /// The type of a predicate has to be a URI.
    #[error("cannot make a statement of type `{found}`: expected an absolute URI")]
    PredicateType {
        /// What was given.
        found: String,
    },
    /// The predicate is not a JSON object.
    #[error(
        "cannot make a statement of type `{predicate_type}`: its predicate is not a JSON object"
    )]
    PredicateNotAnObject {
        /// The type.
        predicate_type: String,
    },
    /// Something is over its limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// It is not JSON of the expected form, or an object in it names a key twice.
    #[error("cannot read {what}")]
    Malformed {
        /// What.
        what: &'static str,
        /// Where, and what is wrong with it.
        source: serde_json::Error,
    },
    /// A name that can not be in a link, or be part of a file's.
    #[error("cannot link `{name}`: expected {expected}")]
    LinkName {
        /// The name.
        name: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Links are signed by Ed25519 keys.
    #[error("cannot sign a link with a key for {found}: expected ed25519")]
    LinkKey {
        /// How the key signs.
        found: crate::SignatureAlgorithm,
    },
    /// A field of a predicate is not what its specification says.
    #[error("cannot read {what}: `{field}` is not {expected}")]
    Claim {
        /// The kind of predicate.
        what: &'static str,
        /// Where the field is.
        field: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A document that was to become a predicate is another kind of document.
    #[error("expected {expected}, found {found}")]
    OtherDocument {
        /// What it should be.
        expected: &'static str,
        /// What it says of itself.
        found: String,
    },
    /// It is not a bundle of a version that is read here.
    #[error(
        "unsupported bundle `{found}`: expected `application/vnd.dev.sigstore.bundle.v0.3+json`, or 0.1 or 0.2"
    )]
    UnsupportedBundle {
        /// Its media type.
        found: String,
    },
    /// The bundle has none, or several, of the fields of which it must have exactly one.
    #[error("the bundle has {found} of {of}: expected exactly one")]
    AmbiguousBundle {
        /// How many it has.
        found: usize,
        /// The fields.
        of: &'static str,
    },
    /// The bundle has something that its version does not have.
    #[error("the bundle has {what}, which version {version} does not have")]
    MisplacedMaterial {
        /// What.
        what: &'static str,
        /// The version.
        version: &'static str,
    },
    /// The bundle has more of something than anybody writes.
    #[error("the bundle has {found} {of}: at most {limit} are looked at")]
    TooMany {
        /// Of what.
        of: &'static str,
        /// How many it has.
        found: usize,
        /// How many are looked at.
        limit: usize,
    },
    /// An annotation of cosign's is missing, or not what it has to be.
    #[error("the annotation `{name}` is not {expected}")]
    Annotation {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The roots of trust can not be used.
    #[error(transparent)]
    Root(#[from] RootError),
    /// An evidence file is not what one is, bit for bit.
    #[error("cannot read the evidence file: {message}")]
    Archive {
        /// What was expected and what was found.
        message: String,
    },
    /// An evidence file would hold more than whoever reads it takes.
    #[error("cannot make an evidence file with {what}: at most {limit} are read")]
    ArchiveLimit {
        /// What there is too much of.
        what: String,
        /// How much there may be.
        limit: u64,
    },
    /// The envelope does not have exactly one signature.
    #[error("the envelope has {found} signatures: expected exactly one")]
    SignatureCount {
        /// How many.
        found: usize,
    },
    /// The envelope holds something else.
    #[error("the envelope holds `{found}`: expected `{expected}`")]
    PayloadType {
        /// What was asked for.
        expected: String,
        /// What it says.
        found: String,
    },
    /// There is no key to verify with.
    #[error("cannot verify a signature: no key is trusted")]
    NoTrustedKey,
    /// None of the keys made the signature.
    #[error("the signature was made by none of the {} trusted keys", keys.len())]
    NotSignedBy {
        /// The keys.
        keys: Vec<Digest>,
    },
    /// It is no key, or a broken one.
    #[error("malformed {what}")]
    MalformedKey {
        /// A private or a public key.
        what: &'static str,
    },
    /// It is PEM, but of something else.
    #[error("expected {expected}, found PEM of `{found}`")]
    KeyLabel {
        /// What was asked for.
        expected: &'static str,
        /// The label.
        found: String,
    },
    /// A file that was read holds no key that can be used.
    #[error("cannot use the key in `{path}`")]
    KeyFile {
        /// Which.
        path: Utf8PathBuf,
        /// Why.
        source: Box<Self>,
    },
    /// A key of a kind that is not supported.
    #[error("unsupported kind of key: {found}, expected {expected}")]
    UnsupportedKey {
        /// Its kind.
        found: &'static str,
        /// The kinds that are supported.
        expected: &'static str,
    },
    /// An RSA key that is too small to be safe, or larger than anybody needs.
    #[error("an RSA key of {bits} bits: expected 2048 to 4096")]
    RsaKeySize {
        /// Bits of its modulus.
        bits: usize,
    },
    /// The private key is encrypted, and no password was given.
    #[error("the private key is encrypted and no password was given")]
    PasswordMissing,
    /// The password does not open the private key.
    #[error("the password does not open the private key")]
    WrongPassword,
    /// The private key is encrypted in a way that is not supported.
    #[error(
        "unsupported encryption of the private key: expected scrypt (N 32768 or 65536, r 8, p 1) and nacl/secretbox"
    )]
    UnsupportedEncryption,
    /// The program that has the private key did not do what it should.
    #[error("cannot {attempt} `{program}`")]
    Signer {
        /// What it was asked for.
        attempt: &'static str,
        /// The program.
        program: String,
        /// What it did instead.
        source: SignerProblem,
    },
    /// The private key is kept by a program, and is not given out.
    #[error("cannot write the private key: the program that signs keeps it")]
    PrivateHalfElsewhere,
    /// There is something at this path already.
    #[error("will not overwrite `{path}` with a new key")]
    FileExists {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    ReadFile {
        /// The path.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`")]
    WriteFile {
        /// The path.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cryptographic library refused something that it has no reason to refuse.
    #[error("cannot {attempt}: the cryptographic library failed")]
    Cryptography {
        /// What was attempted.
        attempt: &'static str,
    },
    /// There is nobody to sign as.
    #[error("cannot sign without a key: there is no identity token")]
    NoIdentity {
        /// The CI, where it is one that could give a token.
        ci: Option<&'static str>,
    },
    /// GitHub has not given the job what it takes to ask for an identity token.
    #[error("cannot ask GitHub for an identity token: `{variable}` is not set")]
    TokenPermission {
        /// What is missing.
        variable: &'static str,
    },
    /// It is no identity token.
    #[error("the identity token is no JSON Web Token with `sub`, `aud` and `exp`")]
    TokenMalformed,
    /// The identity token is for somebody else.
    #[error("the identity token is for `{found}`, expected `sigstore`")]
    TokenAudience {
        /// Whom it is for.
        found: String,
    },
    /// The identity token is too old to be used.
    #[error(
        "the identity token holds until {expires}, and it is {now}: expected half a minute more"
    )]
    TokenExpired {
        /// Until when it holds.
        expires: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// A signing configuration, a trust root or an address can not be used.
    #[error("cannot use {what}")]
    Unusable {
        /// What.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no service of a kind that it takes to sign.
    #[error("cannot sign without a key: no {service} is configured that can be used now")]
    NoService {
        /// Its kind.
        service: &'static str,
    },
    /// The signing configuration wants more services of a kind to be used than one.
    #[error("the signing configuration wants several of one kind to be used ({service}): one is")]
    SeveralServices {
        /// The kind.
        service: &'static str,
    },
    /// A service would be shown an identity token where others can see it.
    #[error("will not send what it takes to sign to `{url}`: expected https")]
    OpenTransport {
        /// Where.
        url: String,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Client {
        /// Why.
        source: reqwest::Error,
    },
    /// A service has said no.
    #[error("{service} at {url} refused with status {status}: {said}")]
    ServiceRefused {
        /// Which.
        service: &'static str,
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// A service gave no answer that counts in the time there was.
    #[error("{service} at {url} did not do it in {attempts} attempts")]
    ServiceUnavailable {
        /// Which.
        service: &'static str,
        /// Where.
        url: String,
        /// How often it was asked.
        attempts: u32,
        /// What came of the last attempt.
        source: Failure,
    },
    /// A service has answered something else than what it was asked for.
    #[error("cannot read what {service} at {url} answered")]
    ServiceAnswer {
        /// Which.
        service: &'static str,
        /// Where.
        url: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A timestamp is the answer to another question.
    #[error("the timestamp of {url} has another nonce than it was asked for with")]
    TimestampNonce {
        /// Where it came from.
        url: String,
    },
    /// A new certificate is about to end.
    #[error("the new certificate holds until {until}, and it is {now}: expected two minutes more")]
    CertificateTooShort {
        /// Until when it holds.
        until: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// What was made of the services' answers does not verify by the trust root.
    #[error("will not use what the signing services answered: it does not verify")]
    Unverifiable {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The git repository belongs to somebody else, who could have it run programs.
    #[error("will not read the git repository at `{path}`: it belongs to another user")]
    ForeignRepository {
        /// The workspace.
        path: Utf8PathBuf,
    },
    /// The git repository could not be read.
    #[error("cannot read the git repository at `{path}`")]
    Git {
        /// The workspace.
        path: Utf8PathBuf,
        /// Why.
        source: git2::Error,
    },
    /// The CI has not set a variable that it always sets.
    #[error("cannot state how this was built on {builder}: `{variable}` is not set")]
    VariableMissing {
        /// The CI.
        builder: &'static str,
        /// The variable.
        variable: &'static str,
    },
    /// The CI has set a variable to something that it never is.
    #[error("cannot state how this was built on {builder}: `{variable}` is not {expected}")]
    VariableMalformed {
        /// The CI.
        builder: &'static str,
        /// The variable.
        variable: &'static str,
        /// What it always is.
        expected: &'static str,
    },
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::PredicateType { .. }
            | Self::PredicateNotAnObject { .. }
            | Self::OtherDocument { .. }
            | Self::NoTrustedKey
            | Self::MalformedKey { .. }
            | Self::KeyLabel { .. }
            | Self::UnsupportedKey { .. }
            | Self::RsaKeySize { .. }
            | Self::PasswordMissing
            | Self::WrongPassword
            | Self::UnsupportedEncryption
            | Self::FileExists { .. }
            | Self::NoIdentity { .. }
            | Self::TokenPermission { .. }
            | Self::TokenMalformed
            | Self::TokenAudience { .. }
            | Self::Unusable { .. }
            | Self::NoService { .. }
            | Self::SeveralServices { .. }
            | Self::PrivateHalfElsewhere
            | Self::OpenTransport { .. }
            | Self::LinkName { .. }
            | Self::LinkKey { .. }
            | Self::VariableMissing { .. }
            | Self::VariableMalformed { .. } => Class::Usage,
            Self::KeyFile { source, .. } => source.class(),
            Self::Signer { source, .. } => source.class(),
            Self::Root(error) => error.class(),
            Self::TooManySubjects { .. }
            | Self::Archive { .. }
            | Self::ArchiveLimit { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Claim { .. }
            | Self::UnsupportedBundle { .. }
            | Self::AmbiguousBundle { .. }
            | Self::MisplacedMaterial { .. }
            | Self::Annotation { .. }
            | Self::TooMany { .. }
            | Self::SignatureCount { .. }
            | Self::PayloadType { .. }
            | Self::NotSignedBy { .. }
            | Self::TimestampNonce { .. }
            | Self::Unverifiable { .. } => Class::Rejected,
            Self::ReadFile { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Class::Usage
            }
            Self::ReadFile { .. }
            | Self::ForeignRepository { .. }
            | Self::Git { .. }
            | Self::TokenExpired { .. }
            | Self::Client { .. }
            | Self::ServiceRefused { .. }
            | Self::ServiceUnavailable { .. }
            | Self::ServiceAnswer { .. }
            | Self::CertificateTooShort { .. } => Class::Undecided,
            Self::WriteFile { .. } => Class::Action,
            Self::NoSubject | Self::Cryptography { .. } => Class::Bug,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have no way out of their own")]
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::KeyLabel { found, .. } if found == "ENCRYPTED PRIVATE KEY" => {
                "remove the password with `openssl pkcs8 -in KEY -out NEW`; keys encrypted by `cosign` or `plimsoll` can be used as they are".to_owned()
            }
            Self::KeyLabel { expected, found }
                if found.contains("PRIVATE") && !expected.contains("PRIVATE") =>
            {
                "this is a private key: give the public one that belongs to it".to_owned()
            }
            Self::KeyFile { source, .. } => return source.hint(),
            Self::Signer { source, .. } => return source.hint(),
            Self::Root(error) => return error.hint(),
            Self::LinkKey { .. } => {
                "make one: `openssl genpkey -algorithm ED25519 -out KEY`".to_owned()
            }
            Self::FileExists { path } => format!("use the key in `{path}`, or choose another path"),
            Self::ForeignRepository { path } => {
                format!("if you trust it: `git config --global --add safe.directory {path}`")
            }
            Self::VariableMissing { builder, .. } | Self::VariableMalformed { builder, .. } => {
                format!("this looks like {builder} because of its environment; run where all of it is set, or none")
            }
            _ => return self.fixed_hint().map(str::to_owned),
        })
    }
}

impl Error {
    /// Whether a service that it takes to sign without a key is out: it could not be reached, did not answer in time, or said
    /// for as long as there was time that it is broken.
    ///
    /// A refusal is none, nor that there were too many requests, a wrong answer, one that does not verify, or anything that
    /// is wrong with the identity token or with who gives it.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::ServiceUnavailable { service, source, .. }
            if SIGNING_SERVICES.contains(service) && source.is_outage())
    }

    /// A way out that is the same whatever the error holds.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have no way out of their own")]
    fn fixed_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::PasswordMissing => {
                "give the password that the key was encrypted with in `PLIMSOLL_KEY_PASSWORD`"
            }
            Self::RsaKeySize { .. } => {
                "make a new key: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY`"
            }
            Self::NoIdentity { ci } => no_identity(*ci),
            Self::TokenPermission { .. } => {
                "add `permissions: id-token: write` to the job; runs for pull requests from forks never get one, whatever the permissions"
            }
            Self::TokenAudience { .. } => "ask the CI for a token with the audience `sigstore`",
            Self::TokenExpired { .. } => {
                "get a new token just before signing; if it is new, set the clock of this machine"
            }
            Self::NoService { .. } | Self::SeveralServices { .. } => {
                "see `caUrls`, `rekorTlogUrls`, `tsaUrls` and their selectors in the signing configuration"
            }
            Self::ServiceUnavailable { .. } => {
                "try again later; the status of the public instance is at https://status.sigstore.dev"
            }
            Self::CertificateTooShort { .. } => "set the clock of this machine",
            Self::Unverifiable { .. } => {
                "where this is a private instance, give its own trust root with `--trusted-root`"
            }
            _ => return None,
        })
    }
}

/// How a CI gives an identity token.
fn no_identity(ci: Option<&str>) -> &'static str {
    match ci {
        Some("GitLab") => {
            "declare `id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }` for the job"
        }
        Some("Buildkite") => {
            "run `buildkite-agent oidc request-token --audience sigstore > FILE`, and give the file with `--identity-token`"
        }
        Some("CircleCI") => {
            "run `circleci run oidc get --root-issuer --claims '{\"aud\": \"sigstore\"}' > FILE`, and give the file with `--identity-token`"
        }
        _ => {
            "run in a job of GitHub Actions or GitLab that may have one, or give a file with `--identity-token`"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_in_the_place_of_a_public_one_is_told_from_one_of_the_wrong_form() {
        let hint = |expected, found: &str| {
            Error::KeyLabel { expected, found: found.to_owned() }.hint().unwrap_or_default()
        };
        assert!(hint("PEM of `PUBLIC KEY`", "PRIVATE KEY").contains("give the public one"));
        assert!(hint("PEM of `PRIVATE KEY`", "ENCRYPTED PRIVATE KEY").contains("openssl pkcs8"));
        assert_eq!(hint("PEM of `PRIVATE KEY`", "OPENSSH PRIVATE KEY"), "");
    }

    #[test]
    fn what_is_missing_is_no_better_than_a_wrong_argument_and_a_forgery_is_rejected() {
        let read = |kind: io::ErrorKind| Error::ReadFile { path: "x".into(), source: kind.into() };
        assert_eq!(read(io::ErrorKind::NotFound).class(), Class::Usage);
        assert_eq!(read(io::ErrorKind::PermissionDenied).class(), Class::Undecided);
        assert_eq!(Error::NotSignedBy { keys: vec![] }.class(), Class::Rejected);
        assert_eq!(Error::NoTrustedKey.class(), Class::Usage);
    }
}
