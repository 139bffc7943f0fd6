//! What customers are worth over a lifespan that is estimated, through the API alone.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::events::{arm, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    the_lifespan_is_one_over_the_churn_of_each_arm,
    without_a_window_it_is_told_of_those_who_were_watched_long_enough,
    as_of_a_day_each_is_watched_for_a_time_of_their_own,
    definitions_of_a_lifespan_are_checked,
    what_was_told_before_is_told_again_until_something_changes,
];

const EVENT: &str = "Order Completed";

fn estimated() -> Value {
    json!({"kind": "clv", "event": EVENT, "lifespan": "estimated", "inactive_days": 7})
}

fn close(what: &str, found: &Value, wanted: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found} is no number"));
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{what}: {found} instead of {wanted}");
}

/// Days after the exposure, and what is spent on each.
type Orders = &'static [(i64, i64)];

/// Each person: the arm, and the orders.
const PERSONS: [(&str, &str, Orders); 8] = [
    ("u1", "on", &[(1, 50), (2, 50), (3, 30)]),
    ("u2", "on", &[(1, 70)]),
    ("u3", "on", &[]),
    ("u4", "on", &[(2, 20), (9, 25)]),
    ("u5", "off", &[(1, 10), (10, 15)]),
    ("u6", "off", &[]),
    ("u7", "off", &[(5, 40)]),
    ("u8", "off", &[(13, 12)]),
];

async fn accept(tenant: &Tenant) {
    let at = |days: i64| days_ago(60) + TimeDelta::days(days);
    let mut events = Vec::new();
    for (user, key, orders) in PERSONS {
        events.push(exposure(&format!("x{user}"), user, "e", key, at(0)));
        for (day, value) in orders {
            events.push(order(&format!("{user}-{day}"), user, &value.to_string(), at(*day)));
        }
    }
    tenant.accept(&events).await;
}

/// The days until a person left or was last watched for it, and whether they left, who was watched for so many days.
fn stay(orders: &[(i64, i64)], watched: i64) -> (f64, f64) {
    let last = orders.iter().map(|(day, _)| *day).max().unwrap_or(0);
    let end = watched - 7;
    (last.min(end) as f64, f64::from(u8::from(last <= end)))
}

/// The value and its variance, from the definition: person by person.
fn value(key: &str, watched: i64, observed: f64) -> (f64, f64, f64) {
    let persons: Vec<(f64, f64, f64)> = PERSONS
        .iter()
        .filter(|(_, of, _)| *of == key)
        .map(|(.., orders)| {
            let (t, f) = stay(orders, watched);
            (orders.iter().map(|(_, value)| *value as f64).sum(), t, f)
        })
        .collect();
    let n = persons.len() as f64;
    let mean = |of: fn(&(f64, f64, f64)) -> f64| persons.iter().map(of).sum::<f64>() / n;
    let (y, t, f) = (mean(|p| p.0), mean(|p| p.1), mean(|p| p.2));
    let value = t / f * y / observed;
    let squares: f64 = persons.iter().map(|p| (value * (p.0 / y - 1.0 + p.1 / t - p.2 / f)).powi(2)).sum();
    (value, squares / (n - 1.0) / n, t / f)
}

async fn the_lifespan_is_one_over_the_churn_of_each_arm() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("clv", &estimated()).await;
    tenant.experiment("e", &with(tests::events::experiment(&["clv"]), &json!({"window_days": 14}))).await;
    let nobody = tenant.read.get("/v1/experiments/e/clv").expect(200).await;
    let on = &nobody["metrics"][0]["arms"][1];
    assert_eq!((&on["lifespan_days"], &on["clv"]["value"]), (&Value::Null, &Value::Null), "{on}");
    accept(&tenant).await;
    let answer = tenant.read.get("/v1/experiments/e/clv").expect(200).await;
    let metric = &answer["metrics"][0];
    assert_eq!((&metric["inactive_days"], &metric["lifespan_days"]), (&json!(7), &Value::Null), "{metric}");
    assert!(metric["lifespan_reason"].as_str().unwrap().contains("churn"), "{metric}");
    let results = tenant.results("e", "explain=true&method=frequentist&adjust=none").await;
    let mut variances = Vec::new();
    for (at, key) in ["off", "on"].into_iter().enumerate() {
        // The window is 14 days, the first of which is that of the exposure.
        let (wanted, variance, lifespan) = value(key, 13, 14.0);
        let told = &metric["arms"][at];
        assert_eq!(told["arm"], key);
        close("lifespan", &told["lifespan_days"], lifespan);
        close("value", &told["clv"]["value"], wanted);
        assert_eq!(arm(&results, "clv", key)["value"], told["clv"]["value"]);
        variances.push(variance);
    }
    let on = &metric["arms"][1];
    assert_eq!((&on["left"], &on["days_at_risk"]), (&json!(3), &json!(10.0)), "{on}");
    let explained = &arm(&results, "clv", "on")["versus_control"]["explain"];
    close("standard error", &explained["standard_error"], variances.iter().sum::<f64>().sqrt());
    let lifespan = &arm(&results, "clv", "on")["explain"]["clv"]["lifespan"];
    assert_eq!((&lifespan["left"], &lifespan["days_at_risk"]), (&json!(3), &json!("10")), "{lifespan}");
}

async fn without_a_window_it_is_told_of_those_who_were_watched_long_enough() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("clv", &estimated()).await;
    let body = with(tests::events::experiment(&["clv"]), &json!({"window_days": null, "dimensions": ["device"]}));
    tenant.experiment("e", &body).await;
    accept(&tenant).await;
    // Persons who are exposed now say nothing yet of how long they stay.
    tenant.accept(&[exposure("late", "late", "e", "on", days_ago(1))]).await;
    let answer = tenant.read.get("/v1/experiments/e/clv").expect(200).await;
    for (at, key) in ["off", "on"].into_iter().enumerate() {
        let told = &answer["metrics"][0]["arms"][at];
        // All of them have been silent for weeks.
        let (.., lifespan) = value(key, 59, 60.0);
        close("lifespan", &told["lifespan_days"], lifespan);
        assert_eq!(told["left"], 4, "{told}");
    }
    assert_eq!(answer["metrics"][0]["maturity"], "live");
    // As of a day, it is what was known at its end.
    let then = (days_ago(60) + TimeDelta::days(10)).format("%Y-%m-%d").to_string();
    let answer = tenant.read.get(&format!("/v1/experiments/e/clv?as_of={then}")).expect(200).await;
    let told = &answer["metrics"][0]["arms"][1];
    // Three had bought for the last time by the third day, and who bought on the ninth had been watched for the third.
    assert_eq!((&told["left"], &told["days_at_risk"]), (&json!(3), &json!(3.0 + 1.0 + 0.0 + 3.0)), "{told}");
}

/// Everyone comes on a day of their own, so that they are watched for different times.
async fn as_of_a_day_each_is_watched_for_a_time_of_their_own() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("clv", &estimated()).await;
    let body = with(tests::events::experiment(&["clv"]), &json!({"window_days": null}));
    tenant.experiment("e", &body).await;
    let mut events = Vec::new();
    for ((user, key, orders), came) in PERSONS.into_iter().zip(0..) {
        let at = |days: i64| days_ago(60) + TimeDelta::days(came + days);
        events.push(exposure(&format!("x{user}"), user, "e", key, at(0)));
        for (day, value) in orders {
            events.push(order(&format!("{user}-{day}"), user, &value.to_string(), at(*day)));
        }
    }
    tenant.accept(&events).await;
    for after in [12, 16, 20, 40] {
        let then = (days_ago(60) + TimeDelta::days(after)).format("%Y-%m-%d").to_string();
        let results = tenant.results("e", &format!("as_of={then}&explain=true&method=frequentist&adjust=none")).await;
        let mut variances = 0.0;
        for key in ["off", "on"] {
            // Value so far, days observed up to the end of that day, days until they left or were last watched for it, and whether they left.
            let persons: Vec<[f64; 4]> = PERSONS
                .iter()
                .zip(0..)
                .filter(|((_, of, _), _)| *of == key)
                .map(|((.., orders), came)| {
                    let watched = after - came;
                    let so_far: Vec<(i64, i64)> = orders.iter().copied().filter(|(day, _)| *day <= watched).collect();
                    let (t, f) = if watched < 7 { (0.0, 0.0) } else { stay(&so_far, watched) };
                    [so_far.iter().map(|(_, value)| *value as f64).sum(), (watched + 1) as f64, t, f]
                })
                .collect();
            let n = persons.len() as f64;
            let [y, d, t, f] = [0, 1, 2, 3].map(|at| persons.iter().map(|person| person[at]).sum::<f64>() / n);
            let value = t / f * y / d;
            close(&format!("{key} as of {after}"), &arm(&results, "clv", key)["value"], value);
            let influence = |p: &[f64; 4]| value * (p[0] / y - p[1] / d + p[2] / t - p[3] / f);
            variances += persons.iter().map(|p| influence(p).powi(2)).sum::<f64>() / (n - 1.0) / n;
        }
        let error = &arm(&results, "clv", "on")["versus_control"]["explain"]["standard_error"];
        close(&format!("standard error as of {after}"), error, variances.sqrt());
    }
}

async fn definitions_of_a_lifespan_are_checked() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let clv = |more: Value| with(json!({"kind": "clv", "event": EVENT}), &more);
    for (more, pointer, says) in [
        (json!({}), "/lifespan_days", "estimated"),
        (json!({"lifespan": "guessed"}), "/lifespan", "estimated"),
        (json!({"lifespan": "estimated", "lifespan_days": 9}), "/lifespan", "one of the two"),
        (json!({"lifespan_days": 9, "inactive_days": 3}), "/inactive_days", "estimated"),
        (json!({"lifespan": "estimated", "inactive_days": 0}), "/inactive_days", "1 to 365"),
        (json!({"lifespan": "estimated", "inactive_days": 9, "window_days": 10}), "/inactive_days", "at least 11"),
    ] {
        let body = clv(more).to_string();
        let answer = tenant.admin.put("/v1/metrics/m").bytes("application/json", body.clone()).invalid().send().await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        let text = answer.text();
        assert!(text.contains(&format!("\"{pointer}\"")) && text.contains(says), "{body}: {text}");
    }
    tenant.metric("m", &clv(json!({"lifespan": "estimated"}))).await;
    let stored = tenant.read.get("/v1/metrics/m").expect(200).await;
    assert_eq!((&stored["lifespan"], &stored["inactive_days"]), (&json!("estimated"), &json!(7)), "{stored}");
    assert!(stored.get("lifespan_days").is_none(), "{stored}");
    tenant.metric("m", &stored_again(stored)).await;
    // An experiment's own window can be too short as well, whichever of the two comes later.
    let experiment = |days: u32| with(tests::events::experiment(&["m"]), &json!({"window_days": days}));
    let answer = tenant.admin.put("/v1/experiments/short").json(&experiment(8)).send().await;
    let text = answer.text();
    assert!(answer.status == 400 && text.contains("\"/metrics/0\"") && text.contains("at least 9"), "{text}");
    tenant.experiment("e", &experiment(9)).await;
    let longer = clv(json!({"lifespan": "estimated", "inactive_days": 8}));
    let answer = tenant.admin.put("/v1/metrics/m").json(&longer).send().await;
    let text = answer.text();
    assert!(answer.status == 400 && text.contains("\"/inactive_days\"") && text.contains("at most 7"), "{text}");
    assert!(text.contains("the experiment e)"), "{text}");
}

/// What was read, fit to be written.
fn stored_again(mut stored: Value) -> Value {
    let fields = stored.as_object_mut().unwrap();
    fields.retain(|name, value| !value.is_null() && !["created_at", "updated_at"].contains(&name.as_str()));
    stored
}

async fn what_was_told_before_is_told_again_until_something_changes() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("clv", &estimated()).await;
    tenant.experiment("e", &tests::events::experiment(&["clv"])).await;
    accept(&tenant).await;
    let told = |path: &'static str| {
        let tenant = &tenant;
        async move {
            let mut answer = tenant.read.get(&format!("/v1/experiments/e/{path}")).expect(200).await;
            let fresh = answer["fresh"].take();
            (answer, fresh["through"].as_str().unwrap().to_owned())
        }
    };
    for path in ["results?explain=true", "clv", "retention", "timeline", "power"] {
        let (first, asked) = told(path).await;
        let (again, later) = told(path).await;
        assert_eq!(first, again, "{path}");
        assert!(asked < later, "{path}: asked at {asked} and at {later}");
    }
    let (before, _) = told("results").await;
    tenant.accept(&[exposure("new", "new", "e", "on", days_ago(1))]).await;
    let (after, _) = told("results").await;
    let persons = |answer: &Value| answer["arms"][1]["persons"].as_i64().unwrap();
    assert_eq!(persons(&after), persons(&before) + 1);
    // Tables, too, and neither in place of the other.
    let table = || tenant.read.get("/v1/experiments/e/results").header("accept", "text/csv").send();
    let (one, two) = (table().await, table().await);
    assert_eq!((one.status, one.text()), (200, two.text()));
    assert!(two.header("content-type").unwrap().starts_with("text/csv"), "{:?}", two.header("content-type"));
    assert!(one.text().lines().count() > 2 && !one.text().starts_with('{'));
}
