//! The front of the service: an accept loop of our own around hyper.
//!
//! `axum::serve` waits for ever: on a socket that says nothing, on half a head, on half a body. Here each of these has
//! its deadline, connections are counted, and stopping is orderly.

mod accept;
mod body;
mod connection;
mod paced;
mod phase;
mod refusal;

pub(crate) use accept::{Front, FrontOptions};
