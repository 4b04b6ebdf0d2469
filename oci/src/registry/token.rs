//! Logging in.
//!
//! Docker's token protocol: <https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md>,
//! and with a refresh token the `oauth.md` beside it.

use super::{Registry, address::authority, challenge::Challenge};
use crate::{
    auth::{Login, Secret},
    error::{Attempt, Error},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use plimsoll_model::{reference::Repository, registry::Grant};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use std::sync::atomic::AtomicU64;
use url::{Url, form_urlencoded};

/// The most that a login host may answer, in bytes.
const ANSWER_LIMIT: u64 = 1 << 20;
/// How we call ourselves to `OAuth2` login hosts.
const CLIENT_ID: &str = "plimsoll";
/// How many grants of a token are kept, and how many actions of each.
const GRANTS: usize = 64;
/// How much of a word in a token is kept, in characters.
const SHOWN: usize = 200;

/// What a request wants to do, as token scopes. Ours alone: what a registry suggests is not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope(Vec<String>);

impl Scope {
    pub(super) fn pull(repository: &Repository) -> Self {
        Self(vec![format!("repository:{}:pull", repository.path())])
    }

    pub(super) fn push(repository: &Repository) -> Self {
        Self(vec![format!("repository:{}:pull,push", repository.path())])
    }

    /// To take manifests and tags out again.
    pub(super) fn delete(repository: &Repository) -> Self {
        Self(vec![format!("repository:{}:pull,delete", repository.path())])
    }

    /// To list the repositories of the registry.
    pub(super) fn catalog() -> Self {
        Self(vec!["registry:catalog:*".to_owned()])
    }

    /// To push to one repository blobs that another one of the same registry has.
    pub(super) fn mount(to: &Repository, from: &Repository) -> Self {
        Self(vec![
            format!("repository:{}:pull,push", to.path()),
            format!("repository:{}:pull", from.path()),
        ])
    }
}

/// The value of an `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authorization(Secret);

impl Authorization {
    fn bearer(token: &Secret) -> Self {
        Self(Secret::new(format!("Bearer {}", token.reveal())))
    }

    fn basic(username: &str, password: &Secret) -> Self {
        let pair = format!("{username}:{}", password.reveal());
        Self(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
    }

    /// What the token says that it allows; where it does not say, why not. Nobody's signature is looked at: that a token says
    /// more than was asked for is the issuer's own word.
    pub(super) fn grants(&self) -> Result<Vec<Grant>, &'static str> {
        let token = self.0.reveal().strip_prefix("Bearer ");
        let token = token.ok_or("the password itself goes with every request")?;
        let claims = token.split('.').nth(1).map(|claims| claims.trim_end_matches('='));
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims = claims.ok_or("the token is none that can be read")?;
        let claims: Claims =
            serde_json::from_slice(&claims).ok().ok_or("the token does not say what it allows")?;
        let cut = |text: String| text.chars().take(SHOWN).collect();
        let grants = claims.access.into_iter().take(GRANTS).map(|entry| Grant {
            kind: cut(entry.kind),
            name: cut(entry.name),
            actions: entry.actions.into_iter().take(GRANTS).map(cut).collect(),
        });
        Ok(grants.collect())
    }

    /// Marked so that nothing logs it. A token with characters that headers have not is no token.
    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(self.0.reveal())
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }
}

/// Off-spec: some login hosts say `access_token` only.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Of the claims of a token, the one that says what it allows.
#[derive(Deserialize)]
struct Claims {
    access: Vec<WireGrant>,
}

#[derive(Deserialize)]
struct WireGrant {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Registry {
    fn token_key(&self, scope: &Scope) -> String {
        format!("{} {}", self.origin, scope.0.join(" "))
    }

    /// What the registry accepted before for the same scope.
    pub(super) async fn known_authorization(&self, scope: &Scope) -> Option<Authorization> {
        self.access.tokens().lock().await.get(&self.token_key(scope)).cloned()
    }

    /// Does what one of the challenges asks for; nothing where none can be met.
    pub(super) async fn log_in(
        &self,
        challenges: &[Challenge],
        scope: &Scope,
    ) -> Result<Option<Authorization>, Error> {
        let by_scheme =
            |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let authorization = match (by_scheme("bearer"), by_scheme("basic")) {
            (Some(bearer), _) => Some(self.bearer(bearer, scope).await?),
            (None, Some(_)) => {
                match self.access.options().credentials.login(&self.repository).await? {
                    Some(Login::Password { username, password }) => {
                        Some(Authorization::basic(&username, &password))
                    }
                    Some(Login::Identity(_) | Login::Registry(_)) | None => None,
                }
            }
            (None, None) => None,
        };
        let mut known = self.access.tokens().lock().await;
        let key = self.token_key(scope);
        match &authorization {
            Some(authorization) => known.insert(key, authorization.clone()),
            None => known.remove(&key),
        };
        Ok(authorization)
    }

    async fn bearer(&self, challenge: &Challenge, scope: &Scope) -> Result<Authorization, Error> {
        let attempt = Attempt { action: "get a token for", on: self.repository.to_string() };
        // 1. The login host is one that may know our name, with or without a password to send: anything else would
        //    let a registry make requests from this machine.
        let realm = challenge.parameters.get("realm").and_then(|realm| realm.parse::<Url>().ok());
        let realm = realm.ok_or_else(|| Error::Header {
            attempt: attempt.clone(),
            header: "WWW-Authenticate",
        })?;
        self.access.check_realm(&self.origin, &realm, &attempt)?;
        // 2. A token is asked for with what we have.
        let service = challenge.parameters.get("service").map(String::as_str);
        let http = self.access.http();
        let request = match self.access.options().credentials.login(&self.repository).await? {
            Some(Login::Registry(token)) => return Ok(Authorization::bearer(&token)),
            Some(Login::Identity(token)) => http
                .post(realm)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(refresh_form(&token, service, scope)),
            Some(Login::Password { username, password }) => http
                .get(with_query(realm, service, scope))
                .header(AUTHORIZATION, Authorization::basic(&username, &password).header()),
            None => http.get(with_query(realm, service, scope)),
        };
        // 3. The token is taken from the answer; no redirect is followed.
        let response = self.access.send(request, &attempt, &AtomicU64::new(0)).await?;
        let from = authority(response.url());
        let response = self.access.accept(response, &attempt, &[200]).await?;
        let body = self.access.body(response, ANSWER_LIMIT, &attempt).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|source| Error::Json { from: format!("the token of `{from}`"), source })?;
        let token = answer.token.filter(|token| !token.is_empty()).or(answer.access_token);
        let token = token.ok_or_else(|| Error::Incomplete {
            from: format!("the token of `{from}`"),
            field: "token",
        })?;
        Ok(Authorization::bearer(&Secret::new(token)))
    }
}

fn with_query(mut realm: Url, service: Option<&str>, scope: &Scope) -> Url {
    {
        let mut query = realm.query_pairs_mut();
        query.extend_pairs(service.map(|service| ("service", service)));
        query.extend_pairs(scope.0.iter().map(|scope| ("scope", scope)));
    }
    realm
}

fn refresh_form(token: &Secret, service: Option<&str>, scope: &Scope) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("refresh_token", token.reveal())
        .append_pair("scope", &scope.0.join(" "))
        .extend_pairs(service.map(|service| ("service", service)))
        .finish()
}
