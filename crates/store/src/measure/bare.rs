//! Facts that whole journeys are loaded without. Of events of most names nothing but the dimensions looks at the facts, and these are mostly
//! known from the exposure itself: where they are not, the facts of the events before it are read after all, the nearest first.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use journey::Happening;
use sqlx::PgConnection;
use uuid::Uuid;

use super::amounts::{body, rows};
use super::contributions::Stored;
use super::job::Ready;
use super::journeys::{Journeys, Loader, merge};
use super::persons::Person;
use super::work::Task;

/// So many events for each dimension are read before all others are: three of four tell it, say.
const NEAREST: usize = 2;
/// So many persons say whether it is worth it.
const ENOUGH: usize = 200;
/// Where everything is to be read of more than one person in so many, journeys are loaded with everything.
const SELDOM: usize = 4;

/// Whether it is worth leaving facts out, in one slice.
#[derive(Debug, Default)]
pub(super) struct Bare {
    /// Persons whose journeys were loaded without.
    persons: AtomicUsize,
    /// Those of them who needed all that was left out.
    needed_all: AtomicUsize,
}

impl Bare {
    /// Whether it is not: a dimension that no event tells would have everything read twice.
    pub(super) fn is_given_up(&self) -> bool {
        let persons = self.persons.load(Ordering::Relaxed);
        persons >= ENOUGH && self.needed_all.load(Ordering::Relaxed) * SELDOM > persons
    }

    /// Reads the facts that were left out and matter, for persons who go on from what is `stored` where that is given, or start over.
    pub(super) async fn complete(
        &self,
        connection: &mut PgConnection,
        task: &Task<'_>,
        loader: &Loader<'_>,
        (ready, stored): (&mut Ready<'_>, Option<&Stored>),
    ) -> Result<(), sqlx::Error> {
        self.persons.fetch_add(ready.persons.len(), Ordering::Relaxed);
        for most in [NEAREST, usize::MAX] {
            let mut ids: Vec<Uuid> = Vec::new();
            for person in &ready.persons {
                let Some(journey) = merge(&mut ready.journeys, &person.subjects) else { continue };
                let before = ids.len();
                ids.extend(matter(task, person, journey, stored, most));
                if most == usize::MAX && ids.len() > before {
                    self.needed_all.fetch_add(1, Ordering::Relaxed);
                }
            }
            if ids.is_empty() {
                return Ok(());
            }
            let read = loader.with_all_facts(connection, &ids).await?;
            put(ready, &ids, read);
        }
        Ok(())
    }
}

/// The events whose facts were left out and matter to a fold of this journey.
fn matter(task: &Task<'_>, person: &Person, journey: &[Happening], stored: Option<&Stored>, most: usize) -> Vec<Uuid> {
    let plan = &task.measured.plan;
    let mut places = Vec::new();
    let mut first_new = None;
    let before = stored.map_or(&[][..], |stored| rows(person, stored));
    for study in task.studies {
        let version = &task.measured.versions[*study];
        let may_go_on = !person.whole && version.definition.experiment.lenses.is_empty();
        if may_go_on && body(before, version.id).is_some() {
            let first_new = *first_new.get_or_insert_with(|| {
                let new: HashSet<&Uuid> = person.events.iter().collect();
                journey.iter().find(|event| new.contains(&id(event))).map(|event| event.at)
            });
            // Where all new events lie behind the first exposure, they are added to what is stored.
            if first_new.is_none_or(|new| plan.exposed_at(*study, journey).is_some_and(|exposed| exposed < new)) {
                continue;
            }
        }
        places.extend(plan.bare_that_matter(*study, journey, most));
    }
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| id(&journey[place])).collect()
}

/// Puts events that were read with all their facts in the place of those without.
fn put(ready: &mut Ready<'_>, asked: &[Uuid], read: Journeys) {
    let asked: HashSet<&Uuid> = asked.iter().collect();
    let (mut found, mut failed) = (HashMap::new(), HashMap::new());
    for (subject, events) in read {
        match events {
            Ok(events) => found.extend(events.into_iter().map(|event| (id(&event), event))),
            Err(reason) => drop(failed.insert(subject, reason)),
        }
    }
    for person in &ready.persons {
        let Some(journey) = ready.journeys.get_mut(person.key()) else { continue };
        if let Some(reason) = person.subjects.iter().find_map(|subject| failed.get(subject)) {
            *journey = Err(reason.clone());
        }
        let Ok(events) = journey else { continue };
        events.retain_mut(|event| {
            if !event.bare || !asked.contains(&id(event)) {
                return true;
            }
            // One that is gone was deleted meanwhile: whoever lost it is measured again.
            let whole = found.remove(&id(event));
            whole.map(|whole| *event = whole).is_some()
        });
    }
}

fn id(event: &Happening) -> Uuid {
    Uuid::from_bytes(event.id.bytes())
}
