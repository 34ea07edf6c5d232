//! [`display_key`]: returns the key of a result relative to the requested prefix, as Metaflow shows it.

/// Metaflow's pair of prefix and key: the location of a result relative to the requested prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayKey<'a> {
    /// The prefix that the key is relative to; `None` if the key is the whole URL.
    pub prefix: Option<&'a str>,
    /// The URL after the prefix, without trailing slashes; the whole URL if there is no prefix.
    pub key: &'a str,
}

/// Returns the key of a result relative to the requested prefix.
///
/// Without a prefix, or with one that equals the URL, the key is the URL itself. Otherwise it is the text after the
/// prefix (without its trailing slashes) and one slash.
///
/// # Deviation
///
/// A prefix need not end at a slash: `foo` matches `foobar/3`. The key is then relative to the parent of the prefix,
/// `foobar/3`; Metaflow cuts inside the name and returns `ar/3`.
///
/// ```
/// use s3_url::display_key;
///
/// assert_eq!(display_key(Some("s3://b/root/"), "s3://b/root/a/").key, "a");
/// assert_eq!(display_key(Some("s3://b/root/foo"), "s3://b/root/foobar/3").key, "foobar/3");
/// assert_eq!(display_key(None, "s3://b/k").key, "s3://b/k");
/// ```
#[must_use]
pub fn display_key<'a>(prefix: Option<&'a str>, url: &'a str) -> DisplayKey<'a> {
    let whole = DisplayKey {
        prefix: None,
        key: url,
    };
    let Some(prefix) = prefix.filter(|prefix| *prefix != url) else {
        return whole;
    };
    let base = prefix.trim_end_matches('/');
    let Some(rest) = url.strip_prefix(base) else {
        return whole;
    };
    let key = match rest.strip_prefix('/') {
        Some(key) => key,
        None => url[..base.len()]
            .rfind('/')
            .map_or(rest, |slash| &url[slash + 1..]),
    };
    DisplayKey {
        prefix: Some(prefix),
        key: key.trim_end_matches('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_relative_to_the_prefix() {
        for (prefix, url, key) in [
            ("s3://b/root", "s3://b/root/a/", "a"),
            ("s3://b/root/", "s3://b/root//", ""),
            ("s3://b/root", "s3://b/root/", ""),
            ("s3://b/root", "s3://b/root//c", "/c"),
            ("s3://b", "s3://b//x", "/x"),
            ("s3://b/", "s3://b/root/", "root"),
            ("s3://b/root/foo", "s3://b/root/foo.txt", "foo.txt"),
            ("s3://b/root/foo", "s3://b/root/foobar/3", "foobar/3"),
        ] {
            assert_eq!(
                display_key(Some(prefix), url),
                DisplayKey {
                    prefix: Some(prefix),
                    key
                }
            );
        }
    }

    #[test]
    fn a_result_that_is_the_prefix_shows_its_url() {
        let url = "s3://b/root/d/";
        assert_eq!(
            display_key(Some(url), url),
            DisplayKey {
                prefix: None,
                key: url
            }
        );
    }
}
