//! Given how many converted, how probable is it that an arm's rate is higher, and what does choosing it risk? Exactly, by
//! beta distributions.
//!
//! With a uniform prior, k of n converting leaves the rate distributed as Beta(1 + k, 1 + n - k). Two such rates are
//! compared by integrating over both. In the logit of the rate the densities are smooth bells, which Gauss-Legendre panels
//! integrate to rounding; the inner integral comes from the same nodes by integrating the polynomial through them.

use std::sync::OnceLock;

use super::tails::gamma::stirling_remainder;
use super::undefined::Undefined;

/// Which of two rates is higher, and what is risked by choosing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatePosterior {
    /// The probability that the arm's rate is above that of control.
    pub chance_above: f64,
    /// The probability that it is below.
    pub chance_below: f64,
    /// What is lost on average by choosing the arm: `E[max(p_C - p_T, 0)]`, in rates.
    pub loss_if_shipped: f64,
    /// What is lost on average by keeping control: `E[max(p_T - p_C, 0)]`, in rates.
    pub loss_if_kept: f64,
    /// The mean of control's rate, `(1 + k) / (2 + n)`: losses over it are losses of lift.
    pub control_mean: f64,
}

/// The rates of two arms with `(converted, persons)` each, both with a uniform prior Beta(1, 1).
///
/// `P(p_T > p_C) = E[F_C(p_T)]`, `E[max(p_T - p_C, 0)] = E[H_C(p_T)]` with `H(x)` the integral of the distribution function
/// F up to x: sums of positive terms, so that small chances keep their digits, down to about 1e-15; what is smaller is
/// reported as the smallest double.
///
/// Conditions: no more converted than persons.
pub fn compare_rates(control: (u64, u64), treatment: (u64, u64)) -> Result<RatePosterior, Undefined> {
    let (c, t) = (Rate::new(control)?, Rate::new(treatment)?);
    let mut edges = c.edges();
    edges.extend(t.edges());
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let edges = refined(&edges);
    let mut of_c = Running::default();
    let mut of_t = Running::default();
    let (mut above, mut below, mut shipped, mut kept) = (0.0, 0.0, 0.0, 0.0);
    let rule = rule();
    for panel in edges.windows(2) {
        let (middle, half) = (f64::midpoint(panel[0], panel[1]), (panel[1] - panel[0]) / 2.0);
        let x = rule.nodes.map(|node| middle + half * node);
        let (density_c, density_t) = (x.map(|x| c.density(x)), x.map(|x| t.density(x)));
        let (below_c, below_t) = (of_c.mass.next(rule, half, &density_c), of_t.mass.next(rule, half, &density_t));
        // The derivative of the rate by its logit is p (1 - p).
        let slope = x.map(|x| {
            let small = (-x.abs()).exp();
            small / ((1.0 + small) * (1.0 + small))
        });
        let lag = |mass: [f64; NODES]| std::array::from_fn(|at| mass[at] * slope[at]);
        let (lag_c, lag_t) = (of_c.lag.next(rule, half, &lag(below_c)), of_t.lag.next(rule, half, &lag(below_t)));
        for at in 0..NODES {
            let (weight_c, weight_t) =
                (half * rule.weights[at] * density_c[at], half * rule.weights[at] * density_t[at]);
            above += weight_t * below_c[at];
            below += weight_c * below_t[at];
            kept += weight_t * lag_c[at];
            shipped += weight_c * lag_t[at];
        }
    }
    let probability = |p: f64| p.clamp(f64::MIN_POSITIVE, 1.0);
    Ok(RatePosterior {
        chance_above: probability(above),
        chance_below: probability(below),
        loss_if_shipped: shipped.max(0.0),
        loss_if_kept: kept.max(0.0),
        control_mean: c.a / (c.a + c.b),
    })
}

/// The edges with wide panels cut: the rate as a function of its logit bends on a scale of one.
fn refined(edges: &[f64]) -> Vec<f64> {
    const WIDEST: f64 = 1.5;
    let mut fine = Vec::with_capacity(2 * edges.len());
    for panel in edges.windows(2) {
        let width = panel[1] - panel[0];
        let mut parts = 1.0;
        while width / parts > WIDEST {
            parts += 1.0;
        }
        let mut part = 0.0;
        while part < parts {
            fine.push(panel[0] + width * part / parts);
            part += 1.0;
        }
    }
    fine.extend(edges.last());
    fine
}

/// A rate's distribution Beta(a, b), in its logit.
struct Rate {
    a: f64,
    b: f64,
    /// Where the density in the logit is highest.
    mode: f64,
    /// The density there.
    top: f64,
}

impl Rate {
    fn new((converted, persons): (u64, u64)) -> Result<Self, Undefined> {
        let rest = persons.checked_sub(converted).ok_or(Undefined::ImpossibleSums)?;
        let (a, b) = (1.0 + converted as f64, 1.0 + rest as f64);
        // a ln p + b ln q - ln B(a, b) at p = a / (a + b): by Stirling's formula only small terms are left.
        let remainder = stirling_remainder(a + b) - stirling_remainder(a) - stirling_remainder(b);
        let top = (a / std::f64::consts::TAU * (b / (a + b))).sqrt() * remainder.exp();
        Ok(Self { a, b, mode: (a / b).ln(), top })
    }

    /// The density at the logit `x`: `top exp(a d - (a + b) ln(1 + p (e^d - 1)))`, `d` the distance from the mode.
    fn density(&self, x: f64) -> f64 {
        self.top * self.logarithm(x - self.mode).exp()
    }

    /// The logarithm of the density over that at the mode.
    fn logarithm(&self, d: f64) -> f64 {
        let all = self.a + self.b;
        if d > 0.0 {
            -self.b * d - all * (self.b / all * (-d).exp_m1()).ln_1p()
        } else {
            self.a * d - all * (self.a / all * d.exp_m1()).ln_1p()
        }
    }

    /// The ends of the panels: from where the density has fallen by e^-40 on one side to where it has on the other, finer
    /// near the mode.
    fn edges(&self) -> Vec<f64> {
        const REACH: f64 = 40.0;
        const PANELS: u8 = 6;
        let all = self.a + self.b;
        // The logarithm lies below its asymptote of slope `slope`, which gives a point that is surely beyond; then by
        // bisection.
        let end = |side: f64, slope: f64| {
            let (mut near, mut far) = (0.0, (REACH + all * (all / (all - slope)).ln()) / slope);
            for _ in 0..40 {
                let middle = f64::midpoint(near, far);
                if self.logarithm(side * middle) > -REACH { near = middle } else { far = middle }
            }
            far
        };
        let (left, right) = (end(-1.0, self.a), end(1.0, self.b));
        let parts = (0..=PANELS).map(|part| f64::from(part) / f64::from(PANELS));
        let mut edges: Vec<f64> = parts.clone().map(|part| self.mode - left * part).collect();
        edges.extend(parts.map(|part| self.mode + right * part));
        edges
    }
}

const NODES: usize = 16;

/// The Gauss-Legendre rule with the matrix that integrates the polynomial through its nodes from -1 to each of them.
struct Rule {
    nodes: [f64; NODES],
    weights: [f64; NODES],
    running: [[f64; NODES]; NODES],
}

fn rule() -> &'static Rule {
    static RULE: OnceLock<Rule> = OnceLock::new();
    RULE.get_or_init(|| {
        let (nodes, weights) = super::tails::legendre();
        // With P_l Legendre's polynomials: the integral from -1 to x of P_l is (P_(l+1) - P_(l-1)) / (2 l + 1).
        let polynomials = nodes.map(|x| {
            let mut values = [1.0; NODES + 1];
            values[1] = x;
            for l in 1..NODES {
                let (order, next) = (l as f64, l as f64 + 1.0);
                values[l + 1] = ((2.0 * order + 1.0) * x * values[l] - order * values[l - 1]) / next;
            }
            values
        });
        let running = std::array::from_fn(|to| {
            std::array::from_fn(|from| {
                let mut sum = 0.5 * (nodes[to] + 1.0);
                for l in 1..NODES {
                    sum += 0.5 * polynomials[from][l] * (polynomials[to][l + 1] - polynomials[to][l - 1]);
                }
                weights[from] * sum
            })
        });
        Rule { nodes, weights, running }
    })
}

/// An integral that grows panel by panel.
#[derive(Default)]
struct Integral {
    so_far: f64,
}

impl Integral {
    /// The integral up to each node of the next panel.
    fn next(&mut self, rule: &Rule, half: f64, values: &[f64; NODES]) -> [f64; NODES] {
        let start = self.so_far;
        let whole: f64 = rule.weights.iter().zip(values).map(|(weight, value)| weight * value).sum();
        self.so_far += half * whole;
        std::array::from_fn(|to| {
            let part: f64 = rule.running[to].iter().zip(values).map(|(weight, value)| weight * value).sum();
            (start + half * part).max(0.0)
        })
    }
}

#[derive(Default)]
struct Running {
    /// The distribution function.
    mass: Integral,
    /// Its integral over the rate.
    lag: Integral,
}
