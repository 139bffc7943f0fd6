//! By dimension: the values known at the first exposure; together they are the whole.

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, event, exposure, with};
use tests::moment::{days_ago, plus_hours};

tests::cases![values_sum_to_the_whole, the_last_value_before_the_exposure_counts, many_values_are_told_together];

async fn values_sum_to_the_whole() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    for dimension in ["device", "channel"] {
        let results = tenant.results("e", &format!("by={dimension}")).await;
        let values = results["breakdown"]["values"].as_array().unwrap();
        assert!(values.iter().any(|value| value["value"].is_null()), "some have no {dimension}: {results}");
        for metric in ["bought", "spend"] {
            for key in ["off", "on"] {
                let whole = &arm(&results, metric, key)["tally"];
                for field in ["count", "sum", "sum_of_squares"] {
                    let number =
                        |tally: &Value| tally[field].as_str().map_or_else(|| tally[field].to_string(), str::to_owned);
                    let parts: i128 =
                        values.iter().map(|value| millionths(&number(&arm(value, metric, key)["tally"]))).sum();
                    assert_eq!(parts, millionths(&number(whole)), "{field} of {metric} in {key} by {dimension}");
                }
            }
        }
        let persons: u64 = values.iter().map(|value| value["persons"].as_u64().unwrap()).sum();
        assert_eq!(persons, 120);
    }
}

fn millionths(text: &str) -> i128 {
    journey::parse_units(text).unwrap().into()
}

async fn the_last_value_before_the_exposure_counts() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let at = days_ago(25);
    let page = |id: &str, hours: i64, device: &str| {
        with(event(id, "late", "Page Viewed", plus_hours(at, hours)), &json!({"context": {"device": {"type": device}}}))
    };
    tenant
        .accept(&[
            page("1", -5, "old"),
            page("2", 0, "new"),
            exposure("3", "late", "e", "on", at),
            page("4", 1, "after"),
        ])
        .await;
    let of = async || {
        let results = tenant.results("e", "by=device").await;
        let values = results["breakdown"]["values"].as_array().unwrap().clone();
        let names = ["old", "new", "after", "earlier"];
        values
            .iter()
            .filter_map(|v| v["value"].as_str().map(str::to_owned))
            .filter(|v| names.contains(&v.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of().await, ["new"]);
    // An earlier exposure that comes late moves the moment.
    tenant.accept(&[exposure("5", "late", "e", "on", plus_hours(at, -2))]).await;
    assert_eq!(of().await, ["old"]);
}

async fn many_values_are_told_together() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let at = days_ago(25);
    let many: Vec<_> = (0..1_100)
        .map(|n| {
            with(
                exposure(&format!("m{n}"), &format!("m{n}"), "e", "on", at),
                &json!({"context": {"device": {"type": format!("d{n}")}}}),
            )
        })
        .collect();
    tenant.accept(&many[..200]).await;
    let results = tenant.results("e", "by=device").await;
    let values = results["breakdown"]["values"].as_array().unwrap();
    assert_eq!(values.len(), 51, "fifty, and the rest");
    let sizes: Vec<_> = values[..50].iter().map(|value| value["persons"].as_u64().unwrap()).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    assert_eq!((&values[50]["value"], &values[50]["is_rest"]), (&json!("other"), &json!(true)));
    assert_eq!(values.iter().map(|value| value["persons"].as_u64().unwrap()).sum::<u64>(), 320);
    // Beyond a thousand the dimension is refused with the reason, and everything else stands.
    tenant.accept(&many[200..]).await;
    let results = tenant.results("e", "by=device").await;
    assert!(
        results["breakdown"]["values"].is_null() && results["breakdown"]["reason"].is_string(),
        "{}",
        results["breakdown"]
    );
    assert_eq!(arm(&results, "bought", "on")["persons"], 60 + 1_100);
}
