//! What a single event is worth to a metric.

use journey::{Fact, Measure, Metric, MetricKind, Of, Pattern, Selector, names};

use super::Model;
use crate::laws::histories::Deed;
use crate::laws::slip::Slip;

impl Model<'_> {
    /// What one event is worth to the metric: value (numerator), denominator, purchases.
    pub(super) fn worth(&self, metric: &Metric, deed: &Deed) -> (i128, i128, i64) {
        match &metric.kind {
            MetricKind::Conversion(selector) | MetricKind::Retention { selector, .. } | MetricKind::Count(selector) => {
                (self.number(selector, deed), 0, 0)
            }
            MetricKind::Sum(selector) => (self.value(selector, deed), 0, 0),
            MetricKind::Quantile { measure, .. } => (self.side(measure, deed), 0, 0),
            MetricKind::Clv { selector, .. } => {
                (self.value(selector, deed), 0, i64::from(self.selects(selector, deed)))
            }
            MetricKind::Ratio { numerator, denominator } => {
                (self.side(numerator, deed), self.side(denominator, deed), 0)
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

    fn side(&self, measure: &Measure, deed: &Deed) -> i128 {
        match measure.of {
            Of::Count => self.number(&measure.selector, deed),
            Of::Value => self.value(&measure.selector, deed),
        }
    }

    fn number(&self, selector: &Selector, deed: &Deed) -> i128 {
        if self.selects(selector, deed) { 1_000_000 } else { 0 }
    }

    /// The event's value; refunds of orders lower what took the order.
    fn value(&self, selector: &Selector, deed: &Deed) -> i128 {
        let value = i128::from(deed.value.unwrap_or(0));
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

pub(super) fn is_about_money(kind: &MetricKind) -> bool {
    match kind {
        MetricKind::Sum(_) | MetricKind::Clv { .. } => true,
        MetricKind::Quantile { measure, .. } => measure.of == Of::Value,
        MetricKind::Ratio { numerator, denominator } => numerator.of == Of::Value || denominator.of == Of::Value,
        MetricKind::Conversion(_) | MetricKind::Count(_) | MetricKind::Retention { .. } | MetricKind::Score(_) => false,
    }
}
