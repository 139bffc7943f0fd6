//! What stands in the way of a working service, and what to do about each.

mod database;
mod machine;
mod service;

use serde::Serialize;

use crate::clock::Clock;
use crate::config::{DatabaseArgs, Secret};
use crate::database::Urls;
use crate::postgres::{self, Role};

pub(crate) use service::{ask, local_url};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It holds.
    Ok,
    /// It does not, and the service cannot work like that.
    Failed,
    /// It could not be looked at, because of something that the message names.
    Skipped,
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was checked, one word.
    pub(crate) check: String,
    /// How it came out.
    pub(crate) status: Status,
    /// What was found.
    pub(crate) message: String,
    /// What to do; null where nothing is to be done.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn ok(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.into(), status: Status::Ok, message: message.into(), remedy: None }
    }

    fn failed(check: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check: check.into(), status: Status::Failed, message: message.into(), remedy: Some(remedy.into()) }
    }

    fn skipped(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.into(), status: Status::Skipped, message: message.into(), remedy: None }
    }
}

/// Looks at the machine and the database.
pub(crate) async fn examine(args: &DatabaseArgs, clock: &Clock) -> Vec<Finding> {
    let mut findings = vec![machine::clock(clock)];
    let urls = if let Some(urls) = Urls::given(args) {
        Some(urls)
    } else {
        findings.push(machine::programs(args));
        findings.push(machine::directory(args).await);
        findings.push(machine::space(args).await);
        match embedded(args).await {
            Ok(urls) => Some(urls),
            Err(finding) => {
                findings.push(finding);
                None
            }
        }
    };
    match urls {
        Some(urls) => findings.extend(database::examine(&urls, clock).await),
        None => findings.extend(database::CHECKS.iter().map(|check| Finding::skipped(check, "needs the database"))),
    }
    findings
}

/// The addresses of the embedded Postgres of a running service.
async fn embedded(args: &DatabaseArgs) -> Result<Urls, Finding> {
    let directory = args.data_dir.display();
    match postgres::find(&args.data_dir).await {
        Ok(Some(address)) => {
            Ok(Urls { service: Secret::new(address.url(Role::Service)), owner: Secret::new(address.url(Role::Owner)) })
        }
        Ok(None) if postgres::is_made(&args.data_dir).unwrap_or_default() => Err(Finding::skipped(
            "database",
            format!("the embedded Postgres in {directory} does not run; `journeylift serve` starts it"),
        )),
        Ok(None) => Err(Finding::skipped(
            "database",
            format!("{directory} holds no database yet; `journeylift serve` makes it"),
        )),
        Err(error) => {
            Err(Finding::failed("database", format!("{error:#}"), "run this as the account that runs the service"))
        }
    }
}
