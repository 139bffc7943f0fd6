//! Channels: who is reached on which, whether what was assigned arrives, and what is no effect of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    contacts_are_counted_by_hand,
    the_delay_counts_from_the_trigger,
    what_arrives_late_and_what_turns_out_to_be_one_person_changes_what_was_received,
    a_treatment_that_makes_persons_use_more_channels_does_not_read_as_a_loss,
    channels_that_belong_to_arms_are_randomised_with_them,
    channels_of_nobody_and_of_fifty_arms_are_answered,
    questions_that_make_no_channels_are_refused,
];

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/e/channels?{query}")).await
}

fn at(days: i64, minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

fn on(channel: &str, event: Value) -> Value {
    with(event, &json!({"channel": channel}))
}

/// An exposure on a channel, with more properties.
fn shown(id: &str, user: &str, arm: &str, channel: &str, more: &Value, at: DateTime<Utc>) -> Value {
    let properties = with(json!({"experiment_id": "e", "variation_id": arm}), more);
    with(exposure(id, user, "e", arm, at), &json!({"channel": channel, "properties": properties}))
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

/// Ada is reached on two channels and buys; Bob's mail bounces; Cy sees a fallback; Di is shown the other arm by mail; Ed does
/// not consent, and a mail to him is sent that nobody says arrived.
fn few() -> Vec<Value> {
    let none = json!({});
    vec![
        shown("xa", "ada", "on", "web", &none, at(0, 0)),
        on("web", event("a1", "ada", "Page Viewed", at(0, 10))),
        on("email", event("a2", "ada", "Email Delivered", at(0, 60))),
        shown("xa2", "ada", "on", "email", &none, at(0, 61)),
        on("web", order("a3", "ada", "20", at(1, 0))),
        shown("xb", "bob", "on", "email", &none, at(0, 0)),
        on("email", event("b1", "bob", "Email Bounced", at(0, 5))),
        shown("xc", "cy", "on", "web", &json!({"fallback": true}), at(0, 0)),
        on("web", event("c1", "cy", "Page Viewed", at(0, 1))),
        // After the window nothing counts.
        on("sms", event("c2", "cy", "SMS Delivered", at(14, 0))),
        shown("xd", "di", "off", "web", &none, at(0, 0)),
        on("push", event("d1", "di", "Push Notification Delivered", at(0, 30))),
        shown("xd2", "di", "on", "email", &none, at(0, 60)),
        shown("xe", "ed", "off", "web", &json!({"consent": false}), at(0, 0)),
        on("email", event("e1", "ed", "Email Sent", at(0, 1))),
    ]
}

/// Persons who count and those among whom they are.
fn part(share: &Value) -> (i64, i64) {
    assert_eq!((&share["causal"], &share["anytime"]), (&json!(false), &json!(false)), "{share}");
    assert!(!share["reason"].as_str().unwrap().is_empty());
    assert_eq!(share["share"].is_null(), share["of"] == 0, "{share}");
    assert_eq!(share["interval"].is_null(), share["of"] == 0, "{share}");
    (share["persons"].as_i64().unwrap(), share["of"].as_i64().unwrap())
}

fn parts(entry: &Value) -> [(i64, i64); 2] {
    ["on", "off"].map(|arm| part(of_arm(&entry["arms"], arm)))
}

fn receipt(answer: &Value, arm: &str) -> [i64; 4] {
    let told = of_arm(&answer["receipt"], arm);
    ["received", "fallback", "no_consent", "undelivered"].map(|what| part(&told[what]).0)
}

async fn contacts_are_counted_by_hand() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(answer["maturity"], "matured");
    let sum = |share: &Value, arm| of_arm(&share["arms"], arm)["tally"]["sum"].as_str().unwrap().to_owned();
    assert_eq!((sum(&answer["converted"], "on"), sum(&answer["converted"], "off")), ("1".into(), "0".into()));
    let channels: Vec<(&str, String, String)> = answer["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["channel"].as_str().unwrap(), sum(&entry["reach"], "on"), sum(&entry["reach"], "off")))
        .collect();
    let row = |channel, on: &str, off: &str| (channel, on.to_owned(), off.to_owned());
    assert_eq!(channels, [row("web", "2", "0"), row("email", "1", "0"), row("push", "0", "1")]);
    assert_eq!(of_arm(&answer["channels"][0]["reach"]["arms"], "on")["versus_control"]["causal"], true);
    // Whoever was reached nowhere is told, too: Bob and Ed.
    let overlap: Vec<(&Value, [(i64, i64); 2])> =
        answer["overlap"].as_array().unwrap().iter().map(|entry| (&entry["channels"], parts(entry))).collect();
    assert_eq!(
        overlap,
        [
            (&json!([]), [(1, 3), (1, 2)]),
            (&json!(["email", "web"]), [(1, 3), (0, 2)]),
            (&json!(["push"]), [(0, 3), (1, 2)]),
            (&json!(["web"]), [(1, 3), (0, 2)]),
        ]
    );
    assert_eq!((&answer["more_sets"], &answer["other_channels"]), (&json!(0), &json!(0)));
    let by_number: Vec<[(i64, i64); 2]> = answer["by_number"].as_array().unwrap().iter().map(parts).collect();
    assert_eq!(by_number, [[(0, 1), (0, 1)], [(0, 1), (0, 1)], [(1, 1), (0, 0)]]);
    let consistency = |arm| {
        let told = of_arm(&answer["consistency"], arm);
        (part(&told["consistent"]), part(&told["on_several_channels"]))
    };
    assert_eq!((consistency("on"), consistency("off")), (((3, 3), (1, 1)), ((1, 2), (0, 1))));
    assert_eq!((receipt(&answer, "on"), receipt(&answer, "off")), ([1, 1, 0, 1], [1, 0, 1, 0]));
    let delay = of_arm(&answer["delay"], "on");
    assert_eq!((part(&delay["triggered"]), part(&delay["reached"])), ((3, 3), (1, 3)));
    assert_eq!((&delay["median"]["seconds"], &delay["median"]["interval"]), (&json!(3600.0), &Value::Null));
    assert!(!delay["median"]["reason"].as_str().unwrap().is_empty());
    assert_eq!(of_arm(&answer["delay"], "off")["p90"]["seconds"], 1800.0);
    assert_eq!(answer["exposures"]["split"], "too_few");
    assert_eq!(of_arm(&answer["exposures"]["channels"][0]["arms"], "on")["persons"], 1);
    // As of the first day's end nobody had bought.
    let early = ask(&tenant, &format!("maturity=live&as_of={}", at(0, 0).date_naive())).await;
    assert_eq!(sum(&early["converted"], "on"), "0");
    // Other words for the same things; and a longer window.
    let other = ask(
        &tenant,
        "delivered=Page Viewed&undelivered=Email Sent&conversion=Push Notification Delivered&fallback=properties.none",
    )
    .await;
    assert_eq!((sum(&other["converted"], "on"), sum(&other["converted"], "off")), ("0".into(), "1".into()));
    assert_eq!(receipt(&other, "on"), [3, 0, 0, 0]);
    let longer = ask(&tenant, "window_days=30").await;
    assert_eq!(part(&of_arm(&longer["delay"], "on")["reached"]), (2, 3));
}

async fn the_delay_counts_from_the_trigger() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let query = "trigger=Cart Abandoned&delivered=Email Delivered";
    let nobody = ask(&tenant, query).await;
    let delay = of_arm(&nobody["delay"], "on");
    assert_eq!((part(&delay["triggered"]), &delay["median"]["seconds"]), ((0, 3), &Value::Null));
    tenant
        .accept(&[
            // Half an hour before the exposure, which the next answer knows though it comes late; an older one does not count.
            event("t1", "ada", "Cart Abandoned", at(0, -30)),
            event("t2", "ada", "Cart Abandoned", at(0, -90)),
            event("t3", "cy", "Cart Abandoned", at(-2, 0)),
            // After it: what was delivered earlier was no answer to it.
            event("t4", "bob", "Cart Abandoned", at(0, 180)),
            on("email", event("t5", "bob", "Email Delivered", at(0, 170))),
            on("email", event("t6", "bob", "Email Delivered", at(0, 240))),
        ])
        .await;
    let answer = ask(&tenant, query).await;
    let delay = of_arm(&answer["delay"], "on");
    assert_eq!((part(&delay["triggered"]), part(&delay["reached"])), ((2, 3), (2, 2)));
    let seconds = |what: &str| delay[what]["seconds"].as_f64().unwrap();
    assert!((seconds("median") / 3600.0 - 1.0).abs() < 0.01, "{delay}");
    assert!((seconds("p90") / 5400.0 - 1.0).abs() < 0.01, "{delay}");
}

async fn what_arrives_late_and_what_turns_out_to_be_one_person_changes_what_was_received() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    assert_eq!(receipt(&ask(&tenant, "").await, "on"), [1, 1, 0, 1]);
    // The mail came back before it arrived after all: in this order, whatever comes first.
    tenant.accept(&[on("email", event("b2", "bob", "Email Delivered", at(0, 9)))]).await;
    assert_eq!(receipt(&ask(&tenant, "").await, "on"), [2, 1, 0, 0]);
    tenant.accept(&[on("email", event("b3", "bob", "Email Bounced", at(0, 10)))]).await;
    assert_eq!(receipt(&ask(&tenant, "").await, "on"), [1, 1, 0, 1]);
    tenant.accept(&[shown("xb2", "bob", "on", "email", &json!({}), at(0, 20))]).await;
    assert_eq!(receipt(&ask(&tenant, "").await, "on"), [2, 1, 0, 0]);
    // A device was shown the arm before Cy was, and turns out to be his.
    let device = |event: Value| with(event, &json!({"user_id": null, "anonymous_id": "tablet"}));
    tenant.accept(&[device(shown("z1", "cy", "on", "app", &json!({}), at(0, 30)))]).await;
    tenant.accept(&[with(event("z2", "cy", "Page Viewed", at(2, 0)), &json!({"anonymous_id": "tablet"}))]).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(receipt(&answer, "on"), [3, 0, 0, 0]);
    let consistency = of_arm(&answer["consistency"], "on");
    assert_eq!(part(&consistency["on_several_channels"]), (2, 2));
}

/// A quarter of the persons each: who is active, on two channels, twice; who is less active, and whom the treatment brings to a second
/// channel; who is hardly active. Of each kind 500 in either arm, of whom so many buy.
async fn a_treatment_that_makes_persons_use_more_channels_does_not_read_as_a_loss() {
    const OF_KIND: usize = 500;
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let mut events = Vec::new();
    for (arm, buyers, channels) in [("off", [200, 200, 80, 20], [2, 2, 1, 1]), ("on", [220, 220, 88, 22], [2, 2, 2, 1])]
    {
        for kind in 0..4 {
            for n in 0..OF_KIND {
                let user = format!("{arm} {kind} {n}");
                events.push(shown(&format!("x {user}"), &user, arm, "web", &json!({}), at(0, 0)));
                for channel in &["web", "app"][..channels[kind]] {
                    events.push(on(channel, event(&format!("{channel} {user}"), &user, "Page Viewed", at(0, 5))));
                }
                if n * 37 % OF_KIND < buyers[kind] {
                    events.push(on("web", order(&format!("o {user}"), &user, "20", at(1, 0))));
                }
            }
        }
    }
    for part in events.chunks(4_000) {
        tenant.accept(part).await;
    }
    let answer = ask(&tenant, "").await;
    // Ten percent more for all: 550 of 2 000 against 500.
    let versus = &of_arm(&answer["converted"]["arms"], "on")["versus_control"];
    assert!((versus["lift"]["value"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{versus}");
    assert_eq!(versus["causal"], true);
    assert_ne!(versus["verdict"], "worse");
    // Among those with one channel and those with two it looks like a loss, and is said to be no effect.
    let number = |number: usize| parts(&answer["by_number"][number]);
    assert_eq!(number(1), [(22, 500), (100, 1_000)]);
    assert_eq!(number(2), [(528, 1_500), (400, 1_000)]);
    let reason = of_arm(&answer["by_number"][1]["arms"], "on")["reason"].as_str().unwrap();
    assert!(reason.contains("consequence of the arm"), "{reason}");
    // What reads as an effect is that more are reached, and what to split by instead is said.
    let app = answer["channels"].as_array().unwrap().iter().find(|entry| entry["channel"] == "app").unwrap();
    assert_eq!(of_arm(&app["reach"]["arms"], "on")["versus_control"]["verdict"], "better");
    let splits = answer["splits"].as_array().unwrap();
    let split = |by: &str| splits.iter().find(|split| split["by"] == by).unwrap();
    assert_eq!(split("before.channels")["causal"], true);
    assert_eq!(split("before.channels")["see"], "/v1/experiments/e/segments?by=before.channels");
    assert_eq!(split("number of channels used")["causal"], false);
    assert_eq!(answer["exposures"]["split"], "one");
}

/// The channels of the exposures of a pair of persons, in the arms off and on.
type Channels = fn(usize) -> [&'static str; 2];

async fn channels_that_belong_to_arms_are_randomised_with_them() {
    let world = World::new().await;
    let exposed = |channels: Channels| {
        let person = move |n: usize| {
            let (user, side) = (format!("u{n}"), n % 2);
            shown(&format!("x{n}"), &user, ["off", "on"][side], channels(n / 2)[side], &json!({}), at(0, 0))
        };
        (0..400).map(person).collect::<Vec<Value>>()
    };
    let worlds: [(Channels, &str, bool); 3] = [
        (|_| ["email", "push"], "by_arm", true),
        (|n| [["email", "push"][n % 2]; 2], "alike", true),
        (|n| [["email", "push"][n % 2], ["email", "push"][usize::from(n % 8 > 0)]], "differs", false),
    ];
    for (channels, split, causal) in worlds {
        let tenant = with_experiment(&world).await;
        tenant.accept(&exposed(channels)).await;
        let told = ask(&tenant, "").await;
        let told = &told["exposures"];
        assert_eq!((&told["split"], &told["causal"]), (&json!(split), &json!(causal)), "{told}");
        assert_eq!(told["p_value"].is_null(), split == "by_arm");
    }
    // Where the experiment has the dimension, the split is there.
    let tenant = with_experiment(&world).await;
    let body = with(tests::events::experiment(&["bought"]), &json!({"dimensions": ["channel"]}));
    tenant.experiment("e", &body).await;
    let answer = ask(&tenant, "").await;
    let split = answer["splits"].as_array().unwrap().iter().find(|split| split["by"] == "channel").unwrap();
    assert_eq!((&split["causal"], &split["available"]), (&json!(true), &json!(true)));
    tenant.read.get(split["see"].as_str().unwrap()).expect(200).await;
}

async fn channels_of_nobody_and_of_fifty_arms_are_answered() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let nobody = ask(&tenant, "").await;
    assert_eq!((&nobody["channels"], &nobody["overlap"]), (&json!([]), &json!([])));
    assert_eq!(of_arm(&nobody["converted"]["arms"], "on")["value"], Value::Null);
    assert_eq!(part(&of_arm(&nobody["receipt"], "on")["received"]), (0, 0));
    let wait = &of_arm(&nobody["delay"], "on")["median"];
    assert_eq!((&wait["seconds"], &wait["reason"]), (&Value::Null, &json!("nobody was reached")));
    // One person alone, in one arm.
    tenant.accept(&few()[..5]).await;
    let one = ask(&tenant, "").await;
    assert_eq!((receipt(&one, "on"), receipt(&one, "off")), ([1, 0, 0, 0], [0; 4]));
    assert!(!one.to_string().contains("NaN"));
    // Fifty arms, one person each.
    let arms: Vec<Value> = (0..50).map(|arm| json!({"key": format!("a{arm}"), "weight": 1})).collect();
    let body = with(tests::events::experiment(&["bought"]), &json!({"control": "a0", "arms": arms}));
    tenant.experiment("many", &body).await;
    let person = |arm: usize| {
        let event = exposure(&format!("m{arm}"), &format!("u{arm}"), "many", &format!("a{arm}"), at(0, 0));
        on(["web", "email"][arm % 2], event)
    };
    tenant.accept(&(0..50).map(person).collect::<Vec<Value>>()).await;
    let many = super::measured(&tenant, "/v1/experiments/many/channels").await;
    assert_eq!(many["receipt"].as_array().unwrap().len(), 50);
    assert_eq!(part(&of_arm(&many["receipt"], "a49")["received"]), (1, 1));
    assert_eq!(part(&of_arm(&many["consistency"], "a49")["consistent"]), (1, 1));
}

async fn questions_that_make_no_channels_are_refused() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let many = format!("undelivered={}", ["a"; 21].join(","));
    for (query, parameter, wanted) in [
        ("metric=x", "metric", "conversion"),
        ("by=channel", "by", "channel"),
        ("channel=a..b", "channel", "is no path"),
        ("fallback=a.b", "fallback", "is no path"),
        ("consent=a.b", "consent", "is no path"),
        ("conversion=a,b", "conversion", "one event"),
        ("trigger={\"event\":1}", "trigger", ""),
        ("delivered=[a", "delivered", "JSON"),
        (many.as_str(), "undelivered", "at most 20"),
        ("window_days=0", "window_days", "1 to 3650"),
    ] {
        let call = tenant.read.get(&format!("/v1/experiments/e/channels?{query}"));
        let refused = call.invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
    let missing = tenant.read.get("/v1/experiments/none/channels").expect(404).await;
    assert_eq!(missing["code"], "not_found");
}
