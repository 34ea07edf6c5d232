//! [`Upload`]: an upload of `put` or `put_many`: checked before the first request, then sent, a batch in parallel.

use std::path::Path;

use s3_core::{
    Attributes, ETag, Error as RequestError, ErrorKind, Operation, PutMode, PutResponse, S3Url,
};
use s3_transfer::{PutItem, PutOutcome, Transfer};

use crate::batch::run_batch;
use crate::call::Call;
use crate::context::ClientContext;
use crate::error::Result;
use crate::put_object::PutAttributes;
use crate::resume::{self, FileUpload, Resume};
use crate::{
    BatchError, Key, OnFailure, Outcome, PutValue, S3PutObject, WriteOutcome, WriteResult,
};

/// A checked upload. Its file is opened when the upload starts.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The key as given.
    key: Key,
    url: S3Url,
    value: PutValue,
    attributes: Attributes,
    pub(crate) resume: Option<Resume>,
    pub(crate) if_match: Option<ETag>,
}

impl Upload {
    /// Checks everything that can be checked without a request.
    pub(crate) fn check(
        client: &ClientContext,
        key: Key,
        value: PutValue,
        attributes: &PutAttributes,
    ) -> Result<Self> {
        let url = client.object_url(&key)?;
        let attributes = attributes.resolve(url.as_str(), client.encryption.as_ref())?;
        Ok(Self {
            key,
            url,
            value: value.check()?,
            attributes,
            resume: None,
            if_match: None,
        })
    }

    /// As [`check`](Self::check), with key and attributes from `object`.
    pub(crate) fn check_object(
        client: &ClientContext,
        object: S3PutObject,
        value: PutValue,
    ) -> Result<Self> {
        let attributes = PutAttributes {
            content_type: object.content_type,
            encryption: object.encryption,
            metadata: object.metadata,
            metadata_text: object.metadata_text,
            base: object.attributes,
        };
        Self::check(client, object.key, value, &attributes)
    }

    /// Opens the value and uploads it.
    pub(crate) async fn run(
        self,
        transfer: &Transfer,
        call: &Call,
        overwrite: bool,
    ) -> Result<WriteResult> {
        let mode = match (self.if_match, overwrite) {
            (Some(_), false) => {
                return Err(RequestError::new(ErrorKind::InvalidInput, Operation::Put)
                    .with_resource(&self.url)
                    .with_message("`if_match` replaces an object, and `overwrite(false)` keeps it")
                    .with_hint("call one of them")
                    .into());
            }
            (Some(etag), true) => PutMode::IfMatch(etag),
            (None, true) => PutMode::Overwrite,
            (None, false) => PutMode::IfAbsent,
        };
        let path = self.value.local_path().map(Path::to_owned);
        let is_large = |path: &Path| {
            let found = path.metadata();
            let most = transfer.config().single_put_up_to;
            found.is_ok_and(|found| found.is_file() && found.len() > most)
        };
        let resumable = self.resume.as_ref().zip(path.as_deref());
        if let Some((resume, path)) = resumable.filter(|(_, path)| is_large(path)) {
            let item = FileUpload {
                path: path.to_owned(),
                url: self.url.clone(),
                mode,
                attributes: self.attributes,
            };
            let put = Box::pin(resume::upload(call, resume, item)).await?;
            return Ok(written(self.key, self.url, put, overwrite));
        }
        let source = self.value.into_source(transfer, &call.options).await?;
        let item = PutItem::new(self.url.clone(), source)
            .with_mode(mode)
            .with_attributes(self.attributes);
        let put = transfer.put(item, &call.options).await;
        let put = put.map_err(|error| with_file(error, path.as_deref()))?;
        Ok(written(self.key, self.url, put, overwrite))
    }
}

fn written(key: Key, url: S3Url, put: PutOutcome, overwrite: bool) -> WriteResult {
    let (outcome, response) = match put {
        PutOutcome::Written(response) if overwrite => (WriteOutcome::Written, response),
        PutOutcome::Written(response) => (WriteOutcome::Created, response),
        _ => (WriteOutcome::AlreadyThere, PutResponse::default()),
    };
    WriteResult::new(key, url, outcome, response)
}

/// Uploads all inputs in parallel, and returns one result per input.
pub(crate) async fn upload_all(
    call: Call,
    (name, on_failure): (&'static str, OnFailure),
    uploads: Vec<Upload>,
    overwrite: bool,
) -> Result<Vec<WriteResult>> {
    let transfer = call.client.transfer.clone();
    let after = on_failure.for_writes();
    let job = move |transfer: Transfer, upload: Upload| {
        let call = call.clone();
        async move { upload.run(&transfer, &call, overwrite).await }
    };
    let results = run_batch(&transfer, after, uploads, job).await;
    BatchError::check(name, results, None, Outcome::Written)
}

/// Adds to an error the path of the file that could not be read, or of the pipe or device that had not ended at the
/// deadline.
fn with_file(error: RequestError, path: Option<&Path>) -> RequestError {
    let Some(path) = path else {
        return error;
    };
    let has_no_end = || {
        path.metadata()
            .is_ok_and(|data| !data.is_file() || data.len() == 0)
    };
    let path = match error.kind() {
        ErrorKind::LocalIo => path.display().to_string(),
        ErrorKind::Timeout if has_no_end() => format!("reading {}", path.display()),
        _ => return error,
    };
    match error.message().map(|message| format!("{path}: {message}")) {
        Some(text) => error.with_message(text),
        None => error.with_message(path),
    }
}
