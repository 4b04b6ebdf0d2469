//! The key that signs, and the keys that are believed.

use crate::{args::KeyArguments, context::Context, env, error::Error, files};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::{
    PublicKey,
    signers::{KeyKind, KeySigner, create_key_file, load_key_file},
};

/// The signer that flag or default names; the local key is made on first use.
pub(crate) fn signer(ctx: &Context, arguments: &KeyArguments) -> Result<KeySigner, Error> {
    let password = ctx.environment.get(&env::PLIMSOLL_KEY_PASSWORD);
    if let Some(path) = &arguments.key {
        return Ok(load_key_file(path, password, &ctx.limits)?);
    }
    let path = local_key(ctx)?;
    if !path.exists() {
        make_local_key(ctx, &path, password)?;
    }
    Ok(load_key_file(&path, password, &ctx.limits)?)
}

fn make_local_key(ctx: &Context, path: &Utf8Path, password: Option<&str>) -> Result<(), Error> {
    let made = KeySigner::generate(KeyKind::EcdsaP256)?;
    make_directory(path)?;
    match create_key_file(path, &made, password) {
        // Another run was faster: its key is the local key.
        Err(plimsoll_attest::Error::FileExists { .. }) => return Ok(()),
        outcome => outcome?,
    }
    let public = path.with_extension("pub");
    files::write(&public, made.public_key().to_pem().as_bytes())?;
    ctx.ui.note(&format!("made a local signing key: {path}; others verify with {public}"));
    Ok(())
}

/// The public half of the local key, where there is one.
pub(crate) fn local_public_key(ctx: &Context) -> Result<Option<PublicKey>, Error> {
    let path = local_key(ctx)?.with_extension("pub");
    if path.exists() { public_key(ctx, &path).map(Some) } else { Ok(None) }
}

/// Reads public keys from files.
pub(crate) fn public_keys(ctx: &Context, paths: &[Utf8PathBuf]) -> Result<Vec<PublicKey>, Error> {
    paths.iter().map(|path| public_key(ctx, path)).collect()
}

/// Reads a public key from a file.
pub(crate) fn public_key(ctx: &Context, path: &Utf8Path) -> Result<PublicKey, Error> {
    Ok(PublicKey::read(path, &ctx.limits)?)
}

fn make_directory(path: &Utf8Path) -> Result<(), Error> {
    let directory = path.parent().unwrap_or(Utf8Path::new("."));
    std::fs::create_dir_all(directory)
        .map_err(|source| Error::Write { path: directory.to_owned(), source })
}

fn local_key(ctx: &Context) -> Result<Utf8PathBuf, Error> {
    ctx.state_path(None, "key.pem")
}
