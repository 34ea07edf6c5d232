//! The access key and secret that the server accepts, and access without a signature.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

/// An access key and its secret, for any region.
#[derive(Clone, Debug)]
pub(super) struct KeyPair {
    pub(super) access_key: String,
    pub(super) secret_key: String,
}

#[async_trait::async_trait]
impl S3Auth for KeyPair {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key {
            Ok(SecretKey::from(self.secret_key.as_str()))
        } else {
            Err(s3_error!(
                InvalidAccessKeyId,
                "the access key {access_key} does not exist"
            ))
        }
    }
}

/// Accepts requests without a signature; signatures are still verified.
#[derive(Debug)]
pub(super) struct Anybody;

#[async_trait::async_trait]
impl S3Access for Anybody {
    async fn check(&self, _: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}
