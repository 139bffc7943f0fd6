//! `journeylift import`: a table or JSON lines, posted to a service as events.
//!
//! A thread reads the input and cuts it into batches ([`mod@feed`]); several of them are on their way at once and are
//! acknowledged in the order of the input ([`delivery`]); the progress file follows the acknowledgements ([`state`]).
//! Memory holds a handful of batches, whatever the size of the input.

mod args;
pub(crate) mod batch;
pub(crate) mod client;
pub(crate) mod delivery;
mod event;
mod feed;
mod guess;
mod mapping;
pub(crate) mod progress;
mod reader;
mod record;
mod report;
mod source;
mod state;
mod times;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::mpsc;

pub use self::args::{Format, ImportArgs};
use self::batch::{Batch, Envelope};
use self::client::Client;
use self::delivery::{Delivered, Destination, deliver};
use self::feed::{Ended, Recipe, feed};
use self::mapping::Mapping;
use self::progress::{Progress, Unit, to_stderr};
use self::reader::{Lines, Records, Table};
use self::report::{Refusals, Summary};
use self::source::Input;
use self::state::{From, State};
use self::times::TimeFormat;

/// The exit code where lines were refused.
const REFUSED: u8 = 3;
/// The exit code after an interruption, as shells have it for Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The pause between two writes of the progress file.
const SAVE_EVERY: Duration = Duration::from_millis(250);

/// Imports a file, and says how it went: as JSON for scripts, or as a line for people.
pub async fn run(args: &ImportArgs, json: bool) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let job = Job::prepare(args)?;
    let (summary, interrupted) = job.run(args, begun).await?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        writeln!(out, "{}", summary.text())?;
    }
    Ok(if interrupted {
        ExitCode::from(INTERRUPTED)
    } else if summary.rejected > 0 && !args.allow_rejected {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    })
}

/// An import, made ready: everything that can be wrong with the options was looked at.
struct Job {
    input: Input,
    recipe: Recipe,
    destination: Destination,
    delimiter: u8,
    state: State,
    from: From,
    state_file: Option<std::path::PathBuf>,
}

impl Job {
    fn prepare(args: &ImportArgs) -> anyhow::Result<Self> {
        let mut input = source::open(&args.file)?;
        let start = input.peek().with_context(|| format!("cannot read {}", args.file.display()))?;
        let format = args.format.map_or_else(|| guess::format(&args.file, start), Ok)?;
        let delimiter = guess::delimiter(args.delimiter.as_deref(), &args.file)?;
        let given = (!args.map.is_empty()).then(|| Mapping::parse(&args.map)).transpose()?;
        anyhow::ensure!(
            format != Format::Segment || given.is_none(),
            "--map does not go with --format segment, whose lines are sent as they are: use --format jsonl"
        );
        anyhow::ensure!(
            format != Format::Segment || !args.dry_run,
            "--dry-run does not go with --format segment: the service checks events of the native format only"
        );
        let only = args.only.iter().map(|text| {
            let (column, wanted) =
                text.split_once('=').with_context(|| format!("--only: {text:?} is not COLUMN=TEXT"))?;
            Ok((column.to_owned(), wanted.to_owned()))
        });
        let source = args.source.clone().unwrap_or_else(|| name_of(&args.file));
        let recipe = Recipe {
            format,
            mapping: given,
            only: only.collect::<anyhow::Result<_>>()?,
            times: TimeFormat::parse(&args.time_format)?,
            source,
        };
        let (path, envelope) = match (format, args.dry_run) {
            (Format::Segment, _) => ("/v1/batch", Envelope::Segment),
            (_, true) => ("/v1/events/validate", Envelope::Array),
            (_, false) => ("/v1/events", Envelope::Array),
        };
        let client = Client::new(&args.url, Duration::from_secs(args.retry_for))?;
        let state_file = if args.dry_run { None } else { args.resume.clone().or_else(|| state::beside(&args.file)) };
        let name = identity(args, &recipe);
        let stored = state_file.as_deref().filter(|_| !args.restart).map(State::load).transpose()?.flatten();
        let (state, from) = State::resume(stored, &name, state_file.as_deref().unwrap_or(Path::new("")))?;
        let destination = Destination { client, path, key: args.key.clone(), envelope };
        Ok(Self { input, recipe, destination, delimiter, state, from, state_file })
    }

    async fn run(self, args: &ImportArgs, begun: Instant) -> anyhow::Result<(Summary, bool)> {
        let Self { input, mut recipe, destination, delimiter, mut state, from, state_file } = self;
        let (size, read) = (input.size, input.read.clone());
        let mut refusals = Refusals::begin(args.rejected.as_deref(), from.records > 0)?;
        let source = recipe.source.clone();
        let mut progress = Progress::begin(&source, size, Unit::Bytes);
        let (out, batches) = mpsc::channel::<anyhow::Result<Batch>>(2);
        let columns = args.columns.clone();
        let (ended_tx, ended_rx) = tokio::sync::oneshot::channel();
        // Not a thread of the runtime, which would wait at its end for input that never comes.
        std::thread::Builder::new().name("import".into()).spawn(move || {
            let records = match open_records(input, &mut recipe, delimiter, columns) {
                Ok(records) => records,
                Err(error) => {
                    let _ = out.blocking_send(Err(error));
                    return;
                }
            };
            let ended = feed(records, &recipe, from, &read, &out);
            // Nobody listens after an interruption.
            let _ = ended_tx.send(ended);
        })?;
        let mut saved = Instant::now();
        let delivering = deliver(&destination, batches, usize::from(args.in_flight), |delivered| {
            let Delivered { accepted, duplicates, refused, end } = delivered;
            refusals.add(&refused, &progress)?;
            state.accepted += accepted;
            state.duplicates += duplicates;
            state.rejected += refused.len() as u64;
            state.advance(end);
            if let Some(file) = &state_file
                && saved.elapsed() >= SAVE_EVERY
            {
                state.save(file)?;
                saved = Instant::now();
            }
            progress
                .set(end.bytes, &format!("{} events, {} refused", state.accepted + state.duplicates, state.rejected));
            Ok(())
        });
        let outcome = tokio::select! {
            outcome = delivering => Some(outcome),
            _ = tokio::signal::ctrl_c() => None,
        };
        let interrupted = outcome.is_none();
        let complete = matches!(outcome, Some(Ok(())));
        state.complete = complete;
        if let Some(file) = &state_file {
            // Also after a fault: what was acknowledged until then need not be sent again.
            state.save(file)?;
        }
        refusals.end(&progress);
        progress.end(&format!("{} records", state.records - from.records));
        if let Some(Err(error)) = outcome {
            if state.records == 0 {
                return Err(error);
            }
            let hint = if state_file.is_some() { "; the same command goes on from there" } else { "" };
            return Err(error.context(format!("stopped after record {}{hint}", state.records)));
        }
        let ended = if interrupted { Ended::default() } else { ended_rx.await? };
        for column in &ended.never_seen {
            to_stderr(&format!(
                "no line had the column {column:?}: a text that is the same on every line is written =:{column}"
            ));
        }
        let summary = Summary {
            source,
            records: state.records - from.records,
            accepted: state.accepted,
            duplicates: state.duplicates,
            rejected: state.rejected,
            left_out: ended.left_out,
            resumed_after: from.records,
            complete,
            dry_run: args.dry_run,
            seconds: begun.elapsed().as_secs_f64(),
        };
        Ok((summary, interrupted))
    }
}

/// Opens the records and completes the mapping by what their columns are called.
fn open_records(
    input: Input,
    recipe: &mut Recipe,
    delimiter: u8,
    columns: Option<Vec<String>>,
) -> anyhow::Result<Records<std::io::BufReader<Box<dyn std::io::Read + Send>>>> {
    if recipe.format != Format::Csv {
        return Ok(Records::Lines(Lines::new(input.text)));
    }
    let table = Table::new(input.text, delimiter, columns)?;
    let known = |column: &String| table.header().contains(column);
    if let Some((column, _)) = recipe.only.iter().find(|(column, _)| !known(column)) {
        anyhow::bail!("--only: there is no column {column:?}. The columns are: {}", table.header().join(", "));
    }
    match &recipe.mapping {
        Some(mapping) => mapping.check_columns(table.header())?,
        None => recipe.mapping = Some(Mapping::of_header(table.header())?),
    }
    Ok(Records::Table(Box::new(table)))
}

/// What an import is: a progress file of another one is not gone on from.
fn identity(args: &ImportArgs, recipe: &Recipe) -> String {
    format!(
        "{} -> {} as {:?}, {}, only {:?}, times {:?}, columns {:?}, delimiter {:?}",
        recipe.source,
        args.url.trim_end_matches('/'),
        recipe.format,
        if args.map.is_empty() { "unmapped".to_owned() } else { args.map.join(",") },
        args.only,
        args.time_format,
        args.columns,
        args.delimiter,
    )
}

/// The name of an input: the same whether it is compressed or not.
fn name_of(file: &Path) -> String {
    if file == Path::new("-") {
        return "stdin".to_owned();
    }
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
}
