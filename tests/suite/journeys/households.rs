//! A year of 2 469 households, imported as the README of `data/complete_journey` says, and asked everything.
//!
//! Who was sent a campaign was not drawn at random: every route must answer, and none may call the difference an effect.

use std::process::Command;

use serde_json::{Value, json};
use tests::contract::repository;
use tests::events::{arm, check};
use tests::{Tenant, World};

use super::of_arm;

tests::cases![imported_households_answer_every_question_and_no_verdict_is_given,];

/// The commands of the README, one after the other.
fn commands() -> String {
    let readme = std::fs::read_to_string(repository().join("data/complete_journey/README.md")).unwrap();
    let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a block of commands in the README").to_owned()
}

/// Runs them in a copy of the folder, where the program leaves how far it came.
async fn import(world: &World, tenant: &Tenant) {
    let folder = std::env::temp_dir().join(format!("journeylift-households-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(repository().join("data/complete_journey")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let program = tests::service::program();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", &commands()])
        .current_dir(&folder)
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("JOURNEYLIFT_URL", world.service.address())
        .env("JOURNEYLIFT_KEY", tenant.ingest.key().expect("a key"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The two arms of campaign 13, as they were: there was no planned split, so that what came is declared.
async fn define(tenant: &Tenant) {
    for (key, kind) in [("bought", "conversion"), ("sales", "sum")] {
        tenant.metric(key, &json!({"kind": kind, "event": "Order Completed"})).await;
    }
    tenant
        .metric("value", &json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 365, "curve": true}))
        .await;
    tenant
        .experiment(
            "campaign-13",
            &json!({
                "name": "Campaign 13, which was targeted", "control": "not_sent", "tactic": "offer",
                "arms": [{"key": "not_sent", "weight": 1392}, {"key": "sent", "weight": 1077}],
                "window_days": 48, "dimensions": ["traits.income"],
                "metrics": [{"metric": "sales", "role": "primary"}, {"metric": "bought", "role": "secondary"},
                    {"metric": "value", "role": "secondary"}],
            }),
        )
        .await;
}

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/campaign-13/{query}")).await
}

/// Every `key` of the answer, however deep.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            if name == key {
                found.push(value);
            }
            all(value, key, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

async fn imported_households_answer_every_question_and_no_verdict_is_given() {
    // The purchases are of 2017.
    let world = World::with(&[("JOURNEYLIFT_RETENTION_DAYS", "36500")]).await;
    let tenant = world.tenant_in("USD", "UTC").await;
    import(&world, &tenant).await;
    define(&tenant).await;
    world.caught_up(&tenant).await;

    // The sums of the window are those that pandas finds, to the cent: `expected.json`.
    let expected = std::fs::read_to_string(repository().join("data/complete_journey/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let published = &expected["observational_campaign_13"]["experiment"]["arms"];
    let results = tenant.settled("campaign-13", "").await;
    for key in ["not_sent", "sent"] {
        for (metric, name) in [("sales", "sales_window"), ("bought", "bought")] {
            let (found, sums) = (&arm(&results, metric, key)["tally"], &published[key]["metrics"][name]);
            let number = |field: &str| found[field].as_str().unwrap().parse::<f64>().unwrap();
            assert_eq!(found["count"], sums["n"], "{key} {metric}");
            // The file's sums are of doubles.
            for (field, wanted) in [("sum", "sum"), ("sum_of_squares", "sum_sq")] {
                // Of the households that were sent the campaign 1 050 bought (the README's table), one of them goods for
                // nothing: whose sales are above 0 are 1 049.
                let gift = if (key, metric) == ("sent", "bought") { 1.0 } else { 0.0 };
                let wanted = sums[wanted].as_f64().unwrap() + gift;
                assert!((number(field) - wanted).abs() <= 1e-12 * wanted, "{key} {metric} {field}");
            }
        }
    }
    // The households differed before: that blocks every verdict, and makes no difference an effect.
    let balance = check(&results, "covariate_balance");
    assert_eq!((&balance["ok"], &balance["blocking"]), (&json!(false), &json!(true)), "{balance}");

    attribution_is_that_of_pandas(&tenant).await;

    for query in [
        "results",
        "timeline?metric=sales",
        "segments?metric=sales&by=traits.income",
        "retention",
        "clv",
        "funnel?steps=Campaign Sent,Coupon Applied,Order Completed",
        "paths?by=properties.kind",
        "stages?stages=[{\"stage\":\"told\",\"event\":\"Campaign Sent\"},{\"stage\":\"bought\",\"event\":\"Order Completed\"}]",
        "attribution?by=campaign",
    ] {
        let answer = ask(&tenant, query).await;
        for (key, claims) in [("causal", json!(true)), ("verdict", json!("better"))] {
            let mut found = Vec::new();
            all(&answer, key, &mut found);
            assert!(found.iter().all(|value| **value != claims), "{query} claims {key}: {claims}");
        }
    }
}

/// Source: `tests/oracles/attribution.py` (pandas 2.3.3).
async fn attribution_is_that_of_pandas(tenant: &Tenant) {
    let path = repository().join("tests/oracles/data/attribution_arms.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows: Vec<(String, String, String, f64, f64)> = reader.deserialize().map(Result::unwrap).collect();
    let mut compared = 0;
    for model in ["first", "last", "linear", "position", "time_decay", "shapley"] {
        let answer = ask(tenant, &format!("attribution?model={model}&by=properties.kind")).await;
        for (key, what, label, conversions, value) in &rows {
            let found = of_arm(&answer["arms"], key);
            let line = match what.as_str() {
                "persons" => {
                    assert_eq!(found["persons"].as_f64(), Some(*conversions));
                    continue;
                }
                "untouched" => found["credits"].as_array().unwrap().last().unwrap(),
                other if other == model => {
                    let lines = found["credits"].as_array().unwrap();
                    lines.iter().find(|line| line["label"] == label.as_str()).unwrap()
                }
                _ => continue,
            };
            let number = |field: &str| line[field].as_str().unwrap().parse::<f64>().unwrap();
            // Every one of some ten thousand orders is rounded to whole millionths.
            for (field, wanted) in [("conversions", conversions), ("value", value)] {
                assert!((number(field) - wanted).abs() < 0.02, "{model} {key} {label} {field}: {line} {wanted}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 30, "{compared}");
}
