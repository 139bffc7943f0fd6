//! Measure: the only room that knows persons. It keeps tallies equal to the fold of all events.
//!
//! What is to be done stands in the queue `touched` and in building definitions; this module takes it in slices. A
//! slice holds the tenant's measure lock, so that at any time one process measures a tenant. In this process a
//! tenant's slices wait for their turn in order: a strong read waits for one slice of the background at most.

mod agenda;
mod amounts;
mod backlog;
mod beside;
mod burst;
mod change;
mod claim;
mod contributions;
mod definitions;
mod entering;
mod facts;
mod job;
pub(crate) mod journal;
mod journeys;
mod line;
mod pending;
mod persons;
mod slice;
mod sweep;
pub(crate) mod tallies;
mod unclaimed;
mod waiting;
mod work;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journey::{Tenant, TenantId};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::{timeout, timeout_at};

use crate::StoreError;
use crate::options::{Clock, StoreOptions};
use crate::packed::Dictionaries;
use crate::recent::Recent;
use crate::transaction::retry;
use agenda::{Agenda, Gate, LARGEST_IN_A_BURST, LARGEST_OF_A_VERSION, LARGEST_SLICE, Left, Taken, adapt};
use burst::Burst;
pub(crate) use burst::Large;
pub(crate) use definitions::Texts;
use entering::LOOKS;
pub use pending::Fresh;
use pending::Through;
use slice::{Built, Done, Ground};
pub(crate) use waiting::{Ahead, look_ahead};

/// Where a slice takes so many events, more are on their way: what it notes is soon noted again.
const BUSY: i64 = 256;
/// While nobody reads strongly, slices may take so many times as long, which is less than a first read waits: the more events of a
/// person are measured at once, the less each costs.
const WHILE_UNREAD: u32 = 2;
/// Connections that read beside that of a slice, at most.
const READERS: usize = 2;

/// Measures tenants, one slice at a time.
pub(crate) struct Measurer {
    pool: PgPool,
    clock: Clock,
    slice: Duration,
    /// How many slices may note changes of a version before these are entered.
    noted: u32,
    /// The persons of a job.
    at_once: usize,
    texts: Texts,
    recent: Recent,
    dictionaries: Arc<Dictionaries>,
    /// The hour in which each tenant's journal was tidied last.
    tidied: Mutex<HashMap<TenantId, i64>>,
    gates: Mutex<HashMap<TenantId, Arc<Gate>>>,
    agenda: Mutex<Agenda>,
    wake: Notify,
    burst: Burst,
}

impl Measurer {
    pub(crate) fn new(pool: PgPool, options: &StoreOptions) -> Arc<Self> {
        Arc::new(Self {
            pool,
            clock: options.clock.clone(),
            slice: options.measure_slice,
            noted: options.noted,
            at_once: options.persons_at_once.max(1),
            texts: Texts::default(),
            recent: Recent::default(),
            dictionaries: Arc::new(Dictionaries::new(options.packs)),
            tidied: Mutex::default(),
            gates: Mutex::default(),
            agenda: Mutex::default(),
            wake: Notify::new(),
            burst: Burst::default(),
        })
    }

    /// Says that a tenant has something to measure. Cheap; called after every commit of events.
    pub(crate) fn notify(&self, tenant: &Tenant) {
        self.agenda().add(tenant);
        self.wake.notify_one();
    }

    /// Says that somebody reads strongly.
    pub(crate) fn note_strong_read(&self, tenant: TenantId) {
        self.gate(tenant).note_strong_read();
    }

    /// Says that so many events of a tenant were stored.
    pub(crate) fn note_stored(&self, tenant: TenantId, events: usize) {
        self.gate(tenant).backlog.store(events as u64);
    }

    /// Says that events come in as fast as they can be written.
    pub(crate) fn note_burst(&self) {
        self.burst.note(tokio::time::Instant::now());
    }

    /// Says that a large batch is being written, until what is returned is dropped.
    pub(crate) fn write_large(self: &Arc<Self>) -> Large {
        Large::of(self.clone())
    }

    /// Measures whatever tenants are notified of, until the process ends. Run as many of these as tenants should be
    /// measured side by side.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self.agenda().take();
            let Some(tenant) = next else {
                self.wake.notified().await;
                continue;
            };
            // A wake-up that came while nobody waited stands for several tenants: pass it on.
            self.wake.notify_one();
            let started = tokio::time::Instant::now();
            let left = match self.turn(&tenant).await {
                Ok(left) => left,
                Err(error) => {
                    tracing::warn!(tenant = %tenant.id.0, ?error, "measuring stopped and will be tried again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    Left { more: true, busy: false }
                }
            };
            let gate = self.gate(tenant.id);
            let (now, what) = (tokio::time::Instant::now(), (left.more, gate.is_read_strongly()));
            let rest = self.burst.rest(now, started.elapsed(), what, gate.backlog.left());
            let again = left.more || left.busy;
            if rest.is_zero() {
                self.release(&tenant, again);
            } else {
                let measurer = self.clone();
                tokio::spawn(async move {
                    measurer.burst.wait_out(rest).await;
                    measurer.release(&tenant, again);
                });
            }
        }
    }

    /// Lets a tenant that was measured be measured again.
    fn release(&self, tenant: &Tenant, more: bool) {
        let mut agenda = self.agenda();
        agenda.busy.remove(&tenant.id);
        if more {
            agenda.add(tenant);
        }
        drop(agenda);
        self.wake.notify_one();
    }

    fn ground(&self) -> Ground<'_> {
        // While events come in as fast as they can be written, the machine is left to the writers.
        let readers = if self.burst.is_on(tokio::time::Instant::now()) { 0 } else { READERS };
        Ground {
            pool: &self.pool,
            texts: &self.texts,
            recent: &self.recent,
            dictionaries: &self.dictionaries,
            readers,
            at_once: self.at_once,
        }
    }

    /// Texts of versions that were read before.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Events that this process committed and that wait to be measured.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// What the JSON of events is packed with.
    pub(crate) fn dictionaries(&self) -> &Arc<Dictionaries> {
        &self.dictionaries
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn of a tenant: a slice of what is touched, a slice of a version, a batch of sweeping; and beside the slices, what slices
    /// before them noted begins to be entered. No more, so that other tenants and the tenant's own backfill are never starved by
    /// constant ingest.
    async fn turn(self: &Arc<Self>, tenant: &Tenant) -> Result<Left, StoreError> {
        let gate = self.gate(tenant.id);
        if gate.left_more.load(Ordering::Relaxed) {
            self.begin_to_enter(tenant.id);
        }
        let mut left = self.measure(tenant).await?;
        let is_at_rest = !left.more && !left.busy;
        gate.left_more.store(!is_at_rest, Ordering::Relaxed);
        if is_at_rest {
            left.more |= self.enter_at_rest(tenant.id).await;
        }
        self.tidy(tenant.id).await?;
        left.more |= sweep::sweep(&self.pool, tenant.id).await?;
        Ok(left)
    }

    async fn measure(&self, tenant: &Tenant) -> Result<Left, StoreError> {
        let mut left = Left::default();
        if let Some(through) = self.last_touched(tenant.id).await? {
            let taken = self.touched(tenant, through).await?;
            left = Left { more: taken.is_full, busy: taken.is_busy };
        }
        left.more |= self.build(tenant).await? != Built::Nothing;
        Ok(left)
    }

    /// Tidies a tenant's journal once in an hour in which there is anything to do for it.
    async fn tidy(&self, tenant: TenantId) -> Result<(), StoreError> {
        const HOUR_MICROS: i64 = 3_600_000_000;
        let now = (self.clock)();
        let hour = now.micros().div_euclid(HOUR_MICROS);
        let before = self.tidied.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, hour);
        if before == Some(hour) { Ok(()) } else { journal::tidy(&self.pool, tenant, now).await }
    }

    /// Measures everything that was committed when the call began, as far as `budget` suffices. A slice that takes
    /// longer is not given up: it goes on while the answer says what is pending, so that even hasty reads get ahead.
    pub(crate) async fn bring_up_to_date(
        self: &Arc<Self>,
        tenant: &Tenant,
        budget: Duration,
    ) -> Result<Fresh, StoreError> {
        let deadline = tokio::time::Instant::now() + budget;
        self.note_strong_read(tenant.id);
        let Some(through) = self.last_touched(tenant.id).await? else {
            return self.fresh(tenant.id, false).await;
        };
        loop {
            let (measurer, whose) = (self.clone(), tenant.clone());
            let slice = tokio::spawn(async move { measurer.touched(&whose, through).await });
            match timeout_at(deadline, slice).await {
                Ok(Ok(Ok(Taken { subjects: 0, .. }))) => return self.fresh(tenant.id, false).await,
                Ok(Ok(Ok(_))) => {}
                // Another instance holds the lock for long, or the database is going: then this answer says so.
                Err(_) | Ok(Err(_) | Ok(Err(StoreError::Unavailable(_)))) => {
                    return self.fresh(tenant.id, true).await;
                }
                Ok(Ok(Err(error))) => return Err(error),
            }
        }
    }

    /// A step towards a tenant without a backlog: a slice of what waits, else of a version that is being built. A slice
    /// that takes longer than `budget` goes on. Returns whether it is worth looking again.
    pub(crate) async fn catch_up(self: &Arc<Self>, tenant: &Tenant, budget: Duration) -> Result<bool, StoreError> {
        self.note_strong_read(tenant.id);
        let (measurer, whose) = (self.clone(), tenant.clone());
        let step = tokio::spawn(async move {
            if let Some(through) = measurer.last_touched(whose.id).await?
                && measurer.touched(&whose, through).await?.subjects > 0
            {
                // Where nobody measures in the background.
                if measurer.gate(whose.id).noted.load(Ordering::Relaxed) > measurer.noted.saturating_mul(LOOKS) {
                    measurer.begin_to_enter(whose.id);
                }
                return Ok(true);
            }
            Ok::<_, StoreError>(measurer.build(&whose).await? != Built::Nothing)
        });
        match timeout(budget, step).await {
            Ok(Ok(Err(StoreError::Unavailable(_))) | Err(_)) | Err(_) => Ok(false),
            Ok(Ok(done)) => done,
        }
    }

    async fn touched(&self, tenant: &Tenant, through: Through) -> Result<Taken, StoreError> {
        let gate = self.gate(tenant.id);
        let _turn = gate.turn.lock().await;
        let (is_beside, stored) = (self.burst.is_on(tokio::time::Instant::now()), gate.backlog.stored());
        let (size, largest, times) = if is_beside {
            (&gate.events_in_a_burst, LARGEST_IN_A_BURST, 1)
        } else {
            (&gate.events, LARGEST_SLICE, if gate.is_read_strongly() { 1 } else { WHILE_UNREAD })
        };
        let span = self.slice * times;
        let limit = size.load(Ordering::Relaxed);
        let now = (self.clock)();
        let on = self.ground();
        let done = retry("measure.touched", || slice::touched(&on, tenant, through.row, limit, now)).await;
        match done {
            Ok(done) => {
                gate.note(done.subjects);
                let events = done.events.unsigned_abs();
                gate.backlog.measured(events, through.stored, done.size() < limit);
                let is_alone = !is_beside && gate.backlog.stored() == stored;
                gate.backlog.took((events, done.events >= limit), done.took, is_alone);
                adapt((size, largest), done, limit, span);
                Ok(Taken { subjects: done.subjects, is_full: done.size() >= limit, is_busy: done.size() >= BUSY })
            }
            // One subject alone that no slice gets past must not stop the others.
            Err(error) if limit <= 1 && error.may_be_its_own() && self.is_reachable(tenant.id).await => {
                tracing::error!(tenant = %tenant.id.0, ?error, "a touched subject can't be measured");
                let subjects = slice::give_up(&on, tenant, through.row, &error.to_string(), now).await?;
                Ok(Taken { subjects, is_full: true, is_busy: true })
            }
            Err(error) => {
                gate.take_less(limit);
                Err(error)
            }
        }
    }

    /// Whether the database answers: then a failure is the slice's own.
    async fn is_reachable(&self, tenant: TenantId) -> bool {
        self.last_touched(tenant).await.is_ok()
    }

    async fn build(&self, tenant: &Tenant) -> Result<Built, StoreError> {
        let gate = self.gate(tenant.id);
        let _turn = gate.turn.lock().await;
        let limit = gate.subjects.load(Ordering::Relaxed);
        let now = (self.clock)();
        let on = self.ground();
        let built = retry("measure.build", || slice::build(&on, tenant, limit, now)).await;
        match &built {
            Ok(Built::Some(done)) => {
                gate.note(done.subjects);
                adapt((&gate.subjects, LARGEST_OF_A_VERSION), *done, limit, self.slice);
            }
            Ok(Built::Nothing | Built::Switched) => {}
            // As with touched subjects: one that no slice gets past must not stop the others.
            Err(error) if limit <= 1 && error.may_be_its_own() && self.is_reachable(tenant.id).await => {
                tracing::error!(tenant = %tenant.id.0, ?error, "a subject can't be measured under a new version");
                if slice::pass_over(&self.pool, tenant, &self.texts, &error.to_string(), now).await? {
                    return Ok(Built::Some(Done { subjects: 1, ..Done::default() }));
                }
            }
            Err(_) => gate.subjects.store((limit / 4).max(1), Ordering::Relaxed),
        }
        built
    }

    fn gate(&self, tenant: TenantId) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(tenant).or_default().clone()
    }
}
