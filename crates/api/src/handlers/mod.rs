//! What each route does.

pub(crate) mod analysis;
pub(crate) mod events;
pub(crate) mod experiments;
pub(crate) mod keys;
pub(crate) mod metrics;
pub(crate) mod operations;
pub(crate) mod results;
pub(crate) mod segment;
pub(crate) mod tenants;

use axum::http::StatusCode;

use crate::problem::ApiError;

/// The answer to a request that takes something away, which may not have been there.
fn gone(found: bool, what: &str) -> Result<StatusCode, ApiError> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found(what)) }
}
