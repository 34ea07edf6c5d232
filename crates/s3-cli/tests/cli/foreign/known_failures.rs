//! Tests that a server cannot pass, each with the reason.

use std::path::Path;

use super::server::S3S_FS;

/// A test, and how the server fails it.
type Failure = (&'static str, &'static str);

/// Returns the tests that a server cannot pass. An unknown server has to pass all of them.
pub(super) fn of(server: &str) -> &'static [Failure] {
    match server {
        S3S_FS => S3S_FS_FAILURES,
        "seaweedfs" => SEAWEEDFS,
        "moto" => MOTO,
        "" => &[],
        other => {
            panic!("MFS3_TEST_SERVER={other}: no such list; s3s-fs, seaweedfs and moto have one")
        }
    }
}

/// s3s-fs 0.14.1.
const S3S_FS_FAILURES: &[Failure] = &[
    (
        "a_bucket_with_objects_is_removed_by_force_only",
        "deletes a bucket with objects",
    ),
    (
        "a_copy_that_was_killed_copies_only_missing_parts",
        LISTS_NO_TAGS,
    ),
    (
        "a_missing_bucket_cannot_be_written_to_which_is_3",
        "creates the bucket",
    ),
    (
        "a_moved_object_that_changes_stays",
        "ignores conditions of deletes",
    ),
    (
        "a_storage_class_is_the_one_asked_for",
        "takes only STANDARD",
    ),
    (
        "a_sync_that_was_killed_moves_only_missing_parts",
        LISTS_NO_TAGS,
    ),
    (
        "an_archived_object_is_readable_after_it_is_restored",
        "has no archive",
    ),
    ("an_encryption_is_the_one_asked_for", "does not keep it"),
    (
        "an_interrupted_upload_without_resume_leaves_nothing",
        LISTS_NO_UPLOADS,
    ),
    (
        "an_object_that_changes_before_its_copy_is_5",
        "ignores conditions of copies",
    ),
    (
        "an_upload_that_was_killed_sends_only_missing_parts",
        LISTS_NO_TAGS,
    ),
    (
        "an_upload_whose_completion_had_no_response_is_done",
        "denies access to an upload that does not exist",
    ),
    (
        "cat_prints_more_last_bytes_than_there_are",
        "responds with 500",
    ),
    (
        "empty_directories_are_keys_when_asked",
        "stores no key that ends in a slash",
    ),
    (
        "keys_that_cannot_be_paths_are_encoded_when_asked",
        "stores `d//x` as `d/x`",
    ),
    ("ls_shows_etags", "lists none"),
    (
        "sweep_aborts_uploads_that_no_journal_names",
        LISTS_NO_UPLOADS,
    ),
    ("versions_are_listed_read_and_copied", "has no versions"),
];

const LISTS_NO_TAGS: &str = "lists parts without tags, so that all are sent again";
const LISTS_NO_UPLOADS: &str = "has no request that lists uploads";

/// SeaweedFS 4.48.
const SEAWEEDFS: &[Failure] = &[
    (
        "an_archived_object_is_readable_after_it_is_restored",
        "has no archive",
    ),
    (
        "keys_that_cannot_be_paths_are_encoded_when_asked",
        "stores `d//x` as `d/x`",
    ),
];

/// moto 5.2.5, which does not check signatures.
const MOTO: &[Failure] = &[
    (
        "a_copy_that_was_killed_copies_only_missing_parts",
        LISTS_PARTS_AS_ANOTHER,
    ),
    (
        "a_presigned_address_is_for_one_method_and_one_object",
        "checks no signature",
    ),
    (
        "a_sync_that_was_killed_moves_only_missing_parts",
        LISTS_PARTS_AS_ANOTHER,
    ),
    (
        "an_object_that_changes_before_its_copy_is_5",
        "ignores conditions of copies",
    ),
    (
        "an_upload_that_was_killed_sends_only_missing_parts",
        LISTS_PARTS_AS_ANOTHER,
    ),
    (
        "sweep_aborts_uploads_that_no_journal_names",
        "says that each upload began in 2010",
    ),
    ("wrong_credentials_are_4", "checks no signature"),
];

const LISTS_PARTS_AS_ANOTHER: &str =
    "lists parts in a document of another name, so that all are sent again";

#[test]
fn every_known_failure_is_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/foreign");
    let mut sources = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        sources += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let tests: Vec<_> = sources
        .split("#[test]\nfn ")
        .filter_map(|rest| {
            let (name, body) = rest.split_once("() {\n")?;
            body.trim_start()
                .starts_with("check(|server|")
                .then_some(name)
        })
        .collect();
    assert!(tests.len() > 30, "{tests:?}");
    for (name, _) in [S3S_FS_FAILURES, SEAWEEDFS, MOTO].concat() {
        assert!(tests.contains(&name), "there is no test {name}");
    }
}
