//! Which events do metrics and lenses look at, and of which do they look at the facts?

use journey::{Definition, Lens, Metric, MetricKind, Pattern, Selector, names};

use crate::lens::Glass;
use crate::plan::{Plan, Rule};

impl Plan {
    /// The names of the events whose facts matter once a person's first exposures are past, ascending; `None`: events of any name.
    ///
    /// [`super::extend`] looks at no facts of others.
    #[must_use]
    pub fn names_with_facts(&self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for study in &self.studies {
            let definition: &Definition = &study.definition;
            let metrics = definition.metrics.iter().filter(|metric| {
                let mut paths = Vec::new();
                let _ = Rule::of(&metric.kind, &mut paths);
                !paths.is_empty()
            });
            let lenses = definition.experiment.lenses.iter().filter(|lens| {
                let mut paths = Vec::new();
                let _ = Glass::new(&study.definition, lens, None, &mut paths);
                !paths.is_empty()
            });
            found.extend(looked_at(metrics, lenses)?);
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

/// The names that metrics and lenses look at, ascending; `None`: all of them.
pub(super) fn looked_at<'a>(
    metrics: impl Iterator<Item = &'a Metric>,
    lenses: impl Iterator<Item = &'a Lens>,
) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut selectors: Vec<&Selector> = Vec::new();
    for metric in metrics {
        if let MetricKind::Net { costs, .. } = &metric.kind {
            if !costs.properties.is_empty() {
                // Any event may carry a cost.
                return None;
            }
            found.extend([names::EXPOSURE, names::FLAG_CALLED].map(str::to_owned));
        }
        selectors.extend(metric.kind.selectors());
    }
    for lens in lenses {
        selectors.extend(lens.kind.selectors()?);
    }
    for selector in selectors {
        let Pattern::Named(name) = &selector.event else { return None };
        found.push(name.as_str().to_owned());
        if name.as_str() == names::ORDER {
            found.push(names::REFUND.to_owned());
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}
