//! `journeylift demo`: a real experiment, posted to a service of its own over HTTP, and its lifts.
//!
//! The data of a published experiment ([`data`]) become the events of journeys, dated by [`calendar`], and go through
//! the HTTP API like anybody's ([`upload`]); what the API answers is printed ([`table`]).

mod calendar;
mod cookie_cats;
mod data;
mod hillstrom;
mod results;
mod table;
mod tenant;
mod upload;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use self::data::DataSet;
use self::results::Results;
use crate::clock;
use crate::config::{Secret, ServeArgs};
use crate::import::client::Client;
use crate::import::progress::to_stderr;
use crate::service::Service;
use crate::signals::Signals;

/// Shows a real experiment from its events to its lifts, and keeps serving.
///
/// Starts the service (with its embedded Postgres, unless a database is named), posts the events of a published
/// experiment through the HTTP API, and prints what the API then says of it. A second start finds what is there.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Which experiment
    #[arg(long, value_name = "NAME", default_value = "hillstrom")]
    pub data: Data,

    /// Stop when the table is printed
    #[arg(long)]
    pub exit: bool,

    /// The service.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// The experiments that come with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Data {
    /// E-mails of an online retailer, 64 000 customers: visits, orders, spend
    Hillstrom,
    /// A mobile game with a gate at level 30 or 40, 90 189 players: retention
    CookieCats,
}

/// Runs the demo until it is told to stop.
pub async fn run(mut args: DemoArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let mut signals = Signals::listen()?;
    // A thread reads the data while Postgres starts.
    let which = args.data;
    let reading = tokio::task::spawn_blocking(move || match which {
        Data::Hillstrom => hillstrom::read(),
        Data::CookieCats => cookie_cats::read(),
    });
    let operator_key = match &args.serve.operator_key {
        Some(key) => key.clone(),
        None => random_key()?,
    };
    args.serve.operator_key = Some(operator_key.clone());
    let service = tokio::select! {
        service = Service::start(&args.serve) => service.context("the service cannot be started")?,
        number = signals.next() => return Ok(stopped_by(number)),
    };
    to_stderr(&format!("the service listens on {} after {:.1} s", service.url(), begun.elapsed().as_secs_f64()));
    let told = tokio::select! {
        told = async { show(&service, &operator_key, &reading.await??, begun).await } => told,
        number = signals.next() => {
            signals.end_at_once();
            service.stop().await?;
            return Ok(stopped_by(number));
        }
    };
    if told.is_ok() && !args.exit {
        to_stderr("\nserving; Ctrl-C stops");
        signals.next().await;
    }
    signals.end_at_once();
    service.stop().await?;
    told.map(|()| ExitCode::SUCCESS)
}

/// From the tenant to the table.
async fn show(service: &Service, operator_key: &Secret, data: &DataSet, begun: Instant) -> anyhow::Result<()> {
    let client = Client::new(&service.url(), Duration::from_mins(1))?;
    let keys = tenant::find_or_make(&client, operator_key.reveal(), service.store(), data).await?;
    let starts_at = upload::define(&client, &keys, data).await?;
    let results = upload::complete(&client, &keys, data, starts_at).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}\n", data.title)?;
    writeln!(out, "{}", table::lifts(&results))?;
    for line in table::checks(&results) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nThe same as JSON (the key only reads):\n")?;
    writeln!(out, "curl -s -H 'Authorization: Bearer {}' '{}{}'", keys.read, service.url(), Results::path(data))?;
    out.flush()?;
    to_stderr(&format!("\nfrom start to table: {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

fn random_key() -> anyhow::Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(Secret::new(hex::encode(bytes)))
}

fn stopped_by(number: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + number).unwrap_or(1))
}

/// The time now, for dating the demo's events.
fn now() -> journey::Instant {
    clock::now()
}
