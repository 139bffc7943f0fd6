//! Do segments respond differently, by how much once chance is taken out, and may one be called the best?
//!
//! The segments of a pre-exposure dimension each have a lift of their own, and the largest of ten is large even where
//! there is nothing: the best of ten segments without any effect passes 1.96 standard errors in 23 % of experiments.
//! So three answers, each with its own caution: whether there is more spread than chance makes (Cochran's Q), each
//! segment's lift pulled towards the common one by as much as it is noise (empirical Bayes), and a winner only where it
//! beats all the others together after Holm's correction.

use journey::Goal;

use super::adjust::holm;
use super::tails::{chi_square_sf, normal_sf};
use super::undefined::{Undefined, finite, miss_rate};
use crate::numeric::root;

/// The effect in a segment: a lift, or any estimate with an independent, about normal error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub value: f64,
    /// Its standard error; positive.
    pub standard_error: f64,
}

/// A segment beside the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// The effect as it was measured.
    pub measured: Effect,
    /// The effect after shrinking: what to expect of the segment in future.
    pub shrunken: Effect,
    /// The share of the measured distance from the common effect that was kept, between 0 and 1.
    pub kept: f64,
    /// The measured effect less the common effect of all other segments.
    pub versus_rest: Effect,
    /// The two-sided p-value of that difference.
    pub p_value: f64,
    /// The same after Holm's correction over the segments of the dimension.
    pub p_value_adjusted: f64,
}

/// The segments of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Segments {
    /// Cochran's statistic: the squared distances from the common effect, in variances.
    pub q: f64,
    /// Segments with an effect, less one.
    pub degrees_of_freedom: u32,
    /// The probability of so much spread if all segments had one effect.
    pub p_value: f64,
    /// The share of the spread beyond chance, `max(0, (Q - df) / Q)` (Higgins and Thompson 2002).
    pub i_squared: f64,
    /// The standard deviation of the true effects between segments.
    pub between: f64,
    /// The common effect of a distribution of effects of that spread.
    pub common: Effect,
    /// In the order of the input; none where a segment has no effect.
    pub segments: Vec<Option<Segment>>,
    /// The segment that responded best, where one may be named.
    pub best: Option<usize>,
}

/// Compares the effects of the segments of one dimension.
///
/// With effects `e_i` of variance `v_i` and weights `w_i = 1 / v_i`:
///
/// - heterogeneity (Cochran 1954): `Q = sum w_i (e_i - m)^2`, `m = sum w_i e_i / sum w_i`; chi-square with `k - 1`
///   degrees of freedom if all effects are one;
/// - the variance `t2` of true effects between segments is the one at which `sum (e_i - m_t)^2 / (v_i + t2) = k - 1`,
///   `m_t` weighted by `1 / (v_i + t2)`; zero where `Q <= k - 1` (Paule and Mandel 1982; Morris, JASA 1983);
/// - shrunken effect (empirical Bayes): `m_t + B_i (e_i - m_t)`, `B_i = t2 / (t2 + v_i)`, variance `B_i v_i + (1 -
///   B_i)^2 / sum 1 / (v_i + t2)`: that of the posterior with the uncertainty of `m_t`, without that of `t2`;
/// - against the rest: `e_i` less the mean of the others weighted by `w`, normal two-sided, Holm over *all* segments of
///   the input, those without an effect counting as p = 1.
///
/// `best` is the segment with the best shrunken effect among those whose adjusted p-value is below `1 - confidence` and
/// which lie on the good side of the rest.
///
/// Conditions: segments were known before the exposure and hold different persons; at least two have an effect
/// ([`Undefined::FewerThanTwoSegments`]); errors are about normal. Valid for one reading, not for many.
pub fn compare_segments(effects: &[Option<Effect>], goal: Goal, confidence: f64) -> Result<Segments, Undefined> {
    let alpha = miss_rate(confidence)?;
    let present: Vec<Effect> = effects.iter().flatten().copied().collect();
    for effect in &present {
        finite(effect.value)?;
        if !(effect.standard_error > 0.0 && effect.standard_error.is_finite()) {
            return Err(Undefined::NoVariance);
        }
    }
    let Some(k) = u32::try_from(present.len()).ok().filter(|k| *k >= 2) else {
        return Err(Undefined::FewerThanTwoSegments);
    };
    let degrees_of_freedom = k - 1;
    // In units of the smallest standard error squares neither vanish nor overflow.
    let unit = present.iter().map(|effect| effect.standard_error).fold(f64::INFINITY, f64::min);
    let scaled: Vec<(f64, f64)> =
        present.iter().map(|effect| (effect.value / unit, (effect.standard_error / unit).powi(2))).collect();
    let q = finite(spread(&scaled, 0.0))?;
    let between = between(&scaled, f64::from(degrees_of_freedom), q)?;
    let (common, weight) = weighted(&scaled, between);
    let versus = against_rests(effects, unit)?;
    let adjusted = holm(&versus.iter().map(|found| found.map(|(_, p)| p)).collect::<Vec<_>>());
    let segments: Vec<Option<Segment>> = effects
        .iter()
        .zip(versus)
        .zip(adjusted)
        .map(|((effect, versus), adjusted)| {
            let (measured, (versus_rest, p_value)) = ((*effect)?, versus?);
            let (value, variance) = (measured.value / unit, (measured.standard_error / unit).powi(2));
            let kept = between / (between + variance);
            let shrunken = Effect {
                value: unit * (common + kept * (value - common)),
                standard_error: unit * (kept * variance + (1.0 - kept).powi(2) / weight).sqrt(),
            };
            Some(Segment { measured, shrunken, kept, versus_rest, p_value, p_value_adjusted: adjusted? })
        })
        .collect();
    let common = Effect { value: finite(unit * common)?, standard_error: finite(unit * weight.sqrt().recip())? };
    Ok(Segments {
        q,
        degrees_of_freedom,
        p_value: chi_square_sf(q, degrees_of_freedom).ok_or(Undefined::OutOfRange)?,
        i_squared: if q > 0.0 { ((q - f64::from(degrees_of_freedom)) / q).max(0.0) } else { 0.0 },
        between: finite(unit * between.sqrt())?,
        common,
        best: best(&segments, goal, alpha),
        segments,
    })
}

/// The mean of the effects and the sum of the weights `1 / (v + between)`.
fn weighted(effects: &[(f64, f64)], between: f64) -> (f64, f64) {
    let weight: f64 = effects.iter().map(|(_, variance)| 1.0 / (variance + between)).sum();
    let sum: f64 = effects.iter().map(|(value, variance)| value / (variance + between)).sum();
    (sum / weight, weight)
}

/// The squared distances from the mean in units of `v + between`.
fn spread(effects: &[(f64, f64)], between: f64) -> f64 {
    let (mean, _) = weighted(effects, between);
    effects.iter().map(|(value, variance)| (value - mean).powi(2) / (variance + between)).sum()
}

/// The variance between segments at which the spread is what chance makes.
fn between(effects: &[(f64, f64)], expected: f64, q: f64) -> Result<f64, Undefined> {
    if q <= expected {
        return Ok(0.0);
    }
    // With this much between them even the plain squared distances are no more than expected.
    let (mean, _) = weighted(effects, 0.0);
    let most: f64 = finite(effects.iter().map(|(value, _)| (value - mean).powi(2)).sum::<f64>())?;
    root(|between| spread(effects, between) - expected, 0.0, most, 1e-13).ok_or(Undefined::OutOfRange)
}

/// Each effect less the mean of all others, weighted by `1 / v`, with the two-sided p-value of that difference; none where
/// there is no effect. `unit`: what values are measured in, so that squares neither vanish nor overflow.
///
/// The sums over all others are those of the effects before plus those after, in as many steps as there are effects: taking one
/// from the total would cancel where one effect is far better known than the rest.
pub(super) fn against_rests(effects: &[Option<Effect>], unit: f64) -> Result<Vec<Option<(Effect, f64)>>, Undefined> {
    let add = |(weights, sum): (f64, f64), effect: &Option<Effect>| {
        let Some(effect) = effect else { return (weights, sum) };
        let weight = (effect.standard_error / unit).powi(2).recip();
        (weights + weight, weight.mul_add(effect.value / unit, sum))
    };
    let mut after: Vec<(f64, f64)> = effects
        .iter()
        .rev()
        .scan((0.0, 0.0), |sums, effect| {
            let behind = *sums;
            *sums = add(*sums, effect);
            Some(behind)
        })
        .collect();
    after.reverse();
    let mut before = (0.0, 0.0);
    let mut found = Vec::with_capacity(effects.len());
    for (effect, after) in effects.iter().zip(after) {
        let (weight, sum) = (before.0 + after.0, before.1 + after.1);
        before = add(before, effect);
        let Some(effect) = effect else {
            found.push(None);
            continue;
        };
        let difference = effect.value / unit - sum / weight;
        let error = ((effect.standard_error / unit).powi(2) + 1.0 / weight).sqrt();
        let tail = normal_sf(finite(difference / error)?.abs()).ok_or(Undefined::OutOfRange)?;
        let versus = Effect { value: finite(unit * difference)?, standard_error: finite(unit * error)? };
        found.push(Some((versus, (2.0 * tail).min(1.0))));
    }
    Ok(found)
}

fn best(segments: &[Option<Segment>], goal: Goal, alpha: f64) -> Option<usize> {
    let candidates = segments
        .iter()
        .map(|segment| segment.map(|found| (found.p_value_adjusted, found.versus_rest.value, found.shrunken.value)));
    best_of(candidates, goal, alpha)
}

/// The place of the best among candidates of an adjusted p-value, a distance from the rest and a shrunken effect.
pub(super) fn best_of(
    candidates: impl Iterator<Item = Option<(f64, f64, f64)>>,
    goal: Goal,
    alpha: f64,
) -> Option<usize> {
    let sign = if goal == Goal::Increase { 1.0 } else { -1.0 };
    candidates
        .enumerate()
        .filter_map(|(index, found)| found.map(|(p, distance, shrunken)| (index, p, sign * distance, sign * shrunken)))
        .filter(|(_, p, distance, _)| *p < alpha && *distance > 0.0)
        .max_by(|left, right| left.3.total_cmp(&right.3))
        .map(|(index, ..)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use crate::random::Random;
    use proptest::prelude::*;

    #[expect(clippy::unnecessary_wraps, reason = "a segment may have none")]
    fn effect(value: f64, standard_error: f64) -> Option<Effect> {
        Some(Effect { value, standard_error })
    }

    /// By the definition, one by one: also where one effect is known far better than all others.
    #[test]
    fn each_against_all_others() {
        let mut random = Random::new(9);
        let mut effects: Vec<Option<Effect>> = (0..40)
            .map(|at| {
                let found = effect(random.normal(), 10f64.powf(4.0 * random.uniform() - 2.0));
                if at % 7 == 3 { None } else { found }
            })
            .collect();
        effects[5] = effect(0.3, 1e-9);
        let found = against_rests(&effects, 1e-9).unwrap();
        for (at, versus) in found.iter().enumerate() {
            let Some(own) = effects[at] else {
                assert!(versus.is_none());
                continue;
            };
            let others = effects.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, other)| *other);
            let weighed: Vec<(f64, f64)> = others.map(|other| (other.value, other.standard_error.powi(-2))).collect();
            let weight: f64 = weighed.iter().map(|(_, weight)| weight).sum();
            let rest = weighed.iter().map(|(value, weight)| value * weight).sum::<f64>() / weight;
            let versus = versus.unwrap().0;
            assert!((versus.value - (own.value - rest)).abs() < 1e-12, "{at}");
            close(versus.standard_error, (own.standard_error.powi(2) + 1.0 / weight).sqrt(), 1e-9);
        }
    }

    /// Source: statsmodels 0.15.0, `meta_analysis.combine_effects` with `method_re="iterated"` (Paule and Mandel).
    #[test]
    fn reference() {
        let effects =
            [effect(0.12, 0.03), effect(0.02, 0.05), effect(-0.04, 0.04), effect(0.31, 0.06), effect(0.08, 0.02)];
        let found = compare_segments(&effects, Goal::Increase, 0.95).unwrap();
        let [q, p, tau_squared, mean, error] = STATSMODELS;
        close(found.q, q, 1e-12);
        close(found.p_value, p, 1e-11);
        close(found.between.powi(2), tau_squared, 1e-6);
        close(found.common.value, mean, 1e-6);
        close(found.common.standard_error, error, 1e-6);
        close(found.i_squared, 1.0 - 4.0 / q, 1e-12);
        assert_eq!(found.best, Some(3));
        // By hand: the fourth against the others, and Holm over five.
        let best = found.segments[3].unwrap();
        let weights = [0.03f64, 0.05, 0.04, 0.02].map(|error| error.powi(-2));
        let weight: f64 = weights.iter().sum();
        let rest = weights.iter().zip([0.12, 0.02, -0.04, 0.08]).map(|(w, e)| w * e).sum::<f64>() / weight;
        close(best.versus_rest.value, 0.31 - rest, 1e-12);
        close(best.versus_rest.standard_error, (0.0036 + 1.0 / weight).sqrt(), 1e-12);
        close(best.p_value_adjusted, 5.0 * best.p_value, 1e-12);
        close(best.kept, tau_squared / (tau_squared + 0.0036), 1e-6);
        close(best.shrunken.value, mean + best.kept * (0.31 - mean), 1e-6);
        assert_eq!(compare_segments(&effects, Goal::Decrease, 0.95).unwrap().best, Some(2));
    }

    const STATSMODELS: [f64; 5] =
        [26.89449469254444, 2.0879485314800802e-05, 0.014813309294110805, 0.0940885419994966, 0.05750869847187637];

    #[test]
    fn refusals() {
        let one = [effect(0.1, 0.1), None];
        assert_eq!(compare_segments(&one, Goal::Increase, 0.95), Err(Undefined::FewerThanTwoSegments));
        let sure = [effect(0.1, 0.0), effect(0.2, 0.1)];
        assert_eq!(compare_segments(&sure, Goal::Increase, 0.95), Err(Undefined::NoVariance));
        // A segment without an effect counts in the family.
        let few = [effect(0.1, 0.02), effect(0.05, 0.02)];
        let more = [few[0], few[1], None, None];
        let of = |effects: &[Option<Effect>]| compare_segments(effects, Goal::Increase, 0.95).unwrap().segments[0];
        close(of(&more).unwrap().p_value_adjusted, 2.0 * of(&few).unwrap().p_value_adjusted, 1e-12);
    }

    /// Ten segments without any difference: at most one dimension in twenty names a winner, Q alarms in one of twenty,
    /// and the shrunken lifts are nearer to the truth than the measured ones.
    #[test]
    fn nothing_to_find() {
        const RUNS: u32 = 4_000;
        let mut random = Random::new(11);
        let (mut named, mut alarms, mut measured, mut shrunken) = (0, 0, 0.0, 0.0);
        for _ in 0..RUNS {
            let effects: Vec<_> = (0..10)
                .map(|index| {
                    let error = 0.02 + 0.01 * f64::from(index);
                    effect(0.05 + error * random.normal(), error)
                })
                .collect();
            let found = compare_segments(&effects, Goal::Increase, 0.95).unwrap();
            named += u32::from(found.best.is_some());
            alarms += u32::from(found.p_value < 0.05);
            for segment in found.segments.iter().flatten() {
                measured += (segment.measured.value - 0.05).powi(2);
                shrunken += (segment.shrunken.value - 0.05).powi(2);
            }
        }
        let share = |count: u32| f64::from(count) / f64::from(RUNS);
        // Three standard errors of a share of 5 % are one point.
        assert!(share(named) < 0.06, "{}", share(named));
        assert!((share(alarms) - 0.05).abs() < 0.0105, "{}", share(alarms));
        assert!(shrunken < measured / 3.0);
    }

    proptest! {
        /// The unit of the effects and the order of the segments do not matter; shrinking goes towards the common
        /// effect.
        #[test]
        fn laws(
            effects in prop::collection::vec((-1.0f64..1.0, 0.001f64..1.0), 2..8),
            power in -60i32..60,
        ) {
            let unit = 2f64.powi(power);
            let of = |scale: f64| -> Vec<_> {
                effects.iter().map(|(value, error)| effect(value * scale, error * scale)).collect()
            };
            let found = compare_segments(&of(1.0), Goal::Increase, 0.95).unwrap();
            let scaled = compare_segments(&of(unit), Goal::Increase, 0.95).unwrap();
            prop_assert!((found.q - scaled.q).abs() <= 1e-9 * found.q);
            prop_assert_eq!(found.best, scaled.best);
            let mut backwards = of(1.0);
            backwards.reverse();
            let mirrored = compare_segments(&backwards, Goal::Increase, 0.95).unwrap();
            prop_assert!((found.q - mirrored.q).abs() <= 1e-9 * found.q);
            prop_assert_eq!(found.best.map(|best| effects.len() - 1 - best), mirrored.best);
            for segment in found.segments.iter().flatten() {
                let (from, to) = (segment.measured.value, found.common.value);
                let (low, high) = (from.min(to) - 1e-12, from.max(to) + 1e-12);
                prop_assert!((low..=high).contains(&segment.shrunken.value));
                prop_assert!((0.0..=1.0).contains(&segment.kept) && segment.p_value <= segment.p_value_adjusted);
            }
        }

        #[test]
        fn finite_or_a_reason(effects in prop::collection::vec(prop::option::of((any::<f64>(), any::<f64>())), 0..6)) {
            let effects: Vec<_> = effects.into_iter().map(|pair| pair.and_then(|(v, e)| effect(v, e.abs()))).collect();
            if let Ok(found) = compare_segments(&effects, Goal::Increase, 0.95) {
                prop_assert!(found.q.is_finite() && found.p_value > 0.0 && found.p_value <= 1.0);
                for segment in found.segments.iter().flatten() {
                    prop_assert!(segment.shrunken.value.is_finite() && segment.shrunken.standard_error.is_finite());
                }
            }
        }
    }
}
