//! The options of `journeylift import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Streams a table or JSON lines into the service.
///
/// Reads CSV or JSON lines, gzipped or not, from a file or the standard input, and posts them as events. Every line
/// counts once, however often it is imported: an event without an id gets one that is made of the line itself.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = MAPPING)]
pub struct ImportArgs {
    /// The file to import; - for the standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the service listens
    #[arg(long, env = "JOURNEYLIFT_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,

    /// A key with the scope ingest. Give it in the environment, where lists of processes do not show it
    #[arg(long, env = "JOURNEYLIFT_KEY", value_name = "KEY", hide_env_values = true)]
    pub key: String,

    /// What the lines hold [default: guessed from the name and the first line]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// What becomes of the columns: FIELD=SOURCE,.. (may be repeated; see below)
    #[arg(long, value_name = "FIELD=SOURCE,..")]
    pub map: Vec<String>,

    /// Import only lines whose column holds this text (may be repeated: all must hold)
    #[arg(long, value_name = "COLUMN=TEXT")]
    pub only: Vec<String>,

    /// How times are written: rfc3339, unix, unix-ms, or a pattern such as '%Y-%m-%d %H:%M:%S' (UTC without an offset)
    #[arg(long, value_name = "FORMAT", default_value = "rfc3339")]
    pub time_format: String,

    /// What separates the fields of a CSV table; \t for a tab [default: a comma, a tab for .tsv]
    #[arg(long, value_name = "CHARACTER")]
    pub delimiter: Option<String>,

    /// The names of the columns, where the table's first row does not say them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,

    /// The name of the input that goes into derived event ids [default: the file's name without .gz]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,

    /// The file that remembers how far the import has come [default: .FILE.journeylift-progress beside the input]
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,

    /// Begin at the first line, whatever the progress file says
    #[arg(long)]
    pub restart: bool,

    /// Where refused lines go, as JSON lines with line, code, pointer, message and event
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,

    /// Succeed although lines were refused
    #[arg(long)]
    pub allow_rejected: bool,

    /// Have the lines checked, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How many requests are on their way at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub in_flight: u8,

    /// How long a busy or absent service is tried again, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    pub retry_for: u64,
}

/// What the lines of an input hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table: the first row names the columns.
    Csv,
    /// A JSON object a line: events of the native format, or anything with a mapping.
    Jsonl,
    /// A call of Segment's tracking API a line, as its exports hold them.
    Segment,
}

const MAPPING: &str = "\
Mapping:
  FIELD is event_id, user_id, anonymous_id, previous_id, name, occurred_at,
  channel, stage, value or currency; a whole object: properties, context,
  traits; or a member of one: properties.category, context.device.type

  SOURCE is one of
    column         a column of the table, or a member of the JSON object;
                   dots descend: customer.id
    \"a, column\"    the same, where its name holds a comma
    :text          this text on every line, up to the next comma:
                   name=:Order Completed
    'text'         this text, where it holds a comma; inside, double a quote.
                   A shell takes the quotes away unless the whole mapping
                   stands in double quotes
    @line @record  the number of the line, and of the record, from 1
    *              every column that is named nowhere else: properties=*

  Without a mapping, columns fill the fields that they are named like, and
  JSON lines are sent as they are. An empty field is absent. Without event_id,
  the id is made of the source's name, the number and content of the line,
  and the event's name.

Examples:
  journeylift import orders.csv.gz \\
    --map \"event_id=id,user_id=customer,name='Order Completed'\" \\
    --map occurred_at=ts,value=amount,currency=currency,properties=*
  journeylift import visits.csv --only visit=1 --time-format %Y-%m-%d \\
    --map 'user_id=@record,name=:Site Visited,occurred_at=day'
  zcat events.jsonl.gz | journeylift import - --source events.jsonl

Interrupted, the same command goes on where it was. It exits with 0, with 3
where lines were refused, and with 1 where it could not go on.
";
