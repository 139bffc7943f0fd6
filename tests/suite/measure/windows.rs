//! What counts: from the first exposure until the window ends; matured and live readings.

use chrono::TimeDelta;
use serde_json::json;
use tests::World;
use tests::events::{event, exposure, order};

use super::{at, conversion, date, spend, tally, tenant};

tests::cases![
    the_window_begins_with_the_exposure_and_ends_before_its_end,
    persons_mature_on_the_day_that_contains_the_end_of_their_window,
    a_metric_without_a_window_has_only_the_live_reading,
    days_are_cut_in_the_zone_of_the_tenant,
    exposures_outside_the_dates_are_counted_and_put_nobody_into_an_arm,
    the_earliest_exposure_counts_by_time_and_then_by_id,
];

async fn the_window_begins_with_the_exposure_and_ends_before_its_end() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("bought", conversion())], &json!({"window_days": 7})).await;
    let shown = at(0, 12);
    let micro = TimeDelta::microseconds(1);
    for (user, bought, counts) in [
        ("before", shown - micro, 0),
        ("at once", shown, 1),
        ("just in time", shown + TimeDelta::days(7) - micro, 1),
        ("too late", shown + TimeDelta::days(7), 0),
    ] {
        let before = tenant.results("e", "").await;
        let before =
            tests::events::arm(&before, "bought", "on")["tally"]["sum"].as_str().unwrap_or("0").parse::<i32>().unwrap();
        tenant
            .accept(&[
                exposure(&format!("x {user}"), user, "e", "on", shown),
                order(&format!("o {user}"), user, "1", bought),
            ])
            .await;
        let (_, sum) = tally(&tenant.results("e", "").await, "bought", "on");
        assert_eq!(sum.parse::<i32>().unwrap() - before, counts, "{user}");
    }
}

async fn persons_mature_on_the_day_that_contains_the_end_of_their_window() {
    let world = World::new().await;
    let metrics = [
        ("bought", conversion()),
        ("quickly", json!({"kind": "conversion", "event": "Order Completed", "window_days": 2})),
    ];
    let tenant = tenant(&world, &metrics, &json!({"window_days": 7})).await;
    tenant.accept(&[exposure("x", "u", "e", "on", at(0, 12)), order("o", "u", "1", at(6, 0))]).await;
    let counts = async |query: String, metric: &str| tally(&tenant.results("e", &query).await, metric, "on");
    for (day, live, matured) in [(0, "0", 0), (5, "0", 0), (6, "1", 0), (7, "1", 1), (20, "1", 1)] {
        let as_of = format!("as_of={}", date(day));
        let results = tenant.results("e", &as_of).await;
        let arm = tests::events::arm(&results, "bought", "on");
        assert_eq!(arm["live"]["persons"], 1, "{results}");
        assert_eq!(counts(format!("{as_of}&maturity=live"), "bought").await, (1, live.into()), "live on day {day}");
        assert_eq!(counts(as_of.clone(), "bought").await, (matured, matured.to_string()), "matured on day {day}");
        let arms = results["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
        assert_eq!((&arms["persons"], &arms["matured"]), (&json!(1), &json!(matured)));
        // A metric's own window ends on a day of its own.
        assert_eq!(counts(as_of, "quickly").await, (u64::from(day >= 2), "0".into()), "own window on day {day}");
    }
    assert_eq!(tally(&tenant.results("e", &format!("as_of={}&maturity=live", date(-1))).await, "bought", "on").0, 0);
    // Windows that are open now: nobody matured, everybody live.
    tenant.accept(&[exposure("y", "v", "e", "off", tests::moment::days_ago(1))]).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "bought", "off").0, 0);
    assert_eq!(tests::events::arm(&results, "bought", "off")["live"]["persons"], 1);
    let ahead = tenant
        .asking("e", &format!("as_of={}", tests::moment::date_ago(0) + chrono::Days::new(2)))
        .invalid()
        .send()
        .await;
    assert_eq!(ahead.status, 400, "a day that has not come is refused: {}", ahead.text());
}

async fn a_metric_without_a_window_has_only_the_live_reading() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({"window_days": null})).await;
    tenant.accept(&[exposure("x", "u", "e", "on", at(0, 12)), order("o", "u", "8", at(59, 0))]).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (1, "8".into()));
    let arm = results["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
    assert_eq!(arm["matured"], serde_json::Value::Null, "{arm}");
}

async fn days_are_cut_in_the_zone_of_the_tenant() {
    let world = World::new().await;
    let tenant = world.tenant_in("EUR", "Pacific/Auckland").await;
    super::define(&tenant, &[("spend", spend())], &json!({"window_days": null})).await;
    // Auckland is 12 or 13 hours ahead: 11:30 UTC is still that day, 12:30 UTC may be the next, 13:30 is.
    tenant
        .accept(&[
            exposure("x", "u", "e", "on", at(0, 0)),
            order("a", "u", "1", at(1, 10)),
            order("b", "u", "2", at(1, 13)),
        ])
        .await;
    let sum = async |day: i64| tally(&tenant.results("e", &format!("as_of={}", date(day))).await, "spend", "on").1;
    assert_eq!((sum(0).await, sum(1).await, sum(2).await), ("0".into(), "1".into(), "3".into()));
}

async fn exposures_outside_the_dates_are_counted_and_put_nobody_into_an_arm() {
    let world = World::new().await;
    let dates = json!({"starts_at": tests::moment::text(at(2, 0)), "ends_at": tests::moment::text(at(4, 0))});
    let tenant = tenant(&world, &[("spend", spend())], &dates).await;
    let micro = TimeDelta::microseconds(1);
    tenant
        .accept(&[
            exposure("1", "too early", "e", "on", at(2, 0) - micro),
            exposure("2", "first", "e", "on", at(2, 0)),
            exposure("3", "last", "e", "on", at(4, 0) - micro),
            exposure("4", "too late", "e", "on", at(4, 0)),
            // The first exposure inside the dates counts, though one outside came before.
            exposure("5", "both", "e", "off", at(1, 0)),
            exposure("6", "both", "e", "on", at(3, 0)),
            order("7", "both", "5", at(3, 1)),
        ])
        .await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (3, "5".into()), "{results}");
    assert_eq!(tally(&results, "spend", "off").0, 0);
    assert_eq!(tests::events::check(&results, "exposures_outside_dates")["count"], 3);
    assert_eq!(tests::events::check(&results, "crossovers")["persons"], 0, "an exposure outside is no second arm");
}

async fn the_earliest_exposure_counts_by_time_and_then_by_id() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    let id = |n: u8| format!("00000000-0000-4000-8000-0000000000{n:02}");
    tenant
        .accept(&[
            // The same instant: the smaller id.
            exposure(&id(2), "tie", "e", "off", at(1, 0)),
            exposure(&id(1), "tie", "e", "on", at(1, 0)),
            // Sent later, happened earlier.
            exposure(&id(3), "late", "e", "off", at(2, 0)),
        ])
        .await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "off").0, 1);
    tenant.accept(&[exposure(&id(9), "late", "e", "on", at(0, 0)), event(&id(8), "late", "A", at(0, 0))]).await;
    let results = tenant.results("e", "").await;
    assert_eq!((tally(&results, "spend", "on").0, tally(&results, "spend", "off").0), (2, 0), "{results}");
}
