//! Entity tags, and the same answer as a table.

use serde_json::Value;
use tests::World;
use tests::events::order;
use tests::moment::days_ago;

tests::cases![an_answer_that_holds_is_not_sent_again, the_table_is_the_document];

async fn an_answer_that_holds_is_not_sent_again() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let first = tenant.asking("e", "").send().await;
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag} is no weak tag, and answers say when they were asked for");
    for held in [tag.clone(), tag["W/".len()..].to_owned(), format!("\"other\", {tag}"), "*".into()] {
        let again = tenant.asking("e", "").header("if-none-match", &held).send().await;
        assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, Some(tag.as_str())), "{held}");
    }
    // Another question has another tag, and so has another tenant's same question.
    let other = tenant.asking("e", "maturity=live").header("if-none-match", &tag).send().await;
    assert_eq!(other.status, 200);
    let neighbour = super::example(&world).await;
    let theirs = neighbour.asking("e", "").header("if-none-match", &tag).send().await;
    assert_eq!(theirs.status, 200);
    // The other service says the same.
    let second = world.another().await;
    let there =
        tenant.read.at(second.place()).get("/v1/experiments/e/results").header("if-none-match", &tag).send().await;
    assert_eq!(there.status, 304);
    tenant.accept(&[order("new", "u0", "1", days_ago(29))]).await;
    let after = tenant.asking("e", "").header("if-none-match", &tag).send().await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), Some(tag.as_str()));
    // An answer in another form is another answer.
    let table = tenant.asking("e", "").header("accept", "text/csv").send().await;
    assert_ne!(table.header("etag"), after.header("etag"));
}

async fn the_table_is_the_document() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let document = tenant.results("e", "by=device").await;
    let table = tenant.asking("e", "by=device").header("accept", "text/csv").send().await;
    assert_eq!(table.status, 200);
    assert!(table.header("content-type").unwrap().starts_with("text/csv"));
    let mut reader = csv::Reader::from_reader(&table.bytes[..]);
    let rows: Vec<std::collections::HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let mut wanted = Vec::new();
    let mut add = |value: &str, metrics: &Value| {
        for metric in metrics.as_array().unwrap() {
            for arm in metric["arms"].as_array().unwrap() {
                wanted.push((value.to_owned(), metric["metric"].as_str().unwrap().to_owned(), arm.clone()));
            }
        }
    };
    add("", &document["metrics"]);
    for value in document["breakdown"]["values"].as_array().unwrap() {
        add(value["value"].as_str().unwrap_or(""), &value["metrics"]);
    }
    assert_eq!(rows.len(), wanted.len());
    for (row, (value, metric, arm)) in rows.iter().zip(&wanted) {
        assert_eq!(
            (&row["dimension_value"], &row["metric"], row["arm"].as_str()),
            (value, metric, arm["arm"].as_str().unwrap())
        );
        for (column, pointer) in [
            ("persons", "/persons"),
            ("value", "/value"),
            ("value_low", "/interval/low"),
            ("sum", "/tally/sum"),
            ("sum_of_squares", "/tally/sum_of_squares"),
            ("difference", "/versus_control/difference/value"),
            ("lift", "/versus_control/lift/value"),
            ("lift_high", "/versus_control/lift/high"),
            ("p_value", "/versus_control/p_value"),
            ("verdict", "/versus_control/verdict"),
        ] {
            let cell = &row[column];
            match arm.pointer(pointer) {
                None | Some(Value::Null) => assert_eq!(cell, "", "{column} of {arm}"),
                Some(Value::String(text)) => assert_eq!(cell, text, "{column} of {arm}"),
                Some(number) => assert_eq!(cell.parse::<f64>().unwrap(), number.as_f64().unwrap(), "{column} of {arm}"),
            }
        }
    }
}
