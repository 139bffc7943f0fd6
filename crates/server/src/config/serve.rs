//! How does the service run?

use clap::Args;

use super::database::DatabaseArgs;
use super::limits::{BodyArgs, ConnectionArgs, WorkArgs};
use super::secret::Secret;
use super::units::Span;

/// Everything that the service is started with.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen, as HOST:PORT; port 0 takes a free one
    #[arg(long, env = "JOURNEYLIFT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,

    /// The key that manages tenants over HTTP; without one, nobody may
    ///
    /// Long and random, for example of `openssl rand -hex 32`. Give it in the environment.
    #[arg(long, env = "JOURNEYLIFT_OPERATOR_KEY", value_name = "KEY", hide_env_values = true)]
    pub operator_key: Option<Secret>,

    /// How many days events are kept; older ones are refused, and deleted once no experiment needs them
    #[arg(
        long,
        env = "JOURNEYLIFT_RETENTION_DAYS",
        value_name = "DAYS",
        default_value = "400",
        value_parser = clap::value_parser!(i64).range(1..=36_500)
    )]
    pub retention_days: i64,

    /// Store properties, context and traits of new events packed, with a dictionary of each tenant's own
    ///
    /// They take a fifth to a third of the space then, but SQL can't look into them (`journeylift events` can); every answer is the same. A
    /// tenant's dictionary is made of some 2000 of its first events, which stay as they are, like whatever is stored already. It holds
    /// nothing that fewer than twenty subjects of those had. Instances without this option read packed events all the same.
    #[arg(long, env = "JOURNEYLIFT_PACK_EVENTS")]
    pub pack_events: bool,

    /// Do not migrate the database first: it is not ready until somebody does (`journeylift migrate`)
    #[arg(long, env = "JOURNEYLIFT_NO_MIGRATE")]
    pub no_migrate: bool,

    /// How long to wait for a database that does not answer yet
    #[arg(long, env = "JOURNEYLIFT_START_TIMEOUT", value_name = "TIME", default_value = "60s")]
    pub start_timeout: Span,

    /// How long, when told to stop, to go on taking requests while /readyz says no already
    ///
    /// Give a load balancer the time that it needs to notice.
    #[arg(long, env = "JOURNEYLIFT_STOP_DELAY", value_name = "TIME", default_value = "500ms")]
    pub stop_delay: Span,

    /// How long, when told to stop, the requests that have begun may take to end
    #[arg(long, env = "JOURNEYLIFT_DRAIN_TIMEOUT", value_name = "TIME", default_value = "5s")]
    pub drain_timeout: Span,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,

    /// What a request may bring.
    #[command(flatten)]
    pub body: BodyArgs,

    /// What connections may do.
    #[command(flatten)]
    pub connections: ConnectionArgs,

    /// How much work is taken on.
    #[command(flatten)]
    pub work: WorkArgs,
}
