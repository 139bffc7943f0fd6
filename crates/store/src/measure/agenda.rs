//! Whose turn is it to be measured, and how large are a tenant's slices?

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use journey::{Tenant, TenantId};
use tokio::sync::Mutex as Turn;

use super::backlog::Backlog;
use super::slice::Done;

/// New events, or subjects, in the first slice of a tenant; later ones adapt to the time that they took.
const FIRST_SLICE: i64 = 1_000;

/// Slices never take many more than this.
pub(super) const LARGEST_SLICE: i64 = 100_000;
/// While events come in as fast as they can be written, slices take no more than this: short ones get in
/// the way of the writers less.
pub(super) const LARGEST_IN_A_BURST: i64 = 20_000;
/// Nor slices of a version that is being built: their subjects have many events each.
pub(super) const LARGEST_OF_A_VERSION: i64 = 20_000;
/// Whoever reads strongly mostly reads again within this.
const READ_LATELY: Duration = Duration::from_secs(10);
/// Time alone never makes slices smaller than this: a slow disk is not made faster by more transactions.
const LEAST_SLICE: i64 = 100;

/// The bytes of changes that are entered in one transaction.
const ENTERED_AT_ONCE: i64 = 2 << 20;

/// The tenants that have something to measure, in the order in which they take turns.
#[derive(Default)]
pub(super) struct Agenda {
    waiting: VecDeque<Tenant>,
    /// The ids of those that wait.
    listed: HashSet<TenantId>,
    /// The tenants that are being measured: nobody else takes them meanwhile.
    pub(super) busy: HashSet<TenantId>,
}

impl Agenda {
    pub(super) fn add(&mut self, tenant: &Tenant) {
        if self.listed.insert(tenant.id) {
            self.waiting.push_back(tenant.clone());
        }
    }

    pub(super) fn take(&mut self) -> Option<Tenant> {
        let at = self.waiting.iter().position(|tenant| !self.busy.contains(&tenant.id))?;
        let tenant = self.waiting.remove(at)?;
        self.listed.remove(&tenant.id);
        self.busy.insert(tenant.id);
        Some(tenant)
    }
}

/// What a slice of touched subjects took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub(super) subjects: usize,
    /// Whether it took as much as it may, so that more is likely to wait.
    pub(super) is_full: bool,
    /// Whether it took enough for events to be on their way.
    pub(super) is_busy: bool,
}

/// What a turn of a tenant left.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    /// There is more to do.
    pub(super) more: bool,
    /// Events came in numbers: it is to be looked once more, at rest, whether anything is to be entered.
    pub(super) busy: bool,
}

/// A tenant's place in this process.
pub(super) struct Gate {
    pub(super) turn: Turn<()>,
    /// Held by whoever enters changes.
    pub(super) entering: Turn<()>,
    /// Whether the last turn left something to do, or events came in numbers.
    pub(super) left_more: AtomicBool,
    /// How many new events a slice takes.
    pub(super) events: AtomicI64,
    /// How many it takes while events come in as fast as they can be written.
    pub(super) events_in_a_burst: AtomicI64,
    /// How many subjects of a version that is being built a slice takes.
    pub(super) subjects: AtomicI64,
    /// How many slices noted changes since it was looked whether they are enough to be entered, as [`Gate::note`] counts.
    pub(super) noted: AtomicU32,
    /// How many bytes of changes are entered at once.
    pub(super) bytes: AtomicI64,
    /// What waits to be measured.
    pub(super) backlog: Backlog,
    /// When somebody read strongly.
    read: Mutex<Option<Instant>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            turn: Turn::new(()),
            entering: Turn::new(()),
            left_more: AtomicBool::new(false),
            events: AtomicI64::new(FIRST_SLICE),
            events_in_a_burst: AtomicI64::new(FIRST_SLICE),
            subjects: AtomicI64::new(FIRST_SLICE),
            // What processes before this one left may be enough by itself.
            noted: AtomicU32::new(u32::MAX / 2),
            bytes: AtomicI64::new(ENTERED_AT_ONCE),
            backlog: Backlog::default(),
            read: Mutex::default(),
        }
    }
}

impl Gate {
    /// A slice of so many subjects noted what it changed. A large one counts for several: it changes more.
    pub(super) fn note(&self, subjects: usize) {
        let counts = if subjects == 0 { 0 } else { 1 + u32::try_from(subjects / 1_000).unwrap_or(u32::MAX / 4) };
        self.noted.fetch_add(counts, Ordering::Relaxed);
    }

    /// After a failure of a slice of this size smaller ones are taken, whatever goes on: they close in on what no slice gets past.
    pub(super) fn take_less(&self, limit: i64) {
        for size in [&self.events, &self.events_in_a_burst] {
            size.fetch_min((limit / 4).max(1), Ordering::Relaxed);
        }
    }

    /// Somebody reads strongly.
    pub(super) fn note_strong_read(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether somebody did so lately.
    pub(super) fn is_read_strongly(&self) -> bool {
        let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.is_some_and(|read| read.elapsed() < READ_LATELY)
    }

    /// After a failure less is entered at once.
    pub(super) fn enter_less(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.bytes.store((bytes / 4).max(1), Ordering::Relaxed);
    }

    /// And after what went well, a little more again: what was too much is not tried at once.
    pub(super) fn enter_more(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.bytes.store((bytes + bytes / 8 + 1).min(ENTERED_AT_ONCE), Ordering::Relaxed);
    }
}

/// Sizes the next slice so that it takes the `span` that a slice may take. Only full slices tell.
pub(super) fn adapt((size, largest): (&AtomicI64, i64), done: Done, limit: i64, span: Duration) {
    let (subjects, events) = (done.subjects, done.events);
    tracing::debug!(subjects, events, limit, took_ms = done.took.as_millis(), "measured a slice");
    if done.size() >= limit || done.took > span {
        let ratio = span.as_secs_f64() / done.took.as_secs_f64().max(0.001);
        // Grown step by step: the next events may be heavier ones.
        let next = limit as f64 * ratio.clamp(0.25, 2.0);
        #[expect(clippy::cast_possible_truncation, reason = "at most the largest slice")]
        let next = next.min(largest as f64) as i64;
        // After a failure the size grows back step by step, which closes in on the subject that failed.
        let next = next.max(LEAST_SLICE.min(limit.saturating_mul(4)));
        size.store(next, Ordering::Relaxed);
    }
}
