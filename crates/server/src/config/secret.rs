//! A text that is never shown.

use std::fmt;
use std::str::FromStr;

/// A password, a key, or an address that holds one: it shows itself neither in `{}` nor in `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Never log or print it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = &'static str;

    /// An empty text is refused: a variable that was forgotten must not switch something off silently.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() { Err("it is empty: give it a value, or unset it") } else { Ok(Self(text.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_never_empty() {
        let secret: Secret = " hunter2 ".parse().unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(format!("{:?}", Some(secret)), "Some(Secret(..))");
        assert!("  ".parse::<Secret>().is_err());
    }
}
