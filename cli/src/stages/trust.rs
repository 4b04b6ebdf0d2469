//! Who is believed: by the policy, by the command line, or because it is the key that signs here.

use crate::{
    args::{RootArguments, TrustArguments, TufArguments},
    context::Context,
    error::Error,
    files, policy_file,
    stages::keys,
};
use plimsoll_attest::{
    Demands, MaxAge, PublicKey, RootRepository, SignerDemand, Trust, TrustRoot, TrustedSigner,
    signers::{Signer, keyless::Holder},
};
use plimsoll_model::{
    evidence::{Legacy, Unlogged},
    identity::IdentityDemand,
};
use plimsoll_policy::{OutagePolicy, Policy, SignerPolicy, SignerWho};

/// Whoever signs here, as somebody to believe where the policy lists nobody.
pub(crate) async fn own(signer: &Signer) -> Option<TrustedSigner> {
    match signer {
        Signer::Key(signer) => Some(of_key(signer.public_key().clone(), Unlogged::Accept)),
        Signer::Keyless(signer) => {
            let Holder { identity, issuer } = signer.holder().await?;
            let demand = IdentityDemand::new(issuer, identity.parse().ok()?);
            Some(TrustedSigner::of(SignerDemand::Identity(demand)))
        }
    }
}

/// Those whom the policy believes, else whoever signs here, else whoever has the local key; but never the key that signs
/// during outages.
pub(crate) fn of_policy(
    ctx: &Context,
    policy: &Policy,
    arguments: &TrustArguments,
    own: Option<TrustedSigner>,
) -> Result<Trust, Error> {
    let mut signers: Vec<TrustedSigner> = match (policy.evidence().signers.as_slice(), own) {
        ([], Some(own)) => vec![own],
        ([], None) => {
            let local = keys::local_public_key(ctx)?.into_iter();
            local.map(|key| of_key(key, Unlogged::Accept)).collect()
        }
        (listed, _) => listed
            .iter()
            .map(|signer| listed_signer(ctx, policy, signer))
            .collect::<Result<_, _>>()?,
    };
    if let Some(key) = key_of_outages(ctx, policy)? {
        signers.retain(|signer| match &signer.who {
            SignerDemand::Key { key: listed, .. } => listed.id() != key.id(),
            SignerDemand::Identity(_) => true,
        });
        signers.push(TrustedSigner::of_outages(key));
    }
    complete(ctx, policy, arguments, signers)
}

/// Those whom somebody names on the command line, in place of the policy's.
pub(crate) fn by_hand(
    ctx: &Context,
    policy: &Policy,
    arguments: &TrustArguments,
    (keys, identities): (Vec<PublicKey>, Vec<IdentityDemand>),
    unlogged: Unlogged,
) -> Result<Trust, Error> {
    let identities =
        identities.into_iter().map(|demand| TrustedSigner::of(SignerDemand::Identity(demand)));
    let signers = keys.into_iter().map(|key| of_key(key, unlogged)).chain(identities).collect();
    complete(ctx, policy, arguments, signers)
}

/// The keys among those whom the policy believes, else the local one: a lock is signed by a key. Nothing proves when, so
/// that one of limited validity is not among them. Nor is the key that signs during outages, whoever lists it or has it here: where
/// nothing else is listed, no key is believed.
pub(crate) fn keys_of_policy(ctx: &Context, policy: &Policy) -> Result<Vec<PublicKey>, Error> {
    let listed = policy.evidence().signers.iter().filter_map(|signer| match &signer.who {
        SignerWho::Key { path, validity, .. } if !validity.is_limited() => {
            Some(keys::of_policy(ctx, policy, path))
        }
        SignerWho::Key { .. } | SignerWho::Identity(_) => None,
    });
    let mut believed = listed.collect::<Result<Vec<_>, _>>()?;
    if believed.is_empty() {
        believed.extend(keys::local_public_key(ctx)?);
    }
    if let Some(outages) = key_of_outages(ctx, policy)? {
        believed.retain(|key| key.id() != outages.id());
    }
    Ok(believed)
}

/// The key that says during outages that something is pending, and proves nothing, whoever believes it for more.
fn key_of_outages(ctx: &Context, policy: &Policy) -> Result<Option<PublicKey>, Error> {
    match &policy.evidence().outage {
        OutagePolicy::Queue { key } => keys::of_policy(ctx, policy, key).map(Some),
        OutagePolicy::Fail => Ok(None),
    }
}

fn of_key(key: PublicKey, unlogged: Unlogged) -> TrustedSigner {
    TrustedSigner::of(SignerDemand::key(key, unlogged))
}

fn listed_signer(
    ctx: &Context,
    policy: &Policy,
    signer: &SignerPolicy,
) -> Result<TrustedSigner, Error> {
    let who = match &signer.who {
        SignerWho::Key { path, unlogged, validity } => SignerDemand::Key {
            key: keys::of_policy(ctx, policy, path)?,
            unlogged: *unlogged,
            validity: *validity,
        },
        SignerWho::Identity(demand) => SignerDemand::Identity((**demand).clone()),
    };
    let types = signer.kinds.iter().flat_map(|kind| kind.predicate_types());
    let types: Vec<_> = types.map(|kind| (*kind).to_owned()).collect();
    let trusted = TrustedSigner::of(who);
    Ok(TrustedSigner {
        predicate_types: (!types.is_empty()).then_some(types),
        builders: signer.builders.clone(),
        verifier: signer.verifier.clone().unwrap_or(trusted.verifier),
        who: trusted.who,
    })
}

fn complete(
    ctx: &Context,
    policy: &Policy,
    arguments: &TrustArguments,
    signers: Vec<TrustedSigner>,
) -> Result<Trust, Error> {
    let evidence = policy.evidence();
    let needs_root = signers.iter().any(|signer| signer.who.is_dated());
    let at_most = match arguments.max_age {
        Some(age) => jiff::SignedDuration::try_from(age).ok(),
        None => evidence.max_age,
    };
    let legacy = if arguments.allow_legacy { Legacy::Accept } else { evidence.legacy };
    Ok(Trust {
        signers,
        root: needs_root.then(|| root(ctx, policy, &arguments.root)).transpose()?,
        demands: Demands {
            legacy,
            logs: evidence.logs,
            timestamps: evidence.timestamps,
            age: at_most.map(|at_most| MaxAge { at_most, now: ctx.now }),
        },
    })
}

/// The root that the flag names, else the policy, else what was updated, else what is built in.
pub(crate) fn root(
    ctx: &Context,
    policy: &Policy,
    arguments: &RootArguments,
) -> Result<TrustRoot, Error> {
    let cache = ctx.root_cache();
    let evidence = policy.evidence();
    let limit = ctx.limits.user_file;
    let file = match (&arguments.trusted_root, &evidence.trusted_root) {
        (Some(named), _) => Some((files::read_text(named, limit)?, named.clone())),
        (None, Some(listed)) if arguments.tuf.tuf_url.is_none() => Some((
            policy_file::read_named_text(policy, listed, limit)?,
            Context::beside_policy(policy, listed),
        )),
        (None, _) => None,
    };
    if let Some((text, path)) = file {
        return Ok(TrustRoot::parse(&text, path.as_str())?);
    }
    Ok(match private_repository(ctx, policy, &arguments.tuf)? {
        Some(repository) => TrustRoot::private(cache.as_ref(), &repository, ctx.now)?,
        None => TrustRoot::current(cache.as_ref(), ctx.now)?,
    })
}

/// Whether somebody says whose word counts, in place of the public's.
pub(crate) const fn is_root_named(policy: &Policy, arguments: &RootArguments) -> bool {
    let evidence = policy.evidence();
    arguments.trusted_root.is_some()
        || arguments.tuf.tuf_url.is_some()
        || evidence.trusted_root.is_some()
        || evidence.tuf.is_some()
}

/// Where the trusted root of a private instance comes from, as flag or policy say; nowhere without them.
pub(crate) fn private_repository(
    ctx: &Context,
    policy: &Policy,
    arguments: &TufArguments,
) -> Result<Option<RootRepository>, Error> {
    let limit = ctx.limits.user_file;
    let (url, anchor) = match (&arguments.tuf_url, &arguments.tuf_root, &policy.evidence().tuf) {
        (Some(url), Some(path), _) => (url.clone(), files::read_text(path, limit)?),
        (_, _, Some(tuf)) => {
            (tuf.url.clone(), policy_file::read_named_text(policy, &tuf.root, limit)?)
        }
        (_, _, None) => return Ok(None),
    };
    Ok(Some(RootRepository::private(&url, anchor)?))
}
