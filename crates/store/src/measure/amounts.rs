//! What persons amount to now: new events are added to what is stored, or the whole journey is folded, and the change
//! of contributions and tallies is gathered.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use journey::{Happening, Instant};
use metrics::contribution::Contribution;
use metrics::fold::{Widening, extend, fold, fold_since};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use uuid::Uuid;

use super::change::{Change, Writes};
use super::contributions::Stored;
use super::definitions::{Measured, Version};
use super::job::{Loaded, Ready};
use super::journeys;
use super::persons::Person;
use super::work::Task;

/// Persons whose whole journeys are needed, with what is stored of them.
pub(super) type Unfinished<'a> = (Vec<&'a Person>, Stored);

/// Gathers what changes.
pub(super) struct Amounts<'a> {
    measured: &'a Measured,
    studies: &'a [usize],
    from: Option<&'a (i64, Widening)>,
    pub(super) change: Change,
}

impl<'a> Amounts<'a> {
    pub(super) fn new(task: &'a Task<'_>) -> Self {
        let change = Change::on(task.tenant.zone.day_of(task.now));
        Self { measured: task.measured, studies: task.studies, from: task.from.as_ref(), change }
    }

    /// Measures the persons of a job. Returns those whose whole journeys are needed.
    pub(super) fn add<'p>(&mut self, loaded: Loaded<'p>) -> Unfinished<'p> {
        let Loaded { mut stored, onward, widened, lately, again, whole } = loaded;
        let mut left = self.each(onward, &stored, Self::go_on);
        left.extend(self.each(widened, &stored, Self::widen));
        for ready in [lately, again] {
            let days = ready.days_before;
            left.extend(self.each(ready, &stored, |to, person, events, stored| {
                let since = days.and_then(|days| person.lately(days)).map(|lately| lately.occurred.into());
                let done = events.and_then(|events| to.go_on_or_over(person, (&events, since), stored));
                let Some(results) = done.transpose() else { return false };
                to.settle(person, stored, |_| results);
                true
            }));
        }
        self.each(whole, &stored, |to, person, events, stored| {
            to.settle(person, stored, |to| to.start_over(&events?));
            true
        });
        let kept = left.iter().flat_map(|person| &person.subjects);
        let kept = kept.filter_map(|subject| stored.remove_entry(subject)).collect();
        (left, kept)
    }

    /// What can be written of it already, in a slice.
    pub(super) fn writes(&mut self, is_slice: bool, most_rows: usize) -> Writes {
        if !is_slice {
            return Writes::default();
        }
        self.change.make_room(most_rows);
        self.change.take_writes()
    }

    /// Measures persons one by one; returns those that could not be measured in that way.
    fn each<'p>(
        &mut self,
        ready: Ready<'p>,
        stored: &Stored,
        mut measure: impl FnMut(&mut Self, &Person, Result<Vec<Happening>, String>, &Stored) -> bool,
    ) -> Vec<&'p Person> {
        let Ready { mut persons, mut journeys, .. } = ready;
        persons.retain(|person| {
            let events = journeys::of_person(&mut journeys, &person.subjects);
            !measure(self, person, events, stored)
        });
        persons
    }

    /// Replaces what is stored of a person by new contributions, or sets the person aside.
    fn settle(
        &mut self,
        person: &Person,
        stored: &Stored,
        results: impl FnOnce(&Self) -> Result<Vec<(&'a Version, Contribution)>, String>,
    ) {
        let done = results(self).and_then(|results| self.change.replace(person, &results, stored));
        if let Err(reason) = done {
            self.change.set_aside(person, &reason);
        }
    }

    /// Adds new events to what is stored. `false`: the whole journey is needed.
    fn go_on(&mut self, person: &Person, events: Result<Vec<Happening>, String>, stored: &Stored) -> bool {
        let Ok(events) = events else { return false };
        let mut results = Vec::new();
        let rows = rows(person, stored);
        for study in self.studies {
            match self.extended(*study, &events, rows) {
                Ok(result) => results.extend(result),
                Err(NotEnough) => return false,
            }
        }
        self.settle(person, stored, |_| Ok(results));
        true
    }

    /// What a person contributes to a study once new events are added to what is stored, if anything.
    fn extended(
        &self,
        study: usize,
        new: &[Happening],
        rows: &[(i64, Vec<u8>)],
    ) -> Result<Option<(&'a Version, Contribution)>, NotEnough> {
        let version = &self.measured.versions[study];
        let body = body(rows, version.id);
        let contribution = body.map_or(Ok(Contribution::default()), Contribution::from_bytes);
        let mut contribution = contribution.map_err(|_| NotEnough)?;
        match guarded(|| extend(&self.measured.plan, study, &mut contribution, new)) {
            Ok(true) => Ok(body.map(|_| (version, contribution))),
            Ok(false) | Err(_) => Err(NotEnough),
        }
    }

    /// Makes what is stored under the version before a contribution to the new one. `false`: the whole journey is needed.
    fn widen(&mut self, person: &Person, events: Result<Vec<Happening>, String>, stored: &Stored) -> bool {
        let Some((from, widening)) = self.from else { return false };
        let Some(Ok(before)) = body(rows(person, stored), *from).map(Contribution::from_bytes) else { return false };
        let Ok(events) = events else { return false };
        let Ok(Some(contribution)) = guarded(|| widening.widen(&before, &events)) else { return false };
        let versions = self.studies.iter().map(|study| &self.measured.versions[*study]);
        let results = versions.map(|version| (version, contribution.clone())).collect();
        self.settle(person, stored, |_| Ok(results));
        true
    }

    /// Adds new events to what is stored for the versions for which that is enough, and folds the journey for the others; it may be
    /// known only `since` a moment, but for what is new. `None`: then the whole journey is needed.
    fn go_on_or_over(
        &self,
        person: &Person,
        (journey, since): (&[Happening], Option<Instant>),
        stored: &Stored,
    ) -> Result<Option<Vec<(&'a Version, Contribution)>>, String> {
        if person.whole {
            return self.start_over(journey).map(Some);
        }
        let new: HashSet<Uuid> = person.events.iter().copied().collect();
        let is_new = |event: &&Happening| new.contains(&Uuid::from_bytes(event.id.bytes()));
        let events: Vec<Happening> = journey.iter().filter(is_new).cloned().collect();
        let mut results = Vec::with_capacity(self.studies.len());
        let rows = rows(person, stored);
        for study in self.studies {
            if let Ok(result) = self.extended(*study, &events, rows) {
                results.extend(result);
                continue;
            }
            let version = &self.measured.versions[*study];
            let contribution = match since {
                None => Some(self.folded(*study, journey)?),
                // What is stored came from exposures before.
                Some(_) if body(rows, version.id).is_some() => None,
                Some(since) => {
                    let folded = || fold_since(&self.measured.plan, *study, journey, since);
                    guarded(|| aside(journey.len(), folded))?
                }
            };
            let Some(contribution) = contribution else { return Ok(None) };
            results.push((version, contribution));
        }
        Ok(Some(results))
    }

    fn folded(&self, study: usize, journey: &[Happening]) -> Result<Contribution, String> {
        guarded(|| aside(journey.len(), || fold(&self.measured.plan, study, journey)))
    }

    /// Folds the whole journey for every version.
    fn start_over(&self, journey: &[Happening]) -> Result<Vec<(&'a Version, Contribution)>, String> {
        let exposures = journey.iter().filter_map(|event| event.exposure.as_ref());
        let exposed: HashSet<&str> = exposures.map(|exposure| exposure.experiment.as_str()).collect();
        let mut results = Vec::with_capacity(self.studies.len());
        for study in self.studies {
            let version = &self.measured.versions[*study];
            let contribution = if exposed.contains(version.experiment.as_str()) {
                self.folded(*study, journey)?
            } else {
                Contribution::default()
            };
            results.push((version, contribution));
        }
        Ok(results)
    }
}

/// The whole journey is needed.
struct NotEnough;

/// What is stored of a person, by version.
fn rows<'s>(person: &Person, stored: &'s Stored) -> &'s [(i64, Vec<u8>)] {
    stored.get(person.key()).map_or(&[], |rows| rows)
}

/// What is stored under a version.
fn body(rows: &[(i64, Vec<u8>)], version: i64) -> Option<&[u8]> {
    rows.iter().find(|(id, _)| *id == version).map(|(_, body)| &**body)
}

/// Runs the fold of a long journey where it keeps no other task of this thread waiting.
fn aside<T>(events: usize, run: impl FnOnce() -> T) -> T {
    // Beside the loading nobody waits for this thread already, and it changes nothing.
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
