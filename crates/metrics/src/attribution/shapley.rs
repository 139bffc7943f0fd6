//! What is a label's fair part of what the sets of labels achieved together? Shapley's value.

/// So many labels stand for themselves, the rest counts as one: at most 13 players.
pub const MAX_PLAYERS: usize = 13;

/// The least common multiple of 1 to 13: every division by the size of a set is exact in units of its inverse.
const DENOMINATOR: i128 = 360_360;

/// Shapley's value of each of `players` players in the game in which a coalition is worth what journeys achieved that met none
/// but its members: `v(S) = sum of worth(T) over T inside S`. `sets` names the members of `T` by bits and says what journeys
/// that met exactly these are worth, in units.
///
/// For this game the average over all orders of what a player adds is known in closed form, `sum over T with i of worth(T) /
/// |T|` (Zhao, Mahboobi, Bagheri, "Shapley value methods for attribution modeling in online advertising", 2018, theorem 1): each set
/// shares what it achieved equally, however often it met a label and in whatever order. It is computed in fractions of whole
/// numbers and rounded by the largest remainder, ties in order of the players: the values add up to the worth of all sets
/// exactly. The empty set has no members to credit and is left out.
///
/// `None` where there are too many players, a bit beyond them, or sums out of range.
#[must_use]
pub fn shapley(sets: impl IntoIterator<Item = (u16, i128)>, players: usize) -> Option<Vec<i128>> {
    if players > MAX_PLAYERS {
        return None;
    }
    let mut parts = vec![0i128; players];
    for (members, worth) in sets {
        if members >> players != 0 {
            return None;
        }
        if members == 0 {
            continue;
        }
        let part = worth.checked_mul(DENOMINATOR)? / i128::from(members.count_ones());
        for (at, sum) in parts.iter_mut().enumerate() {
            if members >> at & 1 == 1 {
                *sum = sum.checked_add(part)?;
            }
        }
    }
    let total = parts.iter().try_fold(0i128, |total, part| total.checked_add(*part))? / DENOMINATOR;
    let mut values: Vec<i128> = parts.iter().map(|part| part.div_euclid(DENOMINATOR)).collect();
    let left = total - values.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..players).collect();
    order.sort_by_key(|at| (-parts[*at].rem_euclid(DENOMINATOR), *at));
    for at in order.into_iter().zip(0..left).map(|(at, _)| at) {
        values[at] += 1;
    }
    Some(values)
}
