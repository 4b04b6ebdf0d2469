//! Asking a service, again where it may help, and for so long as there is time.

use super::identity::Secret;
use crate::{Error, text::excerpt};
use bytes::{Bytes, BytesMut};
use jiff::fmt::rfc2822;
use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode,
    header::{DATE, HeaderMap, LINK, LOCATION, RETRY_AFTER},
    redirect,
};
use std::{error::Error as _, io, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// The longest answer of a signing service that is read, in bytes (1 MiB): what they answer has a hundredth of it.
pub(crate) const LONGEST_ANSWER: u64 = 1 << 20;
/// The longest wait between two attempts that is not asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After so much time without an answer a service is silent, however long it might have been waited for.
const FAIR: Duration = Duration::from_secs(5);

/// How long services are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For all that one signature takes.
    pub budget: Duration,
    /// For one answer.
    pub attempt: Duration,
    /// The most that is waited before the second attempt; it doubles with each further one.
    pub first_wait: Duration,
}

impl Patience {
    /// Ten minutes for a signature, half a minute for an answer: Rekor v2 takes its time to write.
    pub const STANDARD: Self = Self {
        budget: Duration::from_mins(10),
        attempt: Duration::from_secs(30),
        first_wait: Duration::from_millis(500),
    };

    /// The least time for an answer after which there being none says something of the service, not of those before it that
    /// took the time.
    fn fair(&self) -> Duration {
        FAIR.min(self.attempt).min(self.budget / 4)
    }
}

/// A client for services that are shown secrets: it follows nobody elsewhere.
///
/// It has the certificates of this machine, and Mozilla's where the machine has none.
pub fn client(user_agent: &str, timeout: Duration) -> Result<Client, Error> {
    let builder = || -> ClientBuilder {
        Client::builder()
            .user_agent(user_agent)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(timeout)
    };
    builder().build().or_else(|_| {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let roots = roots.map(|root| Certificate::from_der(root)).collect::<Result<Vec<_>, _>>();
        roots
            .and_then(|roots| builder().tls_certs_merge(roots).build())
            .map_err(|source| Error::Client { source })
    })
}

/// One service, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    /// Its name, for people.
    pub(crate) service: &'static str,
    /// How long an answer is waited for.
    pub(crate) patience: &'a Patience,
    /// When the last attempt ends.
    pub(crate) deadline: Instant,
    /// When no further attempt begins, because what is sent is too old by then.
    pub(crate) stale: Option<Instant>,
    /// What it means that there is nothing at an address.
    pub(crate) absent: Absent,
    /// The longest answer that is read, in bytes.
    pub(crate) longest: u64,
    /// What no error repeats.
    pub(crate) secret: Option<&'a Secret>,
}

/// What it means that there is nothing at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// That it is the wrong address.
    ForGood,
    /// That it is not there yet.
    ForNow,
}

/// What a service answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Done.
    Done(Bytes),
    /// What was sent was there already: at this path, where one is named.
    Known(Option<String>),
    /// What was to be sent is too old to be sent.
    Stale,
}

/// Why one attempt failed that may be made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It answered that it can not, for now.
    #[error("it answered with status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It said nothing.
    #[error("it did not answer in time")]
    Silent,
    /// The time was all but over when it was asked: that it said nothing says nothing of it.
    #[error("there was no time left to wait for its answer")]
    NoTime,
    /// It can not be reached, or hung up.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// Whoever is there can not show that it is the service, or speaks no TLS: that is an answer, and a wrong one.
    #[error("the TLS handshake failed")]
    Handshake(#[source] reqwest::Error),
    /// The proxy did not open the way to it: whether the service is there can not be told.
    #[error("the proxy did not let it through")]
    Tunnel(#[source] reqwest::Error),
    /// Whoever is there does not speak as it is agreed: that is an answer, and a wrong one.
    #[error("it answered with what is no HTTP")]
    Garbled(#[source] reqwest::Error),
}

impl Failure {
    /// Whether there is no answer at all, or none but that the service is broken (a status of 500 or more).
    pub(crate) const fn is_outage(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status >= 500,
            Self::Silent | Self::Connection(_) => true,
            Self::NoTime | Self::Handshake(_) | Self::Tunnel(_) | Self::Garbled(_) => false,
        }
    }

    /// Of a request that failed without a status.
    fn of(error: reqwest::Error) -> Self {
        match (cause(&error), error.is_connect()) {
            (Cause::Wire, _) => Self::Connection(error),
            (Cause::Content, true) => Self::Handshake(error),
            (Cause::Other, true) => Self::Tunnel(error),
            (Cause::Content | Cause::Other, false) => Self::Garbled(error),
        }
    }
}

/// Why one attempt failed.
enum Failed {
    ForNow(Failure),
    ForGood(Error),
}

impl<'a> Exchange<'a> {
    /// With a service that is shown nothing secret, and is not waited for any longer than until `deadline`.
    pub(crate) const fn new(
        service: &'static str,
        patience: &'a Patience,
        deadline: Instant,
    ) -> Self {
        let (absent, longest) = (Absent::ForGood, LONGEST_ANSWER);
        Self { service, patience, deadline, stale: None, absent, longest, secret: None }
    }
}

impl Exchange<'_> {
    /// Asks until there is an answer that counts.
    ///
    /// Attempts follow each other after random times that grow (exponential, with full jitter), or after what the service
    /// asks for. [`Error::ServiceRefused`] for what no repetition mends, [`Error::ServiceUnavailable`] when time is up.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer, Error> {
        self.ask_for_page(request).await.map(|(answer, _)| answer)
    }

    /// The same, with the values of the header `Link`, which lead to further pages.
    pub(crate) async fn ask_for_page(
        &self,
        request: RequestBuilder,
    ) -> Result<(Answer, Vec<String>), Error> {
        let url = self.url(&request);
        let mut attempts: u32 = 0;
        let mut before = None;
        loop {
            if self.stale.is_some_and(|stale| Instant::now() >= stale) {
                return Ok((Answer::Stale, Vec::new()));
            }
            attempts = attempts.saturating_add(1);
            let Some(attempt) = request.try_clone() else {
                return Err(Error::Cryptography { attempt: "repeat a request" });
            };
            let failure = match self.attempt(attempt, &url).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::ForGood(error)) => return Err(error),
                // What the service did while there was time counts.
                Err(Failed::ForNow(Failure::NoTime)) => before.unwrap_or(Failure::NoTime),
                Err(Failed::ForNow(failure)) => failure,
            };
            let wait = match &failure {
                Failure::Status { retry_after: Some(wait), .. } => *wait,
                Failure::Status { .. }
                | Failure::Silent
                | Failure::NoTime
                | Failure::Connection(_)
                | Failure::Handshake(_)
                | Failure::Tunnel(_)
                | Failure::Garbled(_) => self.wait(attempts),
            };
            // A service that asks for more time than there is has answered.
            if Instant::now().checked_add(wait).is_none_or(|then| then >= self.deadline) {
                let service = self.service;
                return Err(Error::ServiceUnavailable { service, url, attempts, source: failure });
            }
            sleep(wait).await;
            before = Some(failure);
        }
    }

    /// Somewhere between nothing and the most that may be waited after so many attempts.
    fn wait(&self, attempts: u32) -> Duration {
        let growth = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
        let most = self.patience.first_wait.saturating_mul(growth).min(LONGEST_WAIT);
        let mut random = [0; 2];
        // Without randomness it waits as long as it may.
        let part = match aws_lc_rs::rand::fill(&mut random) {
            Ok(()) => f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX),
            Err(_) => 1.0,
        };
        most.mul_f64(part)
    }

    async fn attempt(
        &self,
        request: RequestBuilder,
        url: &str,
    ) -> Result<(Answer, Vec<String>), Failed> {
        let since = Instant::now();
        let until = since.checked_add(self.patience.attempt);
        let until = until.map_or(self.deadline, |until| until.min(self.deadline));
        let answered = timeout_at(until, async {
            let response = request.send().await?;
            let head = Head::of(&response);
            Ok((head, read(response, self.longest).await?))
        });
        let (head, body) = match answered.await {
            Err(_) => {
                let had = until.saturating_duration_since(since);
                let is_fair = had >= self.patience.fair();
                return Err(Failed::ForNow(if is_fair {
                    Failure::Silent
                } else {
                    Failure::NoTime
                }));
            }
            Ok(Err(error)) => return Err(self.failed(error, url)),
            Ok(Ok(answered)) => answered,
        };
        match head.status {
            StatusCode::CONFLICT => Ok((Answer::Known(head.location), Vec::new())),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(head.for_now()),
            StatusCode::NOT_FOUND if self.absent == Absent::ForNow => Err(head.for_now()),
            status if status.is_server_error() => Err(head.for_now()),
            status if status.is_success() => match body {
                Some(body) => Ok((Answer::Done(body), head.links)),
                None => Err(Failed::ForGood(Error::TooLarge {
                    what: "what a service answered",
                    limit: self.longest,
                })),
            },
            status => Err(Failed::ForGood(Error::ServiceRefused {
                service: self.service,
                url: url.to_owned(),
                status: status.as_u16(),
                said: self.said(&body.unwrap_or_default()),
            })),
        }
    }

    /// A certificate that was not accepted will not be the next time either.
    fn failed(&self, error: reqwest::Error, url: &str) -> Failed {
        let source = Failure::of(error.without_url());
        if !matches!(source, Failure::Handshake(_)) {
            return Failed::ForNow(source);
        }
        Failed::ForGood(Error::ServiceUnavailable {
            service: self.service,
            url: url.to_owned(),
            attempts: 1,
            source,
        })
    }

    /// The beginning of what it said, on one line, without what nobody is to see.
    fn said(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match self.secret {
            Some(secret) if text.contains(secret.expose()) => String::new(),
            _ => excerpt(&text),
        }
    }

    /// Whom it asks, without the query, which may hold what nobody is to see.
    fn url(&self, request: &RequestBuilder) -> String {
        let request = request.try_clone().and_then(|request| request.build().ok());
        request.map_or_else(
            || self.service.to_owned(),
            |request| {
                let mut url = request.url().clone();
                url.set_query(None);
                url.to_string()
            },
        )
    }
}

/// What is known before the body.
struct Head {
    status: StatusCode,
    retry_after: Option<Duration>,
    location: Option<String>,
    links: Vec<String>,
}

impl Head {
    fn of(response: &Response) -> Self {
        let headers = response.headers();
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let links = headers.get_all(LINK).iter();
        Self {
            status: response.status(),
            retry_after: retry_after(headers),
            location: location.map(str::to_owned),
            links: links.filter_map(|link| link.to_str().ok()).map(str::to_owned).collect(),
        }
    }

    fn for_now(self) -> Failed {
        let (status, retry_after) = (self.status.as_u16(), self.retry_after);
        Failed::ForNow(Failure::Status { status, retry_after })
    }
}

/// The body, unless it is too long.
async fn read(mut response: Response, longest: u64) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        let length = body.len().saturating_add(piece.len());
        if u64::try_from(length).is_ok_and(|length| length > longest) {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body.freeze()))
}

/// What a request failed for.
enum Cause {
    /// There is nobody, or whoever is there hung up or fell silent.
    Wire,
    /// What came is not what has to come, which libraries tell by the kind of an I/O error.
    Content,
    /// Something else, such as a proxy's no, or what is no HTTP.
    Other,
}

/// What a request failed for, by the causes of an error. What is not known to be the wire is not taken for it.
fn cause(error: &reqwest::Error) -> Cause {
    let mut is_wire = error.is_timeout();
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            is_wire |= error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        }
        next = match cause.downcast_ref::<io::Error>() {
            Some(error) => {
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
                {
                    return Cause::Content;
                }
                is_wire = true;
                error.get_ref().map(|inner| -> &(dyn std::error::Error + 'static) { inner })
            }
            None => cause.source(),
        };
    }
    if is_wire { Cause::Wire } else { Cause::Other }
}

/// How long a service wants to be left alone: seconds, or a date, which is measured by the service's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let text = header(RETRY_AFTER)?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let wait = date(text)?.duration_since(date(header(DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or_default())
}
