//! `resume_upload`, `resume_download` and `resume_copy`: transfers that continue where an interrupted run stopped.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use s3_core::{Attributes, CopyRequest, ETag, Payload, PutMode};
use s3_transfer::{Destination, GetItem, PutItem, PutOutcome, Source};

use crate::Key;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;
use crate::request::{Mode, Op, Request};
use crate::resume::{FileDownload, FileTarget, FileUpload, Resume, copy, download, upload};
use crate::s3::Client;

/// The operation of [`resume_upload`](Client::resume_upload).
#[derive(Debug)]
pub struct ResumeUpload {
    path: PathBuf,
    key: Key,
    attributes: Attributes,
    mode: PutMode,
    resume: Resume,
}

/// The operation of [`resume_download`](Client::resume_download).
#[derive(Debug)]
pub struct ResumeDownload {
    key: Key,
    path: PathBuf,
    replaces: bool,
    known: Option<(u64, Option<ETag>)>,
    resume: Resume,
}

/// The operation of [`resume_copy`](Client::resume_copy).
#[derive(Debug)]
pub struct ResumeCopy {
    request: CopyRequest,
    part_size: Option<u64>,
    resume: Resume,
}

impl<M: Mode> Client<M> {
    /// Uploads a file, and resumes an interrupted upload of it: parts that the server has and whose bytes
    /// the file still has are not sent again.
    ///
    /// If it fails or is dropped, the uploaded parts are kept for the next call. A file that is uploaded in one request
    /// has no parts to keep.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), and [`Error::Local`] for a file that changes during the upload.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_client::{Resume, S3};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let directory = s3.scratch_path().expect("it is open");
    /// let path = directory.join("film");
    /// std::fs::write(&path, vec![7; 20 << 20])?;
    /// let resume = Resume::in_dir(directory.join("transfers"));
    /// s3.resume_upload(&path, "s3://b/film", &resume).await?;
    /// s3.resume_download("s3://b/film", directory.join("copy"), &resume).await?;
    /// assert!(resume.kept().is_empty());
    /// # Ok(()) }
    /// ```
    pub fn resume_upload(
        &self,
        path: impl Into<PathBuf>,
        key: impl Into<Key>,
        resume: &Resume,
    ) -> Request<ResumeUpload, M> {
        self.request(ResumeUpload {
            path: path.into(),
            key: key.into(),
            attributes: Attributes::default(),
            mode: PutMode::Overwrite,
            resume: resume.clone(),
        })
    }

    /// Downloads an object to a file, and resumes an interrupted download of it. The file appears under
    /// its name when it is complete. Its directory must exist.
    ///
    /// If it fails or is dropped, the received bytes stay in a partial file for the next call. Costs one more HEAD,
    /// unless the object is known to be small.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn resume_download(
        &self,
        key: impl Into<Key>,
        path: impl Into<PathBuf>,
        resume: &Resume,
    ) -> Request<ResumeDownload, M> {
        self.request(ResumeDownload {
            key: key.into(),
            path: path.into(),
            replaces: true,
            known: None,
            resume: resume.clone(),
        })
    }

    /// Copies an object within the server, and resumes an interrupted copy of it: parts that the server
    /// has are not copied again. All parts are of one ETag of the source.
    ///
    /// If it fails or is dropped, the parts stay on the server for the next call. An object of one part (512 MiB, or
    /// the configured `part_size`) is copied in one request. Costs one more HEAD than [`copy`](Self::copy).
    ///
    /// # Errors
    ///
    /// As [`copy`](Self::copy), and `PreconditionFailed` for a source that is replaced twice during the copy.
    pub fn resume_copy(&self, request: CopyRequest, resume: &Resume) -> Request<ResumeCopy, M> {
        self.request(ResumeCopy {
            request,
            part_size: None,
            resume: resume.clone(),
        })
    }
}

impl<M> Request<ResumeCopy, M> {
    /// Sets the size of the parts, in bytes. 512 MiB by default, 5 MiB to 5 GiB: no bytes pass through the client.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.op.part_size = Some(bytes);
        self
    }
}

impl<M> Request<ResumeUpload, M> {
    /// Sets the attributes of the object.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.op.attributes = attributes;
        self
    }

    /// Keeps an existing object.
    pub fn if_absent(mut self) -> Self {
        self.op.mode = PutMode::IfAbsent;
        self
    }
}

impl<M> Request<ResumeDownload, M> {
    /// Keeps a file that exists when the download ends. The download then fails with an
    /// [`AlreadyExists`](std::io::ErrorKind) as the source of the request's error, and nothing of it is kept.
    pub fn if_absent(mut self) -> Self {
        self.op.replaces = false;
        self
    }

    /// Sets size and ETag from a listing, which saves a request. The download is pinned to the ETag.
    pub fn known(mut self, size: u64, etag: Option<ETag>) -> Self {
        self.op.known = Some((size, etag));
        self
    }
}

impl Op for ResumeUpload {
    type Output = PutOutcome;

    const NAME: &'static str = "resume_upload";

    async fn run(self, call: Call) -> Result<PutOutcome> {
        let url = call.client.object_url(&self.key)?;
        let mut attributes = self.attributes;
        if attributes.encryption.is_none() {
            attributes.encryption.clone_from(&call.client.encryption);
        }
        let path = self.path.clone();
        let (file, len) = on_blocking_thread(move || {
            let file = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            let (len, file) = file.map_err(|error| Error::local_file(&path, error))?;
            Ok((Arc::new(file), len))
        })
        .await?;
        let transfer = &call.client.transfer;
        if len > transfer.config().single_put_up_to {
            let item = FileUpload {
                path: self.path,
                url,
                mode: self.mode,
                attributes,
            };
            return Box::pin(upload(&call, &self.resume, item)).await;
        }
        let source = Source::Payload(Payload::from_file(file, 0, len));
        let item = PutItem::new(url, source)
            .with_mode(self.mode)
            .with_attributes(attributes);
        Ok(transfer.put(item, &call.options).await?)
    }
}

impl Op for ResumeCopy {
    type Output = PutOutcome;

    const NAME: &'static str = "resume_copy";

    async fn run(self, call: Call) -> Result<PutOutcome> {
        Box::pin(copy(&call, &self.resume, self.request, self.part_size)).await
    }
}

impl Op for ResumeDownload {
    type Output = FileDownload;

    const NAME: &'static str = "resume_download";

    async fn run(self, call: Call) -> Result<FileDownload> {
        let url = call.client.object_url(&self.key)?;
        let transfer = &call.client.transfer;
        let is_small = |size: u64| size <= transfer.config().single_put_up_to;
        if !self.known.as_ref().is_some_and(|(size, _)| is_small(*size)) {
            let meta = transfer.head(url.clone(), &call.options).await?;
            if !is_small(meta.size) && meta.etag.is_some() {
                let target = FileTarget {
                    path: &self.path,
                    replaces: self.replaces,
                };
                return Box::pin(download(&call, &self.resume, meta, &target)).await;
            }
        }
        let mut item = GetItem::new(url);
        if let Some((size, etag)) = self.known {
            item = item.with_known(size, etag);
        }
        let path = std::path::absolute(&self.path);
        let path = path.map_err(|error| Error::local_file(&self.path, error))?;
        let target = match self.replaces {
            true => Destination::File(path),
            false => Destination::NewFile(path),
        };
        let fetched = transfer.get(item, target, &call.options).await?;
        Ok(FileDownload {
            meta: fetched.meta,
            verified: fetched.verified,
        })
    }
}

#[cfg(test)]
mod tests;
