//! Which events of persons still wait in the queue? A journey that is loaded whole leaves them out: the slice that claims them
//! adds them.
//!
//! The queue is looked at once more after the events were loaded, and nobody takes anything from it meanwhile, for the slice holds the
//! tenant's lock. An event that was loaded came with its place in the queue, so that it is seen there, unless it was measured.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt as _;
use journey::TenantId;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// The waiting events of some subjects, as far as the queue was looked at.
#[derive(Debug)]
pub(super) struct Unclaimed<'a> {
    events: HashMap<&'a str, Vec<Uuid>>,
    /// The rows that were looked at; `None`: it was never looked.
    seen: Option<HashSet<i64>>,
}

impl<'a> Unclaimed<'a> {
    /// Of these subjects.
    pub(super) fn of(subjects: impl IntoIterator<Item = &'a str>) -> Self {
        Self { events: subjects.into_iter().map(|subject| (subject, Vec::new())).collect(), seen: None }
    }

    /// The events of these subjects that waited when it was looked.
    pub(super) fn events_of(&self, subjects: &[String]) -> Vec<Uuid> {
        subjects.iter().filter_map(|subject| self.events.get(subject.as_str())).flatten().copied().collect()
    }

    /// Looks at the queue, unless it was looked at before in this slice.
    pub(super) async fn look_once(
        &mut self,
        connection: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<(), sqlx::Error> {
        if self.seen.is_none() {
            self.read(connection, tenant, None).await?;
        }
        Ok(())
    }

    /// Looks at the queue. Returns whether there was anything new.
    pub(super) async fn look(&mut self, connection: &mut PgConnection, tenant: TenantId) -> Result<bool, sqlx::Error> {
        let mut rows: Vec<i64> = sqlx::query_scalar(include_str!("../../sql/measure_unclaimed.sql"))
            .bind(tenant.0)
            .fetch_all(&mut *connection)
            .await?;
        rows.retain(|row| self.seen.as_ref().is_none_or(|seen| !seen.contains(row)));
        let found = !rows.is_empty();
        if found {
            self.read(connection, tenant, Some(rows)).await?;
        }
        Ok(found)
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
            for (subject, event) in subjects.iter().zip(events) {
                if let Some(own) = self.events.get_mut(subject.as_str()) {
                    own.extend(event);
                }
            }
        }
        Ok(())
    }
}
