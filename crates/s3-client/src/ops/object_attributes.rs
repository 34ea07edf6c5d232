//! `object_attributes`: sends GetObjectAttributes and returns size, ETag, checksum and all parts of an object.

use s3_core::{
    Error as RequestError, ErrorKind, GetObjectAttributes as AttributesRequest, ObjectAttributes,
    Operation, S3Url, VersionId,
};

use crate::Key;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`object_attributes`](Client::object_attributes).
#[derive(Clone, Debug)]
pub struct GetObjectAttributes {
    key: Key,
    version: Option<VersionId>,
}

impl<M: Mode> Client<M> {
    /// Returns size, ETag, checksum and all parts of an object, as GetObjectAttributes does. One request per 1,000 parts.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing object or bucket, `AccessDenied`, `Url` for a key that cannot be resolved, `Other`
    /// for an object that is replaced between two requests
    /// ([`ErrorKind::ChangedDuringRead`](crate::ErrorKind::ChangedDuringRead)).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{Attributes, ChecksumAlgorithm};
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let sha = Attributes::default().with_checksum_algorithm(ChecksumAlgorithm::Sha256);
    /// let written = s3.put("s3://b/k", "hello").attributes(sha).await?;
    /// let attributes = s3.object_attributes("s3://b/k").await?;
    /// assert_eq!((attributes.size, attributes.part_count), (5, None));
    /// assert_eq!(attributes.checksum.as_ref(), written.checksum());
    /// # Ok(()) }
    /// ```
    pub fn object_attributes(&self, key: impl Into<Key>) -> Request<GetObjectAttributes, M> {
        self.request(GetObjectAttributes {
            key: key.into(),
            version: None,
        })
    }
}

impl<M> Request<GetObjectAttributes, M> {
    /// Chooses this version instead of the newest.
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }
}

impl Op for GetObjectAttributes {
    type Output = ObjectAttributes;

    const NAME: &'static str = "object_attributes";

    async fn run(self, call: Call) -> Result<ObjectAttributes> {
        let mut request = AttributesRequest::new(call.client.object_url(&self.key)?);
        request.version = self.version;
        let transfer = &call.client.transfer;
        let read = async |request| transfer.object_attributes(request, &call.options).await;
        let mut attributes = read(request.clone()).await?;
        if attributes.etag.is_none() && request.version.is_none() {
            request.version.clone_from(&attributes.version);
        }
        while let Some(next) = attributes.next.take() {
            request.after = Some(next);
            let page = read(request.clone()).await?;
            if page.etag != attributes.etag {
                return Err(changed(&request.url));
            }
            attributes.parts.extend(page.parts);
            attributes.next = page.next.filter(|&later| later > next);
        }
        Ok(attributes)
    }
}

fn changed(url: &S3Url) -> Error {
    let error = RequestError::new(ErrorKind::ChangedDuringRead, Operation::ObjectAttributes);
    let error = error.with_resource(url);
    let error = error.with_message("the object was replaced while its parts were listed");
    error.into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use s3_core::{Limits, MemoryStore, S3Url, StoreExt};
    use s3_testkit::{FaultAction, FaultMatch, FaultStore};

    use crate::{Attributes, ChecksumAlgorithm, ChecksumType, ErrorKind, S3};

    #[tokio::test(start_paused = true)]
    async fn an_object_that_is_replaced_between_two_pages_is_an_error() {
        let mut limits = Limits::default();
        (limits.min_part_size, limits.max_keys_per_page) = (1, 2);
        let memory = MemoryStore::with_buckets(["b"]).with_limits(limits);
        let stall = FaultAction::stall(Duration::from_secs(5));
        let second = FaultMatch::operation("GetObjectAttributes").on(stall);
        let store = FaultStore::new(memory.clone(), second.skip(1).times(1).into());
        let s3 = S3::builder().store(store).tmproot(std::env::temp_dir());
        let s3 = s3.part_size(2).build().unwrap();
        s3.put("s3://b/k", "123456789").await.unwrap();
        let (read, ()) = tokio::join!(s3.object_attributes("s3://b/k").into_future(), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let url = S3Url::parse("s3://b/k").unwrap();
            memory.put_bytes(url, "another object").await.unwrap();
        });
        let error = read.unwrap_err();
        assert_eq!(
            error.as_request().unwrap().kind(),
            ErrorKind::ChangedDuringRead
        );
    }

    #[tokio::test]
    async fn the_parts_of_all_pages_are_returned() {
        let mut limits = Limits::default();
        (limits.min_part_size, limits.max_keys_per_page) = (1, 2);
        let store = MemoryStore::with_buckets(["b"]).with_limits(limits);
        let s3 = S3::builder()
            .store(store)
            .tmproot(std::env::temp_dir())
            .part_size(2);
        let s3 = s3.build().unwrap();
        let sha = Attributes::default().with_checksum_algorithm(ChecksumAlgorithm::Sha1);
        let written = s3
            .put("s3://b/k", "123456789")
            .attributes(sha)
            .await
            .unwrap();
        let read = s3.object_attributes("s3://b/k").await.unwrap();
        assert_eq!((read.size, read.part_count, read.next), (9, Some(5), None));
        let sizes: Vec<_> = read.parts.iter().map(|part| part.size).collect();
        assert_eq!(sizes, [2, 2, 2, 2, 1]);
        assert!(read.parts.iter().all(|part| part.checksum.is_some()));
        let checksum = read.checksum.unwrap();
        assert_eq!(checksum.checksum_type, ChecksumType::Composite);
        assert!(checksum.value.ends_with("-5"), "{checksum:?}");
        assert_eq!(written.checksum(), Some(&checksum));
    }
}
