//! Implements `PaginatedListStore`: lists one page per call, with a continuation token.

use async_trait::async_trait;
use s3_core::{ListRequest, S3Prefix};
use s3_transfer::Transfer;

use super::convert::{call_options, error_at, invalid};
use super::list::Entries;
use super::list_result;
use super::object_store::Result;
use super::object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use super::store::S3ObjectStore;

#[async_trait]
impl PaginatedListStore for S3ObjectStore {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        opts: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        let text = prefix.unwrap_or_default();
        let prefix = S3Prefix::from_parts(&self.bucket, text).map_err(invalid)?;
        let mut entries = Entries::new(self, &prefix);
        let mut request = ListRequest::new(prefix);
        request.delimiter = opts.delimiter.as_deref().map(Into::into);
        request.start_after = opts.offset.map(Into::into);
        request.continuation = opts.page_token.map(Into::into);
        request.max_keys = opts
            .max_keys
            .map(|most| u32::try_from(most).unwrap_or(u32::MAX));
        let call = call_options(&opts.extensions);
        let list = |transfer: Transfer| async move { transfer.list_page(request, &call).await };
        let page = self.runtime.run(list).await;
        let page = page.map_err(|error| error_at(text, error))?;
        let prefixes = entries.prefixes(&page.prefixes)?;
        let objects = entries
            .objects(page.objects)
            .into_iter()
            .collect::<Result<_>>()?;
        Ok(PaginatedListResult {
            result: list_result(prefixes, objects),
            page_token: page.next.map(|token| token.as_ref().to_owned()),
        })
    }
}
