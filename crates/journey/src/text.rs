//! Names and keys: short texts without control characters.

use std::fmt;
use std::sync::Arc;

use crate::invalid::{Invalid, shown};

/// A name or an id: 1 to 255 characters after trimming, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Trims and checks `text`, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(Invalid::new("empty", pointer, "is empty: give 1 to 255 characters"));
        }
        let chars = trimmed.chars().count();
        if chars > Self::MAX_CHARS {
            let detail = format!("{} has {chars} characters: at most 255 are allowed", shown(trimmed));
            return Err(Invalid::new("too_long", pointer, detail));
        }
        if let Some(control) = trimmed.chars().find(|c| c.is_control()) {
            let detail = format!("{} holds the control character U+{:04X}: remove it", shown(trimmed), control as u32);
            return Err(Invalid::new("control_character", pointer, detail));
        }
        Ok(Self(trimmed.into()))
    }

    /// A name that is written in the code.
    pub(crate) fn known(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The key of an experiment, an arm or a metric. An exposure names experiments and arms in free text,
/// so a key is any [`Name`].
pub type Key = Name;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trims_and_bounds() {
        assert_eq!(Name::parse("  a b ", "/x").unwrap().as_str(), "a b");
        assert_eq!(Name::parse(" \t ", "/x").unwrap_err().code, "empty");
        assert_eq!(Name::parse("a\u{0}b", "/x").unwrap_err().code, "control_character");
        assert!(Name::parse(&"é".repeat(255), "/x").is_ok());
        assert_eq!(Name::parse(&"é".repeat(256), "/x").unwrap_err().code, "too_long");
    }

    proptest! {
        #[test]
        fn what_parses_parses_again_to_itself(text in ".{0,300}") {
            if let Ok(name) = Name::parse(&text, "/x") {
                prop_assert_eq!(Name::parse(name.as_str(), "/x").unwrap(), name);
            }
        }
    }
}
