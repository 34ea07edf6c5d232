//! Implements `Display`, `FromStr`, `TryFrom` and other text conversions for [`S3Url`] and [`S3Prefix`].

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, S3Prefix, S3Url};

macro_rules! text_conversions {
    ($($location:ident),*) => {$(
        impl fmt::Display for $location {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $location {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl AsRef<str> for $location {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $location {
            type Err = ParseError;

            fn from_str(input: &str) -> Result<Self, ParseError> {
                Self::parse(input)
            }
        }

        impl TryFrom<&str> for $location {
            type Error = ParseError;

            fn try_from(input: &str) -> Result<Self, ParseError> {
                Self::parse(input)
            }
        }
    )*};
}

text_conversions!(S3Url, S3Prefix);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_can_cross_threads() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<S3Url>();
        sendable::<S3Prefix>();
        sendable::<crate::http::Endpoint>();
    }

    fn any_key() -> impl Strategy<Value = String> {
        let awkward = prop::sample::select(vec![
            "/", "//", ".", "..", "?", "#", "%2F", " ", "\n", "\t", "é", "e\u{301}", "s3://", "a",
        ]);
        prop_oneof![
            any::<String>(),
            prop::collection::vec(awkward, 1..12).prop_map(|parts| parts.concat()),
        ]
        .prop_filter("1 to 1,024 bytes", |key| (1..=1024).contains(&key.len()))
    }

    proptest! {
        #[test]
        fn any_key_survives_parsing_and_formatting(key in any_key()) {
            let url = S3Url::from_parts("bkt", &key).unwrap();
            prop_assert_eq!(url.bucket(), "bkt");
            prop_assert_eq!(url.key(), key.as_str());
            let displayed = url.to_string();
            prop_assert_eq!(S3Url::parse(&displayed).unwrap(), url);
        }

        #[test]
        fn a_key_below_a_root_is_recovered(key in any_key()) {
            let root = crate::Root::s3root("s3://bkt/r").unwrap();
            let relative = key.trim_start_matches('/');
            prop_assume!(!relative.is_empty() && key.len() < 1000);
            prop_assume!(!relative.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://")));
            let url = root.resolve_object(Some(&key)).unwrap();
            let prefix = root.prefix().unwrap().with_trailing_slash();
            prop_assert_eq!(prefix.relative(&url), Some(relative));
            prop_assert_eq!(root.resolve_object(prefix.relative(&url)).unwrap(), url);
        }

        #[test]
        fn parsing_never_panics(input in any::<String>()) {
            let _ = S3Url::parse(&input);
            let _ = S3Prefix::parse(&input).map(|prefix| prefix.as_directory());
        }
    }
}
