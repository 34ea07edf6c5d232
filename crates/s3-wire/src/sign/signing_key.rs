//! [`SigningKeys`]: derives the signing keys of Signature Version 4 and caches them per region.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::amz_date::AmzDate;
use super::canonical::{SCOPE_END, SERVICE};
use crate::Credentials;

/// Maximum number of regions whose keys are cached. A store talks to one region, rarely to a second one.
const MAX_REGIONS: usize = 8;

/// Derived signing keys, one per region, for the latest day and the latest credentials that were used.
///
/// A key is kept as the state that HMAC is in after it has read the key, which saves two of the six blocks that
/// SHA-256 goes through per signature, and the four derivations. It follows from the secret key, so it is dropped
/// with the credentials and never printed.
#[derive(Default)]
pub struct SigningKeys {
    kept: RwLock<Vec<Kept>>,
}

struct Kept {
    id: u64,
    day: u64,
    region: Box<str>,
    key: Hmac<Sha256>,
}

impl SigningKeys {
    /// Signs a text.
    pub(super) fn sign(
        &self,
        credentials: &Credentials,
        date: &AmzDate,
        region: &str,
        text: &[u8],
    ) -> [u8; 32] {
        let key = self.find(credentials.id(), date.day(), region);
        let mut key = key.unwrap_or_else(|| self.make(credentials, date, region));
        key.update(text);
        key.finalize().into_bytes().into()
    }

    fn find(&self, id: u64, day: u64, region: &str) -> Option<Hmac<Sha256>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept
            .iter()
            .find(|kept| kept.id == id && kept.day == day && *kept.region == *region);
        found.map(|kept| kept.key.clone())
    }

    /// Derives and caches a key. If two threads miss a key at the same time, both derive it, which is cheaper than
    /// waiting.
    fn make(&self, credentials: &Credentials, date: &AmzDate, region: &str) -> Hmac<Sha256> {
        let key = derive(credentials.secret_key(), date.date(), region, SERVICE);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| *kept.region != *region);
        if kept.len() == MAX_REGIONS {
            kept.remove(0);
        }
        kept.push(Kept {
            id: credentials.id(),
            day: date.day(),
            region: region.into(),
            key: key.clone(),
        });
        key
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys")
    }
}

/// Derives the key of a day, a region and a service.
pub(super) fn derive(secret: &str, date: &[u8], region: &str, service: &str) -> Hmac<Sha256> {
    let mut key = keyed(format!("AWS4{secret}").as_bytes());
    for part in [
        date,
        region.as_bytes(),
        service.as_bytes(),
        SCOPE_END.as_bytes(),
    ] {
        key.update(part);
        key = keyed(&key.finalize().into_bytes());
    }
    key
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_kept_key_signs_for_its_own_identity_day_and_region_only() {
        let keys = SigningKeys::default();
        let identities =
            ["one", "other"].map(|secret| Credentials::new("same", secret, None).unwrap());
        let days = [0, 1].map(|day| AmzDate::new(UNIX_EPOCH + Duration::from_hours(24 * day)));
        let regions = ["r", "s"];
        // Each step changes one of the three; the second round finds the keys that the first one kept.
        for step in [0, 1, 3, 2, 6, 7, 5, 4, 0, 4, 5, 7, 6, 2, 3, 1] {
            let (credentials, day) = (&identities[step & 1], &days[step >> 1 & 1]);
            let region = regions[step >> 2];
            let mut fresh = derive(credentials.secret_key(), day.date(), region, SERVICE);
            fresh.update(b"text");
            let fresh: [u8; 32] = fresh.finalize().into_bytes().into();
            for _ in 0..2 {
                assert_eq!(
                    keys.sign(credentials, day, region, b"text"),
                    fresh,
                    "{step}"
                );
            }
        }
    }

    #[test]
    fn a_key_is_derived_once_and_few_are_kept() {
        let keys = SigningKeys::default();
        let credentials = Credentials::new("access", "secret", None).unwrap();
        let day = AmzDate::new(UNIX_EPOCH);
        let (id, number) = (credentials.id(), day.day());
        keys.sign(&credentials, &day, "r", b"");
        assert!(keys.find(id, number, "r").is_some());
        for region in 0..3 * MAX_REGIONS {
            keys.sign(&credentials, &day, &region.to_string(), b"");
        }
        assert!(keys.find(id, number, "r").is_none());
        assert_eq!(keys.kept.read().unwrap().len(), MAX_REGIONS);
        assert_eq!(format!("{keys:?}"), "SigningKeys");
    }
}
