//! Keys: shown once, cut by scope, revoked and expired within a second on every service.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::World;
use tests::moment::text;

tests::cases![a_key_does_what_its_scopes_say, a_revoked_key_is_refused_within_a_second, an_expired_key_is_refused];

async fn a_key_does_what_its_scopes_say() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let made =
        tenant.admin.post("/v1/keys").json(&json!({"scopes": ["ingest", "read"], "label": "both"})).expect(201).await;
    let secret = made["key"].as_str().unwrap();
    let client = tenant.read.with_key(Some(secret));
    let _ = client.get("/v1/experiments").expect(200).await;
    let event = tests::events::event("1", "u", "A", tests::moment::days_ago(1));
    let _ = client.post("/v1/events").json(&json!([event])).expect(200).await;
    let _ = client.get("/v1/keys").send().await.problem(403, "missing_scope");
    // It is shown once, and only its hash is stored.
    let list = tenant.admin.get("/v1/keys").send().await;
    assert!(!list.text().contains(secret));
    let list = list.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
    let dump: String = sqlx::query_scalar("SELECT string_agg(api_key::text, ' ') FROM api_key")
        .fetch_one(&world.superuser().await)
        .await
        .unwrap();
    assert!(!dump.contains(secret) && !dump.contains(&hex::encode(secret)));
    for (body, pointer) in [
        (json!({"scopes": []}), "/scopes"),
        (json!({"scopes": ["root"]}), "/scopes/0"),
        (json!({"scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}), "/expires_at"),
    ] {
        let answer = tenant.admin.post("/v1/keys").json(&body).invalid().send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{}",
            answer.text()
        );
    }
}

async fn a_revoked_key_is_refused_within_a_second() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let second = world.another().await;
    let made = tenant.admin.post("/v1/keys").json(&json!({"scopes": ["read"]})).expect(201).await;
    let client = tenant.read.with_key(made["key"].as_str());
    let there = client.at(second.place());
    for client in [&client, &there] {
        let _ = client.get("/v1/experiments").expect(200).await;
    }
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let _ = tenant.admin.delete(&path).expect(204).await;
    let revoked = Instant::now();
    for client in [&client, &there] {
        loop {
            let answer = client.get("/v1/experiments").send().await;
            if answer.status == 401 {
                let _ = answer.problem(401, "revoked_key");
                break;
            }
            assert!(
                revoked.elapsed() < Duration::from_secs(10),
                "still taken {:?} after it was revoked",
                revoked.elapsed()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // Again, it is revoked already; another tenant's, there is none.
    let neighbour = world.tenant().await;
    let _ = neighbour.admin.delete(&path).send().await.problem(404, "not_found");
}

async fn an_expired_key_is_refused() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let soon = text(chrono::Utc::now() + chrono::TimeDelta::milliseconds(1_500));
    let made = tenant.admin.post("/v1/keys").json(&json!({"scopes": ["read"], "expires_at": soon})).expect(201).await;
    let client = tenant.read.with_key(made["key"].as_str());
    let _ = client.get("/v1/experiments").expect(200).await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    let _ = client.get("/v1/experiments").send().await.problem(401, "expired_key");
}
