//! What is defined is answered, and what is answered may be sent back.

use journey::{Invalid, Role};

use super::*;

fn parse(source: &str) -> Result<Experiment, Invalid> {
    read(Name::parse("spring-mail", "/key").unwrap(), crate::json::parse(source.as_bytes()).unwrap())
}

const EXAMPLE: &str = r#"{"name":"Spring mail","tactic":"content","hypothesis":"...","owner":"Ada","control":"no_mail",
    "arms":[{"key":"no_mail","weight":1,"intensity":0},
      {"key":"mens","intensity":1,"cost":{"fixed":"500","per_person":"0.02","per_exposure":"0.001"}},
      {"key":"womens","cost":{"setup":100,"running_per_day":"1.5","hours":12.5,"rate":80}}],
    "starts_at":"2026-11-01T00:00:00Z","ends_at":null,"window_days":14,"crossovers":"first","method":"frequentist","planned_persons":8000,
    "metrics":["spend",{"metric":"visit","role":"primary","cuped":true},{"metric":"unsubscribed","role":"guardrail","max_harm":0.02}],
    "dimensions":["device","channel"],"holdout":{"programme":["autumn-mail","shop-front"]}}"#;

#[test]
fn the_example_of_the_contract_comes_back() {
    let experiment = parse(EXAMPLE).unwrap();
    assert_eq!((experiment.metrics[0].role, experiment.metrics[0].cuped), (Role::Secondary, false));
    assert_eq!((experiment.planned_persons, experiment.metrics[1].cuped), (8_000, true));
    let text = serde_json::to_string(&info(&experiment, None)).unwrap();
    assert!(text.contains(r#""cost":{"fixed":"500","per_person":"0.02","per_exposure":"0.001"}"#), "{text}");
    assert!(text.contains(r#""setup":"100","running_per_day":"1.5","hours":"12.5","rate":"80"}"#), "{text}");
    assert!(text.contains(r#""max_harm":0.02"#) && text.contains(r#""weight":1,"#), "{text}");
    // What is answered may be sent back.
    assert_eq!(parse(&text).unwrap(), experiment);
}

#[test]
fn the_default_method_may_be_read_at_any_time() {
    let experiment = parse(r#"{"control":"a","arms":[{"key":"a"},{"key":"z"}]}"#).unwrap();
    assert_eq!(experiment.method, journey::Method::Sequential);
    assert_eq!(experiment.planned_persons, 5_000);
}

#[test]
fn null_is_no_window_and_absent_is_the_default() {
    let window = |member: &str| {
        parse(&format!(r#"{{"control":"a","arms":[{{"key":"a"}},{{"key":"z"}}]{member}}}"#))
            .map(|experiment| experiment.window_days)
    };
    assert_eq!(window(""), Ok(Some(14)));
    assert_eq!(window(r#","window_days":null"#), Ok(None));
    assert_eq!(window(r#","window_days":7"#), Ok(Some(7)));
    assert_eq!(window(r#","window_days":"7""#).unwrap_err().code, "wrong_type");
}

#[test]
fn faults_have_their_place() {
    let refused = |source: &str| parse(source).map_err(|refusal| (refusal.code, refusal.pointer)).unwrap_err();
    assert_eq!(refused(r#"{"arms":[{"key":"a"},{"key":"z"}]}"#), ("missing_field", "/control".into()));
    assert_eq!(refused(r#"{"control":"a","arms":[{"key":"a","wait":1}]}"#), ("unknown_field", "/arms/0/wait".into()));
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a","weight":"x"}]}"#),
        ("not_a_number", "/arms/0/weight".into())
    );
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a","cost":{"total":1}}]}"#),
        ("unknown_field", "/arms/0/cost/total".into())
    );
    for (cost, missing) in [(r#"{"hours":2}"#, "rate"), (r#"{"rate":2}"#, "hours")] {
        let source = format!(r#"{{"control":"a","arms":[{{"key":"a","cost":{cost}}},{{"key":"z"}}]}}"#);
        assert_eq!(refused(&source), ("missing_field", format!("/arms/0/cost/{missing}")));
    }
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a","cost":{"setup":-1}},{"key":"z"}]}"#),
        ("out_of_range", "/arms/0/cost/setup".into())
    );
    assert_eq!(refused(r#"{"control":"b","arms":[{"key":"a"},{"key":"z"}]}"#), ("unknown_arm", "/control".into()));
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a"},{"key":"z"}],"method":"optimistic"}"#),
        ("unknown_word", "/method".into())
    );
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a"},{"key":"z"}],"key":"other"}"#),
        ("conflicting_key", "/key".into())
    );
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a"},{"key":"z"}],"metrics":[{"metric":"m","role":"boss"}]}"#),
        ("unknown_word", "/metrics/0/role".into())
    );
    assert_eq!(
        refused(r#"{"control":"a","arms":[{"key":"a"},{"key":"z"}],"planned_persons":0}"#),
        ("out_of_range", "/planned_persons".into())
    );
    for (programme, pointer) in [("[]", "/holdout/programme"), (r#"["spring-mail"]"#, "/holdout/programme")] {
        let source =
            format!(r#"{{"control":"a","arms":[{{"key":"a"}},{{"key":"z"}}],"holdout":{{"programme":{programme}}}}}"#);
        assert_eq!(refused(&source).1, pointer);
    }
    assert_eq!(refused("[]"), ("not_an_object", String::new()));
    assert_eq!(refused(r#"{"control":"a","arms":[{"key":"a"}]}"#), ("out_of_range", "/arms".into()));
    assert_eq!(refused(r#"{"control":"a","arms":[]}"#), ("out_of_range", "/arms".into()));
}
