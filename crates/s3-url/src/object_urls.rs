//! [`ObjectUrls`]: builds the URLs of many objects of one bucket, for listings.

use crate::S3Url;
use crate::parse::{ParseError, check_key_len};

/// Builds the URLs of many objects of one bucket, with one allocation each. Returned by
/// [`S3Prefix::object_urls`](crate::S3Prefix::object_urls).
///
/// ```
/// use s3_url::S3Prefix;
///
/// let mut urls = S3Prefix::parse("s3://photos/2026/")?.object_urls();
/// assert_eq!(urls.of_key("2026/a?b.jpg")?.as_str(), "s3://photos/2026/a?b.jpg");
/// assert!(urls.of_key("").is_err());
/// # Ok::<(), s3_url::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ObjectUrls {
    /// `s3://bucket/` and the key of the last URL.
    text: String,
    /// The offset of the key in `text`.
    key: usize,
}

const SCHEME: &str = "s3://";

impl ObjectUrls {
    /// Returns a builder for a valid bucket.
    pub(crate) fn new(bucket: &str) -> Self {
        let text = format!("{SCHEME}{bucket}/");
        Self {
            key: text.len(),
            text,
        }
    }

    /// Returns the URL of the object with this full key; it is not relative to the prefix.
    ///
    /// # Errors
    ///
    /// As [`S3Url::from_parts`].
    pub fn of_key(&mut self, key: &str) -> Result<S3Url, ParseError> {
        self.text.truncate(self.key);
        if key.is_empty() || self.text.starts_with("s3://arn:") {
            // The end of an ARN's bucket depends on the text after it.
            return S3Url::from_parts(&self.text[SCHEME.len()..self.key - 1], key);
        }
        self.text.push_str(key);
        check_key_len(&self.text, key)?;
        Ok(S3Url::from_valid(&self.text, self.key))
    }
}

#[cfg(test)]
mod tests {
    use crate::{S3Prefix, S3Url};

    #[test]
    fn a_url_equals_the_one_from_bucket_and_key() {
        let long = "x".repeat(1024);
        let too_long = "é".repeat(513);
        for bucket in [
            "bkt",
            "arn:aws:s3:r:1:accesspoint/n",
            "arn:aws:s3:r:1:accesspoint:n",
            "arn:aws:s3:r:1:accesspoint",
        ] {
            let prefix = S3Prefix::parse(&format!("s3://{bucket}")).unwrap();
            let mut urls = prefix.object_urls();
            for key in ["k", "", "/a", "a//b?c#d%20 é\0", &long, &too_long, "z"] {
                assert_eq!(
                    urls.of_key(key),
                    S3Url::from_parts(prefix.bucket(), key),
                    "{bucket} {key}"
                );
            }
        }
    }
}
