//! Do events come in as fast as they can be written? Then the measurement leaves the machine to the writers for a while: what was
//! not acknowledged yet goes first, and answers measure by themselves what waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How many times as long as a turn the background rests during a burst.
const BUSY_RESTS: u32 = 3;
/// It never rests longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// A burst is waited out for so long. What lasts longer has to share the machine with the measurement.
const LONGEST_BURST: Duration = Duration::from_secs(30);
/// A burst is over where nothing was seen of it for so many times as long as between its last batches.
const GAPS: u32 = 4;
/// It is never over before nothing was seen of it for so long.
const LEAST_LULL: Duration = Duration::from_millis(100);
/// It is always over where nothing was seen of it for so long.
const LULL: Duration = Duration::from_secs(1);
/// How often who rests looks whether the burst is over.
const LOOK: Duration = Duration::from_millis(20);
/// How long the background rests at most while there is little to do and somebody reads.
const SHORT_REST: Duration = Duration::from_millis(100);
/// How many times as long as a turn it rests while nobody reads: what comes meanwhile shares the cost of one slice.
const UNREAD_RESTS: u32 = 4;
/// It never rests longer than this then: whoever comes to read is to find little that waits.
const UNREAD_REST: Duration = Duration::from_millis(500);

/// The burst that there is, if any.
#[derive(Debug, Default)]
pub(super) struct Burst(Mutex<Option<Span>>);

#[derive(Debug, Clone, Copy)]
struct Span {
    began: Instant,
    seen: Instant,
    /// When nothing was seen for so long it is over.
    lull: Duration,
}

impl Span {
    fn is_over(self, now: Instant) -> bool {
        now - self.seen >= self.lull
    }
}

impl Burst {
    fn span(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch had to wait for those before it, as most of the last ones, and did so until `now`.
    pub(super) fn note(&self, now: Instant) {
        let mut span = self.span();
        *span = Some(match span.filter(|span| now - span.seen < LULL) {
            None => Span { began: now, seen: now, lull: LULL },
            Some(Span { began, seen, lull }) => {
                let lull = ((now - seen) * GAPS).max(lull * 3 / 4).clamp(LEAST_LULL, LULL);
                Span { began, seen: now, lull }
            }
        });
    }

    /// The one that is going on.
    fn current(&self, now: Instant) -> Option<Span> {
        self.span().filter(|span| !span.is_over(now))
    }

    /// Whether there is one.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.current(now).is_some()
    }

    /// Leaves the machine to others for so long, or until the burst is over.
    pub(super) async fn wait_out(&self, rest: Duration) {
        let until = Instant::now() + rest;
        if self.is_on(Instant::now()) {
            while Instant::now() < until && self.is_on(Instant::now()) {
                sleep_until(until.min(Instant::now() + LOOK)).await;
            }
        } else {
            sleep_until(until).await;
        }
    }

    /// How long the background leaves the machine to others, from `now`, after a turn that took so long; `more`: it left something
    /// to do, `is_read`: somebody reads.
    pub(super) fn rest(&self, now: Instant, took: Duration, more: bool, is_read: bool) -> Duration {
        match self.current(now) {
            Some(span) if now - span.began < LONGEST_BURST => (took * BUSY_RESTS).min(LONGEST_REST),
            Some(_) => took.min(LONGEST_REST),
            None if more => Duration::ZERO,
            None if is_read => took.min(SHORT_REST),
            None => (took * UNREAD_RESTS).min(UNREAD_REST),
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
        assert_eq!(burst.rest(now, turn, true, true), Duration::ZERO);
        assert_eq!(burst.rest(now, turn, false, true), SHORT_REST);
        assert_eq!(burst.rest(now, turn / 4, false, false), turn);
        assert_eq!(burst.rest(now, turn, false, false), UNREAD_REST);
        for _ in 0..50 {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, true, true), turn * BUSY_RESTS);
            assert_eq!(burst.rest(now, LONGEST_REST, true, true), LONGEST_REST);
            now += Duration::from_millis(590);
        }
        // Half a minute has passed.
        now += Duration::from_millis(400);
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true, true), turn * BUSY_RESTS);
        now += Duration::from_millis(900);
        assert_eq!(burst.rest(now, turn, true, true), turn);
        now += Duration::from_millis(200);
        assert_eq!(burst.rest(now, turn, true, true), Duration::ZERO);
        // The next one is another one.
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true, true), turn * BUSY_RESTS);
    }

    #[test]
    fn one_of_quick_batches_is_over_sooner() {
        let (quick, slow) = (Duration::from_millis(20), Duration::from_millis(200));
        let noted = |gap: Duration| {
            let (burst, mut now) = (Burst::default(), Instant::now());
            for _ in 0..10 {
                burst.note(now);
                now += gap;
            }
            (burst, now - gap)
        };
        let (burst, last) = noted(quick);
        assert!(burst.is_on(last + LEAST_LULL / 2) && !burst.is_on(last + LEAST_LULL));
        let (burst, last) = noted(slow);
        assert!(burst.is_on(last + slow * 3) && !burst.is_on(last + LULL));
    }
}
