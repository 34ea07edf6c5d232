//! Listing, describing, copying, presigning, a client of a run, deleting, closing.

use std::time::Duration;

use s3_client::{Config, RunPath, S3};

use crate::chapter::{Chapter, Result, check};
use crate::fixture::Fixture;

pub(crate) async fn list(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Listing");
    let level = s3.list_paths().await?;
    let (objects, prefixes): (Vec<_>, Vec<_>) = level.iter().partition(|entry| !entry.is_prefix());
    check!(prefixes.len() == 2, "the root has {prefixes:?}");
    chapter.step(format!(
        "one level: {} objects, and {} and {}",
        objects.len(),
        prefixes[0].key(),
        prefixes[1].key()
    ));
    let tree = s3.list_recursive().at(["many", "data"]).await?;
    check!(tree.len() == 103, "the trees have {} objects", tree.len());
    chapter.step(format!("two trees: {} objects", tree.len()));
    Ok(())
}

pub(crate) async fn describe(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Describing");
    let info = s3.info("data/one.txt").await?;
    check!(
        info.content_type() == Some("text/plain"),
        "type {:?}",
        info.content_type()
    );
    check!(
        info.last_modified().is_some() && info.etag().is_some(),
        "incomplete: {info}"
    );
    chapter.step(format!("{info} of type text/plain"));
    let infos = s3
        .info_many((0..100).map(|n| format!("many/{n:03}")))
        .await?;
    check!(
        infos.len() == 100,
        "{} of 100 objects were described",
        infos.len()
    );
    chapter.step("described 100 objects in one call");
    Ok(())
}

pub(crate) async fn copy_and_share(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Copying and presigning");
    s3.copy("data/one.txt", "copy.txt").await?;
    let copy = s3.get("copy.txt").await?;
    check!(copy.text()? == "one", "the copy holds {:?}", copy.text());
    chapter.step("copied an object without downloading it");
    let link = s3.presign("copy.txt", Duration::from_secs(60)).await?;
    check!(
        link.contains("X-Amz-Signature="),
        "the URL is not signed: {link}"
    );
    chapter.step("presigned a URL that expires after a minute");
    Ok(())
}

pub(crate) async fn run_of_a_flow(fixture: &Fixture) -> Result {
    let mut chapter = Chapter::begin("A client of a run");
    let mut config = Config::default();
    config.datatools_s3root = Some(format!("s3://{}/metaflow/data", fixture.bucket));
    let run = S3::builder()
        .config(config)
        .run(RunPath::new("TrainFlow", "1234")?)
        .store(fixture.store.clone())
        .tmproot(&fixture.local)
        .build()?;
    let written = run.put("model/weights", "0.1 0.2").await?;
    check!(
        written
            .url()
            .ends_with("/metaflow/data/TrainFlow/1234/model/weights"),
        "the run writes to {written}"
    );
    let all = run.get_all().await?;
    check!(
        all.len() == 1 && all[0].key() == "model/weights",
        "the run holds {all:?}"
    );
    chapter.step(format!("wrote {written}"));
    Ok(())
}

pub(crate) async fn delete(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Deleting");
    s3.delete("copy.txt").await?;
    s3.delete("copy.txt").await?;
    check!(
        !s3.info("copy.txt").return_missing().await?.exists(),
        "the object is still there"
    );
    chapter.step("deleted an object, twice");
    let deleted = s3
        .delete_many((0..100).map(|n| format!("many/{n:03}")))
        .await?;
    check!(
        s3.list_recursive().at(["many"]).await?.is_empty(),
        "some objects are still there"
    );
    chapter.step(format!("deleted {} objects in one call", deleted.len()));
    Ok(())
}

pub(crate) async fn close(s3: &S3) -> Result {
    let mut chapter = Chapter::begin("Closing");
    let scratch = s3.scratch_path().ok_or("the client was closed already")?;
    s3.close().await?;
    check!(!scratch.exists(), "{} is still there", scratch.display());
    chapter.step(format!("{} is gone", scratch.display()));
    Ok(())
}
