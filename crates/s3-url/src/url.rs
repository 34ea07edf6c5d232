//! [`S3Url`]: the URL of an object (`s3://bucket/key`): parsing, bucket, key and parent.

use std::sync::Arc;

use crate::S3Prefix;
use crate::parse::{ParseError, check_key_len, quote, split};

/// The URL of an object: `s3://bucket/key` with a non-empty key. Clone is a reference count.
///
/// ```
/// use s3_url::S3Url;
///
/// let url = S3Url::from_parts("photos", "2026/a?b.jpg")?;
/// assert_eq!(url.as_str(), "s3://photos/2026/a?b.jpg");
/// assert_eq!((url.bucket(), url.key(), url.file_name()), ("photos", "2026/a?b.jpg", "a?b.jpg"));
/// assert_eq!(url.parent().as_str(), "s3://photos/2026/");
/// # Ok::<(), s3_url::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Url {
    /// `s3://bucket/key`.
    text: Arc<str>,
    /// Offset of the key in `text`.
    key: usize,
}

const SCHEME: &str = "s3://";

impl S3Url {
    /// Parses `s3://bucket/key`. The scheme may be in any case; the key is not changed.
    ///
    /// # Errors
    ///
    /// [`ParseError`], naming the input, if the scheme, the bucket or the key is missing or invalid.
    ///
    /// ```
    /// use s3_url::S3Url;
    ///
    /// assert_eq!(S3Url::parse("s3://b/a//b?c#d%20")?.key(), "a//b?c#d%20");
    /// assert!(S3Url::parse("s3://b").is_err());
    /// assert!(S3Url::parse("http://b/k").is_err());
    /// # Ok::<(), s3_url::ParseError>(())
    /// ```
    pub fn parse(input: &str) -> Result<Self, ParseError> {
        let (bucket, path) = split(input)?;
        let key = path.strip_prefix('/').unwrap_or(path);
        if key.is_empty() {
            return Err(ParseError::EmptyKey {
                input: quote(input),
            });
        }
        check_key_len(input, key)?;
        Ok(Self::join(bucket, key))
    }

    /// Returns the URL of a bucket and a key.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_parts(bucket: &str, key: &str) -> Result<Self, ParseError> {
        let url = Self::parse(&format!("{SCHEME}{bucket}/{key}"))?;
        if url.bucket() != bucket {
            let problem = "it may contain only letters, digits, '.', '-' and '_'";
            return Err(ParseError::Bucket {
                input: quote(bucket),
                problem,
            });
        }
        Ok(url)
    }

    /// Returns the URL of a valid text and the offset of its key.
    pub(crate) fn from_valid(text: &str, key: usize) -> Self {
        Self {
            text: text.into(),
            key,
        }
    }

    fn join(bucket: &str, key: &str) -> Self {
        let text: Arc<str> = format!("{SCHEME}{bucket}/{key}").into();
        Self {
            key: text.len() - key.len(),
            text,
        }
    }

    /// Returns the bucket: a name, or the ARN of an access point.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.text[SCHEME.len()..self.key - 1]
    }

    /// Returns the key, exactly.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.text[self.key..]
    }

    /// Returns the key after its last slash; empty if the key ends in one.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.key().rsplit('/').next().unwrap_or_default()
    }

    /// Returns the prefix up to and including the last slash of the key, or the bucket.
    #[must_use]
    pub fn parent(&self) -> S3Prefix {
        let end = self.key + self.key().rfind('/').map_or(0, |slash| slash + 1);
        S3Prefix::from_valid(&self.text[..end], self.key)
    }

    /// Returns the whole text, `s3://bucket/key`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_in_keys_are_kept() {
        let keys = [
            "a?b",
            "?a",
            "a#b",
            "a%20b",
            "a b",
            "a//b",
            "//a",
            "/a",
            "a/",
            "a/../b",
            "./x",
            ".",
            "..",
            "a\tb",
            "a\nb",
            "\u{1}\u{7f}",
            "é",
            "e\u{301}",
            "😀",
            "\"q",
            "a\\b",
            "s3://x/y",
            "\0",
        ];
        for key in keys {
            let url = S3Url::from_parts("bkt", key).unwrap();
            assert_eq!((url.bucket(), url.key()), ("bkt", key));
            assert_eq!(S3Url::parse(url.as_str()).unwrap(), url);
        }
    }

    #[test]
    fn a_leading_slash_belongs_to_the_key() {
        assert_eq!(S3Url::parse("s3://b//a").unwrap().key(), "/a");
    }

    #[test]
    fn the_scheme_is_written_in_lower_case() {
        assert_eq!(S3Url::parse("S3://b/K").unwrap().as_str(), "s3://b/K");
    }

    #[test]
    fn invalid_input_is_rejected_and_shown_in_the_error() {
        for input in [
            "",
            "b/k",
            "/b/k",
            "s3:/b/k",
            "s3:b/k",
            "s3a://b/k",
            "http://b/k",
            " s3://b/k",
            "s3://",
            "s3:///k",
            "s3://b",
            "s3://b/",
            "s3://b?x/k",
        ] {
            let error = S3Url::parse(input).unwrap_err();
            assert!(error.to_string().contains(input), "{error}");
        }
    }

    #[test]
    fn a_key_may_have_1024_bytes() {
        assert!(S3Url::from_parts("b", &"x".repeat(1024)).is_ok());
        let error = S3Url::from_parts("b", &"é".repeat(513)).unwrap_err();
        assert!(
            matches!(error, ParseError::KeyTooLong { len: 1026, .. }),
            "{error}"
        );
        assert!(error.to_string().chars().count() < 300, "{error}");
    }

    #[test]
    fn a_bucket_cannot_contain_a_slash() {
        assert!(S3Url::from_parts("a/b", "k").is_err());
    }

    #[test]
    fn the_parent_ends_at_the_last_slash() {
        assert_eq!(
            S3Url::parse("s3://b/a/c").unwrap().parent().as_str(),
            "s3://b/a/"
        );
        assert_eq!(
            S3Url::parse("s3://b/c").unwrap().parent().as_str(),
            "s3://b/"
        );
    }
}
