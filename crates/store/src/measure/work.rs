//! How a slice goes through its persons: in jobs, one after the other or in a line.

use std::collections::HashSet;
use std::slice::Chunks;

use chrono::{DateTime, Utc};
use journey::{Instant, Tenant};
use metrics::fold::Widening;
use sqlx::{PgConnection, Row};
use tokio::task::yield_now;
use uuid::Uuid;

use super::amounts::{Amounts, Unfinished};
use super::change::{self, Change};
use super::contributions::Stored;
use super::definitions::Measured;
use super::job::{Job, Loaded, Loading};
use super::journeys::Read;
use super::line;
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
    /// The persons of a job; the journeys of two jobs are in memory, and of one more for each connection that reads.
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

/// Measures persons, and gathers what changes. Whoever asked and has gone is noticed between jobs, where one is measured after the other.
pub(super) async fn measure(hands: Hands<'_>, task: &Task<'_>) -> Result<Change, StoreError> {
    if task.studies.is_empty() {
        return Ok(Change::on(task.tenant.zone.day_of(task.now)));
    }
    let loading = Loading::new(task);
    let most_rows = change::most_rows(task);
    let mut amounts = Amounts::new(task);
    if task.persons.len() > task.at_once {
        let own = Hands { own: &mut *hands.own, readers: &mut *hands.readers };
        let jobs = (Jobs::new(task), &mut amounts);
        if let Some(measured) = line::measure(own, (task, &loading), jobs, most_rows).await {
            measured?;
            return Ok(amounts.change);
        }
    }
    let mut jobs = Jobs::new(task);
    while let Some(job) = jobs.next(true) {
        // What the last job changed is written with everything else.
        amounts.writes(task.is_slice, most_rows).write(hands.own, task.tenant.id).await?;
        let loaded = load(hands.own, task, &loading, job).await?;
        jobs.add(amounts.add(loaded));
        yield_now().await;
    }
    Ok(amounts.change)
}

/// The jobs of a task.
pub(super) struct Jobs<'a> {
    first: Chunks<'a, Person>,
    /// Persons of jobs that are over whose whole journeys are needed.
    left: Unfinished<'a>,
    at_once: usize,
}

impl<'a> Jobs<'a> {
    fn new(task: &'a Task<'_>) -> Self {
        Self { first: task.persons.chunks(task.at_once), left: (Vec::new(), Stored::new()), at_once: task.at_once }
    }

    pub(super) fn add(&mut self, (persons, stored): Unfinished<'a>) {
        self.left.0.extend(persons);
        self.left.1.extend(stored);
    }

    /// The next one. `is_last`: nothing else is under way, so that no more persons will be left.
    pub(super) fn next(&mut self, is_last: bool) -> Option<Job<'a>> {
        let (again, stored) = &mut self.left;
        if again.len() < self.at_once {
            if let Some(persons) = self.first.next() {
                return Some(Job::First(persons.iter().collect()));
            }
            if !is_last {
                return None;
            }
        }
        let persons: Vec<&Person> = again.drain(..again.len().min(self.at_once)).collect();
        let subjects = persons.iter().flat_map(|person| &person.subjects);
        let stored = subjects.filter_map(|subject| stored.remove_entry(subject)).collect();
        (!persons.is_empty()).then_some(Job::Again(persons, stored))
    }
}

/// Reads what a job takes over the connection that sees what is claimed.
async fn load<'a>(
    own: &mut PgConnection,
    task: &Task<'_>,
    loading: &Loading<'a>,
    job: Job<'a>,
) -> Result<Loaded<'a>, sqlx::Error> {
    let mut early = None;
    if fault::seeded("queue-before-the-load")
        && let Read::Claimed(Some(until)) = task.read()
    {
        early = Some(unclaimed(own, task.tenant.id, until).await?);
    }
    fault::pause("measure.before_load").await;
    let mut loaded = [loading.load(own, job).await?];
    leave_out(own, task, &mut loaded, early).await?;
    let [loaded] = loaded;
    Ok(loaded)
}

/// Leaves out of what was loaded what waits in the queue. It is looked at after the events are read, and where the claim is seen; unless
/// it was looked at `early`.
pub(super) async fn leave_out(
    own: &mut PgConnection,
    task: &Task<'_>,
    loaded: &mut [Loaded<'_>],
    early: Option<HashSet<Uuid>>,
) -> Result<(), sqlx::Error> {
    if loaded.iter().any(Loaded::has_journeys)
        && let Read::Claimed(Some(until)) = task.read()
    {
        let waiting = match early {
            Some(early) => early,
            None => unclaimed(own, task.tenant.id, until).await?,
        };
        for loaded in loaded {
            loaded.leave_out(&waiting);
        }
    }
    Ok(())
}
