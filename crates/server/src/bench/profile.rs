//! Where Postgres spent its time, with `--profile`.

use sqlx::Row as _;

use super::ground::Ground;

/// The statements that took the most time in all, with their calls, seconds, mean milliseconds, rows and bytes of log.
const STATEMENTS: &str = "SELECT round((total_exec_time / 1000)::numeric, 2)::text || ' s in ' || calls || ' calls, ' \
     || round(mean_exec_time::numeric, 3) || ' ms each, ' || rows || ' rows, ' || pg_size_pretty(wal_bytes) || ' of log: ' \
     || left(regexp_replace(query, '\\s+', ' ', 'g'), 110) AS line \
     FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 15";

/// Forgets what was counted so far.
pub(super) async fn reset(ground: &Ground) -> anyhow::Result<()> {
    sqlx::query("SELECT pg_stat_statements_reset()").execute(&ground.pool).await?;
    Ok(())
}

/// A line for each of the most expensive statements since the last [`reset`].
pub(super) async fn statements(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query(STATEMENTS).fetch_all(&ground.pool).await?;
    rows.iter().map(|row| Ok(row.try_get("line")?)).collect()
}
