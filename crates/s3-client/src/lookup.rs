//! [`Lookup`]: the result of a read with `return_missing`: the object, or that it does not exist.

use std::fmt;
use std::sync::Arc;

use s3_core::{S3Prefix, S3Url};

use crate::error::Result;
use crate::location::{Location, debug_as_display, located};
use crate::{S3Info, S3Object};

/// The result of a read with `return_missing`: the object, or the URL of the missing one.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{Lookup, S3};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// match s3.get("s3://b/k").return_missing().await? {
///     Lookup::Found(object) => println!("{}", object.text()?),
///     Lookup::Missing(missing) => println!("there is no {}", missing.url()),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub enum Lookup<T> {
    /// The object exists.
    Found(T),
    /// There is no such object or bucket.
    Missing(MissingObject),
}

impl<T> Lookup<T> {
    /// Returns whether the object exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        matches!(self, Self::Found(_))
    }

    /// Returns the object if it exists.
    #[must_use]
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Missing(_) => None,
        }
    }

    /// Returns a reference to the object if it exists.
    #[must_use]
    pub fn as_found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Missing(_) => None,
        }
    }
}

/// An object that does not exist. Clone is a reference count.
#[derive(Clone)]
pub struct MissingObject(Arc<Location>);

impl MissingObject {
    pub(crate) fn new(url: S3Url, relative_to: Option<S3Prefix>) -> Self {
        Self(Arc::new(Location::object(url, relative_to)))
    }

    pub(crate) fn location(&self) -> &Location {
        &self.0
    }
}

/// The result type of a read: the object, or with `return_missing` a [`Lookup`] of it.
pub trait ReadOutput: Clone + fmt::Debug + Send + 'static {
    /// The object.
    #[doc(hidden)]
    type Object;

    /// Returns the number of bytes of the content that are in memory.
    #[doc(hidden)]
    fn bytes_in_memory(&self) -> u64;

    /// Converts a result into the output type; `missing` returns the missing object.
    #[doc(hidden)]
    fn of(result: Result<Self::Object>, missing: impl FnOnce() -> MissingObject) -> Result<Self>;
}

macro_rules! read_output {
    ($($type:ty),*) => {$(
        impl ReadOutput for $type {
            type Object = Self;

            fn bytes_in_memory(&self) -> u64 {
                <$type>::bytes_in_memory(self)
            }

            fn of(result: Result<Self>, _: impl FnOnce() -> MissingObject) -> Result<Self> {
                result
            }
        }

        impl ReadOutput for Lookup<$type> {
            type Object = $type;

            fn bytes_in_memory(&self) -> u64 {
                self.as_found().map_or(0, <$type>::bytes_in_memory)
            }

            fn of(result: Result<$type>, missing: impl FnOnce() -> MissingObject) -> Result<Self> {
                match result {
                    Err(error) if error.is_missing() => Ok(Self::Missing(missing())),
                    result => result.map(Self::Found),
                }
            }
        }

        impl Lookup<$type> {
            fn location(&self) -> &Location {
                match self {
                    Self::Found(found) => found.location(),
                    Self::Missing(missing) => missing.location(),
                }
            }
        }

        located!(Lookup<$type>);
    )*};
}

read_output!(S3Object, S3Info);
located!(MissingObject);
debug_as_display!(MissingObject);

/// Metaflow's notation: `<S3Object s3://b/k (object does not exist)>`.
impl fmt::Display for MissingObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<S3Object {} (object does not exist)>", self.url())
    }
}

impl<T: fmt::Display> fmt::Display for Lookup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(found) => found.fmt(f),
            Self::Missing(missing) => fmt::Display::fmt(missing, f),
        }
    }
}

/// Adds `return_missing` to the requests of an operation, which changes its output to [`Lookup`].
macro_rules! return_missing {
    ($op:ident<$object:ty> { $($field:ident),* }) => {
        impl<M> $crate::Request<$op, M> {
            /// Returns a [`Lookup`](crate::Lookup) of each object instead of failing when one is missing.
            pub fn return_missing(self) -> $crate::Request<$op<$crate::Lookup<$object>>, M> {
                self.map(|op| $op {
                    $($field: op.$field,)*
                    output: std::marker::PhantomData,
                })
            }
        }
    };
}

/// Adds `return_info` to the requests of an operation that downloads.
macro_rules! return_info {
    ($op:ident) => {
        impl<T, M> $crate::Request<$op<T>, M> {
            /// Fills in content type, metadata, encryption, time and range. On by default; it costs nothing.
            pub fn return_info(mut self, yes: bool) -> Self {
                self.op.return_info = yes;
                self
            }
        }
    };
}

pub(crate) use {return_info, return_missing};
