//! What a command says: the only place that writes to standard output, as text for people or as JSON for scripts.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::Serialize;
use serde_json::json;

use crate::causes::causes;

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are written as JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Writes a result: the value for scripts, the text for people.
    pub(crate) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json { self.text(&serde_json::to_string(value)?) } else { self.text(&text()) }
    }

    /// Writes a text and ends the line.
    pub(crate) fn text(self, text: &str) -> anyhow::Result<()> {
        self.lines(text).map(|_| ())
    }

    /// The same; says whether anybody reads on.
    #[expect(clippy::unused_self, reason = "writing goes through the output, whatever its form")]
    pub(crate) fn lines(self, text: &str) -> anyhow::Result<bool> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // Whoever read it has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true).context("standard output cannot be written"),
        }
    }

    /// Writes why a command failed to standard error.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let causes = causes(error.as_ref());
        let text = if self.json { json!({ "error": causes }).to_string() } else { format!("error: {causes}") };
        // There is nobody else to tell.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A table with these headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(headings);
    table
}
