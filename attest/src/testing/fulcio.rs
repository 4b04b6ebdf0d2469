//! Fulcio: certificates of ten minutes for the holders of identity tokens, each with the timestamp of a CT log in it.
//!
//! <https://github.com/sigstore/fulcio/blob/main/fulcio.proto>,
//! <https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md>

use super::{
    Flaw,
    claims::{Claims, GITHUB, GITLAB},
    der::{implicit, octets, sequence, text},
    keys::{Key, sha256},
    oidc::Issuer,
    server::{Reply, Seen},
    x509::{
        Authority, CODE_SIGNING, Contents, Critical, code_signing, extension, new_serial,
        subject_key, to_pem,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use sigstore_types::{DerPublicKey, SignatureBytes};
use sigstore_verify::crypto::VerificationKey;
use std::collections::BTreeSet;

/// The extension that holds timestamps of CT logs.
const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// The authority, and the CT log that it tells of every certificate.
pub(super) struct Fulcio {
    pub(super) root: Authority,
    pub(super) intermediate: Authority,
    pub(super) log: Key,
    /// A log that nobody trusts.
    stranger: Key,
    /// How long certificates hold, in seconds.
    pub(super) lifetime: i64,
}

/// What was asked for, after all of it was checked.
struct Order {
    claims: Claims,
    spki: Vec<u8>,
}

impl Fulcio {
    pub(super) fn new(root: [Timestamp; 2], intermediate: [Timestamp; 2]) -> Self {
        let root = Authority::root("fulcio-root", root);
        let intermediate = root.intermediate("fulcio-intermediate", CODE_SIGNING, intermediate);
        Self { root, intermediate, log: Key::ecdsa(), stranger: Key::ecdsa(), lifetime: 600 }
    }

    /// Answers below `/fulcio`.
    pub(super) fn answer(
        &self,
        path: &str,
        seen: &Seen,
        (issuer, flaws, now): (&Issuer, &BTreeSet<Flaw>, Timestamp),
    ) -> Reply {
        let chain = |leaf: Option<&[u8]>| {
            let authorities = [&self.intermediate, &self.root].map(|one| &one.certificate[..]);
            let chain = leaf.into_iter().chain(authorities);
            json!({"certificates": chain.map(to_pem).collect::<Vec<_>>()})
        };
        match (seen.method.as_str(), path) {
            ("POST", "/api/v2/signingCert") => match order(&seen.body, issuer, now) {
                Ok(order) => {
                    let leaf = self.issue(&order, flaws, now);
                    Reply::json(
                        &json!({"signedCertificateEmbeddedSct": {"chain": chain(Some(&leaf))}}),
                    )
                }
                Err((status, message)) => Reply::refusal(status, message),
            },
            ("GET", "/api/v2/trustBundle") => Reply::json(&json!({"chains": [chain(None)]})),
            ("GET", "/api/v2/configuration") => {
                let issuers = [GITHUB, GITLAB].map(|url| {
                    json!({"issuerUrl": url, "audience": "sigstore", "issuerType": "ci-provider"})
                });
                Reply::json(&json!({"issuers": issuers}))
            }
            _ => Reply::status(404),
        }
    }

    fn issue(&self, order: &Order, flaws: &BTreeSet<Flaw>, now: Timestamp) -> Vec<u8> {
        let [usage, extended] = code_signing();
        let san = sequence(&[implicit(6, order.claims.identity().as_bytes())]);
        let mut extensions = vec![
            usage,
            extended,
            subject_key(&order.spki),
            self.intermediate.authority_key(),
            extension("2.5.29.17", Critical::Yes, &san),
        ];
        let fulcio = |number: u8, value: &[u8]| {
            extension(&format!("1.3.6.1.4.1.57264.1.{number}"), Critical::No, value)
        };
        let bare = order.claims.bare_extensions();
        extensions.extend(bare.iter().map(|(number, value)| fulcio(*number, value.as_bytes())));
        let texts = order.claims.extensions();
        extensions.extend(texts.iter().map(|(number, value)| fulcio(*number, &text(value))));
        let (subject, serial) = (sequence(&[]), new_serial());
        let until = now + self.lifetime.seconds();
        let contents = |extensions: &[Vec<u8>]| {
            let contents =
                Contents { subject: &subject, spki: &order.spki, valid: [now, until], extensions };
            (
                contents.to_be_signed(&serial, &self.intermediate.name),
                self.intermediate.issue(&contents, &serial),
            )
        };
        // 1. The log sees the certificate without the log's own extension.
        let (unlogged, _) = contents(&extensions);
        // 2. What it says goes in.
        extensions.push(extension(
            SCT_LIST,
            Critical::No,
            &octets(&self.sct(&unlogged, flaws, now)),
        ));
        contents(&extensions).1
    }

    /// A list with one signed certificate timestamp: RFC 6962 §3.2 and §3.3.
    fn sct(&self, unlogged: &[u8], flaws: &BTreeSet<Flaw>, now: Timestamp) -> Vec<u8> {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default().to_be_bytes();
        let length = u32::try_from(unlogged.len()).unwrap_or_default().to_be_bytes();
        let signed = [
            &[0, 0][..],
            &milliseconds,
            &[0, 1],
            &sha256(&self.intermediate.key.spki),
            &length[1..],
            unlogged,
            &[0, 0],
        ];
        let key = if flaws.contains(&Flaw::WrongSct) { &self.stranger } else { &self.log };
        let signature = key.sign(&signed.concat());
        let sct = [&[0][..], &self.log.id(), &milliseconds, &[0, 0, 4, 3], &prefixed(&signature)];
        prefixed(&prefixed(&sct.concat()))
    }
}

/// What a request asks for, after all of it was checked.
fn order(body: &[u8], issuer: &Issuer, now: Timestamp) -> Result<Order, (u16, &'static str)> {
    const TOKEN: (u16, &str) = (401, "There was an error processing the identity token");
    let request: Value =
        serde_json::from_slice(body).ok().ok_or((400, "the request is no JSON"))?;
    let field = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
    // 1. The token: signed, for this service, and of now.
    let token = field("/credentials/oidcIdentityToken").ok_or(TOKEN)?;
    let claims = issuer.read(token).ok_or(TOKEN)?;
    let is_current = claims.seconds("nbf").is_none_or(|from| from <= now.as_second())
        && claims.seconds("exp").is_some_and(|until| until > now.as_second());
    if claims.text("aud") != "sigstore" || !is_current {
        return Err(TOKEN);
    }
    // 2. The key, and that whoever asks holds it.
    let key = field("/publicKeyRequest/publicKey/content")
        .and_then(|text| pem::parse(text).ok())
        .filter(|block| block.tag() == "PUBLIC KEY")
        .ok_or((400, "The public key supplied in the request could not be parsed"))?;
    let proof = field("/publicKeyRequest/proofOfPossession")
        .and_then(|proof| STANDARD.decode(proof).ok())
        .unwrap_or_default();
    let spki = key.into_contents();
    VerificationKey::from_spki(&DerPublicKey::new(spki.clone()))
    .and_then(|key| key.verify(claims.text("sub"), &SignatureBytes::new(proof)))
    .map(|()| Order { claims, spki })
    .ok()
    .ok_or((
        400,
        "The signature supplied in the request could not be verified with the supplied public key",
    ))
}

/// Bytes behind their number, in two bytes.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    [&length[..], bytes].concat()
}
