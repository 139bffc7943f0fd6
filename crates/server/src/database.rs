//! Which database is meant, and how is it reached? A server of one's own, or the embedded one: started, or found running.

use std::time::Duration;

use anyhow::{Context as _, bail};
use store::{Store, StoreError, StoreOptions};
use tokio::time::{Instant, sleep};

use crate::causes::causes;
use crate::clock::Clock;
use crate::config::{DatabaseArgs, Secret};
use crate::postgres::{self, Embedded, EmbeddedOptions, Role};

/// How long a stop waits for the closing checkpoint of the embedded Postgres; after that it goes on without us.
const POSTGRES_STOP: Duration = Duration::from_millis(2_500);
/// The pause between two attempts to reach a database that does not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// The addresses of one database.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// For the service.
    pub(crate) service: Secret,
    /// For migrations.
    pub(crate) owner: Secret,
}

impl Urls {
    /// The addresses that were given; `None` where the embedded Postgres is meant.
    #[must_use]
    pub(crate) fn given(args: &DatabaseArgs) -> Option<Self> {
        let service = args.database_url.clone()?;
        let owner = args.owner_database_url.clone().unwrap_or_else(|| service.clone());
        Some(Self { service, owner })
    }

    fn embedded(url: impl Fn(Role) -> String) -> Self {
        Self { service: Secret::new(url(Role::Service)), owner: Secret::new(url(Role::Owner)) }
    }
}

/// A database that a service runs on, and the embedded Postgres behind it where there is one.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) urls: Urls,
    pub(crate) embedded: Option<Embedded>,
}

impl Database {
    /// The database that was given, else the embedded Postgres, which is started.
    pub(crate) async fn open(args: &DatabaseArgs, connections: u32) -> anyhow::Result<Self> {
        if let Some(urls) = Urls::given(args) {
            return Ok(Self { urls, embedded: None });
        }
        let mut options = EmbeddedOptions::new(&args.data_dir);
        options.bin_dir.clone_from(&args.pg_bin);
        options.stop_timeout = POSTGRES_STOP;
        // Room for other instances and for the operator's commands.
        options.max_connections = options.max_connections.max(u16::try_from(connections).unwrap_or(u16::MAX) + 50);
        let embedded = Embedded::start(&options).await?;
        Ok(Self { urls: Urls::embedded(|role| embedded.url(role)), embedded: Some(embedded) })
    }
}

/// The database for a command that runs beside a service: the one that was given, else the embedded one of a running service.
pub(crate) async fn find(args: &DatabaseArgs) -> anyhow::Result<Urls> {
    if let Some(urls) = Urls::given(args) {
        return Ok(urls);
    }
    match postgres::find(&args.data_dir).await? {
        Some(address) => Ok(Urls::embedded(|role| address.url(role))),
        None => bail!(
            "no embedded Postgres runs in {}; start `journeylift serve`, name its directory in JOURNEYLIFT_DATA_DIR, or set \
             DATABASE_URL to a server of your own",
            args.data_dir.display()
        ),
    }
}

/// The store for one command of an operator: no background work, few connections.
pub(crate) async fn operator_store(args: &DatabaseArgs, clock: &Clock) -> anyhow::Result<Store> {
    let urls = find(args).await?;
    let mut options = StoreOptions::new(urls.service.reveal(), clock.clone());
    options.background = false;
    options.max_connections = 6;
    let store = Store::connect(options).await.context("the database cannot be used")?;
    let readiness = store.ready().await;
    if let Some(why) = readiness.unreachable {
        bail!("the database cannot be asked: {why}");
    }
    if !readiness.pending.is_empty() {
        bail!("the database lacks {} migrations; run `journeylift migrate`", readiness.pending.len());
    }
    Ok(store)
}

/// Repeats `attempt` while the database does not answer, until `deadline`.
pub(crate) async fn patiently<T, F>(deadline: Instant, mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match attempt().await {
            Err(error @ StoreError::Unavailable(_)) if Instant::now() + PAUSE < deadline => {
                tracing::warn!(error = causes(&error), "the database does not answer yet; trying again");
                sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}
