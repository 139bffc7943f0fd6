//! Does one segment respond differently from the rest, however often one asks?
//!
//! The tests of [`super::segments`] hold for one reading. A dashboard that is read all day names a segment sooner or later
//! where there is nothing to name. Here each segment's distance from the rest is judged by the corrected confidence
//! sequence that judges an arm against control ([`mod@super::sequential`]), so that a winner is named wrongly at *any* moment
//! of the experiment at most as often as promised.

use journey::Goal;

use super::adjust::holm;
use super::segments::{Effect, Segment, against_rests, best_of};
use super::sequential::{Tuning, log_e_value};
use super::undefined::{Undefined, finite, miss_rate};

/// The effect in a segment with what a sequence needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentEffect {
    /// The effect; its standard error is the larger of Welch's and that of the pooled variance.
    pub effect: Effect,
    /// Persons of the segment in the arm and in control; one or more.
    pub persons: [u64; 2],
    /// The share of the information that these persons will have given: 1 where their values are final.
    pub accrued: f64,
}

/// A segment against the rest, at any time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialContrast {
    /// The effect less the common effect of all other segments.
    pub versus_rest: Effect,
    /// The time of the boundary, in persons.
    pub time: f64,
    /// The logarithm of the e-value of the difference.
    pub log_e_value: f64,
    /// The two-sided p-value; never zero.
    pub p_value: f64,
    /// The same after Holm's correction over the segments of the dimension.
    pub p_value_adjusted: f64,
}

/// All segments against their rests, at any time.
#[derive(Debug, Clone, PartialEq)]
pub struct SequentialSegments {
    /// In the order of the input; none where a segment has no effect.
    pub contrasts: Vec<Option<SequentialContrast>>,
    /// The smallest adjusted p-value: whether segments respond differently at all.
    pub p_value: f64,
    /// The tuning.
    pub rho: f64,
}

/// Compares each segment with the rest by the corrected confidence sequence.
///
/// With effects `e_i` of variance `v_i`: the difference `D_i = e_i - m_i`, `m_i` the mean of the others weighted by `1 / v`,
/// has the variance `v_i + 1 / sum 1 / v`. Its time is that of the equal split of one experiment that knows as much, with `a, b`
/// the persons of the segment in both arms and `c, d` those of all others: `4 / (1 / a + 1 / b + 1 / c + 1 / d)`. For a
/// segment and a rest without a limit this is `4 n_T n_C / (n_T + n_C)`, the time of an arm against control. The e-value
/// and its p-value are those of [`log_e_value`]; Holm over *all* segments of the input, those without an effect counting
/// as p = 1.
///
/// Conditions: as for [`super::compare_segments`].
/// Source: Waudby-Smith and others, arXiv 2103.06476v7, for the sequence, whose estimates may be any that are asymptotically
/// linear, as lifts are; the correction of the time for unequal splits is Journeylift's.
pub fn sequential_segments(
    effects: &[Option<SegmentEffect>],
    tuning: &Tuning,
) -> Result<SequentialSegments, Undefined> {
    let plain: Vec<Option<Effect>> = effects.iter().map(|found| found.map(|found| found.effect)).collect();
    let present: Vec<&SegmentEffect> = effects.iter().flatten().collect();
    if present.len() < 2 {
        return Err(Undefined::FewerThanTwoSegments);
    }
    for found in &present {
        finite(found.effect.value)?;
        if !(found.effect.standard_error > 0.0 && found.effect.standard_error.is_finite()) {
            return Err(Undefined::NoVariance);
        }
        if found.persons.contains(&0) || !(found.accrued > 0.0 && found.accrued <= 1.0) {
            return Err(Undefined::NoPersons);
        }
    }
    let unit = present.iter().map(|found| found.effect.standard_error).fold(f64::INFINITY, f64::min);
    let all = [0, 1].map(|side| present.iter().map(|found| found.persons[side] as f64).sum::<f64>());
    let rho = tuning.rho();
    let judged: Vec<Option<SequentialContrast>> = effects
        .iter()
        .zip(against_rests(&plain, unit)?)
        .map(|(found, versus)| {
            let (Some(found), Some((versus_rest, _))) = (found, versus) else { return Ok(None) };
            let inverse: f64 = [0, 1]
                .iter()
                .map(|side| (found.persons[*side] as f64, all[*side]))
                .map(|(own, all)| 1.0 / own + 1.0 / (all - own))
                .sum();
            let time = 4.0 / inverse * found.accrued;
            let log_e_value = finite(log_e_value(versus_rest.value / versus_rest.standard_error, time, rho))?;
            let p_value = (-log_e_value).exp().clamp(f64::MIN_POSITIVE, 1.0);
            Ok(Some(SequentialContrast { versus_rest, time, log_e_value, p_value, p_value_adjusted: p_value }))
        })
        .collect::<Result<_, Undefined>>()?;
    let adjusted = holm(&judged.iter().map(|found| found.map(|found| found.p_value)).collect::<Vec<_>>());
    let contrasts: Vec<Option<SequentialContrast>> = judged
        .into_iter()
        .zip(adjusted)
        .map(|(found, adjusted)| Some(SequentialContrast { p_value_adjusted: adjusted?, ..found? }))
        .collect();
    let p_value = contrasts.iter().flatten().map(|found| found.p_value_adjusted).fold(1.0, f64::min);
    Ok(SequentialSegments { contrasts, p_value, rho })
}

impl SequentialSegments {
    /// The segment that responded best: the one with the best `shrunken` effect among those whose adjusted p-value is below `1 -
    /// confidence` and which lie on the good side of the rest.
    ///
    /// `segments`: as [`super::compare_segments`] gave them for the same effects.
    pub fn best(&self, segments: &[Option<Segment>], goal: Goal, confidence: f64) -> Result<Option<usize>, Undefined> {
        let alpha = miss_rate(confidence)?;
        let candidates = self.contrasts.iter().zip(segments).map(|(contrast, segment)| {
            let (contrast, segment) = ((*contrast)?, (*segment)?);
            Some((contrast.p_value_adjusted, contrast.versus_rest.value, segment.shrunken.value))
        });
        Ok(best_of(candidates, goal, alpha))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use crate::inference::{Gap, compare_segments, mean, sequential};
    use crate::random::Random;
    use ethnum::I256;
    use journey::UNIT;

    #[expect(clippy::unnecessary_wraps, reason = "a segment may have none")]
    fn found(value: f64, standard_error: f64, persons: [u64; 2]) -> Option<SegmentEffect> {
        Some(SegmentEffect { effect: Effect { value, standard_error }, persons, accrued: 1.0 })
    }

    /// By hand: two segments, each the rest of the other.
    #[test]
    fn two_segments() {
        let tuning = Tuning::planned(5_000.0).unwrap();
        let effects = [found(0.30, 0.03, [1_000, 1_000]), found(0.10, 0.04, [3_000, 1_000])];
        let judged = sequential_segments(&effects, &tuning).unwrap();
        let first = judged.contrasts[0].unwrap();
        close(first.versus_rest.value, 0.2, 1e-14);
        close(first.versus_rest.standard_error, 0.05, 1e-14);
        close(first.time, 4.0 / (3.0 / 1_000.0 + 1.0 / 3_000.0), 1e-14);
        let scaled = first.time * tuning.rho().powi(2);
        close(first.log_e_value, scaled / (scaled + 1.0) * 8.0 - 0.5 * (1.0 + scaled).ln(), 1e-12);
        close(first.p_value_adjusted, 2.0 * first.p_value, 1e-12);
        close(judged.p_value, first.p_value_adjusted, 1e-12);
        // A segment without an effect counts in the family.
        let more = sequential_segments(&[effects[0], effects[1], None], &tuning).unwrap();
        close(more.p_value, 3.0 * first.p_value, 1e-12);
        let alone = sequential_segments(&effects[..1], &tuning);
        assert_eq!(alone, Err(Undefined::FewerThanTwoSegments));
        let nobody = [effects[0], found(0.1, 0.1, [0, 5])];
        assert_eq!(sequential_segments(&nobody, &tuning), Err(Undefined::NoPersons));
    }

    /// The time against a rest without a limit is that of an arm against control.
    #[test]
    fn a_rest_without_limit() {
        let tuning = Tuning::planned(5_000.0).unwrap();
        let effects = [found(0.1, 0.05, [900, 100]), found(0.0, 1e-9, [u64::MAX / 4, u64::MAX / 4])];
        let judged = sequential_segments(&effects, &tuning).unwrap().contrasts[0].unwrap();
        let amount = |n: i64| I256::from(n) * I256::from(UNIT);
        let arm = |n: i64| mean(n, amount(n / 2), amount(n / 2) * I256::from(UNIT)).unwrap();
        let gap = Gap::between(&arm(100), &arm(900)).unwrap();
        close(judged.time, sequential(&gap, &tuning, 0.95).unwrap().test.unwrap().time, 1e-12);
    }

    /// Four segments of unlike sizes with one lift, read every day of sixty: the share of experiments in which a segment is
    /// named at *some* moment stays below 5 %. At equal arms the tests of one reading name one in many more.
    #[test]
    fn read_every_day_it_names_nothing_where_there_is_nothing() {
        const RUNS: u32 = 500;
        const SIZES: [u64; 4] = [120, 60, 30, 15];
        let tuning = Tuning::planned(5_000.0).unwrap();
        for split in [0.5, 0.1] {
            let mut random = Random::new(23);
            let (mut named, mut named_by_readings) = (0, 0);
            for _ in 0..RUNS {
                // Persons and buyers of each segment, in control and in the arm.
                let mut counts = [[[0u64; 2]; 2]; 4];
                let (mut ever, mut ever_by_readings) = (false, false);
                for _ in 0..60 {
                    for (segment, size) in SIZES.iter().enumerate() {
                        let treated = random.binomial(*size, split);
                        for (side, persons) in [size - treated, treated].into_iter().enumerate() {
                            counts[segment][side][0] += persons;
                            counts[segment][side][1] += random.binomial(persons, 0.1 + 0.02 * segment as f64);
                        }
                    }
                    let lifts = counts.map(|[control, arm]| lift(control, arm));
                    let effects = lifts.map(|found| found.map(|found: SegmentEffect| found.effect));
                    let Ok(once) = compare_segments(&effects, Goal::Increase, 0.95) else { continue };
                    ever_by_readings |= once.best.is_some();
                    let judged = sequential_segments(&lifts, &tuning).unwrap();
                    ever |= judged.best(&once.segments, Goal::Increase, 0.95).unwrap().is_some();
                }
                named += u32::from(ever);
                named_by_readings += u32::from(ever_by_readings);
            }
            assert!(f64::from(named) <= 0.05 * f64::from(RUNS), "{named} of {RUNS} at {split}");
            if split >= 0.5 {
                assert!(f64::from(named_by_readings) > 0.1 * f64::from(RUNS), "{named_by_readings} of {RUNS}");
            }
        }
    }

    /// The lift of a segment behind the gate of the report: 25 contributors expected in the smaller arm.
    fn lift(control: [u64; 2], arm: [u64; 2]) -> Option<SegmentEffect> {
        let smaller = control[0].min(arm[0]) as f64;
        let share = (control[1] + arm[1]) as f64 / (control[0] + arm[0]) as f64;
        if share * smaller < 25.0 {
            return None;
        }
        let estimate = |[n, k]: [u64; 2]| {
            let sum = I256::from(k) * I256::from(UNIT);
            mean(i64::try_from(n).unwrap(), sum, sum * I256::from(UNIT)).ok()
        };
        let gap = Gap::between(&estimate(control)?, &estimate(arm)?).ok()?;
        let error = gap.lift_standard_error().ok()?.max(gap.pooled().lift_standard_error().ok()?);
        let effect = Effect { value: gap.lift().ok()?, standard_error: error };
        Some(SegmentEffect { effect, persons: [arm[0], control[0]], accrued: 1.0 })
    }

    /// A segment that responds is found, and named.
    #[test]
    fn a_segment_that_responds_is_named() {
        let tuning = Tuning::planned(5_000.0).unwrap();
        let effects: Vec<_> =
            [0.02, 0.0, 0.4, 0.05].into_iter().map(|value| found(value, 0.04, [5_000, 5_000])).collect();
        let plain: Vec<_> = effects.iter().map(|found| found.map(|found| found.effect)).collect();
        let once = compare_segments(&plain, Goal::Increase, 0.95).unwrap();
        let judged = sequential_segments(&effects, &tuning).unwrap();
        assert_eq!(judged.best(&once.segments, Goal::Increase, 0.95), Ok(Some(2)));
        assert_eq!(judged.best(&once.segments, Goal::Decrease, 0.95), Ok(None));
        assert!(judged.p_value < 0.05);
    }
}
