//! Parses, joins and compares S3 URLs (`s3://bucket/key`) byte for byte, and converts them to and from `https://` URLs.
//!
//! An [`S3Url`] is `s3://bucket/key`; an [`S3Prefix`] is `s3://bucket` or `s3://bucket/prefix`. A [`Root`] is the
//! prefix that a client is configured with; it resolves the keys that callers pass to one of the two. The crate does
//! no I/O.
//!
//! ```
//! use s3_url::{Root, RunOverrides, RunPath, S3Prefix, S3Url};
//!
//! let url = S3Url::parse("s3://photos/2026/a?b #1.jpg")?;
//! assert_eq!((url.bucket(), url.key()), ("photos", "2026/a?b #1.jpg"));
//!
//! let root = Root::s3root("s3://photos/2026/")?;
//! assert_eq!(root.resolve_object(Some("cat.jpg"))?.as_str(), "s3://photos/2026/cat.jpg");
//!
//! let datatools = S3Prefix::parse("s3://flows/data")?;
//! let root = Root::for_run(&datatools, &RunPath::new("Train", "1234")?, RunOverrides::default())?;
//! assert_eq!(root.resolve_object(Some("model"))?.as_str(), "s3://flows/data/Train/1234/model");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Keys are opaque bytes
//!
//! A key is 1 to 1,024 bytes of UTF-8 without further rules: `?`, `#`, `%20`, `//`, `.`, `..`, a leading or trailing
//! `/`, tabs and line breaks are kept. The `url` crate parses endpoints and `https://` URLs in [`http`], but not
//! `s3://`: the rules of web URLs change keys (`a/../c` becomes `c`, `q?x=1` becomes `q`).
//!
//! # Deviation
//!
//! Metaflow's client parses `s3://` as a web URL. Where that changes a key, this crate differs:
//!
//! * `?` and the text after it, tabs and line breaks belong to the key; Metaflow drops them from the request.
//! * `s3://b//a` has the key `/a`; Metaflow requests `a`.
//! * The scheme is matched in any case and written in lower case. A client with a root rejects `S3://…` as it rejects
//!   `s3://…`; Metaflow treats the former as a relative key.
//! * `s3://`, `s3:b/p` and `s3:/b/p` are errors at once; Metaflow fails on the first request.
//! * A displayed key never starts inside a name, see [`display_key`].

mod bucket;
mod conversions;
mod display_key;
pub mod http;
mod object_urls;
mod parse;
mod prefix;
mod root;
mod run_path;
mod url;

pub use self::url::S3Url;
pub use display_key::{DisplayKey, display_key};
pub use object_urls::ObjectUrls;
pub use parse::{JoinError, ParseError, ResolveError, quote};
pub use prefix::S3Prefix;
pub use root::{Root, RunOverrides};
pub use run_path::RunPath;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
