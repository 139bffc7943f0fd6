//! Segment's tracking API: every route, every kind of call.

use serde_json::{Value, json};
use sqlx::Row;
use tests::World;
use tests::events::{experiment, exposure};
use tests::moment::{days_ago, text};

use super::stored;

tests::cases![
    every_route_takes_its_calls,
    money_and_refunds_are_counted,
    bad_calls_are_refused_alone,
    browsers_may_post
];

async fn every_route_takes_its_calls() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let time = text(days_ago(1));
    let routes: Vec<String> = tests::contract::contract()
        .operations
        .iter()
        .filter(|operation| operation.method == "POST" && operation.path.starts_with("/v1/"))
        .map(|operation| operation.path.clone())
        .collect();
    let mut sent = 0;
    for (route, twin, body) in [
        ("track", "t", json!({"event": "A"})),
        ("page", "p", json!({"name": "Home"})),
        ("screen", "s", json!({"name": "Start"})),
        ("identify", "i", json!({"traits": {"plan": "pro"}})),
        ("group", "g", json!({"groupId": "g1", "traits": {"name": "Initech"}})),
        ("alias", "a", json!({"previousId": "before"})),
    ] {
        for path in [route, twin] {
            for slash in ["", "/"] {
                let path = format!("/v1/{path}{slash}");
                assert!(routes.contains(&path) || !slash.is_empty(), "{path} is not in openapi.yaml");
                let mut body = body.clone();
                sent += 1;
                body["messageId"] = json!(format!("m{sent}"));
                body["userId"] = json!("u1");
                body["timestamp"] = json!(time);
                let kind = ["application/json", "text/plain", "application/x-www-form-urlencoded", ""][sent % 4];
                let call = tenant.ingest.post(&path).bytes(kind, body.to_string().into_bytes());
                let answer = call.invalid().expect(200).await;
                assert_eq!(answer, json!({"success": true, "accepted": 1, "duplicates": 0, "rejected": []}), "{path}");
            }
        }
    }
    for path in ["/v1/batch", "/v1/import", "/v1/b", "/v1/batch/", "/v1/import/", "/v1/b/"] {
        sent += 1;
        let batch = json!({"batch": [{"type": "track", "messageId": format!("m{sent}"), "userId": 17, "event": "A", "timestamp": time, "unknown": [1]}]});
        let answer =
            tenant.ingest.post(path).bytes("text/plain", batch.to_string().into_bytes()).invalid().send().await;
        assert_eq!(answer.expect(200)["accepted"], 1, "{path}");
    }
    let pool = world.superuser().await;
    assert_eq!(stored(&pool, &tenant).await, sent as i64);
    let names: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT name FROM event ORDER BY name").fetch_all(&pool).await.unwrap();
    assert_eq!(names, ["A", "Aliased", "Grouped", "Identified", "Page Viewed", "Screen Viewed"]);
    let row = sqlx::query("SELECT data FROM event WHERE name = 'Identified' LIMIT 1").fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<Value, _>("data")["traits"]["plan"], "pro");
    // Calls described by the contract, held against it.
    let track = json!({"messageId": "c1", "userId": "u", "event": "A", "timestamp": time});
    let _ = tenant.ingest.post("/v1/track").json(&track).expect(200).await;
    let batch =
        json!({"batch": [{"type": "alias", "messageId": "c2", "userId": "u", "previousId": "x"}], "sentAt": null});
    let _ = tenant.ingest.post("/v1/batch").json(&batch).expect(200).await;
}

async fn money_and_refunds_are_counted() {
    let world = World::new().await;
    let tenant = world.tenant_in("USD", "UTC").await;
    tenant.metric("revenue", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["revenue"])).await;
    let at = days_ago(20);
    tenant.accept(&[exposure("x", "u1", "e", "on", at)]).await;
    let call = |id: &str, event: &str, properties: Value| json!({"type": "track", "messageId": id, "userId": "u1", "event": event, "timestamp": text(at), "properties": properties});
    let batch = json!({"batch": [
        call("1", "Order Completed", json!({"revenue": 25.0, "total": 27.5, "currency": "USD"})),
        call("2", "Order Completed", json!({"total": "10.10"})),
        call("3", "Order Completed", json!({"value": 1})),
        call("4", "Order Completed", json!({"revenue": 0.1 + 0.2})),
        call("5", "Order Refunded", json!({"order_id": "1", "total": 5})),
        call("6", "Order Completed", json!({})),
    ]});
    let _ = tenant.ingest.post("/v1/batch").json(&batch).expect(200).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tests::events::arm(&results, "revenue", "on")["tally"]["sum"], "31.4", "{results}");
}

async fn bad_calls_are_refused_alone() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let batch = json!({"batch": [
        {"type": "track", "messageId": "1", "userId": "u", "event": "A"},
        {"type": "track", "messageId": "2", "event": "A"},
        {"type": "dance", "messageId": "3", "userId": "u"},
        {"messageId": "4", "userId": "u"},
        {"type": "track", "messageId": "5", "userId": "u"},
        {"type": "alias", "messageId": "6", "previousId": "x"},
        {"type": "page", "messageId": "7", "anonymousId": "a"},
    ], "writeKey": tenant.ingest.key()});
    let answer = tenant.ingest.with_key(None).post("/v1/batch").json(&batch).invalid().expect(200).await;
    assert_eq!((&answer["success"], &answer["accepted"]), (&json!(true), &json!(2)), "{answer}");
    let places: Vec<_> =
        answer["rejected"].as_array().unwrap().iter().map(|r| (&r["index"], r["pointer"].as_str().unwrap())).collect();
    let wanted = [(1, "/userId"), (2, "/type"), (3, "/type"), (4, "/event"), (5, "/userId")];
    assert_eq!(
        places,
        wanted.map(|(index, pointer)| (json!(index), pointer)).iter().map(|(i, p)| (i, *p)).collect::<Vec<_>>()
    );
    assert_eq!(stored(&world.superuser().await, &tenant).await, 2);
}

async fn browsers_may_post() {
    let world = World::new().await;
    let mut asked = 0;
    for operation in tests::contract::contract().operations.iter().filter(|operation| operation.method == "OPTIONS") {
        let answer = world
            .service
            .client(None)
            .call("OPTIONS".parse().unwrap(), &operation.path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,x-retry-count")
            .send()
            .await;
        assert!(answer.status < 300, "{}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let allowed = answer.header("access-control-allow-headers").unwrap().to_lowercase();
        for header in ["authorization", "content-type", "x-retry-count"] {
            assert!(allowed.contains(header), "{allowed}");
        }
        asked += 1;
    }
    assert!(asked >= 10, "only {asked} routes can be posted to from a browser");
    // The answer itself carries the permission as well, also a refusal.
    let call = json!({"messageId": "1", "userId": "u", "event": "A"});
    let refused =
        world.service.client(None).post("/v1/track").header("origin", "https://shop.example").json(&call).send().await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("*")));
}
