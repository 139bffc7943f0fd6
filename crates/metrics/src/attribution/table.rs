//! What is each label credited with in an arm, and what did the arm cause?
//!
//! Credit adds up exactly to what the arm's persons converted: labels, the labels beyond those that stand alone, and what
//! nobody was touched before. Beside it stands the experimental answer: conversions and value of everyone exposed against
//! those of the baseline. The *additional* credit of a label, its credit less that of the same number of persons of the
//! baseline, adds up over labels to what the arm caused. A label whose additional credit exceeds the upper end of what the
//! whole arm caused is over-credited: whatever else it took credit for would have come anyway, or was another's.

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::UNIT;

use super::effect::{Amount, Effects, effects};
use super::markov::{Chain, Moves, Place, Removal};
use super::model::Model;
use super::shapley::shapley;
use super::told::Sum;
use crate::inference::{Estimate, Interval, Undefined, mean_interval, ratio};
use crate::lens::{ArmSights, CreditSums};
use crate::report::{Claim, Maturity, Question, Value};

/// What a line of the table speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A label.
    Label(Arc<str>),
    /// So many labels together, beyond those that stand alone.
    Others(usize),
    /// Nobody: no touch came before.
    Untouched,
}

/// Of conversions, and of their value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Both<T> {
    /// Of conversions.
    pub conversions: T,
    /// Of their value.
    pub value: T,
}

/// What is credited to a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// To whom.
    pub who: Who,
    /// The credit, in units of 1e-6, or why there is none.
    pub credit: Both<Result<i128, Undefined>>,
    /// The share of all there is to credit.
    pub share: Both<Value>,
    /// Credit beyond that of as many persons of the baseline; `None` in the baseline.
    pub additional: Option<Both<Value>>,
    /// Whether the additional credit exceeds what the arm caused; `None` where that is not known.
    pub over_credited: Option<Both<Option<bool>>>,
}

/// What an arm caused, in all its persons together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caused {
    /// Beyond the baseline.
    pub amount: Both<Value>,
    /// Whether the intervals hold however often they are read: of conversions, and of value.
    pub anytime: Both<Claim>,
    /// Whether they are effects.
    pub causal: Claim,
}

/// What is credited in an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmCredit {
    /// Persons of the reading.
    pub persons: i64,
    /// All there is to credit: conversions in units of 1e-6, and their value.
    pub all: Sum,
    /// Persons who were touched and converted so often that what they did later is left out.
    pub cut_persons: i64,
    /// What the arm caused; `None` in the baseline.
    pub caused: Option<Caused>,
    /// Whether labels of journeys were found in the arm that convert at all, by the chain of touches: the share of its journeys
    /// that do, with the model `markov`.
    pub chain: Option<Result<f64, Undefined>>,
    /// The lines; they add up to `all`.
    pub lines: Vec<Line>,
}

/// What is credited in each arm, and what each arm caused.
#[derive(Debug, Clone)]
pub struct Attribution {
    /// Conversions and value per person, judged like metrics.
    pub effects: Effects,
    /// The arms, in the order of the experiment; their lines stand in the same order.
    pub arms: Vec<ArmCredit>,
}

/// What `model` credits in the main reading, telling at most `most` labels apart.
#[must_use]
pub fn attribution(
    question: &Question<'_>,
    sights: &[ArmSights],
    model: Model,
    most: usize,
    window_days: Option<u32>,
) -> Attribution {
    let readings: Vec<[Option<(i64, CreditSums)>; 2]> = sights
        .iter()
        .map(|arm| {
            let of = |sights: &crate::lens::Sights| (sights.persons, CreditSums::of(sights));
            [Some(of(&arm.live)), arm.matured.as_ref().map(of)]
        })
        .collect();
    let matured = question.maturity == Maturity::Matured && window_days.is_some();
    let main: Vec<(i64, &CreditSums)> = readings
        .iter()
        .filter_map(|[live, closed]| closed.as_ref().filter(|_| matured).or(live.as_ref()))
        .map(|(persons, sums)| (*persons, sums))
        .collect();
    let labels = Labels::choose(&main, most.min(model.most_labels()));
    let mut amounts = vec![Amount::Conversions, Amount::Value];
    if let Model::Heuristic(_) = model {
        amounts.extend(
            labels
                .alone
                .iter()
                .flat_map(|label| [Amount::ConversionsOf(label.clone()), Amount::ValueOf(label.clone())]),
        );
    }
    let effects = effects(question, &readings, &amounts, model, window_days);
    let mut arms: Vec<ArmCredit> = main
        .iter()
        .enumerate()
        .map(|(arm, (persons, sums))| arm_credit(question, &effects, (arm, *persons), sums, model, &labels))
        .collect();
    compare(question, &effects, &mut arms);
    Attribution { effects, arms }
}

/// Which labels stand alone, and how the others are found among them.
struct Labels {
    alone: Vec<Arc<str>>,
    others: usize,
    index: BTreeMap<Arc<str>, usize>,
}

impl Labels {
    /// Those with the most linear credit over all arms, equally credited ones in order.
    fn choose(arms: &[(i64, &CreditSums)], most: usize) -> Self {
        const LINEAR: usize = 2;
        let mut sums: BTreeMap<Arc<str>, (I256, I256)> = BTreeMap::new();
        for (label, by_model) in arms.iter().flat_map(|(_, sums)| &sums.labels) {
            let sum = sums.entry(label.clone()).or_default();
            sum.0 += by_model[LINEAR][0];
            sum.1 += by_model[LINEAR][3];
        }
        // Labels that lead to no conversion are places of the chain, too.
        for place in arms.iter().flat_map(|(_, sums)| sums.moves.keys()).flat_map(|(from, to)| [from, to]) {
            if let Place::Touch(label) = place {
                sums.entry(label.clone()).or_default();
            }
        }
        let mut order: Vec<(Arc<str>, (I256, I256))> = sums.into_iter().collect();
        order.sort_by(|(a, credit_a), (b, credit_b)| credit_b.cmp(credit_a).then_with(|| a.cmp(b)));
        let others = order.len().saturating_sub(most);
        let mut alone: Vec<Arc<str>> = order.into_iter().take(most).map(|(label, _)| label).collect();
        let told = alone.clone();
        alone.sort_unstable();
        // Ties are broken by key, so the arithmetic knows labels in their own order.
        let index = alone.into_iter().enumerate().map(|(at, label)| (label, at)).collect();
        Self { alone: told, others, index }
    }

    /// So many are told apart, the others being one.
    fn players(&self) -> usize {
        self.index.len() + usize::from(self.others > 0)
    }

    fn of(&self, label: &Arc<str>) -> usize {
        self.index.get(label).copied().unwrap_or(self.index.len())
    }
}

fn arm_credit(
    question: &Question<'_>,
    effects: &Effects,
    (arm, persons): (usize, i64),
    sums: &CreditSums,
    model: Model,
    labels: &Labels,
) -> ArmCredit {
    let whole = |sum: I256| i128::try_from(sum).map_err(|_| Undefined::OutOfRange);
    let sum_of = |count: I256, value: I256| Sum { count: whole(count).unwrap_or(0), value: whole(value).unwrap_or(0) };
    let all = sum_of(sums.all[0], sums.all[3]);
    let untouched = sum_of(sums.untouched[0], sums.untouched[3]);
    let touched = Sum { count: all.count - untouched.count, value: all.value - untouched.value };
    let mut chain = None;
    // Per label that is told apart, in their own order, and at the end the others.
    let credits: Vec<Both<Result<i128, Undefined>>> = match model {
        Model::Heuristic(heuristic) => {
            let mut credits = vec![(I256::ZERO, I256::ZERO); labels.index.len() + 1];
            for (label, by_model) in &sums.labels {
                let credit = &mut credits[labels.of(label)];
                credit.0 += by_model[heuristic as usize][0];
                credit.1 += by_model[heuristic as usize][3];
            }
            credits.into_iter().map(|(count, value)| Both { conversions: whole(count), value: whole(value) }).collect()
        }
        Model::Markov => {
            let removal = chain_of(sums, labels).removal();
            chain = Some(removal.as_ref().map(|removal| removal.conversion).map_err(|reason| *reason));
            let players = labels.players();
            let of = |effects: Result<&Vec<f64>, Undefined>, total: i128| -> Vec<Result<i128, Undefined>> {
                match effects {
                    Ok(effects) => Removal::credit(effects, total).into_iter().map(Ok).collect(),
                    Err(_) if total == 0 => vec![Ok(0); players],
                    Err(reason) => vec![Err(reason); players],
                }
            };
            let removal = removal.as_ref().map_err(|reason| *reason);
            let counts = of(removal.map(|removal| &removal.conversions), touched.count);
            let values =
                of(removal.and_then(|removal| removal.value.as_ref().map_err(|reason| *reason)), touched.value);
            counts.into_iter().zip(values).map(|(conversions, value)| Both { conversions, value }).collect()
        }
        Model::Shapley => {
            let players = labels.players();
            let of = |slot: usize, unit: i128| -> Vec<Result<i128, Undefined>> {
                let sets = sums.sets.iter().map(|(set, sums)| {
                    let members = set.iter().fold(0u16, |members, label| members | 1 << labels.of(label));
                    (members, whole(sums[slot]).unwrap_or(i128::MAX).saturating_mul(unit))
                });
                match shapley(sets, players) {
                    Some(values) => values.into_iter().map(Ok).collect(),
                    None => vec![Err(Undefined::OutOfRange); players],
                }
            };
            let counts = of(0, i128::from(UNIT));
            counts.into_iter().zip(of(1, 1)).map(|(conversions, value)| Both { conversions, value }).collect()
        }
    };
    let share = |who: &Who, credit: Both<Result<i128, Undefined>>| {
        let slots = match (who, model) {
            (Who::Untouched, _) => Ok(&sums.untouched),
            (Who::Others(_), Model::Heuristic(_)) => Err(Undefined::SeveralTogether),
            (_, Model::Markov | Model::Shapley) => Err(Undefined::NoSumOverPersons),
            (Who::Label(label), Model::Heuristic(heuristic)) => {
                const NOTHING: [I256; 6] = [I256::ZERO; 6];
                Ok(sums.labels.get(label).map_or(&NOTHING, |by_model| &by_model[heuristic as usize]))
            }
        };
        let of = |credit: Result<i128, Undefined>, at: usize, total: i128| {
            let estimate = slots.and_then(|slots| {
                ratio(persons, slots[at], slots[at + 1], sums.all[at], sums.all[at + 1], slots[at + 2])
            });
            share_of(credit, total, estimate, question.confidence)
        };
        Both { conversions: of(credit.conversions, 0, all.count), value: of(credit.value, 3, all.value) }
    };
    let line = |who: Who, credit: Both<Result<i128, Undefined>>| Line {
        share: share(&who, credit),
        who,
        credit,
        additional: None,
        over_credited: None,
    };
    let mut lines: Vec<Line> =
        labels.alone.iter().map(|label| line(Who::Label(label.clone()), credits[labels.of(label)])).collect();
    if labels.others > 0 {
        lines.push(line(Who::Others(labels.others), credits[labels.index.len()]));
    }
    lines.push(line(Who::Untouched, Both { conversions: Ok(untouched.count), value: Ok(untouched.value) }));
    let cut_persons = i64::try_from(sums.full).unwrap_or(i64::MAX);
    ArmCredit { persons, all, cut_persons, caused: caused(effects, arm, persons), chain, lines }
}

/// The chain of an arm, with the labels beyond those that stand alone as one place.
fn chain_of(sums: &CreditSums, labels: &Labels) -> Chain {
    let place = |place: &Place<Arc<str>>| match place {
        Place::Start => Place::Start,
        Place::Touch(label) => Place::Touch(labels.of(label)),
        Place::Converted => Place::Converted,
        Place::Lost => Place::Lost,
    };
    let mut moves = Moves::new();
    for ((from, to), [count, value]) in &sums.moves {
        // Beyond this a count is no count of anything.
        let whole = |sum: &I256| i128::try_from(*sum).unwrap_or(i128::MAX);
        *moves.entry((place(from), place(to))).or_default() += Sum { count: whole(count), value: whole(value) };
    }
    Chain::new(labels.players(), &moves)
}

/// The share of all that is credited, with the interval of a ratio of sums over persons, by the delta method.
fn share_of(
    credit: Result<i128, Undefined>,
    total: i128,
    estimate: Result<Estimate, Undefined>,
    confidence: f64,
) -> Value {
    let value = credit.and_then(|credit| match total {
        0 => Err(Undefined::NothingToCredit),
        total => Ok(credit as f64 / total as f64),
    });
    let interval = value.and(estimate).and_then(|estimate| mean_interval(&estimate, confidence));
    Value { value, interval }
}

/// The difference per person, in all persons of the arm.
pub(super) fn in_all(value: Value, persons: i64) -> Value {
    let persons = persons as f64;
    let scaled = |interval: Interval| Interval { low: interval.low * persons, high: interval.high * persons };
    Value { value: value.value.map(|value| value * persons), interval: value.interval.map(scaled) }
}

fn caused(effects: &Effects, arm: usize, persons: i64) -> Option<Caused> {
    let (conversions, value) = (effects.versus(0, arm)?, effects.versus(1, arm)?);
    Some(Caused {
        amount: Both { conversions: in_all(conversions.difference, persons), value: in_all(value.difference, persons) },
        anytime: Both { conversions: conversions.anytime, value: value.anytime },
        causal: conversions.causal,
    })
}

/// Fills in what each arm is credited with beyond the baseline.
fn compare(question: &Question<'_>, effects: &Effects, arms: &mut [ArmCredit]) {
    let Some(baseline) = arms.get(question.baseline) else { return };
    let base: Vec<Both<Result<i128, Undefined>>> = baseline.lines.iter().map(|line| line.credit).collect();
    let base_persons = baseline.persons;
    for (at, arm) in arms.iter_mut().enumerate().filter(|(at, _)| *at != question.baseline) {
        let persons = arm.persons;
        let Some(caused) = arm.caused else { continue };
        for (number, (line, base)) in arm.lines.iter_mut().zip(&base).enumerate() {
            let beyond = |credit: Result<i128, Undefined>, base: Result<i128, Undefined>, which: usize| {
                let value = match (credit, base) {
                    _ if base_persons <= 0 => Err(Undefined::NoPersons),
                    (Ok(credit), Ok(base)) => {
                        Ok((credit as f64 - base as f64 * (persons as f64 / base_persons as f64)) / UNIT as f64)
                    }
                    (Err(reason), _) | (_, Err(reason)) => Err(reason),
                };
                // A line of a heuristic is a sum over persons, and judged like one.
                let judged = match &line.who {
                    Who::Label(_) => effects.versus(2 + 2 * number + which, at).ok_or(Undefined::NoSumOverPersons),
                    Who::Others(_) => Err(Undefined::SeveralTogether),
                    Who::Untouched => Err(Undefined::NotJudged),
                };
                Value { value, interval: judged.and_then(|versus| in_all(versus.difference, persons).interval) }
            };
            let additional = Both {
                conversions: beyond(line.credit.conversions, base.conversions, 0),
                value: beyond(line.credit.value, base.value, 1),
            };
            let exceeds = |additional: &Value, caused: &Value| match (additional.value, caused.interval, &line.who) {
                (Ok(additional), Ok(caused), Who::Label(_)) => Some(additional > caused.high.max(0.0)),
                _ => None,
            };
            line.over_credited = Some(Both {
                conversions: exceeds(&additional.conversions, &caused.amount.conversions),
                value: exceeds(&additional.value, &caused.amount.value),
            });
            line.additional = Some(additional);
        }
    }
}
