//! Where the benchmark takes place: a temporary Postgres with durable settings, the service as a process of its own, and
//! what the benchmark asks of both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use uuid::Uuid;

use super::client::{Connection, get, post};
use super::journeys::{Journeys, Trial, WINDOW_DAYS};
use super::served::{Served, Settings};
use crate::postgres::{Embedded, EmbeddedOptions, Role};

/// The most events of a request.
pub(super) const BATCH: u64 = 500;
/// The experiment that only the probe of freshness is in.
pub(super) const PROBE: Trial = Trial { key: "freshness-probe", arms: &["none", "probed"] };
/// The connections that the benchmark itself may hold.
const OWN_CONNECTIONS: u16 = 150;

/// The service and the database under it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) service: Served,
    postgres: Embedded,
    folder: PathBuf,
    /// Connections that nothing is hidden from.
    pub(super) pool: PgPool,
    pub(super) http: reqwest::Client,
    pub(super) tenant: Uuid,
    keys: Value,
}

impl Ground {
    /// Starts everything in a new directory under `parent`, which goes away with this process.
    pub(super) async fn start(parent: &Path, profile: bool) -> anyhow::Result<Self> {
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
        let mut ground =
            Self { service, postgres, folder: settings.folder, pool, http, tenant: Uuid::nil(), keys: Value::Null };
        let request = json!({"name": "bench", "currency": "EUR", "time_zone": "UTC"});
        let made = ground.send(reqwest::Method::POST, "/v1/tenants", &operator_key, Some(&request)).await?;
        ground.tenant = Uuid::parse_str(made["tenant"]["id"].as_str().context("the new tenant has no id")?)?;
        ground.keys = made["keys"].clone();
        Ok(ground)
    }

    /// Stops the service and then Postgres.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.pool.close().await;
        self.service.stop().await?;
        std::fs::remove_dir_all(&self.folder)?;
        self.postgres.stop().await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address)
    }

    pub(super) fn key(&self, scope: &str) -> &str {
        self.keys[scope].as_str().unwrap_or_default()
    }

    /// Puts the metrics and the experiments.
    pub(super) async fn define(&self, journeys: &Journeys) -> anyhow::Result<()> {
        for (key, metric) in [
            ("buyers", json!({"kind": "conversion", "event": "Order Completed"})),
            ("revenue", json!({"kind": "sum", "event": "Order Completed", "unit": "EUR"})),
            (
                "order-value",
                json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"},
                    "denominator": {"event": "Order Completed", "of": "count"}}),
            ),
            ("views", json!({"kind": "count", "event": "Product Viewed"})),
        ] {
            self.send(reqwest::Method::PUT, &format!("/v1/metrics/{key}"), self.key("admin"), Some(&metric)).await?;
        }
        for trial in journeys.trials().iter().chain([&PROBE]) {
            let arms: Vec<_> = trial.arms.iter().map(|arm| json!({"key": arm, "weight": 1})).collect();
            let document = json!({
                "name": trial.key, "tactic": "recommendation", "control": trial.arms[0], "arms": arms,
                "starts_at": journeys.begins.to_string(), "window_days": WINDOW_DAYS, "method": "frequentist",
                "metrics": [{"metric": "buyers", "role": "primary"}, {"metric": "revenue", "role": "secondary"},
                    {"metric": "order-value", "role": "secondary"}, {"metric": "views", "role": "secondary"}],
                "dimensions": ["properties.device"],
            });
            let path = format!("/v1/experiments/{}", trial.key);
            self.send(reqwest::Method::PUT, &path, self.key("admin"), Some(&document)).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
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
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(reqwest::Method::GET, path, self.key("read"), None).await
    }

    /// A new connection to the service.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.service.address).await
    }

    /// The request that posts a body of events.
    pub(super) fn posting(&self, body: &[u8]) -> Vec<u8> {
        post("/v1/events", self.key("ingest"), body)
    }

    /// The request that reads a path.
    pub(super) fn reading(&self, path: &str) -> Vec<u8> {
        get(path, self.key("read"))
    }

    /// Waits until nothing is pending.
    pub(super) async fn measured(&self, trial: &Trial) -> anyhow::Result<()> {
        let path = format!("/v1/experiments/{}/results?consistency=eventual", trial.key);
        loop {
            let answer = self.get(&path).await?;
            let set_aside = answer.pointer("/fresh/set_aside").and_then(Value::as_array).map_or(0, Vec::len);
            ensure!(set_aside == 0, "persons are set aside: {}", answer["fresh"]);
            if answer.pointer("/fresh/pending_subjects") == Some(&json!(0)) && answer["measuring"].is_null() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A checkpoint, so that each measurement begins with a clean cache and the same share of whole-page images ahead.
    pub(super) async fn checkpoint(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("CHECKPOINT").execute(&self.pool).await?;
        Ok(())
    }

    /// Brings the statistics of the planner up to date.
    pub(super) async fn analyze(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("VACUUM ANALYZE event").execute(&self.pool).await?;
        sqlx::raw_sql("ANALYZE bench.person").execute(&self.pool).await?;
        Ok(())
    }

    /// The events that are stored.
    pub(super) async fn stored(&self) -> anyhow::Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM event WHERE tenant_id = $1")
            .bind(self.tenant)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }
}
