//! Isolation, generated from `openapi.yaml`: every operation with no key, a bad one, a revoked one, one of the wrong
//! scope and another tenant's. Nothing of the tenant whose data is asked for is told or changed.

use serde_json::{Value, json};
use tests::contract::{Operation, contract};
use tests::events::{exposure, order};
use tests::moment::days_ago;
use tests::service::OPERATOR_KEY;
use tests::{Call, Client, Tenant, World};

tests::cases![every_operation_refuses_whoever_may_not, what_belongs_to_another_tenant_is_not_there,];

/// Operations that anybody may call.
const PUBLIC: &[&str] =
    &["GET /", "GET /docs", "GET /livez", "GET /metrics", "GET /openapi.yaml", "GET /readyz", "GET /version"];

/// What a key must allow; found out by who may.
fn is_public(operation: &Operation) -> bool {
    let none = operation.body.get("security").or_else(|| contract().document().get("security"));
    none.is_none_or(|security| security.as_array().is_none_or(Vec::is_empty))
}

/// The operation as it would be called on the victim's own objects.
fn call(client: &Client, operation: &Operation, key_id: &str) -> Call {
    let mut path = operation.path.clone();
    for name in operation.path_parameters() {
        let value = match (name, operation.path.as_str()) {
            ("key", path) if path.starts_with("/v1/experiments/") => "e",
            ("key", path) if path.starts_with("/v1/metrics/") => "spend",
            (_, path) if path.starts_with("/v1/keys/") => key_id,
            (name, path) => panic!("the test does not know what {name} of {path} is: add it here"),
        };
        path = path.replace(&format!("{{{name}}}"), value);
    }
    // The parameters that must be there.
    let needed = [
        ("/segments", "?by=device"),
        ("/funnel", "?steps=Product Viewed,Order Completed"),
        ("/uplift", "?score=properties.score"),
        ("/changes", "?since=2026-01-01"),
    ];
    if let Some((_, query)) = needed.iter().find(|(end, _)| operation.path.ends_with(end)) {
        path.push_str(query);
    }
    let call = client.call(operation.method.parse().unwrap(), &path);
    if operation.body.get("requestBody").is_none() {
        return call;
    }
    // A twin with a slash at its end takes the same body.
    let body = match operation.path.trim_end_matches('/') {
        "/v1/experiments/{key}" => tests::events::experiment(&["spend"]),
        "/v1/metrics/{key}" => json!({"kind": "count", "event": "Hijacked"}),
        "/v1/keys" => json!({"scopes": ["read"]}),
        "/v1/analyze" => json!({"control": "a", "kind": "conversion", "arms": [
            {"arm": "a", "count": 10, "sum": 1}, {"arm": "b", "count": 10, "sum": 2}]}),
        "/v1/tenants" => json!({"name": "x", "currency": "EUR"}),
        path if path.starts_with("/v1/events") => json!([order("hijack", "u1", "1", days_ago(1))]),
        path if path.starts_with("/v1/batch") || path.starts_with("/v1/import") || path == "/v1/b" => {
            json!({"batch": []})
        }
        _ => json!({"messageId": "hijack", "userId": "u1", "event": "A", "previousId": "u2", "groupId": "g"}),
    };
    call.json(&body)
}

/// A tenant with something in every place.
async fn victim(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["spend"])).await;
    tenant.accept(&[exposure("x", "u1", "e", "on", days_ago(20)), order("o", "u1", "5", days_ago(19))]).await;
    world.caught_up(&tenant).await;
    tenant
}

/// All rows of a tenant, as text.
async fn rows(world: &World, tenant: &Tenant) -> Vec<String> {
    let pool = world.superuser().await;
    let mut all = Vec::new();
    for (table, _) in crate::schema::TABLES.iter().filter(|(table, _)| *table != "_sqlx_migrations") {
        let sql = format!(
            "SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {table} t WHERE tenant_id = '{}'",
            tenant.id
        );
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        all.push(format!("{table}: {text}"));
    }
    all
}

async fn every_operation_refuses_whoever_may_not() {
    let world = World::new().await;
    let victim = victim(&world).await;
    let revoked = victim.admin.post("/v1/keys").json(&json!({"scopes": ["ingest", "read", "admin"]})).expect(201).await;
    let key_id = revoked["id"].as_str().unwrap().to_owned();
    let _ = victim.admin.delete(&format!("/v1/keys/{key_id}")).expect(204).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let before = rows(&world, &victim).await;
    let nobody = world.service.client(None);
    let mut guarded = 0;
    for operation in &contract().operations {
        if is_public(operation) {
            // Preflight requests carry no key.
            assert!(
                operation.method == "OPTIONS"
                    || PUBLIC.contains(&operation.name().as_str())
                    || operation.path.starts_with("/docs/"),
                "{} needs no key",
                operation.name()
            );
            continue;
        }
        guarded += 1;
        for (key, code) in [
            (None, "missing_key"),
            (Some("jl_ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"), "unknown_key"),
            (Some("x"), "unknown_key"),
            (revoked["key"].as_str(), "revoked_key"),
        ] {
            let answer = call(&nobody.with_key(key), operation, &key_id).send().await;
            let _ = answer.problem(401, code);
        }
        // Exactly one of the three scopes may, or reading is included in administering, or only the operator.
        let keys = [
            ("ingest", victim.ingest.key()),
            ("read", victim.read.key()),
            ("admin", victim.admin.key()),
            ("operator", Some(OPERATOR_KEY)),
        ];
        let wanted: &[&str] = match operation.path.as_str() {
            path if path.starts_with("/v1/tenants") => &["operator"],
            path if path.starts_with("/v1/keys") => &["admin"],
            "/v1/analyze" => &["read", "admin"],
            path if path.starts_with("/v1/experiments") || path.starts_with("/v1/metrics") => {
                if operation.method == "GET" { &["read", "admin"] } else { &["admin"] }
            }
            _ => &["ingest"],
        };
        for (scope, key) in keys.iter().filter(|(scope, _)| !wanted.contains(scope)) {
            let answer = call(&nobody.with_key(*key), operation, &key_id).send().await;
            let (status, code) = match *scope {
                // The operator's key is nobody's in a tenant.
                "operator" => (401, "unknown_key"),
                _ if wanted == ["operator"] => (403, "operator_only"),
                _ => (403, "missing_scope"),
            };
            let _ = answer.problem(status, code);
        }
    }
    assert!(guarded > 15, "only {guarded} operations need a key");
    assert_eq!(rows(&world, &victim).await, before, "a refused call changed something");
}

async fn what_belongs_to_another_tenant_is_not_there() {
    let world = World::new().await;
    let (victim, thief) = (victim(&world).await, world.tenant().await);
    let made = victim.admin.post("/v1/keys").json(&json!({"scopes": ["read"]})).expect(201).await;
    let key_id = made["id"].as_str().unwrap().to_owned();
    let before = rows(&world, &victim).await;
    for operation in &contract().operations {
        if operation.path_parameters().is_empty() || is_public(operation) || operation.method == "PUT" {
            continue;
        }
        let theirs = call(&thief.admin, operation, &key_id).send().await;
        let problem = theirs.problem(404, "not_found");
        // The same words as for what nobody has.
        let absent = call(&thief.admin, operation, "01890000-0000-7000-8000-000000000000")
            .send()
            .await
            .problem(404, "not_found");
        let told = |problem: &Value| ["code", "detail", "title", "errors"].map(|name| problem[name].clone());
        assert_eq!(told(&problem), told(&absent), "{}", operation.name());
    }
    for path in ["/v1/experiments", "/v1/metrics"] {
        assert_eq!(thief.read.get(path).expect(200).await["data"], json!([]));
    }
    let keys = thief.admin.get("/v1/keys").expect(200).await;
    assert_eq!(keys["data"].as_array().unwrap().len(), 3, "its own");
    // The same names are the thief's own, beside the victim's.
    thief.metric("spend", &json!({"kind": "count", "event": "Order Completed"})).await;
    thief.experiment("e", &tests::events::experiment(&["spend"])).await;
    thief.accept(&[exposure("x", "u1", "e", "off", days_ago(20)), order("o", "u1", "500", days_ago(19))]).await;
    assert_eq!(tests::events::arm(&thief.results("e", "").await, "spend", "off")["tally"]["sum"], "1");
    let _ = thief.admin.delete("/v1/experiments/e").expect(204).await;
    let _ = thief.admin.delete("/v1/metrics/spend").expect(204).await;
    assert_eq!(rows(&world, &victim).await, before, "another tenant changed something");
}
