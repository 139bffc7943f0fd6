//! Where is a smooth function of a few variables largest?

use super::linear::solve_positive;

/// A function at a point, with its first and second derivatives there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Local {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
    pub(crate) hessian: Vec<Vec<f64>>,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// At a maximum: the gradient vanishes and the negated second derivatives are positive definite.
    Found { at: Vec<f64>, local: Local },
    /// A variable ran away from its start; the function keeps rising there. The point at which it left.
    RanAway { at: Vec<f64> },
    /// The function is flat or not finite, or the steps ran out.
    Lost,
}

/// Maximises `f` from `start` by Newton's method with Levenberg's damping: steps solve `(-H + damping |diag H|) step =
/// gradient` and are taken where `f` rises. A variable that moves further than `reach` from its start has run away.
pub(crate) fn maximise(f: impl Fn(&[f64]) -> Local, start: &[f64], reach: f64) -> Outcome {
    const MOST_STEPS: usize = 300;
    /// No variable moves further than this at once.
    const LONGEST: f64 = 2.0;
    let mut at = start.to_vec();
    let mut here = f(&at);
    let mut damping: f64 = 0.0;
    for _ in 0..MOST_STEPS {
        if !here.value.is_finite() {
            return Outcome::Lost;
        }
        if at.iter().zip(start).any(|(now, first)| (now - first).abs() > reach) {
            return Outcome::RanAway { at };
        }
        let Some(mut step) = solve_positive(&damped(&here.hessian, damping), &here.gradient) else {
            damping = (damping * 10.0).max(1e-3);
            if damping > 1e12 {
                return Outcome::Lost;
            }
            continue;
        };
        let rise: f64 = step.iter().zip(&here.gradient).map(|(step, slope)| step * slope).sum();
        let longest = step.iter().fold(0.0, |longest: f64, part| longest.max(part.abs()));
        if longest > LONGEST {
            for part in &mut step {
                *part *= LONGEST / longest;
            }
        }
        let next: Vec<f64> = at.iter().zip(&step).map(|(now, part)| now + part).collect();
        let there = f(&next);
        // Near the top the rise drowns in the rounding of the value, but the gradient still shows the way: there an
        // undamped step doubles the digits, and one more is enough.
        if damping == 0.0 && rise < 1e-9 && longest < 1e-3 {
            let top = solve_positive(&damped(&there.hessian, 0.0), &there.gradient);
            return match top {
                Some(last) => {
                    let at: Vec<f64> = next.iter().zip(&last).map(|(now, part)| now + part).collect();
                    Outcome::Found { local: f(&at), at }
                }
                None => Outcome::Lost,
            };
        }
        if there.value > here.value {
            (at, here) = (next, there);
            damping = if damping < 1e-4 { 0.0 } else { damping / 10.0 };
        } else {
            damping = (damping * 10.0).max(1e-3);
            if damping > 1e12 {
                return Outcome::Lost;
            }
        }
    }
    Outcome::Lost
}

/// The negated second derivatives, their diagonal raised.
fn damped(hessian: &[Vec<f64>], damping: f64) -> Vec<Vec<f64>> {
    let raised = |(i, row): (usize, &Vec<f64>)| {
        let mut row: Vec<f64> = row.iter().map(|cell| -cell).collect();
        row[i] += damping * row[i].abs().max(1e-300);
        row
    };
    hessian.iter().enumerate().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A curved ridge (Rosenbrock 1960), with its maximum at (1, 1).
    fn ridge(at: &[f64]) -> Local {
        let (x, y) = (at[0], at[1]);
        let bend = y - x * x;
        Local {
            value: -100.0 * bend * bend - (1.0 - x) * (1.0 - x),
            gradient: vec![400.0 * x * bend + 2.0 * (1.0 - x), -200.0 * bend],
            hessian: vec![vec![400.0 * bend - 800.0 * x * x - 2.0, 400.0 * x], vec![400.0 * x, -200.0]],
        }
    }

    #[test]
    fn climbs() {
        let Outcome::Found { at, .. } = maximise(ridge, &[-1.2, 1.0], 20.0) else { panic!("not found") };
        assert!((at[0] - 1.0).abs() < 1e-12 && (at[1] - 1.0).abs() < 1e-12);
        let rising = |at: &[f64]| Local {
            value: -(-at[0]).exp(),
            gradient: vec![(-at[0]).exp()],
            hessian: vec![vec![-(-at[0]).exp()]],
        };
        assert!(matches!(maximise(rising, &[0.0], 10.0), Outcome::RanAway { .. }));
        let flat = |_: &[f64]| Local { value: 1.0, gradient: vec![0.0], hessian: vec![vec![0.0]] };
        assert_eq!(maximise(flat, &[0.0], 10.0), Outcome::Lost);
    }
}
