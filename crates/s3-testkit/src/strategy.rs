//! Proptest strategies for keys and bodies that clients often handle wrongly.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Fragments of keys that clients often mangle: paths, escapes, Unicode in both normal forms, control characters.
const PIECES: &[&str] = &[
    "a",
    "b",
    "key",
    "/",
    "//",
    ".",
    "..",
    "./",
    "../",
    " ",
    "+",
    "%",
    "%2F",
    "%2f",
    "%00",
    "?",
    "?x=1",
    "&",
    "=",
    "#",
    "#1",
    "*",
    "'",
    "\"",
    "\\",
    "<",
    ">",
    ";",
    ":",
    "@",
    "~",
    "!",
    "\u{e9}",
    "e\u{301}",
    "\u{df}",
    "\u{1f980}",
    "\u{ffff}",
    "\u{10000}",
    "\u{1}",
    "\t",
    "\n",
    "\r",
    "\u{7f}",
    "s3://",
];

/// Returns a strategy for keys of 1 to 1,024 bytes: arbitrary ones, and ones that clients often mangle.
///
/// Includes `a//b`, `./x`, `../x`, `dir/`, `/a`, `%2F`, `é` composed and decomposed, control characters, `?` and `#`.
///
/// ```
/// use proptest::prelude::*;
/// use s3_testkit::strategy::key;
///
/// proptest!(|(key in key())| {
///     prop_assert!(!key.is_empty() && key.len() <= 1024);
/// });
/// ```
pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(select(PIECES), 1..12).prop_map(|pieces| pieces.concat()),
        4 => plain_key(),
        1 => vec(any::<char>().prop_filter("XML and HTTP end at NUL", |&c| c != '\0'), 1..40)
            .prop_map(String::from_iter),
        1 => (1_usize..=1024).prop_map(|len| "k".repeat(len)),
    ]
}

/// Returns a strategy for keys that every backend can store: lower-case names in up to four directories.
pub fn plain_key() -> impl Strategy<Value = String> {
    vec(vec(select(b"abcxyz019-_".as_slice()), 1..8), 1..5).prop_map(|names| {
        let names: Vec<_> = names
            .into_iter()
            .map(|name| String::from_utf8_lossy(&name).into_owned())
            .collect();
        names.join("/")
    })
}

/// Returns a strategy for bodies of up to `max` bytes, including empty ones and single bytes.
pub fn body(max: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![
        1 => Just(Bytes::new()),
        1 => any::<u8>().prop_map(|byte| Bytes::from(vec![byte])),
        4 => vec(any::<u8>(), 0..=max).prop_map(Bytes::from),
    ]
}

/// Returns a strategy for bodies in several buffers, some of them empty.
pub fn chunked_body(max_chunks: usize, max_chunk: usize) -> impl Strategy<Value = Vec<Bytes>> {
    vec(body(max_chunk), 0..=max_chunks)
}
