//! `glob`: lists the objects whose keys match a pattern of `*`, `**` and `?`.

use futures_util::TryStreamExt;
use s3_core::S3Prefix;

use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::stream::Listing;
use crate::{Key, S3Info};

/// The operation of [`glob`](Client::glob).
#[derive(Clone, Debug)]
pub struct Glob {
    pattern: String,
}

impl<M: Mode> Client<M> {
    /// Lists the objects whose keys match a pattern, by key: `*` is any characters but `/`, `**` any characters, `?` one
    /// character but `/`. There are no other special characters. One request per 1,000 keys that begin with the text
    /// before the first of them.
    ///
    /// The keys of the results are relative to the root, or else to the bucket.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for a pattern without a bucket or a root.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// for key in ["logs/may/part-1.csv", "logs/june/part-2.csv", "logs/june/part-10.csv"] {
    ///     s3.put(format!("s3://b/{key}"), "").await?;
    /// }
    /// let parts = s3.glob("s3://b/logs/*/part-?.csv").await?;
    /// let keys: Vec<_> = parts.iter().map(|part| part.key()).collect();
    /// assert_eq!(keys, ["logs/june/part-2.csv", "logs/may/part-1.csv"]);
    /// # Ok(()) }
    /// ```
    pub fn glob(&self, pattern: impl Into<String>) -> Request<Glob, M> {
        self.request(Glob {
            pattern: pattern.into(),
        })
    }
}

impl Op for Glob {
    type Output = Vec<S3Info>;

    const NAME: &'static str = "glob";

    async fn run(self, call: Call) -> Result<Vec<S3Info>> {
        let literal = self.pattern.find(['*', '?']).unwrap_or(self.pattern.len());
        let (literal, rest) = self.pattern.split_at(literal);
        let root = call.client.root.prefix().map(S3Prefix::with_trailing_slash);
        let request = match (&root, literal) {
            (Some(root), "") => root.clone(),
            _ => call.client.prefix_url(&Key::from(literal))?,
        };
        let pattern = format!("{}{rest}", request.prefix());
        let show = match root {
            Some(root) => root,
            None => S3Prefix::from_parts(request.bucket(), "")?.with_trailing_slash(),
        };
        let listing = Listing {
            request,
            show,
            one_level: false,
        };
        let mut pages = listing.all_pages(&call);
        let mut found = Vec::new();
        while let Some(mut page) = pages.try_next().await? {
            page.objects
                .retain(|object| matches(&pattern, object.url.key()));
            listing.add_entries(page, &mut found);
        }
        Ok(found)
    }
}

/// Returns whether a key matches a pattern.
///
/// After a mismatch, the last `*` matches one more character, or else the last `**`. Without `**`, the time is at most
/// proportional to the product of the lengths.
fn matches(pattern: &str, key: &str) -> bool {
    /// The pattern after a star, and the rest of the key that it has to match.
    type Star<'a> = Option<(&'a str, &'a str)>;
    let (mut pattern, mut key) = (pattern, key);
    let (mut star, mut double_star): (Star<'_>, Star<'_>) = (None, None);
    loop {
        if let Some(rest) = pattern.strip_prefix("**") {
            pattern = rest.trim_start_matches('*');
            (star, double_star) = (None, Some((pattern, key)));
            continue;
        }
        if let Some(rest) = pattern.strip_prefix('*') {
            pattern = rest;
            star = Some((pattern, key));
            continue;
        }
        let (mut wanted, mut actual) = (pattern.chars(), key.chars());
        match (wanted.next(), actual.next()) {
            (None, None) => return true,
            (Some(wanted_char), Some(char))
                if wanted_char == char || wanted_char == '?' && char != '/' =>
            {
                (pattern, key) = (wanted.as_str(), actual.as_str());
                continue;
            }
            _ => {}
        }
        let next_of_star = star.and_then(|(_, from)| from.chars().next());
        if let (Some((rest, from)), Some(char)) = (star, next_of_star)
            && char != '/'
        {
            (pattern, key) = (rest, &from[char.len_utf8()..]);
            star = Some((pattern, key));
        } else if let Some((rest, from)) = double_star
            && let Some(char) = from.chars().next()
        {
            (pattern, key) = (rest, &from[char.len_utf8()..]);
            (star, double_star) = (None, Some((pattern, key)));
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;

    use super::*;
    use crate::{ErrorClass, blocking};

    #[test]
    fn a_star_stays_in_its_directory_and_two_cross_them() {
        for (pattern, key, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*", "abc", true),
            ("*", "a/c", false),
            ("**", "a/c", true),
            ("a*c", "abc", true),
            ("a*c", "abcb", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*/c", "ab/c", true),
            ("a*/c", "ab/x/c", false),
            ("a**/c", "ab/x/c", true),
            ("**/*.csv", "a/b/c.csv", true),
            ("**/*.csv", "c.csv", false),
            ("**.csv", "a/b.csv", true),
            ("a/**/b*/c", "a/x/y/bz/c", true),
            ("a/**/b*/c", "a/x/y/bz/d", false),
            ("?", "\u{e9}", true),
            ("?", "/", false),
            ("?", "?", true),
            ("a?c", "abbc", false),
            ("***", "a/b", true),
            ("*a", "aaaaaaaaaaaaaaaaaaaab", false),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn a_pattern_is_relative_to_the_root() {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = blocking::S3::builder()
            .store(store)
            .s3root("s3://b/root")
            .build()
            .unwrap();
        for key in ["a.txt", "d/a.txt", "d/b.csv"] {
            s3.put(key, "x").send().unwrap();
        }
        let found = |pattern: &str| {
            let infos = s3.glob(pattern).send().unwrap();
            let keys = infos.iter().map(|info| info.key().to_owned());
            keys.collect::<Vec<_>>()
        };
        assert_eq!(found("*.txt"), ["a.txt"]);
        assert_eq!(found("**.txt"), ["a.txt", "d/a.txt"]);
        assert_eq!(found("d/*"), ["d/a.txt", "d/b.csv"]);
        assert_eq!(found("d/a.txt"), ["d/a.txt"]);
        assert!(found("x*").is_empty());
        let rootless = blocking::S3::in_memory().unwrap();
        let error = rootless.glob("*.txt").send().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url);
    }
}
