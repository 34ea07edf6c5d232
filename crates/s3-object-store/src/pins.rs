//! [`Pins`]: the first version of each object that a pinned store has seen, by key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use s3_core::{ETag, Error, ErrorKind, Operation, Result, VersionId};

/// Maximum number of objects of one pinned store: 1,000,000, which take about 200 MB.
const MAX_PINS: usize = 1_000_000;

/// Metadata of the pinned version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Pin {
    pub(crate) etag: ETag,
    pub(crate) size: u64,
    pub(crate) version: Option<VersionId>,
}

/// The first version of each key that was seen.
#[derive(Debug)]
pub(crate) struct Pins {
    seen: Mutex<HashMap<String, Pin>>,
    most: usize,
}

impl Pins {
    pub(crate) fn new() -> Self {
        Self::up_to(MAX_PINS)
    }

    fn up_to(most: usize) -> Self {
        Self {
            seen: Mutex::default(),
            most,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Pin> {
        self.lock().get(key).cloned()
    }

    /// Pins an object unless it is already pinned. Returns its pin.
    ///
    /// # Errors
    ///
    /// If the table is full: removing another object would unpin it.
    pub(crate) fn pin(&self, key: &str, pin: Pin) -> Result<Pin> {
        let mut seen = self.lock();
        if let Some(first) = seen.get(key) {
            return Ok(first.clone());
        }
        if seen.len() >= self.most {
            let text = format!("a pinned store holds at most {} objects", self.most);
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Get)
                .with_resource(key)
                .with_message(text)
                .with_hint("make a pinned store for each query or table"));
        }
        seen.insert(key.to_owned(), pin.clone());
        Ok(pin)
    }

    /// Removes the pin of an object that this store itself has written.
    pub(crate) fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pin>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(etag: &str) -> Pin {
        Pin {
            etag: ETag::new(etag),
            size: 0,
            version: None,
        }
    }

    #[test]
    fn the_first_version_stays_and_a_full_map_is_an_error() {
        let pins = Pins::up_to(1);
        assert_eq!(pins.pin("a", pin("1")).unwrap().etag, ETag::new("1"));
        assert_eq!(pins.pin("a", pin("2")).unwrap().etag, ETag::new("1"));
        assert!(pins.pin("b", pin("1")).is_err());
        pins.forget("a");
        assert_eq!(pins.pin("b", pin("1")).unwrap().etag, ETag::new("1"));
    }
}
