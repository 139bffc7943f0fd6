//! Ready-made KPIs.

use journey::{Json, Key};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::metric::{self, MetricSchema};
use super::schema;
use crate::catalogue::{Entry, Source};

/// The ready-made KPIs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Catalogue)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogueInfo {
    /// Them, by subject.
    data: Vec<EntryInfo>,
}

/// A ready-made KPI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueEntry)]
#[serde(deny_unknown_fields)]
struct EntryInfo {
    /// Its key, which a metric made of it may have: `PUT /v1/metrics/{key}` with `{"from": key}` makes one.
    key: &'static str,
    /// What people call it.
    name: &'static str,
    /// What it computes.
    kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    goal: &'static str,
    /// The unit that people see.
    #[schema(required = true)]
    unit: Option<String>,
    /// How it is computed.
    formula: &'static str,
    /// The tactics that it suits.
    #[schema(value_type = Vec<schema::Tactic>)]
    tactics: Vec<&'static str>,
    /// What it is for in most experiments.
    #[schema(value_type = schema::Role)]
    role: &'static str,
    /// The events that it reads.
    events: Vec<SourceInfo>,
    /// What to beware of.
    caveats: &'static [&'static str],
    /// The route that tells more than one number of it; null: it is told by `/results` alone.
    #[schema(required = true)]
    route: Option<&'static str>,
    /// The definition, as `PUT /v1/metrics/{key}` takes it.
    #[schema(value_type = MetricSchema)]
    definition: Value,
}

/// Events that a ready-made KPI reads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueEvent)]
#[serde(deny_unknown_fields)]
struct SourceInfo {
    /// Their name; `*`: every event that a person did.
    event: &'static str,
    /// Who named them so: one of Segment's specifications, or `journeylift` where none has such an event.
    #[schema(pattern = "^(segment_(ecommerce|email|mobile|b2b_saas|live_chat|page)|journeylift)$")]
    named_by: &'static str,
    /// What of them is read beside their name.
    reads: &'static [&'static str],
}

impl CatalogueInfo {
    /// These entries.
    pub(crate) fn of(entries: impl Iterator<Item = &'static Entry>) -> Self {
        Self { data: entries.filter_map(info).collect() }
    }
}

fn info(entry: &Entry) -> Option<EntryInfo> {
    let read = metric::read(Key::parse(entry.key, "").ok()?, definition(entry)?).ok()?;
    let source =
        |source: &Source| SourceInfo { event: source.event, named_by: source.named_by.word(), reads: source.reads };
    Some(EntryInfo {
        key: entry.key,
        name: entry.name,
        kind: read.kind.word(),
        goal: read.goal.word(),
        unit: read.unit.map(|unit| unit.as_str().to_owned()),
        formula: entry.formula,
        tactics: entry.all_tactics().iter().map(|tactic| tactic.word()).collect(),
        role: entry.role.word(),
        events: entry.events.iter().map(source).collect(),
        caveats: entry.caveats,
        route: entry.route,
        definition: serde_json::from_str(entry.definition).ok()?,
    })
}

/// The definition of an entry. Its text is part of the program, where a test reads each.
pub(crate) fn definition(entry: &Entry) -> Option<Json> {
    crate::json::parse(entry.definition.as_bytes()).ok()
}
