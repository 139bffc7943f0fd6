//! What lenses are, and answers that are not there yet.

use journey::{Lens, LensKind, Selector, Touch};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::experiment::MeasuringInfo;

/// What of journeys an experiment keeps, because it was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lens)]
#[serde(deny_unknown_fields)]
pub(crate) struct LensInfo {
    /// The question: `funnel`, `paths`, `stages`, and so on.
    lens: &'static str,
    /// What it looks for, in words.
    looks_for: String,
    /// Its own window in days after the exposure; null: the experiment's.
    #[schema(required = true)]
    window_days: Option<u32>,
}

/// An answer that is not there yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingLens)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pending {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// What was asked for.
    pub(crate) lens: LensInfo,
    /// How far it is.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Why there is no number.
    pub(crate) reason: &'static str,
}

/// What a lens is.
pub(crate) fn lens_info(lens: &Lens) -> LensInfo {
    let looks_for = match &lens.kind {
        LensKind::Funnel { steps, order } => {
            let steps: Vec<String> = steps.iter().map(events).collect();
            format!("{} ({})", steps.join(", then "), order.word())
        }
        LensKind::Paths { by, conversion, depth } => {
            let by = match by {
                Touch::Event => "event",
                Touch::Path(path) => path.as_str(),
            };
            format!("the first {depth} touchpoints by {by} up to {}", events(conversion))
        }
        LensKind::Stages { stages } => {
            let stages: Vec<String> = stages
                .iter()
                .map(|stage| match &stage.rule {
                    None => stage.name.as_str().to_owned(),
                    Some(rule) => format!("{} by {}", stage.name.as_str(), events(rule)),
                })
                .collect();
            stages.join(", then ")
        }
    };
    LensInfo { lens: lens.kind.word(), looks_for, window_days: lens.window_days }
}

/// Events in words.
pub(crate) fn events(selector: &Selector) -> String {
    let conditions: Vec<String> =
        selector.filters.iter().map(|filter| format!("{} is {}", filter.path, filter.values.join(" or "))).collect();
    if conditions.is_empty() {
        selector.event.as_str().to_owned()
    } else {
        format!("{} where {}", selector.event.as_str(), conditions.join(" and "))
    }
}
