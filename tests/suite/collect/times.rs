//! When an event happened: as sent, as corrected, or as received.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::Row;
use tests::World;
use tests::moment::text;

tests::cases![
    times_are_kept_to_the_microsecond,
    a_wrong_clock_is_corrected,
    without_a_time_the_receipt_counts,
    the_retention_is_configurable
];

async fn times(world: &World) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let rows = sqlx::query("SELECT name, occurred_at, received_at FROM event ORDER BY name")
        .fetch_all(&world.superuser().await)
        .await
        .unwrap();
    rows.iter().map(|row| (row.get("name"), row.get("occurred_at"), row.get("received_at"))).collect()
}

async fn times_are_kept_to_the_microsecond() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = |time: &str, name: &str| json!({"event_id": name, "user_id": "u", "name": name, "occurred_at": time});
    tenant
        .accept(&[
            at("2026-09-01T12:00:00.123456789+02:00", "A"),
            at("2026-09-01t12:00:00z", "B"),
            at("2026-09-01T12:00:00.5-07:30", "C"),
        ])
        .await;
    let found: Vec<_> = times(&world).await.into_iter().map(|(_, occurred, _)| text(occurred)).collect();
    assert_eq!(found, ["2026-09-01T10:00:00.123456Z", "2026-09-01T12:00:00Z", "2026-09-01T19:30:00.500Z"]);
}

async fn a_wrong_clock_is_corrected() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let now = Utc::now();
    let hours = TimeDelta::hours;
    let call = |name: &str, at: DateTime<Utc>, sent: Option<DateTime<Utc>>| -> Value {
        json!({"type": "track", "messageId": name, "userId": "u", "event": name, "timestamp": text(at), "sentAt": sent.map(text)})
    };
    let batch = json!({"batch": [
        // The sender's clock is 3 h slow: what it dates 5 h ago happened 2 h ago.
        call("A", now - hours(5), Some(now - hours(3))),
        // It is 3 h fast.
        call("B", now + hours(1), Some(now + hours(3))),
        // It is right: nothing moves.
        call("C", now - hours(7), Some(Utc::now())),
        // Nobody knows.
        call("D", now - hours(9), None),
        // RudderStack's original time wins.
        {"type": "track", "messageId": "E", "userId": "u", "event": "E", "originalTimestamp": text(now - hours(11)), "timestamp": text(now - hours(1)), "sentAt": null}
    ]});
    let answer = tenant.ingest.post("/v1/batch").json(&batch).expect(200).await;
    assert_eq!(answer["accepted"], 5, "{answer}");
    for ((name, occurred, received), (expected, exactly)) in
        times(&world).await.into_iter().zip([(-2, false), (-2, false), (-7, true), (-9, true), (-11, true)])
    {
        let off = occurred - (now + hours(expected));
        assert!(off.abs() < TimeDelta::seconds(30), "{name} happened at {occurred}");
        if exactly {
            assert_eq!(
                text(occurred),
                text(DateTime::from_timestamp_micros((now + hours(expected)).timestamp_micros()).unwrap())
            );
        }
        assert!((received - now).abs() < TimeDelta::seconds(30));
    }
}

async fn without_a_time_the_receipt_counts() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let before = Utc::now();
    tenant.accept(&[json!({"event_id": "1", "user_id": "u", "name": "A", "occurred_at": null})]).await;
    let (_, occurred, received) = times(&world).await.remove(0);
    assert_eq!(occurred, received);
    assert!(occurred >= before - TimeDelta::milliseconds(1) && occurred <= Utc::now());
}

async fn the_retention_is_configurable() {
    let world = World::with(&[("JOURNEYLIFT_RETENTION_DAYS", "800")]).await;
    let tenant = world.tenant().await;
    let at = |days: i64| json!({"event_id": format!("{days}"), "user_id": "u", "name": "A", "occurred_at": text(Utc::now() - TimeDelta::days(days))});
    let (accepted, _, rejected) = tenant.post(&[at(799), at(801)]).await;
    assert_eq!((accepted, &rejected[0]["code"]), (1, &json!("too_old")));
}
