//! Finds the objects that match key patterns such as `SET/*.csv`, by listing or in the manifest of a set.

use std::collections::HashSet;

use arrow_schema::SchemaRef;
use futures_util::TryStreamExt;
use glob::{MatchOptions, Pattern};
use s3_client::S3;
use s3_core::{ListedObject, S3Prefix};
use s3_transfer::{CallOptions, ListOptions};

use super::location::manifest_of;
use super::{Manifest, ManifestPart, Manifests, Part, PartOrder};
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

/// Default names of the parts of a set. Its manifest has no name of its own then.
const DEFAULT_NAMES: [&str; 3] = ["*", "*.part", "part.*.parquet"];

/// First parts of sets with default names.
const FIRST_PARTS: [&str; 2] = ["0.part", "part.0.parquet"];

/// A pattern that may match the parts of a set: the folder, and the pattern of names in it.
#[derive(Debug)]
struct SetPattern {
    folder: S3Prefix,
    /// The names, such as `*`, `x-*.csv` or `*.parquet`.
    name: String,
    /// The matcher of the names.
    matcher: Pattern,
}

/// Returns the objects that match the patterns, each once, in the order of the patterns.
///
/// Objects of one pattern are in the order `order`. A pattern such as `SET/*` returns the parts in the manifest of the
/// set, in their order; one such as `SET/*.parquet` those of them that match.
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
    let set = set_of(&prefix, wild).filter(|_| manifests != Manifests::Ignore);
    if let Some(set) = &set
        && let Some(found) = in_manifest(s3, set).await?
    {
        return Ok(found);
    }
    if manifests == Manifests::Require {
        return Err(invalid(pattern, "has no manifest"));
    }
    let mut parts = listed(s3, pattern, prefix, wild).await?;
    // They may be parts of a writer that began in the meantime: a manifest exists before its first part.
    if let Some(set) = &set
        && !parts.is_empty()
        && let Some(found) = in_manifest(s3, set).await?
    {
        return Ok(found);
    }
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
        // Without a trailing slash, the root would also be a prefix of its siblings.
        Some(root) if before.is_empty() => Ok(root.with_trailing_slash()),
        _ => s3
            .root()
            .resolve_prefix(Some(before))
            .map_err(|error| invalid(pattern, format!("is not a key: {error}"))),
    }
}

/// Returns the set that a pattern may match: one such as `SET/*`, `SET/x-*.csv` or `SET/part.?.parquet`.
fn set_of(prefix: &S3Prefix, wild: &str) -> Option<SetPattern> {
    if wild.is_empty() || wild.contains('/') || wild.contains("**") {
        return None;
    }
    let (folder, before) = prefix.prefix().rsplit_once('/')?;
    Some(SetPattern {
        folder: S3Prefix::from_parts(prefix.bucket(), &format!("{folder}/")).ok()?,
        name: format!("{before}{wild}"),
        matcher: Pattern::new(&format!("{}{wild}", Pattern::escape(before))).ok()?,
    })
}

impl SetPattern {
    /// Returns whether this may be the non-default part name of a set, in which the asterisk stands for the number.
    fn may_be_own_name(&self) -> bool {
        self.name.matches('*').count() == 1 && !self.name.contains(['?', '['])
    }

    fn has(&self, part: &ManifestPart) -> bool {
        let name = part.key.strip_prefix(self.folder.prefix());
        name.is_some_and(|name| self.matcher.matches_with(name, RULES))
    }
}

/// Returns the parts in the manifest of a set, if it has one.
///
/// A name that is not a default name first selects the set with such part names. Otherwise it selects matching parts of
/// the set with default names, because their manifest has the versions and lists unfinished parts.
async fn in_manifest(s3: &S3, set: &SetPattern) -> Result<Option<Found>> {
    let name = set.name.as_str();
    if DEFAULT_NAMES.contains(&name) {
        return named_in(s3, set, None, |_| true).await;
    }
    if set.may_be_own_name()
        && let Some(found) = named_in(s3, set, Some(name), |_| true).await?
    {
        return Ok(Some(found));
    }
    match FIRST_PARTS.iter().any(|part| set.matcher.matches(part)) {
        true => named_in(s3, set, None, |part| set.has(part)).await,
        false => Ok(None),
    }
}

/// Returns the parts in one manifest that are kept, if there is any.
async fn named_in(
    s3: &S3,
    set: &SetPattern,
    name: Option<&str>,
    keep: impl Fn(&ManifestPart) -> bool,
) -> Result<Option<Found>> {
    let url = manifest_of(&set.folder, name)?;
    let Some(found) = Manifest::read(s3, &url).await? else {
        return Ok(None);
    };
    let mut manifest = found.manifest;
    manifest.parts.retain(keep);
    if manifest.parts.is_empty() {
        return Ok(None);
    }
    if !manifest.complete {
        return Err(Error::Unfinished(url.as_str().to_owned()));
    }
    let parts = manifest.parts.iter();
    let parts = parts.map(|part| Ok(Part::of_manifest(part.url(&set.folder)?, part)));
    Ok(Some(Found {
        parts: parts.collect::<Result<Vec<_>>>()?,
        schema: Some(manifest.schema.into()),
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
