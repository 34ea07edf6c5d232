//! Stores and reads the modification time of a file as the user metadata `mtime` of its object, as rclone does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3_core::{Attributes, ObjectMeta};

/// Name of the metadata item for the modification time in seconds; the same as rclone's.
const MTIME: &str = "mtime";

/// Adds the modification time of a file to the attributes of its object, as the user metadata `mtime`: seconds since 1970
/// with nine decimals, as rclone writes it.
pub fn keep_modification_time(attributes: &mut Attributes, time: SystemTime) {
    attributes.user.insert(MTIME.to_owned(), seconds(time));
}

/// Returns the modification time that [`keep_modification_time`] or rclone stored with an object.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
///
/// use s3_client::{ObjectMeta, S3Url, keep_modification_time, kept_modification_time};
///
/// let time = SystemTime::now();
/// let mut meta = ObjectMeta::new(S3Url::parse("s3://b/k")?, 0);
/// assert_eq!(kept_modification_time(&meta), None);
/// keep_modification_time(&mut meta.attributes, time);
/// assert_eq!(kept_modification_time(&meta), Some(time));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn kept_modification_time(meta: &ObjectMeta) -> Option<SystemTime> {
    parsed(meta.attributes.user.get(MTIME)?)
}

/// Returns a time as `seconds.nanoseconds` since 1970.
fn seconds(time: SystemTime) -> String {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => format!("{}.{:09}", since.as_secs(), since.subsec_nanos()),
        Err(before) => format!(
            "-{}.{:09}",
            before.duration().as_secs(),
            before.duration().subsec_nanos()
        ),
    }
}

fn parsed(text: &str) -> Option<SystemTime> {
    let (is_before, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let since = Duration::new(whole.parse().ok()?, digits.parse().ok()?);
    match is_before {
        true => UNIX_EPOCH.checked_sub(since),
        false => UNIX_EPOCH.checked_add(since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modification_time_survives_as_metadata() {
        for time in [
            UNIX_EPOCH + Duration::new(1_795_935_571, 123_456_789),
            UNIX_EPOCH + Duration::new(5, 1000),
            UNIX_EPOCH - Duration::new(5, 500),
        ] {
            assert_eq!(parsed(&seconds(time)), Some(time));
        }
        assert_eq!(parsed("7"), Some(UNIX_EPOCH + Duration::from_secs(7)));
        assert_eq!(
            parsed("7.5"),
            Some(UNIX_EPOCH + Duration::from_millis(7500))
        );
        assert_eq!(parsed("soon"), None);
    }
}
