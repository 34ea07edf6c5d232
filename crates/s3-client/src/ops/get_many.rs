//! `get_many`: downloads many objects or ranges in parallel, as a list or as a stream.

use std::marker::PhantomData;
use std::sync::Arc;

use s3_transfer::FanOutOptions;

use super::get::{read, resolve};
use crate::call::Call;
use crate::dedup::run_distinct;
use crate::download::expected_len;
use crate::error::Result;
use crate::lookup::{return_info, return_missing};
use crate::on_failure::many_op;
use crate::read_ahead::ReadAhead;
use crate::request::{Async, Mode, Op, Request};
use crate::s3::Client;
use crate::stream::ObjectStream;
use crate::{BatchError, GetObject, OnFailure, Outcome, ReadOutput, S3Object};

/// The operation of [`get_many`](Client::get_many).
#[derive(Clone, Debug)]
pub struct GetMany<T = S3Object> {
    on_failure: OnFailure,
    objects: Vec<GetObject>,
    return_info: bool,
    output: PhantomData<fn() -> T>,
}

impl<M: Mode> Client<M> {
    /// Downloads many objects, or ranges of them, in parallel.
    ///
    /// Returns one object per input, in input order. Equal inputs are downloaded once and share their bytes.
    /// Requests as [`get`](Self::get); all inputs are checked before the first.
    ///
    /// # Errors
    ///
    /// The first failure ends the call unless [`on_failure`](Request::on_failure) says otherwise. The error is that of the
    /// failing input with the lowest index; see [`BatchError`](crate::BatchError). Classes as in [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).await?;
    ///
    /// let objects = s3.get_many(["s3://b/2", "s3://b/3", "s3://b/1"]).return_missing().await?;
    /// let sizes: Vec<_> = objects.iter().map(|object| object.as_found().map(|object| object.size())).collect();
    /// assert_eq!(sizes, [Some(3), None, Some(3)]);
    /// # Ok(()) }
    /// ```
    pub fn get_many(&self, keys: impl IntoIterator<Item: Into<GetObject>>) -> Request<GetMany, M> {
        let objects = keys.into_iter().map(Into::into).collect();
        self.request(GetMany {
            on_failure: OnFailure::Stop,
            objects,
            return_info: true,
            output: PhantomData,
        })
    }
}

return_missing!(GetMany<S3Object> { on_failure, objects, return_info });
return_info!(GetMany);

impl<T: ReadOutput<Object = S3Object>> Request<GetMany<T>, Async> {
    /// Sends the request and returns its results in order of completion, each with the index of its input.
    ///
    /// A failure does not stop the others: every input has one item. Equal inputs are downloaded separately.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use futures_util::StreamExt;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/1", "one").await?;
    /// let mut results = s3.get_many(["s3://b/1", "s3://b/2"]).stream();
    /// while let Some((index, object)) = results.next().await {
    ///     assert_eq!(object.is_ok(), index == 0);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(self) -> ObjectStream<T> {
        let (get, call) = self.into_call();
        get.stream(call)
    }
}

impl<T: ReadOutput<Object = S3Object>> GetMany<T> {
    pub(crate) fn stream(self, call: Call) -> ObjectStream<T> {
        let mut items = Vec::with_capacity(self.objects.len());
        for (index, object) in self.objects.iter().enumerate() {
            match resolve(&call.client, object) {
                Ok(item) => items.push(item),
                Err(error) => return ObjectStream::rejected(call.client, index, error),
            }
        }
        let (client, return_info) = (Arc::clone(&call.client), self.return_info);
        let ahead = ReadAhead::default();
        let reader = ahead.clone();
        let download = move |_, item| {
            let (call, ahead) = (call.clone(), ahead.clone());
            async move {
                let expected = ahead.room(expected_len(&item)).await;
                let output: T = read(&call, item, None, return_info).await?;
                expected.arrived(output.bytes_in_memory());
                Ok(output)
            }
        };
        let options = FanOutOptions::default();
        let downloads = client.transfer.fan_out(items, options, download);
        ObjectStream::running(client, downloads, reader)
    }
}

impl<T: ReadOutput<Object = S3Object> + Into<Outcome>> Op for GetMany<T> {
    type Output = Vec<T>;

    const NAME: &'static str = "get_many";

    async fn run(self, call: Call) -> Result<Vec<T>> {
        let objects = self.objects.iter();
        let items = objects.map(|object| resolve(&call.client, object));
        let items = items.collect::<Result<Vec<_>>>()?;
        let (transfer, return_info) = (call.client.transfer.clone(), self.return_info);
        let job = move |_, item| {
            let call = call.clone();
            async move { read(&call, item, None, return_info).await }
        };
        let results = run_distinct(&transfer, self.on_failure.for_reads(), items, job).await;
        BatchError::check(Self::NAME, results, None, self.on_failure.outcome())
    }
}

many_op!(GetMany<T>);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;
    use s3_core::{MemoryStore, Operation};
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};

    use super::*;
    use crate::{ErrorClass, S3, S3GetObject};

    async fn client() -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root("s3://b/root")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        s3.put_many([("a", "A"), ("b", "BB"), ("c", "CCC")])
            .await
            .unwrap();
        (store, s3)
    }

    #[tokio::test]
    async fn results_are_in_input_order_and_equal_inputs_are_fetched_once() {
        let (store, s3) = client().await;
        let before = store.operations().get(Operation::Get);
        let objects = s3
            .get_many(["c", "/a", "nope", "a", "c"])
            .return_missing()
            .await
            .unwrap();
        let sizes: Vec<_> = objects
            .iter()
            .map(|object| object.as_found().map(S3Object::size))
            .collect();
        assert_eq!(sizes, [Some(3), Some(1), None, Some(1), Some(3)]);
        assert_eq!(store.operations().get(Operation::Get) - before, 3);
        let path = |index: usize| objects[index].as_found().unwrap().path().unwrap();
        assert_eq!(path(0), path(4));
        assert_eq!(s3.get_many(Vec::<&str>::new()).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn the_lowest_failing_input_is_the_error() {
        let (_, s3) = client().await;
        let error = s3.get_many(["a", "nope1", "b", "nope2"]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        let batch = error.as_batch().unwrap();
        assert_eq!(batch.index(), 1);
        assert!(error.to_string().contains("s3://b/root/nope1"), "{error}");
        let ranges = [S3GetObject::new("a", 0, 1), S3GetObject::new("a", 50, 1)];
        let error = s3.get_many(ranges).return_missing().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::InvalidRange);
    }

    #[tokio::test]
    async fn one_bad_input_sends_nothing() {
        let (store, s3) = client().await;
        let before = store.operations().total();
        let error = s3.get_many(["a", "s3://b/root/b"]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url);
        let mut stream = s3.get_many(["a", "s3://b/root/b"]).stream();
        let (index, result) = stream.next().await.unwrap();
        assert_eq!((index, result.unwrap_err().class()), (1, ErrorClass::Url));
        assert!(stream.next().await.is_none());
        assert_eq!(store.operations().total(), before);
    }

    #[tokio::test]
    async fn a_stream_has_one_item_per_input() {
        let (_, s3) = client().await;
        let mut results: Vec<_> = s3
            .get_many(["a", "nope", "b", "a"])
            .stream()
            .collect()
            .await;
        results.sort_by_key(|(index, _)| *index);
        let sizes: Vec<_> = results
            .into_iter()
            .map(|(_, object)| Some(object.ok()?.size()))
            .collect();
        assert_eq!(sizes, [Some(1), None, Some(2), Some(1)]);
    }

    #[tokio::test]
    async fn memory_is_bounded_for_all_objects_together() {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store)
            .s3root("s3://b")
            .memory_budget(4)
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        s3.put_many((0..8).map(|n| (n.to_string(), "abc")))
            .await
            .unwrap();
        let mut kept = Vec::new();
        for n in 0..8 {
            kept.push(s3.get(n.to_string()).await.unwrap());
        }
        let files = std::fs::read_dir(s3.scratch_path().unwrap())
            .unwrap()
            .count();
        assert_eq!(files, 7);
        drop(kept);
        s3.get("0").await.unwrap();
        assert_eq!(
            std::fs::read_dir(s3.scratch_path().unwrap())
                .unwrap()
                .count(),
            7
        );
    }

    #[tokio::test(start_paused = true)]
    async fn downloads_in_flight_count_towards_the_memory_budget() {
        let store = MemoryStore::with_buckets(["b"]);
        let slow = FaultAction::stall(Duration::from_secs(1));
        let slow = FaultMatch::operation("GetObject").on(slow);
        let slow = FaultPlan::new([slow]);
        let s3 = S3::builder()
            .store(FaultStore::new(store, slow))
            .s3root("s3://b")
            .memory_budget(9)
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        let keys = || (0..8).map(|n| n.to_string());
        s3.put_many(keys().map(|key| (key, "abc"))).await.unwrap();
        let kept = s3.get_many(keys()).await.unwrap();
        let files = std::fs::read_dir(s3.scratch_path().unwrap());
        assert_eq!((kept.len(), files.unwrap().count()), (8, 5));
    }
}
