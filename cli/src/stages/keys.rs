//! The key that signs, and the keys that are believed.

use crate::{
    args::{KeyArguments, PrivateKey, RootArguments, SigningArguments},
    context::{Context, VERSION},
    env,
    error::Error,
    files, policy_file,
    stages::trust,
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::{
    PublicKey,
    signers::{
        KeyKind, KeySigner, Programs, Signer, create_key_file,
        keyless::{
            self, IdentitySource, IdentityToken, KeylessOptions, KeylessSigner, Patience, Services,
        },
        load_key_file,
    },
};
use plimsoll_policy::{OutagePolicy, Policy};

/// Whoever signs without a key, where that is asked for; its token is at hand and good.
///
/// To be asked for before any work is done: what is wrong with a token is wrong after an hour of work as well.
pub(crate) async fn keyless_signer(
    ctx: &Context,
    arguments: &SigningArguments,
    root: &RootArguments,
) -> Result<Option<Signer>, Error> {
    check_signing(ctx, arguments)?;
    if !arguments.keyless {
        return Ok(None);
    }
    let policy = ctx.policy()?;
    let services = match &arguments.signing_config {
        Some(_) if !trust::is_root_named(&policy, root) => {
            return Err(Error::usage(
                "`--signing-config` and `--trusted-root` belong together: one says whom to ask, the other what to believe",
                "give both, for a private instance, or neither, for Sigstore's public-good instance; the root may be the policy's, or come from `--tuf-url`",
            ));
        }
        Some(config) => {
            let config = files::read_text(config, ctx.limits.user_file)?;
            Services::from_signing_config(&config, ctx.now)?
        }
        None => Services::public_good(ctx.now)?,
    };
    let trust_root = trust::root(ctx, &policy, root)?;
    let identity = match &arguments.identity_token {
        Some(path) => IdentitySource::Token(IdentityToken::read(path, &ctx.limits)?),
        None => IdentitySource::detect(ctx.environment.all())?,
    };
    let signer = Signer::Keyless(Box::new(KeylessSigner::new(KeylessOptions {
        services,
        trust_root,
        client: keyless::client(&format!("plimsoll/{VERSION}"), ctx.shared.timeout)?,
        identity,
        patience: Patience {
            budget: arguments.signing_timeout,
            attempt: ctx.shared.timeout,
            ..Patience::STANDARD
        },
        now: ctx.now,
    })));
    signer.prepare().await?;
    Ok(Some(signer))
}

/// Who signs statements.
#[derive(Debug)]
pub(crate) struct Signers {
    /// As they have to be signed.
    pub signer: Signer,
    /// As pending, while the services that it takes are out; nobody, where such statements are not queued.
    pub outage: Option<KeySigner>,
}

/// Whoever signs what is queued while nothing can be signed without a key, where the policy says so.
///
/// To be asked for before any work is done: an outage is no time to learn that there is no key.
pub(crate) fn outage_signer(
    ctx: &Context,
    arguments: &SigningArguments,
) -> Result<Option<KeySigner>, Error> {
    let policy = ctx.policy()?;
    let public = match &policy.evidence().outage {
        OutagePolicy::Queue { key } if arguments.keyless => of_policy(ctx, &policy, key)?,
        OutagePolicy::Fail if arguments.outage_key.is_some() => {
            return Err(Error::usage(
                "`--outage-key` is of no use: the policy has nothing queued during an outage",
                "leave it out, or see `evidence.outage` in the policy",
            ));
        }
        OutagePolicy::Fail | OutagePolicy::Queue { .. } => return Ok(None),
    };
    let Some(private) = &arguments.outage_key else {
        return Err(Error::usage(
            "the policy has queued what can not be signed during an outage, and there is no key for that",
            "give the private half of the key under `evidence.outage` with `--outage-key`, or in `PLIMSOLL_OUTAGE_KEY`",
        ));
    };
    let signer = named_signer(ctx, private)?;
    if signer.public_key().id() == public.id() {
        return Ok(Some(signer));
    }
    let [expected, found] = [&public, signer.public_key()].map(|key| key.id().short());
    Err(Error::usage(
        format!(
            "`--outage-key` is another key than the policy names: expected {expected}, found {found}"
        ),
        "give the private half of the key under `evidence.outage`",
    ))
}

/// Which flags go together.
fn check_signing(ctx: &Context, arguments: &SigningArguments) -> Result<(), Error> {
    let SigningArguments { key, keyless, identity_token, signing_config, outage_key, .. } =
        arguments;
    let wrong = |message: &str, hint: &str| Err(Error::usage(message, hint));
    if !keyless {
        return match (identity_token, signing_config, outage_key) {
            (Some(_), _, _) => {
                wrong("`--identity-token` is of no use without `--keyless`", KEYLESS)
            }
            (_, Some(_), _) => {
                wrong("`--signing-config` is of no use without `--keyless`", KEYLESS)
            }
            (_, _, Some(_)) => wrong("`--outage-key` is of no use without `--keyless`", KEYLESS),
            (None, None, None) => Ok(()),
        };
    }
    if key.key.is_some() {
        return wrong(
            "`--keyless` and `--key` are two ways to sign",
            "give one of them; `--key` may come from `PLIMSOLL_KEY`, `--keyless` from `PLIMSOLL_KEYLESS`",
        );
    }
    if ctx.shared.offline {
        return wrong(
            "`--keyless` needs Sigstore's services, and `--offline` permits none",
            "sign with a key: `--key FILE`",
        );
    }
    Ok(())
}

const KEYLESS: &str = "add `--keyless`, or sign with a key: `--key FILE`";

/// The key that flag or default names; the local key is made on first use.
pub(crate) fn signer(ctx: &Context, arguments: &KeyArguments) -> Result<KeySigner, Error> {
    if let Some(key) = &arguments.key {
        return named_signer(ctx, key);
    }
    let password = ctx.environment.get(&env::PLIMSOLL_KEY_PASSWORD);
    let path = local_key(ctx)?;
    if !path.exists() {
        make_local_key(ctx, &path, password)?;
    }
    Ok(load_key_file(&path, password, &ctx.limits)?)
}

fn named_signer(ctx: &Context, key: &PrivateKey) -> Result<KeySigner, Error> {
    match key {
        PrivateKey::File(path) => {
            let password = ctx.environment.get(&env::PLIMSOLL_KEY_PASSWORD);
            Ok(load_key_file(path, password, &ctx.limits)?)
        }
        PrivateKey::Program(command) => {
            let path = ctx.environment.get(&env::PATH).unwrap_or_default().into();
            let programs = Programs { path, timeout: ctx.shared.timeout };
            Ok(KeySigner::of_program(command, &programs)?)
        }
    }
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

/// Reads a public key from a file that the policy names.
pub(crate) fn of_policy(
    ctx: &Context,
    policy: &Policy,
    named: &Utf8Path,
) -> Result<PublicKey, Error> {
    let text = policy_file::read_named_text(policy, named, ctx.limits.user_file)?;
    Ok(PublicKey::of_file(&text, &Context::beside_policy(policy, named))?)
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
