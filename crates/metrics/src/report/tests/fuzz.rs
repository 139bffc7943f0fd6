//! What must hold for every input of a report?

use std::sync::Arc;

use ethnum::I256;
use journey::{Goal, Lifespan, Method, MetricKind, Role};
use proptest::prelude::*;

use super::*;
use crate::lifespan::Lifespans;
use crate::moments::Moments;

/// Sums as no persons can have them, up to the very ends of the type.
pub(super) fn any_moments() -> impl Strategy<Value = Moments> {
    let sum = || {
        prop_oneof![
            any::<[i128; 2]>().prop_map(I256),
            any::<i64>().prop_map(I256::from),
            (-3i64..4).prop_map(I256::from),
            Just(I256::MIN),
            Just(I256::MAX)
        ]
    };
    let sums = prop::array::uniform9(sum());
    let lives = (prop_oneof![any::<i64>(), 0i64..9], prop::array::uniform7(sum()))
        .prop_map(|(left, [days, tt, tf, yt, yf, dt, df])| Lifespans { left, days, tt, tf, yt, yf, dt, df });
    let n = prop_oneof![any::<i64>(), -1i64..5, 2i64..100_000];
    (n, sums, lives).prop_map(|(n, [y, yy, yyy, d, dd, yd, x, xx, xy], lives)| Moments {
        n,
        lifespans: Some(Arc::new(lives)),
        y,
        yy,
        yyy,
        d,
        dd,
        yd,
        x,
        xx,
        xy,
        ..Moments::default()
    })
}

fn numbers(versus: &Versus) -> Vec<f64> {
    let value = |value: &Value| {
        let ends = value.interval.map(|ends| [ends.low, ends.high]);
        value.value.into_iter().chain(ends.into_iter().flatten()).collect::<Vec<_>>()
    };
    let bounds =
        |bounds: &crate::inference::Bounds| [bounds.low, bounds.high].into_iter().flatten().collect::<Vec<_>>();
    let mut numbers = [value(&versus.difference), value(&versus.lift), bounds(&versus.lift_bounds)].concat();
    for number in [
        versus.p_value,
        versus.p_value_adjusted,
        versus.log_e_value,
        versus.chance_to_beat,
        versus.expected_loss,
        versus.lift_standard_error,
        Ok(versus.expected_contributors),
    ] {
        numbers.extend(number);
    }
    if let Some(adjusted) = &versus.adjusted {
        numbers.extend(bounds(&adjusted.difference));
        numbers.extend(bounds(&adjusted.lift));
    }
    if let Some(Ok(margin)) = versus.guardrail.map(|guardrail| guardrail.margin) {
        numbers.extend([margin.value, margin.low, margin.high, margin.p_safe, margin.p_harmed]);
    }
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No sums at all make a NaN, an infinity or a panic, in any method, kind or reading.
    #[test]
    fn no_sums_break_a_report(
        arms in prop::collection::vec(prop::array::uniform6(any_moments()), 2..4),
        confidence in prop_oneof![Just(0.95), any::<f64>()],
        cuped: bool
    ) {
        let measure = |of| journey::Measure { selector: selector(), of };
        let ratio = MetricKind::Ratio { numerator: measure(journey::Of::Value), denominator: measure(journey::Of::Count) };
        let kinds = [
            conversion(Role::Primary),
            revenue(Role::Guardrail),
            (ratio, Role::Secondary, Goal::Decrease),
            (MetricKind::Clv { selector: selector(), lifespan: Lifespan::Days(3650) }, Role::Guardrail, Goal::Increase),
            conversion(Role::Guardrail),
            (
                MetricKind::Clv { selector: selector(), lifespan: Lifespan::Estimated { inactive_days: 7 } },
                Role::Primary,
                Goal::Increase,
            ),
        ];
        let x = definition(&vec![1; arms.len()], &kinds, Some(14));
        let arms: Vec<Vec<Moments>> = arms.into_iter().map(Vec::from).collect();
        let reading = reading(&arms);
        for method in [Method::Sequential, Method::Frequentist, Method::Bayesian] {
            let question = Question { confidence, cuped: Some(cuped), method, ..Question::planned(&x) };
            for report in report(&question, &reading) {
                for arm in &report.arms {
                    let live = arm.live.iter().filter_map(|kpi| kpi.versus.as_ref());
                    for versus in arm.main.versus.iter().chain(live) {
                        let numbers = numbers(versus);
                        prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", versus);
                        let steps = steps(&question, versus);
                        let steps = steps.iter().flat_map(|steps| std::iter::once(&steps.used).chain(&steps.reference));
                        for (name, number) in steps.flat_map(|formula| &formula.numbers) {
                            prop_assert!(number.is_finite(), "{name}");
                        }
                    }
                    let told = sentence(&question, report.metric, report.maturity, arm, Some(10.0));
                    prop_assert!(told.is_none_or(|told| !told.contains("NaN") && !told.contains("inf")));
                }
            }
        }
        for check in checks(&x, &reading, 0) {
            for number in [check.p_value, check.p_value_chi_square, check.share, check.threshold].into_iter().flatten() {
                prop_assert!(number.is_finite(), "{:?}", check);
            }
        }
    }

    /// Swapping two arms negates the difference and keeps p, whatever judges them.
    #[test]
    fn swapping_the_arms_negates(
        n in prop::array::uniform2(200i64..20_000), share in prop::array::uniform2(0.0f64..1.0), binary: bool
    ) {
        let kind = if binary { conversion(Role::Primary) } else { revenue(Role::Primary) };
        let x = definition(&[1, 1], &[kind], Some(14));
        #[expect(clippy::cast_possible_truncation, reason = "a count of persons")]
        let arm = |at: usize| {
            let k = (n[at] as f64 * share[at]) as i64;
            if binary { converted(n[at], k) } else { spent(n[at], &[(20, k), (70, k / 7)]) }
        };
        for method in [Method::Sequential, Method::Frequentist] {
            let forth = versus(&x, &[vec![arm(0)], vec![arm(1)]], |question| question.method = method);
            let back = versus(&x, &[vec![arm(1)], vec![arm(0)]], |question| question.method = method);
            prop_assert_eq!(forth.inference, back.inference);
            let (Ok(a), Ok(b)) = (forth.p_value, back.p_value) else { continue };
            prop_assert!((a - b).abs() <= 1e-9 * a);
            prop_assert!((forth.difference.value? + back.difference.value?).abs() < 1e-12);
        }
    }
}
