//! What of an event is added up.

use std::fmt;

use crate::channel::unknown_word;
use crate::invalid::Invalid;
use crate::path::Path;

/// What of an event is added up, or looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Of {
    /// The event's value.
    Value,
    /// One per event.
    Count,
    /// The number that stands at a path. An event without a number there adds nothing.
    Property(Path),
}

impl Of {
    /// The words that are no paths.
    pub const WORDS: &'static [&'static str] = &["value", "count"];

    /// Reads `value`, `count` or a path such as `properties.score`, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        match text.trim() {
            "value" => Ok(Self::Value),
            "count" => Ok(Self::Count),
            path if path.contains('.') => Path::parse(path, pointer).map(Self::Property),
            word => Err(unknown_word(word, &["value", "count", "a path such as properties.score"], pointer)),
        }
    }

    /// The word or the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Value => "value",
            Self::Count => "count",
            Self::Property(path) => path.as_str(),
        }
    }

    /// Whether amounts of money may go into it, so that those in a foreign currency are left out. A property of an event in a
    /// foreign currency may be money as well: a margin, a tax.
    #[must_use]
    pub fn is_money(&self) -> bool {
        matches!(self, Self::Value | Self::Property(_))
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_paths_come_back_as_they_were_written() {
        for text in ["value", "count", "properties.score", "traits.plan.mrr"] {
            assert_eq!(Of::parse(text, "").unwrap().as_str(), text);
        }
        let refused = |text: &str| Of::parse(text, "/of").map_err(|refusal| refusal.code).unwrap_err();
        assert_eq!(refused("money"), "unknown_word");
        assert_eq!(refused("channel.x"), "invalid_path");
        assert_eq!(refused("properties..x"), "invalid_path");
    }
}
