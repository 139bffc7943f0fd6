//! How much of a tenant waits to be measured, and how long would that take?
//!
//! An estimate of this process, for how long the background rests, and nothing else. It is too low after a strong read, whose last
//! slice finds nothing: what was stored since that read looked at the queue, several slices before, is left out. Then the background
//! rests as long as where nothing is behind. It is too high where another process measures the tenant, until a slice here finds less
//! than it would have taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it takes to measure outside bursts, against how long it takes beside one, as long as no slice has told: docs/performance.md.
pub(super) const ALONE: f64 = 0.5;

/// Slices of fewer events do not tell what one takes: they are dear.
pub(super) const TELLING: u64 = 2_000;

/// What waits of a tenant, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Backlog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    events: u64,
    /// What measuring takes outside bursts. Single events may be written meanwhile, which makes it dearer than it will be.
    alone: Pace,
    /// What it takes beside a burst.
    beside: Pace,
}

/// How long it takes to measure one event: a mean in which a slice counts half as much as the one after it.
#[derive(Debug, Default)]
struct Pace {
    seconds: f64,
    events: f64,
}

impl Pace {
    fn add(&mut self, events: u64, took: Duration) {
        self.seconds = self.seconds / 2.0 + took.as_secs_f64();
        self.events = self.events / 2.0 + events as f64;
    }

    /// In seconds; `None` where no slice was measured yet.
    fn one(&self) -> Option<f64> {
        (self.events > 0.0).then(|| self.seconds / self.events)
    }
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many events wait.
    pub(super) fn events(&self) -> u64 {
        self.state().events
    }

    /// So many events were stored.
    pub(super) fn stored(&self, events: u64) {
        self.state().events += events;
    }

    /// A slice measured so many events, or `all` that had waited when it began.
    pub(super) fn measured(&self, events: u64, all: Option<u64>) {
        let mut state = self.state();
        state.events = state.events.saturating_sub(events.max(all.unwrap_or_default()));
    }

    /// That took so long; `is_beside`: a burst was on when it began.
    pub(super) fn took(&self, events: u64, took: Duration, is_beside: bool) {
        if events >= TELLING {
            let mut state = self.state();
            if is_beside { state.beside.add(events, took) } else { state.alone.add(events, took) }
        }
    }

    /// How long it would take to measure what waits, outside a burst; nothing where no slice has told yet.
    pub(super) fn left(&self) -> Duration {
        let state = self.state();
        let one = state.alone.one().or_else(|| Some(ALONE * state.beside.one()?)).unwrap_or_default();
        Duration::try_from_secs_f64(one * state.events as f64).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_was_stored_and_not_measured() {
        let backlog = Backlog::default();
        backlog.stored(10_000);
        backlog.measured(0, None);
        backlog.measured(4_000, None);
        assert_eq!(backlog.events(), 6_000);
        // What other processes measured is gone when a slice has found less than it would have taken; what was stored since is not.
        backlog.stored(500);
        backlog.measured(100, Some(6_000));
        assert_eq!(backlog.events(), 500);
        // More may be measured than this process stored.
        backlog.measured(2_000, None);
        assert_eq!(backlog.events(), 0);
    }

    #[test]
    fn large_slices_tell_how_long_that_takes_and_those_measured_alone_above_all() {
        let (backlog, second) = (Backlog::default(), Duration::from_secs(1));
        backlog.stored(10_000);
        assert_eq!(backlog.left(), Duration::ZERO);
        backlog.took(0, second, true);
        backlog.took(TELLING - 1, second, false);
        assert_eq!(backlog.left(), Duration::ZERO);
        backlog.took(5_000, second, true);
        assert_eq!(backlog.left(), second.mul_f64(2.0 * ALONE));
        backlog.took(4_000, second, false);
        assert_eq!(backlog.left(), second.mul_f64(2.5));
        // The last one counts twice as much.
        backlog.took(8_000, second, false);
        assert_eq!(backlog.left(), second.mul_f64(1.5));
    }
}
