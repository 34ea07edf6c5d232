//! Uploads: values, a large file, a directory, and existing objects.

use std::path::Path;

use s3_client::{ErrorClass, PutValue, S3, S3PutObject};
use serde_json::json;

use crate::chapter::{Chapter, MIB, Result, check, ramp};
use crate::fixture::{Fixture, LARGE};

pub(crate) async fn put_values(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Uploading text, bytes and readers");
    let written = s3
        .put("hello.txt", "hello, 世界")
        .content_type("text/plain; charset=utf-8")
        .await?;
    chapter.step(format!("put text: {written}"));
    s3.put("bytes.bin", vec![0xff, 0x00, 0x7f])
        .metadata(json!({"author": "tour", "größe": 3}))
        .await?;
    chapter.step("put three bytes with metadata");
    s3.put("empty", "").await?;
    chapter.step("put an empty object");
    s3.put(
        "reader",
        PutValue::reader(std::io::Cursor::new(ramp(3 * MIB))),
    )
    .await?;
    chapter.step("put 3 MiB from a reader of unknown length");
    let many = (0..100).map(|n| (format!("many/{n:03}"), format!("object {n}")));
    let written = s3.put_many(many).await?;
    check!(
        written.len() == 100,
        "{} of 100 objects were written",
        written.len()
    );
    chapter.step("put 100 objects in one call");
    Ok(())
}

pub(crate) async fn put_large(fixture: &Fixture, s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Uploading a large file in parts");
    let path = fixture.local.join("large.bin");
    std::fs::write(&path, &fixture.large)?;
    s3.upload_file(&path, "large.bin").await?;
    let speed = chapter.mib_per_second(LARGE);
    chapter.step(format!("uploaded {} MiB, {speed:.0} MiB/s", LARGE / MIB));
    let size = s3.info("large.bin").await?.size();
    check!(
        size == LARGE as u64,
        "the large file has {size} bytes in S3"
    );
    Ok(())
}

pub(crate) async fn put_directory(fixture: &Fixture, s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Uploading a directory");
    let directory = fixture.local.join("data");
    std::fs::create_dir_all(directory.join("deep"))?;
    for (name, text) in [
        ("one.txt", "one"),
        ("two.txt", "two"),
        ("deep/three.txt", "three"),
    ] {
        std::fs::write(directory.join(name), text)?;
    }
    let files = files_below(&directory)?;
    let written = s3
        .put_files(files.iter().map(|name| {
            S3PutObject::file(format!("data/{name}"), directory.join(name))
                .with_content_type("text/plain")
                .with_metadata(json!({"origin": name}))
        }))
        .await?;
    check!(
        written.len() == 3,
        "{} of 3 files were written",
        written.len()
    );
    chapter.step(format!(
        "uploaded {} files with a content type and metadata each",
        written.len()
    ));
    let missing = s3
        .put_files([
            ("data/x", directory.join("one.txt")),
            ("data/y", "nowhere".into()),
        ])
        .await;
    let error = missing.err().ok_or("a missing file was uploaded")?;
    check!(
        error.class() == ErrorClass::NotFound,
        "a missing file is {error}"
    );
    let sent = s3.info("data/x").return_missing().await?.exists();
    check!(!sent, "a file was sent although another one is missing");
    chapter.step(format!(
        "a batch with a missing file sends nothing: {error}"
    ));
    Ok(())
}

/// Lists regular files below a directory by their relative names, in order.
fn files_below(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{name:?} is no text"))?;
        if entry.file_type()?.is_dir() {
            names.extend(
                files_below(&entry.path())?
                    .iter()
                    .map(|below| format!("{name}/{below}")),
            );
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) async fn reject_overwriting(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Not overwriting");
    s3.put("hello.txt", "something else")
        .overwrite(false)
        .await?;
    check!(
        s3.get("hello.txt").await?.text()? == "hello, 世界",
        "the object was overwritten"
    );
    chapter.step("a put without overwrite keeps the object");
    let written = s3
        .put_many([("hello.txt", "x"), ("new", "y")])
        .overwrite(false)
        .await?;
    check!(
        written[0].already_there() && !written[1].already_there(),
        "written without overwrite: {written:?}"
    );
    chapter.step("of an existing and a new key, only the new one is written");
    Ok(())
}
