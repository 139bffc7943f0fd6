//! The process and the command line `journeylift`.

pub mod bench;
mod causes;
pub mod cli;
mod clock;
pub mod config;
mod database;
pub mod demo;
mod doctor;
mod http;
pub mod import;
pub mod postgres;
mod retention;
mod service;
mod signals;
mod telemetry;

pub use clock::Clock;
pub use service::Service;
pub use signals::Signals;
