//! An arm against the baseline: what every method says of it, in one shape.

use journey::Method;

use super::Verdict;
use super::kpi::Value;
use super::response::ResponseTest;
use crate::inference::{
    Bounds, Converters, ExactConverters, FiellerInterval, Gap, Harm, Margin, Posterior, RatePosterior, SequentialTest,
    Test, Undefined,
};

/// Whether something may be said of a number, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Whether it may.
    pub holds: bool,
    /// Why, in a line.
    pub reason: &'static str,
}

impl Claim {
    pub(super) const fn yes(reason: &'static str) -> Self {
        Self { holds: true, reason }
    }

    pub(super) const fn no(reason: &'static str) -> Self {
        Self { holds: false, reason }
    }
}

/// What judged a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inference {
    /// The corrected asymptotic confidence sequence.
    ConfidenceSequence,
    /// The exact test of first conversions.
    ExactConverters,
    /// Welch's test.
    FixedHorizon,
    /// Welch's test of two quantiles, with the variances that the order statistics around them imply.
    Quantiles,
    /// The normal posterior of the lift.
    NormalPosterior,
    /// The beta posteriors of both rates.
    ExactRates,
    /// Nothing: there is too little data for any.
    Nothing,
}

impl Inference {
    /// The name of its formula.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ConfidenceSequence => "confidence_sequence",
            Self::ExactConverters => "exact_converters",
            Self::FixedHorizon => "fixed_horizon",
            Self::Quantiles => "quantiles",
            Self::NormalPosterior => "normal_posterior",
            Self::ExactRates => "exact_rates",
            Self::Nothing => "nothing",
        }
    }
}

/// An arm against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Versus {
    /// The method that was asked for.
    pub method: Method,
    /// What judged the comparison.
    pub inference: Inference,
    /// Whether interval and p-value hold however often they are read.
    pub anytime: Claim,
    /// Whether the difference is an effect: a comparison of randomised groups on what is defined for everyone exposed.
    pub causal: Claim,
    /// Contributors that are expected in the smaller of the two arms, from the arms pooled (at least that many, for values).
    pub expected_contributors: f64,
    /// KPI of the arm minus KPI of the baseline.
    pub difference: Value,
    /// The difference relative to the baseline, as a fraction. The interval is there where both ends are.
    pub lift: Value,
    /// The ends of the lift's interval; either may be open, with the reason.
    pub lift_bounds: Bounds,
    /// Fieller's interval of the lift, where the method has one.
    pub lift_fieller: Result<FiellerInterval, Undefined>,
    /// Welch's test of the difference, under the method `frequentist`.
    pub test: Result<Test, Undefined>,
    /// The test by the confidence sequence, under the method `sequential`; also where the exact test decides.
    pub sequential: Result<SequentialTest, Undefined>,
    /// The exact test of first conversions, where it decides.
    pub converters: Option<ExactConverters>,
    /// The converters of each stratum, where the exact test decides within strata.
    pub converters_within: Vec<Converters>,
    /// The posterior of the lift (of the difference, where there is no lift), under the method `bayesian`.
    pub posterior: Result<Posterior, Undefined>,
    /// The posterior of both rates, under the method `bayesian` with a flat prior.
    pub rates: Option<RatePosterior>,
    /// The standard error of the lift, by the delta method.
    pub lift_standard_error: Result<f64, Undefined>,
    /// The two-sided p-value of the difference.
    pub p_value: Result<f64, Undefined>,
    /// The same, adjusted for the number of comparisons; equal to it in readings that are not adjusted.
    pub p_value_adjusted: Result<f64, Undefined>,
    /// The logarithm of the e-value of the difference, where the method has one.
    pub log_e_value: Result<f64, Undefined>,
    /// The intervals that go with the adjusted p-value.
    pub adjusted: Option<Adjusted>,
    /// The probability that the arm is better than the baseline, in the direction of the goal.
    pub chance_to_beat: Result<f64, Undefined>,
    /// What choosing the arm loses on average where it is worse, as a fraction of the baseline.
    pub expected_loss: Result<f64, Undefined>,
    /// What is known of the arm's harm, for guardrails.
    pub guardrail: Option<Guardrail>,
    /// The adjustment by the covariate, where it was asked for and applies.
    pub cuped: Option<Cuped>,
    /// The difference with its second moments, before any method judged it.
    pub gap: Result<Gap, Undefined>,
    /// The same as it is judged: while values accrue, with squares about zero ([`Gap::accruing`]).
    pub judged_gap: Result<Gap, Undefined>,
    /// For a rating: the comparison of the response rates.
    pub response: Option<ResponseTest>,
    /// What follows, and why it is withheld where it is.
    pub verdict: (Verdict, Option<&'static str>),
}

/// How the covariate from before the exposure adjusted a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuped {
    /// The coefficient of the covariate.
    pub theta: f64,
    /// The share of the difference's variance that went, where it can be said.
    pub variance_saved: Option<f64>,
}

/// Which comparisons are judged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The primary metrics, each with every arm.
    Primary,
    /// All other metrics, each with every arm.
    Others,
    /// The values of a dimension, each with every arm, of one metric.
    Values,
    /// Each dose against the next lower one, of one metric.
    Doses,
}

impl Family {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary metrics x arms",
            Self::Others => "other metrics x arms",
            Self::Values => "values x arms",
            Self::Doses => "adjacent doses",
        }
    }
}

/// How the correction is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Holm's, with Bonferroni's intervals.
    Holm,
    /// Benjamini and Hochberg's, with intervals after Benjamini and Yekutieli.
    BenjaminiHochberg,
    /// e-BH, with intervals after Benjamini and Yekutieli.
    EBenjaminiHochberg,
    /// None.
    None,
}

impl Correction {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holm => "holm",
            Self::BenjaminiHochberg => "bh",
            Self::EBenjaminiHochberg => "ebh",
            Self::None => "none",
        }
    }

    /// What it keeps, and under which dependence.
    #[must_use]
    pub fn promise(self) -> &'static str {
        match self {
            Self::Holm => "the probability of any wrong result in the family, under any dependence",
            Self::BenjaminiHochberg => {
                "the share of wrong results among the significant ones, if tests are independent or positively dependent"
            }
            Self::EBenjaminiHochberg => "the share of wrong results among the significant ones, under any dependence",
            Self::None => "each result by itself",
        }
    }
}

/// The intervals that go with an adjusted p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// Which comparisons are judged together.
    pub family: Family,
    /// How many there are.
    pub size: usize,
    /// How they are corrected.
    pub correction: Correction,
    /// The confidence of each interval.
    pub confidence: f64,
    /// The interval of the difference.
    pub difference: Bounds,
    /// The interval of the lift.
    pub lift: Bounds,
}

/// What is known of an arm's harm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guardrail {
    /// The relative harm that is tolerated.
    pub max_harm: f64,
    /// The margin to it, with one-sided bounds; where the exact test decides there are only the bounds of the lift.
    pub margin: Result<Margin, Undefined>,
    /// What follows.
    pub harm: Harm,
    /// Why nothing follows, where it is withheld.
    pub reason: Option<&'static str>,
}

impl Versus {
    /// 100 × lift.
    pub fn impact_score(&self) -> Result<f64, Undefined> {
        self.lift.value.map(|lift| 100.0 * lift)
    }
}
