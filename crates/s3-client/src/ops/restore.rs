//! `restore`: sends RestoreObject, which makes an object of an archive storage class readable.

use s3_core::{RestoreRequest, VersionId};

use crate::Key;
use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`restore`](Client::restore).
#[derive(Clone, Debug)]
pub struct Restore {
    key: Key,
    version: Option<VersionId>,
    days: Option<u32>,
    tier: Option<String>,
}

impl<M: Mode> Client<M> {
    /// Restores an object of an archive, such as the storage class `GLACIER`, for this number of days. One request.
    ///
    /// An object of the class `INTELLIGENT_TIERING` leaves its archive permanently: its `days` are `None`.
    ///
    /// The call begins the restoration, which takes minutes to hours on AWS.
    /// [`S3Info::restore_status`](crate::S3Info::restore_status) tells when the object can be read. Before that, reads
    /// and copies fail with [`ErrorKind::Archived`](crate::ErrorKind::Archived).
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing object or bucket, `AccessDenied`, `Other` for an object that is not archived or
    /// is already being restored, and for `days` that are missing or not allowed for its storage class, `Url` for a key
    /// that cannot be resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{Attributes, RestoreStatus};
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let archived = Attributes::default().with_storage_class("GLACIER");
    /// s3.put("s3://b/k", "hello").attributes(archived).await?;
    /// assert!(s3.get("s3://b/k").await.is_err());
    ///
    /// s3.restore("s3://b/k", 3).tier("Bulk").await?;
    /// let info = s3.info("s3://b/k").await?;
    /// assert!(matches!(info.restore_status(), Some(RestoreStatus::Restored { .. })));
    /// assert_eq!(s3.get("s3://b/k").await?.text()?, "hello");
    /// # Ok(()) }
    /// ```
    pub fn restore(
        &self,
        key: impl Into<Key>,
        days: impl Into<Option<u32>>,
    ) -> Request<Restore, M> {
        self.request(Restore {
            key: key.into(),
            version: None,
            days: days.into(),
            tier: None,
        })
    }
}

impl<M> Request<Restore, M> {
    /// Chooses this version instead of the newest.
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }

    /// Sets how fast the object is restored: `Expedited`, `Standard` or `Bulk`. AWS's default is `Standard`.
    pub fn tier(mut self, tier: impl Into<String>) -> Self {
        self.op.tier = Some(tier.into());
        self
    }
}

impl Op for Restore {
    type Output = ();

    const NAME: &'static str = "restore";

    async fn run(self, call: Call) -> Result<()> {
        let url = call.client.object_url(&self.key)?;
        let mut request = RestoreRequest::new(url, self.days);
        request.version = self.version;
        request.tier = self.tier.map(Into::into);
        let restored = call.client.transfer.restore(request, &call.options);
        Ok(restored.await?)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Attributes, ErrorClass, ErrorKind, blocking};

    #[test]
    fn an_archived_object_says_what_to_do() {
        let s3 = blocking::S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        let archived = Attributes::default().with_storage_class("DEEP_ARCHIVE");
        let put = s3.put("s3://b/k", "hello").attributes(archived);
        put.send().unwrap();
        for error in [
            s3.get("s3://b/k").send().unwrap_err(),
            s3.copy("s3://b/k", "s3://b/copy").send().unwrap_err(),
        ] {
            assert_eq!(error.as_request().unwrap().kind(), ErrorKind::Archived);
            assert_eq!(error.class(), ErrorClass::AccessDenied);
            let text = error.to_string();
            assert!(text.contains("hint: restore the object first"), "{text}");
        }
        s3.put("s3://b/plain", "x").send().unwrap();
        let error = s3.restore("s3://b/plain", 1).send().unwrap_err();
        assert_eq!(error.as_request().unwrap().kind(), ErrorKind::InvalidInput);
        s3.restore("s3://b/k", 1).send().unwrap();
        s3.copy("s3://b/k", "s3://b/copy").send().unwrap();
        // The copy has the default storage class, as on AWS.
        assert_eq!(
            s3.get("s3://b/copy").send().unwrap().text().unwrap(),
            "hello"
        );
    }

    #[test]
    fn an_object_that_leaves_its_archive_for_good_is_restored_without_days() {
        let s3 = blocking::S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        for (class, days, kind) in [
            ("INTELLIGENT_TIERING", None, None),
            (
                "INTELLIGENT_TIERING",
                Some(1),
                Some(ErrorKind::InvalidInput),
            ),
            ("GLACIER", None, Some(ErrorKind::InvalidInput)),
            ("GLACIER", Some(1), None),
        ] {
            let attributes = Attributes::default().with_storage_class(class);
            let put = s3.put("s3://b/k", "hello").attributes(attributes);
            put.send().unwrap();
            let restored = s3.restore("s3://b/k", days).send();
            let found = restored
                .err()
                .map(|error| error.as_request().unwrap().kind());
            assert_eq!(found, kind, "{class} {days:?}");
        }
    }
}
