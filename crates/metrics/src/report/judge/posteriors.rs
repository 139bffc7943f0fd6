//! How probable is it that an arm is better? The posterior of the lift, and those of both rates.

use journey::UNIT;

use super::super::Weights;
use super::super::claims::ONE_READING;
use super::super::kpi::Value;
use super::super::versus::{Inference, Versus};
use super::{Judge, NORMAL, Side};
use crate::inference::{
    Gap, Harm, Interval, Prior, RatePosterior, Undefined, compare_rates, fixed_guardrail, posterior,
};

impl Judge<'_> {
    pub(super) fn as_probabilities(&self, versus: &mut Versus, [baseline, arm]: [&Side<'_>; 2], gap: &Gap) {
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
        let within = matches!(self.question.weights, Weights::Within(_));
        if within || !self.kind.is_binary() || self.question.prior != Prior::Flat {
            return None;
        }
        let [control, treatment] = sides.map(|side| {
            let converted = u64::try_from(side.sums.y / ethnum::I256::from(UNIT)).ok()?;
            Some((converted, u64::try_from(side.sums.n).ok()?))
        });
        compare_rates(control?, treatment?).ok()
    }
}
