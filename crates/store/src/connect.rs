//! Connections: each starts as a role that can't get around row-level security, and the store makes sure of it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::StoreError;
use crate::measure::Measurer;
use crate::options::StoreOptions;
use crate::{Inner, Store, keys, maintenance, rows, writer};

const APP: &str = "journeylift_app";
const MAINTENANCE: &str = "journeylift_maintenance";

/// How long a request waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(2);

/// A connection that rested for so long is tested before it is used: it may be gone. One that was used a moment ago is not tested, which
/// saves every transaction a round trip; where it is gone after all, the transaction is tried again, for longer than this.
const UNTESTED: Duration = Duration::from_millis(100);

/// How long a statement of each pool may take, in milliseconds.
const INGEST_TIMEOUT: u32 = 15_000;
const READ_TIMEOUT: u32 = 10_000;
const MAINTENANCE_TIMEOUT: u32 = 30_000;

/// How long a statement waits for a lock, in milliseconds: longer than a slice of the measurement by far.
const LOCK_TIMEOUT: u32 = 5_000;

/// Connections of the maintenance pool.
const MAINTENANCE_CONNECTIONS: u32 = 2;

/// Connections of writes: a few batches commit at once, and definitions and keys are changed beside them.
const INGEST_CONNECTIONS: u32 = 6;

/// Tenants that this process measures side by side in the background.
const MEASURERS: usize = 2;

/// How often tenants with work are looked for that no one told of: other processes' and those of before a restart.
const SCAN: Duration = Duration::from_secs(2);

impl Store {
    /// Connects, verifies that the roles are those under row-level security, and begins to measure.
    pub async fn connect(options: StoreOptions) -> Result<Self, StoreError> {
        let shared = options.max_connections.saturating_sub(MAINTENANCE_CONNECTIONS).max(6);
        let ingest_connections = (shared / 3).min(INGEST_CONNECTIONS);
        let measuring_connections = (shared - ingest_connections) / 2;
        let read_connections = shared - ingest_connections - measuring_connections;
        let app = |connections, timeout, plans| pool(&options.url, APP, connections, timeout, plans);
        let measuring = app(measuring_connections, INGEST_TIMEOUT, Plans::Chosen)?;
        let reads = app(read_connections, READ_TIMEOUT, Plans::Chosen)?;
        let maintenance = pool(&options.url, MAINTENANCE, MAINTENANCE_CONNECTIONS, MAINTENANCE_TIMEOUT, Plans::Chosen)?;
        verify_role(&measuring, APP).await?;
        verify_role(&maintenance, MAINTENANCE).await?;
        let ingest = app(ingest_connections, INGEST_TIMEOUT, Plans::of_ingest(&measuring).await?)?;
        let measurer = Measurer::new(measuring.clone(), &options);
        let writers = writer::Writers::new(ingest.clone(), &options, ingest_connections, measurer.clone());
        let inner = Inner {
            ingest,
            measuring,
            reads,
            maintenance,
            keys: keys::KeyCache::new(),
            rows: rows::Rows::new(),
            writers,
            measurer,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            options,
        };
        let store = Self { inner: Arc::new(inner) };
        if store.inner.options.background {
            store.start();
        }
        Ok(store)
    }

    /// Starts the tasks in the background. A task that is stopped in the middle loses nothing: its transaction is
    /// rolled back.
    fn start(&self) {
        let inner = &self.inner;
        for _ in 0..MEASURERS {
            let measuring = inner.measurer.clone().run();
            inner.tasks.spawn(inner.closing.clone().run_until_cancelled_owned(measuring));
        }
        let scanning = scan(inner.maintenance.clone(), inner.measurer.clone());
        inner.tasks.spawn(inner.closing.clone().run_until_cancelled_owned(scanning));
    }
}

/// Tells the measurement of tenants that have work, again and again.
async fn scan(maintenance: PgPool, measurer: Arc<Measurer>) {
    loop {
        match maintenance::tenants_with_work(&maintenance).await {
            Ok(tenants) => tenants.iter().for_each(|tenant| measurer.notify(tenant)),
            Err(error) => tracing::warn!(?error, "tenants with work could not be looked for"),
        }
        tokio::time::sleep(SCAN).await;
    }
}

/// How Postgres plans the statements of a pool.
#[derive(Debug, Clone, Copy)]
enum Plans {
    /// As it thinks best: again for the values at hand, where that promises to be cheaper.
    Chosen,
    /// Once for all values.
    Kept,
}

impl Plans {
    /// Whatever a batch holds is inserted in one way, and planning that again took a fifth of a small batch. A distributed Postgres
    /// needs the values at hand, to know where rows are.
    async fn of_ingest(pool: &PgPool) -> Result<Self, StoreError> {
        let is_distributed = sqlx::query_scalar(include_str!("../sql/is_distributed.sql")).fetch_one(pool).await?;
        Ok(if is_distributed { Self::Chosen } else { Self::Kept })
    }

    fn mode(self) -> &'static str {
        match self {
            Self::Chosen => "auto",
            Self::Kept => "force_generic_plan",
        }
    }
}

fn pool(url: &str, role: &str, connections: u32, statement_timeout: u32, plans: Plans) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Setup(format!("the database's address can't be read: {error}")))?
        .application_name("journeylift")
        .options([
            ("role", role),
            ("timezone", "UTC"),
            ("jit", "off"),
            ("plan_cache_mode", plans.mode()),
            // Plain Postgres takes any setting with a dot; a distributed one then sends SET LOCAL to its workers.
            ("citus.propagate_set_commands", "local"),
        ])
        .options([
            ("statement_timeout", statement_timeout),
            ("lock_timeout", LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", 60_000),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_mins(10))
        .max_lifetime(Duration::from_hours(1))
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= UNTESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// Refuses a role that is not under row-level security, whatever the reason.
async fn verify_role(pool: &PgPool, wanted: &str) -> Result<(), StoreError> {
    let (role, superuser, bypasses, owns): (String, bool, bool, bool) =
        sqlx::query_as(include_str!("../sql/verify_role.sql")).fetch_one(pool).await?;
    let fault = if role != wanted {
        format!("connections run as {role} and not as {wanted}")
    } else if superuser || bypasses {
        format!("the role {role} is exempt from row-level security: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS")
    } else if owns {
        format!("the role {role} owns tables, and owners are exempt from row-level security")
    } else {
        return Ok(());
    };
    Err(StoreError::Setup(fault))
}
