//! How does an arm compare? One difference, three methods.

use journey::{CrossoverPolicy, Goal, Method, MetricKind, UNIT};

use super::gate::{CONTRIBUTORS, GUARDRAIL_CONTRIBUTORS, LIVE_CONTRIBUTORS};
use super::kpi::{Value, point};
use super::versus::{Claim, Cuped, Guardrail, Inference, Versus};
use super::{Maturity, Question, Verdict};
use crate::inference::{
    AdjustedGap, Bounds, CovariateSums, Estimate, Gap, Harm, Interval, Level, Prior, RatePosterior, Theta, Tuning,
    Undefined, adjust, compare_at, compare_gap, compare_rates, exact_converters, fixed_guardrail, posterior,
    sequential, sequential_guardrail, tolerated_lift,
};
use crate::moments::Moments;

/// An arm of one metric in one reading.
pub(super) struct Side<'a> {
    pub(super) sums: &'a Moments,
    pub(super) estimate: Result<Estimate, Undefined>,
    /// The arm's weight in the assignment.
    pub(super) weight: f64,
}

/// What a comparison is judged under.
pub(super) struct Judge<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) kind: &'a MetricKind,
    pub(super) goal: Goal,
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

pub(super) const BY_SEQUENCE: Claim =
    Claim::yes("a confidence sequence: wrong at any moment at most as often as stated");
const BY_DRAWS: Claim =
    Claim::yes("an exact test of whose converters they are: wrong at any moment at most as often as stated");
pub(super) const ONE_READING: Claim =
    Claim::no("holds for one reading at a time fixed beforehand; read often, it finds what is not there");
pub(super) const TOO_FEW: Claim = Claim::no(
    "fewer than 25 contributors are expected in the smaller arm so far, too few to promise anything for every moment",
);
pub(super) const TOO_FEW_LIVE: Claim = Claim::no(
    "values still move while windows close, and fewer than 100 contributors are expected in the smaller arm: not proven \
     for every moment",
);
const NOTHING_YET: Claim = Claim::no("there is nothing to judge yet");
const RANDOMISED: Claim = Claim::yes("randomised groups, on a quantity defined for everyone exposed");
const BLOCKED: Claim = Claim::no("a blocking check failed: the groups may differ for other reasons than the arms");
const EXCLUDED: Claim =
    Claim::no("who crosses over is decided after the exposure, so leaving these persons out compares unlike groups");

/// Degrees of freedom at which Student's t is the normal distribution to the last digit that is told.
const NORMAL: f64 = 1e12;

/// Whether a difference is an effect.
pub(super) fn causal(question: &Question<'_>) -> Claim {
    if question.blocked {
        BLOCKED
    } else if question.policy == CrossoverPolicy::Exclude {
        EXCLUDED
    } else {
        RANDOMISED
    }
}

impl Judge<'_> {
    /// Judges an arm against the baseline.
    pub(super) fn versus(&self, baseline: &Side<'_>, arm: &Side<'_>) -> Versus {
        let plain = baseline.estimate.and_then(|baseline| Gap::between(&baseline, &arm.estimate?));
        let covariate = self.cuped && !self.is_ratio() && !matches!(self.kind, MetricKind::Quantile { .. });
        let adjusted = if covariate { adjusted(baseline.sums, arm.sums) } else { None };
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
            Method::Sequential => self.at_any_time(&mut versus, [baseline, arm], &found),
            Method::Bayesian => self.as_probabilities(&mut versus, [baseline, arm], &found),
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
            verdict: (Verdict::NoData, None),
        }
    }

    fn is_ratio(&self) -> bool {
        matches!(self.kind, MetricKind::Ratio { .. } | MetricKind::Clv { .. })
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
        let Ok(comparison) = comparison else { return };
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
        if let Some(guardrail) = &mut versus.guardrail {
            (guardrail.harm, guardrail.reason) = (Harm::Undecided, Some(ONE_READING.reason));
        }
    }

    fn at_any_time(&self, versus: &mut Versus, [baseline, arm]: [&Side<'_>; 2], gap: &Gap) {
        let confidence = self.question.confidence;
        let live = self.maturity == Maturity::Live;
        let gap = &if live { gap.accruing(self.share, !self.is_ratio()) } else { *gap };
        versus.judged_gap = Ok(*gap);
        let judged = self.tuning.and_then(|tuning| sequential(gap, &tuning, confidence));
        let test = judged.and_then(|judged| judged.test);
        versus.sequential = test;
        versus.test = Err(Undefined::NotOfThisMethod);
        versus.posterior = Err(Undefined::NotOfThisMethod);
        let few = versus.expected_contributors < CONTRIBUTORS;
        if self.kind.is_binary() && (live || few || test.is_err()) {
            return self.by_converters(versus, baseline, arm);
        }
        versus.inference = Inference::ConfidenceSequence;
        versus.anytime = match (live, versus.expected_contributors) {
            _ if test.is_err() => NOTHING_YET,
            (false, e) if e < CONTRIBUTORS => TOO_FEW,
            (true, e) if e < LIVE_CONTRIBUTORS => TOO_FEW_LIVE,
            _ => BY_SEQUENCE,
        };
        versus.difference.interval = test.map(|test| test.interval);
        versus.lift_bounds = match judged {
            Ok(judged) => judged.lift_bounds(),
            Err(reason) => Bounds::none(reason),
        };
        versus.lift.interval = versus.lift_bounds.interval();
        versus.lift_fieller = judged.and_then(|judged| judged.lift);
        versus.p_value = test.map(|test| test.p_value);
        versus.p_value_adjusted = versus.p_value;
        versus.log_e_value = test.map(|test| test.log_e_value);
        let (Some(guardrail), Ok(tuning)) = (&mut versus.guardrail, self.tuning) else { return };
        let margin = sequential_guardrail(gap, &tuning, guardrail.max_harm, self.more_is_better(), confidence);
        guardrail.margin = margin;
        let claim = match (live, versus.expected_contributors) {
            (false, e) if e < GUARDRAIL_CONTRIBUTORS => {
                Some("fewer than 10 contributors are expected in the smaller arm so far")
            }
            (true, e) if e < LIVE_CONTRIBUTORS => Some(TOO_FEW_LIVE.reason),
            _ => None,
        };
        guardrail.reason = claim;
        guardrail.harm = match (claim, margin) {
            (None, Ok(margin)) => margin.harm,
            _ => Harm::Undecided,
        };
    }

    /// By whose converters they are; see [`exact_converters`].
    fn by_converters(&self, versus: &mut Versus, baseline: &Side<'_>, arm: &Side<'_>) {
        let converted =
            |sums: &Moments| u64::try_from(sums.y / ethnum::I256::from(UNIT)).map_err(|_| Undefined::ImpossibleSums);
        let exact = converted(baseline.sums).and_then(|control| {
            let treatment = converted(arm.sums)?;
            exact_converters(control, treatment, [baseline.weight, arm.weight], self.question.confidence)
        });
        versus.inference = Inference::ExactConverters;
        versus.anytime = if exact.is_ok() { BY_DRAWS } else { NOTHING_YET };
        versus.cuped = None;
        versus.difference.interval = Err(exact.err().unwrap_or(Undefined::BoundsLiftOnly));
        versus.lift_bounds = match exact {
            Ok(exact) => exact.lift,
            Err(reason) => Bounds::none(reason),
        };
        versus.lift.interval = versus.lift_bounds.interval();
        versus.lift_fieller = Err(Undefined::NotOfThisMethod);
        versus.converters = exact.ok();
        versus.p_value = exact.map(|exact| exact.p_value);
        versus.p_value_adjusted = versus.p_value;
        versus.log_e_value = exact.map(|exact| exact.log_e_value);
        // The points are those of the persons, whatever was taken out before.
        if let (Ok(baseline), Ok(arm)) = (baseline.estimate, arm.estimate)
            && let Ok(gap) = Gap::between(&baseline, &arm)
        {
            (versus.gap, versus.judged_gap) = (Ok(gap), Ok(gap));
            (versus.difference.value, versus.lift.value) = (Ok(gap.difference), gap.lift());
        }
        if let Some(guardrail) = &mut versus.guardrail {
            guardrail.margin = Err(exact.err().unwrap_or(Undefined::BoundsLiftOnly));
            let (edge, bounds) = (tolerated_lift(guardrail.max_harm, self.more_is_better()), versus.lift_bounds);
            let above = bounds.low.is_ok_and(|low| low > edge);
            let below = bounds.high.is_ok_and(|high| high < edge);
            let (safe, harmed) = if self.more_is_better() { (above, below) } else { (below, above) };
            guardrail.harm = match (safe, harmed) {
                (true, _) => Harm::Safe,
                (_, true) => Harm::Harmed,
                _ => Harm::Undecided,
            };
        }
    }

    fn as_probabilities(&self, versus: &mut Versus, [baseline, arm]: [&Side<'_>; 2], gap: &Gap) {
        let (prior, confidence) = (&self.question.prior, self.question.confidence);
        let error = gap.difference_variance().map(f64::sqrt);
        let base = gap.base.abs();
        let of_difference = match *prior {
            Prior::Flat => Prior::Flat,
            Prior::Normal { mean, standard_deviation } => {
                Prior::Normal { mean: mean * base, standard_deviation: standard_deviation * base }
            }
        };
        let difference = error.and_then(|error| posterior(gap.difference, error, &of_difference, confidence));
        let lift = gap.lift().and_then(|lift| posterior(lift, gap.lift_standard_error()?, prior, confidence));
        let interval = |posterior: Result<crate::inference::Posterior, Undefined>| -> Result<Interval, Undefined> {
            posterior.map(|posterior| posterior.interval)
        };
        versus.inference = Inference::NormalPosterior;
        versus.anytime = ONE_READING;
        versus.test = Err(Undefined::NotOfThisMethod);
        versus.sequential = Err(Undefined::NotOfThisMethod);
        versus.difference = Value { value: Ok(gap.difference), interval: interval(difference) };
        if let Ok(posterior) = difference {
            versus.difference.value = Ok(posterior.mean);
        }
        versus.lift = Value { value: lift.map(|posterior| posterior.mean), interval: interval(lift) };
        versus.lift_bounds = versus.lift.interval.into();
        versus.lift_fieller = Err(Undefined::NotOfThisMethod);
        // Without a lift a flat prior on it is a flat prior on the difference.
        let judged = lift.or_else(|reason| if *prior == Prior::Flat { difference } else { Err(reason) });
        versus.posterior = judged;
        let more = self.more_is_better();
        versus.chance_to_beat =
            judged.map(|posterior| if more { posterior.chance_above } else { posterior.chance_below });
        versus.expected_loss =
            lift.map(|posterior| if more { posterior.loss_if_shipped } else { posterior.loss_if_kept });
        if let (Some(rates), None) = (self.rates([baseline, arm]), versus.cuped) {
            versus.inference = Inference::ExactRates;
            versus.rates = Some(rates);
            let (chance, loss) = if more {
                (rates.chance_above, rates.loss_if_shipped)
            } else {
                (rates.chance_below, rates.loss_if_kept)
            };
            versus.chance_to_beat = Ok(chance);
            versus.expected_loss = Ok(loss / rates.control_mean);
        }
        if let Some(guardrail) = &mut versus.guardrail
            && *prior == Prior::Flat
        {
            // With a flat prior the posterior's one-sided bounds are those of the normal test.
            let margin = fixed_guardrail(gap, NORMAL, guardrail.max_harm, more, confidence);
            guardrail.margin = margin;
            guardrail.harm = margin.map_or(Harm::Undecided, |margin| margin.harm);
        }
    }

    /// Both rates by beta distributions, which stand for a flat prior only.
    fn rates(&self, sides: [&Side<'_>; 2]) -> Option<RatePosterior> {
        if !self.kind.is_binary() || self.question.prior != Prior::Flat {
            return None;
        }
        let [control, treatment] = sides.map(|side| {
            let converted = u64::try_from(side.sums.y / ethnum::I256::from(UNIT)).ok()?;
            Some((converted, u64::try_from(side.sums.n).ok()?))
        });
        compare_rates(control?, treatment?).ok()
    }
}

fn adjusted(baseline: &Moments, arm: &Moments) -> Option<AdjustedGap> {
    let (baseline, arm) = (CovariateSums::from(baseline), CovariateSums::from(arm));
    let theta = Theta::within_arms(&[baseline, arm]);
    theta.value()?;
    adjust(&baseline, &arm, &theta).ok()
}

fn saved(plain: &Gap, adjusted: &Gap) -> Option<f64> {
    let (plain, adjusted) = (plain.difference_variance().ok()?, adjusted.difference_variance().ok()?);
    (plain > 0.0).then(|| 1.0 - adjusted / plain)
}
