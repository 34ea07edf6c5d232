//! The grammar of `s3://` and its errors.

use crate::bucket;

/// The longest key in bytes, by S3's documentation.
pub(crate) const MAX_KEY: usize = 1024;

/// Why a text is not an S3 location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text does not begin with `s3://`.
    #[error("\"{input}\" is not an S3 URL: it must begin with s3://")]
    Scheme {
        /// What was given, shortened if it is long.
        input: String,
    },
    /// There is no bucket, or one that no server accepts.
    #[error("\"{input}\" has no usable bucket name: {problem}")]
    Bucket {
        /// What was given, shortened if it is long.
        input: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is a bucket but no key.
    #[error("\"{input}\" names a bucket but no object: add a key after the bucket")]
    EmptyKey {
        /// What was given, shortened if it is long.
        input: String,
    },
    /// The key is longer than S3 allows.
    #[error("the key of \"{input}\" has {len} bytes; S3 allows 1,024")]
    KeyTooLong {
        /// What was given, shortened if it is long.
        input: String,
        /// The length of the key in bytes.
        len: usize,
    },
    /// A flow's name or a run's id cannot be a part of a path.
    #[error(
        "\"{input}\" cannot be a flow name or run id: it must not be empty, '.' or '..', nor hold '/' or control characters"
    )]
    Run {
        /// What was given, shortened if it is long.
        input: String,
    },
    /// A text, endpoint or object that makes no web address of S3.
    #[error("\"{input}\" does not work as the web address of an S3 object: {problem}")]
    Address {
        /// What was given, shortened if it is long.
        input: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Why a suffix cannot be joined to a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The suffix is a full URL.
    #[error(
        "\"{input}\" is a full S3 URL, but this client has a root: give the path below the root, or use a client without root"
    )]
    FullUrl {
        /// What was given, shortened if it is long.
        input: String,
    },
    /// The result is not a legal object URL.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Why a key cannot be resolved against a root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no root, and the key is not a full URL.
    #[error(
        "{input} is not a full s3:// URL, and this client has no root: set s3root or run, or give full s3:// URLs"
    )]
    NoRoot {
        /// What was given, in quotes, or "no key".
        input: String,
    },
    /// The key cannot be joined to the root.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The full URL is not one.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Returns what follows `s3://`, in whatever case the scheme is written.
pub(crate) fn strip_scheme(input: &str) -> Option<&str> {
    let (scheme, rest) = input.split_at_checked("s3://".len())?;
    scheme.eq_ignore_ascii_case("s3://").then_some(rest)
}

/// Cuts the text behind the scheme into the bucket and what follows it, with its leading slash.
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

/// Makes a text fit for an error: on one line, and no longer than a line should be.
///
/// A presigned web address works for whoever reads it: nothing is shown of its query.
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

/// Returns a text without its query, if that looks like one with a signature in it.
fn unsigned(text: &str) -> &str {
    let signs = |query: &str| {
        let query = query.to_ascii_lowercase();
        let is_signed = |name: &str| query.contains(&name.to_ascii_lowercase());
        ["X-Amz-", "Signature"].into_iter().any(is_signed)
    };
    match text.split_once('?') {
        Some((place, query)) if signs(query) => place,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_address_is_shown_without_what_it_permits() {
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
