//! Calendar days of a tenant's time zone. Every day in the system is cut here, by one time-zone database.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Timelike};
use chrono_tz::{GapInfo, Tz};

use crate::instant::Instant;
use crate::invalid::{Invalid, shown};

/// A calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

const EPOCH_FROM_CE: i32 = 719_163;

impl Day {
    /// The day `number` days after 1970-01-01.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Reads `2026-11-24`, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
            .ok()
            .filter(|date| (1970..=9999).contains(&date.year()))
            .map(Self::from)
            .ok_or_else(|| {
                let detail = format!("{} is no date: write it like 2026-11-24", shown(text));
                Invalid::new("invalid_date", pointer, detail)
            })
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The day before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Its day of the week, in English and lower case.
    #[must_use]
    pub fn weekday(self) -> &'static str {
        const WORDS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        WORDS[self.to_date().weekday().num_days_from_monday() as usize]
    }

    /// The same day for libraries that speak `chrono`.
    #[must_use]
    pub fn to_date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_FROM_CE)).unwrap_or(NaiveDate::MAX)
    }
}

impl From<NaiveDate> for Day {
    fn from(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - EPOCH_FROM_CE)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_date().format("%Y-%m-%d"))
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Reads a name such as `Europe/Berlin`, which stands at `pointer`.
    pub fn parse(name: &str, pointer: &str) -> Result<Self, Invalid> {
        name.trim().parse().map(Self).map_err(|_| {
            let detail = format!("{} is no IANA time zone: use a name such as Europe/Berlin or UTC", shown(name));
            Invalid::new("unknown_time_zone", pointer, detail)
        })
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The local day that contains `instant`. Days never go back: once [`Zone::end_of`] a day has come, the day is over,
    /// also where the clocks are then set back over midnight and show its date again.
    #[must_use]
    pub fn day_of(self, instant: Instant) -> Day {
        let local = self.0.from_utc_datetime(&instant.to_utc().naive_utc());
        let day = Day::from(local.date_naive());
        // Clocks are set back by a few hours at most, so only an evening can be one that comes twice.
        if local.hour() >= 18 && instant >= self.end_of(day) { day.next() } else { day }
    }

    /// The hour that the clocks show at `instant`, 0 to 23.
    #[must_use]
    pub fn hour_of(self, instant: Instant) -> u32 {
        self.0.from_utc_datetime(&instant.to_utc().naive_utc()).hour()
    }

    /// The first instant after `day`: its events are those before this instant.
    #[must_use]
    pub fn end_of(self, day: Day) -> Instant {
        let midnight = day.to_date().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN);
        // Where the clocks skip midnight, the next day begins at the first instant after the gap; that may be a day
        // later, where a whole day was left out at the date line.
        let begins = self.0.from_local_datetime(&midnight).earliest();
        let begins = begins.or_else(|| GapInfo::new(&midnight, &self.0).and_then(|gap| gap.end));
        begins.unwrap_or_else(|| self.0.from_utc_datetime(&midnight)).to_utc().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_follow_the_zone_through_clock_changes() {
        let berlin = Zone::parse("Europe/Berlin", "/z").unwrap();
        let at = |text| Instant::parse(text, "/t").unwrap();
        assert_eq!(berlin.day_of(at("2026-10-24T22:00:00Z")).to_string(), "2026-10-25");
        // The day of the autumn change has 25 hours.
        assert_eq!(berlin.end_of(Day::parse("2026-10-25", "").unwrap()), at("2026-10-25T23:00:00Z"));
        // In Beirut the clocks skip the midnight of 2026-03-29.
        let beirut = Zone::parse("Asia/Beirut", "/z").unwrap();
        assert_eq!(beirut.end_of(Day::parse("2026-03-28", "").unwrap()), at("2026-03-28T22:00:00Z"));
        assert!(Zone::parse("Mars/Olympus", "/z").is_err());
    }

    #[test]
    fn days_never_go_back_and_a_day_that_was_left_out_is_empty() {
        let at = |text| Instant::parse(text, "/t").unwrap();
        let day = |text| Day::parse(text, "").unwrap();
        // At 00:01 of 2010-11-07 the clocks of St. John's were set back to 23:01: the 7th has begun at midnight.
        let newfoundland = Zone::parse("America/St_Johns", "/z").unwrap();
        assert_eq!(newfoundland.end_of(day("2010-11-06")), at("2010-11-07T02:30:00Z"));
        assert_eq!(newfoundland.day_of(at("2010-11-07T02:29:59Z")), day("2010-11-06"));
        assert_eq!(newfoundland.day_of(at("2010-11-07T02:30:00Z")), day("2010-11-07"));
        assert_eq!(newfoundland.day_of(at("2010-11-07T02:31:00Z")), day("2010-11-07"));
        // Samoa left out 2011-12-30.
        let samoa = Zone::parse("Pacific/Apia", "/z").unwrap();
        assert_eq!(samoa.end_of(day("2011-12-29")), at("2011-12-30T10:00:00Z"));
        assert_eq!(samoa.end_of(day("2011-12-30")), at("2011-12-30T10:00:00Z"));
        assert_eq!(samoa.day_of(at("2011-12-30T10:00:00Z")), day("2011-12-31"));
    }

    proptest! {
        #[test]
        fn an_instant_lies_before_the_end_of_its_day_and_not_before_its_start(
            micros in 0i64..4_000_000_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Beirut", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
        ) {
            let zone = Zone::parse(zone, "/z").unwrap();
            let at = Instant::from_micros(micros);
            let day = zone.day_of(at);
            prop_assert!(at < zone.end_of(day));
            prop_assert!(at >= zone.end_of(day.previous()));
        }
    }
}
