//! What is left of a person's value after costs? From the sums of value, costs and exposures to those of margin × value − cost.
//!
//! Tallies keep value, costs and exposures apart, with their products, so that the margin and an arm's cost model can change
//! without measuring again. With `y` the value of a person, `d` the costs from events, `k` the exposures to the person's arm,
//! `m` the margin, `e` and `p` the arm's cost per exposure and per person:
//!
//! ```text
//! cost   c = d + e k + p            z = m y - c            (before the exposure: w = m x - u)
//! sum c^2 = sum d^2 + 2 e sum dk + e^2 sum k^2 + 2 p (sum d + e sum k) + n p^2
//! sum yc  = sum yd + e sum yk + p sum y
//! sum z^2 = m^2 sum y^2 - 2 m sum yc + sum c^2
//! ```
//!
//! All of it in integers; the sums of `z` and of its squares are rounded once, to 1e-6 and 1e-12.

use std::sync::Arc;

use ethnum::I256;
use journey::{Amount, Cost, UNIT};

use crate::moments::{Layout, Moments, Slot};

/// Value and cost of an arm's persons, apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flows {
    /// Σ of values, in 1e-6.
    pub value: I256,
    /// Σ of squared values, in 1e-12.
    pub value_squares: I256,
    /// Σ of cubed values, in 1e-18.
    pub value_cubes: I256,
    /// Σ of costs, those per person and per exposure among them, in 1e-6.
    pub cost: I256,
    /// Σ of squared costs, in 1e-12.
    pub cost_squares: I256,
    /// Σ of value × cost, in 1e-12.
    pub value_cost: I256,
    /// The part of the costs that came with events, in 1e-6.
    pub event_cost: I256,
    /// Σ of squares of that part, in 1e-12.
    pub event_cost_squares: I256,
    /// Exposures to the person's own arm.
    pub exposures: I256,
}

impl Flows {
    /// Adds those of other persons.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.value, other.value),
            (&mut self.value_squares, other.value_squares),
            (&mut self.value_cubes, other.value_cubes),
            (&mut self.cost, other.cost),
            (&mut self.cost_squares, other.cost_squares),
            (&mut self.value_cost, other.value_cost),
            (&mut self.event_cost, other.event_cost),
            (&mut self.event_cost_squares, other.event_cost_squares),
            (&mut self.exposures, other.exposures),
        ];
        for (sum, part) in sums {
            *sum = sum.wrapping_add(part);
        }
    }
}

/// The sums of net value from those that [`Layout::Net`] stores, ready for inference like those of any value per person.
pub(crate) fn moments(sums: &[I256], margin: Amount, cost: &Cost) -> Moments {
    let get = |slot: Slot| {
        let at = Layout::Net.slots().iter().position(|known| *known == slot);
        at.and_then(|at| sums.get(at)).copied().unwrap_or(I256::ZERO)
    };
    let count = |slot: Slot| i64::try_from(get(slot)).unwrap_or(i64::MAX);
    let units = |part: Option<Amount>| I256::from(part.map_or(0, Amount::units));
    let (m, e, p, one) =
        (I256::from(margin.units()), units(cost.per_exposure), units(cost.per_person), I256::from(UNIT));
    let two = I256::new(2);
    let n = get(Slot::N);
    let (y, d, k) = (get(Slot::Y), get(Slot::D), get(Slot::K));
    let (x, u, yu, xu) = (get(Slot::X), get(Slot::U), get(Slot::Yu), get(Slot::Xu));
    let c = d + e * k + p * n;
    let cc = get(Slot::Dd) + two * e * get(Slot::Dk) + e * e * get(Slot::Kk) + two * p * (d + e * k) + p * p * n;
    let yc = get(Slot::Yd) + e * get(Slot::Yk) + p * y;
    let xc = get(Slot::Dx) + e * get(Slot::Xk) + p * x;
    let uc = get(Slot::Du) + e * get(Slot::Uk) + p * u;
    let square = one * one;
    let z = rounded(m * y - one * c, one);
    let zz = rounded(m * m * get(Slot::Yy) - two * m * one * yc + square * cc, square);
    let w = rounded(m * x - one * u, one);
    let ww = rounded(m * m * get(Slot::Xx) - two * m * one * xu + square * get(Slot::Uu), square);
    let zw = rounded(m * m * get(Slot::Xy) - m * one * (yu + xc) + square * uc, square);
    Moments {
        n: count(Slot::N),
        left_out: count(Slot::LeftOut),
        y: z,
        yy: at_least(zz, z, n),
        x: w,
        xx: at_least(ww, w, n),
        xy: zw,
        // Those of net values would need the products of three.
        without_cubes: true,
        net: Some(Arc::new(Flows {
            value: y,
            value_squares: get(Slot::Yy),
            value_cubes: get(Slot::Yyy),
            cost: c,
            cost_squares: cc,
            value_cost: yc,
            event_cost: d,
            event_cost_squares: get(Slot::Dd),
            exposures: k,
        })),
        ..Moments::default()
    }
}

/// `number / unit` to the nearest whole number, halves away from zero.
pub(crate) fn rounded(number: I256, unit: I256) -> I256 {
    let half = unit / I256::new(2);
    if number.is_negative() { (number - half) / unit } else { (number + half) / unit }
}

/// The sum of squares, not below what the rounded sum of the values allows: rounding makes no variance negative.
pub(crate) fn at_least(squares: I256, sum: I256, n: I256) -> I256 {
    if n <= I256::ZERO {
        return squares;
    }
    let least = sum * sum;
    squares.max(least / n + I256::from(i64::from(least % n != I256::ZERO)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Value, costs from events, exposures; value and costs before the exposure.
    type Person = (i64, i64, i64, i64, i64);

    fn sums(persons: &[Person]) -> Vec<I256> {
        let wide = |number: i64| I256::from(number);
        let of = |slot: &Slot, (y, d, k, x, u): Person| {
            let (y, d, k, x, u) = (wide(y), wide(d), wide(k), wide(x), wide(u));
            match slot {
                Slot::N => I256::ONE,
                Slot::Y => y,
                Slot::Yy => y * y,
                Slot::Yyy => y * y * y,
                Slot::D => d,
                Slot::Dd => d * d,
                Slot::Yd => y * d,
                Slot::X => x,
                Slot::Xx => x * x,
                Slot::Xy => x * y,
                Slot::U => u,
                Slot::Uu => u * u,
                Slot::Yu => y * u,
                Slot::Dx => d * x,
                Slot::Du => d * u,
                Slot::Xu => x * u,
                Slot::K => k,
                Slot::Kk => k * k,
                Slot::Yk => y * k,
                Slot::Dk => d * k,
                Slot::Xk => x * k,
                Slot::Uk => u * k,
                _ => I256::ZERO,
            }
        };
        let total = |slot: &Slot| persons.iter().fold(I256::ZERO, |sum, person| sum + of(slot, *person));
        Layout::Net.slots().iter().map(total).collect()
    }

    proptest! {
        /// Person by person, in units of 1e-12, then summed: the slow and obvious way.
        #[test]
        fn sums_of_net_values_are_those_of_the_persons(
            persons in prop::collection::vec(
                (-1_000_000_000i64..1_000_000_000, -9_000_000i64..90_000_000, 0i64..40, -9_000_000i64..90_000_000, 0i64..9_000_000), 0..12),
            margin in 1i64..=1_000_000, per_person in 0i64..3_000_000, per_exposure in 0i64..90_000,
        ) {
            let amount = |units| Amount::from_units(units);
            let cost =
                Cost { per_person: amount(per_person), per_exposure: amount(per_exposure), ..Cost::default() };
            let found = moments(&sums(&persons), amount(margin).unwrap(), &cost);
            let one = I256::from(UNIT);
            let (mut z, mut zz, mut w, mut zw) = (I256::ZERO, I256::ZERO, I256::ZERO, I256::ZERO);
            for (y, d, k, x, u) in &persons {
                let spent = d + per_exposure * k + per_person;
                let own = I256::from(margin) * I256::from(*y) - one * I256::from(spent);
                let before = I256::from(margin) * I256::from(*x) - one * I256::from(*u);
                (z, zz, w, zw) = (z + own, zz + own * own, w + before, zw + own * before);
            }
            let near = |found: I256, wanted: I256, unit: I256| {
                let off = found * unit - wanted;
                off + off <= unit && off + off >= -unit
            };
            let square = one * one;
            prop_assert!(near(found.y, z, one), "{} {z}", found.y);
            prop_assert!(near(found.x, w, one), "{} {w}", found.x);
            prop_assert!(near(found.xy, zw, square), "{} {zw}", found.xy);
            // The squares are raised where rounding the sum would leave less than nothing of the variance.
            prop_assert!(near(found.yy, zz, square) || found.yy * square >= zz, "{} {zz}", found.yy);
            let n = I256::from(found.n);
            prop_assert!(n * found.yy >= found.y * found.y && n * found.xx >= found.x * found.x);
        }
    }

    #[test]
    fn everyone_alike_has_no_variance() {
        // 0.4 x 10.000001 - 0.5 for each: more decimals than a sum has.
        let persons = [(10_000_001, 0, 1, 0, 0); 2];
        let cost = Cost { per_person: Amount::from_units(500_000), ..Cost::default() };
        let found = moments(&sums(&persons), Amount::from_units(400_000).unwrap(), &cost);
        let estimate = crate::inference::mean(found.n, found.y, found.yy).unwrap();
        assert!((estimate.value() - 3.500_000_4).abs() < 1e-6 && estimate.variance() < 1e-12, "{estimate:?}");
    }
}
