//! [`Call`]: the client and the options (deadline, observer) that one call runs with.

use std::sync::Arc;
use std::time::Duration;

use s3_transfer::{CallOptions, Observer};
use tokio::time::Instant;

use crate::context::ClientContext;

/// The client and the options that one call runs with.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) client: Arc<ClientContext>,
    pub(crate) options: CallOptions,
}

impl Call {
    /// Returns the observer that receives the events of the call.
    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        let own = self.options.observer.as_ref();
        own.or(self.client.transfer.config().observer.as_ref())
    }

    /// Starts a call; its deadline is measured from now.
    pub(crate) fn begin(
        client: Arc<ClientContext>,
        deadline: Option<Duration>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let now = Instant::now();
        let mut options = CallOptions::default().with_began(now);
        // A deadline beyond the range of the clock has no effect.
        options.deadline = deadline.and_then(|deadline| now.checked_add(deadline));
        options.observer = observer;
        Self { client, options }
    }
}
