//! Where could the service say something new? Its formulas in doubles, to pass over the looks whose answer can be foreseen.
//!
//! Nothing is counted by what stands here: where a boundary is reached, or nearly, the service itself is asked.

use metrics::inference::effective_persons;

use super::sums::Rough;
use super::world::Outcome;

/// The square of less than half the width of any sequence at any time, in standard errors.
pub(crate) const SMALLEST_WIDTH: f64 = 8.4;
/// `ln(1 / 0.05)`, less a hair.
const DECIDES: f64 = 2.995_732 - 1e-6;
/// The concentration of the exact test of converters.
const CONCENTRATION: f64 = metrics::inference::CONVERTERS_CONCENTRATION;

/// The square of half the width of a sequence at `time`, in standard errors.
pub(crate) fn squared_width(time: f64, rho: f64) -> f64 {
    let scaled = time * rho * rho;
    2.0 * (scaled + 1.0) / scaled * (0.5 * scaled.ln_1p() + 20f64.ln())
}

/// The share of persons who contribute, as `contributing_share` of the report tells it.
pub(crate) fn contributing([control, treated]: &[Rough; 2], outcome: Outcome) -> f64 {
    let n = control.n + treated.n;
    let sum = |of: fn(&Rough) -> f64| of(control) + of(treated);
    let (y, yy) = (sum(|sums| sums.y), sum(|sums| sums.yy));
    if outcome.is_binary() {
        return y / n;
    }
    let alike = |sum: f64, squares: f64| if squares > 0.0 { sum * sum / squares / n } else { 0.0 };
    let mean = y / n;
    let variance = yy / n - mean * mean;
    let third = sum(|sums| sums.yyy) / n - 3.0 * mean * yy / n + 2.0 * mean * mean * mean;
    let by_shape = if variance > 0.0 { 1.0 / (4.0 + third * third / variance.powi(3)) } else { 0.0 };
    let share = alike(y, yy).max(by_shape);
    if outcome.is_ratio() { share.min(alike(sum(|sums| sums.d), sum(|sums| sums.dd))) } else { share }
}

/// Two arms at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    n: [f64; 2],
    mean: [f64; 2],
    variance: [f64; 2],
}

impl Moment {
    pub(crate) fn of(arms: &[Rough; 2], is_ratio: bool) -> Option<Self> {
        let ((c, vc), (t, vt)) = (arms[0].estimate(is_ratio)?, arms[1].estimate(is_ratio)?);
        Some(Self { n: [arms[0].n, arms[1].n], mean: [c, t], variance: [vc, vt] })
    }

    /// The same with values of the arm that are `factor` times as large.
    pub(crate) fn scaled(mut self, factor: f64) -> Self {
        self.mean[1] *= factor;
        self.variance[1] *= factor * factor;
        self
    }

    /// With squares about zero.
    pub(crate) fn accruing(mut self) -> Self {
        for arm in 0..2 {
            self.variance[arm] += self.mean[arm] * self.mean[arm] / (self.n[arm] - 1.0);
        }
        self
    }

    pub(crate) fn rises(&self) -> bool {
        self.mean[1] > self.mean[0]
    }

    pub(crate) fn persons(&self) -> f64 {
        self.n[0] + self.n[1]
    }

    pub(crate) fn smaller(&self) -> f64 {
        self.n[0].min(self.n[1])
    }

    /// The time of the corrected sequence where values are final.
    pub(crate) fn time(&self) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of persons")]
        let [control, treated] = self.n.map(|n| n as u64);
        effective_persons(treated, control)
    }

    /// Whether 25 converters are not expected in the smaller arm, or hardly.
    pub(crate) fn expects_few(&self, arms: &[Rough; 2]) -> bool {
        (arms[0].y + arms[1].y) * self.smaller() < 25.001 * self.persons()
    }

    /// The square of how far the arm less `factor` times control is from zero, in Welch's standard errors.
    pub(crate) fn plain(&self, factor: f64) -> f64 {
        let residual = self.mean[1] - factor * self.mean[0];
        let welch = self.variance[1] + factor * factor * self.variance[0];
        if welch > 0.0 { residual * residual / welch } else { 0.0 }
    }

    /// The square of the lift in its standard errors by the delta method.
    pub(crate) fn of_lift(&self) -> f64 {
        let residual = self.mean[1] - self.mean[0];
        let quotient = self.mean[1] / self.mean[0];
        let variance = self.variance[1] + quotient * quotient * self.variance[0];
        if variance > 0.0 { residual * residual / variance } else { 0.0 }
    }

    /// The square of how far the arm less `factor` times control is from zero, in the larger of Welch's standard error and the pooled one.
    pub(crate) fn corrected(&self, factor: f64) -> f64 {
        let residual = self.mean[1] - factor * self.mean[0];
        let ([nc, nt], vt, vc) = (self.n, self.variance[1], factor * factor * self.variance[0]);
        let all = nc + nt;
        let within = (vt * nt * (nt - 1.0) + vc * nc * (nc - 1.0)) * all / ((all - 2.0) * nc * nt);
        let larger = within.max(vt + vc);
        if larger > 0.0 { residual * residual / larger } else { 0.0 }
    }
}

/// The arms of the converters so far, with the logarithm of their e-value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    /// The share of control and of the arm.
    shares: [f64; 2],
    converted: [f64; 2],
    log_e_value: f64,
}

impl Draws {
    pub(crate) fn of_share(control: f64) -> Self {
        Self { shares: [control, 1.0 - control], converted: [0.0; 2], log_e_value: 0.0 }
    }

    /// One more converter: the mixture's probability of the arm over that of its share.
    pub(crate) fn convert(&mut self, arm: usize) {
        let share = self.shares[arm];
        let all = self.converted[0] + self.converted[1];
        let predicted = (CONCENTRATION * share + self.converted[arm]) / (CONCENTRATION + all);
        self.log_e_value += (predicted / share).ln();
        self.converted[arm] += 1.0;
    }

    pub(crate) fn rises(&self) -> bool {
        self.converted[1] * self.shares[0] > self.converted[0] * self.shares[1]
    }

    pub(crate) fn nearly_decides(&self) -> bool {
        self.log_e_value >= DECIDES
    }

    /// Whether a rate ratio of `factor` is outside the set, or nearly.
    pub(crate) fn nearly_refutes(&self, factor: f64) -> bool {
        let all = self.converted[0] + self.converted[1];
        let likelihood = self.converted[1] * factor.ln() - all * (1.0 + self.shares[1] * (factor - 1.0)).ln();
        likelihood <= self.log_e_value - DECIDES + 1e-6
    }
}
