//! Parts of lists.

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::to_cursor;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct List<T> {
    /// The entries.
    pub(crate) data: Vec<T>,
    /// Ask again with `?cursor=` and this for the next part; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A part of a list that continues after the entry `next`.
    pub(crate) fn new(data: Vec<T>, next: Option<&str>) -> Self {
        Self { data, next_cursor: next.map(to_cursor) }
    }
}
