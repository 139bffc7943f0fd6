//! The models against the CDNOW purchases, against other programs' values, against simulated customers, and laws.

use proptest::prelude::*;

use super::*;
use crate::random::Random;

/// Customers of the sample of CDNOW; see `data/cdnow/README.md`.
const CDNOW: &str = include_str!("../../../../data/cdnow/cdnow_customers_summary_with_transactions.csv");

/// The file's weeks have two decimals: its times are whole hundredths of a week.
const WEEK: f64 = 100.0;

/// A decimal of at most two places in hundredths.
fn hundredths(decimal: &str) -> i64 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<2}").parse().unwrap()
}

/// Customers with what each spent on repeat purchases, in units of 1e-6.
fn cdnow() -> Vec<(Customer, i128)> {
    CDNOW
        .lines()
        .skip(1)
        .map(|line| {
            let [_, x, recency, age, mean] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
            let frequency: u32 = x.parse().unwrap();
            let time = |text: &str| u32::try_from(hundredths(text)).unwrap();
            let customer = Customer { frequency, recency: time(recency), age: time(age) };
            (customer, i128::from(frequency) * i128::from(hundredths(mean)) * 10_000)
        })
        .collect()
}

fn cells<'a>(customers: impl IntoIterator<Item = &'a (Customer, i128)>) -> Cells {
    let mut cells = Cells::default();
    for (customer, spend) in customers {
        assert!(cells.add(*customer, *spend, 1));
    }
    cells
}

#[track_caller]
fn close(actual: f64, expected: f64, relative: f64) {
    assert!((actual - expected).abs() <= relative * expected.abs(), "{actual:e} is not {expected:e}");
}

/// Sources: a maximum-likelihood fit with scipy 1.17.1, and lifetimes 0.11.3, which agrees to 6e-7; published (Fader,
/// Hardie, Lee 2005): 0.243, 4.414, 0.793, 2.426 and -9582.4.
#[test]
fn purchases_of_cdnow() {
    let cells = cells(&cdnow());
    assert_eq!(cells.persons(), 2357);
    let FittedPurchases { model, log_likelihood, log_errors, persons } = BgNbd::fit(&cells, WEEK).unwrap();
    close(model.r, 0.24259291595818777, 1e-6);
    close(model.alpha, 4.413531665851466, 1e-6);
    close(model.a, 0.7928860913844656, 1e-6);
    close(model.b, 2.4257532325280016, 1e-6);
    close(log_likelihood, -9582.42556056736, 1e-13);
    assert_eq!(persons, 2357);
    let published = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
    close(published.log_likelihood(&cells, WEEK).unwrap(), -9582.426831182365, 1e-13);
    // Source of the standard errors of the logarithms: lifetimes 0.11.3, `summary`, divided by the parameters.
    for (error, expected) in log_errors.iter().zip(LOG_ERRORS) {
        close(*error, expected, 1e-4);
    }
    // The next 39 weeks: 1653.42 purchases expected, 1882 happened.
    let customers = cdnow();
    let sum = |of: &dyn Fn(Customer) -> f64| customers.iter().map(|(customer, _)| of(*customer)).sum::<f64>();
    close(sum(&|customer| model.expected_purchases(customer, WEEK, 39.0)), 1653.4232900946354, 1e-6);
    close(sum(&|customer| model.alive(customer, WEEK)), 1917.2763335411282, 1e-6);
    let first = customers[0].0;
    close(model.alive(first, WEEK), 0.7266091538163102, 1e-6);
    close(model.expected_purchases(first, WEEK, 39.0), 1.2259104634018896, 1e-6);
    for (weeks, expected) in [(1.0, 0.053184741448338034), (52.0, 1.4440208812580853), (78.0, 1.8579718359706592)] {
        close(model.expected_purchases_of_new(weeks), expected, 1e-6);
    }
}

/// Standard errors over parameters: r, alpha, a, b.
const LOG_ERRORS: [f64; 4] = [0.051762929724434484, 0.08569586315704288, 0.23423175560266749, 0.29077384344139706];

/// Sources: scipy 1.17.1, and lifetimes 0.11.3, which agrees to 5e-7. A cell's persons count with their mean, so the
/// last digits differ.
#[test]
fn spend_of_cdnow() {
    let FittedSpend { model, log_likelihood, persons, correlation, .. } = GammaGamma::fit(&cells(&cdnow())).unwrap();
    close(model.p, 6.248804334945021, 1e-6);
    close(model.q, 3.744587835955401, 1e-6);
    close(model.v, 15.447740286099416, 1e-6);
    close(model.mean_value(), 35.17100280060101, 1e-6);
    close(log_likelihood, -4055.9232435028625, 1e-8);
    assert_eq!(persons, 946);
    close(correlation, 0.11388391048600437, 1e-8);
    close(model.expected_value(2, 2.0 * 22.35), 24.658616189236472, 1e-6);
}

/// Sources: lifetimes 0.11.3, `customer_lifetime_value` of customers 1, 2 and 6 over 12 months in weeks; a sum over 12
/// periods of 4 weeks with scipy for all.
#[test]
fn value_of_cdnow() {
    let customers = cdnow();
    let cells = cells(&customers);
    let model = Value::fit(&cells, WEEK).unwrap();
    let months = Horizon { steps: 12, periods_per_step: 4.345, discount: 0.01 };
    for (id, expected) in [(1, 36.27849576), (2, 4.63746633), (6, 283.52359258)] {
        let (customer, spend) = customers[id - 1];
        close(model.of(customer, spend as f64 / 1e6, &months), expected, 1e-6);
    }
    let totals = model.totals(&cells, &Horizon { periods_per_step: 4.0, ..months }).unwrap();
    close(totals.value, 66910.4355349773, 1e-6);
    close(totals.persons, 2357.0, 0.0);
    // The sum over cells is the sum over persons.
    let each: f64 = customers.iter().map(|(customer, spend)| model.of(*customer, *spend as f64 / 1e6, &months)).sum();
    close(model.totals(&cells, &months).unwrap().value, each, 1e-12);
}

/// Source: the published formula with mpmath 1.4.1's 2F1 at 40 digits; `(r, alpha, a, b, x, t_x, T, t)`.
#[test]
fn expected_purchases_reference() {
    for ((r, alpha, a, b, x, recency, age, periods), expected) in [
        ((0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39.0), 1.2260281747671444),
        ((0.243, 4.414, 0.793, 2.426, 0, 0.0, 0.0, 52.0), 1.4460505953964038),
        ((0.243, 4.414, 0.793, 2.426, 29, 37.71, 38.0, 39.0), 20.05294898649679),
        ((0.5, 1.0, 0.05, 0.3, 1, 0.5, 3.0, 200.0), 36.014247421385875),
        ((3.0, 10.0, 1.0000001, 2.0, 5, 10.0, 20.0, 400.0), 3.7121125322152815),
        ((2.5, 0.3, 4.0, 0.6, 120, 50.0, 52.0, 26.0), 5.798111475735864),
        ((0.9, 7.0, 0.2, 6.0, 0, 0.0, 100.0, 0.01), 8.411190863630111e-05),
        ((1.2, 5.0, 1.5, 0.001, 3, 2.0, 9.0, 1000.0), 0.42398705949241616),
    ] {
        let model = BgNbd { r, alpha, a, b };
        close(model.alive_at(x, recency, age) * model.purchases_of_the_living(x, age, periods), expected, 1e-11);
    }
}

/// Customers who buy as the models say, watched for 2 to 60 weeks.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made-up times and values are small")]
fn simulated(random: &mut Random, persons: u32, purchases: &BgNbd, spend: &GammaGamma) -> Vec<(Customer, i128)> {
    (0..persons)
        .map(|_| {
            let age = 200 + random.bits() % 5_800;
            let rate = random.gamma(purchases.r) / purchases.alpha;
            let (stop, go) = (random.gamma(purchases.a), random.gamma(purchases.b));
            let leaves = stop / (stop + go);
            let scale = random.gamma(spend.q) / spend.v;
            let (mut time, mut customer, mut total) =
                (0.0, Customer { frequency: 0, recency: 0, age: age as u32 }, 0.0);
            loop {
                time -= (1.0 - random.uniform()).ln() / rate * WEEK;
                if time >= age as f64 {
                    break;
                }
                customer.frequency += 1;
                customer.recency = time as u32;
                total += random.gamma(spend.p) / scale;
                if random.uniform() < leaves {
                    break;
                }
            }
            (customer, (total * 1e6) as i128)
        })
        .collect()
}

const PURCHASES: BgNbd = BgNbd { r: 0.8, alpha: 6.0, a: 0.9, b: 3.0 };
const SPEND: GammaGamma = GammaGamma { p: 3.0, q: 4.0, v: 30.0 };

/// Known parameters come back, within four of their standard errors; and the bootstrap covers the true lift of nothing.
#[test]
fn recovers_simulated_customers() {
    let mut random = Random::new(2005);
    let cells = cells(&simulated(&mut random, 8_000, &PURCHASES, &SPEND));
    let purchases = BgNbd::fit(&cells, WEEK).unwrap();
    let BgNbd { r, alpha, a, b } = purchases.model;
    for ((found, truth), error) in [(r, 0.8), (alpha, 6.0), (a, 0.9), (b, 3.0)].iter().zip(purchases.log_errors) {
        assert!((found / truth).ln().abs() < 4.0 * error && error < 0.25, "{found} {truth} {error}");
    }
    let spend = GammaGamma::fit(&cells).unwrap();
    let GammaGamma { p, q, v } = spend.model;
    for ((found, truth), error) in [(p, 3.0), (q, 4.0), (v, 30.0)].iter().zip(spend.log_errors) {
        assert!((found / truth).ln().abs() < 4.0 * error && error < 0.25, "{found} {truth} {error}");
    }
}

#[test]
fn compares_two_arms() {
    let mut random = Random::new(7);
    let control = cells(&simulated(&mut random, 700, &PURCHASES, &SPEND));
    let loyal = BgNbd { a: 0.3, ..PURCHASES };
    let treatment = cells(&simulated(&mut random, 700, &loyal, &SPEND));
    let horizon = Horizon { steps: 6, periods_per_step: 4.345, discount: 0.01 };
    let compared = compare(&control, &treatment, WEEK, &horizon, 0.9, 20, 42).unwrap();
    assert_eq!(compared, compare(&control, &treatment, WEEK, &horizon, 0.9, 20, 42).unwrap());
    assert_ne!(compared, compare(&control, &treatment, WEEK, &horizon, 0.9, 20, 43).unwrap());
    assert_eq!(compared.resamples + compared.failed, 20);
    let (own, other) = (compared.control.value, compared.treatment.value);
    close(compared.difference.value, other.value - own.value, 1e-12);
    close(compared.lift.value, other.value / own.value - 1.0, 1e-12);
    for spread in [own, other, compared.difference, compared.lift, compared.control.alive, compared.treatment.purchases]
    {
        assert!(spread.interval.low < spread.value && spread.value < spread.interval.high, "{spread:?}");
        assert!(spread.standard_error > 0.0);
    }
    // One bootstrap for each arm says the same of the arms themselves, and much the same of how sure that is.
    let arm = |cells: &Cells, seed| resample(cells, WEEK, &horizon, 0.9, 20, seed).unwrap();
    let (left, right) = (arm(&control, 1), arm(&treatment, 2));
    assert_eq!(left, arm(&control, 1));
    let gain = right.against(&left).unwrap();
    close(gain.lift.value, compared.lift.value, 1e-12);
    close(gain.difference.value, compared.difference.value, 1e-12);
    close(left.totals().value / left.totals().persons, compared.control.value.value, 1e-12);
    let ratio = gain.lift.standard_error / compared.lift.standard_error;
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
    assert_eq!(resample(&Cells::default(), WEEK, &horizon, 0.9, 20, 1), Err(Refusal::NoPersons));
    assert_eq!(resample(&control, WEEK, &horizon, 0.9, 19, 1), Err(Refusal::InvalidQuestion));
    // An arm whose persons stay longer is worth more, and that is visible at this size.
    assert!(compared.lift.interval.low > 0.0, "{:?}", compared.lift);
}

#[test]
fn refusals() {
    assert_eq!(BgNbd::fit(&Cells::default(), 1.0), Err(Refusal::NoPersons));
    let few: Vec<_> = cdnow().into_iter().take(40).collect();
    assert_eq!(BgNbd::fit(&cells(&few), WEEK), Err(Refusal::TooFewRepeats(15)));
    assert_eq!(BgNbd::fit(&cells(&few), 0.0), Err(Refusal::InvalidQuestion));
    let mut impossible = cells(&few);
    impossible.add(Customer { frequency: 1, recency: 9, age: 5 }, 1, 1);
    assert_eq!(BgNbd::fit(&impossible, WEEK), Err(Refusal::ImpossibleCells));
    // Persons who buy every week to the very end: nobody leaves, and all buy alike.
    let mut alike = Cells::default();
    for age in 20..60 {
        alike.add(Customer { frequency: age, recency: age, age }, 1_000_000 * i128::from(age), 5);
    }
    let reason = BgNbd::fit(&alike, 1.0).unwrap_err();
    assert!(matches!(reason, Refusal::NoDropout | Refusal::AlikeRates), "{reason:?}");
    assert_eq!(GammaGamma::fit(&alike), Err(Refusal::AlikeSpend));
    let horizon = Horizon { steps: 0, periods_per_step: 4.0, discount: 0.01 };
    let customers = cells(&cdnow());
    assert_eq!(compare(&customers, &customers, WEEK, &horizon, 0.95, 50, 1), Err(Refusal::InvalidQuestion));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The tally adds up and can be taken away from.
    #[test]
    fn cells_add_up(persons in prop::collection::vec((0u32..4, 0u32..9, 0u32..9, 0i128..3_000_000), 0..40)) {
        let customers: Vec<_> = persons
            .iter()
            .map(|(frequency, recency, more, spend)| {
                (Customer { frequency: *frequency, recency: *recency, age: recency + more }, *spend)
            })
            .collect();
        let (left, right) = customers.split_at(customers.len() / 2);
        let mut sum = cells(left);
        sum.merge(&cells(right));
        prop_assert_eq!(&sum, &cells(&customers));
        for (customer, spend) in right {
            sum.add(*customer, *spend, -1);
        }
        prop_assert_eq!(sum, cells(left));
    }

    /// P(alive) is a probability; more time brings more purchases, never more than a customer who cannot leave makes.
    #[test]
    fn sane_predictions(
        r in 0.05f64..5.0, alpha in 0.1f64..50.0, a in 0.01f64..5.0, b in 0.01f64..10.0,
        x in 0u32..200, recency in 0f64..100.0, more in 0f64..100.0, periods in 0.01f64..500.0,
    ) {
        let model = BgNbd { r, alpha, a, b };
        let age = recency + more;
        let alive = model.alive_at(x, recency, age);
        prop_assert!((0.0..=1.0).contains(&alive));
        let expected = model.purchases_of_the_living(x, age, periods);
        let forever = (r + f64::from(x)) / (alpha + age) * periods;
        prop_assert!(expected > 0.0 && expected <= forever * (1.0 + 1e-9), "{} {}", expected, forever);
        prop_assert!(model.purchases_of_the_living(x, age, periods * 1.5) > expected);
    }
}
