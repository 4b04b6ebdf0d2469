//! What it means when a registry does not answer as hoped.

use crate::error::{Attempt, Error, Reason};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, HeaderName, RETRY_AFTER},
};
use serde::Deserialize;
use std::time::Duration;

/// How much of such an answer is read for its reason, in bytes.
pub(super) const REASON_LIMIT: u64 = 16 << 10;
/// How much of the reason is kept, in characters.
const SHOWN: usize = 200;

/// Distribution specification v1.1.0, "Error Codes".
#[derive(Deserialize)]
struct Wire {
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The error that a status stands for.
pub(super) fn refusal(
    attempt: Attempt,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Error {
    let reason = reason(body);
    match status.as_u16() {
        401 => Error::Unauthorized { attempt, reason },
        403 => Error::Forbidden { attempt, reason },
        404 => Error::NotFound { attempt, reason },
        429 => Error::RateLimited { attempt, retry_after: retry_after(headers), reason },
        status @ (408 | 499 | 500..) => {
            Error::Unavailable { attempt, status, retry_after: retry_after(headers), reason }
        }
        status => Error::Status { attempt, status, reason },
    }
}

fn reason(body: &[u8]) -> Reason {
    let wire = serde_json::from_slice::<Wire>(body).ok();
    let first = wire.and_then(|wire| wire.errors.into_iter().next());
    let cut = |text: String| text.chars().take(SHOWN).collect();
    first.map_or_else(Reason::default, |error| Reason {
        code: cut(error.code),
        message: cut(error.message),
    })
}

/// `Retry-After` in seconds, or as a date, which is set against the server's own `Date`: our clock has no say.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait: SignedDuration = date(headers, RETRY_AFTER)?.duration_since(date(headers, DATE)?);
    // A date in the past means now.
    Some(Duration::try_from(wait).unwrap_or_default())
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(headers.get(name)?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(after: &str, date: Option<&str>, expect: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        assert_eq!(retry_after(&headers), expect.map(Duration::from_secs), "{after}");
    }

    #[test]
    fn f1_retry_after_in_seconds_and_as_a_date() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        check("0", None, Some(0));
        check("3600", now, Some(3_600));
        check("Sun, 06 Nov 1994 08:50:07 GMT", now, Some(30));
        check("Sun, 06 Nov 1994 08:49:07 GMT", now, Some(0));
        check("Sun, 06 Nov 1994 08:50:07 GMT", None, None);
        check("-1", now, None);
        check("soon", now, None);
    }

    #[test]
    fn the_reason_is_bounded_and_printable() {
        let attempt = || Attempt { action: "read manifest", on: "a.io/b".to_owned() };
        let refuse = |status: u16, body: &str| {
            refusal(
                attempt(),
                StatusCode::from_u16(status).unwrap(),
                &HeaderMap::new(),
                body.as_bytes(),
            )
        };
        let body = r#"{"errors":[{"code":"DENIED","message":"no\u001b[2J"}]}"#;
        assert_eq!(
            refuse(403, body).to_string(),
            "cannot read manifest a.io/b: not allowed; the server says: DENIED (no\\u{1b}[2J)"
        );
        assert_eq!(refuse(404, "<html>").to_string(), "cannot read manifest a.io/b: not found");
        let long = format!(r#"{{"errors":[{{"code":"","message":"{}"}}]}}"#, "x".repeat(9_000));
        assert!(refuse(418, &long).to_string().len() < 300);
        for status in [408, 499, 500, 502, 503, 504, 522, 599] {
            assert!(
                matches!(refuse(status, ""), Error::Unavailable { status: found, .. } if found == status)
            );
        }
        assert!(matches!(refuse(400, ""), Error::Status { status: 400, .. }));
        assert!(matches!(refuse(429, ""), Error::RateLimited { retry_after: None, .. }));
    }
}
