//! `--verify`: compares a copy with its source by size, ETag or checksum.

use std::path::Path;

use s3_client::{file_has_checksum, file_has_etag};
use s3_core::{ObjectMeta, S3Url};
use serde_json::Value;

use crate::failure::Failure;
use crate::session::Session;

/// Compares a file with the object that was written from it. Sends one HEAD, or two if the checksum is denied.
pub(super) async fn verify_object(
    session: &Session,
    path: &Path,
    url: &S3Url,
) -> Result<Value, Failure> {
    let transfer = session.transfer();
    let meta = transfer
        .head_with_checksum(url.clone(), &session.options)
        .await?;
    verify_file(session, path, &meta).await
}

/// Compares a file with the size and the ETag of an object, or with its checksum if the ETag cannot be computed.
pub(super) async fn verify_file(
    session: &Session,
    path: &Path,
    meta: &ObjectMeta,
) -> Result<Value, Failure> {
    let (etag, checksum) = (meta.etag_of_bytes().cloned(), meta.checksum.clone());
    let (path, size) = (path.to_owned(), meta.size);
    let part_size = session.transfer().config().part_size;
    let compared = tokio::task::spawn_blocking(move || {
        let compare = || {
            if std::fs::metadata(&path)?.len() != size {
                return Ok(Some((false, "")));
            }
            let by_etag = match etag {
                Some(etag) => file_has_etag(&path, size, &etag, part_size)?,
                None => None,
            };
            if let Some(is_same) = by_etag {
                return Ok(Some((is_same, "MD5")));
            }
            let Some(checksum) = checksum else {
                return Ok(None);
            };
            let by_checksum = file_has_checksum(&path, size, &checksum)?;
            Ok(by_checksum.map(|is_same| (is_same, checksum.algorithm.as_str())))
        };
        compare().map_err(|error| Failure::of_file("read", &path, &error))
    });
    let compared = compared.await;
    match compared.map_err(|error| Failure::local(error.to_string()))?? {
        Some((true, name)) => Ok(name.into()),
        Some((false, _)) => Err(Failure::local("the file and the object differ")),
        None => Err(unknown(
            "the part size of its ETag is unknown, and it has no full-object checksum",
        )),
    }
}

/// Compares the sizes and ETags of two objects. Sends two HEADs.
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
