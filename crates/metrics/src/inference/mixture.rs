//! How much more probable are counts if their shares were drawn at random than if they were the ones planned? The
//! Dirichlet mixture behind the anytime-valid tests of counts.

use super::tails::gamma::stirling_remainder;
use super::undefined::{Undefined, finite};

/// The logarithm of the e-value of counts against planned shares: the multinomial mixture of Lindon and Malek (`NeurIPS`
/// 2022).
///
/// `ln E = lnGamma(k) - lnGamma(k + n) + sum [lnGamma(k theta_i + c_i) - lnGamma(k theta_i)] - sum c_i ln theta_i`, with
/// `theta` the weights over their sum, `k = concentration`, `n` the sum of the counts. Under the planned shares E is a
/// martingale that starts at one, so the probability that it *ever* reaches `1 / alpha` is at most `alpha` (Ville), however
/// often it is read and for any split.
///
/// Evaluated as `sum (A_i - 1/2) ln(1 + (c_i - n theta_i) / (A theta_i)) - (m - 1) / 2 ln(A / k)` plus Stirling's
/// remainders, `A_i = k theta_i + c_i`, `A = k + n`: the same by algebra, and nothing cancels at a billion counts.
///
/// Conditions: one weight for each count, all above zero and finite; a positive concentration.
pub(super) fn log_e_value(counts: &[u64], weights: &[f64], concentration: f64) -> Result<f64, Undefined> {
    let usable = |weight: &f64| weight.is_finite() && *weight > 0.0;
    if counts.len() != weights.len() || !weights.iter().all(usable) {
        return Err(Undefined::InvalidWeights);
    }
    if counts.len() < 2 {
        return Err(Undefined::FewerThanTwoArms);
    }
    // In units of the largest weight, so that their sum is finite.
    let unit = weights.iter().fold(0.0f64, |largest, weight| largest.max(*weight));
    let whole: f64 = weights.iter().map(|weight| weight / unit).sum();
    let n: f64 = counts.iter().map(|count| *count as f64).sum();
    let all = concentration + n;
    let mut sum = stirling_remainder(concentration) - stirling_remainder(all);
    for (count, weight) in counts.iter().zip(weights) {
        let (count, weight) = (*count as f64, weight / unit);
        let share = weight / whole;
        let prior = concentration * share;
        let excess = count.mul_add(whole, -(n * weight)) / whole;
        let relative = excess / (all * share);
        // Far below the plan the quotient itself is exact, and one plus the excess is not.
        let logarithm = if relative < -0.5 { ((prior + count) / (all * share)).ln() } else { relative.ln_1p() };
        sum += (prior + count - 0.5) * logarithm;
        sum += stirling_remainder(prior + count) - stirling_remainder(prior);
    }
    let arms = counts.len() as f64;
    finite(sum - (arms - 1.0) / 2.0 * (all / concentration).ln())
}

/// The p-value that belongs to an e-value, `min(1, 1 / E)`; never zero.
pub(super) fn p_value(log_e_value: f64) -> f64 {
    (-log_e_value).exp().clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use proptest::prelude::*;

    /// Two counts can be integrated by hand: with concentration 2 and equal shares the mixture is uniform, so `E = 2^n /
    /// ((n + 1) binomial(n, c))`.
    #[test]
    fn a_uniform_mixture() {
        for (a, b, e) in [(0, 0, 1.0), (1, 0, 1.0), (3, 0, 2.0), (2, 2, 16.0 / 30.0), (5, 1, 64.0 / 42.0)] {
            close(log_e_value(&[a, b], &[0.5, 0.5], 2.0).unwrap().exp(), e, 1e-13);
        }
    }

    proptest! {
        /// E is a martingale under the planned shares: its mean over the next count is itself.
        #[test]
        fn a_martingale(a in 0u64..2000, b in 0u64..2000, c in 0u64..2000, w in 0.05f64..20.0, v in 0.05f64..20.0) {
            let weights = [w, v, 1.0];
            let now = log_e_value(&[a, b, c], &weights, 20.0)?;
            let next = [[a + 1, b, c], [a, b + 1, c], [a, b, c + 1]];
            let mean: f64 = next
                .iter()
                .zip(weights)
                .map(|(counts, weight)| weight / (w + v + 1.0) * (log_e_value(counts, &weights, 20.0).unwrap() - now).exp())
                .sum();
            prop_assert!((mean - 1.0).abs() < 1e-10, "{mean}");
        }

        #[test]
        fn finite_or_a_reason(
            arms in prop::collection::vec((any::<u64>(), prop_oneof![any::<f64>(), 0.0f64..10.0]), 0..6)
        ) {
            let (counts, weights): (Vec<u64>, Vec<f64>) = arms.into_iter().unzip();
            if let Ok(log_e_value) = log_e_value(&counts, &weights, 20.0) {
                prop_assert!(log_e_value.is_finite());
                let p = p_value(log_e_value);
                prop_assert!(p > 0.0 && p <= 1.0);
            }
        }
    }
}
