//! The clock of the process: the one place that reads the system's time.

use std::sync::Arc;

use journey::Instant;

/// A source of the time; everything that needs it is handed one.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The system's clock, in UTC.
#[must_use]
pub(crate) fn system() -> Clock {
    Arc::new(now)
}

/// The time that the system shows.
#[expect(clippy::disallowed_methods, reason = "the clock that is handed to everything else is made here")]
pub(crate) fn now() -> Instant {
    Instant::from(chrono::Utc::now())
}
