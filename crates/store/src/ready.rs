//! Readiness: whether an acknowledgement given now would keep its promise.

use journey::Instant;
use sqlx::types::chrono::{DateTime, Utc};

use std::time::Duration;

use crate::Store;
use crate::error::StoreError;
use crate::migrations::{PendingMigration, applied, changed, pending};
use crate::transaction::retry;

/// How long the database may take to answer: whoever asks for readiness asks again soon.
const PATIENCE: Duration = Duration::from_millis(900);

/// What stands between the service and its readiness; all of it empty: ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Why the database can't be asked; `None`: it can.
    pub unreachable: Option<String>,
    /// Migrations that the database has not seen.
    pub pending: Vec<PendingMigration>,
    /// Numbers of migrations that were applied with another text.
    pub changed: Vec<i64>,
    /// Settings of the database without which a crash of it could lose acknowledged events.
    pub not_durable: Vec<String>,
}

impl Readiness {
    /// Whether nothing stands in the way.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Asks the database whether it is reachable, migrated and durable.
    pub async fn ready(&self) -> Readiness {
        let unreachable = match tokio::time::timeout(PATIENCE, retry("ready", || self.look())).await {
            Ok(Ok(readiness)) => return readiness,
            Ok(Err(error)) => {
                tracing::warn!(?error, "the database is not ready");
                error.to_string()
            }
            Err(_) => format!("the database does not answer within {} ms", PATIENCE.as_millis()),
        };
        Readiness { unreachable: Some(unreachable), ..Readiness::default() }
    }

    /// The time that the database's clock shows. Nothing goes by it; a clock far from the service's is a fault of one of
    /// the two machines.
    pub async fn database_clock(&self) -> Result<Instant, StoreError> {
        retry("database_clock", || async move {
            let now: DateTime<Utc> =
                sqlx::query_scalar(include_str!("../sql/database_clock.sql")).fetch_one(&self.inner.ingest).await?;
            Ok(now.into())
        })
        .await
    }

    async fn look(&self) -> Result<Readiness, StoreError> {
        let (fsync, full_page_writes, synchronous_commit): (String, String, String) =
            sqlx::query_as(include_str!("../sql/durability.sql")).fetch_one(&self.inner.ingest).await?;
        let applied = applied(&self.inner.ingest).await?;
        let settings = [
            ("fsync", &fsync),
            ("full_page_writes", &full_page_writes),
            // Every other value waits at least for the disk of this server.
            ("synchronous_commit", &synchronous_commit),
        ];
        let not_durable =
            settings.into_iter().filter(|(_, value)| *value == "off").map(|(name, _)| format!("{name} is off"));
        Ok(Readiness {
            unreachable: None,
            pending: pending(&applied),
            changed: changed(&applied),
            not_durable: not_durable.collect(),
        })
    }
}
