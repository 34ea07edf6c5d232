//! What the direct path keeps between requests.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use s3_wire::Pool;
use s3_wire::sign::SigningKeys;

use super::list::ListingForm;
use super::target::{Target, Targets};
use crate::sdk::client::Shared;
use crate::sdk::clock::Clock;
use crate::sdk::identity::Identities;

/// The direct path to all buckets of one store.
pub(in crate::sdk) struct Direct {
    pub(super) pool: Pool,
    pub(super) identities: Arc<Identities>,
    pub(super) signing_keys: SigningKeys,
    targets: Targets,
    pub(super) listing_form: ListingForm,
    /// Whether a failed connection has been warned of.
    pub(super) has_warned: AtomicBool,
    pub(super) clock: Clock,
    /// Whether uploads carry a checksum, and downloads are asked for theirs.
    pub(super) checksums: bool,
    /// Whether nothing but the signature protects a payload on its way.
    pub(super) signs_payloads: bool,
}

impl Direct {
    pub(in crate::sdk) fn new(shared: Shared) -> Self {
        Self {
            pool: shared.pool,
            identities: shared.identities,
            signing_keys: SigningKeys::default(),
            targets: Targets::new(shared.endpoint, shared.regions),
            listing_form: ListingForm::default(),
            has_warned: AtomicBool::new(false),
            clock: shared.clock,
            checksums: shared.checksums,
            signs_payloads: shared.signs_payloads,
        }
    }

    /// Returns whether uploads carry a checksum.
    pub(in crate::sdk) fn adds_checksums(&self) -> bool {
        self.checksums
    }

    /// Has the target of a bucket looked up again.
    pub(in crate::sdk) fn forget_target(&self, bucket: &str) {
        self.targets.forget(bucket);
    }

    /// Returns where requests for a bucket go; `None` if they are not for this path.
    pub(in crate::sdk) fn target(&self, bucket: &str) -> Option<Arc<Target>> {
        self.targets.get(bucket)
    }
}
