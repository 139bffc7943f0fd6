//! Problem details.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Why a request was refused: problem details of RFC 9457, with `code` and `message` for programs and client
/// libraries that look for those.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A URI that names the kind of problem: `urn:journeylift:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "urn:journeylift:problem:unknown_field")]
    pub(crate) kind: String,
    /// The reason phrase of the status.
    #[schema(example = "Bad Request")]
    pub(crate) title: String,
    /// The status, once more.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    pub(crate) status: u16,
    /// What was wrong and what to do about it.
    pub(crate) detail: String,
    /// The path that was asked.
    pub(crate) instance: String,
    /// A stable word for programs.
    #[schema(example = "unknown_field")]
    pub(crate) code: String,
    /// The same as `detail`.
    pub(crate) message: String,
    /// The id of this request, as in the header `X-Request-Id`: name it when you ask for help.
    pub(crate) request_id: String,
    /// Each fault with its place; empty where the fault has none.
    pub(crate) errors: Vec<Fault>,
    /// Members of particular problems: `accepted`, `duplicates` and `rejected` of a batch.
    #[serde(flatten)]
    #[schema(ignore)]
    pub(crate) extensions: Map<String, Value>,
}

/// One fault of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// JSON pointer into the body; empty for the whole body, and where a parameter is at fault.
    #[schema(example = "/3/user_id")]
    pub(crate) pointer: String,
    /// The query or path parameter that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) parameter: Option<String>,
    /// A stable word for programs.
    pub(crate) code: String,
    /// What is wrong there and what to do about it.
    pub(crate) detail: String,
}
