//! Every kind of the contract is read, answered and read again.

use journey::{Invalid, Name};

use super::*;

fn parse(source: &str) -> Result<Metric, Invalid> {
    read(Name::parse("m", "/key").unwrap(), crate::json::parse(source.as_bytes()).unwrap())
}

#[test]
fn every_kind_comes_back() {
    for (source, kind) in [
        (r#"{"kind":"conversion","event":"Order Completed","goal":"increase"}"#, "conversion"),
        (r#"{"kind":"count","event":"Product Viewed"}"#, "count"),
        (
            r#"{"kind":"sum","event":"Order Completed","cap":"500","unit":"EUR","where":{"properties.category":"boots"}}"#,
            "sum",
        ),
        (
            r#"{"kind":"ratio","numerator":{"event":"Order Completed","of":"value","where":{"channel":["web","app"]}},
                "denominator":{"event":"Order Completed"},"where":{"properties.size":42}}"#,
            "ratio",
        ),
        (r#"{"kind":"retention","event":"*","from_day":7,"to_day":8}"#, "retention"),
        (r#"{"kind":"retention","event":"*","from_day":7}"#, "retention"),
        (r#"{"kind":"retention","event":"*","from_day":7,"to_day":8,"align":"calendar","curve":true}"#, "retention"),
        (r#"{"kind":"quantile","event":"Page Timed","of":"value","q":0.9}"#, "quantile"),
        (r#"{"kind":"sum","event":"Order Completed","cap":{"percentile":0.99,"ignore_zeros":true}}"#, "sum"),
        (r#"{"kind":"clv","event":"Order Completed","lifespan_days":730,"predict":false,"curve":true}"#, "clv"),
        (r#"{"kind":"clv","event":"Order Completed","lifespan_days":730,"description":"x"}"#, "clv"),
        (
            r#"{"kind":"score","parts":[{"event":"Page Viewed"},{"event":"Product Shared","weight":5,"where":{"properties.new":true}}]}"#,
            "score",
        ),
    ] {
        let metric = parse(source).unwrap();
        assert_eq!(metric.kind.word(), kind);
        let text = serde_json::to_string(&info(&metric)).unwrap();
        assert_eq!(parse(&text).unwrap(), metric, "{text}");
    }
}

#[test]
fn a_condition_comes_back_as_it_was_put() {
    let of = |condition: &str| {
        let source = format!(r#"{{"kind":"count","event":"A","where":{{"channel":{condition}}}}}"#);
        let text = serde_json::to_string(&info(&parse(&source).unwrap())).unwrap();
        text.contains(&format!(r#""where":{{"channel":{condition}}}"#))
    };
    assert!(of(r#""web""#));
    assert!(of(r#"["web","app"]"#));
}

#[test]
fn a_condition_at_the_top_holds_for_both_sides() {
    let metric = parse(
        r#"{"kind":"ratio","numerator":{"event":"A"},"denominator":{"event":"B"},"where":{"properties.x":["1",2,true]}}"#,
    )
    .unwrap();
    for selector in metric.kind.selectors() {
        assert_eq!(selector.filters[0].values, ["1", "2", "true"]);
    }
}

#[test]
fn faults_have_their_place() {
    let refused = |source: &str| parse(source).map_err(|refusal| (refusal.code, refusal.pointer)).unwrap_err();
    assert_eq!(refused(r#"{"event":"A"}"#), ("missing_field", "/kind".into()));
    assert_eq!(refused(r#"{"kind":"median","event":"A"}"#), ("unknown_word", "/kind".into()));
    assert_eq!(refused(r#"{"kind":"quantile","event":"A"}"#), ("missing_field", "/q".into()));
    assert_eq!(refused(r#"{"kind":"quantile","event":"A","q":90}"#), ("out_of_range", "/q".into()));
    assert_eq!(refused(r#"{"kind":"quantile","event":"A","q":0.9,"cap":5}"#), ("out_of_place", "/cap".into()));
    assert_eq!(
        refused(r#"{"kind":"conversion","event":"A","cap":{"percentile":0.99}}"#),
        ("out_of_place", "/cap/percentile".into())
    );
    assert_eq!(
        refused(r#"{"kind":"sum","event":"A","cap":{"percentile":1}}"#),
        ("out_of_range", "/cap/percentile".into())
    );
    assert_eq!(refused(r#"{"kind":"sum","event":"A","cap":{}}"#), ("missing_field", "/cap/percentile".into()));
    assert_eq!(refused(r#"{"kind":"sum","event":"A","cap":true}"#), ("wrong_type", "/cap".into()));
    assert_eq!(refused(r#"{"kind":"sum","event":"A","curve":true}"#), ("out_of_place", "/curve".into()));
    assert_eq!(refused(r#"{"kind":"sum","event":"A","predict":true}"#), ("out_of_place", "/predict".into()));
    assert_eq!(
        refused(r#"{"kind":"retention","event":"*","from_day":1,"align":"moon"}"#),
        ("unknown_word", "/align".into())
    );
    assert_eq!(refused(r#"{"kind":"count"}"#), ("missing_field", "/event".into()));
    assert_eq!(
        refused(r#"{"kind":"count","event":"A","lifespan_days":3}"#),
        ("unknown_field", "/lifespan_days".into())
    );
    assert_eq!(refused(r#"{"kind":"count","event":"A","where":{"a.b":"x"}}"#), ("invalid_path", "/where/a.b".into()));
    assert_eq!(
        refused(r#"{"kind":"count","event":"A","where":{"channel":{}}}"#),
        ("wrong_type", "/where/channel".into())
    );
    assert_eq!(
        refused(r#"{"kind":"count","event":"A","where":{"channel":[]}}"#),
        ("out_of_range", "/where/channel".into())
    );
    assert_eq!(refused(r#"{"kind":"ratio","numerator":{"event":"A"}}"#), ("missing_field", "/denominator".into()));
    assert_eq!(
        refused(r#"{"kind":"ratio","numerator":{"event":"A","of":"money"},"denominator":{"event":"B"}}"#),
        ("unknown_word", "/numerator/of".into())
    );
    assert_eq!(
        refused(
            r#"{"kind":"ratio","numerator":{"event":"A","where":{"channel":"web"}},"denominator":{"event":"B"},"where":{"channel":"app"}}"#
        ),
        ("duplicate", "/numerator/where/channel".into())
    );
    assert_eq!(
        refused(r#"{"kind":"score","parts":[{"event":"A","weight":"x"}]}"#),
        ("not_a_number", "/parts/0/weight".into())
    );
    assert_eq!(refused(r#"{"kind":"conversion","event":"A","cap":1}"#), ("out_of_place", "/cap".into()));
}
