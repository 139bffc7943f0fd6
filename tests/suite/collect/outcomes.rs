//! Each event of a batch has its outcome.

use serde_json::json;
use tests::World;
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;

tests::cases![
    bad_events_are_refused_alone_with_place_and_reason,
    validation_answers_the_same_without_writing,
    a_batch_of_bad_events_is_a_bad_request,
    limits_on_events_and_batches,
];

async fn bad_events_are_refused_alone_with_place_and_reason() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(3);
    let good = |id: &str| event(id, "u1", "Page Viewed", at);
    let bad: Vec<(serde_json::Value, &str, &str)> = vec![
        (json!({"event_id": "x", "name": "Page Viewed"}), "missing_identity", "/user_id"),
        (json!({"user_id": "u1", "name": "Page Viewed"}), "missing_event_id", "/event_id"),
        (json!({"event_id": "x", "user_id": "u1"}), "missing_name", "/name"),
        (with(good("x"), &json!({"userId": "u1"})), "unknown_field", "/userId"),
        (with(good("x"), &json!({"user_id": 7})), "wrong_type", "/user_id"),
        (with(good("x"), &json!({"name": "   "})), "empty", "/name"),
        (with(good("x"), &json!({"name": "n".repeat(256)})), "too_long", "/name"),
        (with(good("x"), &json!({"event_id": "i".repeat(256)})), "too_long", "/event_id"),
        (with(good("x"), &json!({"user_id": "a\u{7}b"})), "control_character", "/user_id"),
        (with(good("x"), &json!({"occurred_at": "yesterday"})), "invalid_time", "/occurred_at"),
        (with(good("x"), &json!({"occurred_at": "2001-01-01T00:00:00Z"})), "too_old", "/occurred_at"),
        (with(good("x"), &json!({"occurred_at": "2130-01-01T00:00:00Z"})), "too_far_ahead", "/occurred_at"),
        (with(good("x"), &json!({"value": "1.0000001"})), "too_many_decimals", "/value"),
        (with(good("x"), &json!({"value": "1000000001"})), "out_of_range", "/value"),
        (with(good("x"), &json!({"value": "many"})), "not_a_number", "/value"),
        (with(good("x"), &json!({"value": 1, "currency": "XXQ"})), "unknown_currency", "/currency"),
        (with(good("x"), &json!({"channel": "telepathy"})), "unknown_word", "/channel"),
        (with(good("x"), &json!({"properties": []})), "not_an_object", "/properties"),
        (
            with(good("x"), &json!({"name": "Experiment Viewed", "properties": {"experiment_id": "e"}})),
            "incomplete_exposure",
            "/properties/variation_id",
        ),
    ];
    // A good one before and after each bad one.
    let mut events = vec![good("g0")];
    for (at, (event, _, _)) in bad.iter().enumerate() {
        events.push(event.clone());
        events.push(good(&format!("g{}", at + 1)));
    }
    let answer = tenant.ingest.post("/v1/events").json(&json!(events)).invalid().expect(200).await;
    assert_eq!(answer["accepted"], bad.len() + 1);
    assert_eq!(answer["duplicates"], 0);
    let rejected = answer["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), bad.len(), "{rejected:?}");
    for (at, (rejected, (event, code, pointer))) in rejected.iter().zip(&bad).enumerate() {
        let found = (&rejected["index"], &rejected["code"], &rejected["pointer"]);
        assert_eq!(found, (&json!(2 * at + 1), &json!(code), &json!(pointer)), "{event}");
        assert!(rejected["message"].as_str().unwrap().len() > 10, "{rejected}");
    }
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, bad.len() as i64 + 1);
}

async fn validation_answers_the_same_without_writing() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(2);
    let events = json!([
        order("1", "u1", "5", at),
        {"event_id": "2", "name": "No Identity"},
        exposure("3", "u1", "e", "a", at),
        order("1", "u1", "5", at)
    ]);
    let validated = tenant.ingest.post("/v1/events/validate").json(&events).invalid().expect(200).await;
    assert_eq!(tenant.ingest.post("/v1/events/validate/").json(&events).invalid().expect(200).await, validated);
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 0);
    let written = tenant.ingest.post("/v1/events").json(&events).invalid().expect(200).await;
    assert_eq!(validated, written);
    assert_eq!((&written["accepted"], &written["duplicates"]), (&json!(2), &json!(1)));
    assert_eq!(written["rejected"][0]["index"], 1);
}

async fn a_batch_of_bad_events_is_a_bad_request() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let events = json!([{"event_id": "1", "name": "A"}, {"event_id": "2", "name": "B"}]);
    let problem = tenant.ingest.post("/v1/events").json(&events).send().await.problem(400, "all_events_refused");
    assert_eq!(problem["rejected"].as_array().unwrap().len(), 2);
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/0/user_id", "/1/user_id"]);
    // Pointers lead into the body as it was sent.
    for (body, pointer) in [(json!({"events": events}), "/events/0/user_id"), (events[0].clone(), "/user_id")] {
        let refused = tenant.ingest.post("/v1/events").json(&body).send().await.problem(400, "all_events_refused");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    assert_eq!(problem["instance"], "/v1/events");
    let _ = tenant.ingest.post("/v1/events").json(&json!([])).send().await.problem(400, "empty_body");
}

async fn limits_on_events_and_batches() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(2);
    let big = with(event("big", "u", "A", at), &json!({"properties": {"text": "x".repeat(33_000)}}));
    let (accepted, _, rejected) = tenant.post(&[event("small", "u", "A", at), big]).await;
    assert_eq!((accepted, &rejected[0]["code"], &rejected[0]["index"]), (1, &json!("too_large"), &json!(1)));

    let many: Vec<_> = (0..5_001).map(|n| event(&format!("m{n}"), "u", "A", at)).collect();
    let _ = tenant.ingest.post("/v1/events").json(&json!(many)).invalid().send().await.problem(413, "too_many_events");
    tenant.accept(&many[..5_000]).await;

    // 5 MB in one event: the whole body is beyond the limit, and says so.
    let huge = with(event("huge", "u", "A", at), &json!({"properties": {"text": "x".repeat(5_000_000)}}));
    let _ = tenant.ingest.post("/v1/events").json(&json!([huge])).send().await.problem(413, "body_too_large");
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 5_001);
}
