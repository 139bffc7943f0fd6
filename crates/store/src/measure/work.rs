//! What persons amount to now: new events are added to what is stored, or the whole journey is folded, and the change
//! of contributions and tallies is gathered.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::ScopedJoinHandle;

use chrono::{DateTime, Utc};
use journey::{Instant, Tenant};
use metrics::contribution::Contribution;
use metrics::fold::{Widening, extend, fold};
use sqlx::{PgConnection, Row};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{block_in_place, yield_now};

use super::change::{self, Change, Stored};
use super::definitions::Measured;
use super::journeys::{self, Journeys, Loader, Read};
use super::persons::{Person, exposed_among};
use crate::StoreError;
use crate::recent::Recent;

/// Persons that are measured together; the journeys of twice as many are in memory.
const PERSONS_AT_ONCE: usize = 500;

/// What is known of the tenant before anything is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct There {
    pub links: bool,
    pub set_aside: bool,
    /// No event that ever left the queue was received after this; `None`: none ever did.
    pub claimed_until: Option<DateTime<Utc>>,
}

impl There {
    pub(super) async fn look(connection: &mut PgConnection, tenant: &Tenant) -> Result<Self, StoreError> {
        let row =
            sqlx::query(include_str!("../../sql/measure_flags.sql")).bind(tenant.id.0).fetch_one(connection).await?;
        Ok(Self {
            links: row.try_get("links")?,
            set_aside: row.try_get("set_aside")?,
            claimed_until: row.try_get("claimed_until")?,
        })
    }
}

/// What is to be measured, and how.
pub(super) struct Task<'a> {
    pub tenant: &'a Tenant,
    pub measured: &'a Measured,
    /// Events that need not be read.
    pub recent: &'a Recent,
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
}

/// Measures persons, and gathers what changes.
pub(super) async fn measure(connection: &mut PgConnection, task: &Task<'_>) -> Result<Change, StoreError> {
    let tenant = task.tenant;
    let subjects: Vec<String> = task.persons.iter().flat_map(|person| person.subjects.iter().cloned()).collect();
    let measured = task.studies.iter().map(|study| task.measured.versions[*study].id);
    let versions: Vec<i64> = measured.chain(task.from.iter().map(|(from, _)| *from)).collect();
    let stored = change::stored(connection, tenant.id, &versions, &subjects).await?;
    let held_back = if task.there.set_aside {
        change::held_back(connection, tenant.id, task.persons).await?
    } else {
        HashSet::new()
    };
    let plan = &task.measured.plan;
    let loader = Loader::new(tenant.currency, &plan.paths, plan.names_with_facts());
    let mut work = Work {
        measured: task.measured,
        studies: task.studies,
        stored: &stored,
        change: Change::on(tenant.zone.day_of(task.now)),
    };

    // Whoever lost old events, or was linked, need not have been exposed to anything that is measured.
    let is_new = |person: &&Person| person.whole && !person.exposed && !stored.contains_key(person.key());
    let mut experiments: Vec<&str> =
        task.studies.iter().map(|study| task.measured.versions[*study].experiment.as_str()).collect();
    experiments.sort_unstable();
    experiments.dedup();
    let exposed = exposed_among(connection, tenant.id, &experiments, task.persons.iter().filter(is_new)).await?;
    let (mut onward, mut widened, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for person in task.persons {
        let is_held_back = person.is_among(&held_back);
        if is_held_back || work.has_grown(person) {
            whole.push(person);
        } else if task.from.is_some() {
            widened.push(person);
        } else if person.whole {
            if !is_new(&person) || person.is_among(&exposed) {
                whole.push(person);
            }
        } else if person.exposed || stored.contains_key(person.key()) {
            onward.push(person);
        }
        // Who was never exposed and is not now adds nothing.
    }
    if let Some((from, widening)) = &task.from {
        let (loader, jobs) =
            (Loader::new(tenant.currency, widening.paths(), None), jobs(&widened, Step::Widen(*from, widening)));
        whole.extend(pipeline(connection, task, &loader, &mut work, jobs).await?);
    }
    whole.extend(pipeline(connection, task, &loader, &mut work, jobs(&onward, Step::GoOn)).await?);
    pipeline(connection, task, &loader, &mut work, jobs(&whole, Step::StartOver)).await?;
    Ok(work.change)
}

/// How some persons are measured.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// Their new events are added to what is stored.
    GoOn,
    /// What is stored under the version before is made a contribution to the new one.
    Widen(i64, &'a Widening),
    /// Their whole journeys are folded.
    StartOver,
}

/// Persons that are measured together.
struct Job<'a> {
    persons: Vec<&'a Person>,
    step: Step<'a>,
}

fn jobs<'a>(persons: &[&'a Person], step: Step<'a>) -> VecDeque<Job<'a>> {
    persons.chunks(PERSONS_AT_ONCE).map(|some| Job { persons: some.to_vec(), step }).collect()
}

impl Job<'_> {
    /// Loads the events that it takes.
    async fn load(
        &self,
        connection: &mut PgConnection,
        task: &Task<'_>,
        loader: &Loader,
    ) -> Result<Journeys, sqlx::Error> {
        let names = match self.step {
            Step::GoOn => {
                let ids: Vec<uuid::Uuid> =
                    self.persons.iter().flat_map(|person| person.events.iter().copied()).collect();
                return loader.events(connection, task.tenant.id, &ids, task.recent).await;
            }
            Step::Widen(_, widening) => widening.names(),
            Step::StartOver => None,
        };
        let subjects: Vec<String> = self.persons.iter().flat_map(|person| person.subjects.iter().cloned()).collect();
        let read = if task.is_slice { Read::Claimed(task.there.claimed_until) } else { Read::All };
        loader.whole(connection, task.tenant.id, &subjects, names, read).await
    }
}

/// Works the jobs off: while the persons of one are measured, the contributions of the one before are written and the events of the
/// next are loaded. Returns the persons whose whole journeys are needed.
async fn pipeline<'a>(
    connection: &mut PgConnection,
    task: &Task<'a>,
    loader: &Loader,
    work: &mut Work<'_>,
    mut jobs: VecDeque<Job<'a>>,
) -> Result<Vec<&'a Person>, sqlx::Error> {
    let mut whole = Vec::new();
    let Some(mut job) = jobs.pop_front() else { return Ok(whole) };
    let mut journeys = job.load(connection, task, loader).await?;
    while let Some(next) = jobs.pop_front() {
        let measured = if task.is_slice { work.change.take_contributions() } else { Vec::new() };
        let loading = async {
            change::put_contributions(connection, task.tenant.id, measured).await?;
            next.load(connection, task, loader).await
        };
        let (left, loaded) = beside(|| work.run(&job, journeys), loading).await;
        whole.extend(left);
        (job, journeys) = (next, loaded?);
        // Whoever asked may have gone.
        yield_now().await;
    }
    whole.extend(work.run(&job, journeys));
    Ok(whole)
}

/// Folds on a thread of its own while `loading` waits for the database; one after the other where the runtime has a single thread.
async fn beside<T: Send, L>(folding: impl FnOnce() -> T + Send, loading: impl Future<Output = L>) -> (T, L) {
    let runtime = Handle::current();
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return (folding(), loading.await);
    }
    block_in_place(|| {
        let (mut folding, mut folded) = (Some(folding), None);
        let loaded = std::thread::scope(|scope| {
            let fold = || folded = folding.take().map(|folding| folding());
            let beside = std::thread::Builder::new().name("fold".to_owned()).spawn_scoped(scope, fold);
            let loaded = runtime.block_on(loading);
            if let Ok(Err(panic)) = beside.map(ScopedJoinHandle::join) {
                resume_unwind(panic);
            }
            loaded
        });
        // Where there could be no other thread, it is done by this one.
        let folded = folded.or_else(|| folding.map(|folding| folding()));
        (folded.unwrap_or_else(|| resume_unwind(Box::new("the fold came to no end"))), loaded)
    })
}

struct Work<'a> {
    measured: &'a Measured,
    studies: &'a [usize],
    stored: &'a Stored,
    change: Change,
}

impl Work<'_> {
    /// Whether something is stored under another subject than the key: then it is of a former person.
    fn has_grown(&self, person: &Person) -> bool {
        person.subjects[1..].iter().any(|subject| self.stored.contains_key(subject))
    }

    /// Measures the persons of a job. Returns those whose whole journeys are needed.
    fn run<'p>(&mut self, job: &Job<'p>, mut journeys: Journeys) -> Vec<&'p Person> {
        let mut whole = Vec::new();
        for person in &job.persons {
            let done = match job.step {
                Step::GoOn => self.go_on(person, &mut journeys),
                Step::Widen(from, widening) => self.widen(person, (from, widening), &mut journeys),
                Step::StartOver => {
                    self.start_over(person, &mut journeys);
                    true
                }
            };
            if !done {
                whole.push(*person);
            }
        }
        whole
    }

    /// Adds new events to what is stored. `false`: the whole journey is needed.
    fn go_on(&mut self, person: &Person, new: &mut Journeys) -> bool {
        let Ok(events) = journeys::of_person(new, &person.subjects) else {
            return false;
        };
        let mut results = Vec::new();
        for study in self.studies {
            let version = &self.measured.versions[*study];
            let rows = self.stored.get(person.key()).map_or(&[][..], Vec::as_slice);
            let body = rows.iter().find(|(id, _)| *id == version.id).map(|(_, body)| body.as_slice());
            let Ok(mut contribution) = body.map_or(Ok(Contribution::default()), Contribution::from_bytes) else {
                return false;
            };
            match guarded(|| extend(&self.measured.plan, *study, &mut contribution, &events)) {
                Ok(true) if body.is_some() => results.push((version, contribution)),
                Ok(true) => {}
                Ok(false) | Err(_) => return false,
            }
        }
        if let Err(reason) = self.change.replace(person, &results, self.stored) {
            self.change.set_aside(person, &reason);
        }
        true
    }

    /// Makes what is stored under the version before a contribution to the new one. `false`: the whole journey is needed.
    fn widen(&mut self, person: &Person, (from, widening): (i64, &Widening), journeys: &mut Journeys) -> bool {
        let rows = self.stored.get(person.key()).map_or(&[][..], Vec::as_slice);
        let Some((_, body)) = rows.iter().find(|(id, _)| *id == from) else { return false };
        let Ok(before) = Contribution::from_bytes(body) else { return false };
        let Ok(events) = journeys::of_person(journeys, &person.subjects) else { return false };
        let Ok(Some(contribution)) = guarded(|| widening.widen(&before, &events)) else { return false };
        let results: Vec<_> =
            self.studies.iter().map(|study| (&self.measured.versions[*study], contribution.clone())).collect();
        if let Err(reason) = self.change.replace(person, &results, self.stored) {
            self.change.set_aside(person, &reason);
        }
        true
    }

    /// Folds the whole journey.
    fn start_over(&mut self, person: &Person, journeys: &mut Journeys) {
        if let Err(reason) = self.try_start_over(person, journeys) {
            self.change.set_aside(person, &reason);
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
        self.change.replace(person, &results, self.stored)
    }
}

/// Runs the fold of a long journey where it keeps no other task of this thread waiting.
fn aside<T>(events: usize, run: impl FnOnce() -> T) -> T {
    // Beside the loading it has a thread of its own already.
    let is_shared = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if events > 5_000 && is_shared { block_in_place(run) } else { run() }
}

/// Runs a fold so that a panic of one person's fold sets that person aside and stops nobody else.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the fold failed".into())
    })
}
