//! Jobs: some persons of a slice, with everything that has to be read of them before they can be measured.
//!
//! A job may be loaded over another connection than the slice's own, which sees nothing of what the slice claims and writes: what is
//! stored of a person changes only where that person is measured, and that is in one job.

use std::collections::HashSet;
use std::iter::repeat_n;

use sqlx::PgConnection;
use uuid::Uuid;

use super::change;
use super::contributions::{self, Stored};
use super::journeys::{Journeys, Loader};
use super::persons::{Lately, Person, exposed_among};
use super::work::Task;
use crate::fault;

/// Persons that are measured together.
pub(super) enum Job<'a> {
    /// Nothing is known of them yet.
    First(Vec<&'a Person>),
    /// Their new events could not be added to what is stored of them.
    Again(Vec<&'a Person>, Stored),
}

/// Some persons, with the events that they are measured from.
#[derive(Default)]
pub(super) struct Ready<'a> {
    pub(super) persons: Vec<&'a Person>,
    pub(super) journeys: Journeys,
    /// How many days before a first exposure the journeys begin; `None`: they are whole.
    pub(super) days_before: Option<i64>,
}

/// What was read for a job.
#[derive(Default)]
pub(super) struct Loaded<'a> {
    /// What is stored of all of them.
    pub(super) stored: Stored,
    /// Their new events are added to what is stored.
    pub(super) onward: Ready<'a>,
    /// What is stored under the version before is made a contribution to the new one.
    pub(super) widened: Ready<'a>,
    /// They are exposed to something for the first time; what of their journeys matters to that.
    pub(super) lately: Ready<'a>,
    /// Their new events can't be added for every version; whole journeys.
    pub(super) again: Ready<'a>,
    /// Everything of them is folded; whole journeys.
    pub(super) whole: Ready<'a>,
}

/// How the jobs of a task are loaded.
pub(super) struct Loading<'a> {
    task: &'a Task<'a>,
    /// The versions under which contributions are read.
    versions: Vec<i64>,
    experiments: Vec<&'a str>,
    journeys: Loader<'a>,
    /// For the events that new metrics look at.
    widening: Option<Loader<'a>>,
    /// How many days before a first exposure anything matters to the versions to which not everything does; `None`: there are none.
    looks_back_days: Option<i64>,
    /// The experiments to whose first exposures everything matters, ascending.
    unlimited: Vec<&'a str>,
}

impl<'a> Loading<'a> {
    pub(super) fn new(task: &'a Task<'a>) -> Self {
        let plan = &task.measured.plan;
        let measured = || task.studies.iter().map(|study| &task.measured.versions[*study]);
        let mut experiments: Vec<&str> = measured().map(|version| version.experiment.as_str()).collect();
        experiments.sort_unstable();
        experiments.dedup();
        // Of who is not measured under a version yet, exposures to its experiment may be as old as any.
        let is_building = measured().any(|version| version.building.is_some());
        let days = |study: &&usize| plan.studies[**study].looks_back_days();
        let unlimited = task.studies.iter().filter(|study| days(study).is_none());
        let mut unlimited: Vec<&str> =
            unlimited.map(|study| task.measured.versions[*study].experiment.as_str()).collect();
        unlimited.sort_unstable();
        Self {
            task,
            versions: measured().map(|version| version.id).chain(task.from.iter().map(|(from, _)| *from)).collect(),
            experiments,
            journeys: Loader::new(task, &plan.paths, task.measured.looked_at.as_deref()),
            widening: task.from.as_ref().map(|(_, widening)| Loader::new(task, widening.paths(), None)),
            looks_back_days: task.studies.iter().filter_map(|study| days(&study)).max().filter(|_| !is_building),
            unlimited,
        }
    }

    /// Reads what a job takes. Whole journeys hold events that wait in the queue still: see [`Loaded::leave_out`].
    pub(super) async fn load(&self, connection: &mut PgConnection, job: Job<'a>) -> Result<Loaded<'a>, sqlx::Error> {
        let mut loaded = match job {
            Job::First(persons) => self.sort(connection, persons).await?,
            Job::Again(persons, stored) => {
                Loaded { stored, again: Ready { persons, ..Ready::default() }, ..Loaded::default() }
            }
        };
        let task = self.task;
        let read = task.read();
        if let (Some((_, widening)), Some(loader)) = (&task.from, &self.widening) {
            let widened = &mut loaded.widened;
            let subjects = subjects(&widened.persons);
            widened.journeys = loader.whole(connection, (&subjects, &[]), widening.names(), read).await?;
        }
        let onward = &mut loaded.onward;
        let new: Vec<Uuid> = onward.persons.iter().flat_map(|person| person.events.iter().copied()).collect();
        onward.journeys = self.journeys.events(connection, &new).await?;
        for ready in [&mut loaded.lately, &mut loaded.again, &mut loaded.whole] {
            let subjects = subjects(&ready.persons);
            let lately = match ready.days_before {
                Some(days) => lately(&ready.persons, days),
                None => Vec::new(),
            };
            ready.journeys = self.journeys.whole(connection, (&subjects, &lately), None, read).await?;
        }
        Ok(loaded)
    }

    /// How each of these persons is to be measured, from what is stored of them.
    async fn sort(&self, connection: &mut PgConnection, persons: Vec<&'a Person>) -> Result<Loaded<'a>, sqlx::Error> {
        let (task, tenant) = (self.task, self.task.tenant.id);
        let stored = contributions::stored(connection, tenant, &self.versions, &subjects(&persons)).await?;
        let held_back =
            if task.there.set_aside { change::held_back(connection, tenant, &persons).await? } else { HashSet::new() };
        // Whoever lost old events, or was linked, need not have been exposed to anything that is measured.
        let is_new = |person: &&&Person| person.whole && !person.exposed && !stored.contains_key(person.key());
        let exposed =
            exposed_among(connection, tenant, &self.experiments, persons.iter().filter(is_new).copied()).await?;
        let mut loaded = Loaded::default();
        loaded.lately.days_before = self.looks_back_days;
        for person in persons {
            // Something that is stored under another subject than the key is of a former person.
            let has_grown = person.subjects[1..].iter().any(|subject| stored.contains_key(subject));
            let kind = if has_grown || person.is_among(&held_back) {
                &mut loaded.whole
            } else if task.from.is_some() {
                &mut loaded.widened
            } else if person.whole {
                if is_new(&&person) && !person.is_among(&exposed) {
                    continue;
                }
                &mut loaded.whole
            } else if person.first_exposed_at.is_some() && self.looks_back(person, stored.contains_key(person.key())) {
                if self.is_limited(person) { &mut loaded.lately } else { &mut loaded.again }
            } else if person.exposed || stored.contains_key(person.key()) {
                &mut loaded.onward
            } else {
                // Who was never exposed and is not now adds nothing.
                continue;
            };
            kind.persons.push(person);
        }
        loaded.stored = stored;
        Ok(loaded)
    }
}

impl Loading<'_> {
    /// Whether the first exposure of a person to some experiment is likely to be one to an experiment that is measured: then its metrics
    /// look back, and new events alone will not do.
    fn looks_back(&self, person: &Person, is_stored: bool) -> bool {
        let exposes = self.exposes(person, &self.experiments);
        // Of one version alone that is stored it is not known, and most likely another one's.
        exposes.unwrap_or(self.task.is_slice || !is_stored)
    }

    /// Whether it is likely that not everything matters to the first exposure of a person. Where it does after all, the journey is read
    /// again.
    fn is_limited(&self, person: &Person) -> bool {
        self.looks_back_days.is_some()
            && (self.unlimited.is_empty() || self.exposes(person, &self.unlimited) != Some(true))
    }

    /// Whether any new event of a person exposes to one of these experiments; `None`: not known.
    fn exposes(&self, person: &Person, experiments: &[&str]) -> Option<bool> {
        let is_one = |experiment: &str| experiments.binary_search(&experiment).is_ok();
        self.task.recent.exposes(self.task.tenant.id, &person.events, is_one)
    }
}

impl Loaded<'_> {
    /// Whether there are journeys that may hold events that wait in the queue still.
    pub(super) fn has_journeys(&self) -> bool {
        [&self.widened, &self.lately, &self.again, &self.whole].iter().any(|ready| !ready.journeys.is_empty())
    }

    /// Leaves out what waits: the slice that claims it adds it.
    pub(super) fn leave_out(&mut self, waiting: &HashSet<Uuid>) {
        for ready in [&mut self.widened, &mut self.lately, &mut self.again, &mut self.whole] {
            for events in ready.journeys.values_mut().flatten() {
                events.retain(|event| !waiting.contains(&Uuid::from_bytes(event.id.bytes())));
            }
        }
    }
}

fn subjects(persons: &[&Person]) -> Vec<String> {
    persons.iter().flat_map(|person| person.subjects.iter().cloned()).collect()
}

/// What of each subject matters to the first exposure of its person.
fn lately(persons: &[&Person], days: i64) -> Vec<Option<Lately>> {
    let days = if fault::seeded("look-back-too-little") { 0 } else { days };
    persons.iter().flat_map(|person| repeat_n(person.lately(days), person.subjects.len())).collect()
}
