//! [`Root`]: the prefix that a client's keys are relative to; resolves keys to URLs.

use crate::parse::{ParseError, ResolveError, quote, strip_scheme};
use crate::{DisplayKey, RunPath, S3Prefix, S3Url, display_key};

/// The prefix that a client is configured with, if any. Keys are relative to it.
///
/// ```
/// use s3_url::Root;
///
/// let root = Root::s3root("s3://b/data/")?;
/// assert_eq!(root.resolve_object(Some("/a?b"))?.as_str(), "s3://b/data/a?b");
/// assert_eq!(root.resolve_prefix(None)?.as_str(), "s3://b/data");
/// assert_eq!(root.display("s3://b/data/a?b").key, "a?b");
/// assert!(root.resolve_object(Some("s3://b/data/k")).is_err());
///
/// assert_eq!(Root::Unset.resolve_object(Some("s3://b/k"))?.key(), "k");
/// assert!(Root::Unset.resolve_object(Some("k")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Root {
    /// Keys are full URLs.
    #[default]
    Unset,
    /// Keys are relative to this prefix, which has no trailing slash.
    At(S3Prefix),
}

/// Overrides for parts of the configured root of runs. An empty string counts as `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOverrides<'a> {
    /// Overrides the configured bucket.
    pub bucket: Option<&'a str>,
    /// Overrides the configured path in the bucket; `/` for no path.
    pub prefix: Option<&'a str>,
}

impl Root {
    /// Returns the root of a client with this prefix. Trailing slashes are removed.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if the text is not `s3://bucket[/prefix]`.
    pub fn s3root(text: &str) -> Result<Self, ParseError> {
        Ok(Self::At(S3Prefix::parse(text)?.trim_trailing_slashes()))
    }

    /// Returns the root of a run: `s3://BUCKET/PREFIX/flow/run`, with bucket and prefix from `datatools_root` unless
    /// overridden.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if an override makes the prefix invalid.
    ///
    /// ```
    /// use s3_url::{Root, RunOverrides, RunPath, S3Prefix};
    ///
    /// let datatools = S3Prefix::parse("s3://b/data/")?;
    /// let run = RunPath::new("Flow", "7")?;
    /// let over = RunOverrides { prefix: Some("/x/y/"), ..Default::default() };
    /// let root = Root::for_run(&datatools, &run, over)?;
    /// assert_eq!(root.prefix().map(S3Prefix::as_str), Some("s3://b/x/y/Flow/7"));
    /// # Ok::<(), s3_url::ParseError>(())
    /// ```
    pub fn for_run(
        datatools_root: &S3Prefix,
        run: &RunPath,
        over: RunOverrides<'_>,
    ) -> Result<Self, ParseError> {
        let given = |text: Option<&'_ str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let bucket = given(over.bucket).unwrap_or_else(|| datatools_root.bucket().to_owned());
        let prefix = given(over.prefix).unwrap_or_else(|| datatools_root.prefix().to_owned());
        let path = format!(
            "{}/{}/{}",
            prefix.trim_end_matches('/'),
            run.flow(),
            run.run()
        );
        S3Prefix::from_parts(&bucket, path.trim_matches('/')).map(Self::At)
    }

    /// Returns the prefix, if there is one.
    #[must_use]
    pub fn prefix(&self) -> Option<&S3Prefix> {
        match self {
            Self::Unset => None,
            Self::At(prefix) => Some(prefix),
        }
    }

    /// Resolves a key to an object: relative to the root, the root itself if there is no key, or a full URL if there is
    /// no root.
    ///
    /// # Errors
    ///
    /// [`ResolveError`], which shows the key and what to pass instead.
    pub fn resolve_object(&self, key: Option<&str>) -> Result<S3Url, ResolveError> {
        let key = key.filter(|key| !key.is_empty());
        match (self, key) {
            (Self::At(root), None) => Ok(root.as_object()?),
            (Self::At(root), Some(key)) => Ok(root.join(key)?),
            (Self::Unset, key) => Ok(S3Url::parse(full(key)?)?),
        }
    }

    /// Resolves a key to a prefix, as [`resolve_object`](Self::resolve_object) resolves it to an object.
    ///
    /// Without a root, a bucket alone is a prefix too.
    ///
    /// # Errors
    ///
    /// [`ResolveError`], which shows the key and what to pass instead.
    pub fn resolve_prefix(&self, key: Option<&str>) -> Result<S3Prefix, ResolveError> {
        let key = key.filter(|key| !key.is_empty());
        match (self, key) {
            (Self::At(root), None) => Ok(root.clone()),
            (Self::At(root), Some(key)) => Ok(root.join_prefix(key)?),
            (Self::Unset, key) => Ok(S3Prefix::parse(full(key)?)?),
        }
    }

    /// Returns Metaflow's prefix and key for a URL below this root.
    #[must_use]
    pub fn display<'a>(&'a self, url: &'a str) -> DisplayKey<'a> {
        display_key(self.prefix().map(S3Prefix::as_str), url)
    }
}

fn full(key: Option<&str>) -> Result<&str, ResolveError> {
    key.filter(|key| strip_scheme(key).is_some())
        .ok_or_else(|| ResolveError::NoRoot {
            input: key.map_or_else(|| "no key".to_owned(), |key| format!("\"{}\"", quote(key))),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(root: &Root, key: Option<&str>) -> Result<String, ResolveError> {
        root.resolve_object(key).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn keys_are_relative_to_the_root() {
        let root = Root::s3root("s3://b/p//").unwrap();
        for (key, url) in [
            (Some("k"), "s3://b/p/k"),
            (Some("/k"), "s3://b/p/k"),
            (Some("///k/"), "s3://b/p/k/"),
            (Some("/"), "s3://b/p/"),
            (Some("a/../b"), "s3://b/p/a/../b"),
            (Some("s3:/a"), "s3://b/p/s3:/a"),
            (Some(""), "s3://b/p"),
            (None, "s3://b/p"),
        ] {
            assert_eq!(object(&root, key).as_deref(), Ok(url));
        }
    }

    #[test]
    fn a_client_with_a_root_rejects_a_full_url() {
        let root = Root::s3root("s3://b/p").unwrap();
        for key in ["s3://b/p/k", "S3://b/k"] {
            assert!(
                object(&root, Some(key))
                    .unwrap_err()
                    .to_string()
                    .contains(key)
            );
        }
    }

    #[test]
    fn a_bucket_is_not_an_object() {
        let root = Root::s3root("s3://b/").unwrap();
        assert!(object(&root, None).is_err());
        assert!(object(&Root::Unset, Some("s3://b/")).is_err());
        assert_eq!(root.resolve_prefix(None).unwrap().as_str(), "s3://b");
    }

    #[test]
    fn without_a_root_only_full_urls_are_accepted() {
        assert_eq!(
            object(&Root::Unset, Some("s3://b//a")).as_deref(),
            Ok("s3://b//a")
        );
        for key in [
            None,
            Some(""),
            Some("a"),
            Some("/a"),
            Some("http://b/a"),
            Some("//b/a"),
            Some("s4://b/a"),
        ] {
            let error = object(&Root::Unset, key).unwrap_err();
            assert!(matches!(error, ResolveError::NoRoot { .. }), "{error}");
            assert!(error.to_string().contains("s3root"), "{error}");
        }
    }

    #[test]
    fn the_root_of_a_run_is_below_the_configured_root() {
        let run = RunPath::new("Flow", "7").unwrap();
        let over = |bucket, prefix| RunOverrides { bucket, prefix };
        for (datatools, over, root) in [
            ("s3://b/data", over(None, None), "s3://b/data/Flow/7"),
            ("s3://b", over(None, None), "s3://b/Flow/7"),
            (
                "s3://b/data/",
                over(Some(""), Some("")),
                "s3://b/data/Flow/7",
            ),
            ("s3://b/data", over(None, Some("/")), "s3://b/Flow/7"),
            (
                "s3://b/data",
                over(Some("c"), Some("x/y")),
                "s3://c/x/y/Flow/7",
            ),
        ] {
            let datatools = S3Prefix::parse(datatools).unwrap();
            let got = Root::for_run(&datatools, &run, over).unwrap();
            assert_eq!(got.prefix().map(S3Prefix::as_str), Some(root));
        }
        let datatools = S3Prefix::parse("s3://b").unwrap();
        assert!(Root::for_run(&datatools, &run, over(Some("a/b"), None)).is_err());
    }

    #[test]
    fn a_prefix_keeps_its_slashes() {
        let root = Root::s3root("s3://b/p").unwrap();
        assert_eq!(
            root.resolve_prefix(Some("/foo//")).unwrap().as_str(),
            "s3://b/p/foo//"
        );
        assert_eq!(
            Root::Unset.resolve_prefix(Some("s3://b")).unwrap().prefix(),
            ""
        );
    }
}
