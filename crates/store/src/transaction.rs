//! Transactions: one tenant each, begun in one round trip, tried again as a whole.
//!
//! The tenant is set with `SET LOCAL`, so that it ends with the transaction and reaches the workers of a
//! distributed Postgres; row-level security compares every row with it.

use std::fmt::Write;
use std::future::Future;
use std::time::Duration;

use journey::TenantId;
use sqlx::{AssertSqlSafe, PgPool, Postgres};
use tokio::time::Instant;

use crate::error::Attempt;

/// A transaction of one tenant.
pub(crate) type Tx = sqlx::Transaction<'static, Postgres>;

/// What a transaction is for: it decides the settings that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Writes that are acknowledged when they are committed.
    Write,
    /// The measurement. Its claims and their effects commit together, and a commit that is lost in a crash repeats
    /// both: so it alone need not wait for the disk. Plans are made for the values at hand, because arrays of one
    /// and of thousands of persons want different ones; and nothing is walked through, because the queue is now empty,
    /// now millions of rows long, whatever the planner last heard of it.
    Measure,
    /// Reads for a transaction of the measurement, each of the moment at which it is made, looked up in the same way.
    Reader,
    /// Reads, all of one snapshot.
    Read,
    /// A look for what is rare, through an index that says where in a table it can be: pages are read in the order in which they
    /// lie, whatever the planner knows of the values. Where deleted space was used again it can read much of the table, and nobody
    /// waits for it.
    Survey,
    /// Deletes by id what a look found: it is looked up by that, and not by the time, which would read all old pages again.
    Purge,
}

impl Purpose {
    fn begin(self) -> &'static str {
        match self {
            Self::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            Self::Measure => {
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = off; \
                 SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL max_parallel_workers_per_gather = 0; \
                 SET LOCAL enable_seqscan = off"
            }
            Self::Reader => {
                "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; \
                 SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_seqscan = off"
            }
            // The queue is empty most of the time but has room for many: whatever the planner knows of it, it is looked
            // up and not walked through.
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off",
            Self::Survey => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; \
                 SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL statement_timeout = '10min'"
            }
            Self::Purge => {
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL enable_seqscan = off; \
                 SET LOCAL enable_bitmapscan = off"
            }
        }
    }
}

/// Begins a transaction of `tenant`, in one round trip.
pub(crate) async fn begin(pool: &PgPool, tenant: TenantId, purpose: Purpose) -> Result<Tx, sqlx::Error> {
    pool.begin_with(AssertSqlSafe(statements(tenant, purpose))).await
}

/// Begins a transaction of `tenant` where a connection is at hand; `None`: there is none.
pub(crate) async fn try_begin(pool: &PgPool, tenant: TenantId, purpose: Purpose) -> Result<Option<Tx>, sqlx::Error> {
    pool.try_begin_with(AssertSqlSafe(statements(tenant, purpose))).await
}

fn statements(tenant: TenantId, purpose: Purpose) -> String {
    let mut statements = purpose.begin().to_owned();
    // The only text that ever goes into a statement, and it is written by `Uuid`: 36 characters of [0-9a-f-].
    let _ = write!(statements, "; SET LOCAL app.tenant_id = '{}'", tenant.0.hyphenated());
    statements
}

/// Begins a transaction of [`Purpose::Reader`] for someone who holds a connection of this pool already, if more than one is to spare:
/// nobody is to wait for the last.
pub(crate) async fn begin_reader(pool: &PgPool, tenant: TenantId) -> Option<Tx> {
    let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    let used = usize::try_from(pool.size()).unwrap_or(usize::MAX).saturating_sub(pool.num_idle());
    if most.saturating_sub(used) < 2 {
        return None;
    }
    match try_begin(pool, tenant, Purpose::Reader).await {
        Ok(Some(begun)) => Some(begun),
        Ok(None) => {
            // To open one takes longer than to go without: it is there for the next slice.
            let pool = pool.clone();
            tokio::spawn(async move { drop(pool.acquire().await) });
            None
        }
        Err(error) => {
            tracing::debug!(?error, "no connection reads for a slice");
            None
        }
    }
}

/// Begins a transaction that sees the key of this hash, whatever tenant it belongs to.
pub(crate) async fn begin_for_key(pool: &PgPool, key_hash: &[u8; 32]) -> Result<Tx, sqlx::Error> {
    // 64 characters of [0-9a-f].
    let statements = format!("{}; SET LOCAL app.key_hash = '{}'", Purpose::Read.begin(), hex::encode(key_hash));
    pool.begin_with(AssertSqlSafe(statements)).await
}

/// Lets a transaction that was begun for a key see the key's tenant as well.
pub(crate) async fn enter_tenant(tx: &mut Tx, tenant: TenantId) -> Result<(), sqlx::Error> {
    let statement = format!("SET LOCAL app.tenant_id = '{}'", tenant.0.hyphenated());
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut **tx).await?;
    Ok(())
}

/// Waits between the tries; there is one try more than waits.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(25), Duration::from_millis(100), Duration::from_millis(400)];

/// No try begins later than this after the first: whoever waits gets an answer instead.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs `attempt`, a whole transaction from its beginning to its commit, again while it fails for a passing reason.
///
/// A commit whose answer was lost may have happened, so every `attempt` must be right when it runs twice.
pub(crate) async fn retry<T, E, F, Run>(name: &'static str, mut attempt: F) -> Result<T, E>
where
    E: Attempt + std::fmt::Debug,
    F: FnMut() -> Run,
    Run: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    for pause in PAUSES {
        match attempt().await {
            Err(error) if error.is_transient() && started.elapsed() + pause < PATIENCE => {
                tracing::warn!(transaction = name, ?error, "trying again");
                tokio::time::sleep(pause).await;
            }
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    fn broken() -> StoreError {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()).into()
    }

    #[tokio::test]
    async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_not() {
        let mut tries = 0;
        let done: Result<i32, StoreError> = retry("test", || {
            tries += 1;
            let outcome = if tries < 3 { Err(broken()) } else { Ok(tries) };
            async { outcome }
        })
        .await;
        assert_eq!(done.unwrap(), 3);

        let mut tries = 0;
        let done: Result<(), StoreError> = retry("test", || {
            tries += 1;
            async { Err(StoreError::from(sqlx::Error::RowNotFound)) }
        })
        .await;
        assert!(matches!(done, Err(StoreError::Internal(_))));
        assert_eq!(tries, 1);
    }

    #[tokio::test]
    async fn the_tries_are_bounded() {
        let mut tries = 0;
        let done: Result<(), StoreError> = retry("test", || {
            tries += 1;
            async { Err(broken()) }
        })
        .await;
        assert!(matches!(done, Err(StoreError::Unavailable(_))));
        assert_eq!(tries, PAUSES.len() + 1);
    }
}
