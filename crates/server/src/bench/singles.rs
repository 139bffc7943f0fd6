//! Single events: how many are acknowledged, against a plain handler that inserts and commits each by itself, and one that stores
//! nothing at all?

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use super::client::{Connection, Requests, on_own_thread};
use super::course::Bench;
use super::ground::{Ground, Tenant};
use super::journeys::Journeys;
use super::report::Line;
use super::timing::{Times, rate, thousands};

/// Connections of the phase.
const CLIENTS: u32 = 64;
/// Requests made beforehand for each second: where more are answered, the phase ends early.
const MADE_A_SECOND: u64 = 25_000;

/// What a phase of single events came to.
#[derive(Debug)]
struct Singles {
    done: u64,
    took: Duration,
    times: Times,
}

/// Requests of one event each, of a stream of the journeys, [`MADE_A_SECOND`] for each second of `span`.
fn requests(tenant: &Tenant, journeys: &Journeys, stream: u64, span: Duration) -> Arc<Requests> {
    let mut requests = Requests::default();
    for number in 0..span.as_secs().max(1) * MADE_A_SECOND {
        requests.push(&tenant.posting(&journeys.body([Journeys::apart(stream, number)])));
    }
    Arc::new(requests)
}

/// Sends requests over [`CLIENTS`] connections for so long, or until they are at an end.
async fn post_singly(address: SocketAddr, requests: Arc<Requests>, span: Duration) -> anyhow::Result<Singles> {
    on_own_thread(async move || {
        let connections = try_join_all((0..CLIENTS).map(|_| Connection::open(address))).await?;
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        let client = async |mut connection: Connection| -> anyhow::Result<Times> {
            let mut times = Times::default();
            while begun.elapsed() < span
                && let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let started = Instant::now();
                let (answer, _) = connection.insist(request).await?;
                times.push(started.elapsed());
                ensure!(answer.status == 200, "{} {}", answer.status, String::from_utf8_lossy(answer.body));
            }
            Ok(times)
        };
        let all = try_join_all(connections.into_iter().map(client)).await?;
        let took = begun.elapsed();
        let mut times = Times::default();
        for own in all {
            times.append(own);
        }
        Ok(Singles { done: times.len() as u64, took, times })
    })
    .await
}

/// A handler of axum that the same requests go to.
#[derive(Debug)]
struct Handler {
    address: SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Handler {
    /// Inserts each event and commits it by itself: the service that one writes in an afternoon.
    async fn plain(ground: &Ground, tenant: &Tenant) -> anyhow::Result<Self> {
        // Connections are made before the clock runs.
        drop(try_join_all((0..CLIENTS).map(|_| ground.pool.acquire())).await?);
        Self::start(axum::Router::new().route("/v1/events", post(insert)).with_state((ground.pool.clone(), tenant.id)))
            .await
    }

    /// Reads each event and forgets it: what client and handler come to by themselves.
    async fn forgetful() -> anyhow::Result<Self> {
        Self::start(axum::Router::new().route("/v1/events", post(forget))).await
    }

    async fn start(router: axum::Router) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, server })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An event as the handlers read it.
#[derive(Debug, Deserialize)]
struct Taken<'a> {
    event_id: &'a str,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    name: &'a str,
    occurred_at: &'a str,
    channel: &'a str,
    value: Option<&'a str>,
    #[serde(borrow)]
    properties: &'a RawValue,
}

/// An event as the plain handler inserts it.
#[derive(Debug)]
struct Stored<'a> {
    event_id: Uuid,
    subject: String,
    occurred_at: DateTime<Utc>,
    name: &'a str,
    channel: &'a str,
    value: Option<i64>,
    data: String,
}

impl<'a> Stored<'a> {
    /// `None`: it can't be stored.
    fn of(event: &Taken<'a>) -> Option<Self> {
        Some(Self {
            event_id: Uuid::try_parse(event.event_id).ok()?,
            subject: match (event.user_id, event.anonymous_id) {
                (Some(user), _) => format!("u:{user}"),
                (None, Some(anonymous)) => format!("a:{anonymous}"),
                (None, None) => return None,
            },
            occurred_at: journey::Instant::parse(event.occurred_at, "").ok()?.to_utc(),
            name: event.name,
            channel: event.channel,
            value: event.value.map(journey::parse_units).transpose().ok()?,
            data: format!("{{\"properties\":{}}}", event.properties),
        })
    }
}

/// The events of a request.
fn read(body: &[u8]) -> Result<Vec<Stored<'_>>, StatusCode> {
    let events: Vec<Taken<'_>> = serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    events.iter().map(|event| Stored::of(event).ok_or(StatusCode::BAD_REQUEST)).collect()
}

async fn insert(State((pool, tenant)): State<(PgPool, Uuid)>, body: Bytes) -> Result<&'static str, StatusCode> {
    for row in read(&body)? {
        let inserted = sqlx::query(include_str!("sql/insert.sql"))
            .bind(tenant)
            .bind(row.event_id)
            .bind(row.subject)
            .bind(row.occurred_at)
            .bind(row.occurred_at)
            .bind(row.name)
            .bind(row.channel)
            .bind(row.value)
            .bind(None::<&str>)
            .bind(None::<&str>)
            .bind(0_i64)
            .bind(row.data)
            .execute(&pool)
            .await;
        inserted.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    }
    Ok("{}")
}

async fn forget(body: Bytes) -> Result<&'static str, StatusCode> {
    std::hint::black_box(read(&body)?);
    Ok("{}")
}

impl Singles {
    fn said(&self) -> String {
        format!("{} events/s, {}", thousands(rate(self.done, self.took)), self.times.quantiles())
    }
}

impl Bench<'_> {
    /// Single events against the plain handler, and beside one that stores nothing.
    pub(super) async fn singles(&mut self) -> anyhow::Result<()> {
        let span = self.sizes.span;
        // The handlers are posted the same requests: the plain one has a table of its own.
        let requests = requests(&self.tenant, &self.journeys, self.stream(), span);
        self.say("posting single events");
        self.ground.checkpoint().await?;
        self.begin_profile().await?;
        let ours = post_singly(self.ground.service.address, requests.clone(), span).await?;
        self.end_profile().await?;
        self.stored += ours.done;
        self.say("waiting until they are measured");
        self.ground.measured(&self.tenant).await?;
        self.note_memory()?;
        self.say("posting the same to a plain handler");
        let theirs = {
            let plain = Handler::plain(&self.ground, &self.tenant).await?;
            self.ground.checkpoint().await?;
            post_singly(plain.address, requests.clone(), span).await?
        };
        self.say("posting the same to a handler that stores nothing");
        self.ground.checkpoint().await?;
        let nothing = {
            let forgetful = Handler::forgetful().await?;
            post_singly(forgetful.address, requests, span).await?
        };
        let what = format!("ingest, single events, {CLIENTS} connections");
        self.lines.push(
            Line::new(&what, ours.said())
                .against(
                    format!("{}, a plain handler", theirs.said()),
                    rate(ours.done, ours.took) / rate(theirs.done, theirs.took),
                )
                .at_least(4.0),
        );
        let what = "the same requests to a handler that stores nothing and checks no key";
        self.lines.push(Line::new(what, nothing.said()));
        Ok(())
    }
}
