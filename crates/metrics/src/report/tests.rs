//! What do reports say of experiments whose outcome is known?

use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Method, Metric, MetricDraft,
    MetricKind, MetricUse, Name, Pattern, Role, Selector, UNIT,
};
use proptest::prelude::*;

use super::*;
use crate::inference::{Harm, Undefined, compare, exact_converters, mean, tails};
use crate::moments::Moments;
use crate::reading::ArmReading;

fn name(text: &str) -> Name {
    Name::parse(text, "").unwrap()
}

fn selector() -> Selector {
    Selector { event: Pattern::parse("Order Completed", "").unwrap(), filters: Vec::new() }
}

/// An experiment whose arms have these weights, with metrics of these kinds and roles.
fn definition(weights: &[i64], metrics: &[(MetricKind, Role, Goal)], window_days: Option<u32>) -> Definition {
    let made: Vec<Metric> = metrics
        .iter()
        .enumerate()
        .map(|(at, (kind, _, goal))| {
            let key = name(&format!("m{at}"));
            let (kind, goal) = (kind.clone(), *goal);
            let draft = MetricDraft { key, kind, window_days, cap: None, goal, unit: None, description: None };
            Metric::validate(draft).unwrap()
        })
        .collect();
    let arm = |(at, weight): (usize, &i64)| Arm {
        key: name(&format!("a{at}")),
        weight: Amount::from_units(weight * UNIT).unwrap(),
        intensity: None,
        cost: [None; 3],
    };
    let uses = made.iter().zip(metrics).map(|(metric, (_, role, _))| MetricUse {
        metric: metric.key.clone(),
        role: *role,
        max_harm: (*role == Role::Guardrail).then(|| Amount::from_units(50_000).unwrap()),
    });
    let draft = ExperimentDraft {
        key: name("x"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("a0"),
        arms: weights.iter().enumerate().map(arm).collect(),
        starts_at: None,
        ends_at: None,
        window_days,
        crossovers: CrossoverPolicy::First,
        method: Method::Sequential,
        metrics: uses.collect(),
        dimensions: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).unwrap(), metrics: made }
}

fn conversion(role: Role) -> (MetricKind, Role, Goal) {
    (MetricKind::Conversion(selector()), role, Goal::Increase)
}

fn revenue(role: Role) -> (MetricKind, Role, Goal) {
    (MetricKind::Sum(selector()), role, Goal::Increase)
}

/// `converted` of `n` persons.
fn converted(n: i64, converted: i64) -> Moments {
    let (unit, one) = (I256::from(UNIT), I256::from(converted) * I256::from(UNIT));
    Moments { n, y: one, yy: one * unit, yyy: one * unit * unit, ..Moments::default() }
}

/// `n` persons, of whom `each` of the amounts (in whole money) are spent by `times` persons.
fn spent(n: i64, amounts: &[(i64, i64)]) -> Moments {
    let mut sums = Moments { n, ..Moments::default() };
    for (amount, times) in amounts {
        let (y, times) = (I256::from(*amount) * I256::from(UNIT), I256::from(*times));
        sums.y += times * y;
        sums.yy += times * y * y;
        sums.yyy += times * y * y * y;
    }
    sums
}

/// The same sums matured and live, arm by arm.
fn reading(arms: &[Vec<Moments>]) -> Reading {
    let arms = arms.iter().map(|metrics| ArmReading {
        persons: metrics[0].n,
        matured_persons: metrics[0].n,
        live: metrics.clone(),
        matured: metrics.iter().cloned().map(Some).collect(),
        ..ArmReading::default()
    });
    Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 }
}

fn only(definition: &Definition, arms: &[Vec<Moments>], change: impl FnOnce(&mut Question<'_>)) -> ArmReport {
    let mut question = Question::planned(definition);
    change(&mut question);
    report(&question, &reading(arms)).swap_remove(0).arms.swap_remove(1)
}

fn versus(definition: &Definition, arms: &[Vec<Moments>], change: impl FnOnce(&mut Question<'_>)) -> Versus {
    only(definition, arms, change).main.versus.unwrap()
}

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

#[test]
fn sentences() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let question = Question::planned(&x);
    let say = |extra: i64, per_day| {
        let arms = [vec![spent(5000, &[(20, 800), (60, 200)])], vec![spent(5000, &[(20, 800 + extra), (60, 200)])]];
        let report = report(&question, &reading(&arms)).swap_remove(0);
        let told = sentence(&question, 0, report.maturity, &report.arms[1], per_day).unwrap();
        assert_eq!(sentence(&question, 0, report.maturity, &report.arms[0], per_day), None);
        told
    };
    assert!(say(400, None).ends_with("on m0 (sequential, 95 %): better."), "{}", say(400, None));
    let open = say(50, Some(1000.0));
    assert!(
        open.contains("not decided. About") && open.contains("more matured persons,") && open.contains("days"),
        "{open}"
    );
    assert!(open.contains("would settle +3.6 %"), "{open}");
    assert!(say(0, None).contains("not decided"), "{}", say(0, None));
    let blocked = Question { blocked: true, ..question };
    let arms = [vec![spent(5000, &[(20, 800)])], vec![spent(5000, &[(20, 900)])]];
    let report = report(&blocked, &reading(&arms)).swap_remove(0);
    let told = sentence(&blocked, 0, report.maturity, &report.arms[1], None).unwrap();
    assert!(told.contains("no verdict, because a blocking check failed"), "{told}");
}

/// As many persons as the sentence says do settle the effect, and a tenth fewer do not.
#[test]
fn persons_that_settle_do_settle() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    for method in [Method::Sequential, Method::Frequentist] {
        let question = Question { method, ..Question::planned(&x) };
        let arms = [vec![converted(5000, 500)], vec![converted(5000, 550)]];
        let gap = versus(&x, &arms, |asked| asked.method = method).gap.unwrap();
        let more = persons_to_settle(&question, &gap).unwrap().unwrap();
        let width = |factor: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
            let scaled = |count: i64| (count as f64 * factor).round() as i64;
            let arms = [vec![converted(scaled(5000), scaled(500))], vec![converted(scaled(5000), scaled(550))]];
            let versus = versus(&x, &arms, |asked| asked.method = method);
            let interval = versus.difference.interval.unwrap();
            let error = versus.gap.unwrap().difference_variance().unwrap().sqrt();
            (interval.high - interval.low) / 2.0 + 0.841_621_233_572_914_3 * error
        };
        let factor = 1.0 + more / 10_000.0;
        assert!((width(factor) / 0.01 - 1.0).abs() < 1e-3, "{method:?} {factor} {}", width(factor));
        assert!(width(factor * 0.9) > 0.01);
    }
}

/// With the numbers of the steps and nothing else, a reader arrives at the same result.
#[test]
fn steps_can_be_followed() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let arms = [vec![spent(4000, &[(20, 800)])], vec![spent(5000, &[(20, 1100)])]];
    let number = |formula: &Formula, name: &str| {
        formula.numbers.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}: {formula:?}")).1
    };
    let question = Question::planned(&x);
    let judged = versus(&x, &arms, |_| ());
    let steps = steps(&question, &judged).unwrap();
    let get = |name| number(&steps.used, name);
    let (nt, nc, alpha) = (get("n_T"), get("n_C"), get("alpha"));
    let time = 4.0 * nt * nc / (nt + nc) * get("accrued");
    let spent_error = -2.0 * 0.05f64.ln();
    let rho = ((spent_error + (1.0 + spent_error).ln()) / get("N*")).sqrt();
    let error = (get("v_T") + get("v_C")).sqrt().max((get("v_T_pooled") + get("v_C_pooled")).sqrt());
    let scaled = time * rho * rho;
    let width = (2.0 * (scaled + 1.0) / scaled * ((scaled + 1.0).sqrt() / alpha).ln()).sqrt();
    let z = get("difference") / error;
    let p = ((scaled + 1.0).sqrt() * (-scaled / (scaled + 1.0) * z * z / 2.0).exp()).min(1.0);
    let interval = judged.difference.interval.unwrap();
    assert!((p / judged.p_value.unwrap() - 1.0).abs() < 1e-9);
    assert!((get("difference") - width * error - interval.low).abs() < 1e-9);
    assert_eq!(steps.reference.unwrap().name, "plain_confidence_sequence");

    let question = Question { method: Method::Frequentist, ..question };
    let fixed = versus(&x, &arms, |asked| asked.method = Method::Frequentist);
    let steps = super::steps(&question, &fixed).unwrap();
    let t = number(&steps.used, "difference") / number(&steps.used, "SE");
    let p = tails::student_two_sided(t, number(&steps.used, "df")).unwrap();
    assert!((p / fixed.p_value.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(steps.reference.unwrap().name, "relative_test");
}

#[test]
fn the_sample_ratio_remembers() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(5000, 500)], vec![converted(5000, 500)]];
    let now = reading(&arms);
    let fine = Course { persons: vec![vec![2500, 2500], vec![5000, 5000]], crossovers: vec![vec![0, 0]; 2] };
    let broken = Course { persons: vec![vec![2500, 1800], vec![5000, 5000]], ..fine.clone() };
    let check = |course: &Course| checks_over(&x, &now, course, 0).swap_remove(0);
    assert!(check(&fine).ok && check(&fine).anytime == Some(true));
    let alarm = check(&broken);
    assert!(!alarm.ok && alarm.blocking && alarm.p_value.unwrap() < 1e-6, "{alarm:?}");
    assert!(alarm.message.contains("look for lost exposures"));
    // The chi-square beside it sees only the present.
    assert!((alarm.p_value_chi_square.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn crossovers_are_compared_with_both_innocent_ways() {
    let x = definition(&[1, 9], &[conversion(Role::Primary)], Some(14));
    let now = reading(&[vec![converted(1000, 100)], vec![converted(9000, 900)]]);
    let check = |crossed: [u64; 2]| {
        let course = Course { persons: vec![vec![1000, 9000]], crossovers: vec![crossed.to_vec()] };
        checks_over(&x, &now, &course, 0).swap_remove(1)
    };
    // As the weights, and device by device (w (1 - w) is the same for two arms).
    assert!(check([50, 450]).ok && check([250, 250]).ok && check([0, 0]).ok);
    let asymmetric = check([400, 100]);
    assert!(!asymmetric.ok && asymmetric.blocking, "{asymmetric:?}");
    assert!(asymmetric.message.contains("look for"));
}

#[test]
fn unlike_pasts_block() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let with_past = |past: i64| {
        let past = spent(5000, &[(20, past)]);
        Moments { x: past.y, xx: past.yy, ..spent(5000, &[(20, 800)]) }
    };
    let check = |control: i64, arm: i64| {
        checks(&x, &reading(&[vec![with_past(control)], vec![with_past(arm)]]), 0).swap_remove(2)
    };
    assert!(check(800, 820).ok && check(0, 0).ok);
    let unlike = check(800, 1100);
    assert!(!unlike.ok && unlike.blocking && unlike.p_value.unwrap() < 0.001, "{unlike:?}");
}

#[test]
fn one_person_who_is_much_of_an_arm_is_found() {
    let x = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let check = |largest: i64| {
        let arm = spent(1000, &[(20, 500), (largest, 1)]);
        let all = checks(&x, &reading(&[vec![spent(1000, &[(20, 500)])], vec![arm]]), 0);
        all.into_iter().find(|check| check.check == "outlier_share").unwrap()
    };
    assert!(check(100).ok);
    let outlier = check(5000);
    assert!(!outlier.ok && !outlier.blocking && outlier.share.unwrap() > 0.3, "{outlier:?}");
    assert!(outlier.message.contains("a1"));
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

/// Sums as no persons can have them, up to the very ends of the type.
fn any_moments() -> impl Strategy<Value = Moments> {
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
    let n = prop_oneof![any::<i64>(), -1i64..5, 2i64..100_000];
    (n, sums).prop_map(|(n, [y, yy, yyy, d, dd, yd, x, xx, xy])| Moments {
        n,
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
    /// No sums at all make a NaN, an infinity or a panic, in any method, kind or reading.
    #[test]
    fn no_sums_break_a_report(
        arms in prop::collection::vec(prop::array::uniform5(any_moments()), 2..4),
        confidence in prop_oneof![Just(0.95), any::<f64>()],
        cuped: bool
    ) {
        let measure = |of| journey::Measure { selector: selector(), of };
        let ratio = MetricKind::Ratio { numerator: measure(journey::Of::Value), denominator: measure(journey::Of::Count) };
        let kinds = [
            conversion(Role::Primary),
            revenue(Role::Guardrail),
            (ratio, Role::Secondary, Goal::Decrease),
            (MetricKind::Clv { selector: selector(), lifespan_days: 3650 }, Role::Guardrail, Goal::Increase),
            conversion(Role::Guardrail),
        ];
        let x = definition(&vec![1; arms.len()], &kinds, Some(14));
        let arms: Vec<Vec<Moments>> = arms.into_iter().map(Vec::from).collect();
        let reading = reading(&arms);
        for method in [Method::Sequential, Method::Frequentist, Method::Bayesian] {
            let question = Question { confidence, cuped, method, ..Question::planned(&x) };
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
