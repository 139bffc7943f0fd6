//! The shapes and encodings that a body may have.

use serde_json::{Value, json};
use tests::World;
use tests::client::{Coding, gzip};
use tests::events::event;
use tests::moment::days_ago;

tests::cases![
    array_object_single_and_lines_are_the_same,
    gzip_and_zstd_are_decoded,
    keys_may_stand_in_four_places,
    what_is_no_body_of_events_is_refused,
];

async fn array_object_single_and_lines_are_the_same() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(1);
    let one = |id: &str| event(id, "u", "A", at);
    let post =
        |kind: &'static str, body: String| tenant.ingest.post("/v1/events").bytes(kind, body.into_bytes()).expect(200);
    assert_eq!(post("application/json", json!([one("1"), one("2")]).to_string()).await["accepted"], 2);
    assert_eq!(post("application/json", json!({"events": [one("3")]}).to_string()).await["accepted"], 1);
    assert_eq!(post("application/json", one("4").to_string()).await["accepted"], 1);
    let lines = format!("{}\n\n{}\r\n{}", one("5"), one("6"), json!({"event_id": "7"}));
    let answer = post("application/x-ndjson", lines).await;
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(2), &json!(2)), "{answer}");
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 6);
    // What tools send that were not told what the body is: `curl -d` and others.
    for (at, kind) in
        ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"].into_iter().enumerate()
    {
        assert_eq!(post(kind, json!([one(&format!("told{at}"))]).to_string()).await["accepted"], 1, "{kind}");
    }
    let untold =
        tenant.ingest.post("/v1/events").bytes("", one("untold").to_string().into_bytes()).invalid().expect(200).await;
    assert_eq!(untold["accepted"], 1);
    let slash = tenant.ingest.post("/v1/events/").json(&json!([one("slash")])).expect(200).await;
    assert_eq!(slash["accepted"], 1);
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 11);
}

async fn gzip_and_zstd_are_decoded() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let events: Vec<Value> = (0..300).map(|n| event(&format!("{n}"), "u", "A", days_ago(1))).collect();
    let post = |coding: Coding, events: &[Value]| {
        tenant.ingest.post("/v1/events").json(&json!(events)).coding(coding).expect(200)
    };
    assert_eq!(post(Coding::Gzip, &events[..200]).await["accepted"], 200);
    assert_eq!(post(Coding::Zstd, &events[100..]).await["accepted"], 100);

    // Encoded bodies that are cut off or are something else.
    let body = gzip(json!(events).to_string().as_bytes());
    let raw = |bytes: Vec<u8>, encoding: &str| {
        tenant
            .ingest
            .post("/v1/events")
            .header("content-encoding", encoding)
            .bytes("application/json", bytes)
            .invalid()
            .send()
    };
    let _ = raw(body[..body.len() / 2].to_vec(), "gzip").await.problem(400, "corrupt_encoding");
    let _ = raw(b"[]".to_vec(), "gzip").await.problem(400, "corrupt_encoding");
    let _ = raw(b"[]".to_vec(), "zstd").await.problem(400, "corrupt_encoding");
    let _ = raw(body.clone(), "br").await.problem(415, "unsupported_content_encoding");
    let _ = raw(body, "gzip, gzip").await.problem(415, "unsupported_content_encoding");
}

async fn keys_may_stand_in_four_places() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let key = tenant.ingest.key().unwrap();
    let nobody = tenant.ingest.with_key(None);
    let events = json!([event("1", "u", "A", days_ago(1))]);
    let basic = format!("Basic {}", base64(format!("{key}:").as_bytes()));
    for (header, value) in
        [("authorization", format!("Bearer {key}")), ("authorization", basic.clone()), ("x-api-key", key.into())]
    {
        let _ = nobody.post("/v1/events").header(header, value).json(&events).expect(200).await;
    }
    let call = json!({"messageId": "2", "userId": "u", "event": "A", "writeKey": key});
    let _ = nobody.post("/v1/track").json(&call).expect(200).await;
    let other = world.tenant().await;
    let both = other.ingest.post("/v1/track").json(&call).send().await;
    let _ = both.problem(401, "conflicting_keys");
    assert_eq!(super::stored(&world.superuser().await, &tenant).await, 2);
    assert_eq!(super::stored(&world.superuser().await, &other).await, 0);
}

/// Base64 as the Basic scheme wants it.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let sign = if at <= chunk.len() { char::from(SIGNS[(word >> (18 - 6 * at) & 63) as usize]) } else { '=' };
            out.push(sign);
        }
    }
    out
}

async fn what_is_no_body_of_events_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let post =
        |kind: &'static str, body: &'static str| tenant.ingest.post("/v1/events").bytes(kind, body).invalid().send();
    let _ = post("application/json", "").await.problem(400, "empty_body");
    let _ = post("application/json", "5").await.problem(400, "not_a_batch");
    let _ = post("application/json", "[{}] []").await.problem(400, "malformed_json");
    let _ = post("application/json", "[{\"event_id\":\"1\"").await.problem(400, "malformed_json");
    let _ = post("application/json", r#"{"events":[],"more":1}"#).await.problem(400, "unknown_field");
    for (kind, body) in [("text/html", "[]"), ("text/xml", "[]"), ("multipart/form-data", "[]"), ("text/plain", "a=b")]
    {
        let _ = post(kind, body).await.problem(415, "unsupported_media_type");
    }
    let joined = post("application/x-www-form-urlencoded", "{}{}").await.problem(400, "malformed_json");
    assert!(joined["detail"].as_str().unwrap().contains("--data-binary"), "{joined}");
    let nowhere = tenant.ingest.post("/v1/evnts").json(&json!([])).invalid().send().await;
    let _ = nowhere.problem(404, "unknown_route");
    let wrong = tenant.ingest.put("/v1/events").json(&json!([])).invalid().send().await;
    let _ = wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow").map(|allow| allow.contains("POST")), Some(true));
    let parameter = tenant.ingest.post("/v1/events?sync=1").json(&json!([])).invalid().send().await;
    let _ = parameter.problem(400, "unknown_parameter");
}
