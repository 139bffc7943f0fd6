//! The change that a slice makes: stored contributions go, new ones come, and the tallies move by the difference.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use journey::{EventId, Instant, TenantId};
use metrics::contribution::Contribution;
use metrics::tally::{Direction, Tally};
use sqlx::{PgConnection, Row};

use super::definitions::Version;
use super::persons::Person;
use super::tallies;

/// A journey longer than this keeps a checkpoint.
pub(super) const LONG_JOURNEY: usize = 1_000;

/// The stored contributions of persons: by version, the former persons and their bytes.
pub(super) type Stored = HashMap<String, Vec<(i64, Vec<u8>)>>;

/// How far a long journey is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// The subjects of the component then.
    pub subjects: usize,
    /// The events folded.
    pub events: usize,
    /// The position of the last one.
    pub last: (Instant, EventId),
}

/// What a slice will write.
#[derive(Default)]
pub(super) struct Change {
    tallies: HashMap<i64, Tally>,
    put: Vec<(i64, String, Vec<u8>)>,
    delete: Vec<(i64, String)>,
    checkpoints: Vec<(String, Checkpoint)>,
    stale_checkpoints: Vec<String>,
    set_aside: Vec<(String, String)>,
}

impl Change {
    /// Replaces what `person` contributes to the versions: one new contribution per version given.
    ///
    /// # Errors
    /// The reason why the person can't be measured; nothing of it is changed then.
    pub(super) fn replace(
        &mut self,
        person: &Person,
        versions: &[(&Version, Contribution)],
        stored: &Stored,
    ) -> Result<(), String> {
        let mut moves = Vec::new();
        for (version, new) in versions {
            let rows = person.subjects.iter().flat_map(|subject| {
                let of_subject = stored.get(subject).map_or(&[][..], Vec::as_slice);
                of_subject.iter().filter(|(id, _)| *id == version.id).map(move |(_, body)| (subject, body))
            });
            let rows: Vec<_> = rows.collect();
            let bytes = (!new.is_empty()).then(|| new.to_bytes());
            let unchanged = match (&bytes, rows.as_slice()) {
                (None, []) => true,
                (Some(bytes), [(former, body)]) => *former == person.key() && *body == bytes,
                _ => false,
            };
            if unchanged {
                continue;
            }
            let old = rows.iter().map(|(former, body)| {
                Contribution::from_bytes(body)
                    .map_err(|corrupt| format!("{corrupt} (person {former}, version {})", version.id))
            });
            moves.push((version, new, bytes, old.collect::<Result<Vec<_>, _>>()?, rows));
        }
        for (version, new, bytes, old, rows) in moves {
            let tally = self.tallies.entry(version.id).or_default();
            if !crate::fault::seeded("fold-without-the-new-events") {
                for old in &old {
                    tally.apply(&version.definition, old, Direction::Remove);
                }
            }
            tally.apply(&version.definition, new, Direction::Add);
            let kept = bytes.is_some();
            self.delete.extend(
                rows.iter()
                    .filter(|(former, _)| !kept || *former != person.key())
                    .map(|(former, _)| (version.id, (*former).clone())),
            );
            if let Some(bytes) = bytes {
                self.put.push((version.id, person.key().to_owned(), bytes));
            }
        }
        Ok(())
    }

    /// Keeps how far a person's journey is folded, if it is long; forgets what was known of former persons.
    pub(super) fn mark(&mut self, person: &Person, checkpoint: Option<Checkpoint>, had: &HashMap<String, Checkpoint>) {
        // Tests of short histories take the road of long ones, too.
        let long = if crate::fault::seeded("checkpoint-after-three") { 3 } else { LONG_JOURNEY };
        let kept = checkpoint.filter(|c| c.events > long);
        self.stale_checkpoints.extend(
            person.subjects.iter().filter(|s| had.contains_key(*s) && (kept.is_none() || *s != person.key())).cloned(),
        );
        if let Some(checkpoint) = kept {
            self.checkpoints.push((person.key().to_owned(), checkpoint));
        }
    }

    /// Sets a person aside that can't be measured, with the reason. Its stored contributions stay; its checkpoints go,
    /// so that the next try folds the whole journey.
    pub(super) fn set_aside(&mut self, person: &Person, reason: &str, had: &HashMap<String, Checkpoint>) {
        tracing::warn!(person = person.key(), reason, "a person can't be measured and is set aside");
        let mut reason: String = reason.chars().filter(|c| !c.is_control()).take(1_000).collect();
        if reason.is_empty() {
            reason.push_str("the fold failed");
        }
        self.stale_checkpoints.extend(person.subjects.iter().filter(|s| had.contains_key(*s)).cloned());
        self.set_aside.push((person.key().to_owned(), reason));
    }

    /// Writes everything. `settled` are the subjects of the persons that the slice measured under every version: those
    /// of them that were set aside before are so no longer. Returns the time that the tallies took.
    pub(super) async fn write(
        self,
        connection: &mut PgConnection,
        tenant: TenantId,
        settled: &[String],
        now: Instant,
    ) -> Result<Duration, sqlx::Error> {
        delete_persons(connection, include_str!("../../sql/measure_set_aside_delete.sql"), tenant, settled).await?;
        let stale = &self.stale_checkpoints;
        delete_persons(connection, include_str!("../../sql/measure_checkpoints_delete.sql"), tenant, stale).await?;
        if !self.set_aside.is_empty() {
            let (persons, reasons): (Vec<String>, Vec<String>) = self.set_aside.into_iter().unzip();
            sqlx::query(include_str!("../../sql/measure_set_aside_put.sql"))
                .bind(tenant.0)
                .bind(persons)
                .bind(reasons)
                .bind(now.to_utc())
                .execute(&mut *connection)
                .await?;
        }
        if !self.delete.is_empty() {
            let (versions, persons): (Vec<i64>, Vec<String>) = self.delete.into_iter().unzip();
            sqlx::query(include_str!("../../sql/measure_contributions_delete.sql"))
                .bind(tenant.0)
                .bind(versions)
                .bind(persons)
                .execute(&mut *connection)
                .await?;
        }
        put_contributions(connection, tenant, self.put).await?;
        put_checkpoints(connection, tenant, &self.checkpoints).await?;
        let started = tokio::time::Instant::now();
        tallies::add(connection, tenant, self.tallies).await?;
        Ok(started.elapsed())
    }
}

async fn delete_persons(
    connection: &mut PgConnection,
    sql: &'static str,
    tenant: TenantId,
    persons: &[String],
) -> Result<(), sqlx::Error> {
    if persons.is_empty() {
        return Ok(());
    }
    sqlx::query(sql).bind(tenant.0).bind(persons).execute(connection).await.map(drop)
}

async fn put_contributions(
    connection: &mut PgConnection,
    tenant: TenantId,
    put: Vec<(i64, String, Vec<u8>)>,
) -> Result<(), sqlx::Error> {
    if put.is_empty() {
        return Ok(());
    }
    let (mut versions, mut persons, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for (version, person, body) in put {
        versions.push(version);
        persons.push(person);
        bodies.push(body);
    }
    sqlx::query(include_str!("../../sql/measure_contributions_put.sql"))
        .bind(tenant.0)
        .bind(versions)
        .bind(persons)
        .bind(bodies)
        .execute(connection)
        .await
        .map(drop)
}

async fn put_checkpoints(
    connection: &mut PgConnection,
    tenant: TenantId,
    checkpoints: &[(String, Checkpoint)],
) -> Result<(), sqlx::Error> {
    if checkpoints.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Checkpoint) -> i64| checkpoints.iter().map(|(_, c)| of(c)).collect::<Vec<i64>>();
    let persons: Vec<&str> = checkpoints.iter().map(|(person, _)| person.as_str()).collect();
    let subjects: Vec<i32> = checkpoints.iter().map(|(_, c)| i32::try_from(c.subjects).unwrap_or(i32::MAX)).collect();
    let times: Vec<DateTime<Utc>> = checkpoints.iter().map(|(_, c)| c.last.0.to_utc()).collect();
    let ids: Vec<uuid::Uuid> = checkpoints.iter().map(|(_, c)| uuid::Uuid::from_bytes(c.last.1.bytes())).collect();
    sqlx::query(include_str!("../../sql/measure_checkpoints_put.sql"))
        .bind(tenant.0)
        .bind(persons)
        .bind(subjects)
        .bind(column(|c| i64::try_from(c.events).unwrap_or(i64::MAX)))
        .bind(times)
        .bind(ids)
        .execute(connection)
        .await
        .map(drop)
}

/// The stored contributions to the versions of any of these subjects, by subject.
pub(super) async fn stored(
    connection: &mut PgConnection,
    tenant: TenantId,
    versions: &[i64],
    subjects: &[String],
) -> Result<Stored, sqlx::Error> {
    if versions.is_empty() || subjects.is_empty() {
        return Ok(Stored::new());
    }
    let rows = sqlx::query(include_str!("../../sql/measure_contributions.sql"))
        .bind(tenant.0)
        .bind(versions)
        .bind(subjects)
        .fetch_all(connection)
        .await?;
    let mut stored = Stored::new();
    for row in rows {
        let entry = (row.try_get("definition_id")?, row.try_get("body")?);
        stored.entry(row.try_get("person")?).or_default().push(entry);
    }
    Ok(stored)
}

/// The checkpoints of any of these subjects, by person.
pub(super) async fn checkpoints(
    connection: &mut PgConnection,
    tenant: TenantId,
    subjects: &[String],
) -> Result<HashMap<String, Checkpoint>, sqlx::Error> {
    let rows = sqlx::query(include_str!("../../sql/measure_checkpoints.sql"))
        .bind(tenant.0)
        .bind(subjects)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let (subjects, events): (i32, i64) = (row.try_get("subjects")?, row.try_get("events")?);
            let last_at: DateTime<Utc> = row.try_get("last_at")?;
            let last_id: uuid::Uuid = row.try_get("last_id")?;
            let checkpoint = Checkpoint {
                subjects: usize::try_from(subjects).unwrap_or(0),
                events: usize::try_from(events).unwrap_or(0),
                last: (last_at.into(), EventId::from_bytes(*last_id.as_bytes())),
            };
            Ok((row.try_get("person")?, checkpoint))
        })
        .collect()
}
