//! Which database?

use std::path::PathBuf;

use clap::Args;

use super::data_dir::default_data_dir;
use super::secret::Secret;

/// Which database to work on: a Postgres of your own, or the embedded one of a data directory.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The Postgres of the service: `postgres://USER:PASSWORD@HOST/DATABASE`
    ///
    /// Its login is a member of the roles journeylift_app and journeylift_maintenance. Without it, `serve` starts and
    /// owns a private Postgres in the data directory, and the other commands find that one. It holds a password: give it
    /// in the environment, where lists of processes do not show it.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// The same database as the owner of the tables, who migrates it [default: DATABASE_URL]
    ///
    /// Its login is a member of the role journeylift_owner, or may create it.
    #[arg(
        long,
        env = "JOURNEYLIFT_OWNER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        requires = "database_url"
    )]
    pub owner_database_url: Option<Secret>,

    /// Where the embedded Postgres keeps its data
    ///
    /// Root: /var/lib/journeylift. Others: $XDG_DATA_HOME/journeylift, else ~/.local/share/journeylift (macOS:
    /// ~/Library/Application Support/journeylift).
    #[arg(long, env = "JOURNEYLIFT_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub data_dir: PathBuf,

    /// The folder of PostgreSQL's programs, for the embedded one [default: the newest that is installed]
    #[arg(long, env = "JOURNEYLIFT_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
}
