//! The words of journey measurement as values that are valid by construction.
//!
//! Whoever holds a [`Name`], an [`Amount`], an [`Event`] or a [`Definition`] holds something that was
//! validated once, here. This crate knows nothing of HTTP, SQL, serialization or the clock: an instant
//! that depends on "now" is always a parameter.

mod amount;
mod channel;
mod cost;
mod currency;
mod day;
mod definition;
mod derived;
mod event;
mod event_id;
mod experiment;
mod happening;
mod instant;
mod invalid;
mod json;
mod keeps;
mod lens;
mod metric;
pub mod names;
mod of;
mod path;
mod phase;
mod scale;
mod share;
mod subject;
mod tenant;
mod text;

pub use amount::{Amount, Fault, UNIT, format_units, parse_units};
pub use channel::Channel;
pub use cost::Cost;
pub use currency::Currency;
pub use day::{Day, Zone};
pub use definition::Definition;
pub use derived::{BEFORE_DAYS, Bin, Derived};
pub use event::{Event, EventDraft, Exposure, Limits};
pub use event_id::EventId;
pub use experiment::{
    Arm, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, DEFAULT_WINDOW_DAYS, Experiment, ExperimentDraft, Method, MetricUse,
    Role, Tactic,
};
pub use happening::{Fact, Happening};
pub use instant::{DAY_MICROS, Instant};
pub use invalid::Invalid;
pub use json::{Json, MAX_DEPTH, Number};
pub use keeps::{Keeps, PercentileCap};
pub use lens::{Contacts, Items, Lens, LensKind, Stage, StepOrder, Touch};
pub use metric::{
    Align, COVARIATE_DAYS, Costs, Filter, Goal, Lifespan, Measure, Metric, MetricDraft, MetricKind, Part, Pattern,
    Selector,
};
pub use of::Of;
pub use path::Path;
pub use phase::{MAX_PHASES, Phase};
pub use scale::Scale;
pub use share::Share;
pub use subject::Subject;
pub use tenant::{Scope, Tenant, TenantId};
pub use text::{Key, Name};
