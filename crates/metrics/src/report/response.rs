//! Who answered? The response rate beside a rating, and what it says of the comparison.
//!
//! A rating is known of those alone who answered, and whether they answer comes after the exposure: where an arm makes other
//! persons answer, its rating moves although nobody thinks otherwise. The response rate is known of everyone exposed, so
//! it is an effect where it differs, and then ratings are no longer compared.

use ethnum::I256;
use journey::UNIT;

use super::kpi::Value;
use super::versus::{Claim, Versus};
use crate::inference::{Harm, Level, Undefined, compare_at, mean, wilson_interval_at};
use crate::moments::Moments;

/// The chance of calling response rates different that are not. The test is that of one reading, which sees a difference
/// sooner than a sequence: to withhold a verdict is the cautious side.
pub const RESPONSE_ALARM: f64 = 0.05;

/// Who answered in an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Response {
    /// Persons with an answer.
    pub answered: i64,
    /// The share of the persons who answered, with Wilson's interval.
    pub rate: Value,
}

/// The response rate of an arm against that of the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResponseTest {
    /// Rate of the arm minus rate of the baseline, with the interval of one reading.
    pub difference: Value,
    /// The two-sided p-value of Welch's test, of one reading.
    pub p_value: Result<f64, Undefined>,
    /// Whether they differ; `None`: there is too little to say.
    pub differs: Option<bool>,
    /// Whether the groups were randomised and are whole, so that the difference of the rates is an effect.
    pub causal: bool,
}

const ALIKE: Claim = Claim::yes(
    "of those who answered: the response rate, tested beside it, shows no difference between the arms, so those who answered \
     are taken for like groups",
);
const UNLIKE: Claim = Claim::no(
    "the response rate differs between the arms, so those who answered are unlike groups: ratings may differ because of who \
     answered, not of what they think",
);
const UNTESTED: Claim = Claim::no(
    "a rating is known only of those who answered, and there is too little yet to test whether as many answer in both arms",
);

/// Who answered: on a rating the denominator counts a person who answered as one.
pub(super) fn response(sums: &Moments, level: Result<Level, Undefined>) -> Response {
    let answered = i64::try_from(sums.d / I256::from(UNIT)).unwrap_or(0);
    let rate = if sums.n > 0 { Ok(answered as f64 / sums.n as f64) } else { Err(Undefined::NoPersons) };
    let interval = level.and_then(|level| wilson_interval_at(answered, sums.n, &level));
    Response { answered, rate: Value { value: rate, interval } }
}

/// Tests the response rates, and says what follows for the comparison of the ratings.
pub(super) fn compare(versus: &mut Versus, baseline: &Moments, arm: &Moments, level: Result<Level, Undefined>) {
    let rate = |sums: &Moments| mean(sums.n, sums.d, sums.dd);
    let compared = level.and_then(|level| compare_at(&rate(baseline)?, &rate(arm)?, &level));
    let test = compared.and_then(|compared| compared.test);
    let p_value = test.map(|test| test.p_value);
    // Where nobody or everybody answered in both arms, nothing differs.
    let all_alike = [baseline, arm].map(|sums| rate(sums).map(|rate| (rate.value(), rate.variance())));
    let differs = match (p_value, all_alike) {
        (Ok(p), _) => Some(p < RESPONSE_ALARM),
        (_, [Ok((a, va)), Ok((b, vb))]) if va <= 0.0 && vb <= 0.0 => Some((a - b).abs() > f64::EPSILON),
        _ => None,
    };
    versus.response = Some(ResponseTest {
        difference: Value {
            value: compared.map(|compared| compared.difference),
            interval: test.map(|test| test.interval),
        },
        p_value,
        differs,
        causal: versus.causal.holds,
    });
    if !versus.causal.holds {
        return;
    }
    versus.causal = match differs {
        Some(false) => ALIKE,
        Some(true) => UNLIKE,
        None => UNTESTED,
    };
    if let (false, Some(guardrail)) = (versus.causal.holds, &mut versus.guardrail) {
        guardrail.harm = Harm::Undecided;
        guardrail.reason = Some(versus.causal.reason);
    }
}
