//! [`FaultHook`]: faults that the S3 service applies itself: wrong listing pages, and whole objects instead of ranges.

use std::sync::{Mutex, PoisonError};

use s3_core::{
    Error, ErrorKind, ListPage, ListRequest, Operation, Result, Retryability, SharedStore, Store,
};
use s3_server::RequestHook;

use super::ListFault;
use super::active_plan::DeliveryCounter;

/// A fault that the S3 service has to apply itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceFault {
    List(ListFault),
    WholeObject,
}

/// Applies a fault to the first matching operation of a request.
#[derive(Debug)]
pub(crate) struct FaultHook {
    fault: ServiceFault,
    counter: Mutex<Option<DeliveryCounter>>,
}

impl FaultHook {
    pub(crate) fn new(fault: ServiceFault, counter: DeliveryCounter) -> Self {
        Self {
            fault,
            counter: Mutex::new(Some(counter)),
        }
    }

    fn take(&self) -> Option<DeliveryCounter> {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        counter.take()
    }
}

#[async_trait::async_trait]
impl RequestHook for FaultHook {
    fn ignores_range(&self) -> bool {
        if self.fault != ServiceFault::WholeObject {
            return false;
        }
        self.take().into_iter().for_each(DeliveryCounter::count);
        true
    }

    async fn list_page(&self, store: &SharedStore, list: ListRequest) -> Result<ListPage> {
        match self.fault {
            ServiceFault::List(fault) => match self.take() {
                Some(counter) => faulty_page(store, list, fault, counter).await,
                None => store.list_page(list).await,
            },
            ServiceFault::WholeObject => store.list_page(list).await,
        }
    }
}

/// Returns a page with the fault. If the fault does not apply to this listing, the page is correct and the fault is not
/// counted.
///
/// For [`ListFault::NoToken`] the token is empty, and omitted over HTTP.
pub(crate) async fn faulty_page(
    store: &impl Store,
    request: ListRequest,
    fault: ListFault,
    counter: DeliveryCounter,
) -> Result<ListPage> {
    let is_later_page = request.continuation.is_some() || request.start_after.is_some();
    let mut first = request.clone();
    (first.continuation, first.start_after) = (None, None);
    let mut page = match fault {
        ListFault::RepeatsPage if is_later_page => {
            counter.count();
            return store.list_page(first).await;
        }
        _ => store.list_page(request.clone()).await?,
    };
    match (fault, page.next.clone()) {
        (ListFault::Ends, Some(_)) => page.next = None,
        (ListFault::NoToken, Some(_)) => page.next = Some("".into()),
        (ListFault::RepeatsToken, Some(_)) if request.continuation.is_some() => {
            page.next.clone_from(&request.continuation);
        }
        (ListFault::SkipsPage, Some(next)) => {
            let mut second = request;
            second.continuation = Some(next);
            page = store.list_page(second).await?;
        }
        (ListFault::Overlaps, _) if is_later_page => {
            let mut before = store.list_page(first).await?;
            let prefix = before.prefixes.pop();
            match (before.objects.pop(), prefix) {
                (Some(object), Some(prefix)) if prefix.prefix() > object.url.key() => {
                    page.prefixes.insert(0, prefix);
                }
                (Some(object), _) => page.objects.insert(0, object),
                (None, Some(prefix)) => page.prefixes.insert(0, prefix),
                (None, None) => return Ok(page),
            }
        }
        _ => return Ok(page),
    }
    counter.count();
    Ok(page)
}

/// Returns the error for a page without a continuation token, which is the same as that of the HTTP client.
pub(super) fn no_token() -> Error {
    Error::new(ErrorKind::Protocol, Operation::List)
        .with_message("the response is truncated, but does not say where the next page begins")
        .with_retryability(Retryability::Transient)
}
