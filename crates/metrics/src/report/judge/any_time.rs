//! How does an arm compare, however often it is read? The confidence sequence, and the exact test of converters.

use journey::UNIT;

use super::super::claims::{BY_DRAWS, BY_SEQUENCE, BY_SIZES, NOTHING_YET, TOO_FEW, TOO_FEW_LIVE};
use super::super::gate::{CONTRIBUTORS, GUARDRAIL_CONTRIBUTORS, LIVE_CONTRIBUTORS};
use super::super::versus::{Inference, Versus};
use super::super::{Maturity, Weights};
use super::{Judge, Side};
use crate::inference::{
    Bounds, ExactConverters, Gap, Harm, Undefined, converters_within, exact_converters, sequential,
    sequential_guardrail, tolerated_lift,
};
use crate::moments::Moments;

impl Judge<'_> {
    /// `gap`: as it is judged, see [`Versus::judged_gap`].
    pub(super) fn at_any_time(&self, versus: &mut Versus, [baseline, arm]: [&Side<'_>; 2], gap: &Gap) {
        let confidence = self.question.confidence;
        let live = self.maturity == Maturity::Live;
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
        let confidence = self.question.confidence;
        let exact = if let Weights::Within(strata) = self.question.weights {
            versus.converters_within = strata.converters((self.metric, self.maturity), [baseline.arm, arm.arm]);
            converters_within(&versus.converters_within, confidence).map(|found| ExactConverters {
                control: found.converters[0],
                treatment: found.converters[1],
                share: found.share,
                log_e_value: found.log_e_value,
                p_value: (-found.log_e_value).exp().clamp(f64::MIN_POSITIVE, 1.0),
                lift: found.lift,
            })
        } else {
            converted(baseline.sums).and_then(|control| {
                let treatment = converted(arm.sums)?;
                exact_converters(control, treatment, [baseline.weight, arm.weight], confidence)
            })
        };
        versus.inference = Inference::ExactConverters;
        versus.anytime = match exact {
            Ok(_) if self.question.weighted => BY_DRAWS,
            Ok(_) => BY_SIZES,
            Err(_) => NOTHING_YET,
        };
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
        let plain = match self.question.weights {
            Weights::Within(strata) => {
                let arms = [baseline.arm, arm.arm];
                let what = (self.metric, self.maturity);
                strata.gap(self.question.definition, what, arms, (false, None)).map(|found| found.gap)
            }
            _ => baseline.estimate.and_then(|baseline| Gap::between(&baseline, &arm.estimate?)),
        };
        if let Ok(gap) = plain {
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
}
