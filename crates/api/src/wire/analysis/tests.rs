//! What may be brought, and what is refused with its place and the remedy.

use serde_json::{Value, json};

use super::*;

fn parse(body: &Value) -> Result<Asked, Invalid> {
    read(crate::json::parse(body.to_string().as_bytes()).unwrap())
}

fn arms(kind: &str, control: &Value, arm: &Value) -> Value {
    let with = |key: &str, sums: &Value| {
        let mut sums = sums.clone();
        sums["arm"] = key.into();
        sums
    };
    json!({"control": "a", "kind": kind, "arms": [with("a", control), with("b", arm)]})
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn spend() -> Value {
    json!({"count": 5000, "sum": "74282.32", "sum_of_squares": "1777100.9728"})
}

#[test]
fn everything_has_a_default() {
    let asked = parse(&arms("sum", &spend(), &spend())).unwrap();
    assert_eq!((asked.method, asked.confidence, asked.maturity), (Method::Sequential, 0.95, Maturity::Matured));
    assert!(!asked.weighted && !asked.cuped && !asked.explain && asked.arms[0].without_cubes);
    let (experiment, metric) = (&asked.definition.experiment, &asked.definition.metrics[0]);
    assert_eq!((experiment.planned_persons, metric.key.as_str()), (5_000, "sum"));
    assert_eq!(experiment.metrics[0].role, Role::Primary);
    // Without weights the sizes of the arms stand in.
    assert_eq!(experiment.arms[0].weight.units(), 5_000);
}

#[test]
fn a_number_is_read_as_the_text_that_it_was_written_as() {
    let number = json!({"count": 5000, "sum": 74282.32 * (1.0 + f64::EPSILON), "sum_of_squares": 1_777_100.972_8});
    let asked = parse(&arms("sum", &spend(), &number)).unwrap();
    assert_eq!(asked.arms[0], asked.arms[1]);
}

#[test]
fn a_published_share_is_as_many_conversions() {
    let asked =
        parse(&arms("conversion", &json!({"count": 21306, "mean": 0.106_167}), &json!({"count": 21306, "sum": 2262})));
    let asked = asked.unwrap();
    assert_eq!(asked.arms[0], asked.arms[1]);
}

#[test]
fn refusals_have_their_place() {
    let sum = |arm: Value| arms("sum", &spend(), &arm);
    let ratio = |more: Value| {
        let whole = json!({"denominator_sum": 6429, "denominator_sum_of_squares": 13575, "cross_sum": "148594.44"});
        arms("ratio", &with(spend(), &whole), &with(with(spend(), &whole), &more))
    };
    let past = json!({"covariate_sum": "24998.3", "covariate_sum_of_squares": "167491.33", "covariate_cross_sum": "388673.232"});
    let both = |more: Value| arms("sum", &with(spend(), &past), &with(with(spend(), &past), &more));
    for (body, code, pointer) in [
        (sum(json!({"sum": 1, "sum_of_squares": 1})), "missing_field", "/arms/1/count"),
        (sum(json!({"count": -1, "sum": 1, "sum_of_squares": 1})), "out_of_range", "/arms/1/count"),
        (sum(json!({"count": 1.5, "sum": 1, "sum_of_squares": 1})), "out_of_range", "/arms/1/count"),
        (sum(json!({"count": 10, "sum": 10})), "missing_field", "/arms/1/sum_of_squares"),
        (
            sum(json!({"count": 10, "sum": 10, "sum_of_squares": "9.999999"})),
            "impossible_sums",
            "/arms/1/sum_of_squares",
        ),
        (sum(json!({"count": 0, "sum": 10, "sum_of_squares": 100})), "impossible_sums", "/arms/1/sum_of_squares"),
        (sum(json!({"count": 1, "sum": 3, "sum_of_squares": 10})), "impossible_sums", "/arms/1/sum_of_squares"),
        (sum(json!({"count": 10, "sum": "0.0000001", "sum_of_squares": 1})), "too_many_decimals", "/arms/1/sum"),
        (sum(json!({"count": 10, "sum": "1e25", "sum_of_squares": 1})), "out_of_range", "/arms/1/sum"),
        (sum(json!({"count": 10, "sum": "ten", "sum_of_squares": 1})), "not_a_number", "/arms/1/sum"),
        (sum(json!({"count": 10, "sum": [], "sum_of_squares": 1})), "wrong_type", "/arms/1/sum"),
        (sum(with(spend(), &json!({"sum_of_cubes": "1e15"}))), "impossible_sums", "/arms/1/sum_of_cubes"),
        (sum(with(spend(), &json!({"cross_sum": 1}))), "out_of_place", "/arms/1/cross_sum"),
        (sum(with(spend(), &json!({"mean": 1}))), "conflicting_fields", "/arms/1/sum"),
        (sum(json!({"count": 10, "mean": 1})), "missing_field", "/arms/1/variance"),
        (sum(json!({"count": 10, "mean": 1, "variance": -1})), "impossible_sums", "/arms/1/variance"),
        (sum(json!({"count": 1, "mean": 1, "variance": 1})), "impossible_sums", "/arms/1/variance"),
        (sum(json!({"count": 10, "mean": 1, "variance": 1e-9})), "out_of_range", "/arms/1/variance"),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "sum": 11})),
            "impossible_sums",
            "/arms/1/sum",
        ),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "sum": 2.5})),
            "impossible_sums",
            "/arms/1/sum",
        ),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "sum": -1})),
            "impossible_sums",
            "/arms/1/sum",
        ),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "sum": 3, "sum_of_squares": 9})),
            "impossible_sums",
            "/arms/1/sum_of_squares",
        ),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "mean": 0.25})),
            "impossible_sums",
            "/arms/1/mean",
        ),
        (
            arms("conversion", &json!({"count": 10, "sum": 3}), &json!({"count": 10, "mean": 1.5})),
            "impossible_sums",
            "/arms/1/mean",
        ),
        (ratio(json!({"cross_sum": "1000000"})), "impossible_sums", "/arms/1/cross_sum"),
        (ratio(json!({"denominator_sum_of_squares": 1})), "impossible_sums", "/arms/1/denominator_sum_of_squares"),
        (ratio(json!({"denominator_sum": null})), "missing_field", "/arms/1/denominator_sum"),
        (ratio(past.clone()), "out_of_place", "/arms/1/covariate_sum"),
        (both(json!({"covariate_cross_sum": "1000000"})), "impossible_sums", "/arms/1/covariate_cross_sum"),
        (both(json!({"covariate_sum_of_squares": "1"})), "impossible_sums", "/arms/1/covariate_sum_of_squares"),
        (sum(with(spend(), &past)), "missing_field", "/arms/0/covariate_sum"),
        (sum(with(spend(), &json!({"weight": 1}))), "missing_field", "/arms/0/weight"),
        (sum(with(spend(), &json!({"sums": 1}))), "unknown_field", "/arms/1/sums"),
    ] {
        let refusal = parse(&body).map(|_| ()).expect_err(&body.to_string());
        assert_eq!((refusal.code, refusal.pointer.as_str()), (code, pointer), "{body}: {}", refusal.detail);
    }
}

#[test]
fn refusals_of_the_question_have_their_place() {
    let fine = || arms("sum", &spend(), &spend());
    for (body, code, pointer) in [
        (with(fine(), &json!({"control": "c"})), "unknown_arm", "/control"),
        (
            with(fine(), &json!({"arms": [with(spend(), &json!({"arm": "a"})), with(spend(), &json!({"arm": "a"}))]})),
            "duplicate",
            "/arms/1",
        ),
        (with(fine(), &json!({"arms": [with(spend(), &json!({"arm": "a"}))]})), "out_of_range", "/arms"),
        (with(fine(), &json!({"arms": null})), "out_of_range", "/arms"),
        (with(fine(), &json!({"kind": "median"})), "unknown_word", "/kind"),
        (with(fine(), &json!({"kind": null})), "missing_field", "/kind"),
        (with(fine(), &json!({"method": "optimistic"})), "unknown_word", "/method"),
        (with(fine(), &json!({"confidence": 1})), "out_of_range", "/confidence"),
        (with(fine(), &json!({"confidence": "NaN"})), "not_a_number", "/confidence"),
        (with(fine(), &json!({"planned_persons": 0})), "out_of_range", "/planned_persons"),
        (with(fine(), &json!({"max_harm": 0.02})), "out_of_place", "/max_harm"),
        (with(fine(), &json!({"role": "guardrail", "max_harm": 1})), "out_of_range", "/max_harm"),
        (with(fine(), &json!({"prior": {"standard_deviation": 0.3}})), "out_of_place", "/prior"),
        (
            with(fine(), &json!({"method": "bayesian", "prior": {"mean": 0}})),
            "missing_field",
            "/prior/standard_deviation",
        ),
        (
            with(fine(), &json!({"method": "bayesian", "prior": {"standard_deviation": 0}})),
            "out_of_range",
            "/prior/standard_deviation",
        ),
        (with(fine(), &json!({"cuped": true})), "unknown_field", "/cuped"),
    ] {
        let refusal = parse(&body).map(|_| ()).expect_err(&body.to_string());
        assert_eq!((refusal.code, refusal.pointer.as_str()), (code, pointer), "{body}: {}", refusal.detail);
    }
}
