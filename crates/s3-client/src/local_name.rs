//! Names of downloaded files in the temporary directory: SHA-1 of the URL, end of the key, range and serial number.

use std::fmt::Write;

use s3_core::ByteRange;
use sha1::{Digest, Sha1};

/// Maximum number of characters of a key's last component in the file name; file systems allow names of 255 bytes.
/// Metaflow uses 150, but has no serial number.
const LEAF_CHARACTERS: usize = 140;
/// Maximum length of a name in bytes. Allocated at once, because every downloaded object needs a name.
const LONGEST: usize = 255;

/// Returns a file name for a download: the SHA-1 of the URL, the end of the key and the range, as in Metaflow, and a
/// serial number, so that a later download never replaces the file of an earlier result.
///
/// The URL may contain any character. The name contains only ASCII letters, digits, `_`, `-`, `%`, `~` and dots, and is
/// at most 255 bytes long for every range and serial number.
pub(crate) fn local_name(url: &str, range: Option<&ByteRange>, serial: u64) -> String {
    let quoted = quote(url);
    let leaf = quoted.rsplit('/').next().unwrap_or_default();
    let mut name = String::with_capacity(LONGEST);
    for byte in Sha1::digest(quoted.as_bytes()) {
        name.push(hex_digit(byte >> 4));
        name.push(hex_digit(byte & 15));
    }
    name.push('-');
    // The quoted key is ASCII, so it can be cut at any byte.
    let shown = &leaf[..leaf.len().min(LEAF_CHARACTERS)];
    name.extend(shown.bytes().map(|byte| match byte {
        b'.' | b'-' => '_',
        other => char::from(other),
    }));
    if shown.len() < leaf.len() {
        name.push_str("...");
    }
    name.push('-');
    match range {
        None => name.push_str("whole"),
        Some(ByteRange::Bounded(range)) => {
            let last = range.end.saturating_sub(1);
            write_to(&mut name, format_args!("{}_{last}", range.start));
        }
        Some(ByteRange::From(start)) => write_to(&mut name, format_args!("{start}_")),
        Some(ByteRange::Last(count)) => write_to(&mut name, format_args!("_{count}")),
    }
    write_to(&mut name, format_args!("-{serial}"));
    name
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value)])
}

fn write_to(name: &mut String, what: std::fmt::Arguments<'_>) {
    name.write_fmt(what)
        .expect("writing to a string never fails");
}

/// Percent-encodes everything but letters, digits, `_`, `.`, `-`, `~` and the slash.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                quoted.push(char::from(byte));
            }
            _ => write_to(&mut quoted, format_args!("%{byte:02X}")),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    /// Generates texts that are harmful in file names, and texts that are harmless.
    fn awkward() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "..",
                ".",
                "/",
                "//",
                "\\",
                "C:",
                "C:\\",
                "~",
                "\0",
                "\n",
                "%2e%2e%2f",
                "%00",
                "nul",
                "CON",
                "-rf",
                "$HOME",
                "`id`",
                "*",
                "?",
                "\u{202e}",
                "é",
                "\u{fffd}",
                "..\\..",
                ".ssh",
                ".s3-part",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
            "[a-zA-Z]{1,300}",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_key_leaves_the_directory(key in awkward(), serial: u64, start: u64) {
            let directory = Path::new("/tmp/metaflow.s3.x");
            for range in [None, Some(ByteRange::From(start)), Some(ByteRange::Last(start))] {
                let name = local_name(&format!("s3://bucket/{key}"), range.as_ref(), serial);
                let path = directory.join(&name);
                prop_assert_eq!(path.parent(), Some(directory));
                let components: Vec<_> = Path::new(&name).components().collect();
                prop_assert!(matches!(components[..], [Component::Normal(_)]));
                prop_assert!(name.len() <= 255);
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-%~.".contains(&byte);
                prop_assert!(name.bytes().all(plain), "{}", name);
                // The name starts with hexadecimal digits: it is not hidden, not an option, and not a device name of
                // Windows.
                prop_assert!(name.as_bytes()[..40].iter().all(u8::is_ascii_hexdigit));
            }
        }

        #[test]
        fn no_two_downloads_have_the_same_name_whatever_the_file_system_makes_of_letters(
            one in awkward(), other in awkward(), serial in 0..3_u64, later in 0..3_u64
        ) {
            let name = |key: &str, serial| local_name(&format!("s3://bucket/{key}"), None, serial).to_lowercase();
            let same = (&one, serial) == (&other, later);
            prop_assert_eq!(name(&one, serial) == name(&other, later), same);
            prop_assert_eq!(name(&one.to_uppercase(), 1) == name(&one, 1), one.to_uppercase() == one);
        }
    }

    fn tail(url: &str, range: Option<&ByteRange>) -> String {
        local_name(url, range, 7)[40..].to_owned()
    }

    #[test]
    fn a_name_shows_leaf_range_and_serial() {
        assert_eq!(tail("s3://b/d/a-b.txt", None), "-a_b_txt-whole-7");
        assert_eq!(tail("s3://b/k", Some(&ByteRange::from(3..7))), "-k-3_6-7");
        assert_eq!(tail("s3://b/k", Some(&ByteRange::From(3))), "-k-3_-7");
        assert_eq!(tail("s3://b/d/", None), "--whole-7");
        assert_eq!(tail("s3://b/é b", None), "-%C3%A9%20b-whole-7");
    }

    #[test]
    fn the_same_leaf_of_another_url_has_another_name() {
        assert_ne!(
            local_name("s3://b/x/f", None, 1),
            local_name("s3://b/y/f", None, 1)
        );
    }

    #[test]
    fn the_longest_key_gives_a_name_that_file_systems_take() {
        let url = format!("s3://bucket/{}", "é".repeat(512));
        let range = ByteRange::from(u64::MAX - 1..u64::MAX);
        assert!(local_name(&url, Some(&range), u64::MAX).len() <= 255);
    }
}
