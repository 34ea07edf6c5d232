//! `object_attributes`: size, checksum and parts of an object.

use s3_core::{GetObjectAttributes as AttributesRequest, ObjectAttributes, VersionId};

use crate::Key;
use crate::call::Call;
use crate::error::Result;
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
    /// Class `NotFound` for a missing object or bucket, `AccessDenied`, `Url` for a key that cannot be resolved.
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
        while let Some(next) = attributes.next.take() {
            request.after = Some(next);
            // Pin the pages to one version.
            request.version.clone_from(&attributes.version);
            let page = read(request.clone()).await?;
            attributes.parts.extend(page.parts);
            attributes.next = page.next.filter(|&later| later > next);
        }
        Ok(attributes)
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{Limits, MemoryStore};

    use crate::{Attributes, ChecksumAlgorithm, ChecksumType, S3};

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
