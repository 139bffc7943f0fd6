//! Do sentences and steps say what the numbers say?

use journey::{Method, Role};

use super::*;
use crate::inference::tails;

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
