//! The HTTP contract: routes, wire types, problem details.
//!
//! [`router`] serves it, [`openapi_yaml`] describes it. A request passes the stack (`stack.rs`), reaches its handler
//! (`routes.rs` lists them all), is read into the values of `journey`, and is answered from the store. Serialization lives
//! only in `wire/`; no SQL and no statistics live here.

mod analysis;
mod auth;
mod body;
mod catalogue;
mod collect;
mod decode;
mod document;
mod drain;
mod fields;
mod handlers;
mod ids;
mod json;
mod openapi;
mod problem;
mod query;
mod routes;
mod stack;
mod state;
mod study;
mod telemetry;
mod told;
mod wire;

use axum::Router;

pub use analysis::{Analysis, analyze};
pub use openapi::openapi_yaml;
pub use state::{AppState, Bounds, Clock, Shared};
pub use telemetry::Telemetry;

/// The whole service.
pub fn router(state: AppState) -> Router {
    let (routes, _) = routes::routes().split_for_parts();
    stack::wrap(routes, state)
}
