//! How a slice goes through its persons: in jobs, one of which is measured while what the one before changed is written and the next
//! is read.

use std::slice::Chunks;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use journey::{Instant, Tenant};
use metrics::fold::Widening;
use sqlx::{PgConnection, Row};
use tokio::task::yield_now;

use super::amounts::{Amounts, Unfinished};
use super::beside::beside;
use super::change::{self, Change, Writes};
use super::contributions::Stored;
use super::definitions::Measured;
use super::job::{Job, Loaded, Loading};
use super::journeys::Read;
use super::persons::Person;
use super::unclaimed::unclaimed;
use crate::StoreError;
use crate::fault;
use crate::packed::Dictionaries;
use crate::recent::Recent;
use crate::transaction::Tx;

/// The connections of a slice.
pub(super) struct Hands<'a> {
    /// That of its transaction: whatever it claims and writes.
    pub own: &'a mut PgConnection,
    /// Those that read for it meanwhile, if there are any to spare.
    pub readers: &'a mut [Tx],
}

/// What is known of the tenant before anything is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct There {
    pub links: bool,
    pub set_aside: bool,
    /// No event that ever left the queue was received after this; `None`: none ever did.
    pub claimed_through: Option<DateTime<Utc>>,
}

impl There {
    pub(super) async fn look(connection: &mut PgConnection, tenant: &Tenant) -> Result<Self, StoreError> {
        let row =
            sqlx::query(include_str!("../../sql/measure_flags.sql")).bind(tenant.id.0).fetch_one(connection).await?;
        Ok(Self {
            links: row.try_get("links")?,
            set_aside: row.try_get("set_aside")?,
            claimed_through: row.try_get("claimed_through")?,
        })
    }
}

/// What is to be measured, and how.
pub(super) struct Task<'a> {
    pub tenant: &'a Tenant,
    pub measured: &'a Measured,
    /// Events that need not be read.
    pub recent: &'a Recent,
    /// What their JSON is packed with.
    pub dictionaries: &'a Dictionaries,
    /// The indices of the versions to measure under.
    pub studies: &'a [usize],
    pub persons: &'a [Person],
    pub there: There,
    /// When it is measured.
    pub now: Instant,
    /// Whether it is a slice: other events of the persons may wait in the queue, to be measured later, and contributions are
    /// written on the way. Else all that waits is here, and nothing is written.
    pub is_slice: bool,
    /// The version that answers come from while one that places persons alike is being built, and the step from it.
    pub from: Option<(i64, Widening)>,
    /// The persons of a job; the journeys of twice as many are in memory for each connection that reads.
    pub at_once: usize,
}

impl Task<'_> {
    /// Which events of whole journeys are folded.
    pub(super) fn read(&self) -> Read {
        if self.is_slice && !fault::seeded("fold-what-waits") {
            Read::Claimed(self.there.claimed_through)
        } else {
            Read::All
        }
    }
}

/// Measures persons, and gathers what changes.
pub(super) async fn measure(mut hands: Hands<'_>, task: &Task<'_>) -> Result<Change, StoreError> {
    if task.studies.is_empty() {
        return Ok(Change::on(task.tenant.zone.day_of(task.now)));
    }
    let loading = Loading::new(task);
    let most_rows = change::most_rows(task);
    let mut amounts = Amounts::new(task);
    let mut jobs =
        Jobs { first: task.persons.chunks(task.at_once), left: (Vec::new(), Stored::new()), at_once: task.at_once };
    let side_by_side = hands.readers.len().max(1);
    let mut loaded = step(&mut hands, task, &loading, (Writes::default(), jobs.take(side_by_side))).await?;
    while !loaded.is_empty() {
        let writes = if task.is_slice { amounts.change.take_writes() } else { Writes::default() };
        let next = jobs.take(side_by_side);
        let mut add = || {
            let left = loaded.drain(..).map(|loaded| amounts.add(loaded)).collect::<Vec<_>>();
            if task.is_slice {
                amounts.change.make_room(most_rows);
            }
            left
        };
        let (left, stepped) = if writes.is_empty() && next.is_empty() {
            (add(), Ok(Vec::new()))
        } else {
            beside(add, step(&mut hands, task, &loading, (writes, next))).await
        };
        for left in left {
            jobs.add(left);
        }
        loaded = stepped?;
        if loaded.is_empty() {
            loaded = step(&mut hands, task, &loading, (Writes::default(), jobs.take(side_by_side))).await?;
        }
        // Whoever asked may have gone.
        yield_now().await;
    }
    Ok(amounts.change)
}

/// The jobs of a task.
struct Jobs<'a> {
    first: Chunks<'a, Person>,
    /// Persons of jobs that are over whose whole journeys are needed.
    left: Unfinished<'a>,
    at_once: usize,
}

impl<'a> Jobs<'a> {
    fn add(&mut self, (persons, stored): Unfinished<'a>) {
        self.left.0.extend(persons);
        self.left.1.extend(stored);
    }

    fn take(&mut self, most: usize) -> Vec<Job<'a>> {
        std::iter::from_fn(|| self.next()).take(most).collect()
    }

    fn next(&mut self) -> Option<Job<'a>> {
        let (again, stored) = &mut self.left;
        if again.len() < self.at_once
            && let Some(persons) = self.first.next()
        {
            return Some(Job::First(persons.iter().collect()));
        }
        let persons: Vec<&Person> = again.drain(..again.len().min(self.at_once)).collect();
        let subjects = persons.iter().flat_map(|person| &person.subjects);
        let stored = subjects.filter_map(|subject| stored.remove_entry(subject)).collect();
        (!persons.is_empty()).then_some(Job::Again(persons, stored))
    }
}

/// Writes what some jobs changed and reads what others take, side by side where there are connections to spare.
async fn step<'a>(
    hands: &mut Hands<'_>,
    task: &Task<'_>,
    loading: &Loading<'a>,
    (writes, jobs): (Writes, Vec<Job<'a>>),
) -> Result<Vec<Loaded<'a>>, sqlx::Error> {
    let tenant = task.tenant.id;
    let mut all = Vec::with_capacity(jobs.len());
    let mut early = None;
    if !jobs.is_empty() {
        if fault::seeded("queue-before-the-load")
            && let Read::Claimed(Some(until)) = task.read()
        {
            early = Some(unclaimed(hands.own, tenant, until).await?);
        }
        fault::pause("measure.before_load").await;
    }
    if hands.readers.is_empty() {
        writes.write(hands.own, tenant).await?;
        for job in jobs {
            all.push(loading.load(hands.own, job).await?);
        }
    } else {
        debug_assert!(jobs.len() <= hands.readers.len(), "a job for each connection that reads at most");
        let written = writes.write(hands.own, tenant);
        let loads = hands.readers.iter_mut().zip(jobs).map(|(reader, job)| loading.load(reader, job));
        let (written, loads) = tokio::join!(written, join_all(loads));
        written?;
        all = loads.into_iter().collect::<Result<_, _>>()?;
    }
    // It is looked at after the events are read, and where the claim is seen.
    if all.iter().any(Loaded::has_journeys)
        && let Read::Claimed(Some(until)) = task.read()
    {
        let waiting = match early {
            Some(early) => early,
            None => unclaimed(hands.own, tenant, until).await?,
        };
        for loaded in &mut all {
            loaded.leave_out(&waiting);
        }
    }
    Ok(all)
}
