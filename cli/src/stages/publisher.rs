//! The signature of a publisher over an image: looked for where the image is, and verified by the publisher's own keys and identities.

use crate::{
    args::RootArguments,
    context::Context,
    error::Error,
    stages::{trust, verify},
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
    bases::{Publisher, PublisherSigner},
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

/// Verifies the signature over the first of these digests that has one.
///
/// # Errors
/// Where it could not be told what is there: nothing found is not the same as nothing there.
pub(crate) async fn verify(
    ctx: &Context,
    policy: &Policy,
    root: &RootArguments,
    (source, digests): (&Source, &[Digest]),
    publisher: Publisher,
) -> Result<Signed, Error> {
    let trust = trust_of(ctx, policy, root, publisher)?;
    let mut refused = Vec::new();
    for digest in digests {
        let candidates = verify::fetch(ctx, source, digest).await;
        let found = candidates.found().map_err(|reason| Error::Signature { reason })?;
        match judge(found, *digest, (&trust, ctx)) {
            Signed::ByNobody { refused: more } => refused.extend(more),
            signed @ Signed::By { .. } => return Ok(signed),
        }
    }
    Ok(Signed::ByNobody { refused })
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

/// Who speaks for a publisher. Classic signatures of cosign count: they are what these publishers write.
fn trust_of(
    ctx: &Context,
    policy: &Policy,
    root: &RootArguments,
    publisher: Publisher,
) -> Result<Trust, Error> {
    let signers = publisher.signers().iter().map(signer).collect::<Result<Vec<_>, _>>()?;
    let needs_root = signers.iter().any(|signer| signer.who.is_dated());
    Ok(Trust {
        signers,
        root: needs_root.then(|| trust::root(ctx, policy, root)).transpose()?,
        demands: Demands { legacy: Legacy::Accept, logs: 0, timestamps: 0, age: None },
    })
}

fn signer(signer: &PublisherSigner) -> Result<TrustedSigner, Error> {
    let who = match signer {
        PublisherSigner::Key(base64) => {
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
            SignerDemand::key(PublicKey::from_pem(&pem)?, Unlogged::Accept)
        }
        PublisherSigner::Identity { issuer, subject } => {
            let built_in = Error::Internal("a built-in identity is malformed");
            let subject = subject.parse().map_err(|_malformed| built_in)?;
            let demand = IdentityDemand::new((*issuer).to_owned(), subject);
            SignerDemand::Identity(demand)
        }
    };
    Ok(TrustedSigner::of(who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_speaks_for_a_publisher_can_be_verified() {
        for publisher in Publisher::ALL {
            for one in publisher.signers() {
                signer(one).unwrap();
            }
        }
    }
}
