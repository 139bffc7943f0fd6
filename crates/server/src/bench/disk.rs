//! Disk: how many bytes does an event take, with the indexes of its table, against a plain table?

use anyhow::ensure;

use super::course::Bench;
use super::ingest::batches;
use super::report::Line;
use super::timing::thousands;

/// Enough events for what they take to be steady.
const SAMPLE: u64 = 500_000;

impl Bench<'_> {
    /// The service's table against that which one makes in an afternoon.
    pub(super) async fn disk(&mut self) -> anyhow::Result<()> {
        self.say("filling a plain table");
        let (ground, journeys) = (&self.ground, &self.journeys);
        let mut connection = ground.pool.acquire().await?;
        let mut copy = connection.copy_in_raw("COPY bench.plain FROM STDIN").await?;
        for batch in batches(0..self.sizes.events.min(SAMPLE)) {
            copy.send(journeys.plain_rows(batch)).await?;
        }
        let plain_rows = copy.finish().await?;
        drop(connection);
        sqlx::raw_sql("VACUUM ANALYZE bench.plain").execute(&ground.pool).await?;
        sqlx::raw_sql("VACUUM ANALYZE event").execute(&ground.pool).await?;
        let size = async |table: &str| -> anyhow::Result<(f64, f64)> {
            let (heap, all): (i64, i64) =
                sqlx::query_as("SELECT pg_table_size($1::regclass), pg_total_relation_size($1::regclass)")
                    .bind(table)
                    .fetch_one(&ground.pool)
                    .await?;
            Ok((heap as f64, all as f64))
        };
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM event").fetch_one(&ground.pool).await?;
        ensure!(rows > 0 && plain_rows > 0, "there are no events");
        let ((heap, all), (plain_heap, plain_all)) = (size("event").await?, size("bench.plain").await?);
        let (ours, theirs) = (all / rows as f64, plain_all / plain_rows as f64);
        let most = if self.args.pack { 0.6 } else { 0.85 };
        let others: Vec<(String, f64)> = sqlx::query_as(
            "SELECT relname::text, pg_total_relation_size(oid)::float8 FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'event' ORDER BY 2 DESC",
        )
        .fetch_all(&ground.pool)
        .await?;
        let list: Vec<String> =
            others.iter().take(6).map(|(name, bytes)| format!("{name} {}", thousands(bytes / rows as f64))).collect();
        let said = |all: f64, heap: f64, rows: f64| {
            format!("{} bytes ({} of them the table)", thousands(all / rows), thousands(heap / rows))
        };
        let line = Line::new("bytes on disk an event, its table and indexes", said(all, heap, rows as f64))
            .against(
                format!("{}, a plain table with the JSON", said(plain_all, plain_heap, plain_rows as f64)),
                theirs / ours,
            )
            .target(&format!("<= {most} times as many"), ours / theirs <= most);
        let others = format!(
            "{} bytes: {}",
            thousands(others.iter().map(|(_, bytes)| bytes / rows as f64).sum()),
            list.join(", ")
        );
        self.lines.extend([line, Line::new("bytes on disk an event, all other tables", others)]);
        Ok(())
    }
}
