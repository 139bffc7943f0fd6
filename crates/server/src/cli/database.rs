//! `journeylift migrate`.

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::output::{Output, table};
use crate::config::DatabaseArgs;
use crate::database;

/// Brings a database to the schema of this version.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Migrate {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let urls = database::find(&self.database).await?;
        let owner = urls.owner.reveal();
        let pending = store::pending_migrations(owner).await.context("the owner cannot look at the migrations")?;
        if !self.dry_run {
            // Also where nothing is missing: it compares the texts of those that were applied.
            store::migrate(owner).await.context("the database cannot be migrated")?;
        }
        let list: Vec<_> =
            pending.iter().map(|one| json!({ "version": one.version, "description": one.description })).collect();
        let word = if self.dry_run { "pending" } else { "applied" };
        output.result(&json!({ word: list }), || {
            if pending.is_empty() {
                return "The database is up to date.".into();
            }
            let mut table = table(&["migration", word]);
            for one in &pending {
                table.add_row([format!("{:04}", one.version), one.description.clone()]);
            }
            table.to_string()
        })
    }
}
