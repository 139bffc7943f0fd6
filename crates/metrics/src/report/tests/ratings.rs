//! Ratings: who answers is decided after the exposure, so a rating may move although nobody thinks otherwise.

use ethnum::I256;
use journey::{Measure, Method, MetricKind, Of, Path, Role, Scale, UNIT};

use super::*;
use crate::inference::Harm;
use crate::random::Random;

fn nps(role: Role) -> (MetricKind, Role, Goal) {
    let measure = Measure { selector: selector(), of: Of::Property(Path::parse("properties.score", "").unwrap()) };
    (MetricKind::Rating { measure, scale: Scale::Nps }, role, Goal::Increase)
}

/// `n` persons, of whom so many promoters, passives and detractors answered.
fn answered(n: i64, [promoters, passives, detractors]: [i64; 3]) -> Moments {
    let unit = I256::from(UNIT);
    let respondents = I256::from(promoters + passives + detractors);
    let score = I256::from(100) * unit;
    let net = I256::from(promoters - detractors);
    Moments {
        n,
        y: net * score,
        yy: I256::from(promoters + detractors) * score * score,
        yyy: net * score * score * score,
        d: respondents * unit,
        dd: respondents * unit * unit,
        yd: net * score * unit,
        ..Moments::default()
    }
}

/// Persons of whom 4 in 10 are promoters and 3 in 10 detractors, each kind answering with its own probability.
fn asked(random: &mut Random, n: i64, opinions: [f64; 3], answers: [f64; 3]) -> Moments {
    let mut left = u64::try_from(n).unwrap();
    let mut rest = 1.0;
    let mut count = [0i64; 3];
    for ((count, share), answer) in count.iter_mut().zip(opinions).zip(answers) {
        let of_this_kind = random.binomial(left, (share / rest).min(1.0));
        left -= of_this_kind;
        rest -= share;
        *count = i64::try_from(random.binomial(of_this_kind, answer)).unwrap();
    }
    answered(n, count)
}

const OPINIONS: [f64; 3] = [0.4, 0.3, 0.3];

/// In so many of 300 experiments with 4 000 persons an arm: a verdict, and a p-value that would have given one.
fn tried(method: Method, opinions: [f64; 3], answers: [f64; 3]) -> (u32, u32) {
    let x = definition(&[1, 1], &[nps(Role::Primary)], Some(14));
    let mut random = Random::new(13);
    let (mut verdicts, mut tempting) = (0, 0);
    for _ in 0..300 {
        let control = asked(&mut random, 4000, OPINIONS, [0.3; 3]);
        let arm = asked(&mut random, 4000, opinions, answers);
        let versus = versus(&x, &[vec![control], vec![arm]], |question| question.method = method);
        verdicts += u32::from(matches!(versus.verdict.0, Verdict::Better | Verdict::Worse));
        tempting += u32::from(versus.p_value.is_ok_and(|p| p < 0.05));
    }
    (verdicts, tempting)
}

#[test]
fn promoters_who_answer_more_often_make_no_verdict() {
    for method in [Method::Sequential, Method::Frequentist] {
        // Nobody thinks otherwise, but promoters answer half as often again: the score rises by 15 points.
        let (verdicts, tempting) = tried(method, OPINIONS, [0.45, 0.3, 0.3]);
        assert!(tempting > 200, "only {tempting} of 300 would have misled by {method}");
        assert_eq!(verdicts, 0, "{method}");
        // Where as many answer and think better of it, that is told, but for the experiments whose response rates differ by chance.
        let (verdicts, tempting) = tried(method, [0.55, 0.25, 0.2], [0.3; 3]);
        assert!(verdicts > 250 && verdicts <= tempting, "{verdicts} of {tempting} by {method}");
    }
}

#[test]
fn the_response_rate_stands_beside_a_rating() {
    let x = definition(&[1, 1], &[nps(Role::Guardrail)], Some(14));
    let arms = [vec![answered(600, [100, 0, 100])], vec![answered(600, [260, 0, 100])]];
    let found = report(&Question::planned(&x), &reading(&arms)).swap_remove(0);
    assert!(found.notes.iter().any(|note| note.contains("of those who answered")));
    let [control, arm] = &found.arms[..] else { panic!("two arms") };
    assert_eq!(control.main.response.unwrap().rate.value, Ok(200.0 / 600.0));
    assert_eq!(arm.main.value.value, Ok(100.0 * 160.0 / 360.0));
    let versus = arm.main.versus.as_ref().unwrap();
    let response = versus.response.unwrap();
    assert_eq!((response.differs, response.causal, versus.causal.holds), (Some(true), true, false));
    assert_eq!(response.difference.value, Ok(360.0 / 600.0 - 200.0 / 600.0));
    // Welch's test of two shares, with n - 1: t = (0.6 - 1/3) / sqrt(0.24/599 + (2/9)/599) = 9.598.
    let test = response.p_value.unwrap();
    assert!(test > 1e-22 && test < 1e-18, "{test}");
    let guardrail = versus.guardrail.unwrap();
    assert_eq!(guardrail.harm, Harm::Undecided);
    assert!(guardrail.reason.unwrap().contains("response rate"));
}

#[test]
fn without_answers_nothing_is_said() {
    let x = definition(&[1, 1], &[nps(Role::Primary)], Some(14));
    let none = [vec![answered(100, [0; 3])], vec![answered(100, [0; 3])]];
    let nobody = versus(&x, &none, |_| ());
    assert_eq!((nobody.verdict.0, nobody.response.unwrap().differs), (Verdict::NoData, Some(false)));
    let one = [vec![answered(1, [1, 0, 0])], vec![answered(0, [0; 3])]];
    let single = versus(&x, &one, |_| ());
    assert_eq!((single.verdict.0, single.response.unwrap().differs), (Verdict::NoData, None));
    assert!(!single.causal.holds);
}
