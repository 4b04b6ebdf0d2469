//! What an audit asks a registry: whom it lets do what, and whether its answers are about what was asked.
//!
//! Everything is asked twice where it matters: as who we are, and as everybody. Nothing is written without [`Consent`], and what is
//! written then is taken back: uploads are begun and given up, tags and manifests are our own, digests to delete are nobody's.
//! What could not be told is never taken for fine, and what remains is said.

mod digests;
mod doors;
mod identity;
mod old_tls;
mod plain;
mod tags;

use super::{Registry, access::Access, address::is_this_machine, exchange::Call, token::Scope};
use crate::error::Error;
use digests::Known;
use plimsoll_model::{
    Digest,
    reference::{ImageName, Repository},
    registry::{Connection, CredentialKind, Leftover, RegistryFacts, Told},
};
use reqwest::{Method, Response};
use std::time::Duration;
use tokio::time;

/// How much is kept of why something could not be told, in characters.
const SHOWN: usize = 400;
/// How many times as long as a registry may stay silent one question may take in all.
const PATIENCE: u32 = 4;

/// Whether probes may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// They may: what they write is taken back.
    Given,
    /// They may not: what can not be told without stays unasked.
    Absent,
}

/// Asks the registry of `name` everything. `nonce` is a word of letters and digits that nobody else uses: what is written has it in
/// its name, and the digests that nobody has are made of it.
///
/// # Errors
/// Those of a registry that can not be reached at all. Where TLS is what fails, that is a fact and no error.
pub async fn probe(
    name: &ImageName,
    access: &Access,
    (consent, nonce): (Consent, &str),
) -> Result<RegistryFacts, Error> {
    let own = Registry::new(name.repository.clone(), access)?;
    let anonymous = Registry::new(name.repository.clone(), &access.anonymous()?)?;
    let credential = access.options().credentials.kind(&name.repository);
    let connection = connection(&own).await?;
    if matches!(connection, Connection::Refused(_)) {
        return Ok(unreached(name.repository.clone(), connection, credential));
    }
    let asking = Asking { own, anonymous, consent, nonce, leftovers: Vec::new() };
    Ok(asking.ask(name, connection, credential).await)
}

/// What is known where no connection came about.
fn unreached(
    repository: Repository,
    connection: Connection,
    credential: CredentialKind,
) -> RegistryFacts {
    fn untold<T>() -> Told<T> {
        Told::Untold("there is no secure connection to ask over".to_owned())
    }
    RegistryFacts {
        repository,
        connection,
        plain_http: untold(),
        old_tls: untold(),
        pull: untold(),
        push: untold(),
        delete: untold(),
        catalog: untold(),
        tag_moves: untold(),
        referrers: untold(),
        lies: untold(),
        gone: untold(),
        credential,
        grants: untold(),
        own_push: untold(),
        leftovers: Vec::new(),
    }
}

/// An audit on its way.
struct Asking<'a> {
    /// The repository as who we are.
    own: Registry,
    /// The repository as everybody.
    anonymous: Registry,
    consent: Consent,
    nonce: &'a str,
    leftovers: Vec<Leftover>,
}

impl Asking<'_> {
    /// Asks one question after the other: those that write last.
    async fn ask(
        mut self,
        name: &ImageName,
        connection: Connection,
        credential: CredentialKind,
    ) -> RegistryFacts {
        let known = self.known(name).await;
        RegistryFacts {
            repository: name.repository.clone(),
            plain_http: self.plain_http(&connection).await,
            old_tls: self.old_tls(&connection).await,
            pull: self.anonymous_pull(&known, &credential).await,
            catalog: self.catalog().await,
            lies: self.lies(&known).await,
            referrers: self.referrers(&known).await,
            gone: self.gone(&known).await,
            grants: self.grants(&credential).await,
            push: self.anonymous_push().await,
            delete: self.anonymous_delete(&known).await,
            own_push: self.own_push(&credential).await,
            tag_moves: self.tag_moves().await,
            leftovers: self.leftovers,
            connection,
            credential,
        }
    }

    /// A digest that nothing has.
    fn nobodys_digest(&self) -> Digest {
        Digest::of(format!("plimsoll registry audit {}", self.nonce).as_bytes())
    }

    /// How long one question may take.
    fn patience(&self) -> Duration {
        self.own.access().options().timeout.saturating_mul(PATIENCE)
    }

    /// The answer, unless it takes too long: bytes that trickle keep no audit from its end.
    async fn in_time<T>(&self, asked: impl Future<Output = Told<T>>) -> Told<T> {
        let patience = self.patience();
        time::timeout(patience, asked).await.unwrap_or_else(|_| {
            Told::Untold(format!("no whole answer came within {} seconds", patience.as_secs()))
        })
    }
}

impl Registry {
    /// Asks whether the registry is there, as nobody in particular.
    async fn greet(&self) -> Result<Response, Error> {
        let mut url = self.origin.clone();
        url.set_path("/v2/");
        let attempt = self.attempt("ask for the registry of", "");
        let call = Call::new(Method::GET, url, Scope::pull(&self.repository), attempt);
        let mut retry = self.access.retry();
        loop {
            let answered = match self.follow(&call, None).await {
                Ok(response) if matches!(response.status().as_u16(), 408 | 429 | 499..) => {
                    self.access.accept(response, &call.attempt, &[]).await
                }
                other => other,
            };
            match answered {
                Ok(response) => return Ok(response),
                Err(error) => retry.pause(error).await?,
            }
        }
    }
}

/// How the registry is reached.
async fn connection(registry: &Registry) -> Result<Connection, Error> {
    match registry.greet().await {
        Ok(_) if registry.origin.scheme() == "https" => Ok(Connection::Secure),
        Ok(_) if is_this_machine(&registry.origin) => Ok(Connection::Loopback),
        Ok(_) => Ok(Connection::Plain),
        Err(error @ Error::Tls { .. }) => Ok(Connection::Refused(words(&error))),
        Err(error) => Err(error),
    }
}

/// An error in words, with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text.chars().take(SHOWN).collect()
}

/// What could not be told because of an error.
fn untold<T>(error: &Error) -> Told<T> {
    Told::Untold(words(error))
}
