//! Uploads: what is checked before the first request, and the account of many.

use std::sync::Arc;

use s3_core::{Attributes, PutMode, S3Url};
use s3_transfer::{FanOutOptions, PutItem, PutOutcome};

use crate::error::{Error, Result};
use crate::put_object::PutAttributes;
use crate::request::Call;
use crate::s3::Shared;
use crate::{BatchError, Key, OnFailure, Outcome, PutValue, S3PutObject};

/// An upload that has been checked.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The key as given.
    key: Key,
    url: S3Url,
    value: PutValue,
    attributes: Attributes,
}

impl Upload {
    /// Checks all that can be checked without a request.
    pub(crate) fn check(
        client: &Shared,
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
        })
    }

    /// As [`check`](Self::check), with key and attributes of `object`.
    pub(crate) fn check_object(
        client: &Shared,
        object: S3PutObject,
        value: PutValue,
    ) -> Result<Self> {
        let S3PutObject {
            key,
            content_type,
            encryption,
            metadata,
            ..
        } = object;
        let attributes = PutAttributes {
            content_type,
            encryption,
            metadata,
        };
        Self::check(client, key, value, &attributes)
    }

    pub(crate) fn url(&self) -> &S3Url {
        &self.url
    }

    /// Opens what there is to open, and describes the upload to the engine.
    pub(crate) fn into_item(self, overwrite: bool) -> Result<PutItem> {
        let mut item = PutItem::new(self.url, self.value.into_source()?);
        item.mode = if overwrite {
            PutMode::Overwrite
        } else {
            PutMode::IfAbsent
        };
        item.attributes = self.attributes;
        Ok(item)
    }
}

/// Uploads all, many at a time. Returns key and URL of those that were written.
pub(crate) async fn upload_all(
    call: Call,
    (name, on_failure): (&'static str, OnFailure),
    uploads: Vec<Upload>,
    overwrite: bool,
) -> Result<Vec<(String, String)>> {
    let names: Vec<(Key, S3Url)> = uploads
        .iter()
        .map(|upload| (upload.key.clone(), upload.url.clone()))
        .collect();
    let options = call.options;
    let many =
        call.client.transfer.fan_out(
            uploads,
            FanOutOptions::default(),
            move |transfer, upload| {
                let options = options.clone();
                async move {
                    Ok::<_, Error>(transfer.put(upload.into_item(overwrite)?, &options).await?)
                }
            },
        );
    let outcomes = many.outcomes(on_failure.for_writes()).await.into_iter();
    let outcomes = outcomes.map(|result| Some(result?.map_err(Arc::new)));
    let outcomes = BatchError::check(name, outcomes.collect(), |_, put| outcome(&put))?;
    let written = names
        .into_iter()
        .zip(outcomes)
        .filter(|(_, outcome)| !matches!(outcome, PutOutcome::AlreadyThere));
    Ok(written
        .map(|((key, url), _)| (key.into_string(), url.as_str().to_owned()))
        .collect())
}

fn outcome(put: &PutOutcome) -> Outcome {
    match put {
        PutOutcome::AlreadyThere => Outcome::AlreadyThere,
        _ => Outcome::Done,
    }
}
