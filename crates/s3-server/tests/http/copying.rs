//! Properties that a copy takes over from its source.

use crate::harness::Server;

const ENCRYPTION: &str = "x-amz-server-side-encryption";

#[tokio::test]
async fn a_copy_to_another_class_is_encrypted_as_its_bucket_says() {
    let server = Server::open().await;
    let source = [
        "x-amz-server-side-encryption: AES256",
        "x-amz-meta-color: blue",
        "Content-Type: text/plain",
    ];
    server.ok("PUT /bkt/source", &source, "content").await;
    let class = "x-amz-storage-class: STANDARD_IA";
    let copy = ["x-amz-copy-source: /bkt/source", class];
    let default = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
                   <SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
                   </ServerSideEncryptionConfiguration>";
    for expected in [None, Some("aws:kms")] {
        if expected.is_some() {
            server.ok("PUT /bkt?encryption", &[], default).await;
        }
        let copied = server.ok("PUT /bkt/copy", &copy, "").await;
        assert_eq!(copied.header(ENCRYPTION), expected);
        let read = server.ok("GET /bkt/copy", &[], "").await;
        assert_eq!(read.header(ENCRYPTION), expected, "{read:?}");
        assert_eq!(read.header("x-amz-storage-class"), Some("STANDARD_IA"));
        assert_eq!(read.header("x-amz-meta-color"), Some("blue"));
        assert_eq!(read.header("content-type"), Some("text/plain"));
    }
}
