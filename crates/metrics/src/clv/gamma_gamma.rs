//! What is a purchase of a person worth? The Gamma-Gamma model.

use super::bg_nbd::{REACH, in_logs, log_errors};
use super::cells::{Cell, Cells};
use super::refusal::Refusal;
use crate::numeric::{Local, Outcome, digamma, ln_gamma, maximise, trigamma};

/// The parameters of Gamma-Gamma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    /// Shape of the values of one person's purchases.
    pub p: f64,
    /// Shape of the distribution of scales between persons; the mean exists above 1.
    pub q: f64,
    /// Its rate, in the unit of value.
    pub v: f64,
}

/// Gamma-Gamma as fitted to cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedSpend {
    /// The parameters of largest likelihood.
    pub model: GammaGamma,
    /// The standard errors of their logarithms, in the order `p, q, v`.
    pub log_errors: [f64; 3],
    /// The logarithm of the likelihood there.
    pub log_likelihood: f64,
    /// Persons with repeat purchases of a positive value in total; the others say nothing of spend.
    pub persons: u64,
    /// The correlation, over those persons, of frequency and mean spend: the model takes it for zero.
    pub correlation: f64,
}

impl GammaGamma {
    /// The parameters of largest likelihood for the persons of `cells` with repeat purchases.
    ///
    /// A person with `x` repeat purchases of mean value `m` has the likelihood (Fader and Hardie 2013, equation 1a)
    /// `G(p x + q) / (G(p x) G(q)) v^q m^(p x - 1) x^(p x) / (v + m x)^(p x + q)`. A cell counts with the mean of its
    /// persons' spend: they differ by less than 1 %, which moves the parameters by some 1e-5 of themselves.
    pub fn fit(cells: &Cells) -> Result<FittedSpend, Refusal> {
        Self::fit_from(&cells.read(1.0)?, None)
    }

    pub(super) fn fit_from(cells: &[Cell], start: Option<&Self>) -> Result<FittedSpend, Refusal> {
        const FEWEST: f64 = 30.0;
        let buyers: Vec<Cell> =
            cells.iter().filter(|cell| cell.frequency > 0 && cell.spend > 0.0 && cell.persons > 0.0).copied().collect();
        let sum = |of: &dyn Fn(&Cell) -> f64| buyers.iter().map(|cell| cell.persons * of(cell)).sum::<f64>();
        let persons = sum(&|_| 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole count")]
        let whole = persons as u64;
        if persons < FEWEST {
            return Err(Refusal::TooFewRepeats(whole));
        }
        let mean_spend = |cell: &Cell| cell.spend / f64::from(cell.frequency);
        let (m, x) = (sum(&mean_spend) / persons, sum(&|cell| f64::from(cell.frequency)) / persons);
        let starts = match start {
            Some(model) => vec![*model],
            None => [(2.0, 3.0), (8.0, 4.0), (1.0, 10.0)].map(|(p, q)| Self { p, q, v: m * (q - 1.0) / p }).to_vec(),
        };
        let mut best: Option<(Vec<f64>, Local)> = None;
        let mut reason = Refusal::NoMaximum;
        for start in starts {
            let from = [start.p, start.q, start.v].map(f64::ln);
            match maximise(|at| log_likelihood(&buyers, &Self::from_logs(at)), &from, REACH) {
                Outcome::Found { at, local } if best.as_ref().is_none_or(|(_, best)| local.value > best.value) => {
                    best = Some((at, local));
                }
                Outcome::Found { .. } | Outcome::Lost => {}
                Outcome::RanAway { .. } => reason = Refusal::AlikeSpend,
            }
        }
        let (at, local) = best.ok_or(reason)?;
        let model = Self::from_logs(&at);
        let log_errors = log_errors(&local, ["p", "q", "v"])?;
        if model.q <= 1.0 {
            return Err(Refusal::NoMeanSpend);
        }
        let moment =
            |of: &dyn Fn(f64, f64) -> f64| sum(&|cell| of(f64::from(cell.frequency) - x, mean_spend(cell) - m));
        let spread = (moment(&|x, _| x * x) * moment(&|_, m| m * m)).sqrt();
        let correlation = if spread > 0.0 { moment(&|x, m| x * m) / spread } else { 0.0 };
        Ok(FittedSpend { model, log_errors, log_likelihood: local.value, persons: whole, correlation })
    }

    fn from_logs(at: &[f64]) -> Self {
        Self { p: at[0].exp(), q: at[1].exp(), v: at[2].exp() }
    }

    /// The mean value of the purchases of a person who has spent `spend` on `frequency` repeat purchases: `p (v +
    /// spend) / (p x + q - 1)`, between the person's own mean and that of all. A negative spend (refunds) counts as
    /// none.
    #[must_use]
    pub fn expected_value(&self, frequency: u32, spend: f64) -> f64 {
        self.p * (self.v + spend.max(0.0)) / (self.p * f64::from(frequency) + self.q - 1.0)
    }

    /// The mean value of a purchase over all persons: `p v / (q - 1)`.
    #[must_use]
    pub fn mean_value(&self) -> f64 {
        self.expected_value(0, 0.0)
    }
}

/// The logarithm of the likelihood, with its derivatives in the logarithms of the parameters.
fn log_likelihood(cells: &[Cell], model: &GammaGamma) -> Local {
    let GammaGamma { p, q, v } = *model;
    let mut value = 0.0;
    let mut gradient = [0.0; 3];
    let mut hessian = [[0.0; 3]; 3];
    let of = |x: f64| [ln_gamma(x), digamma(x), trigamma(x)];
    let of_q = of(q);
    // Cells come in the order of their frequency, so what depends on it alone is computed once for each.
    let mut frequency = 0;
    let (mut of_px, mut of_sum) = (of_q, of_q);
    for cell in cells {
        let (x, s, n) = (f64::from(cell.frequency), cell.spend, cell.persons);
        let (px, sum, all) = (p * x, p * x + q, v + s);
        if cell.frequency != frequency {
            frequency = cell.frequency;
            (of_px, of_sum) = (of(px), of(sum));
        }
        let (of_v, of_s) = ((v / all).ln(), (s / all).ln());
        value += n * (of_sum[0] - of_px[0] - of_q[0] + q * of_v + px * of_s - (s / x).ln());
        gradient[0] += n * x * (of_sum[1] - of_px[1] + of_s);
        gradient[1] += n * (of_sum[1] - of_q[1] + of_v);
        gradient[2] += n * (q / v - sum / all);
        hessian[0][0] += n * x * x * (of_sum[2] - of_px[2]);
        hessian[0][1] += n * x * of_sum[2];
        hessian[0][2] -= n * x / all;
        hessian[1][1] += n * (of_sum[2] - of_q[2]);
        hessian[1][2] += n * (1.0 / v - 1.0 / all);
        hessian[2][2] += n * (sum / (all * all) - q / (v * v));
    }
    in_logs(value, &[p, q, v], &gradient, |i, j| hessian[i][j])
}
