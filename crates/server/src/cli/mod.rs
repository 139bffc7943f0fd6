//! The command line: its commands, and how each ends.

#![expect(clippy::doc_markdown, reason = "the documentation is the help of the command line, where marks are noise")]

mod aa;
mod analyze;
mod database;
mod doctor;
mod events;
mod key;
mod output;
mod serve;
mod tenant;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::{self, BenchArgs};
use crate::config::LogArgs;
use crate::demo::{self, DemoArgs};
use crate::import::{self, ImportArgs};
use crate::telemetry;

use self::output::Output;

/// Journeylift measures how much personalised customer journeys lift each KPI.
///
/// Marketing platforms post journey events over HTTP, Postgres keeps them, and any experiment can be asked how much each
/// arm lifted each metric over control, and how sure that is. Everything takes flags and environment variables; the help of
/// each command is its manual.
#[derive(Debug, Parser)]
#[command(
    name = "journeylift",
    version,
    arg_required_else_help = true,
    after_help = "Begin with `journeylift demo`, or `journeylift serve` and `journeylift tenant create`."
)]
pub struct Cli {
    /// Write results as JSON, for scripts
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    log: LogArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until it is told to stop
    ///
    /// Without DATABASE_URL it starts and owns a private Postgres in its data directory. When ready it prints
    /// `listening on http://ADDRESS`. SIGTERM and SIGINT stop it in order; a second one ends it at once.
    Serve(Box<serve::Arguments>),
    /// Bring the database to the schema of this version
    Migrate(database::Migrate),
    /// Check what the service needs, with a remedy for each fault
    Doctor(doctor::Doctor),
    /// Make and list tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Make, list and revoke the keys of a tenant
    #[command(subcommand)]
    Key(key::Key),
    /// Show how often an experiment would have seen an effect where there is none
    ///
    /// Deals the experiment's own persons out to the arms anew, by the weights and without regard to what happened, and
    /// counts what each method calls an effect. Reads each person's stored contribution once and writes nothing.
    Aa(aa::Aa),
    /// Print the stored events of a tenant, a line of JSON each
    ///
    /// For a notebook or a warehouse, in the order of their ids, whatever form their properties are stored in: the fields of POST
    /// /v1/events, when it was received, and for exposures experiment and arm. An event has the identity that it counts for; what
    /// others it linked is not told. Events that arrive meanwhile may be among them or not.
    Events(events::Events),
    /// Stream a CSV table or JSON lines into a service
    Import(Box<ImportArgs>),
    /// Show a real experiment from its events to its lifts, and keep serving
    Demo(Box<DemoArgs>),
    /// Measure ingestion and answers on this machine
    ///
    /// Starts a temporary Postgres with durable settings and a service of its own; touches no other database.
    Bench(Box<BenchArgs>),
    /// Analyse sums of your own, or published ones, without a database
    ///
    /// FILE holds what POST /v1/analyze takes: control, kind and the sums of each arm, or its count, mean and variance. Prints
    /// the arms as a table with a sentence each; with --json the same entry of metrics that results have.
    Analyze(analyze::Analyze),
    /// Print the HTTP contract, openapi.yaml
    Openapi,
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let level = if matches!(cli.command, Command::Serve(_)) { "info" } else { "warn" };
    let ended = telemetry::start(&cli.log, level).and_then(|()| {
        telemetry::log_panics();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(cli.command.run(&output))
    });
    match ended {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

impl Command {
    async fn run(self, output: &Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(arguments) => arguments.run(output).await?,
            Self::Migrate(migrate) => migrate.run(output).await?,
            Self::Doctor(doctor) => return doctor.run(output).await,
            Self::Tenant(tenant) => tenant.run(output).await?,
            Self::Key(key) => key.run(output).await?,
            Self::Aa(aa) => aa.run(output).await?,
            Self::Events(events) => events.run(output).await?,
            Self::Import(arguments) => return import::run(&arguments, output.is_json()).await,
            Self::Demo(arguments) => return Box::pin(demo::run(*arguments)).await,
            Self::Bench(arguments) => return Box::pin(bench::run(&arguments, output.is_json())).await,
            Self::Analyze(analyze) => analyze.run(*output)?,
            Self::Openapi => output.text(api::openapi_yaml().trim_end())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_secret_of_the_environment_is_in_the_help() {
        let mut commands = vec![Cli::command()];
        let mut secrets = 0;
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let name = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if name.ends_with("DATABASE_URL") || name.ends_with("_KEY") {
                    assert!(argument.is_hide_env_values_set(), "{name} is shown");
                    secrets += 1;
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(secrets >= 3, "{secrets}");
    }
}
