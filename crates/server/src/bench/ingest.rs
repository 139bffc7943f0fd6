//! Ingestion: batches against `COPY`, single events against inserts that commit each by itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use super::event::{COLUMNS, Event};
use super::ground::{BATCH, Ground, Posted};
use super::journeys::Journeys;
use super::timing::Times;

/// Connections of the phase of single events.
pub(super) const CLIENTS: u64 = 64;
/// Batches that are made ahead of what need not be timed.
const CHUNK: usize = 200;

/// The positions `range`, cut into batches.
pub(super) fn batches(range: std::ops::Range<u64>) -> Vec<std::ops::Range<u64>> {
    let end = range.end;
    range.step_by(500).map(|start| start..end.min(start + BATCH)).collect()
}

/// Posts bodies in their order over so many connections; the time is that from the first byte to the last answer.
pub(super) async fn post_all(
    ground: &Ground,
    bodies: &[Bytes],
    connections: usize,
) -> anyhow::Result<(Posted, Duration)> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let sender = async || -> anyhow::Result<Posted> {
        let mut sum = Posted::default();
        while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            sum += ground.post(body).await?;
        }
        Ok(sum)
    };
    let sums = try_join_all((0..connections).map(|_| sender())).await?;
    let took = begun.elapsed();
    let mut total = Posted::default();
    for sum in sums {
        total += sum;
    }
    Ok((total, took))
}

/// Posts the positions `range` without timing them.
pub(super) async fn prefill(
    ground: &Ground,
    journeys: &Journeys,
    range: std::ops::Range<u64>,
    connections: usize,
) -> anyhow::Result<Posted> {
    let mut total = Posted::default();
    for chunk in batches(range).chunks(CHUNK) {
        let bodies: Vec<Bytes> = chunk.iter().map(|batch| journeys.body(batch.clone())).collect();
        total += post_all(ground, &bodies, connections).await?.0;
    }
    Ok(total)
}

/// A table that rows are copied into.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    /// Columns, primary key and index.
    Plain,
    /// Its checks as well.
    Checked,
}

/// Copies the new ones among the positions `range` in one stream and one transaction: the rows and the time.
pub(super) async fn copy(
    ground: &Ground,
    journeys: &Journeys,
    range: std::ops::Range<u64>,
    table: Table,
) -> anyhow::Result<(u64, Duration)> {
    // All lines are made before the clock runs.
    let chunks: Vec<(Vec<u8>, u64)> =
        batches(range).into_iter().map(|batch| journeys.rows(batch, ground.tenant)).collect();
    let name = match table {
        Table::Plain => "plain",
        Table::Checked => "checked",
    };
    let mut connection = ground.pool.acquire().await?;
    let begun = Instant::now();
    let mut copy = connection.copy_in_raw(&format!("COPY bench.{name} ({COLUMNS}) FROM STDIN")).await?;
    let mut rows = 0;
    for (lines, count) in chunks {
        rows += count;
        copy.send(lines).await?;
    }
    let copied = copy.finish().await?;
    let took = begun.elapsed();
    anyhow::ensure!(copied == rows, "{copied} of {rows} rows were copied");
    Ok((rows, took))
}

/// What a phase of single events came to.
#[derive(Debug)]
pub(super) struct Singles {
    pub(super) done: u64,
    pub(super) took: Duration,
    pub(super) times: Times,
}

/// Lets [`CLIENTS`] clients do something again and again for so long, with a number that is new each time.
async fn for_a_while<T>(
    span: Duration,
    clients: Vec<T>,
    act: impl AsyncFn(&mut T, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Singles> {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    let client = async |mut client: T| -> anyhow::Result<Times> {
        let mut times = Times::default();
        while begun.elapsed() < span {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let started = Instant::now();
            act(&mut client, number).await?;
            times.push(started.elapsed());
        }
        Ok(times)
    };
    let all = try_join_all(clients.into_iter().map(client)).await?;
    let took = begun.elapsed();
    let mut times = Times::default();
    for own in all {
        times.append(own);
    }
    Ok(Singles { done: times.len() as u64, took, times })
}

fn clients() -> Vec<()> {
    (0..CLIENTS).map(|_| ()).collect()
}

/// Single events to the service.
pub(super) async fn singles(
    ground: &Ground,
    journeys: &Journeys,
    stream: u64,
    span: Duration,
) -> anyhow::Result<Singles> {
    for_a_while(span, clients(), async |(), number| {
        let body = journeys.body([Journeys::apart(stream, number)]);
        ground.post(&body).await.map(|_| ())
    })
    .await
}

/// Each event inserted and committed by itself, straight from connections of Postgres.
pub(super) async fn loop_of_inserts(
    ground: &Ground,
    journeys: &Journeys,
    stream: u64,
    span: Duration,
) -> anyhow::Result<Singles> {
    let connections = try_join_all((0..CLIENTS).map(|_| ground.pool.acquire())).await?;
    for_a_while(span, connections, async |connection, number| {
        let event = journeys.posted(Journeys::apart(stream, number));
        insert(connection, ground.tenant, &event).await
    })
    .await
}

async fn insert(connection: &mut sqlx::PgConnection, tenant: Uuid, event: &Event) -> anyhow::Result<()> {
    sqlx::query(include_str!("sql/insert.sql"))
        .bind(tenant)
        .bind(event.id)
        .bind(event.subject())
        .bind(event.at.to_utc())
        .bind(event.at.to_utc())
        .bind(event.name)
        .bind(event.channel)
        .bind(event.units())
        .bind(event.exposure.map(|(experiment, _)| experiment))
        .bind(event.exposure.map(|(_, arm)| arm))
        .bind(event.digest())
        .bind(event.data())
        .execute(connection)
        .await?;
    Ok(())
}

/// Each event inserted and committed by itself, by a plain handler of axum: the service that one writes in an afternoon.
pub(super) async fn plain_handler(
    ground: &Ground,
    journeys: &Journeys,
    stream: u64,
    span: Duration,
) -> anyhow::Result<Singles> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = axum::Router::new().route("/", post(take)).with_state((ground.pool.clone(), ground.tenant));
    // Connections are made before the clock runs.
    drop(try_join_all((0..CLIENTS).map(|_| ground.pool.acquire())).await?);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let singles = for_a_while(span, clients(), async |(), number| {
        let body = journeys.body([Journeys::apart(stream, number)]);
        let status = ground.http.post(&url).body(body).send().await?.status();
        anyhow::ensure!(status == StatusCode::OK, "the plain handler answered {status}");
        Ok(())
    })
    .await;
    server.abort();
    singles
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
