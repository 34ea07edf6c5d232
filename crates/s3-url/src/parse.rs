//! Splits `s3://` URLs into bucket and key, and defines the error types of the crate.

use crate::bucket;

/// Maximum length of a key in bytes, according to S3's documentation.
pub(crate) const MAX_KEY: usize = 1024;

/// Why a text is not an S3 location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The input does not begin with `s3://`.
    #[error("\"{input}\" is not an S3 URL: it must begin with s3://")]
    Scheme {
        /// The input, shortened if it is long.
        input: String,
    },
    /// The bucket is missing or invalid.
    #[error("\"{input}\" has no valid bucket name: {problem}")]
    Bucket {
        /// The input, shortened if it is long.
        input: String,
        /// The problem.
        problem: &'static str,
    },
    /// The key is missing.
    #[error("\"{input}\" names a bucket but no object: add a key after the bucket")]
    EmptyKey {
        /// The input, shortened if it is long.
        input: String,
    },
    /// The key is longer than S3 allows.
    #[error("the key of \"{input}\" has {len} bytes; S3 allows 1,024")]
    KeyTooLong {
        /// The input, shortened if it is long.
        input: String,
        /// The length of the key in bytes.
        len: usize,
    },
    /// The flow name or run id cannot be a path segment.
    #[error(
        "\"{input}\" cannot be a flow name or run id: it must not be empty, '.' or '..', or contain '/' or control characters"
    )]
    Run {
        /// The input, shortened if it is long.
        input: String,
    },
    /// The input is not the `https://` URL of an S3 object or endpoint, or an object has no such URL.
    #[error("\"{input}\" has no valid https:// form: {problem}")]
    Address {
        /// The input, shortened if it is long.
        input: String,
        /// The problem.
        problem: &'static str,
    },
}

/// Why a suffix cannot be joined to a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The suffix is a full URL.
    #[error(
        "\"{input}\" is a full S3 URL, but this client has a root: pass a path relative to the root, or use a client without one"
    )]
    FullUrl {
        /// The input, shortened if it is long.
        input: String,
    },
    /// The result is not a valid URL.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Why a key cannot be resolved against a root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no root, and the key is not a full URL.
    #[error(
        "{input} is not a full s3:// URL, and this client has no root: set s3root or run, or pass full s3:// URLs"
    )]
    NoRoot {
        /// The input in quotes, or "no key".
        input: String,
    },
    /// The key cannot be joined to the root.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The full URL is invalid.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Returns the text after `s3://`, which may be in upper or lower case.
pub(crate) fn strip_scheme(input: &str) -> Option<&str> {
    let (scheme, rest) = input.split_at_checked("s3://".len())?;
    scheme.eq_ignore_ascii_case("s3://").then_some(rest)
}

/// Splits a URL into the bucket and the rest, which starts with the slash.
pub(crate) fn split(input: &str) -> Result<(&str, &str), ParseError> {
    let rest = strip_scheme(input).ok_or_else(|| ParseError::Scheme {
        input: quote(input),
    })?;
    let end = bucket::end(rest);
    let (name, path) = rest.split_at(end);
    bucket::check(name).map_err(|problem| ParseError::Bucket {
        input: quote(input),
        problem,
    })?;
    Ok((name, path))
}

pub(crate) fn check_key_len(input: &str, key: &str) -> Result<(), ParseError> {
    if key.len() > MAX_KEY {
        return Err(ParseError::KeyTooLong {
            input: quote(input),
            len: key.len(),
        });
    }
    Ok(())
}

/// Formats input for an error message: control characters escaped, at most 200 characters, without a signature.
///
/// The query of a presigned URL is left out, because anyone can use the URL.
#[must_use]
pub fn quote(input: &str) -> String {
    const LONGEST: usize = 200;
    let input = unsigned(input);
    let mut text: String = input.chars().take(LONGEST).flat_map(escape).collect();
    if input.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

fn escape(letter: char) -> impl Iterator<Item = char> {
    let keep = !letter.is_control();
    let plain = keep.then_some(letter).into_iter();
    let escaped = (!keep).then(|| letter.escape_debug()).into_iter().flatten();
    plain.chain(escaped)
}

/// Returns a URL without its query if the query contains a signature.
fn unsigned(text: &str) -> &str {
    let is_presigned = |query: &str| {
        let query = query.to_ascii_lowercase();
        let is_signed = |name: &str| query.contains(&name.to_ascii_lowercase());
        ["X-Amz-", "Signature"].into_iter().any(is_signed)
    };
    match text.split_once('?') {
        Some((path, query)) if is_presigned(query) => path,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_url_is_shown_without_its_query() {
        for (text, shown) in [
            (
                "http://h/b/k?x-id=GetObject&X-Amz-Signature=ab",
                "http://h/b/k",
            ),
            ("https://h/k?AWSAccessKeyId=A&Signature=ab", "https://h/k"),
            ("s3://h:1/b/k?a=b&x-amz-security-token=c", "s3://h:1/b/k"),
            ("http://h/b/k?list-type=2", "http://h/b/k?list-type=2"),
            ("why?", "why?"),
        ] {
            assert_eq!(quote(text), shown);
        }
    }
}
