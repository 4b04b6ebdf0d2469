//! The steps of a signature by the holder of a certificate.

use super::{Believed, Outcome, Refused, Walk};
use crate::{
    bundle::Bundle,
    statement::ReadStatement,
    text::excerpt,
    trust::{SignerDemand, TrustedSigner},
    verify::{Fault, StepKind, proof},
};
use plimsoll_model::{
    evidence::Signer,
    identity::{IdentityDemand, SignerIdentity},
};

impl<'a> Walk<'a> {
    /// 3 to 10, for a signature by the holder of a certificate.
    pub(super) fn by_certificate(
        &mut self,
        bundle: &Bundle,
        read: Option<&Outcome<ReadStatement>>,
    ) -> Result<Believed<'a>, Refused> {
        // 3. Somebody is trusted by an identity, and there is somebody to vouch for it.
        let demands = self.step(StepKind::Signer, self.identities())?;
        self.is_comparable(read)?;
        // 4 to 9. Time, certificate and its log, log, signature, log entry.
        let trust = self.expectation.trust;
        let signed = self.signed(read);
        let proof = proof::by_certificate(bundle, trust.instances(), &trust.demands, &signed);
        let identity = self.proven(proof)?.unwrap_or_default();
        // 10. The certificate is that of somebody who is trusted.
        let outcome = identify(&demands, &identity);
        if outcome.is_err() {
            let demands: Vec<_> = demands.iter().map(|(_, demand)| *demand).collect();
            self.fault = Some(Fault::of_identity(&demands, &identity));
        }
        let as_whom = self.step(StepKind::Identity, outcome)?;
        Ok(Believed { signer: Signer::Identity(Box::new(identity)), as_whom })
    }

    fn identities(&self) -> Outcome<Vec<(&'a TrustedSigner, &'a IdentityDemand)>> {
        let trust = self.expectation.trust;
        let demands: Vec<_> = trust
            .signers
            .iter()
            .filter_map(|trusted| match &trusted.who {
                SignerDemand::Identity(demand) => Some((trusted, demand)),
                SignerDemand::Key { .. } => None,
            })
            .collect();
        if demands.is_empty() {
            return Err("signed by a certificate, and no identity is trusted".to_owned());
        }
        match &trust.root {
            Some(root) => {
                let names: Vec<_> = root.names().collect();
                Ok((
                    demands,
                    format!("a certificate; the roots of {} are trusted", names.join(", ")),
                ))
            }
            None => Err("signed by a certificate, and no root is trusted".to_owned()),
        }
    }
}

/// Those, of all that are trusted, whose demands an identity meets; else how it misses the nearest ones.
fn identify<'a>(
    demands: &[(&'a TrustedSigner, &'a IdentityDemand)],
    identity: &SignerIdentity,
) -> Outcome<Vec<&'a TrustedSigner>> {
    let mut met = Vec::new();
    let mut nearest: Option<Vec<String>> = None;
    for (trusted, demand) in demands {
        let mismatches = demand.mismatches(identity);
        if mismatches.is_empty() {
            met.push(*trusted);
        } else if nearest.as_ref().is_none_or(|known| mismatches.len() < known.len()) {
            let say = mismatches.iter().map(|mismatch| {
                let found = mismatch
                    .found
                    .as_deref()
                    .map_or("nothing".to_owned(), |found| format!("`{}`", excerpt(found)));
                format!("{} {found} instead of `{}`", mismatch.what, mismatch.expected)
            });
            nearest = Some(say.collect());
        }
    }
    let who = excerpt(&identity.to_string());
    match (met.is_empty(), nearest) {
        (true, nearest) => Err(format!("{who}: {}", nearest.unwrap_or_default().join("; "))),
        (false, _) => Ok((met, who)),
    }
}
