//! Do checks find what they look for, and only that?

use journey::Role;

use super::*;

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
