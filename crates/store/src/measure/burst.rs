//! Do events come in as fast as they can be written? Then the measurement leaves the machine to the writers for a while: what was
//! not acknowledged yet goes first, and answers measure by themselves what waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many times as long as a turn the background rests during a burst.
const BUSY_RESTS: u32 = 4;
/// It never rests longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// A burst is waited out for so long. What lasts longer has to share the machine with the measurement.
const LONGEST_BURST: Duration = Duration::from_secs(30);
/// A burst of which nothing was seen for so long is over.
const LULL: Duration = Duration::from_secs(1);
/// How long the background rests at most while there is little to do.
const SHORT_REST: Duration = Duration::from_millis(100);

/// The burst that there is, if any.
#[derive(Debug, Default)]
pub(super) struct Burst(Mutex<Option<Span>>);

#[derive(Debug, Clone, Copy)]
struct Span {
    began: Instant,
    seen: Instant,
}

impl Burst {
    fn span(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch had to wait for those before it, as most of the last ones, and did so until `now`.
    pub(super) fn note(&self, now: Instant) {
        let mut span = self.span();
        let began = span.filter(|span| now - span.seen < LULL).map_or(now, |span| span.began);
        *span = Some(Span { began, seen: now });
    }

    /// The one that is going on.
    fn current(&self, now: Instant) -> Option<Span> {
        self.span().filter(|span| now - span.seen < LULL)
    }

    /// Whether there is one.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.current(now).is_some()
    }

    /// How long the background leaves the machine to others, from `now`, after a turn that took so long.
    pub(super) fn rest(&self, now: Instant, took: Duration, more: bool) -> Duration {
        match self.current(now) {
            Some(span) if now - span.began < LONGEST_BURST => (took * BUSY_RESTS).min(LONGEST_REST),
            Some(_) => took.min(LONGEST_REST),
            None if more => Duration::ZERO,
            // What comes meanwhile shares the cost of one slice.
            None => took.min(SHORT_REST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_waited_out_and_forgotten() {
        let turn = Duration::from_millis(200);
        let (burst, mut now) = (Burst::default(), Instant::now());
        assert_eq!(burst.rest(now, turn, true), Duration::ZERO);
        assert_eq!(burst.rest(now, turn, false), SHORT_REST);
        for _ in 0..50 {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, true), turn * BUSY_RESTS);
            assert_eq!(burst.rest(now, LONGEST_REST, true), LONGEST_REST);
            now += Duration::from_millis(590);
        }
        // Half a minute has passed.
        now += Duration::from_millis(400);
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true), turn * BUSY_RESTS);
        now += Duration::from_millis(900);
        assert_eq!(burst.rest(now, turn, true), turn);
        now += Duration::from_millis(200);
        assert_eq!(burst.rest(now, turn, true), Duration::ZERO);
        // The next one is another one.
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true), turn * BUSY_RESTS);
    }
}
