//! Pages of keys, from the bytes of an answer to a [`ListPage`](crate::ListPage).
//!
//! [`scan`] reads the documents that S3 and its better imitators write, in one pass and without a copy; of
//! everything else it says nothing, and [`full`] reads it with a real reader of XML. Both fill in a [`Page`], as
//! the generated client's answers do too, and one place makes the entries of it: what a key is, what may be
//! missing and whether the listing goes on. [`decoder`] undoes the encoding of keys there, after the whole page is
//! known.

#[cfg(feature = "fuzzing")]
mod agree;
mod decoder;
mod full;
mod page;
mod read;
mod scan;
#[cfg(test)]
mod tests;

#[cfg(feature = "fuzzing")]
pub(super) use agree::readers_agree;
pub(super) use decoder::Decoder;
pub(super) use page::{Entry, Page};
pub(super) use read::read;
