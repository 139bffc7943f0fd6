//! `journeylift doctor`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::{Output, table};
use crate::clock;
use crate::config::DatabaseArgs;
use crate::doctor::{Finding, Status, ask, examine, local_url};

/// Checks what the service needs.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Only ask a running service whether it is ready, such as `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL", conflicts_with = "ready")]
    url: Option<String>,

    /// Only ask the service of this machine (JOURNEYLIFT_LISTEN) whether it is ready; for health checks
    #[arg(long)]
    ready: bool,

    /// Where the service of this machine listens
    #[arg(long, env = "JOURNEYLIFT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Doctor {
    /// Ends with 0 when no check failed, else with 1.
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<ExitCode> {
        let findings = match self.url {
            Some(url) => ask(&url).await,
            None if self.ready => ask(&local_url(&self.listen).await?).await,
            None => examine(&self.database, &clock::system()).await,
        };
        let well = findings.iter().all(|finding| finding.status != Status::Failed);
        output.result(&json!({ "ok": well, "checks": findings }), || text(&findings, well))?;
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(findings: &[Finding], well: bool) -> String {
    let mut table = table(&["", "check", "found"]);
    for finding in findings {
        let mark = match finding.status {
            Status::Ok => "ok",
            Status::Failed => "FAIL",
            Status::Skipped => "-",
        };
        let remedy = finding.remedy.as_ref().map(|remedy| format!("\n-> {remedy}")).unwrap_or_default();
        table.add_row([mark.to_owned(), finding.check.clone(), format!("{}{remedy}", finding.message)]);
    }
    let verdict = if well { "Nothing stands in the way." } else { "Something stands in the way: see FAIL." };
    format!("{table}\n{verdict}")
}
