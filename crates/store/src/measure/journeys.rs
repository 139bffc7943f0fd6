//! Journeys: the events of persons, loaded in one query and sorted.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt as _};
use journey::{Amount, Channel, Currency, EventId, Exposure, Fact, Happening, Name, Path, TenantId};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::facts::Places;
use super::persons::Lately;
use super::work::Task;
use crate::packed::{Dictionaries, Dictionary, Unpacker, gone};
use crate::recent::{Data, Recent, Recorded, is_looked_at};

/// What an event's row must hold for the fold: the tenant's currency and the paths that definitions look at.
pub(super) struct Loader<'a> {
    tenant: TenantId,
    currency: Currency,
    recent: &'a Recent,
    dictionaries: &'a Dictionaries,
    places: Places,
    /// The names of the events whose JSON is looked at where new events are added to what is stored, ascending; `None`: any name.
    onward: Option<&'a [String]>,
}

/// Which events of a journey are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    /// All of them.
    All,
    /// Those that do not wait in the queue. None that ever left it was received after this; `None`: none ever did.
    Claimed(Option<DateTime<Utc>>),
}

/// The events of each subject. A subject whose events can't be read has the reason instead.
pub(super) type Journeys = HashMap<String, Result<Vec<Happening>, String>>;

impl<'a> Loader<'a> {
    pub(super) fn new(task: &Task<'a>, paths: &[Path], onward: Option<&'a [String]>) -> Self {
        Self {
            tenant: task.tenant.id,
            currency: task.tenant.currency,
            recent: task.recent,
            dictionaries: task.dictionaries,
            places: Places::new(paths),
            onward,
        }
    }

    /// All events of `subjects`, or those of these `names`, as far as they are to be read; and some that wait in the queue, where these
    /// were received before others that left it. Of each subject only what happened `lately`, where there are entries.
    pub(super) async fn whole(
        &self,
        connection: &mut PgConnection,
        (subjects, lately): (&[String], &[Option<Lately>]),
        names: Option<&[String]>,
        read: Read,
    ) -> Result<Journeys, sqlx::Error> {
        if subjects.is_empty() || names.is_some_and(<[String]>::is_empty) {
            return Ok(Journeys::new());
        }
        let until = match read {
            Read::All => DateTime::<Utc>::MAX_UTC,
            Read::Claimed(Some(until)) => until,
            Read::Claimed(None) => return Ok(Journeys::new()),
        };
        let (occurred, received): (Vec<_>, Vec<_>) =
            lately.iter().map(|lately| (lately.map(|l| l.occurred), lately.map(|l| l.received))).unzip();
        let rows = sqlx::query(include_str!("../../sql/measure_journeys.sql"))
            .bind(self.tenant.0)
            .bind(subjects)
            .bind(self.looks())
            .bind(names)
            .bind(until)
            .bind(occurred)
            .bind(received)
            .fetch(&mut *connection);
        let mut sorted = Sorted::default();
        self.sort(rows, &mut sorted).await?;
        self.finish(connection, sorted).await
    }

    /// The events of these ids, to be added to what is stored: those that are `recent`, and the others from the database.
    pub(super) async fn events(&self, connection: &mut PgConnection, ids: &[Uuid]) -> Result<Journeys, sqlx::Error> {
        let (recent, mut missing) = self.recent.get(self.tenant, ids);
        let mut sorted = Sorted::default();
        for (id, event) in recent {
            let recorded = event.read().and_then(|event| Some((event, self.recorded(id, &event, &mut sorted)?)));
            match recorded {
                Some((event, recorded)) => put(&mut sorted.journeys, event.subject, recorded),
                None => missing.push(id),
            }
        }
        if !missing.is_empty() {
            let rows = sqlx::query(include_str!("../../sql/measure_events.sql"))
                .bind(self.tenant.0)
                .bind(missing)
                .bind(self.looks())
                .bind(self.onward)
                .fetch(&mut *connection);
            self.sort(rows, &mut sorted).await?;
        }
        self.finish(connection, sorted).await
    }

    /// Reads rows as they come, so that they are in memory once.
    async fn sort(
        &self,
        mut rows: impl Stream<Item = Result<PgRow, sqlx::Error>> + Unpin,
        sorted: &mut Sorted,
    ) -> Result<(), sqlx::Error> {
        while let Some(row) = rows.try_next().await? {
            let name = sorted.name(row.try_get("name")?);
            let with: Option<i32> = row.try_get("dictionary_id")?;
            let mut dictionary = None;
            if let Some(id) = with {
                dictionary = sorted.dictionary(id, || self.dictionaries.known(self.tenant, id));
                if dictionary.is_none() {
                    sorted.later.push((id, row, name));
                    continue;
                }
            }
            let event = self.event(&row, name, dictionary.as_deref(), &mut sorted.unpacker)?;
            put(&mut sorted.journeys, row.try_get("subject")?, event);
        }
        Ok(())
    }

    /// Adds the events whose dictionaries must be read first.
    async fn finish(&self, connection: &mut PgConnection, sorted: Sorted) -> Result<Journeys, sqlx::Error> {
        let Sorted { mut journeys, later, mut unpacker, .. } = sorted;
        let ids = later.iter().map(|(id, ..)| *id).collect();
        let read = self.dictionaries.load(connection, self.tenant, ids).await?;
        for (id, row, name) in later {
            let event = match read.get(&id) {
                Some(dictionary) => self.event(&row, name, Some(dictionary), &mut unpacker)?,
                None => Err(gone(id)),
            };
            put(&mut journeys, row.try_get("subject")?, event);
        }
        Ok(journeys)
    }

    /// The event, or why it can't be read; `None`: its JSON or its dictionary is not in memory.
    fn recorded(&self, id: Uuid, event: &Recorded<'_>, sorted: &mut Sorted) -> Option<Result<Happening, String>> {
        let name = sorted.name(event.name);
        let data = match event.data {
            _ if !self.looks() || !is_looked_at(self.onward, event.name) => None,
            Data::None => None,
            Data::Elsewhere => return None,
            Data::Plain(text) => Some(text),
            Data::Packed(with, packed) => {
                let dictionary = sorted.dictionary(with, || self.dictionaries.known(self.tenant, with))?;
                match unpack(&mut sorted.unpacker, id, &dictionary, packed) {
                    Ok(text) => Some(text),
                    Err(reason) => return Some(Err(reason)),
                }
            }
        };
        let exposure = match event.exposure.map(|(experiment, arm)| exposure(id, experiment, arm)).transpose() {
            Ok(exposure) => exposure,
            Err(reason) => return Some(Err(reason)),
        };
        Some(self.facts(id, data).map(|facts| Happening {
            at: event.at,
            id: EventId::from_bytes(*id.as_bytes()),
            name,
            channel: event.channel,
            stage: event.stage.map(Arc::from),
            value: event.value,
            foreign: event.currency.is_some_and(|currency| currency != self.currency),
            exposure,
            facts,
        }))
    }

    /// Whether the JSON is looked at.
    fn looks(&self) -> bool {
        !self.places.is_empty()
    }

    fn facts(&self, id: Uuid, data: Option<&str>) -> Result<Vec<Fact>, String> {
        self.places.facts(data).map_err(|error| format!("the data of event {id} can't be read: {error}"))
    }

    fn event(
        &self,
        row: &PgRow,
        name: Arc<str>,
        dictionary: Option<&Dictionary>,
        unpacker: &mut Unpacker,
    ) -> Result<Result<Happening, String>, sqlx::Error> {
        let at: DateTime<Utc> = row.try_get("occurred_at")?;
        let id: Uuid = row.try_get("event_id")?;
        let value: Option<i64> = row.try_get("value")?;
        let currency: Option<&str> = row.try_get("currency")?;
        let experiment: Option<&str> = row.try_get("experiment")?;
        let arm: Option<&str> = row.try_get("arm")?;
        let exposure = match (experiment, arm) {
            (Some(experiment), Some(arm)) => match exposure(id, experiment, arm) {
                Ok(exposure) => Some(exposure),
                Err(reason) => return Ok(Err(reason)),
            },
            _ => None,
        };
        let plain: Option<Json<&RawValue>> = row.try_get("data")?;
        let packed: Option<&[u8]> = row.try_get("packed")?;
        let data = match dictionary.zip(packed) {
            Some((dictionary, packed)) => unpack(unpacker, id, dictionary, packed).map(Some),
            None => Ok(plain.map(|json| json.0.get())),
        };
        let facts = match data.and_then(|data| self.facts(id, data)) {
            Ok(facts) => facts,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(Happening {
            at: at.into(),
            id: EventId::from_bytes(*id.as_bytes()),
            name,
            channel: row.try_get::<Option<&str>, _>("channel")?.and_then(Channel::from_word),
            stage: row.try_get::<Option<&str>, _>("stage")?.map(Arc::from),
            value: value.and_then(Amount::from_units),
            foreign: currency.is_some_and(|code| code != self.currency.code()),
            exposure,
            facts,
        }))
    }
}

/// Rows as far as they are read.
#[derive(Default)]
struct Sorted {
    journeys: Journeys,
    /// The dictionary of the row before: mostly that of the next as well.
    last: Option<Arc<Dictionary>>,
    /// Rows whose dictionary is not in memory, with its id and their names.
    later: Vec<(i32, PgRow, Arc<str>)>,
    unpacker: Unpacker,
    /// The names so far: many events share a few.
    names: HashMap<String, Arc<str>>,
}

impl Sorted {
    fn name(&mut self, name: &str) -> Arc<str> {
        match self.names.get(name) {
            Some(known) => known.clone(),
            None => self.names.entry(name.to_owned()).or_insert_with(|| name.into()).clone(),
        }
    }

    fn dictionary(&mut self, id: i32, known: impl FnOnce() -> Option<Arc<Dictionary>>) -> Option<Arc<Dictionary>> {
        if self.last.as_ref().is_none_or(|last| last.id() != id) {
            self.last = Some(known()?);
        }
        self.last.clone()
    }
}

fn exposure(id: Uuid, experiment: &str, arm: &str) -> Result<Exposure, String> {
    match (Name::parse(experiment, ""), Name::parse(arm, "")) {
        (Ok(experiment), Ok(arm)) => Ok(Exposure { experiment, arm }),
        _ => Err(format!("the exposure {id} names no valid experiment and arm")),
    }
}

fn unpack<'a>(unpacker: &'a mut Unpacker, id: Uuid, dictionary: &Dictionary, packed: &[u8]) -> Result<&'a str, String> {
    unpacker.unpack(dictionary, packed).map_err(|reason| format!("the data of event {id} can't be unpacked: {reason}"))
}

/// Puts an event behind the others of its subject, or the reason why it can't be read in their place.
fn put(journeys: &mut Journeys, subject: &str, event: Result<Happening, String>) {
    if !journeys.contains_key(subject) {
        journeys.insert(subject.to_owned(), Ok(Vec::new()));
    }
    let Some(journey) = journeys.get_mut(subject) else { return };
    match (journey.as_mut(), event) {
        (Ok(events), Ok(event)) => events.push(event),
        (Ok(_), Err(reason)) => *journey = Err(reason),
        (Err(_), _) => {}
    }
}

/// The journey of a person: the events of all its subjects, in order.
pub(super) fn of_person(journeys: &mut Journeys, subjects: &[String]) -> Result<Vec<Happening>, String> {
    let mut events = Vec::new();
    for subject in subjects {
        if let Some(journey) = journeys.remove(subject) {
            let mut journey = journey?;
            // Most persons have one subject: nothing is copied.
            if events.is_empty() {
                events = journey;
            } else {
                events.append(&mut journey);
            }
        }
    }
    events.sort_unstable_by_key(Happening::position);
    Ok(events)
}
