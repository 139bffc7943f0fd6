//! The log: one subscriber for the process, to standard error, as lines for people or as JSON.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{LogArgs, LogFormat};

/// What libraries may say unless told otherwise: hyper warns of each slow client, sqlx of each slow statement.
const LIBRARIES: &str = "hyper=error,h2=error,sqlx=error";

/// Starts the log of this process. `level` holds where neither the flag nor the variable says anything.
///
/// Bodies, headers, keys and the values of statements are never logged; see the spans of `api` for what is.
pub(crate) fn start(args: &LogArgs, level: &str) -> anyhow::Result<()> {
    let wanted = args.log.as_deref().map(str::trim).filter(|filter| !filter.is_empty()).unwrap_or(level);
    let filter = filter(wanted).with_context(|| {
        format!("JOURNEYLIFT_LOG: {wanted:?} is no filter; write it like info, debug or info,store=debug")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let started = match args.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// The filter of a text, with the libraries quiet unless the text names them.
fn filter(wanted: &str) -> anyhow::Result<EnvFilter> {
    // Later directives win over earlier ones of the same target.
    Ok(EnvFilter::builder().parse(format!("{LIBRARIES},{wanted}"))?)
}

/// Makes a panic one line of the log, so that it is found where everything else is.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(place, message = message.unwrap_or("no message"), "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_named() {
        let text = filter("debug,hyper=trace").unwrap().to_string();
        assert!(text.contains("hyper=trace") && !text.contains("hyper=error"), "{text}");
        assert!(text.contains("sqlx=error") && text.contains("debug"), "{text}");
        assert!(filter("store=loud").is_err());
    }
}
