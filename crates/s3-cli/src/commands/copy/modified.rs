//! Modification times of files, kept as metadata of objects.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3_core::{Attributes, ObjectMeta, UserMetadata};

use crate::failure::Failure;

/// The name of the metadata that keeps a modification time, in seconds; rclone has the same.
const MTIME: &str = "mtime";

/// Adds the modification time of a file to the metadata of its object.
pub(in crate::commands) fn keep_modified(attributes: &mut Attributes, time: SystemTime) {
    attributes.user.insert(MTIME.to_owned(), seconds(time));
}

/// Sets the modification time of a download: that of the metadata, or when the object was written.
pub(super) fn set_modified(path: &Path, meta: &ObjectMeta) -> Result<(), Failure> {
    let Some(time) = modified(&meta.attributes.user).or(meta.last_modified) else {
        return Ok(());
    };
    let file = File::options().write(true).open(path);
    let set = file.and_then(|file| file.set_modified(time));
    set.map_err(|error| Failure::of_file("set the time of", path, &error))
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

fn modified(metadata: &UserMetadata) -> Option<SystemTime> {
    let text = metadata.get(MTIME)?;
    let (is_before, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.as_str()),
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
            let metadata = UserMetadata::from([(MTIME.to_owned(), seconds(time))]);
            assert_eq!(modified(&metadata), Some(time));
        }
        let of = |text: &str| modified(&UserMetadata::from([(MTIME.to_owned(), text.to_owned())]));
        assert_eq!(of("7"), Some(UNIX_EPOCH + Duration::from_secs(7)));
        assert_eq!(of("7.5"), Some(UNIX_EPOCH + Duration::from_millis(7500)));
        assert_eq!(of("soon"), None);
    }
}
