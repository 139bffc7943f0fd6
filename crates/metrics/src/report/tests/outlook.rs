//! Does the outlook say what the designs behind it say, and why where it can say nothing?

use proptest::prelude::*;

use super::fuzz::any_moments;
use super::*;
use crate::inference::Undefined;

fn goals(splits: &[Split], persons_per_day: Option<f64>) -> Goals {
    Goals { effect: 0.1, power: 0.8, splits: splits.to_vec(), persons_per_day }
}

fn of(definition: &Definition, arms: &[Vec<Moments>], goals: &Goals) -> ArmOutlook {
    outlook(&Question::planned(definition), &reading(arms), 0, goals).arms.swap_remove(0)
}

const SPLITS: [Split; 3] = [Split::Current, Split::Parts(50.0, 50.0), Split::Parts(90.0, 10.0)];

fn method(split: &SplitOutlook, method: Method) -> &MethodOutlook {
    split.methods.iter().find(|outlook| outlook.method == method).unwrap()
}

#[test]
fn persons_are_those_of_the_textbook_and_of_each_other() {
    let definition = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(10_000, 1_000)], vec![converted(10_000, 1_050)]];
    let found = of(&definition, &arms, &goals(&SPLITS, Some(1_000.0)));
    assert_eq!((found.persons, found.value, found.splits.len()), (20_000, Ok(0.1), 3));
    assert!((found.effect.unwrap() - 0.01).abs() < 1e-15);
    let [current, equal, lopsided] = &found.splits[..] else { panic!("three splits") };
    let fixed = method(current, Method::Frequentist);
    // Source: the normal formula of textbooks for 0.10 against 0.11 at 80 %: 14 748.05 an arm; the t quantile adds little.
    assert!((fixed.needed.unwrap().total / 2.0 / 14_748.05 - 1.0).abs() < 2e-4, "{:?}", fixed.needed);
    assert!((fixed.more.unwrap() - (fixed.needed.unwrap().total - 20_000.0)).abs() < 1e-9);
    // 9 496.x more at 1000 a day, and the window of the last one.
    assert_eq!(fixed.days, Ok(10.0 + 14.0));
    // The current split is the equal one; but for the arms' order nothing else could differ.
    assert_eq!(current.methods, equal.methods);
    for split in &found.splits {
        let needs = |of: Method| method(split, of).needed.unwrap().total;
        assert!(needs(Method::Sequential) > needs(Method::Frequentist), "{split:?}");
        assert!(needs(Method::Bayesian) < needs(Method::Frequentist), "one-sided: {split:?}");
        for outlook in &split.methods {
            let powers: Vec<f64> = outlook.by_persons.iter().map(|(_, power)| power.unwrap()).collect();
            assert!(powers.len() > 3 && powers.is_sorted(), "{powers:?}");
        }
    }
    let needs = |split: &SplitOutlook| method(split, Method::Sequential).needed.unwrap();
    assert!(needs(lopsided).total > 2.0 * needs(equal).total);
    assert!((needs(lopsided).treatment as f64 * 9.0 / needs(lopsided).control as f64 - 1.0).abs() < 1e-3);
    assert!(!lopsided.continues && current.continues);
    // Normal theory asks for 355 x skewness^2 in the smaller arm: (1 - 2p)^2 / (p (1 - p)) = 7.111 of control's rate.
    for (split, smaller) in [(equal, 0.5), (lopsided, 0.1)] {
        let from = split.trusted_from.unwrap();
        assert!((from * smaller / (355.0 * 0.64 / 0.09) - 1.0).abs() < 1e-6, "{from}");
        assert!(split.trusts(from) && !split.trusts(from - 1.0));
    }
    // Common conversions are hardly skewed: 200 of them decide.
    let common = [vec![converted(10_000, 4_000)], vec![converted(10_000, 4_000)]];
    let from = of(&definition, &common, &goals(&[Split::Current], None)).splits[0].trusted_from.unwrap();
    assert!((from - 200.0 / 0.4 / 0.5).abs() < 1e-6, "{from}");
    // What is proposed as N* makes the sequence tightest about where it should decide.
    let proposed = found.planned_persons.unwrap();
    assert!((0.5..2.0).contains(&(proposed / needs(equal).total)), "{proposed}");
}

#[test]
fn what_is_detectable_is_detected_with_the_power_asked_for() {
    let definition = definition(&[9, 1], &[revenue(Role::Primary)], Some(14));
    let arms = [vec![spent(90_000, &[(20, 9_000)])], vec![spent(10_000, &[(20, 1_000)])]];
    let found = of(&definition, &arms, &goals(&[Split::Current], Some(1_000.0)));
    for at in 0..3 {
        let smallest = found.splits[0].methods[at].detectable.unwrap();
        let again = Goals { effect: smallest / found.value.unwrap(), ..goals(&[Split::Current], None) };
        let power = of(&definition, &arms, &again).splits[0].methods[at].power.unwrap();
        assert!((power - 0.8).abs() < 1e-6, "{at}: {power}");
    }
    // A metric that should fall is planned downwards.
    let mut falling = definition.clone();
    falling.metrics[0].goal = Goal::Decrease;
    let down = of(&falling, &arms, &goals(&[Split::Current], None));
    assert!(down.effect.unwrap() < 0.0 && down.splits[0].methods[1].detectable.unwrap() < 0.0);
    assert!((down.effect.unwrap() + found.effect.unwrap()).abs() < 1e-15);
}

#[test]
fn what_cannot_be_said_has_its_reason() {
    let spend = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let buy = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let asked = goals(&[Split::Current], None);
    let reasons = |definition: &Definition, arms: [Moments; 2]| {
        let found = of(definition, &arms.map(|sums| vec![sums]), &asked);
        let sequential = found.splits[0].methods[0].clone();
        assert!(sequential.by_persons.is_empty());
        for missing in [found.variance, found.effect, found.planned_persons, sequential.detectable, sequential.days] {
            assert_eq!(missing.err(), found.variance.err());
        }
        found.variance.unwrap_err()
    };
    assert_eq!(reasons(&spend, [spent(0, &[]), spent(0, &[])]), Undefined::NoPersons);
    assert_eq!(reasons(&spend, [spent(1, &[(5, 1)]), spent(7, &[(5, 1)])]), Undefined::FewerThanTwoPersons);
    assert_eq!(reasons(&spend, [spent(9, &[(5, 9)]), spent(7, &[(5, 7)])]), Undefined::NoVariance);
    assert_eq!(reasons(&buy, [converted(90, 0), converted(90, 9)]), Undefined::NothingConverted);
    assert_eq!(reasons(&buy, [converted(90, 90), converted(90, 9)]), Undefined::EveryoneConverted);
    // Everything can be said but how many days it takes.
    let arms = [vec![converted(500, 50)], vec![converted(500, 60)]];
    let found = of(&buy, &arms, &asked).splits.swap_remove(0).methods.swap_remove(0);
    assert!(found.needed.is_ok() && found.days == Err(Undefined::NoTraffic));
    // A rate of 95 % cannot rise by 10 %.
    let arms = [vec![converted(500, 475)], vec![converted(500, 480)]];
    assert_eq!(of(&buy, &arms, &asked).effect, Err(Undefined::Unreachable));
    // One spender in a hundred: a verdict waits for 25 contributors.
    let arms = [vec![spent(500, &[(20, 5)])], vec![spent(500, &[(20, 5)])]];
    let found = of(&spend, &arms, &asked);
    assert_eq!(found.splits[0].methods[0].power, Err(Undefined::TooFewContributors));
    assert!(found.splits[0].methods[1].power.is_ok());
    assert!(found.splits[0].methods[0].needed.unwrap().total >= found.persons_of_gate.unwrap());
}

#[test]
fn more_comparisons_and_adjustment_change_what_is_needed() {
    let needed = |definition: &Definition, arms: &[Vec<Moments>]| {
        of(definition, arms, &goals(&[Split::Current], None)).splits[0].methods[1].needed.unwrap().total
    };
    let arm = || vec![converted(500, 50), converted(500, 50)];
    let (two, three) = (
        definition(&[1, 1], &[conversion(Role::Primary), conversion(Role::Secondary)], Some(14)),
        definition(&[1, 1, 1], &[conversion(Role::Primary), conversion(Role::Secondary)], Some(14)),
    );
    // Two comparisons at 97.5 % ask for (2.2414 + 0.8416)^2 / (1.9600 + 0.8416)^2 times the persons.
    let ratio = needed(&three, &[arm(), arm(), arm()]) / needed(&two, &[arm(), arm()]);
    assert!((ratio - 1.2110).abs() < 2e-3, "{ratio}");
    // A covariate takes the square of its correlation out of the variance.
    let mut adjusted = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let pairs = [(0i64, 0i64), (0, 10), (10, 0), (10, 20), (20, 10), (20, 20)];
    let sum = |of: fn(i64, i64) -> i64| I256::from(pairs.iter().map(|(y, x)| of(*y, *x)).sum::<i64>() * 500);
    let (unit, square) = (I256::from(UNIT), I256::from(UNIT) * I256::from(UNIT));
    let arm = Moments {
        n: 3_000,
        y: sum(|y, _| y) * unit,
        yy: sum(|y, _| y * y) * square,
        yyy: sum(|y, _| y * y * y) * square * unit,
        x: sum(|_, x| x) * unit,
        xx: sum(|_, x| x * x) * square,
        xy: sum(|y, x| x * y) * square,
        ..Moments::default()
    };
    let arms = [vec![arm.clone()], vec![arm]];
    let plain = needed(&adjusted, &arms);
    adjusted.experiment.metrics[0].cuped = true;
    // The covariance 33.3 of variances 66.7 and 66.7 is a correlation of a half: 3/4 of the persons are left.
    assert!((needed(&adjusted, &arms) / plain - 0.75).abs() < 1e-3, "{}", needed(&adjusted, &arms) / plain);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No sums, however impossible, make a NaN, an infinity or a panic.
    #[test]
    fn no_sums_break_an_outlook(
        arms in prop::array::uniform2(any_moments()),
        effect in prop_oneof![Just(0.05), 1e-9f64..1000.0],
        confidence in prop_oneof![Just(0.95), 0.01f64..0.99],
        cuped: bool,
        at in 0usize..3,
    ) {
        let measure = |of| journey::Measure { selector: selector(), of };
        let ratio = MetricKind::Ratio { numerator: measure(journey::Of::Value), denominator: measure(journey::Of::Count) };
        let kind = [conversion(Role::Primary), revenue(Role::Guardrail), (ratio, Role::Secondary, Goal::Decrease)][at].clone();
        let definition = definition(&[1, 1], &[kind], Some(14));
        let question = Question { confidence, cuped: Some(cuped), ..Question::planned(&definition) };
        let goals = Goals { effect, power: 0.995, splits: vec![Split::Current, Split::Parts(1e6, 1e-6)], persons_per_day: Some(1e-3) };
        let found = outlook(&question, &reading(&arms.map(|sums| vec![sums])), 0, &goals);
        let arm = &found.arms[0];
        let mut numbers = vec![arm.value, arm.variance, arm.effect, arm.persons_of_gate, arm.planned_persons];
        for method in arm.splits.iter().flat_map(|split| &split.methods) {
            numbers.extend([method.detectable, method.power, method.more, method.days, method.needed.map(|needed| needed.total)]);
            numbers.extend(method.by_persons.iter().map(|(_, power)| *power));
        }
        for number in numbers.into_iter().flatten() {
            prop_assert!(number.is_finite(), "{number} in {arm:?}");
        }
    }
}

/// Where no verdict can come, neither its probability nor what it takes is told.
#[test]
fn what_gives_no_verdict_has_no_power() {
    let half = journey::Share::from_millionths(500_000).unwrap();
    let measure = journey::Measure { selector: selector(), of: journey::Of::Value };
    let median = (MetricKind::Quantile { measure, share: half }, Role::Primary, Goal::Increase);
    let x = definition(&[1, 1], &[median], Some(14));
    let arm = |shift: i64| {
        let mut histogram = crate::histogram::Histogram::default();
        (0..2_000i64).for_each(|at| assert!(histogram.add(i128::from(at + shift) * i128::from(UNIT))));
        vec![Moments { histogram: Some(histogram.into()), ..spent(2_000, &[(1_000, 1_000)]) }]
    };
    let arms = [arm(100), arm(120)];
    let found = of(&x, &arms, &goals(&SPLITS[..1], Some(100.0)));
    let sequential = method(&found.splits[0], Method::Sequential);
    let reason = Undefined::NoSequenceOfQuantiles;
    assert_eq!((sequential.detectable, sequential.power, sequential.needed), (Err(reason), Err(reason), Err(reason)));
    assert!(sequential.by_persons.iter().all(|(_, power)| *power == Err(reason)));
    assert_eq!(found.planned_persons, Err(reason));
    let fixed = method(&found.splits[0], Method::Frequentist);
    assert!(fixed.power.is_ok() && fixed.needed.is_ok(), "{fixed:?}");
    // Without crossovers groups are unlike, whatever the method.
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(1_000, 100)], vec![converted(1_000, 110)]];
    let question = Question { policy: CrossoverPolicy::Exclude, ..Question::planned(&x) };
    let found = outlook(&question, &reading(&arms), 0, &goals(&SPLITS[..1], None)).arms.swap_remove(0);
    for outlook in &found.splits[0].methods {
        assert_eq!(outlook.power, Err(Undefined::NoVerdictWithoutCrossovers), "{outlook:?}");
    }
}
