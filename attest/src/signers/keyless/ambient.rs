//! The token that GitHub gives a job.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token>

use super::{
    http::{Answer, Exchange},
    identity::{AUDIENCE, AmbientIdentity, IdentityToken},
    services::check_transport,
};
use crate::Error;
use reqwest::Client;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

const GITHUB: &str = "GitHub's token service";

#[derive(Deserialize)]
struct Given {
    value: String,
}

/// Asks for a token for Sigstore.
pub(super) async fn token(
    client: &Client,
    ambient: &AmbientIdentity,
    exchange: &Exchange<'_>,
) -> Result<IdentityToken, Error> {
    let mut url = Url::parse(&ambient.url).map_err(|source| Error::Unusable {
        what: "the variable `ACTIONS_ID_TOKEN_REQUEST_URL`",
        source: Box::new(source),
    })?;
    check_transport(&url)?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let exchange = Exchange { service: GITHUB, secret: Some(&ambient.bearer), ..*exchange };
    let request = client.get(url).bearer_auth(ambient.bearer.expose());
    let given = match exchange.ask(request.header("accept", "application/json")).await? {
        Answer::Done(answer) => serde_json::from_slice::<Given>(&answer).ok(),
        Answer::Known(_) | Answer::Stale => None,
    };
    // What is wrong with the answer is not said in its words: they may be the token.
    IdentityToken::parse(&Zeroizing::new(given.ok_or(Error::TokenMalformed)?.value))
}
