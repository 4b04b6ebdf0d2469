//! Who signs: the holder of a key, which is kept in a file or by a program; or, without one, the holder of an identity.

pub mod exec;
mod key;
mod key_file;
pub mod keyless;
mod pair;

pub use exec::{Programs, SignerProblem};
pub use key::{KeyKind, KeySigner, PrivatePem};
pub use key_file::{create_key_file, load_key_file};

use crate::{Bundle, Error, PublicKey, Statement, builders::IdentityClaims};
use keyless::{Holder, KeylessSigner};

/// Whoever signs statements.
#[derive(Debug)]
pub enum Signer {
    /// With a key.
    Key(KeySigner),
    /// With a key that lives for minutes, certified for an identity.
    Keyless(Box<KeylessSigner>),
}

impl Signer {
    /// Looks at what can be known before there is anything to sign: an identity token, where it takes one.
    pub async fn prepare(&self) -> Result<(), Error> {
        match self {
            Self::Key(_) => Ok(()),
            Self::Keyless(signer) => Box::pin(signer.prepare()).await,
        }
    }

    /// Signs a statement.
    pub async fn sign(&self, statement: &Statement) -> Result<Bundle, Error> {
        match self {
            Self::Key(signer) => crate::sign(statement, signer),
            Self::Keyless(signer) => Box::pin(signer.sign(statement)).await,
        }
    }

    /// What an identity token says of the job that signs, where it takes one.
    pub async fn claims(&self) -> Option<IdentityClaims> {
        match self {
            Self::Key(_) => None,
            Self::Keyless(signer) => signer.claims().await,
        }
    }

    /// The key that verifies its signatures, where there is one that lasts.
    pub const fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(signer) => Some(signer.public_key()),
            Self::Keyless(_) => None,
        }
    }

    /// Who has signed, for people: `signed by key …`, or `signed as IDENTITY (ISSUER)`, whose names somebody else wrote.
    pub async fn signed(&self) -> String {
        match self {
            Self::Key(signer) => format!("signed by key {}", signer.public_key().id().short()),
            Self::Keyless(signer) => match signer.holder().await {
                Some(Holder { identity, issuer }) => format!("signed as {identity} ({issuer})"),
                None => "signed by nobody yet".to_owned(),
            },
        }
    }
}
