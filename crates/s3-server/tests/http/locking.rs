//! An object and its lock, its key and its access list appear in one step.

use std::sync::Arc;
use std::time::Duration;

use s3_core::{
    BucketRequest, Capabilities, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest,
    DeleteResponse, GetRequest, GetResponse, HeadRequest, ListPage, ListRequest, ListVersions,
    MemoryStore, ObjectMeta, PartTag, PutRequest, PutResponse, Result, SetVersioning, SharedStore,
    Store, UploadId, UploadPart, Versioning, VersionsPage,
};
use s3_server::Service;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::harness::{Response, Server};

/// A store whose writes of `slow` respond late: after they took effect, each waits for a permit.
#[derive(Debug)]
struct LateStore {
    memory: MemoryStore,
    responses: Arc<Semaphore>,
}

impl LateStore {
    async fn late(&self, url: &s3_core::S3Url) {
        if url.key() == "slow" {
            self.responses.acquire().await.unwrap().forget();
        }
    }
}

impl Store for LateStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        self.memory.get(request).await
    }
    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        self.memory.head(request).await
    }
    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let url = request.url.clone();
        let response = self.memory.put(request).await;
        self.late(&url).await;
        response
    }
    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        let url = request.to.clone();
        let response = self.memory.copy(request).await;
        self.late(&url).await;
        response
    }
    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.memory.delete(request).await
    }
    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        self.memory.list_page(request).await
    }
    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        self.memory.create_upload(request).await
    }
    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        self.memory.upload_part(request).await
    }
    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let url = request.url.clone();
        let response = self.memory.complete_upload(request).await;
        self.late(&url).await;
        response
    }
    async fn list_versions(&self, request: ListVersions) -> Result<VersionsPage> {
        self.memory.list_versions(request).await
    }
    async fn create_bucket(&self, request: BucketRequest) -> Result<()> {
        self.memory.create_bucket(request).await
    }
    async fn versioning(&self, request: BucketRequest) -> Result<Option<Versioning>> {
        self.memory.versioning(request).await
    }
    async fn set_versioning(&self, request: SetVersioning) -> Result<()> {
        self.memory.set_versioning(request).await
    }
}

/// Returns a server with a bucket with object lock, and the permits of its responses.
async fn late_server() -> (Arc<Server>, Arc<Semaphore>) {
    let responses = Arc::new(Semaphore::new(0));
    let store = LateStore {
        memory: MemoryStore::with_buckets(["bkt"]),
        responses: Arc::clone(&responses),
    };
    let service = Service::builder(SharedStore::new(store)).allow_anonymous();
    let server = Arc::new(Server::start(service.build()).await);
    let lock = ["x-amz-bucket-object-lock-enabled: true"];
    server.ok("PUT /locked", &lock, "").await;
    (server, responses)
}

const HOLD: &str = "x-amz-object-lock-legal-hold: ON";

/// Sends a request on its own task.
fn begun(
    server: &Arc<Server>,
    line: &'static str,
    headers: &'static [&str],
    body: String,
) -> tokio::task::JoinHandle<Response> {
    let server = Arc::clone(server);
    tokio::spawn(async move { server.send(line, headers, &body).await })
}

/// Returns the version of the object `slow` once it is in the store.
async fn version_of_slow(server: &Server) -> String {
    loop {
        let listed = server.ok("GET /locked?versions&prefix=slow", &[], "").await;
        if let Some((_, rest)) = listed.body.split_once("<VersionId>") {
            return rest.split_once('<').unwrap().0.to_owned();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_version_is_locked_from_its_first_moment() {
    for way in ["put", "copy", "upload"] {
        let (server, responses) = late_server().await;
        let writing = match way {
            "put" => begun(&server, "PUT /locked/slow", &[HOLD], "content".to_owned()),
            "copy" => {
                server.ok("PUT /bkt/source", &[], "content").await;
                let headers = &[HOLD, "x-amz-copy-source: /bkt/source"];
                begun(&server, "PUT /locked/slow", headers, String::new())
            }
            _ => {
                let created = server.ok("POST /locked/slow?uploads", &[HOLD], "").await;
                let (_, rest) = created.body.split_once("<UploadId>").unwrap();
                let id = rest.split_once('<').unwrap().0;
                let part = format!("PUT /locked/slow?partNumber=1&uploadId={id}");
                let part = server.ok(&part, &[], "content").await;
                let etag = part.header("etag").unwrap();
                let parts = format!(
                    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
                     </CompleteMultipartUpload>"
                );
                let line: &'static str = format!("POST /locked/slow?uploadId={id}").leak();
                begun(&server, line, &[], parts)
            }
        };
        let version = version_of_slow(&server).await;
        let line: &'static str = format!("DELETE /locked/slow?versionId={version}").leak();
        let reading = begun(&server, "HEAD /locked/slow", &[], String::new());
        let deleting = begun(&server, line, &[], String::new());
        let batch = format!(
            "<Delete><Object><Key>slow</Key><VersionId>{version}</VersionId></Object></Delete>"
        );
        let purging = begun(&server, "POST /locked?delete", &[], batch);
        // Other keys are not held up.
        server.ok("PUT /locked/other", &[HOLD], "content").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        responses.add_permits(1);
        let soon = Duration::from_secs(20);
        assert_eq!(timeout(soon, writing).await.unwrap().unwrap().status, 200);
        let read = timeout(soon, reading).await.unwrap().unwrap();
        let hold = read.header("x-amz-object-lock-legal-hold");
        assert_eq!((read.status, hold), (200, Some("ON")), "{way}: {read:?}");
        assert_eq!(deleting.await.unwrap().status, 403, "{way}");
        let purged = purging.await.unwrap();
        assert_eq!(purged.code(), Some("AccessDenied"), "{way}: {purged:?}");
        let read = server.ok("GET /locked/slow", &[], "").await;
        assert_eq!(read.body, "content", "{way}");
    }
}
