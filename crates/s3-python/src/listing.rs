//! Lists prefixes with ListObjectsV2 and returns the entries as plain tuples, for the fsspec file system.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, TryStreamExt, stream};
use s3_client::Error;
use s3_core::{ListedObject, S3Prefix};
use s3_transfer::{CallOptions, ListOptions, Transfer};
use tokio::time::Instant;

/// Path, size, time of the last change in seconds, ETag, and the storage class unless it is `STANDARD`.
type File = (String, u64, Option<f64>, Option<String>, Option<String>);

/// The result of a listing: objects and common prefixes.
pub(crate) type Listed = (Vec<File>, Vec<String>);

/// Maximum number of entries of a page.
const PAGE: u32 = 1000;
/// Maximum number of listings that are passed to the engine at once. The engine decides how many requests it sends.
const LISTINGS: usize = 64;

/// Lists one level below each of the prefixes, in parallel.
pub(crate) async fn list_levels(
    transfer: Transfer,
    prefixes: Vec<String>,
) -> Result<Listed, Error> {
    let listings = prefixes
        .into_iter()
        .map(|prefix| list_prefix(transfer.clone(), prefix, true, None));
    let merge = |(mut files, mut directories): Listed, listed: Listed| async {
        files.extend(listed.0);
        directories.extend(listed.1);
        Ok((files, directories))
    };
    let listings = stream::iter(listings).buffered(LISTINGS);
    listings.try_fold(Listed::default(), merge).await
}

/// Lists the keys that begin with `prefix`: objects and, with `one_level`, the common prefixes up to the next slash.
pub(crate) async fn list_prefix(
    transfer: Transfer,
    prefix: String,
    one_level: bool,
    limit: Option<u32>,
) -> Result<Listed, Error> {
    let prefix = S3Prefix::parse(&prefix).map_err(Error::from)?;
    let mut options = ListOptions::default();
    options.delimiter = one_level.then(|| Arc::from("/"));
    match limit {
        Some(limit) => {
            options.page_size = Some(limit.clamp(1, PAGE));
            options = options.sequential();
        }
        // The read-ahead is unlimited, because all entries stay in memory anyway.
        None => options.read_ahead = Some(NonZeroUsize::MAX),
    }
    let call = CallOptions::default().with_began(Instant::now());
    let mut pages = transfer.list(prefix, options, &call);
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    while let Some(page) = pages.try_next().await.map_err(Error::from)? {
        files.extend(page.objects.iter().map(file));
        directories.extend(page.prefixes.iter().map(|prefix| path(prefix.as_str())));
        let found = files.len() + directories.len();
        if limit.is_some_and(|limit| found >= limit as usize) {
            break;
        }
    }
    Ok((files, directories))
}

fn file(object: &ListedObject) -> File {
    let storage_class = object.storage_class.as_deref();
    let storage_class = storage_class.filter(|class| *class != "STANDARD");
    (
        path(object.url.as_str()),
        object.size,
        object.last_modified.and_then(seconds),
        object.etag.as_ref().map(ToString::to_string),
        storage_class.map(ToOwned::to_owned),
    )
}

/// Returns the path of a URL in fsspec's form: bucket and key.
pub(crate) fn path(url: &str) -> String {
    url.trim_start_matches("s3://").to_owned()
}

fn seconds(time: SystemTime) -> Option<f64> {
    let since = time.duration_since(UNIX_EPOCH);
    since.ok().map(|since| since.as_secs_f64())
}
