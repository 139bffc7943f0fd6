//! How a number came about, with `explain=true`.

mod lifetime;

use std::collections::BTreeMap;

use journey::Method;
use metrics::inference::{FiellerInterval, Test};
use metrics::moments::Moments;
use metrics::report::{Kpi, Question, Versus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::decimal::decimal;

/// The formulas of an answer, and where they come from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explanation {
    /// The formulas.
    pub(crate) formulas: Vec<Formula>,
}

/// A formula.
#[expect(clippy::struct_field_names, reason = "gives, formula and source are what the answer calls them")]
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Formula {
    /// What it gives.
    pub(crate) gives: &'static str,
    /// With n persons, m the KPI, v the variance of the KPI's estimate; t the arm, c the baseline.
    pub(crate) formula: &'static str,
    /// Where it comes from.
    pub(crate) source: &'static str,
}

/// The formulas that an answer by `method` is made of; how each comparison was judged stands with the comparison.
pub(crate) fn formulas(method: Method, cuped: bool) -> Explanation {
    let formula = |gives, formula, source| Formula { gives, formula, source };
    let mut formulas = vec![
        formula(
            "value of a mean",
            "m = sum / n; v = (sum_of_squares - sum^2 / n) / (n (n - 1))",
            "the central limit theorem",
        ),
        formula(
            "value of a ratio",
            "m = sum / denominator_sum; v = (S_yy - 2 m S_yd + m^2 S_dd) / (n mean_d^2), S the sample covariances per person",
            "delta method: Deng, Knoblich, Lu, Applying the Delta Method in Metric Analytics, KDD 2018",
        ),
        formula("interval of a share", "Wilson's score interval", "Wilson, JASA 22 (1927)"),
        formula("interval of a mean", "m +- t(n - 1) sqrt(v)", "Student, Biometrika 6 (1908)"),
        formula("impact_score", "100 x lift", "the definition of this service"),
        formula(
            "sample_ratio",
            "1 / e, the largest e of all day ends and now, of the multinomial mixture (concentration 100) of persons per arm \
             against the weights; an alarm below 0.001",
            "Lindon, Malek, NeurIPS 2022",
        ),
        formula(
            "p_value_chi_square",
            "chi-square of the persons per arm against the weights, at one reading",
            "Fabijan et al., Diagnosing Sample Ratio Mismatch, KDD 2019",
        ),
    ];
    formulas.extend(match method {
        Method::Sequential => sequential(formula),
        Method::Frequentist => fixed_horizon(formula),
        Method::Bayesian => vec![formula(
            "chance_to_beat_control and expected_loss",
            "of a share: both rates Beta(1 + k, 1 + n - k), exactly; of all else: the normal posterior of the lift, with a flat \
             prior",
            "Miller, Formulas for Bayesian A/B Testing (2015); Stucchio, Bayesian A/B Testing at VWO (2015)",
        )],
    });
    if method != Method::Bayesian {
        formulas.push(formula(
            "p_value_adjusted",
            "Holm over the comparisons of the primary metrics, with Bonferroni's intervals; Benjamini-Hochberg over those of \
             the others, with the intervals of Benjamini and Yekutieli",
            "Holm, Scand. J. Statist. 6 (1979); Benjamini, Hochberg, JRSS B 57 (1995); Benjamini, Yekutieli, JASA 100 (2005); \
             ebh: Wang, Ramdas, JRSS B 84 (2022)",
        ));
    }
    if cuped {
        formulas.push(formula(
            "cuped",
            "y - theta (x - mean x), theta the pooled within-arm slope of y on the same metric x from the 14 days before exposure; \
             of a ratio: R - theta (P - mean P), P the same ratio before, theta by the delta method",
            "Deng, Xu, Kohavi, Walker, WSDM 2013",
        ));
    }
    Explanation { formulas }
}

/// The formulas of an answer by the values of a dimension.
pub(crate) fn formulas_of_segments(method: Method) -> Explanation {
    let formula = |gives, formula, source| Formula { gives, formula, source };
    let mut told = formulas(method, false);
    told.formulas.extend([
        formula(
            "sample_ratio_by_dimension",
            "1 / E, the largest E of all day ends; E = sum over values of E_j / (j (j + 1)) + the rest of 1, E_j the multinomial \
             mixture (concentration 100) of the persons of the j-th value to appear; an alarm below 0.002 / dimensions",
            "Lindon, Malek, NeurIPS 2022; a mean of e-values with fixed weights is one: Vovk, Wang, Ann. Statist. 49 (2021)",
        ),
        formula(
            "q and p_value_one_reading",
            "Q = sum w_i (e_i - m)^2, w_i = 1 / v_i, m their weighted mean, e_i the lifts; chi-square with k - 1 degrees of freedom",
            "Cochran, Biometrics 10 (1954)",
        ),
        formula(
            "shrunken_lift, kept, between and common_lift",
            "m + B_i (e_i - m), B_i = t2 / (t2 + v_i), variance B_i v_i + (1 - B_i)^2 / sum 1 / (v_i + t2); t2 = between^2 at which \
             sum (e_i - m)^2 / (v_i + t2) = k - 1",
            "Paule, Mandel, J. Res. NBS 87 (1982); Morris, JASA 78 (1983)",
        ),
        formula(
            "versus_rest",
            "e_i less the mean of the others weighted by 1 / v; Holm over the values. Method sequential: the confidence sequence at \
             the time 4 / (1 / a + 1 / b + 1 / c + 1 / d), the persons of the value and of the rest in both arms",
            "Waudby-Smith and others, arXiv 2103.06476v7; Holm, Scand. J. Statist. 6 (1979)",
        ),
        formula(
            "post_stratified",
            "sum n_k / n (m_t,k - m_c,k) over the values; variance A [(diag w - w w') / n] A' + sum w_k^2 V_k, w_k = n_k / n",
            "Miratrix, Sekhon, Yu, JRSS B 75 (2013); Xie, Aurisset, KDD 2016",
        ),
    ]);
    told
}

type Make = fn(&'static str, &'static str, &'static str) -> Formula;

fn sequential(formula: Make) -> Vec<Formula> {
    vec![
        formula(
            "difference and p_value",
            "the asymptotic confidence sequence at the time 4 n_t n_c / (n_t + n_c), with the larger of Welch's and the pooled \
             standard error: wrong at any moment at most as often as stated",
            "Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476v7",
        ),
        formula(
            "lift",
            "all r with (m_t - m_c - r |m_c|)^2 within the width of the sequence of its own variance, for either standard error: \
             0 is outside exactly where the p-value is below 1 - confidence",
            "Fieller, JRSS B 16 (1954)",
        ),
        formula(
            "lift of few or of accruing conversions",
            "the rate ratios that the arms of those who converted do not refute, by the multinomial mixture (concentration 20)",
            "Lindon, Malek, NeurIPS 2022",
        ),
    ]
}

fn fixed_horizon(formula: Make) -> Vec<Formula> {
    vec![
        formula(
            "difference",
            "m_t - m_c +- t(df) sqrt(v_t + v_c); df = (v_t + v_c)^2 / (v_t^2 / (n_t - 1) + v_c^2 / (n_c - 1))",
            "Welch, Biometrika 34 (1947); Satterthwaite, Biometrics Bulletin 2 (1946)",
        ),
        formula("p_value", "2 P(T(df) > |m_t - m_c| / sqrt(v_t + v_c))", "Welch, Biometrika 34 (1947)"),
        formula(
            "lift",
            "(m_t - m_c) / |m_c| +- t(df) sqrt(v_t / m_c^2 + v_c m_t^2 / m_c^4)",
            "delta method: Deng, Knoblich, Lu, KDD 2018",
        ),
        formula(
            "lift_fieller",
            "all r with (m_t - m_c - r |m_c|)^2 within the quantile of its own variance: it excludes 0 exactly where the test rejects",
            "Fieller, JRSS B 16 (1954)",
        ),
    ]
}

/// The steps of a KPI.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KpiExplanation {
    /// Every sum that is kept; those that the kind of the metric does not keep are 0.
    pub(crate) sums: MomentsInfo,
    /// Persons whose value lies beyond 1e12; they are in no other sum.
    pub(crate) left_out: i64,
    /// For a CLV: its three factors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) clv: Option<lifetime::ClvInfo>,
}

/// Exact sums over persons, as decimal text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sums)]
#[serde(deny_unknown_fields)]
pub(crate) struct MomentsInfo {
    /// Persons.
    count: i64,
    /// Purchases.
    orders: i64,
    /// Of the values y (for a ratio: of the numerators).
    sum: String,
    /// Of y².
    sum_of_squares: String,
    /// Of y³.
    sum_of_cubes: String,
    /// Of the denominators d.
    denominator_sum: String,
    /// Of d².
    denominator_sum_of_squares: String,
    /// Of y·d.
    cross_sum: String,
    /// Of the covariates x: the same as y, from before the exposure.
    covariate_sum: String,
    /// Of x².
    covariate_sum_of_squares: String,
    /// Of x·y.
    covariate_cross_sum: String,
    /// Of the covariates u: the same as d, from before the exposure.
    denominator_covariate_sum: String,
    /// Of u².
    denominator_covariate_sum_of_squares: String,
    /// Of d·u.
    denominator_covariate_cross_sum: String,
    /// Of y·u.
    cross_sum_with_denominator_covariate: String,
    /// Of d·x.
    denominator_cross_sum_with_covariate: String,
    /// Of x·u.
    covariates_cross_sum: String,
}

/// The steps of a comparison.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComparisonExplanation {
    /// The standard error of the difference.
    #[schema(required = true)]
    standard_error: Option<f64>,
    /// The difference in standard errors.
    #[schema(required = true)]
    t: Option<f64>,
    /// Degrees of freedom.
    #[schema(required = true)]
    degrees_of_freedom: Option<f64>,
    /// The standard error of the lift.
    #[schema(required = true)]
    lift_standard_error: Option<f64>,
    /// Fieller's interval of the lift.
    #[schema(required = true)]
    lift_fieller: Option<FiellerInfo>,
    /// The adjustment by the same metric from before the exposure, where it was asked for and applies.
    #[schema(required = true)]
    cuped: Option<CupedInfo>,
    /// The formula that judged the comparison, with every number in it; null where nothing did.
    #[schema(required = true)]
    used: Option<UsedFormula>,
    /// The same question as other tools answer it; null where they have no answer.
    #[schema(required = true)]
    reference: Option<UsedFormula>,
}

/// A formula with the numbers that went into it and came out of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsedFormula {
    /// Its name.
    name: &'static str,
    /// What is computed.
    formula: &'static str,
    /// Where it comes from.
    source: &'static str,
    /// The numbers, by the names that the formula gives them.
    numbers: BTreeMap<&'static str, f64>,
}

/// Fieller's interval; a side may be open.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fieller)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiellerInfo {
    /// The lower end; null: open.
    #[schema(required = true)]
    low: Option<f64>,
    /// The upper end; null: open.
    #[schema(required = true)]
    high: Option<f64>,
    /// Why a side is open.
    #[schema(required = true)]
    reason: Option<String>,
}

/// The adjustment by the same metric from before the exposure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cuped)]
#[serde(deny_unknown_fields)]
pub(crate) struct CupedInfo {
    /// The coefficient.
    theta: f64,
    /// The share of the difference's variance that went.
    #[schema(required = true)]
    variance_saved: Option<f64>,
}

/// The steps of a KPI.
pub(crate) fn of_kpi(kpi: &Kpi) -> KpiExplanation {
    KpiExplanation { sums: sums(&kpi.moments), left_out: kpi.moments.left_out, clv: lifetime::factors(kpi) }
}

fn sums(moments: &Moments) -> MomentsInfo {
    let (first, second) = (|sum| decimal(&sum, 6), |sum| decimal(&sum, 12));
    MomentsInfo {
        count: moments.n,
        orders: moments.orders,
        sum: first(moments.y),
        sum_of_squares: second(moments.yy),
        sum_of_cubes: decimal(&moments.yyy, 18),
        denominator_sum: first(moments.d),
        denominator_sum_of_squares: second(moments.dd),
        cross_sum: second(moments.yd),
        covariate_sum: first(moments.x),
        covariate_sum_of_squares: second(moments.xx),
        covariate_cross_sum: second(moments.xy),
        denominator_covariate_sum: first(moments.u),
        denominator_covariate_sum_of_squares: second(moments.uu),
        denominator_covariate_cross_sum: second(moments.du),
        cross_sum_with_denominator_covariate: second(moments.yu),
        denominator_cross_sum_with_covariate: second(moments.dx),
        covariates_cross_sum: second(moments.xu),
    }
}

/// The steps of a comparison.
pub(crate) fn of_comparison(question: &Question<'_>, versus: &Versus) -> ComparisonExplanation {
    let test = |of: fn(&Test) -> f64| versus.test.as_ref().ok().map(of);
    let (used, reference) = match metrics::report::steps(question, versus) {
        Some(steps) => (Some(used_formula(&steps.used)), steps.reference.as_ref().map(used_formula)),
        None => (None, None),
    };
    ComparisonExplanation {
        standard_error: test(|test| test.standard_error)
            .or_else(|| versus.sequential.ok().map(|test| test.standard_error)),
        t: test(|test| test.t),
        degrees_of_freedom: test(|test| test.degrees_of_freedom),
        lift_standard_error: versus.lift_standard_error.ok(),
        lift_fieller: versus.lift_fieller.ok().map(|set: FiellerInterval| FiellerInfo {
            low: set.low,
            high: set.high,
            reason: set.open_because().map(|reason| reason.to_string()),
        }),
        cuped: versus.cuped.map(|cuped| CupedInfo { theta: cuped.theta, variance_saved: cuped.variance_saved }),
        used,
        reference,
    }
}

fn used_formula(formula: &metrics::report::Formula) -> UsedFormula {
    UsedFormula {
        name: formula.name,
        formula: formula.formula,
        source: formula.source,
        numbers: formula.numbers.iter().copied().collect(),
    }
}
