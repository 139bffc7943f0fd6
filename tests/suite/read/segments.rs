//! For whom it works: values that respond differently are told apart, and nobody is named without a reason to.

use serde_json::{Value, json};
use tests::events::{check, exposure, order, with};
use tests::moment::days_ago;
use tests::{Call, Tenant, World};

tests::cases![
    who_responds_is_named_and_who_does_not_is_shrunken,
    arms_that_are_composed_differently_give_no_verdict,
    small_values_are_told_together_and_the_table_is_the_document,
    questions_without_sense_are_refused,
    experiments_without_persons_answer_with_reasons,
    a_dimension_of_too_many_values_is_refused_with_the_reason,
];

/// Persons of a value in one arm, and how many of them convert.
type Cell<'a> = (&'a str, &'a str, u32, u32);

/// A tenant whose experiment has these persons; the value `""` is none.
async fn tenant_of(world: &World, cells: &[Cell<'_>]) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    let body = with(tests::events::experiment(&["bought", "spend"]), &json!({"dimensions": ["device"]}));
    tenant.experiment("e", &body).await;
    expose(&tenant, cells).await;
    tenant
}

async fn expose(tenant: &Tenant, cells: &[Cell<'_>]) {
    let at = days_ago(30);
    let mut events = Vec::new();
    for (device, arm, persons, converted) in cells {
        for n in 0..*persons {
            let user = format!("{arm} {device} {n}");
            let shown = exposure(&format!("x {user}"), &user, "e", arm, at);
            events.push(match *device {
                "" => shown,
                device => with(shown, &json!({"context": {"device": {"type": device}}})),
            });
            if n < *converted {
                events.push(order(&format!("o {user}"), &user, "10", at + chrono::TimeDelta::days(1)));
            }
        }
    }
    for some in events.chunks(5_000) {
        let _ = tests::world::deliver(&tenant.ingest, some).await;
    }
}

fn asking(tenant: &Tenant, query: &str) -> Call {
    tenant.read.get(&format!("/v1/experiments/e/segments?{query}"))
}

async fn segments(tenant: &Tenant, query: &str) -> Value {
    for _ in 0..60 {
        let told = asking(tenant, query).expect(200).await;
        if told["fresh"]["pending_subjects"] == 0 {
            return told;
        }
    }
    panic!("the measurement never catches up");
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn who_responds_is_named_and_who_does_not_is_shrunken() {
    let world = World::new().await;
    let cells = [
        ("web", "off", 1_500, 150),
        ("web", "on", 1_500, 153),
        ("ios", "off", 1_200, 120),
        ("ios", "on", 1_200, 250),
        ("", "off", 800, 82),
        ("", "on", 800, 80),
    ];
    let tenant = tenant_of(&world, &cells).await;
    let told = segments(&tenant, "by=device&explain=true").await;
    assert_eq!(
        (&told["metric"], &told["dimension"], &told["method"]),
        (&json!("bought"), &json!("device"), &json!("sequential"))
    );
    let values = told["values"].as_array().unwrap();
    let names: Vec<_> = values.iter().map(|value| value["value"].clone()).collect();
    assert_eq!(names, [json!("web"), json!("ios"), Value::Null]);
    assert!((values.iter().map(|value| number(&value["share"])).sum::<f64>() - 1.0).abs() < 1e-12);
    // The sums of each value are those of the cells.
    for (device, arm, persons, converted) in cells {
        let value = values.iter().find(|value| value["value"].as_str().unwrap_or("") == device).unwrap();
        let of_arm = value["arms"].as_array().unwrap().iter().find(|found| found["arm"] == arm).unwrap();
        assert_eq!(of_arm["tally"]["count"], persons);
        assert_eq!(of_arm["tally"]["sum"], converted.to_string());
    }
    let compared = &told["comparisons"][0];
    let heterogeneity = &compared["heterogeneity"];
    assert_eq!(
        (&heterogeneity["test"], &heterogeneity["anytime"], &heterogeneity["causal"]),
        (&json!("value_against_rest"), &json!(true), &json!(true))
    );
    let (always, once) = (number(&heterogeneity["p_value"]), number(&heterogeneity["p_value_one_reading"]));
    assert!(once < always && always < 0.01, "what holds at any time asks for more: {once} {always}");
    assert_eq!((&compared["best"]["value"], &compared["best_reason"]), (&json!("ios"), &Value::Null));
    assert!(compared["best"]["sentence"].as_str().unwrap().starts_with("ios responded best to on"));
    // What is to be expected lies between what was measured and what the values have in common.
    let ios = &compared["values"][1];
    let (shrunken, common) = (number(&ios["shrunken_lift"]["value"]), number(&compared["common_lift"]["value"]));
    let measured = number(&values[1]["arms"][1]["versus_control"]["lift"]["value"]);
    assert!(common < shrunken && shrunken < measured, "{common} {shrunken} {measured}");
    assert!(number(&ios["shrunken_lift"]["low"]) < shrunken && shrunken < number(&ios["shrunken_lift"]["high"]));
    // Verdicts are a family of their own.
    let versus = &values[1]["arms"][1]["versus_control"];
    assert_eq!(
        (&versus["adjusted"]["family"], &versus["adjusted"]["size"], &versus["verdict"]),
        (&json!("values x arms"), &json!(3), &json!("better"))
    );
    // The whole, like compared with like.
    let whole = &compared["post_stratified"];
    assert_eq!((&whole["strata"], &whole["anytime"]), (&json!(3), &json!(true)));
    let results = tenant.results("e", "metric=bought").await;
    let plain = number(&tests::events::arm(&results, "bought", "on")["versus_control"]["difference"]["value"]);
    assert!((number(&whole["difference"]["value"]) - plain).abs() < 1e-12, "arms of the same composition");
    assert!(told["explain"]["formulas"].as_array().unwrap().iter().any(|formula| formula["gives"] == "versus_rest"));
    let ratio = check(&told, "sample_ratio_by_dimension");
    assert_eq!(
        (&ratio["ok"], &ratio["blocking"], &ratio["anytime"], &ratio["dimension"]),
        (&json!(true), &json!(true), &json!(true), &json!("device"))
    );
    // One reading at a fixed horizon says so.
    let once = segments(&tenant, "by=device&method=frequentist").await;
    let heterogeneity = &once["comparisons"][0]["heterogeneity"];
    assert_eq!((&heterogeneity["test"], &heterogeneity["anytime"]), (&json!("cochran_q"), &json!(false)));
    assert_eq!((&once["comparisons"][0]["best"]["value"], &once["exploratory"]), (&json!("ios"), &json!(true)));
    // The other way round the lift of ios is the worst.
    let other = segments(&tenant, "by=device&baseline=on").await;
    assert_eq!(other["comparisons"][0]["arm"], "off");
    assert_ne!(other["comparisons"][0]["best"]["value"], "ios");
    // A live reading names nobody, and neither does an adjustment of who counts.
    for (query, reason) in
        [("maturity=live", "moves"), ("crossovers=exclude", "crosses over"), ("method=bayesian", "bayesian")]
    {
        let told = segments(&tenant, &format!("by=device&{query}")).await;
        let compared = &told["comparisons"][0];
        assert!(compared["best"].is_null());
        assert!(compared["best_reason"].as_str().unwrap().contains(reason), "{compared}");
    }
    // Before anybody was exposed there is nobody to compare.
    let before = segments(&tenant, &format!("by=device&as_of={}", tests::moment::date_ago(40))).await;
    assert_eq!(before["values"], json!([]));
    // A day on which nobody's window had closed has persons and no KPI.
    let early = segments(&tenant, &format!("by=device&as_of={}", tests::moment::date_ago(29))).await;
    assert_eq!(early["values"].as_array().unwrap().len(), 3);
    assert_eq!(early["values"][0]["arms"][1]["persons"], 0);
    assert!(early["comparisons"][0]["best_reason"].is_string());
}

async fn arms_that_are_composed_differently_give_no_verdict() {
    let world = World::new().await;
    // As many persons in both arms, but those of unknown device are twice as many in one of them.
    let cells = [("web", "off", 900, 90), ("web", "on", 600, 200), ("", "off", 300, 30), ("", "on", 600, 60)];
    let tenant = tenant_of(&world, &cells).await;
    let told = segments(&tenant, "by=device").await;
    assert_eq!(check(&told, "sample_ratio")["ok"], true);
    let ratio = check(&told, "sample_ratio_by_dimension");
    assert_eq!((&ratio["ok"], &ratio["blocking"]), (&json!(false), &json!(true)));
    assert!(number(&ratio["p_value"]) < number(&ratio["threshold"]));
    assert!(ratio["message"].as_str().unwrap().contains("look for exposures"), "{ratio}");
    for value in told["values"].as_array().unwrap() {
        let versus = &value["arms"][1]["versus_control"];
        assert_eq!((&versus["verdict"], &versus["causal"]), (&json!("inconclusive"), &json!(false)), "{versus}");
    }
    assert!(told["comparisons"][0]["best_reason"].as_str().unwrap().contains("composed differently"));
    // The results by that dimension say the same, and those of everyone stand.
    let results = tenant.results("e", "by=device").await;
    assert_eq!(check(&results, "sample_ratio_by_dimension")["ok"], false);
    let of_web = &results["breakdown"]["values"][0];
    assert_eq!(tests::events::arm(of_web, "bought", "on")["versus_control"]["verdict"], "inconclusive");
    let everyone = tests::events::arm(&results, "bought", "on");
    assert_eq!(
        (&everyone["versus_control"]["verdict"], &everyone["versus_control"]["causal"]),
        (&json!("better"), &json!(true))
    );
    let plain = tenant.results("e", "").await;
    assert!(plain["checks"].as_array().unwrap().iter().all(|check| check["check"] != "sample_ratio_by_dimension"));
}

async fn small_values_are_told_together_and_the_table_is_the_document() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let all = segments(&tenant, "by=device&metric=spend").await;
    assert_eq!(all["values"].as_array().unwrap().len(), 5);
    let some = segments(&tenant, "by=device&metric=spend&limit=2").await;
    let values = some["values"].as_array().unwrap();
    assert_eq!(values.len(), 3);
    assert_eq!(
        (&values[2]["value"], &values[2]["is_rest"], &values[2]["persons"]),
        (&json!("other"), &json!(true), &json!(72))
    );
    for key in ["off", "on"] {
        let sum = |told: &Value| -> i64 {
            let values = told["values"].as_array().unwrap().iter();
            let arms = values.flat_map(|value| value["arms"].as_array().unwrap());
            arms.filter(|arm| arm["arm"] == key)
                .map(|arm| journey::parse_units(arm["tally"]["sum"].as_str().unwrap()).unwrap())
                .sum()
        };
        assert_eq!(sum(&all), sum(&some), "{key}");
    }

    let table = asking(&tenant, "by=device&metric=spend&limit=2").header("accept", "text/csv").send().await;
    assert_eq!(table.status, 200);
    let mut reader = csv::Reader::from_reader(&table.bytes[..]);
    let rows: Vec<std::collections::HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6);
    for (row, (value, arm)) in rows
        .iter()
        .zip(values.iter().flat_map(|value| value["arms"].as_array().unwrap().iter().map(move |arm| (value, arm))))
    {
        assert_eq!(row["dimension"], "device");
        assert_eq!(row["dimension_value"], value["value"].as_str().unwrap_or(""));
        assert_eq!(
            (row["arm"].as_str(), row["persons"].as_str()),
            (arm["arm"].as_str().unwrap(), &*arm["persons"].to_string())
        );
        assert_eq!(row["sum"], arm["tally"]["sum"].as_str().unwrap());
        assert_eq!(row["best"], if arm["arm"] == "on" { "false" } else { "" });
    }

    // An answer that holds is not sent again; another limit is another question.
    let first = asking(&tenant, "by=device").send().await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(asking(&tenant, "by=device").header("if-none-match", &tag).send().await.status, 304);
    assert_eq!(asking(&tenant, "by=device&limit=3").header("if-none-match", &tag).send().await.status, 200);
    assert_eq!(asking(&tenant, "by=channel").header("if-none-match", &tag).send().await.status, 200);
    tenant.accept(&[order("late one", "u0", "1", days_ago(29))]).await;
    assert_eq!(asking(&tenant, "by=device").header("if-none-match", &tag).send().await.status, 200);
}

async fn questions_without_sense_are_refused() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    for (query, parameter) in [
        ("", "by"),
        ("by=", "by"),
        ("by=shoe_size", "by"),
        ("by=device&limit=0", "limit"),
        ("by=device&limit=1001", "limit"),
        ("by=device&limit=few", "limit"),
        ("by=device&metric=nothing", "metric"),
        ("by=device&baseline=nobody", "baseline"),
        ("by=device&adjust=bh", "adjust"),
        ("by=device&cuped=true", "cuped"),
        ("by=device&confidence=1", "confidence"),
        ("by=device&as_of=2999-01-01", "as_of"),
        ("by=device&by=channel", "by"),
    ] {
        let answer = asking(&tenant, query).invalid().send().await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(parameter), "{problem}");
    }
    // Another tenant has no such experiment, a key that may not read is refused.
    let neighbour = world.tenant().await;
    let _ = asking(&neighbour, "by=device").send().await.problem(404, "not_found");
    let refused = tenant.ingest.get("/v1/experiments/e/segments?by=device").send().await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

async fn experiments_without_persons_answer_with_reasons() {
    let world = World::new().await;
    let tenant = tenant_of(&world, &[]).await;
    let nobody = segments(&tenant, "by=device").await;
    assert_eq!((&nobody["values"], &nobody["reason"]), (&json!([]), &Value::Null));
    assert!(nobody["comparisons"][0]["heterogeneity"]["reason"].is_string());
    assert!(nobody["comparisons"][0]["post_stratified_reason"].is_string());
    let ratio = check(&nobody, "sample_ratio_by_dimension");
    assert_eq!((&ratio["ok"], &ratio["p_value"]), (&json!(true), &Value::Null));
    // Persons in one arm only: the check says that the split is broken, and nothing is compared.
    expose(&tenant, &[("web", "on", 60, 20), ("ios", "on", 40, 10)]).await;
    let one = segments(&tenant, "by=device&metric=bought").await;
    assert_eq!(one["values"].as_array().unwrap().len(), 2);
    assert_eq!(check(&one, "sample_ratio_by_dimension")["ok"], false);
    let compared = &one["comparisons"][0];
    assert!(compared["best"].is_null() && compared["post_stratified"].is_null(), "{compared}");
    for value in compared["values"].as_array().unwrap() {
        assert!(value["shrunken_lift"]["value"].is_null() && value["reason"].is_string(), "{value}");
    }
}

async fn a_dimension_of_too_many_values_is_refused_with_the_reason() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let many: Vec<_> = (0..1_100)
        .map(|n| {
            let shown = exposure(&format!("m{n}"), &format!("m{n}"), "e", "on", days_ago(25));
            with(shown, &json!({"context": {"device": {"type": format!("d{n}")}}}))
        })
        .collect();
    tenant.accept(&many).await;
    let told = segments(&tenant, "by=device").await;
    assert!(told["values"].is_null());
    assert!(told["reason"].as_str().unwrap().contains("1000"), "{}", told["reason"]);
    let table = asking(&tenant, "by=device").header("accept", "text/csv").send().await;
    assert_eq!(table.text().lines().count(), 1, "the header alone");
}
