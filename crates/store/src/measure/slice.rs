//! Slices: bounded pieces of measuring, each one transaction under the tenant's measure lock.
//!
//! The order inside is what keeps tallies exact: first the lock, then the claim, and only then links, definitions and
//! events. Whatever commits after that is touched again, and whatever was claimed is seen.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use journey::{EventId, Happening, Instant, Tenant};
use metrics::contribution::Contribution;
use metrics::fold::{extend, fold};
use sqlx::{PgConnection, PgPool, Row};
use tokio::runtime::RuntimeFlavor;

use super::change::{self, Change, Checkpoint, Stored};
use super::claim::{Touched, claim};
use super::definitions::{self, Building, Measured, Version};
use super::journeys::{self, Journeys, Loader};
use super::persons::{Person, resolve};
use crate::StoreError;
use crate::definitions::{lock_measure, next_generation};
use crate::fault;
use crate::transaction::{Purpose, begin};

/// Persons whose whole journeys are in memory together.
const PERSONS_AT_ONCE: usize = 500;

/// What a slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Done {
    /// Subjects that left the queue, or were gone through.
    pub subjects: usize,
    /// The time that the tallies took: it depends on how many rows there are, and hardly on the subjects.
    pub tallies: Duration,
}

/// Measures up to `limit` touched subjects whose number is at most `through`.
pub(super) async fn touched(
    pool: &PgPool,
    tenant: &Tenant,
    through: i64,
    limit: i64,
    now: Instant,
) -> Result<Done, StoreError> {
    let mut tx = begin(pool, tenant.id, Purpose::Measure).await?;
    let early = if fault::seeded("definitions-before-the-lock") {
        let early = definitions::load(&mut tx, tenant).await?;
        fault::pause("measure.before_lock").await;
        Some(early)
    } else {
        None
    };
    lock_measure(&mut tx, tenant.id).await?;
    let touched = claim(&mut tx, tenant.id, through, limit).await?;
    if touched.is_empty() {
        return Ok(Done::default());
    }
    fault::pause("measure.after_claim").await;
    let there = There::look(&mut tx, tenant).await?;
    let persons = resolve(&mut tx, tenant.id, &touched, there.links).await?;
    let measured = match early {
        Some(early) => early,
        None => definitions::load(&mut tx, tenant).await?,
    };
    let all: Vec<usize> = (0..measured.versions.len()).collect();
    let tallies = measure(&mut tx, tenant, &measured, &all, &persons, there, now).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    Ok(Done { subjects: touched.len(), tallies })
}

/// Sets aside the person of the one touched subject that no slice gets past, with the reason. Returns how many
/// subjects were claimed.
pub(super) async fn give_up(
    pool: &PgPool,
    tenant: &Tenant,
    through: i64,
    reason: &str,
    now: Instant,
) -> Result<usize, StoreError> {
    let mut tx = begin(pool, tenant.id, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant.id).await?;
    let touched = claim(&mut tx, tenant.id, through, 1).await?;
    let mut change = Change::default();
    for touched in &touched {
        let person = Person { subjects: vec![touched.subject.clone()], first: touched.first };
        change.set_aside(&person, reason, &HashMap::new());
    }
    change.write(&mut tx, tenant.id, &[], now).await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    Ok(touched.len())
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
pub(super) async fn build(pool: &PgPool, tenant: &Tenant, limit: i64, now: Instant) -> Result<Built, StoreError> {
    let mut tx = begin(pool, tenant.id, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant.id).await?;
    let measured = definitions::load(&mut tx, tenant).await?;
    let building = measured.versions.iter().enumerate().find_map(|(at, v)| Some((at, v, v.building.as_ref()?)));
    let Some((study, version, building)) = building else {
        return Ok(Built::Nothing);
    };
    let exposed = exposed_after(&mut tx, tenant, version, building, limit).await?;
    let Some(last) = exposed.last().cloned() else {
        switch(&mut tx, tenant, version).await?;
        next_generation(&mut tx, tenant.id, now).await?;
        tx.commit().await?;
        return Ok(Built::Switched);
    };
    let subjects = exposed.len();
    let done = building.done + i64::try_from(subjects).unwrap_or(0);
    // Before every event, so that each journey is folded whole.
    let first = (Instant::from_micros(i64::MIN), EventId::from_bytes([0; 16]));
    let touched: Vec<Touched> = exposed.into_iter().map(|subject| Touched { subject, first }).collect();
    let there = There::look(&mut tx, tenant).await?;
    let persons = resolve(&mut tx, tenant.id, &touched, there.links).await?;
    let tallies = measure(&mut tx, tenant, &measured, &[study], &persons, there, now).await?;
    sqlx::query(include_str!("../../sql/measure_progress.sql"))
        .bind(tenant.id.0)
        .bind(version.id)
        .bind(last)
        .bind(done)
        .execute(&mut *tx)
        .await?;
    next_generation(&mut tx, tenant.id, now).await?;
    tx.commit().await?;
    Ok(Built::Some(Done { subjects, tallies }))
}

/// Which tables of the tenant hold anything.
#[derive(Debug, Clone, Copy)]
struct There {
    links: bool,
    checkpoints: bool,
    set_aside: bool,
}

impl There {
    async fn look(connection: &mut PgConnection, tenant: &Tenant) -> Result<Self, StoreError> {
        let row =
            sqlx::query(include_str!("../../sql/measure_flags.sql")).bind(tenant.id.0).fetch_one(connection).await?;
        Ok(Self {
            links: row.try_get("links")?,
            checkpoints: row.try_get("checkpoints")?,
            set_aside: row.try_get("set_aside")?,
        })
    }
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

/// Measures persons under the studies given, and writes what changed. Returns the time that the tallies took.
async fn measure(
    connection: &mut PgConnection,
    tenant: &Tenant,
    measured: &Measured,
    studies: &[usize],
    persons: &[Person],
    there: There,
    now: Instant,
) -> Result<Duration, StoreError> {
    let subjects: Vec<String> = persons.iter().flat_map(|person| person.subjects.iter().cloned()).collect();
    let versions: Vec<i64> = studies.iter().map(|study| measured.versions[*study].id).collect();
    let known =
        if there.checkpoints { change::checkpoints(connection, tenant.id, &subjects).await? } else { HashMap::new() };
    let stored = change::stored(connection, tenant.id, &versions, &subjects).await?;
    let loader = Loader::new(tenant.currency, &measured.plan.paths);
    let mut work = Work { measured, studies, stored: &stored, known: &known, change: Change::default() };

    let (onward, whole): (Vec<&Person>, Vec<&Person>) = persons.iter().partition(|person| work.goes_on(person));
    let mut again = Vec::new();
    if !onward.is_empty() {
        let (mut from, mut positions) = (Vec::new(), Vec::new());
        for person in &onward {
            from.extend(person.subjects.iter().cloned());
            positions.extend(person.subjects.iter().map(|_| known[person.key()].last));
        }
        let mut later = loader.after(connection, tenant.id, &from, &positions).await?;
        for person in onward {
            if !work.go_on(person, &mut later) {
                again.push(person);
            }
        }
    }
    let whole: Vec<&Person> = whole.into_iter().chain(again).collect();
    for some in whole.chunks(PERSONS_AT_ONCE) {
        let from: Vec<String> = some.iter().flat_map(|person| person.subjects.iter().cloned()).collect();
        let mut journeys = loader.whole(connection, tenant.id, &from).await?;
        for person in some {
            work.start_over(person, &mut journeys);
        }
    }
    let settled = if there.set_aside && work.is_complete() { subjects.as_slice() } else { &[] };
    Ok(work.change.write(connection, tenant.id, settled, now).await?)
}

struct Work<'a> {
    measured: &'a Measured,
    studies: &'a [usize],
    stored: &'a Stored,
    known: &'a HashMap<String, Checkpoint>,
    change: Change,
}

impl Work<'_> {
    /// Whether only the events after the checkpoint are needed: nothing arrived late, and the person has not grown.
    /// Persons only grow, so one with the same key and as many subjects has the same ones.
    fn goes_on(&self, person: &Person) -> bool {
        let checkpoint = self.known.get(person.key());
        checkpoint.is_some_and(|c| c.subjects == person.subjects.len() && person.first > c.last)
    }

    /// Whether the slice measures every version that there is.
    fn is_complete(&self) -> bool {
        self.studies.len() == self.measured.versions.len()
    }

    /// Folds later events onto what is stored. `false`: the whole journey is needed.
    fn go_on(&mut self, person: &Person, later: &mut Journeys) -> bool {
        let Ok(events) = journeys::of_person(later, &person.subjects) else {
            return false;
        };
        let before = self.known[person.key()];
        let mut results = Vec::with_capacity(self.studies.len());
        for study in self.studies {
            let version = &self.measured.versions[*study];
            let body = self
                .stored
                .get(person.key())
                .and_then(|rows| rows.iter().find(|(id, _)| *id == version.id))
                .map(|(_, body)| body.as_slice());
            let stored = body.map_or(Ok(Contribution::default()), Contribution::from_bytes);
            let Ok(mut contribution) = stored else {
                return false;
            };
            let extended =
                guarded(|| extend(&self.measured.plan, *study, &mut contribution, &events).then_some(contribution));
            match extended {
                Ok(Some(contribution)) => results.push((version, contribution)),
                Ok(None) | Err(_) => return false,
            }
        }
        let checkpoint = Checkpoint {
            subjects: person.subjects.len(),
            events: before.events + events.len(),
            last: events.last().map_or(before.last, Happening::position),
        };
        match self.change.replace(person, &results, self.stored) {
            Ok(()) => self.change.mark(person, Some(checkpoint), self.known),
            Err(reason) => self.change.set_aside(person, &reason, self.known),
        }
        true
    }

    /// Folds the whole journey.
    fn start_over(&mut self, person: &Person, journeys: &mut Journeys) {
        if let Err(reason) = self.try_start_over(person, journeys) {
            self.change.set_aside(person, &reason, self.known);
        }
    }

    fn try_start_over(&mut self, person: &Person, journeys: &mut Journeys) -> Result<(), String> {
        let events = journeys::of_person(journeys, &person.subjects)?;
        let exposed: HashSet<&str> =
            events.iter().filter_map(|event| event.exposure.as_ref().map(|e| e.experiment.as_str())).collect();
        let mut results = Vec::with_capacity(self.studies.len());
        for study in self.studies {
            let version = &self.measured.versions[*study];
            let contribution = if exposed.contains(version.experiment.as_str()) {
                guarded(|| aside(events.len(), || fold(&self.measured.plan, *study, &events)))?
            } else {
                Contribution::default()
            };
            results.push((version, contribution));
        }
        self.change.replace(person, &results, self.stored)?;
        let checkpoint = events.last().map(|last| Checkpoint {
            subjects: person.subjects.len(),
            events: events.len(),
            last: last.position(),
        });
        if self.is_complete() {
            self.change.mark(person, checkpoint, self.known);
        } else if self.known.get(person.key()).map(|c| c.last) != checkpoint.map(|c| c.last) {
            // This version is folded further than the others, so there is no position that all can go on from.
            self.change.mark(person, None, self.known);
        }
        Ok(())
    }
}

/// Runs the fold of a long journey where it keeps no other task of this thread waiting.
fn aside<T>(events: usize, run: impl FnOnce() -> T) -> T {
    let many_threads = tokio::runtime::Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if events > 5_000 && many_threads { tokio::task::block_in_place(run) } else { run() }
}

/// Runs a fold so that a panic of one person's fold sets that person aside and stops nobody else.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the fold failed".into())
    })
}
