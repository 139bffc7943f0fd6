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
        (r#"{"kind":"net","event":"Order Completed","margin":0.4}"#, "net"),
        (
            r#"{"kind":"net","event":"Order Completed","margin":"1","where":{"channel":"web"},
                "costs":{"event":"Coupon Paid","where":{"properties.kind":"a"},"property":["properties.discount","cost"]}}"#,
            "net",
        ),
        (r#"{"kind":"net","event":"Order Completed","margin":0.25,"costs":{"event":null,"property":null}}"#, "net"),
        (r#"{"kind":"conversion","event":"Order Completed","at_least":2}"#, "conversion"),
        (r#"{"kind":"conversion","event":"Email Opened","verdict":true}"#, "conversion"),
        (r#"{"kind":"count","event":"*","per":"day","verdict":false}"#, "count"),
        (r#"{"kind":"sum","event":"Order Completed","of":"properties.quantity","cap":{"percentile":0.99}}"#, "sum"),
        (r#"{"kind":"sum","event":"Order Completed","per":"week","cap":100}"#, "sum"),
        (r#"{"kind":"score","parts":[{"event":"Email Delivered"}],"per":"week"}"#, "score"),
        (r#"{"kind":"latest","event":"Subscription Updated","of":"properties.mrr"}"#, "latest"),
        (r#"{"kind":"rating","event":"Survey Answered","of":"properties.score","scale":"nps"}"#, "rating"),
        (r#"{"kind":"rating","event":"Survey Answered","scale":"csat","satisfied_from":3.5}"#, "rating"),
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
    assert_eq!(refused(r#"{"kind":"net","event":"A"}"#), ("missing_field", "/margin".into()));
    for margin in ["0", "-0.1", "1.01"] {
        let source = format!(r#"{{"kind":"net","event":"A","margin":{margin}}}"#);
        assert_eq!(refused(&source), ("out_of_range", "/margin".into()));
    }
    let costs = |costs: &str| refused(&format!(r#"{{"kind":"net","event":"A","margin":1,"costs":{costs}}}"#));
    assert_eq!(costs(r#"{"event":3}"#), ("wrong_type", "/costs/event".into()));
    assert_eq!(costs(r#"{"property":["properties.a",3]}"#), ("wrong_type", "/costs/property/1".into()));
    assert_eq!(costs(r#"{"property":"a.b"}"#), ("invalid_path", "/costs/property".into()));
    assert_eq!(costs(r#"{"event":null,"where":{"channel":"web"}}"#), ("out_of_place", "/costs/where".into()));
    assert_eq!(costs(r#"{"events":"A"}"#), ("unknown_field", "/costs/events".into()));
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
    assert_eq!(refused(r#"{"kind":"conversion","event":"A","at_least":0}"#), ("out_of_range", "/at_least".into()));
    assert_eq!(refused(r#"{"kind":"count","event":"A","per":"moon"}"#), ("unknown_word", "/per".into()));
    assert_eq!(refused(r#"{"kind":"conversion","event":"A","per":"day"}"#), ("unknown_field", "/per".into()));
    assert_eq!(refused(r#"{"kind":"sum","event":"A","of":"count"}"#), ("out_of_place", "/of".into()));
    assert_eq!(refused(r#"{"kind":"latest","event":"A","of":"count"}"#), ("out_of_place", "/of".into()));
    assert_eq!(refused(r#"{"kind":"rating","event":"A"}"#), ("missing_field", "/scale".into()));
    assert_eq!(refused(r#"{"kind":"rating","event":"A","scale":"stars"}"#), ("unknown_word", "/scale".into()));
    assert_eq!(refused(r#"{"kind":"rating","event":"A","scale":"mean","cap":3}"#), ("out_of_place", "/cap".into()));
    assert_eq!(
        refused(r#"{"kind":"rating","event":"A","scale":"nps","satisfied_from":3}"#),
        ("out_of_place", "/satisfied_from".into())
    );
    assert_eq!(refused(r#"{"kind":"conversion","event":"A","cap":1}"#), ("out_of_place", "/cap".into()));
}

#[test]
fn opened_e_mails_give_no_verdict_unless_it_is_asked_for() {
    let decides = |source: &str| parse(source).unwrap().decides;
    assert!(!decides(r#"{"kind":"conversion","event":"Email Opened"}"#));
    assert!(!decides(
        r#"{"kind":"ratio","numerator":{"event":"Email Opened"},"denominator":{"event":"Email Delivered"}}"#
    ));
    assert!(decides(r#"{"kind":"conversion","event":"Email Opened","verdict":true}"#));
    assert!(decides(r#"{"kind":"conversion","event":"Email Link Clicked"}"#));
    assert!(!decides(r#"{"kind":"conversion","event":"Email Link Clicked","verdict":false}"#));
}

#[test]
fn a_ready_made_kpi_is_taken_as_it_is_or_with_changes() {
    let ready = parse(r#"{"from":"repeat_purchase_rate"}"#).unwrap();
    assert!(matches!(ready.kind, MetricKind::Repeat { at_least: 2, .. }));
    let changed = parse(r#"{"from":"repeat_purchase_rate","at_least":3,"window_days":90,"unit":null}"#).unwrap();
    assert!(matches!(changed.kind, MetricKind::Repeat { at_least: 3, .. }));
    assert_eq!((changed.window_days, changed.unit), (Some(90), None));
    let refused = |source: &str| parse(source).map_err(|refusal| (refusal.code, refusal.pointer)).unwrap_err();
    assert_eq!(refused(r#"{"from":"repeat_purchase"}"#), ("unknown_word", "/from".into()));
    assert_eq!(refused(r#"{"from":"referrals","kind":"sum"}"#), ("out_of_place", "/kind".into()));
    assert_eq!(refused(r#"{"from":"referrals","q":0.5}"#), ("unknown_field", "/q".into()));
}
