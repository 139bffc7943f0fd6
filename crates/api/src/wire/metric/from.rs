//! A metric that is made of a ready-made KPI.

use journey::{Invalid, Json};
use utoipa::ToSchema;

use super::request::MetricSchema;
use crate::catalogue::{entries, entry};
use crate::fields::{Fields, nearest};
use crate::wire::catalogue::definition;

/// A metric to be defined: whole, or made of a ready-made KPI.
#[derive(ToSchema)]
#[schema(as = MetricBody)]
#[serde(untagged)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) enum MetricBodySchema {
    /// Whole.
    Whole(MetricSchema),
    /// Made of a ready-made KPI.
    From(FromSchema),
}

/// A metric made of a ready-made KPI of `GET /v1/metrics/catalogue`. Any other field of its kind replaces what the catalogue
/// says; null takes it away.
#[derive(ToSchema)]
#[schema(as = MetricFromCatalogue)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) struct FromSchema {
    /// The key of the ready-made KPI.
    #[schema(min_length = 1, max_length = 255, example = "repeat_purchase_rate")]
    from: String,
}

/// The fields of the metric: those that were sent, and those of the catalogue where they say `from`.
pub(super) fn completed(mut fields: Fields) -> Result<Fields, Invalid> {
    let Some(from) = fields.text("from")? else { return Ok(fields) };
    let known: Vec<&str> = entries().map(|entry| entry.key).collect();
    let Some(Json::Object(ready)) = entry(from.trim()).and_then(definition) else {
        let shown: String = from.chars().take(60).collect();
        let near = nearest(from.trim(), &known).map_or(String::new(), |near| format!(" (did you mean {near}?)"));
        let detail = format!("{shown:?} is no ready-made KPI{near}: GET /v1/metrics/catalogue lists them");
        return Err(fields.refuse("unknown_word", "from", detail));
    };
    if fields.holds("kind") {
        let detail = "belongs to a metric that is defined whole: leave out the kind, or leave out from";
        return Err(fields.refuse("out_of_place", "kind", detail));
    }
    let mut members = fields.take_rest();
    let own: Vec<String> = members.iter().map(|(name, _)| name.clone()).collect();
    members.extend(ready.into_iter().filter(|(name, _)| !own.contains(name)));
    members.sort_by(|a, b| a.0.cmp(&b.0));
    Fields::new(Json::Object(members), "")
}
