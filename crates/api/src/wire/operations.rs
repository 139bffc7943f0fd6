//! What the process says of itself.

use serde::Serialize;
use utoipa::ToSchema;

/// The process lives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alive {
    /// Always `ok`.
    #[schema(pattern = "^ok$")]
    pub(crate) status: &'static str,
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ready {
    /// Whether every check holds.
    pub(crate) ready: bool,
    /// The checks.
    pub(crate) checks: Vec<Check>,
}

/// One check.
#[expect(clippy::struct_field_names, reason = "the contract names the field so")]
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// What is checked.
    #[schema(example = "database")]
    pub(crate) check: &'static str,
    /// Whether it holds.
    pub(crate) ok: bool,
    /// What it found.
    pub(crate) message: String,
}

/// What is running.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    /// The name of the service.
    pub(crate) name: &'static str,
    /// Its version.
    #[schema(example = "0.1.0")]
    pub(crate) version: &'static str,
}
