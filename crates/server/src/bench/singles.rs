//! Single events: how many are acknowledged, against a plain handler that inserts and commits each by itself?

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
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
pub(super) const CLIENTS: u32 = 64;
/// More than are answered in a second.
const MADE_A_SECOND: u64 = 25_000;

/// What a phase of single events came to.
#[derive(Debug)]
pub(super) struct Singles {
    pub(super) done: u64,
    pub(super) took: Duration,
    pub(super) times: Times,
}

/// Requests of one event each, of a stream of the journeys, as many as can be answered in `span`.
pub(super) fn requests(tenant: &Tenant, journeys: &Journeys, stream: u64, span: Duration) -> Arc<Requests> {
    let mut requests = Requests::default();
    for number in 0..span.as_secs().max(1) * MADE_A_SECOND {
        requests.push(&tenant.posting(&journeys.body([Journeys::apart(stream, number)])));
    }
    Arc::new(requests)
}

/// Sends requests over [`CLIENTS`] connections for so long, or until they are at an end.
pub(super) async fn post_singly(
    address: SocketAddr,
    requests: Arc<Requests>,
    span: Duration,
) -> anyhow::Result<Singles> {
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

/// A plain handler of axum that inserts each event and commits it by itself: the service that one writes in an afternoon.
#[derive(Debug)]
pub(super) struct PlainHandler {
    pub(super) address: SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl PlainHandler {
    pub(super) async fn start(ground: &Ground, tenant: &Tenant) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = axum::Router::new().route("/v1/events", post(take));
        let router = router.with_state((ground.pool.clone(), tenant.id));
        // Connections are made before the clock runs.
        drop(try_join_all((0..CLIENTS).map(|_| ground.pool.acquire())).await?);
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, server })
    }
}

impl Drop for PlainHandler {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An event as the plain handler reads it.
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

async fn take(State((pool, tenant)): State<(PgPool, Uuid)>, body: Bytes) -> Result<&'static str, StatusCode> {
    let events: Vec<Taken<'_>> = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    for event in events {
        let subject = match (event.user_id, event.anonymous_id) {
            (Some(user), _) => format!("u:{user}"),
            (None, Some(anonymous)) => format!("a:{anonymous}"),
            (None, None) => return Err(StatusCode::BAD_REQUEST),
        };
        let at = journey::Instant::parse(event.occurred_at, "").map_err(|_| StatusCode::BAD_REQUEST)?.to_utc();
        let value = event.value.map(journey::parse_units).transpose().map_err(|_| StatusCode::BAD_REQUEST)?;
        let inserted = sqlx::query(include_str!("sql/insert.sql"))
            .bind(tenant)
            .bind(Uuid::try_parse(event.event_id).map_err(|_| StatusCode::BAD_REQUEST)?)
            .bind(subject)
            .bind(at)
            .bind(at)
            .bind(event.name)
            .bind(event.channel)
            .bind(value)
            .bind(None::<&str>)
            .bind(None::<&str>)
            .bind(0_i64)
            .bind(format!("{{\"properties\":{}}}", event.properties))
            .execute(&pool)
            .await;
        inserted.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    }
    Ok("{}")
}

impl Singles {
    fn said(&self) -> String {
        format!("{} events/s, {}", thousands(rate(self.done, self.took)), self.times.quantiles())
    }
}

impl Bench<'_> {
    /// Single events against the plain handler.
    pub(super) async fn singles(&mut self) -> anyhow::Result<()> {
        let span = self.sizes.span;
        // The handler is posted the same requests: it has a table of its own.
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
        let handler = PlainHandler::start(&self.ground, &self.tenant).await?;
        self.ground.checkpoint().await?;
        let theirs = post_singly(handler.address, requests, span).await?;
        let what = format!("ingest, single events, {CLIENTS} connections");
        self.lines.push(
            Line::new(&what, ours.said())
                .against(
                    format!("{}, a plain handler", theirs.said()),
                    rate(ours.done, ours.took) / rate(theirs.done, theirs.took),
                )
                .at_least(4.0),
        );
        Ok(())
    }
}
