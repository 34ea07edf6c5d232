//! `get_recursive` and `get_all`: list everything below prefixes and download it.

use std::sync::Arc;

use futures_util::StreamExt;
use s3_core::{ListPage, ListedObject};
use s3_transfer::{FanOutOptions, GetItem};

use super::list::list_all;
use crate::batch::BatchResults;
use crate::call::Call;
use crate::context::ClientContext;
use crate::dedup::run_distinct;
use crate::download::{Show, download};
use crate::error::{Error, Result};
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::stream::Listing;
use crate::{BatchError, Key, OnFailure, S3Object};

/// The operation of [`get_recursive`](Client::get_recursive) and [`get_all`](Client::get_all).
#[derive(Clone, Debug)]
pub struct GetRecursive {
    on_failure: OnFailure,
    scope: Scope,
    return_info: bool,
}

#[derive(Clone, Debug)]
enum Scope {
    /// Objects whose URLs begin with these.
    Prefixes(Vec<Key>),
    /// Objects in the directory of the root.
    Root,
}

impl<M: Mode> Client<M> {
    /// Downloads all objects whose URLs begin with one of these prefixes, in parallel.
    ///
    /// A prefix is plain text, as in S3: `part-` finds `part-1` and `part-2/x`, and `foo` finds `foo.txt` as well as
    /// `foo/1`. To stay inside a directory, end it with a slash. Results are in the order of the prefixes, and in the
    /// server's order within one. Overlapping prefixes repeat objects, which share their bytes. A prefix without
    /// objects is not an error.
    ///
    /// Listings as [`list_recursive`](Self::list_recursive), and the GETs of the objects; their sizes are known from
    /// the listing. With one prefix, objects are downloaded while more are listed.
    ///
    /// Keys of results are relative to the prefix that found them, or with [`return_info`](Request::return_info) to the
    /// client's root, as in Metaflow.
    ///
    /// # Errors
    ///
    /// As [`get_many`](Self::get_many); `NotFound` for a missing bucket, or an object that was deleted in between.
    ///
    /// # Deviation
    ///
    /// A key is never cut inside a name: `foo` finds `foobar/3` under the key `foobar/3`, not `ar/3`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/day/1", "one"), ("s3://b/day/2/3", "three"), ("s3://b/daylight", "")]).await?;
    ///
    /// let objects = s3.get_recursive(["s3://b/day/"]).await?;
    /// let keys: Vec<_> = objects.iter().map(|object| object.key()).collect();
    /// assert_eq!(keys, ["1", "2/3"]);
    /// # Ok(()) }
    /// ```
    pub fn get_recursive(
        &self,
        prefixes: impl IntoIterator<Item: Into<Key>>,
    ) -> Request<GetRecursive, M> {
        let scope = Scope::Prefixes(prefixes.into_iter().map(Into::into).collect());
        self.request(GetRecursive {
            scope,
            return_info: false,
            on_failure: OnFailure::Stop,
        })
    }

    /// Downloads all objects below the client's root, in parallel; requests as [`get_recursive`](Self::get_recursive).
    ///
    /// # Errors
    ///
    /// As [`get_recursive`](Self::get_recursive); class `Url` for a client without a root.
    ///
    /// # Deviation
    ///
    /// The root is a directory: with the root `s3://b/data`, objects below `s3://b/data2/` are not included, nor is the
    /// object `s3://b/data`. Metaflow's client includes both.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{MemoryStore, S3};
    ///
    /// let s3 = S3::builder()
    ///     .store(MemoryStore::with_buckets(["b"]))
    ///     .s3root("s3://b/data")
    ///     .tmproot(std::env::temp_dir())
    ///     .build()?;
    /// s3.put_many([("1", "one"), ("2", "two")]).await?;
    /// assert_eq!(s3.get_all().await?.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn get_all(&self) -> Request<GetRecursive, M> {
        self.request(GetRecursive {
            scope: Scope::Root,
            return_info: false,
            on_failure: OnFailure::Stop,
        })
    }
}

impl<M> Request<GetRecursive, M> {
    /// Fills in content type, metadata, encryption, time and range, and makes keys relative to the client's root. Off
    /// by default; it costs nothing.
    pub fn return_info(mut self, yes: bool) -> Self {
        self.op.return_info = yes;
        self
    }
}

impl Op for GetRecursive {
    type Output = Vec<S3Object>;

    const NAME: &'static str = "get_recursive";

    async fn run(self, call: Call) -> Result<Vec<S3Object>> {
        let listings = self.listings(&call.client)?;
        match &listings[..] {
            [] => Ok(Vec::new()),
            [only] => self.get_one(&call, only).await,
            _ => self.get_several(&call, listings).await,
        }
    }
}

many_op!(GetRecursive);

impl GetRecursive {
    fn listings(&self, client: &ClientContext) -> Result<Vec<Listing>> {
        let listing = |request, show| Listing {
            request,
            show,
            one_level: false,
        };
        match &self.scope {
            Scope::Prefixes(keys) => {
                let prefixes = keys.iter().map(|key| client.prefix_url(key));
                let listings = prefixes.map(|prefix| prefix.map(|p| listing(p.clone(), p)));
                listings.collect()
            }
            Scope::Root => {
                let root = client.prefix_url(&Key::root())?;
                Ok(vec![listing(root.with_trailing_slash(), root)])
            }
        }
    }

    /// Downloads the objects of a listing while the listing continues.
    async fn get_one(&self, call: &Call, listing: &Listing) -> Result<Vec<S3Object>> {
        let show = self.show(call, listing);
        let pages = listing.pages(call).map(|page| {
            let page = page.map_err(|error| Failure::Listing(error.into()))?;
            Ok(page.objects.into_iter().map(item))
        });
        let job_call = call.clone();
        let objects = call.client.transfer.fan_out_pages(
            pages,
            FanOutOptions::default(),
            move |_, item: GetItem| {
                let (call, show) = (job_call.clone(), show.clone());
                async move {
                    let object = download(&call, item, None, show).await;
                    object.map_err(Failure::Download)
                }
            },
        );
        let outcomes = objects.outcomes(self.on_failure.for_reads()).await;
        let mut listing = None;
        let mut results: BatchResults<S3Object> = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome.transpose() {
                Ok(object) => results.push(object.map(Ok)),
                Err(Failure::Download(error)) => results.push(Some(Err(Arc::new(error)))),
                Err(Failure::Listing(error)) => listing = Some(Arc::new(error)),
            }
        }
        BatchError::check(Self::NAME, results, listing, self.on_failure.outcome())
    }

    /// Lists all prefixes and then downloads the objects found, each once.
    async fn get_several(&self, call: &Call, listings: Vec<Listing>) -> Result<Vec<S3Object>> {
        let shows: Vec<_> = listings
            .iter()
            .map(|listing| self.show(call, listing))
            .collect();
        let add = |_: &Listing, page: ListPage, all: &mut Vec<_>| {
            all.extend(page.objects.into_iter().map(item));
        };
        let mut failure = None;
        let mut items: Vec<GetItem> = Vec::new();
        let mut relative_to = Vec::new();
        let lists = list_all(call, self.on_failure, listings, add).await;
        for (list, show) in lists.into_iter().zip(shows) {
            match list {
                Some(Ok(list)) => {
                    relative_to.extend(std::iter::repeat_n(show.relative_to, list.len()));
                    items.extend(list);
                }
                Some(Err(error)) => {
                    failure.get_or_insert(error);
                }
                // Another listing has failed.
                None => {}
            }
        }
        let results = if failure.is_some() && self.on_failure == OnFailure::Stop {
            items.iter().map(|_| None).collect()
        } else {
            let (job_call, return_info) = (call.clone(), self.return_info);
            let job = move |_, item| {
                let call = job_call.clone();
                let show = Show {
                    relative_to: None,
                    return_info,
                };
                async move { download(&call, item, None, show).await }
            };
            let after = self.on_failure.for_reads();
            run_distinct(&call.client.transfer, after, items, job).await
        };
        let shown = results.into_iter().zip(relative_to);
        let shown = shown.map(|(result, prefix)| {
            Some(result?.map(|object: S3Object| object.relative_to(prefix)))
        });
        let results: BatchResults<_> = shown.collect();
        BatchError::check(Self::NAME, results, failure, self.on_failure.outcome())
    }

    fn show(&self, call: &Call, listing: &Listing) -> Show {
        Show {
            relative_to: match self.return_info {
                true => call.client.display_root(),
                false => Some(listing.show.clone()),
            },
            return_info: self.return_info,
        }
    }
}

/// The reason why the listing ended, or why an object was not downloaded.
enum Failure {
    Listing(Error),
    Download(Error),
}

fn item(object: ListedObject) -> GetItem {
    GetItem::new(object.url).with_known(object.size, object.etag)
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::{ErrorClass, S3};

    fn client(s3root: &str) -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root(s3root)
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        (store, s3)
    }

    async fn with_foos() -> S3 {
        let (_, s3) = client("s3://b/root");
        let keys = [
            "foo",
            "foo/1",
            "foo/sub/2",
            "foobar",
            "foobar/3",
            "foo.txt",
            "zed",
        ];
        s3.put_many(keys.map(|key| (key, key))).await.unwrap();
        s3
    }

    fn keys(objects: &[S3Object]) -> Vec<&str> {
        objects.iter().map(S3Object::key).collect()
    }

    #[tokio::test]
    async fn a_prefix_is_plain_text_and_keys_are_whole_names() {
        let s3 = with_foos().await;
        let objects = s3.get_recursive(["foo"]).await.unwrap();
        let whole = "s3://b/root/foo";
        assert_eq!(
            keys(&objects),
            [whole, "foo.txt", "1", "sub/2", "foobar", "foobar/3"]
        );
        assert!(
            objects
                .iter()
                .all(|object| object.etag().is_some() && object.range_info().is_none())
        );
        assert_eq!(objects[3].text().unwrap(), "foo/sub/2");
    }

    #[tokio::test]
    async fn prefixes_come_in_request_order_and_may_overlap() {
        let s3 = with_foos().await;
        let objects = s3
            .get_recursive(["foo/sub/", "nothing", "foo/"])
            .await
            .unwrap();
        assert_eq!(keys(&objects), ["2", "1", "sub/2"]);
        assert_eq!(objects[0].prefix(), Some("s3://b/root/foo/sub/"));
        assert!(
            s3.get_recursive(Vec::<&str>::new())
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn with_info_keys_are_relative_to_the_root() {
        let s3 = with_foos().await;
        let objects = s3.get_recursive(["foo/"]).return_info(true).await.unwrap();
        assert_eq!(keys(&objects), ["foo/1", "foo/sub/2"]);
        assert!(
            objects
                .iter()
                .all(|object| object.range_info().is_some() && object.last_modified().is_some())
        );
    }

    #[tokio::test]
    async fn all_stays_inside_the_directory_of_the_root() {
        let (_, bucket) = client("s3://b");
        let objects = ["root/", "root/a", "root//c", "root2/b", "root", "rootless"];
        bucket
            .put_many(objects.map(|key| (key, "x")))
            .await
            .unwrap();
        let nested = S3::builder()
            .store(bucket.transfer().store().clone())
            .s3root("s3://b/root/")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        assert_eq!(keys(&nested.get_all().await.unwrap()), ["", "/c", "a"]);
        assert_eq!(bucket.get_all().await.unwrap().len(), 6);
        let error = S3::in_memory().unwrap().get_all().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url);
    }

    #[tokio::test]
    async fn pages_are_listed_while_the_one_before_is_downloaded_and_sizes_are_known() {
        let (store, s3) = client("s3://b");
        s3.put_many((0..1005).map(|n| (format!("k{n:04}"), "x")))
            .await
            .unwrap();
        s3.put("k1005", "").await.unwrap();
        let before = store.operations();
        let objects = s3.get_all().await.unwrap();
        assert_eq!((objects.len(), objects[1004].key()), (1006, "k1004"));
        let after = store.operations();
        let count = |operation| after.get(operation) - before.get(operation);
        assert_eq!((count(Operation::List), count(Operation::Get)), (2, 1006));
    }

    #[tokio::test]
    async fn a_missing_bucket_is_not_found() {
        let s3 = S3::in_memory().unwrap();
        for prefixes in [
            vec!["s3://nowhere/x"],
            vec!["s3://nowhere/x", "s3://nowhere/y"],
        ] {
            let error = s3.get_recursive(prefixes).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::NotFound, "{error}");
        }
        assert_eq!(
            s3.get_recursive(["s3://b"]).await.unwrap_err().class(),
            ErrorClass::Url
        );
    }
}
