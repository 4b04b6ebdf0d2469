//! The issuer of identity tokens: of GitHub's and GitLab's shape, signed by a key that Fulcio asks for.

use super::{
    claims::Claims,
    keys::Key,
    server::{Reply, Seen},
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How long a token holds, in seconds: as long as GitHub's.
const LIFETIME: i64 = 300;
/// What a job shows to be given its token.
pub(super) const REQUEST_TOKEN: &str = "request-token-of-this-job";

pub(super) struct Issuer {
    pub(super) key: Key,
    /// Whose tokens are given where a job asks.
    pub(super) job: Claims,
}

impl Issuer {
    pub(super) fn new() -> Self {
        Self { key: Key::es256(), job: Claims::github("acme/app") }
    }

    /// A token. What the claims do not say of time is set as the issuer would.
    pub(super) fn token(&self, claims: &Claims, now: Timestamp) -> String {
        let now = now.as_second();
        let mut claims = claims.clone();
        for (name, time) in [("iat", now), ("nbf", now - 30), ("exp", now + LIFETIME)] {
            if !claims.has(name) {
                claims = claims.with(name, time);
            }
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.key_id()});
        let signed = format!("{}.{}", part(&header), part(&claims.to_value()));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The claims of a token that this issuer has signed.
    pub(super) fn read(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.raw());
        key.verify(signed.as_bytes(), &signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        Some(Claims::of(serde_json::from_slice(&claims).ok()?))
    }

    fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.id())
    }

    fn keys(&self) -> Value {
        // An uncompressed point: one byte that says so, then the coordinates.
        let (x, y) = self.key.raw()[1..].split_at(32);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id(),
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
    }

    /// Answers below `/oidc`.
    pub(super) fn answer(&self, path: &str, seen: &Seen, base: &str, now: Timestamp) -> Reply {
        match path {
            "/.well-known/openid-configuration" => Reply::json(&json!({
                "issuer": self.job.text("iss"),
                "jwks_uri": format!("{base}/oidc/.well-known/jwks"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public", "pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
            })),
            "/.well-known/jwks" => Reply::json(&self.keys()),
            "/github/token" => self.to_job(seen, now),
            _ => Reply::status(404),
        }
    }

    /// What `ACTIONS_ID_TOKEN_REQUEST_URL` answers.
    fn to_job(&self, seen: &Seen, now: Timestamp) -> Reply {
        let shown = seen.headers.get("authorization").map(String::as_str).unwrap_or_default();
        let is_known = shown.split_once(' ').is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && token == REQUEST_TOKEN
        });
        if !is_known {
            return Reply::status(401);
        }
        let audience = seen
            .parameter("audience")
            .unwrap_or_else(|| format!("https://github.com/{}", self.job.text("repository_owner")));
        let claims = self.job.clone().with("aud", audience);
        Reply::json(&json!({"count": 1, "value": self.token(&claims, now)}))
    }
}
