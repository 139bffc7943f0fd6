//! What each route does.

pub(crate) mod events;
pub(crate) mod experiments;
pub(crate) mod keys;
pub(crate) mod metrics;
pub(crate) mod operations;
pub(crate) mod results;
pub(crate) mod segment;
pub(crate) mod tenants;
