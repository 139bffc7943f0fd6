//! How much a client may bring, and how much work is taken on at once.

use clap::Args;

use super::units::{Bytes, Span};

/// What a request may bring. Sizes count what is decoded.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Requests")]
pub struct BodyArgs {
    /// The largest event
    #[arg(long, env = "JOURNEYLIFT_MAX_EVENT_BYTES", value_name = "SIZE", default_value = "32KiB")]
    pub max_event_bytes: Bytes,

    /// The largest request with events, as it is sent and as it is decoded
    #[arg(long, env = "JOURNEYLIFT_MAX_BATCH_BYTES", value_name = "SIZE", default_value = "4MiB")]
    pub max_batch_bytes: Bytes,

    /// The most events in one request
    #[arg(
        long,
        env = "JOURNEYLIFT_MAX_BATCH_EVENTS",
        value_name = "N",
        default_value = "5000",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub max_batch_events: u32,

    /// The largest body of any other request
    #[arg(long, env = "JOURNEYLIFT_MAX_DOCUMENT_BYTES", value_name = "SIZE", default_value = "256KiB")]
    pub max_document_bytes: Bytes,

    /// The bodies that are held at once, all together; more are answered 503
    #[arg(long, env = "JOURNEYLIFT_MAX_BODIES_BYTES", value_name = "SIZE", default_value = "128MiB")]
    pub max_bodies_bytes: Bytes,

    /// How long a body may take to arrive
    #[arg(long, env = "JOURNEYLIFT_BODY_TIMEOUT", value_name = "TIME", default_value = "30s")]
    pub body_timeout: Span,

    /// How long nothing of a body may come, until the request is given up
    #[arg(long, env = "JOURNEYLIFT_BODY_STALL_TIMEOUT", value_name = "TIME", default_value = "10s")]
    pub body_stall_timeout: Span,

    /// How long a request may take in all
    #[arg(long, env = "JOURNEYLIFT_REQUEST_TIMEOUT", value_name = "TIME", default_value = "35s")]
    pub request_timeout: Span,
}

/// What connections may do.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionArgs {
    /// The most connections at once; more are answered 503. Lowered where the system allows fewer open files
    #[arg(
        long,
        env = "JOURNEYLIFT_MAX_CONNECTIONS",
        value_name = "N",
        default_value = "2000",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_connections: u32,

    /// How long the head of a request may take to arrive
    #[arg(long, env = "JOURNEYLIFT_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s")]
    pub header_timeout: Span,

    /// How long a connection may idle between two requests. Longer than the proxy in front keeps its connections
    #[arg(long, env = "JOURNEYLIFT_IDLE_TIMEOUT", value_name = "TIME", default_value = "75s")]
    pub idle_timeout: Span,

    /// How long a client may take nothing of its answer
    #[arg(long, env = "JOURNEYLIFT_WRITE_TIMEOUT", value_name = "TIME", default_value = "30s")]
    pub write_timeout: Span,
}

/// How much work is taken on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Work")]
pub struct WorkArgs {
    /// The events that wait to be written, all together, in decoded bytes; more are answered 503
    #[arg(long, env = "JOURNEYLIFT_QUEUE_BYTES", value_name = "SIZE", default_value = "64MiB")]
    pub queue_bytes: Bytes,

    /// How long the requests of a busy tenant are gathered into one transaction, at most; small ones as long as more are being read
    #[arg(long, env = "JOURNEYLIFT_GATHER", value_name = "TIME", default_value = "2ms")]
    pub gather: Span,

    /// How long a strong read may spend on measuring what is new, until it says what is pending
    #[arg(long, env = "JOURNEYLIFT_READ_BUDGET", value_name = "TIME", default_value = "2s")]
    pub read_budget: Span,

    /// The new events that a strong read measures by itself, for its own answer. Where more wait, it first helps to
    /// drain them
    #[arg(long, env = "JOURNEYLIFT_READ_AHEAD", value_name = "N", default_value = "8000")]
    pub read_ahead: u32,

    /// How many slices of the measurement note what they change beside the tallies, until it is entered into them
    #[arg(
        long,
        env = "JOURNEYLIFT_NOTED_SLICES",
        value_name = "N",
        default_value = "32",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub noted_slices: u32,

    /// How many persons the measurement reads and measures together. The journeys of a few times as many are in memory
    #[arg(
        long,
        env = "JOURNEYLIFT_PERSONS_AT_ONCE",
        value_name = "N",
        default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub persons_at_once: u32,

    /// Connections to the database
    #[arg(
        long,
        env = "JOURNEYLIFT_DATABASE_CONNECTIONS",
        value_name = "N",
        default_value = "24",
        value_parser = clap::value_parser!(u32).range(6..=1_000)
    )]
    pub database_connections: u32,

    /// Leave measuring to the reads and to other instances
    #[arg(long, env = "JOURNEYLIFT_NO_BACKGROUND")]
    pub no_background: bool,
}
