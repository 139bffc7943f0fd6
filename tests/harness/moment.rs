//! Instants for tests: texts that read like a calendar.

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// RFC 3339 of an instant, to the microsecond.
#[must_use]
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Midnight UTC, `days` days ago.
#[must_use]
pub fn days_ago(days: u64) -> DateTime<Utc> {
    date_ago(days).and_time(chrono::NaiveTime::MIN).and_utc()
}

/// The UTC date `days` days ago.
#[must_use]
pub fn date_ago(days: u64) -> NaiveDate {
    Utc::now().date_naive().checked_sub_days(Days::new(days)).expect("a date within range")
}

/// `at` and some hours.
#[must_use]
pub fn plus_hours(at: DateTime<Utc>, hours: i64) -> DateTime<Utc> {
    at + TimeDelta::hours(hours)
}
