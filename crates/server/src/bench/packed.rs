//! Packed events: what they take on disk, and what packing costs, in a run of its own.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use journey::TenantId;
use store::{Store, StoreOptions};

use super::args::BenchArgs;
use super::course::Bench;
use super::report::Line;
use super::verified::Verified;
use crate::clock;

/// Events that are read at once.
const PAGE: u32 = 10_000;

/// The lines of a run in which the service packs, each of which says so.
pub(super) async fn lines(args: &BenchArgs, begun: Instant, directory: &Path) -> anyhow::Result<(Vec<Line>, Verified)> {
    let args = args.packed();
    let mut lines = Vec::new();
    let (facts, verified) = Box::pin(super::course(&args, begun, directory, &mut lines)).await?;
    lines.splice(
        0..0,
        facts.into_iter().filter(|(fact, _)| *fact == "journeys").map(|(fact, size)| Line::new(fact, size)),
    );
    for line in &mut lines {
        line.what = format!("packed: {}", line.what);
    }
    Ok((lines, verified))
}

impl Bench<'_> {
    /// Has the JSON of packed events where SQL finds it.
    pub(super) async fn unpack(&self) -> anyhow::Result<()> {
        self.say("unpacking all events");
        sqlx::raw_sql(include_str!("sql/unpacked.sql")).execute(&self.ground.pool).await?;
        let mut options = StoreOptions::new(self.ground.service_url(), clock::system());
        (options.background, options.max_connections) = (false, 6);
        let store = Store::connect(options).await?;
        let mut after = None;
        loop {
            let events = store.operator().events(TenantId(self.tenant.id), after, PAGE).await?;
            let Some(last) = events.last() else { break };
            after = Some(last.id);
            let (ids, data): (Vec<_>, Vec<_>) =
                events.into_iter().filter_map(|event| Some((event.id, event.data?))).unzip();
            sqlx::query("INSERT INTO bench.unpacked SELECT u.id, u.data::jsonb FROM unnest($1::uuid[], $2::text[]) AS u (id, data)")
                .bind(ids)
                .bind(data)
                .execute(&self.ground.pool)
                .await?;
        }
        store.close().await;
        sqlx::raw_sql("ANALYZE bench.unpacked").execute(&self.ground.pool).await?;
        // What comes out must be what was sent, and not only what the service takes for it.
        let (compared, other): (i64, i64) =
            sqlx::query_as(include_str!("sql/unpacked_differs.sql")).fetch_one(&self.ground.pool).await?;
        ensure!(other == 0, "{other} of {compared} events have other properties than were sent");
        Ok(())
    }
}
