//! The retention deletes what is older than it, and nothing that an experiment needs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use tests::contract::repository;
use tests::events::{event, experiment, exposure};
use tests::moment::{days_ago, text};
use tests::service::Service;
use tests::{Tenant, World};

use super::stored;

tests::cases![old_events_go_unless_an_experiment_needs_them];

/// More than one transaction deletes.
const OLD: usize = 5_500;

async fn old_events_go_unless_an_experiment_needs_them() {
    // Everything is kept for a hundred years at first.
    let world = World::with(&[("JOURNEYLIFT_RETENTION_DAYS", "36500")]).await;
    // Tenants take their turns in the order in which they were made: the last one tells that the others had theirs.
    let (open, dated, alone) = (world.tenant().await, world.tenant().await, world.tenant().await);

    let old: Vec<Value> =
        (0..OLD).map(|at| event(&format!("old-{at}"), &format!("u{}", at % 50), "A", days_ago(600))).collect();
    for batch in old.chunks(500) {
        alone.accept(batch).await;
    }
    alone.accept(&[event("new", "u1", "A", days_ago(399))]).await;

    // An experiment that began 500 days ago looks at two weeks before, too.
    let orders = json!({"kind": "conversion", "event": "Order Completed"});
    for (tenant, starts_at) in [(&dated, Value::from(text(days_ago(500)))), (&open, Value::Null)] {
        tenant.metric("ordered", &orders).await;
        let mut body = experiment(&["ordered"]);
        body["starts_at"] = starts_at;
        tenant.experiment("e", &body).await;
        let who = |name: &str, days| event(&format!("{name}-{days}"), name, "Order Completed", days_ago(days));
        let events = [who("u1", 600), who("u1", 510), exposure("x", "u1", "e", "on", days_ago(499)), who("u1", 495)];
        tenant.accept(&events).await;
    }
    let before = dated.settled("e", "").await;
    assert_eq!(tests::events::arm(&before, "ordered", "on")["tally"]["sum"], "1", "{before}");

    let pool = world.superuser().await;
    let plan = plan(&pool, &alone).await;
    assert!(plan.contains("event_time"), "{plan}");

    // It begins a minute after a start.
    let shorter = Service::start(&world.database, &[("JOURNEYLIFT_RETENTION_DAYS", "400")]).await;
    let begun = Instant::now();
    while stored(&pool, &alone).await > 1 {
        assert!(begun.elapsed() < Duration::from_secs(150), "nothing is deleted: {}", shorter.last_words());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let left = async |tenant: &Tenant| stored(&pool, tenant).await;
    assert_eq!((left(&alone).await, left(&dated).await, left(&open).await), (1, 3, 4));
    let after = dated.settled("e", "").await;
    assert_eq!((&after["metrics"], &after["sample"]), (&before["metrics"], &before["sample"]));
}

/// How old events are found.
async fn plan(pool: &PgPool, tenant: &Tenant) -> String {
    let sql = std::fs::read_to_string(repository().join("crates/store/sql/find_old_events.sql")).unwrap();
    let sql = sql
        .replace("$1", &format!("'{}'::uuid", tenant.id))
        .replace("$2", &format!("'{}'", text(days_ago(700))))
        .replace("$3", "5000");
    let mut tx = pool.begin().await.unwrap();
    // As the look is set.
    sqlx::raw_sql("ANALYZE event; SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        .execute(&mut *tx)
        .await
        .unwrap();
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {sql}"))).fetch_all(&mut *tx).await.unwrap();
    lines.join("\n")
}
