//! What the numbers must be, straight from the rules of measurement: the slow and obvious way.
//!
//! Everything is computed from the raw events as they stand before the end of a day, person by person and metric by
//! metric. There are no contributions, no daily entries and nothing incremental, and no day is ever cut: what lies
//! before the end of a day is decided by comparing instants. Only the plain data types of the answer are shared.
//!
//! A [`Slip`] makes the model wrong in one place. The laws must notice each, else their worlds are too tame.

mod channels;
mod detail;
mod event;
mod items;
mod known;
mod lens;
mod life;
mod person;
mod spread;

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{CrossoverPolicy, Day, Definition, MetricKind, Zone};

use self::person::{Amounts, Standing};
use self::spread::{Values, note};
use super::histories::Deed;
use super::slip::Slip;
use crate::moments::Moments;
use crate::net::{at_least, rounded};
use crate::reading::{ArmReading, Reading};

/// The rules applied to one experiment, perhaps with a slip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    pub definition: &'a Definition,
    pub zone: Zone,
    pub slip: Option<Slip>,
}

/// Where a reading stands, see [`crate::reading::Through`].
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf {
    pub live: Day,
    pub matured: Day,
}

/// The bound beyond which a person's sum is left out: 1e12, in units of 1e-6.
pub(super) const BOUND: i128 = 1_000_000_000_000_000_000;

impl Model<'_> {
    /// The readings per value of `dimension` (0: everyone) of persons with these events.
    pub(super) fn read(
        &self,
        people: &[Vec<Deed>],
        dimension: usize,
        as_of: AsOf,
        policy: CrossoverPolicy,
    ) -> BTreeMap<Arc<str>, Reading> {
        let metrics = self.definition.metrics.len();
        let empty = || {
            let live = (0..metrics).map(|at| self.nobody(at)).collect();
            let matured = (0..metrics).map(|at| self.window(at).map(|_| self.nobody(at))).collect();
            let arm = ArmReading { live, matured, ..ArmReading::default() };
            Reading { arms: vec![arm; self.definition.experiment.arms.len()], ..Reading::default() }
        };
        let mut out = BTreeMap::new();
        let mut values = Values::new();
        for person in people {
            let now = self.look(person, self.zone.end_of(as_of.live));
            if dimension == 0 && now.outside + now.unknown_arm > 0 {
                let all = out.entry(Arc::from("")).or_insert_with(empty);
                all.outside += now.outside;
                all.unknown_arm += now.unknown_arm;
            }
            let Some(standing) = now.standing else { continue };
            let value = if dimension == 0 { "" } else { &standing.values[dimension - 1] };
            let arm = &mut out.entry(Arc::from(value)).or_insert_with(empty).arms[standing.arm];
            arm.crossovers += i64::from(standing.crossed);
            arm.foreign += standing.foreign;
            if policy == CrossoverPolicy::First || !self.takes_away(&standing) {
                arm.persons += 1;
                for (metric, amounts) in standing.metrics.iter().enumerate() {
                    self.add(&mut arm.live[metric], (metric, standing.arm), amounts);
                    self.add_life(&mut arm.live[metric], metric, amounts, as_of.matured);
                    note(&mut values, (value, metric, false), (standing.arm, amounts));
                }
            }
            let Some(past) = self.look(person, self.zone.end_of(as_of.matured)).standing else { continue };
            if policy == CrossoverPolicy::First || !self.takes_away(&past) {
                arm.matured_persons += i64::from(past.closed);
                for (metric, amounts) in past.metrics.iter().enumerate() {
                    if let Some(sums) = arm.matured[metric].as_mut().filter(|_| amounts.closed) {
                        self.add(sums, (metric, standing.arm), amounts);
                        self.add_life(sums, metric, amounts, as_of.matured);
                        note(&mut values, (value, metric, true), (standing.arm, amounts));
                    }
                }
            }
        }
        self.spread(&values, &mut out);
        for reading in out.values_mut() {
            for arm in &mut reading.arms {
                let sums = arm.live.iter_mut().map(Some).zip(arm.matured.iter_mut().map(Option::as_mut));
                for (metric, (live, matured)) in self.definition.metrics.iter().zip(sums) {
                    if matches!(metric.kind, MetricKind::Net { .. }) {
                        [live, matured].into_iter().flatten().for_each(settle);
                    }
                }
            }
        }
        out
    }

    fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    fn takes_away(&self, standing: &Standing) -> bool {
        standing.excluded && !self.slips(Slip::CrossoversKept)
    }

    /// Adds a person to the sums of an arm.
    fn add(&self, sums: &mut Moments, (metric, arm): (usize, usize), person: &Amounts) {
        let Amounts { y, d, x, u, orders, .. } = *person;
        if (y.abs() > BOUND || d.abs() > BOUND) && !self.slips(Slip::LargeSumsKept) {
            sums.left_out += 1;
            return;
        }
        let (y, d, x, u) = (I256::from(y), I256::from(d), I256::from(x), I256::from(u));
        sums.n += 1;
        if let MetricKind::Net { margin, .. } = &self.definition.metrics[metric].kind {
            let cost = &self.definition.experiment.arms[arm].cost;
            let units = |part: Option<journey::Amount>| I256::from(part.map_or(0, journey::Amount::units));
            let k = I256::from(orders);
            let spent = d + units(cost.per_person) + units(cost.per_exposure) * k;
            let (m, one) = (I256::from(margin.units()), I256::from(1_000_000));
            let (z, w) = (m * y - one * spent, m * x - one * u);
            sums.y += z;
            sums.yy += z * z;
            sums.x += w;
            sums.xx += w * w;
            sums.xy += z * w;
            let flows = Arc::make_mut(sums.net.get_or_insert_default());
            flows.value += y;
            flows.value_squares += y * y;
            flows.value_cubes += y * y * y;
            flows.cost += spent;
            flows.cost_squares += spent * spent;
            flows.value_cost += y * spent;
            flows.event_cost += d;
            flows.event_cost_squares += d * d;
            flows.exposures += k;
            return;
        }
        sums.orders += orders;
        sums.y += y;
        sums.yy += y * y;
        sums.yyy += y * y * y;
        sums.d += d;
        sums.dd += d * d;
        sums.yd += y * d;
        sums.x += x;
        sums.xx += x * x;
        sums.xy += x * y;
        sums.u += u;
        sums.uu += u * u;
        sums.yu += y * u;
        sums.du += d * u;
        sums.xu += x * u;
        // What is over time keeps no product of the time and the covariate.
        if !matches!(self.definition.metrics[metric].kind, MetricKind::Clv { .. } | MetricKind::PerTime { .. }) {
            sums.dx += d * x;
        }
    }
}

/// Net values have twelve decimals; their sums are told with six.
fn settle(sums: &mut Moments) {
    let one = I256::from(1_000_000);
    let n = I256::from(sums.n);
    sums.y = rounded(sums.y, one);
    sums.x = rounded(sums.x, one);
    sums.yy = at_least(rounded(sums.yy, one * one), sums.y, n);
    sums.xx = at_least(rounded(sums.xx, one * one), sums.x, n);
    sums.xy = rounded(sums.xy, one * one);
    sums.without_cubes = true;
    sums.net.get_or_insert_default();
}
