//! How values are distributed, and where they are cut, from every person's value.

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::PercentileCap;

use super::person::Amounts;
use super::{BOUND, Model};
use crate::histogram::{Histogram, bounds, bucket_of};
use crate::moments::{Cut, Moments};
use crate::reading::Reading;

/// Arm, value and covariate of each person, by dimension value, metric, and whether windows are closed.
pub(super) type Values = BTreeMap<(Arc<str>, usize, bool), Vec<(usize, i128, i128)>>;

pub(super) fn note(
    values: &mut Values,
    (value, metric, closed): (&str, usize, bool),
    (arm, amounts): (usize, &Amounts),
) {
    if amounts.y.abs() <= BOUND {
        values.entry((value.into(), metric, closed)).or_default().push((arm, amounts.y, amounts.x));
    }
}

impl Model<'_> {
    pub(super) fn spread(&self, values: &Values, out: &mut BTreeMap<Arc<str>, Reading>) {
        for (value, reading) in out {
            for (at, metric) in self.definition.metrics.iter().enumerate() {
                for closed in [false, true] {
                    let found = values.get(&(value.clone(), at, closed)).map_or(&[][..], Vec::as_slice);
                    let cap = metric.keeps.percentile_cap.map(|cap| percentile(cap, found));
                    for (number, arm) in reading.arms.iter_mut().enumerate() {
                        let sums = if closed { arm.matured[at].as_mut() } else { Some(&mut arm.live[at]) };
                        let Some(sums) = sums else { continue };
                        let own: Vec<(i128, i128)> =
                            found.iter().filter(|(arm, ..)| *arm == number).map(|(_, y, x)| (*y, *x)).collect();
                        if metric.kind.is_quantile() {
                            let histogram: Histogram = own.iter().map(|(y, _)| *y).collect();
                            sums.histogram = Some(Arc::new(histogram));
                        }
                        if let Some(cap) = cap {
                            cut(sums, &own, cap);
                        }
                    }
                }
            }
        }
    }
}

/// The upper edge of the bucket of the person at the rank.
fn percentile(cap: PercentileCap, values: &[(usize, i128, i128)]) -> Option<i128> {
    let mut sorted: Vec<i128> = values.iter().map(|(_, y, _)| *y).filter(|y| !cap.ignore_zeros || *y != 0).collect();
    sorted.sort_unstable();
    let rank = (cap.share.value() * sorted.len() as f64).ceil().max(1.0);
    let at = sorted.iter().enumerate().find(|(place, _)| *place as f64 + 1.0 >= rank)?;
    Some(bounds(bucket_of(*at.1).unwrap()).unwrap().1)
}

fn cut(sums: &mut Moments, persons: &[(i128, i128)], cap: Option<i128>) {
    let capped = |y: i128| cap.map_or(y, |cap| y.min(cap));
    let is_cut = |y: i128| cap.is_some_and(|cap| bounds(bucket_of(y).unwrap()).unwrap().0 >= cap);
    (sums.y, sums.yy, sums.yyy, sums.xy) = (I256::ZERO, I256::ZERO, I256::ZERO, I256::ZERO);
    for (y, x) in persons {
        let y = I256::from(capped(*y));
        sums.y += y;
        sums.yy += y * y;
        sums.yyy += y * y * y;
        sums.xy += y * I256::from(*x);
    }
    let persons = persons.iter().filter(|(y, _)| is_cut(*y)).count();
    sums.cut = Some(Cut { cap, persons: i64::try_from(persons).unwrap() });
}
