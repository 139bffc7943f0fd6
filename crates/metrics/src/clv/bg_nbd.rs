//! Who is still a customer, and how often will they buy? The BG/NBD model.

use super::cells::{Cell, Cells, Customer};
use super::refusal::Refusal;
use crate::numeric::{Local, Outcome, invert_positive, ln_rising, maximise};

/// The parameters of BG/NBD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    /// Shape of the purchase rates' gamma distribution.
    pub r: f64,
    /// Its rate, in periods: the mean purchase rate is `r / alpha` per period.
    pub alpha: f64,
    /// First parameter of the dropout probabilities' beta distribution, whose mean is `a / (a + b)`.
    pub a: f64,
    /// Second parameter of it.
    pub b: f64,
}

/// BG/NBD as fitted to cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedPurchases {
    /// The parameters of largest likelihood.
    pub model: BgNbd,
    /// The standard errors of their logarithms, from the curvature of the likelihood; in the order `r, alpha, a, b`.
    pub log_errors: [f64; 4],
    /// The logarithm of the likelihood there, times being in periods.
    pub log_likelihood: f64,
    /// Persons.
    pub persons: u64,
}

/// The fewest persons with a repeat purchase to fit to.
const FEWEST_REPEATERS: f64 = 30.0;

/// Standard errors of a logarithm beyond which a parameter counts as open: a factor of twenty either way.
pub(super) const OPEN: f64 = 3.0;

/// How far the logarithm of a parameter may move before it counts as having run away.
pub(super) const REACH: f64 = 12.0;

impl BgNbd {
    /// The parameters of largest likelihood for the persons of `cells`, in periods of `units` of the cells' units of
    /// time (7 for weeks of days).
    ///
    /// For `(x, t_x, T)` the likelihood is (Fader, Hardie, Lee 2005, equation 6)
    ///
    /// ```text
    /// B(a, b + x) / B(a, b) G(r + x) alpha^r / (G(r) (alpha + T)^(r + x))
    ///   + [x > 0] B(a + 1, b + x - 1) / B(a, b) G(r + x) alpha^r / (G(r) (alpha + t_x)^(r + x)),
    /// ```
    ///
    /// `G` the gamma function. As `x` is whole, the quotients of gamma functions are products, and their logarithms,
    /// first and second derivatives are exact sums; it is maximised by Newton's method in the logarithms of the
    /// parameters, from three starts.
    pub fn fit(cells: &Cells, units: f64) -> Result<FittedPurchases, Refusal> {
        Self::fit_from(&cells.read(units)?, None)
    }

    pub(super) fn fit_from(cells: &[Cell], start: Option<&Self>) -> Result<FittedPurchases, Refusal> {
        let sum = |of: fn(&Cell) -> f64| cells.iter().map(|cell| cell.persons * of(cell)).sum::<f64>();
        let repeaters = sum(|cell| f64::from(u8::from(cell.frequency > 0)));
        if repeaters < FEWEST_REPEATERS {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 30 and not negative")]
            return Err(Refusal::TooFewRepeats(repeaters as u64));
        }
        let rate = sum(|cell| f64::from(cell.frequency)) / sum(|cell| cell.age);
        let starts = match start {
            Some(model) => vec![*model],
            None => [(0.5, 1.0, 3.0), (2.0, 0.2, 2.0), (0.1, 3.0, 1.0)]
                .map(|(r, a, b)| Self { r, alpha: r / rate, a, b })
                .to_vec(),
        };
        let mut best: Option<(Vec<f64>, Local)> = None;
        let mut reason = Refusal::NoMaximum;
        for start in starts {
            let from = [start.r, start.alpha, start.a, start.b].map(f64::ln);
            match maximise(|at| log_likelihood(cells, &Self::from_logs(at)), &from, REACH) {
                Outcome::Found { at, local } if best.as_ref().is_none_or(|(_, best)| local.value > best.value) => {
                    best = Some((at, local));
                }
                Outcome::Found { .. } | Outcome::Lost => {}
                Outcome::RanAway { at } => reason = ran_away(&at, &from),
            }
        }
        let (at, local) = best.ok_or(reason)?;
        let model = Self::from_logs(&at);
        let log_errors = log_errors(&local, ["r", "alpha", "a", "b"])?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole count")]
        let persons = sum(|_| 1.0) as u64;
        Ok(FittedPurchases { model, log_errors, log_likelihood: local.value, persons })
    }

    fn from_logs(at: &[f64]) -> Self {
        Self { r: at[0].exp(), alpha: at[1].exp(), a: at[2].exp(), b: at[3].exp() }
    }

    /// The logarithm of the likelihood of `cells`, in periods of `units`.
    pub fn log_likelihood(&self, cells: &Cells, units: f64) -> Result<f64, Refusal> {
        Ok(log_likelihood(&cells.read(units)?, self).value)
    }

    /// The probability that a person is still a customer, times in periods of `units`:
    ///
    /// ```text
    /// 1 / (1 + [x > 0] a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x))
    /// ```
    ///
    /// It is 1 without a repeat purchase, because in this model persons leave at repeat purchases only.
    #[must_use]
    pub fn alive(&self, customer: Customer, units: f64) -> f64 {
        self.alive_at(customer.frequency, f64::from(customer.recency) / units, f64::from(customer.age) / units)
    }

    pub(super) fn alive_at(&self, frequency: u32, recency: f64, age: f64) -> f64 {
        if frequency == 0 {
            return 1.0;
        }
        let x = f64::from(frequency);
        let odds = (self.r + x) * ((self.alpha + age) / (self.alpha + recency)).ln();
        1.0 / (1.0 + self.a / (self.b + x - 1.0) * odds.exp())
    }

    /// The purchases that a person is expected to make in the next `periods`.
    ///
    /// The published form (equation 10) is
    ///
    /// ```text
    /// (a + b + x - 1) / (a - 1) [1 - (1 - z)^(r + x) 2F1(r + x, b + x; a + b + x - 1; z)] P(alive),
    /// z = t / (alpha + T + t).
    /// ```
    ///
    /// It is evaluated as an equal sum of positive terms, which neither cancels nor breaks down at `a = 1`: a customer
    /// who never leaves makes `N` purchases, negative binomial with `r + x` and `z`; the one after `j` others happens
    /// with the probability that the person stayed after each of them, `(b + x)_j / (a + b + x)_j` in rising
    /// factorials.
    #[must_use]
    pub fn expected_purchases(&self, customer: Customer, units: f64, periods: f64) -> f64 {
        let (recency, age) = (f64::from(customer.recency) / units, f64::from(customer.age) / units);
        self.alive_at(customer.frequency, recency, age) * self.purchases_of_the_living(customer.frequency, age, periods)
    }

    /// The repeat purchases that a person is expected to make within `periods` of the first purchase, nothing else
    /// being known: equation 9.
    #[must_use]
    pub fn expected_purchases_of_new(&self, periods: f64) -> f64 {
        self.purchases_of_the_living(0, 0.0, periods)
    }

    pub(super) fn purchases_of_the_living(&self, frequency: u32, age: f64, periods: f64) -> f64 {
        const MOST_TERMS: u32 = 1_000_000;
        if periods.is_nan() || periods <= 0.0 {
            return 0.0;
        }
        let x = f64::from(frequency);
        let shape = self.r + x;
        let z = periods / (self.alpha + age + periods);
        let (mut weight, mut total) = (1.0, 1.0);
        let (mut stayed, mut expected, mut sum) = (1.0, 0.0, 0.0);
        for n in 1..=MOST_TERMS {
            let n = f64::from(n);
            let ratio = z * (shape + n - 1.0) / n;
            weight *= ratio;
            expected += stayed;
            stayed *= (self.b + x + n - 1.0) / (self.a + self.b + x + n - 1.0);
            total += weight;
            sum += weight * expected;
            // From here on the terms fall at least like those of a geometric series of this ratio.
            let falling = z * (shape + n) / (n + 1.0) * (1.0 + 1.0 / n);
            if falling < 1.0 && weight * expected * falling < 1e-17 * sum * (1.0 - falling) {
                break;
            }
            if total > 1e280 {
                weight /= 1e280;
                total /= 1e280;
                sum /= 1e280;
            }
        }
        sum / total
    }
}

/// The logarithm of the likelihood, with its derivatives in the logarithms of the parameters.
fn log_likelihood(cells: &[Cell], model: &BgNbd) -> Local {
    let BgNbd { r, alpha, a, b } = *model;
    let parameters = [r, alpha, a, b];
    let mut value = 0.0;
    let mut gradient = [0.0; 4];
    let mut hessian = [[0.0; 4]; 4];
    // Cells come in the order of their frequency, so what depends on it alone is computed once for each.
    let mut frequency = 0;
    let mut rising = [r, b, a + b].map(|start| Rising::of(start, frequency));
    for cell in cells.iter().filter(|cell| cell.persons > 0.0) {
        if cell.frequency != frequency {
            frequency = cell.frequency;
            rising = [r, b, a + b].map(|start| Rising::of(start, frequency));
        }
        let (x, n) = (f64::from(cell.frequency), cell.persons);
        let (to_end, to_last) = (alpha + cell.age, alpha + cell.recency);
        // Still there: (alpha + T)^-(r + x).
        let there = -(r + x) * to_end.ln();
        let mut first = [-to_end.ln(), -(r + x) / to_end, 0.0, 0.0];
        let mut second = [[0.0; 4]; 4];
        second[0][1] = -1.0 / to_end;
        second[1][1] = (r + x) / (to_end * to_end);
        let mut sum = there;
        if cell.frequency > 0 {
            // Left after the last purchase: a / (b + x - 1) (alpha + t_x)^-(r + x).
            let stays = b + x - 1.0;
            let left = a.ln() - stays.ln() - (r + x) * to_last.ln();
            let share = 1.0 / (1.0 + (there - left).exp());
            sum = there.max(left) + (-(there - left).abs()).exp().ln_1p();
            let apart = [-to_last.ln() + to_end.ln(), -(r + x) / to_last + (r + x) / to_end, 1.0 / a, -1.0 / stays];
            for i in 0..4 {
                first[i] += share * apart[i];
                for j in i..4 {
                    second[i][j] += share * (1.0 - share) * apart[i] * apart[j];
                }
            }
            second[0][1] += share * (-1.0 / to_last + 1.0 / to_end);
            second[1][1] += share * (r + x) * (1.0 / (to_last * to_last) - 1.0 / (to_end * to_end));
            second[2][2] -= share / (a * a);
            second[3][3] += share / (stays * stays);
        }
        let [of_r, of_b, of_ab] = &rising;
        value += n * (sum + of_r.log + r * alpha.ln() + of_b.log - of_ab.log);
        first[0] += of_r.first + alpha.ln();
        first[1] += r / alpha;
        first[2] -= of_ab.first;
        first[3] += of_b.first - of_ab.first;
        second[0][0] += of_r.second;
        second[0][1] += 1.0 / alpha;
        second[1][1] -= r / (alpha * alpha);
        second[2][2] -= of_ab.second;
        second[2][3] -= of_ab.second;
        second[3][3] += of_b.second - of_ab.second;
        for i in 0..4 {
            gradient[i] += n * first[i];
            for j in i..4 {
                hessian[i][j] += n * second[i][j];
            }
        }
    }
    in_logs(value, &parameters, &gradient, |i, j| hessian[i][j])
}

/// A value with its derivatives, carried over to the logarithms of the parameters; of the second derivatives the upper
/// half is asked for.
pub(super) fn in_logs<const N: usize>(
    value: f64,
    parameters: &[f64; N],
    gradient: &[f64; N],
    second: impl Fn(usize, usize) -> f64,
) -> Local {
    let cell = |i: usize, j: usize| {
        let straight = second(i.min(j), i.max(j)) * parameters[i] * parameters[j];
        straight + if i == j { gradient[i] * parameters[i] } else { 0.0 }
    };
    Local {
        value,
        gradient: gradient.iter().zip(parameters).map(|(slope, parameter)| slope * parameter).collect(),
        hessian: (0..N).map(|i| (0..N).map(|j| cell(i, j)).collect()).collect(),
    }
}

/// `ln(start (start + 1) ... (start + n - 1))` with its derivatives in `start`.
struct Rising {
    log: f64,
    first: f64,
    second: f64,
}

impl Rising {
    fn of(start: f64, n: u32) -> Self {
        let (mut first, mut second) = (0.0, 0.0);
        for i in 0..n {
            let inverse = 1.0 / (start + f64::from(i));
            first += inverse;
            second -= inverse * inverse;
        }
        Self { log: ln_rising(start, n), first, second }
    }
}

/// The standard errors at a maximum, or which parameter the data leave open.
pub(super) fn log_errors<const N: usize>(local: &Local, names: [&'static str; N]) -> Result<[f64; N], Refusal> {
    let information: Vec<Vec<f64>> = local.hessian.iter().map(|row| row.iter().map(|cell| -cell).collect()).collect();
    let inverse = invert_positive(&information).ok_or(Refusal::NoMaximum)?;
    let errors: [f64; N] = std::array::from_fn(|i| inverse[i][i].sqrt());
    let widest = (0..N).max_by(|i, j| errors[*i].total_cmp(&errors[*j])).unwrap_or(0);
    if errors[widest] > OPEN { Err(Refusal::OpenParameter(names[widest])) } else { Ok(errors) }
}

/// What it means that the likelihood keeps rising towards where the parameters went.
fn ran_away(at: &[f64], from: &[f64]) -> Refusal {
    let moved = |i: usize| at[i] - from[i];
    let odds = moved(2) - moved(3);
    if moved(0) > REACH / 2.0 {
        Refusal::AlikeRates
    } else if odds < -REACH / 3.0 {
        Refusal::NoDropout
    } else if odds > REACH / 3.0 {
        Refusal::OnlyDropout
    } else if moved(2) > 0.0 {
        Refusal::AlikeDropout
    } else {
        Refusal::NoMaximum
    }
}
