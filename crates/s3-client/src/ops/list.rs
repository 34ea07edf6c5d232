//! `list_paths` and `list_recursive`: list one level of a prefix, or all objects below it (ListObjectsV2).

use std::marker::PhantomData;

use futures_util::StreamExt;
use s3_core::ListPage;

use crate::batch::BatchResults;
use crate::call::Call;
use crate::context::ClientContext;
use crate::dedup::run_distinct;
use crate::error::Result;
use crate::request::{Async, Mode, Op, Request};
use crate::s3::Client;
use crate::stream::{ListedEntry, Listing, ListingStream};
use crate::{BatchError, Key, OnFailure, Outcome, S3Entry, S3Info};

/// The operation of [`list_paths`](Client::list_paths).
pub type ListPaths = List<S3Entry>;

/// The operation of [`list_recursive`](Client::list_recursive).
pub type ListRecursive = List<S3Info>;

/// A listing: [`ListPaths`] or [`ListRecursive`], by its entries.
#[derive(Clone, Debug)]
pub struct List<T> {
    /// The directories to list; the root when `None`.
    keys: Option<Vec<Key>>,
    entry: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    const fn root() -> Self {
        Self {
            keys: None,
            entry: PhantomData,
        }
    }
}

impl<M: Mode> Client<M> {
    /// Lists one level of the client's root, or of the directories given to [`at`](Request::at): objects and common
    /// prefixes.
    ///
    /// A key means the directory of that name, with or without a slash at its end, so `foo` finds neither `foo.txt` nor
    /// the object `foo`. Keys of results are relative to the directory. Directories come in request order; in each, the
    /// objects of a page of the listing (1,000 entries) come before its prefixes.
    ///
    /// One request per directory and 1,000 entries; directories are listed in parallel.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for a key that cannot be resolved or for the root of
    /// a client without one. The failing directory with the lowest index decides.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/a/0.txt", "0"), ("s3://b/a/c/2.txt", "2")]).await?;
    ///
    /// let found = s3.list_paths().at(["s3://b/a"]).await?;
    /// let found: Vec<_> = found.iter().map(|entry| (entry.key(), entry.is_prefix())).collect();
    /// assert_eq!(found, [("0.txt", false), ("c", true)]);
    /// # Ok(()) }
    /// ```
    pub fn list_paths(&self) -> Request<ListPaths, M> {
        self.request(List::root())
    }

    /// Lists all objects below the client's root, or below the directories given to [`at`](Request::at).
    ///
    /// Keys as [`list_paths`](Self::list_paths), except that slashes at the end of a key are not reduced to one. Keys of
    /// results are relative to the key that was given, in the server's order.
    ///
    /// One request per directory and 1,000 objects. A directory of more than 1,000 objects is listed in several ranges
    /// in parallel, for a few requests more: split at its subdirectories, or at keys between those seen.
    ///
    /// # Errors
    ///
    /// As [`list_paths`](Self::list_paths).
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
    ///     .s3root("s3://b/a")
    ///     .tmproot(std::env::temp_dir())
    ///     .build()?;
    /// s3.put_many([("0.txt", "0"), ("c/2.txt", "2")]).await?;
    ///
    /// let found = s3.list_recursive().await?;
    /// let found: Vec<_> = found.iter().map(|info| (info.key(), info.size())).collect();
    /// assert_eq!(found, [("0.txt", 1), ("c/2.txt", 1)]);
    /// # Ok(()) }
    /// ```
    pub fn list_recursive(&self) -> Request<ListRecursive, M> {
        self.request(List::root())
    }
}

impl<T, M> Request<List<T>, M> {
    /// Lists these directories instead of the root. An empty iterator lists nothing.
    pub fn at(mut self, keys: impl IntoIterator<Item: Into<Key>>) -> Self {
        let keys = keys.into_iter().map(Into::into);
        self.op.keys.get_or_insert_default().extend(keys);
        self
    }
}

impl<T: ListedEntry> Request<List<T>, Async> {
    /// Returns the entries page by page; see [`ListingStream`] for how many pages are requested ahead.
    ///
    /// Directories are listed one after the other. If a key cannot be resolved, that error is the only item.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/a/0.txt", "0").await?;
    /// let mut entries = s3.list_recursive().at(["s3://b/a"]).stream();
    /// while let Some(info) = entries.try_next().await? {
    ///     assert_eq!(info.key(), "0.txt");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(self) -> ListingStream<T> {
        let (list, call) = self.into_call();
        list.stream(call)
    }
}

impl<T: ListedEntry> List<T> {
    pub(crate) fn stream(self, call: Call) -> ListingStream<T> {
        let listings = self.listings(&call.client);
        ListingStream::new(call, listings)
    }

    fn listing(client: &ClientContext, key: &Key) -> Result<Listing> {
        let prefix = client.prefix_url(key)?;
        let show = if T::ONE_LEVEL {
            prefix.as_directory()
        } else {
            prefix
        };
        Ok(Listing {
            request: show.with_trailing_slash(),
            show,
            one_level: T::ONE_LEVEL,
        })
    }

    fn listings(&self, client: &ClientContext) -> Result<Vec<Listing>> {
        let root = [Key::root()];
        let keys = self.keys.as_deref().unwrap_or(&root);
        keys.iter().map(|key| Self::listing(client, key)).collect()
    }
}

impl<T: ListedEntry> Op for List<T> {
    type Output = Vec<T>;

    const NAME: &'static str = T::CALL;

    async fn run(self, call: Call) -> Result<Vec<T>> {
        let listings = self.listings(&call.client)?;
        let add = |listing: &Listing, page, all: &mut Vec<T>| listing.add_entries(page, all);
        let lists = list_all(&call, OnFailure::Stop, listings, add).await;
        let mut lists = BatchError::check(Self::NAME, lists, None, |_| Outcome::Done)?;
        // A single listing is returned as it is, without moving its entries.
        if lists.len() == 1 {
            return Ok(lists.remove(0));
        }
        Ok(lists.concat())
    }
}

/// Lists in parallel and returns the items that `add` takes from the pages, in the order of the listings.
pub(super) async fn list_all<T: Clone + Send + 'static>(
    call: &Call,
    on_failure: OnFailure,
    listings: Vec<Listing>,
    add: impl Fn(&Listing, ListPage, &mut Vec<T>) + Clone + Send + Sync + 'static,
) -> BatchResults<Vec<T>> {
    let job_call = call.clone();
    let job = move |_, listing: Listing| {
        let (call, add) = (job_call.clone(), add.clone());
        async move {
            let mut pages = listing.all_pages(&call);
            let mut all = Vec::new();
            while let Some(page) = pages.next().await {
                add(&listing, page?, &mut all);
            }
            Ok(all)
        }
    };
    run_distinct(&call.client.transfer, on_failure.for_reads(), listings, job).await
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::{ErrorClass, S3};

    async fn client(keys: &[&str]) -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root("s3://b/root")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        s3.put_many(keys.iter().map(|key| (*key, "x")))
            .await
            .unwrap();
        (store, s3)
    }

    fn shown(entries: &[S3Entry]) -> Vec<(&str, Option<&str>, bool)> {
        let entries = entries.iter();
        let entries = entries.map(|entry| (entry.key(), entry.prefix(), !entry.is_prefix()));
        entries.collect()
    }

    #[tokio::test]
    async fn one_level_has_objects_then_prefixes_for_each_directory_in_request_order() {
        let (_, s3) = client(&["a/0.txt", "a/b/1", "a/c/2", "f/4.txt", "foo", "foo.txt"]).await;
        let objects = s3.list_paths().at(["f", "/a/", "nothing"]).await.unwrap();
        let (f, a) = (Some("s3://b/root/f/"), Some("s3://b/root/a/"));
        let expected = [
            ("4.txt", f, true),
            ("0.txt", a, true),
            ("b", a, false),
            ("c", a, false),
        ];
        assert_eq!(shown(&objects), expected);
        let root = s3.list_paths().await.unwrap();
        let keys: Vec<_> = root.iter().map(S3Entry::key).collect();
        assert_eq!(keys, ["foo", "foo.txt", "a", "f"]);
        assert_eq!(s3.list_paths().at(&root[2..3]).await.unwrap().len(), 3);
        assert!(s3.list_paths().at(["foo"]).await.unwrap().is_empty());
        assert!(
            s3.list_paths()
                .at(Vec::<&str>::new())
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn a_tree_has_only_objects_and_shows_the_key_that_was_asked_for() {
        let (_, s3) = client(&["d/", "d/x", "d//y", "e"]).await;
        let objects = s3.list_recursive().at(["d"]).await.unwrap();
        let d = Some("s3://b/root/d");
        let shown_infos: Vec<_> = objects
            .iter()
            .map(|info| (info.key(), info.prefix()))
            .collect();
        assert_eq!(shown_infos, [("", d), ("/y", d), ("x", d)]);
        assert!(objects[0].etag().is_some() && objects[0].last_modified().is_some());
        let marker = s3.list_paths().at(["d"]).await.unwrap();
        assert_eq!(shown(&marker)[0], ("s3://b/root/d/", None, true));
        assert_eq!(s3.list_recursive().await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_stream_reads_a_page_when_it_is_needed() {
        let (store, s3) = client(&[]).await;
        s3.put_many((0..1500).map(|n| (format!("{n:04}"), "x")))
            .await
            .unwrap();
        let pages = || store.operations().get(Operation::List);
        let before = pages();
        let mut stream = s3.list_recursive().stream();
        assert_eq!(pages(), before);
        for _ in 0..1000 {
            stream.try_next().await.unwrap().unwrap();
        }
        let rest: Vec<_> = stream.try_collect().await.unwrap();
        assert_eq!(
            (rest.len(), rest[499].key(), pages() - before),
            (500, "1499", 2)
        );
    }

    #[tokio::test]
    async fn errors_name_the_directory_and_bad_keys_send_nothing() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let error = s3
            .list_paths()
            .at(["s3://b/x", "s3://nowhere/x"])
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.as_batch().unwrap().index()),
            (ErrorClass::NotFound, 1)
        );
        for key in ["s3://b", "x", ""] {
            let error = s3.list_recursive().at([key]).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Url, "{error}");
            let error = s3
                .list_recursive()
                .at([key])
                .stream()
                .try_next()
                .await
                .unwrap_err();
            assert_eq!(error.class(), ErrorClass::Url, "{error}");
        }
        assert_eq!(s3.list_recursive().at(["s3://b/"]).await.unwrap().len(), 0);
    }
}
