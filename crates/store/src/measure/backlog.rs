//! How much of a tenant waits to be measured, and how long would that take?
//!
//! An estimate of this process, for how long the background rests, and nothing else. It is too high where another process measures the
//! tenant, and too low where another one stores, until a slice here finds less than it would have taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it takes to measure while nothing is stored, against how long it takes beside that, as long as no slice has told:
/// docs/performance.md.
pub(super) const ALONE: f64 = 0.5;

/// Slices of fewer events do not tell what one takes, unless they took as many as they might: they are dear.
pub(super) const TELLING: u64 = 2_000;

/// What waits of a tenant, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Backlog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many events were stored so far, and of these measured.
    stored: u64,
    measured: u64,
    /// How many had been stored when whoever measured looked at the queue, at the latest such time.
    seen: u64,
    /// What measuring takes while nothing is stored.
    alone: Pace,
    /// What it takes beside that.
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

    /// So many events were committed.
    pub(super) fn store(&self, events: u64) {
        self.state().stored += events;
    }

    /// How many were so far. Whoever looks at the queue after this sees all of them.
    pub(super) fn stored(&self) -> u64 {
        self.state().stored
    }

    /// A slice measured so many events; `seen`: how many had been stored before it was looked what waits, `is_all`: it left none of that.
    pub(super) fn measured(&self, events: u64, seen: u64, is_all: bool) {
        let mut state = self.state();
        state.seen = state.seen.max(seen);
        state.measured = (state.measured + events).min(state.stored);
        if is_all {
            // Slices that looked later may have measured more than was there to be seen; where there are none, that is what is measured.
            state.measured = if seen == state.seen { seen } else { state.measured.max(seen) };
        }
    }

    /// A slice of so many events took so long. `is_full`: it took as many as it might, `is_alone`: nothing was stored meanwhile.
    pub(super) fn took(&self, (events, is_full): (u64, bool), took: Duration, is_alone: bool) {
        if events > 0 && (is_full || events >= TELLING) {
            let mut state = self.state();
            if is_alone { state.alone.add(events, took) } else { state.beside.add(events, took) }
        }
    }

    /// How long it would take to measure what waits, while nothing is stored; nothing where no slice has told yet.
    pub(super) fn left(&self) -> Duration {
        let state = self.state();
        let one = state.alone.one().or_else(|| Some(ALONE * state.beside.one()?)).unwrap_or_default();
        Duration::try_from_secs_f64(one * (state.stored - state.measured) as f64).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One in which an event takes a millisecond, so that what waits can be read from how long it takes.
    fn backlog() -> Backlog {
        let backlog = Backlog::default();
        backlog.took((1_000, true), SECOND, true);
        backlog
    }

    fn waits(backlog: &Backlog, events: u64) {
        assert_eq!(backlog.left(), Duration::from_millis(events));
    }

    #[test]
    fn what_waits_is_what_was_stored_and_not_measured() {
        let backlog = backlog();
        backlog.store(10_000);
        waits(&backlog, 10_000);
        backlog.measured(4_000, 10_000, false);
        waits(&backlog, 6_000);
        // More may be measured than this process stored.
        backlog.measured(7_000, 10_000, false);
        waits(&backlog, 0);
    }

    #[test]
    fn who_leaves_nothing_tells_of_what_was_stored_until_it_looked() {
        let backlog = backlog();
        backlog.store(10_000);
        let seen = backlog.stored();
        // Another process measures most of it, and more is stored after the look.
        backlog.store(2_000);
        backlog.measured(3_000, seen, true);
        waits(&backlog, 2_000);
        // Slices that look later measure more than that.
        backlog.measured(1_500, backlog.stored(), false);
        backlog.measured(0, seen, true);
        waits(&backlog, 500);
        // What another process stored went before what waits.
        let seen = backlog.stored();
        backlog.store(3_000);
        backlog.measured(2_500, seen, true);
        waits(&backlog, 3_000);
    }

    #[test]
    fn large_slices_and_full_ones_tell_how_long_that_takes_and_those_measured_alone_above_all() {
        let backlog = Backlog::default();
        backlog.store(10_000);
        backlog.took((TELLING - 1, false), SECOND, true);
        backlog.took((0, true), SECOND, true);
        assert_eq!(backlog.left(), Duration::ZERO);
        backlog.took((500, true), SECOND, false);
        assert_eq!(backlog.left(), SECOND.mul_f64(20.0 * ALONE));
        backlog.took((4_000, false), SECOND, true);
        assert_eq!(backlog.left(), SECOND.mul_f64(2.5));
        // The last one counts twice as much.
        backlog.took((8_000, true), SECOND, true);
        assert_eq!(backlog.left(), SECOND.mul_f64(1.5));
    }
}
