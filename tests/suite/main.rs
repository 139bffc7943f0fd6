//! The tests that need Postgres or HTTP. The modules are the table of contents.

use std::process::ExitCode;

/// Sums that somebody brings.
mod analysis;
/// The vendors' client libraries, unmodified.
mod clients;
/// What is acknowledged is stored once, whatever happens.
mod collect;
/// Random histories against the fold of all events, and bugs that must be noticed.
mod histories;
/// Who may see what.
mod isolation;
/// Where on the journey: answers to questions about the order of events.
mod journeys;
/// The rules of measurement.
mod measure;
/// Plans, and what the traffic can show.
mod planning;
/// Real experiments with known results.
mod published;
/// Answers: cached, cut up, fresh.
mod read;
/// The migrations, the catalogue, the statements, the wall.
mod schema;

fn main() -> ExitCode {
    tests::run(vec![
        ("schema", schema::cases()),
        ("collect", collect::cases()),
        ("measure", measure::cases()),
        ("read", read::cases()),
        ("journeys", journeys::cases()),
        ("analysis", analysis::cases()),
        ("planning", planning::cases()),
        ("published", published::cases()),
        ("histories", [histories::cases(), histories::played()].concat()),
        ("isolation", isolation::cases()),
        ("clients", clients::cases()),
    ])
}
