//! Published experiments through the API: the sums exactly, the inference to 1e-9 relative.
//!
//! The rows of `data/` become events; `expected.json` beside them was computed from the same rows by other software, as
//! the README there tells.

use std::io::Read as _;

use serde_json::{Value, json};
use tests::events::{arm, check, event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![hillstrom_email_experiment, cookie_cats_gate_experiment];

fn expected(data_set: &str) -> Value {
    let path = tests::contract::repository().join("data").join(data_set).join("expected.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn rows(data_set: &str) -> Vec<std::collections::HashMap<String, String>> {
    let folder = tests::contract::repository().join("data").join(data_set);
    let file = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = file.into_iter().find(|path| path.to_string_lossy().ends_with(".csv.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// Posts many events on a few connections.
async fn post(tenant: &Tenant, events: &[Value]) {
    let batches: Vec<_> = events.chunks(5_000).collect();
    for some in batches.chunks(4) {
        let posts = some.iter().map(|batch| tests::world::deliver(&tenant.ingest, batch));
        for ((accepted, duplicates, again), batch) in futures_util::future::join_all(posts).await.iter().zip(some) {
            assert_eq!(accepted + duplicates, batch.len() as u64);
            assert!(*duplicates == 0 || *again);
        }
    }
}

fn close(what: &str, found: &Value, wanted: &Value) {
    let (found, wanted) = (found.as_f64().unwrap_or_else(|| panic!("{what} is {found}")), wanted.as_f64().unwrap());
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{what}: {found} instead of {wanted}");
}

/// The sums of every arm and metric, and their comparisons in all pairs that the file has.
async fn compare(tenant: &Tenant, published: &Value, metrics: &[&str]) {
    let plain = "method=frequentist&cuped=false&adjust=none";
    let results = tenant.settled("e", plain).await;
    for (key, group) in published["arms"].as_object().unwrap() {
        for metric in metrics {
            let (tally, sums) = (&arm(&results, metric, key)["tally"], &group["metrics"][metric]);
            let number = |name: &str| tally[name].as_str().unwrap().parse::<f64>().unwrap();
            assert_eq!(tally["count"], sums["n"], "{key} {metric}");
            for (name, field) in [("sum", "sum"), ("sum_of_squares", "sum_sq")] {
                if metric.ends_with("_capped") {
                    // The file's cap is a quantile with all the digits of a double, ours has six decimals.
                    close(&format!("{name} of {metric} in {key}"), &json!(number(name)), &sums[field]);
                } else {
                    assert_eq!(number(name), sums[field].as_f64().unwrap(), "{name} of {metric} in {key}");
                }
            }
        }
    }
    let mut compared = 0;
    for comparison in published["comparisons"].as_array().unwrap() {
        let text = |name: &str| comparison[name].as_str().unwrap();
        let (control, treatment, metric) = (text("control"), text("treatment"), text("metric"));
        if !metrics.contains(&metric) {
            continue;
        }
        let results = tenant.asking("e", plain).query("baseline", control).query("metric", metric).expect(200).await;
        let found = arm(&results, metric, treatment);
        let versus = &found["versus_control"];
        let about = |what: &str| format!("{what} of {metric}, {treatment} against {control}");
        let (welch, lift) = (&comparison["welch"], &comparison["relative_lift_delta"]);
        for (what, found, wanted) in [
            ("the mean", &found["value"], &comparison["treatment_mean"]),
            ("the difference", &versus["difference"]["value"], &comparison["diff"]),
            ("the low end", &versus["difference"]["low"], &welch["ci95_t"][0]),
            ("the high end", &versus["difference"]["high"], &welch["ci95_t"][1]),
            ("p", &versus["p_value"], &welch["p_value"]),
            ("p, not adjusted,", &versus["p_value_adjusted"], &welch["p_value"]),
            ("the lift", &versus["lift"]["value"], &comparison["relative_lift"]),
            ("the lift's low end", &versus["lift"]["low"], &lift["ci95_t"][0]),
            ("the lift's high end", &versus["lift"]["high"], &lift["ci95_t"][1]),
        ] {
            close(&about(what), found, wanted);
        }
        assert!(versus["p_value"].as_f64().unwrap() > 0.0);
        compared += 1;
    }
    assert!(compared >= metrics.len(), "only {compared} comparisons");
    close("chi-square", &check(&results, "sample_ratio")["p_value_chi_square"], &published["srm"]["p_value"]);
}

fn sum(event: &str) -> Value {
    json!({"kind": "sum", "event": event})
}

async fn hillstrom_email_experiment() {
    let world = World::new().await;
    let tenant = world.tenant_in("USD", "America/New_York").await;
    for (key, body) in [
        ("visit", json!({"kind": "conversion", "event": "Site Visited"})),
        ("conversion", json!({"kind": "conversion", "event": "Order Completed"})),
        ("spend", sum("Order Completed")),
    ] {
        tenant.metric(key, &body).await;
    }
    let arms = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
    let dimensions = ["zip_code", "history_segment", "traits.newbie"];
    tenant
        .experiment(
            "e",
            &json!({
                "control": arms[0], "arms": arms.map(|key| json!({"key": key, "weight": 1})), "window_days": 14,
                "metrics": ["visit", "conversion", "spend"], "dimensions": dimensions
            }),
        )
        .await;
    let mailed = days_ago(40);
    let mut events = Vec::new();
    for (n, row) in rows("hillstrom").iter().enumerate() {
        let (id, user) = (|kind: &str| format!("{kind}{n}"), format!("customer {n}"));
        let traits = json!({"traits": {"zip_code": row["zip_code"], "history_segment": row["history_segment"], "newbie": row["newbie"]}});
        events.push(with(exposure(&id("mail "), &user, "e", &row["segment"], mailed), &traits));
        if row["visit"] == "1" {
            events.push(event(&id("visit "), &user, "Site Visited", mailed + chrono::TimeDelta::days(1)));
        }
        if row["conversion"] == "1" {
            events.push(order(&id("order "), &user, &row["spend"], mailed + chrono::TimeDelta::days(2)));
        }
    }
    post(&tenant, &events).await;
    let published = expected("hillstrom");
    compare(&tenant, &published["experiment"], &["visit", "conversion", "spend"]).await;

    // By dimension: the sums of every value that the file has.
    for (dimension, column) in dimensions.iter().zip(["zip_code", "history_segment", "newbie"]) {
        let results = tenant.asking("e", "").query("by", dimension).expect(200).await;
        let values = results["breakdown"]["values"].as_array().unwrap();
        let groups = published["subgroups"].as_array().unwrap().iter().filter(|group| group["column"] == column);
        let mut found = 0;
        for group in groups {
            let name = group["value"].as_str().map_or_else(|| group["value"].to_string(), str::to_owned);
            let value = values
                .iter()
                .find(|value| value["value"] == name.as_str())
                .unwrap_or_else(|| panic!("no {column} {name}"));
            for (key, sums) in group["arms"].as_object().unwrap() {
                let tally = |metric| &arm(value, metric, key)["tally"];
                assert_eq!(tally("visit")["count"], sums["n"], "{column} {name} {key}");
                for (metric, sum) in [("visit", "visit_sum"), ("conversion", "conversion_sum"), ("spend", "spend_sum")]
                {
                    let text = tally(metric)["sum"].as_str().unwrap();
                    assert_eq!(
                        text.parse::<f64>().unwrap(),
                        sums[sum].as_f64().unwrap(),
                        "{column} {name} {key} {metric}"
                    );
                }
            }
            found += 1;
        }
        assert_eq!(found, values.len(), "{column}");
        segments(&tenant, dimension, &published["subgroups"], column).await;
    }
}

/// Lifts of visits by the values of a dimension, and Cochran's statistic of them, from the sums that the file has.
async fn segments(tenant: &Tenant, dimension: &str, subgroups: &Value, column: &str) {
    let call = tenant.read.get("/v1/experiments/e/segments");
    let told = call.query("by", dimension).query("metric", "visit").query("method", "frequentist").expect(200).await;
    assert_eq!(
        check(&told, "sample_ratio_by_dimension")["ok"],
        true,
        "{dimension}: the mails were dealt out at random"
    );
    let values = told["values"].as_array().unwrap();
    for compared in told["comparisons"].as_array().unwrap() {
        let key = compared["arm"].as_str().unwrap();
        let mut effects = Vec::new();
        for value in values {
            let groups = subgroups.as_array().unwrap().iter().filter(|group| group["column"] == column);
            let mut groups = groups.filter(|group| {
                let name = group["value"].as_str().map_or_else(|| group["value"].to_string(), str::to_owned);
                value["value"] == name.as_str()
            });
            let sums = &groups.next().unwrap()["arms"];
            let share = |arm: &str| {
                let (n, visits) = (sums[arm]["n"].as_f64().unwrap(), sums[arm]["visit_sum"].as_f64().unwrap());
                (visits / n, visits / n * (1.0 - visits / n) / (n - 1.0))
            };
            let ((control, of_control), (arm, of_arm)) = (share("No E-Mail"), share(key));
            let ratio = arm / control;
            let found = value["arms"].as_array().unwrap().iter().find(|found| found["arm"] == key).unwrap();
            close(
                &format!("the lift of {key} by {column}"),
                &found["versus_control"]["lift"]["value"],
                &json!(ratio - 1.0),
            );
            effects.push((ratio - 1.0, (of_arm + ratio * ratio * of_control) / (control * control)));
        }
        let weight: f64 = effects.iter().map(|(_, variance)| 1.0 / variance).sum();
        let mean = effects.iter().map(|(lift, variance)| lift / variance).sum::<f64>() / weight;
        let q: f64 = effects.iter().map(|(lift, variance)| (lift - mean).powi(2) / variance).sum();
        close(&format!("Q of {key} by {column}"), &compared["heterogeneity"]["q"], &json!(q));
        assert_eq!(compared["heterogeneity"]["degrees_of_freedom"], effects.len() - 1);
        // With more spread than chance makes, what is expected lies between the measured lifts.
        let between = compared["heterogeneity"]["between"].as_f64().unwrap();
        assert_eq!(between > 0.0, q > (effects.len() - 1) as f64, "{column}: {compared}");
    }
}

async fn cookie_cats_gate_experiment() {
    let world = World::new().await;
    let tenant = world.tenant_in("USD", "UTC").await;
    let metrics = [
        ("retention_1", json!({"kind": "retention", "event": "*", "from_day": 1, "to_day": 2})),
        ("retention_7", json!({"kind": "retention", "event": "*", "from_day": 7, "to_day": 8})),
        ("sum_gamerounds", sum("Rounds Played")),
        ("sum_gamerounds_capped", with(sum("Rounds Played"), &json!({"cap": "1073.624"}))),
        ("played", json!({"kind": "conversion", "event": "Rounds Played"})),
    ];
    for (key, body) in &metrics {
        tenant.metric(key, body).await;
    }
    let keys: Vec<_> = metrics.iter().map(|(key, _)| *key).collect();
    let arms = ["gate_30", "gate_40"].map(|key| json!({"key": key, "weight": 1}));
    tenant.experiment("e", &json!({"control": "gate_30", "arms": arms, "window_days": 14, "metrics": keys})).await;
    let installed = days_ago(40);
    let hours = |n: i64| installed + chrono::TimeDelta::hours(n);
    let mut events = Vec::new();
    for row in rows("cookie_cats") {
        let user = &row["userid"];
        events.push(exposure(&format!("i{user}"), user, "e", &row["version"], installed));
        if row["sum_gamerounds"] != "0" {
            let played = event(&format!("r{user}"), user, "Rounds Played", hours(3));
            events.push(with(played, &json!({"value": row["sum_gamerounds"]})));
        }
        for (column, at) in [("retention_1", hours(30)), ("retention_7", hours(7 * 24 + 5))] {
            if row[column] == "TRUE" {
                events.push(event(&format!("{column}{user}"), user, "Game Opened", at));
            }
        }
    }
    post(&tenant, &events).await;
    let published = expected("cookie_cats");
    compare(&tenant, &published["experiment"], &keys).await;
    let results = tenant.results("e", "").await;
    let ratio = check(&results, "sample_ratio");
    assert_eq!((&ratio["ok"], &ratio["blocking"]), (&json!(true), &json!(true)), "0.0086 is not below 0.001: {ratio}");
    assert!(
        arm(&results, "retention_7", "gate_40")["versus_control"]["difference"]["value"].as_f64().unwrap() + 0.0082
            < 1e-5
    );
}
