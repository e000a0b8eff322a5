//! Dates as a clinic knows them: a day, or only a month, or only a year (ISO 8601 reduced precision).
//!
//! A partial date keeps its precision here; only a named imputation rule makes a day of it, and the result says that it
//! was imputed (`ADTF` in `ADaM`). Never reads a clock. See the CDISC `ADaM` Implementation Guide 1.3, section 3.3.2.

use std::fmt;

use jiff::civil::{self, Date};
use serde::{Deserialize, Serialize};

/// Days in an average month, as endpoints report months: 365.25 / 12.
pub const DAYS_PER_MONTH: f64 = 30.4375;

/// A date of full or reduced precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PartialDate {
    /// Only the year is known.
    Year(i16),
    /// Year and month are known.
    Month(i16, i8),
    /// The day is known.
    Day(Date),
}

/// What was imputed in a date: the `ADTF` flag of `ADaM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Imputed {
    /// The day.
    #[serde(rename = "D")]
    Day,
    /// The month, and with it the day.
    #[serde(rename = "M")]
    Month,
}

/// A day ready for arithmetic, with the flag that says what was imputed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnalysisDate {
    /// The day.
    pub date: Date,
    /// What was imputed, if anything (`ADTF`).
    pub imputed: Option<Imputed>,
}

/// Text that is no ISO 8601 date of day, month or year precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no date: write YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known")]
pub struct DateError {
    /// The text as it stood.
    pub found: String,
}

/// `YYYY-MM-DD` and nothing else, as nearly every date is written; none where it is not, or is no day.
fn whole(text: &[u8]) -> Option<Date> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_i16, |n, digit| digit.is_ascii_digit().then(|| 10 * n + i16::from(digit - b'0')))
    };
    let two = |digits: [u8; 2]| i8::try_from(number(&digits)?).ok();
    Date::new(number(&[a, b, c, d])?, two([e, f])?, two([g, h])?).ok()
}

impl PartialDate {
    /// Parses `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; a time of day after `T` is dropped, as endpoints count days.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        Self::read(text).ok_or_else(|| DateError { found: text.to_owned() })
    }

    /// The same for whoever tries a text that may be anything: what is no date costs next to nothing.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if !text.as_bytes().first()?.is_ascii_digit() {
            return None;
        }
        if let Some(day) = whole(text.as_bytes()) {
            return Some(Self::Day(day));
        }
        let day = text.split_once('T').map_or(text, |(day, _)| day);
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let mut parts = day.split('-');
        let year = parts.next().filter(|y| y.len() == 4 && all_digits(y))?;
        let year: i16 = year.parse().ok()?;
        let two =
            |s: &str| -> Option<i8> { if s.len() == 2 && all_digits(s) { s.parse().ok() } else { None } };
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Some(Self::Year(year)),
            (Some(month), None, _) => {
                let month = two(month)?;
                (1..=12).contains(&month).then_some(Self::Month(year, month))
            }
            (Some(month), Some(day), None) => Date::new(year, two(month)?, two(day)?).map(Self::Day).ok(),
            _ => None,
        }
    }

    /// The day, if it is known.
    pub fn day(self) -> Option<Date> {
        match self {
            Self::Day(date) => Some(date),
            _ => None,
        }
    }

    /// The first day the date can mean.
    pub fn first(self) -> Date {
        match self {
            Self::Year(year) => civil::date(year, 1, 1),
            Self::Month(year, month) => civil::date(year, month, 1),
            Self::Day(date) => date,
        }
    }

    /// The last day the date can mean.
    pub fn last(self) -> Date {
        match self {
            Self::Year(year) => civil::date(year, 12, 31),
            Self::Month(year, month) => civil::date(year, month, 1).last_of_month(),
            Self::Day(date) => date,
        }
    }

    fn flag(self) -> Option<Imputed> {
        match self {
            Self::Year(_) => Some(Imputed::Month),
            Self::Month(..) => Some(Imputed::Day),
            Self::Day(_) => None,
        }
    }

    /// The rule for an onset: the first possible day, but not before `not_before` (the start of treatment) where the
    /// known part allows that day.
    pub fn impute_onset(self, not_before: Option<Date>) -> AnalysisDate {
        let date = match not_before {
            Some(start) if self.first() < start && start <= self.last() => start,
            _ => self.first(),
        };
        AnalysisDate { date: self.day().unwrap_or(date), imputed: self.flag() }
    }

    /// The rule for an end or a death: the last possible day, but not after `not_after` (the cut-off) where the known
    /// part allows that day.
    pub fn impute_end(self, not_after: Option<Date>) -> AnalysisDate {
        let date = match not_after {
            Some(cut) if self.first() <= cut && cut < self.last() => cut,
            _ => self.last(),
        };
        AnalysisDate { date: self.day().unwrap_or(date), imputed: self.flag() }
    }
}

impl schemars::JsonSchema for PartialDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PartialDate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "partial-date",
            "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$",
            "description": "A date: YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known.",
        })
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self::Day(date)
    }
}

impl TryFrom<String> for PartialDate {
    type Error = DateError;
    fn try_from(text: String) -> Result<Self, DateError> {
        Self::parse(&text)
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Day(date) => write!(f, "{date}"),
        }
    }
}

/// The latest day it is anywhere at a moment (UTC+14): what is dated no later than this lies in nobody's future. A ledger holds
/// moments in UTC, and a morning in Sydney is the day before there.
pub fn latest_date(moment: jiff::Timestamp) -> Date {
    jiff::tz::Offset::constant(14).to_datetime(moment).date()
}

/// The day of a moment, in UTC.
pub fn utc_date(moment: jiff::Timestamp) -> Date {
    jiff::tz::Offset::UTC.to_datetime(moment).date()
}

/// The last moment of a day, in UTC.
///
/// # Errors
/// Where that is later than a moment can be, as at the end of the year 9999.
pub fn end_of_day(day: Date) -> Result<jiff::Timestamp, jiff::Error> {
    Ok(day.at(23, 59, 59, 999_999_999).to_zoned_datetime(jiff::tz::TimeZone::UTC)?.timestamp())
}

/// Whole days from `from` to `to`; negative where `to` comes first.
pub fn days_between(from: Date, to: Date) -> i64 {
    (to.duration_since(from).as_secs()) / 86_400
}

/// The study day of `date`: day 1 is `start`, the day before it is -1 (SDTM IG 3.4, section 4.4.4).
pub fn study_day(start: Date, date: Date) -> i64 {
    let days = days_between(start, date);
    if days >= 0 { days + 1 } else { days }
}

/// `date` moved by `days`; saturates at the ends of the calendar.
pub fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().try_days(days).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026", "2026-01-01", "2026-12-31")]
    #[case("2024-02", "2024-02-01", "2024-02-29")]
    #[case("2026-11-23", "2026-11-23", "2026-11-23")]
    #[case("2012-09-02T10:15", "2012-09-02", "2012-09-02")]
    fn spans_what_it_can_mean(#[case] text: &str, #[case] first: Date, #[case] last: Date) {
        let date = PartialDate::parse(text).unwrap();
        assert_eq!((date.first(), date.last()), (first, last));
    }

    #[rstest]
    #[case("")]
    #[case("26-11-23")]
    #[case("2026-13")]
    #[case("2026-02-30")]
    #[case("2026-2-3")]
    #[case("23/11/2026")]
    #[case("2026-11-23-1")]
    #[case("+026")]
    fn refuses(#[case] text: &str) {
        assert!(PartialDate::parse(text).is_err());
    }

    // rules.md, 'Partial dates': onset first possible day, not before treatment start if compatible; end and death
    // last possible day not after the cut-off.
    #[rstest]
    #[case("2026-05", Some("2026-05-10"), "2026-05-10")]
    #[case("2026-05", Some("2026-06-10"), "2026-05-01")]
    #[case("2026-05", Some("2026-04-10"), "2026-05-01")]
    #[case("2026", Some("2026-05-10"), "2026-05-10")]
    #[case("2026-05-03", Some("2026-05-10"), "2026-05-03")]
    fn imputes_onset(#[case] text: &str, #[case] start: Option<&str>, #[case] want: Date) {
        let date = PartialDate::parse(text).unwrap().impute_onset(start.map(|s| s.parse().unwrap()));
        assert_eq!(date.date, want);
        assert_eq!(date.imputed.is_some(), text.len() < 10);
    }

    #[rstest]
    #[case("2026-05", Some("2026-05-10"), "2026-05-10")]
    #[case("2026-05", Some("2026-06-10"), "2026-05-31")]
    #[case("2026-05", Some("2026-04-10"), "2026-05-31")]
    #[case("2026", None, "2026-12-31")]
    fn imputes_end(#[case] text: &str, #[case] cut: Option<&str>, #[case] want: Date) {
        let date = PartialDate::parse(text).unwrap().impute_end(cut.map(|s| s.parse().unwrap()));
        assert_eq!(date.date, want);
    }

    #[test]
    fn counts_study_days_without_a_day_zero() {
        let start = civil::date(2026, 3, 1);
        assert_eq!(study_day(start, start), 1);
        assert_eq!(study_day(start, civil::date(2026, 2, 28)), -1);
        assert_eq!(study_day(start, civil::date(2026, 3, 31)), 31);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,14}") {
            let _ = PartialDate::parse(&text);
        }

        #[test]
        fn writes_what_it_read(year in 1i16..9999, month in 1i8..=12, day in 1i8..=28, precision in 0..3) {
            let date = match precision {
                0 => PartialDate::Year(year),
                1 => PartialDate::Month(year, month),
                _ => PartialDate::Day(civil::date(year, month, day)),
            };
            prop_assert_eq!(PartialDate::parse(&date.to_string()).unwrap(), date);
        }
    }
}
