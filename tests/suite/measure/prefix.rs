//! The prefix law: as of a day, the results are those of the events up to its end.

use serde_json::{Value, json};
use tests::World;
use tests::events::{event, exposure, order, with};

use super::{at, conversion, date, define, spend};

tests::cases![as_of_a_day_is_the_result_on_the_events_up_to_it, the_timeline_is_the_results_of_each_day];

fn metrics() -> [(&'static str, Value); 6] {
    [
        ("bought", conversion()),
        ("spend", spend()),
        ("quick", json!({"kind": "sum", "event": "Order Completed", "window_days": 3, "cap": 40})),
        ("clv", json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 365, "window_days": 5})),
        ("lifetime", lifetime(json!({"window_days": 9}))),
        ("so_far", lifetime(json!({}))),
    ]
}

fn lifetime(more: Value) -> Value {
    with(json!({"kind": "clv", "event": "Order Completed", "lifespan": "estimated", "inactive_days": 3}), &more)
}

/// A history of a few weeks with late shows, crossovers, refunds and dimension values that change.
fn history() -> Vec<(i64, Value)> {
    let mut events = Vec::new();
    for n in 0..40i64 {
        let user = format!("u{n}");
        let (shown, armed) = (n % 9, if n % 2 == 0 { "off" } else { "on" });
        let device = |days: i64, word: &str| {
            let seen = event(&format!("d{n}-{days}"), &user, "Page Viewed", at(days, n % 24));
            (days, with(seen, &json!({"context": {"device": {"type": word}}})))
        };
        events.push(device(shown - 1, if n % 3 == 0 { "ios" } else { "android" }));
        events.push((shown, exposure(&format!("x{n}"), &user, "e", armed, at(shown, n % 20))));
        events.push(device(shown + 1, "web"));
        if n % 7 == 0 {
            events.push((
                shown + 3,
                exposure(&format!("y{n}"), &user, "e", if armed == "on" { "off" } else { "on" }, at(shown + 3, 3)),
            ));
        }
        for k in 0..n % 4 {
            let days = shown - 3 + 3 * k + n % 5;
            events.push((days, order(&format!("o{n}-{k}"), &user, &format!("{}.{n:02}", 3 + 17 * k), at(days, 21))));
        }
        if n % 6 == 1 {
            let refund = event(&format!("r{n}"), &user, "Order Refunded", at(shown + 8, 1));
            events.push((shown + 8, with(refund, &json!({"value": 9}))));
        }
    }
    events
}

async fn as_of_a_day_is_the_result_on_the_events_up_to_it() {
    let world = World::new().await;
    let whole = world.tenant().await;
    let more = json!({"window_days": 7, "dimensions": ["device"]});
    define(&whole, &metrics(), &more).await;
    whole.accept(&history().into_iter().map(|(_, event)| event).collect::<Vec<_>>()).await;
    for day in [-1, 0, 2, 4, 6, 8, 9, 11, 14, 18, 30] {
        let part = world.tenant().await;
        define(&part, &metrics(), &more).await;
        let events: Vec<Value> =
            history().into_iter().filter(|(days, _)| *days <= day).map(|(_, event)| event).collect();
        if !events.is_empty() {
            part.accept(&events).await;
        }
        for options in
            ["", "crossovers=exclude", "maturity=live", "by=device", "by=device&maturity=live&crossovers=exclude"]
        {
            let query = format!("as_of={}&explain=true&{options}", date(day));
            let (law, found) = (part.results("e", &query).await, whole.results("e", &query).await);
            for part in ["arms", "metrics", "breakdown"] {
                assert_eq!(found[part], law[part], "{part} as of day {day} with {options}");
            }
        }
    }
}

async fn the_timeline_is_the_results_of_each_day() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &metrics(), &json!({"window_days": 7})).await;
    tenant.accept(&history().into_iter().map(|(_, event)| event).collect::<Vec<_>>()).await;
    for maturity in ["matured", "live"] {
        let timeline =
            tenant.read.get(&format!("/v1/experiments/e/timeline?metric=spend&maturity={maturity}")).expect(200).await;
        let points = timeline["points"].as_array().unwrap_or_else(|| panic!("no points in {timeline}"));
        assert!(points.len() > 20, "{timeline}");
        for point in points.iter().step_by(3) {
            let day = point["day"].as_str().unwrap();
            let results = tenant.results("e", &format!("as_of={day}&maturity={maturity}")).await;
            for found in point["arms"].as_array().unwrap() {
                let wanted = tests::events::arm(&results, "spend", found["arm"].as_str().unwrap());
                for field in ["persons", "value", "interval", "tally"] {
                    assert_eq!(found[field], wanted[field], "{field} on {day}, {maturity}");
                }
                for field in ["difference", "lift", "p_value"] {
                    let of = |arm: &Value| arm.get("versus_control").map(|versus| versus[field].clone());
                    assert_eq!(of(found), of(wanted), "{field} on {day}, {maturity}");
                }
            }
        }
    }
}
