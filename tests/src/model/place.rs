//! URL parser of the reference model: splits an `s3://` URL into bucket and key, or says why it is invalid.

use super::quirk::{Quirk, Quirks};

/// Bucket and key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Place {
    /// Returns the bucket and key of a request for this URL. The bucket is empty if the URL has no bucket.
    pub(crate) fn of(quirks: &Quirks, url: &str) -> Self {
        let parsed = Parsed::of(quirks, url);
        let key = if quirks.has(Quirk::LeadingSlash) {
            parsed.path.trim_start_matches('/')
        } else {
            parsed.path.strip_prefix('/').unwrap_or(&parsed.path)
        };
        Self {
            bucket: parsed.bucket,
            key: key.to_owned(),
        }
    }

    /// Returns the reason why no such request is sent, if there is one: no bucket, no key, or a key that is too long.
    pub(crate) fn problem(&self) -> Option<Problem> {
        if !is_bucket(&self.bucket) {
            Some(Problem::Bucket)
        } else if self.key.is_empty() {
            Some(Problem::EmptyKey)
        } else if self.key.len() > LONGEST {
            Some(Problem::LongKey)
        } else {
            None
        }
    }
}

/// Maximum length of a key in bytes.
const LONGEST: usize = 1024;

/// The reason why a bucket or key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Bucket,
    EmptyKey,
    LongKey,
}

impl Problem {
    /// The quirk of the reference that sends such a request anyway.
    pub(crate) const fn quirk(self) -> Quirk {
        match self {
            Self::Bucket => Quirk::MalformedUrl,
            Self::EmptyKey => Quirk::EmptyKey,
            Self::LongKey => Quirk::LongKey,
        }
    }
}

/// The parts of a URL as Python's `urlparse` returns them, as far as the quirks need them.
pub(crate) struct Parsed {
    pub(crate) is_s3: bool,
    bucket: String,
    pub(crate) path: String,
}

impl Parsed {
    pub(crate) fn of(quirks: &Quirks, url: &str) -> Self {
        let mut text = url.to_owned();
        if quirks.has(Quirk::ControlCharacters) {
            text = text.trim_start_matches(|c: char| c <= ' ').to_owned();
            text.retain(|c| !matches!(c, '\t' | '\r' | '\n'));
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return Self {
                is_s3: false,
                bucket: String::new(),
                path: text,
            };
        };
        let is_s3 = scheme.eq_ignore_ascii_case("s3");
        let (bucket, mut path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let ends: &[char] = if quirks.has(Quirk::QueryPart) {
                    &['/', '?', '#']
                } else {
                    &['/']
                };
                rest.split_at(rest.find(ends).unwrap_or(rest.len()))
            }
            None => ("", rest),
        };
        if quirks.has(Quirk::QueryPart) {
            path = path.split('?').next().unwrap_or_default();
        }
        Self {
            is_s3,
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        }
    }
}

/// Returns whether this can be the name of a bucket; placeholders of vectors can.
pub(crate) fn is_bucket(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    let bare = name
        .strip_prefix('{')
        .and_then(|name| name.strip_suffix('}'))
        .unwrap_or(name);
    !bare.is_empty() && bare.len() <= 255 && bare.chars().all(legal)
}
