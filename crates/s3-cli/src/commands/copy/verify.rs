//! `--verify`: compares what was copied with its source.

use std::path::Path;

use s3_client::file_has_etag;
use s3_core::{ObjectMeta, S3Url};
use serde_json::Value;

use crate::failure::Failure;
use crate::session::Session;

/// Compares a file with the object that was written from it. One HEAD.
pub(super) async fn verify_object(
    session: &Session,
    path: &Path,
    url: &S3Url,
) -> Result<Value, Failure> {
    let meta = session
        .transfer()
        .head(url.clone(), &session.options)
        .await?;
    verify_file(session, path, &meta).await
}

/// Compares a file with the size and the ETag of an object.
pub(super) async fn verify_file(
    session: &Session,
    path: &Path,
    meta: &ObjectMeta,
) -> Result<Value, Failure> {
    let Some(etag) = meta.etag_of_bytes().cloned() else {
        let problem = match meta.etag {
            Some(_) => "the object's ETag is not made of MD5s, because of its encryption",
            None => "the server sends no ETag",
        };
        return Err(unknown(problem));
    };
    let (path, size) = (path.to_owned(), meta.size);
    let part_size = session.transfer().config().part_size;
    let compared = tokio::task::spawn_blocking(move || {
        let has_size = std::fs::metadata(&path).map(|found| found.len() == size);
        let compared = match has_size {
            Ok(true) => file_has_etag(&path, size, &etag, part_size),
            other => other.map(Some),
        };
        compared.map_err(|error| Failure::of_file("read", &path, &error))
    });
    let compared = compared.await;
    match compared.map_err(|error| Failure::local(error.to_string()))?? {
        Some(true) => Ok("MD5".into()),
        Some(false) => Err(Failure::local("the file and the object differ")),
        None => Err(unknown(
            "the object's ETag is not the MD5 of parts of a usual size",
        )),
    }
}

/// Compares the sizes and ETags of two objects. Two HEADs.
pub(super) async fn verify_copy(
    session: &Session,
    source: S3Url,
    target: S3Url,
) -> Result<Value, Failure> {
    let transfer = session.transfer();
    let source = transfer.head(source, &session.options).await?;
    let target = transfer.head(target, &session.options).await?;
    if source.size != target.size {
        return Err(Failure::local("the objects have different sizes"));
    }
    match source.etag.is_some() && source.etag == target.etag {
        true => Ok("ETag".into()),
        false => Err(unknown("the ETags of the objects differ")),
    }
}

fn unknown(problem: &str) -> Failure {
    let message = format!("the copy is complete and cannot be compared: {problem}");
    Failure::local(message).with_hint("leave out --verify")
}
