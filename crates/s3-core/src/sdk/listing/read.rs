//! Parses a ListObjectsV2 or ListObjects response into a `ListPage` or an error.

use s3_url::S3Prefix;
use s3_wire::listing::Page;

use super::list_page;
use crate::sdk::collected_response::CollectedResponse;
use crate::sdk::errors::{beginning, error_of, malformed, read_document};
use crate::{Error, ListPage, Operation, Result};

/// Parses the response to a request for a page of the keys that begin with `prefix`.
///
/// # Errors
///
/// The error of an error document, whatever the status; a transient error of kind `Server` for a response that is empty
/// or truncated, and of kind `Protocol` for one that is not a listing or lacks a required field.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::sdk) fn read(
    prefix: &S3Prefix,
    collected: &CollectedResponse<'_>,
) -> Result<ListPage> {
    read_version(prefix, collected, false).map(|(page, _)| page)
}

/// As [`read`], for both API versions. The response is one of version 1 (ListObjects) if `version_1` is set or if it
/// contains a marker; returns whether it is.
pub(in crate::sdk) fn read_version(
    prefix: &S3Prefix,
    collected: &CollectedResponse<'_>,
    version_1: bool,
) -> Result<(ListPage, bool)> {
    let on_prefix = |error: Error| error.with_resource(prefix.as_str());
    if !collected.is_success() {
        return Err(on_prefix(error_of(Operation::List, collected)));
    }
    let page = read_document(Operation::List, collected, Page::parse).map_err(on_prefix)?;
    let version_1 = version_1 || page.marker.is_some() || page.next_marker.is_some();
    let listed = list_page(&page, prefix, version_1);
    let listed = listed.map_err(|text| {
        let text = format!("{text}: {}", beginning(collected.body));
        on_prefix(malformed(Operation::List, &text))
    })?;
    Ok((listed, version_1))
}
