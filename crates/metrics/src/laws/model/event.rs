//! What a single event is worth to a metric.

use journey::{Fact, Measure, Metric, MetricKind, Of, Path, Pattern, Scale, Selector, names};

use super::Model;
use crate::laws::histories::Deed;
use crate::laws::slip::Slip;

impl Model<'_> {
    /// What one event is worth to the metric: value (numerator), denominator, purchases.
    pub(super) fn worth(&self, metric: &Metric, deed: &Deed) -> (i128, i128, i64) {
        self.worth_to(&metric.kind, deed)
    }

    fn worth_to(&self, kind: &MetricKind, deed: &Deed) -> (i128, i128, i64) {
        match kind {
            MetricKind::Conversion(selector)
            | MetricKind::Retention { selector, .. }
            | MetricKind::Repeat { selector, .. }
            | MetricKind::Count(selector) => (self.number(selector, deed), 0, 0),
            MetricKind::Sum(selector) => (self.value(selector, deed), 0, 0),
            MetricKind::Quantile { measure, .. } | MetricKind::Total(measure) => (self.side(measure, deed), 0, 0),
            MetricKind::PerTime { of, .. } => self.worth_to(of, deed),
            // Nothing adds up: see `answer`.
            MetricKind::Latest(_) | MetricKind::Rating { .. } => (0, 0, 0),
            MetricKind::Clv { selector, .. } => {
                (self.value(selector, deed), 0, i64::from(self.selects(selector, deed)))
            }
            MetricKind::Ratio { numerator, denominator } => {
                (self.side(numerator, deed), self.side(denominator, deed), 0)
            }
            MetricKind::Net { selector, costs, .. } => {
                let of_event = costs.event.as_ref().filter(|event| self.selects(event, deed)).and(deed.value);
                let of_properties = || costs.properties.iter().filter_map(|path| property(deed, path)).sum();
                let cost = of_event.map_or_else(of_properties, i128::from);
                (self.value(selector, deed), cost, 0)
            }
            MetricKind::Score(parts) => {
                let mut points = 0;
                for part in parts {
                    if self.selects(&part.selector, deed) {
                        points += i128::from(part.weight.units());
                    }
                }
                (points, 0, 0)
            }
        }
    }

    /// The answer that one event gives, scored.
    pub(super) fn answer(&self, metric: &Metric, deed: &Deed) -> Option<i128> {
        let (measure, scale) = match &metric.kind {
            MetricKind::Latest(measure) => (measure, Scale::Mean),
            MetricKind::Rating { measure, scale } => (measure, *scale),
            _ => return None,
        };
        if !self.selects(&measure.selector, deed) {
            return None;
        }
        let found = match &measure.of {
            Of::Value => i128::from(deed.value?),
            Of::Count => unreachable!("no answer is a count"),
            Of::Property(path) => property(deed, path)?,
        };
        let one = 1_000_000;
        match scale {
            Scale::Mean => Some(found),
            Scale::Csat { satisfied_from } if found < i128::from(satisfied_from.units()) => Some(0),
            Scale::Csat { .. } => Some(one),
            Scale::Nps if found < 0 || found > 10 * one => None,
            Scale::Nps => {
                let (promotes, detracts) = (found >= 9 * one, found <= 6 * one);
                Some(100 * one * (i128::from(promotes) - i128::from(detracts)))
            }
        }
    }

    fn side(&self, measure: &Measure, deed: &Deed) -> i128 {
        match &measure.of {
            Of::Count => self.number(&measure.selector, deed),
            Of::Value => self.value(&measure.selector, deed),
            Of::Property(path) => self.total(&measure.selector, deed, property(deed, path).unwrap_or(0)),
        }
    }

    fn number(&self, selector: &Selector, deed: &Deed) -> i128 {
        if self.selects(selector, deed) { 1_000_000 } else { 0 }
    }

    /// The event's value; refunds of orders lower what took the order.
    pub(super) fn value(&self, selector: &Selector, deed: &Deed) -> i128 {
        self.total(selector, deed, i128::from(deed.value.unwrap_or(0)))
    }

    fn total(&self, selector: &Selector, deed: &Deed, value: i128) -> i128 {
        if self.selects(selector, deed) {
            return value;
        }
        let takes_orders = match &selector.event {
            Pattern::Any => true,
            Pattern::Named(name) => name.as_str() == "Order Completed",
        };
        if !takes_orders || deed.name != "Order Refunded" || !self.passes(selector, deed) {
            return 0;
        }
        match self.slip {
            Some(Slip::RefundAdds) => value.abs(),
            Some(Slip::RefundIgnored) => 0,
            _ => -value.abs(),
        }
    }

    pub(super) fn selects(&self, selector: &Selector, deed: &Deed) -> bool {
        let named = match &selector.event {
            Pattern::Any => self.slips(Slip::AnyTakesAll) || names::is_by_person(deed.name),
            Pattern::Named(name) => name.as_str() == deed.name,
        };
        named && self.passes(selector, deed)
    }

    fn passes(&self, selector: &Selector, deed: &Deed) -> bool {
        for filter in &selector.filters {
            let found = filter.values.iter().any(|wanted| match deed.fact(filter.path.as_str()) {
                Fact::None => false,
                Fact::One(text) => *text == **wanted,
                Fact::Many(texts) => texts.iter().any(|text| **text == **wanted),
            });
            if !found && !self.slips(Slip::FiltersIgnored) {
                return false;
            }
        }
        true
    }
}

/// The number at `path`, to the nearest millionth.
fn property(deed: &Deed, path: &Path) -> Option<i128> {
    let Fact::One(text) = deed.fact(path.as_str()) else { return None };
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "the numbers of these worlds are small")]
    (number.abs() <= 1e9).then_some((number * 1e6).round() as i128)
}

/// Money and what may be money: values and properties, but no answers on a scale.
pub(super) fn is_about_money(kind: &MetricKind) -> bool {
    let is_money = |measure: &Measure| measure.of != Of::Count;
    match kind {
        MetricKind::Sum(_) | MetricKind::Clv { .. } | MetricKind::Net { .. } => true,
        MetricKind::Quantile { measure, .. } | MetricKind::Total(measure) | MetricKind::Latest(measure) => {
            is_money(measure)
        }
        MetricKind::Ratio { numerator, denominator } => is_money(numerator) || is_money(denominator),
        MetricKind::PerTime { of, .. } => is_about_money(of),
        MetricKind::Conversion(_)
        | MetricKind::Repeat { .. }
        | MetricKind::Count(_)
        | MetricKind::Retention { .. }
        | MetricKind::Rating { .. }
        | MetricKind::Score(_) => false,
    }
}
