//! A running service: is it ready? Asked by health checks.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::{Finding, Status};
use crate::causes::causes;
use crate::service::reachable;

/// Health checks give up after a few seconds; so does this.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    #[serde(rename = "check")]
    name: String,
    ok: bool,
    #[serde(default)]
    message: String,
}

/// Asks `/readyz` of the service at `url`.
pub(crate) async fn ask(url: &str) -> Vec<Finding> {
    match readiness(url).await {
        Ok((status, answer)) => {
            let mut findings = vec![if status == 200 {
                Finding::ok("service", format!("{url} is ready"))
            } else {
                let message = format!("{url}/readyz answers {status}");
                Finding::failed("service", message, "see the failed checks below and the log of the service")
            }];
            findings.extend(answer.checks.into_iter().map(|check| Finding {
                check: check.name,
                status: if check.ok { Status::Ok } else { Status::Failed },
                message: check.message,
                remedy: None,
            }));
            findings
        }
        Err(error) => {
            vec![Finding::failed(
                "service",
                causes(error.as_ref()),
                "start `journeylift serve`, or correct the address",
            )]
        }
    }
}

async fn readiness(url: &str) -> anyhow::Result<(u16, Answer)> {
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("no HTTP client")?;
    let address = format!("{}/readyz", url.trim_end_matches('/'));
    let response = client.get(&address).send().await.with_context(|| format!("{url} cannot be asked"))?;
    let status = response.status().as_u16();
    // A proxy in between may answer with anything.
    let answer = response.json().await.unwrap_or(Answer { checks: Vec::new() });
    Ok((status, answer))
}

/// The address on this machine of a service that listens at `listen`.
pub(crate) async fn local_url(listen: &str) -> anyhow::Result<String> {
    let mut addresses = tokio::net::lookup_host(listen)
        .await
        .with_context(|| format!("{listen:?} is no HOST:PORT (JOURNEYLIFT_LISTEN)"))?;
    let address = addresses.next().with_context(|| format!("{listen:?} has no address"))?;
    Ok(reachable(address))
}
