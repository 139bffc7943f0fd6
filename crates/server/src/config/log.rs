//! What is logged, and how it is written.

use clap::{Args, ValueEnum};

/// How the log is written, always to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a list like `info,store=debug` [default: info for a server, else
    /// warn]
    #[arg(long, env = "JOURNEYLIFT_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,

    /// How to write the log: lines for people, or one JSON object a line
    #[arg(long, env = "JOURNEYLIFT_LOG_FORMAT", value_name = "FORMAT", global = true, default_value = "text")]
    pub log_format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}
