//! Certificates.
//!
//! <https://github.com/sigstore/fulcio/blob/v1.8.0/fulcio.proto>

use super::{
    http::{Answer, Exchange},
    identity::IdentityToken,
};
use crate::Error;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use sigstore_sign::crypto::{CertificateInfo, KeyPair, parse_certificate_info};
use sigstore_types::DerCertificate;
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

pub(super) const FULCIO: &str = "Fulcio";

/// A key with the certificate that says whose it is.
pub(super) struct Minted {
    pub(super) key: KeyPair,
    pub(super) certificate: DerCertificate,
    info: CertificateInfo,
}

impl Minted {
    /// When the certificate ends.
    pub(super) const fn until(&self) -> Timestamp {
        self.info.not_after
    }

    /// Whose it is, and who says so.
    pub(super) fn holder(&self) -> (String, String) {
        let identity = self.info.identity.as_ref().map(|name| name.as_str().to_owned());
        (identity.unwrap_or_default(), self.info.issuer.clone().unwrap_or_default())
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Minted").field("holder", &self.holder()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    credentials: Credentials<'a>,
    public_key_request: PublicKeyRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    oidc_identity_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    public_key: PublicKeyContent,
    proof_of_possession: String,
}

#[derive(Serialize)]
struct PublicKeyContent {
    algorithm: &'static str,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    #[serde(alias = "signedCertificateDetachedSct")]
    signed_certificate_embedded_sct: WithChain,
}

#[derive(Deserialize)]
struct WithChain {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// A new key, with a certificate for it.
pub(super) async fn mint(
    client: &Client,
    fulcio: &Url,
    token: &IdentityToken,
    exchange: &Exchange<'_>,
) -> Result<Minted, Error> {
    const FAILED: Error = Error::Cryptography { attempt: "make a key" };
    let key = KeyPair::generate_ecdsa_p256().ok().ok_or(FAILED)?;
    let public = key.public_key_der().ok().ok_or(FAILED)?;
    let proof = key.sign(token.proven().as_bytes()).ok().ok_or(FAILED)?;
    let request = Request {
        credentials: Credentials { oidc_identity_token: token.secret().expose() },
        public_key_request: PublicKeyRequest {
            public_key: PublicKeyContent {
                algorithm: "ECDSA",
                content: crate::public_key::to_pem("PUBLIC KEY", public.as_bytes()),
            },
            proof_of_possession: STANDARD.encode(proof.as_bytes()),
        },
    };
    // A structure of strings has nothing in it that JSON can not say.
    let body = Zeroizing::new(serde_json::to_vec(&request).unwrap_or_default());
    let url = below(fulcio, "api/v2/signingCert");
    let exchange = Exchange { service: FULCIO, secret: Some(token.secret()), ..*exchange };
    let request = client.post(url.clone()).header("content-type", "application/json");
    let Answer::Done(answer) = exchange.ask(request.body(body.to_vec())).await? else {
        return Err(unreadable(&url, "a certificate that is known already"));
    };
    let issued: Issued = serde_json::from_slice(&answer).map_err(|source| {
        Error::ServiceAnswer { service: FULCIO, url: url.to_string(), source: Box::new(source) }
    })?;
    let leaf = issued.signed_certificate_embedded_sct.chain.certificates.into_iter().next();
    let certificate = leaf.and_then(|pem| DerCertificate::from_pem(&pem).ok());
    let certificate = certificate.ok_or_else(|| unreadable(&url, "no certificate"))?;
    let info = parse_certificate_info(&certificate);
    let info = info.ok().ok_or_else(|| unreadable(&url, "a certificate that can not be read"))?;
    if info.public_key != public {
        return Err(unreadable(&url, "a certificate for another key"));
    }
    Ok(Minted { key, certificate, info })
}

fn unreadable(url: &Url, found: &'static str) -> Error {
    let source = super::Unexpected { found };
    Error::ServiceAnswer { service: FULCIO, url: url.to_string(), source: Box::new(source) }
}

/// An address below another, whether that ends with a slash or not.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let whole = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    url
}
