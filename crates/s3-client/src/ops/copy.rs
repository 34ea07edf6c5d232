//! `copy`: copies an object on the server, in one request or in parts.

use s3_core::{
    Attributes, ChecksumAlgorithm, Conditions, CopyRequest, ErrorKind, PutMode, PutResponse,
    VersionId,
};

use s3_transfer::PutOutcome;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::request::{Mode, Op, Request};
use crate::resume::{self, Resume};
use crate::s3::Client;
use crate::{Key, WriteOutcome, WriteResult};

/// The operation of [`copy`](Client::copy).
#[derive(Clone, Debug)]
pub struct CopyObject {
    from: Key,
    version: Option<VersionId>,
    conditions: Conditions,
    to: Key,
    overwrite: bool,
    attributes: Option<Attributes>,
    checksum_algorithm: Option<ChecksumAlgorithm>,
    resume: Option<Resume>,
    part_size: Option<u64>,
}

impl<M: Mode> Client<M> {
    /// Copies an object with its attributes. The bytes do not pass through the client.
    ///
    /// One request up to 5 GiB. A larger copy is made in parts and keeps content type, encoding, `Cache-Control`,
    /// `Content-Disposition` and user metadata, nothing else. The copy is encrypted with the client's
    /// [encryption](crate::S3Builder::encryption), or else with the default of its bucket; the encryption of the source
    /// does not matter.
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
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/from", "hello").content_type("text/plain").await?;
    /// let copy = s3.copy("s3://b/from", "s3://b/to").await?;
    /// assert_eq!(copy.url(), "s3://b/to");
    /// assert_eq!(s3.info("s3://b/to").await?.content_type(), Some("text/plain"));
    /// # Ok(()) }
    /// ```
    pub fn copy(&self, from: impl Into<Key>, to: impl Into<Key>) -> Request<CopyObject, M> {
        self.request(CopyObject {
            from: from.into(),
            version: None,
            conditions: Conditions::default(),
            to: to.into(),
            overwrite: true,
            attributes: None,
            checksum_algorithm: None,
            resume: None,
            part_size: None,
        })
    }
}

impl<M> Request<CopyObject, M> {
    /// Copies this version of the source instead of the newest.
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }

    /// Copies only if the source meets these conditions; otherwise the call fails, with
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{Conditions, ErrorKind};
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let first = s3.put("s3://b/k", "first").await?.etag().expect("a tag").clone();
    /// s3.put("s3://b/k", "second").await?;
    /// let only_first = Conditions::default().with_if_match(first);
    /// let copy = s3.copy("s3://b/k", "s3://b/copy").conditions(only_first).await;
    /// assert_eq!(copy.unwrap_err().as_request().map(|error| error.kind()), Some(ErrorKind::PreconditionFailed));
    /// # Ok(()) }
    /// ```
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.op.conditions = conditions;
        self
    }

    /// With `false`, keeps an existing object; the call still succeeds, with
    /// [`AlreadyThere`](crate::WriteOutcome::AlreadyThere). `true` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::WriteOutcome;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// for outcome in [WriteOutcome::Created, WriteOutcome::AlreadyThere] {
    ///     let copy = s3.copy("s3://b/k", "s3://b/copy").overwrite(false).await?;
    ///     assert_eq!(copy.outcome(), outcome);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.op.overwrite = yes;
        self
    }

    /// Gives the copy these attributes instead of those of the source. Tags of the source are kept unless `attributes`
    /// has tags.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.op.attributes = Some(attributes);
        self
    }

    /// Gives the copy a checksum of this algorithm. Without it, S3 keeps the algorithm of the source.
    pub fn checksum_algorithm(mut self, algorithm: ChecksumAlgorithm) -> Self {
        self.op.checksum_algorithm = Some(algorithm);
        self
    }

    /// Resumes an interrupted copy of the same object, and keeps the parts for the next one if this one is interrupted: an
    /// object larger than a [part](Self::part_size) is copied in parts. Costs a HEAD of the source.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/film", vec![7; 11 << 20]).await?;
    /// let directory = s3.scratch_path().expect("it is open");
    /// let resume = s3_client::Resume::in_dir(directory.join("transfers"));
    /// s3.copy("s3://b/film", "s3://b/copy").resume(&resume).part_size(5 << 20).await?;
    /// assert!(resume.kept().is_empty());
    /// # Ok(()) }
    /// ```
    pub fn resume(mut self, resume: &Resume) -> Self {
        self.op.resume = Some(resume.clone());
        self
    }

    /// Sets the size of the parts of a copy that can be [resumed](Self::resume), in bytes. 512 MiB by default: no bytes pass
    /// through the client. S3 takes parts from 5 MiB to 5 GiB, and 10,000 of them.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.op.part_size = Some(bytes);
        self
    }
}

impl Op for CopyObject {
    type Output = WriteResult;

    const NAME: &'static str = "copy";

    async fn run(self, call: Call) -> Result<WriteResult> {
        let from = call.client.object_url(&self.from)?;
        let to = call.client.object_url(&self.to)?;
        let mut request = CopyRequest::new(from, to.clone());
        let has_conditions = self.conditions != Conditions::default();
        request.source_version = self.version;
        request.source_conditions = self.conditions;
        request.attributes = self.attributes;
        request.checksum_algorithm = self.checksum_algorithm;
        let own = request.attributes.as_mut();
        request.encryption = own
            .and_then(|attributes| attributes.encryption.take())
            .or_else(|| call.client.encryption.clone());
        let created = match self.overwrite {
            true => WriteOutcome::Written,
            false => {
                request.mode = PutMode::IfAbsent;
                WriteOutcome::Created
            }
        };
        let transfer = &call.client.transfer;
        let copied = match &self.resume {
            Some(resume) => Box::pin(resume::copy(&call, resume, request, self.part_size)).await,
            None => {
                let copied = transfer.copy(request, &call.options).await;
                copied.map(PutOutcome::Written).map_err(Error::from)
            }
        };
        let (outcome, response) = match copied {
            Ok(PutOutcome::Written(response)) => (created, response),
            Ok(_) => (WriteOutcome::AlreadyThere, PutResponse::default()),
            Err(error) => {
                let kind = error.as_request().map(s3_core::Error::kind);
                let rejected = kind == Some(ErrorKind::PreconditionFailed) && !self.overwrite;
                // Only with both kinds of conditions is it unclear which one failed.
                let is_there = match rejected && has_conditions {
                    true => transfer.head(to.clone(), &call.options).await.is_ok(),
                    false => rejected,
                };
                if !is_there {
                    return Err(error);
                }
                (WriteOutcome::AlreadyThere, PutResponse::default())
            }
        };
        Ok(WriteResult::new(self.to, to, outcome, response))
    }
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;
    use serde_json::json;

    use crate::{ErrorClass, S3};

    #[tokio::test]
    async fn copies_have_the_encryption_of_the_client() {
        let builder = || S3::builder().s3root("s3://b").tmproot(std::env::temp_dir());
        let store = MemoryStore::with_buckets(["b"]);
        let plain = builder().store(store.clone()).build().unwrap();
        plain
            .put("a", "v")
            .metadata(json!({"m": "1"}))
            .await
            .unwrap();
        let encrypting = builder().store(store).encryption("AES256").build().unwrap();
        let copy = encrypting.copy("a", "c").await.unwrap();
        let info = plain.info("c").await.unwrap();
        assert!(copy.etag().is_some() && copy.etag() == info.etag());
        assert_eq!(
            (info.encryption(), info.metadata()),
            (Some("AES256"), Some(&json!({"m": "1"})))
        );
        let error = encrypting.copy("nope", "d").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
    }
}
