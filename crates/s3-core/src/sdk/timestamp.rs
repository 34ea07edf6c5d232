//! Times as S3 writes them, in the one form that servers really use, and the SDK's reader for all others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::convert;

/// Reads the time of an entry of a document: `2026-10-20T10:11:12.000Z`, or another form of RFC 3339. A time that
/// the machine cannot say is `Ok(None)`.
pub(super) fn of_entry(text: &str) -> Result<Option<SystemTime>, &'static str> {
    if let Some(time) = fixed(text.as_bytes()) {
        return Ok(Some(time));
    }
    let time = DateTime::from_str(text, Format::DateTimeWithOffset);
    let time = time.map_err(|_| "an entry's time is no time")?;
    Ok(convert::time(Some(time)))
}

/// Reads the value of a header: `Tue, 20 Oct 2026 10:11:12 GMT`, or another form that HTTP knows.
pub(super) fn of_header(text: &str) -> Option<SystemTime> {
    let other = || match DateTime::from_str(text, Format::HttpDate) {
        Ok(time) => convert::time(Some(time)),
        Err(_) => httpdate::parse_http_date(text).ok(),
    };
    imf_fixdate(text.as_bytes()).or_else(other)
}

/// Reads `2026-10-20T10:11:12.000Z` or `2026-10-20T10:11:12Z`, from 1970 on.
pub(super) fn fixed(text: &[u8]) -> Option<SystemTime> {
    let (base, millis) = match text.len() {
        24 if text[19] == b'.' && text[23] == b'Z' => (&text[..19], digits(&text[20..23])?),
        20 if text[19] == b'Z' => (&text[..19], 0),
        _ => return None,
    };
    let marks = [base[4], base[7], base[10], base[13], base[16]];
    if &marks != b"--T::" {
        return None;
    }
    let (year, month) = (digits(&base[..4])?, digits(&base[5..7])?);
    let seconds = seconds_of(year, month, digits(&base[8..10])?, &base[11..19])?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, millis * 1_000_000))
}

/// Reads `Tue, 20 Oct 2026 10:11:12 GMT`, from 1970 on. The name of the day says nothing new.
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
    let seconds = seconds_of(year, month, day, &text[17..25])?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Returns the seconds since 1970 of a date and a `10:11:12`; `None` for what is no such date or time.
fn seconds_of(year: u32, month: u32, day: u32, clock: &[u8]) -> Option<u64> {
    let (hour, minute) = (digits(&clock[..2])?, digits(&clock[3..5])?);
    let second = digits(&clock[6..8])?;
    let valid = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then(|| {
        u64::from(days_before(year, month, day)) * 86_400
            + u64::from(hour * 3600 + minute * 60 + second)
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

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar, for years from 1970 on.
const fn days_before(year: u32, month: u32, day: u32) -> u32 {
    /// Days of a common year before each month.
    const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    /// Days before 1970 by the same count.
    const EPOCH: u32 = 719_162;
    let last = year - 1;
    let leap_day = month > 2 && is_leap(year);
    last * 365 + last / 4 - last / 100 + last / 400 - EPOCH
        + BEFORE[month as usize - 1]
        + leap_day as u32
        + day
        - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64, millis: u32) -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds, millis * 1_000_000)
    }

    proptest! {
        #[test]
        fn every_time_is_read_as_the_sdk_reads_it(seconds in 0..253_402_300_800_u64, millis in 0..1000_u32) {
            let time = DateTime::from(at(seconds, millis));
            let exact = time.fmt(Format::DateTime).unwrap();
            let padded = format!("{}.{millis:03}Z", &exact[..19]);
            prop_assert_eq!(fixed(padded.as_bytes()), Some(at(seconds, millis)));
            prop_assert_eq!(of_entry(&exact), Ok(Some(at(seconds, millis))));
            let whole = format!("{}Z", &exact[..19]);
            prop_assert_eq!(fixed(whole.as_bytes()), Some(at(seconds, 0)));
            let header = DateTime::from_secs(i64::try_from(seconds).unwrap()).fmt(Format::HttpDate).unwrap();
            prop_assert_eq!(imf_fixdate(header.as_bytes()), Some(at(seconds, 0)));
        }

        #[test]
        fn what_is_read_fast_is_what_the_sdk_reads(
            text in "(1[69]|20)[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,4})?(Z|z|\\+01:00)"
        ) {
            if let Some(fast) = fixed(text.as_bytes()) {
                let slow = DateTime::from_str(&text, Format::DateTimeWithOffset).unwrap();
                prop_assert_eq!(SystemTime::try_from(slow).unwrap(), fast);
            }
        }
    }

    #[test]
    fn other_forms_take_the_long_way() {
        for (text, want) in [
            ("2015-10-21T07:28:00.5Z", at(1_445_412_480, 500)),
            ("2015-10-21T09:28:00+02:00", at(1_445_412_480, 0)),
            (
                "1969-12-31T23:59:59.000Z",
                UNIX_EPOCH - Duration::from_secs(1),
            ),
        ] {
            assert_eq!(fixed(text.as_bytes()), None, "{text}");
            assert_eq!(of_entry(text), Ok(Some(want)), "{text}");
        }
        for text in [
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "Wed, 21 Oct 2015 07:28:00.000 GMT",
        ] {
            assert_eq!(of_header(text), Some(at(1_445_412_480, 0)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2015-02-29T00:00:00.000Z",
            "2015-13-01T00:00:00.000Z",
        ] {
            assert!(of_entry(text).is_err(), "{text}");
        }
        for text in ["", "0", "yesterday", "Wed, 32 Oct 2015 07:28:00 GMT"] {
            assert_eq!(of_header(text), None, "{text}");
        }
    }
}
