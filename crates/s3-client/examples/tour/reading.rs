//! Downloads: one object, many, ranges, a large file, trees, and missing objects.

use futures_util::StreamExt;
use s3_client::{ErrorClass, S3, S3GetObject, S3Object};
use serde_json::json;

use crate::chapter::{Chapter, MIB, Result, check};
use crate::fixture::{Fixture, LARGE};

pub(crate) async fn read_objects(s3: &S3, large: &[u8]) -> Result {
    let mut chapter = Chapter::begin("Downloading one, many and ranges");
    let hello = s3.get("hello.txt").await?;
    check!(hello.text()? == "hello, 世界", "got {:?}", hello.text());
    check!(
        hello.content_type() == Some("text/plain; charset=utf-8"),
        "type {:?}",
        hello.content_type()
    );
    chapter.step(format!("got {hello}"));
    let bytes = s3.get("bytes.bin").await?;
    check!(
        bytes.metadata() == Some(&json!({"author": "tour", "größe": 3})),
        "metadata {:?}",
        bytes.metadata()
    );
    chapter.step(format!(
        "its metadata: {}",
        bytes.metadata().ok_or("no metadata")?
    ));
    check!(
        s3.get("empty").await?.size() == 0,
        "the empty object is not empty"
    );
    let objects = s3
        .get_many((0..100).rev().map(|n| format!("many/{n:03}")))
        .await?;
    for (object, n) in objects.iter().zip((0..100).rev()) {
        check!(
            object.text()? == format!("object {n}"),
            "{object} is out of order"
        );
    }
    chapter.step("got 100 objects in the order of their keys in the call");
    let part = s3
        .get(S3GetObject::new("large.bin", 40 * MIB as i64 + 5, 1000))
        .await?;
    let expected = &large[40 * MIB + 5..][..1000];
    check!(part.bytes()? == expected, "the range holds other bytes");
    let info = part.range_info().ok_or("no range info")?;
    check!(
        info.total_size == LARGE as u64,
        "the range is of {} bytes",
        info.total_size
    );
    chapter.step(format!(
        "got {} bytes at {} of {}",
        info.request_length, info.request_offset, info.total_size
    ));
    let beyond = s3
        .get(S3GetObject::new("hello.txt", 1000, 1))
        .await
        .err()
        .map(|error| error.class());
    check!(
        beyond == Some(ErrorClass::InvalidRange),
        "a range beyond the end is {beyond:?}"
    );
    chapter.step("a range beyond the end is an error");
    let mut stream = s3
        .get_many((0..100).map(|n| format!("many/{n:03}")))
        .stream();
    let mut bytes = 0;
    while let Some((_, object)) = stream.next().await {
        bytes += object?.size();
    }
    chapter.step(format!(
        "streamed 100 objects as they arrived, {bytes} bytes"
    ));
    Ok(())
}

pub(crate) async fn read_large(fixture: &Fixture, s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Downloading the large file");
    let object = s3.get("large.bin").await?;
    let speed = chapter.mib_per_second(LARGE);
    let path = object.path()?;
    chapter.step(format!("downloaded {object}, {speed:.0} MiB/s"));
    let scratch = s3.scratch_path().ok_or("the client is closed")?;
    check!(
        path.starts_with(&scratch),
        "{} is not in {}",
        path.display(),
        scratch.display()
    );
    check!(
        object.bytes()? == fixture.large,
        "the large file came back different"
    );
    chapter.step(format!(
        "it is in {} and equal byte for byte",
        scratch.display()
    ));
    let target = fixture.local.join("down.bin");
    s3.download_file("large.bin", &target).await?;
    check!(
        std::fs::metadata(&target)?.len() == LARGE as u64,
        "the download is cut"
    );
    chapter.step(format!("downloaded to {}", target.display()));
    Ok(())
}

pub(crate) async fn read_trees(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Downloading trees");
    let data = s3.get_recursive(["data/"]).await?;
    let keys: Vec<_> = data.iter().map(S3Object::key).collect();
    check!(
        keys == ["deep/three.txt", "one.txt", "two.txt"],
        "data/ holds {keys:?}"
    );
    chapter.step(format!("everything below data/: {keys:?}"));
    let all = s3.get_all().await?;
    let bytes: u64 = all.iter().map(S3Object::size).sum();
    check!(all.len() == 109, "the root holds {} objects", all.len());
    chapter.step(format!(
        "everything: {} objects, {} MiB",
        all.len(),
        bytes as usize / MIB
    ));
    Ok(())
}

pub(crate) async fn meet_missing_objects(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Missing objects");
    let error = s3
        .get("nothing")
        .await
        .err()
        .ok_or("an object came out of nothing")?;
    check!(
        error.class() == ErrorClass::NotFound,
        "a missing object is {error}"
    );
    chapter.step(format!("as an error: {error}"));
    let objects = s3
        .get_many(["nothing", "hello.txt"])
        .return_missing()
        .await?;
    check!(
        !objects[0].exists() && objects[1].exists(),
        "missing and found: {objects:?}"
    );
    chapter.step(format!("as a result: {}", objects[0]));
    Ok(())
}
