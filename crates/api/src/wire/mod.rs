//! The shapes of requests and answers. Serialization and the schemas of `openapi.yaml` live only here.

pub(crate) mod analysis;
pub(crate) mod catalogue;
pub(crate) mod decimal;
pub(crate) mod event;
pub(crate) mod experiment;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod metric;
pub(crate) mod operations;
pub(crate) mod power;
pub(crate) mod problem;
pub(crate) mod results;
pub(crate) mod schema;
pub(crate) mod segment;
pub(crate) mod tenant;
