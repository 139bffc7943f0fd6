//! What every test stands on: one Postgres for the run, one database per test, services as processes, and clients whose
//! every call is held against `openapi.yaml`.

pub mod client;
pub mod contract;
pub mod database;
pub mod events;
pub mod moment;
pub mod runner;
pub mod service;
pub mod world;

pub use client::{Answer, Call, Client};
pub use database::Database;
pub use runner::{Case, caught, run};
pub use service::Service;
pub use world::{Tenant, World};
