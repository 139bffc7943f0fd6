//! Do checks find what they look for, and only that?

use journey::Role;

use super::*;

#[test]
fn the_sample_ratio_remembers() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let arms = [vec![converted(5000, 500)], vec![converted(5000, 500)]];
    let now = reading(&arms);
    let fine = Course {
        persons: vec![vec![2500, 2500], vec![5000, 5000]],
        crossovers: vec![vec![0, 0]; 2],
        ..Course::default()
    };
    let broken = Course { persons: vec![vec![2500, 1800], vec![5000, 5000]], ..fine.clone() };
    let check = |course: &Course| checks_over(&x, &now, course, Arrivals::default()).swap_remove(0);
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
        let course =
            Course { persons: vec![vec![1000, 9000]], crossovers: vec![crossed.to_vec()], ..Course::default() };
        checks_over(&x, &now, &course, Arrivals::default()).swap_remove(1)
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

#[test]
fn late_and_shifted_events_are_told_by_their_number() {
    let x = definition(&[1, 1], &[conversion(Role::Primary)], Some(14));
    let now = reading(&[vec![converted(5000, 500)], vec![converted(5000, 500)]]);
    let check = |name: &str, arrivals: Arrivals| {
        let all = checks_over(&x, &now, &Course::now(&now), arrivals);
        all.into_iter().find(|check| check.check == name).unwrap()
    };
    let late = |late: i64| check("late_data", Arrivals { late, ..Arrivals::default() });
    assert!(late(0).ok && late(100).ok && late(100).message.contains("they are few"));
    let many = late(101);
    assert!(!many.ok && !many.blocking && many.count == Some(101) && many.share > many.threshold, "{many:?}");
    assert!(many.message.contains("look for queues"));
    let ahead = |ahead: i64| check("clock_ahead", Arrivals { ahead, ..Arrivals::default() });
    assert!(ahead(0).ok && !ahead(1).ok && ahead(3).message.starts_with("3 events of this tenant were dated"));
}

#[test]
fn skewed_values_are_named_with_what_they_ask_for() {
    let x = definition(&[1, 1], &[revenue(Role::Primary), conversion(Role::Secondary)], Some(14));
    let check = |spent_by: i64| {
        let arm = || vec![spent(10_000, &[(20, spent_by)]), converted(10_000, 5_000)];
        let all = checks(&x, &reading(&[arm(), arm()]), 0);
        all.into_iter().find(|check| check.check == "normal_theory").unwrap()
    };
    assert!(check(5_000).ok);
    // Of 1 % buyers the squared skewness is (1 - 2 p)^2 / (p (1 - p)) = 97.01: 3.44 times the 10 000 persons.
    let skewed = check(100);
    assert!(!skewed.ok && !skewed.blocking && (skewed.number.unwrap() - 3.444).abs() < 0.001, "{skewed:?}");
    assert!(skewed.message.contains("m0 (3.4 times") && !skewed.message.contains("m1"), "{}", skewed.message);
}

#[test]
fn an_arm_that_logs_hardly_any_exposure_is_named() {
    let of = |weights: &[i64], persons: &[i64]| {
        let x = definition(weights, &[conversion(Role::Primary)], Some(14));
        let arms: Vec<_> = persons.iter().map(|persons| vec![converted(*persons, persons / 10)]).collect();
        let all = checks(&x, &reading(&arms), 0);
        all.into_iter().find(|check| check.check == "trigger_logged_in_both_arms").unwrap()
    };
    // Nobody, and few enough for chance, in either arm.
    assert!(of(&[1, 1], &[0, 0]).ok && of(&[1, 1], &[0, 5]).ok && of(&[1, 9], &[0, 50]).ok);
    assert!(of(&[1, 9], &[3, 13]).ok && of(&[1, 99], &[1, 40]).ok);
    assert!(of(&[1, 1], &[51, 100]).ok && of(&[1, 9], &[100, 900]).ok && of(&[1, 1, 1], &[90, 100, 110]).ok);
    // 225 persons in nine tenths lead one to expect 25 in the other.
    let none = of(&[1, 9], &[0, 225]);
    assert!(!none.ok && !none.blocking && (none.persons, none.number) == (Some(25), Some(0.0)), "{none:?}");
    assert!(none.message.starts_with("arm a0 holds 0 persons"), "{}", none.message);
    // The arm that lacks the largest share, whichever it is; the others make up what is expected: 400 of two thirds, 200 of one.
    let third = of(&[1, 1, 1], &[200, 200, 40]);
    assert!(!third.ok && third.persons == Some(160) && third.message.starts_with("arm a2 holds 40"), "{third:?}");
    assert!((third.number.unwrap() - 0.2).abs() < 1e-12);
}
