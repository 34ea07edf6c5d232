//! The time that goes into signatures: this machine's, corrected by what the server says.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// S3 refuses signatures that are further off: `RequestTimeTooSkewed` in its list of error codes.
const TOLERATED: Duration = Duration::from_secs(15 * 60);

/// A clock that can be set by a server's `Date` header.
///
/// S3 refuses a signature whose time is more than 15 minutes off (`RequestTimeTooSkewed`). A machine whose clock
/// is wrong by more than that can still talk to it, once the difference is known.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// What has to be added to the system's time, in milliseconds.
    offset_ms: AtomicI64,
}

impl Clock {
    /// Returns the corrected time.
    pub(crate) fn now(&self) -> SystemTime {
        self.at(SystemTime::now())
    }

    /// Takes over the time of an answer, given as the value of its `Date` header. Returns whether it could be
    /// read; signing again is then worth one more attempt.
    ///
    /// Call it for answers that say that the time is wrong, not for every answer: the header is up to a second
    /// old when it is written, and as old as the answer when it is read.
    pub(crate) fn learn(&self, date_header: &str) -> bool {
        self.learn_at(date_header, SystemTime::now())
    }

    /// Returns whether a `Date` header is so far from the corrected time that S3 refuses signatures.
    pub(crate) fn is_far_from(&self, date_header: &str) -> bool {
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
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
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
    fn the_time_of_now_is_corrected() {
        let clock = Clock::default();
        let ahead = Duration::from_secs(100_000);
        let server = httpdate::fmt_http_date(SystemTime::now() + ahead);
        assert!(clock.learn(&server));
        let learnt = clock.now().duration_since(SystemTime::now()).unwrap();
        assert!(
            learnt.abs_diff(ahead) < Duration::from_secs(10),
            "{learnt:?}"
        );
    }
}
