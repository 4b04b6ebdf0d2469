//! Who signs statements: a key, or the holder of an identity.

use super::{KeyArguments, PrivateKey, duration};
use camino::Utf8PathBuf;
use clap::Args;
use std::time::Duration;

/// Who signs statements.
#[derive(Debug, Clone, Args)]
pub(crate) struct SigningArguments {
    #[command(flatten)]
    pub key: KeyArguments,
    /// Sign without a key: with one that lives for minutes, certified for the identity of this CI job and logged in public;
    /// the services are those of Sigstore's public-good instance.
    #[arg(long, env = "PLIMSOLL_KEYLESS")]
    pub keyless: bool,
    /// With `--keyless`, file with the identity token, for the audience `sigstore` [default: the token that GitHub Actions
    /// gives the job, or `SIGSTORE_ID_TOKEN`].
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_IDENTITY_TOKEN")]
    pub identity_token: Option<Utf8PathBuf>,
    /// With `--keyless`, signing configuration (v0.2, JSON) of a private instance; its `--trusted-root` goes with it,
    /// by which what the services answer is verified before it is used.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_SIGNING_CONFIG")]
    pub signing_config: Option<Utf8PathBuf>,
    /// With `--keyless`, how long the services are waited for, all attempts for one statement together.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration, env = "PLIMSOLL_SIGNING_TIMEOUT")]
    pub signing_timeout: Duration,
    /// With `--keyless`, private key that signs, as pending, what can not be signed because the services are out; of use where
    /// the policy has such statements queued, and names its public key: see `evidence.outage`.
    #[arg(long, value_name = "FILE|exec:COMMAND", env = "PLIMSOLL_OUTAGE_KEY")]
    pub outage_key: Option<PrivateKey>,
}
