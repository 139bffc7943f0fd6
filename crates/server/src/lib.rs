//! The process and the command line `journeylift`.

pub mod postgres;
