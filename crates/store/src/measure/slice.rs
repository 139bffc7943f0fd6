//! Slices: bounded pieces of measuring, each one transaction under the tenant's measure lock; others may read for it, and write nothing.
//!
//! The order inside is what keeps tallies exact: first the lock, then the claim, and only then links, definitions and
//! events. Whatever commits after that is touched again, and whatever was claimed is seen. An event is folded in the
//! slice that claims it and in no other: journeys that are loaded whole leave out what still waits.

use std::time::Duration;

use journey::{Instant, Tenant, TenantId};
use sqlx::{PgConnection, PgPool, Row};

use super::change::Change;
use super::claim::{Claimed, Touched, claim};
use super::definitions::{self, Building, Texts, Version};
use super::persons::{Person, resolve};
use super::tallies::{Due, Enough};
use super::work::{Hands, Task, There, measure};
use super::{journal, tallies};
use crate::StoreError;
use crate::definitions::{lock_measure, next_generation};
use crate::fault;
use crate::packed::Dictionaries;
use crate::recent::Recent;
use crate::transaction::{Purpose, Tx, begin, begin_reader};

/// What a slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Done {
    /// Subjects that left the queue, or were gone through.
    pub subjects: usize,
    /// New events that were claimed, and subjects that were to be measured whole without one.
    pub events: i64,
    /// How long it took once it had the tenant's lock.
    pub took: Duration,
}

impl Done {
    /// What counts against the size of slices.
    pub(super) fn size(&self) -> i64 {
        self.events.max(i64::try_from(self.subjects).unwrap_or(i64::MAX))
    }
}

/// The most subjects of a slice of a version that has lenses: what these tell of each person is entered under many keys.
const WITH_LENSES: i64 = 5_000;

/// What slices are taken on.
pub(super) struct Ground<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) texts: &'a Texts,
    pub(super) recent: &'a Recent,
    pub(super) dictionaries: &'a Dictionaries,
    /// How many connections may read for a slice.
    pub(super) readers: usize,
    /// The persons of a job.
    pub(super) at_once: usize,
}

/// Measures about `limit` new events of what was queued until the row `through`.
pub(super) async fn touched(
    on: &Ground<'_>,
    tenant: &Tenant,
    through: i64,
    limit: i64,
    now: Instant,
) -> Result<Done, StoreError> {
    let started = tokio::time::Instant::now();
    let mut tx = begin(on.pool, tenant.id, Purpose::Measure).await?;
    let early = if fault::seeded("definitions-before-the-lock") {
        let early = definitions::load(&mut tx, tenant, on.texts).await?;
        fault::pause("measure.before_lock").await;
        Some(early)
    } else {
        None
    };
    lock_measure(&mut tx, tenant.id).await?;
    let locked = tokio::time::Instant::now();
    let Claimed { touched, events } = claim(&mut tx, tenant.id, through, limit).await?;
    if touched.is_empty() {
        return Ok(Done::default());
    }
    fault::pause("measure.after_claim").await;
    let there = There::look(&mut tx, tenant).await?;
    let persons = resolve(&mut tx, tenant.id, &touched, there.links).await?;
    let subjects = touched.len();
    drop(touched);
    let measured = match early {
        Some(early) => early,
        None => definitions::load(&mut tx, tenant, on.texts).await?,
    };
    on.recent.look_at(tenant.id, measured.looked_at.as_deref());
    let all: Vec<usize> = (0..measured.versions.len()).collect();
    let task = Task {
        tenant,
        measured: &measured,
        recent: on.recent,
        dictionaries: on.dictionaries,
        studies: &all,
        persons: &persons,
        there,
        now,
        is_slice: true,
        from: None,
        at_once: on.at_once,
    };
    let change = with_readers(on, &mut tx, &task).await?;
    // Whoever was set aside before and could be measured under every version is so no longer.
    let settled: Vec<String> =
        if there.set_aside { persons.iter().flat_map(|person| person.subjects.clone()).collect() } else { Vec::new() };
    // The lock may have been waited for: what is told of this slice is told of its end.
    let now = now.plus_micros(i64::try_from(started.elapsed().as_micros()).unwrap_or(0));
    change.write(&mut tx, tenant.id, &settled, now).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    on.recent.forget(tenant.id, persons.iter().flat_map(|person| person.events.iter().copied()));
    Ok(Done { subjects, events, took: locked.elapsed() })
}

/// Measures the persons of a slice, with connections that read for it where there is more than one job.
async fn with_readers(on: &Ground<'_>, tx: &mut Tx, task: &Task<'_>) -> Result<Change, StoreError> {
    let mut readers = Vec::new();
    while readers.len() < on.readers && task.persons.len() > on.at_once {
        let Some(reader) = begin_reader(on.pool, task.tenant.id).await else { break };
        readers.push(reader);
    }
    measure(Hands { own: tx, readers: &mut readers }, task).await
}

/// Sets aside the person of the one touched subject that no slice gets past, with the reason. Returns how many
/// subjects were claimed.
pub(super) async fn give_up(
    on: &Ground<'_>,
    tenant: &Tenant,
    through: i64,
    reason: &str,
    now: Instant,
) -> Result<usize, StoreError> {
    let mut tx = begin(on.pool, tenant.id, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant.id).await?;
    let Claimed { touched, .. } = claim(&mut tx, tenant.id, through, 1).await?;
    let mut change = Change::on(tenant.zone.day_of(now));
    for touched in &touched {
        let person = Person { subjects: vec![touched.subject.clone()], ..Person::default() };
        change.set_aside(&person, reason);
    }
    change.write(&mut tx, tenant.id, &[], now).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    on.recent.forget(tenant.id, touched.iter().flat_map(|touched| touched.events.iter().copied()));
    Ok(touched.len())
}

/// The dimensions of versions of which slices noted enough to be entered.
pub(super) async fn due(pool: &PgPool, tenant: TenantId, enough: Enough) -> Result<Vec<Due>, StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Reader).await?;
    let due = tallies::due(&mut tx, tenant, enough).await?;
    tx.commit().await?;
    Ok(due)
}

/// Enters what slices noted of one dimension of a version, about so many bytes at once. The sums do not change by it, so that slices
/// may be measured meanwhile; one that builds the version waits for it. Where the version was retired, or another process entered it
/// all, there is nothing to do.
pub(super) async fn enter(pool: &PgPool, tenant: TenantId, due: Due, bytes: i64) -> Result<(), StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Measure).await?;
    if tallies::lock(&mut tx, tenant, due).await? {
        tallies::enter(&mut tx, tenant, due, bytes).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What became of a slice of a building version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Built {
    /// No version is being built.
    Nothing,
    /// Some persons were measured.
    Some(Done),
    /// A version was completed: answers come from it now.
    Switched,
}

/// Measures up to `limit` exposed subjects under the oldest version that is being built, or switches to it.
pub(super) async fn build(on: &Ground<'_>, tenant: &Tenant, limit: i64, now: Instant) -> Result<Built, StoreError> {
    let mut tx = begin(on.pool, tenant.id, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant.id).await?;
    let locked = tokio::time::Instant::now();
    let measured = definitions::load(&mut tx, tenant, on.texts).await?;
    let building = measured.versions.iter().enumerate().find_map(|(at, v)| Some((at, v, v.building.as_ref()?)));
    let Some((study, version, building)) = building else {
        return Ok(Built::Nothing);
    };
    let has_lenses = !version.definition.experiment.lenses.is_empty();
    let limit = if has_lenses { limit.min(WITH_LENSES) } else { limit };
    let exposed = exposed_after(&mut tx, tenant, version, building, limit).await?;
    let Some(last) = exposed.last().cloned() else {
        switch(&mut tx, tenant, version).await?;
        journal::begin_at(&mut tx, tenant.id, version.id, now).await?;
        next_generation(&mut tx, tenant.id, now).await?;
        tx.commit().await?;
        return Ok(Built::Switched);
    };
    let subjects = exposed.len();
    let touched: Vec<Touched> = exposed.into_iter().map(Touched::whole).collect();
    let there = There::look(&mut tx, tenant).await?;
    let persons = resolve(&mut tx, tenant.id, &touched, there.links).await?;
    let from = measured.before(version, tenant);
    let studies = &[study];
    let task = Task {
        tenant,
        measured: &measured,
        recent: on.recent,
        dictionaries: on.dictionaries,
        studies,
        persons: &persons,
        there,
        now,
        is_slice: true,
        from,
        // What lenses are told of is whole journeys.
        at_once: if has_lenses { on.at_once.div_ceil(2) } else { on.at_once },
    };
    with_readers(on, &mut tx, &task).await?.write(&mut tx, tenant.id, &[], now).await?;
    progress(&mut tx, tenant, version, building, (last, subjects)).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    Ok(Built::Some(Done { subjects, events: 0, took: locked.elapsed() }))
}

/// Where so many are set aside already, it is not the subjects that are at fault: then the version waits instead.
const MOST_PASSED_OVER: usize = 20;

/// Sets aside the next exposed subject of a building version, which no slice gets past, with the reason. `false`: too many
/// are set aside already.
pub(super) async fn pass_over(
    pool: &PgPool,
    tenant: &Tenant,
    texts: &Texts,
    reason: &str,
    now: Instant,
) -> Result<bool, StoreError> {
    let mut tx = begin(pool, tenant.id, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant.id).await?;
    let measured = definitions::load(&mut tx, tenant, texts).await?;
    let building = measured.versions.iter().find_map(|version| Some((version, version.building.as_ref()?)));
    let Some((version, building)) = building else { return Ok(false) };
    let Some(subject) = exposed_after(&mut tx, tenant, version, building, 1).await?.pop() else { return Ok(false) };
    let aside =
        sqlx::query(include_str!("../../sql/measure_set_aside.sql")).bind(tenant.id.0).fetch_all(&mut *tx).await?;
    if aside.len() >= MOST_PASSED_OVER {
        return Ok(false);
    }
    let mut change = Change::on(tenant.zone.day_of(now));
    change.set_aside(&Person { subjects: vec![subject.clone()], ..Person::default() }, reason);
    change.write(&mut tx, tenant.id, &[], now).await?;
    progress(&mut tx, tenant, version, building, (subject, 1)).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Notes how far a building version is measured: to the subject `last`, so many after the one before.
async fn progress(
    connection: &mut PgConnection,
    tenant: &Tenant,
    version: &Version,
    building: &Building,
    (last, subjects): (String, usize),
) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/measure_progress.sql"))
        .bind(tenant.id.0)
        .bind(version.id)
        .bind(last)
        .bind(building.done + i64::try_from(subjects).unwrap_or(0))
        .execute(connection)
        .await?;
    Ok(())
}

async fn exposed_after(
    connection: &mut PgConnection,
    tenant: &Tenant,
    version: &Version,
    building: &Building,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/measure_exposed_after.sql"))
        .bind(tenant.id.0)
        .bind(&version.experiment)
        .bind(&building.position)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("subject")?)).collect()
}

async fn switch(connection: &mut PgConnection, tenant: &Tenant, version: &Version) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/measure_retire_active.sql"))
        .bind(tenant.id.0)
        .bind(&version.experiment)
        .execute(&mut *connection)
        .await?;
    sqlx::query(include_str!("../../sql/measure_activate.sql"))
        .bind(tenant.id.0)
        .bind(version.id)
        .execute(connection)
        .await?;
    Ok(())
}
