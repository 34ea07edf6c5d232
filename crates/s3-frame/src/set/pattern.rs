//! Patterns of keys, and the objects that they find.

use std::collections::HashSet;

use arrow_schema::{Schema, SchemaRef};
use futures_util::TryStreamExt;
use glob::{MatchOptions, Pattern};
use s3_client::S3;
use s3_core::{ListedObject, S3Prefix};
use s3_transfer::{CallOptions, ListOptions};

use super::location::manifest_of;
use super::{Manifest, Manifests, Part, PartOrder};
use crate::{Error, Result};

const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The objects that patterns match.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) parts: Vec<Part>,
    /// The columns in the manifest of the first pattern.
    pub(crate) schema: Option<SchemaRef>,
}

/// Names of the parts of a set, as they are by default: the manifest has no name of its own then.
const DEFAULT_NAMES: [&str; 3] = ["*", "*.part", "part.*.parquet"];

/// Returns the objects that the patterns find, each once, in the order of the patterns.
///
/// Those of one pattern are in this order. A pattern such as `SET/*` finds the parts in the manifest of the set, in their
/// own order.
pub(crate) async fn find(
    s3: &S3,
    patterns: &[String],
    manifests: Manifests,
    order: PartOrder,
) -> Result<Found> {
    let (mut parts, mut schema) = (Vec::new(), None);
    for pattern in patterns {
        let found = find_one(s3, pattern, manifests, order).await?;
        if found.parts.is_empty() {
            return Err(Error::NoMatch(pattern.clone()));
        }
        if parts.is_empty() {
            schema = found.schema;
        }
        parts.extend(found.parts);
    }
    let mut seen = HashSet::new();
    parts.retain(|part: &Part| seen.insert(part.url.as_str().to_owned()));
    match parts.is_empty() {
        true => Err(Error::NoMatch(String::new())),
        false => Ok(Found { parts, schema }),
    }
}

async fn find_one(s3: &S3, pattern: &str, manifests: Manifests, order: PartOrder) -> Result<Found> {
    let literal = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let (before, wild) = pattern.split_at(literal);
    let prefix = resolve(s3, pattern, before)?;
    if manifests != Manifests::Ignore
        && let Some((folder, name)) = set_of(&prefix, wild)
        && let Some(found) = in_manifest(s3, &folder, &name).await?
    {
        return Ok(found);
    }
    if manifests == Manifests::Require {
        return Err(invalid(pattern, "has no manifest"));
    }
    let mut parts = listed(s3, pattern, prefix, wild).await?;
    parts.sort_by(|a, b| order.compare(a.url.as_str(), b.url.as_str()));
    Ok(Found {
        parts,
        schema: None,
    })
}

fn invalid(pattern: &str, reason: impl Into<String>) -> Error {
    Error::Pattern {
        pattern: pattern.to_owned(),
        reason: reason.into(),
    }
}

fn resolve(s3: &S3, pattern: &str, before: &str) -> Result<S3Prefix> {
    match s3.root().prefix() {
        // Without text, the root itself would be a prefix of its siblings too.
        Some(root) if before.is_empty() => Ok(root.with_trailing_slash()),
        _ => s3
            .root()
            .resolve_prefix(Some(before))
            .map_err(|error| invalid(pattern, format!("is not a key: {error}"))),
    }
}

/// Returns the folder and the names that a pattern with one star at its end means, such as `SET/*` or `SET/x-*.csv`.
fn set_of(prefix: &S3Prefix, wild: &str) -> Option<(S3Prefix, String)> {
    let after = wild.strip_prefix('*')?;
    if after.contains(['*', '?', '[', '/']) {
        return None;
    }
    let (folder, before) = prefix.prefix().rsplit_once('/')?;
    let folder = S3Prefix::from_parts(prefix.bucket(), &format!("{folder}/")).ok()?;
    Some((folder, format!("{before}*{after}")))
}

/// Returns the parts in the manifest of a set, if it has one.
async fn in_manifest(s3: &S3, folder: &S3Prefix, name: &str) -> Result<Option<Found>> {
    let name = (!DEFAULT_NAMES.contains(&name)).then_some(name);
    let url = manifest_of(folder, name)?;
    let Some(found) = Manifest::read(s3, &url).await? else {
        return Ok(None);
    };
    if !found.manifest.complete {
        return Err(Error::Unfinished(url.as_str().to_owned()));
    }
    let parts = found.manifest.parts.iter();
    let parts = parts.map(|part| Ok(Part::of_manifest(part.url(folder)?, part)));
    Ok(Some(Found {
        parts: parts.collect::<Result<Vec<_>>>()?,
        schema: Some(Schema::clone(&found.manifest.schema).into()),
    }))
}

async fn listed(s3: &S3, pattern: &str, prefix: S3Prefix, wild: &str) -> Result<Vec<Part>> {
    let whole = format!("{}{wild}", Pattern::escape(prefix.prefix()));
    let matcher = Pattern::new(&whole)
        .map_err(|error| invalid(pattern, format!("is not valid: {}", error.msg)))?;
    let matches = |object: &ListedObject| {
        let key = object.url.key();
        object.size > 0 && !key.ends_with('/') && matcher.matches_with(key, RULES)
    };
    let options = CallOptions::default();
    let mut pages = s3.transfer().list(prefix, ListOptions::default(), &options);
    let mut parts: Vec<Part> = Vec::new();
    while let Some(page) = pages.try_next().await? {
        let found = page.objects.into_iter().filter(matches);
        parts.extend(found.map(Part::listed));
    }
    Ok(parts)
}
