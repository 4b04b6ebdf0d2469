//! Who signs: an identity token, which is looked at before anybody sees it.

use crate::{Error, builders::IdentityClaims, files::read_text, text::excerpt};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::Limits;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

/// What a token has to be for.
pub(crate) const AUDIENCE: &str = "sigstore";
/// How long a token has to hold yet: a certificate is asked for within this time.
const LEAST: SignedDuration = SignedDuration::from_secs(30);

/// An identity token. It does not show itself, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct IdentityToken {
    raw: Secret,
    claims: Claims,
}

/// A text that nobody but its receiver sees.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

/// What is read of a token. Nothing of it is verified here: Fulcio does that.
#[derive(Clone, Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    email: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Where the token comes from.
#[derive(Debug, Clone)]
pub enum IdentitySource {
    /// It is here.
    Token(IdentityToken),
    /// The CI is asked for it.
    Ambient(AmbientIdentity),
}

/// A CI that gives a token to whoever may have one, as often as it is asked.
#[derive(Debug, Clone)]
pub struct AmbientIdentity {
    pub(super) url: String,
    pub(super) bearer: Secret,
}

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned().into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IdentityToken(…)")
    }
}

impl IdentityToken {
    /// Reads a JSON Web Token.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('.').collect();
        let [_, claims, _] = parts.as_slice() else { return Err(Error::TokenMalformed) };
        let claims = URL_SAFE_NO_PAD.decode(claims).ok().map(Zeroizing::new);
        let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        Ok(Self { raw: Secret::new(text), claims: claims.ok_or(Error::TokenMalformed)? })
    }

    /// Reads a file of at most `limits.user_file` bytes with a token in it.
    pub fn read(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        Self::parse(&read_text(path, limits.user_file, "a file with an identity token")?)
    }

    /// That it is for Sigstore, and holds long enough.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Error> {
        let audiences = match &self.claims.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several.as_slice(),
        };
        if !audiences.iter().any(|audience| audience == AUDIENCE) {
            return Err(Error::TokenAudience { found: excerpt(&audiences.join(", ")) });
        }
        let expires = Timestamp::from_second(self.claims.exp).ok().ok_or(Error::TokenMalformed)?;
        if expires.duration_since(now) > LEAST {
            Ok(())
        } else {
            Err(Error::TokenExpired { expires, now })
        }
    }

    /// What is signed to show that whoever shows the token holds the key.
    pub(super) fn proven(&self) -> &str {
        self.claims.email.as_deref().unwrap_or(&self.claims.sub)
    }

    /// What it says of the job, for provenance: what is signed with a certificate for this token has been looked at by Fulcio.
    pub(super) fn claims(&self) -> IdentityClaims {
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(number) => Some((name.clone(), number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        IdentityClaims(self.claims.others.iter().filter_map(text).collect())
    }

    /// The token, for Fulcio.
    pub(super) const fn secret(&self) -> &Secret {
        &self.raw
    }
}

impl IdentitySource {
    /// What the CI of this environment gives: GitHub is asked, GitLab has put it there.
    ///
    /// The crate `ambient-id` knows more of them and reads the environment of the process, which is not done here; and for
    /// Buildkite and `CircleCI` it starts their programs: whoever is there puts the token into a file.
    pub fn detect(environment: &BTreeMap<String, String>) -> Result<Self, Error> {
        let set = |name: &str| {
            environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
        };
        let is = |name: &str| set(name) == Some("true");
        if is("GITHUB_ACTIONS") {
            let need = |variable| set(variable).ok_or(Error::TokenPermission { variable });
            return Ok(Self::Ambient(AmbientIdentity {
                url: need("ACTIONS_ID_TOKEN_REQUEST_URL")?.to_owned(),
                bearer: Secret::new(need("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?),
            }));
        }
        if let Some(token) = set("SIGSTORE_ID_TOKEN") {
            return IdentityToken::parse(token).map(Self::Token);
        }
        let ci = [("GITLAB_CI", "GitLab"), ("BUILDKITE", "Buildkite"), ("CIRCLECI", "CircleCI")];
        let ci = ci.iter().find(|(variable, _)| is(variable)).map(|(_, name)| *name);
        Err(Error::NoIdentity { ci })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Class, Classify as _};
    use serde_json::{Value, json};

    const NOW: i64 = 1_795_000_000;

    fn token(claims: &Value) -> Result<IdentityToken, Error> {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        IdentityToken::parse(&format!("eyJhbGciOiJFUzI1NiJ9.{claims}.c2lnbmVk"))
    }

    fn check(change: impl FnOnce(&mut Value)) -> Result<(), Error> {
        let mut claims =
            json!({"iss": "https://ci.test", "sub": "job", "aud": "sigstore", "exp": NOW + 31});
        change(&mut claims);
        token(&claims)?.check(Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn f28_a_token_is_for_sigstore_and_holds_yet() {
        check(|_| ()).unwrap();
        check(|claims| claims["aud"] = json!(["other", "sigstore"])).unwrap();
        for (aud, said) in [
            (json!("nobody"), "nobody"),
            (json!(["a", "b"]), "a, b"),
            (json!([]), ""),
            (json!("sigstore "), "sigstore "),
        ] {
            let error = check(|claims| claims["aud"] = aud).unwrap_err();
            assert!(matches!(&error, Error::TokenAudience { found } if found == said), "{error:?}");
            assert_eq!(error.class(), Class::Usage);
        }
        for left in [30, 10, 0, -1, -1_000_000_000] {
            let error = check(|claims| claims["exp"] = json!(NOW + left)).unwrap_err();
            assert!(matches!(error, Error::TokenExpired { .. }), "{left}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for field in ["sub", "aud", "exp"] {
            let without = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(field));
            assert!(matches!(check(without), Err(Error::TokenMalformed)), "{field}");
        }
        assert!(matches!(
            check(|claims| claims["exp"] = json!(i64::MAX)),
            Err(Error::TokenMalformed)
        ));
        for text in ["", "a.b", "a.b.c", "a.!.c", "a.e30.c.d"] {
            assert!(matches!(IdentityToken::parse(text), Err(Error::TokenMalformed)), "{text}");
        }
    }

    #[test]
    fn e8_a_token_does_not_show_itself() {
        let claims = json!({"sub": "job", "aud": "sigstore", "exp": NOW, "email": "a@b.test"});
        let source = IdentitySource::Token(token(&claims).unwrap());
        assert_eq!(format!("{source:?}"), "Token(IdentityToken(…))");
        let environment = [
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci.test/token"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hidden"),
        ];
        let shown = format!("{:?}", detect(&environment).unwrap());
        assert!(shown.contains("https://ci.test/token") && !shown.contains("hidden"), "{shown}");
        let error = token(&json!({"sub": "secret-sub", "aud": [], "exp": 1})).unwrap();
        let error = error.check(Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret-sub"));
    }

    fn detect(environment: &[(&str, &str)]) -> Result<IdentitySource, Error> {
        let pairs = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        IdentitySource::detect(&pairs.collect())
    }

    #[test]
    fn f28_a_missing_permission_is_named_with_what_forks_never_get() {
        let error = detect(&[("GITHUB_ACTIONS", "true")]).unwrap_err();
        assert!(matches!(error, Error::TokenPermission { .. }));
        let hint = error.hint().unwrap();
        assert!(hint.contains("id-token: write") && hint.contains("fork"), "{hint}");
        let error = detect(&[("GITLAB_CI", "true")]).unwrap_err();
        assert!(error.hint().unwrap().contains("SIGSTORE_ID_TOKEN"));
        let error = detect(&[("BUILDKITE", "true")]).unwrap_err();
        assert!(error.hint().unwrap().contains("buildkite-agent oidc request-token"));
        let error = detect(&[("CIRCLECI", "true")]).unwrap_err();
        assert!(error.hint().unwrap().contains("circleci run oidc get"));
        assert!(matches!(detect(&[]).unwrap_err(), Error::NoIdentity { ci: None }));
        let empty = [("GITLAB_CI", "true"), ("SIGSTORE_ID_TOKEN", "")];
        assert!(matches!(detect(&empty), Err(Error::NoIdentity { ci: Some("GitLab") })));
    }
}
