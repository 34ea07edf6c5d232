//! A listing as a stream of pages, asked for one by one as they are read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::try_unfold;
use s3_core::{Error, ErrorKind, ListPage, ListRequest, Operation, Result, S3Prefix};

use super::trail::Trail;
use crate::job::simple;
use crate::{CallOptions, Transfer};

/// Options of a listing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Rolls keys up that share what comes before the next delimiter; usually `/`.
    pub delimiter: Option<Arc<str>>,
    /// Begins behind this key.
    pub start_after: Option<Arc<str>>,
    /// The most entries per page; the server's own limit (1,000) when `None`.
    pub page_size: Option<u32>,
}

impl ListOptions {
    /// Rolls keys up at `/`: one level of what looks like directories.
    #[must_use]
    pub fn one_level() -> Self {
        Self {
            delimiter: Some("/".into()),
            ..Self::default()
        }
    }
}

/// The pages of a listing. One request per page, sent when the page is asked for. Dropping it stops.
pub struct ListStream(Pin<Box<dyn Stream<Item = Result<ListPage>> + Send>>);

impl Stream for ListStream {
    type Item = Result<ListPage>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for ListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListStream")
    }
}

impl Transfer {
    /// Lists what is below a prefix, page by page.
    ///
    /// The prefix is a plain string prefix: no slash is added. A page that fails is asked for again; the pages before
    /// it are not.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt;
    /// use s3_core::{MemoryStore, Payload, S3Prefix, S3Url};
    /// use s3_transfer::{CallOptions, ListOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let mut pages = transfer.list(S3Prefix::parse("s3://b")?, ListOptions::default(), &options);
    /// while let Some(page) = pages.next().await {
    ///     for object in page?.objects {
    ///         println!("{} has {} bytes", object.url, object.size);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// In the stream, which ends after the first: `NoSuchBucket`, `AccessDenied`, `Integrity` for a server whose
    /// continuation tokens go round in a circle, and the errors of every call.
    #[must_use]
    pub fn list(&self, prefix: S3Prefix, list: ListOptions, options: &CallOptions) -> ListStream {
        let mut request = ListRequest::new(prefix);
        request.delimiter = list.delimiter;
        request.start_after = list.start_after;
        request.max_keys = list.page_size;
        let (transfer, options) = (self.clone(), options.clone());
        let first = Some((request, Trail::default()));
        let pages = try_unfold(first, move |ahead| {
            let (transfer, options) = (transfer.clone(), options.clone());
            async move {
                let Some((request, trail)) = ahead else {
                    return Ok(None);
                };
                let page = transfer.page(request.clone(), &options).await?;
                let ahead = following(request, trail, &page)?;
                Ok(Some((page, ahead)))
            }
        });
        ListStream(Box::pin(pages))
    }

    async fn page(&self, request: ListRequest, options: &CallOptions) -> Result<ListPage> {
        let place = request.prefix.clone();
        let job = simple!(Operation::List, place.as_str(), list_page(request));
        self.run(job, options).await
    }
}

/// Returns the request for the next page. Tokens that repeat would page for ever.
fn following(
    request: ListRequest,
    mut trail: Trail,
    page: &ListPage,
) -> Result<Option<(ListRequest, Trail)>> {
    let Some(next) = page.next.clone() else {
        return Ok(None);
    };
    if trail.meets_itself(&next) {
        return Err(Error::new(ErrorKind::Integrity, Operation::List)
            .with_place(&request.prefix)
            .with_message("the server's continuation tokens go round in a circle"));
    }
    Ok(Some((request.with_continuation(next), trail)))
}
