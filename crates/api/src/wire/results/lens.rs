//! What lenses are, and answers that are not there yet.

use journey::{Contacts, Lens, LensKind, Path, Selector, Touch};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::experiment::MeasuringInfo;

/// An answer through a lens: the fields that all of them share, and its own.
macro_rules! lens_answer {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            /// The experiment's key.
            pub(crate) experiment: String,
            /// The key of the arm that is not personalised.
            pub(crate) control: String,
            /// The key of the arm that the others are compared with.
            pub(crate) baseline: String,
            /// What was asked for.
            pub(crate) lens: LensInfo,
            /// So many days after the exposure count; null: all of them.
            #[schema(required = true)]
            pub(crate) window_days: Option<u32>,
            /// The day, in the tenant's time zone, up to whose end live readings count.
            #[schema(format = "date")]
            pub(crate) as_of: String,
            /// The day up to whose end closed windows count.
            #[schema(format = "date")]
            pub(crate) matured_through: String,
            /// How differences are tested.
            #[schema(value_type = schema::Method)]
            pub(crate) method: &'static str,
            /// The confidence of intervals.
            #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
            pub(crate) confidence: f64,
            /// The reading of the main fields.
            #[schema(pattern = "^(matured|live)$")]
            pub(crate) maturity: &'static str,
            /// Whether the question differs from what the experiment planned.
            pub(crate) exploratory: bool,
            /// How current the numbers are.
            pub(crate) fresh: FreshInfo,
            /// How far a version is measured that these numbers do not come from yet.
            #[schema(required = true)]
            pub(crate) measuring: Option<MeasuringInfo>,
            /// Whether the data can be trusted.
            pub(crate) checks: Vec<CheckInfo>,
            $($own)*
        }
    };
}
pub(super) use lens_answer;

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
            format!("the first {depth} touchpoints by {} up to {}", called(by), events(conversion))
        }
        LensKind::Attribution { by, conversion, lookback_days, half_life_micros } => {
            let lookback = lookback_days.map_or(String::new(), |days| format!(" of the {days} days"));
            let half_life = *half_life_micros as f64 / journey::DAY_MICROS as f64;
            format!("touches by {}{lookback} before {}, half-life {half_life} days", called(by), events(conversion))
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
        LensKind::Channels(contacts) => of_contacts(contacts),
        LensKind::Items(items) => {
            let shown = items.shown.as_ref().map_or_else(|| "exposures".to_owned(), events);
            let product: Vec<&str> = items.product.iter().map(Path::as_str).collect();
            let accepted: Vec<String> = items.accepted.iter().map(events).collect();
            format!(
                "items by {} of {shown} (drawn with {}, would have been {}), conversions by {}, accepted by {} with {}",
                items.by,
                items.weight,
                items.would_have,
                events(&items.conversion),
                accepted.join(" or "),
                product.join(" or ")
            )
        }
    };
    LensInfo { lens: lens.kind.word(), looks_for, window_days: lens.window_days }
}

/// What touches are called by.
pub(crate) fn called(by: &Touch) -> &str {
    match by {
        Touch::Event => "event",
        Touch::Path(path) => path.as_str(),
    }
}

fn of_contacts(contacts: &Contacts) -> String {
    let any = |selectors: &[Selector]| {
        if selectors.is_empty() {
            "nothing".to_owned()
        } else {
            selectors.iter().map(events).collect::<Vec<_>>().join(" or ")
        }
    };
    format!(
        "contacts by {} and {}; from {} to {}; an exposure shows what was assigned unless {} is true, {} is false, or {} follows",
        contacts.channel,
        events(&contacts.conversion),
        contacts.trigger.as_ref().map_or_else(|| "the exposure".to_owned(), events),
        any(&contacts.delivered),
        contacts.fallback,
        contacts.consent,
        any(&contacts.undelivered),
    )
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
