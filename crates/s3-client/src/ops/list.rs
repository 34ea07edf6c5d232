//! Listing one level, and listing everything.

use futures_util::StreamExt;
use s3_core::ListPage;

use crate::dedup::{Batch, Results, results_of_distinct};
use crate::error::Result;
use crate::request::{Async, Call, Mode, Op, Request};
use crate::s3::{Client, Shared};
use crate::stream::{Listing, ListingStream};
use crate::{Key, OnFailure, S3Object};

/// The call of [`list_paths`](Client::list_paths).
#[derive(Clone, Debug)]
pub struct ListPaths {
    keys: Vec<Key>,
}

/// The call of [`list_recursive`](Client::list_recursive).
#[derive(Clone, Debug)]
pub struct ListRecursive {
    keys: Vec<Key>,
}

impl<M: Mode> Client<M> {
    /// Lists what lies directly in these directories: objects, and prefixes, which do not [exist](S3Object::exists).
    ///
    /// `[Key::root()]` lists the root, Metaflow's `None`; no key at all lists nothing. A key means the directory of that
    /// name, with or without a slash at its end, so `foo` finds neither `foo.txt` nor the object `foo`. Keys of results
    /// are relative to the directory. Directories come in request order; in each, the objects of a page of the listing
    /// (1,000 entries) come before its prefixes.
    ///
    /// One request per directory and 1,000 entries; directories are listed in parallel.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for a key that cannot be resolved. The failing
    /// directory with the lowest index decides.
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
    /// let found = s3.list_paths(["s3://b/a"]).await?;
    /// let found: Vec<_> = found.iter().map(|object| (object.key(), object.exists())).collect();
    /// assert_eq!(found, [("0.txt", true), ("c", false)]);
    /// # Ok(()) }
    /// ```
    pub fn list_paths(&self, keys: impl IntoIterator<Item: Into<Key>>) -> Request<ListPaths, M> {
        self.request(ListPaths {
            keys: keys.into_iter().map(Into::into).collect(),
        })
    }

    /// Lists all objects below these directories. All of them [exist](S3Object::exists).
    ///
    /// Keys as [`list_paths`](Self::list_paths), except that slashes at the end of a key are not reduced to one. Keys of
    /// results are relative to the key that was asked for, in the server's order.
    ///
    /// One request per directory and 1,000 objects. A directory of more than 1,000 objects is listed in several ranges
    /// at once, for a few requests more: at its subdirectories, or where its keys suggest.
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
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/a/0.txt", "0"), ("s3://b/a/c/2.txt", "2")]).await?;
    ///
    /// let found = s3.list_recursive(["s3://b/a"]).await?;
    /// let found: Vec<_> = found.iter().map(|object| object.key()).collect();
    /// assert_eq!(found, ["0.txt", "c/2.txt"]);
    /// # Ok(()) }
    /// ```
    pub fn list_recursive(
        &self,
        keys: impl IntoIterator<Item: Into<Key>>,
    ) -> Request<ListRecursive, M> {
        self.request(ListRecursive {
            keys: keys.into_iter().map(Into::into).collect(),
        })
    }
}

/// Lists in parallel and returns what is taken from the pages of each listing, in the order of the listings.
pub(super) async fn list_all<T: Clone + Send + 'static>(
    call: &Call,
    on_failure: OnFailure,
    listings: Vec<Listing>,
    take: impl Fn(&Listing, ListPage, &mut Vec<T>) + Clone + Send + Sync + 'static,
) -> Results<Vec<T>> {
    let job_call = call.clone();
    results_of_distinct(
        &call.client.transfer,
        on_failure,
        listings,
        move |_, listing: Listing| {
            let (call, take) = (job_call.clone(), take.clone());
            async move {
                let mut pages = listing.all_pages(&call);
                let mut all = Vec::new();
                while let Some(page) = pages.next().await {
                    take(&listing, page?, &mut all);
                }
                Ok(all)
            }
        },
    )
    .await
}

macro_rules! listing_op {
    ($op:ident, $name:literal) => {
        impl $op {
            pub(crate) fn stream(self, call: Call) -> ListingStream {
                let listings = self.listings(&call.client);
                ListingStream::new(call, listings)
            }

            fn listings(&self, client: &Shared) -> Result<Vec<Listing>> {
                self.keys
                    .iter()
                    .map(|key| Self::listing(client, key))
                    .collect()
            }
        }

        impl Op for $op {
            type Output = Vec<S3Object>;

            const NAME: &'static str = $name;

            async fn run(self, call: Call) -> Result<Vec<S3Object>> {
                let listings = self.listings(&call.client)?;
                let take = |listing: &Listing, page, all: &mut Vec<_>| {
                    all.extend(listing.entries(page));
                };
                let lists = list_all(&call, OnFailure::Stop, listings, take).await;
                let mut lists = Batch::without_results(Self::NAME).check(lists, None)?;
                // The usual single one need not be moved object by object.
                if lists.len() == 1 {
                    return Ok(lists.remove(0));
                }
                Ok(lists.concat())
            }
        }

        impl Request<$op, Async> {
            /// Returns the entries as they come; see [`ListingStream`] for what is requested before it is read.
            ///
            /// Directories are listed one after the other. A key that cannot be resolved is the first and only item.
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
            #[doc = concat!("let mut entries = s3.", $name, "([\"s3://b/a\"]).stream();")]
            /// while let Some(object) = entries.try_next().await? {
            ///     assert_eq!(object.key(), "0.txt");
            /// }
            /// # Ok(()) }
            /// ```
            pub fn stream(self) -> ListingStream {
                self.op.stream(Call::begin(self.client, self.deadline))
            }
        }
    };
}

listing_op!(ListPaths, "list_paths");
listing_op!(ListRecursive, "list_recursive");

impl ListPaths {
    fn listing(client: &Shared, key: &Key) -> Result<Listing> {
        let directory = client.prefix_url(key)?.as_directory();
        Ok(Listing {
            ask: directory.clone(),
            show: directory,
            one_level: true,
        })
    }
}

impl ListRecursive {
    fn listing(client: &Shared, key: &Key) -> Result<Listing> {
        let show = client.prefix_url(key)?;
        Ok(Listing {
            ask: show.with_trailing_slash(),
            show,
            one_level: false,
        })
    }
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

    fn shown(objects: &[S3Object]) -> Vec<(&str, Option<&str>, bool)> {
        objects
            .iter()
            .map(|object| (object.key(), object.prefix(), object.exists()))
            .collect()
    }

    #[tokio::test]
    async fn one_level_has_objects_then_prefixes_for_each_directory_in_request_order() {
        let (_, s3) = client(&["a/0.txt", "a/b/1", "a/c/2", "f/4.txt", "foo", "foo.txt"]).await;
        let objects = s3.list_paths(["f", "/a/", "nothing"]).await.unwrap();
        let (f, a) = (Some("s3://b/root/f/"), Some("s3://b/root/a/"));
        let expected = [
            ("4.txt", f, true),
            ("0.txt", a, true),
            ("b", a, false),
            ("c", a, false),
        ];
        assert_eq!(shown(&objects), expected);
        let root = s3.list_paths([Key::root()]).await.unwrap();
        let keys: Vec<_> = root.iter().map(S3Object::key).collect();
        assert_eq!(keys, ["foo", "foo.txt", "a", "f"]);
        assert_eq!(s3.list_paths(&root[2..3]).await.unwrap().len(), 3);
        assert!(s3.list_paths(["foo"]).await.unwrap().is_empty());
        assert!(s3.list_paths(Vec::<&str>::new()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_tree_has_only_objects_and_shows_the_key_that_was_asked_for() {
        let (_, s3) = client(&["d/", "d/x", "d//y", "e"]).await;
        let objects = s3.list_recursive(["d"]).await.unwrap();
        let d = Some("s3://b/root/d");
        assert_eq!(
            shown(&objects),
            [("", d, true), ("/y", d, true), ("x", d, true)]
        );
        let marker = s3.list_paths(["d"]).await.unwrap();
        assert_eq!(shown(&marker)[0], ("s3://b/root/d/", None, true));
        assert_eq!(s3.list_recursive([Key::root()]).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_stream_reads_a_page_when_it_is_needed() {
        let (store, s3) = client(&[]).await;
        s3.put_many((0..1500).map(|n| (format!("{n:04}"), "x")))
            .await
            .unwrap();
        let pages = || store.operations().get(Operation::List);
        let before = pages();
        let mut stream = s3.list_recursive([Key::root()]).stream();
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
            .list_paths(["s3://b/x", "s3://nowhere/x"])
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.as_batch().unwrap().index()),
            (ErrorClass::NotFound, 1)
        );
        for key in ["s3://b", "x", ""] {
            let error = s3.list_recursive([key]).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Url, "{error}");
            let error = s3
                .list_recursive([key])
                .stream()
                .try_next()
                .await
                .unwrap_err();
            assert_eq!(error.class(), ErrorClass::Url, "{error}");
        }
        assert_eq!(s3.list_recursive(["s3://b/"]).await.unwrap().len(), 0);
    }
}
