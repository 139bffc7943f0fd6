//! Inputs that break others: each is refused with a document that says what and where, and nothing else is lost.

use std::io::Write as _;

use serde_json::{Value, json};
use tests::events::{check, event, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Answer, Tenant, World};

use super::stored;

tests::cases![
    the_wrong_key,
    json_that_breaks_at_the_500th_event,
    numbers_and_texts_that_postgres_chokes_on,
    bodies_that_are_deep,
    bombs_are_refused_in_bounded_memory,
    a_poisoned_value_does_not_reach_the_sums,
    arms_experiments_and_currencies_that_are_not_known,
];

/// Posts text as it is.
async fn raw(tenant: &Tenant, body: impl Into<Vec<u8>>) -> Answer {
    tenant.ingest.post("/v1/events").bytes("application/json", body).invalid().send().await
}

async fn the_wrong_key() {
    let world = World::new().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let events = json!([event("1", "u", "A", days_ago(1))]);
    let post = |key: Option<&str>| tenant.ingest.with_key(key).post("/v1/events").json(&events).send();
    let missing = post(None).await;
    let _ = missing.problem(401, "missing_key");
    assert!(missing.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer")));
    let _ = post(Some("jl_0000000000000000000000000000000000000000000000000000000000000000"))
        .await
        .problem(401, "unknown_key");
    let _ = post(Some("' OR 1=1 --")).await.problem(401, "unknown_key");
    let _ = post(tenant.read.key()).await.problem(403, "missing_scope");
    let _ = post(tenant.admin.key()).await.problem(403, "missing_scope");
    let ours = tenant.ingest.get("/v1/experiments").send().await;
    let _ = ours.problem(403, "missing_scope");
    // Another tenant's key writes to the other tenant, whatever the events say.
    let _ = post(other.ingest.key()).await.expect(200);
    let pool = world.superuser().await;
    assert_eq!((stored(&pool, &tenant).await, stored(&pool, &other).await), (0, 1));
}

async fn json_that_breaks_at_the_500th_event() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let events: Vec<String> = (0..600).map(|n| event(&format!("{n}"), "u", "A", days_ago(1)).to_string()).collect();
    let with_at_499 = |broken: &str| {
        let mut events = events.clone();
        events[499] = broken.to_owned();
        format!("[{}]", events.join(","))
    };
    // Where the brackets still tell the events apart, the one is refused alone.
    let answer =
        raw(&tenant, with_at_499(r#"{"event_id":"499","user_id":"u","name":"A","value":NaN}"#)).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(599), &json!(499)), "{answer}");
    assert_eq!(answer["rejected"][0]["code"], "malformed_json");
    assert!(answer["rejected"][0]["message"].as_str().unwrap().contains("byte"), "{answer}");
    // Where they don't, nothing of the body is taken, and the document says where it breaks.
    let text = with_at_499(r#"{"event_id":"499","user_id":["#);
    let offset = text.find(r#"["#).unwrap();
    assert_eq!(offset, 0);
    let problem = raw(&tenant, text).await.problem(400, "malformed_json");
    assert_eq!((&problem["index"], &problem["errors"][0]["pointer"]), (&json!(499), &json!("/499")), "{problem}");
    assert!(problem["offset"].as_u64().unwrap() > 40_000, "{problem}");
    assert_eq!(stored(&world.superuser().await, &tenant).await, 599);
    // The sender mends it and sends all of it again.
    assert_eq!(
        tenant.post(&events.iter().map(|text| serde_json::from_str(text).unwrap()).collect::<Vec<Value>>()).await,
        (1, 599, vec![])
    );
}

async fn numbers_and_texts_that_postgres_chokes_on() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let time = tests::moment::text(days_ago(1));
    let bad = |more: &str| format!(r#"{{"event_id":"x","user_id":"u","name":"A","occurred_at":"{time}",{more}}}"#);
    let cases = [
        (bad(r#""value":NaN"#), "malformed_json", ""),
        (bad(r#""value":Infinity"#), "malformed_json", ""),
        (bad(r#""value":1e400"#), "number_out_of_range", ""),
        (bad(r#""value":"NaN""#), "not_a_number", "/value"),
        (bad(r#""value":"1e400""#), "out_of_range", "/value"),
        (bad(r#""value":9223372036854775808"#), "out_of_range", "/value"),
        (bad(r#""properties":{"a":1e400}"#), "number_out_of_range", ""),
        (bad(r#""properties":{"a":1e131000}"#), "number_out_of_range", ""),
        (bad(r#""properties":{"a":"\ud800"}"#), "malformed_json", ""),
        (bad(r#""traits":{"\udc00":1}"#), "malformed_json", ""),
        (bad(r#""occurred_at":"+294277-01-01T00:00:00Z""#), "invalid_time", "/occurred_at"),
        (bad(r#""occurred_at":"294277-01-01T00:00:00Z""#), "invalid_time", "/occurred_at"),
        (bad(r#""occurred_at":"-4713-01-01T00:00:00Z""#), "invalid_time", "/occurred_at"),
        (bad(r#""stage":"a\u0000b""#), "control_character", "/stage"),
        (bad(r#""anonymous_id":"\u0000""#), "control_character", "/anonymous_id"),
    ];
    for (event, code, pointer) in &cases {
        let good = format!(r#"{{"event_id":"good","user_id":"u","name":"A","occurred_at":"{time}"}}"#);
        let answer = raw(&tenant, format!("[{good},{event},{good}]")).await.expect(200);
        let rejected = answer["rejected"].as_array().unwrap();
        assert_eq!(rejected.len(), 1, "{event}: {answer}");
        let found = (rejected[0]["index"].as_u64(), rejected[0]["code"].as_str(), rejected[0]["pointer"].as_str());
        assert_eq!(found, (Some(1), Some(*code), Some(*pointer)), "{event}: {answer}");
    }
    // U+0000 inside the JSON: Postgres can't keep it. It is refused, or kept without it; never a failure.
    for place in [r#""properties":{"a":"\u0000"}"#, r#""properties":{"\u0000":1}"#, r#""context":{"a":["\u0000"]}"#] {
        let answer = raw(&tenant, format!("[{}]", bad(place))).await;
        let _ = answer.problem(400, "all_events_refused");
    }
    assert_eq!(stored(&world.superuser().await, &tenant).await, 1);
    // Bytes that are no UTF-8.
    let mut bytes = b"[{\"event_id\":\"y\",\"user_id\":\"u\",\"name\":\"\xff\"}]".to_vec();
    let _ = raw(&tenant, bytes.clone()).await.problem(400, "all_events_refused");
    bytes.retain(|byte| *byte != 0xff);
    bytes.insert(36, b'B');
    let _ = raw(&tenant, bytes).await;
    // A large whole number in the properties is kept as a number.
    let answer =
        raw(&tenant, format!("[{}]", bad(r#""properties":{"a":123456789012345678901234567890}"#))).await.expect(200);
    assert_eq!(answer["accepted"], 1);
}

async fn bodies_that_are_deep() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let at = days_ago(1);
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    let (accepted, _, rejected) = tenant
        .post(&[
            with(event("16", "u", "A", at), &json!({"properties": nested(16)})),
            with(event("17", "u", "A", at), &json!({"properties": nested(17)})),
        ])
        .await;
    assert_eq!((accepted, &rejected[0]["code"], &rejected[0]["index"]), (1, &json!("too_deep"), &json!(1)));
    // A hundred thousand brackets, which overflow the stack of whoever descends into them.
    for body in
        ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000))]
    {
        let answer = raw(&tenant, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text().chars().take(500).collect::<String>());
    }
    tenant.accept(&[event("after", "u", "A", at)]).await;
}

async fn bombs_are_refused_in_bounded_memory() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.accept(&[event("before", "u", "A", days_ago(1))]).await;
    let before = world.service.peak_memory_kib();
    // 200 MB of spaces as 200 kB of gzip, and as 20 kB of zstd.
    let spaces = vec![b' '; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
    for _ in 0..200 {
        gzip.write_all(&spaces).unwrap();
        zstd.write_all(&spaces).unwrap();
    }
    let bombs = [("gzip", gzip.finish().unwrap()), ("zstd", zstd.finish().unwrap())];
    let mut answers = Vec::new();
    for _ in 0..10 {
        for (encoding, bomb) in &bombs {
            let call = tenant.ingest.post("/v1/events").header("content-encoding", encoding);
            answers.push(call.bytes("application/json", bomb.clone()).invalid().send());
        }
    }
    let mut refused = 0;
    for answer in futures_util::future::join_all(answers).await {
        // On a busy machine the key may not be found in time; then the bomb was not even looked at.
        if answer.status != 503 {
            let _ = answer.problem(413, "body_too_large");
            refused += 1;
        }
    }
    assert!(refused > 0);
    let grown = world.service.peak_memory_kib() - before;
    // Twenty at once may hold 4 MiB each, and their decoders a window each.
    assert!(grown < 300 * 1024, "the service grew by {grown} KiB");
    tenant.accept(&[event("after", "u", "A", days_ago(1))]).await;
}

async fn a_poisoned_value_does_not_reach_the_sums() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["spend"])).await;
    let at = days_ago(20);
    tenant.accept(&[exposure("x", "u", "e", "off", at), order("1", "u", "12.5", at)]).await;
    let mut poison = String::from("[");
    for (n, value) in ["NaN", "1e400", "\"Infinity\"", "\"-nan\"", "1e131000"].iter().enumerate() {
        poison.push_str(&format!(r#"{{"event_id":"p{n}","user_id":"u","name":"Order Completed","value":{value}}},"#));
    }
    poison.push_str(&order("2", "u", "0.000001", at).to_string());
    poison.push(']');
    let answer = raw(&tenant, poison).await.expect(200);
    assert_eq!((&answer["accepted"], answer["rejected"].as_array().unwrap().len()), (&json!(1), 5));
    let results = tenant.results("e", "").await;
    assert_eq!(tests::events::arm(&results, "spend", "off")["tally"]["sum"], "12.500001", "{results}");
}

async fn arms_experiments_and_currencies_that_are_not_known() {
    let world = World::new().await;
    let tenant = world.tenant_in("EUR", "UTC").await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.metric("orders", &json!({"kind": "count", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["spend", "orders"])).await;
    let at = days_ago(20);
    let foreign = |id: &str, currency: &str| with(order(id, "u1", "100", at), &json!({"currency": currency}));
    tenant
        .accept(&[
            exposure("1", "u1", "e", "off", at),
            exposure("2", "u2", "e", "no such arm", at),
            exposure("3", "u3", "no such experiment", "off", at),
            order("4", "u1", "7", at),
            foreign("5", "USD"),
            foreign("6", "EUR"),
        ])
        .await;
    let results = tenant.results("e", "").await;
    let arm = |metric: &str| &tests::events::arm(&results, metric, "off")["tally"];
    assert_eq!((&arm("spend")["count"], &arm("spend")["sum"]), (&json!(1), &json!("107")), "{results}");
    assert_eq!(arm("orders")["sum"], "3", "events in another currency are events all the same");
    assert_eq!(check(&results, "unknown_arms")["count"], 1);
    assert_eq!(check(&results, "foreign_currency")["count"], 1);
    let _ = tenant.asking("no such experiment", "").send().await.problem(404, "not_found");
}
