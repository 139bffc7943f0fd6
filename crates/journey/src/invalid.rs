//! What is wrong with a value that was refused.

/// A refusal: which field, in which way, with the value and the remedy in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct Invalid {
    /// A stable word for programs, e.g. `missing_identity`.
    pub code: &'static str,
    /// JSON pointer of the field inside the object that was refused, e.g. `/user_id`; empty for the whole object.
    pub pointer: String,
    /// A sentence that names the value and the remedy.
    pub detail: String,
}

impl Invalid {
    /// A refusal of the field at `pointer`.
    pub fn new(code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), detail: detail.into() }
    }

    /// The same refusal, one level further in: `/value` becomes `/prefix/value`.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.pointer = format!("{prefix}{}", self.pointer);
        self
    }
}

/// The value as it may be shown in a message: at most 60 characters, control characters escaped.
pub(crate) fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(60).flat_map(char::escape_debug).collect();
    if value.chars().nth(60).is_some() {
        text.push('…');
    }
    format!("\"{text}\"")
}
