//! Downloads replace their target in one step: a reader of the old file never sees bytes of the new one.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use s3_core::StoreExt;
use s3_testkit::{FaultPlan, ramp};
use s3_tests::Case;
use s3_url::S3Url;

/// One object in one part, one in several parts, and one that is empty.
const SIZES: [usize; 3] = [2000, 20 << 20, 0];

async fn seed(case: &Case, len: usize) {
    let url = S3Url::from_parts("bkt", "root/k").unwrap();
    case.memory.put_bytes(url, ramp(0, len)).await.unwrap();
}

/// Replaces `path` by the object, and checks the bytes that a reader sees who had opened the file before.
async fn replaced(path: &Path, len: usize, download: impl AsyncFnOnce(&Path)) {
    fs::write(path, "the old file").unwrap();
    let mut old = File::open(path).unwrap();
    let before = old.metadata().unwrap().ino();
    download(path).await;
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert_eq!(text, "the old file", "{len} bytes were written over it");
    assert_eq!(fs::read(path).unwrap(), ramp(0, len));
    assert_ne!(fs::metadata(path).unwrap().ino(), before);
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_reader_of_the_old_target_never_sees_bytes_of_the_new_one() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        let path = case.work().join("target");
        for len in SIZES {
            seed(case, len).await;
            replaced(&path, len, async |path: &Path| {
                s3.download_file("k", path).await.unwrap();
            })
            .await;
            replaced(&path, len, async |path: &Path| {
                s3.get_files([("k", path)]).await.unwrap();
            })
            .await;
        }
        s3.close().await.unwrap();
    })
    .await;
}
