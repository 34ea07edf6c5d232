//! RestoreObject of `MemoryStore`: makes an archived object (`GLACIER`) readable for some days.

use std::time::{Duration, SystemTime};

use super::error_response::error_response;
use super::object::Object;
use crate::{Operation, Result};

/// Number of seconds in a day.
const DAY: u64 = 24 * 60 * 60;

/// The storage class whose objects are restored without a number of days. AWS archives objects of it that have not been
/// read for months; in the in-memory store they are always readable.
const INTELLIGENT_TIERING: &str = "INTELLIGENT_TIERING";

impl Object {
    /// Makes an archived object readable for this number of days, at once.
    pub(super) fn restore(&mut self, days: Option<u32>, now: SystemTime) -> Result<()> {
        let class = self.attributes.storage_class.as_deref();
        let leaves_for_good = class == Some(INTELLIGENT_TIERING);
        let rejected = |status, code, text| {
            let error = error_response(Operation::Restore, status, code, self.url.as_str());
            Err(error.with_message(text))
        };
        let days = match days {
            None if leaves_for_good => return Ok(()),
            Some(_) if leaves_for_good => {
                let text = "INTELLIGENT_TIERING objects take no number of days";
                return rejected(400, "InvalidArgument", text);
            }
            _ if !self.is_archived() => {
                return rejected(403, "InvalidObjectState", "the object is not in an archive");
            }
            None => return rejected(400, "MalformedXML", "the number of days is missing"),
            Some(0) => {
                let text = "an object is restored for at least 1 day";
                return rejected(400, "InvalidArgument", text);
            }
            Some(days) => days,
        };
        self.restored_until = Some(now + Duration::from_secs(u64::from(days) * DAY));
        Ok(())
    }
}
