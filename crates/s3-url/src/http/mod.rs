//! Web addresses of objects: `https://` forms of [`S3Url`](crate::S3Url), and back.
//!
//! An [`Endpoint`] says where the server is and how buckets are addressed there. [`to_https`] writes the address of
//! an object at an endpoint, [`from_https`] reads the addresses of AWS's own hosts, and [`from_https_at`] those of
//! any other endpoint. Nothing is signed and nothing is asked of a server.
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
//! # How keys are written
//!
//! Letters and digits of ASCII, `-`, `.`, `_`, `~` and `/` stand for themselves; every other byte is `%XX`, as S3's
//! signatures want it. Empty segments and slashes at the end are kept.
//!
//! Web addresses cannot hold a segment `.` or `..`, in any spelling: the `url` crate, like a browser, removes them.
//! [`to_https`] refuses such a key rather than write the address of another object.
//!
//! # How addresses are read
//!
//! * `%XX` is decoded once, a `+` is a plus, and the key must be UTF-8.
//! * What follows a `?` is not a part of the key. The address of a presigned request is accepted; its signature, and
//!   the version that a `versionId` asks for, are not in the result.
//! * A fragment is refused. No server ever sees one, so a `#` in an address is nearly always a key that was not
//!   encoded, and without its tail it names another object.
//! * A user name or password is refused. Errors show neither these nor the query, which may hold a signature.
//! * What the `url` crate removed while parsing the address (`.` and `..`, tabs, line breaks) was gone before these
//!   functions saw it.

mod access_point;
mod endpoint;
mod from_https;
mod host;
mod refuse;
mod region;
mod to_https;

pub use endpoint::{Addressing, Endpoint};
pub use from_https::{from_https, from_https_at};
pub use to_https::to_https;
