//! What a command says: the only place that writes to standard output, as text for people or as JSON for scripts.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use serde::Serialize;
use serde_json::json;

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes a result: the value for scripts, the text for people.
    pub(crate) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json { self.text(&serde_json::to_string(value)?) } else { self.text(&text()) }
    }

    /// Writes a text and ends the line.
    #[expect(clippy::unused_self, reason = "writing goes through the output, whatever its form")]
    pub(crate) fn text(self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // Whoever read it has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.context("standard output cannot be written"),
        }
    }

    /// Writes why a command failed to standard error.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let text =
            if self.json { json!({ "error": format!("{error:#}") }).to_string() } else { format!("error: {error:#}") };
        // There is nobody else to tell.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A table with these headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(headings);
    table
}
