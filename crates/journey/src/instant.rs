//! Instants, cut to microseconds.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::invalid::{Invalid, shown};

/// A day of 24 hours, in microseconds. "+7 days" is seven of these, whatever the clocks did.
pub const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The instant `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, which stands at `pointer`; finer digits than microseconds are cut off.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        DateTime::parse_from_rfc3339(text.trim()).map(|t| Self(t.timestamp_micros())).map_err(|_| {
            let detail = format!("{} is no RFC 3339 time: write it like 2026-11-01T10:00:00Z", shown(text));
            Invalid::new("invalid_time", pointer, detail)
        })
    }

    /// The instant `days` days of 24 hours later (earlier where negative).
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY_MICROS)))
    }

    /// The instant `micros` microseconds later (earlier where negative).
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The same instant for libraries that speak `chrono`.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_to_microseconds_and_keeps_the_instant() {
        let at = Instant::parse("2026-11-01T12:00:00.123456789+02:00", "/t").unwrap();
        assert_eq!(at.to_string(), "2026-11-01T10:00:00.123456Z");
        assert_eq!(Instant::parse("+294277-01-01T00:00:00Z", "/t").unwrap_err().code, "invalid_time");
        assert_eq!(Instant::parse("2026-11-01", "/t").unwrap_err().code, "invalid_time");
    }
}
