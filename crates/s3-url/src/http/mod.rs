//! Converts [`S3Url`](crate::S3Url)s to `https://` URLs of AWS or another S3 server, and back.
//!
//! An [`Endpoint`] is the URL of a server and its addressing style. [`to_https`] returns the URL of an object at an
//! endpoint, [`from_https`] parses URLs of AWS hosts, and [`from_https_at`] those of any endpoint. Nothing is signed and
//! no request is sent.
//!
//! ```
//! use s3_url::S3Url;
//! use s3_url::http::{Endpoint, from_https, to_https};
//!
//! let cat = S3Url::parse("s3://photos/2026/a cat?.jpg")?;
//! let address = to_https(&cat, &Endpoint::aws("eu-west-1")?)?;
//! assert_eq!(address.as_str(), "https://photos.s3.eu-west-1.amazonaws.com/2026/a%20cat%3F.jpg");
//! assert_eq!(from_https(&address)?, cat);
//! # Ok::<(), s3_url::ParseError>(())
//! ```
//!
//! # Encoding of keys
//!
//! ASCII letters and digits, `-`, `.`, `_`, `~` and `/` are kept; every other byte is `%XX`, as S3's signatures
//! require. Empty segments and trailing slashes are kept.
//!
//! Web URLs cannot contain a segment `.` or `..`, in any encoding: the `url` crate, like a browser, removes them.
//! [`to_https`] rejects such a key, because its URL would be that of another object.
//!
//! # Parsing
//!
//! * `%XX` is decoded once, a `+` is a plus, and the key must be UTF-8.
//! * The query is not part of the key. A presigned URL is accepted; its signature and `versionId` are dropped.
//! * A fragment is rejected. Fragments are never sent to a server, so a `#` nearly always belongs to a key that was not
//!   encoded.
//! * A user name or password is rejected. Errors show neither these nor the query, which may contain a signature.
//! * `.` and `..` segments, tabs and line breaks are removed by the `url` crate before these functions see the URL.

mod access_point;
mod address_error;
mod endpoint;
mod from_https;
mod host;
mod region;
mod to_https;

pub use endpoint::{Addressing, Endpoint};
pub use from_https::{from_https, from_https_at};
pub use to_https::to_https;
