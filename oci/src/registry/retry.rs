//! When the same is attempted again.

use crate::error::Error;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;
use tokio::time;

/// The first wait, where the server asks for none; later ones double, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The patience for one thing that is attempted.
pub(crate) struct Retry {
    waits: ExponentialBackoff,
    attempts: u32,
    budget: Duration,
    waited: Duration,
    refetch: Refetch,
}

/// Bytes that are not what their digest promised are fetched again once: a bit may have flipped on the way.
#[derive(PartialEq, Eq)]
enum Refetch {
    Left,
    Spent,
}

impl Retry {
    pub(super) fn new(attempts: u32, budget: Duration) -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .without_max_times()
            .with_jitter()
            .build();
        Self { waits, attempts, budget, waited: Duration::ZERO, refetch: Refetch::Left }
    }

    /// The patience with a file: none, but for bytes that may have been spoilt on their way to it.
    pub(crate) fn once() -> Self {
        Self::new(1, Duration::ZERO)
    }

    /// Waits until the same may be attempted again; `error` comes back when it may not.
    ///
    /// Only what might pass by itself is attempted again, and only while attempts and budget last: a server that
    /// asks for more time than there is has answered.
    pub(crate) async fn pause(&mut self, error: Error) -> Result<(), Error> {
        if matches!(error, Error::Digest { .. } | Error::Size { .. })
            && self.refetch == Refetch::Left
        {
            self.refetch = Refetch::Spent;
            return Ok(());
        }
        self.attempts = self.attempts.saturating_sub(1);
        if !error.is_transient() || self.attempts == 0 {
            return Err(error);
        }
        let wait = error.retry_after().or_else(|| self.waits.next()).unwrap_or(LONGEST_WAIT);
        self.waited = self.waited.saturating_add(wait);
        if self.waited > self.budget {
            return Err(error);
        }
        tracing::debug!(%error, ?wait, "attempting again");
        time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Attempt, Reason};
    use tokio::time::Instant;

    fn limited(retry_after: Option<Duration>) -> Error {
        let attempt = Attempt { action: "try", on: "it".to_owned() };
        Error::RateLimited { attempt, retry_after, reason: Reason::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn f1_the_server_says_how_long_and_the_budget_how_long_at_most() {
        let start = Instant::now();
        let mut retry = Retry::new(3, Duration::from_secs(10));
        retry.pause(limited(Some(Duration::from_secs(7)))).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        assert!(retry.pause(limited(Some(Duration::from_secs(4)))).await.is_err());
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        let mut retry = Retry::new(9, Duration::from_mins(1));
        assert!(retry.pause(limited(Some(Duration::from_hours(1)))).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn f2_attempts_are_counted_and_waits_grow() {
        let start = Instant::now();
        let mut retry = Retry::new(4, Duration::from_mins(10));
        for _ in 0..3 {
            retry.pause(limited(None)).await.unwrap();
        }
        assert!(start.elapsed() >= FIRST_WAIT * 7);
        assert!(matches!(retry.pause(limited(None)).await, Err(Error::RateLimited { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn f7_a_wrong_digest_is_fetched_again_once() {
        let digest = plimsoll_model::Digest::of(b"");
        let wrong = || Error::Digest { from: "here".to_owned(), expected: digest, found: digest };
        let mut retry = Retry::new(9, Duration::from_mins(10));
        retry.pause(wrong()).await.unwrap();
        assert!(matches!(retry.pause(wrong()).await, Err(Error::Digest { .. })));
    }
}
