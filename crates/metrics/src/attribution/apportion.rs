//! How is a whole number of units divided in proportion, so that nothing is lost?

use ethnum::U256;

/// Divides `total` units in proportion to `weights` by the largest remainder: each gets the whole units of its share, and the
/// units that are left go one each to the largest remainders, equally large ones in order (Hamilton's method).
///
/// The parts add up to `total` exactly, and no part is a whole unit away from its share. What is negative is divided like its
/// opposite, so that it undoes it. Where all weights are zero there is nobody to give to, and the parts are zero.
#[must_use]
pub fn apportion(total: i128, weights: &[u64]) -> Vec<i128> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let whole = total.unsigned_abs();
    let divided: Vec<(u128, u128)> = weights
        .iter()
        .map(|weight| {
            if let Some(product) = whole.checked_mul(u128::from(*weight)) {
                return (product / sum, product % sum);
            }
            let product = U256::from(whole) * U256::from(*weight);
            // The share is at most the whole, and the remainder less than the sum.
            ((product / U256::from(sum)).as_u128(), (product % U256::from(sum)).as_u128())
        })
        .collect();
    let mut parts: Vec<u128> = divided.iter().map(|(share, _)| *share).collect();
    let left = whole - parts.iter().sum::<u128>();
    if left > 0 {
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|a, b| divided[*b].1.cmp(&divided[*a].1).then(a.cmp(b)));
        // Fewer units are left than there are remainders above zero.
        for at in order.into_iter().zip(0..left).map(|(at, _)| at) {
            parts[at] += 1;
        }
    }
    #[expect(clippy::cast_possible_wrap, reason = "no part is larger than the magnitude of an i128")]
    parts.into_iter().map(|part| if total < 0 { (part as i128).wrapping_neg() } else { part as i128 }).collect()
}
