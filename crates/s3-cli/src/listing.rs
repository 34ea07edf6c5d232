//! [`Selection`]: resolves a remote argument to one object, or to the listing of a directory (`-r`) or a wildcard.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, StreamExt, stream};
use s3_client::Root;
use s3_core::{ListedObject, S3Prefix};
use s3_transfer::ListOptions;

use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::session::Session;
use crate::wildcard::{Wildcard, has_wildcard, unescape};

/// The object or the listing that an argument names.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    /// One object, or a bucket.
    One(Remote),
    /// The objects of a listing.
    Many(Listed),
}

/// A listing that an argument names.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The prefix of the listing.
    pub(crate) prefix: S3Prefix,
    /// Length of the prefix of each key that is not part of names below the argument.
    pub(crate) base: usize,
    pattern: Option<Wildcard>,
    argument: Remote,
}

/// An object of a listing, with its name below the argument.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) object: ListedObject,
    base: usize,
}

impl Named {
    /// Returns the key relative to the argument's directory.
    pub(crate) fn below(&self) -> &str {
        &self.object.url.key()[self.base..]
    }
}

impl Selection {
    /// Parses an argument: a wildcard unless `raw`, a directory with `recursive`, or one object.
    pub(crate) fn parse(remote: &Remote, raw: bool, recursive: bool) -> Result<Self, Failure> {
        if !raw && has_wildcard(&remote.key) {
            let pattern = Wildcard::parse(&remote.key).map_err(Failure::usage)?;
            let base = pattern.literal().rfind('/').map_or(0, |slash| slash + 1);
            return Ok(Self::Many(Listed {
                prefix: remote.prefix(pattern.literal())?,
                base,
                pattern: Some(pattern),
                argument: remote.clone(),
            }));
        }
        let plain = match raw {
            true => remote.clone(),
            false => Remote {
                bucket: remote.bucket.clone(),
                key: unescape(&remote.key),
            },
        };
        if !recursive {
            return Ok(Self::One(plain));
        }
        Self::directory(&plain).map(Self::Many)
    }

    /// Parses all arguments of a command that works on objects, and rejects buckets.
    pub(crate) fn parse_all(
        arguments: &[String],
        root: &Root,
        raw: bool,
        recursive: bool,
    ) -> Result<Vec<(Remote, Self)>, Failure> {
        let mut selections = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let remote = Remote::parse(argument, root)?;
            let selection = Self::parse(&remote, raw, recursive)?;
            if let Self::One(plain) = &selection {
                plain.url()?;
            }
            selections.push((remote, selection));
        }
        Ok(selections)
    }

    /// Returns the listing of all objects below a directory.
    pub(crate) fn directory(remote: &Remote) -> Result<Listed, Failure> {
        let key = remote.directory_key();
        Ok(Listed {
            prefix: remote.prefix(&key)?,
            base: key.len(),
            pattern: None,
            argument: remote.clone(),
        })
    }
}

impl Listed {
    /// Returns the objects that the pattern and the filter admit, page by page. If the pattern matches no object, the
    /// last item is a failure.
    pub(crate) fn pages(
        self,
        session: &Session,
        filter: Filter,
    ) -> Pin<Box<dyn Stream<Item = Result<Vec<Named>, Failure>> + Send>> {
        let options = ListOptions::default();
        let pages = session
            .transfer()
            .list(self.prefix.clone(), options, &session.options);
        let listed = Arc::new(self);
        let is_found = Arc::new(AtomicBool::new(false));
        let (end, any) = (Arc::clone(&listed), Arc::clone(&is_found));
        let pages = pages.map(move |page| {
            // A failed listing is reported by its own failure.
            let page = page.inspect_err(|_| any.store(true, Ordering::Relaxed))?;
            let matching = page
                .objects
                .into_iter()
                .filter(|object| listed.matches(object.url.key()))
                .inspect(|_| any.store(true, Ordering::Relaxed));
            let named = matching.map(|object| Named {
                object,
                base: listed.base,
            });
            Ok(named.filter(|named| filter.admits(named.below())).collect())
        });
        let nothing = stream::once(async move {
            let is_found = is_found.load(Ordering::Relaxed);
            end.nothing().filter(|_| !is_found)
        });
        let nothing = nothing.filter_map(|nothing| ready(nothing.map(Err)));
        pages.chain(nothing).boxed()
    }

    /// Returns whether the pattern admits a listed key.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let matches = |pattern: &Wildcard| pattern.matches(key);
        self.pattern.as_ref().is_none_or(matches)
    }

    /// Returns the failure of a listing without objects; none for a whole bucket, which may be empty.
    fn nothing(&self) -> Option<Failure> {
        if self.argument.key.is_empty() {
            return None;
        }
        Some(match self.pattern {
            Some(_) => Failure::not_found(format!("{} matches no object", self.argument)),
            None => Failure::not_found(format!("there is no object below {}", self.prefix)),
        })
    }
}
