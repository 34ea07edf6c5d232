//! The time that goes into signatures: this machine's, corrected by what the server says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;

/// S3 refuses signatures that are further off: `RequestTimeTooSkewed` in its list of error codes.
const TOLERATED: Duration = Duration::from_secs(15 * 60);

/// A clock that can be set by a server's `Date` header.
///
/// S3 refuses a signature whose time is more than 15 minutes off (`RequestTimeTooSkewed`). A machine whose clock
/// is wrong by more than that can still talk to it, once the difference is known. Clone is a reference count: the
/// direct path and the generated client of a store go by one clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// What has to be added to the system's time, in milliseconds.
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the corrected time.
    pub(super) fn now(&self) -> SystemTime {
        self.at(SystemTime::now())
    }

    /// Takes over the time of a refusal that is about the time, given as the value of its `Date` header. Returns
    /// whether signing again is worth one more attempt.
    ///
    /// Other answers do not set the clock: the header is up to a second old when it is written, and as old as the
    /// answer when it is read.
    pub(super) fn is_set_right_by(
        &self,
        status: u16,
        code: Option<&str>,
        date_header: Option<&str>,
    ) -> bool {
        let Some(date) = date_header else {
            return false;
        };
        match code {
            Some("RequestTimeTooSkewed") => self.learn_at(date, SystemTime::now()),
            // An answer to HEAD gives no reason.
            None if status == 403 => {
                self.is_far_from(date) && self.learn_at(date, SystemTime::now())
            }
            _ => false,
        }
    }

    /// Returns whether a `Date` header is so far from the corrected time that S3 refuses signatures.
    fn is_far_from(&self, date_header: &str) -> bool {
        let Ok(server) = httpdate::parse_http_date(date_header.trim()) else {
            return false;
        };
        let now = self.now();
        let distance = server
            .duration_since(now)
            .or_else(|_| now.duration_since(server));
        distance.is_ok_and(|distance| distance >= TOLERATED)
    }

    fn learn_at(&self, date_header: &str, system: SystemTime) -> bool {
        let Ok(server) = httpdate::parse_http_date(date_header.trim()) else {
            return false;
        };
        let Some(offset) = millis(server).zip(millis(system)) else {
            return false;
        };
        self.offset_ms.store(offset.0 - offset.1, Ordering::Relaxed);
        true
    }

    fn at(&self, system: SystemTime) -> SystemTime {
        let offset = self.offset_ms.load(Ordering::Relaxed);
        let distance = Duration::from_millis(offset.unsigned_abs());
        let corrected = match offset < 0 {
            true => system.checked_sub(distance),
            false => system.checked_add(distance),
        };
        corrected.unwrap_or(system)
    }

    /// Puts the clock forward, for tests of what expires.
    #[cfg(test)]
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}

/// Milliseconds since 1970, negative before.
fn millis(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).ok(),
        Err(before) => i64::try_from(before.duration().as_millis())
            .ok()
            .map(|before| -before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_date_of_the_server_sets_the_clock_forwards_and_backwards() {
        let clock = Clock::default();
        assert_eq!(clock.at(at(1_000)), at(1_000));
        // Sun, 06 Nov 1994 08:49:37 GMT is 784,111,777 seconds after 1970.
        for system in [784_000_000, 784_111_777, 800_000_000] {
            assert!(clock.learn_at("Sun, 06 Nov 1994 08:49:37 GMT", at(system)));
            assert_eq!(clock.at(at(system)), at(784_111_777));
            assert_eq!(clock.at(at(system + 60)), at(784_111_837));
        }
    }

    #[test]
    fn a_machine_that_lives_before_1970_learns_too() {
        let clock = Clock::default();
        let system = UNIX_EPOCH - Duration::from_secs(86_400);
        assert!(clock.learn_at("Sun, 06 Nov 1994 08:49:37 GMT", system));
        assert_eq!(clock.at(system), at(784_111_777));
    }

    #[test]
    fn what_is_no_date_changes_nothing() {
        let clock = Clock::default();
        assert!(clock.learn_at("Sun, 06 Nov 1994 08:49:37 GMT", at(0)));
        for text in [
            "",
            "yesterday",
            "Sun, 06 Nov 1994 08:49:37",
            "1994-11-06T08:49:37Z",
        ] {
            assert!(!clock.learn_at(text, at(0)), "{text}");
            assert_eq!(clock.at(at(0)), at(784_111_777));
        }
    }

    #[test]
    fn only_a_refusal_about_the_time_sets_the_clock() {
        let now = SystemTime::now();
        let far = httpdate::fmt_http_date(now + Duration::from_secs(100_000));
        let near = httpdate::fmt_http_date(now + Duration::from_secs(600));
        const SKEWED: Option<&str> = Some("RequestTimeTooSkewed");
        for (status, code, date, sets) in [
            (403, SKEWED, Some(&far), true),
            (403, SKEWED, Some(&near), true),
            (403, SKEWED, None, false),
            (403, None, Some(&far), true),
            (403, None, Some(&near), false),
            (403, Some("AccessDenied"), Some(&far), false),
            (404, None, Some(&far), false),
        ] {
            let clock = Clock::default();
            let is_set = clock.is_set_right_by(status, code, date.map(|date| &**date));
            assert_eq!(is_set, sets, "{status} {code:?} {date:?}");
            let learnt = clock.now().duration_since(now).unwrap();
            assert_eq!(learnt > Duration::from_secs(500), sets, "{learnt:?}");
        }
    }
}
