//! What can be configured: every setting is an environment variable and a flag, and its documentation is the manual.

#![expect(clippy::doc_markdown, reason = "the documentation is the help of the command line, where marks are noise")]

mod data_dir;
mod database;
mod limits;
mod log;
mod secret;
mod serve;
mod units;

pub use data_dir::default_data_dir;
pub use database::DatabaseArgs;
pub use limits::{BodyArgs, ConnectionArgs, WorkArgs};
pub use log::{LogArgs, LogFormat};
pub use secret::Secret;
pub use serve::ServeArgs;
pub use units::{Bytes, Span};
