//! How much more value and cost does a person of the arm bring, and what is the one for the other? Differences of two means of
//! the same persons, with their covariance.

use ethnum::I256;
use journey::{Method, MetricKind, UNIT};

use super::super::claims::ONE_READING;
use super::super::gate::contributing_share;
use super::super::kpi::Setting;
use super::super::versus::Claim;
use super::{Number, Question};
use crate::inference::{
    Bounds, Estimate, FiellerSet, Gap, Interval, Quotient, Undefined, fieller, finite, mean, two_sided_width,
    welch_degrees_of_freedom,
};
use crate::moments::Moments;

/// Value and cost of a person, in an arm beyond the baseline.
pub(super) struct Differences {
    value: Gap,
    cost: Gap,
    /// The covariance of the two differences: the arm's part and the baseline's.
    covariance: [f64; 2],
    /// Half the width of intervals, in standard errors.
    critical: f64,
    /// Whether the larger of Welch's and the pooled standard error counts.
    pooled_too: bool,
}

/// Mean value and cost of an arm.
struct Joint {
    value: Estimate,
    cost: Estimate,
    covariance: f64,
}

impl Joint {
    fn of(sums: &Moments) -> Result<Self, Undefined> {
        let flows = sums.net.as_deref().ok_or(Undefined::NoPersons)?;
        let value = mean(sums.n, flows.value, flows.value_squares)?;
        let cost = mean(sums.n, flows.cost, flows.cost_squares)?;
        let n = I256::from(sums.n);
        let product = |a: I256, b: I256| a.checked_mul(b).ok_or(Undefined::OutOfRange);
        let spread = product(n, flows.value_cost)?
            .checked_sub(product(flows.value, flows.cost)?)
            .ok_or(Undefined::OutOfRange)?;
        let (persons, unit) = (sums.n as f64, UNIT as f64);
        let covariance = finite(spread.as_f64() / unit / unit / (persons * persons * (persons - 1.0)))?;
        Ok(Self { value, cost, covariance })
    }
}

impl Differences {
    /// Of the sums of baseline and arm. `live`: values still accrue, so that squares about zero count, see [`Gap::accruing`].
    pub(super) fn between(
        question: &Question<'_>,
        setting: &Setting,
        kind: &MetricKind,
        [baseline, arm]: [&Moments; 2],
        live: bool,
    ) -> Result<Self, Undefined> {
        let (control, treatment) = (Joint::of(baseline)?, Joint::of(arm)?);
        let mut found = Self {
            value: Gap::between(&control.value, &treatment.value)?,
            cost: Gap::between(&control.cost, &treatment.cost)?,
            covariance: [treatment.covariance, control.covariance],
            critical: 0.0,
            pooled_too: question.method == Method::Sequential,
        };
        let level = setting.level?;
        found.critical = match question.method {
            Method::Sequential => {
                if live {
                    let share = contributing_share(kind, &[baseline, arm]);
                    let about_zero =
                        |of: &Joint| of.value.value() * of.cost.value() / (of.value.persons() as f64 - 1.0);
                    found.covariance[0] += about_zero(&treatment);
                    found.covariance[1] += about_zero(&control);
                    found.value = found.value.accruing(share, true);
                    found.cost = found.cost.accruing(share, true);
                }
                let time = found.value.time();
                if time <= 0.0 {
                    return Err(Undefined::NoVariance);
                }
                two_sided_width(time, setting.tuning?.rho(), level.alpha())
            }
            Method::Frequentist => {
                let freedom = welch_degrees_of_freedom(&control.value, &treatment.value)
                    .or_else(|_| welch_degrees_of_freedom(&control.cost, &treatment.cost))?;
                level.student(freedom)?
            }
            Method::Bayesian => level.normal(),
        };
        Ok(found)
    }

    /// Value more for a person.
    pub(super) fn value(&self) -> Number {
        self.of_one(&self.value)
    }

    /// Cost more for a person. Where nobody's cost differs from that of others it is known without error.
    pub(super) fn cost(&self) -> Number {
        self.of_one(&self.cost)
    }

    fn of_one(&self, gap: &Gap) -> Number {
        let half = || {
            let welch = gap.difference_variance()?;
            let variance = if self.pooled_too { welch.max(gap.pooled().difference_variance()?) } else { welch };
            finite(self.critical * variance.sqrt())
        };
        let interval = half().and_then(|half| {
            Ok(Interval { low: finite(gap.difference - half)?, high: finite(gap.difference + half)? })
        });
        Number {
            value: Ok(gap.difference),
            bounds: interval.into(),
            method: if self.pooled_too { "confidence_sequence" } else { "fixed_horizon" },
            anytime: ONE_READING,
            causal: ONE_READING,
        }
    }

    /// `margin × value / (cost + lump) - 1`, with Fieller's set. Nothing is told where the cost may be 0.
    pub(super) fn roi(&self, margin: f64, lump: f64) -> Number {
        let found = self.quotient(margin, lump);
        let bounds = found.map_or_else(Bounds::none, |(_, interval)| Bounds::from(Ok(interval)));
        Number {
            value: found.map(|(value, _)| value),
            bounds,
            method: "fieller",
            anytime: ONE_READING,
            causal: ONE_READING,
        }
    }

    fn quotient(&self, margin: f64, lump: f64) -> Result<(f64, Interval), Undefined> {
        let plain = self.as_quotient(margin, lump);
        if plain.denominator <= 0.0 {
            return Err(Undefined::CostMayBeZero);
        }
        let mut set = fieller(&plain, self.critical)?;
        let estimate = plain.numerator / plain.denominator;
        if self.pooled_too {
            set = set.united(&fieller(&self.pooled().as_quotient(margin, lump), self.critical)?, estimate);
        }
        match set.set {
            FiellerSet::Between { low, high } => {
                Ok((finite(estimate - 1.0)?, Interval { low: finite(low - 1.0)?, high: finite(high - 1.0)? }))
            }
            _ => Err(Undefined::CostMayBeZero),
        }
    }

    fn as_quotient(&self, margin: f64, lump: f64) -> Quotient {
        Quotient {
            numerator: margin * self.value.difference,
            numerator_variance: margin * margin * (self.value.variance + self.value.control_variance),
            denominator: self.cost.difference + lump,
            denominator_variance: self.cost.variance + self.cost.control_variance,
            covariance: margin * (self.covariance[0] + self.covariance[1]),
        }
    }

    /// The same with variances and covariances between persons pooled over both arms, see [`Gap::pooled`].
    fn pooled(&self) -> Self {
        let (treatment, control) = (self.value.persons as f64, self.value.control_persons as f64);
        let all = treatment + control;
        Self {
            value: self.value.pooled(),
            cost: self.cost.pooled(),
            covariance: [
                self.covariance[0] * all * (treatment - 1.0) / (control * (all - 2.0)),
                self.covariance[1] * all * (control - 1.0) / (treatment * (all - 2.0)),
            ],
            ..*self
        }
    }
}

/// `above / below` from the ends of both intervals, whatever the covariance of the two; nothing where `below` may be 0.
pub(super) fn of_interval(above: &Number, below: &Number) -> Number {
    let found = || {
        let (low, high) = (below.bounds.low?, below.bounds.high?);
        if low <= 0.0 {
            return Err(Undefined::NoMoreConversions);
        }
        let (least, most) = (above.bounds.low?, above.bounds.high?);
        let value = finite(above.value? / below.value?)?;
        let from = if least >= 0.0 { least / high } else { least / low };
        let to = if most >= 0.0 { most / low } else { most / high };
        Ok((value, Interval { low: finite(from)?, high: finite(to)? }))
    };
    let found = found();
    let claim = |a: Claim, b: Claim| if a.holds { b } else { a };
    Number {
        value: found.map(|(value, _)| value),
        bounds: found.map_or_else(Bounds::none, |(_, interval)| Bounds::from(Ok(interval))),
        method: "ends_of_intervals",
        anytime: claim(above.anytime, below.anytime),
        causal: claim(above.causal, below.causal),
    }
}
