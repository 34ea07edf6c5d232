//! `resume_upload`, `resume_download` and `resume_copy`: transfers that go on after an earlier run.

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
use crate::resume::{FileDownload, FileUpload, Resume, Target, copy, download, upload};
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
    /// Uploads a file, and goes on where an earlier upload of it was interrupted: parts that the server has and whose bytes
    /// the file still has are not sent again.
    ///
    /// If it fails or is dropped, what was sent stays for the next call. A file of one request has nothing to keep.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), and [`Error::Local`] for a file that changes meanwhile.
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

    /// Downloads an object to a file, and goes on where an earlier download of it was interrupted. The file appears under
    /// its name when it is complete. Its directory must exist.
    ///
    /// If it fails or is dropped, what was read stays in a partial file for the next call. An object that is not known to be
    /// small costs one HEAD more.
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

    /// Copies an object within the server, and goes on where an earlier copy of it was interrupted: parts that the server
    /// has are not copied again. All parts are of one ETag of the source.
    ///
    /// If it fails or is dropped, the parts stay on the server for the next call. An object of one part
    /// (512 MiB, or what `part_size` sets) is copied in one request. One HEAD more than [`copy`](Self::copy).
    ///
    /// # Errors
    ///
    /// As [`copy`](Self::copy), and `PreconditionFailed` for a source that is replaced meanwhile, twice.
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

    /// Keeps an object that is there already.
    pub fn if_absent(mut self) -> Self {
        self.op.mode = PutMode::IfAbsent;
        self
    }
}

impl<M> Request<ResumeDownload, M> {
    /// Keeps a file that is there when the download ends: it then fails, and the source of the request's error is an
    /// [`AlreadyExists`](std::io::ErrorKind). Nothing of it is kept.
    pub fn if_absent(mut self) -> Self {
        self.op.replaces = false;
        self
    }

    /// Says what a listing has told of the object. The download is pinned to the ETag.
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
                let target = Target {
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
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::Duration;

    use s3_core::{ErrorKind, MemoryStore, Operation};
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, ramp};

    use super::*;
    use crate::S3;

    /// 12 parts of 5 MiB and a shorter one.
    const LEN: usize = (60 << 20) + 7;
    const PARTS: u64 = 13;

    struct Case {
        memory: MemoryStore,
        dir: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            Self {
                memory: MemoryStore::with_buckets(["b"]),
                dir: tempfile::tempdir().unwrap(),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        /// Returns a client whose requests of a method fail from the `after`th on.
        fn client(&self, method: Option<(&str, u32)>) -> S3 {
            self.client_with(match method {
                Some((method, after)) => {
                    let denied = FaultAction::status(403, "AccessDenied");
                    FaultPlan::none().with(FaultMatch::method(method).on(denied).skip(after))
                }
                None => FaultPlan::none(),
            })
        }

        /// Returns a client to which the server refuses an operation.
        fn refused(&self, operation: &str, status: u16, code: &str) -> S3 {
            let refused = FaultAction::status(status, code);
            self.client_with(FaultPlan::none().with(FaultMatch::operation(operation).on(refused)))
        }

        fn client_with(&self, plan: FaultPlan) -> S3 {
            let builder = S3::builder()
                .tmproot(std::env::temp_dir())
                .part_size(5 << 20);
            let store = FaultStore::new(self.memory.clone(), plan);
            builder.store(store).build().unwrap()
        }

        fn resume(&self) -> Resume {
            Resume::in_dir(self.path("state"))
        }

        fn journals(&self) -> Vec<PathBuf> {
            let entries = fs::read_dir(self.path("state")).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        }

        /// Returns how many files and directories there are.
        fn entries(&self) -> usize {
            fs::read_dir(self.dir.path()).unwrap().count()
        }

        async fn uploads(&self) -> usize {
            let all = self.client(None).orphans(Duration::ZERO);
            let all = all.uploads_below("s3://b/").await.unwrap();
            let uploads = all
                .iter()
                .filter(|orphan| matches!(orphan, crate::Orphan::Upload { .. }));
            uploads.count()
        }

        fn sent(&self, operation: Operation) -> u64 {
            self.memory.operations().get(operation)
        }
    }

    fn spoil(path: &Path, at: u64) {
        use std::os::unix::fs::FileExt;
        let file = fs::File::options()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    }

    #[tokio::test]
    async fn an_upload_goes_on_after_the_parts_that_are_there() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let resume = case.resume();
        let s3 = case.client(Some(("PUT", 4)));
        let failed = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
        assert_eq!(
            failed.unwrap_err().as_request().unwrap().kind(),
            ErrorKind::AccessDenied
        );
        let there = case.sent(Operation::UploadPart);
        assert_eq!(there, 4);
        assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
        assert_eq!(resume.kept().len(), 1);

        let s3 = case.client(None);
        s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
            .await
            .unwrap();
        // Those that were sent and not recorded are sent again.
        assert!((PARTS..PARTS + 4).contains(&case.sent(Operation::UploadPart)));
        assert_eq!(
            s3.get("s3://b/k").await.unwrap().bytes().unwrap(),
            ramp(0, LEN)
        );
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    #[tokio::test]
    async fn a_changed_file_starts_over_and_its_upload_is_aborted() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let modified = fs::metadata(case.path("f")).unwrap().modified().unwrap();
        let s3 = case.client(Some(("PUT", 4)));
        s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
            .await
            .unwrap_err();
        let before = case.sent(Operation::UploadPart);
        // Same size, and the time is set back.
        spoil(&case.path("f"), 3);
        let file = fs::File::options()
            .write(true)
            .open(case.path("f"))
            .unwrap();
        file.set_modified(modified).unwrap();
        let s3 = case.client(None);
        s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
            .await
            .unwrap();
        assert_eq!(case.sent(Operation::UploadPart) - before, PARTS);
        let object = s3.get("s3://b/k").await.unwrap();
        assert_eq!(object.bytes().unwrap(), fs::read(case.path("f")).unwrap());
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    /// Sends 4 parts of the file `f`, and is then denied.
    async fn interrupt_upload(case: &Case) {
        let s3 = case.client(Some(("PUT", 4)));
        let failed = s3.resume_upload(case.path("f"), "s3://b/k", &case.resume());
        failed.await.unwrap_err();
        assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
    }

    /// Gives all parts of a journal another checksum, as if the bytes of the file were others.
    fn forge_checksums(journal: &Path) {
        let text = fs::read_to_string(journal).unwrap();
        let forge = |line: &str| {
            let (_, json) = line.split_once(' ').unwrap();
            let mut record: serde_json::Value = serde_json::from_str(json).unwrap();
            if record["part"].is_number() {
                record["crc"] = 0.into();
            }
            let json = record.to_string();
            let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, json.as_bytes());
            format!("{crc:08x} {json}\n")
        };
        fs::write(journal, text.lines().map(forge).collect::<String>()).unwrap();
    }

    #[tokio::test]
    async fn only_a_trusting_upload_does_not_read_the_file_again() {
        for trusts in [false, true] {
            let case = Case::new();
            fs::write(case.path("f"), ramp(0, LEN)).unwrap();
            interrupt_upload(&case).await;
            forge_checksums(&case.journals()[0]);
            let before = case.sent(Operation::UploadPart);
            let resume = match trusts {
                true => case.resume().trusting_files(),
                false => case.resume(),
            };
            let s3 = case.client(None);
            let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
            uploaded.unwrap();
            let sends_all = case.sent(Operation::UploadPart) - before == PARTS;
            assert_eq!(sends_all, !trusts);
        }
    }

    #[tokio::test]
    async fn an_upload_starts_over_if_its_parts_cannot_be_listed() {
        for (status, code) in [(403, "AccessDenied"), (501, "NotImplemented")] {
            let case = Case::new();
            fs::write(case.path("f"), ramp(0, LEN)).unwrap();
            interrupt_upload(&case).await;
            let s3 = case.refused("ListParts", status, code);
            let resume = case.resume();
            let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
            uploaded.unwrap();
            assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
            let object = s3.get("s3://b/k").await.unwrap();
            assert_eq!(object.bytes().unwrap(), ramp(0, LEN));
        }
    }

    #[tokio::test]
    async fn what_is_kept_stays_if_nothing_is_permitted() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        interrupt_upload(&case).await;
        let denied = FaultAction::status(403, "AccessDenied");
        let s3 = case.client_with(FaultPlan::none().with(FaultMatch::any().on(denied)));
        // As with credentials that have expired; also if the file is another one since.
        for has_changed in [false, true] {
            if has_changed {
                spoil(&case.path("f"), 3);
            }
            let failed = s3.resume_upload(case.path("f"), "s3://b/k", &case.resume());
            failed.await.unwrap_err();
            assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
        }
    }

    #[tokio::test]
    async fn an_upload_that_cannot_be_aborted_is_told_and_left() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        interrupt_upload(&case).await;
        spoil(&case.path("f"), 3);
        let s3 = case.refused("AbortMultipartUpload", 403, "AccessDenied");
        let resume = case.resume();
        let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
        uploaded.unwrap();
        assert_eq!((case.journals().len(), case.uploads().await), (0, 1));
        assert_eq!(resume.warnings().len(), 1);
        let object = s3.get("s3://b/k").await.unwrap();
        assert_eq!(object.bytes().unwrap(), fs::read(case.path("f")).unwrap());
    }

    #[tokio::test]
    async fn an_upload_that_is_gone_starts_over_if_the_object_cannot_be_read() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        // It is created and not completed.
        let s3 = case.client(Some(("POST", 1)));
        s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
            .await
            .unwrap_err();
        let cleanup = case.client(None).cleanup(Duration::ZERO);
        cleanup.uploads_below("s3://b/").await.unwrap();
        assert_eq!((case.journals().len(), case.uploads().await), (1, 0));
        let s3 = case.refused("HeadObject", 403, "AccessDenied");
        s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
            .await
            .unwrap();
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    /// Transfers a file both ways, which leaves nothing and warns once.
    async fn transfer_without_journal(case: &Case) {
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let (s3, resume) = (case.client(None), case.resume());
        let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
        uploaded.unwrap();
        let downloaded = s3.resume_download("s3://b/k", case.path("out"), &resume);
        downloaded.await.unwrap();
        assert_eq!(fs::read(case.path("out")).unwrap(), ramp(0, LEN));
        assert_eq!((resume.warnings().len(), case.uploads().await), (1, 0));
        assert_eq!(fs::read_dir(case.dir.path()).unwrap().count(), 3);
    }

    #[tokio::test]
    async fn a_transfer_needs_no_journal() {
        let case = Case::new();
        fs::write(case.path("state"), "no directory").unwrap();
        transfer_without_journal(&case).await;
    }

    #[tokio::test]
    async fn a_directory_that_others_can_write_to_has_no_journals() {
        let case = Case::new();
        fs::create_dir(case.path("state")).unwrap();
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(case.path("state"), open).unwrap();
        transfer_without_journal(&case).await;
        case.resume().interrupted(Duration::ZERO).unwrap_err();
    }

    #[tokio::test]
    async fn symbolic_links_in_place_of_our_files_are_not_followed() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let foreign = case.path("foreign");
        fs::write(&foreign, "of somebody else").unwrap();
        interrupt_upload(&case).await;
        let journal = case.journals().remove(0);
        fs::remove_file(&journal).unwrap();
        symlink(&foreign, &journal).unwrap();
        let s3 = case.client(None);
        let resume = case.resume();
        let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
        uploaded.unwrap();
        assert_eq!(resume.warnings().len(), 1);
        assert_eq!(fs::read(&foreign).unwrap(), b"of somebody else");
        fs::remove_file(&journal).unwrap();
        // The same for the partial file of a download.
        let s3 = case.client(Some(("GET", 4)));
        let download = s3.resume_download("s3://b/k", case.path("out"), &resume);
        download.await.unwrap_err();
        let kept = resume.interrupted(Duration::ZERO).unwrap().remove(0);
        let partial = kept.partial_file().unwrap();
        fs::remove_file(partial).unwrap();
        symlink(&foreign, partial).unwrap();
        let s3 = case.client(None);
        let download = s3.resume_download("s3://b/k", case.path("out"), &resume);
        download.await.unwrap_err();
        assert_eq!(fs::read(&foreign).unwrap(), b"of somebody else");
    }

    fn copy_of(from: &str) -> CopyRequest {
        let url = |text| s3_core::S3Url::parse(text).unwrap();
        CopyRequest::new(url(from), url("s3://b/copy"))
    }

    /// Copies `k` in parts of 5 MiB, and is denied after 4 of them.
    async fn interrupt_copy(case: &Case) {
        let s3 = case.client(Some(("PUT", 4)));
        let copied = s3.resume_copy(copy_of("s3://b/k"), &case.resume());
        copied.part_size(5 << 20).await.unwrap_err();
        assert_eq!(case.sent(Operation::UploadPartCopy), 4);
        assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
    }

    async fn copy(case: &Case) -> PutOutcome {
        let s3 = case.client(None);
        let copied = s3.resume_copy(copy_of("s3://b/k"), &case.resume());
        copied.part_size(5 << 20).await.unwrap()
    }

    #[tokio::test]
    async fn a_copy_goes_on_after_the_parts_that_are_there() {
        let case = Case::new();
        let put = case.client(None).put("s3://b/k", ramp(0, LEN));
        put.content_type("film/x").await.unwrap();
        interrupt_copy(&case).await;
        assert!(matches!(copy(&case).await, PutOutcome::Written(_)));
        assert!((PARTS..PARTS + 4).contains(&case.sent(Operation::UploadPartCopy)));
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
        let s3 = case.client(None);
        let copied = s3.get("s3://b/copy").await.unwrap();
        assert_eq!(copied.bytes().unwrap(), ramp(0, LEN));
        let info = s3.info("s3://b/copy").await.unwrap();
        assert_eq!(info.content_type(), Some("film/x"));
        // In one request, because it is one part.
        let small = s3.copy("s3://b/k", "s3://b/small").resume(&case.resume());
        small.await.unwrap();
        assert_eq!(case.sent(Operation::Copy), 1);
    }

    #[tokio::test]
    async fn a_copy_of_a_replaced_object_starts_over() {
        let case = Case::new();
        let s3 = case.client(None);
        s3.put("s3://b/k", ramp(0, LEN)).await.unwrap();
        interrupt_copy(&case).await;
        s3.put("s3://b/k", ramp(1, LEN)).await.unwrap();
        let before = case.sent(Operation::UploadPartCopy);
        copy(&case).await;
        assert_eq!(case.sent(Operation::UploadPartCopy) - before, PARTS);
        let copied = s3.get("s3://b/copy").await.unwrap();
        assert_eq!(copied.bytes().unwrap(), ramp(1, LEN));
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    #[tokio::test]
    async fn a_source_that_is_replaced_meanwhile_is_copied_again() {
        let case = Case::new();
        let s3 = case.client(None);
        s3.put("s3://b/k", ramp(0, LEN)).await.unwrap();
        // The third part waits, and the object is another one when it is copied.
        let slow = FaultAction::Stall {
            at: None,
            wait: Some(Duration::from_millis(300)),
        };
        let parts = FaultMatch::operation("UploadPartCopy");
        let copying = case.client_with(FaultPlan::none().with(parts.on(slow).skip(2)));
        let copied = copying.resume_copy(copy_of("s3://b/k"), &case.resume());
        let replace = async {
            while case.sent(Operation::UploadPartCopy) < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            s3.put("s3://b/k", ramp(1, LEN)).await.unwrap();
        };
        let (copied, ()) = tokio::join!(async { copied.part_size(5 << 20).await }, replace);
        copied.unwrap();
        let copied = s3.get("s3://b/copy").await.unwrap();
        assert_eq!(copied.bytes().unwrap(), ramp(1, LEN));
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    #[tokio::test]
    async fn an_upload_whose_completion_is_lost_is_known_by_its_token() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        // Its ETag is no MD5 of anything.
        let attributes = || {
            let mut attributes = Attributes::default();
            attributes.encryption = Some(s3_core::Encryption::new("aws:kms"));
            attributes
        };
        let lost = FaultMatch::operation("CompleteMultipartUpload").on(FaultAction::LoseReply);
        let s3 = case.client_with(FaultPlan::none().with(lost.times(1)));
        let upload = s3.resume_upload(case.path("f"), "s3://b/k", &case.resume());
        let outcome = upload.attributes(attributes()).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Written(_)));
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
        // The process ends before it learns of the completion.
        let denied = FaultAction::status(403, "AccessDenied");
        let lost = FaultMatch::operation("CompleteMultipartUpload").on(FaultAction::LoseReply);
        let unseen = FaultMatch::operation("HeadObject").on(denied);
        let s3 = case.client_with(FaultPlan::none().with(lost.times(1)).with(unseen));
        let upload = s3.resume_upload(case.path("f"), "s3://b/k2", &case.resume());
        upload.attributes(attributes()).await.unwrap_err();
        assert_eq!((case.journals().len(), case.uploads().await), (1, 0));
        let before = case.sent(Operation::UploadPart);
        let s3 = case.client(None);
        let upload = s3.resume_upload(case.path("f"), "s3://b/k2", &case.resume());
        upload.attributes(attributes()).await.unwrap();
        assert_eq!(case.sent(Operation::UploadPart), before);
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }

    #[tokio::test]
    async fn a_download_goes_on_and_fetches_spoilt_bytes_again() {
        let case = Case::new();
        let data = ramp(0, LEN);
        case.client(None)
            .put("s3://b/k", data.clone())
            .await
            .unwrap();
        let s3 = case.client(Some(("GET", 4)));
        let failed = s3
            .resume_download("s3://b/k", case.path("out"), &case.resume())
            .await;
        failed.unwrap_err();
        let before = case.sent(Operation::Get);
        let partial = fs::read_dir(case.dir.path()).unwrap().find_map(|entry| {
            let path = entry.unwrap().path();
            path.to_string_lossy()
                .ends_with(".s3-resume")
                .then_some(path)
        });
        assert!(!case.path("out").exists());
        let journal = fs::read_to_string(&case.journals()[0]).unwrap();
        let mut recorded = journal.split("\"part\":").skip(1);
        let part: u64 = recorded
            .next()
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let recorded = recorded.count() as u64 + 1;
        spoil(&partial.unwrap(), ((part - 1) * 5) << 20);
        let s3 = case.client(None);
        let done = s3
            .resume_download("s3://b/k", case.path("out"), &case.resume())
            .await;
        assert_eq!(done.unwrap().meta.size, LEN as u64);
        let fetched = case.sent(Operation::Get) - before;
        assert_eq!(fetched, PARTS - recorded + 1);
        assert_eq!(fs::read(case.path("out")).unwrap(), data);
        assert_eq!(
            (
                case.journals().len(),
                fs::read_dir(case.dir.path()).unwrap().count()
            ),
            (0, 2)
        );
    }

    #[tokio::test]
    async fn a_replaced_object_starts_over() {
        let case = Case::new();
        case.client(None)
            .put("s3://b/k", ramp(0, LEN))
            .await
            .unwrap();
        let s3 = case.client(Some(("GET", 4)));
        let path = case.path("out");
        s3.resume_download("s3://b/k", &path, &case.resume())
            .await
            .unwrap_err();
        let other = ramp(1, LEN);
        case.client(None)
            .put("s3://b/k", other.clone())
            .await
            .unwrap();
        let s3 = case.client(None);
        s3.resume_download("s3://b/k", &path, &case.resume())
            .await
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), other);
    }

    #[tokio::test]
    async fn what_is_kept_can_be_discarded() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        case.client(None)
            .put("s3://b/k", ramp(0, LEN))
            .await
            .unwrap();
        let put = case.client(Some(("PUT", 4)));
        put.resume_upload(case.path("f"), "s3://b/new", &case.resume())
            .await
            .unwrap_err();
        let get = case.client(Some(("GET", 4)));
        get.resume_download("s3://b/k", case.path("out"), &case.resume())
            .await
            .unwrap_err();
        let resume = case.resume();
        assert!(
            resume
                .interrupted(Duration::from_secs(60))
                .unwrap()
                .is_empty()
        );
        let kept = resume.interrupted(Duration::ZERO).unwrap();
        assert_eq!(kept.len(), 2);
        for transfer in kept {
            assert!(case.client(None).discard(transfer).await.unwrap());
        }
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
        assert_eq!(fs::read_dir(case.dir.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn an_upload_that_another_process_resumes_is_not_aborted() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let interrupt = async || {
            let put = case.client(Some(("PUT", 4)));
            put.resume_upload(case.path("f"), "s3://b/k", &case.resume())
                .await
                .unwrap_err();
            case.resume().interrupted(Duration::ZERO).unwrap().remove(0)
        };
        let kept = interrupt().await;
        let other = fs::File::open(kept.journal()).unwrap();
        other.lock().unwrap();
        assert!(!case.client(None).discard(kept.clone()).await.unwrap());
        assert_eq!(case.uploads().await, 1);
        drop(other);
        // The other one has started over since, because the file is another one, and was interrupted as well.
        fs::write(case.path("f"), ramp(1, LEN)).unwrap();
        let again = interrupt().await;
        assert!(!case.client(None).discard(kept.clone()).await.unwrap());
        assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
        assert!(case.client(None).discard(again).await.unwrap());
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
        // There is nothing left to discard.
        assert!(case.client(None).discard(kept).await.unwrap());
        assert_eq!(case.journals().len(), 0);
    }

    #[tokio::test]
    async fn a_file_that_is_there_is_replaced_or_stays() {
        let case = Case::new();
        let s3 = case.client(None);
        s3.put("s3://b/k", "new").await.unwrap();
        fs::write(case.path("out"), "old").unwrap();
        let get = || s3.resume_download("s3://b/k", case.path("out"), &case.resume());
        let error = get().if_absent().await.unwrap_err();
        let error = error.as_request().unwrap();
        assert_eq!(error.kind(), ErrorKind::LocalIo);
        assert_eq!(fs::read(case.path("out")).unwrap(), b"old");
        get().await.unwrap();
        assert_eq!(fs::read(case.path("out")).unwrap(), b"new");
        // In several parts.
        s3.put("s3://b/k", ramp(0, LEN)).await.unwrap();
        let error = get().if_absent().await.unwrap_err();
        let error = error.as_request().unwrap();
        assert_eq!(error.kind(), ErrorKind::LocalIo);
        let source = std::error::Error::source(error).unwrap();
        let source = source.downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(case.path("out")).unwrap(), b"new");
        // Neither a partial file nor a journal.
        assert_eq!((case.journals().len(), case.entries()), (0, 2));
        fs::remove_file(case.path("out")).unwrap();
        get().if_absent().await.unwrap();
        assert_eq!(fs::read(case.path("out")).unwrap(), ramp(0, LEN));
    }

    #[tokio::test]
    async fn put_and_get_of_files_go_on_when_asked() {
        let case = Case::new();
        fs::write(case.path("f"), ramp(0, LEN)).unwrap();
        let put = |s3: &S3| {
            s3.upload_file(case.path("f"), "s3://b/k")
                .resume(&case.resume())
        };
        put(&case.client(Some(("PUT", 4)))).await.unwrap_err();
        let before = case.sent(Operation::UploadPart);
        assert!(put(&case.client(None)).await.is_ok());
        assert!(case.sent(Operation::UploadPart) - before < PARTS);
        let get = |s3: &S3| {
            let get = s3.download_file("s3://b/k", case.path("out"));
            get.resume(&case.resume())
        };
        get(&case.client(Some(("GET", 4)))).await.unwrap_err();
        let before = case.sent(Operation::Get);
        let object = get(&case.client(None)).await.unwrap();
        assert!(case.sent(Operation::Get) - before < PARTS);
        assert_eq!(object.size(), LEN as u64);
        assert_eq!(object.bytes().unwrap(), ramp(0, LEN));
        let missing = case
            .client(None)
            .get("s3://b/none")
            .to_file(case.path("out"));
        let missing = missing.resume(&case.resume()).return_missing();
        assert!(matches!(missing.await.unwrap(), crate::Lookup::Missing(_)));
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    }
}
