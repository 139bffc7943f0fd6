//! Times as tables write them, turned into RFC 3339.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

/// How the times of the input are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// As the service takes it: handed on as it is.
    Rfc3339,
    /// Seconds since 1970, decimals allowed.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
    /// A pattern of `strftime`; without an offset in it the time is UTC, without a time of day it is midnight.
    Pattern(String),
}

impl TimeFormat {
    /// Reads the value of `--time-format`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "rfc3339" => Ok(Self::Rfc3339),
            "unix" => Ok(Self::Unix),
            "unix-ms" => Ok(Self::UnixMillis),
            pattern if pattern.contains('%') => {
                let known = chrono::format::StrftimeItems::new(pattern).all(|item| item != chrono::format::Item::Error);
                anyhow::ensure!(known, "--time-format: {pattern:?} is no pattern: write it like '%Y-%m-%d %H:%M:%S'");
                Ok(Self::Pattern(pattern.to_owned()))
            }
            other => anyhow::bail!(
                "--time-format: {other:?} is not known: use rfc3339, unix, unix-ms or a pattern such as '%Y-%m-%d %H:%M:%S'"
            ),
        }
    }

    /// The time in RFC 3339; the error says what was expected.
    pub(crate) fn convert(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        let time = match self {
            Self::Rfc3339 => return Ok(text.to_owned()),
            Self::Unix => journey::parse_units(text).ok().and_then(DateTime::from_timestamp_micros),
            Self::UnixMillis => text.parse().ok().and_then(DateTime::from_timestamp_millis),
            Self::Pattern(pattern) => DateTime::parse_from_str(text, pattern)
                .map(|time| time.to_utc())
                .or_else(|_| NaiveDateTime::parse_from_str(text, pattern).map(|time| time.and_utc()))
                .or_else(|_| NaiveDate::parse_from_str(text, pattern).map(|day| day.and_time(NaiveTime::MIN).and_utc()))
                .ok(),
        };
        time.map(|time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .ok_or_else(|| format!("{text:?} is no time of the format {}", self.shown()))
    }

    fn shown(&self) -> &str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Unix => "unix",
            Self::UnixMillis => "unix-ms",
            Self::Pattern(pattern) => pattern,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_what_tables_hold() {
        let convert = |format: &str, text: &str| TimeFormat::parse(format).unwrap().convert(text);
        assert_eq!(convert("unix", "1793527200").unwrap(), "2026-11-01T10:00:00Z");
        assert_eq!(convert("unix", "1793527200.25").unwrap(), "2026-11-01T10:00:00.250Z");
        assert_eq!(convert("unix-ms", "1793527200001").unwrap(), "2026-11-01T10:00:00.001Z");
        assert_eq!(convert("%Y-%m-%d %H:%M:%S", "2026-11-01 10:00:00").unwrap(), "2026-11-01T10:00:00Z");
        assert_eq!(convert("%d.%m.%Y %H:%M %z", "01.11.2026 12:00 +0200").unwrap(), "2026-11-01T10:00:00Z");
        assert_eq!(convert("%Y-%m-%d", "2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(convert("rfc3339", " 2026-11-01T10:00:00+02:00").unwrap(), "2026-11-01T10:00:00+02:00");
        assert!(convert("%Y-%m-%d", "yesterday").unwrap_err().contains("%Y-%m-%d"));
        assert!(convert("unix", "2026-11-01").is_err());
        assert!(TimeFormat::parse("iso").is_err() && TimeFormat::parse("%Q%").is_err());
    }
}
