//! [`RequestHook`]: changes how one request is served. The test kit uses it for fault injection.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use s3_core::{ListPage, ListRequest, Result, SharedStore, Store};

/// Changes how one request is served. s3-testkit inserts a [`Hook`] into the extensions of a request.
#[async_trait::async_trait]
pub trait RequestHook: fmt::Debug + Send + Sync {
    /// Returns whether GetObject ignores its `Range` and returns the whole object.
    fn ignores_range(&self) -> bool {
        false
    }

    /// Lists a page.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn list_page(&self, store: &SharedStore, list: ListRequest) -> Result<ListPage> {
        store.list_page(list).await
    }
}

/// A [`RequestHook`] in the extensions of a request.
#[derive(Clone, Debug)]
pub struct Hook(Arc<dyn RequestHook>);

impl Hook {
    /// Wraps a hook.
    pub fn new(hook: impl RequestHook + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl Deref for Hook {
    type Target = dyn RequestHook;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
