//! How do arms compare whose weights changed on the way? Within each stratum of constant weights, never across them.

use super::compare::{Comparison, Contrast};
use super::gap::{Bounds, Gap};
use super::level::Level;
use super::undefined::{Undefined, finite};

/// The comparison of two arms within one stratum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Within {
    /// Persons of the stratum, in all arms: its weight.
    pub persons: f64,
    /// The difference there.
    pub gap: Gap,
}

/// The mean of the differences within strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratified {
    /// The difference with its second moments. Its persons are those of two equal arms that know as much.
    pub gap: Gap,
    /// The same with the larger of the arms' own and the pooled variance in each stratum: what sequences are judged by.
    pub careful: Gap,
    /// The degrees of freedom after Satterthwaite, over all strata and arms.
    pub degrees_of_freedom: Result<f64, Undefined>,
}

impl Stratified {
    /// The comparison of one reading.
    #[must_use]
    pub fn compare(&self, level: &Level) -> Comparison {
        let gap = &self.gap;
        let lift = gap.difference / gap.base.abs();
        Contrast {
            difference: gap.difference,
            variance: gap.variance + gap.control_variance,
            base: gap.base,
            base_variance: gap.base_variance,
            covariance: gap.covariance,
            lift_variance: gap.residual_variance(lift),
            degrees_of_freedom: self.degrees_of_freedom,
        }
        .evaluate(level)
    }
}

/// The mean of the differences within strata, each weighted by its share of all persons, `w_k`.
///
/// Difference, control and their second moments are `sum w_k D_k`, `sum w_k m_C,k` and `sum w_k^2 V_k`, given who came when: the
/// strata are no sample of anything, so their shares have no chance in them. What is estimated is the effect on the persons that
/// there are.
///
/// With one variance between persons the information of all strata is that of `N_e = 4 / sum w_k^2 (1 / n_T,k + 1 / n_C,k)`
/// persons at equal arms, which is the time of a sequence; with one stratum it is that of [`Gap::time`]. Each stratum's difference
/// sums draws with the probabilities that held when they were made, so that the sequence of Waudby-Smith et al. holds for the
/// whole as it does for one (arXiv 2103.06476v7, section 4.2: propensities may change, and so may effects).
pub fn within_strata(strata: &[Within]) -> Result<Stratified, Undefined> {
    let all: f64 = strata.iter().map(|stratum| stratum.persons).sum();
    if strata.is_empty() || all <= 0.0 {
        return Err(Undefined::NoPersons);
    }
    let sum =
        |of: &dyn Fn(&Gap) -> f64| strata.iter().map(|stratum| stratum.persons / all * of(&stratum.gap)).sum::<f64>();
    let squares = |of: &dyn Fn(&Gap) -> f64| {
        strata.iter().map(|stratum| (stratum.persons / all).powi(2) * of(&stratum.gap)).sum::<f64>()
    };
    let each = |gap: &Gap| 1.0 / gap.persons as f64 + 1.0 / gap.control_persons as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the number of persons")]
    let half = (2.0 / squares(&each)).floor().max(2.0) as u64;
    let gap = Gap {
        difference: finite(sum(&|gap| gap.difference))? + 0.0,
        persons: half,
        control_persons: half,
        variance: finite(squares(&|gap| gap.variance))?,
        control_variance: finite(squares(&|gap| gap.control_variance))?,
        base: finite(sum(&|gap| gap.base))?,
        base_variance: finite(squares(&|gap| gap.base_variance))?,
        covariance: finite(squares(&|gap| gap.covariance))?,
        accrued: sum(&|gap| gap.accrued),
    };
    let larger = |gap: &Gap| {
        let pooled = gap.pooled();
        if pooled.variance + pooled.control_variance > gap.variance + gap.control_variance { pooled } else { *gap }
    };
    let careful = Gap {
        variance: finite(squares(&|gap| larger(gap).variance))?,
        control_variance: finite(squares(&|gap| larger(gap).control_variance))?,
        base_variance: finite(squares(&|gap| larger(gap).base_variance))?,
        covariance: finite(squares(&|gap| larger(gap).covariance))?,
        ..gap
    };
    let variance = gap.variance + gap.control_variance;
    let degrees_of_freedom = if variance > 0.0 {
        let part = |stratum: &Within| {
            let weight = (stratum.persons / all).powi(2) / variance;
            let of = |part: f64, persons: u64| (weight * part).powi(2) / (persons as f64 - 1.0);
            of(stratum.gap.variance, stratum.gap.persons)
                + of(stratum.gap.control_variance, stratum.gap.control_persons)
        };
        finite(1.0 / strata.iter().map(part).sum::<f64>())
    } else {
        Err(Undefined::NoVariance)
    };
    Ok(Stratified { gap, careful, degrees_of_freedom })
}

/// Converters of one stratum: of control and of the arm, with the two weights that held there.
pub type Converters = ([u64; 2], [f64; 2]);

/// What the converters of all strata say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvertersWithin {
    /// Converters of control and of the arm.
    pub converters: [u64; 2],
    /// The share of converters that would be the arm's without an effect.
    pub share: f64,
    /// The logarithm of the e-value.
    pub log_e_value: f64,
    /// The lifts that are not refuted.
    pub lift: Bounds,
}

/// Tests whose converters they are, stratum by stratum, by the weights of each ([`super::exact_converters`]). Under no effect
/// every next converter is a draw from the weights of its own stratum, so the e-values of the strata multiply to one; the set of
/// rate ratios is where the strata's likelihoods together are.
pub fn converters_within(strata: &[Converters], confidence: f64) -> Result<ConvertersWithin, Undefined> {
    super::converters::within(strata, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use crate::inference::{Tuning, compare, exact_converters, mean, sequential};
    use ethnum::I256;
    use proptest::prelude::*;

    fn gap(control: (i64, i64), arm: (i64, i64)) -> Gap {
        let of = |(n, converted): (i64, i64)| {
            let units = I256::from(converted) * I256::from(1_000_000);
            mean(n, units, units * I256::from(1_000_000)).unwrap()
        };
        Gap::between(&of(control), &of(arm)).unwrap()
    }

    /// Two phases, 9:1 and 1:9, in which rates are 10 % and 30 % whatever the arm: pooled, the arm has 28 % against 12 %.
    #[test]
    fn the_paradox_is_none_within() {
        let strata = [
            Within { persons: 1_000.0, gap: gap((900, 90), (100, 10)) },
            Within { persons: 1_000.0, gap: gap((100, 30), (900, 270)) },
        ];
        let found = within_strata(&strata).unwrap();
        close(found.gap.difference + 1.0, 1.0, 1e-12);
        close(found.gap.base, 0.2, 1e-12);
        // 4 / (1/4 (1/900 + 1/100 + 1/100 + 1/900)) = 720 persons, half in each arm.
        assert_eq!(found.gap.persons, 360);
        let plain = gap((1_000, 120), (1_000, 280));
        assert!((plain.difference - 0.16).abs() < 1e-12);
        assert!(found.careful.difference_variance().unwrap() >= found.gap.difference_variance().unwrap());
    }

    /// Variances by hand: sum w^2 (p (1 - p) / (n - 1)) over the four cells.
    #[test]
    fn reference() {
        let strata = [
            Within { persons: 600.0, gap: gap((400, 40), (200, 30)) },
            Within { persons: 400.0, gap: gap((100, 20), (300, 90)) },
        ];
        let found = within_strata(&strata).unwrap();
        close(found.gap.difference, 0.6 * 0.05 + 0.4 * 0.10, 1e-12);
        close(found.gap.control_variance, 0.36 * 0.09 / 399.0 + 0.16 * 0.16 / 99.0, 1e-12);
        close(found.gap.variance, 0.36 * 0.1275 / 199.0 + 0.16 * 0.21 / 299.0, 1e-12);
    }

    #[test]
    fn one_stratum_is_the_plain_comparison() {
        let alone = gap((400, 40), (200, 30));
        let found = within_strata(&[Within { persons: 600.0, gap: alone }]).unwrap();
        close(found.gap.time(), (alone.time() / 2.0).floor() * 2.0, 1e-12);
        let one = I256::from(1_000_000);
        let of = |n, k: i64| mean(n, I256::from(k) * one, I256::from(k) * one * one).unwrap();
        let plain = compare(&of(400, 40), &of(200, 30), 0.95).unwrap();
        let test = found.compare(&Level::new(0.95).unwrap());
        close(test.test.unwrap().p_value, plain.test.unwrap().p_value, 1e-9);
        close(test.lift.unwrap().standard_error, plain.lift.unwrap().standard_error, 1e-9);
        assert_eq!(within_strata(&[]), Err(Undefined::NoPersons));
    }

    #[test]
    fn one_stratum_of_converters_is_the_exact_test() {
        let exact = exact_converters(12, 31, [1.0, 1.0], 0.95).unwrap();
        let found = converters_within(&[([12, 31], [1.0, 1.0])], 0.95).unwrap();
        close(found.log_e_value, exact.log_e_value, 1e-12);
        close(found.lift.low.unwrap(), exact.lift.low.unwrap(), 1e-6);
        close(found.lift.high.unwrap(), exact.lift.high.unwrap(), 1e-6);
        assert_eq!(converters_within(&[([0, 0], [1.0, 1.0])], 0.95).unwrap_err(), Undefined::NoConverters);
    }

    /// A world without an effect, read after every 25 persons: rates rise from 5 % to 30 % as the arm's share goes from a tenth to
    /// nine tenths. Within phases the sequence is wrong at some moment in at most 5 % of runs; across them it is nearly always.
    #[test]
    fn the_sequence_holds_however_often_it_is_read() {
        const RUNS: u32 = 300;
        let mut random = crate::random::Random::new(5);
        let tuning = Tuning::planned(2_000.0).unwrap();
        let (mut within_wrong, mut across_wrong) = (0, 0);
        for _ in 0..RUNS {
            // Per phase and arm: persons and converters.
            let mut cells = [[(0i64, 0i64); 2]; 2];
            let (mut within, mut across) = (false, false);
            for person in 0..4_000 {
                let phase = usize::from(person >= 1_500);
                let arm = usize::from(random.uniform() < [0.1, 0.9][phase]);
                let converts = random.uniform() < [0.05, 0.3][phase];
                let cell = &mut cells[phase][arm];
                *cell = (cell.0 + 1, cell.1 + i64::from(converts));
                if person % 25 != 24 || cells[0].iter().any(|(n, _)| *n < 2) {
                    continue;
                }
                // As reports do: nothing is said before 25 converters are expected in the smaller arm.
                let all: (i64, i64) = cells.iter().flatten().fold((0, 0), |all, cell| (all.0 + cell.0, all.1 + cell.1));
                let enough = |n: f64| n * all.1 as f64 / all.0 as f64 >= 25.0;
                let strata: Vec<Within> = cells
                    .iter()
                    .filter(|arms| arms.iter().all(|(n, _)| *n >= 2))
                    .map(|[control, arm]| Within { persons: (control.0 + arm.0) as f64, gap: gap(*control, *arm) })
                    .collect();
                let p = |gap: &Gap| sequential(gap, &tuning, 0.95).unwrap().test.map_or(1.0, |test| test.p_value);
                let found = within_strata(&strata).unwrap();
                within |= enough(found.gap.persons as f64) && p(&found.careful) < 0.05;
                let whole = |arm: usize| (cells[0][arm].0 + cells[1][arm].0, cells[0][arm].1 + cells[1][arm].1);
                let smallest = whole(0).0.min(whole(1).0) as f64;
                across |= enough(smallest) && p(&gap(whole(0), whole(1))) < 0.05;
            }
            within_wrong += u32::from(within);
            across_wrong += u32::from(across);
        }
        // 5 % of 300 is 15; two and a half standard deviations of 3.8 above it.
        assert!(within_wrong <= 24, "{within_wrong} of {RUNS}");
        assert!(across_wrong > 290, "{across_wrong} of {RUNS}");
    }

    proptest! {
        /// Converters that fit the weights of their own strata are no evidence, whatever they look like together; and zero is
        /// inside the set exactly where the e-value says so.
        #[test]
        fn the_set_holds_what_is_not_refuted(cells in prop::collection::vec(([0u64..60, 0u64..60], [1u32..10, 1u32..10]), 1..5)) {
            let strata: Vec<Converters> = cells.iter().map(|(c, w)| (*c, w.map(f64::from))).collect();
            if let Ok(found) = converters_within(&strata, 0.95) {
                let inside = found.lift.contains(0.0);
                prop_assert_eq!(inside, found.log_e_value <= -(0.05f64.ln()), "{:?}", found);
            }
        }
    }
}
