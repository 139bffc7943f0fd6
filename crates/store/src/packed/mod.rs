//! Packed JSON: the properties of events, with a dictionary of their tenant's own.
//!
//! A dictionary is made of the first events of a tenant, and another one when later events have come to differ from them. A row says
//! with which one it is packed; none is ever changed, so that every instance may keep those that it has read.

mod anonymous;
mod dictionary;
mod samples;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Timer};

use journey::{Event, Instant, TenantId};
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Semaphore;

pub(crate) use self::dictionary::{Dictionary, Packer, Unpacker};
use self::samples::{Sample, Samples, Trained, share};
use crate::error::StoreError;
use crate::transaction::{Purpose, begin, retry};

/// Dictionaries in memory, each of about 100 KiB.
const KNOWN: u64 = 256;
/// Tenants whose progress is remembered.
const TENANTS: u64 = 10_000;
/// Tenants that samples are gathered of at the same time, each of at most a few MiB.
const LEARNING: usize = 4;
/// Who has not sent enough for so long makes room for others.
const LONG: Duration = Duration::from_mins(10);
/// So often it is looked whether another instance has made a dictionary: while there is none, and once there is one.
const LOOKS: [Duration; 2] = [Duration::from_mins(1), Duration::from_hours(1)];
/// After a failure it is looked again so soon.
const SOON: Duration = Duration::from_secs(5);
/// A dictionary is made so often at most; where another one did not save more, half as often.
const PAUSE: Duration = Duration::from_hours(1);
/// So many bytes say what a dictionary still saves.
const WATCHED: usize = 8 << 20;

/// The dictionaries of all tenants.
pub(crate) struct Dictionaries {
    /// Whether new events are packed.
    packs: bool,
    known: Cache<(TenantId, i32), Arc<Dictionary>>,
    progress: Cache<TenantId, Arc<Mutex<Progress>>>,
    /// Samples, and when they were begun.
    learning: Mutex<HashMap<TenantId, (Timer, Samples)>>,
    /// One dictionary is made at a time.
    training: Semaphore,
}

/// How far a tenant has come.
#[derive(Debug)]
struct Progress {
    /// When the database is to be asked again.
    look_at: Option<Timer>,
    /// The id of what new events are packed with, and what it saved when it was made.
    last: Option<(i32, i16)>,
    /// Before that no other one is made.
    try_at: Option<Timer>,
    pause: Duration,
    /// The bytes that were packed with it lately, before and after.
    bytes: (usize, usize),
}

impl Default for Progress {
    fn default() -> Self {
        Self { look_at: None, last: None, try_at: None, pause: PAUSE, bytes: (0, 0) }
    }
}

impl Progress {
    /// Whether a dictionary is wanted: there is none, or it has come to save much less than when it was made.
    fn wants_another(&self) -> bool {
        let is_time = self.try_at.is_none_or(|at| Timer::now() >= at);
        let is_bad = self.last.is_none_or(|(_, at_first)| {
            self.bytes.0 >= WATCHED && share(self.bytes).is_some_and(|now| i32::from(now) * 2 > i32::from(at_first) * 3)
        });
        self.look_at.is_some() && is_time && is_bad
    }

    /// What was found in the database, or was made, is what new events are packed with.
    fn adopt(&mut self, last: Option<(i32, i16)>) {
        if last != self.last {
            (self.last, self.bytes) = (last, (0, 0));
        }
        let [none, some] = LOOKS;
        self.look_at = Some(Timer::now() + if last.is_some() { some } else { none });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dictionaries {
    pub(crate) fn new(packs: bool) -> Self {
        Self {
            packs,
            known: Cache::new(KNOWN),
            progress: Cache::new(TENANTS),
            learning: Mutex::default(),
            training: Semaphore::new(1),
        }
    }

    fn progress(&self, tenant: TenantId) -> Arc<Mutex<Progress>> {
        self.progress.get_with(tenant, Arc::default)
    }

    /// What the next events of a tenant are packed with; `None`: they are stored as they are.
    pub(crate) async fn current(&self, pool: &PgPool, tenant: TenantId) -> Option<Arc<Dictionary>> {
        if !self.packs {
            return None;
        }
        let progress = self.progress(tenant);
        {
            let progress = locked(&progress);
            if progress.look_at.is_some_and(|at| Timer::now() < at) {
                let known = progress.last.map(|(id, _)| self.known(tenant, id));
                match known {
                    None => return None,
                    Some(Some(known)) => return Some(known),
                    Some(None) => {}
                }
            }
        }
        self.look(pool, tenant, &progress).await
    }

    /// Asks the database for the last dictionary.
    async fn look(&self, pool: &PgPool, tenant: TenantId, progress: &Mutex<Progress>) -> Option<Arc<Dictionary>> {
        match last(pool, tenant).await {
            Ok(found) => {
                let found = found.and_then(|(share, body)| Some((self.keep(tenant, &body)?, share)));
                locked(progress).adopt(found.as_ref().map(|(dictionary, share)| (dictionary.id(), *share)));
                found.map(|(dictionary, _)| dictionary)
            }
            Err(error) => {
                tracing::warn!(tenant = %tenant.0, ?error, "no dictionary can be read: events are stored as they are");
                let mut progress = locked(progress);
                (progress.look_at, progress.last) = (Some(Timer::now() + SOON), None);
                None
            }
        }
    }

    /// The dictionary of this body, in memory from here on; `None` where it is none.
    fn keep(&self, tenant: TenantId, body: &[u8]) -> Option<Arc<Dictionary>> {
        let dictionary = Arc::new(Dictionary::new(body)?);
        self.known.insert((tenant, dictionary.id()), dictionary.clone());
        Some(dictionary)
    }

    /// Forgets what new events were packed with: it is not in the database.
    pub(crate) fn forget(&self, tenant: TenantId, dictionary: &Dictionary) {
        tracing::warn!(tenant = %tenant.0, dictionary = dictionary.id(), "a dictionary is gone: another one is made");
        self.known.invalidate(&(tenant, dictionary.id()));
        *locked(&self.progress(tenant)) = Progress::default();
    }

    /// Notes what packing a batch came to, the bytes before and after.
    pub(crate) fn note(&self, tenant: TenantId, (before, after): (usize, usize)) {
        let progress = self.progress(tenant);
        let mut progress = locked(&progress);
        if progress.bytes.0 >= WATCHED && !progress.wants_another() {
            progress.bytes = (0, 0);
        }
        progress.bytes = (progress.bytes.0 + before, progress.bytes.1 + after);
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
        let progress = self.progress(tenant);
        let samples = {
            let mut progress = locked(&progress);
            if !progress.wants_another() {
                return;
            }
            let mut learning = locked(&self.learning);
            if learning.len() >= LEARNING && !learning.contains_key(&tenant) {
                learning.retain(|_, (begun, _)| begun.elapsed() < LONG);
                if learning.len() >= LEARNING {
                    return;
                }
            }
            let (_, samples) = learning.entry(tenant).or_insert_with(|| (Timer::now(), Samples::default()));
            samples.take(events.map(sample));
            if !samples.are_enough() {
                return;
            }
            progress.try_at = Some(Timer::now() + progress.pause);
            learning.remove(&tenant).map(|(_, samples)| samples).unwrap_or_default()
        };
        let (own, pool) = (self.clone(), pool.clone());
        tokio::spawn(async move { own.make((&pool, tenant, now), samples, &progress).await });
    }

    /// Makes a dictionary, unless another instance did meanwhile.
    async fn make(
        &self,
        (pool, tenant, now): (&PgPool, TenantId, Instant),
        samples: Samples,
        progress: &Mutex<Progress>,
    ) {
        // It is never closed.
        let _permit = self.training.acquire().await;
        let known_before = locked(progress).last.map(|(id, _)| id);
        let before = self.look(pool, tenant, progress).await;
        if before.as_ref().map(|before| before.id()) != known_before {
            return;
        }
        let trained = tokio::task::spawn_blocking(move || samples.train(before.as_deref())).await;
        let Some(trained) = trained.ok().flatten() else {
            let mut progress = locked(progress);
            progress.pause *= 2;
            progress.try_at = Some(Timer::now() + progress.pause);
            progress.bytes = (0, 0);
            tracing::warn!(
                tenant = %tenant.0, again_in = ?progress.pause,
                "events have too little in common for a dictionary, or for a better one"
            );
            return;
        };
        let Some(dictionary) = self.keep(tenant, &trained.body) else { return };
        match put(pool, tenant, dictionary.id(), &trained, now).await {
            // What another instance put at the same time is as good.
            Ok(()) => drop(self.look(pool, tenant, progress).await),
            Err(error) => tracing::warn!(tenant = %tenant.0, ?error, "a dictionary can't be stored"),
        }
    }

    /// The dictionary of a tenant with this id, if it is in memory.
    pub(crate) fn known(&self, tenant: TenantId, id: i32) -> Option<Arc<Dictionary>> {
        self.known.get(&(tenant, id))
    }

    /// Reads the dictionaries of these ids, in any order and as often as they come.
    pub(crate) async fn load(
        &self,
        connection: &mut PgConnection,
        tenant: TenantId,
        mut ids: Vec<i32>,
    ) -> Result<HashMap<i32, Arc<Dictionary>>, sqlx::Error> {
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found: Vec<(i32, Vec<u8>)> = sqlx::query_as(include_str!("../../sql/read_dictionaries.sql"))
            .bind(tenant.0)
            .bind(ids)
            .fetch_all(connection)
            .await?;
        Ok(found.into_iter().filter_map(|(id, body)| Some((id, self.keep(tenant, &body)?))).collect())
    }
}

/// Why what is packed with this dictionary can't be read, and what helps.
pub(crate) fn gone(id: i32) -> String {
    format!(
        "dictionary {id}, with which it is packed, is gone: bring its row of the table dictionary back from a backup"
    )
}

/// The JSON of an event as it is stored; `None`: nothing was sent with it.
pub(crate) fn text(event: &Event) -> Option<String> {
    (!event.data.is_empty_object()).then(|| {
        let mut text = String::new();
        event.data.write(&mut text);
        text
    })
}

/// An event as a sample; the end of its id is as good as chance.
fn sample(event: &Event) -> Sample<'_, impl FnOnce() -> Option<String>> {
    let [.., a, b, c, d] = event.id.bytes();
    Sample { chance: u32::from_be_bytes([a, b, c, d]).into(), subject: event.subject.key(), text: || text(event) }
}

/// The last dictionary of a tenant: what it saved when it was made, and its body.
async fn last(pool: &PgPool, tenant: TenantId) -> Result<Option<(i16, Vec<u8>)>, StoreError> {
    retry("dictionary.last", || async move {
        let mut tx = begin(pool, tenant, Purpose::Read).await?;
        let statement = sqlx::query_as(include_str!("../../sql/last_dictionary.sql")).bind(tenant.0);
        let found = statement.fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        Ok(found)
    })
    .await
}

/// Stores a dictionary, unless the tenant has as many as it may.
async fn put(pool: &PgPool, tenant: TenantId, id: i32, trained: &Trained, now: Instant) -> Result<(), StoreError> {
    retry("dictionary.put", || async move {
        let mut tx = begin(pool, tenant, Purpose::Write).await?;
        sqlx::query(include_str!("../../sql/insert_dictionary.sql"))
            .bind(tenant.0)
            .bind(id)
            .bind(now.to_utc())
            .bind(trained.share)
            .bind(&trained.body)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
