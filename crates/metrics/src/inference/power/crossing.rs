//! How often has a process with a drift crossed a boundary by some time, if it is watched all the while?

use crate::inference::tails::normal_sf;

/// The probability that a Brownian motion with drift, `W(u) = B(u) + drift u`, has left `(-boundary(u),
/// boundary(u))` at some `u` in `(0, 1]`.
///
/// Whoever is beyond the boundary at time `t` must have crossed it at some `s <= t`, upwards or downwards, and moved
/// on from there (Fortet 1943; in this discretised form Park and Schuurmann 1976, Loader and Deely 1987):
///
/// ```text
/// P(W(t) > b(t)) = integral over s <= t of P(W(t) > b(t) | W(s) = +b(s)) dF_up(s)
///                                        + P(W(t) > b(t) | W(s) = -b(s)) dF_down(s)
/// ```
///
/// and the same downwards. With the densities constant on `STEPS` steps, the kernel taken at their midpoints, this is
/// a triangular system of pairs of equations. Errors are below 1e-3 for boundaries that change little within a step;
/// `boundary` is positive and continuous, also towards zero.
pub(super) fn crossing_probability(boundary: impl Fn(f64) -> f64, drift: f64) -> Option<f64> {
    const STEPS: u32 = 120;
    // Steps grow with time: the boundary bends most near zero.
    let time = |index: f64| (index / f64::from(STEPS)).powf(1.5);
    let beyond = |distance: f64, elapsed: f64, drift: f64| normal_sf((distance - drift * elapsed) / elapsed.sqrt());
    // Of each step so far: its midpoint, the boundary there, the probabilities of a first crossing upwards and down.
    let mut crossed: Vec<(f64, f64, f64, f64)> = Vec::with_capacity(STEPS as usize);
    let mut total: f64 = 0.0;
    for index in 1..=STEPS {
        let now = time(f64::from(index));
        let here = boundary(now);
        let middle = f64::midpoint(time(f64::from(index - 1)), now);
        let there = boundary(middle);
        let (mut up, mut down) = (beyond(here, now, drift)?, beyond(here, now, -drift)?);
        for (at, level, upwards, downwards) in &crossed {
            let elapsed = now - at;
            up -= upwards * beyond(here - level, elapsed, drift)? + downwards * beyond(here + level, elapsed, drift)?;
            down -=
                upwards * beyond(here + level, elapsed, -drift)? + downwards * beyond(here - level, elapsed, -drift)?;
        }
        let elapsed = now - middle;
        let (a, b) = (beyond(here - there, elapsed, drift)?, beyond(here + there, elapsed, drift)?);
        let (c, d) = (beyond(here + there, elapsed, -drift)?, beyond(here - there, elapsed, -drift)?);
        let determinant = a * d - b * c;
        // Where nothing can be reached all tails are the smallest double, and their quotient means nothing.
        let share = |part: f64, most: f64| if part.is_finite() { part.clamp(0.0, most) } else { 0.0 };
        let left = f64::max(1.0 - total, 0.0);
        let upwards = share((up * d - b * down) / determinant, left);
        let downwards = share((a * down - c * up) / determinant, left - upwards);
        total += upwards + downwards;
        crossed.push((middle, there, upwards, downwards));
    }
    // Whoever is beyond at the end has crossed; with a drift so strong that all cross within the first step, only this
    // is left.
    let end = boundary(1.0);
    let at_end = beyond(end, 1.0, drift)? + beyond(end, 1.0, -drift)?;
    Some(total.max(at_end).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the closed form for a straight boundary (Bachelier, Levy): for `b(u) = level + slope u` and the drift
    /// `m`, `P = P(Z > level + slope - m) + exp(-2 level (slope - m)) P(Z > level - slope + m)`; the boundary below
    /// is too far to matter.
    #[test]
    fn straight_boundaries() {
        for (level, slope, drift) in
            [(2.0, 0.0, 0.0), (1.0, 1.0, 2.0), (2.5, 0.5, 3.0), (0.8, 2.0, 3.5), (3.0, 0.0, 6.0)]
        {
            let sf = |z: f64| normal_sf(z).unwrap();
            let upwards = |m: f64| sf(level + slope - m) + (-2.0 * level * (slope - m)).exp() * sf(level - slope + m);
            let expected = upwards(drift) + upwards(-drift);
            let computed = crossing_probability(|u| level + slope * u, drift).unwrap();
            // Both boundaries crossed is counted twice in the sum, by less than this.
            let twice = 2.0 * sf(3.0 * level);
            assert!((computed - expected).abs() <= 1e-3 + twice, "{level} {slope} {drift}: {computed} {expected}");
        }
    }
}
