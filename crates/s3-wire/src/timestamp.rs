//! Dates of documents (RFC 3339) and of headers (IMF-fixdate).

mod any;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use any::parse_any;

/// Reads a date of a document: `2026-10-20T10:11:12.000Z`, or another form of RFC 3339.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    rfc3339_utc(text.as_bytes()).or_else(|| any_rfc3339(text.as_bytes()))
}

/// Reads a date of a header: `Tue, 20 Oct 2026 10:11:12 GMT`, or an obsolete form that HTTP allows.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<SystemTime> {
    imf_fixdate(text.as_bytes()).or_else(|| {
        // Some servers add a fraction, which HTTP has no room for.
        match text
            .strip_suffix(" GMT")
            .and_then(|text| text.split_once('.'))
        {
            Some((whole, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
                imf_fixdate(format!("{whole} GMT").as_bytes())
            }
            _ => httpdate::parse_http_date(text).ok(),
        }
    })
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
    let seconds = u64::try_from(seconds_of_base(base)?).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, millis * 1_000_000))
}

/// Reads any fraction, any offset and years before 1970.
fn any_rfc3339(text: &[u8]) -> Option<SystemTime> {
    let (base, rest) = text.split_at_checked(19)?;
    if !b"Tt ".contains(&base[10]) {
        return None;
    }
    let (mut nanos, mut zone) = (0, rest);
    if let [b'.', fraction @ ..] = rest {
        let len = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let kept = digits(&fraction[..len.min(9)]).filter(|_| len > 0)?;
        nanos = kept * 10_u32.pow(9 - len.min(9) as u32);
        zone = &fraction[len..];
    }
    let offset = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let offset = i64::from(hours * 3600 + minutes * 60);
            if hours > 23 || minutes > 59 {
                return None;
            }
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    let seconds = seconds_of_base(base)? - offset;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let at = match seconds {
        0.. => UNIX_EPOCH.checked_add(whole),
        _ => UNIX_EPOCH.checked_sub(whole),
    };
    at?.checked_add(Duration::from_nanos(nanos.into()))
}

/// Reads `2026-10-20T10:11:12` with any separator of date and time.
fn seconds_of_base(base: &[u8]) -> Option<i64> {
    if [base[4], base[7], base[13], base[16]] != *b"--::" {
        return None;
    }
    let (year, month) = (digits(&base[..4])?, digits(&base[5..7])?);
    seconds_of(year, month, digits(&base[8..10])?, &base[11..19])
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
    let seconds = u64::try_from(seconds_of(year, month, day, &text[17..25])?).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Returns the seconds since 1970 of a date and a `10:11:12`; `None` if there is no such date or time.
fn seconds_of(year: u32, month: u32, day: u32, clock: &[u8]) -> Option<i64> {
    let (hour, minute) = (digits(&clock[..2])?, digits(&clock[3..5])?);
    let second = digits(&clock[6..8])?;
    let valid = year >= 1
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
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

    fn at(seconds: u64, millis: u32) -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds, millis * 1_000_000)
    }

    #[test]
    fn every_form_of_a_document_date_is_read() {
        for (text, want) in [
            ("2015-10-21T07:28:00.000Z", at(1_445_412_480, 0)),
            ("2015-10-21T07:28:00Z", at(1_445_412_480, 0)),
            ("2015-10-21T07:28:00.5Z", at(1_445_412_480, 500)),
            ("2015-10-21t07:28:00.5000000001z", at(1_445_412_480, 500)),
            ("2015-10-21T09:28:00+02:00", at(1_445_412_480, 0)),
            ("2015-10-20 23:28:00-08:00", at(1_445_412_480, 0)),
            (
                "1969-12-31T23:59:59.000Z",
                UNIX_EPOCH - Duration::from_secs(1),
            ),
            (
                "1969-12-31T23:59:59.25Z",
                UNIX_EPOCH - Duration::from_millis(750),
            ),
        ] {
            assert_eq!(parse_rfc3339(text), Some(want), "{text}");
        }
    }

    #[test]
    fn every_form_of_a_header_date_is_read() {
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "Wed, 21 Oct 2015 07:28:00.000 GMT",
        ] {
            assert_eq!(parse_http_date(text), Some(at(1_445_412_480, 0)), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_date_is_rejected() {
        for text in [
            "",
            "yesterday",
            "2015-02-29T00:00:00.000Z",
            "2015-13-01T00:00:00.000Z",
            "2015-10-21T07:28:00.Z",
            "2015-10-21T07:28:00",
            "2015-10-21T07:28:00+24:00",
            "2015-10-21T07:28:00.000Zé",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        for text in ["", "0", "yesterday", "Wed, 32 Oct 2015 07:28:00 GMT"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
