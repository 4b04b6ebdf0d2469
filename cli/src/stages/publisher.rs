//! The signature of a publisher over an image: looked for where the image is, and verified by the publisher's own keys and identities.

mod attestations;

use crate::{
    args::RootArguments,
    context::Context,
    error::Error,
    stages::{places, trust, verify},
};
use plimsoll_attest::{
    Candidate, Demands, Expectation, PublicKey, SignerDemand, Trust, TrustedSigner, Wanted,
};
use plimsoll_model::{
    Digest,
    evidence::{Legacy, Unlogged},
    identity::IdentityDemand,
};
use plimsoll_oci::Source;
use plimsoll_policy::{
    Policy,
    bases::{Publisher, PublisherSigner, SignedOver, SignsFor},
};

/// Whether an image has the signature of its publisher.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// This key or identity has signed this digest.
    By {
        /// Who.
        signer: String,
        /// What.
        over: Digest,
    },
    /// Nobody who speaks for the publisher.
    ByNobody {
        /// Of each signature that is there, why it is not the one. Not yet fit for a terminal.
        refused: Vec<String>,
    },
}

/// What has to be signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Where it is.
    pub source: &'a Source,
    /// The index, or the image itself.
    pub top: Digest,
    /// The image for one platform, where no more than that is asked for.
    pub image: Option<Digest>,
}

/// Verifies the first signature that is over what is asked for: the index or the image, or attestations that name the image as
/// their subject, as the publisher does it.
///
/// # Errors
/// Where it could not be told what is there: nothing found is not the same as nothing there.
pub(crate) async fn verify(
    ctx: &Context,
    policy: &Policy,
    root: &RootArguments,
    asked: Asked<'_>,
    (publisher, source): (Publisher, Option<&str>),
) -> Result<Signed, Error> {
    let trust = trust_of(ctx, policy, root, (publisher, source))?;
    search(ctx, asked, publisher.signed_over(), &trust).await
}

async fn search(
    ctx: &Context,
    asked: Asked<'_>,
    signed_over: &[SignedOver],
    trust: &Trust,
) -> Result<Signed, Error> {
    let mut refused = Vec::new();
    for over in signed_over {
        let signed = match over {
            SignedOver::Image => over_image(ctx, asked, trust).await?,
            SignedOver::AttestationInIndex | SignedOver::AttestationReferrer => {
                over_attestations(ctx, asked, *over, trust).await?
            }
        };
        match signed {
            Signed::ByNobody { refused: more } => refused.extend(more),
            by @ Signed::By { .. } => return Ok(by),
        }
    }
    Ok(Signed::ByNobody { refused })
}

async fn over_image(ctx: &Context, asked: Asked<'_>, trust: &Trust) -> Result<Signed, Error> {
    let mut refused = Vec::new();
    let image = asked.image.filter(|image| *image != asked.top);
    for digest in std::iter::once(asked.top).chain(image) {
        match signature(ctx, asked.source, digest, trust).await? {
            Signed::ByNobody { refused: more } => refused.extend(more),
            by @ Signed::By { .. } => return Ok(by),
        }
    }
    Ok(Signed::ByNobody { refused })
}

async fn over_attestations(
    ctx: &Context,
    asked: Asked<'_>,
    over: SignedOver,
    trust: &Trust,
) -> Result<Signed, Error> {
    let Some(image) = asked.image else {
        let reason = "it signs the image for each platform: approve that without `--all-platforms`";
        return Ok(Signed::ByNobody { refused: vec![reason.to_owned()] });
    };
    let mut refused = Vec::new();
    for attestation in attestations::of(asked.source, (asked.top, image), over).await? {
        let digest = attestation.descriptor.digest;
        if let Err(reason) = attestations::is_about(&attestation, asked.source, image).await? {
            refused.push(format!("attestations {digest}: {reason}"));
            continue;
        }
        match signature(ctx, asked.source, digest, trust).await? {
            Signed::ByNobody { refused: more } => refused.extend(more),
            // Who signs what names an image by its digest signs for that image.
            Signed::By { signer, .. } => return Ok(Signed::By { signer, over: image }),
        }
    }
    Ok(Signed::ByNobody { refused })
}

async fn signature(
    ctx: &Context,
    source: &Source,
    digest: Digest,
    trust: &Trust,
) -> Result<Signed, Error> {
    let candidates = verify::fetch(ctx, source, &digest).await;
    let candidates = candidates.and(places::cosign_referrers(ctx, source, &digest).await?);
    let found = candidates.found().map_err(|reason| Error::Signature { reason })?;
    Ok(judge(found, digest, (trust, ctx)))
}

fn judge(found: &[Candidate], subject: Digest, (trust, ctx): (&Trust, &Context)) -> Signed {
    let wanted = Wanted::Signature;
    let expectation =
        Expectation { subject, place: None, content: None, wanted, trust, limits: &ctx.limits };
    let mut refused = Vec::new();
    for candidate in found {
        let verification = plimsoll_attest::verify(candidate, &expectation);
        match (verification.failed_step(), &verification.signer) {
            (None, Some(signer)) => {
                return Signed::By { signer: signer.clone(), over: subject };
            }
            (Some(step), _) => refused.push(format!(
                "{}: expected {}, found {}",
                candidate.found_at, step.expected, step.found
            )),
            (None, _) => refused.push(format!("{}: not verified to the end", candidate.found_at)),
        }
    }
    Signed::ByNobody { refused }
}

/// Who speaks for a publisher, about the repository of a source where it signs for those of others. Classic signatures of cosign
/// count: they are what these publishers write, but for the one that signs for others.
fn trust_of(
    ctx: &Context,
    policy: &Policy,
    root: &RootArguments,
    (publisher, source): (Publisher, Option<&str>),
) -> Result<Trust, Error> {
    let signers = publisher.signers().iter().map(|one| signer(one, source));
    let signers = signers.collect::<Result<Vec<_>, _>>()?;
    let needs_root = signers.iter().any(|signer| signer.who.is_dated());
    let legacy = match publisher.signs_for() {
        SignsFor::Itself => Legacy::Accept,
        // Without the source it would sign for anybody.
        SignsFor::Callers if source.is_none() => {
            return Err(Error::Internal("nobody says for which source"));
        }
        SignsFor::Callers => Legacy::Refuse,
    };
    Ok(Trust {
        signers,
        root: needs_root.then(|| trust::root(ctx, policy, root)).transpose()?,
        demands: Demands { legacy, logs: 0, timestamps: 0, age: None },
    })
}

fn signer(signer: &PublisherSigner, source: Option<&str>) -> Result<TrustedSigner, Error> {
    let who = match signer {
        PublisherSigner::Key(base64) => {
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
            SignerDemand::key(PublicKey::from_pem(&pem)?, Unlogged::Accept)
        }
        PublisherSigner::Identity { issuer, subject, runner } => {
            let built_in = Error::Internal("a built-in identity is malformed");
            let subject = subject.parse().map_err(|_malformed| built_in)?;
            SignerDemand::Identity(IdentityDemand {
                repository: source.map(str::to_owned),
                runner: runner.map(str::to_owned),
                ..IdentityDemand::new((*issuer).to_owned(), subject)
            })
        }
    };
    Ok(TrustedSigner::of(who))
}

#[cfg(test)]
mod tests;
