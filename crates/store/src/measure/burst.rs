//! Do events come in as fast as they can be written? Then the measurement leaves the machine to the writers for a while: what was
//! not acknowledged yet goes first, and answers measure by themselves what waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Measurer;

/// How many times as long as a turn the background rests during a burst, at most and at least.
const BUSY_RESTS: f64 = 3.75;
const LEAST_RESTS: f64 = 1.0;
/// It never rests longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// Where what waits, from before the burst as well, would take more than this of the time that the burst has taken to be measured, it
/// rests less: what a burst leaves is to take no longer than the burst.
const AIM: f64 = 0.9;
/// What is left of a burst that took less than this need not be measured sooner than this.
const SHORT_BURST: Duration = Duration::from_secs(3);
/// A burst is waited out for so long. What lasts longer has to share the machine with the measurement.
const LONGEST_BURST: Duration = Duration::from_secs(30);
/// A burst is over where no batch had to wait for so long, and no large one was written meanwhile.
const LULL: Duration = Duration::from_millis(50);
/// And where none had to wait for so long, whatever is written.
const LONG: Duration = Duration::from_secs(1);
/// How often who rests looks whether the burst is over.
const LOOK: Duration = Duration::from_millis(10);
/// How long the background rests at most while there is little to do and somebody reads strongly.
const SHORT_REST: Duration = Duration::from_millis(100);
/// How many times as long as a turn it rests while nobody reads strongly: what comes meanwhile shares the cost of one slice.
const UNREAD_RESTS: u32 = 4;
/// It never rests longer than this then: whoever comes to read is to find little that waits.
const UNREAD_REST: Duration = Duration::from_millis(500);

/// The burst that there is, if any.
#[derive(Debug, Default)]
pub(super) struct Burst(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    span: Option<Span>,
    /// How many large batches are being written.
    written: usize,
    /// When the last one was.
    ended: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    began: Instant,
    /// When anything was seen of it last.
    seen: Instant,
}

impl Span {
    /// How many times as long as a turn the background rests; `left`: what measuring all that waits would take once the burst is over.
    fn rests(&self, now: Instant, left: Duration) -> f64 {
        let took = now.saturating_duration_since(self.began).max(SHORT_BURST);
        let behind = (left.div_duration_f64(took) - AIM) / (1.0 - AIM);
        BUSY_RESTS + (LEAST_RESTS - BUSY_RESTS) * behind.clamp(0.0, 1.0)
    }
}

impl State {
    /// The burst that is going on.
    fn current(&self, now: Instant) -> Option<Span> {
        let is_near = |ended: Instant| now.saturating_duration_since(ended) < LULL;
        let lull = if self.written > 0 || self.ended.is_some_and(is_near) { LONG } else { LULL };
        self.span.filter(|span| now.saturating_duration_since(span.seen) < lull)
    }

    fn note(&mut self, now: Instant) {
        let began = self.current(now).map_or(now, |span| span.began);
        self.span = Some(Span { began, seen: now });
    }
}

/// A large batch that is being written.
pub(crate) struct Large(Arc<Measurer>);

impl Large {
    pub(super) fn of(measurer: Arc<Measurer>) -> Self {
        measurer.burst.begin();
        Self(measurer)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.0.burst.end(Instant::now());
    }
}

impl Burst {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch had to wait for those before it, as most of the last ones, and did so until `now`.
    pub(super) fn note(&self, now: Instant) {
        self.state().note(now);
    }

    /// A large batch is written from now on.
    fn begin(&self) {
        self.state().written += 1;
    }

    /// A large batch was written.
    fn end(&self, now: Instant) {
        let mut state = self.state();
        state.written = state.written.saturating_sub(1);
        state.ended = Some(now);
    }

    /// The one that is going on.
    fn current(&self, now: Instant) -> Option<Span> {
        self.state().current(now)
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
    /// to do, `is_read_strongly`: somebody reads strongly, `left`: how long it would take to measure what waits.
    pub(super) fn rest(
        &self,
        now: Instant,
        took: Duration,
        (more, is_read_strongly): (bool, bool),
        left: Duration,
    ) -> Duration {
        match self.current(now) {
            Some(span) if now - span.began < LONGEST_BURST => took.mul_f64(span.rests(now, left)).min(LONGEST_REST),
            Some(_) => took.mul_f64(LEAST_RESTS).min(LONGEST_REST),
            None if more => Duration::ZERO,
            None if is_read_strongly => took.min(SHORT_REST),
            None => (took * UNREAD_RESTS).min(UNREAD_REST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::backlog::Backlog;
    use super::*;

    #[test]
    fn a_burst_is_waited_out_and_forgotten() {
        let turn = Duration::from_millis(200);
        let (burst, mut now) = (Burst::default(), Instant::now());
        assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), Duration::ZERO);
        assert_eq!(burst.rest(now, turn, (false, true), Duration::ZERO), SHORT_REST);
        assert_eq!(burst.rest(now, turn / 4, (false, false), Duration::ZERO), turn);
        assert_eq!(burst.rest(now, turn, (false, false), Duration::ZERO), UNREAD_REST);
        for _ in 0..1_000 {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), turn.mul_f64(BUSY_RESTS));
            assert_eq!(burst.rest(now, LONGEST_REST, (true, true), Duration::ZERO), LONGEST_REST);
            now += Duration::from_millis(29);
        }
        now += Duration::from_millis(15);
        burst.note(now);
        assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), turn.mul_f64(BUSY_RESTS));
        now += LULL;
        assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), Duration::ZERO);
        // The next one is another one.
        now += LONGEST_BURST;
        burst.note(now);
        assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), turn.mul_f64(BUSY_RESTS));
    }

    #[test]
    fn what_lasts_long_shares_the_machine() {
        let turn = Duration::from_millis(200);
        let (burst, begins) = (Burst::default(), Instant::now());
        burst.begin();
        let mut now = begins;
        while now < begins + LONGEST_BURST {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), turn.mul_f64(BUSY_RESTS));
            now += LONG * 9 / 10;
        }
        burst.note(now);
        assert_eq!(burst.rest(now, turn, (true, true), Duration::ZERO), turn);
    }

    /// What a burst leaves to be measured, in the time that it took, with the rests of [`Burst`] or with those that are longest; and how
    /// long the last one was, in turns. A model: writers write half as many events while a turn runs, and where they don't, `micros`
    /// an event are `alone` of that.
    fn left_over(events_a_second: u32, (micros, alone): (u32, f64), seconds: u32, is_heeded: bool) -> (f64, f64) {
        const STEP: Duration = Duration::from_millis(20);
        const TURN: Duration = Duration::from_millis(400);
        let (burst, backlog, began) = (Burst::default(), Backlog::default(), Instant::now());
        let (a_turn, a_step) = (400_000 / micros, events_a_second / 50);
        let (mut now, mut rests_until, mut turn_ends, mut last) = (began, began, began + TURN, 0.0);
        backlog.took((a_turn.into(), true), TURN.mul_f64(alone), true);
        while now < began + Duration::from_secs(seconds.into()) {
            burst.note(now);
            backlog.store(u64::from(if now < rests_until { a_step } else { a_step / 2 }));
            if now >= turn_ends {
                backlog.measured(a_turn.into(), backlog.stored(), false);
                let left = if is_heeded { backlog.left() } else { Duration::ZERO };
                let rest = burst.rest(now, TURN, (true, false), left);
                last = rest.div_duration_f64(TURN);
                rests_until = now + rest;
                turn_ends = rests_until + TURN;
            }
            now += STEP;
        }
        (backlog.left().as_secs_f64() / f64::from(seconds), last)
    }

    #[test]
    fn what_a_burst_leaves_is_measured_in_the_time_that_it_took() {
        for (events_a_second, cost) in
            [(50_000, (68, 0.4)), (50_000, (56, 0.5)), (40_000, (60, 0.6)), (30_000, (80, 0.6))]
        {
            for seconds in [10, 15, 25] {
                let what = format!("{events_a_second} events/s, {cost:?}, {seconds} s");
                let (left, _) = left_over(events_a_second, cost, seconds, true);
                assert!(left < 1.0, "{what}: {left}");
                let (left, _) = left_over(events_a_second, cost, seconds, false);
                assert!(left > 1.05, "{what}: {left} with the longest rests");
            }
        }
    }

    #[test]
    fn the_writers_have_the_machine_most_of_the_time_and_half_of_it_where_measuring_is_too_dear() {
        let rests = |micros| left_over(50_000, (micros, 0.5), 25, true).1;
        assert!((rests(20) - BUSY_RESTS).abs() < 1e-9, "{}", rests(20));
        assert!((rests(100) - LEAST_RESTS).abs() < 1e-9, "{}", rests(100));
    }

    #[test]
    fn one_is_not_over_while_a_large_batch_is_written() {
        let (burst, now) = (Burst::default(), Instant::now());
        burst.begin();
        assert!(!burst.is_on(now), "large batches alone are no burst");
        burst.note(now);
        burst.begin();
        burst.end(now);
        assert!(burst.is_on(now + LULL * 3) && !burst.is_on(now + LONG));
        let ended = now + LULL * 4;
        burst.end(ended);
        assert!(burst.is_on(ended + LULL / 2) && !burst.is_on(ended + LULL));
        // One that had to wait meanwhile is of the same burst.
        let later = ended + LULL / 2;
        burst.note(later);
        assert_eq!(burst.current(later).unwrap().began, now);
    }
}
