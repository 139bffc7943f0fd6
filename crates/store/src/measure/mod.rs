//! Measure: the only room that knows persons. It keeps tallies equal to the fold of all events.
//!
//! What is to be done stands in the queue `touched` and in building definitions; this module takes it in slices. A
//! slice holds the tenant's measure lock, so that at any time one process measures a tenant. In this process a
//! tenant's slices wait for their turn in order: a strong read waits for one slice of the background at most.

mod change;
mod claim;
mod definitions;
mod facts;
mod journeys;
mod numbers;
mod persons;
mod slice;
mod sweep;
pub(crate) mod tallies;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journey::{Instant, Tenant, TenantId};
use sqlx::{PgPool, Row};
use tokio::sync::{Mutex as Turn, Notify};

use crate::StoreError;
use crate::transaction::{Purpose, begin, retry};
use slice::Built;

/// Subjects in the first slice of a tenant; later ones adapt to the time that they took.
const FIRST_SLICE: i64 = 500;
/// Slices never take more subjects than this.
const LARGEST_SLICE: i64 = 20_000;

/// Measures tenants, one slice at a time.
pub(crate) struct Measurer {
    pool: PgPool,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    slice: Duration,
    gates: Mutex<HashMap<TenantId, Arc<Gate>>>,
    waiting: Mutex<HashMap<TenantId, Tenant>>,
    wake: Notify,
}

/// A tenant's place in this process.
struct Gate {
    turn: Turn<()>,
    subjects: AtomicI64,
}

/// How current the tallies are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fresh {
    /// Touched subjects that the time did not suffice for.
    pub pending_subjects: u64,
    /// Persons that can't be measured, with the reason; at most 100.
    pub set_aside: Vec<(String, String)>,
}

impl Measurer {
    pub(crate) fn new(pool: PgPool, clock: Arc<dyn Fn() -> Instant + Send + Sync>, slice: Duration) -> Arc<Self> {
        Arc::new(Self { pool, clock, slice, gates: Mutex::default(), waiting: Mutex::default(), wake: Notify::new() })
    }

    /// Says that a tenant has something to measure. Cheap; called after every commit of events.
    pub(crate) fn notify(&self, tenant: &Tenant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let known = waiting.len();
        waiting.entry(tenant.id).or_insert_with(|| tenant.clone());
        if waiting.len() > known {
            drop(waiting);
            self.wake.notify_one();
        }
    }

    /// Measures whatever tenants are notified of, until the process ends. Run as many of these as tenants should be
    /// measured side by side.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let next = waiting.keys().next().copied().and_then(|id| waiting.remove(&id));
                // A wake-up that came while nobody waited stands for several tenants: pass it on.
                if !waiting.is_empty() {
                    self.wake.notify_one();
                }
                next
            };
            let Some(tenant) = next else {
                self.wake.notified().await;
                continue;
            };
            if let Err(error) = self.work(&tenant).await {
                tracing::warn!(tenant = %tenant.id.0, ?error, "measuring stopped and will be tried again");
                tokio::time::sleep(Duration::from_millis(500)).await;
                self.notify(&tenant);
            }
        }
    }

    /// Does everything that there is to do for a tenant: touched subjects first, then versions, then sweeping.
    async fn work(&self, tenant: &Tenant) -> Result<(), StoreError> {
        loop {
            while self.touched(tenant, i64::MAX).await? > 0 {}
            if self.build(tenant).await? != Built::Nothing {
                continue;
            }
            if !sweep::sweep(&self.pool, tenant.id).await? {
                return Ok(());
            }
        }
    }

    /// Measures everything that was committed when the call began, as far as `budget` suffices.
    pub(crate) async fn bring_up_to_date(&self, tenant: &Tenant, budget: Duration) -> Result<Fresh, StoreError> {
        let started = tokio::time::Instant::now();
        let Some(through) = self.last_touched(tenant.id).await? else {
            return self.fresh(tenant.id, None).await;
        };
        while self.touched(tenant, through).await? > 0 {
            if started.elapsed() >= budget {
                return self.fresh(tenant.id, Some(through)).await;
            }
        }
        self.fresh(tenant.id, None).await
    }

    /// Builds versions that are being built, as far as `budget` suffices.
    pub(crate) async fn build_up(&self, tenant: &Tenant, budget: Duration) -> Result<(), StoreError> {
        let started = tokio::time::Instant::now();
        while started.elapsed() < budget && self.build(tenant).await? != Built::Nothing {}
        Ok(())
    }

    /// How current the tallies are, without measuring anything.
    pub(crate) async fn as_it_stands(&self, tenant: TenantId) -> Result<Fresh, StoreError> {
        let through = self.last_touched(tenant).await?;
        self.fresh(tenant, through).await
    }

    async fn touched(&self, tenant: &Tenant, through: i64) -> Result<usize, StoreError> {
        let gate = self.gate(tenant.id);
        let _turn = gate.turn.lock().await;
        let limit = gate.subjects.load(Ordering::Relaxed);
        let started = tokio::time::Instant::now();
        let now = (self.clock)();
        let claimed = retry("measure.touched", || slice::touched(&self.pool, tenant, through, limit, now)).await?;
        self.adapt(&gate, claimed, limit, started.elapsed());
        Ok(claimed)
    }

    async fn build(&self, tenant: &Tenant) -> Result<Built, StoreError> {
        let gate = self.gate(tenant.id);
        let _turn = gate.turn.lock().await;
        let limit = gate.subjects.load(Ordering::Relaxed);
        let started = tokio::time::Instant::now();
        let now = (self.clock)();
        let built = retry("measure.build", || slice::build(&self.pool, tenant, limit, now)).await?;
        if built == Built::Some {
            self.adapt(&gate, usize::try_from(limit).unwrap_or(0), limit, started.elapsed());
        }
        Ok(built)
    }

    /// Sizes the next slice so that it takes the time that a slice may take. Only full slices tell.
    fn adapt(&self, gate: &Gate, claimed: usize, limit: i64, took: Duration) {
        let full = i64::try_from(claimed).is_ok_and(|claimed| claimed >= limit);
        let slow = took > self.slice;
        if full || slow {
            let ratio = self.slice.as_secs_f64() / took.as_secs_f64().max(0.001);
            let wanted = limit as f64 * ratio.clamp(0.25, 2.0);
            #[expect(clippy::cast_possible_truncation, reason = "clamped to the bounds of a slice")]
            let wanted = wanted.clamp(20.0, LARGEST_SLICE as f64) as i64;
            gate.subjects.store(wanted, Ordering::Relaxed);
        }
    }

    fn gate(&self, tenant: TenantId) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates
            .entry(tenant)
            .or_insert_with(|| Arc::new(Gate { turn: Turn::new(()), subjects: AtomicI64::new(FIRST_SLICE) }));
        gate.clone()
    }

    async fn last_touched(&self, tenant: TenantId) -> Result<Option<i64>, StoreError> {
        let mut tx = begin(&self.pool, tenant, Purpose::Read).await?;
        let row =
            sqlx::query(include_str!("../../sql/measure_last_touched.sql")).bind(tenant.0).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(row.try_get("last")?)
    }

    async fn fresh(&self, tenant: TenantId, through: Option<i64>) -> Result<Fresh, StoreError> {
        let mut tx = begin(&self.pool, tenant, Purpose::Read).await?;
        let mut pending_subjects = 0;
        if let Some(through) = through {
            let row = sqlx::query(include_str!("../../sql/measure_pending.sql"))
                .bind(tenant.0)
                .bind(through)
                .fetch_one(&mut *tx)
                .await?;
            pending_subjects = row.try_get::<i64, _>("pending")?.unsigned_abs();
        }
        let rows =
            sqlx::query(include_str!("../../sql/measure_set_aside.sql")).bind(tenant.0).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let set_aside = rows
            .iter()
            .map(|row| Ok((row.try_get("person")?, row.try_get("reason")?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Fresh { pending_subjects, set_aside })
    }
}
