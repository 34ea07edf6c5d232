//! Slow path: parses every timestamp format that S3 servers and other programs write.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{digits, seconds_of};

/// Parses a time that is not in one of the usual forms.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (seconds, nanos, ahead) = of_iso(text)
        .or_else(|| of_words(text))
        .or_else(|| of_epoch(text))?;
    let seconds = seconds - ahead;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let at = match seconds {
        0.. => UNIX_EPOCH.checked_add(whole),
        _ => UNIX_EPOCH.checked_sub(whole),
    };
    at?.checked_add(Duration::from_nanos(nanos.into()))
}

/// Seconds and nanoseconds as if in UTC, and the seconds that the zone is ahead of it.
type Read = (i64, u32, i64);

fn of_iso(text: &str) -> Option<Read> {
    let digits = |text: &str, at: usize, count: usize| digits(text.as_bytes().get(at..at + count)?);
    let year = digits(text, 0, 4)?;
    let step = usize::from(text.as_bytes().get(4) == Some(&b'-'));
    let month = digits(text, 4 + step, 2)?;
    let day = digits(text, 6 + 2 * step, 2)?;
    let rest = text.get(8 + 2 * step..)?;
    let clock = rest.strip_prefix(['T', 't', ' ', '_'])?.trim_start();
    let step = usize::from(clock.as_bytes().get(2) == Some(&b':'));
    let hour = digits(clock, 0, 2)?;
    let minute = digits(clock, 2 + step, 2)?;
    let (second, rest) = match digits(clock, 4 + 2 * step, 2) {
        Some(second) => (second, clock.get(6 + 2 * step..)?),
        None => (0, clock.get(4 + step..)?),
    };
    let (nanos, rest) = fraction(rest);
    Some((
        seconds_of(year, month, day, [hour, minute, second])?,
        nanos,
        zone(rest)?,
    ))
}

/// `Tue, 13 Mar 2018 17:25:04 GMT`, `Tue Mar 13 17:25:04 2018`, `Tuesday, 13-Mar-18 17:25:04 +01:00`.
fn of_words(text: &str) -> Option<Read> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let (mut day, mut month, mut year, mut clock, mut offset) = (None, None, None, None, None);
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    for word in words {
        if clock.is_none() && word.contains(':') && !word.starts_with(['+', '-']) {
            clock = Some(word);
        } else if word.starts_with(['+', '-']) || clock.is_some() && zone(word).is_some() {
            offset = Some(zone(word)?);
        } else {
            for part in word.split('-') {
                let lower = part.to_ascii_lowercase();
                let named = MONTHS.iter().position(|month| lower.starts_with(month));
                match part.parse::<u32>() {
                    Ok(number) if day.is_none() && part.len() <= 2 => day = Some(number),
                    Ok(number) if part.len() == 2 => {
                        year = Some(number + if number < 70 { 2000 } else { 1900 });
                    }
                    Ok(number) => year = Some(number),
                    Err(_) => month = month.or(named),
                }
            }
        }
    }
    let mut parts = clock?.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second = parts.next().unwrap_or("0");
    let (second, rest) = second.split_at(second.find(['.', ',']).unwrap_or(second.len()));
    let month = u32::try_from(month?).ok()? + 1;
    let seconds = seconds_of(year?, month, day?, [hour, minute, second.parse().ok()?])?;
    Some((seconds, fraction(rest).0, offset.unwrap_or_default()))
}

/// Seconds, or milliseconds if there are three more digits.
fn of_epoch(text: &str) -> Option<Read> {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => Some((number, fraction(rest).0, 0)),
        13 if rest.is_empty() => {
            let nanos = u32::try_from(number % 1000).ok()? * 1_000_000;
            Some((number / 1000, nanos, 0))
        }
        _ => None,
    }
}

/// Reads `.123` or `,123` into nanoseconds. Returns them and the rest of the text.
fn fraction(text: &str) -> (u32, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return (0, text);
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let nine: String = rest[..end]
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    (nine.parse().unwrap_or_default(), &rest[end..])
}

/// Reads `Z`, `GMT`, `+01`, `+0100`, `+01:00` or nothing into seconds.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim();
    if ["", "z", "gmt", "utc", "ut"].contains(&&*text.to_ascii_lowercase()) {
        return Some(0);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let number: i64 = digits.parse().ok().filter(|number| *number >= 0)?;
    match digits.len() {
        2 => Some(sign * number * 3600),
        4 => Some(sign * (number / 100 * 3600 + number % 100 * 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<Duration> {
        parse(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap())
    }

    #[test]
    fn one_moment_has_many_forms() {
        let moment = Some(Duration::from_secs(1_520_961_904));
        for text in [
            "2018-03-13t17:25:04z",
            "2018-03-13T17:25:04Z",
            "2018-03-13T17:25:04.000Z",
            " 2018-03-13T17:25:04\n",
            "2018-03-13 17:25:04",
            "2018-03-13 17:25:04 +0000",
            "2018-03-13T18:25:04+01:00",
            "2018-03-13T16:25:04-01",
            "2018-03-13T17:25:04 UTC",
            "20180313T172504Z",
            "Tue, 13 Mar 2018 17:25:04 GMT",
            "Tue, 13 Mar 2018 17:25:04 +00:00",
            "Tue, 13 Mar 2018 19:25:04 +0200",
            "Tue, 13 Mar 2018 17:25:04",
            "13 March 2018 17:25:04 UTC",
            "Tuesday, 13-Mar-18 17:25:04 GMT",
            "Tue Mar 13 17:25:04 2018",
            "Tue, 13 Mar 2018 17:25:04.000 GMT",
            "1520961904",
            "1520961904000",
        ] {
            assert_eq!(seconds(text), moment, "{text}");
        }
        assert_eq!(
            seconds("2018-03-13T17:25:04.123456789Z"),
            Some(Duration::new(1_520_961_904, 123_456_789))
        );
        let before = UNIX_EPOCH - Duration::from_millis(750);
        assert_eq!(parse("1969-12-31T23:59:59.25Z"), Some(before));
        assert_eq!(
            seconds("1520961904.5"),
            Some(Duration::from_millis(1_520_961_904_500))
        );
        assert_eq!(
            seconds("2018-03-13T17:25Z"),
            Some(Duration::from_secs(1_520_961_900))
        );
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let mut days = 0;
        for year in 1970..2110 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(seconds) = seconds_of(year, month, day, [0; 3]) {
                        assert_eq!(seconds, days * 86_400, "{year}-{month}-{day}");
                        days += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn invalid_times_are_none() {
        for text in [
            "",
            "0",
            "yesterday",
            "2018-02-29T00:00:00Z",
            "2018-13-01T00:00:00Z",
            "2018-03-13T25:00:00Z",
            "2018-03-13",
            "2018-03-13T17:25:04 Mars",
            "Tue, 32 Mar 2018 17:25:04 GMT",
            "Tue, 13 Mar 17:25:04 GMT",
            "99999999999999999999",
            "é",
            "+",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
