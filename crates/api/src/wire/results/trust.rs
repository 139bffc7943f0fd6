//! Whether the numbers can be trusted: how current they are, and what the checks found.

use serde::Serialize;
use utoipa::ToSchema;

/// How current the numbers are.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Fresh)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreshInfo {
    /// Subjects with events that are stored and not in the numbers yet, of the first 5 000 such events; 0: everything acknowledged is in them.
    #[schema(minimum = 0)]
    pub(crate) pending_subjects: u64,
    /// When the question was asked.
    #[schema(format = "date-time")]
    pub(crate) through: String,
    /// Persons that cannot be measured, at most 100.
    pub(crate) set_aside: Vec<SetAside>,
}

/// A person that cannot be measured.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAside {
    /// The person's key.
    pub(crate) person: String,
    /// Why.
    pub(crate) reason: String,
}

/// One check with its number and a sentence that says what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrustCheck)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "no p-value yet (null) is not the same as a check without one (absent)")]
pub(crate) struct CheckInfo {
    /// The name of the check.
    #[schema(example = "sample_ratio")]
    pub(crate) check: &'static str,
    /// Whether it passed.
    pub(crate) ok: bool,
    /// Whether its failure withholds verdicts.
    pub(crate) blocking: bool,
    /// Whether it may be read at any time: its p-value stays valid however often it is read, or it counts what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) anytime: Option<bool>,
    /// Its p-value; null where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p_value: Option<Option<f64>>,
    /// The p-value of the chi-square test at fixed horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p_value_chi_square: Option<Option<f64>>,
    /// The number beyond which it fails: below it of the p-value, above it of the share, the count or the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) threshold: Option<f64>,
    /// Persons concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) persons: Option<i64>,
    /// Persons concerned as a share of all exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) share: Option<f64>,
    /// Events or ids concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) count: Option<i64>,
    /// What is compared with the threshold, where it is no p-value, share or count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) number: Option<f64>,
    /// The dimension that the check is about: its failure withholds what is told by that dimension, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) dimension: Option<String>,
    /// What was found, and what to do.
    pub(crate) message: String,
}
