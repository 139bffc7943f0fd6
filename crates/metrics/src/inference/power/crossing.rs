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
/// a triangular system of pairs of equations. Its error falls like the number of steps to the power of -1.5, so that two
/// solutions give a better third (Richardson's extrapolation). It is below 5e-4 where the boundary bends little, and below 2e-3
/// up to an `information` of 1e4.
///
/// `boundary` is positive and continuous, also towards zero; the larger `information`, the earlier it bends.
pub(super) fn crossing_probability(boundary: impl Fn(f64) -> f64, drift: f64, information: f64) -> Option<f64> {
    let grid = grid(information);
    let coarse = crossing_in(STEPS, grid, &boundary, drift)?;
    let fine = crossing_in(2 * STEPS, grid, &boundary, drift)?;
    Some((fine + (fine - coarse) / (2.0 * std::f64::consts::SQRT_2 - 1.0)).clamp(0.0, 1.0))
}

const STEPS: usize = 20;

/// The power of the share of steps that is the time by then: steps grow with time, because the boundary bends most near zero.
fn grid(information: f64) -> f64 {
    1.5 + 0.4 * (1.0 + information.max(0.0)).log10()
}

/// Tails beyond so many standard deviations (1e-17), and crossings less likely than this, change no digit that is told.
const FAR: f64 = 8.5;
const UNLIKELY: f64 = 1e-14;

/// A step that has been solved.
struct Step {
    /// Its midpoint, and the boundary there.
    at: f64,
    level: f64,
    /// The probabilities of a first crossing along the drift, and against it.
    along: f64,
    against: f64,
}

fn crossing_in(steps: usize, grid: f64, boundary: impl Fn(f64) -> f64, drift: f64) -> Option<f64> {
    // Which way the drift goes makes no difference to a boundary on both sides.
    let drift = drift.abs();
    let time = |index: f64| (index / steps as f64).powf(grid);
    let beyond = |distance: f64, root: f64, drift: f64| match distance / root - drift * root {
        far if far > FAR => Some(0.0),
        z => normal_sf(z),
    };
    let mut crossed: Vec<Step> = Vec::with_capacity(steps);
    let mut total: f64 = 0.0;
    for index in 0..steps {
        let (begin, now) = (time(index as f64), time((index + 1) as f64));
        let here = boundary(now);
        let root = now.sqrt();
        let (mut up, mut down) = (beyond(here, root, drift)?, beyond(here, root, -drift)?);
        for step in &crossed {
            let root = (now - step.at).sqrt();
            let (near, far) = (here - step.level, here + step.level);
            if step.along > UNLIKELY {
                up -= step.along * beyond(near, root, drift)?;
                down -= step.along * beyond(far, root, -drift)?;
            }
            if step.against > UNLIKELY {
                up -= step.against * beyond(far, root, drift)?;
                down -= step.against * beyond(near, root, -drift)?;
            }
        }
        let at = f64::midpoint(begin, now);
        let level = boundary(at);
        let root = (now - at).sqrt();
        let (a, b) = (beyond(here - level, root, drift)?, beyond(here + level, root, drift)?);
        let (c, d) = (beyond(here + level, root, -drift)?, beyond(here - level, root, -drift)?);
        let determinant = a * d - b * c;
        // Where nothing can be reached the tails are nothing, and their quotient means nothing.
        let share = |part: f64, most: f64| if part.is_finite() { part.clamp(0.0, most) } else { 0.0 };
        let left = f64::max(1.0 - total, 0.0);
        let along = share((up * d - b * down) / determinant, left);
        let against = share((a * down - c * up) / determinant, left - along);
        total += along + against;
        crossed.push(Step { at, level, along, against });
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
    use crate::inference::sequential::two_sided_width;

    /// Steps that halve until nothing changes any more are as good as exact.
    #[test]
    fn few_steps_do() {
        for (information, drift) in [(0.3, 4.0), (1.0, 3.0), (10.0, 3.0), (100.0, 2.0), (1e4, 3.0)] {
            let boundary = |u: f64| u.sqrt() * two_sided_width(information * u, 1.0, 0.05);
            let exact = crossing_in(600, grid(information), boundary, drift).unwrap();
            let found = crossing_probability(boundary, drift, information).unwrap();
            assert!((found - exact).abs() < 2e-3, "{information} {drift}: {found} {exact}");
            let usual = information <= 100.0;
            assert!(!usual || (found - exact).abs() < 5e-4, "{information} {drift}: {found} {exact}");
        }
    }

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
            let computed = crossing_probability(|u| level + slope * u, drift, 1.0).unwrap();
            // Both boundaries crossed is counted twice in the sum, by less than this.
            let twice = 2.0 * sf(3.0 * level);
            assert!((computed - expected).abs() <= 1e-3 + twice, "{level} {slope} {drift}: {computed} {expected}");
        }
    }
}
