//! [`Files`]: wraps `s3s-fs`, which stores objects as files, and rejects keys that a file system cannot store.
//!
//! `s3s-fs` stores an object in a file at the path of its key, and the attributes in a second file, whose name contains
//! the bucket and the key in base64. If the file system rejects either name, `s3s-fs` responds with 500, and the object
//! may exist without its attributes. So each key is checked before it is written.

use std::io;
use std::path::{Path, PathBuf};

use s3s::dto::*;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

/// Maximum length of a file name in bytes.
const MAX_NAME: usize = 255;

/// Bytes of `.bucket-`, `.object-` and `.metadata.json` in the name of an attribute file.
const ATTRIBUTES: usize = 30;

/// Bytes of `.upload-` and a UUID, which the name contains until the upload is complete.
const UPLOAD: usize = 44;

/// An implementation of `s3s::S3` on files, such as `s3s_fs::FileSystem`, that rejects keys that no file can have.
///
/// A key is rejected with 400 if one of its segments is empty, `.`, `..` or longer than 255 bytes, if the name of its
/// attribute file would be longer than that, if a parent path of it is an object, or if it is a prefix of other keys.
/// Reads of such a key return `NoSuchKey`, and deletes of it succeed.
///
/// A key that ends in a slash is a directory: a put without content creates it, a delete removes it if it is empty, and
/// reads return `NoSuchKey`. A bucket with files cannot be deleted.
#[derive(Debug)]
pub struct Files<S> {
    files: S,
    root: PathBuf,
}

impl<S> Files<S> {
    /// Wraps an implementation that keeps its buckets in `root`.
    pub fn new(files: S, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { files, root }
    }
}

impl<S: S3> Files<S> {
    /// Fails if no file can have this key, or if the key conflicts with other objects.
    async fn check(&self, bucket: &str, key: &str, longer_by: usize) -> S3Result<()> {
        check_name(bucket, key, longer_by)?;
        let bucket = self.root.join(bucket);
        let mut place = bucket.clone();
        let mut parts = key.trim_end_matches('/').split('/').peekable();
        while let Some(part) = parts.next() {
            place.push(part);
            let is_directory = parts.peek().is_some() || key.ends_with('/');
            match tokio::fs::metadata(&place).await {
                Ok(found) if found.is_dir() == is_directory => {}
                Ok(_) => return Err(in_the_way(&bucket, &place)),
                // Other errors occur again in the write, which reports them.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Fails for a key whose object cannot have content (a directory), so it cannot be copied or uploaded in parts.
    async fn check_file(&self, bucket: &str, key: &str, longer_by: usize) -> S3Result<()> {
        match key.ends_with('/') {
            true => Err(s3_error!(
                InvalidArgument,
                "A key that ends in a slash is a directory, which has no content"
            )),
            false => self.check(bucket, key, longer_by).await,
        }
    }

    /// Returns whether there is a file with this key.
    async fn has_file(&self, bucket: &str, key: &str) -> bool {
        !key.ends_with('/') && self.has(bucket, key).await
    }

    /// Returns whether there is a file with this key, or a directory if the key ends in a slash.
    async fn has(&self, bucket: &str, key: &str) -> bool {
        if check_name(bucket, key, 0).is_err() {
            return false;
        }
        let place = self.root.join(bucket).join(key);
        match tokio::fs::metadata(place).await {
            Ok(found) => found.is_dir() == key.ends_with('/'),
            Err(_) => false,
        }
    }
}

fn check_name(bucket: &str, key: &str, longer_by: usize) -> S3Result<()> {
    let parts = || key.strip_suffix('/').unwrap_or(key).split('/');
    if parts().any(|part| part.len() > MAX_NAME) {
        return Err(s3_error!(
            KeyTooLongError,
            "A part of the key is longer than the {MAX_NAME} bytes that the name of a file can have"
        ));
    }
    let in_base64 = |text: &str| (text.len() * 4).div_ceil(3);
    let taken = ATTRIBUTES + longer_by + in_base64(bucket);
    if taken + in_base64(key) > MAX_NAME {
        let most = MAX_NAME.saturating_sub(taken) * 3 / 4;
        return Err(s3_error!(
            KeyTooLongError,
            "The key has {} bytes; a file for its attributes can be named for at most {most} in this bucket",
            key.len()
        ));
    }
    if parts().any(|part| matches!(part, "" | "." | "..")) || key.contains('\0') {
        return Err(s3_error!(
            InvalidArgument,
            "The key cannot be the path of a file: a part of it is empty, a dot or two dots, or has a zero byte"
        ));
    }
    Ok(())
}

fn in_the_way(bucket: &Path, place: &Path) -> S3Error {
    let key = place.strip_prefix(bucket).unwrap_or(place).display();
    match place.is_dir() {
        true => s3_error!(
            InvalidArgument,
            "A file system cannot store both the object {key} and objects below {key}/"
        ),
        false => s3_error!(
            InvalidArgument,
            "A file system cannot store both objects below {key}/ and the object {key}"
        ),
    }
}

/// Removes a directory and its subdirectories, unless one contains a file, including one that is being written.
fn remove_without_files(directory: &Path) -> io::Result<()> {
    let mut found = vec![directory.to_owned()];
    let mut next = 0;
    while let Some(directory) = found.get(next) {
        next += 1;
        for entry in std::fs::read_dir(directory.clone())? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => found.push(entry.path()),
                false => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
            }
        }
    }
    // Subdirectories first. A directory with a new file is kept.
    found.iter().rev().try_for_each(std::fs::remove_dir)
}

/// Sets an error code for names that a file system rejects, which `s3s-fs` reports as internal errors.
fn explained(error: S3Error) -> S3Error {
    let source = error.source().and_then(|source| source.downcast_ref());
    match source.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidFilename) => s3_error!(
            KeyTooLongError,
            "The key is longer than a path of the file system can be"
        ),
        Some(
            io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::InvalidInput,
        ) => s3_error!(InvalidArgument, "The file system cannot store the key"),
        Some(io::ErrorKind::PermissionDenied) => {
            s3_error!(
                AccessDenied,
                "The server has no permission to access the file"
            )
        }
        _ => error,
    }
}

/// Implements the methods of the trait that forward to the inner implementation.
macro_rules! files {
    ($($name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl<S: S3> S3 for Files<S> {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.files.$name(request).await.map_err(explained)
            })*

            // `s3s-fs` deletes the whole directory.
            async fn delete_bucket(
                &self,
                request: S3Request<DeleteBucketInput>,
            ) -> S3Result<S3Response<DeleteBucketOutput>> {
                let bucket = self.root.join(&request.input.bucket);
                let removed = tokio::task::spawn_blocking(move || remove_without_files(&bucket)).await;
                match removed.map_err(S3Error::internal_error)? {
                    Ok(()) => Ok(S3Response::new(DeleteBucketOutput::default())),
                    Err(error) => Err(match error.kind() {
                        io::ErrorKind::NotFound => s3_error!(NoSuchBucket),
                        io::ErrorKind::DirectoryNotEmpty => {
                            s3_error!(BucketNotEmpty, "The directory of the bucket has files")
                        }
                        _ => explained(S3Error::internal_error(error)),
                    }),
                }
            }

            async fn put_object(
                &self,
                request: S3Request<PutObjectInput>,
            ) -> S3Result<S3Response<PutObjectOutput>> {
                self.check(&request.input.bucket, &request.input.key, 0).await?;
                self.files.put_object(request).await.map_err(explained)
            }

            async fn copy_object(
                &self,
                request: S3Request<CopyObjectInput>,
            ) -> S3Result<S3Response<CopyObjectOutput>> {
                self.check_file(&request.input.bucket, &request.input.key, 0).await?;
                self.files.copy_object(request).await.map_err(explained)
            }

            async fn create_multipart_upload(
                &self,
                request: S3Request<CreateMultipartUploadInput>,
            ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
                self.check_file(&request.input.bucket, &request.input.key, UPLOAD).await?;
                self.files.create_multipart_upload(request).await.map_err(explained)
            }

            async fn complete_multipart_upload(
                &self,
                request: S3Request<CompleteMultipartUploadInput>,
            ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
                self.check_file(&request.input.bucket, &request.input.key, 0).await?;
                self.files.complete_multipart_upload(request).await.map_err(explained)
            }

            async fn get_object(
                &self,
                request: S3Request<GetObjectInput>,
            ) -> S3Result<S3Response<GetObjectOutput>> {
                match self.has_file(&request.input.bucket, &request.input.key).await {
                    true => self.files.get_object(request).await.map_err(explained),
                    false => Err(s3_error!(NoSuchKey)),
                }
            }

            async fn head_object(
                &self,
                request: S3Request<HeadObjectInput>,
            ) -> S3Result<S3Response<HeadObjectOutput>> {
                match self.has_file(&request.input.bucket, &request.input.key).await {
                    true => self.files.head_object(request).await.map_err(explained),
                    false => Err(s3_error!(NoSuchKey)),
                }
            }

            async fn delete_object(
                &self,
                mut request: S3Request<DeleteObjectInput>,
            ) -> S3Result<S3Response<DeleteObjectOutput>> {
                let input = &mut request.input;
                if !self.has(&input.bucket, &input.key).await
                    && self.root.join(&input.bucket).is_dir()
                {
                    return Ok(S3Response::new(DeleteObjectOutput::default()));
                }
                self.files.delete_object(request).await.map_err(explained)
            }

            // A missing object is reported as deleted and not forwarded: it would fail the whole batch.
            async fn delete_objects(
                &self,
                mut request: S3Request<DeleteObjectsInput>,
            ) -> S3Result<S3Response<DeleteObjectsOutput>> {
                let bucket = request.input.bucket.clone();
                let wanted = std::mem::take(&mut request.input.delete.objects);
                let mut missing = Vec::new();
                for object in wanted {
                    match self.has(&bucket, &object.key).await {
                        true => request.input.delete.objects.push(object),
                        false => missing.push(DeletedObject {
                            key: Some(object.key),
                            ..DeletedObject::default()
                        }),
                    }
                }
                let mut response = self.files.delete_objects(request).await.map_err(explained)?;
                response.output.deleted.get_or_insert_default().extend(missing);
                Ok(response)
            }
        }
    };
}

files! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    head_bucket(HeadBucketInput) -> HeadBucketOutput;
    list_buckets(ListBucketsInput) -> ListBucketsOutput;
    list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    upload_part(UploadPartInput) -> UploadPartOutput;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    list_parts(ListPartsInput) -> ListPartsOutput;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bucket: &str, key: &str, longer_by: usize) -> Option<String> {
        let error = check_name(bucket, key, longer_by).err()?;
        Some(error.code().as_str().to_owned())
    }

    #[test]
    fn a_key_must_be_the_path_of_a_file() {
        for key in ["a", "a/b", "a/", "a/b/", ".a", "a..b/c"] {
            assert_eq!(code("photos", key, 0), None, "{key}");
        }
        for key in ["/a", "a//b", "a//", "./a", "a/../b", "..", "a\0b"] {
            assert_eq!(
                code("photos", key, 0).as_deref(),
                Some("InvalidArgument"),
                "{key}"
            );
        }
    }

    #[test]
    fn the_name_of_the_attributes_limits_the_key() {
        // `.bucket-` + 8 + `.object-` + 216 + `.metadata.json` is 254.
        assert_eq!(code("photos", &"k".repeat(162), 0), None);
        let too_long = Some("KeyTooLongError");
        assert_eq!(code("photos", &"k".repeat(163), 0).as_deref(), too_long);
        assert_eq!(
            code("photos", &"k".repeat(162), UPLOAD).as_deref(),
            too_long
        );
        assert_eq!(code("photos", &"k".repeat(129), UPLOAD), None);
        assert_eq!(code("photos", &"a/".repeat(300), 0).as_deref(), too_long);
    }

    #[tokio::test]
    async fn a_directory_is_neither_copied_nor_read_nor_uploaded_in_parts() {
        let files = Files::new(no_files(), env!("CARGO_MANIFEST_DIR"));
        for (key, is_file) in [("src/lib.rs", true), ("src/", false)] {
            assert_eq!(files.check_file("", key, 0).await.is_ok(), is_file, "{key}");
            assert_eq!(files.has_file("", key).await, is_file, "{key}");
            assert!(files.has("", key).await, "{key}");
            assert!(files.check("", key, 0).await.is_ok(), "{key}");
        }
    }

    fn no_files() -> impl S3 {
        struct Nothing;
        impl S3 for Nothing {}
        Nothing
    }
}
