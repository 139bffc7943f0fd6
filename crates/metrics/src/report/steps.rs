//! How did a comparison come about? The formula by its name, its paper, every intermediate number, and the plain form as
//! peers compute it, so that a reader with a calculator arrives at the same result.

use super::Question;
use super::versus::{Inference, Versus};
use crate::inference::{
    CONVERTERS_CONCENTRATION, Estimate, Gap, Prior, Undefined, plain_sequential, posterior, welch_degrees_of_freedom,
};

/// A formula with the numbers that went into it and came out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// Its name.
    pub name: &'static str,
    /// What is computed.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The numbers by the names that the formula gives them, in the order of computing.
    pub numbers: Vec<(&'static str, f64)>,
}

/// How a comparison came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    /// What judged the comparison.
    pub used: Formula,
    /// The same question as peers answer it; `None` where they have no answer.
    pub reference: Option<Formula>,
}

/// The steps of a comparison; `None` where nothing judged it.
#[must_use]
pub fn steps(question: &Question<'_>, versus: &Versus) -> Option<Steps> {
    let reference = reference(question, versus, &versus.gap.ok()?);
    let gap = versus.judged_gap.ok()?;
    let used = match versus.inference {
        Inference::ConfidenceSequence => confidence_sequence(question, versus, &gap),
        Inference::ExactConverters => exact_converters(versus)?,
        Inference::FixedHorizon => fixed_horizon(versus, &gap),
        Inference::Quantiles => Formula {
            name: Inference::Quantiles.word(),
            formula: "Y_L, Y_U: the values at the ranks n q -+ z sqrt(n q (1 - q)), rounded outward to the edges of buckets of 1 \
                      %; v = ((Y_U - Y_L) / (2 z))^2; SE = sqrt(v_T + v_C); df = SE^4 / (v_T^2 / (n_T - 1) + v_C^2 / (n_C - \
                      1)); t = difference / SE; p = 2 P(T(df) > |t|); lift +- quantile SE_lift",
            source: "Deng, Knoblich, Lu, KDD 2018, arXiv 1803.06336; Yao, Li, Lu, arXiv 2401.14549, algorithm 1",
            ..fixed_horizon(versus, &gap)
        },
        Inference::NormalPosterior => normal_posterior(question, versus, &gap),
        Inference::ExactRates => exact_rates(versus)?,
        Inference::Nothing => return None,
    };
    // What is beyond the doubles is left out rather than told as an infinity.
    let clean = |mut formula: Formula| {
        formula.numbers.retain(|(_, number)| number.is_finite());
        formula
    };
    Some(Steps { used: clean(used), reference: reference.map(clean) })
}

fn arms(gap: &Gap) -> Vec<(&'static str, f64)> {
    vec![
        ("n_T", gap.persons as f64),
        ("n_C", gap.control_persons as f64),
        ("difference", gap.difference),
        ("m_C", gap.base),
        ("v_T", gap.variance),
        ("v_C", gap.control_variance),
    ]
}

/// The numbers that exist, after those of the arms.
fn numbers(gap: &Gap, more: &[(&'static str, Result<f64, Undefined>)]) -> Vec<(&'static str, f64)> {
    let mut numbers = arms(gap);
    numbers.extend(more.iter().filter_map(|(name, number)| Some((*name, number.ok()?))));
    numbers
}

fn confidence_sequence(question: &Question<'_>, versus: &Versus, gap: &Gap) -> Formula {
    let test = versus.sequential;
    let pooled = gap.pooled();
    Formula {
        name: Inference::ConfidenceSequence.word(),
        formula: "t = 4 n_T n_C / (n_T + n_C) accrued; while values accrue, v is sum y^2 / (n (n - 1)); SE = max(SE_welch, SE_pooled), SE_welch^2 = v_T + v_C, SE_pooled^2 = s_p^2 (1 / \
                  n_T + 1 / n_C); rho^2 = (-2 ln 0.05 + ln(1 - 2 ln 0.05)) / N*; width = sqrt(2 (t rho^2 + 1) / (t rho^2) \
                  ln(sqrt(t rho^2 + 1) / alpha)); difference +- width SE; z = difference / SE; ln e = t rho^2 z^2 / (2 (t \
                  rho^2 + 1)) - ln(t rho^2 + 1) / 2; p = min(1, 1 / e); lift: all r with |difference - r |m_C|| <= width \
                  SE(r), for either SE",
        source: "Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476v7, eq 9, 155, 161; the time and the larger \
                 standard error are this service's, for unequal arms; Fieller, JRSS B 16 (1954)",
        numbers: numbers(
            gap,
            &[
                ("alpha", Ok(1.0 - question.confidence)),
                ("N*", Ok(question.planned_persons)),
                ("accrued", Ok(gap.accrued)),
                ("t", test.map(|test| test.time)),
                ("SE_welch", test.map(|test| test.welch_standard_error)),
                ("v_T_pooled", Ok(pooled.variance)),
                ("v_C_pooled", Ok(pooled.control_variance)),
                ("SE_pooled", test.map(|test| test.pooled_standard_error)),
                ("SE", test.map(|test| test.standard_error)),
                ("rho", test.map(|test| test.rho)),
                ("width", test.map(|test| test.width)),
                ("ln e", test.map(|test| test.log_e_value)),
                ("p", versus.p_value),
                ("expected_contributors", Ok(versus.expected_contributors)),
            ],
        ),
    }
}

fn exact_converters(versus: &Versus) -> Option<Formula> {
    let exact = versus.converters?;
    Some(Formula {
        name: Inference::ExactConverters.word(),
        formula: "ln e = lnGamma(k) - lnGamma(k + n) + sum_i [lnGamma(k s_i + c_i) - lnGamma(k s_i) - c_i ln s_i], n = c_T + \
                  c_C, s_T the arm's share of the two weights; p = min(1, 1 / e); lift: all R - 1 with c_T ln R - n ln(1 + \
                  s_T (R - 1)) > ln e + ln alpha",
        source: "Lindon, Malek, NeurIPS 2022",
        numbers: [
            ("c_T", exact.treatment as f64),
            ("c_C", exact.control as f64),
            ("s_T", exact.share),
            ("k", CONVERTERS_CONCENTRATION),
            ("ln e", exact.log_e_value),
            ("p", exact.p_value),
            ("expected_contributors", versus.expected_contributors),
        ]
        .into(),
    })
}

fn fixed_horizon(versus: &Versus, gap: &Gap) -> Formula {
    let test = versus.test;
    Formula {
        name: Inference::FixedHorizon.word(),
        formula: "SE = sqrt(v_T + v_C); df = SE^4 / (v_T^2 / (n_T - 1) + v_C^2 / (n_C - 1)); t = difference / SE; p = 2 P(T(df) > \
                  |t|); lift +- quantile SE_lift",
        source: "Welch, Biometrika 34 (1947); Deng, Knoblich, Lu, KDD 2018",
        numbers: numbers(
            gap,
            &[
                ("SE", test.map(|test| test.standard_error)),
                ("df", test.map(|test| test.degrees_of_freedom)),
                ("t", test.map(|test| test.t)),
                ("p", versus.p_value),
                ("SE_lift", versus.lift_standard_error),
            ],
        ),
    }
}

fn normal_posterior(question: &Question<'_>, versus: &Versus, gap: &Gap) -> Formula {
    let of =
        |part: fn(&crate::inference::Posterior) -> f64| versus.posterior.as_ref().map(part).map_err(|reason| *reason);
    let prior = match question.prior {
        Prior::Flat => [Err(Undefined::NotOfThisMethod); 2],
        Prior::Normal { mean, standard_deviation } => [Ok(mean), Ok(standard_deviation)],
    };
    Formula {
        name: Inference::NormalPosterior.word(),
        formula: "precision = 1 / prior_sd^2 + 1 / SE_lift^2 (a flat prior has none); mean = (prior_mean / prior_sd^2 + lift / \
                  SE_lift^2) / precision; sd = precision^(-1/2); z = mean / sd; chance = Phi(z); loss = sd phi(z) - mean \
                  Phi(-z)",
        source: "the normal posterior; Stucchio, Bayesian A/B Testing at VWO (2015)",
        numbers: numbers(
            gap,
            &[
                ("lift", gap.lift()),
                ("SE_lift", gap.lift_standard_error()),
                ("prior_mean", prior[0]),
                ("prior_sd", prior[1]),
                ("mean", of(|posterior| posterior.mean)),
                ("sd", of(|posterior| posterior.standard_deviation)),
                ("chance", versus.chance_to_beat),
                ("loss", versus.expected_loss),
            ],
        ),
    }
}

fn exact_rates(versus: &Versus) -> Option<Formula> {
    let rates = versus.rates?;
    Some(Formula {
        name: Inference::ExactRates.word(),
        formula: "p_i ~ Beta(1 + k_i, 1 + n_i - k_i); chance = P(p_T > p_C); loss = E[max(p_C - p_T, 0)] / E[p_C]",
        source: "Beta-binomial posterior with a uniform prior; Miller, Formulas for Bayesian A/B Testing (2015)",
        numbers: vec![
            ("P(p_T > p_C)", rates.chance_above),
            ("P(p_T < p_C)", rates.chance_below),
            ("E[max(p_C - p_T, 0)]", rates.loss_if_shipped),
            ("E[max(p_T - p_C, 0)]", rates.loss_if_kept),
            ("E[p_C]", rates.control_mean),
        ],
    })
}

/// The question as peers answer it: the plain sequence beside ours, the relative posterior beside exact rates.
fn reference(question: &Question<'_>, versus: &Versus, gap: &Gap) -> Option<Formula> {
    match versus.inference {
        Inference::ConfidenceSequence | Inference::ExactConverters => {
            let plain = plain_sequential(gap, question.planned_persons, question.confidence).ok()?;
            Some(Formula {
                name: "plain_confidence_sequence",
                formula: "t = n_T + n_C; SE = sqrt(v_T + v_C); rho^2 = (-2 ln alpha + ln(1 - 2 ln alpha)) / N*; the rest as in \
                          confidence_sequence",
                source: "GrowthBook (gbstats, SequentialTwoSidedTTest) and PostHog, with n - 1 in every variance",
                numbers: numbers(
                    gap,
                    &[
                        ("t", Ok(plain.time)),
                        ("SE", Ok(plain.standard_error)),
                        ("rho", Ok(plain.rho)),
                        ("width", Ok(plain.width)),
                        ("low", Ok(plain.interval.low)),
                        ("high", Ok(plain.interval.high)),
                        ("p", Ok(plain.p_value)),
                    ],
                ),
            })
        }
        Inference::FixedHorizon => {
            let error = versus.lift_standard_error.ok()?;
            let of = |persons, value, variance| Estimate::from_parts(persons, value, variance).ok();
            // Satterthwaite's degrees of freedom on the variances between persons, as there.
            let freedom = welch_degrees_of_freedom(
                &of(gap.control_persons, gap.base, gap.control_variance)?,
                &of(gap.persons, gap.base + gap.difference, gap.variance)?,
            )
            .ok()?;
            let t = versus.lift.value.ok()? / error;
            let p = crate::inference::tails::student_two_sided(t, freedom)?;
            Some(Formula {
                name: "relative_test",
                formula: "t = lift / SE_lift; p = 2 P(T(df) > |t|): the test on the relative scale, with the noise of m_C in it",
                source: "GrowthBook (gbstats, TwoSidedTTest, relative) and PostHog, with n - 1 in every variance",
                numbers: vec![("SE_lift", error), ("df", freedom), ("t", t), ("p", p)],
            })
        }
        Inference::ExactRates => {
            let (lift, error) = (gap.lift().ok()?, gap.lift_standard_error().ok()?);
            let normal = posterior(lift, error, &question.prior, question.confidence).ok()?;
            Some(Formula {
                name: "normal_posterior",
                formula: "N(lift, SE_lift^2)",
                source: "GrowthBook (gbstats, EffectBayesianABTest, relative, flat prior)",
                numbers: vec![
                    ("mean", normal.mean),
                    ("sd", normal.standard_deviation),
                    ("chance", normal.chance_above),
                    ("loss", normal.loss_if_shipped),
                ],
            })
        }
        Inference::Quantiles | Inference::NormalPosterior | Inference::Nothing => None,
    }
}
