//! Along which touchpoints do persons come to a conversion, or to none?
//!
//! All of it describes: who comes by a node is a consequence of the arm, so that a difference of what they do next is no effect.
//! The graph counts persons, so what flows into a node flows out of it: a picture after Sankey can be drawn from it as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inference::{Interval, Undefined, wilson_interval};
use crate::lens::{PathKey, Sights, path_of};

/// Where a path passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// The first exposure, where everyone is.
    Exposure,
    /// A touchpoint at this place of the path, from 1; `None`: one of the rarer ones of that place.
    Touch(usize, Option<Arc<str>>),
    /// The touchpoints beyond those that are told apart.
    Later,
    /// The first conversion.
    Converted,
    /// The end of what is known, without a conversion.
    DroppedOff,
}

/// The paths of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmPaths {
    /// Persons exposed.
    pub persons: i64,
    /// Persons who went each path, most frequent first and equally frequent ones by the path.
    pub paths: Vec<(PathKey, i64)>,
    /// Persons who passed from one node to the next.
    pub edges: BTreeMap<(Node, Node), i64>,
}

/// A branch: of those at a node, the share that went on to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Persons at the node, per arm.
    pub at: Vec<i64>,
    /// Persons who went on this way, per arm.
    pub went: Vec<i64>,
    /// The interval of their share, after Wilson.
    pub intervals: Vec<Result<Interval, Undefined>>,
    /// The share's difference from the baseline's, with its interval; `None` for the baseline itself.
    pub differences: Vec<Option<Result<Difference, Undefined>>>,
}

/// A difference of two shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Arm minus baseline.
    pub value: f64,
    /// Its interval.
    pub interval: Interval,
}

/// The paths of an arm, from what the lens shows of it.
#[must_use]
pub fn arm_paths(sights: &Sights) -> ArmPaths {
    let counted = sights.sums.keys().filter_map(|key| Some((path_of(key)?, sights.count(key))));
    let mut paths: Vec<(PathKey, i64)> = counted.filter(|(_, persons)| *persons > 0).collect();
    let told: i64 = paths.iter().map(|(_, persons)| persons).sum();
    if sights.persons > told {
        // Who did nothing leaves no mark.
        paths.push((PathKey { converted: false, more: false, touches: Vec::new() }, sights.persons - told));
    }
    paths.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ArmPaths { persons: sights.persons, edges: edges(&paths, &BTreeMap::new()), paths }
}

/// The touchpoints that are told apart at each place: the `most` with the most persons of all arms.
#[must_use]
pub fn frequent(arms: &[ArmPaths], most: usize) -> BTreeMap<usize, Vec<Arc<str>>> {
    let mut persons: BTreeMap<usize, BTreeMap<Arc<str>, i64>> = BTreeMap::new();
    for (path, n) in arms.iter().flat_map(|arm| &arm.paths) {
        for (place, touch) in (1..).zip(&path.touches) {
            *persons.entry(place).or_default().entry(touch.clone()).or_default() += n;
        }
    }
    let largest = |touches: BTreeMap<Arc<str>, i64>| {
        let mut touches: Vec<(Arc<str>, i64)> = touches.into_iter().collect();
        touches.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        touches.truncate(most);
        touches.into_iter().map(|(touch, _)| touch).collect()
    };
    persons.into_iter().map(|(place, touches)| (place, largest(touches))).collect()
}

/// The persons on each edge; touchpoints that are not `frequent` at their place go together. An empty map: all of them are.
#[must_use]
pub fn edges(paths: &[(PathKey, i64)], frequent: &BTreeMap<usize, Vec<Arc<str>>>) -> BTreeMap<(Node, Node), i64> {
    let mut edges = BTreeMap::new();
    for (path, persons) in paths {
        let touches = (1..).zip(&path.touches).map(|(place, touch)| {
            let is_frequent = frequent.is_empty() || frequent.get(&place).is_some_and(|known| known.contains(touch));
            Node::Touch(place, is_frequent.then(|| touch.clone()))
        });
        let later = path.more.then_some(Node::Later);
        let end = if path.converted { Node::Converted } else { Node::DroppedOff };
        let mut from = Node::Exposure;
        for to in touches.chain(later).chain([end]) {
            *edges.entry((from, to.clone())).or_insert(0) += persons;
            from = to;
        }
    }
    edges
}

/// What those at a node do next, in each arm, and how that differs from the baseline.
///
/// The interval of a difference is Newcombe's hybrid of the two Wilson intervals (Statistics in Medicine 17, 1998, method 10).
#[must_use]
pub fn branches(
    arms: &[BTreeMap<(Node, Node), i64>],
    baseline: usize,
    confidence: f64,
) -> BTreeMap<(Node, Node), Branch> {
    let mut at: Vec<BTreeMap<&Node, i64>> = Vec::new();
    for edges in arms {
        let mut out = BTreeMap::new();
        for ((from, _), persons) in edges {
            *out.entry(from).or_insert(0) += persons;
        }
        at.push(out);
    }
    let all: Vec<&(Node, Node)> = {
        let mut all: Vec<_> = arms.iter().flat_map(BTreeMap::keys).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let branch = |edge: &(Node, Node)| {
        let at: Vec<i64> = at.iter().map(|at| at.get(&edge.0).copied().unwrap_or(0)).collect();
        let went: Vec<i64> = arms.iter().map(|edges| edges.get(edge).copied().unwrap_or(0)).collect();
        let intervals: Vec<_> =
            at.iter().zip(&went).map(|(at, went)| wilson_interval(*went, *at, confidence)).collect();
        let difference = |arm: usize| {
            let share = |arm: usize| went[arm] as f64 / at[arm] as f64;
            let (own, other) =
                (intervals[arm].as_ref().map_err(|e| *e)?, intervals[baseline].as_ref().map_err(|e| *e)?);
            let (p, q) = (share(arm), share(baseline));
            let below = f64::hypot(p - own.low, other.high - q);
            let above = f64::hypot(own.high - p, q - other.low);
            let value = p - q;
            Ok(Difference { value, interval: Interval { low: value - below, high: value + above } })
        };
        let differences = (0..arms.len()).map(|arm| (arm != baseline).then(|| difference(arm))).collect();
        Branch { at, went, intervals, differences }
    };
    all.into_iter().map(|edge| (edge.clone(), branch(edge))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(converted: bool, more: bool, touches: &[&str]) -> PathKey {
        PathKey { converted, more, touches: touches.iter().map(|touch| Arc::from(*touch)).collect() }
    }

    #[test]
    fn what_flows_into_a_node_flows_out_of_it() {
        let paths = vec![
            (path(true, false, &["a", "b"]), 5),
            (path(false, true, &["a", "c"]), 3),
            (path(true, true, &["b", "a"]), 2),
            (path(false, false, &[]), 7),
        ];
        for frequent in [BTreeMap::new(), BTreeMap::from([(1, vec![Arc::from("a")]), (2, vec![Arc::from("b")])])] {
            let edges = edges(&paths, &frequent);
            let mut balance: BTreeMap<&Node, i64> = BTreeMap::new();
            for ((from, to), persons) in &edges {
                *balance.entry(from).or_default() -= persons;
                *balance.entry(to).or_default() += persons;
            }
            assert_eq!(balance.remove(&Node::Exposure), Some(-17));
            assert_eq!(balance.remove(&Node::Converted), Some(7));
            assert_eq!(balance.remove(&Node::DroppedOff), Some(10));
            assert!(balance.values().all(|flow| *flow == 0), "{edges:?}");
        }
    }

    #[test]
    fn a_difference_has_newcombes_interval() {
        // Newcombe 1998, table II, (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
        let arm = |went: i64, at: i64| {
            let to = |end: Node, n: i64| ((Node::Exposure, end), n);
            BTreeMap::from([to(Node::Converted, went), to(Node::DroppedOff, at - went)])
        };
        let found = branches(&[arm(48, 80), arm(56, 70)], 0, 0.95);
        let branch = &found[&(Node::Exposure, Node::Converted)];
        let difference = branch.differences[1].as_ref().unwrap().as_ref().unwrap();
        // As many digits as the paper prints.
        assert!((difference.interval.low - 0.0524).abs() < 5e-5, "{difference:?}");
        assert!((difference.interval.high - 0.3339).abs() < 5e-5, "{difference:?}");
        assert!(branch.differences[0].is_none());
    }
}
