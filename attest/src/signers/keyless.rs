//! Signing without a key of one's own: with one that lives for minutes, certified for whoever holds an identity token.
//!
//! Fulcio certifies the key, a timestamp authority dates the signature, Rekor logs it. What they answer is verified, by a
//! trust root that did not come from them, before anything of it is handed on.

mod ambient;
mod fulcio;
pub(crate) mod http;
pub(crate) mod identity;
mod rekor;
pub(crate) mod services;
mod tsa;

pub(crate) use http::{Answer, Exchange};
pub use http::{Failure, Patience, client};
pub use identity::{AmbientIdentity, IdentitySource, IdentityToken};
pub use services::{Log, Services};

/// The services that it takes to sign, as errors name them. Whoever gives identity tokens is none of them.
pub(crate) const SIGNING_SERVICES: [&str; 3] = [fulcio::FULCIO, tsa::TSA, rekor::REKOR];

use crate::{
    Bundle, Error, Statement, TrustRoot,
    builders::IdentityClaims,
    statement::{IN_TOTO_PAYLOAD_TYPE, StatementSubject},
    verify::{Logging, of_new},
};
use fulcio::Minted;
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::Limits;
use rekor::Logged;
use reqwest::Client;
use sigstore_sign::bundle::BundleV03;
use sigstore_types::{DsseEnvelope, DsseSignature, KeyId, PayloadBytes, TimestampToken};
use std::{fmt, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How much of a certificate's life has to be left when something signed with it is sent to the log.
const LEAST: Duration = Duration::from_mins(2);

/// What it takes to sign without a key.
#[derive(Debug, Clone)]
pub struct KeylessOptions {
    /// Who is asked.
    pub services: Services,
    /// By what their answers are verified.
    pub trust_root: TrustRoot,
    /// How they are asked; it has to follow no redirects, because it carries tokens.
    pub client: Client,
    /// Who signs.
    pub identity: IdentitySource,
    /// How long the services are waited for.
    pub patience: Patience,
    /// What time it is now: from here on it is measured how much later it is.
    pub now: Timestamp,
}

/// Signs as the holder of an identity token.
pub struct KeylessSigner {
    options: KeylessOptions,
    since: Instant,
    session: Mutex<Session>,
}

/// What serves for more than one signature.
#[derive(Debug, Default)]
struct Session {
    token: Option<IdentityToken>,
    minted: Option<Minted>,
}

/// Who has signed, as a certificate says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name in the certificate.
    pub identity: String,
    /// Who vouches for it.
    pub issuer: String,
}

/// An answer is well-formed and not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("unexpected: {found}")]
struct Unexpected {
    found: &'static str,
}

impl KeylessSigner {
    /// Prepares to sign. Nothing is asked yet.
    pub fn new(options: KeylessOptions) -> Self {
        Self { options, since: Instant::now(), session: Mutex::default() }
    }

    /// Gets the identity token, and looks at it: what can not be signed with is better known before the work than after.
    pub async fn prepare(&self) -> Result<(), Error> {
        let deadline = self.deadline();
        let mut session = self.session.lock().await;
        self.token(&mut session, &self.exchange(deadline)).await.map(drop)
    }

    /// Signs a statement.
    ///
    /// [`Error::Unverifiable`] where the answers of the services do not verify; nothing is made of them then.
    pub async fn sign(&self, statement: &Statement) -> Result<Bundle, Error> {
        let deadline = self.deadline();
        let exchange = self.exchange(deadline);
        let payload = statement.to_bytes();
        let mut session = self.session.lock().await;
        let mut withheld: u8 = 0;
        loop {
            // 1. A key and its certificate, of which enough is left.
            let minted = self.minted(&mut session, &exchange).await?;
            // 2. The signature.
            let envelope = seal(minted, &payload)?;
            let mut wire =
                BundleV03::with_certificate_and_dsse(minted.certificate.clone(), envelope.clone());
            // 3. Its time. From here the certificate can be verified, and it is before the log has it.
            if let Some(timestamp) = self.date(&envelope, &exchange).await? {
                wire = wire.with_rfc3161_timestamp(timestamp);
                self.verify(wire.clone(), statement, Logging::ToCome)?;
            }
            // 4. The log.
            let stale = self.instant(minted.until()).checked_sub(LEAST);
            let exchange = Exchange { stale, ..exchange };
            let (client, log) = (&self.options.client, &self.options.services.log);
            match rekor::log(client, log, (&envelope, &minted.certificate), &exchange).await? {
                Logged::Entry(entry) => {
                    // 5. All of it, as others verify it.
                    let wire = wire.with_tlog_entry(*entry);
                    return self.verify(wire, statement, Logging::Done);
                }
                Logged::Stale => session.minted = None,
                // An earlier attempt was heard, and its answer lost: another signature by the same key is another entry.
                Logged::Withheld if withheld < 2 => withheld = withheld.saturating_add(1),
                Logged::Withheld => return Err(rekor::withheld(log)),
            }
        }
    }

    /// What the identity token says of the job: known once it is there, as after [`KeylessSigner::prepare`].
    pub async fn claims(&self) -> Option<IdentityClaims> {
        self.session.lock().await.token.as_ref().map(IdentityToken::claims)
    }

    /// Who has signed: known from the first signature on.
    pub async fn holder(&self) -> Option<Holder> {
        let session = self.session.lock().await;
        session.minted.as_ref().map(|minted| {
            let (identity, issuer) = minted.holder();
            Holder { identity, issuer }
        })
    }

    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        self.options.now.saturating_add(passed).unwrap_or(self.options.now)
    }

    /// A point in time as the runtime counts it.
    fn instant(&self, time: Timestamp) -> Instant {
        let later = Duration::try_from(time.duration_since(self.options.now)).unwrap_or_default();
        self.since.checked_add(later).unwrap_or(self.since)
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.options.patience.budget).unwrap_or(now)
    }

    const fn exchange(&self, deadline: Instant) -> Exchange<'_> {
        Exchange::new("", &self.options.patience, deadline)
    }

    /// A token that holds long enough: the one that was used before, the one that was given, or another of the CI's.
    async fn token<'s>(
        &self,
        session: &'s mut Session,
        exchange: &Exchange<'_>,
    ) -> Result<&'s IdentityToken, Error> {
        let token = match (&self.options.identity, session.token.take()) {
            (IdentitySource::Token(token), _) => token.clone(),
            (IdentitySource::Ambient(_), Some(token)) if token.check(self.now()).is_ok() => token,
            (IdentitySource::Ambient(ambient), _) => {
                ambient::token(&self.options.client, ambient, exchange).await?
            }
        };
        token.check(self.now())?;
        Ok(session.token.insert(token))
    }

    async fn minted<'s>(
        &self,
        session: &'s mut Session,
        exchange: &Exchange<'_>,
    ) -> Result<&'s Minted, Error> {
        let minted = match session.minted.take() {
            Some(minted) if self.is_fresh(&minted) => minted,
            Some(_) | None => {
                let token = self.token(session, exchange).await?;
                let fulcio = &self.options.services.fulcio;
                let minted = fulcio::mint(&self.options.client, fulcio, token, exchange).await?;
                if !self.is_fresh(&minted) {
                    return Err(Error::CertificateTooShort {
                        until: minted.until(),
                        now: self.now(),
                    });
                }
                minted
            }
        };
        Ok(session.minted.insert(minted))
    }

    fn is_fresh(&self, minted: &Minted) -> bool {
        minted.until().duration_since(self.now()) >= SignedDuration::from_mins(2)
    }

    /// A timestamp of the first authority that gives one, where there are any.
    async fn date(
        &self,
        envelope: &DsseEnvelope,
        exchange: &Exchange<'_>,
    ) -> Result<Option<TimestampToken>, Error> {
        let signature = envelope.signature.sig.as_bytes();
        let mut left = u32::try_from(self.options.services.authorities.len()).unwrap_or(u32::MAX);
        let mut refused = None;
        for url in &self.options.services.authorities {
            // Each is waited for as long as those behind it.
            let now = Instant::now();
            let share = exchange.deadline.saturating_duration_since(now).checked_div(left);
            let deadline = share.and_then(|share| now.checked_add(share));
            let exchange =
                Exchange { deadline: deadline.unwrap_or(exchange.deadline), ..*exchange };
            match tsa::date(&self.options.client, url, signature, &exchange).await {
                Ok(timestamp) => return Ok(Some(timestamp)),
                // That one can not be reached hides nothing that another did wrong.
                Err(error) => {
                    refused = refused.filter(|one: &Error| !one.is_outage()).or(Some(error));
                }
            }
            left = left.saturating_sub(1);
        }
        refused.map_or(Ok(None), Err)
    }

    /// The bundle, after it verified.
    fn verify(
        &self,
        wire: BundleV03,
        statement: &Statement,
        logging: Logging,
    ) -> Result<Bundle, Error> {
        let unverifiable =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Unverifiable { source };
        let subject = statement.subjects().first().map(|StatementSubject { digest, .. }| digest);
        let json = wire.into_bundle().to_json();
        let json = json.map_err(|source| unverifiable(Box::new(source)))?;
        let bundle = Bundle::parse(json.as_bytes(), &Limits::STANDARD)?;
        of_new(&bundle, &self.options.trust_root, *subject.ok_or(Error::NoSubject)?, logging)
            .map_err(|source| unverifiable(Box::new(source)))?;
        Ok(bundle)
    }
}

impl fmt::Debug for KeylessSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeylessSigner").field("options", &self.options).finish_non_exhaustive()
    }
}

/// An envelope with one signature.
fn seal(minted: &Minted, payload: &[u8]) -> Result<DsseEnvelope, Error> {
    let pae = sigstore_types::pae(IN_TOTO_PAYLOAD_TYPE, payload);
    let signature = minted.key.sign(&pae).ok().ok_or(Error::Cryptography { attempt: "sign" })?;
    Ok(DsseEnvelope::new(
        IN_TOTO_PAYLOAD_TYPE.to_owned(),
        PayloadBytes::new(payload.to_vec()),
        DsseSignature::new(signature, KeyId::default()),
    ))
}

#[cfg(test)]
mod tests;
