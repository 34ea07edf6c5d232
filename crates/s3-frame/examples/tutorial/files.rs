//! A local file to S3 and back.

use arrow_array::RecordBatch;
use s3_client::S3;
use s3_frame::Frames;

use crate::step::{Result, check, heading, say};

/// `df.to_csv("df.csv")`, `s3.upload_file(...)` and `s3.download_file(...)`
pub(crate) async fn upload_and_download(s3: &S3, frame: &RecordBatch) -> Result {
    let folder = tempfile::tempdir()?;
    let (local, copy) = (folder.path().join("df.csv"), folder.path().join("copy.csv"));
    heading("Upload a file to S3");
    let text = Frames::new(s3)
        .write_csv("df.csv")
        .index(true)
        .encode(frame)?;
    std::fs::write(&local, &text)?;
    let url = s3.upload_file(&local, "df.csv").await?;
    say(format!("df.csv, {} bytes, is {}", text.len(), url.url()));
    heading("Download a file from S3");
    s3.download_file("df.csv", &copy).await?;
    check!(
        std::fs::read(&copy)? == text,
        "the copy differs from the file"
    );
    say("copy.csv has the same bytes");
    Ok(())
}
