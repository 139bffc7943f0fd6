//! An event id counts once, however often it comes, on whatever way.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use tests::events::{check, event, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::world::outcome;
use tests::{Tenant, World};
use uuid::Uuid;

tests::cases![
    within_a_batch_the_first_body_counts,
    across_services_and_a_restart,
    while_the_first_is_still_being_written,
    with_other_ids_another_clock_and_no_time,
    ids_are_compared_after_trimming_and_uuids_stand_for_themselves,
    other_bodies_under_an_id_are_counted_in_a_check,
];

async fn row(world: &World, tenant: &Tenant, name: &str) -> (String, i64) {
    let tenant: Uuid = tenant.id.parse().unwrap();
    let row = sqlx::query("SELECT subject, coalesce(value, 0) AS value FROM event WHERE tenant_id = $1 AND name = $2")
        .bind(tenant)
        .bind(name)
        .fetch_one(&world.superuser().await)
        .await
        .unwrap();
    (row.get("subject"), row.get("value"))
}

async fn within_a_batch_the_first_body_counts() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(1);
    let events = [order("1", "u1", "10", at), order("1", "u2", "20", at), order("1", "u1", "10", at)];
    assert_eq!(tenant.post(&events).await, (1, 2, vec![]));
    assert_eq!(row(&world, &tenant, "Order Completed").await, ("u:u1".into(), 10_000_000));
    assert_eq!(tenant.post(&events).await, (0, 3, vec![]));
}

async fn across_services_and_a_restart() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let second = world.another().await;
    let at = days_ago(1);
    let events: Vec<_> = (0..200).map(|n| event(&format!("e{n}"), &format!("u{}", n % 7), "A", at)).collect();
    // The same events at the same moment through both services, cut differently.
    let elsewhere = tenant.ingest.at(second.place());
    let mut posts = Vec::new();
    for part in events.chunks(20) {
        posts.push(tenant.ingest.post("/v1/events").json(&json!(part)).expect(200));
    }
    for part in events.chunks(33) {
        posts.push(elsewhere.post("/v1/events").json(&json!(part)).expect(200));
    }
    let (mut accepted, mut duplicates) = (0, 0);
    for answer in futures_util::future::join_all(posts).await {
        let (a, d, rejected) = outcome(&answer);
        assert!(rejected.is_empty());
        (accepted, duplicates) = (accepted + a, duplicates + d);
    }
    assert_eq!((accepted, duplicates), (200, 200));
    world.service.kill();
    world.service.start_again().await;
    assert_eq!(tenant.post(&events).await, (0, 200, vec![]));
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 200);
}

async fn while_the_first_is_still_being_written() {
    // Every commit takes a second longer. What is posted meanwhile is another batch, and written at once since it is a large one.
    let world = World::with(&[("JOURNEYLIFT_FAULT", "writer.before_commit=sleep:1000")]).await;
    let tenant = world.tenant().await;
    let pool = world.superuser().await;
    let conflicts = async || -> Vec<String> {
        let named = "SELECT e.name FROM conflict c JOIN event e USING (tenant_id, event_id)";
        sqlx::query_scalar(named).fetch_all(&pool).await.unwrap()
    };
    let at = days_ago(1);
    let named = |id: &str, name: &str| event(id, "u", name, at);
    let many = |of: &str| (0..300).map(|n| named(&format!("{of}-{n}"), "Large")).collect::<Vec<_>>();
    tenant.accept(&[named("0", "Before")]).await;
    let later = async |events: &[Value]| {
        is_being_written(&pool).await;
        tenant.post(events).await
    };
    // The same bodies, and one that was there before, are duplicates and nothing else.
    let first = [named("0", "Before"), named("1", "A"), named("2", "B")];
    let again = [&first[..], &many("a")].concat();
    let (one, two) = tokio::join!(tenant.post(&first), later(&again));
    assert_eq!((one, two), ((2, 1, vec![]), (300, 3, vec![])));
    assert!(conflicts().await.is_empty());
    // Other bodies are noticed: under an id that is being written, and under one that was there before.
    let first = [named("0", "Before"), named("4", "D"), named("5", "E")];
    let others = [named("0", "Other"), named("4", "Other"), named("5", "E"), named("5", "Other")];
    let others = [&others[..], &many("b")].concat();
    let (one, two) = tokio::join!(tenant.post(&first), later(&others));
    assert_eq!((one, two), ((2, 1, vec![]), (300, 4, vec![])));
    let mut found = conflicts().await;
    found.sort_unstable();
    assert_eq!(found, ["Before", "D", "E"]);
    // What the first one settled is known without Postgres: nobody can write when the second one comes to it.
    let same = many("c");
    let alone = async {
        is_being_written(&pool).await;
        let mut tx = pool.begin().await.unwrap();
        let answer = tokio::join!(tenant.post(&same), async {
            sqlx::query("LOCK TABLE event IN SHARE MODE").execute(&mut *tx).await.unwrap();
        });
        tx.rollback().await.unwrap();
        answer.0
    };
    assert_eq!(tokio::join!(tenant.post(&same), alone), ((300, 0, vec![]), (0, 300, vec![])));
    assert_eq!(super::stored(&pool, &tenant).await, 905);
}

/// Waits until a transaction writes events of this database: those of other tests give their tables the same numbers.
async fn is_being_written(pool: &PgPool) {
    let writes = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.relation = 'event'::regclass
        AND l.mode = 'RowExclusiveLock' AND l.granted)";
    while !sqlx::query_scalar::<_, bool>(writes).fetch_one(pool).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn with_other_ids_another_clock_and_no_time() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // Without a time: the first committed try's. A second try, later and by another identity, changes nothing.
    let first = json!({"event_id": "1", "anonymous_id": "a1", "name": "A"});
    tenant.accept(std::slice::from_ref(&first)).await;
    let again = json!({"event_id": "1", "user_id": "u1", "anonymous_id": "a1", "name": "A"});
    assert_eq!(tenant.post(&[again]).await, (0, 1, vec![]));
    assert_eq!(row(&world, &tenant, "A").await.0, "a:a1");
    let links: i64 =
        sqlx::query_scalar("SELECT count(*) FROM identity_link").fetch_one(&world.superuser().await).await.unwrap();
    assert_eq!(links, 0, "a duplicate links nobody");

    // Segment: the same message with another sentAt, so another correction of its time.
    let sent = |ago: u64| {
        let at = tests::moment::text(days_ago(ago));
        json!({"messageId": "2", "userId": "u1", "event": "B", "timestamp": tests::moment::text(days_ago(9)), "sentAt": at})
    };
    for (ago, accepted) in [(1, 1), (5, 0)] {
        let answer = tenant.ingest.post("/v1/track").json(&sent(ago)).expect(200).await;
        assert_eq!((&answer["success"], &answer["accepted"]), (&json!(true), &json!(accepted)));
    }
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 2);
    let conflicts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM conflict").fetch_one(&world.superuser().await).await.unwrap();
    assert_eq!(conflicts, 0, "retries as honest clients make them are no other body");
}

async fn ids_are_compared_after_trimming_and_uuids_stand_for_themselves() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(1);
    let id = "7d0bf2b5-0000-4000-8000-00000000002f";
    tenant
        .accept(&[event(id, "u", "A", at), event(&id.to_uppercase(), "u", "A", at), event("x y", "u", "A", at)])
        .await;
    assert_eq!(tenant.post(&[event("  x y ", "u", "A", at), event(id, "u", "A", at)]).await, (0, 2, vec![]));
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM event WHERE event_id = $1)")
        .bind(id.parse::<Uuid>().unwrap())
        .fetch_one(&world.superuser().await)
        .await
        .unwrap();
    assert!(known);
    // Another tenant may use the same ids.
    world.tenant().await.accept(&[event(id, "u", "A", at)]).await;
}

async fn other_bodies_under_an_id_are_counted_in_a_check() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["spend"])).await;
    let at = days_ago(20);
    tenant.accept(&[exposure("x", "u1", "e", "off", at), order("1", "u1", "10", at)]).await;
    let before = tenant.results("e", "").await;
    assert_eq!(check(&before, "conflicting_ids")["ok"], true);
    // The same id with another value twice, then with a third; a retry of the first body is none.
    for (value, accepted) in [("10", 0), ("99", 0), ("99", 0), ("98", 0)] {
        let answer = tenant.post(&[with(order("1", "u1", "0", at), &json!({"value": value}))]).await;
        assert_eq!(answer, (accepted, 1, vec![]));
    }
    let after = tenant.results("e", "").await;
    let found = check(&after, "conflicting_ids");
    assert_eq!((&found["ok"], &found["count"]), (&json!(false), &json!(1)), "{found}");
    assert_eq!(after["metrics"], before["metrics"], "the first committed body counts");
}
