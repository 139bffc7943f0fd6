//! Packed JSON: the properties of events, with a dictionary of their tenant's own.
//!
//! A dictionary is made of the first events of a tenant, and another one when later events have come to differ from them. A row says
//! with which one it is packed; none is ever changed, so that every instance may keep those that it has read.

mod dictionary;
mod samples;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Timer};

use journey::{Event, Instant, TenantId};
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool};

pub(crate) use self::dictionary::{Dictionary, Packer, Unpacker};
use self::samples::{Samples, Trained, share};
use crate::error::StoreError;
use crate::transaction::{Purpose, begin};

/// Dictionaries in memory, each of about 100 KiB.
const KNOWN: u64 = 128;
/// Tenants whose courses are remembered.
const TENANTS: u64 = 10_000;
/// Tenants that samples are gathered of at the same time, each of at most two MiB.
const LEARNING: usize = 4;
/// Who has not sent enough for so long makes room for others.
const LONG: Duration = Duration::from_mins(10);
/// A dictionary is made so often at most.
const PAUSE: Duration = Duration::from_hours(1);
/// So many bytes say what a dictionary still saves.
const WATCHED: usize = 8 << 20;

/// The dictionaries of all tenants.
pub(crate) struct Dictionaries {
    /// Whether new events are packed.
    packs: bool,
    known: Cache<(TenantId, i16), Arc<Dictionary>>,
    courses: Cache<TenantId, Arc<Mutex<Course>>>,
    /// Samples, and when they were begun.
    learning: Mutex<HashMap<TenantId, (Timer, Samples)>>,
}

/// How far a tenant has come.
#[derive(Debug, Default)]
struct Course {
    /// Whether the database was asked.
    has_looked: bool,
    /// The number of what new events are packed with, and the share that its samples took.
    last: Option<(i16, i16)>,
    /// When a dictionary was made last, or was not to be had.
    tried: Option<Timer>,
    /// The bytes that were packed with it lately, before and after.
    bytes: (usize, usize),
}

impl Course {
    /// Whether a dictionary is wanted: there is none, or it has come to save much less than of its samples.
    fn wants_another(&self) -> bool {
        let is_time = self.tried.is_none_or(|tried| tried.elapsed() >= PAUSE);
        let is_bad = match &self.last {
            None => true,
            Some((_, at_first)) => {
                self.bytes.0 >= WATCHED
                    && share(self.bytes).is_some_and(|now| i32::from(now) * 2 > i32::from(*at_first) * 3)
            }
        };
        self.has_looked && is_time && is_bad
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dictionaries {
    pub(crate) fn new(packs: bool) -> Self {
        Self { packs, known: Cache::new(KNOWN), courses: Cache::new(TENANTS), learning: Mutex::default() }
    }

    fn course(&self, tenant: TenantId) -> Arc<Mutex<Course>> {
        self.courses.get_with(tenant, Arc::default)
    }

    /// What the next events of a tenant are packed with; `None`: they are stored as they are.
    pub(crate) async fn current(&self, pool: &PgPool, tenant: TenantId) -> Option<Arc<Dictionary>> {
        if !self.packs {
            return None;
        }
        let course = self.course(tenant);
        let (has_looked, number) = {
            let course = locked(&course);
            (course.has_looked, course.last.map(|(number, _)| number))
        };
        let known = number.and_then(|number| self.known(tenant, number));
        if known.is_some() || (has_looked && number.is_none()) {
            return known;
        }
        match last(pool, tenant).await {
            Ok(found) => {
                let mut course = locked(&course);
                if !course.has_looked {
                    // One that was found is given its time.
                    let tried = found.as_ref().map(|_| Timer::now());
                    let last = found.as_ref().map(|(number, share, _)| (*number, *share));
                    *course = Course { has_looked: true, tried, last, bytes: (0, 0) };
                }
                found.map(|(number, _, body)| self.keep(tenant, number, &body))
            }
            Err(error) => {
                tracing::debug!(tenant = %tenant.0, ?error, "no dictionary could be read: events are stored as they are");
                None
            }
        }
    }

    fn keep(&self, tenant: TenantId, number: i16, body: &[u8]) -> Arc<Dictionary> {
        self.known.get_with((tenant, number), || Arc::new(Dictionary::new(number, body)))
    }

    /// Notes what packing a batch came to, the bytes before and after.
    pub(crate) fn note(&self, tenant: TenantId, (before, after): (usize, usize)) {
        let course = self.course(tenant);
        let mut course = locked(&course);
        if course.bytes.0 >= WATCHED && !course.wants_another() {
            course.bytes = (0, 0);
        }
        course.bytes = (course.bytes.0 + before, course.bytes.1 + after);
    }

    /// Learns from the events of a batch, where a dictionary is wanted, and makes it once they suffice.
    pub(crate) fn learn<'a>(
        self: &Arc<Self>,
        (pool, tenant, now): (&PgPool, TenantId, Instant),
        events: impl ExactSizeIterator<Item = &'a Event>,
    ) {
        if !self.packs {
            return;
        }
        let course = self.course(tenant);
        if !locked(&course).wants_another() {
            return;
        }
        let text = |event: &'a Event| {
            move || {
                (!event.data.is_empty_object()).then(|| {
                    let mut text = String::new();
                    event.data.write(&mut text);
                    text
                })
            }
        };
        let samples = {
            let mut learning = locked(&self.learning);
            if learning.len() >= LEARNING && !learning.contains_key(&tenant) {
                learning.retain(|_, (begun, _)| begun.elapsed() < LONG);
                if learning.len() >= LEARNING {
                    return;
                }
            }
            let (_, samples) = learning.entry(tenant).or_insert_with(|| (Timer::now(), Samples::default()));
            samples.take(events.map(|event| (event.subject.key(), text(event))));
            if !samples.are_enough() {
                return;
            }
            learning.remove(&tenant).map(|(_, samples)| samples).unwrap_or_default()
        };
        locked(&course).tried = Some(Timer::now());
        let (own, pool) = (self.clone(), pool.clone());
        tokio::spawn(async move {
            let trained = tokio::task::spawn_blocking(|| samples.train()).await;
            let Some(trained) = trained.ok().flatten() else {
                tracing::debug!(tenant = %tenant.0, "events have too little in common for a dictionary");
                return;
            };
            match put(&pool, tenant, &trained, now).await {
                Ok(number) => {
                    own.keep(tenant, number, &trained.body);
                    let mut course = locked(&course);
                    course.last = Some((number, trained.share));
                    course.bytes = (0, 0);
                }
                Err(error) => tracing::debug!(tenant = %tenant.0, ?error, "a dictionary could not be stored"),
            }
        });
    }

    /// The dictionary of a tenant with this number, if it is in memory.
    pub(crate) fn known(&self, tenant: TenantId, number: i16) -> Option<Arc<Dictionary>> {
        self.known.get(&(tenant, number))
    }

    /// Reads dictionaries that are not in memory.
    pub(crate) async fn load(
        &self,
        connection: &mut PgConnection,
        tenant: TenantId,
        numbers: &[i16],
    ) -> Result<HashMap<i16, Arc<Dictionary>>, sqlx::Error> {
        let found: Vec<(i16, Vec<u8>)> = sqlx::query_as(include_str!("../../sql/read_dictionaries.sql"))
            .bind(tenant.0)
            .bind(numbers)
            .fetch_all(connection)
            .await?;
        Ok(found.into_iter().map(|(number, body)| (number, self.keep(tenant, number, &body))).collect())
    }
}

/// The last dictionary of a tenant: its number, what it saved of its samples, and its body.
async fn last(pool: &PgPool, tenant: TenantId) -> Result<Option<(i16, i16, Vec<u8>)>, StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Read).await?;
    let found =
        sqlx::query_as(include_str!("../../sql/last_dictionary.sql")).bind(tenant.0).fetch_optional(&mut *tx).await?;
    Ok(found)
}

/// Stores a dictionary and gives its number. Two instances that make one at the same time have both, or one of them fails and
/// goes on without.
async fn put(pool: &PgPool, tenant: TenantId, trained: &Trained, now: Instant) -> Result<i16, StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Write).await?;
    let number = sqlx::query_scalar(include_str!("../../sql/insert_dictionary.sql"))
        .bind(tenant.0)
        .bind(now.to_utc())
        .bind(trained.share)
        .bind(&trained.body)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(number)
}
