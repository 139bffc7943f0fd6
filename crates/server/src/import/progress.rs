//! Progress on the terminal: a bar where there is one, else a plain line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

/// The pause between plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// What the position counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of a file.
    Bytes,
    /// Things, such as events.
    Count(&'static str),
}

/// How far something is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    unit: Unit,
    length: Option<u64>,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// Begins. `length`: where it ends, if that is known.
    pub(crate) fn begin(what: &str, length: Option<u64>, unit: Unit) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let (position, rate) = match unit {
                Unit::Bytes => ("{bytes}/{total_bytes}", "{bytes_per_sec}"),
                Unit::Count(_) => ("{human_pos}/{human_len}", "{per_sec}"),
            };
            let template = match length {
                Some(_) => format!("{{prefix}} [{{wide_bar}}] {position} {rate} {{msg}}"),
                None => {
                    format!("{{prefix}} {{spinner}} {} {rate} {{msg}}", position.split('/').next().unwrap_or_default())
                }
            };
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let now = Instant::now();
        Self { bar, what: what.to_owned(), unit, length, begun: now, said: now }
    }

    /// Sets how far it is, with a word on it.
    pub(crate) fn set(&mut self, position: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(message.to_owned());
        } else if self.said.elapsed() >= PLAIN_EVERY {
            self.said = Instant::now();
            self.line(&self.plain(position, message));
        }
    }

    /// Writes a line above the bar.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| to_stderr(text)),
            None => to_stderr(text),
        }
    }

    /// Ends, leaving one line that says what was done.
    pub(crate) fn end(self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        to_stderr(&format!("{}: {text} in {:.1} s", self.what, self.begun.elapsed().as_secs_f64()));
    }

    fn plain(&self, position: u64, message: &str) -> String {
        let amount = |amount| match self.unit {
            Unit::Bytes => HumanBytes(amount).to_string(),
            Unit::Count(_) => HumanCount(amount).to_string(),
        };
        let of = self.length.map_or(String::new(), |length| format!(" of {}", amount(length)));
        let unit = match self.unit {
            Unit::Bytes => "",
            Unit::Count(name) => name,
        };
        format!("{}: {}{of} {unit} {message}", self.what, amount(position)).trim_end().to_owned()
    }
}

/// Writes a line for people. A closed terminal is nothing to fail over.
pub(crate) fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_say_how_far() {
        let progress = |length, unit| Progress { bar: None, ..Progress::begin("posting", length, unit) };
        assert_eq!(progress(Some(73_972), Unit::Count("events")).plain(1_500, ""), "posting: 1,500 of 73,972 events");
        assert_eq!(progress(None, Unit::Bytes).plain(2_048, "3 refused"), "posting: 2.00 KiB  3 refused");
    }
}
