//! Parses timestamps of XML documents and HTTP headers: the usual forms fast, and any other form that servers write.

mod any;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Parses a time: RFC 3339 as in documents, the date of a header, ISO 8601 with or without separators and
/// zone, or seconds or milliseconds since 1970. A time without a zone is UTC.
#[must_use]
pub fn parse(text: &str) -> Option<SystemTime> {
    rfc3339_utc(text.as_bytes())
        .or_else(|| imf_fixdate(text.as_bytes()))
        .or_else(|| any::parse(text))
}

/// Reads `2026-10-20T10:11:12.000Z` or `2026-10-20T10:11:12Z`, from 1970 on: the forms that servers use.
pub(crate) fn rfc3339_utc(text: &[u8]) -> Option<SystemTime> {
    let (base, millis) = match text.len() {
        24 if text[19] == b'.' && text[23] == b'Z' => (&text[..19], digits(&text[20..23])?),
        20 if text[19] == b'Z' => (&text[..19], 0),
        _ => return None,
    };
    if base[10] != b'T' {
        return None;
    }
    if [base[4], base[7], base[13], base[16]] != *b"--::" {
        return None;
    }
    let (year, month) = (digits(&base[..4])?, digits(&base[5..7])?);
    let seconds = seconds_of(year, month, digits(&base[8..10])?, clock(&base[11..])?)?;
    let seconds = u64::try_from(seconds).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, millis * 1_000_000))
}

/// Reads `Tue, 20 Oct 2026 10:11:12 GMT`, from 1970 on. The weekday is not checked.
fn imf_fixdate(text: &[u8]) -> Option<SystemTime> {
    let framed = text.len() == 29 && text[3..5] == *b", " && text[25..] == *b" GMT";
    if !framed || [text[7], text[11], text[16], text[19], text[22]] != *b"   ::" {
        return None;
    }
    let month = match &text[8..11] {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
    let (day, year) = (digits(&text[5..7])?, digits(&text[12..16])?);
    let seconds = u64::try_from(seconds_of(year, month, day, clock(&text[17..25])?)?).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Reads `10:11:12`.
fn clock(text: &[u8]) -> Option<[u32; 3]> {
    Some([
        digits(&text[..2])?,
        digits(&text[3..5])?,
        digits(&text[6..8])?,
    ])
}

/// Returns the seconds since 1970 of a date and a time of day; `None` if there is no such date or time.
fn seconds_of(year: u32, month: u32, day: u32, [hour, minute, second]: [u32; 3]) -> Option<i64> {
    let valid = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        // A leap second.
        && second <= 60;
    valid.then(|| {
        i64::from(days_before(year, month, day)) * 86_400
            + i64::from(hour * 3600 + minute * 60 + second)
    })
}

/// Reads decimal digits and nothing else.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + is_leap(year) as u32,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar.
fn days_before(year: u32, month: u32, day: u32) -> i32 {
    /// Days of a common year before each month.
    const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    /// Days before 1970 by the same count.
    const EPOCH: i32 = 719_162;
    let last = year - 1;
    let leap_day = month > 2 && is_leap(year);
    let days = last * 365 + last / 4 - last / 100
        + last / 400
        + BEFORE[month as usize - 1]
        + u32::from(leap_day)
        + day
        - 1;
    days as i32 - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read_without_the_slow_reader() {
        let at = |millis: u64| Some(UNIX_EPOCH + Duration::from_millis(1_445_412_480_000 + millis));
        for (text, want) in [
            ("2015-10-21T07:28:00.000Z", at(0)),
            ("2015-10-21T07:28:00.250Z", at(250)),
            ("2015-10-21T07:28:00Z", at(0)),
            ("2015-02-29T00:00:00.000Z", None),
            ("2015-13-01T00:00:00.000Z", None),
            ("2015-10-21T24:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2015-10-21t07:28:00z", None),
        ] {
            assert_eq!(rfc3339_utc(text.as_bytes()), want, "{text}");
        }
        let header = b"Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(imf_fixdate(header), at(0));
        assert_eq!(imf_fixdate(b"Wed, 32 Oct 2015 07:28:00 GMT"), None);
    }
}
