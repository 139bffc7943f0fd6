//! What is to be expected of each of many rates? Empirical Bayes: each pulled towards the common one by as much as it is
//! noise.
//!
//! The best of two hundred items has been lucky. If rates are spread over items like a beta distribution, `p ~ Beta(mu M, (1 -
//! mu) M)`, and conversions are binomial, then the rate to expect of an item with `k` of `n` is `(mu M + k) / (M + n)`
//! (Skellam, JRSS B 1948). `mu` and `M` are those under which all the counts are most likely (Griffiths, Biometrics 1973),
//! found from moments (Kleinman, JASA 1973). Where the counts spread no more than chance makes them, `M` is infinite and
//! every item is expected to have the common rate.

use super::compare::Interval;
use super::undefined::{Undefined, miss_rate};
use crate::numeric::{Local, Outcome, digamma, ln_rising, maximise, trigamma};

/// How rates are spread over items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateSpread {
    /// The mean of the rates over items.
    pub mean: f64,
    /// So many persons weigh as much as what is known of the other items; `None`: rates differ no more than chance makes them.
    pub persons: Option<f64>,
    /// The variance of `mean`.
    pub mean_variance: f64,
}

/// A rate that was pulled towards the common one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShrunkenRate {
    /// The rate to expect.
    pub value: f64,
    /// The interval of the posterior, with the uncertainty of the common rate.
    pub interval: Interval,
    /// The share of the measured distance from the common rate that was kept, between 0 and 1.
    pub kept: f64,
}

impl RateSpread {
    /// Finds it from `(converted, persons)` of each item.
    ///
    /// Conditions: persons in at least two items, of whom some converted and some did not.
    pub fn of(items: &[(i64, i64)]) -> Result<Self, Undefined> {
        if items.iter().any(|(k, n)| !(0..=*n).contains(k)) {
            return Err(Undefined::ImpossibleSums);
        }
        let counts: Vec<(f64, f64)> =
            items.iter().filter(|(_, n)| *n > 0).map(|(k, n)| (*k as f64, *n as f64)).collect();
        if counts.is_empty() {
            return Err(Undefined::NoPersons);
        }
        if counts.len() < 2 {
            return Err(Undefined::FewerThanTwoSegments);
        }
        let (k, n) = counts.iter().fold((0.0, 0.0), |(k, n), item| (k + item.0, n + item.1));
        let pooled = k / n;
        if pooled <= 0.0 || pooled >= 1.0 {
            return Err(Undefined::NoVariance);
        }
        let none = Self { mean: pooled, persons: None, mean_variance: pooled * (1.0 - pooled) / n };
        let Some(start) = by_moments(&counts, pooled, n) else { return Ok(none) };
        let (a, b) = match most_likely(&counts, pooled * start, (1.0 - pooled) * start) {
            Found::At(a, b) => (a, b),
            Found::Nowhere => (pooled * start, (1.0 - pooled) * start),
            Found::AtInfinity => return Ok(none),
        };
        let (mean, persons) = (a / (a + b), a + b);
        // What an item knows of the mean: its persons, fewer the more alike they are.
        let knowledge: f64 = counts.iter().map(|(_, n)| n * (persons + 1.0) / (persons + n)).sum();
        Ok(Self { mean, persons: Some(persons), mean_variance: mean * (1.0 - mean) / knowledge })
    }

    /// The rate to expect of an item with `converted` of `persons`.
    ///
    /// The posterior is `Beta(mu M + k, (1 - mu) M + n - k)`; its variance grows by that of the mean times the squared share
    /// that comes from the mean (Kass and Steffey, JASA 1989; the uncertainty of `M` is left out), and the interval is that of
    /// the beta distribution with this mean and variance.
    pub fn shrink(&self, converted: i64, persons: i64, confidence: f64) -> Result<ShrunkenRate, Undefined> {
        let alpha = miss_rate(confidence)?;
        if !(0..=persons).contains(&converted) {
            return Err(Undefined::ImpossibleSums);
        }
        let (k, n) = (converted as f64, persons as f64);
        let (value, kept, variance) = match self.persons {
            None => (self.mean, 0.0, self.mean_variance),
            Some(prior) => {
                let value = (self.mean * prior + k) / (prior + n);
                let kept = n / (prior + n);
                let own = value * (1.0 - value) / (prior + n + 1.0);
                (value, kept, own + (1.0 - kept).powi(2) * self.mean_variance)
            }
        };
        let weight = value * (1.0 - value) / variance - 1.0;
        if !(weight > 0.0 && weight.is_finite()) {
            return Err(Undefined::OutOfRange);
        }
        let end = |share: f64| puruspe::invbetai(share, value * weight, (1.0 - value) * weight);
        let interval =
            Interval { low: end(alpha / 2.0).clamp(0.0, value), high: end(1.0 - alpha / 2.0).clamp(value, 1.0) };
        if interval.low.is_nan() || interval.high.is_nan() {
            return Err(Undefined::OutOfRange);
        }
        Ok(ShrunkenRate { value, interval, kept })
    }
}

/// `M` by moments: with `S = sum n_i (p_i - p)^2` its expectation is `p (1 - p) ((m - 1) + rho sum (n_i - 1) (1 - n_i / n))`, and
/// `rho = 1 / (M + 1)` (Kleinman 1973). `None`: no spread beyond chance.
fn by_moments(counts: &[(f64, f64)], pooled: f64, n: f64) -> Option<f64> {
    let chance = pooled * (1.0 - pooled);
    let spread: f64 = counts.iter().map(|(k, n)| n * (k / n - pooled).powi(2)).sum();
    let alike: f64 = counts.iter().map(|(_, of)| (of - 1.0) * (1.0 - of / n)).sum();
    let expected = counts.iter().map(|(_, of)| 1.0 - of / n).sum::<f64>();
    let rho = (spread / chance - expected) / alike;
    (rho > 0.0 && rho.is_finite()).then(|| (1.0 / rho.min(0.99) - 1.0).max(1e-2))
}

enum Found {
    At(f64, f64),
    AtInfinity,
    Nowhere,
}

/// The maximum of the marginal likelihood `sum ln B(a + k, b + n - k) - ln B(a, b)`, by Newton's method in the logarithms of `a`
/// and `b`.
fn most_likely(counts: &[(f64, f64)], a: f64, b: f64) -> Found {
    const REACH: f64 = 12.0;
    let local = |at: &[f64]| {
        let (a, b) = (at[0].exp(), at[1].exp());
        let m = a + b;
        let [mut value, mut da, mut db, mut daa, mut dbb, mut dab] = [0.0; 6];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of persons, not negative; beyond four thousand million they are cut"
        )]
        let whole = |n: f64| n as u32;
        for (k, n) in counts {
            value += ln_rising(a, whole(*k)) + ln_rising(b, whole(n - k)) - ln_rising(m, whole(*n));
            let (both, bent) = (digamma(m + n) - digamma(m), trigamma(m + n) - trigamma(m));
            da += digamma(a + k) - digamma(a) - both;
            db += digamma(b + n - k) - digamma(b) - both;
            daa += trigamma(a + k) - trigamma(a) - bent;
            dbb += trigamma(b + n - k) - trigamma(b) - bent;
            dab -= bent;
        }
        Local {
            value,
            gradient: vec![a * da, b * db],
            hessian: vec![vec![a * da + a * a * daa, a * b * dab], vec![a * b * dab, b * db + b * b * dbb]],
        }
    };
    match maximise(local, &[a.ln(), b.ln()], REACH) {
        Outcome::Found { at, .. } => Found::At(at[0].exp(), at[1].exp()),
        Outcome::RanAway { at } if at[0] > a.ln() && at[1] > b.ln() => Found::AtInfinity,
        Outcome::RanAway { .. } | Outcome::Lost => Found::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} for {expected}");
    }

    /// Tarone's 71 groups of rats (Gelman, Carlin, Stern, Rubin, "Bayesian Data Analysis", table 5.1), tumours of animals.
    const RATS: [(i64, i64); 71] = [
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 20),
        (0, 19),
        (0, 19),
        (0, 19),
        (0, 19),
        (0, 18),
        (0, 18),
        (0, 17),
        (1, 20),
        (1, 20),
        (1, 20),
        (1, 20),
        (1, 19),
        (1, 19),
        (1, 18),
        (1, 18),
        (2, 25),
        (2, 24),
        (2, 23),
        (2, 20),
        (2, 20),
        (2, 20),
        (2, 20),
        (2, 20),
        (2, 20),
        (1, 10),
        (5, 49),
        (2, 19),
        (5, 46),
        (3, 27),
        (2, 17),
        (7, 49),
        (7, 47),
        (3, 20),
        (3, 20),
        (2, 13),
        (9, 48),
        (10, 50),
        (4, 20),
        (4, 20),
        (4, 20),
        (4, 20),
        (4, 20),
        (4, 20),
        (4, 20),
        (10, 48),
        (4, 19),
        (4, 19),
        (4, 19),
        (5, 22),
        (11, 46),
        (12, 49),
        (5, 20),
        (5, 20),
        (6, 23),
        (5, 19),
        (6, 22),
        (6, 20),
        (6, 20),
        (6, 20),
        (16, 52),
        (15, 47),
        (15, 46),
        (9, 24),
        (4, 14),
    ];

    /// The maximum is where the gradient vanishes: checked by differences of the likelihood itself, written down by gamma
    /// functions and not as it is computed above.
    #[test]
    fn the_spread_of_rats_is_the_most_likely_one() {
        let spread = RateSpread::of(&RATS).unwrap();
        let persons = spread.persons.unwrap();
        let likelihood = |mean: f64, persons: f64| -> f64 {
            let (a, b) = (mean * persons, (1.0 - mean) * persons);
            let ln_beta = |a: f64, b: f64| puruspe::ln_gamma(a) + puruspe::ln_gamma(b) - puruspe::ln_gamma(a + b);
            RATS.iter().map(|(k, n)| ln_beta(a + *k as f64, b + (n - k) as f64) - ln_beta(a, b)).sum()
        };
        let top = likelihood(spread.mean, persons);
        for (mean, size) in [(1.01, 1.0), (0.99, 1.0), (1.0, 1.05), (1.0, 0.95)] {
            assert!(likelihood(spread.mean * mean, persons * size) < top);
        }
        // Gelman and others, section 5.1: moments of the 70 earlier groups gave Beta(1.4, 8.6), a mean of 0.136 and 10 animals;
        // section 5.3: the posterior's mode lies near Beta(2.4, 14.3).
        assert!((0.13..0.155).contains(&spread.mean) && (8.0..20.0).contains(&persons), "{spread:?}");
        let last = spread.shrink(4, 14, 0.95).unwrap();
        close(last.value, (spread.mean * persons + 4.0) / (persons + 14.0), 1e-12);
        assert!(last.value < 4.0 / 14.0 && last.value > spread.mean);
        assert!(last.interval.low > 0.05 && last.interval.high < 0.45, "{last:?}");
    }

    #[test]
    fn rates_that_differ_by_chance_alone_are_one_rate() {
        let alike: Vec<(i64, i64)> = (0..40).map(|item| (9 + item % 3, 100)).collect();
        let spread = RateSpread::of(&alike).unwrap();
        assert_eq!(spread.persons, None);
        let item = spread.shrink(11, 100, 0.95).unwrap();
        close(item.value, spread.mean, 1e-15);
        // That of 4 000 persons with one rate.
        close(item.interval.high - item.interval.low, 2.0 * 1.96 * (0.1f64 * 0.9 / 4_000.0).sqrt(), 0.01);
    }

    #[test]
    fn very_different_rates_stay_what_they_are() {
        let spread = RateSpread::of(&[(100, 1_000), (500, 1_000), (900, 1_000)]).unwrap();
        let item = spread.shrink(900, 1_000, 0.95).unwrap();
        assert!(item.kept > 0.99 && (item.value - 0.9).abs() < 0.003, "{item:?}");
    }

    #[test]
    fn where_there_is_nothing_to_learn_from_it_says_why() {
        assert_eq!(RateSpread::of(&[]), Err(Undefined::NoPersons));
        assert_eq!(RateSpread::of(&[(1, 2)]), Err(Undefined::FewerThanTwoSegments));
        assert_eq!(RateSpread::of(&[(0, 2), (0, 3)]), Err(Undefined::NoVariance));
        assert_eq!(RateSpread::of(&[(3, 2), (0, 3)]), Err(Undefined::ImpossibleSums));
        // Two persons are not enough to see a spread, and no reason to fail.
        assert!(RateSpread::of(&[(1, 1), (0, 1)]).unwrap().shrink(1, 1, 0.95).is_ok());
    }
}
