//! Tests of resumable uploads, downloads and copies, over an in-memory store with injected faults.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use s3_core::{ErrorKind, MemoryStore, Operation, Store};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, ramp};
use s3_transfer::Verified;

use super::*;
use crate::S3;

/// Size of a file: 12 parts of 5 MiB and a shorter one.
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

    /// Returns a client whose requests with a method fail from the `after`th on.
    fn client(&self, method: Option<(&str, u32)>) -> S3 {
        self.client_with(match method {
            Some((method, after)) => {
                let denied = FaultAction::status(403, "AccessDenied");
                FaultPlan::none().with(FaultMatch::method(method).on(denied).skip(after))
            }
            None => FaultPlan::none(),
        })
    }

    /// Returns a client whose requests for one operation are rejected.
    fn rejected(&self, operation: &str, status: u16, code: &str) -> S3 {
        let rejected = FaultAction::status(status, code);
        self.client_with(FaultPlan::none().with(FaultMatch::operation(operation).on(rejected)))
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

    /// Returns the number of files and directories.
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
async fn an_upload_resumes_after_the_parts_on_the_server() {
    let case = Case::new();
    fs::write(case.path("f"), ramp(0, LEN)).unwrap();
    let resume = case.resume();
    let s3 = case.client(Some(("PUT", 4)));
    let failed = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
    assert_eq!(
        failed.unwrap_err().as_request().unwrap().kind(),
        ErrorKind::AccessDenied
    );
    let sent = case.sent(Operation::UploadPart);
    assert_eq!(sent, 4);
    assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
    assert_eq!(resume.kept().len(), 1);

    let s3 = case.client(None);
    s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
        .await
        .unwrap();
    // Parts that were sent but not recorded are sent again.
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
    // The size is the same, and the modification time is set back.
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

/// Sends 4 parts of the file `f`, and then gets an access-denied response.
async fn interrupt_upload(case: &Case) {
    let s3 = case.client(Some(("PUT", 4)));
    let failed = s3.resume_upload(case.path("f"), "s3://b/k", &case.resume());
    failed.await.unwrap_err();
    assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
}

/// Changes the records of a journal.
fn rewrite(journal: &Path, mut change: impl FnMut(&mut serde_json::Value)) {
    let text = fs::read_to_string(journal).unwrap();
    let line = |line: &str| {
        let (_, json) = line.split_once(' ').unwrap();
        let mut record = serde_json::from_str(json).unwrap();
        change(&mut record);
        let json = record.to_string();
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, json.as_bytes());
        format!("{crc:08x} {json}\n")
    };
    fs::write(journal, text.lines().map(line).collect::<String>()).unwrap();
}

/// Changes the checksums of all parts in a journal, as if the file had other bytes.
fn forge_checksums(journal: &Path) {
    rewrite(journal, |record| {
        if record["part"].is_number() {
            record["crc"] = 0.into();
        }
    });
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
        let s3 = case.rejected("ListParts", status, code);
        let resume = case.resume();
        let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
        uploaded.unwrap();
        assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
        let object = s3.get("s3://b/k").await.unwrap();
        assert_eq!(object.bytes().unwrap(), ramp(0, LEN));
    }
}

#[tokio::test]
async fn journal_and_upload_are_kept_if_all_requests_are_denied() {
    let case = Case::new();
    fs::write(case.path("f"), ramp(0, LEN)).unwrap();
    interrupt_upload(&case).await;
    let denied = FaultAction::status(403, "AccessDenied");
    let s3 = case.client_with(FaultPlan::none().with(FaultMatch::any().on(denied)));
    // As with expired credentials; also if the file has changed since.
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
async fn an_upload_that_cannot_be_aborted_is_left_with_a_warning() {
    let case = Case::new();
    fs::write(case.path("f"), ramp(0, LEN)).unwrap();
    interrupt_upload(&case).await;
    spoil(&case.path("f"), 3);
    let s3 = case.rejected("AbortMultipartUpload", 403, "AccessDenied");
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
    // The upload is created and not completed.
    let s3 = case.client(Some(("POST", 1)));
    s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
        .await
        .unwrap_err();
    let cleanup = case.client(None).cleanup(Duration::ZERO);
    cleanup.uploads_below("s3://b/").await.unwrap();
    assert_eq!((case.journals().len(), case.uploads().await), (1, 0));
    let s3 = case.rejected("HeadObject", 403, "AccessDenied");
    s3.resume_upload(case.path("f"), "s3://b/k", &case.resume())
        .await
        .unwrap();
    assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
}

/// Uploads and downloads a file; neither leaves a journal, and there is one warning.
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
    fs::write(&foreign, "of another program").unwrap();
    interrupt_upload(&case).await;
    let journal = case.journals().remove(0);
    fs::remove_file(&journal).unwrap();
    symlink(&foreign, &journal).unwrap();
    let s3 = case.client(None);
    let resume = case.resume();
    let uploaded = s3.resume_upload(case.path("f"), "s3://b/k", &resume).await;
    uploaded.unwrap();
    assert_eq!(resume.warnings().len(), 1);
    assert_eq!(fs::read(&foreign).unwrap(), b"of another program");
    fs::remove_file(&journal).unwrap();
    // The same with a link in place of the partial file of a download.
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
    assert_eq!(fs::read(&foreign).unwrap(), b"of another program");
}

fn copy_of(from: &str) -> CopyRequest {
    let url = |text| s3_core::S3Url::parse(text).unwrap();
    CopyRequest::new(url(from), url("s3://b/copy"))
}

/// Copies `k` in parts of 5 MiB, and gets an access-denied response after 4 of them.
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
async fn a_copy_resumes_after_the_parts_on_the_server() {
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
    // An object of one part is copied in one request.
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
async fn a_source_that_is_replaced_during_a_copy_is_copied_again() {
    let case = Case::new();
    let s3 = case.client(None);
    s3.put("s3://b/k", ramp(0, LEN)).await.unwrap();
    // The third part stalls, and the object is replaced before it is copied.
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
async fn an_upload_whose_completion_response_is_lost_is_found_by_its_token() {
    let case = Case::new();
    fs::write(case.path("f"), ramp(0, LEN)).unwrap();
    // With KMS encryption, the ETag is not an MD5.
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
    // The client does not receive the response to the completion.
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
async fn a_download_resumes_and_fetches_corrupt_parts_again() {
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

/// Puts an object whose ETag is an MD5, and reads 4 parts of it.
async fn interrupt_download(case: &Case) {
    let url = s3_core::S3Url::parse("s3://b/k").unwrap();
    let put = s3_core::PutRequest::new(url, ramp(0, LEN).into());
    case.memory.put(put).await.unwrap();
    let s3 = case.client(Some(("GET", 4)));
    let get = s3.resume_download("s3://b/k", case.path("out"), &case.resume());
    get.await.unwrap_err();
}

#[tokio::test]
async fn a_resumed_download_is_compared_with_an_md5_etag() {
    let case = Case::new();
    interrupt_download(&case).await;
    let s3 = case.client(None);
    let get = s3.resume_download("s3://b/k", case.path("out"), &case.resume());
    assert_eq!(get.await.unwrap().verified, Verified::Etag);

    // The partial file has wrong bytes, and the journal has their checksums.
    let case = Case::new();
    interrupt_download(&case).await;
    let kept = case.resume().interrupted(Duration::ZERO).unwrap().remove(0);
    let partial = fs::File::options()
        .write(true)
        .open(kept.partial_file().unwrap())
        .unwrap();
    let wrong = vec![7; 5 << 20];
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &wrong);
    rewrite(&case.journals()[0], |record| {
        if let Some(part) = record["part"].as_u64() {
            partial
                .write_all_at(&wrong, (part - 1) * (5 << 20))
                .unwrap();
            record["crc"] = sum.into();
        }
    });
    let error = download_again(&case).await.unwrap_err();
    assert_eq!(error.as_request().unwrap().kind(), ErrorKind::Integrity);
    assert!(!case.path("out").exists());
    assert_eq!((case.journals().len(), case.entries()), (0, 1));
    download_again(&case).await.unwrap();
    assert_eq!(fs::read(case.path("out")).unwrap(), ramp(0, LEN));
}

async fn download_again(case: &Case) -> crate::Result<crate::FileDownload> {
    let s3 = case.client(None);
    let get = s3.resume_download("s3://b/k", case.path("out"), &case.resume());
    get.await
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
async fn kept_parts_can_be_discarded() {
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
    // Meanwhile another process has restarted the upload with a changed file, and was interrupted as well.
    fs::write(case.path("f"), ramp(1, LEN)).unwrap();
    let again = interrupt().await;
    assert!(!case.client(None).discard(kept.clone()).await.unwrap());
    assert_eq!((case.journals().len(), case.uploads().await), (1, 1));
    assert!(case.client(None).discard(again).await.unwrap());
    assert_eq!((case.journals().len(), case.uploads().await), (0, 0));
    // The upload is gone, and only the journal is removed.
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
    // The same with an object of several parts.
    s3.put("s3://b/k", ramp(0, LEN)).await.unwrap();
    let error = get().if_absent().await.unwrap_err();
    let error = error.as_request().unwrap();
    assert_eq!(error.kind(), ErrorKind::LocalIo);
    let source = std::error::Error::source(error).unwrap();
    let source = source.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(case.path("out")).unwrap(), b"new");
    // There is neither a partial file nor a journal.
    assert_eq!((case.journals().len(), case.entries()), (0, 2));
    fs::remove_file(case.path("out")).unwrap();
    get().if_absent().await.unwrap();
    assert_eq!(fs::read(case.path("out")).unwrap(), ramp(0, LEN));
}

#[tokio::test]
async fn put_and_get_of_files_resume_when_asked() {
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
