//! [`Content`]: the source of a resumable upload: a local file, or an object that the server copies.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::CrcAlgorithm;
use s3_core::{
    Attributes, ChecksumAlgorithm, CopyRequest, ETag, ErrorKind, ObjectMeta, PartTag, Payload,
    PutMode, S3Url, UploadId, UploadPart, UploadPartCopy,
};
use s3_transfer::{PutItem, PutOutcome, Source};
use serde_json::{Value, json};

use super::kept::Resume;
use super::parts::crc_of;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

const CRC: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// Source of the bytes of an object. Clone is a reference count.
#[derive(Clone)]
pub(super) enum Content {
    File(FileContent),
    Object(ObjectContent),
}

/// An open file, and its version when it was opened.
#[derive(Clone)]
pub(super) struct FileContent {
    file: Arc<File>,
    path: Arc<Path>,
    version: Value,
}

/// One version of an object, which the server copies.
#[derive(Clone)]
pub(super) struct ObjectContent {
    request: Arc<CopyRequest>,
    etag: Option<ETag>,
}

/// A part that both the journal and the server have.
pub(super) struct PartInJournal {
    pub(super) tag: PartTag,
    pub(super) range: Range<u64>,
    /// The checksum of the bytes of the file; `None` for a copy.
    pub(super) crc: Option<u64>,
}

impl Content {
    /// Returns the tags of the parts whose bytes have not changed since they were sent. With `trusts`, files are not
    /// read.
    pub(super) async fn unchanged_parts(
        &self,
        parts: Vec<PartInJournal>,
        trusts: bool,
    ) -> Result<Vec<PartTag>> {
        let content = match self {
            Self::File(content) if !trusts => content.clone(),
            // All parts are copied from one ETag.
            _ => return Ok(parts.into_iter().map(|part| part.tag).collect()),
        };
        on_blocking_thread(move || {
            let mut tags = Vec::new();
            for part in parts {
                let crc = crc_of(&content.file, part.range, CRC);
                let crc = crc.map_err(|error| Error::local_file(&content.path, error))?;
                if part.crc == Some(crc) {
                    tags.push(part.tag);
                }
            }
            Ok(tags)
        })
        .await
    }

    /// Sends a part. Returns its tag and, for a file, the checksum of its bytes.
    pub(super) async fn send(
        &self,
        call: &Call,
        resume: &Resume,
        (url, id, number): (S3Url, UploadId, u32),
        range: Range<u64>,
        algorithm: Option<ChecksumAlgorithm>,
    ) -> Result<(PartTag, Option<u64>)> {
        let transfer = &call.client.transfer;
        match self {
            Self::File(content) => {
                let (file, bytes) = (Arc::clone(&content.file), range.clone());
                let memory = resume.memory().await;
                let crc = on_blocking_thread(move || {
                    let _memory = memory;
                    let crc = crc_of(&file, bytes, CRC);
                    crc.map_err(|error| Error::local("read the file", error))
                });
                let crc = crc.await?;
                let len = range.end - range.start;
                let payload = Payload::from_file(Arc::clone(&content.file), range.start, len);
                let mut part = UploadPart::new(url, id, number, payload);
                part.checksum_algorithm = algorithm;
                let tag = transfer.upload_part(part, &call.options).await?;
                Ok((tag, Some(crc)))
            }
            Self::Object(content) => {
                let from = content.request.from.clone();
                let mut part = UploadPartCopy::new(url, id, number, from);
                part.source_version
                    .clone_from(&content.request.source_version);
                part.source_if_match.clone_from(&content.etag);
                part.range = Some(range.into());
                let mut tag = transfer.copy_part(part, &call.options).await?;
                tag.checksum.take_if(|sum| Some(sum.algorithm) != algorithm);
                Ok((tag, None))
            }
        }
    }

    /// Returns an error if the file was changed since it was opened.
    pub(super) async fn check_unchanged(&self) -> Result<()> {
        match self {
            Self::File(content) => content.check_unchanged().await,
            // Each part was copied from the same ETag.
            Self::Object(_) => Ok(()),
        }
    }

    /// Writes the object without a journal.
    pub(super) async fn write_all(
        &self,
        call: &Call,
        url: S3Url,
        mode: PutMode,
        attributes: Attributes,
    ) -> Result<PutOutcome> {
        let transfer = &call.client.transfer;
        match self {
            Self::File(content) => {
                let (file, path) = (Arc::clone(&content.file), Arc::clone(&content.path));
                let found = on_blocking_thread(move || {
                    let found = file.metadata();
                    found.map_err(|error| Error::local_file(&path, error))
                });
                let payload = Payload::from_file(Arc::clone(&content.file), 0, content.size());
                let payload = payload.of_version(found.await?);
                let put = PutItem::new(url, Source::Payload(payload)).with_mode(mode);
                let put = put.with_attributes(attributes);
                let outcome = transfer.put(put, &call.options).await;
                // A failure may be caused by a change of the file.
                if outcome
                    .as_ref()
                    .err()
                    .is_none_or(|error| error.kind() == ErrorKind::LocalIo)
                {
                    content.check_unchanged().await?;
                }
                Ok(outcome?)
            }
            Self::Object(content) => {
                let request = CopyRequest::clone(&content.request);
                Ok(PutOutcome::Written(
                    transfer.copy(request, &call.options).await?,
                ))
            }
        }
    }
}

impl FileContent {
    pub(super) fn new(file: Arc<File>, path: PathBuf) -> Result<Self> {
        let version = version(&file).map_err(|error| Error::local_file(&path, error))?;
        let path = path.into();
        Ok(Self {
            file,
            path,
            version,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.version["size"].as_u64().unwrap_or_default()
    }

    /// Returns the values that change when the file is written or replaced.
    pub(super) fn version(&self) -> &Value {
        &self.version
    }

    async fn check_unchanged(&self) -> Result<()> {
        let file = Arc::clone(&self.file);
        let now = on_blocking_thread(move || Ok(version(&file))).await?;
        if now.map_err(|error| Error::local_file(&self.path, error))? == self.version {
            return Ok(());
        }
        let problem = io::Error::other("the file changed during the upload; upload it again");
        let what = format!("upload {}", self.path.display());
        Err(Error::local(&what, problem))
    }
}

impl ObjectContent {
    /// Describes a copy; `source` is the metadata of the object that the request copies.
    pub(super) fn new(mut request: CopyRequest, source: ObjectMeta) -> Self {
        request.source_conditions.if_match.clone_from(&source.etag);
        Self {
            request: Arc::new(request),
            etag: source.etag,
        }
    }
}

/// Returns a value that changes when a file is written or replaced. It includes the ctime, which cannot be set back.
fn version(file: &File) -> io::Result<Value> {
    let found = file.metadata()?;
    Ok(json!({
        "dev": found.dev(),
        "inode": found.ino(),
        "size": found.len(),
        "modified": [found.mtime(), found.mtime_nsec()],
        "changed": [found.ctime(), found.ctime_nsec()],
    }))
}
