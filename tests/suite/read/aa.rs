//! `journeylift aa`: an experiment's own persons, dealt out anew, on the command line.

use serde_json::{Value, json};
use tests::events::{exposure, order};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    promises_are_kept_on_an_experiments_own_persons,
    what_the_arms_did_is_dealt_away,
    distributions_are_dealt_too,
    questions_without_an_answer_are_refused_in_words,
];

fn rates(world: &World, tenant: &Tenant, more: &[&str]) -> Value {
    let arguments = [&["--json", "aa", "e", "--tenant", &tenant.id], more].concat();
    let output = world.journeylift(&arguments, None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rate<'a>(told: &'a Value, metric: &str, method: &str, read: &str) -> &'a Value {
    let rates = told["rates"].as_array().unwrap();
    let wanted = |rate: &&Value| {
        (&rate["metric"], &rate["method"], &rate["read"]) == (&json!(metric), &json!(method), &json!(read))
    };
    rates.iter().find(wanted).unwrap_or_else(|| panic!("no {method} of {metric} in {told}"))
}

/// A tenant of so many persons over twenty days, of whom these shares of control and of the arm buy.
async fn tenant_of(world: &World, persons: u32, [control, arm]: [u32; 2]) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought", "spend"])).await;
    let mut events = Vec::new();
    for n in 0..persons {
        let (user, at) = (format!("u{n}"), days_ago(60 - u64::from(n / 2 % 20)));
        let (key, percent) = if n % 2 == 0 { ("off", control) } else { ("on", arm) };
        events.push(exposure(&format!("x{n}"), &user, "e", key, at));
        if n * 37 % 100 < percent {
            let value = format!("{}.5", 3 + n * 13 % 90);
            events.push(order(&format!("o{n}"), &user, &value, at + chrono::TimeDelta::days(1)));
        }
    }
    for some in events.chunks(5_000) {
        let _ = tests::world::deliver(&tenant.ingest, some).await;
    }
    world.caught_up(&tenant).await;
    tenant
}

async fn promises_are_kept_on_an_experiments_own_persons() {
    let world = World::new().await;
    let tenant = tenant_of(&world, 3_000, [20, 20]).await;
    let told = rates(&world, &tenant, &["--runs", "200"]);
    assert_eq!(
        (&told["persons"], &told["runs"], &told["seed"], &told["pending_subjects"]),
        (&json!(3_000), &json!(200), &json!(1), &json!(0))
    );
    for metric in ["bought", "spend"] {
        let sequential = rate(&told, metric, "sequential", "every_day");
        assert_eq!((&sequential["ok"], &sequential["days"]), (&json!(true), &json!(20)));
        assert!(sequential["rate"].as_f64().unwrap() <= 0.05, "{sequential}");
        assert!((sequential["promised"].as_f64().unwrap() - 0.05).abs() < 1e-12);
        let once = rate(&told, metric, "frequentist", "once");
        // Three standard errors of 5 % of 200.
        assert!((0.05 - 0.046..0.05 + 0.046).contains(&once["rate"].as_f64().unwrap()), "{once}");
        let interval = &once["interval"];
        assert!(interval["low"].as_f64() < once["rate"].as_f64() && once["rate"].as_f64() < interval["high"].as_f64());
        let peeking = rate(&told, metric, "frequentist", "every_day");
        assert!(peeking["rate"].as_f64() > once["rate"].as_f64() && peeking["promised"].is_null(), "{peeking}");
        assert!(rate(&told, metric, "bayesian", "once")["promised"].is_null());
    }
    // The same seed shows the same rates, another one others; a key of the tenant opens the same.
    assert_eq!(rates(&world, &tenant, &["--runs", "200"]), told);
    assert_ne!(rates(&world, &tenant, &["--runs", "200", "--seed", "2"])["rates"], told["rates"]);
    let by_key = world.journeylift(&["--json", "aa", "e", "--runs", "200"], tenant.read.key());
    assert_eq!(serde_json::from_slice::<Value>(&by_key.stdout).unwrap(), told);
    // Nothing was written.
    let results = tenant.results("e", "").await;
    assert_eq!(results["arms"][0]["persons"], 1_500);
    // For people: a table.
    let text = world.journeylift(&["aa", "e", "--tenant", &tenant.id, "--runs", "20"], None);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("3000 persons of e, dealt out to the arms 20 times (seed 1)"), "{text}");
    assert!(text.contains("sequential") && text.contains("at most 5.0 %"), "{text}");
    // As of a day on which no window had closed there is nothing to call an effect.
    let day = tests::moment::date_ago(50).to_string();
    let early = rates(&world, &tenant, &["--runs", "20", "--as-of", &day]);
    assert_eq!((&early["persons"], &early["as_of"]), (&json!(1_650), &json!(day)));
    assert_eq!(rate(&early, "bought", "frequentist", "once")["false_alarms"], 0);
}

async fn what_the_arms_did_is_dealt_away() {
    let world = World::new().await;
    let tenant = tenant_of(&world, 3_000, [10, 40]).await;
    let results = tenant.results("e", "metric=bought").await;
    assert_eq!(tests::events::arm(&results, "bought", "on")["versus_control"]["verdict"], "better");
    let told = rates(&world, &tenant, &["--runs", "200"]);
    for metric in ["bought", "spend"] {
        let once = rate(&told, metric, "frequentist", "once");
        assert_eq!(once["ok"], true, "{once}");
        assert!(once["rate"].as_f64().unwrap() < 0.1, "{once}");
        assert_eq!(rate(&told, metric, "sequential", "every_day")["ok"], true);
    }
}

async fn distributions_are_dealt_too() {
    let world = World::new().await;
    let tenant = tenant_of(&world, 300, [20, 20]).await;
    let capped = json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.9}});
    tenant.metric("capped", &capped).await;
    tenant.metric("median", &json!({"kind": "quantile", "event": "Order Completed", "of": "value", "q": 0.5})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought", "capped", "median"])).await;
    world.caught_up(&tenant).await;
    let told = rates(&world, &tenant, &["--runs", "20"]);
    for metric in ["bought", "capped", "median"] {
        let once = rate(&told, metric, "frequentist", "once");
        assert!(once["rate"].is_number(), "{once}");
        let sequence = rate(&told, metric, "sequential", "every_day");
        assert_eq!(sequence["rate"].is_number(), metric != "median", "{sequence}");
    }
    let of_median = rate(&told, "median", "sequential", "every_day");
    assert!(of_median["reason"].as_str().unwrap().contains("quantile"), "{of_median}");
}

async fn questions_without_an_answer_are_refused_in_words() {
    let world = World::new().await;
    let tenant = tenant_of(&world, 0, [0, 0]).await;
    let neighbour = tenant_of(&world, 40, [10, 10]).await;
    let unknown = uuid::Uuid::new_v4().to_string();
    for (arguments, key, reason) in [
        (vec!["aa", "e", "--tenant", &tenant.id], None, "nobody was exposed"),
        (vec!["aa", "nothing", "--tenant", &neighbour.id], None, "no experiment nothing"),
        (vec!["aa", "e", "--tenant", &unknown], None, "there is no tenant"),
        (vec!["aa", "e", "--tenant", "acme"], None, "acme"),
        (vec!["aa", "e"], None, "--tenant"),
        (vec!["aa"], Some("x"), "EXPERIMENT"),
        (vec!["aa", "e"], Some("jl_wrong"), "the key is unknown"),
        (vec!["aa", "e"], neighbour.ingest.key(), "scope read"),
        (vec!["aa", "e", "--tenant", &neighbour.id, "--runs", "0"], None, "--runs"),
        (vec!["aa", "e", "--tenant", &neighbour.id, "--confidence", "95"], None, "between 0 and 1"),
        (vec!["aa", "e", "--tenant", &neighbour.id, "--as-of", "2999-01-01"], None, "has not come"),
        (vec!["aa", "e", "--tenant", &neighbour.id, "--as-of", "soon"], None, "--as-of"),
    ] {
        let output = world.journeylift(&arguments, key);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(reason), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    // Forty persons are too few to call anything an effect.
    let told = rates(&world, &neighbour, &["--runs", "50"]);
    assert_eq!(rate(&told, "bought", "sequential", "every_day")["false_alarms"], 0);
}
