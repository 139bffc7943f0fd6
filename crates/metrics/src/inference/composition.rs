//! Did every group of persons reach the arms in the shares that were meant, however often one asks? The sample ratio of
//! many groups at once.
//!
//! An experiment whose arms have the right sizes can still be broken: a redirect that loses the persons of one browser in
//! one arm while another arm's are counted twice. What is known of a person before the exposure must be spread over the
//! arms like the arms' weights, value by value.

use super::mixture::{log_e_value, p_value};
use super::sample_ratio_sequential::SAMPLE_RATIO_CONCENTRATION;
use super::undefined::Undefined;

/// The sample ratio of groups that are seen one after the other; an e-value that is a martingale whatever the groups are.
///
/// For each group, `E_j` is the multinomial mixture of its persons per arm against the weights (Lindon and Malek, `NeurIPS`
/// 2022; concentration 100). Groups are numbered by their first appearance, and `E = sum_j E_j / (j (j + 1)) + (what is
/// left of 1)`: the weights add up to one over all groups that may ever appear, so that E is a martingale from one although
/// nobody knows how many there will be. A mean over the groups seen so far is none: a new group would lend its weight to
/// the others' luck. Which group a person belongs to says nothing about the arm, so the order of appearance may be used.
///
/// By Ville, the probability that E *ever* reaches `1 / alpha` is at most `alpha`. One group alone must reach `j (j + 1) /
/// alpha`: the tenth pays with the evidence of a few more persons.
#[derive(Debug, Clone)]
pub struct GroupedSampleRatio {
    weights: Vec<f64>,
    groups: Vec<f64>,
    worst: Option<(f64, usize)>,
}

/// What the groups have shown so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupedRatio {
    /// The logarithm of the largest e-value of all readings.
    pub log_e_value: f64,
    /// The p-value: the smallest of all readings; never zero.
    pub p_value: f64,
    /// The group that had the largest part of the e-value in that reading.
    pub group: usize,
}

impl GroupedSampleRatio {
    /// For arms of these weights, all above zero.
    #[must_use]
    pub fn new(weights: Vec<f64>) -> Self {
        Self { weights, groups: Vec::new(), worst: None }
    }

    /// Says how many persons of a group the arms hold now. A new group has the next number.
    pub fn set(&mut self, group: usize, persons: &[u64]) -> Result<(), Undefined> {
        let e = log_e_value(persons, &self.weights, SAMPLE_RATIO_CONCENTRATION)?;
        if group >= self.groups.len() {
            self.groups.resize(group + 1, 0.0);
        }
        self.groups[group] = e;
        Ok(())
    }

    /// Reads all groups as they are now, and says whether they were never as far from the weights.
    pub fn read(&mut self) -> bool {
        let share = |j: usize| 1.0 / ((j + 1) as f64 * (j + 2) as f64);
        let Some(largest) = self.groups.iter().copied().reduce(f64::max).map(|largest| largest.max(0.0)) else {
            return false;
        };
        // The weights of the first k are 1 - 1 / (k + 1) together. In units of the largest e-value nothing overflows.
        let unseen = (-largest).exp() / (self.groups.len() + 1) as f64;
        let parts: Vec<f64> = self.groups.iter().enumerate().map(|(j, e)| share(j) * (e - largest).exp()).collect();
        let e = largest + (unseen + parts.iter().sum::<f64>()).ln();
        if self.worst.is_none_or(|(worst, _)| e > worst) {
            let group = parts.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(j, _)| j);
            self.worst = Some((e, group));
            return true;
        }
        false
    }

    /// What all readings have shown.
    pub fn found(&self) -> Result<GroupedRatio, Undefined> {
        let (log_e_value, group) = self.worst.ok_or(Undefined::NoPersons)?;
        Ok(GroupedRatio { log_e_value, p_value: p_value(log_e_value), group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::sequential_sample_ratio;
    use crate::inference::testing::close;
    use crate::random::Random;

    /// By hand from the e-values of the groups alone.
    #[test]
    fn two_groups() {
        let weights = [1.0, 3.0];
        let alone = |counts: [u64; 2]| sequential_sample_ratio([&counts[..]], &weights).unwrap().log_e_value.exp();
        let mut grouped = GroupedSampleRatio::new(weights.to_vec());
        assert_eq!(grouped.found(), Err(Undefined::NoPersons));
        grouped.set(0, &[30, 70]).unwrap();
        grouped.read();
        close(grouped.found().unwrap().log_e_value, (alone([30, 70]) / 2.0 + 0.5).ln(), 1e-12);
        grouped.set(1, &[60, 60]).unwrap();
        grouped.read();
        let both = grouped.found().unwrap();
        close(both.log_e_value, (alone([30, 70]) / 2.0 + alone([60, 60]) / 6.0 + 1.0 / 3.0).ln(), 1e-12);
        assert_eq!(both.group, 1);
        // What was wrong once stays visible.
        grouped.set(1, &[60, 180]).unwrap();
        grouped.read();
        assert_eq!(grouped.found().unwrap(), both);
        // A number that is far out is far out, without an overflow.
        grouped.set(0, &[1_000_000_000, 0]).unwrap();
        grouped.read();
        assert!(grouped.found().unwrap().log_e_value > 1e8);
    }

    /// Groups that appear one after the other, read after every person: an alarm at 5 % in at most 5 % of experiments,
    /// three standard errors allowed. The groups whose persons all go to one arm are found.
    #[test]
    fn ever_wrong_at_most_as_often_as_promised() {
        const RUNS: u32 = 1_000;
        let mut random = Random::new(5);
        let (mut alarms, mut found) = (0, 0);
        for run in 0..RUNS {
            let broken = run % 2 == 1;
            let mut grouped = GroupedSampleRatio::new(vec![1.0, 4.0]);
            let (mut counts, mut numbers) = (vec![[0u64; 2]; 30], vec![None; 30]);
            let mut next = 0;
            for person in 0..1_500usize {
                // The later, the more values there are.
                let most = 1 + person as u64 / 50;
                let value = usize::try_from((random.bits() % most).min(random.bits() % most)).unwrap();
                let arm = usize::from(random.uniform() < 0.8 || (broken && value == 3));
                counts[value][arm] += 1;
                let number = *numbers[value].get_or_insert_with(|| {
                    next += 1;
                    next - 1
                });
                grouped.set(number, &counts[value]).unwrap();
                grouped.read();
            }
            let result = grouped.found().unwrap();
            if broken {
                found += u32::from(result.p_value < 0.05 && Some(result.group) == numbers[3]);
            } else {
                alarms += u32::from(result.p_value < 0.05);
            }
        }
        assert!(f64::from(alarms) <= 0.05 * 500.0 + 3.0 * (500.0f64 * 0.05 * 0.95).sqrt(), "{alarms}");
        assert!(found > 450, "{found}");
    }
}
