//! What an experiment costs and returns; before and after; holdouts: through the API alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    lift_up_and_money_lost_is_plain_to_see,
    costs_come_from_the_model_and_from_events,
    a_margin_and_a_cost_change_without_measuring_again,
    nobody_one_person_and_fifty_arms_are_answered,
    before_and_after_is_no_effect,
    a_holdout_is_split_as_far_as_it_is_randomised,
    questions_about_money_are_checked,
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn close(found: &Value, wanted: f64) {
    let found = number(found);
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} instead of {wanted}");
}

fn at(days: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days)
}

fn net(margin: f64) -> Value {
    json!({"kind": "net", "event": "Order Completed", "margin": margin, "costs": {"event": "Cost Incurred", "property": "properties.discount"}})
}

fn bought() -> Value {
    json!({"kind": "conversion", "event": "Order Completed"})
}

async fn ask(tenant: &Tenant, route: &str) -> Value {
    tenant.read.get(&format!("/v1/experiments/{route}")).expect(200).await
}

async fn define(tenant: &Tenant, more: &Value) {
    tenant.metric("net", &net(0.5)).await;
    tenant.metric("bought", &bought()).await;
    tenant.experiment("e", &with(tests::events::experiment(&["net", "bought"]), more)).await;
}

/// Half of the persons each; in `off` one in ten buys for 100, in `on` seven in fifty, with a discount of 30.50.
async fn coupons(tenant: &Tenant) {
    let mut events = Vec::new();
    for n in 0..3_000u32 {
        let (arm, buys) = if n % 2 == 0 { ("off", n % 20 == 0) } else { ("on", n % 100 < 12 || n % 100 == 51) };
        let user = format!("u{n}");
        let plan = if n % 4 < 2 { "basic" } else { "pro" };
        events.push(with(exposure(&format!("x{n}"), &user, "e", arm, at(0)), &json!({"traits": {"plan": plan}})));
        if buys {
            let sold = order(&format!("o{n}"), &user, "100", at(1));
            events.push(if arm == "on" { with(sold, &json!({"properties": {"discount": "30.5"}})) } else { sold });
        }
    }
    for some in events.chunks(5_000) {
        tests::world::deliver(&tenant.ingest, some).await;
    }
}

/// The trap: 14 % instead of 10 % buy, each with a coupon that costs more than the margin of what they buy.
async fn lift_up_and_money_lost_is_plain_to_see() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &json!({"method": "frequentist", "dimensions": ["plan"]})).await;
    coupons(&tenant).await;
    let answer = ask(&tenant, "e/roi?by=plan").await;
    assert_eq!((&answer["metric"], &answer["conversion"]), (&json!("net"), &json!("bought")), "{answer}");
    let on = &answer["arms"][0];
    let main = &on["main"];
    // 150 of 1500 buy without it; the odd numbers below 12 in a hundred, and the 51, are seven in fifty.
    close(&main["incremental_conversions"]["value"], 60.0);
    close(&main["incremental_value"]["value"], 6_000.0);
    close(&main["incremental_cost"]["value"], 210.0 * 30.5);
    close(&main["net_value"]["value"], 3_000.0 - 210.0 * 30.5);
    close(&main["roi"]["value"], 3_000.0 / (210.0 * 30.5) - 1.0);
    close(&main["cost_per_incremental_conversion"]["value"], 210.0 * 30.5 / 60.0);
    assert_eq!(main["pays"], "does_not_pay", "{main}");
    assert!(number(&main["net_value"]["high"]) < 0.0 && number(&main["roi"]["high"]) < 0.0, "{main}");
    assert!(on["alert"].as_str().unwrap().starts_with("Lift up, money lost"), "{on}");
    assert_eq!(on["net"]["versus_control"]["verdict"], "worse");
    assert_eq!(main["net_value"]["causal"], true);
    assert_eq!(main["payback"]["days"]["causal"], false);
    assert!(main["payback"]["days"]["value"].is_null() && main["payback"]["days"]["reason"].is_string());
    assert!(on["live"]["roi"].is_object());
    // The lift of the conversion is up.
    let results = tenant.results("e", "").await;
    let lift = &tests::events::arm(&results, "bought", "on")["versus_control"]["lift"]["value"];
    close(lift, 0.4);
    // All who would have bought anyway have the basic plan, so the money is lost there: three in 25 buy with a coupon.
    let wasted = &answer["wasted_spend"];
    assert_eq!((&wasted["dimension"], &wasted["looked_at"]), (&json!("plan"), &json!(2)), "{wasted}");
    let segments = wasted["segments"].as_array().unwrap();
    assert_eq!((segments.len(), &segments[0]["value"], &segments[0]["persons"]), (1, &json!("basic"), &json!(750)));
    close(&segments[0]["spent"], 90.0 * 30.5);
    assert!(number(&segments[0]["net_value"]["high"]) < 0.0, "{wasted}");
    // The sequential reading of the same is exploratory, and holds at any time.
    let always = ask(&tenant, "e/roi?method=sequential").await;
    assert_eq!(always["exploratory"], true);
    assert_eq!(always["arms"][0]["main"]["net_value"]["anytime"], true, "{always}");
}

async fn costs_come_from_the_model_and_from_events() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let cost = json!({"fixed": 100, "setup": "20.5", "running_per_day": 2, "hours": 1.5, "rate": 80, "per_person": "0.25", "per_exposure": "0.01"});
    let arms = json!([{"key": "off", "weight": 1}, {"key": "on", "weight": 1, "cost": cost, "intensity": 1}]);
    let (starts_at, ends_at) = (tests::moment::text(at(0)), tests::moment::text(at(10)));
    define(&tenant, &json!({"arms": arms, "starts_at": starts_at, "ends_at": ends_at})).await;
    let cost = |id: &str, user: &str, value: &str, days: i64| {
        with(event(id, user, "Cost Incurred", at(days)), &json!({"value": value}))
    };
    tenant
        .accept(&[
            exposure("x1", "u1", "e", "on", at(0)),
            exposure("x2", "u1", "e", "on", at(1)),
            // To the other arm, and outside: neither costs.
            exposure("x3", "u1", "e", "off", at(2)),
            exposure("x4", "u1", "e", "on", at(11)),
            exposure("x5", "u2", "e", "on", at(0)),
            exposure("x6", "u3", "e", "off", at(0)),
            order("o1", "u1", "80", at(1)),
            with(event("r1", "u1", "Order Refunded", at(2)), &json!({"value": "30"})),
            cost("c1", "u1", "4", 3),
            // Before the exposure, and after the window.
            cost("c2", "u1", "1000", -1),
            cost("c3", "u1", "1000", 15),
            with(event("p1", "u2", "Call Taken", at(2)), &json!({"properties": {"discount": 2.5}})),
            with(event("p2", "u2", "Call Taken", at(2)), &json!({"properties": {"discount": "many"}})),
            with(order("o2", "u2", "10", at(2)), &json!({"currency": "USD", "properties": {"discount": 7}})),
        ])
        .await;
    let answer = ask(&tenant, "e/roi").await;
    let on = &answer["costs"][1];
    assert_eq!(answer["days"], 10, "{answer}");
    for (line, text) in [
        ("exposures", "3"),
        ("fixed", "100"),
        ("setup", "20.5"),
        ("running", "20"),
        ("labour", "120"),
        ("per_person", "0.5"),
        ("per_exposure", "0.03"),
        ("events", "6.5"),
        ("total", "267.53"),
    ] {
        assert_eq!(on[line], text, "{line}: {on}");
    }
    assert_eq!(answer["costs"][0]["total"], "0");
    // u1: 0.5 x 50 - 4 - 0.25 - 0.02; u2: -2.5 - 0.25 - 0.01.
    let results = tenant.results("e", "").await;
    let arm = tests::events::arm(&results, "net", "on");
    assert_eq!((&arm["tally"]["count"], &arm["tally"]["sum"]), (&json!(2), &json!("17.97")), "{arm}");
    // 20.73^2 + 2.76^2
    assert_eq!(arm["tally"]["sum_of_squares"], "437.3505", "{arm}");
    close(&answer["arms"][0]["main"]["lump_costs"], 260.5);
    assert_eq!(answer["dose_response"]["steps"][0]["from"]["arms"], json!(["off"]), "{answer}");
    // As of the day of the refund the costs of later days are not there.
    let early = ask(&tenant, &format!("e/roi?as_of={}&maturity=live", at(2).date_naive())).await;
    assert_eq!((&early["costs"][1]["events"], &early["costs"][1]["running"]), (&json!("2.5"), &json!("6")), "{early}");
}

async fn a_margin_and_a_cost_change_without_measuring_again() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &json!({})).await;
    tenant.accept(&[exposure("x1", "u1", "e", "on", at(0)), order("o1", "u1", "80", at(1))]).await;
    let sum = async || {
        let results = tenant.results("e", "").await;
        assert_eq!(results["measuring"], Value::Null, "{results}");
        tests::events::arm(&results, "net", "on")["tally"]["sum"].as_str().unwrap().to_owned()
    };
    assert_eq!(sum().await, "40");
    let before = tenant.results("e", "").await["fresh"].clone();
    assert_eq!(before["pending_subjects"], 0);
    tenant.metric("net", &net(0.25)).await;
    assert_eq!(sum().await, "20");
    let arms = json!([{"key": "off"}, {"key": "on", "cost": {"per_person": 1, "per_exposure": "0.5"}}]);
    tenant.experiment("e", &with(tests::events::experiment(&["net", "bought"]), &json!({"arms": arms}))).await;
    assert_eq!(sum().await, "18.5");
}

async fn nobody_one_person_and_fifty_arms_are_answered() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let arms: Vec<Value> = (0..50).map(|arm| json!({"key": format!("a{arm}"), "intensity": arm})).collect();
    define(&tenant, &json!({"control": "a0", "arms": arms})).await;
    let nobody = ask(&tenant, "e/roi").await;
    assert_eq!((nobody["arms"].as_array().unwrap().len(), &nobody["days"]), (49, &json!(0)));
    assert_eq!(nobody["dose_response"]["steps"].as_array().unwrap().len(), 49);
    tenant.accept(&[exposure("x", "u", "e", "a7", at(0))]).await;
    for route in ["e/roi", "e/before_after", "e/before_after?metric=bought", "e/holdout"] {
        let one = ask(&tenant, route).await;
        assert!(!one.to_string().contains("NaN"), "{one}");
    }
    let one = ask(&tenant, "e/roi").await;
    for arm in one["arms"].as_array().unwrap() {
        assert_eq!((&arm["main"]["pays"], &arm["alert"]), (&json!("not_shown"), &Value::Null), "{arm}");
        assert!(arm["main"]["roi"]["value"].is_null() && arm["main"]["roi"]["reason"].is_string(), "{arm}");
    }
    // Without a net metric there is nothing to say, and it says how to have one.
    tenant.experiment("plain", &tests::events::experiment(&["bought"])).await;
    let plain = ask(&tenant, "plain/roi").await;
    assert!(plain["reason"].as_str().unwrap().contains("\"kind\":\"net\""), "{plain}");
}

async fn before_and_after_is_no_effect() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed", "window_days": 7})).await;
    tenant.metric("bought", &bought()).await;
    let aov = json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"}, "denominator": {"event": "Order Completed", "of": "count"}});
    tenant.metric("aov", &aov).await;
    tenant.metric("weekly", &json!({"kind": "conversion", "event": "Order Completed", "window_days": 7})).await;
    tenant.experiment("e", &tests::events::experiment(&["spend", "bought", "aov", "weekly"])).await;
    let rows: [(i64, i64); 4] = [(14, 7), (28, 21), (0, 14), (42, 7)];
    let mut events = Vec::new();
    for (n, (before, after)) in rows.into_iter().enumerate() {
        let user = format!("u{n}");
        events.push(exposure(&format!("x{n}"), &user, "e", "on", at(0)));
        if before > 0 {
            events.push(order(&format!("b{n}"), &user, &before.to_string(), at(-3)));
        }
        events.push(order(&format!("a{n}"), &user, &after.to_string(), at(3)));
    }
    tenant.accept(&events).await;
    let answer = ask(&tenant, "e/before_after").await;
    assert_eq!(
        (&answer["metric"], &answer["scale"], &answer["causal"]),
        (&json!("spend"), &json!("per_day"), &json!(false))
    );
    assert!(answer["causal_reason"].as_str().unwrap().contains("regression to the mean"), "{answer}");
    assert!(answer["scale_note"].as_str().unwrap().contains("7 days after"), "{answer}");
    let on = &answer["arms"][1];
    close(&on["before"]["value"], 84.0 / 14.0 / 4.0);
    close(&on["after"]["value"], 49.0 / 7.0 / 4.0);
    // Person by person: 0, 1, 2, -2 a day.
    close(&on["difference"]["value"], 0.25);
    // Source: scipy 1.17.1, t.interval(0.95, 3) of the mean of 0, 1, 2, -2.
    let half = 3.182_446_305_284_263 * (8.75f64 / 3.0 / 4.0).sqrt();
    close(&on["difference"]["low"], 0.25 - half);
    close(&on["difference"]["high"], 0.25 + half);
    assert_eq!((&on["direction"], &on["difference"]["causal"]), (&json!("not_shown"), &json!(false)), "{on}");
    assert!(!answer.to_string().contains("better\""), "{answer}");
    let shares = ask(&tenant, "e/before_after?metric=bought").await;
    assert_eq!(shares["scale"], "share");
    close(&shares["arms"][1]["difference"]["value"], 0.25);
    let ratios = ask(&tenant, "e/before_after?metric=aov").await;
    close(&ratios["arms"][1]["difference"]["value"], 49.0 / 4.0 - 84.0 / 3.0);
    let weekly = ask(&tenant, "e/before_after?metric=weekly").await;
    assert!(weekly["scale"].is_null() && weekly["reason"].as_str().unwrap().contains("14"), "{weekly}");
}

async fn a_holdout_is_split_as_far_as_it_is_randomised() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    for key in ["mail", "shop"] {
        tenant.experiment(key, &with(tests::events::experiment(&["spend"]), &json!({"method": "frequentist"}))).await;
    }
    let programme = json!({"holdout": {"programme": ["mail", "shop", "gone"]}, "method": "frequentist"});
    tenant.experiment("all", &with(tests::events::experiment(&["spend"]), &programme)).await;
    let got = ask(&tenant, "all").await;
    assert_eq!(got["holdout"]["programme"], json!(["mail", "shop", "gone"]));
    let mut events = Vec::new();
    for n in 0..400u32 {
        let user = format!("u{n}");
        let arm = if n % 2 == 0 { "off" } else { "on" };
        events.push(exposure(&format!("h{n}"), &user, "all", arm, at(0)));
        let mut spent = 10 + n % 3;
        if arm == "on" && n % 4 == 1 {
            // Half of the treated arm are in the experiment of the mail, whose treated half spends 8 more.
            let mailed = n % 8 == 1;
            events.push(exposure(&format!("m{n}"), &user, "mail", if mailed { "on" } else { "off" }, at(1)));
            spent += if mailed { 8 } else { 0 };
        }
        // Something outside the programme brings one more to everyone who is not held out.
        spent += u32::from(arm == "on");
        events.push(order(&format!("o{n}"), &user, &spent.to_string(), at(2)));
    }
    tenant.accept(&events).await;
    let answer = ask(&tenant, "all/holdout").await;
    let metric = &answer["metrics"][0];
    let results = tenant.results("all", "").await;
    let on = tests::events::arm(&results, "spend", "on");
    assert_eq!(metric["cumulative"]["arms"][1]["versus_control"]["difference"], on["versus_control"]["difference"]);
    let split = &metric["split"];
    assert_eq!(split["reason"], Value::Null, "{split}");
    let mail = &split["experiments"][0];
    assert_eq!((&mail["experiment"], &mail["persons"]), (&json!("mail"), &json!(50)), "{mail}");
    close(&mail["share"], 0.25);
    let inner = tenant.results("mail", "").await;
    let shown = number(&tests::events::arm(&inner, "spend", "on")["versus_control"]["difference"]["value"]);
    close(&mail["difference"]["value"], 0.25 * shown);
    assert_eq!(mail["difference"]["causal"], true);
    // Nobody was in the shop's; the third is gone, and says so.
    assert_eq!(split["experiments"][1]["persons"], 0);
    assert!(split["experiments"][2]["reason"].as_str().unwrap().contains("no such experiment"), "{split}");
    let (total, left) = (&split["difference"], &split["remainder"]);
    close(&left["value"], number(&total["value"]) - 0.25 * shown);
    assert_eq!(left["causal"], false);
    assert!(number(&left["low"]) < 1.0 && number(&left["high"]) > 1.0, "{left}");
    assert!(number(&split["confidence_of_each"]) > 0.98, "{split}");
    // Its own results move with what is inside.
    let tag = tenant.read.get("/v1/experiments/all/holdout").send().await.header("etag").unwrap().to_owned();
    let same = tenant.read.get("/v1/experiments/all/holdout").header("if-none-match", &tag).send().await;
    assert_eq!(same.status, 304);
    tenant.accept(&[exposure("late", "u1", "shop", "on", at(3))]).await;
    let moved = tenant.read.get("/v1/experiments/all/holdout").header("if-none-match", &tag).send().await;
    assert_eq!(moved.status, 200);
    let plain = ask(&tenant, "mail/holdout").await;
    assert!(plain["metrics"][0]["split"]["reason"].as_str().unwrap().contains("programme"), "{plain}");
}

async fn questions_about_money_are_checked() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &json!({})).await;
    for (query, about) in [
        ("roi?metric=bought", "kind net"),
        ("roi?conversion=net", "counts whether"),
        ("roi?conversion=nothing", "counts whether"),
        ("roi?by=device", "dimension"),
        ("roi?margin=1", "margin"),
        ("before_after?metric=nothing", "metric"),
        ("before_after?method=sequential", "method"),
        ("holdout?baseline=on", "baseline"),
    ] {
        let answer = tenant.read.get(&format!("/v1/experiments/e/{query}")).invalid().send().await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.text().contains(about), "{query}: {}", answer.text());
    }
    for route in ["roi", "before_after", "holdout"] {
        assert_eq!(tenant.read.get(&format!("/v1/experiments/none/{route}")).send().await.status, 404);
    }
    let put = async |body: Value| tenant.admin.put("/v1/metrics/bad").json(&body).invalid().send().await;
    assert_eq!(put(with(net(0.5), &json!({"goal": "decrease"}))).await.json()["errors"][0]["pointer"], "/goal");
    assert_eq!(put(net(1.5)).await.json()["errors"][0]["pointer"], "/margin");
}
