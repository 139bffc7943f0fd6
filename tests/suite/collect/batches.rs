//! How batches are written: what the queue is told of their events, and a transaction that is lost before it is used.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tests::World;
use tests::events::{exposure, order};
use tests::moment::days_ago;
use uuid::Uuid;

use super::stored;

tests::cases![
    the_queue_is_told_what_is_new,
    a_transaction_that_was_begun_early_and_is_lost_costs_nothing,
    few_connections_are_enough_for_many_tenants
];

/// Of each row of the queue: how many events, which brought a new link, which are exposures, and when those happened that are the first.
type Told = (i32, Vec<bool>, Vec<bool>, Vec<Option<DateTime<Utc>>>);

async fn the_queue_is_told_what_is_new() {
    let world = World::with(&[("JOURNEYLIFT_NO_BACKGROUND", "true")]).await;
    let tenant = world.tenant().await;
    let at = days_ago(1);
    let linked = |id: &str| {
        let mut event = order(id, "p", "1", at);
        event["anonymous_id"] = json!("a");
        event
    };
    tenant.accept(&[linked("1")]).await;
    tenant.accept(&[linked("2")]).await;
    tenant.accept(&[exposure("3", "p", "e", "on", at)]).await;
    tenant.accept(&[exposure("4", "p", "e", "on", at)]).await;
    tenant.accept(&[exposure("5", "p", "f", "on", at)]).await;
    let many: Vec<Value> = (0..65).map(|number| order(&format!("many {number}"), "p", "1", at)).collect();
    tenant.accept(&many).await;

    let id: Uuid = tenant.id.parse().unwrap();
    let all = "SELECT cardinality(event_ids), whole, exposed, first_exposed_at FROM touched WHERE tenant_id = $1 ORDER BY first_received_at";
    let told: Vec<Told> = sqlx::query_as(all).bind(id).fetch_all(&world.superuser().await).await.unwrap();
    let one = |whole, exposed, first: bool| (1, vec![whole], vec![exposed], vec![first.then_some(at)]);
    assert_eq!(
        told[..5],
        [
            one(true, false, false),
            one(false, false, false),
            one(false, true, true),
            one(false, true, false),
            one(false, true, true)
        ]
    );
    let mut sizes: Vec<i32> = told[5..].iter().map(|row| row.0).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 64]);
}

async fn a_transaction_that_was_begun_early_and_is_lost_costs_nothing() {
    let slow = [("JOURNEYLIFT_FAULT", "writer.before_commit=sleep:900"), ("JOURNEYLIFT_NO_BACKGROUND", "true")];
    let world = World::with(&slow).await;
    let tenant = world.tenant().await;
    let pool = world.superuser().await;
    let post = |id: &'static str| {
        let call = tenant.ingest.post("/v1/events").json(&json!([order(id, "p", "1", days_ago(1))]));
        async move { assert_eq!(call.expect(200).await["accepted"], 1) }
    };
    let rest = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let second = post("second");
        let loss = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            // The first one has said more than that it begins.
            let lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'BEGIN%'";
            let lost: Vec<bool> = sqlx::query_scalar(lost).fetch_all(&pool).await.unwrap();
            assert_eq!(lost, [true], "one transaction had begun and waited");
        };
        join(second, loss).await;
    };
    join(post("first"), rest).await;
    assert_eq!(stored(&pool, &tenant).await, 2);
}

/// With the fewest connections, and as many as leave one for a transaction that is begun early.
async fn few_connections_are_enough_for_many_tenants() {
    for connections in ["6", "11", "20"] {
        let few = [("JOURNEYLIFT_DATABASE_CONNECTIONS", connections), ("JOURNEYLIFT_PACK_EVENTS", "true")];
        let world = World::with(&few).await;
        let tenants = join_all((0..3).map(|_| world.tenant())).await;
        let busy = tenants.iter().map(async |tenant| {
            let posts = (0..8).map(async |connection| {
                for number in 0..20 {
                    tenant.accept(&[order(&format!("{connection} {number}"), "p", "1", days_ago(1))]).await;
                }
            });
            let definitions = async {
                for days in 1..10 {
                    let spend = json!({"kind": "sum", "event": "Order Completed", "window_days": days});
                    tenant.metric("spend", &spend).await;
                }
            };
            join(join_all(posts), definitions).await;
        });
        join_all(busy).await;
        let pool = world.superuser().await;
        for tenant in &tenants {
            assert_eq!(stored(&pool, tenant).await, 160, "{connections} connections");
        }
    }
}
