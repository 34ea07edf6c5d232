//! [`Manifest`]: reads and writes the JSON list of the data files (parts) of a dataset.

use std::time::SystemTime;

use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use s3_client::S3;
use s3_core::{Attributes, ETag, ErrorKind, Payload, PutMode, S3Prefix, S3Url};
use s3_transfer::{CallOptions, Destination, GetItem, ObjectData, PutItem, PutOutcome};
use serde::{Deserialize, Serialize};

use super::SetLocation;
use crate::{Error, Result};

/// Version of the manifest format.
const VERSION: u32 = 1;

/// The parts of a set. Written next to the folder of the set as `FOLDER.manifest.json` after all parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of the manifest format, 1.
    pub version: u32,
    /// `csv` or `parquet`.
    pub format: String,
    /// `true` if all parts are written. `false` while a writer publishes them, or if it was killed then; `parts` then
    /// lists every object that it may have written or replaced.
    pub complete: bool,
    /// The columns of the parts.
    pub schema: Schema,
    /// The parts, in the order of their rows.
    pub parts: Vec<ManifestPart>,
    /// In a manifest that is not complete, the set that its writer replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaced: Option<Box<Self>>,
}

/// A part of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ManifestPart {
    /// The key, without the bucket.
    pub key: String,
    /// The number of rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its ETag, without quotes; `None` if the server sends none.
    pub etag: Option<String>,
}

/// Whether a pattern such as `SET/*` reads the parts in the manifest of the set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manifests {
    /// If there is a manifest, reads its parts, pinned by ETag. Otherwise reads all matching objects. Requests the
    /// manifest before and after the listing, because a set may be written in between.
    #[default]
    IfPresent,
    /// Reads the parts in the manifest, pinned by ETag. Fails if there is no manifest.
    Require,
    /// Ignores the manifest and reads all matching objects.
    Ignore,
}

/// A manifest that was read or written, with its ETag.
#[derive(Clone, Debug)]
pub(super) struct FoundManifest {
    pub(super) manifest: Manifest,
    pub(super) etag: Option<ETag>,
    /// `None` if it was written by this process, or if the server does not return it.
    pub(super) last_modified: Option<SystemTime>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Manifest {
    pub(super) fn new(format: &str, schema: &SchemaRef, parts: Vec<ManifestPart>) -> Self {
        Self {
            version: VERSION,
            format: format.to_owned(),
            complete: true,
            schema: schema.as_ref().clone(),
            parts,
            replaced: None,
        }
    }

    /// Reads a manifest; `None` if it does not exist.
    pub(super) async fn read(s3: &S3, url: &S3Url) -> Result<Option<FoundManifest>> {
        let options = CallOptions::default();
        let item = GetItem::new(url.clone());
        let fetched = match s3.transfer().get(item, Destination::Memory, &options).await {
            Ok(fetched) => fetched,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let ObjectData::Memory(bytes) = fetched.data else {
            unreachable!("asked for memory")
        };
        let manifest = parse(url, &bytes)?;
        Ok(Some(FoundManifest {
            manifest,
            etag: fetched.meta.etag,
            last_modified: fetched.meta.last_modified,
        }))
    }

    /// Writes the manifest. Replaces only `before`, the manifest that was read when the write began.
    ///
    /// # Errors
    ///
    /// `Conflict` if another writer has written or deleted the set in the meantime.
    pub(super) async fn write(
        &self,
        s3: &S3,
        url: S3Url,
        before: Option<&FoundManifest>,
    ) -> Result<FoundManifest> {
        let mode = match before {
            None => PutMode::IfAbsent,
            Some(FoundManifest {
                etag: Some(etag), ..
            }) => PutMode::IfMatch(etag.clone()),
            Some(_) => PutMode::Overwrite,
        };
        let conflict = || Error::Conflict(url.as_str().to_owned());
        let text = serde_json::to_vec_pretty(self).expect("it has only text and numbers");
        let mut attributes = Attributes::default().with_content_type("application/json");
        attributes.encryption = s3.encryption().cloned();
        let item = PutItem::new(url.clone(), Payload::from(text).into())
            .with_mode(mode)
            .with_attributes(attributes);
        match s3.transfer().put(item, &CallOptions::default()).await {
            Ok(PutOutcome::Written(response)) => Ok(FoundManifest {
                manifest: self.clone(),
                etag: response.etag,
                last_modified: None,
            }),
            Ok(_) => Err(conflict()),
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => Err(conflict()),
            // The manifest `before` was deleted.
            Err(error) if error.kind() == ErrorKind::NotFound && before.is_some() => {
                Err(conflict())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the last complete set: this one, or the one that it replaces.
    pub(super) fn last_complete(&self) -> Option<&Self> {
        match self.complete {
            true => Some(self),
            false => self.replaced.as_deref(),
        }
    }

    /// Fails unless the columns equal those of this set.
    pub(super) fn check_columns(&self, schema: &Schema, location: &SetLocation) -> Result<()> {
        let columns = |schema: &Schema| {
            let fields = schema.fields().iter();
            let columns = fields.map(|field| (field.name().clone(), field.data_type().clone()));
            columns.collect::<Vec<_>>()
        };
        if columns(&self.schema) == columns(schema) {
            return Ok(());
        }
        Err(Error::Manifest {
            url: location.manifest()?.as_str().to_owned(),
            reason: "has other columns than the rows".to_owned(),
        })
    }
}

impl ManifestPart {
    /// Returns the URL of the part.
    ///
    /// # Errors
    ///
    /// `Manifest` if it is not in the folder of the set: no object outside of it may be read or deleted.
    pub(super) fn url(&self, folder: &S3Prefix) -> Result<S3Url> {
        let url = S3Url::from_parts(folder.bucket(), &self.key).ok();
        url.filter(|url| folder.contains(url))
            .ok_or_else(|| Error::Manifest {
                url: folder.as_str().to_owned(),
                reason: format!(
                    "names {:?}, which is not a key in the folder of the set",
                    self.key
                ),
            })
    }
}

fn parse(url: &S3Url, bytes: &Bytes) -> Result<Manifest> {
    let invalid = |reason: String| Error::Manifest {
        url: url.as_str().to_owned(),
        reason,
    };
    let not_json = |error: serde_json::Error| invalid(error.to_string());
    let Version { version } = serde_json::from_slice(bytes).map_err(not_json)?;
    if version != VERSION {
        return Err(invalid(format!(
            "has version {version}, and {VERSION} is known"
        )));
    }
    serde_json::from_slice(bytes).map_err(not_json)
}
