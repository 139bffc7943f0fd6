//! The process and the command line `journeylift`.

pub mod cli;
mod clock;
pub mod config;
mod database;
mod doctor;
mod http;
pub mod postgres;
mod retention;
mod service;
mod signals;
mod telemetry;

pub use clock::Clock;
pub use service::Service;
pub use signals::Signals;
