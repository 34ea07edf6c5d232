//! Formats names and times for output.

use std::fmt::Write;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns a name on one line: control characters are written as `\x0a`.
pub(crate) fn printable(name: &str) -> String {
    if !name.chars().any(char::is_control) {
        return name.to_owned();
    }
    let mut text = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if !letter.is_control() {
            text.push(letter);
            continue;
        }
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            write!(text, "\\x{byte:02x}").expect("writing to a string never fails");
        }
    }
    text
}

/// Returns a time in the local time zone, as `2026-11-29 06:59:31`; blanks without a time.
pub(crate) fn local_time(time: Option<SystemTime>, zone: &TimeZone) -> String {
    match time.and_then(|time| Timestamp::try_from(time).ok()) {
        Some(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        None => " ".repeat(19),
    }
}

/// Returns a time as RFC 3339 in UTC.
pub(crate) fn rfc3339(time: Option<SystemTime>) -> Option<String> {
    let time = Timestamp::try_from(time?).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn control_characters_are_escaped_and_others_stay() {
        assert_eq!(printable("a\nb\u{85}\\é"), "a\\x0ab\\xc2\\x85\\é");
    }

    #[test]
    fn times_are_printed_in_the_zone_and_in_utc() {
        let time = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_935_571));
        assert_eq!(rfc3339(time).as_deref(), Some("2026-11-29T06:59:31Z"));
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(local_time(time, &berlin), "2026-11-29 07:59:31");
        assert_eq!(local_time(None, &berlin).len(), 19);
    }
}
