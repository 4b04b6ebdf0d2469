//! Timestamps (RFC 3161).

use super::http::{Answer, Exchange};
use crate::{Error, der::value};
use bytes::Bytes;
use plimsoll_model::Digest;
use reqwest::Client;
use sigstore_types::TimestampToken;
use url::Url;

pub(super) const TSA: &str = "the timestamp authority";
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;
const OCTET_STRING: u8 = 0x04;
const INTEGER: u8 = 0x02;
/// Bytes of a nonce.
const NONCE: usize = 8;

/// A timestamp over a signature.
///
/// That it is one over this signature, by an authority that is trusted, is verified with the rest; here it is looked at
/// whether it is the answer to this question.
pub(super) async fn date(
    client: &Client,
    url: &Url,
    signature: &[u8],
    exchange: &Exchange<'_>,
) -> Result<TimestampToken, Error> {
    let exchange = Exchange { service: TSA, stale: None, ..*exchange };
    let nonce = nonce()?;
    let request = client
        .post(url.clone())
        .header("content-type", "application/timestamp-query")
        .header("accept", "application/timestamp-reply")
        .body(Bytes::from(query(&Digest::of(signature), nonce)));
    let answer = match exchange.ask(request).await? {
        Answer::Done(answer) => answer,
        Answer::Known(_) | Answer::Stale => return Err(unreadable(url, "no timestamp")),
    };
    let found = found_nonce(&answer).ok_or_else(|| unreadable(url, "no timestamp with a nonce"))?;
    if found == nonce {
        Ok(TimestampToken::new(answer.to_vec()))
    } else {
        Err(Error::TimestampNonce { url: url.to_string() })
    }
}

/// A number that DER writes with all of its bytes: it begins with neither a zero nor the bit of a sign.
fn nonce() -> Result<[u8; NONCE], Error> {
    let mut nonce = [0; NONCE];
    aws_lc_rs::rand::fill(&mut nonce)
        .ok()
        .ok_or(Error::Cryptography { attempt: "pick a nonce" })?;
    if let Some(first) = nonce.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(nonce)
}

/// RFC 3161 §2.4.1: version 1, a SHA-256 imprint, a nonce, and the wish for the certificate.
fn query(digest: &Digest, nonce: [u8; NONCE]) -> Vec<u8> {
    const HEAD: &[u8] = &[
        0x30, 0x41, // the whole
        0x02, 0x01, 0x01, // version
        0x30, 0x2f, // imprint
        0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
        0x01, // SHA-256
        0x04, 0x20, // its 32 bytes follow
    ];
    [HEAD, digest.as_bytes(), &[0x02, 0x08], &nonce, &[0x01, 0x01, 0xff]].concat()
}

/// The nonce in an answer: of RFC 3161 §2.4.2 the token, of RFC 5652 §5.1 what is signed, of that the nonce.
fn found_nonce(answer: &[u8]) -> Option<&[u8]> {
    // 1. A status, which has to be that it was granted, and the token.
    let whole = value(answer, 0, SEQUENCE)?;
    let status = value(value(whole, 0, SEQUENCE)?, 0, INTEGER)?;
    if !matches!(status, [0 | 1]) {
        return None;
    }
    let token = value(whole, 1, SEQUENCE)?;
    // 2. Signed data, with what is signed as its third field.
    let signed = value(value(token, 1, EXPLICIT_0)?, 0, SEQUENCE)?;
    let content = value(value(signed, 2, SEQUENCE)?, 1, EXPLICIT_0)?;
    let info = value(value(content, 0, OCTET_STRING)?, 0, SEQUENCE)?;
    // 3. Of it the number behind the time: the others stand before that.
    let fields = crate::der::values(info)?;
    let nonce = fields.iter().skip(5).find(|(tag, _)| *tag == INTEGER);
    nonce.map(|(_, content)| *content)
}

fn unreadable(url: &Url, found: &'static str) -> Error {
    let source = super::Unexpected { found };
    Error::ServiceAnswer { service: TSA, url: url.to_string(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_what_rfc_3161_says() {
        let nonce = nonce().unwrap();
        let query = query(&Digest::of(b"x"), nonce);
        let fields = value(&query, 0, SEQUENCE).unwrap();
        assert_eq!(value(fields, 0, INTEGER), Some(&[1][..]));
        let imprint = value(fields, 1, SEQUENCE).unwrap();
        assert_eq!(value(imprint, 1, OCTET_STRING), Some(&Digest::of(b"x").as_bytes()[..]));
        let algorithm = value(value(imprint, 0, SEQUENCE).unwrap(), 0, 0x06).unwrap();
        assert_eq!(hex::encode(algorithm), "608648016503040201");
        assert_eq!(value(fields, 2, INTEGER), Some(&nonce[..]));
        assert_eq!(value(fields, 3, 0x01), Some(&[0xff][..]));
    }

    #[test]
    fn what_was_not_granted_has_no_nonce() {
        assert_eq!(found_nonce(&[0x30, 5, 0x30, 3, 2, 1, 2]), None);
        assert_eq!(found_nonce(&[]), None);
    }
}
