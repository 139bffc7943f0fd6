//! How does an arm compare? One difference, three methods.

mod any_time;
mod posteriors;

use journey::{Goal, Method, MetricKind};

use super::claims::{BY_SIZES, NOTHING_YET, ONE_READING, causal};
use super::kpi::{Value, point};
use super::strata::Strata;
use super::versus::{Cuped, Guardrail, Inference, Versus};
use super::{Maturity, Question, Verdict, Weights, response};
use crate::inference::{
    AdjustedGap, Bounds, Comparison, CovariateSums, Estimate, Gap, Harm, Level, RatioCovariateSums, Theta, Tuning,
    Undefined, adjust, adjust_ratios, compare_at, compare_gap, fixed_guardrail,
};
use crate::moments::Moments;

/// An arm of one metric in one reading.
pub(super) struct Side<'a> {
    /// The index of the arm.
    pub(super) arm: usize,
    pub(super) sums: &'a Moments,
    pub(super) estimate: Result<Estimate, Undefined>,
    /// The arm's weight in the assignment.
    pub(super) weight: f64,
}

/// What a comparison is judged under.
pub(super) struct Judge<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) kind: &'a MetricKind,
    /// The index of the metric.
    pub(super) metric: usize,
    pub(super) goal: Goal,
    /// Why the metric finds no harm, where it only describes.
    pub(super) silence: Option<&'static str>,
    pub(super) maturity: Maturity,
    /// For guardrails: the relative harm that is tolerated.
    pub(super) max_harm: Option<f64>,
    /// Whether the difference is adjusted by the covariate.
    pub(super) cuped: bool,
    /// The share of persons who contribute.
    pub(super) share: f64,
    pub(super) level: Result<Level, Undefined>,
    pub(super) tuning: Result<Tuning, Undefined>,
}

/// Degrees of freedom at which Student's t is the normal distribution to the last digit that is told.
const NORMAL: f64 = 1e12;

impl Judge<'_> {
    /// Judges an arm against the baseline.
    pub(super) fn versus(&self, baseline: &Side<'_>, arm: &Side<'_>) -> Versus {
        let mut versus = self.judged(baseline, arm);
        if let MetricKind::Rating { .. } = self.kind {
            response::compare(&mut versus, baseline.sums, arm.sums, self.level);
        }
        if let (Some(reason), Some(guardrail)) = (self.silence, &mut versus.guardrail) {
            (guardrail.harm, guardrail.reason) = (Harm::Undecided, Some(reason));
        }
        versus
    }

    fn judged(&self, baseline: &Side<'_>, arm: &Side<'_>) -> Versus {
        if let Weights::Within(strata) = self.question.weights {
            return self.within(strata, [baseline, arm]);
        }
        let plain = baseline.estimate.and_then(|baseline| Gap::between(&baseline, &arm.estimate?));
        let adjusted = if self.cuped { adjusted_gap(self.kind, baseline.sums, arm.sums) } else { None };
        let cuped = adjusted.as_ref().map(|adjusted| Cuped {
            theta: adjusted.theta,
            variance_saved: plain.ok().and_then(|plain| saved(&plain, &adjusted.gap)),
        });
        let gap = adjusted.as_ref().map_or(plain, |adjusted| Ok(adjusted.gap));
        let smallest = baseline.sums.n.min(arm.sums.n).max(0) as f64;
        let mut versus = Versus {
            expected_contributors: self.share * smallest,
            gap,
            judged_gap: gap,
            cuped,
            ..self.nothing(gap.err().unwrap_or(Undefined::NotOfThisMethod))
        };
        let (Ok(found), Ok(level)) = (gap, self.level) else {
            // Without uncertainty the points still say what happened.
            let points = point(self.kind, arm.sums).and_then(|arm| Ok(arm - point(self.kind, baseline.sums)?));
            versus.difference.value = points;
            return versus;
        };
        versus.difference.value = Ok(found.difference);
        versus.lift.value = found.lift();
        versus.lift_standard_error = found.lift_standard_error();
        match self.question.method {
            Method::Sequential if self.kind.is_quantile() => self.by_ranks(&mut versus, [baseline, arm], &level),
            Method::Frequentist => self.at_fixed_horizon(&mut versus, [baseline, arm], adjusted.as_ref(), &level),
            Method::Sequential => {
                let live = self.maturity == Maturity::Live;
                let judged = if live { found.accruing(self.share, !self.is_ratio()) } else { found };
                self.at_any_time(&mut versus, [baseline, arm], &judged);
            }
            Method::Bayesian => self.as_probabilities(&mut versus, [baseline, arm], &found),
        }
        // What is no effect decides nothing about harm either.
        let (causal, anytime) = (versus.causal, versus.anytime);
        if let Some(guardrail) = versus.guardrail.as_mut().filter(|_| !causal.holds || anytime == BY_SIZES) {
            let reason = if causal.holds { anytime.reason } else { causal.reason };
            (guardrail.harm, guardrail.reason) = (Harm::Undecided, Some(reason));
        }
        versus
    }

    /// Judges an arm against the baseline within strata of constant weights.
    fn within(&self, strata: &Strata, sides: [&Side<'_>; 2]) -> Versus {
        let (what, arms) = ((self.metric, self.maturity), sides.map(|side| side.arm));
        let cuped = self.cuped && !self.is_ratio() && !self.kind.is_quantile();
        let gap_of = |cuped, accrued| strata.gap(self.question.definition, what, arms, (cuped, accrued));
        let found = gap_of(cuped, None);
        let gap = found.map(|found| found.gap);
        let mut versus = Versus {
            expected_contributors: self.share * strata.smallest(what, arms),
            gap,
            judged_gap: gap,
            ..self.nothing(gap.err().unwrap_or(Undefined::NotOfThisMethod))
        };
        let (Ok(found), Ok(level)) = (found, self.level) else { return versus };
        versus.difference.value = Ok(found.gap.difference);
        versus.lift.value = found.gap.lift();
        versus.lift_standard_error = found.gap.lift_standard_error();
        if cuped
            && let (Ok(plain), Some(theta)) =
                (gap_of(false, None), adjusted_gap(self.kind, sides[0].sums, sides[1].sums))
        {
            // Each stratum has a coefficient of its own; told is that of all persons.
            versus.cuped = Some(Cuped { theta: theta.theta, variance_saved: saved(&plain.gap, &found.gap) });
        }
        match self.question.method {
            Method::Frequentist => self.of_one_reading(&mut versus, found.compare(&level), &level),
            Method::Sequential if self.kind.is_quantile() => {
                self.of_one_reading(&mut versus, found.compare(&level), &level);
                withhold(&mut versus);
            }
            Method::Sequential => {
                let live = self.maturity == Maturity::Live;
                let judged = if live { gap_of(cuped, Some(self.share)) } else { Ok(found) };
                if let Ok(judged) = judged {
                    self.at_any_time(&mut versus, sides, &judged.careful);
                }
            }
            Method::Bayesian => self.as_probabilities(&mut versus, sides, &found.gap),
        }
        versus
    }

    /// A comparison of which every number is missing.
    fn nothing(&self, reason: Undefined) -> Versus {
        let missing = Value { value: Err(reason), interval: Err(reason) };
        let (no_chance, no_test) = match self.question.method {
            Method::Sequential => (Undefined::SequentialGivesNoProbability, reason),
            Method::Frequentist => (Undefined::FrequentistGivesNoProbability, reason),
            Method::Bayesian => (reason, Undefined::BayesianGivesNoTest),
        };
        Versus {
            method: self.question.method,
            inference: Inference::Nothing,
            anytime: NOTHING_YET,
            causal: causal(self.question),
            expected_contributors: 0.0,
            difference: missing,
            lift: missing,
            lift_bounds: Bounds::none(reason),
            lift_fieller: Err(reason),
            test: Err(reason),
            sequential: Err(reason),
            converters: None,
            converters_within: Vec::new(),
            posterior: Err(reason),
            rates: None,
            lift_standard_error: Err(reason),
            p_value: Err(no_test),
            p_value_adjusted: Err(no_test),
            log_e_value: Err(Undefined::NotOfThisMethod),
            adjusted: None,
            chance_to_beat: Err(no_chance),
            expected_loss: Err(no_chance),
            guardrail: self.max_harm.map(|max_harm| Guardrail {
                max_harm,
                margin: Err(reason),
                harm: Harm::Undecided,
                reason: None,
            }),
            cuped: None,
            gap: Err(reason),
            judged_gap: Err(reason),
            response: None,
            verdict: (Verdict::NoData, None),
        }
    }

    fn is_ratio(&self) -> bool {
        self.kind.is_ratio()
    }

    fn more_is_better(&self) -> bool {
        self.goal == Goal::Increase
    }

    fn at_fixed_horizon(
        &self,
        versus: &mut Versus,
        [baseline, arm]: [&Side<'_>; 2],
        adjusted: Option<&AdjustedGap>,
        level: &Level,
    ) {
        let comparison = match adjusted {
            Some(adjusted) => Ok(compare_gap(adjusted, level)),
            None => baseline.estimate.and_then(|baseline| compare_at(&baseline, &arm.estimate?, level)),
        };
        if let Ok(comparison) = comparison {
            self.of_one_reading(versus, comparison, level);
        }
    }

    fn of_one_reading(&self, versus: &mut Versus, comparison: Comparison, level: &Level) {
        versus.inference = if self.kind.is_quantile() { Inference::Quantiles } else { Inference::FixedHorizon };
        versus.anytime = ONE_READING;
        versus.difference.interval = comparison.test.map(|test| test.interval);
        versus.lift.value = comparison.lift.map(|lift| lift.value);
        versus.lift.interval = comparison.lift.map(|lift| lift.interval);
        versus.lift_bounds = versus.lift.interval.into();
        versus.lift_standard_error = comparison.lift.map(|lift| lift.standard_error);
        versus.lift_fieller = comparison.lift_fieller;
        versus.test = comparison.test;
        versus.p_value = comparison.test.map(|test| test.p_value);
        versus.p_value_adjusted = versus.p_value;
        if let (Some(guardrail), Ok(gap)) = (&mut versus.guardrail, versus.gap) {
            let freedom = comparison.test.map(|test| test.degrees_of_freedom);
            let (max_harm, confidence) = (guardrail.max_harm, level.confidence());
            guardrail.margin =
                freedom.and_then(|df| fixed_guardrail(&gap, df, max_harm, self.more_is_better(), confidence));
            guardrail.harm = guardrail.margin.map_or(Harm::Undecided, |margin| margin.harm);
        }
    }

    /// A quantile has no test that holds at any time here, so under the method `sequential` it is told as of one reading,
    /// and nothing follows from it.
    fn by_ranks(&self, versus: &mut Versus, sides: [&Side<'_>; 2], level: &Level) {
        self.at_fixed_horizon(versus, sides, None, level);
        withhold(versus);
    }
}

/// What is told as of one reading gives no state of a guardrail where answers are read at any time.
fn withhold(versus: &mut Versus) {
    if let Some(guardrail) = &mut versus.guardrail {
        (guardrail.harm, guardrail.reason) = (Harm::Undecided, Some(ONE_READING.reason));
    }
}

/// The difference of two arms with the covariate taken out, where the kind of metric has one. See [`MetricKind::has_covariate`].
pub(super) fn adjusted_gap(kind: &MetricKind, baseline: &Moments, arm: &Moments) -> Option<AdjustedGap> {
    if !kind.has_covariate() {
        return None;
    }
    if kind.is_ratio() {
        return adjust_ratios(&RatioCovariateSums::from(baseline), &RatioCovariateSums::from(arm)).ok();
    }
    let (baseline, arm) = (CovariateSums::from(baseline), CovariateSums::from(arm));
    let theta = Theta::within_arms(&[baseline, arm]);
    theta.value()?;
    adjust(&baseline, &arm, &theta).ok()
}

fn saved(plain: &Gap, adjusted: &Gap) -> Option<f64> {
    let (plain, adjusted) = (plain.difference_variance().ok()?, adjusted.difference_variance().ok()?);
    (plain > 0.0).then(|| 1.0 - adjusted / plain)
}
