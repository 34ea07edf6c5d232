//! Finds and checks the bucket of an `s3://` URL: a bucket name or the ARN of an access point.

/// Maximum length of a bucket name that S3-compatible servers accept, in bytes; AWS allows 63.
const LONGEST: usize = 255;

/// Returns the end of the bucket in the text after `s3://`.
///
/// The ARN of an access point contains a slash:
/// `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME`.
pub(crate) fn end(rest: &str) -> usize {
    let first = rest.find('/').unwrap_or(rest.len());
    if rest.starts_with("arn:") && rest[..first].ends_with(":accesspoint") && first < rest.len() {
        return rest[first + 1..]
            .find('/')
            .map_or(rest.len(), |next| first + 1 + next);
    }
    first
}

/// Checks a bucket name; the error text says what is invalid.
///
/// AWS's stricter rules (3 to 63 characters, lower case) are not checked: other servers have other rules, and old
/// buckets break them.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > LONGEST {
        return Err("it is longer than 255 bytes");
    }
    let legal = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    let plain = match name.strip_prefix("arn:") {
        Some(arn) => arn.replacen(":accesspoint/", ":accesspoint:", 1),
        None => name.to_owned(),
    };
    if plain.chars().all(legal) {
        Ok(())
    } else {
        Err("it may contain only letters, digits, '.', '-' and '_'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_point_is_a_bucket_in_both_spellings() {
        let slash = "arn:aws:s3:us-west-2:123456789012:accesspoint/mine/a/b";
        assert_eq!(&slash[end(slash)..], "/a/b");
        assert_eq!(check(&slash[..end(slash)]), Ok(()));
        let colon = "arn:aws:s3:us-west-2:123456789012:accesspoint:mine/a/b";
        assert_eq!(&colon[end(colon)..], "/a/b");
        assert_eq!(check(&colon[..end(colon)]), Ok(()));
    }

    #[test]
    fn names_that_no_server_accepts_are_rejected() {
        for name in [
            "",
            "a b",
            "a?b",
            "a#b",
            "a@b",
            "a\\b",
            "a\nb",
            "é",
            &"x".repeat(256),
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
        for name in ["ab", "A_b", "my.bucket-1", "0"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }
}
