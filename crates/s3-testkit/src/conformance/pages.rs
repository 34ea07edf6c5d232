//! Helpers of the listing cases: read one or all pages of a listing and return their keys or common prefixes.

use s3_core::{ListPage, ListRequest, Store};

use super::Harness;
use super::assertions::succeeds;

/// Maximum number of pages; a listing with more does not terminate.
const MOST_PAGES: usize = 2_000;

/// Returns one page.
pub(super) async fn page(harness: &Harness, request: ListRequest) -> ListPage {
    succeeds(harness.store.list_page(request).await)
}

/// Returns all pages.
pub(super) async fn pages(harness: &Harness, mut request: ListRequest) -> Vec<ListPage> {
    let mut pages = Vec::new();
    loop {
        let page = page(harness, request.clone()).await;
        let next = page.next.clone();
        pages.push(page);
        assert!(
            pages.len() <= MOST_PAGES,
            "the listing does not end: {request:?}"
        );
        match next {
            Some(token) => request.continuation = Some(token),
            None => return pages,
        }
    }
}

/// Returns the keys of the pages, without the prefix of the case.
pub(super) fn keys(harness: &Harness, pages: &[ListPage]) -> Vec<String> {
    let objects = pages.iter().flat_map(|page| &page.objects);
    objects.map(|object| harness.name(&object.url)).collect()
}

/// Returns the rolled-up prefixes of the pages, without the prefix of the case.
pub(super) fn prefixes(harness: &Harness, pages: &[ListPage]) -> Vec<String> {
    let prefixes = pages.iter().flat_map(|page| &page.prefixes);
    prefixes
        .map(|prefix| harness.strip(prefix.prefix()))
        .collect()
}

/// Reads all pages and returns the keys.
pub(super) async fn all_keys(harness: &Harness, request: ListRequest) -> Vec<String> {
    keys(harness, &pages(harness, request).await)
}
