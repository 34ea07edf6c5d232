//! Remote arguments that name several objects: a directory with `-r`, or a wildcard.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use s3_client::Root;
use s3_core::{ListedObject, S3Prefix};
use s3_transfer::ListOptions;

use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::session::Session;
use crate::wildcard::{Wildcard, has_wildcard, unescape};

/// The objects that an argument names.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    /// One object, or a bucket.
    One(Remote),
    /// The objects of a listing.
    Many(Listed),
}

/// The objects of a listing.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Where the listing starts.
    pub(crate) prefix: S3Prefix,
    /// The length of the part of each key that names below the argument do not have.
    pub(crate) base: usize,
    pattern: Option<Wildcard>,
}

/// An object of a listing, with its name below the argument.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) object: ListedObject,
    base: usize,
}

impl Named {
    /// Returns the key below the argument's directory.
    pub(crate) fn below(&self) -> &str {
        &self.object.url.key()[self.base..]
    }
}

impl Selection {
    /// Understands an argument: a wildcard unless `raw`, a directory with `recursive`, or one object.
    pub(crate) fn parse(remote: &Remote, raw: bool, recursive: bool) -> Result<Self, Failure> {
        if !raw && has_wildcard(&remote.key) {
            let pattern = Wildcard::parse(&remote.key).map_err(Failure::usage)?;
            let base = pattern.literal().rfind('/').map_or(0, |slash| slash + 1);
            return Ok(Self::Many(Listed {
                prefix: remote.prefix(pattern.literal())?,
                base,
                pattern: Some(pattern),
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

    /// Understands all arguments of a command that works on objects, and refuses buckets.
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

    /// Returns all objects below a directory.
    pub(crate) fn directory(remote: &Remote) -> Result<Listed, Failure> {
        let key = remote.directory_key();
        Ok(Listed {
            prefix: remote.prefix(&key)?,
            base: key.len(),
            pattern: None,
        })
    }
}

impl Listed {
    /// Returns the objects, page by page, that the pattern and the filter admit.
    pub(crate) fn pages(
        self,
        session: &Session,
        filter: Filter,
    ) -> Pin<Box<dyn Stream<Item = Result<Vec<Named>, Failure>> + Send>> {
        let options = ListOptions::default();
        let pages = session
            .transfer()
            .list(self.prefix.clone(), options, &session.options);
        pages
            .map(move |page| {
                let objects = page?.objects.into_iter();
                let named = objects.map(|object| Named {
                    object,
                    base: self.base,
                });
                let admits = |named: &Named| self.admits(named.object.url.key(), &filter);
                Ok(named.filter(admits).collect())
            })
            .boxed()
    }

    /// Returns whether the pattern and the filter admit a listed key.
    pub(crate) fn admits(&self, key: &str, filter: &Filter) -> bool {
        let matches = |pattern: &Wildcard| pattern.matches(key);
        self.pattern.as_ref().is_none_or(matches) && filter.admits(&key[self.base..])
    }

    /// Returns the failure of a listing that has nothing: none for a whole bucket, and none if a filter left it out.
    pub(crate) fn nothing(&self, argument: &Remote, filter: &Filter) -> Option<Failure> {
        if !filter.is_empty() || argument.key.is_empty() {
            return None;
        }
        Some(match self.pattern {
            Some(_) => Failure::not_found(format!("{argument} matches no object")),
            None => Failure::not_found(format!("there is no object below {}", self.prefix)),
        })
    }
}
