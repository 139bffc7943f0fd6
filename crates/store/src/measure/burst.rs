//! Do events come in as fast as they can be written? Then the measurement leaves the machine to the writers for a while: what was
//! not acknowledged yet goes first, and answers measure by themselves what waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Measurer;

/// How many times as long as a turn the background rests at most during a burst, and at least, where it is behind.
const BUSY_RESTS: f64 = 3.75;
const LEAST_RESTS: f64 = 1.0;
/// It never rests longer than this.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// It is behind where what a burst leaves to be measured would take more than this of the time that the burst took.
const AIM: f64 = 0.85;
/// How long measuring takes where nothing is written, against how long it takes beside a burst: docs/performance.md.
const ALONE: f64 = 0.45;
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
    being_written: usize,
    /// When the last one was.
    ended: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    began: Instant,
    /// When anything was seen of it last.
    seen: Instant,
    /// How many events were written since it began, in large batches; those that were stored before are among them.
    written: u64,
    /// How many were measured.
    measured: u64,
    /// How many seconds one of them took: of the last slices above all, since the first ones are small, and dear.
    each: Each,
}

/// A mean in which a slice counts half as much as the one after it.
#[derive(Debug, Clone, Copy, Default)]
struct Each {
    seconds: f64,
    events: f64,
}

impl Each {
    fn add(&mut self, events: u64, took: Duration) {
        self.seconds = self.seconds / 2.0 + took.as_secs_f64();
        self.events = self.events / 2.0 + events as f64;
    }

    /// Of so many events, in seconds; nothing where no slice was measured yet.
    fn of(self, events: u64) -> f64 {
        if self.events > 0.0 { self.seconds / self.events * events as f64 } else { 0.0 }
    }
}

impl Span {
    fn new(now: Instant) -> Self {
        Self { began: now, seen: now, written: 0, measured: 0, each: Each::default() }
    }

    /// How many times as long as a turn the background rests.
    ///
    /// The more it measures, the slower others write: what a burst leaves changes little thereby, and the time that it takes not much
    /// more. So the rests answer strongly to where the two stand.
    fn rests(&self, now: Instant) -> f64 {
        let left = ALONE * self.each.of(self.written.saturating_sub(self.measured));
        let room = AIM * now.saturating_duration_since(self.began).max(SHORT_BURST).as_secs_f64();
        if left < room { BUSY_RESTS } else { (BUSY_RESTS * (room / left).powi(8)).max(LEAST_RESTS) }
    }
}

impl State {
    /// The burst that is going on.
    fn current(&self, now: Instant) -> Option<Span> {
        let is_near = |ended: Instant| now.saturating_duration_since(ended) < LULL;
        let lull = if self.being_written > 0 || self.ended.is_some_and(is_near) { LONG } else { LULL };
        self.span.filter(|span| now.saturating_duration_since(span.seen) < lull)
    }

    fn note(&mut self, now: Instant) {
        self.span = Some(Span { seen: now, ..self.current(now).unwrap_or_else(|| Span::new(now)) });
    }
}

/// A large batch that is being written, and how many events it has.
pub(crate) struct Large(Arc<Measurer>, usize);

impl Large {
    pub(super) fn of(measurer: Arc<Measurer>, events: usize) -> Self {
        measurer.burst.begin();
        Self(measurer, events)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.0.burst.end(Instant::now(), self.1);
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
        self.state().being_written += 1;
    }

    /// A large batch of so many events was written.
    fn end(&self, now: Instant, events: usize) {
        let mut state = self.state();
        if let Some(span) = &mut state.span {
            span.written += events as u64;
        }
        state.being_written = state.being_written.saturating_sub(1);
        state.ended = Some(now);
    }

    /// So many events were measured, and that took so long.
    pub(super) fn measured(&self, events: i64, took: Duration) {
        let mut state = self.state();
        if let Some(span) = &mut state.span {
            let events = u64::try_from(events).unwrap_or_default();
            span.measured += events;
            span.each.add(events, took);
        }
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
    /// to do, `is_read_strongly`: somebody reads strongly.
    pub(super) fn rest(&self, now: Instant, took: Duration, more: bool, is_read_strongly: bool) -> Duration {
        match self.current(now) {
            Some(span) if now - span.began < LONGEST_BURST => took.mul_f64(span.rests(now)).min(LONGEST_REST),
            Some(_) => took.min(LONGEST_REST),
            None if more => Duration::ZERO,
            None if is_read_strongly => took.min(SHORT_REST),
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
        for _ in 0..1_000 {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, true, true), turn.mul_f64(BUSY_RESTS));
            assert_eq!(burst.rest(now, LONGEST_REST, true, true), LONGEST_REST);
            now += Duration::from_millis(29);
        }
        now += Duration::from_millis(15);
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true, true), turn.mul_f64(BUSY_RESTS));
        now += LULL;
        assert_eq!(burst.rest(now, turn, true, true), Duration::ZERO);
        // The next one is another one.
        now += LONGEST_BURST;
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true, true), turn.mul_f64(BUSY_RESTS));
    }

    #[test]
    fn what_lasts_long_shares_the_machine() {
        let turn = Duration::from_millis(200);
        let (burst, begins) = (Burst::default(), Instant::now());
        burst.begin();
        let mut now = begins;
        while now < begins + LONGEST_BURST {
            burst.note(now);
            assert_eq!(burst.rest(now, turn, true, true), turn.mul_f64(BUSY_RESTS));
            now += LONG * 9 / 10;
        }
        burst.note(now);
        assert_eq!(burst.rest(now, turn, true, true), turn);
    }

    /// What is left when a burst is over, in the time of the burst, and how long the last rest was, in turns. Writers write half as
    /// many events while a turn runs, and where they don't one is measured in [`ALONE`] of its time.
    fn left_over(events_a_second: u32, micros: u32, seconds: u32) -> (f64, f64) {
        const STEP: Duration = Duration::from_millis(20);
        const TURN: Duration = Duration::from_millis(400);
        let (burst, began) = (Burst::default(), Instant::now());
        let (ends, a_turn, a_step) =
            (began + Duration::from_secs(seconds.into()), 400_000 / micros, events_a_second / 50);
        let (mut now, mut rests, mut turn_ends) = (began, began, began + TURN);
        let (mut written, mut measured, mut last) = (0, 0, 0.0);
        while now < ends {
            let events = if now < rests { a_step } else { a_step / 2 };
            burst.begin();
            burst.note(now);
            burst.end(now, events as usize);
            written += events;
            if now >= turn_ends {
                burst.measured(a_turn.into(), TURN);
                measured += a_turn;
                let rest = burst.rest(now, TURN, true, false);
                last = rest.div_duration_f64(TURN);
                rests = now + rest;
                turn_ends = rests + TURN;
            }
            now += STEP;
        }
        (f64::from(written - measured) * f64::from(micros) * ALONE / 1e6 / f64::from(seconds), last)
    }

    #[test]
    fn what_a_burst_leaves_is_measured_in_the_time_that_it_took() {
        for (events_a_second, micros) in [(50_000, 50), (50_000, 58), (60_000, 50), (30_000, 100)] {
            for seconds in [8, 15, 25] {
                let (left, _) = left_over(events_a_second, micros, seconds);
                assert!(left < 1.0, "{events_a_second} events/s, {micros} us, {seconds} s: {left}");
            }
        }
        // Where measuring is cheap, the writers have the machine most of the time; where it is too dear, half of it.
        let is = |(left, rests): (f64, f64), expected: f64| left < 2.0 && (rests - expected).abs() < 1e-9;
        assert!(is(left_over(50_000, 20, 25), BUSY_RESTS) && is(left_over(50_000, 100, 25), LEAST_RESTS));
    }

    #[test]
    fn one_is_not_over_while_a_large_batch_is_written() {
        let (burst, now) = (Burst::default(), Instant::now());
        burst.begin();
        assert!(!burst.is_on(now), "large batches alone are no burst");
        burst.note(now);
        burst.begin();
        burst.end(now, 1_000);
        assert!(burst.is_on(now + LULL * 3) && !burst.is_on(now + LONG));
        let ended = now + LULL * 4;
        burst.end(ended, 1_000);
        assert!(burst.is_on(ended + LULL / 2) && !burst.is_on(ended + LULL));
        // One that had to wait meanwhile is of the same burst.
        let later = ended + LULL / 2;
        burst.note(later);
        assert_eq!(burst.current(later).unwrap().began, now);
    }
}
