//! How often has a process with a drift crossed a boundary by some time, if it is watched all the while?

use crate::inference::tails::{normal_sf, scaled_normal_sf};

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
/// solutions give a better third (Richardson's extrapolation). Below an `information` of 0.3 the boundary is all but straight, and
/// takes its closed form ([`straight`]). Errors are below 1e-3 up to an `information` of 100, and below 1e-2 beyond, where the
/// boundary bends ever earlier.
///
/// `boundary` is positive and continuous, also towards zero; `information` says how soon it bends.
pub(super) fn crossing_probability(boundary: impl Fn(f64) -> f64, drift: f64, information: f64) -> Option<f64> {
    // Which way the drift goes makes no difference to a boundary on both sides.
    let drift = drift.abs();
    let end = boundary(1.0);
    // Whoever is beyond at the end has crossed.
    let at_end = normal_sf(end - drift)? + normal_sf(end + drift)?;
    let crossed = if information < NEARLY_STRAIGHT {
        straight(&boundary, drift)?
    } else {
        let grid = grid(information);
        let coarse = crossing_in(STEPS, grid, &boundary, drift)?;
        let fine = crossing_in(2 * STEPS, grid, &boundary, drift)?;
        fine + (fine - coarse) / (2.0 * std::f64::consts::SQRT_2 - 1.0)
    };
    Some(crossed.max(at_end).min(1.0)).filter(|found| !found.is_nan())
}

const NEARLY_STRAIGHT: f64 = 0.3;

/// The same for the tangent of the boundary at the end, `level + slope u`, where most cross (Bachelier, Levy):
///
/// ```text
/// P = P(Z > level + slope - m) + exp(2 level (m - slope)) P(Z > level - slope + m)
/// ```
///
/// for the boundary on the side of the drift `m`, and with `-m` for the other, which is too far for both to matter.
fn straight(boundary: impl Fn(f64) -> f64, drift: f64) -> Option<f64> {
    const STEP: f64 = 1e-4;
    let end = boundary(1.0);
    let slope = (end - boundary(1.0 - STEP)) / STEP;
    let level = end - slope;
    let crossed = |m: f64| {
        let direct = normal_sf(end - m)?;
        // exp(2 level (m - slope)) is exp(z^2 / 2 - (end - m)^2 / 2), z the argument of the tail.
        let z = level - slope + m;
        Some(direct + (-(end - m).powi(2) / 2.0).exp() * scaled_normal_sf(z)?)
    };
    // Neither probability exceeds one; against the drift it may be as good as none.
    Some((crossed(drift)? + crossed(-drift)?).min(1.0))
}

const STEPS: usize = 20;

/// The power of the share of steps that is the time by then: steps grow with time, because the boundary bends most near zero.
fn grid(information: f64) -> f64 {
    1.5 + 0.4 * (1.0 + information.max(0.0)).log10()
}

/// What is less likely than this is far below the error of the steps, and below the precision that roots are solved with.
const UNLIKELY: f64 = 1e-12;

/// The standard deviations beyond which what happens with a probability and then goes that far is unlikely: a normal tail is below
/// `exp(-z^2 / 2) / 2`.
fn far(probability: f64) -> f64 {
    (2.0 * (probability / UNLIKELY).ln()).max(0.0).sqrt()
}

/// A step that has been solved.
struct Step {
    /// Its midpoint, and the boundary there.
    at: f64,
    level: f64,
    along: Crossing,
    against: Crossing,
}

/// A first crossing in a step, along the drift or against it.
#[derive(Clone, Copy)]
struct Crossing {
    probability: f64,
    /// See [`far`].
    far: f64,
}

impl Crossing {
    fn new(probability: f64) -> Self {
        Self { probability, far: far(probability) }
    }

    /// The probability of crossing here and then being beyond a place, so many standard deviations away. `None` for a NaN.
    fn beyond(self, z: f64) -> Option<f64> {
        if z >= self.far { Some(0.0) } else { normal_sf(z).map(|tail| self.probability * tail) }
    }
}

/// The solution on so many steps, the time by a share of them being its `grid`-th power; `drift` is not negative.
fn crossing_in(steps: usize, grid: f64, boundary: impl Fn(f64) -> f64, drift: f64) -> Option<f64> {
    let time = |index: f64| (index / steps as f64).powf(grid);
    let from_start = Crossing::new(1.0);
    let mut crossed: Vec<Step> = Vec::with_capacity(steps);
    let mut total: f64 = 0.0;
    for index in 0..steps {
        let (begin, now) = (time(index as f64), time((index + 1) as f64));
        let here = boundary(now);
        let root = now.sqrt();
        let mut up = from_start.beyond(here / root - drift * root)?;
        let mut down = from_start.beyond(here / root + drift * root)?;
        for step in &crossed {
            let root = (now - step.at).sqrt();
            let (near, apart, drifted) = ((here - step.level) / root, (here + step.level) / root, drift * root);
            up -= step.along.beyond(near - drifted)? + step.against.beyond(apart - drifted)?;
            down -= step.along.beyond(apart + drifted)? + step.against.beyond(near + drifted)?;
        }
        let at = f64::midpoint(begin, now);
        let level = boundary(at);
        let root = (now - at).sqrt();
        let (near, apart, drifted) = ((here - level) / root, (here + level) / root, drift * root);
        let (a, b) = (from_start.beyond(near - drifted)?, from_start.beyond(apart - drifted)?);
        let (c, d) = (from_start.beyond(apart + drifted)?, from_start.beyond(near + drifted)?);
        let determinant = a * d - b * c;
        // Where nothing can be reached the tails are nothing, and their quotient means nothing.
        let share = |part: f64, most: f64| if part.is_finite() { part.clamp(0.0, most) } else { 0.0 };
        let left = f64::max(1.0 - total, 0.0);
        // Against a strong drift nobody crosses.
        let found = if determinant > 0.0 {
            [(up * d - b * down) / determinant, (a * down - c * up) / determinant]
        } else {
            [up / a, 0.0]
        };
        let along = share(found[0], left);
        let against = share(found[1], left - along);
        total += along + against;
        crossed.push(Step { at, level, along: Crossing::new(along), against: Crossing::new(against) });
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::sequential::two_sided_width;

    /// Against so many steps that nothing changes any more: drifts near the boundary at the end, where a power is asked for.
    #[test]
    fn few_steps_do() {
        for information in [0.05, 0.29, 0.31, 1.0, 10.0, 100.0, 1e4, 1e6, 1e8] {
            let boundary = |u: f64| u.sqrt() * two_sided_width(information * u, 1.0, 0.05);
            for nearer in [-1.5, 0.0, 0.84] {
                let drift = boundary(1.0) + nearer;
                // Where the drift is strong all happens within few of the steps.
                let exact =
                    crossing_in(if information < 0.3 { 1_200 } else { 600 }, grid(information), boundary, drift);
                let found = crossing_probability(boundary, drift, information).unwrap();
                let error = (found - exact.unwrap()).abs();
                assert!(error < if information <= 100.0 { 1e-3 } else { 1e-2 }, "{information} {drift}: {error}");
            }
        }
    }

    /// Whoever looks all the while sees no less than whoever looks at the end alone.
    #[test]
    fn more_looks_see_more() {
        for information in [0.003, 0.01, 0.03, 0.3, 1.0, 100.0, 1e8] {
            let boundary = |u: f64| u.sqrt() * two_sided_width(information * u, 1.0, 0.05);
            for drift in [0.0, 0.5, 1.0, 1.1].map(|part| part * boundary(1.0)) {
                let once = normal_sf(boundary(1.0) - drift).unwrap();
                let found = crossing_probability(boundary, drift, information).unwrap();
                assert!(once <= found && found <= 1.0, "{information} {drift}: {once} {found}");
            }
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
            // Both boundaries crossed is counted twice in the sum, by less than this.
            let twice = 2.0 * sf(3.0 * level);
            for (information, tolerance) in [(1.0, 1e-3 + twice), (0.0, 1e-9)] {
                let computed = crossing_probability(|u| level + slope * u, drift, information).unwrap();
                assert!(
                    (computed - expected.min(1.0)).abs() <= tolerance,
                    "{level} {slope} {drift}: {computed} {expected}"
                );
            }
        }
    }
}
