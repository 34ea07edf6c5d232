//! What a store is told to answer instead of the truth: pages that lie, and whole objects for ranges.

use std::sync::{Arc, Mutex, PoisonError};

use s3_core::{Error, ErrorKind, ListPage, ListRequest, Operation, Result, Retryability, Store};

use super::ListLie;
use super::live::Receipt;

/// What the service behind the wire has to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    List(ListLie),
    WholeObject,
}

/// An order on its way to the service, in the extensions of the request. Whoever obeys takes the receipt.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    order: Order,
    receipt: Arc<Mutex<Option<Receipt>>>,
}

impl Orders {
    pub(crate) fn new(order: Order, receipt: Receipt) -> Self {
        Self {
            order,
            receipt: Arc::new(Mutex::new(Some(receipt))),
        }
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn take(&self) -> Option<Receipt> {
        let mut receipt = self.receipt.lock().unwrap_or_else(PoisonError::into_inner);
        receipt.take()
    }
}

/// Answers for a page as the lie says. A listing that leaves no room for the lie gets the truth, and nothing was
/// delivered.
///
/// The empty token of [`ListLie::NoToken`] is what a page over HTTP has in its stead.
pub(crate) async fn lying_page(
    store: &impl Store,
    request: ListRequest,
    lie: ListLie,
    receipt: Receipt,
) -> Result<ListPage> {
    let goes_on = request.continuation.is_some() || request.start_after.is_some();
    let mut first = request.clone();
    (first.continuation, first.start_after) = (None, None);
    let mut page = match lie {
        ListLie::RepeatsPage if goes_on => {
            receipt.delivered();
            return store.list_page(first).await;
        }
        _ => store.list_page(request.clone()).await?,
    };
    match (lie, page.next.clone()) {
        (ListLie::Ends, Some(_)) => page.next = None,
        (ListLie::NoToken, Some(_)) => page.next = Some("".into()),
        (ListLie::RepeatsToken, Some(_)) if request.continuation.is_some() => {
            page.next.clone_from(&request.continuation);
        }
        (ListLie::SkipsPage, Some(next)) => {
            let mut second = request;
            second.continuation = Some(next);
            page = store.list_page(second).await?;
        }
        (ListLie::Overlaps, _) if goes_on => {
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
    receipt.delivered();
    Ok(page)
}

/// Returns the error that a page without its token is for a client over HTTP.
pub(super) fn no_token() -> Error {
    Error::new(ErrorKind::Integrity, Operation::List)
        .with_message("the listing goes on, but the answer does not say where")
        .with_retryability(Retryability::Transient)
}
