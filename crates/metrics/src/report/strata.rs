//! Where the weights of the arms changed, like is compared with like: within phases, or within equal probabilities.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{CrossoverPolicy, Definition, UNIT};

use super::Maturity;
use super::check::Check;
use super::course::Course;
use super::kpi::{estimate, of_arm};
use crate::inference::{
    Converters, CovariateSums, Estimate, Gap, SampleRatio, Stratified, Theta, Undefined, Within, adjust, mean,
    sample_ratio, sequential_sample_ratio, within_strata,
};
use crate::moments::Moments;
use crate::reading::{Reading, Through, read};
use crate::tally::{Row, RowKey};

/// The persons among whom the weights were the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// The value of the dimension of strata.
    pub value: Arc<str>,
    /// The weights of the arms.
    pub weights: Vec<f64>,
    /// What the persons amount to.
    pub reading: Reading,
    /// How the arms filled; crossovers stay in their first arm.
    course: Course,
}

impl Stratum {
    /// Whether a lifespan that is estimated is known of every arm: a phase that began today must not take away what the others say, and
    /// every arm is told of the same phases. Metrics without one always stand.
    fn lifespans(&self, metric: usize, maturity: Maturity) -> Result<(), Undefined> {
        let assigned = self.reading.arms.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
        for (arm, _) in assigned {
            if let Some(lives) = &of_arm(arm, metric, maturity).lifespans {
                lives.lifespan_days()?;
            }
        }
        Ok(())
    }
}

/// All strata, in the order of their first persons.
#[derive(Debug, Clone, PartialEq)]
pub struct Strata(pub Vec<Stratum>);

/// How the weights stand behind what a question reads.
#[derive(Debug, Clone, Copy)]
pub enum Weights<'a> {
    /// They were the same all along.
    Constant,
    /// They were not, and arms are compared within strata.
    Within(&'a Strata),
    /// They were not, and each value of the dimension that is read has its own.
    OfValues,
    /// They were these for everyone who is read, whatever the arms' are.
    Equal(&'a [f64]),
    /// They were not, and what is read mixes persons under different ones.
    Mixed,
}

impl Weights<'_> {
    /// How they stand where nothing is known of strata.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        if definition.experiment.strata().is_some() { Self::Mixed } else { Self::Constant }
    }
}

impl Strata {
    /// The strata of an experiment that has any, from the rows of its dimension of strata.
    #[must_use]
    pub fn of<'a, I>(definition: &Definition, rows: I, through: Through, policy: CrossoverPolicy) -> Self
    where
        I: IntoIterator<Item = (&'a RowKey, &'a Row)> + Clone,
    {
        let mut courses: BTreeMap<Arc<str>, Vec<(&RowKey, &Row)>> = BTreeMap::new();
        for (key, row) in rows.clone() {
            courses.entry(key.value.clone()).or_default().push((key, row));
        }
        let strata = read(definition, rows, through, policy).into_iter().map(|(value, reading)| Stratum {
            weights: definition.experiment.weights_within(&value),
            course: Course::of_rows(definition, courses.remove(&value).unwrap_or_default(), through),
            value,
            reading,
        });
        let mut strata: Vec<Stratum> = strata.collect();
        strata.sort_by(|a, b| (a.course.days.first(), &a.value).cmp(&(b.course.days.first(), &b.value)));
        Self(strata)
    }

    /// The difference of `arm` to `baseline` within strata; `accrued`: the share of persons who contribute, while values accrue.
    pub(super) fn gap(
        &self,
        definition: &Definition,
        (metric, maturity): (usize, Maturity),
        [baseline, arm]: [usize; 2],
        (cuped, accrued): (bool, Option<f64>),
    ) -> Result<Stratified, Undefined> {
        let kind = &definition.metrics[metric].kind;
        let is_ratio = kind.is_ratio();
        let stands = |stratum: &Stratum| stratum.lifespans(metric, maturity);
        self.combine([baseline, arm], (metric, maturity), stands, |control, treatment| {
            let plain = || Gap::between(&estimate(kind, control, 0.95)?, &estimate(kind, treatment, 0.95)?);
            let adjusted = || {
                let sums = [CovariateSums::from(control), CovariateSums::from(treatment)];
                let theta = Theta::within_arms(&sums);
                theta.value()?;
                adjust(&sums[0], &sums[1], &theta).ok().map(|adjusted| adjusted.gap)
            };
            let gap = if cuped && !is_ratio { adjusted().map_or_else(plain, Ok) } else { plain() }?;
            Ok(accrued.map_or(gap, |accrued| gap.accruing(accrued, !is_ratio)))
        })
    }

    /// The difference of covariates within strata.
    pub(super) fn imbalance(&self, metric: usize, arms: [usize; 2]) -> Result<Stratified, Undefined> {
        self.combine(
            arms,
            (metric, Maturity::Live),
            |_| Ok(()),
            |control, arm| Gap::between(&mean(control.n, control.x, control.xx)?, &mean(arm.n, arm.x, arm.xx)?),
        )
    }

    fn combine(
        &self,
        arms: [usize; 2],
        (metric, maturity): (usize, Maturity),
        stands: impl Fn(&Stratum) -> Result<(), Undefined>,
        gap: impl Fn(&Moments, &Moments) -> Result<Gap, Undefined>,
    ) -> Result<Stratified, Undefined> {
        let (mut within, mut reason) = (Vec::new(), None);
        for stratum in self.shared(arms) {
            let [control, arm] = arms.map(|arm| of_arm(&stratum.reading.arms[arm], metric, maturity));
            if control.n < 2 || arm.n < 2 {
                continue;
            }
            if let Err(young) = stands(stratum) {
                reason = Some(young);
                continue;
            }
            let persons: i64 = stratum.reading.arms.iter().map(|arm| of_arm(arm, metric, maturity).n).sum();
            within.push(Within { persons: persons as f64, gap: gap(control, arm)? });
        }
        match reason {
            Some(reason) if within.is_empty() => Err(reason),
            _ => within_strata(&within),
        }
    }

    /// The strata in which persons were assigned to each of these arms.
    fn shared(&self, arms: [usize; 2]) -> impl Iterator<Item = &Stratum> {
        self.0.iter().filter(move |stratum| arms.iter().all(|arm| stratum.weights[*arm] > 0.0))
    }

    /// Persons of either arm who are compared with nobody, because their stratum has fewer than two of the other one, or is too young
    /// for its lifespans to be known.
    pub(super) fn alone(&self, (metric, maturity): (usize, Maturity), arms: [usize; 2]) -> i64 {
        let counts = self.0.iter().map(|stratum| {
            let sums = arms.map(|arm| of_arm(&stratum.reading.arms[arm], metric, maturity));
            let is_compared = sums.iter().all(|sums| sums.n >= 2)
                && arms.iter().all(|arm| stratum.weights[*arm] > 0.0)
                && stratum.lifespans(metric, maturity).is_ok();
            if is_compared { 0 } else { sums.iter().map(|sums| sums.n).sum() }
        });
        counts.sum()
    }

    /// The KPI of an arm, each stratum weighted by its persons of all arms, so that arms stand beside each other as they compare.
    pub(super) fn standardised(
        &self,
        definition: &Definition,
        (metric, maturity): (usize, Maturity),
        arm: usize,
        confidence: f64,
    ) -> Result<Estimate, Undefined> {
        let kind = &definition.metrics[metric].kind;
        let (mut all, mut n, mut value, mut variance) = (0.0, 0u64, 0.0, 0.0);
        let mut reason = Undefined::FewerThanTwoPersons;
        for stratum in self.0.iter().filter(|stratum| stratum.weights[arm] > 0.0) {
            let sums = of_arm(&stratum.reading.arms[arm], metric, maturity);
            if sums.n < 2 {
                continue;
            }
            if let Err(young) = stratum.lifespans(metric, maturity) {
                reason = young;
                continue;
            }
            let found = estimate(kind, sums, confidence)?;
            let persons: i64 = stratum.reading.arms.iter().map(|arm| of_arm(arm, metric, maturity).n).sum();
            let persons = persons as f64;
            all += persons;
            n = n.saturating_add(found.persons());
            value += persons * found.value();
            variance += persons * persons * found.variance();
        }
        if all <= 0.0 {
            return Err(reason);
        }
        Estimate::from_parts(n, value / all, variance / (all * all))
    }

    /// The converters of each stratum, with its weights.
    pub(super) fn converters(&self, (metric, maturity): (usize, Maturity), arms: [usize; 2]) -> Vec<Converters> {
        let counts = self.shared(arms).map(|stratum| {
            let converted = |arm: usize| {
                let sums = of_arm(&stratum.reading.arms[arm], metric, maturity);
                u64::try_from(sums.y / ethnum::I256::from(UNIT)).unwrap_or(0)
            };
            (arms.map(converted), arms.map(|arm| stratum.weights[arm]))
        });
        counts.collect()
    }

    /// The persons in the smaller of two equal arms that know as much as these: what gates ask for.
    pub(super) fn smallest(&self, (metric, maturity): (usize, Maturity), arms: [usize; 2]) -> f64 {
        let (mut all, mut spread) = (0.0, 0.0);
        for stratum in self.shared(arms) {
            let [a, b] = arms.map(|arm| of_arm(&stratum.reading.arms[arm], metric, maturity).n as f64);
            if a < 2.0 || b < 2.0 || stratum.lifespans(metric, maturity).is_err() {
                continue;
            }
            let persons: i64 = stratum.reading.arms.iter().map(|arm| of_arm(arm, metric, maturity).n).sum();
            let persons = persons as f64;
            all += persons;
            spread += persons * persons / a.min(b);
        }
        if spread > 0.0 { all * all / spread } else { 0.0 }
    }

    /// The anytime-valid sample ratio of every stratum by weights made of its own, `weigh`; the smallest p-value, the stratum `k`
    /// (in the order of first persons) having the share `1 / (k (k + 1))` of the error, and where it was found.
    fn ratio(
        &self,
        counts: impl Fn(&Course) -> &[Vec<u64>],
        weigh: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Result<(f64, usize), Undefined> {
        let mut least: Option<(f64, usize)> = None;
        for (at, stratum) in self.0.iter().enumerate() {
            let weights = weigh(&stratum.weights);
            let counted = counts(&stratum.course);
            let drawn: Vec<usize> = (0..weights.len()).filter(|arm| weights[*arm] > 0.0).collect();
            let Some(last) = counted.last() else { continue };
            let strayed = (0..weights.len()).any(|arm| weights[arm] <= 0.0 && last[arm] > 0);
            let all: u64 = last.iter().sum();
            let share = (at + 1) as f64 * (at + 2) as f64;
            let p = if strayed {
                // Nobody can have come to an arm that nobody was assigned to.
                f64::MIN_POSITIVE
            } else if all == 0 || drawn.len() < 2 {
                continue;
            } else {
                let of = |counts: &Vec<u64>| drawn.iter().map(|arm| counts[*arm]).collect::<Vec<u64>>();
                let kept: Vec<Vec<u64>> = counted.iter().map(of).collect();
                let weights: Vec<f64> = drawn.iter().map(|arm| weights[*arm]).collect();
                sequential_sample_ratio(kept.iter().map(Vec::as_slice), &weights)?.p_value
            };
            let p = (p * share).min(1.0);
            if least.is_none_or(|(before, _)| p < before) {
                least = Some((p, at));
            }
        }
        least.ok_or(Undefined::NoPersons)
    }

    /// Whether the sizes of the arms fit the weights of their strata.
    pub(super) fn check_sizes(&self, name: &'static str, threshold: f64) -> Check {
        let found = self.ratio(|course| &course.persons, <[f64]>::to_vec);
        let check = Check::by_p_value(
            name,
            found.map(|(p, _)| p),
            threshold,
            "the arms' sizes fit the weights of every phase",
            |p| {
                let stratum = found.ok().and_then(|(_, at)| self.0.get(at));
                let (value, weights, persons) = stratum.map_or_else(Default::default, |stratum| {
                    (stratum.value.to_string(), stratum.weights.clone(), stratum.course.persons.last().cloned())
                });
                format!(
                    "in the phase {value} the arms hold {:?} persons, which its weights of {weights:?} explain, now or on any day \
                     before, with a probability of at most {p:.2e}: say when the weights changed with the phases of the experiment, or \
                     look for lost exposures; until then the arms can't be compared",
                    persons.unwrap_or_default()
                )
            },
        );
        Check { p_value_chi_square: self.chi_square(), ..check }
    }

    /// The chi-square test of one reading, all strata together.
    fn chi_square(&self) -> Option<f64> {
        let found = self.0.iter().filter_map(|stratum| {
            let counts = stratum.course.persons.last()?;
            let drawn: Vec<usize> = (0..counts.len()).filter(|arm| stratum.weights[*arm] > 0.0).collect();
            let counts: Vec<u64> = drawn.iter().map(|arm| counts[*arm]).collect();
            let weights: Vec<f64> = drawn.iter().map(|arm| stratum.weights[*arm]).collect();
            sample_ratio(&counts, &weights).ok()
        });
        let found: Vec<SampleRatio> = found.collect();
        let (statistic, freedom) = found.iter().fold((0.0, 0), |(statistic, freedom), ratio| {
            (statistic + ratio.chi_square, freedom + ratio.degrees_of_freedom)
        });
        if freedom == 0 { None } else { crate::inference::tails::chi_square_sf(statistic, freedom) }
    }

    /// How crossovers are spread, by the two innocent explanations of [`super::balance::check_crossover_balance`].
    pub(super) fn crossovers(&self) -> Result<f64, Undefined> {
        let by_device = |weights: &[f64]| {
            let whole: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight * (whole - weight)).collect()
        };
        let (alike, _) = self.ratio(|course| &course.crossovers, <[f64]>::to_vec)?;
        let (by_device, _) = self.ratio(|course| &course.crossovers, by_device)?;
        Ok(alike.max(by_device))
    }
}
