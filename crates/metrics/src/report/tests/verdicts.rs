//! What is decided, by which inference, and what is withheld?

use std::sync::Arc;

use ethnum::I256;
use journey::{CrossoverPolicy, Goal, Lifespan, Method, MetricKind, Role, UNIT};

use super::*;
use crate::inference::{Harm, Undefined, compare, exact_converters, mean};
use crate::lifespan::Lifespans;

#[test]
fn many_conversions_are_judged_by_the_sequence() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(10_000, 1000)], vec![converted(10_000, 1250)]];
    let versus = versus(&x, &arms, |_| ());
    assert_eq!(
        (versus.inference, versus.anytime.holds, versus.causal.holds),
        (Inference::ConfidenceSequence, true, true)
    );
    assert_eq!(versus.verdict, (Verdict::Better, None));
    assert!(versus.lift_bounds.low.unwrap() > 0.0 && versus.p_value.unwrap() < 0.05);
    assert_eq!(versus.chance_to_beat, Err(Undefined::SequentialGivesNoProbability));
    assert_eq!(versus.expected_loss, Err(Undefined::SequentialGivesNoProbability));
    // 2250 of 20 000, 10 000 in the smaller arm.
    assert!((versus.expected_contributors - 1125.0).abs() < 1e-9);
}

#[test]
fn few_and_live_conversions_are_judged_exactly() {
    let few = definition(&[9, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(9000, 60)], vec![converted(1000, 25)]];
    let arm = only(&few, &arms, |_| ());
    let (main, live) = (arm.main.versus.unwrap(), arm.live.unwrap().versus.unwrap());
    let exact = exact_converters(60, 25, [9.0, 1.0], 0.95).unwrap();
    for versus in [&main, &live] {
        assert_eq!((versus.inference, versus.anytime.holds), (Inference::ExactConverters, true));
        assert_eq!((versus.p_value, versus.lift_bounds), (Ok(exact.p_value), exact.lift));
        assert_eq!(versus.difference.interval, Err(Undefined::BoundsLiftOnly));
    }
    assert_eq!(main.verdict.0, Verdict::Better);
    // What moves gives no verdict, however sure it is.
    assert_eq!(live.verdict.0, Verdict::Inconclusive);
    assert!(live.verdict.1.unwrap().contains("moves"));
    // Without a window the live reading is all there is, and decides.
    let open = definition(&[9, 1], &[conversion(Role::Primary)], None);
    assert_eq!(versus(&open, &arms, |_| ()).verdict.0, Verdict::Better);
}

#[test]
fn a_disaster_gets_a_verdict() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(10_000, 500)], vec![converted(10_000, 0)]];
    assert_eq!(versus(&x, &arms, |_| ()).verdict, (Verdict::Worse, None));
    let back = [vec![converted(10_000, 0)], vec![converted(10_000, 500)]];
    let better = versus(&x, &back, |_| ());
    assert_eq!((better.verdict, better.lift.value), ((Verdict::Better, None), Err(Undefined::ZeroControl)));
    // Everyone against nobody has no spread at all: the converters tell.
    let all = [vec![converted(500, 0)], vec![converted(500, 500)]];
    let all = versus(&x, &all, |_| ());
    assert_eq!((all.verdict.0, all.inference), (Verdict::Better, Inference::ExactConverters));
    let money = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let arms = [vec![spent(10_000, &[(20, 300), (50, 200)])], vec![spent(10_000, &[])]];
    assert_eq!(versus(&money, &arms, |_| ()).verdict, (Verdict::Worse, None));
}

#[test]
fn too_few_contributors_give_no_verdict() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let arms = [vec![spent(1000, &[(20, 2)])], vec![spent(1000, &[(20, 40)])]];
    let versus = versus(&x, &arms, |_| ());
    assert!(versus.p_value.unwrap() < 0.05 && versus.expected_contributors < 25.0);
    assert!(!versus.anytime.holds);
    assert_eq!(versus.verdict, (Verdict::Inconclusive, Some(versus.anytime.reason)));
    // Live, a hundred are needed.
    let open = definition(&[1, 1], &[revenue(Role::Primary)], None);
    let arms = [vec![spent(1000, &[(20, 60)])], vec![spent(1000, &[(20, 160)])]];
    let question = Question::planned(&open);
    let report = report(&question, &reading(&arms)).swap_remove(0);
    let versus = report.arms[1].main.versus.as_ref().unwrap();
    assert!((versus.expected_contributors - 110.0).abs() < 1e-9 && versus.anytime.holds);
    // About zero the variance is larger than about the mean.
    let (plain, judged) = (versus.gap.unwrap(), versus.judged_gap.unwrap());
    assert!(judged.variance > plain.variance && judged.time() < plain.time());
    assert!((judged.variance - 20.0 * 20.0 * 160.0 / (1000.0 * 999.0)).abs() < 1e-12);
}

/// However many have bought: a lifespan that a dozen persons ended is not known well enough to decide.
#[test]
fn too_few_who_left_give_no_verdict_over_an_estimated_lifespan() {
    let lifespan = Lifespan::Estimated { inactive_days: 5 };
    let x = definition(
        &[1, 1],
        &[(MetricKind::Clv { selector: selector(), lifespan }, Role::Primary, Goal::Increase)],
        Some(14),
    );
    let arm = |left: i64| {
        let n = 10_000;
        let mut sums = spent(n, &[(20, n / 2), (30, n / 2)]);
        let (each, days) = (I256::from(25 * UNIT), I256::from(14 * UNIT));
        let all = I256::from(n);
        (sums.d, sums.dd, sums.yd) = (all * days, all * days * days, all * each * days);
        let mut lives = Lifespans::default();
        for (persons, bought) in [(left, 2), (n - left, 13)] {
            let persons_wide = I256::from(persons);
            lives.add(persons, (persons_wide * each, persons_wide * days), bought, 13, 5);
        }
        sums.lifespans = Some(Arc::new(lives));
        vec![sums]
    };
    let few = versus(&x, &[arm(3), arm(19)], |_| ());
    assert!((few.expected_contributors - 11.0).abs() < 1e-9, "{}", few.expected_contributors);
    assert_eq!((few.anytime.holds, few.verdict), (false, (Verdict::Inconclusive, Some(few.anytime.reason))));
    let many = versus(&x, &[arm(3000), arm(5000)], |_| ());
    assert_eq!((many.anytime.holds, many.verdict), (true, (Verdict::Worse, None)));
}

#[test]
fn only_effects_decide() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(10_000, 1000)], vec![converted(10_000, 1300)]];
    let excluded = versus(&x, &arms, |question| question.policy = CrossoverPolicy::Exclude);
    assert!(!excluded.causal.holds);
    assert_eq!(excluded.verdict, (Verdict::Inconclusive, Some(excluded.causal.reason)));
    let blocked = versus(&x, &arms, |question| question.blocked = true);
    assert!(!blocked.causal.holds && blocked.verdict.1.unwrap().contains("blocking"));
    // At fixed horizon the verdict stands, and says that it is of one reading.
    let fixed = versus(&x, &arms, |question| question.method = Method::Frequentist);
    assert_eq!((fixed.verdict, fixed.anytime.holds), ((Verdict::Better, None), false));
    assert_eq!(fixed.chance_to_beat, Err(Undefined::FrequentistGivesNoProbability));
}

#[test]
fn probabilities() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(10_000, 1000)], vec![converted(10_000, 1120)]];
    let bayes = versus(&x, &arms, |question| question.method = Method::Bayesian);
    assert_eq!((bayes.inference, bayes.anytime.holds), (Inference::ExactRates, false));
    // Beta(1, 1), closed sums.
    assert!((bayes.chance_to_beat.unwrap() - 0.997_077_905_939_189_2).abs() < 1e-12);
    assert!((bayes.expected_loss.unwrap() - 3.834_225_875_466_664e-6 / (1001.0 / 10_002.0)).abs() < 1e-12);
    assert_eq!((bayes.p_value, bayes.verdict.0), (Err(Undefined::BayesianGivesNoTest), Verdict::Better));
    let prior = crate::inference::Prior::Normal { mean: 0.0, standard_deviation: 0.3 };
    let normal = versus(&x, &arms, |question| {
        question.method = Method::Bayesian;
        question.prior = prior;
    });
    // gbstats 0.8.0 with p (1 - p): a variance larger by 1e-4 moves the tail at z = 2.57 by phi(z) z / 2 x 1e-4 = 1.9e-6.
    assert!((normal.chance_to_beat.unwrap() - 0.994_971_808_660_635_8).abs() < 2e-6);
    assert_eq!(normal.inference, Inference::NormalPosterior);
    // Where less is better, the chance is that of less.
    let down = definition(&[1, 1], &[(MetricKind::Conversion(selector()), Role::Primary, Goal::Decrease)], Some(14));
    let less = versus(&down, &arms, |question| question.method = Method::Bayesian);
    assert_eq!(less.verdict.0, Verdict::Worse);
    assert!((less.chance_to_beat.unwrap() + bayes.chance_to_beat.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn guardrails() {
    let x = definition(&[1, 1], &[conversion(Role::Guardrail)], Some(14));
    let state = |control: i64, arm: i64, method: Method| {
        let arms = [vec![converted(50_000, control)], vec![converted(50_000, arm)]];
        let arm = only(&x, &arms, |question| question.method = method);
        let of = |kpi: Kpi| kpi.versus.unwrap().guardrail.unwrap().harm;
        (of(arm.main), of(arm.live.unwrap()))
    };
    for method in [Method::Sequential, Method::Frequentist] {
        assert_eq!(state(5000, 5400, method), (Harm::Safe, Harm::Safe), "{method:?}");
        assert_eq!(state(5000, 4000, method), (Harm::Harmed, Harm::Harmed), "{method:?}");
        // 5 % of harm is tolerated: 4750 is the edge.
        assert_eq!(state(5000, 4760, method), (Harm::Undecided, Harm::Undecided), "{method:?}");
    }
    // A guardrail of money with too few buyers waits, and says so.
    let money = definition(&[1, 1], &[revenue(Role::Guardrail)], Some(14));
    let arms = [vec![spent(1000, &[(20, 5)])], vec![spent(1000, &[(20, 5)])]];
    let waiting = versus(&money, &arms, |_| ()).guardrail.unwrap();
    assert_eq!((waiting.harm, waiting.reason.is_some()), (Harm::Undecided, true));
}

#[test]
fn families_have_names_and_intervals() {
    let x =
        definition(&[1, 1, 1], &[revenue(Role::Primary), revenue(Role::Secondary), revenue(Role::Secondary)], Some(14));
    let arm = |extra: i64| vec![spent(5000, &[(20, 800 + extra), (60, 200)]); 3];
    let arms = [arm(0), arm(0), arm(400)];
    for method in [Method::Frequentist, Method::Sequential] {
        let question = Question { method, ..Question::planned(&x) };
        let reports = report(&question, &reading(&arms));
        let adjusted =
            |metric: usize, arm: usize| reports[metric].arms[arm].main.versus.as_ref().unwrap().adjusted.unwrap();
        let primary = adjusted(0, 2);
        assert_eq!((primary.family, primary.size, primary.correction), (Family::Primary, 2, Correction::Holm));
        assert!((primary.confidence - 0.975).abs() < 1e-12);
        // Of four secondary comparisons two are significant: 1 - 2/4 x 5 %.
        let secondary = adjusted(1, 2);
        assert_eq!((secondary.family, secondary.size), (Family::Others, 4));
        assert_eq!(secondary.correction, Correction::BenjaminiHochberg);
        assert!((secondary.confidence - 0.975).abs() < 1e-12, "{secondary:?}");
        // The wider interval is that of the same method at the other confidence.
        let again = Question { confidence: 0.975, adjust: Adjust::None, ..question };
        let wider = report(&again, &reading(&arms)).swap_remove(0).arms.swap_remove(2).main.versus.unwrap();
        let ends = wider.difference.interval.unwrap();
        assert!((primary.difference.low.unwrap() - ends.low).abs() < 1e-12);
        assert!((primary.lift.high.unwrap() - wider.lift_bounds.high.unwrap()).abs() < 1e-12);
        let holm = reports[0].arms[2].main.versus.as_ref().unwrap();
        assert!((holm.p_value_adjusted.unwrap() - 2.0 * holm.p_value.unwrap()).abs() < 1e-15);
        // e-BH is Benjamini and Hochberg on 1 / e, which under the sequential method is the p-value itself.
        let ebh = Question { adjust: Adjust::EBenjaminiHochberg, ..question };
        let ebh = report(&ebh, &reading(&arms)).swap_remove(1).arms.swap_remove(2).main.versus.unwrap();
        let bh = reports[1].arms[2].main.versus.as_ref().unwrap();
        let (e, p) = (ebh.p_value_adjusted.unwrap(), bh.p_value_adjusted.unwrap());
        assert!(if method == Method::Sequential { (e - p).abs() < 1e-12 } else { e > p });
    }
}

/// Frequentist results are those of the inference, untouched by the way through the report.
#[test]
fn at_fixed_horizon_the_report_is_the_comparison() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let (a, b) = (spent(4000, &[(20, 800)]), spent(5000, &[(20, 1100)]));
    let found = versus(&x, &[vec![a.clone()], vec![b.clone()]], |question| question.method = Method::Frequentist);
    let compared = compare(&mean(a.n, a.y, a.yy).unwrap(), &mean(b.n, b.y, b.yy).unwrap(), 0.95).unwrap();
    assert_eq!(found.p_value, compared.test.map(|test| test.p_value));
    assert_eq!(found.lift.interval, compared.lift.map(|lift| lift.interval));
    assert_eq!(found.lift_fieller, compared.lift_fieller);
}

/// Persons who cross over are chosen by what happened after the exposure: without them no method gives a verdict, and no
/// guardrail is safe or harmed.
#[test]
fn what_is_no_effect_decides_nothing() {
    let x = definition(&[1, 1], &[conversion(Role::Guardrail)], Some(14));
    let arms = [vec![converted(10_000, 1_000)], vec![converted(10_000, 1_600)]];
    for method in [Method::Sequential, Method::Frequentist, Method::Bayesian] {
        let asked = |policy| {
            versus(&x, &arms, |question| {
                (question.method, question.policy) = (method, policy);
            })
        };
        let (kept, excluded) = (asked(CrossoverPolicy::First), asked(CrossoverPolicy::Exclude));
        assert_eq!((kept.verdict.0, kept.guardrail.unwrap().harm), (Verdict::Better, Harm::Safe), "{method:?}");
        assert!(!excluded.causal.holds);
        assert_eq!(excluded.verdict, (Verdict::Inconclusive, Some(excluded.causal.reason)), "{method:?}");
        let guardrail = excluded.guardrail.unwrap();
        assert_eq!((guardrail.harm, guardrail.reason), (Harm::Undecided, Some(excluded.causal.reason)), "{method:?}");
        assert_eq!((excluded.p_value, excluded.difference), (kept.p_value, kept.difference), "it is still told");
    }
}

/// The past of numerator and denominator is taken out of a ratio, as the function of the inference does it.
#[test]
fn a_ratio_is_adjusted_by_its_past() {
    let measure = |of| journey::Measure { selector: selector(), of };
    let kind = MetricKind::Ratio { numerator: measure(journey::Of::Value), denominator: measure(journey::Of::Count) };
    let x = definition(&[1, 1], &[(kind, Role::Primary, Goal::Increase)], Some(14));
    let arm = |shift: i64| {
        let mut sums = Moments { n: 4_000, ..Moments::default() };
        let wide = |of: i64| I256::from(of * UNIT);
        for i in 0..4_000i64 {
            let (u, d) = (1 + i % 3, 1 + i % 2);
            let habit = 5 + 29 * i % 11;
            let (y, d, x, u) = (wide(d * (habit + shift + 7 * i % 5)), wide(d), wide(u * habit), wide(u));
            sums.y += y;
            sums.yy += y * y;
            sums.yyy += y * y * y;
            sums.d += d;
            sums.dd += d * d;
            sums.yd += y * d;
            sums.x += x;
            sums.xx += x * x;
            sums.xy += x * y;
            sums.u += u;
            sums.uu += u * u;
            sums.yu += y * u;
            sums.dx += d * x;
            sums.du += d * u;
            sums.xu += x * u;
        }
        sums
    };
    let (control, treated) = (arm(0), arm(1));
    let expected = crate::inference::compare_adjusted_ratios(&(&control).into(), &(&treated).into(), 0.95).unwrap();
    let arms = [vec![control], vec![treated]];
    for method in [Method::Frequentist, Method::Sequential] {
        let of = |cuped| {
            versus(&x, &arms, |question| {
                (question.method, question.cuped) = (method, Some(cuped));
            })
        };
        let (plain, found) = (of(false), of(true));
        let cuped = found.cuped.unwrap();
        assert!(plain.cuped.is_none());
        assert_eq!((cuped.theta, found.gap), (expected.theta, Ok(expected.gap)));
        assert!(cuped.variance_saved.unwrap() > 0.5, "{cuped:?}");
        let width = |versus: &Versus| versus.difference.interval.map(|ends| ends.high - ends.low).unwrap();
        assert!(width(&found) < width(&plain), "{method:?}");
        if method == Method::Frequentist {
            assert_eq!(found.test, expected.comparison.test);
            assert_eq!(found.lift.interval, expected.comparison.lift.map(|lift| lift.interval));
        }
    }
}
