//! Which events of persons still wait in the queue? A journey that is loaded whole leaves them out: the slice that claims them
//! adds them.
//!
//! The queue is looked at after the events were loaded, and nobody takes anything from it meanwhile, for the slice holds the
//! tenant's lock. An event that was loaded came with its place in the queue, so that it is seen there, unless it was measured.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use journey::TenantId;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// The waiting events of some subjects, as far as the queue was looked at.
#[derive(Debug)]
pub(super) struct Unclaimed<'a> {
    subjects: HashSet<&'a str>,
    /// The rows that were looked at; `None`: it was never looked.
    seen: Option<HashSet<i64>>,
    events: HashSet<Uuid>,
}

impl<'a> Unclaimed<'a> {
    /// Of these subjects.
    pub(super) fn of(subjects: impl IntoIterator<Item = &'a str>) -> Self {
        Self { subjects: subjects.into_iter().collect(), seen: None, events: HashSet::new() }
    }

    /// The subjects' events that wait now, and those that waited when it was looked before in this slice.
    pub(super) async fn look(
        &mut self,
        connection: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<&HashSet<Uuid>, sqlx::Error> {
        let Some(seen) = &self.seen else {
            self.read(connection, tenant, None).await?;
            return Ok(&self.events);
        };
        let mut rows: Vec<i64> = sqlx::query_scalar(include_str!("../../sql/measure_unclaimed.sql"))
            .bind(tenant.0)
            .fetch_all(&mut *connection)
            .await?;
        rows.retain(|row| !seen.contains(row));
        if !rows.is_empty() {
            self.read(connection, tenant, Some(rows)).await?;
        }
        Ok(&self.events)
    }

    /// Reads some rows of the queue, or all of them.
    async fn read(
        &mut self,
        connection: &mut PgConnection,
        tenant: TenantId,
        rows: Option<Vec<i64>>,
    ) -> Result<(), sqlx::Error> {
        let seen = self.seen.get_or_insert_default();
        let mut rows = sqlx::query(include_str!("../../sql/measure_unclaimed_events.sql"))
            .bind(tenant.0)
            .bind(rows)
            .fetch(connection);
        while let Some(row) = rows.try_next().await? {
            seen.insert(row.try_get("touched_id")?);
            let subjects: Vec<String> = row.try_get("subjects")?;
            let events: Vec<Option<Uuid>> = row.try_get("event_ids")?;
            let own = subjects.into_iter().zip(events).filter(|(subject, _)| self.subjects.contains(subject.as_str()));
            self.events.extend(own.filter_map(|(_, event)| event));
        }
        Ok(())
    }
}
