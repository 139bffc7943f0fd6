//! Where the benchmark takes place: a temporary Postgres with durable settings, the service as a process of its own, and
//! what the benchmark asks of both.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use uuid::Uuid;

use super::client::{Connection, get, post};
use super::journeys::Journeys;
use super::served::{Served, Settings};
use super::trials::{PROBE, metrics};
use crate::postgres::{Embedded, EmbeddedOptions, Role};

/// The most events of a request.
pub(super) const BATCH: u64 = 500;
/// The connections that the benchmark itself may hold.
const OWN_CONNECTIONS: u16 = 150;

/// The service and the database under it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) service: Served,
    postgres: Embedded,
    /// Where the service's log is, and what else the benchmark writes for a while.
    pub(super) folder: PathBuf,
    /// Connections that nothing is hidden from.
    pub(super) pool: PgPool,
    pub(super) http: reqwest::Client,
    operator_key: String,
}

/// A tenant of the service, with its keys.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    pub(super) id: Uuid,
    keys: Value,
}

impl Tenant {
    pub(super) fn key(&self, scope: &str) -> &str {
        self.keys[scope].as_str().unwrap_or_default()
    }

    /// The request that posts a body of events.
    pub(super) fn posting(&self, body: &[u8]) -> Vec<u8> {
        post("/v1/events", self.key("ingest"), body)
    }

    /// The request that reads a path.
    pub(super) fn reading(&self, path: &str) -> Vec<u8> {
        get(path, self.key("read"))
    }
}

impl Ground {
    /// Starts everything in a new directory under `parent`, which goes away with this process.
    pub(super) async fn start(parent: &Path, profile: bool, packs: bool) -> anyhow::Result<Self> {
        let mut random = [0; 24];
        getrandom::fill(&mut random).context("the system gives no random bytes")?;
        let name = format!("journeylift-bench-{}", hex::encode(&random[..6]));
        let mut options =
            EmbeddedOptions { temporary: true, max_connections: 250, ..EmbeddedOptions::new(parent.join(&name)) };
        if profile {
            options.settings.push(("shared_preload_libraries".into(), "pg_stat_statements".into()));
        }
        let postgres = Embedded::start(&options).await.context("the temporary Postgres cannot be started")?;
        let operator_key = hex::encode(random);
        let settings = Settings {
            operator_key: operator_key.clone(),
            service_url: postgres.url(Role::Service),
            owner_url: postgres.url(Role::Owner),
            folder: parent.join(format!("{name}-service")),
            packs,
        };
        let (service, _) = Served::start(&settings, true).await?;

        let superuser: PgConnectOptions = postgres.url(Role::Superuser).parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(OWN_CONNECTIONS.into())
            .acquire_timeout(Duration::from_mins(1))
            // No round trip more than what is measured.
            .test_before_acquire(false)
            .connect_with(superuser.disable_statement_logging())
            .await?;
        if profile {
            sqlx::raw_sql("CREATE EXTENSION pg_stat_statements").execute(&pool).await?;
        }
        sqlx::raw_sql(include_str!("sql/tables.sql")).execute(&pool).await?;
        let http =
            reqwest::Client::builder().pool_max_idle_per_host(usize::MAX).timeout(Duration::from_mins(2)).build()?;
        Ok(Self { service, postgres, folder: settings.folder, pool, http, operator_key })
    }

    /// A new tenant, in whose name nothing is defined.
    pub(super) async fn new_tenant(&self, name: &str) -> anyhow::Result<Tenant> {
        let request = json!({"name": name, "currency": "EUR", "time_zone": "UTC"});
        let made = self.send(Method::POST, "/v1/tenants", &self.operator_key, Some(&request)).await?;
        let id = Uuid::parse_str(made["tenant"]["id"].as_str().context("the new tenant has no id")?)?;
        Ok(Tenant { id, keys: made["keys"].clone() })
    }

    /// Stops the service and then Postgres.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.pool.close().await;
        self.service.stop().await?;
        std::fs::remove_dir_all(&self.folder)?;
        self.postgres.stop().await
    }

    /// The database, as the service's login.
    pub(super) fn service_url(&self) -> String {
        self.postgres.url(Role::Service)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address)
    }

    /// Puts the metrics and the experiments of the journeys, and the experiment of the probe.
    pub(super) async fn define(&self, tenant: &Tenant, journeys: &Journeys) -> anyhow::Result<()> {
        let metrics = metrics();
        for (key, metric) in &metrics {
            self.put(tenant, &format!("/v1/metrics/{key}"), metric).await?;
        }
        let keys = metrics.each_ref().map(|(key, _)| *key);
        for trial in journeys.trials().iter().chain([&PROBE]) {
            let document = trial.document(&journeys.begins.to_string(), &keys);
            self.put(tenant, &format!("/v1/experiments/{}", trial.key), &document).await?;
        }
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, key: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        ensure!(status.is_success(), "{path}: {status} {answer}");
        Ok(answer)
    }

    /// Asks for JSON with the key that reads.
    pub(super) async fn get(&self, tenant: &Tenant, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, tenant.key("read"), None).await
    }

    /// Puts a document with the key that administers.
    pub(super) async fn put(&self, tenant: &Tenant, path: &str, document: &Value) -> anyhow::Result<Value> {
        self.send(Method::PUT, path, tenant.key("admin"), Some(document)).await
    }

    /// A new connection to the service.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.service.address).await
    }

    /// The subjects of a tenant that are still to be measured.
    pub(super) async fn pending(&self, tenant: &Tenant) -> anyhow::Result<u64> {
        let answer = self.get(tenant, &format!("{}?consistency=eventual", PROBE.results())).await?;
        let set_aside = answer.pointer("/fresh/set_aside").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(set_aside == 0, "persons are set aside: {}", answer["fresh"]);
        answer.pointer("/fresh/pending_subjects").and_then(Value::as_u64).context("the answer says nothing of pending")
    }

    /// Waits until nothing of a tenant is pending.
    pub(super) async fn measured(&self, tenant: &Tenant) -> anyhow::Result<()> {
        const LEAST: Duration = Duration::from_millis(5);
        const MOST: Duration = Duration::from_secs(1);
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            if self.pending(tenant).await? == 0 {
                return Ok(());
            }
            // Short beside what is waited for, and long beside what asking costs the service, which counts what is pending.
            let pause = (begun.elapsed() / 100).clamp(LEAST, MOST);
            tokio::time::sleep(pause.max(asked.elapsed() * 4)).await;
        }
    }

    /// A checkpoint, so that each measurement begins with a clean cache and the same share of whole-page images ahead.
    pub(super) async fn checkpoint(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("CHECKPOINT").execute(&self.pool).await?;
        Ok(())
    }

    /// The version of the database, and those of its settings that bear on durability and speed.
    pub(super) async fn postgres_facts(&self) -> anyhow::Result<String> {
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&self.pool).await?;
        let settings: String = sqlx::query_scalar(
            "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings
             WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'shared_buffers')",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(format!("{version} ({settings})"))
    }

    /// Brings the statistics of the planner up to date.
    pub(super) async fn analyze(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("VACUUM ANALYZE event").execute(&self.pool).await?;
        Ok(())
    }

    /// Waits until Postgres has tidied up the queue, by itself: what left it is walked past until then.
    pub(super) async fn rested(&self) -> anyhow::Result<()> {
        const PATIENCE: Duration = Duration::from_mins(5);
        let begun = Instant::now();
        loop {
            let dead: i64 = sqlx::query_scalar("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'touched'")
                .fetch_one(&self.pool)
                .await?;
            if dead < 1_000 {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the queue is never vacuumed: {dead} rows of it are dead");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The events of a tenant that are stored.
    pub(super) async fn stored(&self, tenant: &Tenant) -> anyhow::Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM event WHERE tenant_id = $1")
            .bind(tenant.id)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }
}
