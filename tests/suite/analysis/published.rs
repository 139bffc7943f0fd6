//! Against published numbers and formulas.

use serde_json::{Value, json};
use tests::World;

use super::{analyze, body, close, near, number, revenue, versus};

tests::cases![
    proportions_as_published,
    probabilities_as_published,
    revenue_ratios_and_covariates_as_published,
    the_sequence_as_its_formula_says,
];

/// 1000 and 1120 of 10 000 persons, as published with the variance p (1 - p) that peers take.
fn published() -> [Value; 2] {
    [
        json!({"count": 10_000, "mean": "0.1", "variance": "0.09"}),
        json!({"count": 10_000, "mean": 0.112, "variance": 0.099_456}),
    ]
}

async fn proportions_as_published() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // Source: gbstats 0.8.0, TwoSidedTTest, relative and absolute.
    let answer = analyze(&tenant, &body("sum", &published(), &json!({"method": "frequentist"}))).await;
    let found = versus(&answer);
    close("lift", &found["lift"]["value"], 0.12);
    close("lift, low", &found["lift"]["low"], 0.029_676_112_643_001_948);
    close("lift, high", &found["lift"]["high"], 0.210_323_887_356_997_97);
    close("difference, low", &found["difference"]["low"], 0.003_468_436_559_603_714);
    close("difference, high", &found["difference"]["high"], 0.020_531_563_440_396_278);
    close("p", &found["p_value"], 0.005_839_837_395_924_086);
    assert_eq!((&found["verdict"], &found["anytime"]), (&json!("better"), &json!(false)));
    // Source: gbstats 0.8.0, SequentialTwoSidedTTest, N* = 5000 and 20 000; at equal arms the corrected form is the plain one.
    let asked = json!({"method": "sequential", "explain": true, "planned_persons": 5000});
    let answer = analyze(&tenant, &body("sum", &published(), &asked)).await;
    let found = versus(&answer);
    close("half-width", &json!(number(&found["difference"]["high"]) - 0.012), 0.013_611_247_019_778_007);
    close("sequential p", &found["p_value"], 0.143_714_735_037_593_4);
    close("rho", &found["explain"]["used"]["numbers"]["rho"], 0.039_840_066_771_373_68);
    close("the plain p beside it", &found["explain"]["reference"]["numbers"]["p"], 0.143_714_735_037_593_4);
    assert_eq!(
        (&found["verdict"], &found["anytime"], &found["causal"]),
        (&json!("inconclusive"), &json!(true), &json!(true))
    );
    let answer = analyze(&tenant, &body("sum", &published(), &json!({"planned_persons": 20_000}))).await;
    let found = versus(&answer);
    near("half-width at 20 000", &json!(number(&found["difference"]["high"]) - 0.012), 0.013_211_2, 5.1e-8);
    near("p at 20 000", &found["p_value"], 0.102_28, 5.1e-6);
    // As conversions the variance has n - 1: the same but for a ten-thousandth.
    let counts = [json!({"count": 10_000, "sum": 1000}), json!({"count": 10_000, "sum": "1120"})];
    let answer =
        analyze(&tenant, &body("conversion", &counts, &json!({"method": "frequentist", "metric": "bought"}))).await;
    near("p of conversions", &versus(&answer)["p_value"], 0.005_839_837_395_924_086, 1e-5);
    assert_eq!((&answer["kind"], &answer["metric"]), (&json!("conversion"), &json!("bought")));
    assert!(
        versus(&answer)["sentence"].as_str().unwrap().contains("on bought (frequentist, 95 %): better."),
        "{answer}"
    );
}

async fn probabilities_as_published() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // Source: gbstats 0.8.0, EffectBayesianABTest, relative, with a flat prior and with N(0, 0.3^2).
    let answer = analyze(&tenant, &body("sum", &published(), &json!({"method": "bayesian"}))).await;
    let found = versus(&answer);
    close("chance", &found["chance_to_beat_control"], 0.995_393_836_391_902_7);
    close("risk", &found["expected_loss"], 6.658_846_955_984_14e-5);
    let prior = json!({"method": "bayesian", "prior": {"mean": 0, "standard_deviation": 0.3}});
    let answer = analyze(&tenant, &body("sum", &published(), &prior)).await;
    let found = versus(&answer);
    close("mean with a prior", &found["lift"]["value"], 0.117_233_905_087_430_42);
    close("chance with a prior", &found["chance_to_beat_control"], 0.994_971_808_660_635_8);
    near("low with a prior", &found["lift"]["low"], 0.027_962_522, 5.1e-10);
    near("high with a prior", &found["lift"]["high"], 0.206_505_288, 5.1e-10);
    // Source: scipy 1.17, the beta-binomial posterior with a uniform prior.
    let counts = [json!({"count": 10_000, "sum": 1000}), json!({"count": 10_000, "sum": 1120})];
    let answer = analyze(&tenant, &body("conversion", &counts, &json!({"method": "bayesian"}))).await;
    let found = versus(&answer);
    near("exact chance", &found["chance_to_beat_control"], 0.997_077_905_9, 5.1e-11);
    // The loss as a fraction of control, whose rate is 1001 / 10 002 by that posterior; by quadrature.
    close("exact loss", &found["expected_loss"], 3.834_225_875_466_664e-6 * 10_002.0 / 1001.0);
    assert!(found["p_value"].is_null() && found["reasons"]["p_value"].is_string(), "{found}");
}

async fn revenue_ratios_and_covariates_as_published() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let frequentist = json!({"method": "frequentist", "explain": true});
    // Sources: gbstats 0.8.0 (lift and interval), tea-tasting (p-value on the absolute scale).
    let answer = analyze(&tenant, &body("sum", &revenue(), &frequentist)).await;
    let found = versus(&answer);
    close("lift", &found["lift"]["value"], 0.038_633_626_206_281_524);
    close("lift, low", &found["lift"]["low"], 0.007_378_047_331_086_816);
    close("lift, high", &found["lift"]["high"], 0.069_889_205_081_476);
    close("p", &found["p_value"], 0.013_524_878_012_719_91);
    // The same from what would be published of the same persons: the mean with all its digits, and the variance.
    let [control, arm] = [(5000.0, 74282.32, 1_777_100.972_8), (5200.0, 80238.2, 1_969_324.244_8)].map(
        |(n, y, yy): (f64, f64, f64)| json!({"count": n, "mean": y / n, "variance": (yy - y * y / n) / (n - 1.0)}),
    );
    let again = analyze(&tenant, &body("sum", &[control, arm], &frequentist)).await;
    close("p as published", &versus(&again)["p_value"], 0.013_524_878_012_719_91);

    // Average order value. Sources: gbstats 0.8.0, RatioStatistic, printed to ten decimals; tea-tasting's p to seven digits.
    let orders = [["6429", "13575", "148594.44"], ["6687", "14117", "159894.2"]];
    let ratio: Vec<Value> = revenue()
        .into_iter()
        .zip(orders)
        .map(|(arm, [d, dd, yd])| {
            tests::events::with(arm, &json!({"denominator_sum": d, "denominator_sum_of_squares": dd, "cross_sum": yd}))
        })
        .collect();
    let ratio: [Value; 2] = ratio.try_into().unwrap();
    let answer = analyze(&tenant, &body("ratio", &ratio, &frequentist)).await;
    let found = versus(&answer);
    close("lift of the ratio", &found["lift"]["value"], 0.038_503_156_302_585_74);
    near("low of the ratio", &found["lift"]["low"], 0.023_573_626_4, 5.1e-11);
    near("high of the ratio", &found["lift"]["high"], 0.053_432_686_2, 5.1e-11);
    near("p of the ratio", &found["p_value"], 2.588_904e-7, 5.1e-14);
    assert_eq!(answer["arms"][0]["tally"]["cross_sum"], "148594.44");

    // CUPED. Source: numpy on the 10 200 rows, theta within arms; gbstats' theta, over both arms as one sample, gives
    // 0.5741701962694172 and p 0.013029102739390286.
    let past = [["24998.3", "167491.33", "388673.232"], ["25995.5", "174155.93", "418678.492"]];
    let adjusted: Vec<Value> = revenue()
        .into_iter()
        .zip(past)
        .map(|(arm, [x, xx, xy])| {
            tests::events::with(
                arm,
                &json!({"covariate_sum": x, "covariate_sum_of_squares": xx, "covariate_cross_sum": xy}),
            )
        })
        .collect();
    let adjusted: [Value; 2] = adjusted.try_into().unwrap();
    let answer = analyze(&tenant, &body("sum", &adjusted, &frequentist)).await;
    let found = versus(&answer);
    assert_eq!(answer["cuped"], true);
    close("theta", &found["explain"]["cuped"]["theta"], 0.401_846_569_671_990_6);
    close("adjusted difference", &found["difference"]["value"], 0.574_170_200_928_527_2);
    close("adjusted p", &found["p_value"], 0.013_029_101_993_130_943);
    close("standard error of the adjusted lift", &found["explain"]["lift_standard_error"], 0.015_865_275_861_106_483);
    near("gbstats' difference", &found["difference"]["value"], 0.574_170_196_269_417_2, 1e-8);
}

async fn the_sequence_as_its_formula_says() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let answer = analyze(&tenant, &body("sum", &revenue(), &json!({"planned_persons": 8000}))).await;
    // By hand, from the sums: equations 9 and 155 of arXiv 2103.06476v7, at the time 4 n_T n_C / (n_T + n_C), with the larger of
    // Welch's and the pooled standard error.
    let (n_c, n_t) = (5000.0, 5200.0);
    let variance = |n: f64, y: f64, yy: f64| (yy - y * y / n) / (n - 1.0);
    let (s_c, s_t) = (variance(n_c, 74282.32, 1_777_100.972_8), variance(n_t, 80238.2, 1_969_324.244_8));
    let difference = 80238.2 / n_t - 74282.32 / n_c;
    let pooled = ((n_c - 1.0) * s_c + (n_t - 1.0) * s_t) / (n_c + n_t - 2.0) * (1.0 / n_c + 1.0 / n_t);
    let error = (s_c / n_c + s_t / n_t).max(pooled).sqrt();
    let spent = -2.0 * f64::ln(0.05);
    let x = 4.0 * n_c * n_t / (n_c + n_t) * (spent + (1.0 + spent).ln()) / 8000.0;
    let half = error * (2.0 * (x + 1.0) / x * ((x + 1.0).sqrt() / 0.05).ln()).sqrt();
    let p = (x + 1.0).sqrt() * (-x * (difference / error).powi(2) / (2.0 * (x + 1.0))).exp();
    let found = versus(&answer);
    close("difference", &found["difference"]["value"], difference);
    close("low", &found["difference"]["low"], difference - half);
    close("high", &found["difference"]["high"], difference + half);
    close("p", &found["p_value"], p.min(1.0));
    assert_eq!(found["inference"], "confidence_sequence");
}
