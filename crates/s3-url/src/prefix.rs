//! [`S3Prefix`]: the URL of a bucket, or of a bucket and a key prefix: parsing, joining and comparing.

use std::sync::Arc;

use crate::parse::{JoinError, ParseError, check_key_len, quote, split, strip_scheme};
use crate::{ObjectUrls, S3Url};

/// `s3://bucket`, `s3://bucket/` or `s3://bucket/prefix`. Clone is a reference count.
///
/// The text is kept as given, trailing slashes included; only the scheme is written in lower case.
///
/// ```
/// use s3_url::{S3Prefix, S3Url};
///
/// let logs = S3Prefix::from_parts("b", "logs//")?;
/// assert_eq!(logs.as_directory().as_str(), "s3://b/logs/");
/// assert_eq!(logs.trim_trailing_slashes().as_str(), "s3://b/logs");
/// assert_eq!(logs.trim_trailing_slashes().with_trailing_slash().prefix(), "logs/");
///
/// let url = S3Url::parse("s3://b/logs//x")?;
/// assert!(logs.contains(&url));
/// assert_eq!(logs.relative(&url), Some("x"));
/// # Ok::<(), s3_url::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Prefix {
    text: Arc<str>,
    /// Offset of the key prefix in `text`: after the slash, or at the end.
    prefix: usize,
}

const SCHEME: &str = "s3://";

impl S3Prefix {
    /// Parses `s3://bucket[/prefix]`.
    ///
    /// # Errors
    ///
    /// [`ParseError`], naming the input, if the scheme or the bucket is missing or invalid.
    ///
    /// ```
    /// use s3_url::S3Prefix;
    ///
    /// let prefix = S3Prefix::parse("s3://b/a/")?;
    /// assert_eq!((prefix.bucket(), prefix.prefix()), ("b", "a/"));
    /// assert_eq!(S3Prefix::parse("s3://b")?.prefix(), "");
    /// # Ok::<(), s3_url::ParseError>(())
    /// ```
    pub fn parse(input: &str) -> Result<Self, ParseError> {
        let (bucket, path) = split(input)?;
        check_key_len(input, path.strip_prefix('/').unwrap_or(path))?;
        let start = SCHEME.len() + bucket.len() + usize::from(!path.is_empty());
        Ok(Self::from_valid(&format!("{SCHEME}{bucket}{path}"), start))
    }

    /// Returns the prefix of a bucket and a key prefix.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_parts(bucket: &str, prefix: &str) -> Result<Self, ParseError> {
        let whole = Self::parse(&format!("{SCHEME}{bucket}/{prefix}"))?;
        if whole.bucket() != bucket {
            let problem = "it may contain only letters, digits, '.', '-' and '_'";
            return Err(ParseError::Bucket {
                input: quote(bucket),
                problem,
            });
        }
        Ok(whole)
    }

    pub(crate) fn from_valid(text: &str, prefix: usize) -> Self {
        Self {
            text: text.into(),
            prefix,
        }
    }

    /// Returns the bucket: a name, or the ARN of an access point.
    #[must_use]
    pub fn bucket(&self) -> &str {
        self.text[SCHEME.len()..self.prefix].trim_end_matches('/')
    }

    /// Returns the key prefix; empty for the bucket itself.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.text[self.prefix..]
    }

    /// Returns the whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends a path to this prefix, with one slash between; all leading slashes of `suffix` are removed.
    ///
    /// # Errors
    ///
    /// [`JoinError::FullUrl`] if `suffix` is a full URL itself, and [`ParseError`] if the key becomes too long.
    ///
    /// ```
    /// use s3_url::S3Prefix;
    ///
    /// let root = S3Prefix::parse("s3://b/root/")?;
    /// assert_eq!(root.join("/a//b")?.as_str(), "s3://b/root/a//b");
    /// assert!(root.join("s3://b/k").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(&self, suffix: &str) -> Result<S3Url, JoinError> {
        Ok(S3Url::parse(&self.joined(suffix)?)?)
    }

    /// As [`join`](Self::join), but returns a prefix.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_prefix(&self, suffix: &str) -> Result<Self, JoinError> {
        Ok(Self::parse(&self.joined(suffix)?)?)
    }

    fn joined(&self, suffix: &str) -> Result<String, JoinError> {
        if strip_scheme(suffix).is_some() {
            return Err(JoinError::FullUrl {
                input: quote(suffix),
            });
        }
        let below = suffix.trim_start_matches('/');
        Ok(format!("{}/{below}", self.trim_trailing_slashes().text))
    }

    /// Returns a builder of the URLs of many objects of this bucket from their full keys.
    #[must_use]
    pub fn object_urls(&self) -> ObjectUrls {
        ObjectUrls::new(self.bucket())
    }

    /// Returns the prefix as the URL of an object.
    ///
    /// # Errors
    ///
    /// [`ParseError::EmptyKey`] if the key prefix is empty.
    pub fn as_object(&self) -> Result<S3Url, ParseError> {
        S3Url::parse(&self.text)
    }

    /// Returns the prefix with exactly one trailing slash; for a bucket `s3://bucket/`.
    #[must_use]
    pub fn as_directory(&self) -> Self {
        self.trim_trailing_slashes().with_trailing_slash()
    }

    /// Returns the prefix with a trailing slash; adds one if it is missing.
    #[must_use]
    pub fn with_trailing_slash(&self) -> Self {
        if self.text.ends_with('/') {
            return self.clone();
        }
        let text = format!("{}/", self.text);
        let prefix = self.prefix + usize::from(self.prefix().is_empty());
        Self::from_valid(&text, prefix)
    }

    /// Returns the prefix without trailing slashes.
    #[must_use]
    pub fn trim_trailing_slashes(&self) -> Self {
        let text = self.text.trim_end_matches('/');
        Self::from_valid(text, self.prefix.min(text.len()))
    }

    /// Returns whether the object is in this bucket and its key begins with this prefix.
    #[must_use]
    pub fn contains(&self, url: &S3Url) -> bool {
        self.relative(url).is_some()
    }

    /// Returns the key of the object after this prefix, or `None` if the object is not below it.
    #[must_use]
    pub fn relative<'u>(&self, url: &'u S3Url) -> Option<&'u str> {
        if url.bucket() != self.bucket() {
            return None;
        }
        url.key().strip_prefix(self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> S3Prefix {
        S3Prefix::parse(text).unwrap()
    }

    #[test]
    fn the_text_is_kept() {
        for (text, bucket, key) in [
            ("s3://b", "b", ""),
            ("s3://b/", "b", ""),
            ("s3://b/p", "b", "p"),
            ("s3://b//p", "b", "/p"),
            ("s3://b/p//", "b", "p//"),
            (
                "s3://arn:aws:s3:r:1:accesspoint/n/p",
                "arn:aws:s3:r:1:accesspoint/n",
                "p",
            ),
            (
                "s3://arn:aws:s3:r:1:accesspoint/n",
                "arn:aws:s3:r:1:accesspoint/n",
                "",
            ),
        ] {
            let parsed = prefix(text);
            assert_eq!(
                (parsed.as_str(), parsed.bucket(), parsed.prefix()),
                (text, bucket, key)
            );
        }
    }

    #[test]
    fn trailing_slashes_are_added_and_removed() {
        for (text, directory, added, trimmed) in [
            ("s3://b", "s3://b/", "s3://b/", "s3://b"),
            ("s3://b/", "s3://b/", "s3://b/", "s3://b"),
            ("s3://b/a", "s3://b/a/", "s3://b/a/", "s3://b/a"),
            ("s3://b/a//", "s3://b/a/", "s3://b/a//", "s3://b/a"),
        ] {
            let parsed = prefix(text);
            assert_eq!(parsed.as_directory().as_str(), directory);
            assert_eq!(parsed.as_directory().bucket(), "b");
            assert_eq!(parsed.with_trailing_slash().as_str(), added);
            assert_eq!(parsed.trim_trailing_slashes().as_str(), trimmed);
        }
        assert_eq!(prefix("s3://b").as_directory().prefix(), "");
        assert_eq!(prefix("s3://b/a").as_directory().prefix(), "a/");
    }

    #[test]
    fn joining_does_not_normalise() {
        assert_eq!(
            prefix("s3://b/r").join("../x").unwrap().as_str(),
            "s3://b/r/../x"
        );
        assert_eq!(prefix("s3://b").join("///x").unwrap().as_str(), "s3://b/x");
        assert!(matches!(
            prefix("s3://b/r").join("S3://b/x"),
            Err(JoinError::FullUrl { .. })
        ));
    }

    #[test]
    fn relative_keys_are_compared_by_bytes() {
        let url = S3Url::parse("s3://b/foobar/3").unwrap();
        assert_eq!(prefix("s3://b/foo").relative(&url), Some("bar/3"));
        assert_eq!(prefix("s3://b").relative(&url), Some("foobar/3"));
        assert_eq!(prefix("s3://c").relative(&url), None);
        assert!(!prefix("s3://b/food").contains(&url));
    }
}
