//! The time by which the services live.

use jiff::Timestamp;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The clock of this machine, until somebody sets it.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Option<Timestamp>>);

impl Clock {
    /// What time it is.
    #[expect(clippy::disallowed_methods, reason = "services know what time it is")]
    pub(super) fn now(&self) -> Timestamp {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.unwrap_or_else(Timestamp::now)
    }

    /// From now on it stands still at this time.
    pub(super) fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }

    /// From now on it stands still, this much later.
    pub(super) fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}
