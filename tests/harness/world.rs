//! What most tests begin with: a database, a service on it, and a tenant with its keys.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use server::postgres::Role;
use sqlx::PgPool;

use crate::client::{Call, Client};
use crate::database::Database;
use crate::service::{OPERATOR_KEY, Service, program};

/// A database and a service on it.
#[derive(Debug)]
pub struct World {
    /// The database.
    pub database: Database,
    /// The first service.
    pub service: Service,
}

impl World {
    /// With a service as it comes.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With a service that has these variables in its environment.
    pub async fn with(environment: &[(&str, &str)]) -> Self {
        let database = Database::new().await;
        let service = Service::start(&database, environment).await;
        Self { database, service }
    }

    /// One more service on the same database.
    pub async fn another(&self) -> Service {
        Service::start(&self.database, &[]).await
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> Client {
        self.service.client(Some(OPERATOR_KEY))
    }

    /// A tenant that counts in euros and cuts days in UTC.
    pub async fn tenant(&self) -> Tenant {
        self.tenant_in("EUR", "UTC").await
    }

    /// A tenant.
    pub async fn tenant_in(&self, currency: &str, zone: &str) -> Tenant {
        let body = json!({"name": "acme", "currency": currency, "time_zone": zone});
        let made = self.operator().post("/v1/tenants").json(&body).expect(201).await;
        let key = |scope: &str| self.service.client(made["keys"][scope].as_str());
        Tenant {
            id: made["tenant"]["id"].as_str().expect("an id").to_owned(),
            admin: key("admin"),
            ingest: key("ingest"),
            read: key("read"),
        }
    }

    /// Runs a command of the program on the service's database.
    ///
    /// # Panics
    /// Where it can't be run, or the database never answers.
    #[must_use]
    pub fn journeylift(&self, arguments: &[&str], key: Option<&str>) -> Output {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_URL", self.database.url(Role::Service))
            .stdin(Stdio::null());
        if let Some(key) = key {
            command.env("JOURNEYLIFT_KEY", key);
        }
        for _ in 0..4 {
            let output = command.output().expect("the program runs");
            // A machine that runs many tests may keep the database from answering in time.
            if !String::from_utf8_lossy(&output.stderr).contains("does not answer within") {
                return output;
            }
        }
        panic!("the database never answers");
    }

    /// A pool that sees all rows of all tenants.
    pub async fn superuser(&self) -> PgPool {
        self.database.pool(Role::Superuser).await
    }

    /// Waits until the background has measured whatever a tenant has.
    ///
    /// # Panics
    /// Where it never does.
    pub async fn caught_up(&self, tenant: &Tenant) {
        let pool = self.superuser().await;
        for _ in 0..2_000 {
            let busy: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM touched WHERE tenant_id = $1) \
                 OR EXISTS (SELECT FROM definition WHERE tenant_id = $1 AND state <> 'active')",
            )
            .bind(tenant.id.parse::<uuid::Uuid>().expect("a tenant's id"))
            .fetch_one(&pool)
            .await
            .expect("the database answers");
            if !busy {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the measurement of {} never catches up", tenant.id);
    }
}

/// A tenant and a client for each of its first keys.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// Defines.
    pub admin: Client,
    /// Posts events.
    pub ingest: Client,
    /// Reads.
    pub read: Client,
}

impl Tenant {
    /// Posts events and returns `(accepted, duplicates, rejected)`.
    pub async fn post(&self, events: &[Value]) -> (u64, u64, Vec<Value>) {
        outcome(&self.ingest.post("/v1/events").json(&json!(events)).expect(200).await)
    }

    /// Posts events that must all be accepted.
    pub async fn accept(&self, events: &[Value]) {
        let (accepted, duplicates, rejected) = self.post(events).await;
        assert_eq!((accepted, duplicates, &rejected[..]), (events.len() as u64, 0, &[][..]));
    }

    /// Defines a metric.
    pub async fn metric(&self, key: &str, body: &Value) {
        let answer = self.admin.put(&format!("/v1/metrics/{key}")).json(body).send().await;
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
    }

    /// Defines an experiment.
    pub async fn experiment(&self, key: &str, body: &Value) {
        let answer = self.admin.put(&format!("/v1/experiments/{key}")).json(body).send().await;
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
    }

    /// Asks for results; `query` without a question mark.
    pub async fn results(&self, experiment: &str, query: &str) -> Value {
        self.asking(experiment, query).expect(200).await
    }

    /// Asks for results until nothing is pending: a read whose time is up says what is.
    pub async fn settled(&self, experiment: &str, query: &str) -> Value {
        for _ in 0..60 {
            let results = self.results(experiment, query).await;
            if results["fresh"]["pending_subjects"] == 0 {
                return results;
            }
        }
        panic!("the measurement of {experiment} never catches up");
    }

    /// The call that asks for results.
    pub fn asking(&self, experiment: &str, query: &str) -> Call {
        self.read.get(&format!("/v1/experiments/{experiment}/results?{query}"))
    }
}

/// `(accepted, duplicates, rejected)` of an answer to events.
///
/// # Panics
/// Where it is no such answer.
#[must_use]
pub fn outcome(answer: &Value) -> (u64, u64, Vec<Value>) {
    let number = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{name} in {answer}"));
    (number("accepted"), number("duplicates"), answer["rejected"].as_array().expect("rejected").clone())
}

/// Posts events again and again until they are acknowledged: the service may be away or busy for a while. Returns
/// `(accepted, duplicates)` of the last try, and whether there was one before it.
///
/// # Panics
/// Where an event is refused, or nothing is acknowledged within a minute.
pub async fn deliver(client: &Client, events: &[Value]) -> (u64, u64, bool) {
    for tries in 0..600 {
        // A body of thousands of events is held against the contract by its answer alone.
        let call = client.post("/v1/events").json(&json!(events));
        let call = if events.len() > 1_000 { call.invalid() } else { call };
        match call.try_send().await {
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) => {
                let (accepted, duplicates, rejected) = outcome(&answer.expect(200));
                assert!(rejected.is_empty(), "{rejected:?}");
                return (accepted, duplicates, tries > 0);
            }
            Err(_) => {}
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the events are never acknowledged");
}
