//! One Postgres for the whole run, and a database of its own for each test, copied from a migrated template.
//!
//! The server is the product's embedded one, in a temporary directory; as root it runs as another user. Its tether
//! removes it with its files however this process ends.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use server::postgres::{Address, Embedded, EmbeddedOptions, Role};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};
use tokio::sync::{Mutex, OnceCell};

const TEMPLATE: &str = "migrated";

static EMBEDDED: StdMutex<Option<Embedded>> = StdMutex::new(None);
static SERVER: OnceCell<Server> = OnceCell::const_new();

struct Server {
    address: Address,
    superuser: PgPool,
    /// Databases are copied one at a time: a copy wants the template for itself.
    copying: Mutex<()>,
    made: AtomicUsize,
}

async fn server() -> &'static Server {
    SERVER
        .get_or_init(|| async {
            let directory = place().join(format!("journeylift-tests-{}", uuid::Uuid::new_v4().simple()));
            let options = EmbeddedOptions {
                temporary: true,
                max_connections: 600,
                shared_buffers_mib: Some(256),
                start_timeout: Duration::from_mins(2),
                // Nothing of it is wanted afterwards.
                stop_timeout: Duration::from_millis(100),
                settings: vec![("checkpoint_timeout".into(), "1h".into()), ("max_wal_size".into(), "1GB".into())],
                ..EmbeddedOptions::new(directory)
            };
            let embedded = Embedded::start(&options).await.expect("the Postgres of the tests starts");
            let address = embedded.address().clone();
            *EMBEDDED.lock().expect("nobody panicked here") = Some(embedded);
            let superuser = pool(&address.url_to(Role::Superuser, "postgres"), 4).await;
            let made = format!("CREATE DATABASE {TEMPLATE} OWNER {}", Role::Owner.name());
            sqlx::query(AssertSqlSafe(made)).execute(&superuser).await.expect("the template is made");
            store::migrate(&address.url_to(Role::Owner, TEMPLATE)).await.expect("the template is migrated");
            Server { address, superuser, copying: Mutex::new(()), made: AtomicUsize::new(0) }
        })
        .await
}

/// Where the server keeps its files: in memory where there is room for them, because a hundred databases are made and
/// thrown away, and a process that is killed loses no more there than on a disk.
fn place() -> PathBuf {
    let free = |folder: &str| {
        let output = Command::new("df").args(["--output=avail", "--block-size=1M", folder]).output().ok()?;
        String::from_utf8_lossy(&output.stdout).lines().nth(1)?.trim().parse::<u64>().ok()
    };
    if free("/dev/shm").is_some_and(|mib| mib > 6_000) { "/dev/shm".into() } else { std::env::temp_dir() }
}

/// Stops the server of the run, if it was started, and removes its files.
pub(crate) async fn end() {
    let embedded = EMBEDDED.lock().expect("nobody panicked here").take();
    if let Some(server) = SERVER.get() {
        server.superuser.close().await;
    }
    if let Some(embedded) = embedded {
        embedded.stop().await.expect("the Postgres of the tests stops");
    }
}

/// A pool of connections to `url`.
pub async fn pool(url: &str, connections: u32) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("an address of Postgres");
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.disable_statement_logging())
        .await
        .expect("Postgres answers")
}

/// A migrated database that belongs to one test.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    address: Address,
}

impl Database {
    /// A copy of the template.
    pub async fn new() -> Self {
        let server = server().await;
        let name = format!("test_{}", server.made.fetch_add(1, Ordering::Relaxed));
        let _turn = server.copying.lock().await;
        let sql = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {}", Role::Owner.name());
        sqlx::query(AssertSqlSafe(sql)).execute(&server.superuser).await.expect("a database is copied");
        Self { name, address: server.address.clone() }
    }

    /// An empty database, without a schema.
    pub async fn empty() -> Self {
        let server = server().await;
        let name = format!("empty_{}", server.made.fetch_add(1, Ordering::Relaxed));
        let sql = format!("CREATE DATABASE {name} OWNER {}", Role::Owner.name());
        sqlx::query(AssertSqlSafe(sql)).execute(&server.superuser).await.expect("a database is made");
        Self { name, address: server.address.clone() }
    }

    /// The address of the database for a role.
    #[must_use]
    pub fn url(&self, role: Role) -> String {
        self.address.url_to(role, &self.name)
    }

    /// A pool of a few connections of a role.
    pub async fn pool(&self, role: Role) -> PgPool {
        pool(&self.url(role), 4).await
    }
}
