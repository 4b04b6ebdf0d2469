//! The key that signs, and the keys that are believed.

use crate::{args::KeyArguments, context::Context, env, error::Error, files};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::{
    PublicKey,
    signers::{KeyKind, KeySigner},
};
use plimsoll_policy::{Policy, SignerPolicy};

/// The signer that flag or default names; the local key is made on first use.
pub fn signer(ctx: &Context, arguments: &KeyArguments) -> Result<KeySigner, Error> {
    let password = ctx.environment.get(&env::PLIMSOLL_KEY_PASSWORD);
    match &arguments.key {
        Some(path) => Ok(KeySigner::from_pem(&files::read_text(path, ctx.limits.user_file)?, password)?),
        None => {
            let path = local_key(ctx)?;
            if !path.exists() {
                plimsoll_attest::signers::create_key_file(&path, KeyKind::EcdsaP256)?;
                let public = path.with_extension("pub");
                let signer = KeySigner::from_pem(&files::read_text(&path, ctx.limits.user_file)?, password)?;
                files::write(&public, signer.public_key().to_pem().as_bytes())?;
                ctx.ui.note(&format!("made a local signing key: {path}; others verify with {public}"));
            }
            Ok(KeySigner::from_pem(&files::read_text(&path, ctx.limits.user_file)?, password)?)
        }
    }
}

/// The keys whose evidence counts: those the policy lists, else the key that signs here.
pub fn trusted(ctx: &Context, policy: &Policy, own: Option<&PublicKey>) -> Result<Vec<PublicKey>, Error> {
    let mut keys = Vec::new();
    for SignerPolicy::Key { path, .. } in &policy.evidence().signers {
        keys.push(public_key(ctx, &Context::beside_policy(policy, path))?);
    }
    if !keys.is_empty() {
        return Ok(keys);
    }
    match own {
        Some(key) => Ok(vec![key.clone()]),
        None => Ok(local_public_key(ctx)?.into_iter().collect()),
    }
}

/// The public half of the local key, where there is one.
pub fn local_public_key(ctx: &Context) -> Result<Option<PublicKey>, Error> {
    let path = local_key(ctx)?.with_extension("pub");
    if path.exists() { public_key(ctx, &path).map(Some) } else { Ok(None) }
}

/// Reads public keys from files.
pub fn public_keys(ctx: &Context, paths: &[Utf8PathBuf]) -> Result<Vec<PublicKey>, Error> {
    paths.iter().map(|path| public_key(ctx, path)).collect()
}

/// Reads a public key from a file.
pub fn public_key(ctx: &Context, path: &Utf8Path) -> Result<PublicKey, Error> {
    Ok(PublicKey::from_pem(&files::read_text(path, ctx.limits.user_file)?)?)
}

fn local_key(ctx: &Context) -> Result<Utf8PathBuf, Error> {
    ctx.state_path(None, "key.pem")
}
