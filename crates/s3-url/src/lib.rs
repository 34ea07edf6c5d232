//! Parse, join and relate S3 locations, byte for byte.
//!
//! An [`S3Url`] is `s3://bucket/key` with a key; an [`S3Prefix`] is `s3://bucket` or `s3://bucket/prefix`; a
//! [`Root`] is what a client is set up with, and turns the keys that its users give into either. Nothing here does
//! I/O, and nothing is asynchronous.
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
//! A key is 1 to 1,024 bytes of UTF-8, and nothing else is asked of it: `?`, `#`, `%20`, `//`, `.`, `..`, a leading
//! or trailing `/`, tabs and line breaks are what they are. The `url` crate is used for endpoints and `https://`
//! forms in [`http`]; it does not parse `s3://`, because the rules of web addresses change keys (`a/../c` becomes
//! `c`, `q?x=1` loses its tail).
//!
//! # Deviation
//!
//! Metaflow's client parses `s3://` as a web address. Where that changes a key, this crate does not follow:
//!
//! * `?` and what follows it, tabs and line breaks belong to the key; Metaflow drops them from the request.
//! * `s3://b//a` has the key `/a`; Metaflow asks for `a`.
//! * The scheme is matched without regard to case and written in lower case. On a client with a root, `S3://…` is
//!   refused as `s3://…` is; Metaflow takes the former for a relative key.
//! * `s3://`, `s3:b/p` and `s3:/b/p` are errors at once; Metaflow fails on the first request.
//! * A displayed key is never cut inside a name, see [`display_key`].

mod bucket;
mod display_key;
pub mod http;
mod impls;
mod object_urls;
mod parse;
mod prefix;
mod root;
mod run;
mod url;

pub use self::url::S3Url;
pub use display_key::{DisplayKey, display_key};
pub use object_urls::ObjectUrls;
pub use parse::{JoinError, ParseError, ResolveError, quote};
pub use prefix::S3Prefix;
pub use root::{Root, RunOverrides};
pub use run::RunPath;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
