//! Formats a time for `x-amz-date`: `20130524T000000Z`.

use std::time::{SystemTime, UNIX_EPOCH};

/// The last second of the year 9999: the format has room for four digits.
const LAST_SECOND: u64 = 253_402_300_799;

const SECONDS_PER_DAY: u64 = 86_400;

/// A formatted time. Formatting is integer arithmetic, cheap enough that the text is not cached between requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct AmzDate {
    text: [u8; 16],
    day: u64,
}

impl AmzDate {
    /// Formats a time. A time before 1970 becomes the first second of 1970: the server rejects both, and its error
    /// response contains the correct time.
    pub(super) fn new(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs().min(LAST_SECOND);
        let (day, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
        let (year, month, day_of_month) = civil(day);
        let mut text = *b"00000000T000000Z";
        for (at, number) in [
            (0, year / 100),
            (2, year % 100),
            (4, month),
            (6, day_of_month),
            (9, second / 3600),
            (11, second / 60 % 60),
            (13, second % 60),
        ] {
            text[at] += (number / 10) as u8;
            text[at + 1] += (number % 10) as u8;
        }
        Self { text, day }
    }

    /// `YYYYMMDDThhmmssZ`.
    pub(super) fn date_time(&self) -> &[u8] {
        &self.text
    }

    /// `YYYYMMDD`.
    pub(super) fn date(&self) -> &[u8] {
        &self.text[..8]
    }

    /// Days since 1970.
    pub(super) fn day(&self) -> u64 {
        self.day
    }
}

/// Returns year, month and day of month. Years begin in March here, so that the leap day is their last; an era
/// is the 400 years after which the calendar repeats.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    // 1970-01-01 is 719,468 days after 0000-03-01.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    // Leap days that have passed in the era: one per 4 years, but not per 100, and the last day of the era.
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March have 153 days, and so have the next five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) = match month_from_march < 10 {
        true => (month_from_march + 3, 0),
        false => (month_from_march - 9, 1),
    };
    (era * 400 + year_of_era + next_year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(time: SystemTime) -> String {
        String::from_utf8(AmzDate::new(time).date_time().to_vec()).unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn known_times_are_formatted() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_369_353_600, "20130524T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (LAST_SECOND, "99991231T235959Z"),
        ] {
            assert_eq!(text(at(seconds)), expected);
        }
    }

    #[test]
    fn times_that_do_not_fit_become_the_nearest_that_do() {
        assert_eq!(
            text(UNIX_EPOCH - Duration::from_secs(1)),
            "19700101T000000Z"
        );
        assert_eq!(text(at(LAST_SECOND + 1)), "99991231T235959Z");
    }

    /// `httpdate` is an independent implementation of the calendar.
    #[test]
    fn every_day_of_four_centuries_agrees_with_httpdate() {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        for day in 0..146_097 {
            let time = at(day * SECONDS_PER_DAY + 3_661);
            // `Thu, 01 Jan 1970 01:01:01 GMT`
            let http = httpdate::fmt_http_date(time);
            let month = MONTHS.iter().position(|name| *name == &http[8..11]);
            let expected = format!(
                "{}{:02}{}T010101Z",
                &http[12..16],
                month.unwrap() + 1,
                &http[5..7]
            );
            assert_eq!(text(time), expected);
            assert_eq!(AmzDate::new(time).day(), day);
        }
    }
}
