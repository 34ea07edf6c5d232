//! [`SigningClock`]: the time for signatures, corrected for clock skew by the `Date` header of error responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;

/// Maximum clock skew that S3 accepts; a larger one is the error `RequestTimeTooSkewed`.
const TOLERATED: Duration = Duration::from_secs(15 * 60);
/// Minimum change of the offset that counts as a jump. Smaller ones are due to the resolution of the header (1 second)
/// and to latency.
const JUMP: Duration = Duration::from_secs(60);

/// A clock that is corrected by a server's `Date` header.
///
/// S3 rejects a signature whose time is more than 15 minutes off (`RequestTimeTooSkewed`). A machine whose clock is off
/// by more than that can still send requests once the offset is known. Clone is a reference count: both transports of a
/// store share one clock.
#[derive(Clone, Debug, Default)]
pub(super) struct SigningClock(Arc<Skew>);

#[derive(Debug, Default)]
struct Skew {
    /// Offset from the system time, in milliseconds.
    offset_ms: AtomicI64,
    /// Number of jumps of the clock.
    jumps: AtomicU64,
}

/// The parts of an error response that concern the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorResponse<'a> {
    pub(super) status: u16,
    pub(super) code: Option<&'a str>,
    /// The header `Date`.
    pub(super) date: Option<&'a str>,
    /// The header `Age`: a cache has stored the response, so its `Date` is old.
    pub(super) age: Option<&'a str>,
    /// The time that the request was signed with.
    pub(super) signed_at: SystemTime,
}

impl SigningClock {
    /// Returns the corrected time.
    pub(super) fn now(&self) -> SystemTime {
        self.at(SystemTime::now())
    }

    /// Returns the number of jumps of the clock. Times computed before a jump are wrong.
    pub(super) fn jumps(&self) -> u64 {
        self.0.jumps.load(Ordering::Acquire)
    }

    /// Sets the clock by an error response if its cause may be the clock. Returns whether the request should be signed
    /// and sent once more.
    ///
    /// Other responses do not set the clock: their `Date` has a resolution of one second, and is older by the latency.
    pub(super) fn learn(&self, error_response: ErrorResponse<'_>) -> bool {
        let Some(date) = error_response.date.filter(|_| error_response.age.is_none()) else {
            return false;
        };
        let about_time = match error_response.code {
            Some("RequestTimeTooSkewed") => true,
            // A response to HEAD has no error code. The clock may have been corrected since this request was signed.
            None => error_response.status == 403 && is_far(date, error_response.signed_at),
            Some(_) => false,
        };
        about_time && self.learn_at(date, SystemTime::now())
    }

    fn learn_at(&self, date_header: &str, system: SystemTime) -> bool {
        let Ok(server) = httpdate::parse_http_date(date_header.trim()) else {
            return false;
        };
        let Some(offset) = millis(server).zip(millis(system)) else {
            return false;
        };
        let offset = offset.0 - offset.1;
        let before = self.0.offset_ms.swap(offset, Ordering::Relaxed);
        if Duration::from_millis(offset.abs_diff(before)) > JUMP {
            self.0.jumps.fetch_add(1, Ordering::Release);
        }
        true
    }

    fn at(&self, system: SystemTime) -> SystemTime {
        let offset = self.0.offset_ms.load(Ordering::Relaxed);
        let distance = Duration::from_millis(offset.unsigned_abs());
        let corrected = match offset < 0 {
            true => system.checked_sub(distance),
            false => system.checked_add(distance),
        };
        corrected.unwrap_or(system)
    }

    /// Advances the clock, for tests of expiry.
    #[cfg(test)]
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.offset_ms.fetch_add(by, Ordering::Relaxed);
    }
}

/// Returns whether a `Date` header differs so much from the time of a signature that S3 rejects the signature.
fn is_far(date_header: &str, signed_at: SystemTime) -> bool {
    let Ok(server) = httpdate::parse_http_date(date_header.trim()) else {
        return false;
    };
    let distance = server
        .duration_since(signed_at)
        .or_else(|_| signed_at.duration_since(server));
    distance.is_ok_and(|distance| distance >= TOLERATED)
}

impl TimeSource for SigningClock {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}

/// Returns the milliseconds since 1970; negative before.
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
        let clock = SigningClock::default();
        assert_eq!(clock.at(at(1_000)), at(1_000));
        // Sun, 06 Nov 1994 08:49:37 GMT is 784,111,777 seconds after 1970.
        for system in [784_000_000, 784_111_777, 800_000_000] {
            assert!(clock.learn_at("Sun, 06 Nov 1994 08:49:37 GMT", at(system)));
            assert_eq!(clock.at(at(system)), at(784_111_777));
            assert_eq!(clock.at(at(system + 60)), at(784_111_837));
        }
    }

    #[test]
    fn a_clock_before_1970_is_corrected() {
        let clock = SigningClock::default();
        let system = UNIX_EPOCH - Duration::from_secs(86_400);
        assert!(clock.learn_at("Sun, 06 Nov 1994 08:49:37 GMT", system));
        assert_eq!(clock.at(system), at(784_111_777));
    }

    #[test]
    fn an_invalid_date_does_not_set_the_clock() {
        let clock = SigningClock::default();
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
    fn only_an_error_response_about_the_time_sets_the_clock() {
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
            let clock = SigningClock::default();
            let error_response = ErrorResponse {
                status,
                code,
                date: date.map(|date| &**date),
                age: None,
                signed_at: now,
            };
            let kept = ErrorResponse {
                age: Some("1"),
                ..error_response
            };
            assert!(!clock.learn(kept));
            assert_eq!(clock.learn(error_response), sets, "{error_response:?}");
            // Another request, which was signed before.
            assert_eq!(clock.learn(error_response), sets, "{error_response:?}");
            assert_eq!(clock.jumps(), u64::from(sets), "{error_response:?}");
            let learnt = clock.now().duration_since(now).unwrap();
            assert_eq!(learnt > Duration::from_secs(500), sets, "{learnt:?}");
        }
    }
}
