//! The conformance suite of `Store`, run on every backend and wrapper.

use s3_core::{Capabilities, MemoryStore, SharedStore};
use s3_testkit::conformance::Harness;
use s3_testkit::{FaultPlan, FaultStore, S3Server, conformance_suite};
use s3s_fs::FileSystem;

use crate::access;

const BUCKET: &str = "conformance";

fn memory() -> MemoryStore {
    MemoryStore::with_buckets([BUCKET])
}

// The reference that the others are compared with.
conformance_suite!(memory_store, async { Harness::new(memory(), BUCKET) });

// Decorators forward every operation as it is.
conformance_suite!(decorated_store, async {
    let decorated = FaultStore::new(SharedStore::new(memory()), FaultPlan::none());
    Harness::new(SharedStore::new(decorated), BUCKET)
});

// The whole way over the wire: SDK, signatures, XML, TCP, our server, and back.
conformance_suite!(sdk_over_our_server, async {
    let server = S3Server::start(memory())
        .await
        .expect("loopback has a free port");
    Harness::new(server.sdk_store(), BUCKET).keeping(server)
});

// The same for the generated client, which sends the requests that the direct path does not.
conformance_suite!(generated_client_over_our_server, async {
    let server = S3Server::start(memory())
        .await
        .expect("loopback has a free port");
    let store = server.client_builder().sdk_retries(true).build();
    Harness::new(store, BUCKET).keeping(server)
});

// The same with a key of the customer (SSE-C), an expected owner of the bucket, and requests that the requester pays.
conformance_suite!(customer_key, access::harness(BUCKET, false));
conformance_suite!(
    customer_key_of_generated_client,
    access::harness(BUCKET, true)
);

// A second opinion: a server that we did not write, whose lacks are declared one by one.
conformance_suite!(sdk_over_s3s_fs, async {
    let root = tempfile::tempdir().expect("the system has a temporary directory");
    std::fs::create_dir(root.path().join(BUCKET)).expect("the directory is new");
    let service = FileSystem::new(root.path()).expect("the directory is there");
    let server = S3Server::builder_for(service)
        .start()
        .await
        .expect("loopback has a free port");
    let store = server
        .client_builder()
        .capabilities(s3s_fs_capabilities())
        .build();
    Harness::new(store, BUCKET)
        .failing(S3S_FS_FAILURES)
        .keeping((server, root))
});

/// The capabilities of s3s-fs 0.14.1.
fn s3s_fs_capabilities() -> Capabilities {
    let mut capabilities = Capabilities::aws();
    // Keys are paths: `a//b` and `dir/` are rejected, `./x` is stored and never listed, 255 bytes are a name.
    capabilities.exact_keys = false;
    // Conditions of reads are ignored, those on the source of a copy included.
    capabilities.get_if_match = false;
    // `If-None-Match: *` is looked at before the body is read, so that all of several writers win.
    capabilities.put_if_absent = false;
    // `If-Match` on a write is ignored.
    capabilities.put_if_match = false;
    // Tags, order and numbers of parts are not compared with the uploaded parts.
    capabilities.multipart_limits = false;
    // `ListMultipartUploads` is not implemented.
    capabilities.list_uploads = false;
    // Neither versioning nor tags are implemented.
    capabilities.versions = false;
    capabilities.tags = false;
    // Conditions of deletes are ignored.
    capabilities.delete_if_match = false;
    // `GetObjectAttributes` and `RestoreObject` are not implemented, and there are no archives.
    capabilities.object_attributes = false;
    capabilities.restore = false;
    // Checksums are not shown in listings, and those of uploads are not computed.
    capabilities.checksums = false;
    capabilities
}

/// Differences of s3s-fs 0.14.1 from S3 that no capability describes.
const S3S_FS_FAILURES: &[(&str, &str)] = &[
    (
        "attributes::an_object_without_content_type_is_binary",
        "it reports no content type",
    ),
    (
        "attributes::a_write_replaces_all_attributes",
        "it reports no content type",
    ),
    (
        "attributes::a_storage_class_comes_back",
        "it does not keep the storage class",
    ),
    (
        "attributes::a_key_of_kms_comes_back",
        "it does not keep the encryption",
    ),
    (
        "attributes::encryption_comes_back",
        "it does not keep the encryption",
    ),
    (
        "copy_delete::a_copy_may_be_encrypted_and_keeps_the_attributes",
        "it does not keep the encryption",
    ),
    ("copy_delete::a_copy_onto_itself_is_rejected", "it copies"),
    ("copy_delete::odd_keys_are_deleted_in_one_batch", PLUS),
    (
        "get::every_range_of_an_empty_object_is_rejected",
        "it computes the last byte of nothing",
    ),
    (
        "get::more_last_bytes_than_there_are_is_all_of_them",
        "it responds with 500",
    ),
    ("keys::percent", PLUS),
    ("keys::plus", PLUS),
    (
        "list::a_foreign_token_is_rejected",
        "it takes any text for a token",
    ),
    (
        "list::more_than_a_thousand_keys_take_two_pages",
        "it makes pages of any size",
    ),
    ("list::pages_of_one_key", PLUS),
    (
        "missing::a_directory_of_an_object_is_no_object",
        "it responds with 500 for a directory",
    ),
    (
        "missing::copying_from_and_to_a_missing_bucket",
        "it says that the key is missing",
    ),
    (
        "missing::getting_from_a_missing_bucket",
        "it says that the key is missing",
    ),
    (
        "missing::putting_into_a_missing_bucket",
        "it makes the bucket",
    ),
    (
        "missing::uploading_to_a_missing_bucket",
        "it begins the upload",
    ),
    ("multipart::a_completed_upload_takes_no_more_parts", DENIED),
    ("multipart::an_aborted_upload_is_gone", DENIED),
    (
        "multipart::parts_may_be_left_out",
        "it wants the numbers 1, 2, 3, …",
    ),
    ("parts::an_unknown_upload_has_no_parts", DENIED),
    ("rollup::odd_names_are_rolled_up_as_they_are", PLUS),
    (
        "rollup::the_delimiter_need_not_be_a_slash",
        "it cuts behind the first byte of the delimiter",
    ),
];

const PLUS: &str = "it says that keys are encoded for URLs, and lists them as they are";
const DENIED: &str = "it denies access to uploads that are not there";
